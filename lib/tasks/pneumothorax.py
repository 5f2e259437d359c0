"""The segmentation task of the paper ControlNet: pneumothorax by UNet++, empty masks allowed.

UNet++ (Zhou et al. 2018) is MONAI's, with an eighth to a quarter of its channels. It sees the means
of 2 x 2 pixels and its logits are doubled, as the networks of `architectures` do: a step of 16 then
costs 0.07 s instead of 0.2 s.
"""

import contextlib
import io
import warnings
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from lib.datasets.checks import check_images
from lib.datasets.pools import masks
from lib.datasets.splits import assert_subject_disjoint, first
from lib.jobs import Result
from lib.metrics import segmentation
from lib.networks.augment import classical_pairs
from lib.tasks import segment
from lib.tasks.architectures import Reduced
from lib.tasks.segment import SegmentSettings
from lib.training import loop as tr
from lib.training.weights import freeze, load_arrays, seeded, weights_to_arrays

CHANNELS = (8, 8, 16, 32, 64, 8)  # of five depths, and of the last layers; published 32 to 512
UNIT = 32  # sides are multiples of it: sixteen of the reduced image, two pixels


@dataclass(frozen=True)
class PneumothoraxSettings:
    """The paper: as in the paper of UNet++. Ours is a narrow network and a short run."""

    steps: int = 600  # equal in every arm, unless
    epochs: bool = False  # a pool brings steps of its own: as many epochs as of real films alone
    batch: int = 16
    rate: float = 5e-3  # Adam, cosine decay to 1e-5
    synthetic: float | None = None  # share of a batch from the pool; None: all films count alike
    augment: bool = False  # rotation, zoom, shift and mirror of every pair, drawn anew each step
    precision: str = "bfloat16"


class Finest(nn.Module):
    """UNet++ without deep supervision: of its list of outputs the one and only."""

    def __init__(self):
        super().__init__()
        from monai.networks import nets  # takes seconds: only jobs that need it pay

        with contextlib.redirect_stdout(io.StringIO()):  # MONAI prints its channels
            self.net = nets.BasicUNetPlusPlus(2, 1, 1, features=CHANNELS)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)[0]


def build() -> nn.Module:
    """UNet++, its weights from torch's global state: films (B, 1, H, W) -> logits (B, 1, H, W).

    H and W are multiples of UNIT. Weights: 151,924.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI uses what newer torch and numpy deprecate
        return Reduced(Finest(), (2, 2))


def fit(
    images: np.ndarray, lesions: np.ndarray, settings: PneumothoraxSettings,
    rng: np.random.Generator, pool: tuple[np.ndarray, np.ndarray] | None = None,
) -> nn.Module:  # fmt: skip
    """Train on images (N, H, W) in [0, 1] and masks of lesions, bool, any of them empty.

    pool: further (images, masks) that are not real. The loss is `segment.loss`, whose Dice is of a
    whole batch, so an empty mask has its share in it. Returns the network frozen. Raises
    ValueError, before any training, for images or masks that are not so.
    """
    s, extra = settings, pool or (images[:0], lesions[:0])
    x, y = np.concatenate([images, extra[0]]), np.concatenate([lesions, extra[1]])
    _check(x, y)
    init_rng, batch_rng, augment_rng = rng.spawn(3)
    drawn = SegmentSettings(steps=s.steps, batch=s.batch, free=0.0, synthetic=s.synthetic)
    batches = segment.index_batches(len(images), len(extra[0]), 0, drawn, batch_rng)
    net = seeded(build, init_rng).train()
    optimizer = torch.optim.Adam(net.parameters(), s.rate)
    x, y, noise = tr.as_planes(x), torch.from_numpy(y).unsqueeze(1), tr.torch_generator(augment_rng)
    for step, at in enumerate(batches):
        tr.set_rate(optimizer, tr.cosine(step, s.steps, s.rate, 1e-5))
        inputs, target = x[at], y[at].float()
        if s.augment:
            inputs, target = classical_pairs(inputs, target, noise)
        with tr.autocast(s.precision):
            logits = net(inputs.contiguous(memory_format=torch.channels_last))
        tr.descend(optimizer, segment.loss(logits.float(), target))
    return freeze(net)


def predict(net: nn.Module, images: np.ndarray, precision: str = "bfloat16") -> np.ndarray:
    """Masks (N, H, W) bool, probability above one half, of images (N, H, W)."""
    return segment.predict(net, images, precision)


def _check(x: np.ndarray, y: np.ndarray) -> None:
    check_images(x, unit_range=True)
    if y.shape != x.shape or y.dtype != bool:
        raise ValueError(f"masks {y.shape} of {y.dtype} must be bool, one for each image {x.shape}")
    if x.shape[1] % UNIT or x.shape[2] % UNIT:
        raise ValueError(f"images are {x.shape}; use sides of multiples of {UNIT}.")


# ---- jobs ---------------------------------------------------------------------------------------


def fit_job(
    data: Result, n: int | None, settings: dict, stream: list[int], added: Result | None = None,
    added_n: int | None = 0,
) -> Result:  # fmt: skip
    """Job: a segmenter of the first n (None: all) films of a set and the first added_n of a pool.

    Arrays: its weights. Scores: settings, images, and the steps that it took.
    """
    parts = first(data, n), first(added, added_n)
    net, s = _fitted(parts, PneumothoraxSettings(**settings), stream)
    return Result(weights_to_arrays(net), asdict(s) | {"images": _count(parts)})


def load(result: Result) -> nn.Module:
    """The frozen network of `fit_job`."""
    return freeze(load_arrays(build(), result.arrays))


def arm(
    data: Result, n: int | None, test: Result, settings: dict, stream: list[int],
    added: Result | None = None, added_n: int | None = 0,
) -> Result:  # fmt: skip
    """Job: the network of `fit_job` from the same films, settings and seeds, on the test films.

    Arrays: counts (N, 1, 3) of `metrics.segmentation`, each film a subject of one slice; example
    (8, H, W) bool, of the first test films. Scores: images, steps. Raises ValueError, before any
    training, for what `fit` refuses and for subjects that are both in train and test.
    """
    parts = first(data, n), first(added, added_n)
    known = [part["subject"] for part in parts if "subject" in part]
    held = test.arrays["subject"]
    assert_subject_disjoint(train=np.concatenate([*known, held[:0]]), test=held)
    net, s = _fitted(parts, PneumothoraxSettings(**settings), stream)
    found = predict(net, test.arrays["image"], s.precision)
    counts = segmentation.overlap(found[:, None], masks(test.arrays)[:, None])
    return Result({"counts": counts, "example": found[:8]}, {"images": _count(parts),
                                                            "steps": s.steps})  # fmt: skip


def _fitted(parts: tuple[dict, dict], s: PneumothoraxSettings, stream: list[int]):
    real, pool = ((part["image"], masks(part)) if part else None for part in parts)
    if s.epochs and pool:
        s = replace(s, steps=round(s.steps * (1 + len(pool[0]) / len(real[0]))))
    return fit(*real, s, np.random.default_rng(stream), pool), s


def _count(parts: tuple[dict, dict]) -> int:
    return sum(len(part.get("image", ())) for part in parts)
