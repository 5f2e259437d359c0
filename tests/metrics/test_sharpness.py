"""Sharpness falls with blur, border slopes of known edges, and grids that only grids raise."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, laplace

from lib.datasets import chest
from lib.metrics import sharpness as s
from lib.phantoms.chest import BARE

ROW, COLUMN = np.mgrid[:64, :64]
BLURS = (0, 0.5, 1, 1.5, 2.5)


def blurred(images, sigma):
    return gaussian_filter(images, (0, sigma, sigma)) if sigma else images


def scenes(n=40, seed=0):
    """Textured images with a bright disc each, and the discs: (n, 64, 64) twice."""
    rng = np.random.default_rng(seed)
    centre, radius = rng.uniform(22, 42, (n, 2, 1, 1)), rng.uniform(6, 12, (n, 1, 1))
    masks = (ROW - centre[:, 0]) ** 2 + (COLUMN - centre[:, 1]) ** 2 < radius**2
    texture = gaussian_filter(rng.normal(size=masks.shape), (0, 1.2, 1.2))
    return 0.3 + 0.1 * texture + 0.4 * masks, masks


def test_blur_lowers_both_sharpnesses_at_every_step():
    images, masks = scenes()
    laplacians = [s.laplacian_variance(blurred(images, b)) for b in BLURS]
    slopes = [s.edge_slope(blurred(images, b), masks) for b in BLURS]
    assert (np.diff(laplacians, axis=0) < 0).all() and (np.diff(slopes, axis=0) < 0).all()


def test_laplacian_is_scipys_without_the_border():
    images = scenes(3)[0]
    expected = [laplace(x)[1:-1, 1:-1].var() for x in images]
    np.testing.assert_allclose(s.laplacian_variance(images, tail=0), expected)
    np.testing.assert_allclose(
        s.laplacian_variance(3 * images + 1), 9 * s.laplacian_variance(images)
    )


def test_a_hot_pixel_does_not_read_as_sharp():
    images = scenes(3)[0]
    hot = images.copy()
    hot[:, 30, 30] = 10
    assert (s.laplacian_variance(hot) < 1.5 * s.laplacian_variance(images)).all()
    assert (s.laplacian_variance(hot, tail=0) > 5 * s.laplacian_variance(images, tail=0)).all()


def test_slope_of_a_step_is_half_its_contrast_a_pixel():
    masks = (COLUMN >= 32)[None]
    for low, high in ((0.2, 0.7), (0.9, 0.1)):
        assert s.edge_slope(np.where(masks, high, low), masks)[0] == pytest.approx(0.5)


@pytest.mark.parametrize("width", [8, 16])
def test_slope_of_a_ramp_by_hand(width):
    """A ramp of `width` pixels from 0 to 1 across the contour rises 1 / width a pixel."""
    masks = (COLUMN >= 32)[None]
    image = np.clip((COLUMN - 31.5) / width + 0.5, 0, 1)
    contrast = image[masks[0]].mean() - image[:, 29:32].mean()
    assert s.edge_slope(image[None], masks)[0] == pytest.approx(1 / width / contrast)


def test_slope_ignores_scale_offset_and_the_end_of_the_image():
    images, masks = scenes(5)
    slope = s.edge_slope(images, masks)
    np.testing.assert_allclose(s.edge_slope(0.2 - 0.5 * images, masks), slope)
    corner = ((ROW < 20) & (COLUMN < 20))[None]
    flat = np.where(corner, 0.8, 0.2)
    assert s.edge_slope(flat, corner)[0] == pytest.approx(0.5, rel=0.02)  # not diluted by the rim


def test_slope_looks_at_both_sides_of_the_contour():
    """The grey step lies one pixel outside: no gradient inside, half a step outside."""
    masks, image = (COLUMN >= 32)[None], (COLUMN >= 31)[None].astype(float)
    contrast = 1 - 1 / 3  # the first of three pixels around is bright
    assert s.edge_slope(image, masks)[0] == pytest.approx(0.25 / contrast)


def test_slope_of_an_image_does_not_depend_on_the_others():
    images, masks = scenes(4)
    single = [s.edge_slope(images[i : i + 1], masks[i : i + 1])[0] for i in range(4)]
    np.testing.assert_allclose(s.edge_slope(images, masks), single)


def test_rim_step_is_the_mean_difference_of_neighbours_across_the_rim():
    """A step reads its height whatever its sign, at any scale of the lesion, and loops agree."""
    mask = np.zeros((4, 12, 12), bool)
    mask[0, 3:8, 2:6] = mask[1, :, :5] = mask[2] = True
    flat = np.where(mask, 0.7, 0.4)
    np.testing.assert_allclose(s.rim_step(flat, mask), [0.3, 0.3, np.nan, np.nan])
    np.testing.assert_allclose(s.rim_step(1 - flat, mask), [0.3, 0.3, np.nan, np.nan])
    rough = np.random.default_rng(0).random((4, 12, 12))
    beside = ((0, 1), (1, 0), (0, -1), (-1, 0))
    pairs = [((r, c), (r + a, c + b)) for r, c in np.argwhere(mask[0]) for a, b in beside]
    steps = [abs(rough[0][p] - rough[0][q]) for p, q in pairs if not mask[0][q]]
    assert s.rim_step(rough, mask)[0] == pytest.approx(np.mean(steps))
    with pytest.raises(ValueError, match="one shape"):
        s.rim_step(rough[:2], mask)


def test_slope_is_nan_without_border_or_contrast():
    images, masks = scenes(4)
    images[1] = 0.5
    masks[2], masks[3] = False, True
    assert np.isnan(s.edge_slope(images, masks)).tolist() == [False, True, True, True]


GRIDS = {
    "period 2": (-1.0) ** (ROW + COLUMN),
    "period 4": (-1.0) ** (ROW // 2 + COLUMN // 2),
    "rows, period 2": (-1.0) ** ROW,
    "columns, period 4": (-1.0) ** (COLUMN // 2),
}


@pytest.mark.parametrize("name", GRIDS)
def test_a_faint_grid_raises_checkerboard_with_its_strength(name):
    images = scenes()[0]
    clean, faint, strong = (s.checkerboard(images + a * GRIDS[name]) for a in (0, 0.02, 0.05))
    assert 0.8 < clean < 1.2
    assert faint > 1.25 * clean and strong > 2 * faint


@pytest.mark.parametrize("period", [3, 5, 7])
def test_grids_of_other_periods_are_not_seen(period):
    images = scenes()[0]
    other = 0.05 * np.cos(2 * np.pi * (ROW + COLUMN) / period)
    assert s.checkerboard(images + other) < 1.3


@pytest.mark.parametrize("blur", [0.5, 1, 2, 4])
def test_blur_does_not_raise_checkerboard(blur):
    assert s.checkerboard(blurred(scenes()[0], blur)) < 1.2


def test_noise_has_no_grid_and_nearest_upsampling_has_one():
    rng = np.random.default_rng(1)
    assert s.checkerboard(rng.normal(size=(400, 64, 64))) == pytest.approx(1, abs=0.05)
    coarse = rng.normal(size=(40, 16, 16))
    assert s.checkerboard(coarse.repeat(2, 1).repeat(2, 2).repeat(1, 1)) < 1  # zeros at Nyquist
    zeros = np.zeros((40, 64, 64))
    zeros[:, ::2, ::2] = 1 + 0.2 * rng.normal(size=(40, 32, 32))  # stride 2 without a filter
    assert s.checkerboard(blurred(zeros, 0.7)) > 3


def test_prediction_is_exact_for_a_gaussian_spectrum():
    away = np.minimum(np.arange(64), 64 - np.arange(64))
    assert s._excess(np.exp(-0.01 * away**2))[1] == pytest.approx(1)
    peak = np.where(away == 16, 5.0, 1.0)
    np.testing.assert_allclose(s._excess(peak), [1, 5])


def test_a_border_that_does_not_close_hides_no_grid():
    ramp = np.broadcast_to(COLUMN / 64, (1, 64, 64))
    assert s.checkerboard(ramp) == pytest.approx(1, abs=0.1)
    assert s.checkerboard(ramp + 0.003 * GRIDS["columns, period 4"]) > 10


def test_a_grid_below_eight_bit_rounding_is_not_seen():
    flat = np.full((3, 64, 64), 0.5)
    assert s.checkerboard(flat + 1e-6 * GRIDS["period 2"]) == pytest.approx(1, abs=0.01)
    assert s.checkerboard(flat + GRIDS["period 2"] / 255) > 10


def test_checkerboard_ignores_offset_and_common_scale():
    images = scenes()[0] + 0.03 * GRIDS["period 2"]
    once = s.checkerboard(images)
    assert s.checkerboard(images + 5) == pytest.approx(once, rel=1e-6)
    assert s.checkerboard(2 * images) == pytest.approx(once, rel=0.05)
    assert s.checkerboard(np.zeros((2, 32, 32))) == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: s.laplacian_variance(np.zeros((8, 8))), r"\(n, H, W\)"),
        (lambda: s.edge_slope(np.zeros((2, 8, 8)), np.zeros((3, 8, 8))), "one shape"),
        (lambda: s.checkerboard(np.zeros((2, 16, 16))), "32 or more"),
        (lambda: s.checkerboard(np.zeros((2, 34, 34))), "multiples of 4"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


# ---- noise and detail ----


def gentle(n=40, seed=0):
    """Images whose structure is as large as a lung, mid-grey, without noise."""
    rough = np.random.default_rng(seed).standard_normal((n, 64, 64))
    smooth = gaussian_filter(rough, (0, 7, 7))
    return (0.5 + 0.1 * smooth / smooth.std()).astype(np.float32)


def noisy(images, sigma, seed=1):
    noise = np.random.default_rng(seed).standard_normal(images.shape)
    return (images + sigma * noise).astype(np.float32)


@pytest.mark.parametrize("sigma", [0.01, 0.03, 0.1])
def test_noise_level_reads_a_known_sigma(sigma):
    assert s.noise_level(noisy(gentle(), sigma)) == pytest.approx(sigma, rel=0.05)


def test_noise_level_sees_no_planes_and_no_image_beside():
    rows, columns = np.mgrid[:16, :16].astype(np.float32)
    tilted = np.stack([0.1 * rows, 0.2 - 0.3 * columns, np.full((16, 16), 9.0)])
    assert s.noise_level(tilted.astype(np.float32)) == pytest.approx(0, abs=1e-5)


def test_the_noise_level_of_a_set_is_the_mean_of_its_images():
    a, b = noisy(gentle(20), 0.02), noisy(gentle(20), 0.08)
    both = s.noise_level(np.concatenate([a, b]))
    assert both == pytest.approx((s.noise_level(a) + s.noise_level(b)) / 2)


def test_the_spectrum_of_a_wave_stands_at_its_own_frequency():
    columns = np.arange(64)
    for cycles in (3, 6, 20):
        wave = np.cos(2 * np.pi * cycles * columns / 64)[None, None, :].repeat(64, axis=1)
        assert s.spectrum(wave)[: 64 // 2 + 1].argmax() == cycles


def test_detail_does_not_see_white_noise_but_blur():
    images = chest.draw(BARE, 80, np.random.default_rng(3)).image
    grainy = images + np.random.default_rng(0).normal(0, 0.03, images.shape)
    assert abs(s.detail(grainy) / s.detail(images) - 1) < 0.1
    assert s.detail(gaussian_filter(images, (0, 2, 2))) < 0.6 * s.detail(images)
