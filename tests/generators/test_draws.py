"""What a sample is: a draw about a mean, from a prior; what the critic sees; weights averaged."""

from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from toy_pairs import GAN, LDM, batch, blobs, guide, job, model, noise, pairs, run

from lib.datasets import chest as chest_sets
from lib.generators import hvae, latent, lsgan, observation, vae
from lib.generators.observation import GREYS, Noise
from lib.jobs import Result
from lib.networks.classifier import SmallCNN
from lib.phantoms import chest
from lib.training.loop import as_pairs, as_planes, torch_generator
from lib.training.weights import seeded, weights_to_arrays

CHEST = asdict(replace(vae.PA_VAE, epochs=1, epoch_images=128, precision="float32"))
LOUD = Noise(np.full(len(GREYS), 0.1), 0.0)


def loud(fitted: Result) -> Result:
    """A fit whose images have noise that cannot be overlooked."""
    return Result(fitted.arrays | LOUD.arrays, fitted.scores)


def assert_drawn(image: np.ndarray, mean: np.ndarray) -> None:
    """Draws about means: where clipping is far, of the noise's deviation and of mean zero."""
    inside = (mean > 0.35) & (mean < 0.65)
    rest = (image - mean)[inside]
    assert len(rest) > 1000 and abs(rest.mean()) < 0.02
    assert rest.std() == pytest.approx(0.1, rel=0.05)


def test_samples_of_the_chest_are_draws_and_the_means_on_demand():
    data = chest_sets.draw(chest.BARE, 48, np.random.default_rng(0))
    weights = Result(weights_to_arrays(seeded(SmallCNN, np.random.default_rng(0))))
    stored = Result(data.arrays())
    fitted = loud(vae.fit_job(stored, 48, weights, None, CHEST, [0]))
    drawn, mean = (vae.pool(fitted, 12, [5], noisy=on).arrays["image"] for on in (True, False))
    assert_drawn(drawn, mean)


def chest_model(**changes) -> tuple[vae.ConditionalVAE, Result, Result]:
    """A conditional VAE, its stored weights, and 48 images with labels."""
    data = Result(chest_sets.draw(chest.BARE, 48, np.random.default_rng(0)).arrays())
    s = replace(vae.PA_VAE, latent=8, precision="float32", **changes)
    net = seeded(lambda: vae.ConditionalVAE(s), np.random.default_rng(3))
    with torch.no_grad():  # the encoder's last layer starts at zero
        net.encoder.out.weight.normal_(0, 0.05, generator=torch.Generator().manual_seed(1))
        net.encoder.out.bias.normal_(generator=torch.Generator().manual_seed(2))
    fitted = Result(weights_to_arrays(net, "best/") | LOUD.arrays, {"settings": asdict(s)})
    return vae.load(fitted), fitted, data


@pytest.mark.parametrize("class_prior", [True, False])
def test_refitted_codes_have_the_moments_of_the_training_codes_of_their_class(class_prior):
    net, _, data = chest_model()
    x, y = as_planes(data.arrays["image"]), torch.from_numpy(data.arrays["label"])
    with torch.no_grad():
        mean, log_variance = net.posterior(x, y)
    own = y == 1 if class_prior else y >= 0
    spread = torch.randn(4000, int(own.sum()), 8, generator=torch.Generator().manual_seed(0))
    mixed = (mean[own] + (0.5 * log_variance[own]).exp() * spread).flatten(0, 1)
    seen, asked = [], []

    def decoder(z, labels):
        seen.append(z)
        asked.append(labels)
        return torch.zeros(len(z), 2, 64, 64)

    made = vae.refitted(net, x, y, class_prior)
    made = replace(made, model=SimpleNamespace(decoder=decoder))
    made.sample(np.ones(4000, np.int64), np.random.default_rng(0))
    z = torch.cat(seen)
    assert (torch.cat(asked) == 1).all()
    scale = mixed.std(0)
    assert ((z.mean(0) - mixed.mean(0)) / scale).abs().max() < 0.1
    wanted = torch.cov(mixed.T)
    assert ((torch.cov(z.T) - wanted) / torch.outer(scale, scale)).abs().max() < 0.15


def test_a_refitted_pool_knows_whether_its_prior_has_classes(monkeypatch):
    told, refit = [], vae.refitted
    monkeypatch.setattr(vae, "refitted", lambda *a: told.append(a[3]) or refit(*a))
    for class_prior in (True, False):
        _, fitted, data = chest_model(class_prior=class_prior)
        made = vae.refitted_pool(fitted, data, 48, 12, [5])
    assert told == [True, False]
    assert made.arrays["image"].shape == (12, 64, 64) and set(made.arrays["label"]) == {0, 1, 2}
    again = vae.refitted_pool(fitted, data, 48, 12, [5])
    assert np.array_equal(again.arrays["image"], made.arrays["image"])
    own = vae.pool(fitted, 12, [5])
    assert np.array_equal(own.arrays["label"], made.arrays["label"])
    assert not np.array_equal(own.arrays["image"], made.arrays["image"])


