"""Numbers of segmenters by size and by pixel, by hand."""

import numpy as np
import pytest
from toy_slices import slices, volume_set

from lib.jobs import Result
from lib.scores import segmented
from lib.tasks import regimes


def test_dice_by_quartile_by_hand():
    """Areas 1, 2, 3 | 4 ... against edges 2, 3, 4: an area as large as an edge is above it."""
    counts = np.array([[(1, 1, 1), (1, 2, 2), (0, 5, 0)], [(1, 1, 3), (0, 4, 4), (3, 3, 9)]])
    found = segmented.by_quartile(counts, np.array([2.0, 3.0, 4.0]))
    assert found == pytest.approx({
        "dice_q1": 1.0, "dice_q2": 0.5, "dice_q3": 0.5, "dice_q4": (0 + 0.5) / 2,
        "slices_q1": 1, "slices_q2": 1, "slices_q3": 1, "slices_q4": 2,
    })  # fmt: skip
    assert segmented.by_quartile(counts, np.array([10.0, 11.0, 12.0]))["dice_q4"] is None


def test_edges_are_of_training_lesions_and_pixels_are_pooled():
    masks = np.zeros((4, 4, 4), bool)
    for i, m in enumerate(masks):
        m.flat[: 2 * (i + 1)] = True  # areas 2, 4, 6, 8: edges 3.5, 5, 6.5
    counts = np.array([[(2, 2, 3), (4, 8, 4)], [(0, 0, 6), (1, 1, 7)]], np.int32)
    diagram = np.zeros((2, 15, 3))
    diagram[0, 14], diagram[1, 0] = (10, 9.5, 5), (30, 0.6, 3)
    arm = Result({"counts": counts, "diagram": diagram, "example": masks}, {"steps": 7})
    found = segmented.segmented(arm, Result({"mask": masks}, {}))
    assert found.scores["pixel_recall"] == pytest.approx(7 / 20)
    assert found.scores["pixel_ece"] == pytest.approx((4.5 + 2.4) / 40)
    assert [found.scores[f"slices_q{i}"] for i in (1, 2, 3, 4)] == [1, 1, 1, 1]
    assert found.scores["dice_q2"] == pytest.approx(8 / 12) and found.scores["steps"] == 7
    assert {"dice", "false_positives"} <= set(found.scores)
    dice = np.array([12 / 17, 2 / 14])  # of the two subjects
    assert found.scores["dice_sd"] == pytest.approx(np.ptp(dice) / 2**0.5)
    none = Result(arm.arrays | {"counts": 0 * counts, "diagram": 0 * diagram}, {})
    empty = segmented.segmented(none, Result({"mask": masks}, {})).scores
    assert empty["pixel_recall"] is None and empty["pixel_ece"] is None
    assert empty["dice_sd"] == 0, "all rightly empty"


def test_an_arm_of_a_regime_has_every_number():
    rng = np.random.default_rng(0)
    real, test = slices(4, rng), volume_set(2, rng, 100)
    arm = regimes.supervised(real, None, None, test, {"steps": 2, "batch": 4}, [1])
    found = segmented.segmented(arm, real).scores
    assert {f"dice_q{i}" for i in (1, 2, 3, 4)} | {"pixel_recall", "pixel_ece"} <= set(found)
    assert 0 <= found["pixel_ece"] <= 1
