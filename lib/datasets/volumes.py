"""Volumes of the dHVAE chapter, and the slices that 2-D methods see of them.

Two data sets as in section 4.2 of the paper: "flair", brain FLAIR with the whole tumour as target,
and "pet", head-and-neck PET with the primary tumour alone as target (nodes stay unlabelled).

A PET image is its SUV over that of the white, cut at 1: linear up to SUV 10, so that tonsils and
glands (2 to 5) lie in the lower half, most tumours (SUVmax 4 to 15) keep their inner contrast, and
only hot brains and the hottest tumours saturate.
"""

from dataclasses import replace

import numpy as np

from lib.datasets.checks import check_pairs
from lib.datasets.splits import first
from lib.jobs import Result
from lib.phantoms import brain, neck

MODALITIES = ("flair", "pet")
SUV = 10.0  # that becomes white
CHUNK = 8  # subjects rendered at once


def draw(
    modality: str, n: int, rng: np.random.Generator, ranges: dict[str, list[float]] | None = None
) -> tuple[np.ndarray, ...]:
    """n fresh subjects: image (n, D, H, W) float32 in [0, 1], mask bool, subject (n,) uint64.

    `ranges` replaces those of some parameters of the law.
    """
    if modality not in MODALITIES:
        raise ValueError(f"modality {modality!r} is unknown; choose one of {MODALITIES}.")
    phantom = brain if modality == "flair" else neck
    law = phantom.LAWS["brain" if modality == "flair" else "neck"]
    law = replace(law, **{name: tuple(ends) for name, ends in (ranges or {}).items()})
    p = phantom.sample(law, n, rng)
    parts = [_render(modality, p[i : i + CHUNK]) for i in range(0, n, CHUNK)]
    image, mask = (np.concatenate(each) for each in zip(*parts, strict=True))
    return image, mask, p.seed


def _render(modality: str, parameters) -> tuple[np.ndarray, np.ndarray]:
    if modality == "flair":
        batch = brain.render(parameters, modalities=("FLAIR",))
        return batch.image[:, 0].clip(0, 1), batch.mask
    batch = neck.render(parameters)
    return (batch.image[:, 0] / SUV).clip(0, 1), batch.parts == neck.PRIMARY


def volume_set(
    modality: str, n: int, stream: list[int], ranges: dict[str, list[float]] | None = None
) -> Result:
    """Job: n fresh subjects; the first k are those of a shorter draw of the same stream."""
    image, mask, subject = draw(modality, n, np.random.default_rng(stream), ranges)
    return Result({"image": image, "mask": mask, "subject": subject}, {"n": n})


def slice_set(volumes: Result, n: int, most: int | None = None) -> Result:
    """Job: the lesion slices of the first n subjects, and their lesion-free slices under "free/".

    With `most`, only the first so many lesion slices, and an error if there are fewer.
    """
    part = first(volumes, n)
    image, mask, subject = part["image"], part["mask"], part["subject"]
    who, where = np.nonzero(mask.any((2, 3)))
    if not len(who):
        raise ValueError(f"the masks of all {n} volumes are empty; pass subjects with a lesion.")
    if most is not None and len(who) < most:
        raise ValueError(f"{most} slices are asked, {n} subjects have {len(who)}; draw more.")
    who, where = who[:most], where[:most]
    check_pairs(image[who, where], mask[who, where])
    other, at = np.nonzero(~mask.any((2, 3)))
    arrays = {
        "image": image[who, where],
        "mask": mask[who, where],
        "subject": subject[who],
        "index": where,
        "free/image": image[other, at],
        "free/subject": subject[other],
    }
    return Result(arrays, {"n": n, "slices": len(who)})


def mirrored(slices: Result) -> Result:
    """Job: the lesion slices of a slice_set, and behind them the same ones mirrored left to right.

    What generators learn from: heads and necks have two sides, and lesions lie on either.
    """
    names = ("image", "mask")
    arrays = {name: slices.arrays[name] for name in names}
    arrays = {name: np.concatenate([x, x[..., ::-1]]) for name, x in arrays.items()}
    arrays["subject"] = np.tile(slices.arrays["subject"], 2)
    return Result(arrays, {"slices": len(arrays["subject"])})


def first_volumes(volumes: Result, n: int) -> Result:
    """Job: the first n subjects of a set."""
    return Result(first(volumes, n), {"n": n})


def fresh_slices(
    modality: str, n: int, stream: list[int], ranges: dict[str, list[float]] | None = None
) -> Result:
    """Job: the first n lesion slices of fresh subjects, every one of each, as a slice_set.

    What the oracle adds, what the reader learns from, and what samples are compared with. Of the
    lesion-free slices a third as many are kept, under "free/".
    """
    rng, parts = np.random.default_rng(stream), []
    while sum(len(part["subject"]) for part in parts) < n:
        image, mask, subject = draw(modality, CHUNK, rng, ranges)
        drawn = Result({"image": image, "mask": mask, "subject": subject}, {})
        parts.append(slice_set(drawn, CHUNK).arrays)
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    free = np.linspace(0, len(arrays["free/subject"]) - 1, min(n // 3, len(arrays["free/subject"])))
    at = {True: free.astype(int), False: slice(n)}
    kept = {name: column[at[name.startswith("free/")]] for name, column in arrays.items()}
    return Result(kept, {"n": n})
