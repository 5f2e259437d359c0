"""Arms that generate nothing new: copies of the training images, and pools put together anew.

One implementation for labelled images, whose columns are image and label, and for pairs of an image
and its mask, slices or volumes. If blurred copies gain as much as a generator, the gain is not
pathology; noisy ones show what copying does to fidelity and memorisation scores.
"""

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from lib.datasets.splits import first
from lib.generators.frame import labels_of
from lib.jobs import Result
from lib.networks.augment import classical_pairs
from lib.training import loop as tr

NOISE = {"label": 0.05, "mask": 0.02}  # SD of noisy images and pairs, grey units of [0, 1]
DRAWN = {"label": np.float64, "mask": np.float32}  # in which precision the noise is drawn
BLUR = 1.0  # standard deviation of the blur, pixels
KINDS = ("same", "noisy", "blurred")


def beside(data: Result) -> str:
    """What stands beside each image of a set or pool: its "label", or else its "mask"."""
    return "label" if "label" in data.arrays else "mask"


def blur(images: np.ndarray, sigma: float) -> np.ndarray:
    """The same images (N, H, W) or volumes (N, D, H, W), every plane blurred, in [0, 1]."""
    return gaussian_filter(images, sigma=(0,) * (images.ndim - 2) + (sigma, sigma)).clip(0, 1)


def noisy(images: np.ndarray, sd: float, rng: np.random.Generator, drawn=np.float32) -> np.ndarray:
    """The same images with fresh white noise, clipped to [0, 1]."""
    noise = sd * rng.standard_normal(images.shape, dtype=drawn)
    return (images + noise.astype(np.float32)).clip(0, 1)


def pool(data: Result, n: int, kind: str, stream: list[int], labelled: int | None = None) -> Result:
    """Job: n copies of the first `labelled` (None: all) images with their labels or masks, in turn.

    kind: "same", "noisy" or "blurred".
    """
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is unknown; choose one of {', '.join(KINDS)}.")
    other = beside(data)
    image, target = (first(data, labelled)[name] for name in ("image", other))
    at = np.arange(n) % len(image)
    image, target = image[at], target[at]
    if kind == "noisy":
        image = noisy(image, NOISE[other], np.random.default_rng(stream), DRAWN[other])
    elif kind == "blurred":
        image = blur(image, BLUR)
    return Result({"image": image, other: target}, {"n": n})


def traced(
    data: Result, n: int, kind: str, stream: list[int], labelled: int | None = None
) -> Result:
    """Job: `pool`, and beside each copy `source` (n,), the image that it is a copy of."""
    made = pool(data, n, kind, stream, labelled)
    originals = len(first(data, labelled)["image"])
    return Result(made.arrays | {"source": np.arange(n) % originals}, made.scores)


def classical(data: Result, times: int, stream: list[int]) -> Result:
    """Job: `times` augmented copies of every pair, without the pair itself: "×2" has times = 1.

    For slices and for volumes, all planes of which move alike.
    """
    if times < 1:
        raise ValueError(f"times is {times}; give the number of copies of each pair, 1 or more.")
    image, mask = (tr.as_planes(data.arrays[name]) for name in ("image", "mask"))
    rngs = np.random.default_rng(stream).spawn(times)
    moved = [classical_pairs(image, mask, tr.torch_generator(rng)) for rng in rngs]
    image, mask = (torch.cat(each)[:, 0].numpy() for each in zip(*moved, strict=True))
    return Result({"image": image, "mask": mask > 0}, {"n": len(image)})


def shuffled(pool: Result, stream: list[int]) -> Result:
    """Job: a pool whose images have the labels or masks of other samples.

    Labels are permuted. Masks move along one random cycle through all samples, so that no image
    keeps its own. Images alone, and labels or masks alone, are as they were.
    """
    other = beside(pool)
    found = pool.arrays[other]
    if len(found) < 2:
        raise ValueError(f"a pool of {len(found)} has no other sample to swap with; draw more.")
    order = np.random.default_rng(stream).permutation(len(found))
    if other == "label":
        moved = found[order]
    else:
        moved = np.empty_like(found)
        moved[order] = found[np.roll(order, 1)]
    return Result({"image": pool.arrays["image"], other: moved}, {"n": len(found)})


def joined(pools: list[Result], each: list[int | None]) -> Result:
    """Job: the first each[i] (None: all) pairs of every pool, one pool after the other."""
    parts = [first(pool, n) for pool, n in zip(pools, each, strict=True)]
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in ("image", "mask")}
    return Result(arrays, {"n": len(arrays["image"])})


def resampled(data: Result, labelled: int, mix: list[int], n: int, stream: list[int]) -> Result:
    """Job: n of the first `labelled` real images, drawn with repetition in a class mix.

    The control of a balanced pool: the balance without a new image. Raises ValueError if a class
    of the mix has no image.
    """
    rng = np.random.default_rng(stream)
    labels = labels_of(n, mix, False, rng)
    real = data.arrays["label"][:labelled]
    missing = [c for c, count in enumerate(mix) if count and not (real == c).any()]
    if missing:
        raise ValueError(f"class {missing[0]} has no image among the first {labelled}; label more.")
    places = {c: np.flatnonzero(real == c) for c in np.unique(labels)}
    at = np.array([rng.choice(places[c]) for c in labels])
    return Result({"image": data.arrays["image"][at], "label": labels}, {"n": n})
