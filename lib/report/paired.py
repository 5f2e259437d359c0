"""Differences between arms, paired by draw: what they say, and what so many draws can see."""

from collections.abc import Iterable

import numpy as np
from scipy import stats

from lib.claims import verdict
from lib.metrics.inference import benjamini_hochberg, paired_t, tost
from lib.papers.arms import Arm
from lib.report.rows import NONE, Regime, interval

WAYS = {True: "yes", False: "**no, the other way**"}


def margin(at: Regime, arm: Arm | str, metric: str) -> float:
    """The margin of the tests for this arm as a number."""
    row = at.row(arm, metric)
    rule = verdict.margin_of(metric)
    return verdict.margin_size(rule, control=row["mean"], null_sd=row["null_sd"])


def reading(d: np.ndarray, bound: float) -> str:
    """What differences (R,) say beside a margin: equivalent, lower, higher or undecided."""
    found = paired_t(d)
    if found["ci95"] is None:
        return "one draw"
    word = "" if found["p"] > verdict.ALPHA else "lower" if found["mean"] < 0 else "higher"
    if verdict.inside(found["ci90"], -bound, bound):
        return f"{word}, but inside the margin" if word else "equivalent"
    return word or "undecided"


def detected(d: np.ndarray) -> str:
    """The difference that a paired t test over draws like these (R,) finds with 80 % power."""
    if len(d) < 2:
        return NONE
    return f"{stats.t.ppf([0.975, 0.8], len(d) - 1).sum() * d.std(ddof=1) / len(d) ** 0.5:.3f}"


def moved(d: np.ndarray, sign: int) -> str:
    """Whether differences (R,) go the way of `sign` (1 or -1), and are clear of zero."""
    found = paired_t(sign * d)
    if found["ci95"] is None:
        return f"one draw ({'that' if found['mean'] > 0 else 'the other'} way)"
    return "**not shown**" if found["p"] > verdict.ALPHA else WAYS[found["mean"] > 0]


def cells(at: Regime, arm: Arm | str, over: Arm | str, metric: str) -> list[str]:
    """Three cells of a table: the change of an arm, the paper's, and what ours says."""
    if not at.has(arm, metric):
        return [NONE] * 3
    d, said = at.gain(arm, over, metric), at.row(arm, metric).get("paper_change")
    said = NONE if said is None else f"*{said:+}*"
    return [interval(d, sign="+"), said, reading(d, margin(at, arm, metric))]


def line(at: Regime, arm: Arm, over: Arm | str) -> list:
    """Cells of an ablation: label, draws, `cells` of AUC, what is detectable, p of TOST, and FD."""
    d = at.gain(arm, over, "auc")
    p = tost(d, margin(at, arm, "auc"))
    auc, fd = (cells(at, arm, over, metric) for metric in ("auc", "fd"))
    return [arm.label, len(d), *auc, detected(d), NONE if p is None else f"{p:.2g}", *fd]


def clear(
    at: Regime, pairs: Iterable[tuple[Arm, str]], over: Arm | str
) -> tuple[list[list[str]], int]:
    """Lines of (arm, metric) pairs whose change is clear of zero, and how many were tested.

    p is adjusted by Benjamini and Hochberg; pairs with fewer than two draws are not tested.
    """
    tested = {(arm, m): at.gain(arm, over, m) for arm, m in pairs if at.count(arm, m) > 1}
    adjusted = benjamini_hochberg([paired_t(d)["p"] for d in tested.values()])
    lines = [
        [arm.label, metric, interval(d, sign="+"), f"{p:.2g}"]
        for ((arm, metric), d), p in zip(tested.items(), adjusted, strict=True)
        if p < verdict.ALPHA
    ]
    return lines, len(tested)


def against(at: Regime, arms: Iterable[Arm], over: Arm | str, metric: str) -> dict[str, dict]:
    """Lines for `plots.lines`: changes of arms by draw, {label: line}, with the paper's.

    An arm without the metric (real images have no distance to themselves) gets the row's null in
    its place.
    """
    found = {}
    for arm in arms:
        line = {"role": arm.role, "here": at.here("auc", arm, over)}
        if at.has(arm, metric):
            said = at.row(arm, metric).get("paper_change")
            line |= {"draws": at.lead(arm, over, metric), "paper": said}
        else:
            null = at.row(over, metric)["null"]
            line["draws"] = {key: null - x for key, x in at.draws(over, metric).items()}
        found[arm.label] = line
    return found
