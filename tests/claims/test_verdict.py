"""The verdict rules as a truth table: every verdict reachable, at and beside its boundaries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.claims import verdict as v


def rule(delta, p, p_equal=1.0, effect=None, margin=0.01):
    return v.verdict(delta, p, p_equal, margin, effect)


@pytest.mark.parametrize(
    ("delta", "p", "p_equal", "effect", "expected"),
    [
        (0.05, 0.001, 1, 0.1, v.REPRODUCED),
        (0.0499, 0.001, 1, 0.1, v.DIRECTION),
        (0.01, 0.001, 1, None, v.REPRODUCED),
        (0.0099, 0.001, 1, None, v.DIRECTION),
        (0.02, 0.001, 1, 0.006, v.REPRODUCED),
        (0.05, 0.049, 1, 0.1, v.REPRODUCED),
        (0.05, 0.05, 1, 0.1, v.INCONCLUSIVE),
        (0.002, 0.001, 0.001, 0.1, v.DIRECTION),
        (0.002, 0.2, 0.049, 0.1, v.NO_EFFECT),
        (0.002, 0.2, 0.05, 0.1, v.INCONCLUSIVE),
        (-0.001, 0.001, 0.001, 0.1, v.NO_EFFECT),
        (-0.05, 0.001, 1, 0.1, v.REVERSED),
        (-0.05, 0.05, 1, 0.1, v.INCONCLUSIVE),
        (0.0, 1, 1, 0.1, v.INCONCLUSIVE),
    ],
)
def test_truth_table_of_a_difference(delta, p, p_equal, effect, expected):
    assert rule(delta, p, p_equal, effect) == expected


def test_without_a_p_nothing_is_decided():
    assert v.verdict(0.5, None, None, 0.01, 0.1) == v.INCONCLUSIVE
    assert v.verdict_noninferior(0.5, None, 0.01) == v.INCONCLUSIVE
    assert v.verdict_equivalent(None, None) == v.INCONCLUSIVE


@given(st.floats(-0.2, 0.2), st.floats(0, 1), st.sampled_from([None, 0.02, 0.1]))
def test_a_claim_and_its_opposite_never_both_hold(delta, p, effect):
    one, other = rule(delta, p, effect=effect), rule(-delta, p, effect=effect)
    assert not (one in v.POSITIVE and other in v.POSITIVE)
    if one == v.REPRODUCED:
        assert other == v.REVERSED
    assert one in v.VERDICTS


def test_noninferiority_and_equivalence():
    assert v.verdict_noninferior(0.02, 0.01, 0.01) == v.REPRODUCED
    assert v.verdict_noninferior(0.02, 0.06, 0.01) == v.INCONCLUSIVE
    assert v.verdict_noninferior(-0.009, 0.01, 0.01) == v.REPRODUCED
    assert v.verdict_noninferior(-0.03, 0.01, 0.01) == v.REVERSED
    assert v.verdict_equivalent(0.04, None) == v.REPRODUCED
    assert v.verdict_equivalent(0.3, 0.2) == v.INCONCLUSIVE
    assert v.verdict_equivalent(1.0, 0.01) == v.REVERSED


def test_a_ranking_needs_its_adjacent_pairs_and_falls_by_one():
    def step(verdict, fallen=False):
        return {"verdict": verdict, "fallen": fallen}

    good, open_ = step(v.REPRODUCED), step(v.INCONCLUSIVE)
    ends = {"mean": 0.06, "verdict": v.REPRODUCED}

    def rule(steps, p=0.001, tau=1, p_reversed=1.0, effect=0.1, ends=ends):
        return v.verdict_trend(p, p_reversed, tau, steps, ends, 0.01, effect)

    assert rule([good, good]) == v.REPRODUCED
    assert rule([good, good], effect=0.2) == v.DIRECTION
    assert rule([good, open_], tau=0.6) == v.PARTLY
    assert rule([good, open_], tau=0.59) == v.INCONCLUSIVE
    assert rule([good, open_], p=0.06) == v.INCONCLUSIVE
    turned, flat = step(v.REVERSED, True), step(v.NO_EFFECT, True)
    for fallen in (turned, flat):
        assert rule([good, fallen], tau=0.7) == v.FALLEN
        assert rule([open_, fallen], p=0.4, tau=0.2) == v.FALLEN
    assert rule([good, step(v.REVERSED)], tau=0.7) == v.PARTLY, "not at the level over the pairs"
    nothing = {"mean": 0.0, "verdict": v.NO_EFFECT}
    assert rule([flat, flat], p=0.4, tau=0.2, ends=nothing) == v.NO_EFFECT
    assert rule([turned, turned], p=1, p_reversed=0.001, tau=-1) == v.REVERSED


def test_bounds():
    assert v.verdict_bound([0.941, 0.959], 0.94, 0.96) == v.REPRODUCED
    assert v.verdict_bound([0.93, 0.95], 0.94, 0.96) == v.INCONCLUSIVE
    assert v.verdict_bound([0.90, 0.93], 0.94, 0.96) == v.REVERSED
    assert v.verdict_bound([7, 7], hi=10) == v.REPRODUCED
    assert v.verdict_bound([0.4, 0.45], lo=0.5) == v.REVERSED


def test_a_conjunction_falls_by_one_part():
    r, d, n, x, i = v.REPRODUCED, v.DIRECTION, v.NO_EFFECT, v.REVERSED, v.INCONCLUSIVE

    def rule(*verdicts, fallen=()):
        return v.verdict_parts(verdicts, [k in fallen for k in range(len(verdicts))])

    assert rule(r, r) == r
    assert rule(r, d) == d
    assert rule(r, v.PARTLY, d) == v.PARTLY
    assert rule(r, i) == v.PARTLY
    assert rule(r, i, n) == i
    assert rule(r, r, x) == i, "reversed, but not at the level over three parts"
    assert rule(r, r, x, fallen=[2]) == v.FALLEN
    assert rule(r, r, n, fallen=[2]) == v.FALLEN
    assert rule(r, r, n) == v.PARTLY
    assert rule(i, i, i, i, n, fallen=[4]) == v.FALLEN
    assert rule(r, x, x) == rule(r, x, x, fallen=[1, 2]) == x
    assert rule(n, n, fallen=[0, 1]) == n
    assert rule(r, v.FALLEN) == i, "never partly where a part did not hold"
    assert rule(r, r, r, v.NOT_INTERPRETED) == v.NOT_INTERPRETED
    assert rule(r, x, v.NOT_INTERPRETED, fallen=[1]) == v.FALLEN, "a competent part is enough"


def test_demotion_and_its_exception():
    assert v.demote(v.REPRODUCED, 3) == "exploratory: reproduced on phantoms"
    assert v.demote(v.REPRODUCED, 4) == v.REPRODUCED
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


def test_equality_of_dice_is_shown_within_three_hundredths_where_the_paper_leaves_room():
    assert v.margin_of("dice") == 0.01 and v.margin_of("dice", "equivalence") == 0.03
    assert v.equal_within("dice", 0.01, 0.117) == v.equal_within("dice", 0.01, 0.06) == 0.03
    assert v.equal_within("dice", 0.01, 0.059) == v.equal_within("dice", 0.01) == 0.01
    assert v.equal_within("auc", 0.01, 0.1) == 0.01
    assert v.hardest({"abstract": 0.107, "tables": 0.082}) == 0.107 and v.hardest(None) is None


def test_sentences_of_measured_quantities_never_speak_of_reproduction():
    for name in (*v.POSITIVE, v.REVERSED, v.FALLEN):
        assert "reproduced" not in v.as_measured(f"a: {name}")
    assert v.number(86400) == "86400" and v.number(0.012345) == "0.0123"
