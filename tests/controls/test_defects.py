"""Pools with one defect added or mended: noise, blur, labels."""

import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import gaussian_filter

from lib.controls import defects
from lib.datasets import chest as chest_sets
from lib.datasets import variants
from lib.jobs import Result


def gentle(n=40, seed=0):
    """Images whose structure is as large as a lung, mid-grey, without noise."""
    rough = np.random.default_rng(seed).standard_normal((n, 64, 64))
    smooth = gaussian_filter(rough, (0, 7, 7))
    return (0.5 + 0.1 * smooth / smooth.std()).astype(np.float32)


def noisy(images, sigma, seed=1):
    noise = np.random.default_rng(seed).standard_normal(images.shape)
    return (images + sigma * noise).astype(np.float32)


@pytest.fixture(scope="module")
def data():
    return chest_sets.image_set("bare", 48, [2, 7])


# ---- noise ----


@pytest.mark.parametrize("before", [0.0, 0.03])
def test_renoising_reaches_the_level_of_real_images(before):
    images, labels = noisy(gentle(), before), np.arange(40) % 3
    real = Result({"image": noisy(gentle(seed=5), 0.06)}, {})
    out = defects.renoised(Result({"image": images, "label": labels}, {}), real, 40, [0])
    assert out.scores["after"] == pytest.approx(out.scores["real"], rel=0.03)
    assert out.scores["sigma"] == pytest.approx(np.sqrt(0.06**2 - before**2), rel=0.06)
    added = out.arrays["image"] - images
    assert added.std() == pytest.approx(out.scores["sigma"], rel=0.02)
    assert abs(added.mean()) < 0.001 and np.array_equal(out.arrays["label"], labels)
    assert out.arrays["image"].min() >= 0 and out.arrays["image"].max() <= 1


def test_phantoms_without_noise_are_brought_near_the_level_of_noisy_ones(data):
    pool = variants.degraded_set("bare", "noiseless", 48, [2, 7])
    scores = defects.renoised(pool, data, 48, [0]).scores
    assert scores["before"] < 0.6 * scores["real"]
    assert scores["after"] == pytest.approx(scores["real"], rel=0.15)


def test_a_pool_that_is_noisy_enough_stays_as_it_is():
    pool = {"image": noisy(gentle(), 0.05).clip(0, 1), "label": np.zeros(40, int)}
    real = Result({"image": noisy(gentle(), 0.02)}, {})
    out = defects.renoised(Result(pool, {}), real, 40, [0])
    assert out.scores["sigma"] == 0 and np.array_equal(out.arrays["image"], pool["image"])


def test_only_the_first_n_real_images_set_the_level():
    pool = Result({"image": gentle(), "label": np.zeros(40, int)}, {})
    mixed = np.concatenate([noisy(gentle(20), 0.02), noisy(gentle(20), 0.2)])
    sigma = defects.renoised(pool, Result({"image": mixed}, {}), 20, [0]).scores["sigma"]
    assert sigma == pytest.approx(0.02, rel=0.1)


def test_blur_stays_within_its_image():
    images = np.zeros((3, 33, 33), np.float32)
    images[1, 16, 16] = 1
    out = defects.blurred(Result({"image": images, "label": np.arange(3)}, {}), 1.5).arrays
    assert not out["image"][[0, 2]].any() and out["image"][1].sum() == pytest.approx(1, abs=1e-4)
    np.testing.assert_allclose(out["image"][1], gaussian_filter(images[1], 1.5), atol=1e-7)
    assert np.array_equal(out["label"], np.arange(3))


def test_a_pool_is_blurred_by_what_the_other_was():
    pool = chest_sets.image_set("bare", 80, [3])
    images = gaussian_filter(pool.arrays["image"], (0, 2, 2))
    other = Result({"image": images, "label": pool.arrays["label"]}, {})
    made = defects.blurred_like(pool, other, n=80)
    assert abs(made.scores["sigma"] - 2) < 0.05
    assert abs(made.scores["after"] / made.scores["target"] - 1) < 0.05
    assert (made.arrays["label"] == pool.arrays["label"]).all()


def test_a_pool_with_less_detail_stays_as_it_is():
    pool = chest_sets.image_set("bare", 40, [3])
    soft = Result({**pool.arrays, "image": gaussian_filter(pool.arrays["image"], (0, 3, 3))}, {})
    made = defects.blurred_like(soft, pool, n=40)
    assert made.scores["sigma"] == 0
    assert np.array_equal(made.arrays["image"], soft.arrays["image"])


# ---- labels ----


def test_wrong_labels_are_as_many_as_asked_and_never_the_same_class():
    n, rate = 6000, 0.15
    images, labels = np.arange(n), np.arange(n) % 3
    pool = Result({"image": images, "label": labels}, {})
    out = defects.mislabelled(pool, rate, [4]).arrays
    assert np.array_equal(out["image"], images)
    wrong = int((out["label"] != labels).sum())
    assert stats.binomtest(wrong, n, rate).pvalue > 0.001
    steps = np.bincount((out["label"] - labels) % 3, minlength=3)[1:]
    assert stats.binomtest(int(steps[0]), wrong, 0.5).pvalue > 0.001, "both other classes"
    all_wrong = defects.mislabelled(pool, 1.0, [4]).arrays["label"]
    assert (all_wrong != labels).all() and set(all_wrong) == {0, 1, 2}
    assert np.array_equal(defects.mislabelled(pool, 0.0, [4]).arrays["label"], labels)
