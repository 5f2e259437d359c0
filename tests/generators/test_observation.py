"""Observation noise: estimated from images, against noise that is known."""

import numpy as np
import pytest
import torch

from lib.datasets import chest as chest_sets
from lib.datasets import variants
from lib.generators import frame, observation
from lib.generators.observation import GREYS, Noise
from lib.metrics.sharpness import noise_level


def smooth(n, seed=0):
    """Waves of low frequency (n, 64, 64) in [0.1, 0.9]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64] / 64
    phase = rng.uniform(0, 6, (2, n, 1, 1))
    return (0.5 + 0.4 * np.sin(3 * x + phase[0]) * np.cos(2 * y + phase[1])).astype(np.float32)


@pytest.mark.parametrize("grain", [0.0, 0.4, 0.8])
def test_known_noise_is_found_again(grain):
    known = Noise(np.interp(GREYS, [0, 1], [0.006, 0.02]), grain)
    images = known.on(torch.from_numpy(smooth(300)), torch.Generator().manual_seed(0)).numpy()
    found = observation.estimate(images)
    middle = slice(6, 15)
    assert found.sd[middle] == pytest.approx(known.sd[middle], rel=0.35)
    assert found.sd[14] > 1.2 * found.sd[6], "it follows the grey value"
    assert found.grain == pytest.approx(grain, abs=0.12)


def test_draws_have_the_deviation_and_the_grain_that_they_say():
    noise = Noise(np.interp(GREYS, [0, 1], [0.01, 0.05]), 0.6)
    grey = torch.full((400, 64, 64), 0.5)
    rest = (noise.on(grey, torch.Generator().manual_seed(0)) - grey).numpy()[:, 8:-8, 8:-8]
    assert rest.mean() == pytest.approx(0, abs=1e-3)
    assert rest.std() == pytest.approx(0.03, rel=0.02)
    alike = np.corrcoef(rest[..., 1:].ravel(), rest[..., :-1].ravel())[0, 1]
    assert alike == pytest.approx(np.exp(-1 / (4 * 0.6**2)), abs=0.06), "of a Gaussian spread"
    white = Noise(noise.sd, 0.0).on(grey, torch.Generator().manual_seed(0)).numpy()
    assert abs(np.corrcoef(white[..., 1:].ravel(), white[..., :-1].ravel())[0, 1]) < 0.01


def test_of_phantoms_it_is_the_noise_of_the_sensor():
    """Whose truth is the same subjects without it, preprocessed alike."""
    n, stream = 800, [1, 2]
    images = chest_sets.image_set("bare", n, stream).arrays["image"]
    clean = variants.degraded_set("bare", "noiseless", n, stream).arrays["image"]
    found = observation.estimate(images)
    grey = (clean > 0.3) & (clean < 0.7)
    truth = 1.4826 * np.median(np.abs((images - clean)[grey]))
    assert found.sd[6:15].mean() == pytest.approx(truth, rel=0.2)


def test_of_phantoms_its_grain_is_that_of_the_sensor():
    n, stream = 800, [1, 2]
    images = chest_sets.image_set("bare", n, stream).arrays["image"]
    clean = variants.degraded_set("bare", "noiseless", n, stream).arrays["image"]
    drawn = frame.observed(clean, observation.estimate(images), np.random.default_rng(0))
    own, sensor = (noise_level(each) ** 2 - noise_level(clean) ** 2 for each in (drawn, images))
    assert np.sqrt(own / sensor) == pytest.approx(1, abs=0.1)
    rest = [(each - clean)[:, 8:-8, 8:-8] for each in (drawn, images)]
    alike = [np.corrcoef(r[..., 1:].ravel(), r[..., :-1].ravel())[0, 1] for r in rest]
    assert alike[0] == pytest.approx(alike[1], abs=0.06), "neighbours"


def test_where_nothing_is_seen_there_is_no_noise():
    images = smooth(60)
    images[:, :, :20] = 0
    white = 0.03 * np.random.default_rng(0).normal(size=images.shape)
    noisy = np.where(images > 0, images + white, 0)
    found = observation.estimate(noisy.clip(0, 1).astype(np.float32))
    assert found.sd[0] == 0 and found.sd[10] > 0.02


def test_the_deviation_lets_no_gradient_through_and_the_mean_does():
    noise = Noise(np.linspace(0.1, 0.9, len(GREYS)), 0.0)
    mean = torch.full((1, 64, 64), 0.5, requires_grad=True)
    drawn = noise.on(mean, torch.Generator().manual_seed(0))
    inside = (drawn > 0) & (drawn < 1)
    drawn.sum().backward()
    assert torch.equal(mean.grad, inside.float())


def test_it_is_kept_with_a_fit_and_pools_without_it_are_the_means():
    noise = Noise(np.full(len(GREYS), 0.05), 0.3)
    again = observation.restored(noise.arrays)
    assert np.array_equal(again.sd, noise.sd) and again.grain == noise.grain
    images = smooth(4)
    assert frame.observed(images, None, np.random.default_rng(0)) is images
    drawn = [frame.observed(images, noise, np.random.default_rng(1)) for _ in range(2)]
    assert np.array_equal(*drawn) and drawn[0].dtype == np.float32
    assert 0.03 < (drawn[0] - images).std() < 0.06


@pytest.mark.parametrize("side", [4, 16])
def test_too_few_pixels_are_refused(side):
    with pytest.raises(ValueError, match="too few to estimate noise from"):
        observation.estimate(smooth(1)[:, :side, :side])
