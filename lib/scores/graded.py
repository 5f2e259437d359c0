"""Table III: how well, and how honestly, a classifier tells grades, and whether it took a shortcut.

Slices of one subject share its grade: resampling and the floor of calibration go by subjects.
"""

import numpy as np

from lib.jobs import Result
from lib.metrics import classification as metric

LOOKS = ("low", "high")  # the test slices as the generator of each grade renders what is around


def graded(
    arm: Result, test: Result, stream: list[int], bins: int = 15, looked: Result | None = None
) -> Result:
    """Job: the numbers of a classifier (`grade.arm`) on its labelled test slices.

    auc; ece, in bins of equal mass; ece_debiased and ece_floor, by subject; brier; confidence, the
    mean of max(p, 1 - p), and overconfidence, what it is above the accuracy; auc_drop, see there,
    where the arm has seen slices in LOOKS, else None; these are `looked`, or else the test's.
    Arrays: diagram (bins, 3), see `classification.reliability`.
    """
    p = arm.arrays["probability/test"].astype(np.float64)
    y, who = test.arrays["label"], test.arrays["subject"]
    boot_rng, floor_rng = np.random.default_rng(stream).spawn(2)
    scores = {
        "auc": float(metric.auc(y, p)[0]),
        "ece": metric.ece(p, y, bins),
        "ece_debiased": metric.ece_debiased_by_subject(p, y, who, boot_rng, bins=bins),
        "ece_floor": metric.ece_floor_by_subject(p, who, floor_rng, bins=bins),
        "brier": metric.brier(p, y),
        "confidence": float(np.maximum(p, 1 - p).mean()),
        "overconfidence": metric.overconfidence(p, y),
    }
    seen = [arm.arrays.get(f"probability/{name}") for name in LOOKS]
    grades = (looked or test).arrays["label"]
    scores["auc_drop"] = None if any(x is None for x in seen) else auc_drop(grades, *seen)
    return Result({"diagram": metric.reliability(p, y, bins)}, scores | arm.scores)


def auc_drop(y: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """AUC where every slice bears the artefacts of its own grade's generator, less AUC where it
    bears those of the other's.

    y (n,) grades; low and high (n,) the scores of the same slices in both renderings. What a
    rendering takes from an image is taken in both; only whose it is differs, and that tells
    nothing but where a training image came from. 0: no shortcut; up to 1: nothing but it.
    """
    own, other = np.where(y == 1, high, low), np.where(y == 1, low, high)
    return float(metric.auc(y, own)[0] - metric.auc(y, other)[0])


def rendered(slices: Result, made: Result, column: str) -> Result:
    """Job: the slices with their lesions as they are, and all around as a generator renders it.

    made: what it makes of these very slices, all of them in their order, `column` the images:
    "substrate" of `pathosyn.decomposition`, "reconstruction" of `latent.reconstruction`; or a pool
    of scene "own" (with `source`, in any order), "image". The lesion is real, so all renderings
    hold what grades are told by. Arrays: image, mask, and subject and grade where the slices have
    them. ValueError unless every slice is there once.
    """
    a, images = slices.arrays, made.arrays[column]
    order = np.argsort(made.arrays.get("source", np.arange(len(images))))
    source = made.arrays.get("source", np.arange(len(images)))[order]
    if not np.array_equal(source, np.arange(len(a["image"]))):
        raise ValueError(f"{len(images)} images of {len(a['image'])} slices; render each once.")
    image = np.where(a["mask"], a["image"], images[order].clip(0, 1)).astype(np.float32)
    beside = {name: a[name] for name in ("mask", "subject", "grade") if name in a}
    return Result({"image": image, **beside}, {"n": len(image)})
