"""Overlap scores: truth tables of empty masks, and MONAI as an independent oracle."""

import warnings

import numpy as np
import pytest
import torch

from lib.metrics import segmentation as sg

EMPTY, FALSE, MISSED, HALF, FULL = (0, 0, 0), (0, 5, 0), (0, 0, 7), (3, 4, 8), (6, 6, 6)


def masks(rng, n=4, depth=6):
    """Predicted and true blobs (n, depth, 16, 16) with every kind of empty slice among them."""
    true, predicted = rng.random((2, n, depth, 16, 16)) < 0.3
    predicted |= true & (rng.random(true.shape) < 0.5)
    true[:, :2] = False
    predicted[:, 1:3] = False
    return predicted, true


def monai_dice(predicted, true, ignore_empty):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI uses what newer torch deprecates
        from monai.metrics import DiceMetric

        metric = DiceMetric(include_background=True, reduction="none", ignore_empty=ignore_empty)
        pairs = (torch.from_numpy(x)[:, None].float() for x in (predicted, true))
        return metric(*pairs)[:, 0].numpy()


def test_overlap_counts_voxels_of_each_slice():
    predicted, true = np.zeros((2, 1, 2, 4, 4), bool)
    predicted[0, 1, :, :2], true[0, 1, :3, 1:] = True, True
    assert sg.overlap(predicted, true).tolist() == [[[0, 0, 0], [3, 8, 9]]]
    assert sg.overlap(predicted, true).dtype == np.int32


@pytest.mark.parametrize("empty", ["score", "skip"])
def test_slice_dice_is_that_of_monai(empty):
    predicted, true = masks(np.random.default_rng(0))
    flat = (x.reshape(-1, 16, 16) for x in (predicted, true))
    expected = monai_dice(*flat, ignore_empty=empty == "skip")
    found = sg.slice_dice(sg.overlap(predicted, true), empty).ravel()
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.isnan(found).sum() == (8 if empty == "skip" else 0)


def test_volume_dice_is_that_of_monai_on_whole_volumes_and_on_the_chosen_slices():
    predicted, true = masks(np.random.default_rng(1))
    counts = sg.overlap(predicted, true)
    expected = monai_dice(predicted, true, ignore_empty=False)
    np.testing.assert_allclose(sg.dice(counts), expected, rtol=1e-6)
    chosen = monai_dice(predicted[:, 2:], true[:, 2:], ignore_empty=False)
    np.testing.assert_allclose(sg.dice_selected(counts), chosen, rtol=1e-6)


@pytest.mark.parametrize(
    ("each", "score", "skip"),
    [
        (EMPTY, 1, np.nan),
        (FALSE, 0, np.nan),
        (MISSED, 0, 0),
        (HALF, 0.5, 0.5),
        (FULL, 1, 1),
    ],
)
def test_truth_table_of_a_slice_and_of_a_volume(each, score, skip):
    counts = np.array([[each]])
    assert sg.slice_dice(counts, "score")[0, 0] == score
    np.testing.assert_equal(sg.slice_dice(counts, "skip")[0, 0], skip)
    assert sg.dice(counts)[0] == score
    np.testing.assert_equal(sg.dice_selected(counts)[0], skip)


def test_false_positives_cost_the_volume_and_are_free_for_the_selection():
    clean, messy = np.array([[FULL, EMPTY]]), np.array([[FULL, FALSE]])
    assert sg.dice(clean)[0] == 1 and sg.dice(messy)[0] == 12 / 17
    assert sg.dice_selected(clean)[0] == sg.dice_selected(messy)[0] == 1


def test_false_positive_rate_is_a_share_of_the_lesion_free_slices():
    counts = np.array([[FULL, EMPTY, FALSE], [EMPTY, EMPTY, MISSED]])
    assert sg.false_positive_rate(counts) == 0.25
    assert np.isnan(sg.false_positive_rate(np.array([[FULL, MISSED]])))


def test_sums_of_large_volumes_do_not_overflow():
    counts = np.full((1, 4, 3), 2**30, np.int32) // np.array([2, 1, 1], np.int32)
    assert sg.dice(counts)[0] == 0.5 and (sg.slice_dice(counts) == 0.5).all()


def test_bad_masks_and_counts_are_refused():
    bools = np.zeros((1, 2, 3, 3), bool)
    with pytest.raises(ValueError, match="must be equal"):
        sg.overlap(bools, bools[:, :1])
    with pytest.raises(ValueError, match="must be boolean"):
        sg.overlap(bools.astype(float), bools)
    with pytest.raises(ValueError, match=r"must be of shape \(S, D, 3\)"):
        sg.dice(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="larger than a mask"):
        sg.dice(np.array([[(3, 2, 5)]]))
    with pytest.raises(ValueError, match="empty 'drop' is unknown"):
        sg.slice_dice(np.array([[FULL]]), "drop")
