"""Does PathoSyn do what it is asked for, against requests, the law of anatomy, and later images.

Severity, extent and place are asked of lesions on lesion-free slices: what a reader then sees is
the new lesion. All levels of one request start from the same noise.
"""

import numpy as np
from scipy import ndimage
from torch import nn

from lib.datasets import lesions
from lib.generators import control, deviation, patchgan, scenes
from lib.generators.pathosyn import PathoSyn
from lib.jobs import Result
from lib.metrics import coverage
from lib.metrics import deviations as metric
from lib.scores.deviations import mean
from lib.tasks import segment

SEVERITIES = (0.0, 0.5, 1.0, 1.5, 2.0)  # times the deviation as drawn
EXTENTS = (0, 1, 2, 3, 4)  # pixels by which a mask grows
SHIFTS = ((-4, 0), (-2, 0), (0, 0), (2, 0), (4, 0), (0, -4), (0, -2), (0, 2), (0, 4))  # pixels
LOADERS = {"pathosyn_diff": deviation.load, "pathosyn_vaegan": patchgan.load}
CLASSES = 3  # of a lesion's mean and of its spread, in `modes_of_look`


def load(family: str, fitted: Result) -> PathoSyn:
    """The model that a fit of a family has left; ValueError for an unknown family."""
    if family not in LOADERS:
        raise ValueError(f"family {family!r} is unknown; use one of {tuple(LOADERS)}.")
    return LOADERS[family](fitted)


# ---- severity, extent, place --------------------------------------------------------------------


def controlled(
    fitted: Result, family: str, slices: Result, reader: Result, n: int, stream: list[int]
) -> Result:
    """Job: requested against measured severity, extent and place of n lesions.

    Each on the lesion-free slice with most brain of one subject, in the largest mask of the next;
    reader: an independent segmenter (`segment.fit_job`). Measured are

    severity  the image's change, as a multiple of what severity 1 changes inside the mask. It is
              linear by construction, but for grey values that are cut at 0 and 1
    size      pixels of the largest lesion that the reader sees, against pixels asked for
    position  its centre, against that of the mask, along rows and columns

    What of a mask lies outside the brain is not asked for. Scores: severity_slope, size_slope,
    position_slope, each with "_r2" (`deviations.slope`); seen, the share of the plain lesions in
    which the reader sees anything; outside_change, the mean |image - anatomy| outside the masks of
    all these images, grey units. Arrays: severity/, size/, position/ with requested and measured,
    (n, k) each (position: rows first, (2 n, k)), NaN where nothing is seen; severity/seen (n, k),
    the share of the mask that the reader marks. ValueError for fewer than n subjects.
    """
    model, net = load(family, fitted), segment.load(reader)
    place_rng, draw_rng = np.random.default_rng(stream).spawn(2)
    image, mask = subjects(slices, n, place_rng)
    seed = int(draw_rng.integers(2**63))

    def drawn(masks: np.ndarray, severity: float = 1.0) -> np.ndarray:
        return model.sample(image, masks, np.random.default_rng(seed), None, severity).image

    asked = {
        "severity": [mask] * len(SEVERITIES),
        "size": [control.within(control.grown(mask, by), image) for by in EXTENTS],
        "position": [control.within(control.moved(mask, *by), image) for by in SHIFTS],
    }
    made = {kind: [drawn(masks) for masks in asked[kind]] for kind in ("size", "position")}
    made["severity"] = [drawn(mask, severity) for severity in SEVERITIES]
    arrays = _severities(made["severity"], mask, net) | _sizes(asked["size"], made["size"], net)
    arrays |= _positions(asked["position"], made["position"], net)
    scores = {"seen": float(np.isfinite(arrays["size/measured"][:, 0]).mean())}
    for kind in asked:
        pair = arrays[f"{kind}/requested"], arrays[f"{kind}/measured"]
        scores[f"{kind}_slope"], scores[f"{kind}_r2"] = metric.slope(*pair)
    changes = [metric.mean_error(x, image, ~m) for kind in asked
               for x, m in zip(made[kind], asked[kind], strict=True)]  # fmt: skip
    return Result(arrays, scores | {"outside_change": mean(np.concatenate(changes))})


def read_growth(data: Result, reader: Result) -> Result:
    """Job: what the reader of `controlled` says of true lesions that grow by the law.

    data: `counterfactuals.progressed`. The ceiling of size_slope: no sample is to be read better
    than the truth. Scores: size_slope, size_r2, seen. Arrays (n, 2): size/requested, size/measured.
    """
    net, ends = segment.load(reader), ("", "later/")
    asked, made = ([data.arrays[f"{end}{k}"] for end in ends] for k in ("mask", "image"))
    arrays = _sizes(asked, made, net)
    slope, r2 = metric.slope(arrays["size/requested"], arrays["size/measured"])
    seen = float(np.isfinite(arrays["size/measured"][:, 0]).mean())
    return Result(arrays, {"size_slope": slope, "size_r2": r2, "seen": seen})


