"""Coupling and mutual information against closed forms, brute force and known dependence."""

import numpy as np
import pytest
from scipy.special import digamma
from scipy.stats import kstest, ortho_group

from lib.metrics import dependence


def gaussians(n, d, rho, rng, noise=1.0):
    """Pairs whose columns i correlate by rho; their information is -d/2 log(1 - rho^2)."""
    a = rng.standard_normal((n, d))
    return a, rho * a + np.sqrt(1 - rho**2) * rng.standard_normal((n, d))


def truth(d, rho):
    return -d / 2 * np.log(1 - rho**2)


def spiral(n, rng, turns=4.0):
    """Each b is its a, turned by an angle that its length sets: invertible, and not linear."""
    a = rng.standard_normal((n, 2))
    angle = turns * np.linalg.norm(a, axis=1)
    cos, sin = np.cos(angle), np.sin(angle)
    return a, np.stack([cos * a[:, 0] - sin * a[:, 1], sin * a[:, 0] + cos * a[:, 1]], 1)


# ---- cosine coupling ----------------------------------------------------------------------------


def test_cosines_of_known_angles():
    a = np.array([[1.0, 0], [1, 1], [0, 2], [0, 0]])
    b = np.array([[3.0, 0], [1, 0], [5, 0], [1, 1]])
    np.testing.assert_allclose(dependence.cosines(a, b, centred=False), [1, 0.5**0.5, 0, 0])
    np.testing.assert_allclose(dependence.cosines(a, -b, centred=False)[:2], [1, 0.5**0.5])
    shifted = dependence.cosines(a + 7, b - 3)
    np.testing.assert_allclose(shifted, dependence.cosines(a, b), atol=1e-12)
    assert dependence.coupling(a, b) == pytest.approx(shifted.mean())


def test_chance_is_the_mean_cosine_of_random_directions():
    """Closed values in 1, 2 and 3 dimensions, simulation above, and the paper's number."""
    assert dependence.chance(1) == pytest.approx(1)
    assert dependence.chance(2) == pytest.approx(2 / np.pi)
    assert dependence.chance(3) == pytest.approx(1 / 2)
    rng = np.random.default_rng(0)
    for d in (8, 123):
        a, b = rng.standard_normal((2, 20_000, d))
        found = dependence.cosines(a, b)
        assert found.mean() == pytest.approx(dependence.chance(d), abs=4 * found.std() / 141)
        assert dependence.chance(d) == pytest.approx(np.sqrt(2 / (np.pi * d)), rel=0.5 / d)
    assert dependence.chance(123) == pytest.approx(0.072, abs=5e-4)


def test_coupling_of_correlated_features_tends_to_their_correlation():
    rng = np.random.default_rng(1)
    for rho in (0.2, 0.8):
        found = dependence.coupling(*gaussians(100, 3000, rho, rng))
        assert found == pytest.approx(rho, abs=0.02)


def test_raw_features_behind_a_relu_look_coupled_and_centred_ones_do_not():
    """Independent: E[relu]^2 / E[relu^2] is 1/pi for normal inputs, however many dimensions."""
    rng = np.random.default_rng(2)
    a, b = np.maximum(rng.standard_normal((2, 2000, 256)), 0)
    assert dependence.coupling(a, b, centred=False) == pytest.approx(1 / np.pi, abs=0.01)
    assert dependence.coupling(a, b) == pytest.approx(dependence.chance(256), abs=0.003)


def test_a_deterministic_coupling_can_have_c_at_chance():
    """The counter-example to Table 1: b is a function of a and back, and C says "independent"."""
    rng = np.random.default_rng(3)
    a, b = spiral(2000, rng)
    cosine = dependence.permuted(dependence.coupling, a, b, rng, n=99)
    assert cosine["value"] == pytest.approx(dependence.chance(2), abs=0.02)
    assert cosine["p"] > 0.05
    known = dependence.permuted(dependence.neighbour_information, a, b, rng, n=19)
    assert known["value"] > 1 and known["p"] == 1 / 20
    assert abs(dependence.copula_information(a, b)) < 0.05, "a Gaussian copula is blind too"
    turn, wide = ortho_group.rvs(123, random_state=rng), rng.standard_normal((2000, 123))
    for other in (wide @ turn, np.tanh(2 * wide @ turn)):
        assert dependence.coupling(wide, other) == pytest.approx(0.072, abs=0.006)
    quarter = np.stack([-a[:, 1], a[:, 0]], 1)
    assert dependence.coupling(a, quarter, centred=False) == pytest.approx(0), "b is a, turned"


