"""Scores by gradient steps: the curves of a chapter's budget page."""

from matplotlib.axes import Axes

from lib.papers.arms import Arm
from lib.papers.budget import after
from lib.report.plots import ROLES
from lib.report.rows import Regime

FLAT = 0.01  # of an AUC or a Dice: what a plateau may still rise


def by_steps(at: Regime, arm: Arm, metric: str, steps: tuple[int, ...]) -> dict[int, float]:
    """Mean score of an arm by steps, as far as it is there."""
    named = {s: after(arm, s) for s in steps}
    return {s: at.mean(each, metric) for s, each in named.items() if at.has(each, metric)}


def curves(
    axes: Axes, found: dict[str, dict[int, float]], looks: dict[str, tuple[str, str]], budget: int
) -> None:
    """One line for each label: {label: {steps: score}}, {label: (role, line style)}."""
    for label, each in found.items():
        role, style = looks[label]
        axes.plot([*each], [*each.values()], "o", ls=style, color=ROLES[role], label=label)
    axes.axvline(budget, color="black", lw=0.8, ls=":")
    axes.set_xscale("log")
    places = sorted({s for each in found.values() for s in each})
    axes.set_xticks(places, places)
    axes.minorticks_off()
    axes.set_xlabel("gradient steps")


def still_to_gain(found: dict[int, float], budget: int) -> float:
    """Best score after more steps than the budget, minus that at the budget."""
    now = max((s for s in found if s <= budget), default=min(found))
    return max(score for s, score in found.items() if s >= now) - found[now]


def verdict(name: str, left: float) -> str:
    """A sentence on the plateau."""
    word = "flat" if left < FLAT else "NOT flat"
    return f"{name}: beyond its budget the oracle gains {left:+.3f}: {word}"
