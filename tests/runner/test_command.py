"""The runner on small notebooks: what it runs, refuses, names, lists and compares."""

import functools
import importlib
import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from conftest import ROOT, run_lib
from toy_notebooks import GOOD, QUICK, add, recorded

from lib import jobs, paths
from lib.datasets.source import NeedsPhantom
from lib.jobs import Job
from lib.jobs.progress import duration
from lib.record import rows
from lib.runner import command as run
from lib.runner import notebooks


@pytest.fixture
def given_all(shelf, tmp_path, monkeypatch):
    """The shelf, whose notebooks take all parameters of a plan."""
    monkeypatch.setattr(paths, "STORE", tmp_path / "store")
    for file in shelf.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("steps = 3", 'root = ""\ndraws = ""'), encoding="utf-8")
    return shelf


def test_order_is_start_chapters_speed_claims(shelf):
    for name in ("90_speed", "pathosyn/table1", "dhvae/table1", "explore/a", "pavae/00_claims"):
        (shelf / name).parent.mkdir(exist_ok=True)
        add(shelf, name, "")
    names = notebooks.find()
    chapters = ["pavae", "pathosyn", "dhvae", "explore", "toy"]
    wanted = ["00_start_here", *chapters, "90_speed", "99_all_claims"]
    assert [name.partition("/")[0] for name in names] == wanted
    assert notebooks.find(["toy/t", "notebooks/dhvae"]) == ["dhvae/table1", "toy/table4_main"]


def test_failing_notebook_is_named_with_cell_and_error_and_the_others_go_on(shelf, tmp_path):
    done = run_lib("--profile", "smoke", "--set", "steps=5", home=tmp_path, notebooks=shelf)
    assert done.returncode == 1
    wanted = "FAILED toy/table4_main: cell 5 (fitted = okay / 0): ZeroDivisionError: division by"
    assert wanted in done.stderr
    assert (tmp_path / "first").read_text() == "smoke 0 5"
    assert (tmp_path / "last").read_text() == "smoke 0 5"
    for name in notebooks.find():
        assert (tmp_path / "figures" / "report" / f"{name}.ipynb").is_file()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["stpes", "Profile"])
def test_unknown_parameter_stops_before_anything_runs(shelf, tmp_path, name):
    done = run_lib("--set", f"{name}=5", home=tmp_path, notebooks=shelf)
    assert done.returncode == 2
    assert f"no parameter '{name}'; it has profile, seed, dataset, steps" in done.stderr
    assert not (tmp_path / "first").exists()


def test_unknown_notebook_stops(shelf, tmp_path):
    done = run_lib("table4", home=tmp_path, notebooks=shelf)
    assert done.returncode == 2
    assert "no notebook starts with 'table4'; there are 00_start_here, toy/t" in done.stderr


@pytest.mark.parametrize("args", [("--seed", "-1"), ("--set", "seed=2.5"), ("--seed", "9" * 20)])
def test_wrong_seed_is_one_sentence(shelf, capsys, args):
    assert run.main(args) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and "give a whole number from 0 to" in said[0]


WRONG = {
    "dataset=foo": "dataset 'foo' is unknown; choose one of phantom, folder.",
    "dataset=folder": "dataset 'folder' needs its root; pass the folder that holds labels.csv.",
    "root=/nonexistent": "root is '/nonexistent', which the dataset 'phantom' does not read; set",
    "profile=foo": "profile 'foo' is unknown; choose one of smoke, quick, full, paper.",
    "draws=5-3": "draws 5-3 end before they begin; write 3-5.",
    "draws=[1]": "draws are '[1]'; write a number, or the first and the last as 3-5.",
}


@pytest.mark.parametrize("more", [(), ("--list",)], ids=["run", "list"])
@pytest.mark.parametrize("value", WRONG)
def test_a_wrong_value_is_one_sentence(given_all, capsys, value, more):
    assert run.main(["--set", value, *more]) == 2
    said = capsys.readouterr().err
    assert said.startswith(WRONG[value]) and said.count("\n") == 1


def test_a_root_that_is_no_folder_is_one_sentence(given_all, capsys):
    assert run.main(["--set", "dataset=folder", "--set", "root=/nonexistent"]) == 2
    wanted = "root is '/nonexistent', which is no folder; give one with labels.csv.\n"
    assert capsys.readouterr().err == wanted


