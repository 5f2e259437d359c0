"""Rivals do the same work: networks of one shape, steps that learn, lesions that agree."""

import warnings

import numpy as np
import pytest
import torch

from lib.generators import deviation
from lib.report import rivals
from lib.training.weights import freeze, seeded


def test_networks_have_the_shapes_that_both_implementations_need():
    x = torch.zeros(3, 2, 64, 64)
    assert rivals.encoder()(x).shape == (3, 2 * rivals.LATENT)
    assert rivals.decoder()(torch.zeros(3, rivals.LATENT)).shape == x.shape


@pytest.mark.parametrize("stopped", [False, True])
def test_a_step_lowers_its_loss(stopped, monkeypatch):
    losses, descend = [], rivals.tr.descend
    monkeypatch.setattr(
        rivals.tr, "descend", lambda opt, loss: (losses.append(loss.item()), descend(opt, loss))
    )
    torch.manual_seed(0)
    step = rivals.hvae_step("float32", stopped)
    for _ in range(6):
        step()
    assert losses[-1] < losses[0]


def test_lesions_by_monai_are_ours_where_a_box_is_the_image():
    few = {"precision": "float32", "length": 10, "sampler_steps": 10, "clip": False}
    settings = deviation.DeviationSettings(**few)
    model = freeze(
        seeded(lambda: deviation.DeviationDiffusion(settings), np.random.default_rng(0))
    )
    mask = torch.zeros(2, 1, 64, 64)
    mask[:, :, 4:60, 4:60] = 1
    substrate = torch.rand(2, 1, 64, 64, generator=torch.Generator().manual_seed(1)) * (1 - mask)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI uses what newer torch deprecates
        theirs = rivals.by_monai(model, substrate, mask, torch.Generator().manual_seed(2))
        ours = model.draw(substrate, mask, torch.Generator().manual_seed(2))
    assert torch.allclose(ours, theirs, atol=1e-4 * float(ours.abs().max()))


def test_without_pythae_there_is_no_step_of_it(monkeypatch):
    monkeypatch.setattr(rivals, "find_spec", lambda name: None)
    assert rivals.pythae_step() is None


def test_a_pythae_of_another_version_is_not_what_steps_are_timed_against(monkeypatch):
    monkeypatch.setattr(rivals, "find_spec", lambda name: object())
    monkeypatch.setattr(rivals, "version", lambda name: "0.1.1")
    assert rivals.pythae_version() == "0.1.1" != rivals.PYTHAE
    assert rivals.pythae_step() is None