def test_a_refitted_pool_sees_the_labelled_images_alone():
    _, fitted, data = chest_model()
    few = Result({name: part[:40] for name, part in data.arrays.items()})
    drawn = [vae.refitted_pool(fitted, each, 40, 8, [5]).arrays["image"] for each in (data, few)]
    assert np.array_equal(*drawn)


@pytest.mark.parametrize(("module", "settings"), [(lsgan, GAN), (latent, LDM)])
def test_samples_of_the_baselines_are_draws(module, settings):
    fitted = loud(module.fit_job(blobs(24), asdict(settings), [3]))
    drawn = module.pool(fitted, 8, [4]).arrays["image"]
    mean, _ = module.load(fitted).sample(8, np.random.default_rng([4]))
    assert np.abs(drawn - mean).mean() > 0.03


def test_samples_of_pairs_are_draws_and_a_fit_keeps_the_noise_of_its_own_slices():
    data, fitted = job()
    own = observation.estimate(data.arrays["image"])
    assert np.array_equal(observation.restored(fitted.arrays).sd, own.sd)
    drawn, mean = (hvae.pool(loud(fitted), 9, [2], noisy=on).arrays for on in (True, False))
    assert_drawn(drawn["image"], mean["image"])
    assert np.array_equal(drawn["mask"], mean["mask"])


def test_a_fitted_prior_has_the_moments_of_the_mixed_posteriors():
    net, given = model(), as_pairs(*pairs(24))
    mean, factor = hvae.fitted_prior(net, given)
    with torch.no_grad():
        centre, log_sd = net.posterior(given)
    spread = torch.randn(4000, 24, 64, generator=torch.Generator().manual_seed(0))
    mixed = (centre + log_sd.exp() * spread).flatten(0, 1)
    assert torch.allclose(mean, mixed.mean(0), atol=0.03)
    own = centre.shape[0] / (centre.shape[0] - 1)  # torch.cov divides by one less
    expected = torch.cov(centre.T) + (2 * log_sd).exp().mean(0).diag()
    assert torch.allclose(factor @ factor.T, expected, atol=1e-4)
    assert torch.allclose(torch.cov(mixed.T), expected, atol=0.15 * own)


def test_whitened_codes_of_training_pairs_have_mean_0_and_covariance_1():
    net, given = model(), as_pairs(*pairs(24))
    before = net.decode(torch.zeros(1, 64))
    with torch.no_grad():
        centre, log_sd = net.posterior(given)
        spread = torch.randn(4000, 24, 64, generator=torch.Generator().manual_seed(0))
        h = (centre + log_sd.exp() * spread).flatten(0, 1)
        assert torch.equal(net.code_of(h), h), "the identity until it is set"
        net.whiten(given)
        z = net.code_of(h)
        assert torch.allclose(net.colouring(z), h, atol=1e-4)
    assert z.mean(0).abs().max() < 0.03
    assert torch.allclose(torch.cov(z.T), torch.eye(64), atol=0.15)
    net.unwhiten()
    assert torch.equal(net.decode(torch.zeros(1, 64)), before)


