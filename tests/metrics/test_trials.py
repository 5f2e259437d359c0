"""The rule of two trials against closed forms of t, of families of tests and of maxima."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from lib.metrics import trials as t

CELLS = 48


def p_of(gains, sd=0.02, n=2, draws=4000, seed=0, test="pooled", **more):
    return t.one_tailed(*t.trials(gains, sd, n, draws, np.random.default_rng(seed), **more), test)


def test_the_printed_p_values_are_those_of_the_rule_without_correction():
    """CN-E03: what P the printed intervals of the abstract give with n = 2."""
    for mean, low, df, p in ((0.150453, 0.099108, 2, 0.0031), (0.14575, 0.108267, 1, 0.0064)):
        error = (mean - low) / stats.t.ppf(0.975, df)
        assert stats.t.sf(mean / error, df) == pytest.approx(p, abs=5e-5)
    found = t.one_tailed(np.array([0.0, 0.1]), np.array([0.4, 0.6]), "paired")
    assert found == pytest.approx(stats.t.sf(0.45 / 0.05, 1))
    pooled = t.one_tailed(np.array([0.0, 0.1]), np.array([0.4, 0.6]))
    assert pooled == pytest.approx(stats.t.sf(0.45 / np.sqrt((0.005 + 0.02) / 2), 2))


@pytest.mark.parametrize("test", ["pooled", "paired"])
def test_null_cells_are_called_as_often_as_the_closed_form_says(test):
    found = t.operating(p_of(np.zeros(CELLS), test=test), np.zeros(CELLS), correction="none")
    assert found["false_positive_rate"] == pytest.approx(0.05, abs=0.003)
    assert found["family_error"] == pytest.approx(t.family_error(0.05, CELLS), abs=0.02)
    assert t.family_error(0.05, CELLS) == pytest.approx(0.9147, abs=1e-4)
    assert found["power"] is None and found["all_found"] is None
    corrected = t.operating(p_of(np.zeros(CELLS), test=test), np.zeros(CELLS))
    assert corrected["family_error"] == pytest.approx(1 - (1 - 0.05 / 48) ** 48, abs=0.012)


@pytest.mark.parametrize(("n", "level"), [(2, 0.05), (2, 0.05 / CELLS), (5, 0.05 / CELLS)])
def test_power_is_that_of_the_noncentral_t(n, level):
    gain, sd, df = 0.05, 0.02, 2 * n - 2
    correction = "none" if level == 0.05 else "bonferroni"
    gains = np.full(CELLS, gain)
    found = t.operating(p_of(gains, sd, n), gains, correction=correction)["power"]
    exact = stats.nct.sf(stats.t.isf(level, df), df, gain / (sd * np.sqrt(2 / n)))
    assert found == pytest.approx(exact, abs=0.01)


def test_a_shared_control_makes_false_positives_come_together():
    null = np.zeros(CELLS)
    apart = t.operating(p_of(null), null, correction="none")
    together = t.operating(p_of(null, shared=4), null, correction="none")
    assert together["false_positive_rate"] == pytest.approx(0.05, abs=0.005)
    assert together["family_error"] < apart["family_error"] - 0.05
    control, treatment = t.trials(null, 1.0, 2, 3, np.random.default_rng(0), shared=4)
    assert (control[:, :4] == control[:, :1]).all() and (control[:, 4] != control[:, 0]).all()
    assert not (treatment[:, 1] == treatment[:, 0]).any()


@pytest.mark.parametrize("correction", ["bonferroni", "holm"])
def test_corrections_are_statsmodels_s(correction):
    p = np.random.default_rng(0).random((5, 7)) ** 3
    found = t.adjusted(p, correction)
    for one, expected in zip(found, p, strict=True):
        assert one == pytest.approx(multipletests(expected, method=correction)[1])
    assert (t.adjusted(p, "holm") <= t.adjusted(p) + 1e-12).all()
    assert t.adjusted(p, "none") is p


def test_holm_keeps_the_family_and_finds_at_least_as_much():
    gains = np.repeat([0.0, 0.2], [8, 40])
    p = p_of(gains)
    bonferroni, holm = (t.operating(p, gains, correction=each) for each in ("bonferroni", "holm"))
    assert bonferroni["power"] < holm["power"] and holm["family_error"] < 0.06
    assert bonferroni["family_error"] <= holm["family_error"]


def test_the_expected_maximum_of_equal_gains_is_three_times_the_gain():
    """CN-E04: a true gain of 0.02 everywhere, seed SD 0.02, 48 cells: 0.065."""
    rng = np.random.default_rng(0)
    most = t.largest(*t.trials(np.full(CELLS, 0.02), 0.02, 2, 4000, rng)).mean()
    order = np.linspace(-6, 6, 4001)  # E max of 48 normals: integral of x d(Phi^48)
    exact = 0.02 + 0.02 * np.sum(
        (order[1:] + order[:-1]) / 2 * np.diff(stats.norm.cdf(order) ** CELLS)
    )
    assert most == pytest.approx(exact, abs=5e-4) and exact == pytest.approx(0.065, abs=1e-3)


def test_the_floor_of_exact_tests_is_that_of_all_rearrangements():
    for n in (1, 2, 3):
        values = np.arange(2 * n)
        sums = [values[list(at)].sum() for at in combinations(range(2 * n), n)]
        assert t.permutation_floor(n) == pytest.approx(np.mean(np.array(sums) >= max(sums)))
    assert t.permutation_floor(2) == pytest.approx(1 / 6) and t.permutation_floor(2, True) == 0.25


def test_subsets_keep_pairs_together_and_repeat_no_replicate():
    control = np.arange(30.0).reshape(3, 10)
    one, two = t.subsets(control, control + 100, 2, 500, np.random.default_rng(0))
    assert one.shape == (500, 3, 2) and (two - one == 100).all()
    assert (one[:, :, 0] != one[:, :, 1]).all() and (one[:, 1] - one[:, 0] == 10).all()
    assert sorted(set(one[:, 0].ravel())) == list(range(10))
    again, _ = t.subsets(control, control, 2, 500, np.random.default_rng(0))
    assert (again == one).all()


def test_what_cannot_be_is_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="shared = 5 divides"):
        t.trials(np.zeros(48), 1.0, 2, 1, rng, shared=5)
    with pytest.raises(ValueError, match="n from 2"):
        t.trials(np.zeros(48), 1.0, 1, 1, rng)
    with pytest.raises(ValueError, match="test 'z' is unknown"):
        t.one_tailed(np.zeros(2), np.ones(2), "z")
    with pytest.raises(ValueError, match="correction 'fdr' is unknown"):
        t.adjusted([0.1], "fdr")
    with pytest.raises(ValueError, match="from 2 to R"):
        t.subsets(np.zeros((2, 3)), np.zeros((2, 3)), 4, 1, rng)
    with pytest.raises(ValueError, match="at least one trial"):
        t.permutation_floor(0)
    with pytest.raises(ValueError, match="alpha in"):
        t.family_error(2, 3)
