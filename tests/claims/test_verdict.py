"""The verdict rules as a truth table: every verdict reachable, at and beside its boundaries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.claims import verdict as v


def rule(delta, half, p, margin=0.01, effect=None):
    """verdict() of a difference with 95 % half-width `half` and a 90 % one of 0.84 of it."""
    ci95, ci90 = [delta - half, delta + half], [delta - 0.84 * half, delta + 0.84 * half]
    return v.verdict(delta, ci95, ci90, p, margin, effect)


@pytest.mark.parametrize(
    ("delta", "half", "p", "effect", "expected"),
    [
        (0.05, 0.02, 0.001, 0.1, v.REPRODUCED),
        (0.0499, 0.02, 0.001, 0.1, v.DIRECTION),
        (0.01, 0.005, 0.001, None, v.REPRODUCED),
        (0.0099, 0.005, 0.001, None, v.DIRECTION),
        (0.02, 0.01, 0.001, 0.006, v.REPRODUCED),
        (0.009, 0.005, 0.001, 0.006, v.DIRECTION),
        (0.05, 0.02, 0.06, 0.1, v.INCONCLUSIVE),
        (0.05, 0.06, 0.1, 0.1, v.INCONCLUSIVE),
        (0.001, 0.008, 0.8, 0.1, v.NO_EFFECT),
        (-0.001, 0.0005, 0.001, 0.1, v.NO_EFFECT),
        (0.002, 0.001, 0.2, 0.1, v.NO_EFFECT),
        (0.0, 0.0118, 0.9, 0.1, v.NO_EFFECT),
        (0.0, 0.0121, 0.9, 0.1, v.INCONCLUSIVE),
        (0.002, 0.001, 0.001, 0.1, v.DIRECTION),
        (-0.05, 0.02, 0.001, 0.1, v.REVERSED),
        (-0.05, 0.02, 0.2, 0.1, v.INCONCLUSIVE),
        (-0.05, 0.06, 0.1, 0.1, v.INCONCLUSIVE),
    ],
)
def test_truth_table_of_a_difference(delta, half, p, effect, expected):
    assert rule(delta, half, p, effect=effect) == expected


def test_without_an_interval_nothing_is_decided():
    assert v.verdict(0.5, None, None, None, 0.01, 0.1) == v.INCONCLUSIVE
    assert v.verdict_noninferior(None, None, 0.01) == v.INCONCLUSIVE
    assert v.verdict_equivalent(None, None, None, 0.01) == v.INCONCLUSIVE


@given(st.floats(-0.2, 0.2), st.floats(0.0005, 0.2), st.sampled_from([None, 0.02, 0.1]))
def test_a_claim_and_its_opposite_never_both_hold(delta, half, effect):
    p = 0.01 if abs(delta) > half else 0.5
    one, other = rule(delta, half, p, effect=effect), rule(-delta, half, p, effect=effect)
    assert not (one in v.POSITIVE and other in v.POSITIVE)
    if one == v.REPRODUCED:
        assert other == v.REVERSED
    assert one in v.VERDICTS


def test_noninferiority_and_equivalence():
    assert v.verdict_noninferior([-0.009, 0.02], 0.01, 0.01) == v.REPRODUCED
    assert v.verdict_noninferior([-0.011, 0.02], 0.06, 0.01) == v.INCONCLUSIVE
    assert v.verdict_noninferior([-0.05, -0.02], 0.01, 0.01) == v.REVERSED
    assert v.verdict_equivalent([-0.011, 0.009], [-0.009, 0.008], 0.04, 0.01) == v.REPRODUCED
    assert v.verdict_equivalent([-0.02, 0.02], [-0.015, 0.015], 0.3, 0.01) == v.INCONCLUSIVE
    assert v.verdict_equivalent([0.02, 0.04], [0.021, 0.039], 1.0, 0.01) == v.REVERSED


def pair(mean, half):
    edges = [mean - half, mean + half]
    return {"mean": mean, "ci95": edges, "ci90": edges}


def test_trend_needs_its_adjacent_pairs():
    good, flat, bad = pair(0.03, 0.01), pair(0.0, 0.002), pair(0.01, 0.02)
    ends = pair(0.06, 0.01)
    assert v.verdict_trend(0.001, 1, 1, [good, good], ends, 0.01, 0.1) == v.REPRODUCED
    assert v.verdict_trend(0.001, 1, 1, [good, good], ends, 0.01, 0.2) == v.DIRECTION
    assert v.verdict_trend(0.001, 1, 0.6, [good, bad], ends, 0.01, 0.1) == v.PARTLY
    assert v.verdict_trend(0.001, 1, 0.59, [good, bad], ends, 0.01, 0.1) == v.INCONCLUSIVE
    assert v.verdict_trend(0.06, 1, 1, [good, bad], ends, 0.01, 0.1) == v.INCONCLUSIVE
    assert v.verdict_trend(0.4, 0.6, 0.2, [flat, flat], flat, 0.01) == v.NO_EFFECT
    assert v.verdict_trend(1, 0.001, -1, [bad, bad], ends, 0.01) == v.REVERSED


def test_bounds():
    assert v.verdict_bound([0.941, 0.959], 0.94, 0.96) == v.REPRODUCED
    assert v.verdict_bound([0.93, 0.95], 0.94, 0.96) == v.INCONCLUSIVE
    assert v.verdict_bound([0.90, 0.93], 0.94, 0.96) == v.REVERSED
    assert v.verdict_bound([7, 7], hi=10) == v.REPRODUCED
    assert v.verdict_bound([0.4, 0.45], lo=0.5) == v.REVERSED


def test_parts():
    r, d, n, x, i = v.REPRODUCED, v.DIRECTION, v.NO_EFFECT, v.REVERSED, v.INCONCLUSIVE
    assert v.verdict_parts([r, r]) == r
    assert v.verdict_parts([r, d]) == d
    assert v.verdict_parts([r, v.PARTLY, d]) == v.PARTLY
    assert v.verdict_parts([r, i]) == v.PARTLY
    assert v.verdict_parts([r, i, n]) == i
    assert v.verdict_parts([r, r, x]) == i
    assert v.verdict_parts([r, x]) == i
    assert v.verdict_parts([r, x, x]) == x
    assert v.verdict_parts([n, n]) == n


def test_demotion_and_its_exception():
    assert v.demote(v.REPRODUCED, 4) == "exploratory: reproduced on phantoms"
    assert v.demote(v.REPRODUCED, 5) == v.REPRODUCED
    assert v.demote(v.UNTESTABLE, 0) == v.UNTESTABLE
    assert v.demote(v.REPRODUCED, 1, planned=1) == v.REPRODUCED
    assert v.base(v.demote(v.REVERSED, 2)) == v.REVERSED


def test_attribution_words():
    assert v.attribution({"smooth": [0.01, 0.02], "shuffled": [0.001, 0.1]}) == v.HOLDS
    assert v.attribution({"smooth": [0.01, 0.02], "shuffled": [-0.001, 0.1]}) == v.VANISHES
    assert v.attribution({"smooth": [0.01, 0.02], "shuffled": None}) == v.UNTESTED
    assert v.attribution({}) == v.UNTESTED


def test_margins():
    assert v.margin_size(0.01) == 0.01
    assert v.margin_size({"relative": 0.1, "null_sd": 2}, control=-30.0, null_sd=0.5) == 3.0
    assert v.margin_size({"relative": 0.1, "null_sd": 2}, control=1.0, null_sd=0.5) == 1.0
    assert v.margin_size({"null": 2}, null=0.0004) == 0.0008
    with pytest.raises(ValueError, match="null"):
        v.margin_size({"null": 2})
    stated = {"auc": 0.01, "f1": 0.02, "dice": 0.01, "sens95": 0.03, "ece": 0.01, "brier": 0.01}
    assert {name: v.MARGINS[name] for name in stated} == stated
    assert v.MARGINS["c2st_auc"] == 0.03 and v.MARGINS["tau"] == 0.2


def test_sentences_of_measured_quantities_never_speak_of_reproduction():
    for name in (*v.POSITIVE, v.REVERSED):
        assert "reproduced" not in v.as_measured(f"a: {name}")
    assert v.number(86400) == "86400" and v.number(0.012345) == "0.0123"
