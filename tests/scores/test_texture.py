"""Texture of lesions and distances of slices: known shifts, copies and nulls, or None."""

import numpy as np
import pytest

from lib.jobs import Result
from lib.networks.unet import UNet
from lib.scores import texture
from lib.training.weights import seeded, weights_to_arrays

SD = 0.05  # of the white noise of all images


def discs(n, seed=0, each=2):
    """Noisy grey with a brighter disc, its grey its subject's own, `each` slices of a subject."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((32, 32))
    centre, radius = rng.uniform(10, 22, (n, 2, 1, 1)), rng.uniform(5, 8, (n, 1, 1))
    mask = (y - centre[:, 0]) ** 2 + (x - centre[:, 1]) ** 2 < radius**2
    bright = np.repeat(rng.normal(0.25, 0.05, (n // each, 1, 1)), each, 0)
    image = 0.3 + bright * mask + SD * rng.standard_normal(mask.shape)
    arrays = {"image": image.clip(0, 1).astype(np.float32), "mask": mask}
    return Result(arrays | {"subject": np.arange(n) // each}, {})


def changed(data, **arrays):
    return Result({**data.arrays, **arrays}, {})


@pytest.fixture(scope="module")
def reader():
    weights = weights_to_arrays(seeded(UNet, np.random.default_rng(0)))
    return Result(weights, {"architecture": "unet", "dims": 2, "sides": [32, 32]})


def test_equal_sets_read_nothing_and_white_noise_its_variance(reader):
    real = discs(60)
    scores = texture.texture_scores(real, 60, real, reader, discs(60, seed=1)).scores
    assert {scores[f"w1_{name}"] for name in texture.COMPARED} == {0.0}
    assert scores["lesion_variance"] == pytest.approx(SD**2, rel=0.03)
    assert scores["lesion_high_frequency"] == pytest.approx(SD**2, rel=0.05)
    assert scores["distance_auc"] == 1.0, "copies win"


def test_brighter_lesions_are_as_far_as_they_are_brighter_in_sds_of_the_real_ones(reader):
    """The brightest gain most: their order stays, and the mean gain is the distance."""
    real = discs(60)
    image, mask = real.arrays["image"], real.arrays["mask"]
    means = np.array([x[m].mean() for x, m in zip(image, mask, strict=True)])
    gain = 0.05 + 0.3 * (means - means.min())
    brighter = image + gain[:, None, None].astype(np.float32) * mask
    found = texture.texture_scores(changed(real, image=brighter), 60, real, reader)
    assert found.scores["w1_mean"] == pytest.approx(gain.mean() / means.std(), rel=1e-3)
    assert found.scores["w1_skewness"] == pytest.approx(0, abs=1e-3)
    np.testing.assert_allclose(found.arrays["lesion/mean"], means + gain, atol=1e-5)


def test_smooth_lesions_lose_power_variance_and_entropy(reader):
    real = discs(40)
    image, mask = real.arrays["image"], real.arrays["mask"]
    smooth = np.where(mask, 0.55 + 0.2 * (image - 0.55), image)
    plain, flat = (
        texture.texture_scores(changed(real, image=x), 40, real, reader).scores
        for x in (image, smooth)
    )
    for name in ("lesion_variance", "lesion_high_frequency"):
        assert flat[name] == pytest.approx(0.04 * plain[name], rel=1e-3)
    assert flat["glcm_entropy"] < plain["glcm_entropy"] - 1


def test_fresh_samples_are_as_near_as_fresh_phantoms_and_stranger_ones_less(reader):
    real, fresh, pool = (discs(120, seed=seed) for seed in (0, 1, 2))
    dark = changed(pool, image=0.5 * pool.arrays["image"])
    near, far = (texture.texture_scores(x, 120, real, reader, fresh) for x in (pool, dark))
    assert near.scores["distance_auc"] == pytest.approx(0.5, abs=0.12)
    assert far.scores["distance_auc"] < 0.05
    one = near.arrays["distance"][:, None] < near.arrays["distance_fresh"]
    assert one.mean() == pytest.approx(near.scores["distance_auc"], abs=1e-3)


def test_only_the_first_n_count(reader):
    real, pool, fresh = (discs(40, seed=seed) for seed in (0, 1, 2))
    few = [Result({k: v[:20] for k, v in each.arrays.items()}, {}) for each in (pool, real, fresh)]
    found = texture.texture_scores(pool, 20, real, reader, fresh)
    assert found.scores == texture.texture_scores(few[0], 20, few[1], reader, few[2]).scores


def test_what_no_lesion_or_phantom_defines_is_none(reader):
    real = discs(20)
    empty = changed(real, mask=np.zeros_like(real.arrays["mask"]))
    scores = texture.texture_scores(empty, 20, real, reader, discs(20, seed=1)).scores
    assert scores.pop("distance_auc") == 1.0
    assert len(scores) == len(texture.COMPARED + texture.AVERAGED)
    assert set(scores.values()) == {None}
    assert texture.texture_scores(real, 20, real, reader).scores["distance_auc"] is None


def test_the_null_is_between_subjects(reader):
    """Ten equal slices a subject: a null that split slices would find each a twin at distance 0."""
    real = discs(24, each=1)
    tenfold = Result({k: np.repeat(v, 10, 0) for k, v in real.arrays.items()}, {})
    scores = texture.texture_null(tenfold, 80, reader, 5, [0], discs(60, seed=1)).scores
    one = texture.texture_scores(real, 24, real, reader, real).scores
    assert set(scores["mean"]) == set(scores["sd"]) == set(one)
    assert scores["mean"]["distance_auc"] == pytest.approx(0.5, abs=0.2)
    assert scores["mean"]["w1_mean"] > 0.2, "twelve means against twelve others"
    assert scores["mean"]["lesion_variance"] == pytest.approx(SD**2, rel=0.05)
    assert texture.texture_null(tenfold, 80, reader, 2, [0]).scores["mean"]["distance_auc"] is None
