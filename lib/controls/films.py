"""The controls of films: copies of pools with several labels, a mask and a text for each image.

As `copies`, whose blur, noise and moves they take; a film set serves as a pool.
"""

import numpy as np

from lib.controls import copies
from lib.datasets.pools import columns_of
from lib.datasets.splits import first
from lib.jobs import Result

BESIDE = ("labels", "mask", "tokens")  # what stands beside an image


def pool(data: Result, n: int, kind: str, stream: list[int], labelled: int | None = None) -> Result:
    """Job: n copies of the first `labelled` (None: all) films with all that belongs to them.

    kind: "same", "noisy" or "blurred", as of `copies.pool`. Copies go round the films in turn.
    """
    if kind not in copies.KINDS:
        raise ValueError(f"kind {kind!r} is unknown; choose one of {', '.join(copies.KINDS)}.")
    columns = columns_of(first(data, labelled))
    at = np.arange(n) % len(columns["image"])
    return _copied(columns, at, kind, stream)


def shuffled(pool: Result, stream: list[int]) -> Result:
    """Job: a pool whose images have the labels, mask and text of other samples.

    They move together along one random cycle through all samples, so that no image keeps its own.
    """
    arrays = columns_of(pool.arrays)
    n = len(arrays["image"])
    if n < 2:
        raise ValueError(f"a pool of {n} has no other sample to swap with; draw more.")
    order = np.random.default_rng(stream).permutation(n)
    moved = {name: np.empty_like(arrays[name]) for name in BESIDE}
    for name in BESIDE:
        moved[name][order] = arrays[name][np.roll(order, 1)]
    return Result({"image": arrays["image"], **moved}, {"n": n})


def _copied(arrays: dict, at: np.ndarray, kind: str, stream: list[int]) -> Result:
    image = arrays["image"][at]
    if kind == "noisy":
        rng = np.random.default_rng([*stream, 1])
        image = copies.noisy(image, copies.NOISE["mask"], rng)
    elif kind == "blurred":
        image = copies.blur(image, copies.BLUR)
    return Result({"image": image, **{name: arrays[name][at] for name in BESIDE}}, {"n": len(at)})
