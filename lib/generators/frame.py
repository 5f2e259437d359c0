"""What every generator family offers, and what they share.

    for state in fit(data, ..., settings, rng): ...   # state.at, .model, .losses
    model.sample(labels, rng) -> images               # (N,) labels -> (N, H, W) float32 in [0, 1]
    model.sample(n, rng) -> images, masks             # of pairs: masks (N, H, W) bool

A family's jobs are `fit_job` (weights as arrays, settings and log as scores) and `pool` (samples);
`load` makes the model again from what `fit_job` left.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from lib.datasets.splits import interleaved_labels
from lib.datasets.variants import mix_pattern
from lib.generators.observation import Noise
from lib.jobs import Result
from lib.metrics.fidelity import frechet
from lib.networks.classifier import SmallCNN
from lib.tasks import classify
from lib.training import loop as tr
from lib.training.loop import as_pairs, from_logits
from lib.training.weights import freeze, load_arrays, seeded, weights_to_arrays

EVERY = 50  # steps between two States, where epochs are not counted
CHUNK = 250  # images encoded, denoised or decoded at once


class Generator(Protocol):
    """Anything that draws images of requested classes."""

    def sample(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw one image (H, W) in [0, 1] for each label of (N,)."""
        ...


# ---- fits ---------------------------------------------------------------------------------------


@dataclass
class State:
    """What `fit` yields: how far it is, the model, and means of its losses since the last State."""

    at: dict[str, int | str]  # {"epoch": 3}, {"step": 50} or {"stage": "coder", "step": 50}
    model: nn.Module
    losses: dict[str, float]

    @property
    def row(self) -> dict:
        """One row of a log."""
        return {**self.at, **self.losses}


def from_json(kind: type, settings: dict):
    """Settings of a family (a dataclass) from plain JSON, whose lists were tuples."""
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in settings.items()})


def to_its_end(states: Iterable[State], settings, prefix: str = "model/") -> Result:
    """Run a fit and keep its last weights. Scores: the settings and the log."""
    log = []
    for state in states:
        log.append(state.row)
    weights = weights_to_arrays(state.model, prefix)
    return Result(weights, {"settings": asdict(settings), "log": log})


def restored(model: type, kind: type, fitted: Result, prefix: str = "model/") -> nn.Module:
    """model(settings) with the weights and settings that a fit has left, frozen."""
    settings = from_json(kind, fitted.scores["settings"])
    return freeze(load_arrays(model(settings), fitted.arrays, prefix))


class EarlyStopping:
    """Keeps the weights of the epoch whose samples have the least FD to validation images.

    With `noise` the samples are draws about the images that the model gives.

    The features are those of a random, untrained network, each divided by its standard deviation
    over the validation images: shallow features, as the paper says, and in no generator's loss.
    Neither this network nor these images ever score a generator.
    """

    IMAGES = 1000  # on each side, at most
    SEED = 1  # of the network; the one that scores generators (fd2) has another

    def __init__(
        self, validation: np.ndarray, rng: np.random.Generator, noise: Noise | None = None
    ):
        self.rng, self.noise = rng, noise
        self.network = freeze(seeded(SmallCNN, np.random.default_rng(self.SEED)))
        self.labels = interleaved_labels(min(self.IMAGES, len(validation)) // 4 * 4)
        self.target = classify.features(self.network, validation[: len(self.labels)])
        self.scale = self.target.std(0) + 1e-6
        self.log: list[dict] = []
        self.weights: dict[str, np.ndarray] = {}

    def distance(self, images: np.ndarray) -> float:
        """FD of images (N, H, W) to the validation images."""
        seen = classify.features(self.network, images)
        return frechet(seen / self.scale, self.target / self.scale, few=True)

    def see(self, state: State) -> None:
        """Score one epoch of a fit."""
        model = state.model.eval()
        score = self.distance(observed(model.sample(self.labels, self.rng), self.noise, self.rng))
        if not self.log or score < min(row["fd_validation"] for row in self.log):
            self.weights = weights_to_arrays(model, "best/")
        self.log.append(state.row | {"fd_validation": score})
        model.train()

    @property
    def scores(self) -> dict:
        """The log, one dict per epoch, and the epoch that was kept."""
        best = min(self.log, key=lambda row: row["fd_validation"])
        return {"log": self.log, "best_epoch": best["epoch"]}


# ---- pools --------------------------------------------------------------------------------------


def labels_of(
    n: int, mix: list[int] | None, drawn: bool, rng: np.random.Generator
) -> np.ndarray:  # fmt: skip
    """(n,) class labels in the mix mix[0] : mix[1] : mix[2]; without one, in that of Table 1.

    Exactly so, or `drawn` one by one with these frequencies. `rng` itself is left as it was: what
    is drawn with it afterwards depends neither on the mix nor on `drawn`.
    """
    if mix is None:
        return interleaved_labels(n)
    if drawn:
        return rng.spawn(1)[0].choice(len(mix), size=n, p=np.array(mix) / sum(mix))
    return interleaved_labels(n, mix_pattern(tuple(mix)))


def labelled_pool(
    generator: Generator, n: int, stream: list[int], mix: list[int] | None = None,
    drawn: bool = False, noise: Noise | None = None,
) -> Result:  # fmt: skip
    """n samples with labels of `labels_of`: arrays image and label.

    With `noise` they are draws about the images that the generator gives.
    """
    rng = np.random.default_rng(stream)
    labels = labels_of(n, mix, drawn, rng)
    image = observed(generator.sample(labels, rng), noise, rng)
    return Result({"image": image, "label": labels}, {"n": n})


def pair_pool(generator, n: int, stream: list[int], noise: Noise | None = None) -> Result:
    """n new pairs: arrays image and mask; `noise` as in `labelled_pool`."""
    rng = np.random.default_rng(stream)
    image, mask = generator.sample(n, rng)
    return Result({"image": observed(image, noise, rng), "mask": mask}, {"n": n})


def observed(images: np.ndarray, noise: Noise | None, rng: np.random.Generator) -> np.ndarray:
    """Draws about images (N, H, H), or without noise the images themselves."""
    if noise is None:
        return images
    return noise.on(torch.from_numpy(images), tr.torch_generator(rng)).numpy()


def remade(images: Result, n: int, again: Callable[[Tensor], Tensor]) -> Result:
    """The first n pairs of a set, and beside them what `again` makes of them.

    again: pairs (N, 2, H, W) -> logits of the same shape. Arrays: image, mask, reconstruction,
    mask_reconstruction.
    """
    image, mask = images.arrays["image"][:n], images.arrays["mask"][:n]
    with torch.no_grad():
        logits = [again(part) for part in as_pairs(image, mask).split(CHUNK)]
    names = ("image", "mask", "reconstruction", "mask_reconstruction")
    parts = (image, mask, *from_logits(torch.cat(logits)))
    return Result(dict(zip(names, parts, strict=True)), {"n": len(image)})
