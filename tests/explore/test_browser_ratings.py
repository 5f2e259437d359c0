"""The form's file, order and agreement in the browser, against lib.datasets.ratings and sklearn."""

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from lib.datasets import ratings
from lib.explore.host import SCRIPTS

FORM = {
    "columns": list(ratings.COLUMNS), "each": 4, "best": ratings.BEST,
    "condition": ["T2I", "M2I", "TM2I"],
    "conditions": {kind: list(there) for kind, there in ratings.CONDITIONS.items()},
}  # fmt: skip
SCORES = {
    "1": {"text": 4}, "5": {"mask": 0}, "8": {"text": 5, "mask": 2},
    "9": {"text": 1},  # its mask is still to come
}  # fmt: skip


@pytest.fixture
def script(page):
    page.add_script_tag(content=(SCRIPTS / "ratings.js").read_text())
    return page


def test_the_file_is_the_one_that_the_library_reads(script):
    text = script.evaluate("([d, s]) => toCsv(d, 'ana', s)", [FORM, SCORES])
    found = ratings.parsed(text)
    assert found.image.tolist() == [1, 5, 8] and found.set.tolist() == [0, 1, 2]
    assert found.scores.tolist() == [[4, -1], [-1, 0], [5, 2]]
    assert text == ratings.written(found)
    back = script.evaluate("([d, t]) => fromCsv(d, t)", [FORM, text])
    assert back == {"reader": "ana", "scores": {k: SCORES[k] for k in ("1", "5", "8")}}


@pytest.mark.parametrize(
    ("line", "said"),
    [("a,0,1,T2I,6,", "line 2: text_score"), ("a,0,1,T2I,,", "line 2: text_score"),
     ("a,1,1,T2I,3,", "does not show"), ("a,9,36,T2I,3,", "does not show"),
     ("a,0,1,T2I,3", "5 cells"), ("a,0,1,T2I,3,\nb,0,2,T2I,3,", "2 readers")],
)  # fmt: skip
def test_a_file_that_does_not_fit_says_why(script, line, said):
    text = f"{','.join(ratings.COLUMNS)}\n{line}\n"
    call = "([d, t]) => { try { fromCsv(d, t); return ''; } catch (e) { return e.message; } }"
    assert said in script.evaluate(call, [FORM, text])
    assert "no column set" in script.evaluate(call, [FORM, "reader,image\n"])


def test_kappa_is_that_of_sklearn(script):
    rng = np.random.default_rng(0)
    for n in (3, 20, 200):
        one = rng.integers(0, 6, n)
        other = np.clip(one + rng.integers(-2, 3, n), 0, 5)
        true = cohen_kappa_score(one, other, weights="quadratic", labels=range(6))
        found = script.evaluate("([a, b]) => weightedKappa(a, b)", [one.tolist(), other.tolist()])
        assert found == pytest.approx(true, abs=1e-12)
    assert script.evaluate("weightedKappa([], [])") is None
    assert script.evaluate("weightedKappa([3, 3], [3, 3])") is None


def test_agreement_is_of_images_that_both_have_scored(script):
    mine = {"1": {"text": 4}, "2": {"text": 0}, "8": {"text": 5, "mask": 2}}
    theirs = {"1": {"text": 4}, "2": {"text": 0}, "3": {"text": 1}, "8": {"mask": 2}}
    found = script.evaluate("([a, b]) => agreement(a, b)", [mine, theirs])
    assert found == {"text": {"n": 2, "kappa": 1}, "mask": {"n": 1, "kappa": None}}


def test_orders_are_whole_and_each_readers_own(script):
    call = "name => shuffledOrder(50, seedOf(name))"
    one, again, other = (script.evaluate(call, name) for name in ("ana", "ana", "bo"))
    assert sorted(one) == [*range(50)] and one == again and one != other != [*range(50)]
    firsts = [script.evaluate(call, f"r{k}")[0] for k in range(60)]
    assert len(set(firsts)) > 25, "any set may come first"
