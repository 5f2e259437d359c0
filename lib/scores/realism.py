"""Can a network tell synthetic lesion slices from real ones? PathoSyn, section IV-B a and Figure 3.

The judge learns from half of the subjects and is scored on the others. A subject's images are all
on one side: real ones, those drawn on its anatomy, and copies. Otherwise a judge that knows a
patient again would seem to know what is synthetic. Both classes go through the same rounding.

Real slices of other subjects and fresh phantoms must read 0.5, and a blur of one pixel must be
caught (`controls.copies.traced`): an AUC of 0.5 may also mean a weak judge.
"""

import numpy as np

from lib.datasets.splits import first
from lib.jobs import Result
from lib.metrics import realism
from lib.metrics.classification import auc
from lib.tasks import grade

RESAMPLES = 1000  # of the judged subjects, for the spread of the AUC


def judged(
    pool: Result, n: int, real: Result, settings: dict, stream: list[int],
    slices: Result | None = None, scene: str = "exchanged", resamples: int = RESAMPLES,
) -> Result:  # fmt: skip
    """Job: a judge trained to tell the first n samples from the first n slices of a slice_set.

    real: slices of subjects that no generator saw. `slices` and `scene`: what the pool was drawn
    on, see `subjects_of`. settings: of `grade.GradeSettings`. Fewer than n: all of them.

    Scores: c2st_auc, 0.5 where nothing is told apart; c2st_bootstrap_sd, its standard deviation
    over resamples of whole subjects; images, how many were judged. Arrays (M,) of the judged
    images: score, the probability of "synthetic"; label, 1 synthetic and 0 real; subject, a number
    for each. Which images are judged does not depend on `stream`, so that judges can be averaged.
    ValueError: a kind of image with one subject only, and all of `grade.fit`.
    """
    label, subject, image = _together(pool, n, real, slices, scene)
    learns = every_second(label, subject)
    rng, resample_rng = np.random.default_rng(stream).spawn(2)
    net = grade.fit(image[learns], label[learns], grade.GradeSettings(**settings), rng)
    label, subject = label[~learns], subject[~learns]
    score = grade.predict(net, image[~learns])
    drawn = realism.auc_samples(label, score, subject, resample_rng, resamples)
    scores = {"c2st_auc": float(auc(label, score)[0])}
    scores |= {"c2st_bootstrap_sd": float(drawn.std(ddof=1)), "images": len(label)}
    return Result({"score": score, "label": label, "subject": subject}, scores)


def subjects_of(
    pool: Result, n: int, slices: Result | None = None, scene: str = "exchanged"
) -> np.ndarray | None:
    """The subjects (n,) whose anatomy the first n samples show; None: each shows its own.

    A pool of phantoms or patients has the column subject. One with the column source was drawn on
    `slices`, in the scene "free" on those without a lesion. ValueError if they are not passed.
    """
    columns = first(pool, n)
    if "subject" in columns:
        return columns["subject"]
    if "source" not in columns:
        return None
    if slices is None:
        raise ValueError("the pool was drawn on slices, see its source; pass them as `slices`.")
    subject = slices.arrays["free/subject" if scene == "free" else "subject"]
    return subject[columns["source"]]


def every_second(label: np.ndarray, subject: np.ndarray) -> np.ndarray:
    """Which images train the judge, bool (N,): every second subject of each kind, as they come.

    Three kinds: subjects with real images (label 0), with synthetic ones (1), and with both.
    ValueError if there is one subject of a kind.
    """
    names, start, at = np.unique(subject, return_index=True, return_inverse=True)
    has = [np.bincount(at, label == of) > 0 for of in (0, 1)]
    kind, learns = has[0] + 2 * has[1], np.zeros(len(names), bool)
    for each in np.unique(kind):
        mine = np.flatnonzero(kind == each)
        if len(mine) < 2:
            raise ValueError("a kind of image has one subject only, to learn or to judge by; draw "
                             "more subjects.")  # fmt: skip
        learns[mine[np.argsort(start[mine])][::2]] = True
    return learns[at]


def rounded(images: np.ndarray) -> np.ndarray:
    """Images in [0, 1] as an 8-bit file keeps them, float32: cut off, and rounded to 1/255."""
    return np.rint(255 * np.float32(images).clip(0, 1)) / np.float32(255)


def _together(pool: Result, n: int, real: Result, slices: Result | None, scene: str):
    """label, subject and image of the real slices and then the samples; subjects are numbered."""
    counts = [min(n, len(each.arrays["image"])) for each in (real, pool)]
    image = np.concatenate([each.arrays["image"][:k].astype(np.float32)
                            for each, k in zip((real, pool), counts, strict=True)])  # fmt: skip
    names = real.arrays["subject"][: counts[0]]
    made = subjects_of(pool, counts[1], slices, scene)
    if made is None:
        known = np.unique(names, return_inverse=True)[1]
        subject = np.concatenate([known, len(known) + np.arange(counts[1])])
    else:
        subject = np.unique(np.concatenate([names, made]), return_inverse=True)[1]
    return np.repeat([0, 1], counts), subject, rounded(image)
