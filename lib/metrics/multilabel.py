"""F1 and its neighbours for one label or several, and what a gain owes to a label's prevalence.

The paper ControlNet scores classifiers by F1, states no threshold, and its values lie below those
of a classifier that calls every image positive. So F1 at 0.5 stands beside F1 at a threshold from
validation, the F1 of calling everything positive, and the areas, which have no threshold.

Truth Y is 0 or 1, (n,) or (n, k) for k labels; probabilities P have its shape and lie in [0, 1]. A
score that is undefined, since a label has one class only, is None, and so is a mean over it.
"""

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score

FIXED = 0.5  # the threshold where none is stated: positive from here on
LABEL_SCORES = ("f1", "f1_tuned", "f1_all_positive", "auc", "auprc")


def _checked(y, p):
    """Truth as bool and probabilities as float64, vectors of one length; ValueError otherwise."""
    y, p = np.asarray(y), np.asarray(p, np.float64)
    if y.ndim != 1 or y.shape != p.shape or not y.size:
        raise ValueError(f"truth {y.shape} and p {p.shape} must be equal vectors: pass one label")
    if not np.isin(y, (0, 1)).all():
        raise ValueError("truth holds values other than 0 and 1: code the label so")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError("p must lie in [0, 1]: pass probabilities, not raw scores")
    return y == 1, p


def f1(y, p, threshold=FIXED):
    """F1 = 2 TP / (2 TP + FP + FN) of calling p >= threshold positive; None without a positive."""
    y, p = _checked(y, p)
    called = p >= threshold
    return float(2 * (y & called).sum() / (y.sum() + called.sum())) if y.any() else None


def all_positive_f1(y):
    """F1 of calling everything positive, 2 pi / (1 + pi) at prevalence pi; None without a positive.

    A classifier below it would do better without looking at the images.
    """
    return f1(y, np.ones(np.shape(y)))


def best_threshold(y, p):
    """The p from which on calling positive has the best F1; of equals the highest.

    It lies midway between the lowest p that is called and the highest that is not (the former, if
    all are called). Pass validation cases, never those that are scored. None without a positive.
    """
    y, p = _checked(y, p)
    if not y.any():
        return None
    order = np.argsort(-p, kind="stable")
    values, hits = p[order], np.cumsum(y[order])
    below = np.append(values[1:], values[-1])
    last = np.append(below[:-1] < values[:-1], True)  # of equal p: they are called together
    scores = np.where(last, 2 * hits / (np.arange(1, len(p) + 1) + y.sum()), -1)
    best = scores.argmax()
    return float((values[best] + below[best]) / 2)


def label_scores(y, p, threshold):
    """LABEL_SCORES of one label; threshold from validation, None where that has no positive.

    f1 at 0.5, f1_tuned at the threshold, f1_all_positive, auc, auprc (average precision, whose
    chance level is the prevalence).
    """
    y, p = _checked(y, p)
    both = y.any() and not y.all()
    return {
        "f1": f1(y, p),
        "f1_tuned": None if threshold is None else f1(y, p, threshold),
        "f1_all_positive": all_positive_f1(y),
        "auc": float(roc_auc_score(y, p)) if both else None,
        "auprc": float(average_precision_score(y, p)) if y.any() else None,
    }


def mean(values):
    """Mean of scores; None if there is none, or one of them is None."""
    values = list(values)
    return None if not values or None in values else float(np.mean(values))


def thresholds(Y, P):
    """`best_threshold` of each label, a list of k; Y and P (n, k) of validation."""
    return [best_threshold(y, p) for y, p in zip(*_columns(Y, P), strict=True)]


def _columns(Y, P):
    Y, P = np.asarray(Y), np.asarray(P)
    if Y.ndim != 2 or Y.shape != P.shape:
        raise ValueError(f"Y {Y.shape} and P {P.shape} must be equal (n, k) arrays")
    return Y.T, P.T


def scores(Y, P, cuts, names):
    """Every score of k labels: each label's as <score>_<name>, and means over labels.

    Y, P (n, k) of the test; cuts: `thresholds` of validation; names (k,), of which spaces become
    underscores. With one label its scores stand without a name. With several: f1_macro,
    f1_macro_tuned, f1_macro_all_positive, auc_macro, auprc_macro, and f1_rare and f1_common, the
    mean F1 at 0.5 of the half of labels that are rarest and commonest in Y (of an odd number the
    middle one is in neither).
    """
    each = [label_scores(*of) for of in zip(*_columns(Y, P), cuts, strict=True)]
    if len(each) == 1:
        return each[0]
    pairs = list(zip(names, each, strict=True))
    found = {f"{score}_{name.replace(' ', '_')}": one[score]
             for name, one in pairs for score in LABEL_SCORES}  # fmt: skip
    for score in LABEL_SCORES:
        kind, _, rest = score.partition("_")
        found["_".join(filter(None, (kind, "macro", rest)))] = mean(one[score] for one in each)
    by = np.argsort(np.asarray(Y).mean(0), kind="stable")
    half = len(each) // 2
    found["f1_rare"] = mean(each[i]["f1"] for i in by[:half])
    found["f1_common"] = mean(each[i]["f1"] for i in by[-half:])
    return found


def gain_slope(prevalence, gain):
    """Slope of the gain of each label (k,) on its prevalence (k,), by least squares.

    Below 0: rare labels gain more. In units of the score for a prevalence that rises from 0 to 1.
    None for fewer than two labels, equal prevalences, or a gain that is None.
    """
    if len(prevalence) != len(gain):
        raise ValueError(f"{len(prevalence)} prevalences and {len(gain)} gains: pass one a label")
    if None in list(gain) or np.ptp(prevalence) == 0:
        return None
    return float(np.polyfit(np.asarray(prevalence, float), np.asarray(gain, float), 1)[0])
