"""Filters of a pool: what is left out before a network is trained on the rest."""

import numpy as np

from lib.jobs import Result


def filled(pool: Result, n: int, least: int) -> Result:
    """Job: the first n pairs of a pool whose mask has at least `least` pixels, in their order.

    The filter of synthetic pairs with an empty mask; test images are not touched. Scores: n, and
    the share `kept` of the pairs that were looked at. ValueError if the pool has too few.
    """
    mask = pool.arrays["mask"]
    at = np.flatnonzero(mask.sum((1, 2)) >= least)[:n]
    if len(at) < n:
        raise ValueError(
            f"n is {n}, but {len(at)} of {len(mask)} masks have {least} pixels or more; "
            "draw a larger pool."
        )
    kept = n / (at[-1] + 1) if n else 1.0
    arrays = {"image": pool.arrays["image"][at], "mask": mask[at]}
    return Result(arrays, {"n": n, "kept": float(kept)})