def test_features_turned_by_a_rotation_are_at_chance_and_known_exactly():
    rng = np.random.default_rng(5)
    a = rng.standard_normal((2000, 123))
    b = dependence.rotated(a, rng)
    np.testing.assert_allclose(np.linalg.norm(a, axis=1), np.linalg.norm(b, axis=1))
    turn = np.linalg.lstsq(a, b, rcond=None)[0]
    np.testing.assert_allclose(b @ turn.T, a, atol=1e-9)
    for centred in (True, False):
        assert dependence.coupling(a, b, centred) == pytest.approx(0.072, abs=0.004)


def test_joint_dimension_gives_the_null_of_uneven_features():
    """d where features are even; where they are not, chance(d) is far off and this one is near."""
    rng = np.random.default_rng(4)
    a, b = rng.standard_normal((2, 4000, 32))
    assert dependence.joint_dimension(a, b) == pytest.approx(32, rel=0.02)
    scale = np.exp(-np.arange(32) / 8)
    found = dependence.joint_dimension(a * scale, b * scale)
    exact = (scale**2).sum() ** 2 / (scale**4).sum()
    assert found == pytest.approx(exact, rel=0.05)
    null = dependence.permuted(dependence.coupling, a * scale, b * scale, rng, n=20)
    assert null["null"] == pytest.approx(dependence.chance(found), rel=0.1)
    assert null["null"] > 1.5 * dependence.chance(32)


# ---- mutual information -------------------------------------------------------------------------


def test_information_of_a_gaussian_in_closed_form():
    assert dependence.gaussian_information([[1, 0.6], [0.6, 1]], 1) == pytest.approx(truth(1, 0.6))
    rng = np.random.default_rng(5)
    mix = rng.standard_normal((5, 5))
    covariance, stretch = mix @ mix.T, np.diag([1, 10, 0.1, 3, 2.0])
    value = dependence.gaussian_information(covariance, 2)
    assert value == pytest.approx(
        dependence.gaussian_information(stretch @ covariance @ stretch, 2)
    ), "a change of units on either side changes nothing"
    canonical = np.linalg.eigvals(
        np.linalg.solve(covariance[:2, :2], covariance[:2, 2:])
        @ np.linalg.solve(covariance[2:, 2:], covariance[2:, :2])
    ).real
    assert value == pytest.approx(-0.5 * np.log1p(-canonical).sum())


@pytest.mark.parametrize(("d", "rho"), [(1, 0.0), (1, 0.6), (2, 0.5), (2, 0.8)])
def test_both_estimators_find_the_information_of_a_gaussian(d, rho):
    rng = np.random.default_rng(6)
    pairs = [gaussians(1000, d, rho, rng) for _ in range(6)]
    for estimate in (dependence.neighbour_information, dependence.copula_information):
        found = np.array([estimate(*pair) for pair in pairs])
        near = 4 * found.std(ddof=1) / np.sqrt(6) + 0.02
        assert found.mean() == pytest.approx(truth(d, rho), abs=near), estimate.__name__


def test_the_bias_of_many_dimensions_is_taken_off_the_copula_s_information():
    """Uncorrected it reads about d^2 / 2n, a tenth of a nat here, for independent features."""
    rng = np.random.default_rng(7)
    pairs = rng.standard_normal((20, 2, 300, 8))
    found = np.array([dependence.copula_information(a, b) for a, b in pairs])
    assert abs(found.mean()) < 4 * found.std(ddof=1) / np.sqrt(20) < 0.03
    assert found.min() < 0, "it is not clipped"


def test_estimates_do_not_hang_on_units_or_order():
    rng = np.random.default_rng(8)
    a, b = gaussians(400, 2, 0.7, rng)
    at = rng.permutation(400)
    for estimate in (dependence.neighbour_information, dependence.copula_information):
        value = estimate(a, b)
        assert estimate(1e3 * a - 5, b * [1e-3, 40]) == pytest.approx(value, abs=1e-9)
        assert estimate(b, a) == pytest.approx(value, abs=1e-9)
        assert estimate(a[at], b[at]) == pytest.approx(value, abs=1e-9)
    monotone = dependence.copula_information(np.exp(a), b**3)
    assert monotone == pytest.approx(dependence.copula_information(a, b), abs=1e-12)


