"""The controls of films: copies of pools with several labels, a mask and a text for each image.

As `copies`, whose blur, noise and moves they take; a film set serves as a pool.
"""

import numpy as np

from lib.controls import copies
from lib.datasets.pools import columns_of, masks, targets
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


def balanced(
    data: Result, labelled: int, columns: list[int], n: int, kind: str, stream: list[int]
) -> Result:
    """Job: n copies of the first `labelled` films that bring rare findings nearer to common ones.

    Each copy is of a random film with a finding that lacks positives: findings have shares of the n
    as large as what they lack to the commonest one. A copy brings the other findings of its film
    along. Without anything lacking all films are drawn alike. The control of a balanced pool: the
    balance without a new image. Raises ValueError if a finding of `columns` is in no film.
    """
    rng = np.random.default_rng(stream)
    arrays = columns_of(first(data, labelled))
    found = targets(arrays, columns) > 0
    count = found.sum(0)
    if not count.all():
        missing = columns[int(np.argmin(count))]
        raise ValueError(f"finding {missing} is in none of the first {labelled} films; label more.")
    lack = count.max() - count
    if lack.any():
        wanted = rng.choice(len(columns), n, p=lack / lack.sum())
        at = np.array([rng.choice(np.flatnonzero(found[:, j])) for j in wanted], dtype=int)
    else:
        at = rng.integers(len(found), size=n)
    return _copied(arrays, at, kind, stream)


def classical(data: Result, times: int, stream: list[int], labelled: int | None = None) -> Result:
    """Job: `copies.classical` of the first `labelled` (None: all) films with their masks.

    Films move, with their pneumothorax: the mask's transforms of the paper, on real pairs.
    """
    arrays = columns_of(first(data, labelled))
    pairs = Result({"image": arrays["image"], "mask": masks(arrays)}, {})
    made = copies.classical(pairs, times, stream)
    moved = {"image": made.arrays["image"].clip(0, 1), "mask": made.arrays["mask"].astype(np.uint8)}
    kept = {name: np.concatenate([arrays[name]] * times) for name in ("labels", "tokens")}
    return Result(kept | moved, made.scores)


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
