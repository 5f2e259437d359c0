"""Simulated readers of known noise, what they say of a pool, and how far readers agree.

A reader gives an image of quality q in [0, 1] the score

    5/2 + slope (5 q - 5/2) + bias + noise,        rounded, at least 0 and at most 5

with a slope and a bias of the reader's own and fresh noise for every image and condition, all in
points of the scale. The paper's four radiologists are described by nothing but their number.
"""

from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa

from lib.datasets import ratings
from lib.datasets.ratings import ABSENT, BEST, CONDITIONS, CRITERIA, EACH, NAMES
from lib.generators import requests
from lib.jobs import Result

SHUFFLES = 200  # of the scores of every reader, for the level of chance


@dataclass(frozen=True)
class ReaderSettings:
    """Simulated readers; all but their number is ours."""

    readers: int = 4  # the paper's
    noise: float = 0.8  # standard deviation, points
    bias: float = 0.4  # standard deviation over readers, points
    slope: float = 0.15  # standard deviation over readers of the logarithm of the slope

    def __post_init__(self):
        if self.readers < 1 or min(self.noise, self.bias, self.slope) < 0:
            raise ValueError("readers must be at least 1, noise, bias and slope not below 0.")


def scored(
    quality: np.ndarray, s: ReaderSettings, rng: np.random.Generator
) -> tuple[np.ndarray, dict]:  # fmt: skip
    """What readers say of images of this quality (N, 2) in [0, 1], one column per criterion.

    Returns scores (readers, N, 2) int8, and each reader's bias and slope. The first images get the
    same scores whatever N is. ValueError: quality outside [0, 1].
    """
    if not (quality.min() >= 0 and quality.max() <= 1):
        raise ValueError("quality lies outside [0, 1]; pass adherence as a share.")
    reader_rng, noise_rng = rng.spawn(2)
    bias = s.bias * reader_rng.standard_normal(s.readers)
    slope = np.exp(s.slope * reader_rng.standard_normal(s.readers))
    noise = s.noise * noise_rng.standard_normal((*quality.shape, s.readers)).transpose(2, 0, 1)
    each = (x[:, None, None] for x in (slope, bias))
    half = BEST / 2
    said = half + next(each) * (BEST * quality - half) + next(each) + noise
    person = {"bias": bias.tolist(), "slope": slope.tolist()}
    return np.rint(said).clip(0, BEST).astype(np.int8), person


def conditions(pool: Result) -> np.ndarray:
    """(N,) uint8 into NAMES: what each image of a pool was asked for with.

    ValueError: an image that was asked for with neither text nor mask.
    """
    found = requests.conditions(pool)
    if not set(found) <= set(NAMES):
        raise ValueError(
            "some images have neither text nor mask; a set needs one of them to be judged by."
        )
    return np.array([NAMES.index(name) for name in found], np.uint8)


def quality_of(judged: Result) -> Result:
    """Job: what readers are simulated to see, from what a judge found in each sample (`films`).

    Arrays (N,) in [0, 1]: text, the mean of adherence, of 1 - fabricated and of realism; mask, that
    of dice and realism; of a sample the parts that are defined there.
    """
    a = judged.arrays
    parts = {
        "text": (a["adherence"], 1 - a["fabricated"], a["realism"]),
        "mask": (a["dice"], a["realism"]),
    }
    means = {name: np.nanmean(np.stack(each), 0) for name, each in parts.items()}
    return Result(means, {name: float(x.mean()) for name, x in means.items()})


