"""The linear-Gaussian toy of dHVAE's background, whose evidence is known, under other seeds."""

import pytest
import torch

from lib.generators import hamiltonian as hmc
from lib.papers.dhvae import toys


def model() -> toys.Linear:
    """The model that the page weighs, whatever its seed."""
    return toys.Linear(toys.normal(5, 3, seed=0, stream=7), 1.5 * toys.normal(5, seed=0, stream=8))


def test_the_closed_form_is_the_integral_over_a_grid():
    at = torch.linspace(-7, 7, 141, dtype=torch.float64)
    z = torch.cartesian_prod(at, at, at)
    summed = torch.logsumexp(-model().potential(z), 0) + 3 * (at[1] - at[0]).log()
    assert summed.item() == pytest.approx(model().evidence, abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("steps", [0, 4])
def test_every_seed_gives_a_bound_and_finds_the_evidence(seed, steps):
    noise = toys.normal(2, 40_000, 3, seed=seed, stream=9)
    weights, _ = model().weigh(noise, steps)
    assert weights.mean() < model().evidence
    assert abs(hmc.importance_estimate(weights) - model().evidence) < 0.1
