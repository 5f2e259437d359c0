"""Effects of a factorial are the coefficients of a regression on signs."""

from itertools import combinations, product

import numpy as np
import pytest

from lib.report import factorial
from lib.report.rows import Regime

CORNERS = {on: "".join("ab"[i] for i in on) for on in product((False, True), repeat=3)}


def test_effects_are_those_of_a_regression():
    rng = np.random.default_rng(0)
    found = {on: rng.normal(size=4) for on in CORNERS}
    which = [w for k in (1, 2, 3) for w in combinations(range(3), k)]
    every = [(), *which]
    signs = [[np.prod([1 if on[i] else -1 for i in w]) for w in every] for on in found]
    fitted = np.linalg.lstsq(np.array(signs), np.array(list(found.values())), rcond=None)[0][1:]
    for w, coefficients in zip(which, fitted, strict=True):
        wanted = coefficients * 2 ** len(w)
        np.testing.assert_allclose(factorial.effect(w, found), wanted, atol=1e-12)


def test_effects_are_over_the_draws_that_all_corners_have():
    def row(arm, on, keys):
        draws = {key: 2.0 * on[0] + on[1] * on[2] + float(key[2:]) for key in keys}
        return {"arm": arm, "metric": "auc", "draws": draws, "values": [*draws.values()],
                "here": keys[:1]}  # fmt: skip

    rows = [row(arm, on, ["0/0", "0/1", *["0/2"] * on[0]]) for on, arm in CORNERS.items()]
    lines = factorial.effects(Regime("bare", rows), ("p", "q", "r"), CORNERS, "auc")
    assert list(lines) == ["p", "q", "r", "p x q", "p x r", "q x r", "p x q x r"]
    assert lines["p"]["draws"] == pytest.approx({"0/0": 2.0, "0/1": 2.0})
    assert lines["q"]["draws"] == pytest.approx({"0/0": 0.5, "0/1": 0.5})
    assert lines["q x r"]["draws"]["0/0"] == pytest.approx(1.0)
    assert lines["p x q x r"]["draws"]["0/1"] == pytest.approx(0.0)
    assert lines["p"]["here"] == {"0/0"}
