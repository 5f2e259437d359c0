"""What a figure draws of few draws."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lib.report import plots


def bars(axes):
    return [line for line in axes.lines if len(line.get_xdata()) == 2]


@pytest.mark.parametrize(("draws", "drawn"), [(1, 0), (2, 0), (3, 1), (5, 1)])
def test_two_draws_are_dots_without_an_interval(draws, drawn):
    """With t = 12.7 the interval of two draws would flatten every other of a figure."""
    figure, (line, place) = plt.subplots(1, 2)
    values = 0.7 + 0.01 * np.arange(draws)
    plots.marks(line, dict(enumerate(values)), 0, "red", here=())
    assert len(bars(line)) == drawn
    assert sum(len(each.get_xdata()) == 1 for each in line.lines) == draws + 1, "dots and mean"
    plots.curve(place, {1.0: values}, "red", "")
    assert len(bars(place)) == drawn if draws != 2 else len(bars(place)) == 1  # its two dots
    plt.close(figure)


def test_given_ends_are_drawn_whatever_the_number_of_draws():
    figure, axes = plt.subplots()
    plots.marks(axes, {"0": 0.5, "1": 0.6}, 0, "red", here=(), ends=(0.4, 0.7))
    (bar,) = bars(axes)
    assert list(bar.get_xdata()) == [0.4, 0.7]
    plt.close(figure)
