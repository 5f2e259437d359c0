"""The block of departures of PathoSyn: complete, true to the settings that run, no arm made up."""

import json
import re
from dataclasses import replace

from lib.claims import ledger
from lib.generators.deviation import DeviationSettings
from lib.generators.patchgan import PatchGanSettings
from lib.papers.departures import COLUMNS
from lib.papers.pathosyn import arms, evaluation, printed, sizes
from lib.papers.pathosyn import departures as module
from lib.papers.pathosyn.departures import departures
from lib.phantoms import brain
from lib.profiles import PROFILES, QUICK, Plan

ROWS = {"lesion_kid"}  # a row's metric that the text names


def said(profile=QUICK):
    return json.dumps(departures(Plan(profile)), ensure_ascii=False)


def test_departures_are_complete_and_cite_what_exists():
    known = {e["id"]: e["severity"] for e in ledger.inconsistencies() if e["paper"] == "pathosyn"}
    claims = {claim["id"] for claim in ledger.by_paper("pathosyn")}
    for profile in PROFILES.values():
        rows = [row for rows in departures(Plan(profile)).values() for row in rows]
        assert all(set(row) == set(COLUMNS) for row in rows)
        assert all(row[column].strip() for row in rows for column in COLUMNS)
        text = said(profile)
        cited = set(re.findall(r"PS-E\d\d", text))
        assert cited == set(known), "all thirty contradictions have their place"
        assert set(re.findall(r"PS-\d\d", text)) <= claims


def test_arms_that_the_text_names_are_arms_of_a_study():
    named = set(re.findall(r"`(\w[\w.]*)`", said()))
    assert named - ROWS <= {*arms.SOURCES, *arms.SEGMENTERS}
    assert set(arms.LITERAL) <= named, "every literal reading is named"


def test_departures_follow_law_and_sizes(monkeypatch):
    plain = said()
    assert "0.11 to 0.99" not in plain and "777" not in plain
    law = replace(brain.BRAIN, flair_contrast=(0.11, 0.99))
    monkeypatch.setitem(brain.LAWS, "brain", law)
    changed = {"subjects": (70, 9, 777), "added": 1234, "segment_steps": 99, "judged": 4321}
    monkeypatch.setitem(sizes.SIZES, "full", replace(sizes.SIZES["full"], **changed))
    text = said()
    assert "0.11 to 0.99" in text and "70 / 9 / 777" in text and "1,234 slices" in text
    assert "99 steps of 16 slices" in text and "4,321 samples" in text


def test_departures_of_the_model_follow_its_settings(monkeypatch):
    """A typed number would stay as it is."""
    steps = replace(sizes.SIZES["full"], sampler_steps=37, diff_steps=4567, length=500)
    monkeypatch.setitem(sizes.SIZES, "full", steps)
    names = {"out_weight": "λ_out", "in_weight": "λ_in", "diff_weight": "λ_diff",
             "dev_weight": "λ_dev", "syn_weight": "λ_syn", "pat_weight": "λ_pat",
             "ring_weight": "λ_ring", "leak_weight": "λ_leak"}  # fmt: skip
    values = {field: 11.5 + i for i, field in enumerate(names)}
    other = DeviationSettings(**values, delta=7.5, sigma=2.25, rate=3e-3, pad=9, sides=(18, 28),
                              average=0.9, batch=13, by_signal=False)  # fmt: skip
    monkeypatch.setattr(module, "DeviationSettings", lambda: other)
    gan = PatchGanSettings(sd=0.77, pixels=321, delay=654, critic_rate=0.25)
    monkeypatch.setattr(module, "PatchGanSettings", lambda: gan)
    text = said()
    for field, name in names.items():
        assert f"{name} {values[field]:g}" in text
    for words in ("DDIM, 37 steps out of 500", "δ 7.5 root", "σ 2.25 pixel", "rate 0.003 with",
                  "4,567 steps of 13 slices", "with 9 pixels of room", "18, 28 pixels a side",
                  "decay 0.9)", "not weighted by √ᾱ_t", "deviation 0.77 root", "for 321 pixels",
                  "after 654 steps, at 0.25 of the rate"):  # fmt: skip
        assert words in text, words


def test_departures_follow_arms_and_print(monkeypatch):
    few = replace(arms.SEGMENTERS["meanteacher"], labelled=0.3)
    monkeypatch.setitem(arms.SEGMENTERS, "meanteacher", few)
    monkeypatch.setitem(printed.TABLE1, "pathosyn_diff", {"cos": 0.099, "mi": 0.21})
    text = json.dumps(evaluation.segmentation(sizes.SIZES["full"]), ensure_ascii=False)
    assert "30 % of the training subjects" in text
    assert "a cosine of 0.099" in said()
    assert "80 contrasts" in said() and "10 % of the training" not in said()
