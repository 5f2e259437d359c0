"""ROC bands, bootstrap AUC and distances against scikit-learn, DeLong and known laws."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve

from lib.metrics import realism, texture
from lib.metrics.classification import delong


def scored(n, rng, shift=1.0):
    """n real and n synthetic images of n subjects, scores normal, synthetic shifted up."""
    y = np.repeat([0, 1], n)
    return y, rng.standard_normal(2 * n) + shift * y, np.tile(np.arange(n), 2)


@pytest.mark.parametrize("decimals", [0, 1, 9], ids=["many ties", "some ties", "no ties"])
def test_the_curve_and_its_area_are_scikit_learn_s(decimals):
    y, s, _ = scored(80, np.random.default_rng(0))
    s = s.round(decimals)
    fpr, tpr = realism.roc(y, s)
    expected = roc_curve(y, s, drop_intermediate=False)
    np.testing.assert_allclose(fpr, expected[0])
    np.testing.assert_allclose(tpr, expected[1])
    assert np.trapezoid(tpr, fpr) == pytest.approx(roc_auc_score(y, s))


def test_a_resample_is_one_of_whole_subjects():
    """Each AUC is that of images repeated as often as their subject was drawn."""
    rng = np.random.default_rng(1)
    y, s, subjects = scored(12, rng)
    weights = realism.resampled(y, subjects, np.random.default_rng(5), 30)
    assert (weights[:, :12] == weights[:, 12:]).all(), "real and synthetic of a subject together"
    assert (weights.sum(1) == 24).all() and len(np.unique(weights, axis=0)) == 30
    found = realism.auc_samples(y, s.round(1), subjects, np.random.default_rng(5), 30)
    for value, each in zip(found, weights, strict=True):
        at = np.repeat(np.arange(24), each)
        assert value == pytest.approx(roc_auc_score(y[at], s.round(1)[at]))


def test_subjects_with_one_image_have_delong_s_error():
    rng = np.random.default_rng(2)
    y, s, _ = scored(300, rng)
    found = realism.auc_samples(y, s, np.arange(600), rng, 1500)
    (value,), ((variance,),) = delong(y, s)
    assert found.mean() == pytest.approx(value, abs=0.002)
    assert found.std() == pytest.approx(np.sqrt(variance), rel=0.1)


def test_more_slices_of_the_same_subjects_add_no_certainty():
    """Each image nine times: DeLong's error falls to a third, the subjects' does not."""
    rng = np.random.default_rng(3)
    y, s, subjects = scored(100, rng)
    once, many = (
        realism.auc_samples(np.tile(y, k), np.tile(s, k), np.tile(subjects, k), rng, 1500).std()
        for k in (1, 9)
    )
    assert many == pytest.approx(once, rel=0.1)
    naive = np.sqrt(delong(np.tile(y, 9), np.tile(s, 9))[1][0, 0])
    assert naive < 0.5 * many


def test_the_band_holds_the_true_curve_at_its_level():
    """Binormal truth: TPR = Phi(1 + Phi^-1(FPR)); pointwise coverage over many test sets."""
    rng, at = np.random.default_rng(4), [10, 30, 60]
    true, inside = norm.cdf(1 + norm.ppf(realism.GRID[at])), []
    for _ in range(60):
        band = realism.roc_band(*scored(100, rng), rng, n=200)
        assert (band["low"] <= band["high"]).all() and (np.diff(band["tpr"]) >= 0).all()
        inside.append((band["low"][at] <= true) & (true <= band["high"][at]))
    assert 0.88 < np.mean(inside) < 0.99
    assert band["fpr"][-1] == band["tpr"][-1] == band["low"][-1] == 1
    narrow = realism.roc_band(*scored(100, np.random.default_rng(0)), rng, n=200, level=0.5)
    wide = realism.roc_band(*scored(100, np.random.default_rng(0)), rng, n=200)
    gaps = [(x["high"] - x["low"]).sum() for x in (narrow, wide)]
    assert gaps[0] < 0.5 * gaps[1]


def test_a_judge_that_sees_nothing_and_one_that_sees_all():
    rng = np.random.default_rng(5)
    found = realism.auc_samples(*scored(150, rng, shift=0), rng, 400)
    assert abs(found.mean() - 0.5) < 4 * found.std()
    perfect = realism.roc_band(*scored(20, rng, shift=50), rng, n=50)
    assert (perfect["tpr"] == 1).all() and (perfect["low"] == 1).all()
    assert (realism.auc_samples(*scored(20, rng, shift=50), rng, 50) == 1).all()


def test_samples_without_a_class_are_drawn_again():
    """Two subjects of one class each: every sample must hold both."""
    weights = realism.resampled([0, 1], ["a", "b"], np.random.default_rng(6), 40)
    assert (weights == 1).all() and weights.shape == (40, 2)


# ---- distances ----------------------------------------------------------------------------------


def test_distances_and_their_curve_by_brute_force():
    rng = np.random.default_rng(7)
    samples, real = rng.standard_normal((15, 3)), rng.standard_normal((20, 3))
    every = np.sort(np.linalg.norm(samples[:, None] - real[None], axis=2), axis=1)
    for k in (1, 4):
        np.testing.assert_allclose(realism.distances(samples, real, k), every[:, k - 1])
    assert realism.cdf([3.0, 1, 2, 2], [0, 1, 1.5, 2, 9]).tolist() == [0, 0.25, 0.25, 0.75, 1]


def test_fresh_samples_read_one_half_and_copies_win():
    rng = np.random.default_rng(8)
    held, train, fresh = rng.standard_normal((3, 600, 6))
    oracle = realism.distances(rng.standard_normal((600, 6)), held)
    value, low, high = realism.nearer(realism.distances(fresh, held), oracle)
    assert value == pytest.approx(0.5, abs=0.06) and 0.05 < high - low < 0.08
    far = realism.distances(fresh + 2, held)
    assert realism.nearer(far, oracle)[2] < 0.3
    seen = np.concatenate([train[:300], held[:300]])  # a reference that the memoriser saw
    copies = train[rng.integers(300, size=600)] + 0.01 * rng.standard_normal((600, 6))
    memoriser = realism.distances(copies, seen)
    assert realism.nearer(memoriser, realism.distances(fresh, seen))[0] > 0.95
    curves = [realism.cdf(d, 0.5) for d in (memoriser, oracle)]
    assert curves[0] == 1 and curves[1] < 0.2
    middling = 0.3 * fresh
    assert realism.nearer(realism.distances(middling, held), oracle)[1] > 0.8, "averages win too"


# ---- statistics ---------------------------------------------------------------------------------


def test_the_split_null_is_what_equal_laws_read_and_less_than_a_shift():
    rng = np.random.default_rng(9)
    images = np.clip(0.5 + 0.1 * rng.standard_normal((120, 16, 16)), 0, 1)
    masks = np.zeros((120, 16, 16), bool)
    masks[:, 3:12, 3:12] = True
    subjects = np.repeat(np.arange(40), 3)
    statistics = texture.first_order(images, masks) | texture.glcm_statistics(images, masks)
    null = realism.split_null(statistics, subjects, 40, rng)
    assert set(null) == set(texture.FIRST_ORDER + texture.GLCM)
    other = np.clip(0.5 + 0.1 * rng.standard_normal((2, 40, 16, 16)), 0, 1)
    equal = texture.texture_distances((images[:40], masks[:40]), (other[0], masks[:40]))
    noisier = np.clip(0.5 + 0.14 * rng.standard_normal((40, 16, 16)), 0, 1)
    apart = texture.texture_distances((images[:40], masks[:40]), (noisier, masks[:40]))
    for name, (mean, sd) in null.items():
        assert 0 < mean < 0.6 and equal[name] < mean + 6 * sd
    for name in ("sd", "contrast", "homogeneity"):
        assert apart[name] > null[name][0] + 6 * null[name][1], name
    empty = realism.split_null({"x": np.full(120, np.nan)}, subjects, 40, rng)
    assert empty == {"x": None}


def test_slices_of_one_subject_stay_together_in_the_null():
    """Statistics that differ between subjects only: the null is that of few subjects."""
    rng = np.random.default_rng(10)
    of_subject, subjects = rng.standard_normal(20), np.repeat(np.arange(20), 10)
    null = realism.split_null({"x": of_subject[subjects]}, subjects, 80, rng)["x"][0]
    alone = realism.split_null({"x": of_subject[subjects]}, np.arange(200), 80, rng)["x"][0]
    assert null > 1.5 * alone


def test_what_cannot_be_compared_is_refused():
    rng = np.random.default_rng(11)
    y, s, subjects = scored(5, rng)
    cases = [
        ("0 and 1", realism.roc, (y + 1, s)),
        ("one class only", realism.roc, (y * 0, s)),
        ("must be finite", realism.roc, (y, s * np.nan)),
        ("match labels", realism.roc, (y, s[:-1])),
        ("must name the subject", realism.roc_band, (y, s, subjects[:-1], rng)),
        ("pass 2 subjects", realism.auc_samples, (y, s, subjects * 0, rng)),
        ("n = 1, or more", realism.auc_samples, (y, s, subjects, rng, 0)),
        ("one class only", realism.resampled, (y * 0, subjects, rng, 3)),
        ("one d", realism.distances, (np.ones((2, 3)), np.ones((2, 4)))),
        ("from 1 to 2", realism.distances, (np.ones((2, 3)), np.ones((2, 3)), 3)),
        ("without NaN", realism.cdf, ([1.0, np.nan], 1)),
        ("x .* one value for each", realism.split_null, ({"x": s[:3]}, subjects, 2, rng)),
    ]
    for sentence, call, arguments in cases:
        with pytest.raises(ValueError, match=sentence):
            call(*arguments)
