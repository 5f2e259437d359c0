"""Toy subjects whose middle slices hold a bright disc, for tests of segmentation."""

import numpy as np

from lib.datasets.volumes import slice_set
from lib.jobs import Result


def volume_set(n, rng, first=0, side=32):
    """n subjects of four noisy slices, a disc at a random place of the second and the third."""
    y, x = np.mgrid[:side, :side]
    cy, cx = rng.uniform(8, side - 8, (2, n, 1, 1))
    disc = (y - cy) ** 2 + (x - cx) ** 2 < 16
    mask = disc[:, None] & np.isin(np.arange(4), (1, 2))[:, None, None]
    image = (0.3 + 0.4 * mask + 0.08 * rng.standard_normal(mask.shape)).clip(0, 1)
    subject = first + np.arange(n, dtype=np.uint64)
    return Result({"image": image.astype(np.float32), "mask": mask, "subject": subject}, {})


def slices(n, rng, first=0):
    """The slice_set of n such subjects."""
    return slice_set(volume_set(n, rng, first), n)


def changed(data, **arrays):
    """The set with some columns replaced."""
    return Result({**data.arrays, **arrays}, data.scores)
