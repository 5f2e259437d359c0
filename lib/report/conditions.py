"""Whether films show what they were asked for, by kind of condition: part of ControlNet's page 01.

Balanced accuracy is 0.5 where nothing is seen, so that its ratio to the reader's accuracy on real
films is far from 0 by chance alone. Both scales are given: that ratio, and the share of the
reader's rise above chance.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from lib.papers.controlnet.arms import TASKS, chosen
from lib.report.rows import NONE, Regime, number
from lib.report.summary import listed
from lib.scores.films import above

CHANCE = 0.5  # balanced accuracy where nothing is seen
LABELS, DICE = 0.8, 0.6  # what is asked of the generator, at least
HEAD = ("", "label accuracy", "chance reads", "above chance", "findings over real", "mask Dice")
ONE_NAME = "One name alone (T2I)"  # as classifiers get it


class Adherence(NamedTuple):
    """One kind of condition, means over draws; None where it has no such score.

    plain: label accuracy over the reader's on real films; chance: what CHANCE reads there; above:
    the share of the reader's rise above chance; findings: those asked for that are seen, over real
    films; dice: of the mask.
    """

    label: str
    plain: float | None
    chance: float | None
    above: float | None
    findings: float | None
    dice: float | None


def adherences(at: Regime) -> list[Adherence]:
    """Fresh phantoms, each kind of condition, and names alone, as far as they have draws."""
    arms = chosen("fresh", "text_only", "mask_only", "text_and_mask")
    found = [_of(at, arm) for arm in arms if at.has(arm, "coverage")]
    if at.has("syn", "name_accuracy") and at.has("fresh", "name_accuracy"):
        own, best = at.together(["syn", "fresh"], "name_accuracy")
        found.append(Adherence(ONE_NAME, *_scales(own, best), None, None))
    return found


def _of(at: Regime, arm) -> Adherence:
    scales = None, None, None
    if at.has(arm, "label_accuracy"):
        own, ratio = (at.draws(arm, m) for m in ("label_accuracy", "label_accuracy_ratio"))
        scales = _scales(*np.array([[x, x / ratio[k]] for k, x in own.items()]).T)
    seen = dice = None
    if scales[0] is not None and at.row(arm, "label_adherence")["null"]:
        seen = at.mean(arm, "label_adherence") / at.row(arm, "label_adherence")["null"]
    if at.has(arm, "mask_adherence"):
        dice = at.mean(arm, "mask_adherence")
    return Adherence(arm.label, *scales, seen, dice)


def _scales(own: np.ndarray, best: np.ndarray) -> tuple[float, float, float | None]:
    """plain, chance and above of accuracies (R,) and the best there could be (R,)."""
    rises = [above(*pair) for pair in zip(own, best, strict=True)]
    rise = None if None in rises else float(np.mean(rises))
    return float((own / best).mean()), float((CHANCE / best).mean()), rise


def lines(found: Iterable[Adherence]) -> list[list[str]]:
    """Lines below HEAD."""
    return [[each.label, *(NONE if x is None else number(x) for x in each[1:])] for each in found]


def said(found: list[Adherence]) -> list[str]:
    """Which kinds of condition meet the bars, one item of a list for each scale."""
    made = [each for each in found if each.label != chosen("fresh")[0].label]
    chance = [each.chance for each in made if each.chance is not None]
    if not chance:
        return []
    ends = " to ".join(dict.fromkeys(f"{x:.2f}" for x in (min(chance), max(chance))))
    scales = {
        f"label accuracy, where chance reads {ends}": (LABELS, [(e.label, e.plain) for e in made]),
        "label accuracy above chance": (LABELS, [(e.label, e.above) for e in made]),
        "mask Dice": (DICE, [(e.label, e.dice) for e in made]),
    }
    there = {title: (least, [(name, x) for name, x in each if x is not None])
             for title, (least, each) in scales.items()}  # fmt: skip
    return [_met(title, *found) for title, found in there.items() if found[1]]


def _met(title: str, least: float, values: list[tuple[str, float]]) -> str:
    there = [(f"{name}: {number(x)}", x >= least) for name, x in values]
    parts = {"met": [n for n, ok in there if ok], "not met": [n for n, ok in there if not ok]}
    text = "; ".join(f"{word} by {listed(names)}" for word, names in parts.items() if names)
    return f"- At least {least:g} in {title}: {text}."


def fed() -> str:
    """The tasks whose synthetic films are drawn for texts alone."""
    return listed([task.label for task in TASKS.values() if task.findings])