def test_neighbours_are_counted_as_kraskov_says():
    """Brute force over all pairs."""
    rng = np.random.default_rng(9)
    a, b = gaussians(60, 2, 0.6, rng)
    k, x, y = 3, a / a.std(0), b / b.std(0)
    one, two = (abs(z[:, None] - z[None]).max(-1) for z in (x, y))
    both = np.maximum(one, two)
    np.fill_diagonal(both, np.inf)
    reach = np.sort(both, 1)[:, k - 1, None]
    counts = [(z < reach).sum(1) - 1 for z in (one, two)]
    mean = (digamma(counts[0] + 1) + digamma(counts[1] + 1)).mean()
    expected = digamma(k) + digamma(60) - mean
    assert dependence.neighbour_information(a, b, k) == pytest.approx(expected, abs=1e-12)


def test_principal_components_keep_what_varies_most():
    rng = np.random.default_rng(10)
    axes, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    factors = rng.standard_normal((2000, 6)) * [9, 5, 1, 0.5, 0.2, 0.1]
    project = dependence.principal(factors @ axes.T + 3, 2)
    fresh = rng.standard_normal((2000, 6)) * [9, 5, 1, 0.5, 0.2, 0.1]
    found = project(fresh @ axes.T + 3)
    assert found.shape == (2000, 2)
    assert abs(np.corrcoef(found.T, fresh[:, :2].T)[[0, 1], [2, 3]]).min() > 0.99
    np.testing.assert_allclose(found.std(0), 1, atol=0.1)
    np.testing.assert_allclose(project(3 * np.ones((1, 6))), 0, atol=0.1)


# ---- null ---------------------------------------------------------------------------------------


def test_p_is_uniform_under_independence_and_least_for_a_strong_link():
    rng = np.random.default_rng(11)
    found = [
        dependence.permuted(dependence.coupling, *rng.standard_normal((2, 12, 3)), rng, n=19)["p"]
        for _ in range(200)
    ]
    assert kstest(found, "uniform", alternative="greater").statistic < 0.1, "not too small"
    assert np.mean(np.less_equal(found, 0.05)) == pytest.approx(0.05, abs=0.045)
    linked = dependence.permuted(dependence.coupling, *gaussians(50, 8, 0.9, rng), rng, n=49)
    assert linked["p"] == 1 / 50 and linked["value"] > linked["null"] + 5 * linked["sd"]


def test_the_null_keeps_both_sets_and_follows_the_generator():
    a, b = gaussians(30, 2, 0.5, np.random.default_rng(12))
    seen = []

    def record(one, two):
        seen.append((one, np.sort(two, 0)))
        return 0.0

    out = dependence.permuted(record, a, b, np.random.default_rng(0), n=3)
    assert out == {"value": 0.0, "null": 0.0, "sd": 0.0, "p": 1.0} and len(seen) == 4
    assert all((one == a).all() and (two == np.sort(b, 0)).all() for one, two in seen)
    runs = [dependence.permuted(dependence.coupling, a, b, np.random.default_rng(s), 9)
            for s in (1, 1, 2)]  # fmt: skip
    assert runs[0] == runs[1] != runs[2]


def test_what_cannot_be_measured_is_refused():
    a, b = gaussians(20, 3, 0.5, np.random.default_rng(13))
    hole = a.copy()
    hole[2, 1] = np.nan
    cases = [
        ("paired row by row", dependence.coupling, (a, b[:5])),
        ("pass 2 or more", dependence.coupling, (a[:1], b[:1])),
        ("must be finite", dependence.coupling, (hole, b)),
        ("take one encoder", dependence.coupling, (a, b[:, :2])),
        ("one row repeated", dependence.coupling, (np.ones_like(a), b)),
        ("1 or more", dependence.chance, (0.5,)),
        ("1 or more", dependence.chance, (np.nan,)),
        ("no common direction", dependence.joint_dimension, (a * [1, 0, 0], b * [0, 1, 1])),
        ("larger than d", dependence.gaussian_information, (np.eye(2), 2)),
        ("full rank", dependence.gaussian_information, (np.ones((2, 2)), 1)),
        ("take more than 7", dependence.copula_information, (a[:7], b[:7])),
        ("over 4 columns", dependence.neighbour_information, (np.hstack([a, b]), b)),
        ("neighbours is 20", dependence.neighbour_information, (a, b, 20)),
        ("column that does not vary", dependence.neighbour_information, (a * [1, 0, 1], b)),
        ("repeat", dependence.neighbour_information, (np.repeat(a, 6, 0), np.repeat(b, 6, 0))),
        ("fewer directions", dependence.principal, (a, 4)),
        ("at least one random pairing", dependence.permuted,
         (dependence.coupling, a, b, np.random.default_rng(0), 0)),
    ]  # fmt: skip
    for sentence, call, arguments in cases:
        with pytest.raises(ValueError, match=sentence):
            call(*arguments)
