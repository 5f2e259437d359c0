"""Curves by steps, and whether a budget is long enough."""

import matplotlib.pyplot as plt
import pytest

from lib.papers.arms import Arm
from lib.papers.budget import Budget, after, on_law
from lib.report import steps
from lib.report.rows import Regime

ARM, REAL = Arm("oracle", "Oracle", "oracle"), Arm("real", "Real only", "baseline")


def regime(scores: dict[int, float]) -> Regime:
    rows = [{"arm": after(ARM, s).name, "metric": "auc", "values": [x], "draws": {"0/999": x}}
            for s, x in scores.items()]  # fmt: skip
    return Regime("bare", rows)


def test_scores_come_by_steps_and_gaps_are_left_out():
    found = steps.by_steps(regime({10: 0.6, 40: 0.8}), ARM, "auc", (10, 20, 40))
    assert found == {10: 0.6, 40: 0.8}


LEFT = [(10, 0.2), (20, 0.05), (25, 0.05), (40, 0.0), (5, 0.2)]


@pytest.mark.parametrize(("budget", "left"), LEFT)
def test_what_is_left_to_gain_is_counted_from_the_budget(budget, left):
    """The last point within the budget counts, and a later fall is no gain."""
    found = {10: 0.6, 20: 0.75, 30: 0.8, 40: 0.7}
    assert steps.still_to_gain(found, budget) == pytest.approx(left)
    assert ("NOT flat" in steps.verdict("bare", left)) == (left > 0.01)


def test_every_curve_is_drawn_and_the_budget_stands_among_them():
    figure, axes = plt.subplots()
    found = {"real": {10: 0.6, 20: 0.7}, "fresh": {10: 0.6, 40: 0.8}}
    steps.curves(axes, found, dict.fromkeys(found, ("oracle", "-")), 20)
    assert [line.get_label() for line in axes.lines][:2] == ["real", "fresh"]
    assert list(axes.lines[-1].get_xdata()) == [20, 20]
    assert list(axes.get_xticks()) == [10, 20, 40]
    plt.close(figure)


class Tried(Budget):
    """A budget page with one law that was tried before the frozen one."""

    metrics = ("auc",)

    def tried(self, study):
        return ({"grey": (0.1, 0.25)},)

    def compared(self, study):
        return REAL, ARM

    def steps(self, study):
        return 40


def test_every_law_that_was_tried_is_shown_before_the_frozen_one():
    """A try that has not been run is left out; the frozen law is read at the budget."""
    tried = {on_law(arm, {"grey": (0.1, 0.25)}).name: x for arm, x in ((REAL, 0.6), (ARM, 0.65))}
    scores = tried | {after(REAL, 40).name: 0.7, after(ARM, 40).name: 0.8, after(ARM, 20).name: 0.1}
    rows = [{"arm": name, "metric": "auc", "values": [x], "draws": {"0/999": x}}
            for name, x in scores.items()]  # fmt: skip
    lines = steps.difficulty(Regime("bare", rows), Tried(), None)
    assert lines == [["`grey` 0.1 to 0.25", "0.600", "0.650", "+0.050"],
                     ["**frozen**", "0.700", "0.800", "+0.100"]]  # fmt: skip
    assert steps.difficulty(Regime("bare", rows[:1]), Tried(), None) == []
