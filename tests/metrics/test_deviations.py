"""Errors, shares, rims, spectra and directions of deviation fields, against closed forms."""

import numpy as np
import pytest
from toy_lesions import disc

from lib.metrics import deviations

rng = np.random.default_rng(0)
MASK = np.array([disc(15, 15, 6), disc(12, 18, 3)])
FIELD = rng.standard_normal((2, 32, 32))


def test_errors_are_each_lesions_own_over_its_own_pixels():
    """Red if all pixels were pooled, or the mask's complement counted."""
    off = np.zeros((2, 32, 32))
    off[0][MASK[0]], off[1][MASK[1]], off[0, 0, 0] = 0.3, -0.1, 9.0
    np.testing.assert_allclose(deviations.rmse(FIELD + off, FIELD, MASK), [0.3, 0.1])
    np.testing.assert_allclose(deviations.mean_error(FIELD + off, FIELD, MASK), [0.3, 0.1])
    half = np.where(MASK, 1.0, 0.5)
    expected = (0.3 * MASK[0].sum() + 0.5 * 9) / half[0].sum()
    assert deviations.mean_error(FIELD + off, FIELD, half)[0] == pytest.approx(expected)
    assert np.isnan(deviations.rmse(FIELD, FIELD, np.zeros_like(MASK))).all()
    with pytest.raises(ValueError, match="must be"):
        deviations.mean_error(FIELD, FIELD, MASK[:1])


def test_the_share_of_energy_is_of_squares_and_counts_within_only():
    field = np.zeros((1, 32, 32))
    field[0, 10, 10], field[0, 20, 20], field[0, 30, 30] = 3, -4, 100
    where, within = np.zeros((2, 1, 32, 32), bool)
    where[0, 20, 20], within[0, :25, :25] = True, True
    assert deviations.share(field, where, within)[0] == pytest.approx(16 / 25)
    assert deviations.share(field, where)[0] == pytest.approx(16 / 10025)
    assert np.isnan(deviations.share(0 * field, where)[0])


def test_correlation_tells_strength_between_lesions_from_texture_inside():
    """Two flat lesions of unlike strength with noise: known as a whole, unknown inside."""
    level = np.array([0.0, 5.0])[:, None, None]
    whole, own = deviations.correlation(FIELD + level, FIELD[::-1] + level, MASK)
    assert whole > 0.6 and abs(own) < 0.4
    whole, own = deviations.correlation(-2 * FIELD + 1, FIELD, MASK)
    assert whole == pytest.approx(-1) and own == pytest.approx(-1)
    assert deviations.correlation(0 * FIELD, FIELD, MASK) == (None, None)


def test_the_spectrum_of_a_wave_lies_at_its_frequency_and_scales_with_its_square():
    masks = np.array([disc(32, 30, 14, 64)])
    x = np.arange(64)
    wave = np.sin(2 * np.pi * 5 * x / deviations.SIDE)[None, None] * np.ones((1, 64, 1))
    power = deviations.lesion_spectrum(wave, masks)
    assert power.shape == (deviations.SIDE // 2 + 1,)
    assert power.argmax() == 5
    double = deviations.lesion_spectrum(2 * wave, masks)
    assert deviations.band_ratio(double, power) == pytest.approx(4)
    noise = np.random.default_rng(1).standard_normal((400, 64, 64))
    white = deviations.lesion_spectrum(noise, np.repeat(masks, 400, 0))[2:]
    np.testing.assert_allclose(white, white.mean(), rtol=0.1)


def test_the_band_adds_energy_and_leaves_the_rest_out():
    reference = np.ones(deviations.SIDE // 2 + 1)
    power = reference.copy()
    power[:2], power[9:] = 1e6, 1e6
    assert deviations.band_ratio(power, reference) == pytest.approx(1)
    assert deviations.band_ratio(power, 0 * reference) is None


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.3])
def test_alignment_is_the_cosine_of_twice_the_angle_between_edges(angle):
    """Also through a change of sign: an edge has no direction."""
    y, x = np.mgrid[:32, :32] / 32.0
    one = np.sin(9 * x)[None]
    turned = np.sin(9 * (x * np.cos(angle) + y * np.sin(angle)))[None]
    mask = disc(15, 15, 10)[None]
    expected = pytest.approx(np.cos(2 * angle), abs=0.02)
    assert deviations.alignment(one, turned, mask) == expected
    assert deviations.alignment(-3 * one, turned, mask) == expected
    assert deviations.alignment(0 * one, turned, mask) is None


def test_unrelated_fields_have_no_alignment():
    fields, tissue = np.random.default_rng(3).standard_normal((2, 300, 32, 32))
    masks = np.repeat(MASK[:1], 300, 0)
    assert abs(deviations.alignment(fields, tissue, masks)) < 0.05


def test_the_variance_over_repeats_is_unbiased_and_inside_the_mask():
    sd = np.array([0.1, 0.3])[:, None, None, None]
    drawn = sd * np.random.default_rng(2).standard_normal((2, 4, 32, 32))
    drawn = np.where(MASK[:, None], drawn, 7 * np.arange(4)[:, None, None])
    np.testing.assert_allclose(deviations.variance(drawn, MASK), [0.01, 0.09], rtol=0.35)
    many = np.stack([deviations.variance(0.1 * np.random.default_rng(i).standard_normal(
        (2, 2, 32, 32)), MASK) for i in range(60)])  # fmt: skip
    np.testing.assert_allclose(many.mean(0), 0.01, rtol=0.1)
    with pytest.raises(ValueError, match="k of 2 or more"):
        deviations.variance(drawn[:, :1], MASK)


def test_the_slope_is_within_lesions():
    """Red if differences between lesions counted: large ones are drawn smaller here."""
    x = np.array([[1.0, 2, 3], [101, 102, 103]])
    y = 0.5 * (x - x.mean(1, keepdims=True)) + np.array([[9.0], [2.0]])
    assert deviations.slope(x, y) == (pytest.approx(0.5), pytest.approx(1))
    unseen = np.vstack([y, [1, np.nan, 5]])
    assert deviations.slope(np.vstack([x, x[:1]]), unseen)[0] == pytest.approx(0.5)
    assert deviations.slope(x * 0, y) == (None, None)
    assert deviations.slope(x, y * 0) == (0.0, None)
    noisy = y + np.array([[1, -2, 1], [1, -2, 1]])
    own = [(a - a.mean(1, keepdims=True)).ravel() for a in (x, noisy)]
    expected = np.corrcoef(*own)
    slope, r2 = deviations.slope(x, noisy)
    assert slope == pytest.approx(0.5) and r2 == pytest.approx(expected[0, 1] ** 2)
