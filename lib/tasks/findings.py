"""The classification tasks of the paper ControlNet: findings of a film, one or several at once.

Pneumonia on RSNA by a ResNet-50, five findings on CheXpert by MGCA. `NETWORKS` has the ResNet-50 at
our size and a cheap network of four convolutions; either may start from an encoder that was aligned
with reports, see `aligned`, our stand-in for MGCA.
"""

from dataclasses import asdict, dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.datasets.checks import check_images
from lib.datasets.pools import targets
from lib.datasets.splits import assert_subject_disjoint, first
from lib.jobs import Result
from lib.networks.augment import classical
from lib.networks.classifier import FEATURES, SmallCNN
from lib.tasks import classifiers, classify, grade, segment
from lib.tasks.grade import GradeSettings
from lib.tasks.segment import SegmentSettings
from lib.training import loop as tr
from lib.training.weights import freeze, load_arrays, seeded, weights_to_arrays

NETWORKS = {  # how tables call them
    "resnet": "ResNet-50",
    "small": "four convolutions",
}
WIDTHS = {"resnet": 4 * classifiers.SMALL["resnet"]["widths"][-1], "small": FEATURES}
RATES = {"resnet": 3e-3, "small": 3e-3}
BODY = "body."  # what names of an encoder's weights begin with


@dataclass(frozen=True)
class FindingsSettings:
    """The paper: as in the papers of each network. Ours are narrow networks and short runs."""

    network: str = "resnet"  # a name of NETWORKS
    steps: int = 300  # equal in every arm, unless
    epochs: bool = False  # a pool brings steps of its own: as many epochs as of real films alone
    batch: int = 32
    rate: float | None = None  # AdamW, cosine decay to 1e-5; None: the network's own of RATES
    warm_up: float = 0.1  # share of steps over which the rate rises
    decay: float = 1e-5  # of weights
    synthetic: float | None = None  # share of a batch from the pool; None: all films count alike
    augment: bool = False  # shift, contrast and noise of every film, drawn anew each step
    precision: str = "float32"


class FindingsNet(nn.Module):
    """An encoder of films and one linear layer: (B, 1, 64, 64) in [0, 1] -> logits (B, findings).

    Findings are not exclusive: each logit has its own sigmoid.
    """

    def __init__(self, network: str, findings: int):
        super().__init__()
        self.body = encoder(network)
        self.head = nn.Linear(WIDTHS[network], findings)

    def features(self, films: Tensor) -> Tensor:
        """(B, 1, 64, 64) -> (B, width), non-negative."""
        return self.body(films)

    def forward(self, films: Tensor) -> Tensor:
        return self.head(self.body(films))


def encoder(network: str) -> nn.Module:
    """(B, 1, 64, 64) -> features (B, WIDTHS[network]), weights from torch's global state.

    ValueError for a name that is not of NETWORKS.
    """
    if network not in NETWORKS:
        raise ValueError(f"network {network!r} is unknown; choose one of {', '.join(NETWORKS)}.")
    if network == "small":
        net = SmallCNN()
        net.head = nn.Identity()
        return net
    net = classifiers.build("resnet", 2)
    net.net.fc = nn.Identity()
    return net


def fit(
    images: np.ndarray, labels: np.ndarray, settings: FindingsSettings, rng: np.random.Generator,
    pool: tuple[np.ndarray, np.ndarray] | None = None, weighting: str | None = None,
    start: dict[str, np.ndarray] | None = None,
) -> FindingsNet:  # fmt: skip
    """Train on images (N, 64, 64) in [0, 1] and labels (N, k) of 0 and 1; the network frozen.

    pool: further (images, labels) that are not real. weighting: None, or "balanced": positives of a
    finding weigh as much as its negatives. start: weights of an encoder (`aligned`) to go on from.
    Raises ValueError, before any training, for what does not fit, an unknown network or weighting,
    a batch below two and a share of batches without a pool.
    """
    s, extra = settings, pool or (images[:0], labels[:0])
    x, y = np.concatenate([images, extra[0]]), np.concatenate([labels, extra[1]])
    _check(x, y, weighting, s)
    init_rng, batch_rng, augment_rng = rng.spawn(3)
    drawn = SegmentSettings(steps=s.steps, batch=s.batch, free=0.0, synthetic=s.synthetic)
    batches = segment.index_batches(len(images), len(extra[0]), 0, drawn, batch_rng)
    net = seeded(lambda: FindingsNet(s.network, y.shape[1]), init_rng)
    if start is not None:
        load_arrays(net.body, start, BODY)
    net.train()
    weight = positive_weights(y) if weighting else None
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=s.decay)
    x, y, noise = tr.as_planes(x), torch.from_numpy(y).float(), tr.torch_generator(augment_rng)
    for step, at in enumerate(batches):
        tr.set_rate(optimizer, rate(step, s))
        inputs = classical(x[at], noise) if s.augment else x[at]
        with tr.autocast(s.precision):
            logits = net(inputs.contiguous(memory_format=torch.channels_last))
        loss = F.binary_cross_entropy_with_logits(logits.float(), y[at], pos_weight=weight)
        tr.descend(optimizer, loss)
    return freeze(net)


