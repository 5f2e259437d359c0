"""Curves over a share: an arm stands where it has draws, and its gain is paired."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from lib.papers.arms import Arm
from lib.report import sweep
from lib.report.rows import Regime

REAL, OWN = Arm("real", "Real only", "baseline"), Arm("own", "Own", "method")


@pytest.fixture
def axes():
    figure, found = plt.subplots(1, 2)
    yield found
    plt.close(figure)


def at(**arms):
    return Regime("bare", [
        {"arm": name, "metric": "auc", "values": values, "here": [],
         "draws": {f"0/{k}": x for k, x in enumerate(values)}} for name, values in arms.items()
    ])  # fmt: skip


def test_curves_stand_where_an_arm_has_draws_and_gains_are_paired(axes):
    shares = {100: at(real=[0.5, 0.7], own=[0.6, 0.9]), 200: at(real=[0.7, 0.8])}
    for arm in (REAL, OWN):
        sweep.by_share(*axes, shares, arm, 1.0)
    lines = [{line.get_label(): line for line in ax.lines} for ax in axes]
    np.testing.assert_allclose(lines[0]["Real only"].get_xydata(), [[100, 0.6], [200, 0.75]])
    np.testing.assert_allclose(lines[0]["Own"].get_xydata(), [[100, 0.75]])
    np.testing.assert_allclose(lines[1]["Own"].get_xydata(), [[100, 0.15]])
    assert "Real only" not in lines[1]


def test_an_axis_names_its_places_and_no_others(axes):
    axes[0].plot([1, 8], [0, 1], label="a")
    sweep.axis(axes[0], {1: "one", 8: "eight"}, "across", "up", loc="upper left")
    axes[0].figure.canvas.draw()
    assert [text.get_text() for text in axes[0].get_xticklabels()] == ["one", "eight"]
    assert axes[0].get_xscale() == "log" and axes[0].get_legend() is not None
    assert not axes[0].xaxis.get_minorticklocs().size
