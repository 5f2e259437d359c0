"""What segmentation from few labelled subjects shares: who is labelled, labelled batches, the arm.

PathoSyn's Table 2 has two such regimes, `semi` and `contrast`. Their settings extend those of
`segment`, and their arms leave the same arrays, so that the same scores are taken of them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

import numpy as np
import torch
from torch import Tensor, nn

from lib.datasets.checks import check_pairs
from lib.datasets.splits import first
from lib.jobs import Result
from lib.metrics import classification, segmentation
from lib.networks.augment import classical_pairs
from lib.tasks import segment
from lib.tasks.segment import SegmentSettings
from lib.training import loop as tr
from lib.training.weights import weights_to_arrays

NEAR = 4  # pixels around a lesion's box whose probabilities count
BINS = 15  # of probabilities
Pairs = tuple[np.ndarray, np.ndarray]


def split(real: dict[str, np.ndarray], share: float) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Columns of the labelled subjects of a slice_set, and the images of all other subjects.

    Labelled are the first subjects, a share of them, at least one: the same ones in every arm of a
    draw. Of the others every slice is kept, with a lesion or without, and no mask: nothing tells
    them apart. Raises ValueError for a share outside (0, 1).
    """
    if not 0 < share < 1:
        raise ValueError(f"labelled is {share}; pass a share of the subjects between 0 and 1.")
    who = np.concatenate([real["subject"], real.get("free/subject", real["subject"][:0])])
    names = np.array(list(dict.fromkeys(who.tolist())))
    chosen = names[: max(1, round(share * len(names)))]
    known = {name: np.isin(real[f"{name}subject"], chosen) for name in ("", "free/")
             if f"{name}subject" in real}  # fmt: skip
    columns = {name: "free/" if name.startswith("free/") else "" for name in real}
    labelled = {name: real[name][known[part]] for name, part in columns.items()}
    others = [real[f"{part}image"][~rows] for part, rows in known.items()]
    return labelled, np.concatenate(others)


def labelled_batches(
    images: np.ndarray, masks: np.ndarray, free: np.ndarray | None, pool: Pairs | None,
    s: SegmentSettings, batch_rng: np.random.Generator, augment_rng: np.random.Generator,
) -> Iterator[tuple[Tensor, Tensor]]:  # fmt: skip
    """`steps` batches of images and masks (B, 1, H, W), drawn as `segment.fit` draws them.

    With `augment`, a pair that would lose its lesion stays as it was: a lesion of one pixel may
    fall between the pixels of a smaller image. Raises ValueError, at the first batch, for what
    `segment.fit` refuses.
    """
    extra = pool or (images[:0], masks[:0])
    free = images[:0] if free is None else free
    segment._check(images, masks, extra, free, s)
    x = tr.as_planes(np.concatenate([images, extra[0], free]))
    y = np.concatenate([masks, extra[1], np.zeros(free.shape, bool)])
    y, noise = torch.from_numpy(y).unsqueeze(1), tr.torch_generator(augment_rng)
    for at in segment.index_batches(len(images), len(extra[0]), len(free), s, batch_rng):
        inputs, target = x[at], y[at].float()
        yield augmented(inputs, target, noise) if s.augment else (inputs, target)


def augmented(inputs: Tensor, target: Tensor, noise: torch.Generator) -> tuple[Tensor, Tensor]:
    """`classical_pairs`, but a pair (1, H, W) whose lesion would be lost stays as it was."""
    moved = classical_pairs(inputs, target, noise)
    lost = (target.amax((1, 2, 3)) > moved[1].amax((1, 2, 3))).view(-1, 1, 1, 1)
    return torch.where(lost, inputs, moved[0]), torch.where(lost, target, moved[1])


@contextmanager
def statistics_unkept(net: nn.Module) -> Iterator[None]:
    """Batches still are normalised by their own statistics, but running means stay as they were."""
    norms = [each for each in net.modules() if isinstance(each, nn.BatchNorm2d)]
    kept = [each.momentum for each in norms]
    try:
        for each in norms:
            each.momentum = 0.0
        yield
    finally:
        for each, momentum in zip(norms, kept, strict=True):
            each.momentum = momentum


def check(images: np.ndarray, unlabelled: np.ndarray, drawn: int, s: SegmentSettings) -> None:
    """Raise ValueError for volumes, and for unlabelled images that are missing or do not fit."""
    if s.dims != 2 or s.epochs:
        raise ValueError(f"dims is {s.dims}, epochs {s.epochs}; this regime takes 2 and False.")
    if drawn < 1 or not len(unlabelled):
        raise ValueError(
            f"{drawn} of {len(unlabelled)} unlabelled images are drawn a step; give some, draw 1 "
            "or more, or train with all labels."
        )
    if unlabelled.shape[1:] != images.shape[1:]:
        raise ValueError(f"unlabelled is {unlabelled.shape}, images {images.shape}; resample.")
    if not np.isfinite(unlabelled).all() or unlabelled.min() < 0 or unlabelled.max() > 1:
        raise ValueError("unlabelled must be finite and inside [0, 1]; preprocess or drop images.")


# ---- jobs ---------------------------------------------------------------------------------------


