"""Confusion matrices: two classes out of three, rates and intervals against sklearn and scipy."""

import numpy as np
import pytest
from matplotlib import pyplot as plt
from scipy import stats
from sklearn.metrics import confusion_matrix

from lib.report import confusion

MATRIX = np.array([[95, 3, 2], [10, 35, 5], [20, 6, 24]])


def cases() -> tuple[np.ndarray, np.ndarray]:
    """Truth and answers (N,) with these counts."""
    pairs = [(i, j) for (i, j), n in np.ndenumerate(MATRIX) for _ in range(n)]
    return np.transpose(pairs)


def test_two_classes_are_what_they_are_when_counted_anew():
    truth, said = cases()
    wanted = confusion_matrix(truth > 0, said > 0)
    np.testing.assert_array_equal(confusion.binary(MATRIX), wanted)
    np.testing.assert_array_equal(confusion.binary(np.stack([MATRIX] * 2)), [wanted] * 2)


def test_a_line_has_the_exact_interval_and_the_side_of_those_found():
    specificity, covers, sensitivity, side = confusion.line(MATRIX, 0.95)
    ends = stats.binomtest(95, 100).proportion_ci(method="exact")
    assert specificity == f"0.950 [{ends.low:.3f}, {ends.high:.3f}]" and covers == "yes"
    truth, said = cases()
    found = (truth > 0) & (said > 0)
    assert float(sensitivity) == pytest.approx(found.sum() / (truth > 0).sum(), abs=5e-4)
    assert float(side) == pytest.approx((said == truth)[found].mean(), abs=5e-4)
    assert confusion.line(MATRIX, 0.5)[1] == "no"


def test_a_picture_names_sum_share_and_range_over_draws():
    other = MATRIX.copy()
    other[0] = [90, 5, 5]
    figure, axes = plt.subplots()
    confusion.draw(axes, np.stack([MATRIX, other]), ("healthy", "left", "right"))
    assert axes.texts[0].get_text() == "185\n92.5%\n(90 to 95 %)"
    assert axes.texts[5].get_text() == "10\n10.0%\n(10 to 10 %)"
    plt.close(figure)


def test_a_picture_of_one_draw_has_no_range():
    figure, axes = plt.subplots()
    confusion.draw(axes, MATRIX[None], ("healthy", "left", "right"))
    assert axes.texts[0].get_text() == "95\n95.0%"
    plt.close(figure)
