"""The block of departures of ControlNet: complete, and true to settings and print."""

import json
import re
from dataclasses import replace

from lib.claims import ledger
from lib.generators import preference
from lib.papers.controlnet import departures as module
from lib.papers.controlnet import printed
from lib.papers.controlnet.departures import departures
from lib.papers.departures import COLUMNS
from lib.profiles import PROFILES, QUICK, Plan


def said(profile=QUICK) -> str:
    return json.dumps(departures(Plan(profile)), ensure_ascii=False)


def test_departures_are_complete_and_cite_what_exists():
    known = {e["id"] for e in ledger.inconsistencies() if e["paper"] == "controlnet"}
    claims = {claim["id"] for claim in ledger.by_paper("controlnet")}
    for profile in PROFILES.values():
        rows = [row for rows in departures(Plan(profile)).values() for row in rows]
        assert all(set(row) == set(COLUMNS) for row in rows)
        assert all(row[column].strip() for row in rows for column in COLUMNS)
        text = said(profile)
        assert set(re.findall(r"CN-E\d\d", text)) == known, "all 23 contradictions have a place"
        assert set(re.findall(r"CN-\d\d", text)) <= claims


def test_departures_say_what_contradictions_name():
    text = said()
    for number in ("0.150453", "0.14575", "0.181", "0.1391", "1/6", "0.91", "0.15 and 0.31"):
        assert number in text, number
    assert "16 images of CANDID-PTX, 19 images of SIIM, 219 images of RSNA, 1,912" in text
    assert "25× at 1 %, 10× at 10 %, 2× at 100 %" in text and "+0.001" in text
    assert "-0.031" in text and "-0.028" in text and "1,600 of 2,000" in text


def test_departures_follow_print_and_settings(monkeypatch):
    assert "0.987" not in said() and "77 noise levels" not in said()
    monkeypatch.setitem(printed.FIGURE2, "rsna-10", printed.Cell(0.0, 10, 0.987))
    settings = replace(preference.DpoSettings(), times=77)
    monkeypatch.setattr(module, "DpoSettings", lambda: settings)
    assert "0.987" in said() and "77 noise levels" in said()
