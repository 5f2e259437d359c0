"""Classification metrics against brute force, an independent library, and their own nulls."""

import numpy as np
import pytest
from confidenceinterval import roc_auc_score as reference_auc
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from lib.metrics import classification as c


def two_normals(rng, n=200, gap=1.0):
    y = rng.permutation(np.repeat([0, 1], [n, n // 2]))
    return y, rng.normal(size=y.size) + gap * y


def brute_placements(y, s):
    pos, neg = s[y == 1], s[y == 0]
    wins = (pos[:, None] > neg[None]) + 0.5 * (pos[:, None] == neg[None])
    return wins.mean(axis=1), wins.mean(axis=0)


def test_delong_equals_brute_force_placements_with_ties():
    rng = np.random.default_rng(0)
    y, s = two_normals(rng, 40)
    S = np.stack([s.round(1), rng.normal(size=y.size).round(1)])
    aucs, cov = c.delong(y, S)
    above, below = zip(*(brute_placements(y, s) for s in S), strict=True)
    expected = np.cov(above) / (y == 1).sum() + np.cov(below) / (y == 0).sum()
    np.testing.assert_allclose(cov, expected, rtol=1e-12)
    np.testing.assert_allclose(aucs, [roc_auc_score(y, s) for s in S], rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_delong_variance_agrees_with_confidenceinterval(seed):
    y, s = two_normals(np.random.default_rng(seed))
    (value,), ((variance,),) = c.delong(y, s)
    expected, (lo, hi) = reference_auc(list(y), list(s), confidence_level=0.95)
    assert value == pytest.approx(float(expected), abs=1e-6)
    assert np.sqrt(variance) == pytest.approx((hi - lo) / 2 / norm.ppf(0.975), rel=1e-4)


def test_auc_interval_covers_and_stays_inside():
    rng = np.random.default_rng(1)
    truth = norm.cdf(2.5 / np.sqrt(2))
    found = [c.auc(*two_normals(rng, 40, 2.5)) for _ in range(300)]
    assert np.mean([lo <= truth <= hi for _, lo, hi in found]) >= 0.91
    assert all(0 < lo <= v <= hi < 1 for v, lo, hi in found if not np.isnan(lo))
    value, lo, hi = c.auc([0, 0, 1, 1], [1, 2, 3, 4])
    assert value == 1 and np.isnan([lo, hi]).all()


scores = st.lists(st.integers(-50, 50), min_size=8, max_size=30)


@given(scores)
def test_auc_ignores_monotone_maps_and_order_and_mirrors(values):
    s, y = np.array(values, float), np.arange(len(values)) % 2
    value = c.delong(y, s)[0][0]
    assert c.delong(y, np.exp(s / 20))[0][0] == pytest.approx(value)
    assert c.delong(y[::-1], s[::-1])[0][0] == pytest.approx(value)
    assert c.delong(y, -s)[0][0] == pytest.approx(1 - value)
    assert c.delong(1 - y, s)[0][0] == pytest.approx(1 - value)


def test_paired_difference_of_correlated_models_is_tighter_than_unpaired():
    rng = np.random.default_rng(2)
    y, s = two_normals(rng, 500)
    other = s + rng.normal(scale=0.3, size=s.size)
    delta, lo, hi, p = c.auc_difference(y, s, other)
    (a, b), cov = c.delong(y, [s, other])
    assert delta == pytest.approx(a - b) and lo < delta < hi
    assert hi - lo < 0.6 * 2 * norm.ppf(0.975) * np.sqrt(np.trace(cov))
    assert (p < 0.05) == (lo > 0 or hi < 0)
    assert c.auc_difference(y, s, s) == (0.0, 0.0, 0.0, 1.0)


def test_paired_difference_keeps_its_level_under_the_null():
    rng = np.random.default_rng(3)
    hits = 0
    for _ in range(300):
        y, s = two_normals(rng, 100)
        a, b = s + rng.normal(size=(2, s.size))
        hits += c.auc_difference(y, a, b)[3] < 0.05
    assert 0.02 <= hits / 300 <= 0.09


def test_threshold_comes_from_validation_and_ties_are_negative():
    rng = np.random.default_rng(4)
    val, y = rng.normal(size=4000), np.repeat([0, 1], 20_000)
    s = rng.normal(size=y.size) + 2 * y
    got = c.sensitivity_at_specificity(val, s, y)
    assert np.mean(val <= got["threshold"]) >= 0.95 and got["threshold"] in val
    assert got["specificity"] == pytest.approx(0.95, abs=0.01)
    assert got["sensitivity"] == pytest.approx(norm.sf(norm.ppf(0.95) - 2), abs=0.025)
    shifted = c.sensitivity_at_specificity(val, s + 5, y)
    assert shifted["threshold"] == got["threshold"] and shifted["specificity"] < 0.01
    tied = c.sensitivity_at_specificity([0.5] * 9, [0.5, 0.5, 0.6], [0, 1, 1])
    assert tied == {"threshold": 0.5, "sensitivity": 0.5, "specificity": 1.0}


def test_ece_by_hand_and_both_binnings():
    p, y = np.array([0.1, 0.2, 0.8, 0.9]), np.array([0, 1, 1, 1])
    assert c.ece(p, y, bins=2) == pytest.approx(0.5 * 0.35 + 0.5 * 0.15)
    assert c.ece(p, y, bins=1) == pytest.approx(0.25)
    assert c.ece([0.0, 1.0], [0, 1], mass=False) == 0
    upper = c.ece([0.5, 0.4], [1, 0], bins=2, mass=False)  # a value on an edge goes up
    assert upper == pytest.approx(0.45)
    assert c.ece([0.6, 0.6, 1.0], [1, 0, 1], bins=4, mass=False) == pytest.approx(0.2 / 3)


@given(st.permutations(range(24)))
def test_ece_does_not_depend_on_order_even_with_ties(order):
    p = np.repeat([0.2, 0.5, 0.7], 8)
    y = np.arange(24) % 3 == 0
    assert c.ece(p[list(order)], y[list(order)]) == pytest.approx(c.ece(p, y))


def test_exact_probabilities_read_the_floor_and_debiasing_removes_part_of_it():
    rng = np.random.default_rng(5)
    p = rng.beta(2, 2, size=2000)
    draws = [rng.random(p.size) < p for _ in range(60)]
    plain = np.mean([c.ece(p, y) for y in draws])
    floor = c.ece_floor(p, rng)
    assert plain == pytest.approx(floor, rel=0.06)
    assert 0.02 < floor < 0.035
    debiased = np.mean([c.ece_debiased(p, y, rng, n=60) for y in draws[:30]])
    assert debiased == pytest.approx((2 - np.sqrt(2)) * floor, rel=0.12)
    assert c.ece_floor(p, rng, n=50) < c.ece_floor(p[:200], rng, n=50)


def test_ece_sees_a_known_shift():
    rng = np.random.default_rng(6)
    truth = rng.uniform(0.2, 0.7, size=20_000)
    y = rng.random(truth.size) < truth
    assert c.ece(truth + 0.1, y) == pytest.approx(0.1, abs=0.01)


def test_same_generator_same_bytes():
    p, y = np.linspace(0, 1, 50), np.arange(50) % 2
    first, second = (c.ece_debiased(p, y, np.random.default_rng(7), n=20) for _ in range(2))
    assert first == second


def test_brier_and_macro_auc():
    assert c.brier([0.0, 1.0, 0.5], [0, 1, 1]) == pytest.approx(0.25 / 3)
    P = np.eye(3)[[0, 1, 2, 0, 1, 2]] * 0.7 + 0.1
    assert c.macro_auc([0, 1, 2, 0, 1, 2], P) == 1


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: c.delong([0, 0], [[1, 2]]), "one class"),
        (lambda: c.delong([0, 2], [[1, 2]]), "0 and 1"),
        (lambda: c.delong([0, 1, 1], [[1, 2, np.nan]]), "finite"),
        (lambda: c.delong([0, 1, 1], [[1, 2, 3]]), "two cases"),
        (lambda: c.ece([0.5, 1.2], [0, 1]), "probabilities"),
        (lambda: c.brier([0.5], [0, 1]), "one for each"),
        (lambda: c.brier([0.5, 0.2], [2, -1]), "must be 0 or 1"),
        (lambda: c.ece([0.5, 0.2], [0.3, 0.9]), "must be 0 or 1"),
        (lambda: c.ece([0.5, np.nan], [0, 1]), "probabilities"),
        (lambda: c.sensitivity_at_specificity([], [1, 2], [0, 1]), "val_neg"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_sum_of_probabilities_in_float32_counts_as_one():
    above = np.array([1 + 1.2e-7, 0.0], np.float32)
    assert above[0] > 1 and c.brier(above, [1, 0]) == c.ece(above, [1, 0], bins=2) == 0


# ---- cases that share an outcome ----------------------------------------------------------------


def shared(n, each, rng):
    """Subjects whose slices share p, and labels drawn from it: perfectly calibrated."""
    p = rng.uniform(0, 1, n)
    return np.repeat(p, each), np.repeat(rng.random(n) < p, each), np.repeat(np.arange(n), each)


def test_overconfidence_is_signed_and_by_hand():
    assert c.overconfidence([0.9, 0.2, 0.5], [1, 1, 0]) == pytest.approx(2.2 / 3 - 1 / 3)
    assert c.overconfidence([0.6, 0.4], [1, 0]) == pytest.approx(-0.4)
    p, y, _ = shared(20_000, 1, np.random.default_rng(0))
    assert abs(c.overconfidence(p, y)) < 0.01, "none at perfect calibration"
    assert c.overconfidence(np.where(p > 0.5, 0.99, 0.01), y) > 0.2


def test_the_floor_by_subject_is_what_perfect_calibration_reads():
    """With ten slices a subject the plain floor promises far too little."""
    rng, found = np.random.default_rng(0), []
    for _ in range(60):
        p, y, who = shared(40, 10, rng)
        found.append(c.ece(p, y))
    floor = c.ece_floor_by_subject(p, who, np.random.default_rng(1))
    assert floor == pytest.approx(np.mean(found), rel=0.15)
    assert c.ece_floor(p, np.random.default_rng(1)) < floor / 2


def test_alone_subjects_have_the_plain_floor_and_debiased_error():
    p, y, who = shared(300, 1, np.random.default_rng(2))
    one, two = (np.random.default_rng(3) for _ in range(2))
    plain, by = c.ece_floor(p, one, n=400), c.ece_floor_by_subject(p, who, two, n=400)
    assert by == pytest.approx(plain, rel=0.05)
    one, two = (np.random.default_rng(3) for _ in range(2))
    assert c.ece_debiased_by_subject(p, y, who, one) == c.ece_debiased(p, y, two)


def test_the_bootstrap_by_subject_takes_more_away_where_slices_are_alike():
    p, y, who = shared(40, 10, np.random.default_rng(4))
    rngs = [np.random.default_rng(5) for _ in range(2)]
    assert c.ece_debiased_by_subject(p, y, who, rngs[0]) < c.ece_debiased(p, y, rngs[1])
    with pytest.raises(ValueError, match="must name one for each"):
        c.ece_debiased_by_subject(p, y, who[1:], rngs[0])


def test_diagrams_add_up_and_give_the_error_of_equal_widths():
    p, y, _ = shared(500, 1, np.random.default_rng(6))
    whole = c.reliability(p, y)
    np.testing.assert_allclose(whole, c.reliability(p[:200], y[:200])
                               + c.reliability(p[200:], y[200:]))  # fmt: skip
    assert c.ece_of(whole) == pytest.approx(c.ece(p, y, mass=False))
    assert whole[:, 0].sum() == 500 and whole[:, 2].sum() == y.sum()
    assert c.reliability([1.0, 0.0], [1, 0], 4)[[0, 3], 0].tolist() == [1, 1], "1 is in the last"
    assert c.ece_of(0 * whole) is None
