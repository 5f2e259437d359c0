"""Marks beside the scores of pairs: answers without a generator, masks told apart by shape."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from lib.jobs import Result
from lib.metrics import masks

ANSWERS = ("mean", "other")  # the mean training slice; another real slice


def answer(real: Result, train: Result, n: int, kind: str) -> Result:
    """Job: the first n real pairs, each answered alike by one of ANSWERS, as a reconstruction.

    The answer's mask is that of the slice, or where most training masks are. ValueError for another
    kind.
    """
    truth = {name: real.arrays[name][:n] for name in ("image", "mask")}
    if kind == "mean":
        image, mask = (train.arrays[name].mean(0) for name in ("image", "mask"))
        found = [np.broadcast_to(each, truth["image"].shape).copy() for each in (image, mask > 0.5)]
    elif kind == "other":
        found = [real.arrays[name][-n:] for name in ("image", "mask")]
    else:
        raise ValueError(f"kind is {kind!r}; use one of {', '.join(ANSWERS)}.")
    again = dict(zip(("reconstruction", "mask_reconstruction"), found, strict=True))
    return Result(truth | again, {"kind": kind})


def told_apart(real: Result, pool: Result, n: int, last: bool = False) -> Result:
    """Job: c2st_auc, by shape statistics alone, of the first n real masks against n of a pool.

    A forest learns on one half of both and reads the other, and the other way round; 0.5 if shapes
    cannot be told apart. With `last` the pool's last n count: real against real.
    """
    drawn = pool.arrays["mask"]
    auc = shape_auc(real.arrays["mask"][:n], drawn[-n:] if last else drawn[:n])
    return Result({}, {"c2st_auc": auc})


def shape_auc(real: np.ndarray, other: np.ndarray) -> float:
    """AUC of two sets of masks (n, H, W), mean over both ways of learning and reading."""
    pairs = zip(_halves(real), _halves(other), strict=True)
    one, two = (
        (np.concatenate(pair), np.repeat([0, 1], [len(x) for x in pair])) for pair in pairs
    )
    model = RandomForestClassifier(60, min_samples_leaf=5, random_state=0)
    each = [
        roc_auc_score(read[1], model.fit(*learned).predict_proba(read[0])[:, 1])
        for learned, read in ((one, two), (two, one))
    ]
    return float(np.mean(each))


def _halves(found: np.ndarray) -> list[np.ndarray]:
    """Shape statistics (n / 2, 6) of the first and the second half; NaN where a mask is empty."""
    return np.array_split(np.stack(list(masks.shape_statistics(found).values()), 1), 2)
