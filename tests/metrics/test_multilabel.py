"""F1 and its neighbours against scikit-learn and closed forms; thresholds; what is undefined."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from lib.metrics import multilabel as m


def cases(n=400, k=5, seed=0):
    """Labels of prevalences from 0.05 to 0.5 and probabilities that know something of them."""
    rng = np.random.default_rng(seed)
    Y = rng.random((n, k)) < np.linspace(0.05, 0.5, k)
    P = 1 / (1 + np.exp(-(2.0 * Y - 1.5 + rng.normal(size=Y.shape))))
    return Y.astype(np.uint8), P.round(2)  # ties are there


def test_every_score_is_scikit_learn_s():
    Y, P = cases()
    names, cut = ("a", "b b", "c", "d", "e"), [0.3] * 5
    found = m.scores(Y, P, cut, names)
    for i, name in enumerate(("a", "b_b", "c", "d", "e")):
        y, p = Y[:, i], P[:, i]
        assert found[f"f1_{name}"] == pytest.approx(metrics.f1_score(y, p >= 0.5))
        assert found[f"f1_tuned_{name}"] == pytest.approx(metrics.f1_score(y, p >= 0.3))
        assert found[f"auc_{name}"] == pytest.approx(metrics.roc_auc_score(y, p))
        assert found[f"auprc_{name}"] == pytest.approx(metrics.average_precision_score(y, p))
    macro = metrics.f1_score(Y, P >= 0.5, average="macro")
    assert found["f1_macro"] == pytest.approx(macro)
    assert found["auc_macro"] == pytest.approx(metrics.roc_auc_score(Y, P, average="macro"))
    assert found["f1_macro_tuned"] != pytest.approx(macro)


def test_rare_and_common_labels_go_by_prevalence_not_by_place():
    Y, P = cases()
    names, cut = ("a", "b", "c", "d", "e"), [0.5] * 5
    order = [3, 0, 4, 2, 1]
    one = m.scores(Y, P, cut, names)
    two = m.scores(Y[:, order], P[:, order], cut, [names[i] for i in order])
    assert one == pytest.approx(two)
    assert one["f1_rare"] == pytest.approx((one["f1_a"] + one["f1_b"]) / 2)
    assert one["f1_common"] == pytest.approx((one["f1_d"] + one["f1_e"]) / 2)


@given(st.integers(1, 50), st.integers(0, 50))
def test_calling_everything_positive_reads_its_closed_form(positive, negative):
    share = positive / (positive + negative)
    y = np.repeat([1, 0], [positive, negative])
    assert m.all_positive_f1(y) == pytest.approx(2 * share / (1 + share))


def test_the_closed_form_at_the_prevalence_of_rsna_is_above_every_f1_of_the_paper():
    y = np.repeat([1, 0], [6012, 26684 - 6012])
    assert m.all_positive_f1(y) == pytest.approx(0.3678, abs=1e-4) and m.all_positive_f1(y) > 0.344


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 6)), min_size=1, max_size=30))
def test_the_best_threshold_is_the_best_of_all(drawn):
    y, p = np.array(drawn).T
    p = p / 6
    found = m.best_threshold(y, p)
    if not y.any():
        assert found is None
        return
    each = {cut: m.f1(y, p, cut) for cut in p}
    best = max(each.values())
    assert m.f1(y, p, found) == pytest.approx(best)
    top = max(cut for cut, score in each.items() if score >= best - 1e-12)
    assert found == pytest.approx((top + max([cut for cut in p if cut < top], default=top)) / 2)


def test_the_threshold_is_of_validation_and_the_test_cannot_move_it():
    Y, P = cases()
    cuts = m.thresholds(Y, P)
    shifted = P * 0.5  # a test whose probabilities are all too low
    found, of_e = m.scores(Y, shifted, cuts, "abcde"), (Y[:, 4], shifted[:, 4])
    assert found["f1_tuned_e"] == m.f1(*of_e, cuts[4])
    assert found["f1_tuned_e"] < m.f1(*of_e, m.best_threshold(*of_e)) - 0.1


def test_one_label_has_plain_names_and_what_is_undefined_is_none():
    y, p = np.array([[0], [0], [0]]), np.array([[0.2], [0.7], [0.4]])
    found = m.scores(y, p, m.thresholds(y, p), ["pneumonia"])
    assert found == dict.fromkeys(m.LABEL_SCORES)
    Y, P = np.array([[1, 0], [0, 0]]), np.array([[0.9, 0.1], [0.2, 0.3]])
    some = m.scores(Y, P, m.thresholds(Y, P), ["one", "two"])
    assert some["f1_one"] == some["auc_one"] == 1 and some["f1_macro"] is None
    missed = m.scores(Y[:, :1], P[:, :1] * 0.1, [None], ["one"])
    assert missed["f1"] == 0 and missed["f1_tuned"] is None and missed["auc"] == 1


def test_the_slope_of_gains_is_exact_on_a_line_and_none_where_there_is_none():
    prevalence = np.array([0.05, 0.1, 0.3, 0.4])
    assert m.gain_slope(prevalence, 0.2 - 0.5 * prevalence) == pytest.approx(-0.5)
    assert m.gain_slope(prevalence, [0.1, None, 0.2, 0.3]) is None
    assert m.gain_slope([0.2, 0.2], [0.1, 0.3]) is None
    with pytest.raises(ValueError, match="2 prevalences and 1 gains"):
        m.gain_slope([0.2, 0.3], [0.1])


def test_what_is_no_label_or_probability_is_refused():
    with pytest.raises(ValueError, match="pass probabilities"):
        m.f1([0, 1], [0.2, 1.4])
    with pytest.raises(ValueError, match="other than 0 and 1"):
        m.f1([0, 2], [0.2, 0.4])
    with pytest.raises(ValueError, match="equal vectors"):
        m.f1([0, 1], [0.2])
    with pytest.raises(ValueError, match=r"equal \(n, k\) arrays"):
        m.thresholds(np.zeros((2, 3)), np.zeros((2, 2)))
