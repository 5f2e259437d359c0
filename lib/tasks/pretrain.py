"""A segmenter that learns from a pool first and from real slices then.

The third way to use synthetic slices beside all in one pot and a share of every batch: what they
teach wrongly can be unlearnt. Network, loss, batches and steps in all are those of `segment`.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from lib.datasets.checks import check_pairs
from lib.datasets.splits import first
from lib.jobs import Result
from lib.metrics import segmentation
from lib.networks.augment import classical_pairs
from lib.tasks import architectures, segment
from lib.tasks.segment import SegmentSettings
from lib.training import loop as tr
from lib.training.weights import freeze

FIRST = 0.5  # share of all steps that the pool alone is learnt from
Pairs = tuple[np.ndarray, np.ndarray]


def fit(
    real: Pairs, pool: Pairs, free: np.ndarray, s: SegmentSettings, rng: np.random.Generator
) -> nn.Module:
    """Train on a pool, then on real slices; images (N, H, W) in [0, 1] with masks, bool.

    Lesion-free real slices (N, H, W) have their share in both stages. Each stage has a cosine of
    its own, the second from half the rate. Raises ValueError, before any training, for what
    `segment.fit` refuses, and for volumes, an empty pool, and settings that mix or add steps.
    """
    if s.dims != 2 or s.epochs or s.synthetic is not None:
        raise ValueError(
            f"dims is {s.dims}, epochs {s.epochs}, synthetic {s.synthetic}; pretraining takes 2, "
            "False and None."
        )
    if not len(pool[0]):
        raise ValueError("the pool is empty; give pairs to learn from first.")
    none = real[0][:0], real[1][:0]
    for images, masks in (pool, real):
        segment._check(images, masks, none, free, s)
    init_rng, *rngs = rng.spawn(3)
    net = architectures.create(s.architecture, 2, real[0].shape[1:], init_rng).train()
    before = round(FIRST * s.steps)
    stages = (pool, before, s.rate), (real, s.steps - before, 0.5 * s.rate)
    for (pairs, steps, rate), each in zip(stages, rngs, strict=True):
        _learn(net, pairs, free, replace(s, steps=steps, rate=rate), each)
    return freeze(net)


def _learn(
    net: nn.Module, pairs: Pairs, free: np.ndarray, s: SegmentSettings, rng: np.random.Generator
) -> None:
    optimizer = torch.optim.Adam(net.parameters(), s.rate)
    for step, (inputs, target) in enumerate(_batches(*pairs, free, s, rng)):
        tr.set_rate(optimizer, tr.cosine(step, s.steps, s.rate, 1e-5))
        with segment.autocast(2, s.precision):
            logits = net(segment._laid_out(inputs)) + segment.PRIOR[2]
        tr.descend(optimizer, segment.loss(logits.float(), target))


def _batches(
    images: np.ndarray, masks: np.ndarray, free: np.ndarray, s: SegmentSettings,
    rng: np.random.Generator,
) -> Iterator[tuple[Tensor, Tensor]]:  # fmt: skip
    """`steps` batches of images and masks (B, 1, H, W)."""
    batch_rng, augment_rng = rng.spawn(2)
    x = tr.as_planes(np.concatenate([images, free]))
    y = np.concatenate([masks, np.zeros(free.shape, bool)])
    y, noise = torch.from_numpy(y).unsqueeze(1), tr.torch_generator(augment_rng)
    for at in segment.index_batches(len(images), 0, len(free), s, batch_rng):
        inputs, target = x[at], y[at].float()
        yield classical_pairs(inputs, target, noise) if s.augment else (inputs, target)


def arm(
    real: Result, pool: Result, extra: int | None, test: Result, settings: dict, stream: list[int]
) -> Result:
    """Job: what `segment.arm` does for slices, with the pool learnt first."""
    s, train, truth = SegmentSettings(**settings), real.arrays, test.arrays
    added = first(pool, extra)
    check_pairs(truth["image"], truth["mask"])
    segment._check_apart(train, added, truth)
    sides = truth["image"].shape[-2:]
    if train["image"].shape[1:] != sides:
        raise ValueError(f"sides are {train['image'].shape[1:]}, in test {sides}; resample.")
    parts = [(each["image"], each["mask"]) for each in (train, added)]
    free = train.get("free/image", train["image"][:0])
    net = fit(*parts, free, s, np.random.default_rng(stream))
    found = segment.predict(net, truth["image"].reshape(-1, *sides), s.precision)
    found = found.reshape(truth["mask"].shape)
    size = {"images": sum(len(images) for images, _ in parts), "steps": s.steps}
    size |= {"subjects": len(np.unique(train["subject"]))}
    counts = segmentation.overlap(found, truth["mask"])
    return Result({"counts": counts, "example": found[:2]}, size)
