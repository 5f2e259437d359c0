"""Looking at a training must not change it, and every frame comes from the same noise."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from torch.distributions import Normal, kl_divergence

from lib.datasets import chest as chest_sets
from lib.datasets.hdf5 import from_arrays
from lib.generators import vae, watch
from lib.jobs import Result
from lib.networks.classifier import SmallCNN
from lib.papers.pavae import method
from lib.papers.pavae.study import study
from lib.phantoms import chest
from lib.profiles import QUICK, Plan
from lib.tasks import classify
from lib.training import loop as tr
from lib.training.weights import freeze, seeded, weights_to_arrays

SMALL = replace(vae.PA_VAE, epochs=2, epoch_images=128, precision="float32")
STREAM = [0, 7]


@pytest.fixture(scope="module")
def draw():
    return chest_sets.draw(chest.BARE, 48, np.random.default_rng(0))


@pytest.fixture(scope="module")
def parts(draw):
    guide = freeze(seeded(SmallCNN, np.random.default_rng(0)))
    data = Result(draw.arrays(), {})
    return {"data": data, "n": 32, "guide": Result(weights_to_arrays(guide), {})}


@pytest.fixture(scope="module")
def film(parts):
    settings = asdict(SMALL)
    return watch.film(**parts, held_out=parts["data"], m=16, settings=settings, stream=STREAM)


def test_watching_does_not_change_the_training(film, parts):
    """The same training without a look at it ends with the same weights, bit by bit."""
    data, guide = from_arrays(parts["data"].arrays)[: parts["n"]], classify.load(parts["guide"])
    *_, last = vae.fit(data, guide, SMALL, np.random.default_rng(STREAM))
    for name, weights in weights_to_arrays(last.model, "best/").items():
        assert np.array_equal(film.arrays[name], weights), name
    assert [row["epoch"] for row in film.scores["log"]] == [1, 2]


def test_frames_show_one_noise_through_all_epochs(film):
    """The last frame is what the stored weights make of the noise; an earlier one is not."""
    model = vae.load(film)
    noise = watch.noise_of(SMALL.latent, np.random.default_rng([*STREAM, 1]))
    frames = film.arrays["frames"]
    assert frames.shape == (2, watch.NOISES, 3, 64, 64)
    assert np.array_equal(frames[-1], watch.frame(model, noise))
    assert not np.array_equal(frames[0], frames[1])


def test_a_frame_has_one_noise_a_row_and_one_class_a_column():
    """With a prior whose means tell the classes apart, each cell is its own draw, decoded alone."""
    model = freeze(seeded(lambda: vae.ConditionalVAE(SMALL), np.random.default_rng(1)))
    model.prior[:, 0] = torch.tensor([[-2.0], [0.0], [2.0]])
    model.prior[:, 1] = -1.0
    noise = watch.noise_of(SMALL.latent, np.random.default_rng(2), n=4)
    images = watch.frame(model, noise)
    for row, label in ((0, 2), (3, 0), (2, 1)):
        z = (2.0 * label - 2.0) + np.exp(-0.5) * noise[row : row + 1]
        alone = model.decoder(z, torch.tensor([label]))[0, 0].sigmoid()
        np.testing.assert_allclose(images[row, label], alone, atol=1e-5)


def test_kl_per_latent_is_torchs_kl_averaged_over_images(draw):
    model = freeze(seeded(lambda: vae.ConditionalVAE(SMALL), np.random.default_rng(1)))
    model.encoder.out.weight.normal_(0, 0.05, generator=torch.Generator().manual_seed(0))
    model.prior[1, 0] = 0.5
    x, y = tr.as_planes(draw.image), torch.from_numpy(draw.label)
    gaussians = (Normal(m, (0.5 * v).exp()) for m, v in (model.posterior(x, y), model.prior_of(y)))
    expected = kl_divergence(*gaussians).mean(0)
    found = watch.kl_per_latent(model, draw)
    assert found.shape == (SMALL.latent,)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_the_lesson_trains_short_and_changes_nothing_but_beta():
    fits, film = method.beta_fits(study(Plan(QUICK))), method.film(study(Plan(QUICK)))
    settings = {beta: job.spec["args"]["settings"] for beta, job in fits.items()}
    assert {beta: s.pop("beta") for beta, s in settings.items()} == {b: b for b in method.BETAS}
    assert all(s == settings[4.0] for s in settings.values())
    steps = sum(s["epochs"] * s["epoch_images"] // s["batch"] for s in settings.values())
    film = vae.VaeSettings(**film.spec["args"]["settings"])
    own = {name: getattr(film, name) for name in ("epochs", "epoch_images", "precision")}
    assert film == replace(vae.PA_VAE, **vae.BERNOULLI, **own)
    assert film.epochs * film.steps_per_epoch <= 400 and steps <= 1000, "a minute on one core"
