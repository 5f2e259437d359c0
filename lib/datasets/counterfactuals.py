"""Lesion slices as only a phantom can show them: without noise, later, with another look.

And where the law lets no lesion grow. Jobs of their own, as `lesions.truths` is: what trains on
slices cannot reach them. Subjects are drawn again from their seeds under `brain.BRAIN`; that slices
are theirs is what `lesions.truths` makes sure of.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lib.datasets.lesions import ENDS, grades
from lib.jobs import Result
from lib.phantoms import brain, brain_looks, brain_tumour
from lib.phantoms.population import Batch, Parameters

QUIET = replace(brain.BRAIN, name="brain without noise", noise=(0.0, 0.0))


def clean(slices: Result) -> Result:
    """Job: the slices and their healthy truth as they would be without noise.

    Arrays (S, H, W) float32 in [0, 1], in the order of the lesion slices: image, healthy. Drift
    and everything else are the subjects' own. image - clean image is the noise of a slice, and no
    estimate of what lies behind a lesion can know it.
    """
    image, healthy = (np.empty(slices.arrays["image"].shape, np.float32) for _ in range(2))
    for p, rows in _subjects(slices.arrays["subject"]):
        quiet = brain.from_seeds(QUIET, p.seed)
        batch = brain.render(quiet, modalities=("FLAIR",))
        level = slices.arrays["index"][rows]
        image[rows] = batch.image[0, 0, level].clip(0, 1)
        healthy[rows] = batch.healthy[0, 0, level].clip(0, 1)
    return Result({"image": image, "healthy": healthy}, {"slices": len(image)})


def anatomy(slices: Result) -> Result:
    """Job: what the law knows of the anatomy in each slice.

    Arrays (S, H, W): forbidden bool, where no tumour can grow (`brain_tumour.forbidden`); white
    float32 in [0, 1], the share of white matter, along which oedema runs. The same under "free/"
    where the slices have "free/index".
    """
    given = slices.arrays
    ends = [end for end in ENDS if f"{end}index" in given]
    shapes = {end: given[f"{end}image"].shape for end in ends}
    found = {f"{end}forbidden": np.empty(shapes[end], bool) for end in ends}
    found |= {f"{end}white": np.empty(shapes[end], np.float32) for end in ends}
    every = np.concatenate([given[f"{end}subject"] for end in ends])
    for p, _ in _subjects(every):
        (tissues,) = brain.tissues(p)
        closed = brain_tumour.forbidden(tissues).numpy()
        for end in ends:
            rows = given[f"{end}subject"] == p.seed[0]
            level = given[f"{end}index"][rows]
            found[f"{end}forbidden"][rows] = closed[level]
            found[f"{end}white"][rows] = tissues.white.numpy()[level]
    return Result(found, {"slices": shapes[""][0]})


def progressed(n: int, stream: list[int], growth: float) -> Result:
    """Job: one slice of each of n fresh subjects now, and when the tumour's radius has grown.

    The known law of growth: every radius times `growth`; texture, noise and anatomy stay. Arrays
    (n, H, W): image, mask now; later/image, later/mask; subject, index, grade (n,). The slice is
    the one with most lesion now; subjects without a labelled pixel are left out. ValueError for a
    growth that is not above 1.
    """
    if not growth > 1:
        raise ValueError(f"growth is {growth}; pass a factor of the radius above 1.")
    rng, kept = np.random.default_rng(stream), []
    while len(kept) < n:
        p = brain.sample(brain.BRAIN, 1, rng)
        radius = {"tumour_radius": np.float32(growth) * p.values["tumour_radius"]}
        both = (p, replace(p, values=p.values | radius))
        now, later = (brain.render(each, modalities=("FLAIR",)) for each in both)
        if now.mask.any():
            kept.append(_at(int(now.mask[0].sum((1, 2)).argmax()), now, later))
    arrays = {name: np.array([each[name] for each in kept]) for name in kept[0]}
    return Result(arrays | {"grade": grades(arrays["subject"])}, {"n": n, "growth": growth})


def _at(level: int, now: Batch, later: Batch) -> dict:
    """Slice `level` of one subject at two times."""
    found = {"subject": now.subject[0], "index": level}
    for end, batch in (("", now), ("later/", later)):
        found[f"{end}image"] = batch.image[0, 0, level].clip(0, 1)
        found[f"{end}mask"] = batch.mask[0, level]
    return found


def looks(slices: Result, n: int, repeats: int, stream: list[int]) -> Result:
    """Job: the first n lesion slices, each with the looks of `repeats` other tumours in its mask.

    The phantom's own law of a lesion's appearance given anatomy and outline, see `brain_looks`; the
    noise is the slice's own in all. Arrays: image (n, repeats, H, W) in [0, 1], mask (n, H, W),
    noise (n,) the standard deviation of the noise in grey units, that new images would add.
    """
    given = {name: column[:n] for name, column in slices.arrays.items()}
    image = np.empty((len(given["mask"]), repeats, *given["mask"].shape[1:]), np.float32)
    noise, rng = np.empty(len(image)), np.random.default_rng(stream)
    for p, rows in _subjects(given["subject"]):
        drawn = brain_looks.render(p, brain.sample(brain.BRAIN, repeats, rng))
        image[rows] = drawn[:, given["index"][rows]].swapaxes(0, 1).clip(0, 1)
        noise[rows] = p.values["noise"][0, 0]
    return Result({"image": image, "mask": given["mask"], "noise": noise}, {"n": len(image)})


def _subjects(subject: np.ndarray) -> Iterator[tuple[Parameters, np.ndarray]]:
    """Each subject (its parameters) in the order of its first slice, and the rows that show it."""
    for seed in dict.fromkeys(subject.tolist()):
        alone = np.array([seed], np.uint64)
        yield brain.from_seeds(brain.BRAIN, alone), np.flatnonzero(subject == seed)
