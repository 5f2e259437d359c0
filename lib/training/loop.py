"""What every training loop here shares: seeding, precision, batches, learning rate, weights."""

import math
from collections.abc import Iterator
from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import Tensor, nn


def seeded(build, rng: np.random.Generator) -> nn.Module:
    """build() with its initial weights drawn from rng, torch's global state left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        return build().to(memory_format=torch.channels_last)


def torch_generator(rng: np.random.Generator) -> torch.Generator:
    """A torch generator that continues a numpy one."""
    return torch.Generator().manual_seed(int(rng.integers(2**63)))


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


def as_planes(images: np.ndarray) -> Tensor:
    """(N, H, W) array -> (N, 1, H, W) float32 tensor."""
    return torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32)).unsqueeze(1)


def weights_to_arrays(module: nn.Module, prefix: str = "") -> dict[str, np.ndarray]:
    """A copy of a module's state as plain arrays, for an HDF5 file."""
    state = module.state_dict()
    return {f"{prefix}{name}": np.array(v.detach().numpy(), order="C") for name, v in state.items()}


def load_arrays(module: nn.Module, arrays: dict[str, np.ndarray], prefix: str = "") -> nn.Module:
    """Put stored arrays back; raises RuntimeError if names or shapes differ."""
    chosen = {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
    state = {name: torch.from_numpy(np.array(value)) for name, value in chosen.items()}
    module.load_state_dict(state, strict=True)
    return module.to(memory_format=torch.channels_last).eval()


def freeze(module: nn.Module) -> nn.Module:
    """Evaluation mode, no gradients for the weights."""
    return module.eval().requires_grad_(False)
