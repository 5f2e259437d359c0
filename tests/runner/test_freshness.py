"""Which notebooks are up to date, by what they depend on and what they left."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT
from toy_notebooks import add

from lib import machine, paths
from lib.runner import freshness

LOGGED = """from matplotlib import pyplot as plt
from lib import paths
from lib.record import rows
from lib.report import plots
with open("executed", "a") as log:
    log.write("{name} ")
"""
NUMBERS = """found = [{{"arm": "real", "metric": "auc", "draws": {{"0/0": (0.5, "")}}}}]
rows.write("toy/{item}", profile, found, {figures})
"""
DRAWN = """figure, _ = plt.subplots()
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
    lines = done.stdout.splitlines()[1:-1]  # between the head and the total
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
    (append, "data/record/other/table4.json", ALL),
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
    before = freshness.surroundings({})
    assert freshness.surroundings({}) == before
    monkeypatch.setattr(machine, "cpu", lambda: "another")
    assert (other := freshness.surroundings({})) != before
    monkeypatch.setattr(freshness, "packages", list)
    assert freshness.surroundings({}) not in (before, other)


@pytest.mark.parametrize("change", ["edit", "touch", "add", "remove", "rename"])
def test_a_change_in_the_folder_of_patients_makes_all_due(tmp_path, change):
    folder = tmp_path / "patients"
    (folder / "images").mkdir(parents=True)
    table, image = folder / "labels.csv", folder / "images" / "a.png"
    table.write_text("file,label"), image.write_bytes(b"12345")
    given = {"profile": "quick", "dataset": "folder", "root": str(folder)}
    before, none = freshness.surroundings(given), freshness.surroundings({"profile": "quick"})
    assert freshness.surroundings(given) == before != none
    if change == "edit":
        table.write_text("file,label\na.png,1")
    elif change == "touch":  # as an edit that keeps the size
        os.utime(image, ns=(image.stat().st_atime_ns, image.stat().st_mtime_ns + 1))
    elif change == "add":
        (folder / "images" / "b.png").write_bytes(b"")
    elif change == "remove":
        image.unlink()
    else:
        image.rename(image.with_name("b.png"))
    assert freshness.surroundings(given) != before
    assert freshness.surroundings({"profile": "quick"}) == none, "phantoms do not depend on it"


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


def test_an_explorer_that_a_page_shows_counts_among_what_is_left(tmp_path, monkeypatch):
    for name, place in (("FIGURES", "figures"), ("REPORT", "figures/report"), ("METRICS", "m")):
        monkeypatch.setattr(paths, name, tmp_path / place)
    page, shown = (tmp_path / "figures" / each for each in ("report/toy/a.html", "explore/b.html"))
    for file in (page, shown):
        file.parent.mkdir(parents=True)
        file.write_text('<iframe data-page="explore/b.html" src="../../explore/b.html">')
    found = [file.resolve() for file in freshness.left("toy/a")]
    assert found == [page, shown]