def rated(
    pool: Result, quality: Result, settings: dict, stream: list[int], sets: int | None = None
) -> Result:
    """Job: simulated readers score the images of a pool in sets of EACH, in their order.

    pool: of requests that stand EACH times in a row (`requests.mixed_requests`, copies=EACH).
    quality: arrays `text` and `mask` (N,), the true adherence to each in [0, 1] (of a condition
    that an image does not have, any number or NaN). settings: of ReaderSettings. sets: only the
    first ones. A Result as of `ratings.as_result`; its scores hold the settings and the readers'
    bias and slope too. ValueError: a set whose images were asked for differently, or too few.
    """
    s = ReaderSettings(**settings)
    kind = conditions(pool)
    n = len(kind) if sets is None else EACH * sets
    if n % EACH or not EACH <= n <= len(kind):
        raise ValueError(f"{n} images of a pool of {len(kind)}; a set has {EACH}, use whole sets.")
    _check_sets(pool.arrays, n)
    there = np.array([CONDITIONS[name] for name in NAMES])[kind[:n]]
    truth = np.stack([quality.arrays[name][:n] for name in CRITERIA], 1)
    scores, person = scored(np.where(there, truth, 0.5), s, np.random.default_rng(stream))
    image = np.tile(np.arange(n), s.readers)
    found = ratings.Ratings(
        np.repeat([f"reader {k + 1:02d}" for k in range(s.readers)], n), image // EACH, image,
        np.tile(kind[:n], s.readers), np.where(there, scores, ABSENT).reshape(-1, 2),
    )  # fmt: skip
    result = ratings.as_result(found)
    return Result(result.arrays, result.scores | {"settings": asdict(s)} | person)


def _check_sets(arrays: dict[str, np.ndarray], n: int) -> None:
    for name in ("tokens", "mask"):
        first = arrays[name][:n:EACH].repeat(EACH, 0)
        if not np.array_equal(first, arrays[name][:n]):
            at = np.flatnonzero((first != arrays[name][:n]).reshape(n, -1).any(1))[0] // EACH
            raise ValueError(f"set {at} holds images of different {name}; repeat every request.")


# ---- agreement ----------------------------------------------------------------------------------


def table(rated: Result, criterion: str) -> np.ndarray:
    """Scores (images, readers) of the images to which every reader gave a score."""
    a, column = rated.arrays, CRITERIA.index(criterion)
    full = np.full((a["image"].max() + 1, len(rated.scores["readers"])), ABSENT)
    full[a["image"], a["reader"]] = a["scores"][:, column]
    return full[(full != ABSENT).all(1)]


def weighted_kappa(scores: np.ndarray) -> float | None:
    """Mean quadratic-weighted kappa (Cohen 1968) over pairs of readers, scores (images, readers).

    None: one reader, no images, or a pair who give all images one and the same score.
    """
    columns = scores.T
    if len(columns) < 2 or not len(scores):
        return None
    found = [
        cohen_kappa_score(a, b, labels=range(BEST + 1), weights="quadratic")
        for a, b in combinations(columns, 2)
        if len({*a, *b}) > 1
    ]
    return float(np.mean(found)) if len(found) == len(columns) * (len(columns) - 1) // 2 else None


def unweighted_kappa(scores: np.ndarray) -> float | None:
    """Fleiss' kappa (1971) of scores (images, readers), which ignores by how much readers differ.

    None: one reader, no images, or one and the same score throughout.
    """
    if scores.shape[1] < 2 or len(np.unique(scores)) < 2:
        return None
    counts = (scores[:, :, None] == np.arange(BEST + 1)).sum(1)
    return float(fleiss_kappa(counts[:, counts.any(0)], method="fleiss"))


def agreement(rated: Result, stream: list[int]) -> Result:
    """Job: how far readers agree, for each criterion, or None where nothing was scored.

    images; kappa: mean quadratic-weighted; fleiss; chance: the 2.5 and 97.5 percent points of kappa
    when each reader's scores are shuffled over the images (its mean is 0).
    """
    rngs = np.random.default_rng(stream).spawn(len(CRITERIA))
    both = zip(CRITERIA, rngs, strict=True)
    return Result({}, {name: _agreement(table(rated, name), rng) for name, rng in both})


def _agreement(scores: np.ndarray, rng: np.random.Generator) -> dict | None:
    if not len(scores):
        return None
    kappa, by_chance = weighted_kappa(scores), None
    if kappa is not None:
        shuffled = [weighted_kappa(rng.permuted(scores, axis=0)) for _ in range(SHUFFLES)]
        by_chance = np.quantile(shuffled, [0.025, 0.975]).tolist()
    found = {"kappa": kappa, "fleiss": unweighted_kappa(scores), "chance": by_chance}
    return {"images": len(scores), **found}
