"""Scores of pools of pairs and of segmenters: every name is there, None where undefined."""

import numpy as np
import pytest

from lib.jobs import Result
from lib.networks.unet import UNet
from lib.papers.dhvae import arms
from lib.scores import pairs
from lib.training.weights import seeded, weights_to_arrays


def discs(n, seed=0):
    """Grey noise with a brighter disc, the disc's mask, two slices of each subject."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((64, 64))
    centre, radius = rng.uniform(16, 48, (n, 2, 1, 1)), rng.uniform(4, 9, (n, 1, 1))
    mask = (y - centre[:, 0]) ** 2 + (x - centre[:, 1]) ** 2 < radius**2
    image = (0.3 + 0.35 * mask + 0.05 * rng.standard_normal(mask.shape)).clip(0, 1)
    arrays = {"image": image.astype(np.float32), "mask": mask, "subject": np.arange(n) // 2}
    return Result(arrays)


@pytest.fixture(scope="module")
def reader():
    weights = weights_to_arrays(seeded(UNet, np.random.default_rng(0)))
    return Result(weights, {"architecture": "unet", "dims": 2, "sides": [64, 64]})


def without_masks(pool):
    return Result(pool.arrays | {"mask": np.zeros_like(pool.arrays["mask"])})


def test_a_pool_without_masks_has_every_score_and_none_where_a_lesion_is_needed(reader):
    real, pool = discs(40), discs(40, seed=1)
    whole = pairs.judge(pool, 40, real, reader).scores
    empty = pairs.judge(without_masks(pool), 40, real, reader).scores
    assert set(whole) == set(empty) == set(arms.FIDELITY)
    assert None not in whole.values()
    undefined = {name for name, value in empty.items() if value is None}
    assert undefined == {"edge_slope", "lesion_kid", "w1_glcm"}
    assert empty["empty"] == 1 and empty["mask_adherence"] == 0
    assert empty["fd"] == whole["fd"], "images are as they were"


def test_divergences_of_empty_masks_are_none_where_shapes_are_needed():
    real, pool = discs(40), discs(40, seed=1)
    whole = pairs.divergence(pool, 40, real).scores
    empty = pairs.divergence(without_masks(pool), 40, real).scores
    assert set(whole) >= set(arms.DIVERGENCE) and set(whole) == set(empty)
    assert None not in whole.values()
    assert {name for name, value in empty.items() if value is None} >= {"w1_row", "w1_solidity"}
    assert empty["w1_empty"] == 1


def test_the_null_is_none_where_one_split_leaves_a_score_undefined(reader, monkeypatch):
    plain, calls = pairs.divergences, []

    def sometimes(*masks):
        calls.append(1)
        return plain(*masks) | ({"w1_row": None} if len(calls) == 2 else {})

    monkeypatch.setattr(pairs, "divergences", sometimes)
    scores = pairs.null(discs(60), 20, reader, 3, [0]).scores
    assert set(scores["mean"]) == set(scores["sd"]) >= set(arms.FIDELITY + arms.DIVERGENCE)
    assert scores["mean"]["w1_row"] is None and scores["sd"]["w1_row"] is None
    assert scores["mean"]["fd"] > 0 < scores["sd"]["fd"]


def test_the_numbers_of_a_segmenter_by_hand():
    counts = np.array([[(6, 6, 6), (0, 0, 7)], [(3, 4, 8), (6, 6, 6)]], np.int32)
    done = pairs.utility(Result({"counts": counts}, {"images": 3}))
    expected = {"dice": (12 / 19 + 18 / 24) / 2, "dice_slices": 2.5 / 4, "dice_slices_all": 2.5 / 4}
    expected |= {"dice_selected": expected["dice"], "images": 3}
    assert done.scores.pop("false_positives") is None, "no slice is free of a lesion"
    assert done.scores == pytest.approx(expected)
    assert set(arms.DICE) <= {*done.scores, "false_positives"}
    np.testing.assert_allclose(done.arrays["dice"], [12 / 19, 18 / 24])
