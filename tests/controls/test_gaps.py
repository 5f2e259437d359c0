"""The defects of generated images that are priced on fresh phantoms: detail and plain opacities."""

import numpy as np
from scipy.ndimage import gaussian_filter

from lib.controls import detail as sharpness
from lib.datasets import caricature, chest
from lib.jobs import Result
from lib.phantoms import chest as phantoms


def fresh(n: int) -> Result:
    return chest.image_set("bare", n, [3])


def test_the_spectrum_of_a_wave_stands_at_its_own_frequency():
    columns = np.arange(64)
    for cycles in (3, 6, 20):
        wave = np.cos(2 * np.pi * cycles * columns / 64)[None, None, :].repeat(64, axis=1)
        assert sharpness.spectrum(wave)[: 64 // 2 + 1].argmax() == cycles


def test_detail_does_not_see_white_noise_but_blur():
    images = fresh(80).arrays["image"]
    noisy = images + np.random.default_rng(0).normal(0, 0.05, images.shape)
    assert abs(sharpness.detail(noisy) / sharpness.detail(images) - 1) < 0.1
    assert sharpness.detail(gaussian_filter(images, (0, 2, 2))) < 0.6 * sharpness.detail(images)


def test_a_pool_is_blurred_by_what_the_other_was():
    pool = fresh(80)
    images = gaussian_filter(pool.arrays["image"], (0, 2, 2))
    other = Result({"image": images, "label": pool.arrays["label"]}, {})
    made = sharpness.blurred_like(pool, other, n=80)
    assert abs(made.scores["sigma"] - 2) < 0.05
    assert abs(made.scores["after"] / made.scores["target"] - 1) < 0.05
    assert (made.arrays["label"] == pool.arrays["label"]).all()


def test_a_pool_with_less_detail_stays_as_it_is():
    pool = fresh(40)
    soft = Result({**pool.arrays, "image": gaussian_filter(pool.arrays["image"], (0, 3, 3))}, {})
    made = sharpness.blurred_like(soft, pool, n=40)
    assert made.scores["sigma"] == 0
    assert np.array_equal(made.arrays["image"], soft.arrays["image"])


def test_plain_opacities_are_the_same_subjects_only_plainer():
    plain, usual = caricature.plain_set("bare", 40, [3]).arrays, fresh(40).arrays
    assert (plain["subject"] == usual["subject"]).all()
    sick = usual["label"] > 0
    assert np.array_equal(plain["image"][~sick], usual["image"][~sick])
    assert (plain["mask"][sick].sum((1, 2)) > usual["mask"][sick].sum((1, 2))).mean() > 0.9


def test_the_plain_law_keeps_the_upper_quarter():
    law = caricature.plain(phantoms.BARE)
    for name in ("opacity_radius", "opacity_grey"):
        (low, high), (least, most) = getattr(phantoms.BARE, name), getattr(law, name)
        assert most == high and np.isclose((high - least) / (high - low), 0.25)
