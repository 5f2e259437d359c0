"""The runner on small notebooks: what it runs, refuses, names, lists and compares."""

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
from toy_notebooks import GOOD, add

from lib import paths
from lib.jobs import Job
from lib.runner import command as run
from lib.runner import notebooks


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
from lib.jobs import Result

def slow(x):
    time.sleep(0.2)
    return Result({}, {"x": x})

def broken(x):
    raise ValueError("no good")
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
    seen = (
        f"import pathlib; print(len(list(pathlib.Path({str(tmp_path)!r}).glob('store/??/*.json'))))"
    )
    add(shelf, "00_start_here", seen)
    add(shelf, "99_all_claims", "print(profile)")
    assert run.main(["-j", "2"]) == 1
    said = capsys.readouterr().err
    assert said.count("no good") == 1
    assert "FAILED toy_study:broken: ValueError: no good (toy_study.py:10)" in said
    assert said.strip().endswith("1 of 3 not made: toy/table4_main")
    assert not (paths.REPORT / "toy").exists()
    first = json.loads((paths.REPORT / "00_start_here.ipynb").read_text())
    assert first["cells"][-1]["outputs"][0]["text"] == ["3\n"]
    assert (paths.REPORT / "99_all_claims.ipynb").is_file()
    assert run.main(["--list"]) == 0
    lines = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines()}
    assert (lines["00_start_here"], lines["toy/table4_main"]) == ("3/3", "1/2")
