"""Main effects and interactions of components that are on or off, draw by draw."""

from itertools import combinations

import numpy as np

from lib.report.rows import Regime

Corners = dict[tuple[bool, ...], str]  # which components are on: the arm


def effect(which: tuple[int, ...], found: dict[tuple[bool, ...], np.ndarray]) -> np.ndarray:
    """Main effect of one component, or interaction of several, from {corner: values (R,)}.

    `which` are their places in a corner. A corner counts with the product of their signs, +1 for on
    and -1 for off; an effect is averaged over the settings of all other components.
    """
    components = len(next(iter(found)))
    signed = [np.prod([1 if on[i] else -1 for i in which]) * x for on, x in found.items()]
    return sum(signed) / 2 ** (components - len(which))


def effects(at: Regime, names: tuple[str, ...], corners: Corners, metric: str) -> dict[str, dict]:
    """Lines for `plots.lines`: every effect on a metric, over the draws that all corners have."""
    arms = list(corners.values())
    keys = [k for k in at.draws(arms[0], metric) if all(k in at.draws(a, metric) for a in arms)]
    found = dict(zip(corners, at.together(arms, metric), strict=True))
    more = {"role": "method", "here": at.here(metric, *arms)}
    every = [w for k in range(1, len(names) + 1) for w in combinations(range(len(names)), k)]
    return {
        " x ".join(names[i] for i in which): {
            "draws": dict(zip(keys, effect(which, found), strict=True)), **more
        }
        for which in every
    }  # fmt: skip
