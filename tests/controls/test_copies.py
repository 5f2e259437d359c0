"""Copies of labelled images, of pairs and of volumes: what changes, what stays, what is refused."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lib.controls import copies
from lib.datasets import chest as chest_sets
from lib.jobs import Result


def discs(shape, seed=0):
    """Pairs of grey noise with a brighter disc (slices) or cylinder (volumes), and its mask."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape[-2:])
    centre = rng.uniform(10, shape[-1] - 10, (shape[0], 2) + (1,) * (len(shape) - 1))
    mask = np.broadcast_to((y - centre[:, 0]) ** 2 + (x - centre[:, 1]) ** 2 < 36, shape)
    image = (0.3 + 0.35 * mask + 0.08 * rng.standard_normal(shape)).clip(0, 1)
    return Result({"image": image.astype(np.float32), "mask": mask.copy()})


LABELLED = chest_sets.image_set("bare", 48, [0])  # they have masks as well; labels go before them
PAIRS, VOLUMES = discs((24, 64, 64)), discs((5, 16, 32, 32))
SETS = {"label": LABELLED, "mask": PAIRS}


@pytest.mark.parametrize("other", SETS)
def test_copies_are_what_they_are_called(other):
    data = SETS[other].arrays
    made = {k: copies.pool(SETS[other], 40, k, [0], 16).arrays for k in copies.KINDS}
    at = np.arange(40) % 16
    for pool in made.values():
        assert set(pool) == {"image", other} and np.array_equal(pool[other], data[other][at])
        assert pool["image"].dtype == np.float32
        assert pool["image"].min() >= 0 and pool["image"].max() <= 1
    image = data["image"][at]
    assert np.array_equal(made["same"]["image"], image)
    noise = (made["noisy"]["image"] - image)[(image > 0.2) & (image < 0.8)]
    assert noise.std() == pytest.approx({"label": 0.05, "mask": 0.02}[other], rel=0.05)
    assert not np.array_equal(made["noisy"]["image"][:16], made["noisy"]["image"][16:32])
    alone = gaussian_filter(data["image"][3], copies.BLUR)
    np.testing.assert_allclose(made["blurred"]["image"][3], alone, atol=1e-6)
    again = copies.pool(SETS[other], 40, "noisy", [0], 16).arrays["image"]
    assert np.array_equal(made["noisy"]["image"], again)


def test_traced_copies_name_the_image_that_they_are_of():
    plain = copies.pool(PAIRS, 40, "blurred", [0], 16).arrays
    made = copies.traced(PAIRS, 40, "blurred", [0], 16).arrays
    assert all(np.array_equal(made[name], plain[name]) for name in plain)
    same = copies.traced(PAIRS, 40, "same", [0], 16).arrays
    np.testing.assert_array_equal(same["image"], PAIRS.arrays["image"][same["source"]])


def test_all_images_are_copied_unless_some_are_asked_for():
    whole, some = (copies.pool(PAIRS, 48, "same", [0], n).arrays["image"] for n in (None, 3))
    assert np.array_equal(whole, np.tile(PAIRS.arrays["image"], (2, 1, 1)))
    assert np.array_equal(some, np.tile(PAIRS.arrays["image"][:3], (16, 1, 1)))
    with pytest.raises(ValueError, match="49 images are asked of a set of 48"):
        copies.pool(LABELLED, 8, "same", [0], 49)
    with pytest.raises(ValueError, match="kind 'sharp' is unknown"):
        copies.pool(PAIRS, 4, "sharp", [0])


def test_blur_stays_in_the_planes_of_a_volume():
    image = VOLUMES.arrays["image"]
    blurred = copies.blur(image, 1.5)
    np.testing.assert_allclose(blurred[2, 7], gaussian_filter(image[2, 7], 1.5), atol=1e-6)


