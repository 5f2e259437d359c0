"""Timings: taken after a warm-up, told with their ranges, drawn, and kept as rows."""

import time
from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes

from lib.report.plots import ROLES

Clock = Callable[[], float]
WALL, CPU = time.perf_counter, time.process_time  # seconds; CPU's are this process's own


def rates(call: Callable[[int], object], n: int, repeats: int, clock: Clock = WALL) -> list[float]:
    """Items a second of `repeats` calls of `call(n)`, after one that warms up."""
    call(n)
    found = []
    for _ in range(repeats):
        begin = clock()
        call(n)
        found.append(n / (clock() - begin))
    return found


def in_turns(
    calls: dict[str, Callable[[], object]], many: int, repeats: int, clocks: dict[str, Clock]
) -> dict[str, dict[str, list[float]]]:
    """Milliseconds a call, {clock: {name: one per repeat}}: `many` calls of each in turns.

    A busy moment then hits all of them alike. Each is called once before, to warm up.
    """
    found: dict[str, dict] = {clock: {name: [] for name in calls} for clock in clocks}
    for call in calls.values():
        call()
    for _ in range(repeats):
        for name, call in calls.items():
            before = {clock: now() for clock, now in clocks.items()}
            for _ in range(many):
                call()
            for clock, now in clocks.items():
                found[clock][name].append(1000 * (now() - before[clock]) / many)
    return found


def over(found: dict[str, list[float]], other: str, mine: str) -> list[float]:
    """How many times as long the other took as mine, in each turn of `in_turns`."""
    return [theirs / ours for theirs, ours in zip(found[other], found[mine], strict=True)]


def tell(found: dict[str, list[float]], unit: str) -> dict[str, float]:
    """Medians, printed with their ranges."""
    middle = {name: float(np.median(each)) for name, each in found.items()}
    for name, each in found.items():
        print(f"{name:34} {middle[name]:7.1f} {unit}   ({min(each):.1f} to {max(each):.1f})")
    return middle


def bars(axes: Axes, found: dict[str, list[float]], label: str, other: str) -> None:
    """Medians as bars, single timings as dots; grey where a name has `other` in it."""
    for y, (name, each) in enumerate(found.items()):
        colour = ROLES["baseline" if other in name else "method"]
        axes.barh(y, np.median(each), color=colour, alpha=0.6)
        axes.plot(each, [y] * len(each), "o", ms=3, color=colour)
    axes.set_yticks(range(len(found)), found)
    axes.invert_yaxis()
    axes.set_xlabel(f"{label} (bar: median, dots: each)")


def rows(metric: str, found: dict[str, list[float]], seed: int, what: str = "") -> list[dict]:
    """Rows of a page, every repeat of a timing a draw; `what` stands before the names."""
    return [
        {"regime": "", "arm": what + name, "metric": metric,
         "draws": {f"{seed}/{k}": (value, "") for k, value in enumerate(each)}}
        for name, each in found.items()
    ]  # fmt: skip
