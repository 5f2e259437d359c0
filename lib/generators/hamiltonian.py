"""Hamiltonian dynamics of a Hamiltonian VAE (Caterini et al. 2018; dHVAE paper, eq. 6 to 8).

A potential is a function U(z) of positions z (B, d) that returns (B,). Position and momentum move:

    rho~ = rho  - eps/2 * grad U(z)         (7)
    z'   = z    + eps   * rho~
    rho' = rho~ - eps/2 * grad U(z')
    rho' <- sqrt(beta_{k-1} / beta_k) rho'  (tempering)

Every line but the last is a shear: its Jacobian is one whatever stands for grad U, also a rounded
or a stopped gradient. So the bound below holds for any gradient; a wrong one only makes it looser.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

Potential = Callable[[Tensor], Tensor]
LOG_2PI = math.log(2 * math.pi)


@dataclass(frozen=True)
class Point:
    """One state of the trajectory: position and momentum (B, d), potential (B,), its gradient."""

    z: Tensor
    rho: Tensor
    energy: Tensor
    gradient: Tensor

    @property
    def hamiltonian(self) -> Tensor:
        """H = U(z) + |rho|^2 / 2, (B,); the mass matrix is the identity (equation 4)."""
        return self.energy + 0.5 * self.rho.square().sum(1)


def evaluate(
    potential: Potential, z: Tensor, differentiable: bool = False
) -> tuple[Tensor, Tensor]:
    """U(z) (B,) and its gradient (B, d).

    `differentiable`: the gradient is part of the graph, so that a loss behind the dynamics reaches
    encoder and decoder; otherwise it is a constant.
    """
    with torch.enable_grad():
        at = z if z.requires_grad else z.detach().requires_grad_()
        energy = potential(at)
        (gradient,) = torch.autograd.grad(
            energy.sum(), at, create_graph=differentiable, retain_graph=True
        )
    return energy, gradient if differentiable else gradient.detach()


def start(potential: Potential, z: Tensor, rho: Tensor, differentiable: bool = False) -> Point:
    """The first state of a trajectory."""
    return Point(z, rho, *evaluate(potential, z, differentiable))


def leapfrog(potential: Potential, point: Point, eps, differentiable: bool = False) -> Point:
    """One step of equation 7; eps is a number or (d,).

    The gradient at the end is the gradient at the start of the next step, so K steps cost K + 1
    gradients.
    """
    half = point.rho - 0.5 * eps * point.gradient
    z = point.z + eps * half  # the half-step momentum, not rho: else the map is not symplectic
    energy, gradient = evaluate(potential, z, differentiable)
    return Point(z, half - 0.5 * eps * gradient, energy, gradient)


def quadratic_tempering(beta0: float | Tensor, steps: int) -> list:
    """Factors sqrt(beta_{k-1} / beta_k), k = 1..K, of the quadratic scheme; their product is
    sqrt(beta_0).

    1 / sqrt(beta_k) = (1 - 1 / sqrt(beta_0)) k^2 / K^2 + 1 / sqrt(beta_0), 0 < beta_0 <= 1.
    """
    if steps < 0 or not 0 < float(beta0) <= 1:
        raise ValueError(f"beta0 = {beta0}, steps = {steps}; use 0 < beta0 <= 1 and steps >= 0.")
    if not steps:
        return []
    inverse = [(1 - beta0**-0.5) * (k / steps) ** 2 + beta0**-0.5 for k in range(steps + 1)]
    return [b / a for a, b in pairwise(inverse)]


def trajectory(
    potential: Potential,
    z: Tensor,
    gamma: Tensor,
    eps,
    steps: int,
    beta0=1.0,
    differentiable: bool = False,
) -> Iterator[Point]:
    """States 0..K from z and rho_0 = gamma / sqrt(beta_0), gamma ~ N(0, I).

    Without steps there is no dynamics and the momentum stays gamma.
    """  # fmt: skip
    factors = quadratic_tempering(beta0, steps)
    point = start(potential, z, gamma / beta0**0.5 if steps else gamma, differentiable)
    yield point
    for factor in factors:
        point = leapfrog(potential, point, eps, differentiable)
        point = Point(point.z, factor * point.rho, point.energy, point.gradient)
        yield point


def log_weight(last: Point, log_q: Tensor, gamma: Tensor) -> Tensor:
    """log p(x, z_K) N(rho_K) / (q(z_0) N(gamma)), (B,): its mean bounds log p(x) from below.

    U must be -log p(x, z) with all constants; log_q is log q(z_0 | x), (B,). The tempering's
    Jacobian beta_0^(d/2) and the normaliser of rho_0 ~ N(0, I / beta_0) cancel.
    """
    kinetic = 0.5 * (gamma.square().sum(1) - last.rho.square().sum(1))
    return -last.energy + kinetic - log_q


def bound(last: Point, log_sd: Tensor) -> Tensor:
    """One-sample ELBO of the HVAE, (B,), with the entropies of z_0 and gamma in closed form.

    -U(z_K) - |rho_K|^2 / 2 + sum log sd + d (1 + log 2 pi / 2); log_sd (B, d) of q(z_0 | x).
    Same mean as `log_weight`, less variance (Caterini et al. 2018).
    """
    d = log_sd.shape[1]
    kinetic = 0.5 * last.rho.square().sum(1)
    return -last.energy - kinetic + log_sd.sum(1) + d * (1 + 0.5 * LOG_2PI)


def normal_log_density(z: Tensor, mean: Tensor, log_sd: Tensor) -> Tensor:
    """log N(z; mean, sd^2), summed over the last dimension."""
    return -(0.5 * ((z - mean) / log_sd.exp()).square() + log_sd + 0.5 * LOG_2PI).sum(-1)


def importance_estimate(log_weights: Tensor) -> Tensor:
    """log of the mean weight over the first dimension, (S, B) -> (B,): log p(x) as S grows."""
    return torch.logsumexp(log_weights, 0) - math.log(len(log_weights))