@pytest.mark.parametrize("more", [(), ("--list",)], ids=["run", "list"])
@pytest.mark.parametrize("error", [ValueError("a bad folder."), NeedsPhantom("the oracle")])
def test_what_cannot_be_planned_is_one_line_that_names_the_notebooks(
    given_all, tmp_path, monkeypatch, capsys, error, more
):
    def refuse(name, given):
        if name == "00_start_here":
            return []
        raise error

    monkeypatch.setattr(notebooks, "jobs", refuse)
    chosen = ["--set", "dataset=folder", "--set", f"root={tmp_path}"]
    assert run.main([*chosen, *more]) == 2
    assert capsys.readouterr().err == f"toy/table4_main, 99_all_claims: {error}\n"
    assert not list(tmp_path.rglob("plans/*"))  # nothing is noted of it


@pytest.mark.parametrize("value", ["draws=4", "root=5", "dataset='folder'"])
def test_texts_stay_texts(value):
    name, found = run._setting(value)
    assert found == {"draws": "4", "root": "5", "dataset": "folder"}[name]


def test_other_values_are_literals():
    found = dict(map(run._setting, ["steps=5", "rate=0.5", "name=new"]))
    assert found == {"steps": 5, "rate": 0.5, "name": "new"}


def test_time_left_without_a_result_is_that_of_the_record_shared_by_the_processes(
    shelf, tmp_path, monkeypatch
):
    monkeypatch.setattr(paths, "STORE", tmp_path / "store")
    monkeypatch.setattr(rows, "read", lambda name, root: recorded(600.0))
    expected = functools.partial(run._expected, "toy/table4_main")
    slow = [["key", "toy:slow"], ["other", "toy:slow"]]
    assert expected(slow, slow, 4, QUICK) == duration(150)
    assert expected(slow, slow[:1], 4, QUICK) == duration(75)  # half of the jobs
    assert expected(None, [], 4, QUICK) == duration(600)  # without a table: one process
    assert expected([], [], 4, QUICK) == duration(0)  # a table without jobs in this plan
    assert expected(slow, [], 4, QUICK) == duration(0)
    monkeypatch.setattr(rows, "read", lambda name, root: None)
    assert expected(None, [], 4, QUICK) == "?"


def test_locale_without_utf8(shelf, tmp_path):
    add(shelf, "explain", "")
    text = (shelf / "explain.py").read_text(encoding="utf-8")
    (shelf / "explain.py").write_text(text.replace("Title of", "Fréchet"), encoding="utf-8")
    env = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    env |= {"KNOWN_TRUTH_HOME": str(tmp_path), "KNOWN_TRUTH_NOTEBOOKS": str(shelf)}
    command = [sys.executable, "-X", "warn_default_encoding", "-W", "always::EncodingWarning"]
    command += ["-m", "lib.runner", "--list"]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | env, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"Fr?chet explain" in done.stdout
    warned = [line for line in done.stderr.splitlines() if b"EncodingWarning" in line]
    assert not [line for line in warned if str(ROOT / "lib").encode() in line]


