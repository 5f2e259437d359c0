"""Jobs on the texture of lesions and the distance of slices to real ones: PathoSyn, Figure 5."""

import numpy as np

from lib.jobs import Result
from lib.metrics import masks, realism, texture
from lib.scores.averaged import over_splits
from lib.scores.pairs import defined, embed
from lib.tasks import segment

COMPARED = ("mean", "skewness", "kurtosis", "contrast", "homogeneity")  # Figure 5, bottom left
AVERAGED = ("lesion_variance", "glcm_entropy", "lesion_high_frequency")


def texture_scores(
    pool: Result, n: int, real: Result, reader: Result, fresh: Result | None = None
) -> Result:
    """Job: the lesions and slices of the first n samples against those of the first n real slices.

    w1_<statistic>: `masks.scaled_w1` of the statistics COMPARED, which says nothing without what
    real slices read (`texture_null`). lesion_variance (squared grey units), glcm_entropy (nats) and
    lesion_high_frequency (squared grey units): means over lesions. distance_auc: how often a sample
    is nearer than one of the first n `fresh` phantoms to its nearest real slice, in the reader's
    features; 0.5 for samples of the real law, and more for copies too. None: what no lesion or
    phantom defines.

    Arrays: lesion/<statistic> and lesion/<mean> of every lesion, NaN where it is too small;
    distance and distance_fresh of every slice.
    """
    net = segment.load(reader)
    (image, drawn), (truth, contour) = (first_pairs(each, n) for each in (pool, real))
    own, known = lesions(image, drawn), embed(net, truth)
    found = {"distance": realism.distances(embed(net, image), known)}
    if fresh is not None:
        found["distance_fresh"] = realism.distances(embed(net, first_pairs(fresh, n)[0]), known)
    near = found["distance"], found.get("distance_fresh")
    scores = compared(own, lesions(truth, contour), *near)
    return Result({f"lesion/{name}": values for name, values in own.items()} | found, scores)


def texture_null(
    real: Result, n: int, reader: Result, splits: int, stream: list[int],
    fresh: Result | None = None,
) -> Result:  # fmt: skip
    """Job: the scores of `texture_scores` of n real slices against n of other subjects.

    mean and sd over random halves; None where one of them leaves a score undefined.
    """
    net, rng = segment.load(reader), np.random.default_rng(stream)
    image, mask = real.arrays["image"], real.arrays["mask"]
    each, seen = lesions(image, mask), embed(net, image)
    seen_fresh = None if fresh is None else embed(net, first_pairs(fresh, n)[0])
    rows = []
    for _ in range(splits):
        a, b = masks.halves(real.arrays["subject"], n, rng)
        own, other = ({name: values[at] for name, values in each.items()} for at in (a, b))
        near = realism.distances(seen[a], seen[b])
        near_fresh = None if fresh is None else realism.distances(seen_fresh, seen[b])
        rows.append(compared(own, other, near, near_fresh))
    return Result({}, over_splits(rows))


def first_pairs(data: Result, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and masks of the first n of a set or pool, or of all if there are fewer."""
    return data.arrays["image"][:n], data.arrays["mask"][:n]


def lesions(images: np.ndarray, drawn: np.ndarray) -> dict[str, np.ndarray]:
    """COMPARED and what AVERAGED are means of, of each lesion (n,); NaN where it is too small."""
    moments, grey = texture.first_order(images, drawn), texture.glcm_statistics(images, drawn)
    found = {name: (moments | grey)[name] for name in COMPARED}
    return found | {
        "lesion_variance": moments["sd"] ** 2,
        "glcm_entropy": texture.glcm_entropy(images, drawn),
        "lesion_high_frequency": texture.high_frequency(images, drawn),
    }


def compared(
    own: dict, other: dict, near: np.ndarray, near_fresh: np.ndarray | None
) -> dict[str, float | None]:
    """The scores of `lesions` and distances of samples against those of real slices."""
    scores = {f"w1_{name}": masks.scaled_w1(other[name], own[name]) for name in COMPARED}
    for name in AVERAGED:
        there = own[name][np.isfinite(own[name])]
        scores[name] = there.mean() if len(there) else None
    scores["distance_auc"] = None if near_fresh is None else realism.nearer(near, near_fresh)[0]
    return defined(scores)
