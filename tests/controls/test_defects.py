"""Pools with a defect, in another class mix, or without early stopping."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import gaussian_filter

from lib.controls import defects
from lib.datasets import chest as chest_sets
from lib.datasets import variants
from lib.generators import mixes, unstopped, vae
from lib.jobs import Result
from lib.networks.classifier import SmallCNN
from lib.training import loop as tr

SMALL = asdict(replace(vae.PA_VAE, epochs=2, epoch_images=128, precision="float32"))


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


@pytest.fixture(scope="module")
def guide():
    net = tr.freeze(tr.seeded(SmallCNN, np.random.default_rng(0)))
    return Result(tr.weights_to_arrays(net), {})


@pytest.fixture(scope="module")
def fitted(data, guide):
    return vae.fit_job(data, 48, guide, data, SMALL | {"epochs": 1}, [0, 1, 0])


# ---- noise ----


@pytest.mark.parametrize("sigma", [0.01, 0.03, 0.1])
def test_noise_level_reads_a_known_sigma(sigma):
    assert defects.noise_level(noisy(gentle(), sigma)) == pytest.approx(sigma, rel=0.05)


def test_noise_level_sees_no_planes_and_no_image_beside():
    rows, columns = np.mgrid[:16, :16].astype(np.float32)
    tilted = np.stack([0.1 * rows, 0.2 - 0.3 * columns, np.full((16, 16), 9.0)])
    assert defects.noise_level(tilted.astype(np.float32)) == pytest.approx(0, abs=1e-5)


def test_the_noise_level_of_a_set_is_the_mean_of_its_images():
    a, b = noisy(gentle(20), 0.02), noisy(gentle(20), 0.08)
    both = defects.noise_level(np.concatenate([a, b]))
    assert both == pytest.approx((defects.noise_level(a) + defects.noise_level(b)) / 2)


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


# ---- class mixes ----


def test_labels_are_exactly_in_the_mix_or_drawn_from_it():
    exact = mixes.labels_of((16, 3, 1), 400, False, np.random.default_rng(0))
    assert tuple(np.bincount(exact)) == (320, 60, 20)
    drawn = mixes.labels_of((16, 3, 1), 40_000, True, np.random.default_rng(0))
    counts = np.bincount(drawn)
    assert stats.chisquare(counts, np.array([16, 3, 1]) * 2000).pvalue > 0.001
    again = mixes.labels_of((16, 3, 1), 400, True, np.random.default_rng(1))
    assert tuple(np.bincount(again, minlength=3)) != (320, 60, 20), "not exact"


def test_a_mixed_pool_asks_the_generator_for_the_labels_it_carries(fitted):
    found = mixes.pool(fitted, [1, 1, 2], 12, False, [5]).arrays
    assert tuple(np.bincount(found["label"])) == (3, 3, 6)
    direct = vae.load(fitted).sample(found["label"], np.random.default_rng([5]))
    assert np.array_equal(found["image"], direct)


@pytest.mark.parametrize("drawn", [False, True])
def test_another_mix_keeps_the_latent_noise_of_a_replicate(fitted, drawn):
    """Where the label is the same, so is the image: arms of a replicate share their noise."""
    plain = vae.pool(fitted, 24, [5]).arrays
    found = mixes.pool(fitted, [2, 1, 1], 24, drawn, [5]).arrays
    same = plain["label"] == found["label"]
    assert same.sum() >= 4
    np.testing.assert_allclose(found["image"][same], plain["image"][same], atol=1e-5)


def test_a_longer_pool_begins_with_the_shorter_one(fitted):
    """So a sweep over ratios meets the pool of the main comparison at ratio 1."""
    short, long = (vae.pool(fitted, n, [5]).arrays for n in (16, 600))
    np.testing.assert_allclose(long["image"][:16], short["image"], atol=1e-5)
    assert np.array_equal(long["label"][:16], short["label"])


def test_resampling_balances_labelled_images_and_adds_none(data):
    labelled = 24
    found = mixes.resampled(data, labelled, [1, 1, 1], 60, [0]).arrays
    assert tuple(np.bincount(found["label"])) == (20, 20, 20)
    first = (data.arrays[name][:labelled] for name in ("image", "label"))
    known = {image.tobytes(): label for image, label in zip(*first, strict=True)}
    for image, label in zip(found["image"], found["label"], strict=True):
        assert known[image.tobytes()] == label, "an image of the labelled ones, with its own label"
    assert len({x.tobytes() for x in found["image"]}) > labelled / 2, "many of them"
    with pytest.raises(ValueError, match="class 2 has no image among the first 2"):
        mixes.resampled(data, 2, [1, 1, 1], 6, [0])


# ---- no early stopping ----


def test_the_last_epoch_is_kept(data, guide):
    found = unstopped.fit_job(data, 32, guide, SMALL, [0, 1, 0])
    assert found.scores["best_epoch"] == SMALL["epochs"]
    one = unstopped.fit_job(data, 32, guide, SMALL | {"epochs": 1}, [0, 1, 0])
    name = "best/decoder.out.bias"
    assert not np.array_equal(found.arrays[name], one.arrays[name])
    assert vae.pool(found, 8, [0]).arrays["image"].shape == (8, 64, 64)


def test_it_is_the_same_training_as_with_early_stopping(data, guide, fitted):
    """After one epoch there is nothing to choose: both must hold the same weights."""
    found = unstopped.fit_job(data, 48, guide, SMALL | {"epochs": 1}, [0, 1, 0])
    for name, weight in fitted.arrays.items():
        assert np.array_equal(found.arrays[name], weight), name
