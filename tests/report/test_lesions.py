"""Parts of PathoSyn's pages say what they are given, and what is missing."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from lib.papers.pathosyn.arms import GENERATORS, SOURCES, chosen
from lib.report import lesions, plots
from lib.report.rows import Regime


@pytest.fixture
def axes():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_generators_have_colours_of_their_own_and_others_their_roles():
    own = [lesions.colour(arm) for arm in chosen(*GENERATORS)]
    assert len({*own} - {*plots.ROLES.values()} | {plots.ROLES["method"]}) == len(GENERATORS)
    assert lesions.colour(SOURCES["oracle"]) == plots.ROLES["oracle"]


def test_answers_draw_the_slope_about_each_lesions_own_mean(axes):
    asked = np.tile(np.arange(5.0), (3, 1))
    lesions.answers(axes, asked, 0.5 * asked + np.array([[1.0], [20.0], [np.nan]]), "red")
    slope = axes.lines[-1]
    assert slope.get_ydata() == pytest.approx(0.5 * slope.get_xdata())
    assert len(axes.lines) == 2 + 2, "a lesion that is not seen has no line"


def test_where_nothing_is_seen_the_panel_says_so(axes):
    lesions.answers(axes, np.ones((2, 3)), np.full((2, 3), np.nan), "red")
    assert [text.get_text() for text in axes.texts] == ["nothing is seen"]


def test_a_forest_that_can_be_negative_is_linear_round_its_null(axes):
    arms = [SOURCES["oracle"], SOURCES["brain_ldm"]]
    told = [{"regime": "bare", "arm": arm.name, "metric": "kid", "draws": {"0/0": x}, "here": [],
             "values": [x], "paper": None, "null": 1e-4, "null_sd": 2e-4}
            for arm, x in zip(arms, (-2e-4, 0.5), strict=True)]  # fmt: skip
    lesions.forests([axes], Regime("bare", told), arms, {"kid": "KID"}, {"kid": "symlog"})
    assert axes.get_xscale() == "symlog"
    assert axes.xaxis.get_transform().linthresh == pytest.approx(1e-3)


@pytest.mark.parametrize("scale", ["log", "symlog"])
def test_a_forest_of_less_than_a_decade_is_linear(axes, scale):
    row = {"regime": "bare", "arm": "oracle", "metric": "kid", "draws": {"0/0": 3e-4}, "here": [],
           "values": [3e-4], "paper": None, "null": 1e-4, "null_sd": 2e-4}  # fmt: skip
    lesions.forests(
        [axes], Regime("bare", [row]), [SOURCES["oracle"]], {"kid": "KID"}, {"kid": scale}
    )
    assert axes.get_xscale() == "linear"


def test_arms_without_a_number_are_named_once():
    class Told:
        said = ""

        def text(self, markdown):
            self.said = markdown

    page, (one, two) = Told(), chosen("maskdiff", "oracle")
    lesions.missing(page, [one, one, two], [two])
    assert page.said.count(one.label) == 1
    assert two.label not in page.said
    lesions.missing(silent := Told(), [two], [two])
    assert not silent.said


def test_paired_lines_have_each_their_own_masks():
    mask = np.zeros((2, 8, 8), bool)
    mask[1, 2:5, 3:6] = True
    figure, axes = plt.subplots(2, 2)
    lesions.paired(axes, {"a": (np.zeros((2, 8, 8)), mask), "b": (np.ones((2, 8, 8)), mask[::-1])})
    assert [[len(ax.collections) for ax in line] for line in axes] == [[0, 1], [1, 0]]
    assert [line[0].images[0].get_array().max() for line in axes] == [0, 1]
    plt.close(figure)


def test_a_score_that_ranks_others_before_true_lesions_is_said_not_to_rank():
    kid = {"oracle": 0.02, "brain_ldm": 0.04, "maskdiff": 0.01, "smooth": 0.03}
    told = [{"regime": "bare", "arm": name, "metric": "kid", "draws": {"0/0": x}, "values": [x],
             "null": 0.008, "null_sd": 0.01} for name, x in kid.items()]  # fmt: skip
    arms = [SOURCES[name] for name in kid]
    text = lesions.beside_oracle(Regime("bare", told), arms, "kid", "KID")
    assert f"of 3 other arms 1 read less ({SOURCES['maskdiff'].label})" in text
    first = lesions.beside_oracle(Regime("bare", told[:2]), arms[:2], "kid", "KID")
    assert first.endswith("; no other arm reads less.*")
    assert lesions.beside_oracle(Regime("bare", told[1:]), arms, "kid", "KID") == ""
    assert lesions.beside_oracle(Regime("bare", ()), arms, "kid", "KID") == ""