def fit_job(train: Callable, data: Result, s: SegmentSettings, stream: list[int]) -> Result:
    """A network of a slice_set, stored as `segment.fit_job` stores it: `segment.load` reads it."""
    known, unlabelled = split(data.arrays, s.labelled)
    rng, free = np.random.default_rng(stream), known.get("free/image")
    net, numbers = train(known["image"], known["mask"], unlabelled, s, rng, free)
    size = {"images": len(known["image"]), "sides": list(known["image"].shape[1:])}
    return Result(weights_to_arrays(net), asdict(s) | size | numbers)


def arm(
    train: Callable, real: Result, pool: Result | None, extra: int | None, test: Result,
    s: SegmentSettings, stream: list[int],
) -> Result:  # fmt: skip
    """What `segment.arm` does, with the masks of a share `s.labelled` of the subjects only.

    train(images, masks, unlabelled, s, rng, free, pool) -> (network, numbers about the training).
    real: a slice_set; test: a volume_set. Arrays: counts (S, D, 3) and example, as of
    `segment.arm`; diagram, see `diagrams`. Scores: images (labelled real ones and those of the
    pool), unlabelled, subjects (labelled), steps, and the numbers. Raises ValueError, before any
    training, for what `train` refuses, and for subjects that are both in train and test.
    """
    known, unlabelled = split(real.arrays, s.labelled)
    return _arm(train, real, known, unlabelled, first(pool, extra), test, s, stream)


def supervised(
    real: Result, pool: Result | None, extra: int | None, test: Result, settings: dict,
    stream: list[int],
) -> Result:  # fmt: skip
    """Job: `segment.arm` of slices, the same network from the same seeds, with what `arm` leaves.

    ValueError for volumes and epochs too.
    """
    s, known = SegmentSettings(**settings), real.arrays
    if s.dims != 2 or s.epochs:
        raise ValueError(f"dims is {s.dims}, epochs {s.epochs}; this regime takes 2 and False.")
    none = known["image"][:0]
    return _arm(_plain, real, known, none, first(pool, extra), test, s, stream)


def _plain(images, masks, unlabelled, s, rng, free, pool) -> tuple[nn.Module, dict]:
    return segment.fit(images, masks, s, rng, free, pool), {}


def _arm(train, real, known, unlabelled, added, test, s, stream) -> Result:
    truth = test.arrays
    check_pairs(truth["image"], truth["mask"])
    segment._check_apart(real.arrays, added, truth)
    sides = truth["image"].shape[-2:]
    if known["image"].shape[1:] != sides:
        raise ValueError(f"sides are {known['image'].shape[1:]}, in test {sides}; resample.")
    pairs = (added["image"], added["mask"]) if added else None
    rng, free = np.random.default_rng(stream), known.get("free/image")
    net, numbers = train(known["image"], known["mask"], unlabelled, s, rng, free, pairs)
    images = truth["image"].reshape(-1, *sides)
    p = probabilities(net, images, s.precision).reshape(truth["mask"].shape)
    found = p > 0.5
    size = {"images": len(known["image"]) + len(added.get("image", ())), "steps": s.steps}
    size |= {"subjects": len(np.unique(known["subject"])), "unlabelled": len(unlabelled)}
    arrays = {"counts": segmentation.overlap(found, truth["mask"]), "example": found[:2]}
    return Result(arrays | {"diagram": diagrams(p, truth["mask"])}, size | numbers)


# ---- probabilities ------------------------------------------------------------------------------


def probabilities(net: nn.Module, images: np.ndarray, precision: str = "bfloat16") -> np.ndarray:
    """Probability of lesion at every pixel of images (N, H, W), float32; `segment.predict` is
    where it is above one half."""
    with torch.no_grad(), segment.autocast(2, precision):
        parts = tr.as_planes(images).split(segment.AT_ONCE[2])
        logits = [net(segment._laid_out(x))[:, 0] + segment.PRIOR[2] for x in parts]
    return torch.cat(logits).float().sigmoid().numpy()


def diagrams(p: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Reliability of pixels near lesions, p and masks (S, D, H, W) -> (S, BINS, 3) float64.

    `classification.reliability` over the bounding box, grown by NEAR pixels, of the lesion in every
    slice that has one, as Mehrtash et al. 2020 take boxes: over whole slices the sure background,
    by far the most pixels, would make any network well calibrated. The truth alone says which
    pixels count, so they are the same in every arm.
    """
    boxes = near(masks)
    return np.array([
        classification.reliability(q[box], m[box], BINS) if box.any() else np.zeros((BINS, 3))
        for q, m, box in zip(p, masks, boxes, strict=True)
    ])  # fmt: skip


def near(masks: np.ndarray) -> np.ndarray:
    """The bounding box of each slice's lesion, grown by NEAR pixels, (S, D, H, W) bool."""
    found = np.zeros(masks.shape, bool)
    for s, d in zip(*np.nonzero(masks.any((2, 3))), strict=True):
        ends = [np.flatnonzero(masks[s, d].any(axis))[[0, -1]] for axis in (1, 0)]
        box = tuple(slice(max(int(low) - NEAR, 0), int(high) + NEAR + 1) for low, high in ends)
        found[(s, d, *box)] = True
    return found