@pytest.mark.parametrize("file", ["environment.yml", "run_all.sh"])
def test_python_is_bounded_where_packages_end(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    wanted = {"environment.yml": "python>=3.11,<3.15", "run_all.sh": "< (3, 15)"}[file]
    assert text.count(wanted) == text.count("3.11,") + text.count("(3, 11)")


def test_flipped_byte_that_a_notebook_reads_is_mended_in_the_same_run(
    shelf, tmp_path, monkeypatch, capsys
):
    (tmp_path / "flip_study.py").write_text(STUDY, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    study = importlib.import_module("flip_study")
    job = Job(study.arrays, x=1)
    monkeypatch.setattr(notebooks, "jobs", lambda name, given: [job])
    monkeypatch.setattr(run, "_report", lambda profile, failed: None)
    for name in ("STORE", "REPORT"):
        monkeypatch.setattr(paths, name, tmp_path / name.lower())
    reads = f"import sys, pathlib; from lib import paths; sys.path.insert(0, {str(tmp_path)!r})\n"
    reads += f"paths.STORE = pathlib.Path({str(paths.STORE)!r})\nimport flip_study\n"
    reads += "from lib import jobs\nprint(jobs.load(jobs.Job(flip_study.arrays, x=1)).arrays)"
    add(shelf, "00_start_here", reads)
    jobs.run([job], 1, lambda state: None)
    (stored,) = paths.STORE.glob("??/*.h5")
    whole = stored.read_bytes()
    stored.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert run.main(["00", "-j", "1"]) == 0
    assert "FAILED" not in capsys.readouterr().err
    assert jobs.load(job).arrays["a"].tolist() == [1.0, 1.0]


def test_list_names_every_notebook_and_what_it_makes(shelf, tmp_path):
    done = run_lib("--list", home=tmp_path, notebooks=shelf)
    assert done.returncode == 0
    for name in notebooks.find():
        assert f"Title of {name}" in done.stdout
    assert not (tmp_path / "first").exists()


def test_interruption_says_how_to_go_on_and_leaves_no_process(shelf, tmp_path):
    code = GOOD.format(mark="first").replace('f"{profile} {seed} {steps}"', "str(os.getpid())")
    add(shelf, "00_start_here", f"import os, time\n{code}time.sleep(100)")
    env = os.environ | {"KNOWN_TRUTH_HOME": str(tmp_path), "KNOWN_TRUTH_NOTEBOOKS": str(shelf)}
    command = [sys.executable, "-m", "lib.runner", "00"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's "&" ignores it
    )  # fmt: skip
    while not (tmp_path / "first").exists() and process.poll() is None:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said.strip().splitlines()[-1] == "stopped; the same command goes on"
    assert "Traceback" not in said
    kernel = int((tmp_path / "first").read_text())
    deadline = time.monotonic() + 20
    while is_alive(kernel) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not is_alive(kernel)


def is_alive(pid):
    if not psutil.pid_exists(pid):
        return False
    return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


STUDY = """
import time
import numpy as np
from lib.jobs import Result

def slow(x):
    time.sleep(0.2)
    return Result({}, {"x": x})

def broken(x):
    raise ValueError("no good")

def arrays(x):
    return Result({"a": np.full(2, float(x))}, {})
"""


def test_notebook_waits_for_its_jobs_and_is_named_when_one_fails(
    shelf, tmp_path, monkeypatch, capsys
):
    (tmp_path / "toy_study.py").write_text(STUDY)
    monkeypatch.syspath_prepend(str(tmp_path))
    study = importlib.import_module("toy_study")
    needed = {
        "00_start_here": [Job(study.slow, x=i) for i in range(3)],
        "toy/table4_main": [Job(study.slow, x=1), Job(study.broken, x=1)],
    }
    monkeypatch.setattr(notebooks, "jobs", lambda name, given: needed.get(name, []))
    monkeypatch.setattr(run, "_report", lambda profile, failed: None)
    monkeypatch.setattr(paths, "STORE", tmp_path / "store")
    monkeypatch.setattr(paths, "REPORT", tmp_path / "report")
    monkeypatch.setattr(paths, "RECORD", tmp_path / "record")
    seen = (
        f"import pathlib; print(len(list(pathlib.Path({str(tmp_path)!r}).glob('store/??/*.json'))))"
    )
    add(shelf, "00_start_here", seen)
    add(shelf, "99_all_claims", "print(profile)")
    assert run.main(["-j", "2"]) == 1
    out, said = capsys.readouterr()
    assert out.startswith("4 jobs to compute (4 of them") and out.count("to compute") == 1
    assert said.count("no good") == 1
    assert "FAILED toy_study:broken: ValueError: no good (toy_study.py:11)" in said
    assert said.strip().endswith("1 of 3 not made: toy/table4_main")
    assert not (paths.REPORT / "toy").exists()
    first = json.loads((paths.REPORT / "00_start_here.ipynb").read_text())
    assert first["cells"][-1]["outputs"][0]["text"] == ["3\n"]
    assert (paths.REPORT / "99_all_claims.ipynb").is_file()
    assert run.main(["--list"]) == 0
    lines = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines()}
    assert (lines["00_start_here"], lines["toy/table4_main"]) == ("3/3", "1/2")
    assert lines["total"] == "3/4"
