"""Parts of ControlNet's pages: where points of a curve stand, and what a curve leaves out."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from lib.papers.controlnet.arms import TASKS
from lib.report import films
from lib.report.rows import Regime


def regime(**arms: dict[str, float]) -> Regime:
    rows = [
        {"arm": arm, "metric": "f1", "draws": draws, "values": [*draws.values()]}
        for arm, draws in arms.items()
    ]
    return Regime("rsna-1", rows)


@pytest.fixture
def axes():
    figure, axes = plt.subplots()
    yield axes
    plt.close(figure)


def test_a_point_stands_at_the_mean_of_real_plus_the_gain_in_its_own_draws():
    at = regime(real={"0/0": 0.2, "0/1": 0.4}, syn2={"0/1": 0.5})
    np.testing.assert_allclose(films.placed(at, "syn2", "f1"), [0.3 + 0.1])
    np.testing.assert_allclose(films.placed(at, "real", "f1"), [0.3, 0.3])


def test_an_arm_without_a_draw_or_without_real_films_has_no_place():
    at = regime(syn2={"0/0": 0.5})
    assert not films.placed(at, "syn2", "f1").size
    assert not films.placed(regime(real={"0/0": 0.2}), "syn2", "f1").size


def test_a_line_leaves_out_places_without_values(axes):
    films.line(axes, {1: np.array([0.1, 0.3]), 2: np.array([]), 3: np.array([0.5])}, "o-")
    found = axes.lines[0]
    np.testing.assert_allclose(found.get_xydata(), [[1, 0.2], [3, 0.5]])
    films.line(axes, {1: np.array([])}, "o-", label="nothing")
    assert axes.get_legend_handles_labels()[1] == []


def test_every_metric_that_a_page_shows_has_a_name():
    shown = {m for task in TASKS.values() for m in task.metrics} - {"f1_rare", "f1_common"}
    assert len({films.named(m) for m in shown}) == len({m.replace("_macro", "") for m in shown})
    assert films.named("f1_macro_all_positive") == films.named("f1_all_positive")
