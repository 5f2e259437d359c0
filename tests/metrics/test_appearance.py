"""Statistics of appearance against sets whose answer is known in closed form."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lib.metrics import appearance, reality, sharpness

ALL = np.pad(np.ones((56, 56), bool), 4)  # borders are mirrored, not noisy


def white(sd, n=40, seed=0):
    return 0.5 + sd * np.random.default_rng(seed).normal(size=(n, 64, 64))


def power_law(exponent, n=60, seed=0):
    """Images whose power falls as frequency^exponent."""
    cycles = np.fft.fftfreq(64, 1 / 64)
    away = np.hypot(*np.meshgrid(cycles, cycles))
    away[0, 0] = np.inf
    waves = np.fft.fft2(np.random.default_rng(seed).normal(size=(n, 64, 64)))
    return np.fft.ifft2(waves * away ** (exponent / 2)).real


def test_noise_is_read_in_white_noise_and_hardly_moved_by_a_slope():
    ramp = np.linspace(0, 0.4, 64)[None]
    for sd in (0.01, 0.05):
        plain = np.median([sharpness.noise_sd(x, ALL) for x in white(sd)])
        on_ramp = np.median([sharpness.noise_sd(x + ramp, ALL) for x in white(sd)])
        assert plain == pytest.approx(sd, rel=0.03) == on_ramp


def test_local_sd_of_white_noise_is_that_of_nine_draws():
    """The median of sqrt(chi-square of 8 degrees / 9)."""
    found = np.mean([appearance.local_sd(x, ALL) for x in white(0.1)], axis=0)
    assert found[2] == pytest.approx(0.1 * (7.344 / 9) ** 0.5, rel=0.02)
    assert list(found) == sorted(found)


def test_neighbours_of_white_noise_are_hardly_correlated_and_those_of_a_blur_are():
    one = np.mean([appearance.neighbour_correlation(x, ALL) for x in white(0.1)])
    blurred = [gaussian_filter(x, 1.0) for x in white(0.1)]
    two = np.mean([appearance.neighbour_correlation(x, ALL) for x in blurred])
    assert -0.1 < one < 0 and 0.5 < two < 0.9


@pytest.mark.parametrize("exponent", [-2.0, -3.0])
def test_slopes_are_those_of_the_field(exponent):
    power = sharpness.spectrum(power_law(exponent))
    assert appearance.slope(power, appearance.MIDDLE) == pytest.approx(exponent, abs=0.15)


def test_fine_energy_of_white_noise_is_the_share_of_its_frequencies():
    cycles = np.fft.fftfreq(64, 1 / 64)
    away = np.hypot(*np.meshgrid(cycles, cycles)).astype(int)
    expected = ((away >= 16) & (away <= 32)).sum() / ((away >= 1) & (away <= 32)).sum()
    power = sharpness.spectrum(white(0.1, n=200))
    assert appearance.fine_energy(power) == pytest.approx(expected, rel=0.02)


def spanned(k, n, seed):
    """Images of k fixed patterns of falling weight, which all subjects share."""
    modes = np.random.default_rng(9).normal(size=(k, 64, 64))
    weights = np.random.default_rng(seed).normal(size=(n, k)) * 2.0 ** -np.arange(k)
    return 0.5 + np.tensordot(weights, modes, 1)


def test_k_components_explain_a_set_that_k_patterns_span_and_fewer_do_not():
    found = appearance.explained(spanned(4, 60, 0), spanned(4, 60, 1))
    assert found[4] == pytest.approx(1, abs=1e-6) and 0.6 < found[1] < 0.85
    assert appearance.explained(spanned(4, 10, 0), spanned(4, 10, 1))[16] is None
    alone = appearance.explained(white(0.1, 60, 0), white(0.1, 60, 1))
    assert alone[16] < 0.05, "nobody's noise predicts another's"


def test_whole_subjects_are_held_out():
    """Each subject repeats one image: alone among others nothing of it is known."""
    images = np.repeat(white(0.1, 12), 5, axis=0)
    subjects = np.repeat(np.arange(12), 5)
    found = appearance.explained_across(images, subjects, 6, 6, np.random.default_rng(0))
    assert found[4] < 0.05
    with pytest.raises(ValueError, match="7 and 6 subjects are needed, and there are 12"):
        appearance.explained_across(images, subjects, 7, 6, np.random.default_rng(0))


def test_likeness_is_one_for_equal_images_and_little_for_noise():
    assert appearance.likeness(np.repeat(white(0.1, 1), 5, axis=0)) == pytest.approx(1)
    assert appearance.likeness(white(0.1, 100)) == pytest.approx(0.1, abs=0.02)


def test_scaled_images_forget_gain_and_offset():
    x = white(0.1, 3)
    np.testing.assert_allclose(appearance.scaled(300 * x - 7), appearance.scaled(x))
    head = np.zeros((1, 64, 64))
    head[0, 8:56, 8:56] = np.linspace(2, 3, 48)
    stripped = appearance.scaled(head, stripped=True)
    assert stripped[0, 0, 0] == 0 and 0 < np.median(stripped[0, 8:56, 8:56]) < 0.55
    with pytest.raises(ValueError, match="one grey value"):
        appearance.scaled(np.ones((1, 64, 64)))


def test_bounds_are_the_demands_and_what_is_outside_is_told():
    real = reality.known()["chest"]["values"]
    held = {h.name: h for h in reality.compare("chest", real)}
    assert all(h.met is not False for h in held.values())
    assert {n for n, h in held.items() if h.met is None} == {
        "neighbour_correlation", "tissue_sd", "explained_1", "explained_64"}  # fmt: skip
    far = {"noise": 0.0414, "local_sd_5": 0.028, "likeness": 0.882, "slope_low": -3.4,
           "fine_energy": 0.026, "explained_16": 0.58, "grey_50": 0.52}  # fmt: skip
    found = {h.name: h.met for h in reality.compare("chest", real | far)}
    assert {n for n, met in found.items() if met is False} == far.keys()
    (pet,) = reality.compare("neck", {"neighbour_correlation": 0.41})
    assert pet.met is False and pet.words == "correlation of neighbours' residual"


def test_statistics_leave_out_what_has_no_body_and_name_what_the_facts_name():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    disc = (x**2 + y**2 < 0.6) * (0.5 + 0.3 * power_law(-3.0, 14) / power_law(-3.0, 14).std())
    disc[0] = 0
    disc[0, :5, :9] = 1  # too small to be a body
    found = appearance.statistics(disc[[0, *range(14)]], np.arange(15), 6, 6, rng)
    assert set(reality.known()["chest"]["values"]) == set(found)
    assert found["explained_16"] is None and 0 < found["noise"] < 1
