"""Levels and quantiles of the dial against scipy's own t distribution and the ledger's looks."""

import pytest
from scipy import stats

from lib.claims import looks
from lib.claims import verdict as v
from lib.explore import claim_dial
from lib.report import summary


def test_a_t_beyond_the_quantile_is_a_p_below_the_level():
    for each in [look for rule in claim_dial.rules().values() for look in rule]:
        t = stats.t(each["n"] - 1)
        assert 2 * t.sf(each["two"]) == pytest.approx(each["level"], rel=1e-9)
        assert t.sf(each["one"]) == pytest.approx(each["level"], rel=1e-9)


def test_looks_are_those_of_the_ledger_and_a_single_one_has_the_plain_level():
    rules = claim_dial.rules()
    assert [look["n"] for look in rules["10"]] == [4, 6, 8, 10]
    assert [look["level"] for look in rules["20"]] == [looks.level(n, 20) for n in (8, 12, 16, 20)]
    assert {look["level"] for look in rules[claim_dial.ONCE]} == {v.ALPHA}
    assert claim_dial.intervals()[3] == pytest.approx(4.3027, abs=1e-4)  # a table of t


def test_every_verdict_of_a_difference_has_a_colour_and_a_place():
    head = claim_dial.explorer(summary.COLOURS).head["json"]
    assert {each["name"] for each in head["verdicts"]} == {
        v.REPRODUCED, v.DIRECTION, v.NO_EFFECT, v.REVERSED, v.INCONCLUSIVE
    }  # fmt: skip
