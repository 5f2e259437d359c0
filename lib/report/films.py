"""Parts of ControlNet's pages: scores of a task against the number of films, real or added."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from lib.metrics.inference import t_interval
from lib.papers.arms import Arm
from lib.report.plots import FEWEST
from lib.report.rows import Regime

NAMES = {  # of metrics; those of several findings are means over them
    "f1": "F1 at 0.5", "f1_tuned": "F1 at validation's threshold", "auc": "AUC",
    "auprc": "AUPRC", "f1_all_positive": "F1, all called positive",
    "dice": "Dice, films with a lesion", "dice_all": "Dice, all films",
    "false_positive_rate": "false alarms",
}  # fmt: skip


def named(metric: str) -> str:
    """A metric in words, `macro` left out."""
    return NAMES[metric.replace("_macro", "")]


def placed(at: Regime, arm: Arm | str, metric: str) -> np.ndarray:
    """An arm's values where all arms of a regime can be compared: the mean of `real` in all draws
    plus the arm's gain in each draw that both have. Empty where there is none."""
    if not (at.has("real", metric) and at.has(arm, metric)):
        return np.array([])
    return at.mean("real", metric) + at.gain(arm, "real", metric)


def line(axes: Axes, found: Mapping[float, np.ndarray], fmt: str, **look) -> None:
    """Means of values by place {x: one per draw} with their 95 % t-intervals (from three draws on);
    a place without values is left out, and so is the line without a place."""
    there = {x: v for x, v in found.items() if len(v)}
    if not there:
        return
    half = [t_interval(v)[2] - v.mean() if len(v) >= FEWEST else np.nan for v in there.values()]
    means = [v.mean() for v in there.values()]
    axes.errorbar([*there], means, half, fmt=fmt, **{"ms": 4, "capsize": 2, "lw": 1.5, **look})
