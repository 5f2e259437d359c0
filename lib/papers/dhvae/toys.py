"""Small models behind the figures of 02_background and 03_method; no study needs them.

Positions z and momenta are (B, d) in double precision; a potential U gives (B,).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import MultivariateNormal, Normal

from lib.generators import hamiltonian as hmc

Step = Callable[..., hmc.Point]


def normal(*shape: int, seed: int, stream: int = 0) -> Tensor:
    """Standard normal numbers in double precision."""
    return torch.from_numpy(np.random.default_rng([seed, stream]).normal(size=shape))


def banana(z: Tensor) -> Tensor:
    """U(z) = z_1^2 / 2 + 2 (z_2 - z_1^2)^2, a curved valley; z (B, 2)."""
    x, y = z.unbind(1)
    return 0.5 * x.square() + 2 * (y - x.square()).square()


def parabola(curvature: float) -> hmc.Potential:
    """U(z) = U'' |z|^2 / 2 of this curvature U''."""
    return lambda z: 0.5 * curvature * z.square().sum(1)


def unkicked(
    potential: hmc.Potential, point: hmc.Point, eps: float, differentiable: bool = False
) -> hmc.Point:
    """WRONG on purpose: the drift takes rho, not the half-step momentum."""
    half = point.rho - 0.5 * eps * point.gradient
    z = point.z + eps * point.rho
    energy, gradient = hmc.evaluate(potential, z, differentiable)
    return hmc.Point(z, half - 0.5 * eps * gradient, energy, gradient)


def run(
    potential: hmc.Potential, z: Tensor, gamma: Tensor, eps: float, steps: int, beta0: float = 1.0,
    step: Step = hmc.leapfrog, differentiable: bool = False,
) -> Iterator[hmc.Point]:  # fmt: skip
    """`hamiltonian.trajectory` with any rule for one step."""
    point = hmc.start(potential, z, gamma / beta0**0.5 if steps else gamma, differentiable)
    yield point
    for factor in hmc.quadratic_tempering(beta0, steps):
        point = step(potential, point, eps, differentiable)
        point = hmc.Point(point.z, factor * point.rho, point.energy, point.gradient)
        yield point


def determinant(potential: hmc.Potential, at: Tensor, eps: float, steps: int, **more) -> float:
    """det of d(z_K, rho_K) / d(z_0, gamma) at one point (2 d,), by automatic differentiation."""

    def move(flat: Tensor) -> Tensor:
        z, gamma = flat.view(2, 1, -1)
        *_, last = run(potential, z, gamma, eps, steps, differentiable=True, **more)
        return torch.cat([last.z, last.rho], 1)[0]

    return float(torch.linalg.det(torch.autograd.functional.jacobian(move, at)))


def rings(step: Step, rounds: int, eps: float, curvature: float) -> tuple[list, list[float]]:
    """A ring of (z, rho) round (1, 0) in a parabola, (200, 2) after every step; its areas."""
    turn = torch.linspace(0, 2 * np.pi, 201, dtype=torch.float64)[:-1, None]
    start = 1 + 0.25 * turn.cos(), 0.25 * turn.sin()
    states = run(parabola(curvature), *start, eps, rounds, step=step)
    found = [torch.cat([p.z, p.rho], 1).detach().numpy() for p in states]
    return found, [shoelace(outline) for outline in found]


def shoelace(outline: np.ndarray) -> float:
    """Area inside a polygon (n, 2)."""
    (x, y), (x_next, y_next) = outline.T, np.roll(outline, -1, 0).T
    return float(0.5 * abs(np.sum(x * y_next - x_next * y)))


def chains(
    eps: float, metropolis: bool, seed: int, steps: int = 3, rounds: int = 40, n: int = 4000
) -> float:
    """Variance of n chains of leapfrogs on N(0, 1), mean over the second half of the rounds."""
    z, found, rng = normal(n, 1, seed=seed), [], np.random.default_rng([seed, 1])
    for k in range(rounds):
        first, *_, last = run(parabola(1.0), z, normal(n, 1, seed=seed, stream=2 + k), eps, steps)
        luck = torch.log(torch.from_numpy(rng.random(n)))
        stays = luck > first.hamiltonian - last.hamiltonian if metropolis else luck > 0
        z = torch.where(stays[:, None], z, last.z).detach()
        found.append(z.square().mean().item())
    return float(np.mean(found[rounds // 2 :]))


@dataclass(frozen=True)
class Linear:
    """x = A z + noise, z ~ N(0, I): the evidence has a closed form. a (pixels, d), x (pixels,)."""

    a: Tensor
    x: Tensor
    sd: float = 0.7  # of the noise
    mean: float = 0.1  # of the posterior q(z_0), which is off on purpose ...
    log_sd: float = -0.4  # ... and too narrow or too wide

    def potential(self, z: Tensor) -> Tensor:
        """-log p(x, z), all constants in."""
        likelihood = Normal(z @ self.a.T, self.sd).log_prob(self.x).sum(1)
        return -likelihood - Normal(0.0, 1.0).log_prob(z).sum(1)

    @property
    def evidence(self) -> float:
        """log p(x)."""
        cov = self.a @ self.a.T + self.sd**2 * torch.eye(len(self.a), dtype=self.a.dtype)
        return MultivariateNormal(torch.zeros_like(self.x), cov).log_prob(self.x).item()

    def weigh(
        self, noise: Tensor, steps: int, step: Step = hmc.leapfrog, eps: float = 0.15,
        beta0: float = 0.6,
    ) -> tuple[Tensor, hmc.Point]:  # fmt: skip
        """Log weights (N,) of trajectories and their ends; noise (2, N, d) standard normal."""
        log_sd = torch.full_like(noise[0], self.log_sd)
        z = self.mean + log_sd.exp() * noise[0]
        *_, last = run(self.potential, z, noise[1], eps, steps, beta0, step)
        log_q = hmc.normal_log_density(z, torch.full_like(z, self.mean), log_sd)
        return hmc.log_weight(last, log_q, noise[1]).detach(), last


def leaves(module: nn.Module, *inputs: Tensor) -> dict[str, tuple[int, ...]]:
    """Shapes (without the batch) that leave the parts of a network, in the order of their use."""
    found: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> Callable:
        return lambda module, given, out: found.update({name: tuple(out.shape[1:])})

    parts = {n: m for n, m in module.named_modules() if n and n.count(".") <= ("blocks" in n)}
    hooks = [m.register_forward_hook(note(name)) for name, m in parts.items()]
    module(*inputs)
    for hook in hooks:
        hook.remove()
    return found


def as_far(image: np.ndarray, other: np.ndarray, error: np.ndarray) -> np.ndarray:
    """From images (n, H, W) towards others until the mean squared error is `error` (n, 1, 1)."""
    step = other - image
    return image + step * np.sqrt(error / np.square(step).mean((1, 2), keepdims=True))


def reach(critic: nn.Sequential, side: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """First and last (row, column) that the middle logit of a critic's convolutions depends on.

    Normalisation, which lets every pixel change the scale of all others, is left out.
    """
    layers = [m for m in critic if not isinstance(m, nn.GroupNorm)]
    probe = torch.zeros(1, layers[0].in_channels, side, side, requires_grad=True)
    logits = nn.Sequential(*layers)(probe)[0, 0]
    (slope,) = torch.autograd.grad(logits[logits.shape[0] // 2, logits.shape[1] // 2], probe)
    at = torch.nonzero(slope.abs().sum((0, 1)))
    return at.min(0).values.numpy(), at.max(0).values.numpy()
