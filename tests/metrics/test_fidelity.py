"""Distances of feature clouds against closed forms and their null; SSIM against its definition."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from lib.metrics import fidelity as f


def gaussian_pair(d=6, seed=0):
    rng = np.random.default_rng(seed)
    A, B = rng.normal(size=(2, d, d))
    return rng.normal(size=d), A @ A.T, rng.normal(size=d), B @ B.T


def test_frechet_gaussians_equals_the_matrix_root_form():
    m1, S1, m2, S2 = gaussian_pair()
    expected = np.sum((m1 - m2) ** 2) + np.trace(S1 + S2 - 2 * np.real(sqrtm(S1 @ S2)))
    assert f.frechet_gaussians(m1, S1, m2, S2) == pytest.approx(expected, rel=1e-6)


def test_frechet_closed_form_for_diagonal_gaussians():
    m, a, b = np.array([1.0, -2.0, 0.5]), np.array([1.0, 4.0, 9.0]), np.array([4.0, 1.0, 0.25])
    expected = np.sum(m**2) + np.sum((np.sqrt(a) - np.sqrt(b)) ** 2)
    assert f.frechet_gaussians(m, np.diag(a), 0 * m, np.diag(b)) == pytest.approx(expected)


def test_frechet_of_large_samples_reaches_the_closed_form():
    m1, S1, m2, S2 = gaussian_pair(4)
    rng = np.random.default_rng(1)
    a, b = rng.multivariate_normal(m1, S1, 40_000), rng.multivariate_normal(m2, S2, 40_000)
    truth = f.frechet_gaussians(m1, S1, m2, S2)
    assert f.frechet(a, b) == pytest.approx(truth, rel=0.02)
    assert f.frechet(a.astype(np.float32), b.astype(np.float32)) == pytest.approx(truth, rel=0.02)


@pytest.mark.parametrize(("d", "n"), [(8, 1000), (32, 2000), (64, 4000)])
def test_null_frechet_matches_whitened_samples_within_five_percent(d, n):
    rng = np.random.default_rng(d)
    repeats = 60 if d == 8 else 8
    found = [f.frechet(*rng.normal(size=(2, n, d))) for _ in range(repeats)]
    assert np.mean(found) == pytest.approx(f.null_frechet(d, n), rel=0.05)


def test_frechet_is_a_symmetric_rotation_free_distance():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(300, 5)), rng.normal(loc=0.5, size=(300, 5))
    Q = np.linalg.qr(rng.normal(size=(5, 5)))[0]
    assert f.frechet(a, a) == pytest.approx(0, abs=1e-10)
    assert f.frechet(a, b) == pytest.approx(f.frechet(b, a))
    assert f.frechet(a @ Q, b @ Q) == pytest.approx(f.frechet(a, b))
    assert f.frechet(3 * a, 3 * b) == pytest.approx(9 * f.frechet(a, b))


def test_infinity_removes_most_of_the_small_sample_bias():
    rng = np.random.default_rng(3)
    truth, plain, limit = 1.0, [], []
    for _ in range(5):
        a, b = rng.normal(size=(2, 1000, 16))
        b = b + np.sqrt(truth / 16)
        plain.append(f.frechet(a, b))
        limit.append(f.frechet_infinity(a, b, rng))
    assert abs(np.mean(limit) - truth) < 0.5 * abs(np.mean(plain) - truth)


def test_kid_is_unbiased_at_zero_and_grows_with_a_shift():
    rng = np.random.default_rng(4)
    null = [f.kid(*rng.normal(size=(2, 100, 8))) for _ in range(60)]
    assert abs(np.mean(null)) < 3 * np.std(null) / np.sqrt(60)
    a, b = rng.normal(size=(2, 400, 8))
    values = [f.kid(a, b + shift) for shift in (0, 0.3, 0.6)]
    assert values[0] < values[1] < values[2]


def test_kid_by_hand():
    a, b = np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])
    assert f.kid(a, b) == pytest.approx(1 + 27 - 2 * np.mean([1, 1, 8, 27]))


def test_ssim_identity_symmetry_and_order_under_noise():
    rng = np.random.default_rng(5)
    a = rng.uniform(size=(3, 32, 32))
    noise = rng.normal(size=a.shape)
    np.testing.assert_allclose(f.ssim(a, a), 1)
    weak, strong = f.ssim(a, a + 0.05 * noise), f.ssim(a, a + 0.3 * noise)
    assert (strong < weak).all() and (weak < 1).all()
    np.testing.assert_allclose(f.ssim(a, a + noise), f.ssim(a + noise, a))


def test_ssim_of_constant_images_uses_data_range_one():
    low, high = np.full((1, 16, 16), 0.2), np.full((1, 16, 16), 0.6)
    c1 = 0.01**2
    expected = (2 * 0.2 * 0.6 + c1) / (0.2**2 + 0.6**2 + c1)
    assert f.ssim(low, high)[0] == pytest.approx(expected)


def test_nearest_ssim_finds_the_copied_image():
    rng = np.random.default_rng(6)
    reference = rng.uniform(size=(12, 16, 16))
    copies = reference[[7, 2]] + 0.01 * rng.normal(size=(2, 16, 16))
    np.testing.assert_allclose(f.nearest_ssim(copies, reference), f.ssim(copies, reference[[7, 2]]))
    fresh = f.nearest_ssim(rng.uniform(size=(2, 16, 16)), reference)
    assert (fresh < f.nearest_ssim(copies, reference)).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: f.frechet(np.ones((5, 2)), np.ones((5, 3))), "same d"),
        (lambda: f.frechet(np.ones((1, 2)), np.ones((5, 2))), "two rows"),
        (lambda: f.frechet(np.eye(4), np.ones((5, 4))), "4 and 5 rows of 4 features: take more"),
        (lambda: f.frechet(np.eye(4), np.full((5, 4), np.nan)), "features hold NaN"),
        (lambda: f.kid(np.full((5, 4), np.inf), np.eye(4)), "features hold NaN or infinite"),
        (lambda: f.ssim(np.full((1, 16, 16), np.nan), np.ones((1, 16, 16))), "images hold NaN"),
        (lambda: f.null_frechet(64, 50), "not above"),
        (lambda: f.frechet_infinity(*np.ones((2, 20, 9)), np.random.default_rng(0)), "too small"),
        (lambda: f.ssim(np.ones((8, 8)), np.ones((8, 8))), "stacks"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_few_rows_are_accepted_where_the_number_is_not_going_to_be_read():
    assert f.frechet(np.eye(4), np.eye(4), few=True) == pytest.approx(0, abs=1e-10)
