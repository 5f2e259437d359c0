"""What every training loop here shares: batches, precision, learning rate, one step down."""

import math
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import Tensor, nn


def torch_generator(rng: np.random.Generator) -> torch.Generator:
    """A torch generator that continues a numpy one."""
    return torch.Generator().manual_seed(int(rng.integers(2**63)))


def as_planes(images: np.ndarray) -> Tensor:
    """(N, H, W) or (N, D, H, W) array -> (N, 1, ...) float32 tensor."""
    return torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32)).unsqueeze(1)


def as_pairs(image: np.ndarray, mask: np.ndarray) -> Tensor:
    """Images (N, H, W) and masks -> pairs (N, 2, H, W) float32."""
    return torch.from_numpy(np.stack([image, mask], 1).astype(np.float32))


def from_logits(logits: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Logits (N, 2, H, W) -> images float32 in [0, 1] and masks bool (probability above 0.5)."""
    logits = logits.float()
    return logits[:, 0].sigmoid().numpy(), (logits[:, 1] > 0).numpy()


def autocast(precision: str) -> AbstractContextManager:
    """Mixed precision on the CPU, 'bfloat16' or 'float32' (off); weights stay float32."""
    if precision not in ("bfloat16", "float32"):
        raise ValueError(f"precision {precision!r} is unknown; use 'bfloat16' or 'float32'.")
    return torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16")


def batches(n: int, size: int, steps: int, rng: np.random.Generator) -> Iterator[Tensor]:
    """`steps` index batches of `size` from range(n): shuffled passes, no short last batch."""
    if n < 1:
        raise ValueError("there are no images to train on; pass at least one.")
    order = np.empty(0, dtype=np.int64)
    for _ in range(steps):
        while len(order) < size:
            order = np.concatenate([order, rng.permutation(n)])
        yield torch.from_numpy(order[:size])
        order = order[size:]


def cosine(step: int, steps: int, start: float, end: float) -> float:
    """Learning rate of a cosine decay from start (step 0) to end (the last step)."""
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * step / max(1, steps - 1)))


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every parameter group this learning rate, times its own "boost" if it has one."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("boost", 1.0)


def descend(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One optimiser step on a loss."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()


class Clipped:
    """Optimiser steps that a rare long gradient cannot spoil: it is shortened to `times` the median
    length of the last hundred, itself among them. Its direction stays."""

    def __init__(self, optimizer: torch.optim.Optimizer, times: float):
        self.optimizer, self.times, self.lengths = optimizer, times, deque(maxlen=100)

    def step(self, loss: Tensor) -> None:
        """One step on a loss."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        every = (w for group in self.optimizer.param_groups for w in group["params"])
        learning = [w for w in every if w.grad is not None]
        length = nn.utils.get_total_norm([w.grad for w in learning])
        self.lengths.append(length.item())
        limit = self.times * float(np.median(self.lengths))
        nn.utils.clip_grads_with_norm_(learning, limit, length)
        self.optimizer.step()
