"""Jobs: what changes a key, what is refused, and that nothing half-written is ever read."""

import importlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from lib import jobs, machine, paths
from lib.jobs import Job, JobError, Result, pool, store
from lib.jobs import job as job_module

WORK = """
    '''Docstring of the module.'''
    import os, sys, time
    import numpy as np
    from lib.jobs import Result
    from {package}.middle import through

    def value(x, wait=0.0):
        time.sleep(wait)
        return Result({{"group/values": np.full(3, through(x))}}, {{"x": np.float32(x)}})

    def total(parts, names=()):
        added = sum(part.scores["x"] for part in parts)
        return Result({{"names": np.array(list(names))}}, {{"sum": added}})

    def busy(x):
        end = time.process_time() + x
        while time.process_time() < end:
            pass
        return Result({{}}, {{}})

    def fails(x):
        raise ValueError("no good")

    def dies(x):
        os.kill(os.getpid(), 9)

    def undefined(x):
        return Result({{}}, {{"deep": [{{"auc": float("nan")}}]}})

    def not_a_result(x):
        return x

    def hogs(x):
        np.ones(2**20, np.uint8)  # from now on glibc takes such arrays from its heap
        many = [np.ones(2**20, np.uint8) for _ in range(600)]
        sys.kept = many[-1]  # at the end of the heap, so that it cannot shrink by itself
        time.sleep(1.1)  # loky looks once a second
        return Result({{}}, {{"pid": os.getpid()}})
"""
MIDDLE = """
    from .near import SIGN

    def through(x):
        from . import far  # inside a function: counts too
        return SIGN * far.scale(x)
"""
FAR = """
    def scale(x):
        '''Twice.'''
        return 2 * x
"""
counter = iter(range(10_000))


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """The module `work` of a fresh package; its helper `far` is two imports away."""
    package = f"toy{os.getpid()}_{next(counter)}"
    work = WORK.format(package=package)
    texts = {
        "__init__": '"""Toy."""',
        "work": work,
        "middle": MIDDLE,
        "far": FAR,
        "near": "SIGN = 1",
    }
    for name, text in texts.items():
        write(tmp_path / package / f"{name}.py", text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(paths, "STORE", tmp_path / "data" / "store")
    return importlib.import_module(f"{package}.work")


def write(file: Path, text: str) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(textwrap.dedent(text))


def folder(toy) -> Path:
    return Path(toy.__file__).parent


def files(ending: str) -> list[Path]:
    return sorted(paths.STORE.glob(f"??/*.{ending}"))


def script(toy, body: str) -> list[str]:
    """A command that runs `body` in a process of its own, on the same store."""
    head = f"""
import sys
sys.path[:0] = [{str(ROOT)!r}, {str(folder(toy).parent)!r}]
from lib.jobs import Job, run
from lib.jobs import Result
import {toy.__name__} as work
"""
    return [sys.executable, "-c", head + textwrap.dedent(body)]


def environment() -> dict[str, str]:
    return os.environ | {"KNOWN_TRUTH_HOME": str(paths.STORE.parent.parent)}


# ---- keys ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "text", "same"),
    [
        ("far", "def scale(x):\n    return 3 * x\n", False),
        ("far", "# a comment\ndef scale(x):\n\n    '''Other words.'''\n    return (2 * x)\n", True),
        ("middle", MIDDLE + "\n    EXTRA = 1\n", True),
        ("near", "SIGN = -1\n", False),
        ("near", "SIGN = +1\n", False),
        ("__init__", "FLAG = 1\n", True),
        ("__init__", '"""Other words."""\n', True),
    ],
)
def test_key_follows_code_not_comments(toy, file, text, same):
    before = Job(toy.value, x=1).key
    write(folder(toy) / f"{file}.py", text)
    assert (Job(toy.value, x=1).key == before) is same


def test_edited_helper_is_recomputed_with_the_new_code(toy):
    jobs.run([Job(toy.value, x=1)], workers=1)
    write(folder(toy) / "far.py", "def scale(x):\n    return 30 * x\n")
    edited = Job(toy.value, x=1)
    assert not jobs.is_done(edited)
    jobs.run([edited], workers=1)  # in a worker that has not seen the old helper
    assert jobs.load(edited).arrays["group/values"].tolist() == [30, 30, 30]


def test_key_of_a_job_covers_its_inputs(toy):
    one, two = Job(toy.value, x=1), Job(toy.value, x=2)
    assert Job(toy.total, parts=[one]).key != Job(toy.total, parts=[two]).key
    assert Job(toy.total, parts=[one, two]).key != Job(toy.total, parts=[two, one]).key


