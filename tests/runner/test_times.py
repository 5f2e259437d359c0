"""What a run is expected to take: each job once, by the store, else by the record."""

import json

import pytest
from toy_notebooks import QUICK, recorded

from lib import machine, paths
from lib.jobs import store
from lib.record import rows
from lib.runner import times

A, B, C = (["a", "toy:slow"], ["b", "toy:slow"], ["c", "toy:quick"])


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """An empty store, and a record in which every page took ten minutes in bfloat16."""
    monkeypatch.setattr(paths, "STORE", tmp_path / "store")
    monkeypatch.setattr(machine, "precision", lambda: "bfloat16")
    page = recorded(600.0, precision="bfloat16")
    monkeypatch.setattr(rows, "read", lambda name, root: page if name[0] == "p" else None)
    store.seconds.cache_clear()
    yield page
    store.seconds.cache_clear()


def know(function, seconds):
    file = paths.STORE / "aa" / f"{function}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"spec": {"function": function}, "seconds": seconds}))


def test_a_job_that_pages_share_counts_once_and_is_billed_its_share_of_the_first():
    work = times.together({"p/one": [A, B], "p/two": [B, C], "p/none": []}, set(), QUICK)
    assert (work.todo, work.seconds, work.untimed) == (3, 600 + 300, 0)
    assert work.told(2) == (
        "3 jobs to compute, at most 15 core-minutes, at most 8 min on 2 processes"
    )
    one = times.together({"p/one": [A, B], "p/two": [B, C]}, {"a", "b"}, QUICK)
    assert (one.todo, one.seconds) == (1, 300)
    assert one.told(1) == "1 job to compute, at most 5 core-minutes, at most 5 min on 1 process"


def test_what_the_store_knows_counts_before_the_record():
    know("toy:slow", 90.0)
    work = times.together({"p/one": [A, B], "p/two": [B, C]}, {"c"}, QUICK)
    assert work.told(2) == "2 jobs to compute, about 3 core-minutes, about 2 min on 2 processes"
    assert times.together({"p/two": [B, C]}, set(), QUICK).seconds == 90 + 300


def test_jobs_that_nothing_tells_the_time_of_are_named():
    work = times.together({"p/one": [A], "x/two": [B, C]}, set(), QUICK)
    assert work.told(1) == (
        "3 jobs to compute, at most 10 core-minutes, at most 10 min on 1 process "
        "(2 of them, never timed, left out)"
    )
    assert times.together({"x/two": [B]}, set(), QUICK).told(1).startswith("1 job to compute (1 of")


def test_what_was_timed_in_bfloat16_takes_longer_in_float32(monkeypatch, home):
    monkeypatch.setattr(machine, "precision", lambda: "float32")
    assert times.recorded("p/one", QUICK) == 600 * machine.FLOAT32 == 1200
    home["runs"][0]["precision"] = "float32"
    assert times.recorded("p/one", QUICK) == 600
    monkeypatch.setattr(machine, "precision", lambda: "bfloat16")
    assert times.recorded("p/one", QUICK) == 600


def test_other_draws_and_other_sizes(home):
    assert times.recorded("p/one", QUICK | {"draws": "3-5"}) == 3 * 600
    assert times.recorded("p/one", {"profile": "full"}) == 10 * 600
    assert times.recorded("p/one", {"profile": "smoke"}) is None
    assert times.recorded("p/one", QUICK | {"draws": "3-5"}, whole=True) == 600