def test_a_code_is_drawn_through_the_map():
    net = model()
    net.whiten(as_pairs(*pairs(24)))
    z = torch.randn(3, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        direct = net.decoder(net.colouring.bias + z @ net.colouring.weight.T)
        assert torch.allclose(net.decode(z), direct, atol=1e-5)


def test_codes_near_training_ones_keep_their_mean_and_covariance(monkeypatch):
    net, given, seen = model(), as_pairs(*pairs(24)), []
    net.whiten(given)
    codes = torch.cat([hvae.drawn_codes(net, given, torch.Generator().manual_seed(i))
                       for i in range(200)])  # fmt: skip
    decode = net.decode
    monkeypatch.setattr(net, "decode", lambda z, m=None: seen.append(z) or decode(z, m))
    net.sample(3000, np.random.default_rng(0), near=codes)
    z = torch.cat(seen)
    assert z.mean(0).abs().max() < 0.1
    assert torch.allclose(torch.cov(z.T), torch.eye(64), atol=0.15)
    monkeypatch.setattr(hvae, "APART", 0.0)
    seen.clear()
    net.sample(20, np.random.default_rng(0), near=codes)
    assert (torch.cat(seen)[:, None] == codes).all(2).any(1).all(), "the codes themselves"


@pytest.mark.parametrize("whitened", [True, False])
def test_a_fit_whitens_its_codes_once_it_is_warm(whitened):
    state = run(hvae.HVAE, steps=5, whitened=whitened)
    same = torch.equal(state.model.colouring.weight, torch.eye(64))
    assert same != whitened
    s = replace(hvae.VAE, batch=4, steps=2, warm_up=2)
    warm = [*hvae.fit(*pairs(), None, s, np.random.default_rng(0))][-1].model
    assert not torch.equal(warm.colouring.weight, torch.eye(64))
    s = replace(hvae.HVAE, batch=4, steps=4, warm_up=2, whitened=whitened)
    after = [*hvae.fit(*pairs(), None, s, np.random.default_rng(0), warm)][-1].model
    expected = warm.colouring.weight if whitened else torch.eye(64)
    assert torch.equal(after.colouring.weight, expected), "arms that share a warm-up share its map"


# ---- training -----------------------------------------------------------------------------------


def test_the_critic_is_shown_what_is_made_of_the_samples():
    net, critic, pair, eps = batch()
    shown = torch.rand(4, 2, 64, 64)
    after = hvae.DHVAE.warm_up + 1
    terms = hvae.loss_terms(net, critic, guide(), pair, eps, after, lambda _: shown)
    assert torch.equal(terms["fake"], shown)
    expected = torch.nn.functional.softplus(-critic(shown)).mean()
    assert torch.allclose(terms["disc"], expected)


@pytest.mark.parametrize("noisy", [True, False])
def test_the_critic_sees_draws_unless_told_otherwise(noisy, monkeypatch):
    calls, on = [], Noise.on
    monkeypatch.setattr(Noise, "on", lambda *args: calls.append(1) or on(*args))
    run(hvae.DHVAE, steps=5, delay=2, noisy=noisy)
    assert len(calls) == (3 if noisy else 0), "once for each batch with the critic"


def test_the_kl_grows_to_its_full_weight():
    net, pair, eps = model(hvae.VAE), as_pairs(*pairs(4)), noise(4, rows=3)
    whole, none = (net.infer(pair, eps[:2], 0, weight)[0].mean() for weight in (1.0, 0.0))
    found = [
        hvae.loss_terms(net, None, None, pair, eps, step, None)["elbo"]
        for step in (hvae.VAE.anneal // 2, hvae.VAE.anneal, hvae.VAE.warm_up)
    ]
    assert torch.allclose(found[0], (whole + none) / 2, rtol=1e-5)
    assert torch.allclose(torch.stack(found[1:]), whole, rtol=1e-5) and none > whole


def test_the_deviation_of_the_likelihood_learns_where_it_has_a_rate():
    for rate in (0.0, 5.0):
        fast = {"average": 0.0, "sd": 0.3, "ramp": 0, "rate_after": 2e-3}
        state = run(hvae.VAE, steps=12, sd_rate=rate, **fast)
        moved = state.model.log_sd.item() - np.log(0.3)
        assert (moved < -0.01) if rate else abs(moved) < 1e-6


@pytest.mark.parametrize("family", ["hvae", "lsgan", "vae"])
def test_what_is_kept_is_a_moving_average(family):
    """Of weights that move: it follows them, and lags behind."""

    def weights(average, steps=12):
        if family == "hvae":
            return run(hvae.VAE, steps=steps, average=average).model
        if family == "lsgan":
            settings = replace(GAN, steps=steps, average=average)
            parts = (blobs(24).arrays[name] for name in ("image", "mask"))
            return [*lsgan.fit(*parts, settings, np.random.default_rng(0))][-1].model
        settings = vae.VaeSettings(**CHEST | {"epoch_images": 64 * steps})
        settings = replace(settings, average=average)
        data = chest_sets.draw(chest.BARE, 48, np.random.default_rng(0))
        net = seeded(SmallCNN, np.random.default_rng(0)).eval().requires_grad_(False)
        return [*vae.fit(data, net, settings, np.random.default_rng(0))][-1].model

    def far(one, other):
        each = zip(one.parameters(), other.parameters(), strict=True)
        return sum((a - b).square().sum().item() for a, b in each) ** 0.5

    last, kept, first = weights(0.0), weights(0.999), weights(0.0, steps=1)
    assert 0.002 * far(last, first) < far(kept, last) < 0.5 * far(last, first)


def test_the_lsgan_pays_for_slope_at_real_pairs_every_so_many_steps(monkeypatch):
    seen, penalty = [], lsgan.r1_penalty
    monkeypatch.setattr(lsgan, "r1_penalty", lambda c, x: seen.append(1) or penalty(c, x))
    parts = [blobs(24).arrays[name] for name in ("image", "mask")]
    made = {}
    for r1 in (0.0, 5.0):
        settings = replace(GAN, steps=8, r1=r1, r1_every=4)
        *_, state = lsgan.fit(*parts, settings, np.random.default_rng(0))
        made[r1] = weights_to_arrays(state.model)
    assert len(seen) == 2
    assert any(not np.array_equal(made[0.0][k], made[5.0][k]) for k in made[0.0])


def test_noise_comes_from_the_generator_that_is_given():
    mean = torch.full((2, 64, 64), 0.5)
    one, two, other = (
        LOUD.on(mean, torch_generator(np.random.default_rng(seed))) for seed in (0, 0, 1)
    )
    assert torch.equal(one, two) and not torch.equal(one, other)
