"""Hamiltonian dynamics: reversal, volume, order, and a model whose evidence is known."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal, Normal, kl_divergence

from lib.generators import hamiltonian as hmc

D, PIXELS = 3, 5


def banana(z):
    """A curved, anharmonic potential (B, D) -> (B,)."""
    x, y, w = z.unbind(1)
    return 0.5 * x.square() + 2 * (y - x.square()).square() + 0.25 * w.square().square() + w * x


def points(n=4, seed=0):
    rng = np.random.default_rng(seed)
    return tuple(torch.from_numpy(rng.normal(size=(n, D))) for _ in range(2))


def end(potential, z, rho, eps, steps, **more):
    *_, last = hmc.trajectory(potential, z, rho, eps, steps, **more)
    return last


def test_reversing_the_momentum_runs_the_trajectory_backwards():
    z, rho = points()
    eps = torch.tensor([0.05, 0.11, 0.07], dtype=torch.float64)
    there = end(banana, z, rho, eps, 7)
    back = end(banana, there.z, -there.rho, eps, 7)
    assert (there.z - z).abs().max() > 0.1
    assert torch.allclose(back.z, z, rtol=0, atol=1e-12)
    assert torch.allclose(-back.rho, rho, rtol=0, atol=1e-12)


def jacobian(steps, beta0, gradient=None):
    z, rho = (each[:1] for each in points(seed=1))
    potential = banana if gradient is None else gradient

    def move(flat):
        last = end(potential, flat[None, :D], flat[None, D:], 0.2, steps, beta0=beta0,
                   differentiable=True)  # fmt: skip
        return torch.cat([last.z, last.rho], 1)[0]

    return torch.autograd.functional.jacobian(move, torch.cat([z, rho], 1)[0])


@pytest.mark.parametrize("steps", [1, 3])
def test_the_map_keeps_volume_without_tempering(steps):
    assert torch.linalg.det(jacobian(steps, 1.0)).item() == pytest.approx(1, abs=1e-10)


def test_with_tempering_the_dynamics_as_a_whole_still_keep_volume():
    # rho_0 = gamma / sqrt(beta_0) stretches by beta_0^(-d/2), tempering shrinks by beta_0^(d/2)
    assert torch.linalg.det(jacobian(3, 0.3)).item() == pytest.approx(1, abs=1e-10)


def test_the_map_is_symplectic():
    omega = torch.zeros(2 * D, 2 * D, dtype=torch.float64)
    omega[:D, D:], omega[D:, :D] = torch.eye(D), -torch.eye(D)
    j = jacobian(2, 1.0)
    assert torch.allclose(j.T @ omega @ j, omega, atol=1e-10)


def test_energy_error_is_of_second_order():
    z, rho = points(16)
    steps = np.array([10, 20, 40, 80])
    errors = []
    for n in steps:
        states = list(hmc.trajectory(banana, z, rho, 0.5 / n, int(n)))
        errors.append((states[-1].hamiltonian - states[0].hamiltonian).abs().mean().item())
    order = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert order == pytest.approx(2, abs=0.1)


def test_tempering_cools_by_the_square_root_of_beta0_in_all():
    factors = hmc.quadratic_tempering(0.3, 5)
    assert np.prod(factors) == pytest.approx(math.sqrt(0.3))
    assert all(f < 1 for f in factors) and hmc.quadratic_tempering(1.0, 3) == [1, 1, 1]
    with pytest.raises(ValueError, match="0 < beta0 <= 1"):
        hmc.quadratic_tempering(1.5, 2)


def test_gradients_are_computed_once_per_point():
    calls = []

    def counted(z):
        calls.append(1)
        return banana(z)

    end(counted, *points(), 0.1, 4)
    assert len(calls) == 5


# ---- a linear-Gaussian model: x = A z + noise ---------------------------------------------------


def linear(seed=3):
    rng = np.random.default_rng(seed)
    a = torch.from_numpy(rng.normal(size=(PIXELS, D)))
    x = torch.from_numpy(rng.normal(size=(2, PIXELS)) * 1.5)
    sd = 0.7

    def potential(z):
        density = Normal(z @ a.T, sd).log_prob(x.repeat(len(z) // len(x), 1)).sum(1)
        return -density - Normal(0.0, 1.0).log_prob(z).sum(1)

    cov = a @ a.T + sd**2 * torch.eye(PIXELS, dtype=torch.float64)
    evidence = MultivariateNormal(torch.zeros(PIXELS, dtype=torch.float64), cov).log_prob(x)
    return potential, evidence


def weights(steps, n, eps=0.1, beta0=0.6, seed=5):
    """Log weights (n, 2) of a posterior that is off, and bounds from the same noise."""
    potential, evidence = linear()
    rng = np.random.default_rng(seed)
    e, gamma = (torch.from_numpy(rng.normal(size=(2 * n, D))) for _ in range(2))
    mean = torch.full((2 * n, D), 0.1, dtype=torch.float64)
    log_sd = torch.full((2 * n, D), -0.4, dtype=torch.float64)
    z = mean + log_sd.exp() * e
    last = end(potential, z, gamma, eps, steps, beta0=beta0)
    log_q = hmc.normal_log_density(z, mean, log_sd)
    found = hmc.log_weight(last, log_q, gamma).detach()
    bounds = hmc.bound(last, log_sd).detach()
    return found.view(n, 2), bounds.view(n, 2), evidence


def test_without_steps_the_weight_is_that_of_a_vae():
    found, _, _ = weights(0, 50)
    potential, _ = linear()
    rng = np.random.default_rng(5)
    e = torch.from_numpy(rng.normal(size=(100, D)))
    z, q = 0.1 + math.exp(-0.4) * e, Normal(0.1, math.exp(-0.4))
    vae = -potential(z) - q.log_prob(z).sum(1)
    assert torch.allclose(found.flatten(), vae)


def test_without_steps_the_bound_is_the_vaes_elbo():
    _, bounds, _ = weights(0, 40_000)
    potential, _ = linear()
    q = Normal(torch.full((D,), 0.1, dtype=torch.float64), math.exp(-0.4))
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((40_000, D)))
    z = (q.mean + q.stddev * noise).repeat_interleave(2, 0)
    prior = Normal(torch.zeros(D, dtype=torch.float64), 1.0)
    fit = (-potential(z) - prior.log_prob(z).sum(1)).view(-1, 2).mean(0)
    assert torch.allclose(bounds.mean(0), fit - kl_divergence(q, prior).sum(), atol=0.15)


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_the_elbo_is_below_the_evidence_and_importance_sampling_reaches_it(steps):
    found, bounds, evidence = weights(steps, 40_000)
    spread = 4 * found.std(0) / 200
    assert (found.mean(0) < evidence + spread).all()
    assert torch.allclose(found.mean(0), bounds.mean(0), atol=0.08)
    assert torch.allclose(hmc.importance_estimate(found), evidence, atol=0.05)


def test_dynamics_tighten_the_bound_where_the_posterior_is_off():
    each = (weights(steps, 4000, eps=0.15) for steps in (0, 2))
    plain, moved = ((evidence - found.mean(0)).mean().item() for found, _, evidence in each)
    assert 0 < 1.5 * moved < plain


def test_a_wrong_gradient_loosens_the_bound_and_keeps_it():
    """Shears keep volume for any gradient: weights with a rounded one still average to p(x)."""
    potential, evidence = linear()

    class Rounded(torch.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            return z

        @staticmethod
        def backward(ctx, gradient):
            return (2 * gradient).round() / 2 + 0.3

    n = 40_000
    rng = np.random.default_rng(5)
    z, gamma = (torch.from_numpy(rng.normal(size=(2 * n, D))) for _ in range(2))
    last = end(lambda z: potential(Rounded.apply(z)), z, gamma, 0.1, 2)
    log_q = Normal(0.0, 1.0).log_prob(z).sum(1)
    found = hmc.log_weight(last, log_q, gamma).detach().view(n, 2)
    assert torch.allclose(hmc.importance_estimate(found), evidence, atol=0.1)


def test_gradients_reach_what_stands_before_the_dynamics():
    potential, _ = linear()
    z, gamma = points(4)
    scale = torch.ones(D, dtype=torch.float64, requires_grad=True)

    last = end(potential, z * scale, gamma, 0.1, 1, differentiable=True)
    assert torch.autograd.grad(last.rho.sum(), scale)[0].abs().min() > 1e-3
    stopped = end(potential, z * scale, gamma, 0.1, 1)
    assert not stopped.rho.requires_grad, "a stopped gradient leaves the momentum constant"
    assert stopped.energy.requires_grad, "the energy at the end is still differentiable"
