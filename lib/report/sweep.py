"""Curves over what is varied, on a logarithmic axis: labelled images, synthetic images per real."""

from matplotlib.axes import Axes

from lib.papers.arms import Arm
from lib.report.plots import ROLES, curve
from lib.report.rows import Regime


def axis(axes: Axes, places: dict[float, str], across: str, up: str, **look) -> None:
    """A logarithmic axis with named places alone, the names of both axes, and a legend (`look`)."""
    axes.set_xscale("log")
    axes.set_xticks([*places], [*places.values()])
    axes.minorticks_off()
    axes.set(xlabel=across, ylabel=up)
    axes.legend(**{"fontsize": 7, **look})


def by_share(left: Axes, right: Axes, shares: dict[int, Regime], arm: Arm, dodge: float) -> None:
    """AUC of an arm, and its gain over real images alone, by labelled images {n: rows}."""
    at = {n: rows for n, rows in shares.items() if rows.has(arm, "auc")}
    look = ROLES[arm.role], arm.label
    auc = {n: rows.values(arm, "auc") for n, rows in at.items()}
    curve(left, auc, *look, bars=False, dodge=dodge)
    if arm.name != "real":
        curve(right, {n: rows.gain(arm) for n, rows in at.items()}, *look, dodge=dodge)
