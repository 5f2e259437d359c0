"""Toy film sets and pools: dark discs, bars and bright corners in the place of findings."""

import numpy as np

from lib.jobs import Result

LENGTH = 8
PLACES = ((4, 4), (4, 24), (4, 44), (24, 4), (24, 44), (44, 4), None, (44, 24), (44, 44))


def labels(n, rng, chance=0.3):
    """(n, 9) findings, each with the same chance."""
    return (rng.random((n, 9)) < chance).astype(np.uint8)


def drawn(found, rng, noise=0.05):
    """Images and pneumothorax masks of labels (n, 9): a bright square for each finding at its own
    place, and a dark disc with a mask for the seventh."""
    n, (y, x) = len(found), np.mgrid[:64, :64]
    image = 0.5 + noise * rng.standard_normal((n, 64, 64))
    for i, at in enumerate(PLACES):
        if at:
            image[:, at[0] : at[0] + 12, at[1] : at[1] + 12] += 0.3 * found[:, i, None, None]
    cy, cx = rng.uniform(28, 36, (2, n, 1, 1))
    mask = ((y - cy) ** 2 + (x - cx) ** 2 < 36) & (found[:, 6, None, None] > 0)
    return (image - 0.4 * mask).clip(0, 1).astype(np.float32), mask


def tokens_of(found):
    """A word for each finding that is there, in order; "Normal" (2) where none is."""
    text = np.zeros((len(found), LENGTH + 1), np.uint8)
    for row, each in zip(text, found, strict=True):
        words = np.flatnonzero(each) + 3
        row[: max(1, len(words))] = words if len(words) else 2
    return text[:, :LENGTH]


def film_set(n, seed=0, found=None, noise=0.05):
    """n toy films, their subjects numbered from a place that the seed gives."""
    rng = np.random.default_rng(seed)
    found = labels(n, rng) if found is None else found
    image, mask = drawn(found, rng, noise)
    arrays = {"image": image, "labels": found, "tokens": tokens_of(found)}
    arrays["planes"] = mask.astype(np.uint16) << 6 | np.uint16(1 << 11)  # the heart is everywhere
    arrays["subject"] = np.uint64(seed * 100_000) + np.arange(n, dtype=np.uint64)
    return Result(arrays, {})


def pool(n, seed=0, **more):
    """A pool of n faithful samples: what is asked for is what is drawn."""
    made = film_set(n, seed, **more).arrays
    kept = {name: made[name] for name in ("image", "labels", "tokens")}
    return Result(kept | {"mask": (made["planes"] >> 6 & 1).astype(np.uint8)}, {})


def changed(data, **arrays):
    """The set or pool with some columns replaced."""
    return Result({**data.arrays, **arrays}, data.scores)
