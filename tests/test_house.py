"""Rules of the house: rooms import downwards only; notebooks are plain, small, parameterised."""

import ast
import re
import subprocess
from pathlib import Path

import jupytext
import pytest
from conftest import ROOT

from lib.runner import notebooks

ROOMS = (  # from the ground floor up; rooms of one floor do not import each other
    ("paths", "files"), ("machine", "profiles"), ("jobs",), ("record",), ("phantoms",),
    ("datasets",), ("networks", "metrics"), ("training",), ("tasks",), ("generators",),
    ("controls",), ("scores",), ("papers",), ("claims",), ("report", "explore"), ("runner",),
)  # fmt: skip
LEVEL = {room: level for level, rooms in enumerate(ROOMS) for room in rooms}
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


def not_below(room: str, tree: ast.AST) -> set[str]:
    """The rooms that a file of a room imports, although they do not stand below it."""
    return {other for other in rooms_imported(tree) - {room} if LEVEL[other] >= LEVEL[room]}


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_rooms_import_downwards_only(file: Path):
    room = file.relative_to(ROOT / "lib").with_suffix("").parts[0]
    tree = ast.parse(file.read_text())
    relative = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
    assert not relative, "imports inside lib are absolute"
    assert not (wrong := not_below(room, tree)), f"{room} imports {wrong}"


@pytest.mark.parametrize(
    ("room", "line", "wrong"),
    [
        ("metrics", "from lib.networks import unet", {"networks"}),
        ("explore", "from lib import report, claims", {"report"}),
        ("machine", "from lib import paths, machine, jobs", {"jobs"}),
    ],
)
def test_the_rule_tells_other_rooms_of_the_same_floor(room, line, wrong):
    assert not_below(room, ast.parse(line)) == wrong


@pytest.mark.parametrize(
    ("file", "start", "end"),
    [("CONTRIBUTING.md", "ground floor up:", "A room imports"),
     ("lib/__init__.py", "rooms below it:", "run_all.sh")],
)  # fmt: skip
def test_rooms_are_listed_as_they_stand(file, start, end):
    said = (ROOT / file).read_text(encoding="utf-8").partition(start)[2].partition(end)[0]
    rooms = {room for floor in ROOMS for room in floor}
    assert rooms == {each.stem for each in (ROOT / "lib").iterdir() if each.stem[0] not in "_."}
    named = [word for word in re.findall(r"\w+", said) if word in rooms]
    assert named == [room for floor in ROOMS for room in floor]


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


def cells(name: str) -> list[str]:
    """The code cells of a notebook, the parameters left out."""
    found = jupytext.read(notebooks.source(name)).cells
    code = [cell for cell in found if cell.cell_type == "code"]
    return [cell.source for cell in code if "parameters" not in cell.metadata.get("tags", ())]


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_short_and_hold_no_class(name):
    lengths = [len(lines(cell)) for cell in cells(name)]
    assert max(lengths) <= 20
    assert sorted(lengths)[len(lengths) // 2] <= 8
    assert not [cell for cell in cells(name) if cell.startswith("class ") or "\nclass " in cell]


def test_no_function_is_defined_in_two_notebooks_with_the_same_body():
    seen: dict[str, str] = {}
    for name in NAMES:
        for node in ast.walk(ast.parse("\n".join(cells(name)))):
            if isinstance(node, ast.FunctionDef):
                body = ast.dump(ast.Module(node.body, []))
                assert seen.setdefault(body, name) == name, f"{node.name} of {name}"


def test_no_six_equal_lines_stand_in_two_notebooks():
    seen: dict[tuple, str] = {}
    for name in NAMES:
        text = [line for line in lines("\n".join(cells(name))) if len(line) > 3]
        for at in range(len(text) - 5):
            part = tuple(text[at : at + 6])
            assert seen.setdefault(part, name) == name, f"{name} and {seen[part]}: {part}"


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