@pytest.mark.parametrize("here", machine.PRECISIONS)
def test_a_recipe_has_a_key_for_every_processor_and_this_one_is_among_them(toy, monkeypatch, here):
    """What the processor chose differs elsewhere, at any depth; the same text that we chose not."""

    def recipe(chosen):
        settings = {"precision": chosen, "reader": "float32"}
        return Job(toy.total, parts=[Job(toy.value, x=settings)], names=[chosen])

    monkeypatch.setattr(machine, "precision", lambda: machine.Chosen(here))
    found = recipe(machine.precision())
    assert found.key == found.keys[here] == recipe(here).key
    assert found.keys == {each: recipe(each).key for each in machine.PRECISIONS}
    fixed = recipe("float32")
    assert set(fixed.keys.values()) == {fixed.key}
    told = found.spec["args"]["parts"][0]["$job"]["args"]["x"]["precision"]
    assert type(told) is str and told == here, "functions are given plain text"



plain = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(-1e9, 1e9), st.text()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=6,
)


def stands_for(x):
    """A function for keys only."""


@given(plain, plain)
def test_keys_differ_exactly_when_arguments_do(a, b):
    same = json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
    assert (Job(stands_for, x=a).key == Job(stands_for, x=b).key) is same


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (float("nan"), r"value\(x\) is nan"),
        ([1, {"a": float("inf")}], r"value\(x\)\[1\]\['a'\] is inf"),
        (np.float64(1.0), r"value\(x\) is a float64"),
        (Path("a"), r"value\(x\) is a"),
        ({1, 2}, r"value\(x\) is a set"),
        ({1: 2}, r"has the key 1"),
        ({"$job": "x"}, r"has the key '\$job'"),
    ],
)
def test_what_is_not_plain_json_is_refused_by_name(toy, bad, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Job(toy.value, x=bad)


def test_wrong_arguments_and_local_functions_are_refused(toy):
    with pytest.raises(TypeError, match=r"work:value: .*unexpected keyword argument 'y'"):
        Job(toy.value, x=1, y=1)
    with pytest.raises(TypeError, match="module-level function"):
        Job(lambda x: Result(), x=1)


# ---- running ------------------------------------------------------------------------------------


def test_results_come_back_as_they_were(toy):
    parts = [Job(toy.value, x=i) for i in range(3)]
    last = Job(toy.total, parts=parts, names=("é", "b"))
    jobs.run([last], workers=2)
    assert jobs.load(last).scores == {"sum": 3.0}
    assert jobs.load(last).arrays["names"].tolist() == ["é", "b"]
    assert jobs.load(parts[2]).arrays["group/values"].dtype == np.int64
    assert job_module.expected_seconds(last) is not None


def test_a_job_costs_the_seconds_of_its_core_and_not_those_that_it_waits(toy):
    waits, works = Job(toy.value, x=1, wait=1.0), Job(toy.busy, x=0.6)
    jobs.run([waits, works], workers=2)
    assert jobs.seconds([waits]) < 0.5 < jobs.seconds([works]) < 0.8


def test_nothing_is_computed_twice(toy, monkeypatch):
    job = Job(toy.value, x=1)
    jobs.run([job], workers=1)
    monkeypatch.setattr(pool, "_drive", None)  # any further work would stumble here
    jobs.run([job])


def test_failing_job_stops_only_what_needs_it(toy):
    bad = Job(toy.fails, x=1)
    fine = [Job(toy.value, x=i) for i in range(3)]
    with pytest.raises(JobError) as caught:
        jobs.run([bad, Job(toy.total, parts=[bad, fine[0]]), *fine], workers=2)
    assert "work:fails: ValueError: no good (work.py:" in str(caught.value)
    assert "work:total: needs" in str(caught.value)
    assert all(jobs.is_done(job) for job in fine)


def test_killed_worker_is_named_and_the_others_go_on(toy):
    fine = [Job(toy.value, x=i, wait=0.05) for i in range(4)]
    with pytest.raises(JobError, match=r"1 jobs have no result:\n.*work:dies: .* killed") as caught:
        jobs.run([Job(toy.dies, x=1), *fine], workers=2)
    assert "work:value" not in str(caught.value)
    assert all(jobs.is_done(job) for job in fine)


def test_scores_without_a_number_are_refused(toy):
    with pytest.raises(JobError, match=r"work:undefined: .*scores\['deep'\]\[0\]\['auc'\] is nan"):
        jobs.run([Job(toy.undefined, x=1)], workers=1)
    with pytest.raises(JobError, match=r"work:not_a_result must return a jobs.Result, not int"):
        jobs.run([Job(toy.not_a_result, x=1)], workers=1)
    assert files("json") == []


def test_load_of_a_job_that_is_not_done_says_so(toy):
    with pytest.raises(JobError, match=r"work:value: not computed yet"):
        jobs.load(Job(toy.value, x=1))


@pytest.mark.filterwarnings("default:A worker stopped")  # as an error it would stop the pool
def test_worker_that_held_large_arrays_is_kept(toy):
    big = [Job(toy.hogs, x=i) for i in range(3)]
    jobs.run([Job(toy.value, x=1)], workers=1)  # loky compares with the memory after the first job
    jobs.run(big, workers=1)
    assert len({jobs.load(job).scores["pid"] for job in big}) == 1


# ---- accidents ----------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["h5", "json"])
@pytest.mark.parametrize("damage", [lambda f: os.truncate(f, f.stat().st_size // 2), os.remove])
def test_damaged_result_is_reported_and_computed_again(toy, capsys, ending, damage):
    job = Job(toy.value, x=4)
    jobs.run([job], workers=1)
    damage(files(ending)[0])
    assert not jobs.is_done(job)
    said = capsys.readouterr().out
    assert ("computing it again" in said) is (ending == "h5" or damage is not os.remove)
    jobs.run([job], workers=1)
    assert jobs.load(job).arrays["group/values"].tolist() == [8, 8, 8]


def flip_last_byte(file):
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)


def test_one_flipped_byte_is_found_when_read_and_computed_again(toy):
    job = Job(toy.value, x=4)
    jobs.run([job], workers=1)
    flip_last_byte(files("h5")[0])
    with pytest.raises(JobError, match="damaged"):
        jobs.load(job)
    jobs.run([job], workers=1)
    assert jobs.load(job).arrays["group/values"].tolist() == [8, 8, 8]


def test_one_flipped_byte_of_an_input_is_computed_again_in_the_same_run(toy):
    part = Job(toy.value, x=4)
    jobs.run([part], workers=1)
    flip_last_byte(files("h5")[0])
    last = Job(toy.total, parts=[part])
    jobs.run([last], workers=1)
    assert jobs.load(last).scores == {"sum": 4.0}


def test_input_that_turns_out_damaged_in_a_worker_is_computed_again(toy, monkeypatch):
    part = Job(toy.value, x=4)
    jobs.run([part], workers=1)
    os.truncate(files("h5")[0], 10)
    checks = iter([True])  # the damage appears after the first look
    honest = jobs.is_done
    seen = lambda job: job == part and next(checks, honest(job))  # noqa: E731
    monkeypatch.setattr(job_module, "is_done", seen)
    last = Job(toy.total, parts=[part])
    jobs.run([last], workers=1)
    assert jobs.load(last).scores == {"sum": 4.0}


def test_kill_in_the_middle_keeps_what_is_finished(toy):
    body = "run([Job(work.value, x=i, wait=0.3) for i in range(40)], workers=2)"
    process = subprocess.Popen(script(toy, body), env=environment(), start_new_session=True)
    while len(files("json")) < 3 and process.poll() is None:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept = files("json")
    assert 3 <= len(kept) < 40
    assert all(store.find(paths.STORE, file.stem)[0] for file in kept)
    before = {file: file.stat().st_mtime_ns for file in kept}
    jobs.run([Job(toy.value, x=i, wait=0.3) for i in range(8)], workers=2)
    assert before == {file: file.stat().st_mtime_ns for file in kept}


def test_two_processes_with_the_same_job_leave_one_valid_result(toy):
    body = "run([Job(work.value, x=7, wait=0.2)], workers=1)"
    both = [subprocess.Popen(script(toy, body), env=environment()) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert (len(files("json")), len(files("h5"))) == (1, 1)
    assert jobs.load(Job(toy.value, x=7, wait=0.2)).scores == {"x": 7.0}


def test_reader_between_two_writers_sees_one_whole_result(tmp_path):
    """Writers whose arrays differ (as of a job that is not bit-exact) never mix their files."""
    for value in (1.0, 2.0):
        result = Result({"a": np.full(4, value)}, {"x": value})
        store.write(tmp_path, {"key": "ab", "spec": {}, "seconds": 0.0}, result)
        if value == 1.0:
            first, _ = store.find(tmp_path, "ab")
    assert store.read(tmp_path, first).arrays["a"].tolist() == [1.0] * 4
    second, _ = store.find(tmp_path, "ab")
    assert store.read(tmp_path, second).scores == {"x": 2.0}
    assert list(tmp_path.rglob(".half-*")) == []
