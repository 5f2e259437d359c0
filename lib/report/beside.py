"""Phantoms beside patients: the table, the spectra, and what still differs."""

from collections.abc import Iterable

import numpy as np
from matplotlib.axes import Axes

from lib.metrics import appearance, reality, sharpness
from lib.metrics.reality import Held
from lib.report.plots import ROLES
from lib.report.rows import number


def lines(held: Iterable[Held]) -> list[list[str]]:
    """Lines of a table: statistic, patients, phantoms, bounds, and whether they are kept."""
    words = {True: "yes", False: "**no**", None: "only stated"}
    return [
        [h.words, number(h.real), number(h.drawn),
         "" if h.low is None else f"{number(h.low)} to {number(h.high)}", words[h.met]]
        for h in held
    ]  # fmt: skip


HEAD = ["", "patients", "phantoms", "bounds", "kept"]


def held(kind: str, n: int, seed: int) -> list[Held]:
    """Statistics of n fresh phantoms beside those of patients."""
    images, subjects = reality.drawn(kind, n, np.random.default_rng([seed, 91]))
    found = reality.statistics(kind, images, subjects, np.random.default_rng(seed))
    return reality.compare(kind, found)


def farthest(held: Iterable[Held]) -> str:
    """A sentence: the statistic that lies nearest to, or farthest beyond, one of its bounds."""
    bound = [h for h in held if h.low is not None]
    worst = max(bound, key=lambda h: abs(h.drawn - (h.low + h.high) / 2) / (h.high - h.low))
    where = "outside" if worst.met is False else "nearest to"
    beyond = sum(h.met is False for h in bound)
    return (
        f"{len(bound) - beyond} of {len(bound)} bounds are kept; {where} its own lies "
        f"{worst.words}: {number(worst.drawn)} for {number(worst.real)} of patients."
    )


def draw_spectrum(axes: Axes, kind: str, images: np.ndarray) -> None:
    """Power by cycles per image of phantoms, and of patients: their curve, or else their slopes."""
    facts = reality.known()[kind]
    power = sharpness.spectrum(appearance.scaled(images, facts["stripped"]))
    cycles = np.arange(1, len(power))
    scale = power[2]
    axes.loglog(cycles, power[1:] / scale, color=ROLES["oracle"], label="phantoms")
    look = {"color": ROLES["paper"], "ls": "--"}
    if "power" in facts:
        real = np.array(facts["power"])
        axes.loglog(cycles, real[1:] / real[2], label="patients", **look)
    else:
        level, label = power[2] / scale, "patients, slopes"
        for name, ends in (("slope_low", appearance.LOW), ("slope_middle", appearance.MIDDLE)):
            if name in facts["values"]:
                at = np.array(ends, float)
                fall = level * (at / at[0]) ** facts["values"][name]
                axes.loglog(at, fall, label=label, **look)
                level, label = fall[-1], None
    axes.set(xlabel="cycles per image", title=facts["title"])
