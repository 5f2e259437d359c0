"""An independent reader of a lesion's attributes: where it sits, how large and how bright it is.

It learns from fresh phantoms, whose lesions are known, and reads generated images, whose lesions
nobody set. Place across and size are those of the mask, what an image shows: the law's radius and
its place between the borders of a lung say less, a network reads a quarter of their variance. Its
own error shrinks what it reads towards the mean, so pools are compared with its readings of real
images, never with the law alone.
"""

from dataclasses import asdict, replace

import numpy as np
from torch.nn import functional as F

from lib.jobs import Result
from lib.phantoms import chest
from lib.tasks import classify
from lib.tasks.classify import ClassifySettings
from lib.training.weights import weights_to_arrays

NAMES = ("place across", "place along", "size", "contrast")
PARAMETERS = ("opacity_y", "opacity_grey")  # of the law: place along the lung, contrast
MIDDLE = 250  # pixels of a mask whose size counts as 0
CELLS = 4  # quantiles of each attribute for coverage


def true_attributes(
    law: str, seeds: np.ndarray, labels: np.ndarray, masks: np.ndarray
) -> np.ndarray:  # fmt: skip
    """The attributes of NAMES of sick subjects, (N, 4) float32, of order one.

    Across: centre of the mask (N, 64, 64), -1 at the image's left border to 1. Along, in its lung,
    and contrast: the law's, -1 to 1 over it. Size: log2 of the mask's pixels over MIDDLE. Raises
    ValueError for an empty mask.
    """
    area = masks.sum((1, 2))
    if not area.all():
        raise ValueError(f"{int((area == 0).sum())} masks are empty; pass sick subjects alone.")
    across = masks.sum(1) @ ((2 * np.arange(masks.shape[-1]) + 1) / masks.shape[-1] - 1) / area
    found = chest.from_seeds(chest.LAWS[law], seeds, labels).values
    ends = [getattr(chest.LAWS[law], name) for name in PARAMETERS]
    along, contrast = (
        2 * (found[name][:, 0] - low) / (high - low) - 1
        for name, (low, high) in zip(PARAMETERS, ends, strict=True)
    )
    return np.stack([across, along, np.log2(area / MIDDLE), contrast], axis=1).astype(np.float32)


def _sick(data: Result, n: int, law: str) -> tuple[np.ndarray, np.ndarray]:
    """The sick images of the first n phantoms, and their true attributes."""
    arrays, sick = data.arrays, data.arrays["label"][:n] > 0
    known = [arrays[name][:n][sick] for name in ("subject", "label", "mask")]
    return arrays["image"][:n][sick], true_attributes(law, *known)


def fit_job(data: Result, law: str, n: int, settings: dict, stream: list[int]) -> Result:
    """Job: a network that reads the four attributes, trained on the sick ones of n phantoms."""
    s = ClassifySettings(**settings)
    images, goal = _sick(data, n, law)
    net = classify.fit(
        images, goal, replace(s, augment=True), np.random.default_rng(stream),
        outputs=len(NAMES), loss=F.mse_loss, pixels=0,
    )  # fmt: skip
    return Result(weights_to_arrays(net), asdict(s))


def read(reader: Result, images: np.ndarray) -> np.ndarray:
    """Attributes (N, 4) that the stored reader finds in images (N, 64, 64)."""
    return classify.apply(classify.load(reader, len(NAMES)), images)


def compare(pool: Result, n: int, real: Result, law: str, reader: Result) -> Result:
    """Job: the attributes of a pool's sick images beside those of as many sick real images.

    Scores, each {name: value}: spread, SD in the pool over SD in real images (1: all of the
    population, 0: one lesion for all); shift, difference of means in SDs of real images; r2, how
    well the reader reads real images against what is known of them; and coverage_place,
    coverage_look in [0, 1] (see `coverage`). Arrays: pool, real (k, 4), what was read.
    """
    found = read(reader, pool.arrays["image"][:n][pool.arrays["label"][:n] > 0])
    images, truth = _sick(real, n, law)
    target = read(reader, images)
    error = ((target - truth) ** 2).mean(0) / truth.var(0)
    spread, shift = found.std(0) / target.std(0), (found.mean(0) - target.mean(0)) / target.std(0)
    scores = {
        name: dict(zip(NAMES, map(float, values), strict=True))
        for name, values in {"spread": spread, "shift": shift, "r2": 1 - error}.items()
    }
    scores["coverage_place"] = coverage(found[:, :2], target[:, :2])
    scores["coverage_look"] = coverage(found[:, 2:], target[:, 2:])
    return Result({"pool": found, "real": target}, scores)


def coverage(found: np.ndarray, real: np.ndarray) -> float:
    """Share of 16 cells of two attributes in which a pool has at least half of its due.

    found (N, 2), real (M, 2). Cells are quarters of the real readings along each attribute; a
    cell's due is the share of real images in it; cells without any do not count. 1 for real images,
    at most one cell if all lesions are alike.
    """
    inner = [np.quantile(column, np.linspace(0, 1, CELLS + 1)[1:-1]) for column in real.T]

    def shares(points: np.ndarray) -> np.ndarray:
        first, second = (np.digitize(c, e) for c, e in zip(points.T, inner, strict=True))
        return np.bincount(CELLS * first + second, minlength=CELLS**2) / len(points)

    due = shares(real)
    return float((shares(found) >= due / 2)[due > 0].mean())
