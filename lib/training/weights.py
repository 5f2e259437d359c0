"""Weights of networks: drawn from a seed, stored as arrays, put back, frozen, averaged."""

import numpy as np
import torch
from torch import nn


def seeded(build, rng: np.random.Generator) -> nn.Module:
    """build() with its initial weights drawn from rng, torch's global state left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        return laid_out(build())


def laid_out(module: nn.Module) -> nn.Module:
    """The module with its channels last in memory, which only networks of slices can have."""
    if any(weight.ndim == 5 for weight in module.parameters()):
        return module
    return module.to(memory_format=torch.channels_last)


def weights_to_arrays(module: nn.Module, prefix: str = "") -> dict[str, np.ndarray]:
    """A copy of a module's state as plain arrays, for an HDF5 file."""
    state = module.state_dict()
    return {f"{prefix}{name}": np.array(v.detach().numpy(), order="C") for name, v in state.items()}


def load_arrays(module: nn.Module, arrays: dict[str, np.ndarray], prefix: str = "") -> nn.Module:
    """Put stored arrays back; raises RuntimeError if names or shapes differ."""
    chosen = {k[len(prefix) :]: v for k, v in arrays.items() if k.startswith(prefix)}
    state = {name: torch.from_numpy(np.array(value)) for name, value in chosen.items()}
    module.load_state_dict(state, strict=True)
    return laid_out(module).eval()


def freeze(module: nn.Module) -> nn.Module:
    """Evaluation mode, no gradients for the weights."""
    return module.eval().requires_grad_(False)


def approach(average: nn.Module, now: nn.Module, keep: float) -> None:
    """Move a moving average of weights towards today's: keep * average + (1 - keep) * now."""
    with torch.no_grad():
        for mean, value in zip(average.parameters(), now.parameters(), strict=True):
            mean.lerp_(value.detach(), 1 - keep)