def test_white_images_stay_within_one():
    """Weights that sum to a hair above 1 must not make a pool that is refused."""
    mask = np.ones((5, 64, 64), bool)
    white = Result({"image": mask.astype(np.float32), "mask": mask})
    for kind in ("noisy", "blurred"):
        assert copies.pool(white, 40, kind, [0]).arrays["image"].max() <= 1
    assert copies.classical(white, 8, [0]).arrays["image"].max() <= 1


@pytest.mark.parametrize("data", [PAIRS, VOLUMES], ids=["slices", "volumes"])
def test_classical_makes_so_many_copies_each_moved_by_its_own_map(data):
    two, one = (copies.classical(data, times, [0]).arrays for times in (2, 1))
    m = len(data.arrays["image"])
    assert two["image"].shape == (2 * m, *data.arrays["image"].shape[1:])
    assert two["image"].dtype == np.float32 and two["mask"].dtype == bool
    assert np.array_equal(two["image"][:m], one["image"])
    assert not np.array_equal(two["mask"][:m], two["mask"][m:])
    bright = two["image"][two["mask"]].mean() - two["image"][~two["mask"]].mean()
    assert bright > 0.3, "image and mask move together"
    with pytest.raises(ValueError, match="times is 0"):
        copies.classical(data, 0, [0])


def test_shuffling_permutes_labels_and_nothing_else():
    out = copies.shuffled(LABELLED, [1]).arrays
    assert np.array_equal(out["image"], LABELLED.arrays["image"])
    assert not np.array_equal(out["label"], LABELLED.arrays["label"])
    assert np.array_equal(np.bincount(out["label"]), np.bincount(LABELLED.arrays["label"]))


@pytest.mark.parametrize("n", [2, 3, 20])
def test_shuffled_is_a_derangement_that_keeps_the_marginals(n):
    image = np.arange(n, dtype=np.float32).reshape(n, 1, 1) / n * np.ones((1, 8, 8), np.float32)
    bits = np.arange(n)[:, None] >> np.arange(64) & 1  # each mask spells its own number
    pool = Result({"image": image, "mask": bits.astype(bool).reshape(n, 8, 8)}, {})
    found = copies.shuffled(pool, [1]).arrays
    order = (found["mask"].reshape(n, 64) * 2 ** np.arange(64, dtype=object)).sum(1).astype(int)
    assert np.array_equal(found["image"], image)
    assert sorted(order) == list(range(n)) and (order != np.arange(n)).all()
    if n == 20:
        assert not np.array_equal(found["mask"], copies.shuffled(pool, [2]).arrays["mask"])


@pytest.mark.parametrize("other", SETS)
def test_shuffling_one_sample_is_refused(other):
    one = {name: column[:1] for name, column in SETS[other].arrays.items()}
    with pytest.raises(ValueError, match="no other sample"):
        copies.shuffled(Result(one), [0])


def test_joined_pools_stand_in_order():
    other = discs((20, 64, 64), seed=1)
    both = copies.joined([other, PAIRS], [3, None]).arrays
    assert np.array_equal(both["image"][:3], other.arrays["image"][:3])
    assert np.array_equal(both["mask"][3:], PAIRS.arrays["mask"])
    with pytest.raises(ValueError, match="21 images are asked of a set of 20"):
        copies.joined([other], [21])


def test_resampling_balances_labelled_images_and_adds_none():
    labelled = 24
    found = copies.resampled(LABELLED, labelled, [1, 1, 1], 60, [0]).arrays
    assert tuple(np.bincount(found["label"])) == (20, 20, 20)
    first = (LABELLED.arrays[name][:labelled] for name in ("image", "label"))
    known = {image.tobytes(): label for image, label in zip(*first, strict=True)}
    for image, label in zip(found["image"], found["label"], strict=True):
        assert known[image.tobytes()] == label, "an image of the labelled ones, with its own label"
    assert len({x.tobytes() for x in found["image"]}) > labelled / 2, "many of them"
    with pytest.raises(ValueError, match="class 2 has no image among the first 2"):
        copies.resampled(LABELLED, 2, [1, 1, 1], 6, [0])
