"""Penalties on a critic of a GAN."""

from collections.abc import Callable

import torch
from torch import Tensor


def r1_penalty(critic: Callable[..., Tensor], real: Tensor, *given: Tensor) -> Tensor:
    """Mean squared gradient norm of the critic at real images (R1, Mescheder et al. 2018, eq. 9).

    real (B, ...); critic(real, *given) is one score for each, (B,). The gradient flows on to its
    weights.
    """
    real = real.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(real, *given).sum(), real, create_graph=True)
    return gradient.square().flatten(1).sum(1).mean()
