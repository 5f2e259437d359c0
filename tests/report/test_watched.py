"""Adherence along a training: which curves there are, and where a rule would have stopped."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from lib.report import watched
from lib.report.rows import Rows

STEPS = (0, 100, 200)


def rows(**arms: dict[str, dict[int, float]]) -> Rows:
    """Rows of one draw: {arm: {metric: {steps: value}}}."""
    return Rows({"rows": [
        {"regime": f"steps {n}", "arm": arm, "metric": metric, "draws": {"0/9": x}, "values": [x]}
        for arm, found in arms.items() for metric, each in found.items() for n, x in each.items()
    ]})  # fmt: skip


def curve(*means: float) -> dict[int, np.ndarray]:
    return {100 * i: np.array([x - 0.1, x + 0.1]) for i, x in enumerate(means, start=1)}


def test_the_rule_stops_where_nothing_later_is_better_by_the_margin():
    assert watched.stop(curve(0.3, 0.5, 0.52, 0.51), 0.03) == 200
    assert watched.stop(curve(0.3, 0.5, 0.5, 0.6), 0.03) == 400, "a pause is no end"
    assert watched.stop(curve(0.6, 0.5, 0.4), 0.03) == 100, "it only falls"
    assert watched.stop({}, 0.03) is None


def test_the_rule_says_what_it_would_have_saved_or_that_nothing_was_left():
    early = watched.rule("Twin", curve(0.3, 0.6, 0.61))
    assert "rises by 0.03 would have taken 200 steps (0.600) in the place of 300 (0.610)." in early
    late = watched.rule("Twin", curve(0.3, 0.4, 0.456))
    assert late.endswith("(0.456), all that there were; the last 100 of them gave +0.056.")
    assert watched.rule("Twin", curve(0.4)).endswith("100 steps (0.400), all that there were.")
    assert watched.rule("Twin", {}) == ""


@pytest.fixture
def followed() -> Rows:
    return rows(
        text_only={"label_accuracy": {0: 0.8, 100: 0.72}, "label_accuracy_ratio": {0: 1, 100: 0.9}},
        mask_only={"mask_adherence": {100: 0.3, 200: 0.5}},
    )  # fmt: skip


def test_a_line_for_every_kind_and_score_leaves_open_what_was_not_looked_at(followed):
    assert watched.lines(followed, STEPS) == [
        ["Text alone (T2I)", "label accuracy", "1", "0.900", ""],
        ["Mask alone (M2I)", "mask Dice", "", "0.300", "0.500"],
    ]
    assert watched.lines(Rows({"rows": []}), STEPS) == []


def test_curves_stand_beside_what_chance_reads(followed):
    assert watched.chance(followed, STEPS) == pytest.approx(0.5 / 0.8)
    assert watched.chance(rows(), STEPS) is None
    figure, (left, right) = plt.subplots(1, 2)
    watched.draw_kinds(left, followed, "label_accuracy_ratio", STEPS)
    watched.draw_kinds(right, followed, "mask_adherence", STEPS)
    names = [axes.get_legend_handles_labels()[1] for axes in (left, right)]
    assert names == [["Text alone (T2I)", "chance"], ["Mask alone (M2I)"]]
    dotted = left.get_lines()[-1]
    assert dotted.get_ydata() == pytest.approx([0.625, 0.625])
    plt.close(figure)
