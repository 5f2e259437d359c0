"""Adherence along the training of ControlNet's branch: curves, and what a stopping rule would say.

Rule: stop at the first of the steps that are looked at from which on no later one is better by the
margin of the score. Nothing was stopped by it.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from lib.claims.verdict import margin_of
from lib.papers.arms import Arm
from lib.papers.controlnet.arms import SOURCES, chosen
from lib.report import plots
from lib.report.conditions import CHANCE
from lib.report.rows import Rows, number

Curve = dict[int, np.ndarray]
"""{steps: one value per draw}."""

TITLES = {"label_accuracy_ratio": "label accuracy", "mask_adherence": "mask Dice",
          "coverage": "coverage"}  # fmt: skip
KINDS = {"text_only": plots.ROLES["method"], "mask_only": plots.ROLES["control"],
         "text_and_mask": "#CC79A7"}  # fmt: skip


def curve(rows: Rows, arm: Arm | str, metric: str, steps: tuple[int, ...]) -> Curve:
    """The values of an arm by steps of the branch, as far as they are there."""
    at = {n: rows.get(f"steps {n}") for n in steps}
    return {n: found.values(arm, metric) for n, found in at.items() if found.has(arm, metric)}


def stop(found: Mapping[int, np.ndarray], least: float) -> int | None:
    """The first steps from which on no later mean is higher by `least`; None of no steps."""
    means = {n: values.mean() for n, values in found.items()}
    for n, mean in means.items():
        if all(later - mean < least for m, later in means.items() if m > n):
            return n
    return None


def rule(name: str, found: Mapping[int, np.ndarray], metric: str = "mask_adherence") -> str:
    """What the rule would have chosen, in a sentence; "" where nothing was looked at."""
    least, taken = margin_of(metric), max(found, default=None)
    at = stop(found, least)
    if at is None:
        return ""
    text = (
        f"{name}: a training that stops where {TITLES[metric]} no longer rises by {least:g} would "
        f"have taken {at} steps ({number(found[at].mean())})"
    )
    if at < taken:
        return f"{text} in the place of {taken} ({number(found[taken].mean())})."
    before = max((n for n in found if n < at), default=None)
    if before is None:
        return f"{text}, all that there were."
    late = found[at].mean() - found[before].mean()
    return f"{text}, all that there were; the last {at - before} of them gave {late:+.3f}."


def draw_kinds(axes: Axes, rows: Rows, metric: str, steps: tuple[int, ...]) -> None:
    """One line for each kind of condition that has this score; dotted: what chance reads."""
    for arm in chosen(*KINDS):
        found = curve(rows, arm, metric, steps)
        if found:
            plots.curve(axes, found, KINDS[arm.name], arm.label)
    level = chance(rows, steps) if metric == "label_accuracy_ratio" else None
    if level is not None:
        axes.axhline(level, color="black", ls=":", lw=1, label="chance")
    axes.set(xlabel="steps of the branch", ylabel=TITLES[metric], ylim=(0, 1.1))
    axes.set_xticks(steps)


def chance(rows: Rows, steps: tuple[int, ...]) -> float | None:
    """What CHANCE reads over the reader's accuracy on real films; None where there is no curve."""
    arm = SOURCES["text_only"]
    own, over = (curve(rows, arm, m, steps) for m in ("label_accuracy", "label_accuracy_ratio"))
    return float(np.mean([CHANCE * over[n] / own[n] for n in own])) if own else None


def lines(rows: Rows, steps: tuple[int, ...]) -> list[list[str]]:
    """A line for each kind of condition and score: its means by steps."""
    found = []
    for arm in chosen(*KINDS):
        for metric, title in TITLES.items():
            each = curve(rows, arm, metric, steps)
            if each:
                cells = (number(each[n].mean()) if n in each else "" for n in steps)
                found.append([arm.label, title, *cells])
    return found