def subjects(
    slices: Result, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Lesion-free images (n, H, W), one a subject, and for each the largest mask of the next one.

    The mask is at a random place where most of it lies in the brain.
    """
    mask = np.roll(lesions.one_each(slices, n).arrays["mask"], -1, axis=0)
    free, who = slices.arrays["free/image"], slices.arrays["free/subject"]
    brain = (free > control.EMPTY).sum((1, 2))
    names = list(dict.fromkeys(slices.arrays["subject"].tolist()))[:n]
    image = free[[int(np.where(who == name, brain, -1).argmax()) for name in names]]
    return image, control.within(scenes.placed_in(image, mask, rng), image)


def _severities(made: list[np.ndarray], mask: np.ndarray, net: nn.Module) -> dict:
    none, unit = made[SEVERITIES.index(0.0)], made[SEVERITIES.index(1.0)]
    pattern = (unit - none).astype(np.float64) * mask
    size = (pattern**2).sum((1, 2))
    found = [((x - none) * pattern).sum((1, 2)) / np.where(size > 0, size, np.nan) for x in made]
    seen = [(segment.predict(net, x) & mask).sum((1, 2)) / mask.sum((1, 2)) for x in made]
    measured = np.stack(found, 1)
    requested = np.broadcast_to(SEVERITIES, measured.shape).copy()
    parts = {"requested": requested, "measured": measured, "seen": np.stack(seen, 1)}
    return {f"severity/{name}": values for name, values in parts.items()}


def _sizes(asked: list[np.ndarray], made: list[np.ndarray], net: nn.Module) -> dict:
    seen = [_largest(segment.predict(net, x)).sum((1, 2)).astype(float) for x in made]
    measured = np.stack([np.where(area > 0, area, np.nan) for area in seen], 1)
    requested = np.stack([m.sum((1, 2)).astype(float) for m in asked], 1)
    return {"size/requested": requested, "size/measured": measured}


def _positions(asked: list[np.ndarray], made: list[np.ndarray], net: nn.Module) -> dict:
    seen = [_largest(segment.predict(net, x)) for x in made]
    centres = {"requested": map(_centres, asked), "measured": map(_centres, seen)}
    return {f"position/{k}": np.concatenate(np.stack([*c], 2)) for k, c in centres.items()}


def _centres(masks: np.ndarray) -> np.ndarray:
    """Mean row and column of each mask, (2, n); NaN for an empty one."""
    rows, columns = (masks.sum(axis) @ np.arange(masks.shape[3 - axis]) for axis in (2, 1))
    size = masks.sum((1, 2))
    return np.stack([rows, columns]) / np.where(size > 0, size, np.nan)


def _largest(masks: np.ndarray) -> np.ndarray:
    """The largest connected part (8 neighbours) of each mask, (n, H, W) bool."""
    found = np.zeros_like(masks)
    for i, m in enumerate(masks):
        parts, count = ndimage.label(m, np.ones((3, 3)))
        if count:
            found[i] = parts == 1 + np.bincount(parts[m])[1:].argmax()
    return found


# ---- progression --------------------------------------------------------------------------------


def progression(
    how: str, data: Result, repeats: int, stream: list[int], fitted: Result | None = None
) -> Result:
    """Job: a later image (`counterfactuals.progressed`) predicted from the first and later mask.

    how: "copy_last", the first image again; else a family whose fit draws a new lesion in the later
    mask of the first image, `repeats` times. Scores, grey units, means over subjects of the root
    mean square error inside the later mask: progression_rmse, of single predictions;
    progression_rmse_mean, of their mean, since one draw can at best be as far from the truth as
    another; progression_rmse_new, of single predictions in the pixels that the lesion has gained.
    The copy is not told the later mask. ValueError: unknown how, or no fit.
    """
    a = data.arrays
    image, mask, later = a["image"], a["later/mask"], a["later/image"]
    gained = mask & ~a["mask"]
    if how == "copy_last":
        made = image[None]
    elif fitted is None:
        raise ValueError(f"how {how!r} needs a fit; pass `fitted`, or use 'copy_last'.")
    else:
        model, rngs = load(how, fitted), np.random.default_rng(stream).spawn(repeats)
        made = np.stack([model.sample(image, mask, rng).image for rng in rngs])

    def error(images: np.ndarray, where: np.ndarray) -> np.ndarray:
        return metric.rmse(images, later, where)

    scores = {
        "progression_rmse": mean(np.concatenate([error(x, mask) for x in made])),
        "progression_rmse_mean": mean(error(made.mean(0), mask)),
        "progression_rmse_new": mean(np.concatenate([error(x, gained) for x in made])),
    }
    return Result({"example": made[0, :4], "later": later[:4]}, scores)


# ---- anatomy ------------------------------------------------------------------------------------


def anatomical(
    pool: Result | None, slices: Result, truths: Result, anatomy: Result, n: int,
    scene: str = "own",
) -> Result:  # fmt: skip
    """Job: do n lesions obey the anatomy that they were put on.

    What a sample changes is image - true healthy slice inside its mask, so that a ventricle which
    vanishes counts as one that is filled. pool: drawn in this scene on these slices, or None for
    the first n true lesions. anatomy: `counterfactuals.anatomy`. Scores: forbidden_energy, the
    mean over lesions of the share of that change's energy where the law lets no tumour grow, 0 for
    true lesions; orientation_coherence, the `deviations.alignment` of its edges with those of
    white matter. The law knows no direction of fibres: oedema follows white matter and ends at its
    borders, and this is what is measured. ValueError for an unknown scene.
    """
    if scene not in scenes.SCENES:
        raise ValueError(f"scene {scene!r} is unknown; use one of {scenes.SCENES}.")
    drawn = (slices if pool is None else pool).arrays
    image, mask = drawn["image"][:n], drawn["mask"][:n]
    at = np.arange(len(image)) if pool is None else drawn["source"][:n]
    end = "free/" if scene == "free" else ""
    change = image - truths.arrays[f"{end}healthy"][at]
    forbidden, white = (anatomy.arrays[f"{end}{name}"][at] for name in ("forbidden", "white"))
    scores = {
        "forbidden_energy": mean(metric.share(change, forbidden, mask)),
        "orientation_coherence": metric.alignment(change, white, mask),
    }
    return Result({}, scores)


# ---- diversity ----------------------------------------------------------------------------------


def repeated(
    fitted: Result, family: str, slices: Result, n: int, repeats: int, stream: list[int]
) -> Result:
    """Job: `repeats` lesions drawn in the mask of each of the first n slices, as in
    `counterfactuals.looks`: image (n, repeats, H, W), mask (n, H, W), noise (n,) of 0."""
    model, rngs = load(family, fitted), np.random.default_rng(stream).spawn(repeats)
    image, mask = (slices.arrays[name][:n] for name in ("image", "mask"))
    made = np.stack([model.sample(image, mask, rng).image for rng in rngs], 1)
    return Result({"image": made, "mask": mask, "noise": np.zeros(len(image))}, {"n": len(image)})


def diversity(drawn: Result, law: Result) -> Result:
    """Job: how lesions differ that were drawn for one anatomy and mask, beside the phantom's law.

    drawn: `repeated`, or `counterfactuals.looks` from another stream (the oracle); law: the looks
    of the same slices. Scores: conditional_variance, the mean over lesions of the variance of
    pixels inside the mask, squared grey units, with the variance of new noise where a set was drawn
    in one and the same; coverage, the mean over lesions of the overlap of their modes
    (`modes_of_look`) with the law's: below 1 also for the law itself, see `coverage.coverage`.
    ValueError for sets of other slices, or of other numbers of repeats, on which coverage depends.
    """
    a, reference = drawn.arrays, law.arrays
    if not np.array_equal(a["mask"], reference["mask"]):
        raise ValueError("the sets have different masks; draw both for the same slices.")
    if a["image"].shape != reference["image"].shape:
        sizes = [x["image"].shape[1] for x in (a, reference)]
        raise ValueError(f"the sets have {sizes} repeats; draw equally many of both.")
    spread = metric.variance(a["image"], a["mask"]) + a["noise"] ** 2
    shares = [
        coverage.coverage(*modes_of_look(known[:, m], new[:, m]))
        for known, new, m in zip(reference["image"], a["image"], a["mask"], strict=True)
    ]
    scores = {"conditional_variance": mean(spread), "coverage": float(np.mean(shares))}
    return Result({"variance": spread, "coverage": np.array(shares)}, scores)


def modes_of_look(known: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Modes of the looks of one lesion, grey values (k, pixels) of two sets -> (k,) integers each.

    A mode is a class of the mean and a class of the standard deviation inside the mask, CLASSES of
    equal size each in the known set.
    """
    found = []
    for statistic in (np.mean, np.std):
        values = [statistic(x, axis=1, dtype=np.float64) for x in (known, drawn)]
        edges = np.quantile(values[0], np.arange(1, CLASSES) / CLASSES)
        found.append([np.searchsorted(edges, v, side="right") for v in values])
    return tuple(CLASSES * one + other for one, other in zip(*found, strict=True))
