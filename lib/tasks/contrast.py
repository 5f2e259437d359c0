"""Segmentation with contrast of pixels: our stand-in for PathoSyn's unsupervised "Contra-Seg".

The paper cites a registration method (Liu et al. 2023), says nothing of how it is trained or where
synthetic pairs enter, and needs an atlas that no data set here has. Ours is another method: a U-Net
of few labelled subjects whose pixels are embedded. Embeddings of one class are drawn together, of
labelled pixels (supervised contrast, Khosla et al. 2020); those of one pixel under two noises, of
unlabelled ones (van den Oord et al. 2018). Never call it Contra-Seg without saying so.

Tiny lesions count: a cell of the map is lesion where any pixel of it is; every class that a batch
holds is drawn, and weighs the same however few its pixels; each pixel is seen in two views, so that
even a single one has a partner. A batch without any lesion, which only a pool of empty masks can
fill, is counted.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.jobs import Result
from lib.networks.augment import classical
from lib.networks.unet import WIDTHS
from lib.tasks import architectures, regimes, segment
from lib.tasks.segment import SegmentSettings
from lib.training import loop as tr
from lib.training.weights import freeze, seeded

EMBEDDED = 16  # dimensions of an embedded pixel


@dataclass(frozen=True)
class ContrastSettings(SegmentSettings):
    """Ours, see above. Slices and the U-Net only."""

    labelled: float = 0.1  # of the subjects, the first ones
    unlabelled: int = 8  # images of the other subjects a step, beside the batch of labelled ones
    pixels: int = 64  # of each class, and of the unlabelled images, that are contrasted a step
    temperature: float = 0.1
    weight: float = 0.01  # of the two contrasts; ten times as much costs 0.13 of Dice
    warm_up: float = 0.2  # share of training before they count: first maps must mean something


def train(
    images: np.ndarray, masks: np.ndarray, unlabelled: np.ndarray, settings: ContrastSettings,
    rng: np.random.Generator, free: np.ndarray | None = None, pool: regimes.Pairs | None = None,
) -> tuple[nn.Module, dict[str, int]]:  # fmt: skip
    """Train on images (N, H, W) with masks and on unlabelled (M, H, W) images, all in [0, 1].

    Arguments as of `semi.train`. Returns the U-Net frozen, without its embedding, and
    {"without_lesion": number of contrasted batches that held no lesion}. Weights and labelled
    batches start from rng as in `segment.fit`. Raises ValueError, before any training, for what
    `segment.fit` refuses, for volumes and other networks, without unlabelled images, for a warm-up
    outside [0, 1), and unless pixels and temperature are positive.
    """
    s = settings
    regimes.check(images, unlabelled, s.unlabelled, s)
    if s.architecture != "unet" or s.pixels < 1 or not 0 <= s.warm_up < 1 or s.temperature <= 0:
        raise ValueError(
            "architecture must be 'unet', pixels 1 or more, warm_up in [0, 1) and temperature "
            f"positive; got {s.architecture!r}, {s.pixels}, {s.warm_up} and {s.temperature}."
        )
    init_rng, batch_rng, augment_rng, other_rng, view_rng = rng.spawn(5)
    batches = regimes.labelled_batches(images, masks, free, pool, s, batch_rng, augment_rng)
    net = architectures.create("unet", 2, images.shape[1:], init_rng)
    embedder = Embedder(net, other_rng).train()
    optimizer = torch.optim.Adam(embedder.parameters(), s.rate)
    others, noise = tr.as_planes(unlabelled), tr.torch_generator(view_rng)
    drawn, missing = tr.batches(len(others), s.unlabelled, s.steps, other_rng), 0
    for step, ((inputs, target), at) in enumerate(zip(batches, drawn, strict=True)):
        tr.set_rate(optimizer, tr.cosine(step, s.steps, s.rate, 1e-5))
        logits, one = _seen(embedder, inputs, s)
        total = segment.loss(logits, target)
        if step >= s.warm_up * s.steps:
            views = [classical(x, noise, pixels=0) for x in (inputs, others[at], others[at])]
            sizes = [len(view) for view in views]
            with regimes.statistics_unkept(embedder):
                two, *own = _seen(embedder, torch.cat(views), s)[1].split(sizes)
            cells = places(target, one.shape[2:], s.pixels, noise)
            missing += not len(cells[1])
            some = torch.randperm(own[0][:, 0].numel(), generator=noise)[: s.pixels]
            terms = of_classes(one, two, cells), of_pixels(*own, some)
            total = total + s.weight * sum(contrast(*term, s.temperature) for term in terms)
        tr.descend(optimizer, total)
    embedder.hook.remove()
    return freeze(net), {"without_lesion": missing}


class Embedder(nn.Module):
    """A U-Net, and unit vectors of the maps that its head reads.

    (B, 1, H, W) -> logits (B, 1, H, W) and embeddings (B, EMBEDDED, H // 2, W // 2).
    """

    def __init__(self, net: nn.Module, rng: np.random.Generator):
        super().__init__()
        self.net, width = net, WIDTHS[0]
        self.project = seeded(
            lambda: nn.Sequential(
                nn.Conv2d(width, width, 1), nn.ReLU(), nn.Conv2d(width, EMBEDDED, 1)
            ),
            rng,
        )
        self.hook = net.head.register_forward_pre_hook(self._keep)

    def _keep(self, _, inputs: tuple[Tensor, ...]) -> None:
        (self.maps,) = inputs

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.net(x)
        return logits, F.normalize(self.project(self.maps).float(), dim=1)


def places(
    target: Tensor, sides: tuple[int, int], most: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Up to `most` random cells of background and of lesion, as indices into B * h * w.

    target (B, 1, H, W) of 0 and 1, sides (h, w) of the maps. A cell is lesion if any of its pixels
    is; none is left out, so that a class is missing only if no pixel of the batch is of it.
    """
    lesion = F.adaptive_max_pool2d(target, sides).flatten() > 0
    found = [torch.nonzero(lesion == of).flatten() for of in (False, True)]
    return tuple(at[torch.randperm(len(at), generator=generator)[:most]] for at in found)


def of_classes(one: Tensor, two: Tensor, cells: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Embeddings (n, d) of cells in both views, and their classes (n,)."""
    at = torch.cat(cells)
    label = torch.repeat_interleave(torch.arange(2), torch.tensor([len(each) for each in cells]))
    return torch.cat([_rows(one)[at], _rows(two)[at]]), label.repeat(2)


def of_pixels(one: Tensor, two: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """Embeddings (n, d) of cells in both views, and which cell each is."""
    return torch.cat([_rows(one)[at], _rows(two)[at]]), torch.arange(len(at)).repeat(2)


def contrast(z: Tensor, groups: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss, equation 2 of Khosla et al. 2020, with groups of equal weight.

    z (n, d) unit rows; groups (n,), two members or more in each, else ValueError. Of every row i:
    -mean over p in its group of log(exp(z_i.z_p / t) / sum over a != i of exp(z_i.z_a / t)); the
    mean of a group's rows, and the mean of the groups. With groups of two it is InfoNCE.
    """
    names, at, count = torch.unique(groups, return_inverse=True, return_counts=True)
    if (count < 2).any():
        raise ValueError(f"group {names[count.argmin()]} has one member; give each two or more.")
    itself = torch.eye(len(z), dtype=torch.bool)
    alike = (z @ z.T / temperature).masked_fill(itself, -torch.inf)
    share = alike - alike.logsumexp(1, keepdim=True)
    same = (at[:, None] == at) & ~itself
    of_row = -share.masked_fill(~same, 0.0).sum(1) / (count[at] - 1)
    return (of_row / count[at]).sum() / len(count)


def _rows(maps: Tensor) -> Tensor:
    return maps.permute(0, 2, 3, 1).flatten(0, 2)


def _seen(embedder: Embedder, x: Tensor, s: SegmentSettings) -> tuple[Tensor, Tensor]:
    with segment.autocast(2, s.precision):
        logits, embedded = embedder(segment._laid_out(x))
        return logits.float() + segment.PRIOR[2], embedded


# ---- jobs ---------------------------------------------------------------------------------------


def fit_job(data: Result, settings: dict, stream: list[int]) -> Result:
    """Job: the network of a slice_set, of which a share of the subjects is labelled."""
    return regimes.fit_job(train, data, ContrastSettings(**settings), stream)


def arm(
    real: Result, pool: Result | None, extra: int | None, test: Result, settings: dict,
    stream: list[int],
) -> Result:  # fmt: skip
    """Job: `regimes.arm` of a network with contrast of pixels."""
    return regimes.arm(train, real, pool, extra, test, ContrastSettings(**settings), stream)
