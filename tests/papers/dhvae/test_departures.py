"""The block of departures of dHVAE: complete, true to the settings that run, no arm made up."""

import json
import re
from dataclasses import replace

from lib.claims import ledger
from lib.generators import hvae
from lib.metrics import masks
from lib.papers.departures import COLUMNS
from lib.papers.dhvae import arms, sizes
from lib.papers.dhvae.departures import departures
from lib.papers.dhvae.study import study
from lib.papers.dhvae.tables import Table5
from lib.phantoms import brain
from lib.profiles import PROFILES, QUICK, Plan


def said(profile=QUICK):
    return json.dumps(departures(Plan(profile)), ensure_ascii=False)


def test_departures_are_complete_and_cite_what_exists():
    known = {entry["id"]: entry["severity"] for entry in ledger.inconsistencies()}
    claims = {claim["id"] for claim in ledger.by_paper("dhvae")}
    for profile in PROFILES.values():
        rows = [row for rows in departures(Plan(profile)).values() for row in rows]
        assert all(set(row) == set(COLUMNS) for row in rows)
        assert all(row[column].strip() for row in rows for column in COLUMNS)
        text = said(profile)
        cited = set(re.findall(r"DH-E\d\d", text))
        assert cited <= set(known) and set(re.findall(r"DH-\d\d", text)) <= claims
        blocking = {id_ for id_, s in known.items() if s == "B" and id_.startswith("DH-")}
        assert len(blocking) == 12 and blocking <= cited, "B blocks an exact rerun"


def test_noisy_samples_are_not_said_to_be_without_noise():
    """What "a sample" is stands in one row, and that row agrees with the job of the pool."""
    rows = [row for theme in departures(Plan(QUICK)).values() for row in theme]
    (row,) = [row for row in rows if re.search("what a “?sample”? is", row["paper"])]
    assert study(Plan(QUICK)).pool(arms.SOURCES["dhvae"], 0).spec["args"]["noisy"]
    assert "noise" in row["ours"]
    wrong = re.compile(r"no (pixel )?noise|without noise|samples have none|the mean of p\(x")
    assert not any(wrong.search(row[part]) for row in rows for part in ("ours", "open"))


def test_arms_that_the_text_names_are_arms_of_a_study():
    there = {*arms.SOURCES, *arms.table4_arms(), Table5.fixed.name, *arms.DICE}
    named = set(re.findall(r"`(\w[\w.]*)`", said()))
    assert named - {"_reweighted", "_pretrained"} <= there
    assert "_reweighted" not in named or any(name.endswith("_reweighted") for name in there)


def test_departures_follow_the_settings_of_the_generators(monkeypatch):
    plain = said()
    assert "K = 7" not in plain and "SD 0.123" not in plain
    changed = replace(hvae.DHVAE, leapfrog=7, beta0=0.77)
    monkeypatch.setitem(arms.PRESETS, "dhvae", changed)
    monkeypatch.setitem(arms.LIKELIHOODS["flair"], "sd", 0.123)
    text = said()
    assert "K = 7" in text and "SD 0.123" in text and "β₀ = 0.77" in text
    assert plain != text


def test_departures_follow_laws_and_scores(monkeypatch):
    law = replace(brain.BRAIN, flair_contrast=(0.11, 0.99))
    monkeypatch.setitem(brain.LAWS, "brain", law)
    monkeypatch.setattr(masks, "EPS", 3e-5)
    assert "0.11 to 0.99" in said() and "3e-05" in said()


def test_departures_follow_the_sizes(monkeypatch):
    changed = {"test_volumes": 777, "judged_pairs": 4321, "slice_steps": 99, "volume_share": 3}
    monkeypatch.setitem(sizes.SIZES, "full", replace(sizes.SIZES["full"], **changed))
    text = said()
    assert "777 fresh test volumes" in text and "4,321 samples" in text
    assert "99 steps of 16 slices" in text and "draws of 10 volumes" in text
    assert " of 2 volumes" in text
