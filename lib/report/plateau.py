"""Generators after half and after all of their training, and recipes: parts of a budget page."""

from collections.abc import Iterable, Sequence

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


def missing(at: Regime, table, runs: Sequence[dict]) -> str:
    """That recipes which were not taken have no rows, how to make them, and how long that takes at
    most; "" where all are there.

    `runs` are those of the table's page in the record. The estimate takes the page's whole time for
    that of its generators, each trained once and a half.
    """
    absent = [arm for arm in table.recipes if not at.has(arm, table.judging[-1])]
    if not absent:
        return ""
    known = [run["seconds"] for run in runs if run.get("seconds")]
    each = known[-1] / (1.5 * len(table.generators)) if known else 0.0
    minutes = max(1, round(each * len(absent) / 60))
    long = f", at most about {minutes} min on two cores" * bool(each)
    command = f"`./run_all.sh --profile full {table.item}`"
    count = f"{len(absent)} of {len(table.recipes)} recipes that were not taken are"
    return f"*{count} not in the record: {command}{long}.*"


def tried(at: Regime, table) -> list[list[str]]:
    """One line for each generator and each recipe that was not taken, with the scores of both."""
    arms = [arm for arm in (*table.generators, *table.recipes) if at.has(arm, table.judging[-1])]
    taken = {arm.name for arm in table.generators}
    return [
        [arm.label, *(at.cell(arm, m) for m in table.judging), "yes" if arm.name in taken else "no"]
        for arm in arms
    ]
