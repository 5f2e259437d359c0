"""What the latent-space explorer is given: twins, codes, priors, directions, energies, holes."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from lib import paths
from lib.datasets import chest as chest_sets
from lib.explore import latent_space
from lib.generators import hvae, vae
from lib.papers import registry
from lib.papers.pavae.arms import MAIN
from lib.phantoms import chest
from lib.record import models
from lib.report.page import Page
from lib.tasks import classify
from lib.training import loop as tr
from lib.training.weights import freeze, seeded


@pytest.fixture(scope="module")
def chests():
    return latent_space.chests(chest.BARE, 8, np.random.default_rng(0))


@pytest.fixture(scope="module")
def brains():
    return latent_space.brains(3, np.random.default_rng(0))


def shaken(make):
    """An untrained model whose every weight is moved, so that its encoder does not give zeros."""
    model = seeded(make, np.random.default_rng(0))
    with torch.no_grad():
        for p in (p for p in model.parameters() if p.requires_grad):
            p.add_(0.05 * torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel())))
    return freeze(model)


@pytest.fixture(scope="module")
def labelled(chests):
    model = shaken(lambda: vae.ConditionalVAE(vae.PA_VAE))
    return model, latent_space.labelled("a", model, chests, np.random.default_rng(1))


@pytest.fixture(scope="module")
def paired(brains):
    model = shaken(lambda: hvae.PairVAE(replace(hvae.HVAE, sd=0.3)))
    model.whiten(tr.as_pairs(brains["image"], brains["mask"]))
    return model, latent_space.paired("b", model, brains, 2, np.random.default_rng(1))


def test_twin_of_a_healthy_chest_is_itself(chests):
    same = (chests["image"] == chests["healthy"]).all((1, 2))
    assert (same == (chests["label"] == 0)).all()
    again = latent_space.chests(chest.BARE, 8, np.random.default_rng(0))
    assert all(np.array_equal(again[name], chests[name]) for name in chests)


def test_twin_of_a_brain_differs_in_the_lesion(brains):
    change = np.abs(brains["image"] - brains["healthy"])
    assert (change[brains["mask"]].mean()) > 20 * change[~brains["mask"]].mean()
    assert brains["mask"].any((1, 2)).all()


def test_codes_prior_and_nats_are_the_models(labelled, chests):
    model, space = labelled
    x, y = tr.as_planes(chests["image"]), torch.from_numpy(chests["label"])
    (mean, log_q), (centre, log_p) = model.posterior(x, y), model.prior_of(y)
    assert np.array_equal(space.arrays["codes"], mean.numpy())
    noise = (space.arrays["draws"].reshape(-1, 8, 32) - mean.numpy()) / (0.5 * log_q).exp().numpy()
    assert abs(noise.mean()) < 0.1 and abs(noise.std() - 1) < 0.1
    q, p = Normal(mean, (0.5 * log_q).exp()), Normal(centre, (0.5 * log_p).exp())
    assert np.allclose(space.arrays["kl"], kl_divergence(q, p).mean(0), rtol=1e-4, atol=1e-6)
    for label in range(3):
        assert np.allclose(space.arrays["prior"][label, 0], p.loc[y == label][0])
        assert np.allclose(space.arrays["prior"][label, 1], p.scale[y == label][0])


def test_trajectory_has_the_energies_of_its_points(paired, brains):
    model, space = paired
    at, z = space.arrays["start"], torch.from_numpy(space.arrays["trajectory"])
    assert z.shape == (2, model.settings.leapfrog + 1, 64)
    energy = model.potential(tr.as_pairs(brains["image"][at], brains["mask"][at]))
    found = torch.stack([energy(z[:, k]) for k in range(z.shape[1])], 1)
    assert np.allclose(space.arrays["potential"], found, rtol=1e-5)
    half = 0.5 * (z[:, 1] - z[:, 0]).div(model.eps).square().sum(1)  # of the half-step momentum
    kinetic = space.arrays["hamiltonian"] - space.arrays["potential"]
    assert (kinetic > 0).all()
    assert np.allclose(kinetic[:, 0], half, rtol=0.5)


def test_codes_of_pairs_are_those_that_the_shown_network_takes(paired, brains):
    """The map of codes stands before the decoder that is exported: codes go through both."""
    model, space = paired
    pairs = tr.as_pairs(brains["image"], brains["mask"])
    with torch.no_grad():
        mean, _ = model.posterior(pairs)
        again = model.decode(torch.from_numpy(space.arrays["codes"]))
        assert torch.allclose(again, model.decoder(mean).float(), atol=1e-3)
    assert space.layers[0]["kind"] == "linear"
    drawn = space.arrays["draws"].reshape(-1, *space.arrays["codes"].shape)
    spread = drawn.std(0).mean()
    assert np.abs(drawn.mean(0) - space.arrays["codes"]).mean() < spread, "about the codes"


def test_a_vae_without_dynamics_has_no_trajectory(brains):
    model = shaken(lambda: hvae.PairVAE(hvae.VAE))
    space = latent_space.paired("c", model, brains, 2, np.random.default_rng(1))
    assert "trajectory" not in space.arrays


def test_the_standard_vae_appears_once_its_weights_are_kept(chests, tmp_path, monkeypatch):
    """From a small fit by way of this home and the record, as --to-record takes it."""
    for name in ("METRICS", "RECORD"):
        monkeypatch.setattr(paths, name, tmp_path / name)
    monkeypatch.setenv(paths.RECORD_ONLY, "1")
    page = Page("explore/latent_space", "smoke")
    job = registry.table("pavae/03_method").studies(page.plan)[0].fitted(MAIN["vae"], 0)
    assert not page.has_model("standard", job)
    images = chest_sets.image_set("bare", 64, [0, 1])
    guide = classify.fit_job(images, 64, {"steps": 2, "precision": "float32"}, [0, 2])
    short = {"epochs": 1, "epoch_images": 64, "batch": 32, "precision": "float32"}
    made = vae.fit_job(images, 64, guide, None, asdict(vae.STANDARD) | short, [0, 3])
    large = [key for key, values in made.arrays.items() if values.dtype == np.float32]
    models.save("explore/standard", job, made, large, root=paths.METRICS)
    assert models.keep("explore") == ["standard"] and page.has_model("standard", job)
    kept = vae.load(page.model("standard", job))
    z, y = torch.randn(6, 32, generator=torch.Generator().manual_seed(0)), torch.arange(6) % 3
    with torch.no_grad():
        assert torch.allclose(kept.decoder(z, y), vae.load(made).decoder(z, y), atol=0.02)
    space = latent_space.labelled("Standard VAE", kept, chests, np.random.default_rng(1))
    shown = latent_space.explorer({"standard": space}, {"chest": chests})
    assert [each["title"] for each in shown.head["json"]["spaces"]] == ["Standard VAE"]


def test_first_direction_is_where_codes_spread_and_signs_are_fixed():
    rng = np.random.default_rng(0)
    true = np.array([0.6, -0.8, 0.0])
    codes = 5 + rng.normal(size=(500, 1)) * 3 * true + 0.1 * rng.normal(size=(500, 3))
    first, *_ = latent_space.principal(codes, 2)
    assert np.allclose(first, [-0.6, 0.8, 0.0], atol=0.02)


def space_of(codes, mean=0.0, sd=1.0):
    prior = np.stack([np.full(codes.shape[1], mean), np.full(codes.shape[1], sd)])[None]
    arrays = {"codes": codes, "draws": codes, "prior": prior}
    return latent_space.Space("t", "chest", ("a",), False, [], np.zeros(1), arrays)


def test_draws_are_far_where_no_codes_are():
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(2000, 3))
    share = latent_space.far(space_of(codes), 0, 500, rng)
    assert 0.1 < share < 0.5  # codes and draws of one law: some lie at its rim
    assert latent_space.far(space_of(codes + 9), 0, 500, rng) == 1
    moved = space_of(7 + 2 * codes, mean=7.0, sd=2.0)  # units do not matter
    same = latent_space.far(moved, 0, 500, np.random.default_rng(1))
    assert same == latent_space.far(space_of(codes), 0, 500, np.random.default_rng(1))


def test_explorer_carries_images_codes_and_an_honest_reader(labelled, chests):
    shown = latent_space.explorer({"a": labelled[1]}, {"chest": chests})
    assert "reader" not in shown.head["json"]
    assert shown.head["arrays"]["a/codes"]["shape"] == [8, 32]
    assert shown.head["arrays"]["chest/image"]["dtype"] == "uint8"
    assert shown.head["json"]["spaces"][0]["classes"] == [*chest.CLASSES]
