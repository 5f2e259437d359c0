"""The downstream task of PA-VAE: three-class reading of chest images from few labels.

The same training serves the arms of a study, the guide of a generator (labelled images only) and
the independent reader that judges generators (plentiful fresh phantoms).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from lib.datasets.splits import first
from lib.jobs import Result
from lib.networks.augment import classical
from lib.networks.classifier import SmallCNN
from lib.training import loop as tr
from lib.training.weights import freeze, load_arrays, seeded, weights_to_arrays


@dataclass(frozen=True)
class ClassifySettings:
    """Ours: the paper names no downstream network or schedule. The last weights are kept."""

    steps: int = 300  # equal in every arm
    batch: int = 64
    rate: float = 2e-3  # Adam, cosine decay to 1e-5
    augment: bool = False  # mild classical augmentation of every image
    precision: str = "bfloat16"


def fit(
    images: np.ndarray, goal: np.ndarray, settings: ClassifySettings, rng: np.random.Generator,
    outputs: int = 3, loss: Callable = F.cross_entropy, pixels: int = 2,
) -> SmallCNN:  # fmt: skip
    """Train on images (N, 64, 64) in [0, 1] and labels (N,); returns the network frozen.

    With another `loss` of (outputs, goal) the goal may be (N, outputs); augmentation shifts by up
    to `pixels`.
    """
    s = settings
    init_rng, batch_rng, augment_rng = rng.spawn(3)
    net = seeded(lambda: SmallCNN(outputs), init_rng)
    optimizer = torch.optim.Adam(net.parameters(), s.rate)
    x, y = tr.as_planes(images), torch.from_numpy(goal)
    noise = tr.torch_generator(augment_rng)
    for step, at in enumerate(tr.batches(len(x), s.batch, s.steps, batch_rng)):
        tr.set_rate(optimizer, tr.cosine(step, s.steps, s.rate, 1e-5))
        inputs = classical(x[at], noise, pixels) if s.augment else x[at]
        with tr.autocast(s.precision):
            out = net(inputs.contiguous(memory_format=torch.channels_last))
        tr.descend(optimizer, loss(out.float(), y[at]))
    return freeze(net)


def apply(call: Callable[[Tensor], Tensor], images: np.ndarray) -> np.ndarray:
    """What a network, or a part of it, gives for images (N, 64, 64), in float32."""
    with torch.no_grad():
        return torch.cat([call(x) for x in tr.as_planes(images).split(500)]).numpy()


def predict(net: SmallCNN, images: np.ndarray) -> np.ndarray:
    """Class probabilities (N, 3) of images (N, 64, 64)."""
    return apply(lambda x: net(x).softmax(1), images)


def features(net: SmallCNN, images: np.ndarray) -> np.ndarray:
    """Penultimate features (N, 64) of images (N, 64, 64)."""
    return apply(net.features, images)


def load(result: Result, outputs: int = 3) -> SmallCNN:
    """A frozen classifier from its stored weights."""
    return freeze(load_arrays(SmallCNN(outputs), result.arrays))


def fit_job(
    data: Result, n: int, settings: dict, stream: list[int], pool: Result | None = None,
    extra: int = 0,
) -> Result:  # fmt: skip
    """Job: a classifier of the first n images of a draw and the first `extra` of a pool, if any.

    A guide, the independent reader, or the network of an arm. Arrays: its weights. Scores: settings
    and the number of images.
    """
    s = ClassifySettings(**settings)
    net, images = _fitted(data, n, pool, extra, s, stream)
    return Result(weights_to_arrays(net), asdict(s) | {"images": images})


def arm(
    real: Result, n: int, pool: Result | None, extra: int, validation: Result, test: Result,
    settings: dict, stream: list[int],
) -> Result:  # fmt: skip
    """Job: the network of `fit_job` from the same images, settings and seeds, and what it predicts.

    Arrays: probability/validation and probability/test, (N, 3) float32.
    """
    net, images = _fitted(real, n, pool, extra, ClassifySettings(**settings), stream)
    parts = {"validation": validation, "test": test}
    predicted = {
        f"probability/{name}": predict(net, part.arrays["image"]) for name, part in parts.items()
    }
    return Result(predicted, {"images": images})


def _fitted(real, n, pool, extra, s: ClassifySettings, stream: list[int]) -> tuple[SmallCNN, int]:
    parts = [first(real, n)] + ([first(pool, extra)] if pool else [])
    images, labels = (np.concatenate([part[name] for part in parts]) for name in ("image", "label"))
    return fit(images, labels, s, np.random.default_rng(stream)), len(images)
