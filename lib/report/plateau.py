"""Generators after half and after all of their training: the second part of a budget page."""

from collections.abc import Iterable

from lib.papers.arms import Arm
from lib.papers.plateau import gained, half
from lib.report.rows import Regime, number

HEAD = ("FD, half of the training", "FD, all of it", "second half gains", "plateau")


def lines(at: Regime, generators: Iterable[Arm]) -> list[list[str]]:
    """One line for each generator that is there, below HEAD."""
    found = []
    for arm in (arm for arm in generators if at.has(arm, "plateau")):
        ends = [at.mean(each, "fd") for each in (half(arm), arm)]
        word = "yes" if at.mean(arm, "plateau") else "**no**"
        found.append([arm.label, *map(number, ends), f"{gained(*ends):.0%}", word])
    return found
