"""The block of departures of PA-VAE: complete, true to what jobs draw and what recipes try."""

import re
from dataclasses import replace

from lib.papers.departures import COLUMNS
from lib.papers.pavae import arms, departures
from lib.papers.pavae.study import study
from lib.profiles import PROFILES, QUICK, Plan

NOISELESS = re.compile(r"no (pixel )?noise|without noise|samples have none|is the mean of p\(x")


def rows(profile=QUICK):
    return [row for theme in departures.departures(Plan(profile)).values() for row in theme]


def test_departures_are_complete():
    for profile in PROFILES.values():
        assert all(row[column].strip() for row in rows(profile) for column in COLUMNS)


def test_noisy_samples_are_not_said_to_be_without_noise():
    """What "a sample" is stands in one row, and that row agrees with the job of the pool."""
    (row,) = [row for row in rows() if re.search("what a “?sample”? is", row["paper"])]
    pool = study(Plan(QUICK)).pool(arms.MAIN["pavae"], 0).spec["args"]
    assert pool.get("noisy", True), "the rest of this test is about noisy pools"
    assert "noise" in row["ours"]
    assert not any(NOISELESS.search(row[part]) for row in rows() for part in ("ours", "open"))


def test_the_weights_of_the_mask_loss_that_were_tried_are_all_named(monkeypatch):
    (row,) = [row for row in rows() if row["paper"].startswith("λ_m is in no table")]
    assert "2 and 8 were tried" in row["open"] and "largest" not in row["open"]
    third = replace(arms.RECIPES["try_mask_4"], name="try", changes={"lambda_mask": 12.5})
    monkeypatch.setitem(departures.RECIPES, "try", third)
    assert any("12.5 were tried" in row["open"] for row in rows())


def test_the_share_of_the_prior_at_its_clamp_is_the_records(monkeypatch):
    def rows_of(*values):
        return {"rows": [{"arm": "pavae", "metric": "prior_at_clamp", "values": list(values)},
                         {"arm": "vae", "metric": "prior_at_clamp", "values": [0.9]}]}  # fmt: skip

    for page, said in ((rows_of(0.5, 0.75), "62% stand at the upper end after training, 2 draws"),
                       (rows_of(0.25), "25% stand at the upper end after training, one draw")):
        monkeypatch.setattr(departures.draws, "merged", lambda *_, p=page, **__: p)
        assert any(said in row["ours"] for row in rows())
    monkeypatch.setattr(departures.draws, "merged", lambda *_, **__: None)
    assert not any("stand at the upper end" in row["ours"] for row in rows())
