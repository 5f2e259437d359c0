"""The downstream task of dHVAE: segmentation of slices or volumes from few annotated subjects.

The same training serves the arms of a study, the guide of a generator (its training slices only)
and the independent reader that judges generators (plentiful fresh slices).
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.datasets.checks import check_pairs
from lib.datasets.splits import assert_subject_disjoint, first
from lib.jobs import Result
from lib.metrics import segmentation
from lib.networks.augment import classical_pairs
from lib.tasks import architectures
from lib.training import loop as tr
from lib.training.weights import freeze, weights_to_arrays

PRIOR = {2: 0.0, 3: -4.0}  # added to logits: of a volume a lesion fills some voxels in a thousand,
# and a network that starts from one half learns to see none
AT_ONCE = {2: 256, 3: 2}  # slices or volumes segmented in one go


@dataclass(frozen=True)
class SegmentSettings:
    """Ours: the paper states neither epochs nor steps."""

    architecture: str = "unet"  # a name of lib.tasks.architectures
    dims: int = 2  # 2: slices, 3: whole volumes
    steps: int = 300  # equal in every arm, unless
    epochs: bool = False  # a pool brings steps of its own: as many epochs as of real images alone
    batch: int = 16  # 2 of volumes
    rate: float = 5e-3  # Adam, cosine decay to 1e-5
    free: float = 0.25  # of a batch of slices: lesion-free slices of the same subjects
    synthetic: float | None = None  # of the rest: from the pool; None: all slices count alike
    augment: bool = False  # classical augmentation of every pair, drawn anew each step
    precision: str = "bfloat16"  # of slices; volumes take float32, see `autocast`


def fit(
    images: np.ndarray, masks: np.ndarray, settings: SegmentSettings, rng: np.random.Generator,
    free: np.ndarray | None = None, pool: tuple[np.ndarray, np.ndarray] | None = None,
) -> nn.Module:  # fmt: skip
    """Train on images (N, *sides) in [0, 1] with their masks; returns the network frozen.

    pool: further (images, masks) that are not real. free: real slices without a lesion, used in
    2-D only (volumes bring theirs). Raises ValueError, before any training, for masks that do not
    fit the images, no lesion pixel at all, other dims than the settings', or a share of batches
    that has nothing to draw from.
    """
    s = settings
    extra = pool or (images[:0], masks[:0])
    free = images[:0] if free is None or s.dims == 3 else free
    _check(images, masks, extra, free, s)
    init_rng, batch_rng, augment_rng = rng.spawn(3)
    batches = index_batches(len(images), len(extra[0]), len(free), s, batch_rng)
    net = architectures.create(s.architecture, s.dims, images.shape[1:], init_rng).train()
    optimizer = torch.optim.Adam(net.parameters(), s.rate)
    x = tr.as_planes(np.concatenate([images, extra[0], free]))
    y = np.concatenate([masks, extra[1], np.zeros(free.shape, bool)])
    y, noise = torch.from_numpy(y).unsqueeze(1), tr.torch_generator(augment_rng)
    for step, at in enumerate(batches):
        tr.set_rate(optimizer, tr.cosine(step, s.steps, s.rate, 1e-5))
        inputs, target = x[at], y[at].float()
        if s.augment:
            inputs, target = classical_pairs(inputs, target, noise)
        with autocast(s.dims, s.precision):
            logits = net(_laid_out(inputs)) + PRIOR[s.dims]
        tr.descend(optimizer, loss(logits.float(), target))
    return freeze(net)


def loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy plus soft Dice, with p = sigmoid(logits) and sums over all pixels of the batch.

    L = -mean(y log p + (1 - y) log(1 - p)) + 1 - (2 sum(p y) + 1) / (sum p + sum y + 1)
    """
    p = logits.sigmoid()
    dice = (2 * (p * target).sum() + 1) / (p.sum() + target.sum() + 1)
    return F.binary_cross_entropy_with_logits(logits, target) + 1 - dice


def shares(extra: int, free: int, s: SegmentSettings) -> tuple[int, int, int]:
    """How many of a batch are lesion images, pool images (0: drawn among them), lesion-free slices.

    Raises ValueError where the settings ask for what is not there.
    """
    healthy = 0 if s.dims == 3 else round(s.batch * s.free)
    if healthy and not free:
        raise ValueError(f"free is {s.free}, but no lesion-free slice is given; set free to 0.")
    if s.synthetic is not None and not extra:
        raise ValueError(f"synthetic is {s.synthetic}, but there is no pool; set it to None.")
    drawn = round((s.batch - healthy) * (s.synthetic or 0))
    return s.batch - healthy - drawn, drawn, healthy