def positive_weights(labels: np.ndarray) -> Tensor:
    """Negatives over positives of each finding, (N, k) -> (k,); one without a positive has 1."""
    found = labels.sum(0, dtype=np.float32)
    ratio = np.where(found > 0, (len(labels) - found) / np.maximum(found, 1), 1)
    return torch.from_numpy(ratio.astype(np.float32))


def rate(step: int, s: FindingsSettings) -> float:
    """Learning rate: rises in equal parts over the share `warm_up` of steps, on a cosine decay."""
    return grade.rate(step, GradeSettings(
        steps=s.steps, rate=s.rate or RATES[s.network], warm_up=s.warm_up))  # fmt: skip


def predict(net: FindingsNet, images: np.ndarray) -> np.ndarray:
    """Probabilities (N, k) float32 of the findings in images (N, 64, 64)."""
    return classify.apply(lambda x: net(x).sigmoid(), images)


def features(net: FindingsNet, images: np.ndarray) -> np.ndarray:
    """Features (N, width) float32 of images (N, 64, 64)."""
    return classify.apply(net.features, images)


def _check(x: np.ndarray, y: np.ndarray, weighting: str | None, s: FindingsSettings) -> None:
    check_images(x, unit_range=True)
    if y.ndim != 2 or len(y) != len(x) or not np.isin(y, (0, 1)).all():
        raise ValueError(f"labels {y.shape} must be 0 or 1, a row for each of {len(x)} images.")
    if weighting not in (None, "balanced"):
        raise ValueError(f"weighting {weighting!r} is unknown; use None or 'balanced'.")
    if s.network not in NETWORKS or s.batch < 2:
        raise ValueError(
            f"network is {s.network!r}, batch {s.batch}; use one of {', '.join(NETWORKS)}, and 2 "
            "or more, batches are normalised."
        )


# ---- jobs ---------------------------------------------------------------------------------------


def findings_job(
    data: Result, n: int | None, columns: list[int], settings: dict, stream: list[int],
    added: Result | None = None, added_n: int | None = 0, weighting: str | None = None,
    start: Result | None = None,
) -> Result:  # fmt: skip
    """Job: a classifier of the findings in `columns`, from the first n (None: all) films of a set.

    added: a pool, of which the first added_n (None: all) train too; weighting and start as of
    `fit`. Arrays: its weights. Scores: settings, columns, images, and the steps that it took.
    """
    parts = first(data, n), first(added, added_n)
    net, s = _fitted(parts, columns, FindingsSettings(**settings), stream, weighting, start)
    return Result(weights_to_arrays(net), asdict(s) | _size(parts, columns))


def load(result: Result) -> FindingsNet:
    """The frozen network of `findings_job`."""
    s = result.scores
    return freeze(load_arrays(FindingsNet(s["network"], len(s["columns"])), result.arrays))


def arm(
    data: Result, n: int | None, columns: list[int], validation: Result, test: Result,
    settings: dict, stream: list[int], added: Result | None = None, added_n: int | None = 0,
    weighting: str | None = None, start: Result | None = None,
) -> Result:  # fmt: skip
    """Job: the network of `findings_job` from the same films, settings and seeds: what it predicts.

    Arrays: probability/validation and probability/test, (N, k) float32. Scores: columns, images,
    steps. Raises ValueError, before any training, for what `fit` refuses and for subjects that
    stand in two of train, validation and test.
    """
    parts, held = (first(data, n), first(added, added_n)), {"validation": validation, "test": test}
    known = [part["subject"] for part in parts if "subject" in part]
    apart = {name: each.arrays["subject"] for name, each in held.items()}
    assert_subject_disjoint(train=np.concatenate([*known, apart["test"][:0]]), **apart)
    net, s = _fitted(parts, columns, FindingsSettings(**settings), stream, weighting, start)
    predicted = {
        f"probability/{name}": predict(net, each.arrays["image"]) for name, each in held.items()
    }
    return Result(predicted, {"steps": s.steps} | _size(parts, columns))


def _fitted(parts: tuple[dict, dict], columns, s: FindingsSettings, stream, weighting, start):
    real, pool = ((part["image"], targets(part, columns)) if part else None for part in parts)
    if s.epochs and pool:
        s = replace(s, steps=round(s.steps * (1 + len(pool[0]) / len(real[0]))))
    rng = np.random.default_rng(stream)
    return fit(*real, s, rng, pool, weighting, start.arrays if start else None), s


def _size(parts: tuple[dict, dict], columns: list[int]) -> dict:
    return {"columns": columns, "images": sum(len(part.get("image", ())) for part in parts)}
