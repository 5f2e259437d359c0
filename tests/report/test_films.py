"""Parts of ControlNet's pages: where points of a curve stand, and what a curve leaves out."""

import numpy as np
import pytest
from matplotlib import pyplot as plt

from lib.papers.controlnet.arms import TASKS, TIMES
from lib.report import films
from lib.report.rows import NONE, Regime, Rows


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


def task_rows(**arms: dict[str, float]) -> Regime:
    """One draw of arms, {metric: value} each."""
    rows = [{"arm": arm, "metric": metric, "draws": {"0/0": value}, "values": [value]}
            for arm, found in arms.items() for metric, value in found.items()]  # fmt: skip
    return Regime("rsna-10", rows)


def test_where_fresh_phantoms_do_not_help_the_page_says_so():
    real = {"auc": 0.6, "f1": 0.6, "f1_all_positive": 0.4}
    good, poor = {"auc": 0.7, "f1": 0.7}, {"auc": 0.605, "f1": 0.9}
    assert films.unread(task_rows(real=real, oracle2=good), TASKS["rsna"], 2) == ""
    told = films.unread(task_rows(real=real, oracle2=poor), TASKS["rsna"], 2)
    assert told.startswith("At this size fresh phantoms do not help either (AUC: 0.600 with")
    assert "0.605" in told and "F1" not in told, "AUC decides, F1 does not"
    assert films.unread(task_rows(real=real), TASKS["rsna"], 2) == ""
    assert films.unread(Regime("rsna-10", ()), TASKS["rsna"], 2) == ""
    dice = task_rows(real={"dice": 0.3}, oracle10={"dice": 0.2})
    assert "either (Dice, films with a lesion: 0.300" in films.unread(dice, TASKS["candid"], 10)


def test_where_synthetic_films_beat_fresh_phantoms_the_oracle_is_no_ceiling():
    """As the RSNA-like task at a tenth of the films: the oracle helps, and less than they do."""
    arms = {"real": {"auc": 0.51}, "oracle10": {"auc": 0.528}, "syn10": {"auc": 0.634}}
    told = films.unread(task_rows(**arms), TASKS["rsna"], 10)
    assert told.startswith("Synthetic films beat as many fresh phantoms (AUC: 0.634 against 0.528")
    assert "either" not in told, "they help by more than the margin"
    assert films.unread(task_rows(**arms | {"syn10": {"auc": 0.53}}), TASKS["rsna"], 10) == ""
    both = films.unread(task_rows(**arms | {"oracle10": {"auc": 0.5}}), TASKS["rsna"], 10)
    assert both.index("either") < both.index("Synthetic films beat")


def test_a_task_is_told_by_fraction_with_its_films():
    low = [row | {"regime": "siim-100"} for row in task_rows(
        real={"dice": 0.7}, oracle2={"dice": 0.69}).rows.values()]  # fmt: skip
    (line,) = films.told(Rows({"rows": low}), TASKS["siim"], {1: 16, 10: 160, 100: 1600})
    assert line.startswith("- *SIIM-like, 1,600 real films.* At this size fresh phantoms do not")


def test_f1_at_the_level_of_calling_all_positive_is_said_to_say_nothing():
    real = {"auc": 0.6, "f1": 0.41, "f1_all_positive": 0.4}
    at = task_rows(real=real, syn2={"auc": 0.6, "f1": 0.3}, oracle2={"auc": 0.7, "f1": 0.5})
    told = films.unread(at, TASKS["rsna"], 2)
    assert told.startswith("F1 at 0.5 with real films alone and synthetic films is less than 0.02")
    assert "0.400" in told and "fresh" not in told


def rising(values: dict[int, tuple[float, float]]) -> Regime:
    """Two draws of real films (0) and of each amount of synthetic ones."""
    arms = {f"syn{m}" if m else "real": dict(zip(("0/0", "0/1"), v, strict=True))
            for m, v in values.items()}  # fmt: skip
    return regime(**arms)


def test_a_trend_is_that_of_the_amounts_in_their_order():
    up = rising({m: (0.1 + i / 10, 0.2 + i / 10) for i, m in enumerate((0, *TIMES))})
    count, tau, p, best = films.trend(up, "syn", "f1")
    assert (count, tau, best) == (2, "+1.00", "25x") and float(p) < 0.01
    down = rising({m: (0.9 - i / 10, 0.8 - i / 10) for i, m in enumerate((0, *TIMES))})
    assert films.trend(down, "syn", "f1")[1::2] == ["-1.00", "0x"]
    assert films.trend(rising({0: (0.1, 0.2), 2: (0.2, 0.3)}), "syn", "f1") == [0, *[NONE] * 3]


def test_gains_and_leads_are_paired_by_draw():
    more = {"oracle2": {"0/0": 0.9}, "oversample2": {"0/1": 0.4}}
    at = regime(real={"0/0": 0.2, "0/1": 0.4}, syn2={"0/1": 0.5}, **more)
    for row in at.rows.values():
        row["here"] = ["0/1"]
    np.testing.assert_allclose(films.gained(at, "syn2", "f1"), [0.1])
    assert not films.gained(at, "syn5", "f1").size
    assert films.lead(at, "syn2", "oracle2", "f1") is None, "they share no draw"
    found = films.lead(at, "syn2", "real", "f1")
    assert found == {"draws": {"0/1": pytest.approx(0.1)}, "role": "method", "here": {"0/1"}}
    roles = {arm: films.lead(at, arm, "real", "f1")["role"] for arm in more}
    assert roles == {"oracle2": "oracle", "oversample2": "baseline"}


def test_lines_of_numbers_name_the_quoted_amount_and_leave_out_what_has_no_draw():
    rows = [{"regime": "rsna-1", "arm": arm, "metric": metric, "paper": None,
             "values": [x, x + 0.1], "draws": {"0/0": x, "0/1": x + 0.1}}
            for arm, x in (("real", 0.2), ("syn25", 0.5), ("syn10", 0.6))
            for metric in ("f1", "f1_all_positive")]  # fmt: skip
    task = TASKS["rsna"]
    lines = films.numbers(Rows({"rows": rows}), task, 1, 16, ["f1", "f1_all_positive"])
    assert [line[1] for line in lines] == ["Real films", "Synthetic, 25x"]
    count, _, r, f1, fixed, *shares, said = lines[1]
    assert (count, r, said) == ("16", 2, NONE) and "[" in f1 and "[" not in fixed
    assert len(shares) == len(films.shared(task)) == 2


def test_rivals_are_the_controls_of_the_same_amount():
    found = films.rivals(TASKS["candid"], 1)
    names = [arm.name for arm in found]
    copies = "oversample25", "memoriser25", "smooth25"
    assert names == ["real", "classic", *copies, "shuffled25", "oracle25"]
    wanted = ["Real films", "Augmented", "Real films again", "Noisy copies", "Blurred copies",
              "Shuffled", "Oracle"]  # fmt: skip
    assert [arm.label for arm in found] == wanted
