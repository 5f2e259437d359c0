"""Generators after half and after all of their training, and recipes: parts of a budget page."""

from collections.abc import Iterable

from lib.papers.arms import Arm
from lib.papers.plateau import gained, half, spare
from lib.report.rows import Regime, number

HEAD = ("FD, half of the training", "FD, all of it", "second half gains", "plateau")


def lines(at: Regime, generators: Iterable[Arm]) -> list[list[str]]:
    """One line for each generator that is there, below HEAD."""
    found = []
    for arm in (arm for arm in generators if at.has(arm, "plateau")):
        last = spare(arm) if at.has(spare(arm), "fd") else arm
        ends = [at.mean(each, "fd") for each in (half(arm), last)]
        word = "yes" if at.mean(arm, "plateau") else "**no**"
        found.append([arm.label, *map(number, ends), f"{gained(*ends):.0%}", word])
    return found


def tried(at: Regime, table) -> list[list[str]]:
    """One line for each generator and each recipe that was not taken, with the scores of both."""
    arms = [arm for arm in (*table.generators, *table.recipes) if at.has(arm, table.judging[-1])]
    taken = {arm.name for arm in table.generators}
    return [
        [arm.label, *(at.cell(arm, m) for m in table.judging), "yes" if arm.name in taken else "no"]
        for arm in arms
    ]
