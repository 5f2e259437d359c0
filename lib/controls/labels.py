"""Pools for a classifier of grades: one of each grade together, moved copies, and a known mark.

What they hold beside image and label is the mask, so that `grade.boxed` can follow.
"""

import numpy as np

from lib.controls import copies
from lib.datasets.splits import first
from lib.jobs import Result

MARK = (slice(2, 5), slice(2, 5))  # rows and columns: 3 x 3 pixels in the corner
GREY = 1.0  # of the mark, brighter than tissue


def graded_pool(pools: list[Result]) -> Result:
    """Job: pools of one grade each, grade 0 first, as one with label: low, high, low, high, ...

    Any even number of its first samples is balanced. Arrays: image, mask, grade and label, which
    is the grade. ValueError for fewer than two pools, or pools of different sizes.
    """
    sizes = [len(pool.arrays["image"]) for pool in pools]
    if len(pools) < 2 or len(set(sizes)) > 1:
        raise ValueError(f"pools hold {sizes} samples; give two or more, with equally many each.")
    columns = {name: [pool.arrays[name] for pool in pools] for name in ("image", "mask")}
    arrays = {k: np.stack(v, 1).reshape(-1, *v[0].shape[1:]) for k, v in columns.items()}
    grade = np.tile(np.arange(len(pools)), sizes[0])
    return Result(arrays | {"grade": grade, "label": grade}, {"n": len(grade)})


def classical(slices: Result, times: int, stream: list[int]) -> Result:
    """Job: `copies.classical` of lesion slices with label, the grade of the slice it is made of."""
    made = copies.classical(slices, times, stream)
    return Result(made.arrays | {"label": np.tile(slices.arrays["grade"], times)}, made.scores)


def traced(pool: Result, slices: Result) -> Result:
    """Job: `copies.traced` of lesion slices with label, the grade of the slice it is a copy of."""
    label = slices.arrays["grade"][pool.arrays["source"]]
    return Result(pool.arrays | {"label": label}, pool.scores)


def marked(
    data: Result, n: int | None, label: int | None, share: float, stream: list[int]
) -> Result:
    """Job: the first n (None: all) images, of which those of a label bear a mark, no anatomy.

    label: 0, 1 or None for all; share: the chance that such an image bears it. The positive control
    of `scores.graded.auc_drop`: what a synthetic artefact of one class does at its plainest.
    Arrays: the data's own, and marked (n,) bool. ValueError for a share outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share is {share}; pass a chance from 0 to 1.")
    arrays = first(data, n)
    asked = np.random.default_rng(stream).random(len(arrays["image"])) < share
    asked &= True if label is None else arrays["label"] == label
    image = arrays["image"].copy()
    image[(asked, *MARK)] = GREY
    return Result(arrays | {"image": image, "marked": asked}, {"marked": int(asked.sum())})
