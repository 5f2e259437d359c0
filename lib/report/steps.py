"""Scores by gradient steps: the curves of a chapter's budget page."""

from matplotlib.axes import Axes

from lib.papers.arms import Arm
from lib.papers.budget import Budget, after, on_law
from lib.papers.study import Study
from lib.report.plots import ROLES
from lib.report.rows import Regime

FLAT = 0.01  # of an AUC or a Dice: what a plateau may still rise


def by_steps(at: Regime, arm: Arm, metric: str, steps: tuple[int, ...]) -> dict[int, float]:
    """Mean score of an arm by steps, as far as it is there."""
    named = {s: after(arm, s) for s in steps}
    return {s: at.mean(each, metric) for s, each in named.items() if at.has(each, metric)}


def difficulty(at: Regime, table: Budget, study: Study) -> list[list[str]]:
    """A line for each law that was tried: its ranges, real images alone, the oracle and its gain.

    The last line is the law that was frozen.
    """
    arms, metric = table.compared(study), table.metrics[0]
    tries = [[on_law(arm, ranges) for arm in arms] for ranges in table.tried(study)]
    tries.append([after(arm, table.steps(study)) for arm in arms])
    names = [in_words(ranges) for ranges in table.tried(study)] + ["**frozen**"]
    lines = []
    for name, pair in zip(names, tries, strict=True):
        if all(at.has(arm, metric) for arm in pair):
            real, fresh = (at.mean(arm, metric) for arm in pair)
            lines.append([name, f"{real:.3f}", f"{fresh:.3f}", f"{fresh - real:+.3f}"])
    return lines


def in_words(ranges: dict[str, tuple[float, float]]) -> str:
    """`opacity_grey` 0.1 to 0.4, ..."""
    return ", ".join(f"`{name}` {low:g} to {high:g}" for name, (low, high) in ranges.items())


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
