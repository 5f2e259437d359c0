"""R1: the slope of a critic at real images."""

import pytest
import torch

from lib.training.penalty import r1_penalty


def test_r1_is_the_squared_gradient_norm_of_each_image():
    real = torch.rand(4, 1, 5, 5)
    assert r1_penalty(lambda x: (3 * x).flatten(1).sum(1), real).item() == pytest.approx(9 * 25)
    assert r1_penalty(lambda x: x.square().flatten(1).sum(1), real).item() == pytest.approx(
        4 * real.square().flatten(1).sum(1).mean().item()
    )


def test_its_gradient_reaches_the_critic_and_not_the_images():
    real, weight = torch.rand(4, 5), torch.ones(5, requires_grad=True)
    r1_penalty(lambda x: x @ weight, real).backward()
    assert torch.allclose(weight.grad, 2 * torch.ones(5)) and real.grad is None
