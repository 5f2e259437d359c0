"""Intervals, tests and ratios against other libraries, brute force and simulated coverage."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from lib.metrics import inference as i

DIFFERENCES = st.lists(st.floats(-1, 1).map(lambda v: round(v, 3)), min_size=3, max_size=9)


def test_paired_t_equals_scipy():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 8))
    got, expected = i.paired_t(a - b), stats.ttest_rel(a, b)
    assert got["p"] == pytest.approx(expected.pvalue)
    assert got["ci95"] == pytest.approx(list(expected.confidence_interval(0.95)))
    assert got["ci90"] == pytest.approx(list(expected.confidence_interval(0.90)))
    assert got["n"] == 8 and got["mean"] == pytest.approx((a - b).mean())


@given(DIFFERENCES)
def test_interval_and_p_agree_and_mirror(values):
    d = np.array(values)
    got, mirrored = i.paired_t(d), i.paired_t(-d)
    assert mirrored["mean"] == -got["mean"] and mirrored["p"] == pytest.approx(got["p"])
    assert mirrored["ci95"] == pytest.approx([-got["ci95"][1], -got["ci95"][0]])
    if got["sd"] and abs(got["p"] - 0.05) > 1e-6:
        assert (got["p"] < 0.05) == (got["ci95"][0] > 0 or got["ci95"][1] < 0)


def test_paired_t_degenerate_cases_are_explicit():
    assert i.paired_t([0.3])["ci95"] is None and i.paired_t([0.3])["p"] is None
    assert i.paired_t([0.0] * 4)["p"] == 1
    steady = i.paired_t(np.array([0.3, 0.8, 0.5]) - np.array([0.2, 0.7, 0.4]))
    assert steady["p"] == 0.25 and steady["ci95"] == [steady["mean"]] * 2
    with pytest.raises(ValueError, match="finite"):
        i.paired_t([0.1, np.nan])


def test_sign_flip_equals_enumeration_and_scipy():
    d = np.array([0.4, -0.1, 0.3, 0.2, 0.25, -0.05])
    signs = np.array(list(itertools.product([1, -1], repeat=d.size)))
    expected = np.mean(np.abs(signs @ d) >= abs(d.sum()) - 1e-12)
    assert i.sign_flip(d) == pytest.approx(expected)
    flipped = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert i.sign_flip(d) == pytest.approx(flipped.pvalue)
    assert i.sign_flip([1.0] * 5) == pytest.approx(2**-4)
    with pytest.raises(ValueError, match="R=21"):
        i.sign_flip(np.ones(21))


def test_t_interval_covers_at_five_replicates():
    rng = np.random.default_rng(1)
    found = [i.t_interval(x)[1:] for x in rng.normal(size=(2000, 5))]
    assert np.mean([lo <= 0 <= hi for lo, hi in found]) == pytest.approx(0.95, abs=0.015)
    assert i.t_interval([2.0]) == (2.0, None, None)


def test_tost_equals_statsmodels_and_its_interval_form():
    rng = np.random.default_rng(2)
    a = rng.normal(size=12)
    b = a + rng.normal(scale=0.05, size=12)
    for margin in (0.01, 0.03, 0.1):
        p = i.tost(a - b, margin)
        assert p == pytest.approx(ttost_paired(a, b, -margin, margin)[0])
        lo, hi = i.paired_t(a - b)["ci90"]
        assert (p < 0.05) == (-margin < lo and hi < margin)
    size = np.linspace(1, 2, 12)
    assert i.tost((a - b) * size, 0.03, size) == pytest.approx(
        max(
            stats.ttest_1samp((a - b + 0.03) * size, 0, alternative="greater").pvalue,
            stats.ttest_1samp((a - b - 0.03) * size, 0, alternative="less").pvalue,
        )
    )
    assert i.tost([1.0] * 5, 0.01) == 1 and i.tost([-1.0] * 5, 0.01) == 1
    assert i.tost([0.0] * 5, 0.01) == 0 and i.tost([0.0], 0.01) is None


def test_holm_by_hand():
    assert i.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert i.benjamini_hochberg([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    assert i.holm([]) == []


@pytest.mark.parametrize(("ratio", "rho", "R"), [(0.5, 0.6, 10), (0.0, 0.3, 5), (1.2, 0.8, 5)])
def test_fieller_covers(ratio, rho, R):
    rng = np.random.default_rng(3)
    cov = np.array([[1, rho], [rho, 1]])
    draws = rng.multivariate_normal([3 * ratio, 3], cov, size=(1500, R))
    found = [i.fieller(x[:, 0], x[:, 1]) for x in draws]
    inside = [r["lo"] is None or r["lo"] <= ratio <= r["hi"] for r in found]
    assert 0.93 <= np.mean(inside) <= 0.985
    assert np.mean([r["lo"] is not None for r in found]) > 0.8


def test_fieller_bounds_solve_the_t_equation_and_are_never_clipped():
    rng = np.random.default_rng(4)
    D = 5 + rng.normal(size=8)
    N = 2 * D + rng.normal(size=8)
    got = i.fieller(N, D)
    for edge in (got["lo"], got["hi"]):
        assert stats.ttest_1samp(N - edge * D, 0).pvalue == pytest.approx(0.05, abs=1e-9)
    assert got["fraction"] > 1 and got["fraction"] == pytest.approx(N.mean() / D.mean())
    assert i.fieller(-N, D)["fraction"] < 0


def test_fieller_without_an_oracle_gain_says_so():
    rng = np.random.default_rng(5)
    N, D = rng.normal(size=(2, 6))
    unknown = "oracle gain not established"
    for d, note in ((D - D.mean(), unknown), (D - 20, unknown), (D[:1], "one draw")):
        got = i.fieller(N[: len(d)], d)
        assert got["note"] == note and got["fraction"] is None
        assert got["lo"] is None and got["hi"] is None


def test_page_sees_the_order_and_not_its_reverse():
    rng = np.random.default_rng(6)
    M = np.arange(5) + rng.normal(scale=0.5, size=(6, 5))
    p, tau = i.page(M)
    assert p < 0.001 and tau == pytest.approx(1)
    p, tau = i.page(M[:, ::-1])
    assert p > 0.95 and tau == pytest.approx(-1)
    assert i.page(np.zeros((4, 3)))[1] == 0 and i.page(M[:1])[0] is None


def test_spread_ratio_covers_and_points_the_right_way():
    rng = np.random.default_rng(7)
    found = [i.spread_ratio(*(rng.normal(size=(2, 12)) * [[1], [2]])) for _ in range(800)]
    assert np.mean([lo <= 2 <= hi for _, lo, hi, _ in found]) == pytest.approx(0.95, abs=0.025)
    assert i.spread_ratio([1, 1, 1], [1, 2, 3]) == (None, None, None, None)


def test_sd_interval_covers():
    rng = np.random.default_rng(8)
    found = [i.sd_interval(x)[1:] for x in 3 * rng.normal(size=(1000, 8))]
    assert np.mean([lo <= 3 <= hi for lo, hi in found]) == pytest.approx(0.95, abs=0.02)


def test_two_way_bootstrap_is_wider_than_cases_alone():
    rng = np.random.default_rng(9)
    M = rng.normal(size=(10, 1)) + 0.1 * rng.normal(size=(10, 400))
    mean, lo, hi = i.two_way_bootstrap(M, np.random.default_rng(0), 400)
    assert lo < mean < hi and mean == pytest.approx(M.mean())
    assert hi - lo > 2 * 1.5 * M.mean(axis=1).std() / np.sqrt(10)
    fixed = np.tile(M[0], (10, 1))
    _, lo_cases, hi_cases = i.two_way_bootstrap(fixed, np.random.default_rng(0), 600)
    assert hi_cases - lo_cases == pytest.approx(3.92 * M[0].std() / np.sqrt(400), rel=0.12)
    again = i.two_way_bootstrap(M, np.random.default_rng(0), 400)
    assert again == (mean, lo, hi)


def test_nadeau_bengio_widens_the_t_interval_by_the_known_factor():
    d = np.random.default_rng(10).normal(0.5, 1, size=5)
    mean, lo, hi, p = i.nadeau_bengio(d, 80, 20)
    _, plain_lo, plain_hi = i.t_interval(d)
    assert (hi - lo) / (plain_hi - plain_lo) == pytest.approx(np.sqrt((1 / 5 + 1 / 4) * 5))
    assert p > i.paired_t(d)["p"] and mean == pytest.approx(d.mean())
    assert i.nadeau_bengio(d, 80, 0)[1:3] == pytest.approx((plain_lo, plain_hi))


def arms_on_draws(rng, control, R=5, k=8, n=2000):
    """n times k arms of SD 1 and a control of another SD on the same draws, all means equal."""
    shared = 3 * rng.normal(size=(n, 1, R))
    return shared + rng.normal(size=(n, k, R)), shared[:, 0] + control * rng.normal(size=(n, R))


@pytest.mark.parametrize("control", [1.0, 2.0])
def test_error_with_the_controls_apart_covers_and_is_narrower_than_the_plain_one(control):
    """95 % of the intervals hold the true zero, also where the control varies twice as much."""
    others, alone = arms_on_draws(np.random.default_rng(4), control)
    pairs = list(zip(others, alone, strict=True))
    found = [i.two_variances(each, real, 0) for each, real in pairs]
    plain = [i.paired_t(each[0] - real) for each, real in pairs]
    covered = np.mean([each["ci95"][0] < 0 < each["ci95"][1] for each in found])
    assert covered == pytest.approx(0.945, abs=0.015)
    width = [np.median([np.ptp(each["ci95"]) for each in kind]) for kind in (found, plain)]
    assert width[0] < (0.87 if control == 1 else 0.93) * width[1]
    assert found[0]["mean"] == pytest.approx(plain[0]["mean"])


def test_error_with_the_controls_apart_has_the_true_variance():
    """The mean of the squared standard error is (1 + 2^2) / R, whatever the draws share."""
    others, alone = arms_on_draws(np.random.default_rng(5), 2.0, n=4000)
    found = [i.two_variances(each, real, 0) for each, real in zip(others, alone, strict=True)]
    errors = [np.ptp(f["ci95"]) / 2 / stats.t.ppf(0.975, f["df"]) for f in found]
    assert np.mean(np.square(errors)) == pytest.approx(5 / 5, rel=0.04)
    assert all(4 < f["df"] < 4 + 7 * 4 for f in found)
    with pytest.raises(ValueError, match="at least 3 arms"):
        i.two_variances(np.ones((2, 5)), np.ones(5), 0)


def test_equal_spreads_are_shown_at_the_level_and_only_then():
    """At the edge of the margin 5 % are called equal; far inside nearly all."""
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(2, 3000, 30))
    edge = np.mean([i.spread_tost(x, y * 2.0, np.log(2)) < 0.05 for x, y in zip(a, b, strict=True)])
    assert edge == pytest.approx(0.05, abs=0.012)
    assert np.mean([i.spread_tost(x, y, np.log(2)) < 0.05 for x, y in zip(a, b, strict=True)]) > 0.9
    assert i.spread_tost([1.0, 2.0], [1.0, 2.0], 0.1) is None
