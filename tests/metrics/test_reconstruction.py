"""PSNR and perceptual distance in closed form."""

import numpy as np
import pytest
import torch

from lib.metrics import reconstruction as r


def test_psnr_of_a_constant_error_and_of_equal_images():
    a = np.random.default_rng(0).random((3, 8, 8), dtype=np.float32)
    gaps = np.array([0.1, 0.01, 0.0])
    np.testing.assert_allclose(r.psnr(a, a + gaps[:, None, None]), [20, 40, 100], rtol=1e-5)


def test_psnr_has_range_one_whatever_the_images_span():
    a = np.full((1, 8, 8), 0.30)
    assert r.psnr(a, a + 0.01)[0] == pytest.approx(40)


def test_nearest_psnr_is_the_best_over_the_reference_and_copies_win():
    rng = np.random.default_rng(1)
    reference, fresh = rng.random((9, 8, 8)), rng.random((4, 8, 8))
    best = [r.psnr(np.repeat(x[None], 9, 0), reference).max() for x in fresh]
    np.testing.assert_allclose(r.nearest_psnr(fresh, reference), best)
    np.testing.assert_array_equal(r.nearest_psnr(reference[[4, 2]], reference), [100, 100])


def test_perceptual_by_hand():
    a, b = np.zeros((2, 2, 1, 2)), np.zeros((2, 2, 1, 2))
    a[:, 0], b[0, 0, 0, 0], b[0, 1, 0, 1], b[1, 0] = 3.0, 5.0, 2.0, 7.0
    # pair 0: same direction at one position, orthogonal at the other; pair 1: same everywhere
    np.testing.assert_allclose(r.perceptual([a], [b]), [(0 + 2) / 2, 0], atol=1e-12)
    np.testing.assert_allclose(r.perceptual([a], [-a]), [4, 4])
    np.testing.assert_allclose(r.perceptual([a, a], [b, -a]), [(1 + 4) / 2, (0 + 4) / 2])


def test_perceptual_is_the_angle_between_channel_vectors():
    a, b = (np.array(x, float).reshape(1, 2, 1, 1).repeat(3, 3) for x in ([3, 4], [4, 3]))
    assert r.perceptual([a], [b])[0] == pytest.approx(2 - 2 * 24 / 25)


def test_layers_of_any_size_weigh_the_same():
    rng = np.random.default_rng(2)
    small, large = rng.random((2, 3, 4, 2, 2)), rng.random((2, 3, 8, 16, 16))
    single = [r.perceptual([x[0]], [x[1]]) for x in (small, large)]
    both = r.perceptual([small[0], large[0]], [small[1], large[1]])
    np.testing.assert_allclose(both, np.mean(single, axis=0))


def test_perceptual_ignores_the_gain_of_a_map_and_is_symmetric():
    rng = np.random.default_rng(3)
    a, b = rng.random((2, 3, 4, 5, 6))
    once = r.perceptual([a], [b])
    np.testing.assert_allclose(r.perceptual([7 * a], [b]), once)
    np.testing.assert_allclose(r.perceptual([b], [a]), once)


def test_perceptual_takes_torch_maps_with_gradients_and_dead_channels():
    rng = np.random.default_rng(4)
    a, b = rng.random((2, 3, 4, 5, 6), dtype=np.float32)
    a[0] = b[0] = 0
    tensors = torch.tensor(a, requires_grad=True), torch.tensor(b)
    found = r.perceptual([tensors[0]], [tensors[1]])
    np.testing.assert_allclose(found, r.perceptual([a], [b]))
    assert found[0] == 0 < found[1]


IMAGES, MAPS = np.zeros((2, 8, 8)), [np.zeros((2, 3, 4, 4))]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: r.psnr(IMAGES, IMAGES[:1]), "equal"),
        (lambda: r.nearest_psnr(IMAGES, IMAGES[:0]), "at least 1"),
        (lambda: r.perceptual(MAPS, MAPS * 2), "equal lists"),
        (lambda: r.perceptual([], []), "equal lists"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