def index_batches(
    real: int, extra: int, free: int, s: SegmentSettings, rng: np.random.Generator
) -> Iterator[Tensor]:
    """`steps` batches of indices into [real images, pool, lesion-free slices].

    Without `synthetic`, real and pool images are shuffled together; with it, each part of a batch
    goes through its own shuffled passes.
    """
    first, second, third = shares(extra, free, s)
    together = real + extra if s.synthetic is None else real
    parts = [(0, together, first), (real, extra, second), (real + extra, free, third)]
    parts = [(*part, each) for part, each in zip(parts, rng.spawn(3), strict=True) if part[2]]
    streams = [tr.batches(n, size, s.steps, each) for _, n, size, each in parts]
    for found in zip(*streams, strict=True):
        yield torch.cat([start + at for (start, *_), at in zip(parts, found, strict=True)])


def autocast(dims: int, precision: str) -> AbstractContextManager:
    """Mixed precision for slices only: in bfloat16 the gradients of a 3-D convolution differ from
    run to run on a CPU (torch 2.13), and the same seed must give the same bytes."""
    return tr.autocast(precision if dims == 2 else "float32")


def predict(net: nn.Module, images: np.ndarray, precision: str = "bfloat16") -> np.ndarray:
    """Masks (bool, probability above 0.5) of images (N, H, W), or of (N, D, H, W) by a 3-D net."""
    dims = images.ndim - 1
    parts = tr.as_planes(images).split(AT_ONCE[dims])
    with torch.no_grad(), autocast(dims, precision):
        masks = [net(_laid_out(x))[:, 0] + PRIOR[dims] > 0 for x in parts]
    return torch.cat(masks).numpy()


def _laid_out(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last) if x.ndim == 4 else x


def _check(images, masks, extra, free, s: SegmentSettings) -> None:
    if images.ndim != s.dims + 1:
        raise ValueError(f"dims is {s.dims}, images have shape {images.shape}; set dims to fit.")
    for name, (x, y) in {"images": (images, masks), "pool": extra, "free": (free, free)}.items():
        if x.shape != y.shape:
            raise ValueError(f"{name} have shape {x.shape}, masks {y.shape}; pair them one by one.")
        if x.shape[1:] != images.shape[1:]:
            raise ValueError(f"{name} have shape {x.shape}, real images {images.shape}; resample.")
    check_pairs(np.concatenate([images, extra[0]]), np.concatenate([masks, extra[1]]))
    shares(len(extra[0]), len(free), s)


# ---- jobs ---------------------------------------------------------------------------------------


def fit_job(data: Result, settings: dict, stream: list[int]) -> Result:
    """Job: a segmenter of a slice_set or, with dims = 3, of a volume_set."""
    s, part = SegmentSettings(**settings), data.arrays
    rng = np.random.default_rng(stream)
    net = fit(part["image"], part["mask"], s, rng, part.get("free/image"))
    size = {"images": len(part["image"]), "sides": list(part["image"].shape[1:])}
    return Result(weights_to_arrays(net), asdict(s) | size)


def load(result: Result) -> nn.Module:
    """The frozen network of `fit_job`."""
    s = result.scores
    return architectures.restore(s["architecture"], s["dims"], tuple(s["sides"]), result.arrays)


def arm(
    real: Result, pool: Result | None, extra: int | None, test: Result, settings: dict,
    stream: list[int],
) -> Result:  # fmt: skip
    """Job: train on the real pairs and the first `extra` (None: all) of a pool, segment the test.

    real: a slice_set, or a volume_set with dims = 3; test: a volume_set, every slice of which is
    segmented. Arrays: counts (S, D, 3) of `metrics.segmentation`, example (2, D, H, W) bool, the
    first two test subjects. Raises ValueError, before any training, for what `fit` refuses, a pool
    that is too small, and subjects that are both in train and test.
    """
    s, train, truth = SegmentSettings(**settings), real.arrays, test.arrays
    added = first(pool, extra)
    check_pairs(truth["image"], truth["mask"])
    _check_apart(train, added, truth)
    images, sides = train["image"], truth["image"].shape[-s.dims :]
    if images.shape[1:] != sides:
        raise ValueError(f"sides are {images.shape[1:]}, in test {sides}; set dims or resample.")
    pairs = (added["image"], added["mask"]) if added else None
    if s.epochs and added:
        s = replace(s, steps=round(s.steps * (1 + len(added["image"]) / len(images))))
    rng = np.random.default_rng(stream)
    net = fit(images, train["mask"], s, rng, train.get("free/image"), pairs)
    found = predict(net, truth["image"].reshape(-1, *sides), s.precision)
    found = found.reshape(truth["mask"].shape)
    size = {"images": len(images) + len(added.get("image", ())), "steps": s.steps}
    size |= {"subjects": len(np.unique(train["subject"]))}
    counts = segmentation.overlap(found, truth["mask"])
    return Result({"counts": counts, "example": found[:2]}, size)


def _check_apart(train: dict, added: dict, truth: dict) -> None:
    held = [part[name] for part in (train, added) for name in part if name.endswith("subject")]
    assert_subject_disjoint(train=np.concatenate(held), test=truth["subject"])
