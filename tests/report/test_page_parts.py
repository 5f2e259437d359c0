"""A page shows the record where a run has nothing of its own; differences go by draw."""

from dataclasses import asdict

import numpy as np
import pytest

from lib import paths
from lib.generators import hvae
from lib.jobs import Result
from lib.record import panels, rows
from lib.record.rows import RecordError
from lib.report.page import Page
from lib.report.rows import Regime


@pytest.fixture
def page(tmp_path, monkeypatch):
    for name in ("METRICS", "RECORD"):
        monkeypatch.setattr(paths, name, tmp_path / name.lower())
    monkeypatch.delenv(paths.RECORD_ONLY, raising=False)
    return Page("dhvae/03_method", "smoke")


def test_a_panel_without_draws_is_the_records(page):
    panels.save(page.item, "seen", {"x": np.arange(3)})
    panels.keep(page.item)
    (paths.METRICS / f"{page.item}.h5").unlink()
    assert page.panel("seen", dict)["x"].tolist() == [0, 1, 2]
    assert page.panel("seen", lambda: {"x": np.arange(2)})["x"].tolist() == [0, 1]


def test_a_page_opens_with_the_time_of_a_draw_that_the_record_measured(page, monkeypatch):
    said = []
    monkeypatch.setattr(Page, "text", lambda self, text: said.append(text))
    page._open()
    draws = {"0/0": (0.5, ""), "0/1": (0.6, "")}
    mine, paths.METRICS = paths.METRICS, paths.RECORD
    made = [{"arm": "real", "metric": "auc", "draws": draws}]
    rows.write(page.item, "smoke", made, seconds=1200.0)
    paths.METRICS = mine
    page._open()
    own = "*Profile `smoke`: 2 draws computed here; the record has"
    assert said == [
        f"{own} no draw yet.*",
        f"{own} 2 draws of an arm at most, and a draw took one core at most 10 min.*",
    ]


def test_a_panel_of_an_earlier_law_is_known_by_its_job_whatever_its_values(page, monkeypatch):
    page.panel("held", lambda: {"x": np.arange(3)}, of=page.study.reference)
    assert page.is_todays("held", page.study.reference)
    panels.save(page.item, "held", {"x": np.arange(3)}, "a job of another law")
    panels.keep(page.item)
    monkeypatch.setenv(paths.RECORD_ONLY, "1")
    assert page.panel("held", dict)["x"].tolist() == [0, 1, 2]
    assert not page.is_todays("held", page.study.reference)


def test_what_another_processor_made_is_not_of_earlier_code(page, monkeypatch):
    """Who reads the record on a laptop of the other precision sees today's panels and models."""
    other = page.study.reader
    elsewhere = next(key for key in other.keys.values() if key != other.key)
    panels.save(page.item, "held", {"x": np.arange(3)}, elsewhere)
    assert page.is_todays("held", other)


def test_a_lead_is_paired_by_draw():
    def row(arm, draws, here):
        return {"arm": arm, "metric": "auc", "draws": draws, "values": [*draws.values()],
                "here": here}  # fmt: skip

    one = row("one", {"0/0": 0.75, "0/1": 0.5, "0/2": None}, ["0/0", "0/1"])
    other = row("other", {"0/1": 0.25, "0/2": 0.5, "0/3": 0.1}, ["0/1", "0/2"])
    at = Regime("bare", [one, other])
    assert at.lead("one", "other", "auc") == {"0/1": 0.25}
    assert at.here("auc", "one", "other") == {"0/1"}


def test_figures_say_once_a_model_of_earlier_code_is_shown(page, monkeypatch, tmp_path):
    monkeypatch.setattr(paths, "FIGURES", tmp_path)
    monkeypatch.setenv(paths.RECORD_ONLY, "1")
    monkeypatch.setattr("lib.record.models.suits", lambda *_: True)
    job = page.study.warm(0)
    for key, told in (("record", False), ("record, of other code or seed", True)):
        monkeypatch.setattr("lib.record.models.load", lambda *_, where=key: (None, where))
        page.model("vae_flair", job)
        with page.figure("Samples."):
            pass
        assert ("earlier code" in page.figures[-1]["caption"]) == told


def test_a_recorded_model_that_todays_networks_refuse_is_fitted_here(page, monkeypatch, capsys):
    made, job = Result({}, {"settings": {}}), page.study.warm(0)
    old = Result({"model/weight": np.zeros(3)}, {"settings": asdict(hvae.VAE)})
    monkeypatch.setattr("lib.record.models.load", lambda *_: (old, "record, of other code or seed"))
    monkeypatch.setattr("lib.jobs.run", lambda _: None)
    monkeypatch.setattr("lib.jobs.load", lambda _: made)
    assert page.model("vae_flair", job) is made
    assert "vae_flair: fitted here" in capsys.readouterr().out
    monkeypatch.setenv(paths.RECORD_ONLY, "1")
    with pytest.raises(RecordError, match="does not suit today's networks; make it anew"):
        page.model("vae_flair", job)


def test_tables_and_checks_spell_names_as_one_writes_them(page, monkeypatch):
    shown = []
    monkeypatch.setattr(page, "text", shown.append)
    page.table(["FD, flair", np.int64(4)], [["pet", 3], ["beta_pet", "dhvae/table1_beta"]])
    head, _, *lines = shown[0].splitlines()
    assert head == "| FD, FLAIR | 4 |"
    assert lines == ["| PET | 3 |", "| beta_pet | dhvae/table1_beta |"]
    page.table(["", "in the reader's eyes"], [])
    assert shown[1] == "*Table “in the reader's eyes”: no rows so far.*"
    page.check("flair: nothing is lost", True)
    assert page.held == ["FLAIR: nothing is lost"]
