"""Paired differences: words follow their intervals and the margin, power follows statsmodels."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from lib.claims import verdict
from lib.papers.arms import Arm
from lib.report import paired
from lib.report.rows import Regime

ONE, OTHER = Arm("one", "One", "method"), Arm("other", "Other", "baseline")


def row(arm: Arm, metric: str, values, **more) -> dict:
    draws = {f"0/{k}": float(x) for k, x in enumerate(values)}
    return {"arm": arm.name, "metric": metric, "draws": draws, "values": list(draws.values()),
            "mean": float(np.mean(values)), "null_sd": None, "null": None,
            "here": list(draws)[:1], **more}  # fmt: skip


def spread(mean: float, sd: float, n: int = 10) -> np.ndarray:
    """n values of exactly this mean and SD."""
    x = stats.norm.ppf((np.arange(n) + 0.5) / n)
    return mean + sd * x / x.std(ddof=1)


READINGS = [(0.0, 0.001, "equivalent"), (0.0, 0.1, "undecided"), (0.05, 0.01, "higher"),
            (-0.05, 0.01, "lower"), (0.004, 0.001, "higher, but inside the margin"),
            (-0.004, 0.001, "lower, but inside the margin")]  # fmt: skip


@pytest.mark.parametrize(("mean", "sd", "word"), READINGS)
def test_a_difference_is_read_by_its_intervals(mean, sd, word):
    assert paired.reading(spread(mean, sd), 0.01) == word
    assert paired.reading(np.array([mean]), 0.01) == "one draw"


@pytest.mark.parametrize("n", [5, 10, 30])
def test_what_is_detected_is_what_a_power_analysis_says(n):
    wanted = 0.2 * TTestPower().solve_power(nobs=n, alpha=0.05, power=0.8)
    assert float(paired.detected(spread(0.3, 0.2, n))) == pytest.approx(wanted, rel=0.05, abs=5e-4)
    assert paired.detected(np.array([0.3])) == "–"


def test_a_move_has_a_way():
    d = spread(0.05, 0.01)
    assert (paired.moved(d, 1), paired.moved(d, -1)) == ("yes", "**no, the other way**")
    assert paired.moved(spread(0.0, 0.01), 1) == "**not shown**"
    assert "that way" in paired.moved(d[:1], 1) and "other way" in paired.moved(d[:1], -1)


def test_cells_give_the_change_the_papers_and_the_reading():
    own = row(ONE, "auc", 0.8 + spread(0.0, 0.001), paper_change=-0.012)
    at = Regime("bare", [own, row(OTHER, "auc", [0.8] * 10)])
    change, said, word = paired.cells(at, ONE, OTHER, "auc")
    assert change.startswith(("+0.000 [", "-0.000 ["))
    assert (said, word) == ("*-0.012*", "equivalent")
    assert paired.cells(at, ONE, OTHER, "fd") == ["–"] * 3


def test_a_line_has_p_of_both_one_sided_tests():
    d = 0.002 + spread(0.0, 0.004)
    at = Regime("bare", [row(ONE, "auc", 0.8 + d), row(OTHER, "auc", [0.8] * 10)])
    line = paired.line(at, ONE, OTHER)
    p = max(stats.ttest_1samp(d, -0.01, alternative="greater").pvalue,
            stats.ttest_1samp(d, 0.01, alternative="less").pvalue)  # fmt: skip
    assert line[:2] == ["One", 10] and line[-3:] == ["–"] * 3
    assert float(line[6]) == pytest.approx(p, rel=0.05)
    assert line[5] == paired.detected(d)


def test_a_relative_margin_takes_the_arms_own_mean_or_the_null():
    at = Regime("bare", [row(ONE, "fd", [20.0], null_sd=0.5), row(OTHER, "fd", [2.0], null_sd=0.5)])
    rule = verdict.margin_of("fd")
    for arm, mean in ((ONE, 20.0), (OTHER, 2.0)):
        wanted = max(rule["relative"] * mean, rule["null_sd"] * 0.5)
        assert paired.margin(at, arm, "fd") == pytest.approx(wanted)


def test_only_changes_that_stand_after_correction_are_told():
    """Among eleven pairs a p of 0.03 is not enough."""
    names = [f"m{k}" for k in range(11)]
    changes = [spread(1.0, 0.2), spread(0.8, 1.0), *[spread(0.0, 1.0)] * 9]
    rows = [row(ONE, m, d) for m, d in zip(names, changes, strict=True)]
    at = Regime("bare", [*rows, *(row(OTHER, m, [0.0] * 10) for m in names)])
    assert stats.ttest_1samp(changes[1], 0).pvalue < 0.05
    lines, tested = paired.clear(at, [(ONE, m) for m in (*names, "absent")], OTHER)
    assert [line[:2] for line in lines] == [["One", "m0"]] and tested == 11


def test_an_arm_without_a_distance_stands_at_the_null():
    rows = [row(a, "auc", [0.8, 0.9]) for a in (ONE, OTHER)]
    at = Regime("bare", [*rows, row(OTHER, "fd", [3.0, 5.0], null=1.0)])
    line = paired.against(at, [ONE], OTHER, "fd")["One"]
    assert line["draws"] == {"0/0": -2.0, "0/1": -4.0} and line["here"] == {"0/0"}
    assert paired.against(at, [ONE], OTHER, "auc")["One"]["paper"] is None
