"""StyleGAN-lite: its convolution, its penalty, and that training and averaging do something."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib.datasets import chest as chest_sets
from lib.generators import gan
from lib.phantoms import chest
from lib.training.penalty import r1_penalty
from lib.training.weights import seeded


@pytest.fixture(scope="module")
def data():
    return chest_sets.draw(chest.BARE, 64, np.random.default_rng(0))


def test_demodulation_undoes_the_scale_of_a_style():
    """Scaling every style by the same factor leaves the convolution unchanged."""
    torch.manual_seed(0)
    conv = gan.StyleConv(8, 4, 5)
    h, w = torch.randn(2, 8, 6, 6), torch.randn(2, 5)
    once = conv(h, w)
    with torch.no_grad():  # 1 + affine becomes 7 times that
        conv.affine.parametrizations.weight.original.mul_(7)
        conv.affine.parametrizations.bias.original.mul_(7).add_(6)
    torch.testing.assert_close(conv(h, w), once, rtol=1e-4, atol=1e-5)


def test_style_convolution_is_the_modulated_weight_convolution():
    """Scaling activations equals scaling weights (Karras et al. 2020, equations 1 and 3)."""
    torch.manual_seed(0)
    conv = gan.StyleConv(3, 4, 5)
    h, w = torch.randn(1, 3, 6, 6), torch.randn(1, 5)
    weight = conv.weight * (1 + conv.affine(w))[0].view(1, -1, 1, 1)
    weight = weight / weight.square().sum((1, 2, 3), keepdim=True).sqrt()
    expected = torch.nn.functional.conv2d(h, weight, padding=1) + conv.bias
    torch.testing.assert_close(conv(h, w), expected, rtol=1e-4, atol=1e-5)


def test_an_equalised_layer_has_hes_variance_and_a_slow_one_moves_slowly():
    torch.manual_seed(0)
    plain, slow = (gan.equalised(torch.nn.Linear(400, 300), rate) for rate in (1.0, 0.01))
    for layer in (plain, slow):
        assert layer.weight.std().item() == pytest.approx(400**-0.5, rel=0.02)
    moved = []
    for layer in (plain, slow):
        before = layer.weight.detach().clone()
        optimizer = torch.optim.Adam(layer.parameters(), 1e-3)
        layer(torch.ones(1, 400)).sum().backward()
        optimizer.step()
        moved.append((layer.weight - before).abs().max().item())
    assert moved[1] == pytest.approx(0.01 * moved[0], rel=0.05)


def test_what_the_critic_sees_is_moved_and_cut_and_has_a_gradient():
    s = gan.GanSettings(shift=3, cut=5)
    images = torch.rand(200, 1, 16, 16, requires_grad=True)
    seen = gan.changed(images, s, torch.Generator().manual_seed(0))
    assert seen.shape == images.shape
    same = gan.changed(images, replace(s, shift=0, cut=0), torch.Generator().manual_seed(0))
    assert torch.equal(same, images)
    cut = gan.changed(images, replace(s, shift=0), torch.Generator().manual_seed(0))
    left_out = (cut == 0).flatten(1).sum(1)
    assert left_out.max() == 25 and left_out.min() >= 1
    assert torch.equal(cut[cut != 0], images[cut != 0])
    seen.sum().backward()
    assert set(images.grad.unique().tolist()) == {0.0, 1.0}


def test_a_shift_moves_all_of_an_image_by_the_same_pixels():
    s = gan.GanSettings(shift=2, cut=0)
    image = torch.zeros(300, 1, 9, 9)
    image[:, :, 4, 4] = 1
    seen = gan.changed(image, s, torch.Generator().manual_seed(0))
    assert (seen.flatten(1).sum(1) == 1).all()
    assert {tuple(at) for at in seen.nonzero()[:, 2:].tolist()} == {
        (y, x) for y in range(2, 7) for x in range(2, 7)
    }


def test_half_of_the_sizes_can_have_a_second_style(data):
    """Mixed samples of one latent differ from plain ones; without mixing they are the same."""
    torch.manual_seed(0)
    y, made = torch.zeros(40, dtype=torch.long), []
    for mixing in (0.0, 0.0, 1.0):
        torch.manual_seed(0)
        model = gan.StyleGenerator(gan.GanSettings(mixing=mixing))
        made.append(model.draw(y, torch.Generator().manual_seed(1)).detach())
    assert torch.equal(made[0], made[1]) and not torch.allclose(made[0], made[2], atol=1e-4)


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


def test_a_strong_penalty_makes_a_critic_without_slope_at_real_images(data, monkeypatch):
    made, slopes = [], []
    monkeypatch.setattr(gan, "seeded", lambda *a: made.append(seeded(*a)) or made[-1])
    x, y = torch.from_numpy(data.image).unsqueeze(1), torch.from_numpy(data.label)
    for r1 in (0.0, 1e3):
        trained(data, 80, r1=r1, r1_every=1)
        slopes.append(r1_penalty(made[-1], x, y).item())
    assert slopes[1] < 0.2 * slopes[0]
