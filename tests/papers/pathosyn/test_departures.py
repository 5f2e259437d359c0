"""The block of departures of PathoSyn: complete, true to the settings that run, no arm made up."""

import json
import re
from dataclasses import replace

from lib.claims import ledger
from lib.papers.departures import COLUMNS
from lib.papers.pathosyn import arms, evaluation, printed, sizes
from lib.papers.pathosyn.departures import departures
from lib.phantoms import brain
from lib.profiles import PROFILES, QUICK, Plan

WAITS = {"PS-E15"}  # its row names the number of DDIM steps, which the generator's settings hold
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
        assert cited == set(known) - WAITS, "all thirty contradictions have their place"
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


def test_departures_follow_arms_and_print(monkeypatch):
    few = replace(arms.SEGMENTERS["meanteacher"], labelled=0.3)
    monkeypatch.setitem(arms.SEGMENTERS, "meanteacher", few)
    monkeypatch.setitem(printed.TABLE1, "pathosyn_diff", {"cos": 0.099, "mi": 0.21})
    text = json.dumps(evaluation.segmentation(sizes.SIZES["full"]), ensure_ascii=False)
    assert "30 % of the training subjects" in text
    assert "a cosine of 0.099" in said()
    assert "80 contrasts" in said() and "10 % of the training" not in said()
