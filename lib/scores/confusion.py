"""What a downstream network confuses: per class, and at an operating point."""

import numpy as np
from sklearn.metrics import confusion_matrix, roc_auc_score

from lib.jobs import Result
from lib.metrics.classification import sensitivity_at_specificity
from lib.phantoms.chest import CLASSES


def decide(probability: np.ndarray, threshold: float) -> np.ndarray:
    """Classes (N,) of probabilities (N, 3): healthy up to the threshold, else the likelier side.

    The threshold is on 1 - p(healthy). The paper shows one "confusion matrix at 95 % specificity"
    for three classes and does not say how it is made (PV-E08).
    """
    sick = 1 - probability[:, 0] > threshold
    return np.where(sick, 1 + probability[:, 1:].argmax(1), 0)


def per_class(arm: Result, test: Result) -> Result:
    """Job: recall of every class when the likeliest is named, and its one-vs-rest AUC.

    Scores: recall_0, recall_1, recall_2, auc_0, auc_1, auc_2.
    """
    p, truth = arm.arrays["probability/test"].astype(np.float64), test.arrays["label"]
    named = p.argmax(1)
    scores = {}
    for c in range(len(CLASSES)):
        scores[f"recall_{c}"] = float((named == c)[truth == c].mean())
        scores[f"auc_{c}"] = float(roc_auc_score(truth == c, p[:, c]))
    return Result({}, scores)


def at_specificity(arm: Result, validation: Result, test: Result, target: float) -> Result:
    """Job: confusion matrix (3, 3) on test, rows the truth, at the threshold from validation.

    The threshold keeps the share `target` of validation's healthy images negative. Scores: the
    threshold, and sensitivity and specificity on test of healthy against any opacity.
    """
    p_validation, p = (
        arm.arrays[f"probability/{part}"].astype(np.float64) for part in ("validation", "test")
    )
    truth = test.arrays["label"]
    negatives = 1 - p_validation[validation.arrays["label"] == 0, 0]
    point = sensitivity_at_specificity(negatives, 1 - p[:, 0], (truth > 0).astype(int), target)
    matrix = confusion_matrix(truth, decide(p, point["threshold"]), labels=range(len(CLASSES)))
    return Result({"matrix": matrix}, {name: float(value) for name, value in point.items()})
