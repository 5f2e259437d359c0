"""The downstream task of PA-VAE: three-class reading of chest images from few labels.

The same training serves the arms of a study, the guide of a generator (labelled images only) and
the independent reader that judges generators (plentiful fresh phantoms).
"""

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import nn

from lib.jobs import Result
from lib.networks.augment import classical
from lib.networks.classifier import SmallCNN
from lib.training import loop as tr


@dataclass(frozen=True)
class ClassifySettings:
    """Ours: the paper names no downstream network or schedule. The last weights are kept."""

    steps: int = 300  # equal in every arm
    batch: int = 64
    rate: float = 2e-3  # Adam, cosine decay to 1e-5
    augment: bool = False  # mild classical augmentation of every image
    precision: str = "bfloat16"


def fit(
    images: np.ndarray, labels: np.ndarray, settings: ClassifySettings, rng: np.random.Generator
) -> SmallCNN:
    """Train on images (N, 64, 64) in [0, 1] and labels (N,); returns the network frozen."""
    s = settings
    init_rng, batch_rng, augment_rng = rng.spawn(3)
    net = tr.seeded(SmallCNN, init_rng)
    optimizer = torch.optim.Adam(net.parameters(), s.rate)
    x, y = tr.as_planes(images), torch.from_numpy(labels)
    noise = tr.torch_generator(augment_rng)
    for step, at in enumerate(tr.batches(len(x), s.batch, s.steps, batch_rng)):
        tr.set_rate(optimizer, tr.cosine(step, s.steps, s.rate, 1e-5))
        inputs = classical(x[at], noise) if s.augment else x[at]
        with tr.autocast(s.precision):
            logits = net(inputs.contiguous(memory_format=torch.channels_last))
        tr.descend(optimizer, nn.functional.cross_entropy(logits.float(), y[at]))
    return tr.freeze(net)


def predict(net: SmallCNN, images: np.ndarray) -> np.ndarray:
    """Class probabilities (N, 3) of images (N, 64, 64), in float32."""
    with torch.no_grad():
        parts = [net(x).softmax(1) for x in tr.as_planes(images).split(500)]
    return torch.cat(parts).numpy()


def features(net: SmallCNN, images: np.ndarray) -> np.ndarray:
    """Penultimate features (N, 64) of images (N, 64, 64), in float32."""
    with torch.no_grad():
        return torch.cat([net.features(x) for x in tr.as_planes(images).split(500)]).numpy()


def load(result: Result) -> SmallCNN:
    """A frozen classifier from its stored weights."""
    return tr.freeze(tr.load_arrays(SmallCNN(), result.arrays))


def fit_job(data: Result, n: int, settings: dict, stream: list[int]) -> Result:
    """Job: a classifier of the first n images of a draw (a guide, or the independent reader)."""
    s = ClassifySettings(**settings)
    images, labels = data.arrays["image"][:n], data.arrays["label"][:n]
    net = fit(images, labels, s, np.random.default_rng(stream))
    return Result(tr.weights_to_arrays(net), asdict(s))


def arm(
    real: Result,
    n: int,
    pool: Result | None,
    extra: int,
    validation: Result,
    test: Result,
    settings: dict,
    stream: list[int],
) -> Result:
    """Job: train on the first n real images and the first `extra` of a pool, then predict.

    Arrays: probability/validation and probability/test, (N, 3) float32.
    """
    sources = [(real, n)] + ([(pool, extra)] if pool else [])
    short = next((k for source, k in sources if len(source.arrays["image"]) < k), None)
    if short:
        raise ValueError(f"an arm asks for {short} images of a smaller set; draw more.")
    images = np.concatenate([source.arrays["image"][:k] for source, k in sources])
    labels = np.concatenate([source.arrays["label"][:k] for source, k in sources])
    net = fit(images, labels, ClassifySettings(**settings), np.random.default_rng(stream))
    found = {
        f"probability/{name}": predict(net, part.arrays["image"])
        for name, part in {"validation": validation, "test": test}.items()
    }
    return Result(found, {"images": len(images)})
