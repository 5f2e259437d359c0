"""The runner on small notebooks: what it runs, refuses, names, lists and compares."""

import importlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest
from conftest import ROOT, run_lib

from lib import paths
from lib.jobs import Job
from lib.record import rows as record
from lib.runner import command as run
from lib.runner import notebooks

HEADER = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # {title}

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"
steps = 3

# %%
"""
GOOD = """from lib import paths
(paths.HOME / "{mark}").write_text(f"{{profile}} {{seed}} {{steps}}")
"""
BAD = """okay = 1

# %% [markdown]
# Here it breaks.

# %%
fitted = okay / 0
"""


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A folder of notebooks: two that work and, between them, one that fails; no paper has them."""
    folder = tmp_path / "notebooks"
    (folder / "toy").mkdir(parents=True)
    add(folder, "00_start_here", GOOD.format(mark="first"))
    add(folder, "toy/table4_main", BAD)
    add(folder, "99_all_claims", GOOD.format(mark="last"))
    monkeypatch.setattr(paths, "NOTEBOOKS", folder)
    return folder


def add(folder, name, code):
    (folder / f"{name}.py").write_text(HEADER.format(title=f"Title of {name}") + code)


def test_order_is_start_chapters_speed_claims(shelf):
    for name in ("90_speed", "pathosyn/table1", "dhvae/table1", "explore/a", "pavae/00_claims"):
        (shelf / name).parent.mkdir(exist_ok=True)
        add(shelf, name, "")
    names = notebooks.find()
    chapters = ["pavae", "dhvae", "pathosyn", "explore", "toy"]
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
    monkeypatch.setattr(notebooks, "jobs", lambda name, profile, seed: needed.get(name, []))
    monkeypatch.setattr(run, "_report", lambda profile, failed: None)
    monkeypatch.setattr(paths, "STORE", tmp_path / "store")
    monkeypatch.setattr(paths, "REPORT", tmp_path / "report")
    seen = (
        f"import pathlib; print(len(list(pathlib.Path({str(tmp_path)!r}).glob('store/*/*.json'))))"
    )
    add(shelf, "00_start_here", seen)
    add(shelf, "99_all_claims", "print(profile)")
    assert run.main(["-j", "2"]) == 1
    assert "FAILED toy/table4_main: needs toy_study:broken, which failed" in capsys.readouterr().err
    assert not (paths.REPORT / "toy").exists()
    first = json.loads((paths.REPORT / "00_start_here.ipynb").read_text())
    assert first["cells"][-1]["outputs"][0]["text"] == ["3\n"]
    assert (paths.REPORT / "99_all_claims.ipynb").is_file()
    assert run.main(["--list"]) == 0
    lines = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines()}
    assert (lines["00_start_here"], lines["toy/table4_main"]) == ("3/3", "1/2")


# ---- up to date ---------------------------------------------------------------------------------

LOGGED = """from lib import paths, plots, record
with open("executed", "a") as log:
    log.write("{name} ")
"""
NUMBERS = """rows = [{{"arm": "real", "metric": "auc", "mean": 0.5}}]
record.write_metrics("toy", "{item}", profile, 1, rows, {figures})
"""
DRAWN = """with plots.figure() as (figure, _):
    figures = [{"file": plots.save(figure, "toy", "table4"), "caption": ""}]
"""
READERS = {"toy/00_claims", "99_all_claims"}
ALL = {"00_start_here", "toy/table4", "toy/table5", *READERS}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A small repository of its own, after one run: `lib` copied, five notebooks that log."""
    repo = tmp_path_factory.mktemp("repo")
    shutil.copytree(ROOT / "lib", repo / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    (repo / "notebooks" / "toy").mkdir(parents=True)
    for name in ALL:
        add(repo / "notebooks", name, LOGGED.format(name=name))
    append(repo, "notebooks/toy/table4.py", DRAWN)
    for item, figures in {"table4": "figures", "table5": (), "00_claims": ()}.items():
        append(repo, f"notebooks/toy/{item}.py", NUMBERS.format(item=item, figures=figures))
    done = run_in(repo)
    assert done.returncode == 0, done.stderr
    return repo


@pytest.fixture
def repo(whole, tmp_path):
    """A copy of it to spoil."""
    return shutil.copytree(whole, tmp_path / "repo")


def run_in(repo, *args):
    """`python -m lib.runner` of that repository."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("KNOWN_TRUTH_")}
    command = [sys.executable, "-m", "lib.runner", "--profile", "smoke", *args]
    return subprocess.run(command, cwd=repo, env=env, capture_output=True, text=True, check=False)


def due(repo, *args):
    """Names that `--list` does not call up to date."""
    done = run_in(repo, "--list", *args)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()[1:]
    return {line.split()[0] for line in lines if "up to date" not in line}


