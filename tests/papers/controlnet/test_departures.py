"""The block of departures of ControlNet: complete, and true to settings and print."""

import json
import re
from dataclasses import replace

from lib.claims import ledger
from lib.generators import preference
from lib.papers.controlnet import departures as module
from lib.papers.controlnet import printed
from lib.papers.controlnet.arms import MAIN, SOURCES, TASKS
from lib.papers.controlnet.departures import departures
from lib.papers.controlnet.study import study
from lib.papers.departures import COLUMNS
from lib.profiles import PAPER, PROFILES, QUICK, SMOKE, Plan


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


def test_departures_are_those_of_the_jobs_that_run():
    """Read from the jobs themselves: what is trained, how long, and on what."""
    for profile in (QUICK, SMOKE):
        at, text = study(Plan(profile)), said(profile)
        (base, branch), more, tuned = (
            at.fitted(SOURCES["syn"], 0), at.fitted(SOURCES["finetuned2"], 0)[0],
            at.fitted(SOURCES["dpo2"], 0)[1],
        )  # fmt: skip
        s, b, m, d = (job.spec["args"]["settings"] for job in (base, branch, more, tuned))
        assert (s["kind"], s["schedule"]) == ("v", "cosine") and "it predicts v, a fixed" in text
        assert f"schedule: cosine, T = {s['length']:,}" in text
        assert f"DDIM with {s['sampler_steps']} steps" in text
        assert f"and {s['steps']:,} steps of 8 and {s['batch']} films" in text
        assert f"{b['steps']:,} steps of {b['batch']} films in every draw" in text
        assert f"{m['steps']:,} of the base after its {s['steps']:,}" in text
        assert tuned.spec["args"].get("part") is None, "of base and branch, the branch"
        assert f"the branch alone, for {d['steps']:,} steps of {d['pairs']} pairs" in text
        assert f"{len(alone(at, 'real', False))} networks a draw" in text
        assert f"each arm has {len(alone(at, 'syn2', True))}" in text
        assert f"every other arm has {len(alone(at, 'syn2', False))};" in text


def alone(at, arm: str, alike: bool) -> list:
    """The networks of an arm in one draw."""
    job = at.tried(MAIN[arm], TASKS["rsna"], 10, 0, alike=alike)
    return job.spec["args"].get("runs") or [job]


def test_shuffled_films_of_one_finding_and_shared_samples_are_as_said():
    at, text = study(Plan(QUICK)), said()
    shuffled = at.shuffled(TASKS["rsna"], 10, 0, 0).spec["args"]["pool"]["$job"]
    assert shuffled == at.part(MAIN["syn2"], TASKS["chexpert"], 10, 0, 0).spec
    assert "one finding (RSNA-like) those drawn for the findings of CheXpert-like are" in text
    shared = [task.label for task in TASKS.values()
              if at.part(MAIN["syn2"], task, 1, 0, 0) == at.part(MAIN["syn2"], task, 100, 0, 0)]
    assert f"all fractions share their samples ({', '.join(shared)})" in text


def test_departures_are_at_the_sizes_of_a_plan():
    assert "for 400 steps of" in said(QUICK) and "for 4,000 steps of" in said(PAPER)
    assert "1,600 films a task" in said(QUICK) and "100 films a task" in said(SMOKE)
