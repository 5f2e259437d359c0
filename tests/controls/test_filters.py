"""Pairs with an empty mask are left out, the others stay in their order and with their image."""

import numpy as np
import pytest

from lib.controls import filters
from lib.jobs import Result

SIZES = (0, 5, 3, 4, 0, 9, 4)  # pixels of each mask


def pool() -> Result:
    mask = np.zeros((len(SIZES), 4, 4), bool)
    for each, size in zip(mask, SIZES, strict=True):
        each.flat[:size] = True
    image = np.arange(len(SIZES), dtype=np.float32)[:, None, None] * np.ones((4, 4), np.float32)
    return Result({"image": image, "mask": mask}, {"n": len(SIZES)})


def test_the_first_pairs_with_a_mask_of_that_size_are_kept():
    kept = filters.filled(pool(), 3, least=4)
    assert kept.arrays["image"][:, 0, 0].tolist() == [1, 3, 5]
    assert kept.arrays["mask"].sum((1, 2)).tolist() == [5, 4, 9]
    assert kept.scores == {"n": 3, "kept": 3 / 6}, "six were looked at"


def test_without_a_least_size_all_stay():
    whole = pool()
    kept = filters.filled(whole, len(SIZES), least=0)
    assert all(np.array_equal(kept.arrays[k], whole.arrays[k]) for k in ("image", "mask"))


def test_a_pool_with_too_few_says_so():
    with pytest.raises(ValueError, match="n is 5, but 4 of 7 masks have 4 pixels or more"):
        filters.filled(pool(), 5, least=4)
