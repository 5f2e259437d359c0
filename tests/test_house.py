"""Rules of the house: rooms import downwards only; notebooks are plain, small, parameterised."""

import ast
import subprocess
from pathlib import Path

import jupytext
import pytest
from conftest import ROOT

from lib.runner import notebooks

LEVEL = {
    **dict.fromkeys(("paths", "profiles", "closure", "store", "schedule", "jobs", "record"), 0),
    "phantoms": 1,
    "datasets": 2,
    "networks": 3,
    "metrics": 4,  # pure functions of arrays: they know no model, and generators stop early by them
    **dict.fromkeys(("generators", "tasks"), 5),
    "papers": 6,
    **dict.fromkeys(("claims", "plots", "explore", "report"), 7),
    **dict.fromkeys(("notebooks", "check", "run"), 8),
}
SOURCES = sorted(file for file in (ROOT / "lib").rglob("*.py") if file.parent.name != "lib" or
                 file.name != "__init__.py")  # fmt: skip
NAMES = notebooks.find()


def rooms_imported(tree: ast.AST) -> set[str]:
    """Rooms of `lib` that any import statement names, also inside functions."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name[:4] == "lib."}
        elif isinstance(node, ast.ImportFrom) and node.module == "lib":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "")[:4] == "lib.":
            found.add(node.module.split(".")[1])
    return found


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_rooms_import_downwards_only(file: Path):
    room = file.relative_to(ROOT / "lib").with_suffix("").parts[0]
    tree = ast.parse(file.read_text())
    relative = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
    assert not relative, "imports inside lib are absolute"
    above = {other for other in rooms_imported(tree) if LEVEL[other] > LEVEL[room]}
    assert not above, f"{room} imports {above}"


def test_the_rule_sees_imports_inside_functions():
    tree = ast.parse("def f():\n    from lib.report import build\n    import lib.plots.style\n")
    assert rooms_imported(tree) == {"report", "plots"}


def test_no_executed_notebook_is_in_git():
    done = subprocess.run(
        ["git", "ls-files", "*.ipynb"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("not a git repository")
    assert done.stdout == ""


@pytest.mark.parametrize("name", NAMES)
def test_notebook_has_parameters_of_literals_and_a_kernel(name):
    found = notebooks.parameters(name)
    assert list(found)[:3] == ["profile", "seed", "dataset"]
    assert (found["profile"], found["seed"], found["dataset"]) == ("quick", 0, "phantom")
    assert jupytext.read(notebooks.source(name)).metadata.kernelspec["name"] == "python3"
    assert notebooks.title(name) != name


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_short_and_hold_no_class(name):
    cells = [c.source for c in jupytext.read(notebooks.source(name)).cells if c.cell_type == "code"]
    lengths = [sum(bool(line.strip()) for line in cell.splitlines()) for cell in cells]
    assert max(lengths) <= 25
    assert sorted(lengths)[len(lengths) // 2] <= 8
    assert not [cell for cell in cells if cell.startswith("class ") or "\nclass " in cell]


def test_parameters_that_are_not_literals_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks.paths, "NOTEBOOKS", tmp_path)
    (tmp_path / "a.py").write_text('# %% tags=["parameters"]\nseed = 1 + len("x")\n')
    with pytest.raises(ValueError, match="may only hold `name = literal`"):
        notebooks.parameters("a")
    (tmp_path / "a.py").write_text("# %%\nseed = 1\n")
    with pytest.raises(ValueError, match="has 0 cells tagged parameters"):
        notebooks.parameters("a")


@pytest.mark.smoke
def test_smoke_run_leaves_a_page_of_every_notebook(smoke_home):
    for name in NAMES:
        assert (smoke_home / "figures" / "report" / f"{name}.ipynb").is_file()
