"""Downstream networks under perturbation: noise, adversarial-like noise, another preprocessing.

The paper announces such an analysis four times and shows none (PV-E04); kinds and strengths are
ours and were fixed before any result.
"""

import numpy as np
import torch
from skimage.exposure import equalize_adapthist
from torch import Tensor, nn

from lib.jobs import Result
from lib.metrics.classification import auc
from lib.tasks import classify
from lib.training import loop as tr

GAUSSIAN = {1: 0.02, 2: 0.05, 3: 0.10}  # standard deviation of white noise, grey units of [0, 1]
PGD = {1: 1 / 255, 2: 2 / 255, 3: 4 / 255}  # radius of the attack in the maximum norm
STEPS = 10  # of the attack, each of radius / 4


def perturbed(
    network: Result, images: Result, n: int, kind: str, strength: int, stream: list[int]
) -> Result:
    """Job: AUC (healthy against any opacity) on the first n images after a perturbation.

    kind: "none", "gaussian" or "pgd"; strength: 1, 2 or 3 (0 for "none").
    """
    net = classify.load(network)
    x, y = images.arrays["image"][:n], images.arrays["label"][:n]
    rng = np.random.default_rng(stream)
    if kind == "gaussian":
        x = x + GAUSSIAN[strength] * rng.standard_normal(x.shape, dtype=np.float32)
        x = x.clip(0, 1)
    elif kind == "pgd":
        x = attack(net, x, y, PGD[strength], rng)
    elif kind != "none":
        raise ValueError(f"kind {kind!r} is unknown; choose none, gaussian or pgd.")
    score = 1 - classify.predict(net, x)[:, 0].astype(np.float64)
    return Result({}, {"auc": float(auc((y > 0).astype(int), score)[0])})


def attack(
    net: nn.Module, images: np.ndarray, labels: np.ndarray, radius: float, rng: np.random.Generator
) -> np.ndarray:
    """Projected gradient ascent on the network's own loss (Madry et al. 2018), (N, H, W) in [0, 1].

    Starts at a random point of the ball of `radius` in the maximum norm and stays inside it.
    """
    start = rng.uniform(-radius, radius, images.shape).astype(np.float32)
    found = (images + start).clip(0, 1)
    for _ in range(STEPS):
        moved = found + radius / 4 * ascent(net, found, labels)
        found = np.clip(moved, images - radius, images + radius).clip(0, 1)
    return found


def ascent(net: nn.Module, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Sign of the gradient of the summed cross-entropy with respect to every pixel, (N, H, W)."""
    pairs = zip(tr.as_planes(images).split(500), torch.from_numpy(labels).split(500), strict=True)
    return np.concatenate([_sign(net, x, y) for x, y in pairs])


def _sign(net: nn.Module, x: Tensor, y: Tensor) -> np.ndarray:
    x = x.clone().requires_grad_(True)
    loss = nn.functional.cross_entropy(net(x), y, reduction="sum")
    return torch.autograd.grad(loss, x)[0][:, 0].sign().numpy()


def clahe(data: Result, n: int) -> Result:
    """Job: the first n images of a set or pool after contrast-limited adaptive equalisation.

    It comes on top of the preprocessing, so that samples of a generator get it too.
    """
    images = data.arrays["image"][:n]
    flat = np.stack([equalize_adapthist(image) for image in images]).astype(np.float32)
    return Result({"image": flat, "label": data.arrays["label"][:n]}, {"n": len(flat)})
