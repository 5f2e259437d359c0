"""The frozen extractor and classifier of PA-VAE: one network, trained on the labelled images only.

The paper leaves architecture and training data open (a network trained on all labels would leak).
Ours sees the labelled subset, mildly augmented, and guides generators; it never judges them.
"""

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import nn

from lib.datasets.hdf5 import ImageSet, from_arrays
from lib.jobs import Result
from lib.networks import training as tr
from lib.networks.classifier import SmallCNN
from lib.networks.augment import classical


@dataclass(frozen=True)
class GuideSettings:
    """How the guide is trained (ours; the paper gives nothing)."""

    steps: int = 600
    batch: int = 64
    rate: float = 2e-3
    precision: str = "bfloat16"


def fit(data: ImageSet, settings: GuideSettings, rng: np.random.Generator) -> SmallCNN:
    """Train the guide on labelled images; returns it frozen."""
    init_rng, batch_rng, augment_rng = rng.spawn(3)
    net = tr.seeded(SmallCNN, init_rng)
    optimizer = torch.optim.Adam(net.parameters(), settings.rate)
    images, labels = tr.as_planes(data.image), torch.from_numpy(data.label)
    noise = tr.torch_generator(augment_rng)
    steps = settings.steps
    for step, at in enumerate(tr.batches(len(images), settings.batch, steps, batch_rng)):
        tr.set_rate(optimizer, tr.cosine(step, steps, settings.rate, 1e-5))
        inputs = classical(images[at], noise).contiguous(memory_format=torch.channels_last)
        with tr.autocast(settings.precision):
            logits = net(inputs)
        loss = nn.functional.cross_entropy(logits.float(), labels[at])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return tr.freeze(net)


def fit_job(data: Result, n: int, settings: dict, stream: list[int]) -> Result:
    """Job: the guide of the first n images of a training draw."""
    settings = GuideSettings(**settings)
    net = fit(from_arrays(data.arrays)[:n], settings, np.random.default_rng(stream))
    return Result(tr.weights_to_arrays(net), asdict(settings))


def load(result: Result) -> SmallCNN:
    """The frozen guide from its stored weights."""
    return tr.freeze(tr.load_arrays(SmallCNN(), result.arrays))
