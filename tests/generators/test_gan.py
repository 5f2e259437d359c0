"""StyleGAN-lite: its convolution, its penalty, and that training and averaging do something."""

import numpy as np
import pytest
import torch

from lib.datasets import chest as chest_sets
from lib.generators import gan
from lib.phantoms import chest


@pytest.fixture(scope="module")
def data():
    return chest_sets.draw(chest.BARE, 64, np.random.default_rng(0))


def test_demodulation_undoes_the_scale_of_a_style():
    """Scaling every style by the same factor leaves the convolution unchanged."""
    torch.manual_seed(0)
    conv = gan.StyleConv(8, 4, 5)
    h, w, noise = torch.randn(2, 8, 6, 6), torch.randn(2, 5), torch.zeros(2, 1, 6, 6)
    once = conv(h, w, noise)
    with torch.no_grad():
        conv.affine.weight *= 7
        conv.affine.bias *= 7
    torch.testing.assert_close(conv(h, w, noise), once, rtol=1e-4, atol=1e-5)


def test_style_convolution_is_the_modulated_weight_convolution():
    """Scaling activations equals scaling weights (Karras et al. 2020, equations 1 and 3)."""
    torch.manual_seed(0)
    conv = gan.StyleConv(3, 4, 5)
    h, w = torch.randn(1, 3, 6, 6), torch.randn(1, 5)
    weight = conv.weight * conv.affine(w)[0].view(1, -1, 1, 1)
    weight = weight / weight.square().sum((1, 2, 3), keepdim=True).sqrt()
    direct = torch.nn.functional.conv2d(h, weight, padding=1) + conv.bias
    expected = torch.nn.functional.leaky_relu(direct, 0.2) * 2**0.5
    torch.testing.assert_close(conv(h, w, torch.zeros(1, 1, 6, 6)), expected, rtol=1e-4, atol=1e-5)


def test_r1_is_the_squared_gradient_norm():
    critic = lambda x, y: (3 * x.flatten(1)).sum(1)  # noqa: E731
    assert gan.r1_penalty(critic, torch.rand(4, 1, 5, 5), None).item() == pytest.approx(9 * 25)


def test_a_gan_fit_repeats_and_averages(data):
    s = gan.GanSettings(epochs=1, epoch_images=256, precision="float32")
    a, b = (list(gan.fit(data, s, np.random.default_rng(1)))[-1] for _ in range(2))
    labels = np.array([0, 1, 2])
    images = [each.model.sample(labels, np.random.default_rng(0)) for each in (a, b)]
    assert np.array_equal(*images) and images[0].shape == (3, 64, 64)
    assert all(not w.requires_grad for w in a.model.parameters())


def trained(data, steps, **changes):
    """The only State of a fit of so many steps."""
    s = gan.GanSettings(epochs=1, epoch_images=16 * steps, batch=16, **changes)
    return list(gan.fit(data, s, np.random.default_rng(1)))[-1]


def test_training_brings_samples_to_the_data_from_where_they_started(data):
    """Read off the averaged weights: an average that is never moved stays at the start."""
    labels = np.arange(96) % 3
    start, end = (
        trained(data, steps, average=0.9).model.sample(labels, np.random.default_rng(0))
        for steps in (1, 120)
    )
    before, after = (np.abs(each.mean(0) - data.image.mean(0)).mean() for each in (start, end))
    assert after < 0.5 * before


def test_a_long_average_lags_behind_a_short_one(data):
    """After 20 steps an average over 1,000 has hardly left the start."""
    moved = []
    for average in (0.0, 0.999):
        one, more = (trained(data, steps, average=average).model for steps in (1, 20))
        pairs = zip(one.parameters(), more.parameters(), strict=True)
        moved.append(sum((a - b).square().sum().item() for a, b in pairs) ** 0.5)
    assert 0 < moved[1] < 0.1 * moved[0]


def test_a_strong_penalty_makes_a_critic_that_cannot_tell(data):
    """Without slope at real images it answers one half to all: the generator's loss is log 2."""
    free, held = (trained(data, 30, r1=r1, r1_every=1).losses["generator"] for r1 in (0.0, 1e3))
    assert held == pytest.approx(np.log(2), abs=0.03)
    assert abs(free - np.log(2)) > 0.3