def executed(repo):
    """Names of the notebooks executed since the last call, in order."""
    log = repo / "executed"
    names = log.read_text().split() if log.exists() else []
    log.unlink(missing_ok=True)
    return names


def append(repo, file, text=" "):
    path = repo / file
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        stream.write(text)


def test_second_run_executes_nothing_and_changes_no_byte(repo):
    names = executed(repo)  # of the first run
    assert set(names) == ALL
    assert names[-2:] == ["toy/00_claims", "99_all_claims"]
    shown = {file: file.read_bytes() for file in repo.rglob("*") if is_output(file)}
    assert len(shown) > 15
    done = run_in(repo)
    assert done.returncode == 0
    assert executed(repo) == []
    told = re.findall(r"^(\S+) +up to date$", done.stdout, re.MULTILINE)
    assert told == [name for name in done.stdout.split() if name in ALL]
    assert set(told) == ALL
    assert {file: file.read_bytes() for file in repo.rglob("*") if is_output(file)} == shown


def is_output(file):
    return file.is_file() and file.parent.name != "__pycache__"


def cut(repo, file):
    os.truncate(repo / file, (repo / file).stat().st_size // 2)


def remove(repo, file):
    (repo / file).unlink()


def touch(repo, file):
    os.utime(repo / file, (2e9, 2e9))


CHANGES = [
    (append, "notebooks/toy/table4.py", {"toy/table4", *READERS}),
    (append, "notebooks/toy/00_claims.py", READERS),
    (append, "notebooks/99_all_claims.py", READERS),  # a chapter's claims may cite any notebook
    (touch, "notebooks/toy/table4.py", set()),
    (append, "lib/metrics/inference.py", ALL),
    (append, "lib/claims/ledger.json", ALL),
    (append, "data/reference/full/toy/table4.json", ALL),
    (touch, "lib/metrics/inference.py", set()),
    (append, "lib/metrics/__pycache__/inference.pyc", set()),
    (remove, "figures/toy/table4.png", {"toy/table4", *READERS}),
    (cut, "figures/toy/table4.svg", {"toy/table4", *READERS}),
    (cut, "figures/report/toy/table5.html", {"toy/table5", *READERS}),
    (append, "figures/report/toy/table5.ipynb", {"toy/table5", *READERS}),
    (remove, "figures/report/toy/.table5.json", {"toy/table5", *READERS}),
    (cut, "figures/report/toy/.table5.json", {"toy/table5", *READERS}),
    (append, "data/metrics/toy/table5.json", {"toy/table5", *READERS}),
    (append, "data/metrics/other/table1.json", READERS),
    (append, "data/metrics/other/00_claims.json", {"99_all_claims"}),
    (append, "data/metrics/99_all_claims.json", set()),  # nothing comes after it
    (append, "data/metrics/.half-x/table1.json", set()),
]


@pytest.mark.parametrize(("change", "file", "wanted"), CHANGES)
def test_what_has_changed_says_which_notebooks_are_due(repo, change, file, wanted):
    change(repo, file)
    assert due(repo) == wanted


@pytest.mark.parametrize("args", [("--set", "steps=4"), ("--seed", "1"), ("--profile", "quick")])
def test_other_parameters_make_all_due(repo, args):
    assert due(repo, *args) == ALL
    assert due(repo) == set()


def test_other_packages_or_another_processor_make_all_due(monkeypatch):
    before = notebooks.surroundings()
    assert notebooks.surroundings() == before
    monkeypatch.setattr(record, "_cpu", lambda: "another")
    assert (other := notebooks.surroundings()) != before
    monkeypatch.setattr(notebooks.metadata, "distributions", list)
    assert notebooks.surroundings() not in (before, other)


def test_edited_notebook_runs_again_with_its_readers_and_again_means_always(repo):
    executed(repo)
    append(repo, "notebooks/toy/table4.py", "late = 1\n")
    assert run_in(repo).returncode == 0
    assert executed(repo) == ["toy/table4", "toy/00_claims", "99_all_claims"]
    assert run_in(repo, "--again", "toy/table5").returncode == 0
    assert executed(repo) == ["toy/table5"]
    assert due(repo) == set()  # it left the same numbers
    assert due(repo, "--again", "toy") == {"toy/table4", "toy/table5", "toy/00_claims"}


def test_failed_notebook_and_one_that_changed_while_it_ran_are_never_up_to_date(repo):
    both = ("toy/fails", "toy/edits")
    add(repo / "notebooks", "toy/fails", "open('mended')")
    add(repo / "notebooks", "toy/edits", "open('notebooks/toy/edits.py', 'a').write('# more')")
    done = run_in(repo, *both)
    assert "FAILED toy/fails" in done.stderr
    assert "toy/edits" not in done.stderr
    assert due(repo, *both) == set(both)
    append(repo, "mended")
    add(repo / "notebooks", "toy/edits", "")
    assert run_in(repo, *both).returncode == 0
    assert due(repo, *both) == set()
