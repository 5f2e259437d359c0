"""Exercises tell a wrong answer what is wrong; those of every notebook accept their own answer."""

import json
import warnings

import numpy as np
import pytest

from lib import paths
from lib.report.exercises import RIGHT, UNDEFINED, reply, solved
from lib.report.page import Page
from lib.runner import notebooks

ASKING = [name for name in notebooks.find()
          if "page.exercise(" in notebooks.source(name).read_text(encoding="utf-8")]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "true", "within", "said"),
    [
        (0.51, 0.5, 0.02, RIGHT),
        (0.53, 0.5, 0.02, "not yet: too large"),
        (-3, 5, 0, "not yet: too small"),
        (np.int64(5), 5, 0, RIGHT),
        (0.1 + 0.2, 0.3, 0, RIGHT),
        ("five", 5, 0, "not yet: the answer is a number, and 'five' is none"),
        (1, float("nan"), 0, UNDEFINED),
        ("vae", "pavae", 0, "not yet: 'vae' is not it"),
        ([4, 6], (4, 6), 0, RIGHT),
        ((4, 5), (4, 6), 0, "not yet: 1 of 2 are right"),
        (4, (4, 6), 0, "not yet: the answer has 2 parts, as (a, b)"),
        (False, True, 0, "not yet: False is not it"),
    ],
)
def test_reply_says_what_is_wrong(answer, true, within, said):
    assert reply(answer, true, within) == said


@pytest.mark.parametrize("true", [0.25, 7, np.float64(-2.5), "pavae", (4, 6), True])
def test_a_true_answer_is_accepted_and_a_wrong_one_is_not(true):
    right, wrong = solved(true, 0.1 if isinstance(true, float) else 0.0).split("; ", 1)
    assert right == RIGHT and wrong.startswith("not yet: ")


@pytest.mark.parametrize("zero", [0.0, np.float64(0)])
def test_an_answer_divided_by_zero_is_undefined_and_nothing_warns(zero, monkeypatch, capsys):
    page = Page("00_start_here", "smoke")
    monkeypatch.setenv(paths.SOLVE, "1")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        page.exercise(None, lambda: zero / zero)
        page.exercise(1.0, lambda: 1 / zero)
    assert capsys.readouterr().out == f"{UNDEFINED}; {UNDEFINED}\n{UNDEFINED}\n"


def test_an_exercise_answers_itself_only_when_asked(monkeypatch, capsys):
    page, asked = Page("00_start_here", "smoke"), []
    monkeypatch.delenv(paths.SOLVE, raising=False)
    page.exercise(None, lambda: asked.append(1) or 3.0, within=0.1)
    assert capsys.readouterr().out == "not answered yet\n" and not asked
    page.exercise(2.95, lambda: 3.0, within=0.1)
    monkeypatch.setenv(paths.SOLVE, "1")
    page.exercise(None, lambda: 3.0, within=0.1)
    assert capsys.readouterr().out == "right\nright; not yet: too large\n"


@pytest.mark.parametrize("name", ASKING)
def test_exercises_of_a_notebook_accept_their_answer_and_no_other(smoke_home, name):
    file = smoke_home / "figures" / "report" / f"{name}.ipynb"
    cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
    asking = [cell for cell in cells if "page.exercise(" in "".join(cell["source"])]
    assert asking
    for cell in asking:
        said = "".join("".join(output.get("text", "")) for output in cell["outputs"]).strip()
        assert said.startswith(f"{RIGHT}; not yet: ") or said == f"{UNDEFINED}; {UNDEFINED}", said
