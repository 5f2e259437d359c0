"""What every generator family offers, and what they share.

    for state in fit(data, ..., settings, rng): ...   # state.epoch, .generator, .losses
    generator.sample(labels, rng) -> images           # (N,) labels -> (N, H, W) float32 in [0, 1]

A family's jobs are `fit_job` (weights as arrays, the log as scores) and `pool` (labelled samples).
"""

from typing import Protocol

import numpy as np

from lib.datasets.splits import interleaved_labels
from lib.jobs import Result
from lib.metrics.fidelity import frechet
from lib.networks.classifier import SmallCNN
from lib.tasks import classify
from lib.training import loop as tr


class Generator(Protocol):
    """Anything that draws images of requested classes."""

    def sample(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw one image (H, W) in [0, 1] for each label of (N,)."""
        ...


def labelled_pool(generator: Generator, n: int, stream: list[int]) -> Result:
    """n samples in Table 1's class mix (n a multiple of 4): arrays image and label."""
    labels = interleaved_labels(n)
    images = generator.sample(labels, np.random.default_rng(stream))
    return Result({"image": images, "label": labels}, {"n": n})


class EarlyStopping:
    """Keeps the weights of the epoch whose samples have the least FD to validation images.

    The features are those of a random, untrained network, each divided by its standard deviation
    over the validation images: shallow features, as the paper says, which no generator is trained
    to please. Neither this network nor these images ever score a generator.
    """

    IMAGES = 1000  # on each side, at most
    SEED = 1  # of the network; the one that scores generators (fd2) has another

    def __init__(self, validation: np.ndarray, rng: np.random.Generator):
        self.rng = rng
        self.network = tr.freeze(tr.seeded(SmallCNN, np.random.default_rng(self.SEED)))
        self.labels = interleaved_labels(min(self.IMAGES, len(validation)) // 4 * 4)
        self.target = classify.features(self.network, validation[: len(self.labels)])
        self.scale = self.target.std(0) + 1e-6
        self.log: list[dict] = []
        self.weights: dict[str, np.ndarray] = {}

    def distance(self, images: np.ndarray) -> float:
        """FD of images (N, H, W) to the validation images."""
        found = classify.features(self.network, images)
        return frechet(found / self.scale, self.target / self.scale)

    def see(self, state) -> None:
        """Score one epoch of a fit; its State has epoch, generator and losses."""
        generator = state.generator.eval()
        images = generator.sample(self.labels, self.rng)
        score = self.distance(images)
        if not self.log or score < min(row["fd_validation"] for row in self.log):
            self.weights = tr.weights_to_arrays(generator, "best/")
        self.log.append({"epoch": state.epoch, "fd_validation": score, **state.losses})
        generator.train()

    @property
    def scores(self) -> dict:
        """The log, one dict per epoch, and the epoch that was kept."""
        best = min(self.log, key=lambda row: row["fd_validation"])
        return {"log": self.log, "best_epoch": best["epoch"]}
