"""VAE, HVAE and dHVAE of pairs: the bound, what reaches the encoder, the parts of equation 12."""

import math
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence
from toy_pairs import batch, guide, job, model, noise, pairs, run, same

from lib.generators import hamiltonian as hmc
from lib.generators import hvae
from lib.jobs import Result
from lib.networks import wsconv
from lib.training.loop import as_pairs
from lib.training.weights import freeze, seeded, weights_to_arrays


def test_the_paper_size_has_23_million_parameters():
    assert round(wsconv.paper_size() / 1e6, 1) == 22.9
    assert math.prod(wsconv.PAPER.code) == 768


def test_a_network_of_another_size_is_not_taken_for_the_papers(monkeypatch):
    monkeypatch.setattr(wsconv, "PAPER", replace(wsconv.PAPER, units=2))
    with pytest.raises(AssertionError, match="are not the 23 million"):
        wsconv.paper_size()


def test_weights_are_standardised_over_the_inputs_of_each_channel():
    weight = wsconv.convolution(8, 16).weight.detach()
    assert torch.allclose(weight.mean((1, 2, 3)), torch.zeros(16), atol=1e-6)
    assert torch.allclose(weight.var((1, 2, 3), correction=0), torch.ones(16), atol=1e-2)


def test_the_likelihood_is_a_density_of_the_image_and_the_mask():
    net, pair = model(), as_pairs(*pairs(3))
    logits = torch.randn(3, 2, 64, 64, generator=torch.Generator().manual_seed(0))
    image = Normal(logits[:, 0].sigmoid(), net.settings.sd).log_prob(pair[:, 0])
    mask = torch.distributions.Bernoulli(logits=logits[:, 1]).log_prob(pair[:, 1])
    expected = (image + mask).sum((1, 2))
    assert torch.allclose(net.log_likelihood(logits, pair), expected, rtol=1e-5)


def test_a_mask_counts_as_often_as_it_is_told():
    net, pair = model(mask_weight=3.0), as_pairs(*pairs(3))
    logits = torch.randn(3, 2, 64, 64, generator=torch.Generator().manual_seed(0))
    once = model().log_likelihood(logits, pair)
    mask = torch.distributions.Bernoulli(logits=logits[:, 1]).log_prob(pair[:, 1]).sum((1, 2))
    assert torch.allclose(net.log_likelihood(logits, pair), once + 2 * mask, rtol=1e-5)


def whitened(preset, **changes):
    """A model whose code reaches the decoder through a map that is not the identity."""
    net = model(preset, **changes)
    net.whiten(as_pairs(*pairs(12)))
    return net


def test_whitened_codes_have_the_kl_and_the_weights_of_their_law_before_the_map():
    """The law of h, N(mean, L L^T) beside the posterior, from torch's own densities."""
    net, pair, eps = whitened(hvae.VAE), as_pairs(*pairs(3)), noise(3)
    mean, log_sd = net.posterior(pair)
    posterior = Independent(Normal(mean, log_sd.exp()), 1)
    prior = MultivariateNormal(net.colouring.bias, scale_tril=net.colouring.weight)
    each = [kl_divergence(MultivariateNormal(m, torch.diag(s.exp() ** 2)), prior)
            for m, s in zip(mean, log_sd, strict=True)]  # fmt: skip
    assert torch.allclose(net.kl(mean, log_sd), torch.stack(each), rtol=1e-3)
    h = mean + log_sd.exp() * eps[0]
    likelihood = net.log_likelihood(net.decoder(h).float(), pair)
    expected = likelihood + prior.log_prob(h) - posterior.log_prob(h)
    assert torch.allclose(net.log_weights(pair, eps, 0), expected, rtol=1e-4)


def test_marginals_are_those_of_draws():
    net, pair = whitened(hvae.VAE), as_pairs(*pairs(2))
    mean, log_sd = net.posterior(pair)
    many = torch.randn(20_000, 2, 64, generator=torch.Generator().manual_seed(1))
    drawn = net.code_of((mean + log_sd.exp() * many).flatten(0, 1)).view(20_000, 2, 64)
    centre, marginal = net.marginals(mean, log_sd)
    assert torch.allclose(drawn.mean(0), centre, atol=0.1)
    assert torch.allclose(drawn.std(0), marginal.exp(), rtol=0.05)


def test_a_vae_maximises_likelihood_minus_the_kl():
    net, pair = model(hvae.VAE), as_pairs(*pairs(3))
    eps = noise(3)
    elbo, logits = net.infer(pair, eps, 0)
    mean, log_sd = net.posterior(pair)
    kl = kl_divergence(Normal(mean, log_sd.exp()), Normal(0.0, 1.0)).sum(1)
    assert torch.allclose(elbo, net.log_likelihood(logits, pair) - kl, rtol=1e-5)


def test_without_steps_importance_weights_are_those_of_the_vae():
    net, pair, eps = model(hvae.VAE), as_pairs(*pairs(3)), noise(3)
    mean, log_sd = net.posterior(pair)
    z = mean + log_sd.exp() * eps[0]
    q = Normal(mean, log_sd.exp()).log_prob(z).sum(1)
    expected = net.log_likelihood(net.decode(z), pair) + Normal(0.0, 1.0).log_prob(z).sum(1) - q
    assert torch.allclose(net.log_weights(pair, eps, 0), expected, rtol=1e-5)


@pytest.mark.parametrize("make", [model, whitened])
def test_the_training_bound_and_the_importance_weight_have_one_mean(make):
    net, pair = freeze(make(hvae.HVAE, step_size=0.02)), as_pairs(*pairs(2))
    gaps = []
    for seed in range(60):
        eps = noise(2, seed=seed)
        gaps.append((net.infer(pair, eps, 2)[0] - net.log_weights(pair, eps, 2)).detach())
    gaps = torch.stack(gaps)
    assert (gaps.mean(0).abs() < 4 * gaps.std(0) / 60**0.5).all()
    assert gaps.abs().max() > 1e-3, "two estimators, one with the entropies in closed form"


@pytest.mark.parametrize("stopped", [False, True])
def test_the_gradient_of_the_dynamics_reaches_the_encoder(stopped):
    """Finite differences of the bound in one encoder weight agree, unless the gradient stops."""
    net, pair, eps = model(stopped=stopped).double(), as_pairs(*pairs(2)).double(), noise(2)

    def value():
        return net.infer(pair, eps.double(), 2)[0].sum()

    weight = net.encoder.out.bias
    (gradient,) = torch.autograd.grad(value(), weight)
    with torch.no_grad():
        step = torch.zeros_like(weight)
        step[0] = 1e-4
        weight += step
        up = value().item()
        weight -= 2 * step
        down = value().item()
    exact = (up - down) / 2e-4
    agrees = gradient[0].item() == pytest.approx(exact, rel=1e-3)
    assert agrees != stopped


def test_step_sizes_are_positive_and_learn():
    net = model()
    assert torch.allclose(net.eps, torch.full((64,), hvae.HVAE.step_size), rtol=1e-4)
    elbo, _ = net.infer(as_pairs(*pairs(2)), noise(2), 2)
    (gradient,) = torch.autograd.grad(elbo.sum(), net.raw_steps)
    assert gradient.abs().max() > 0
    with torch.no_grad():
        net.raw_steps.fill_(-50.0)
    assert (net.eps > 0).all()


def test_feature_loss_is_zero_for_the_image_itself_and_grows_with_blur():
    x = as_pairs(*pairs(4))[:, :1]
    blurred = [nn.functional.avg_pool2d(x, k, 1, k // 2) for k in (3, 7)]
    own, little, more = (hvae.feature_loss(guide(), y, x, "float32") for y in (x, *blurred))
    assert own == 0 < little < more


def test_equation_12_weighs_the_terms():
    s = replace(hvae.DHVAE, beta=0.2)
    names = ("elbo", "disc", "feature", "l1")
    terms = {name: torch.tensor(v) for name, v in zip(names, (-7.0, 1.0, 2.0, 4.0), strict=True)}
    assert hvae.total(terms, s, 10).item() == pytest.approx(0.8 * 7 + 0.2 * 10 * 7)


def test_the_discriminator_waits_for_its_batch(monkeypatch):
    monkeypatch.setattr(hvae, "EVERY", 1)
    s = replace(hvae.DHVAE, steps=5, batch=4, warm_up=2, delay=3)
    states = [set(state.losses) for state in
              hvae.fit(*pairs(), guide(), s, np.random.default_rng(0))]  # fmt: skip
    assert ["disc" in found for found in states] == [False, False, False, True, True]
    assert [{"feature", "l1"} <= found for found in states] == [False, False, True, True, True]


def test_arms_that_share_a_warm_vae_start_from_its_weights(monkeypatch):
    monkeypatch.setattr(hvae, "EVERY", 1)
    s = replace(hvae.VAE, steps=3, warm_up=3, batch=4)
    *_, warm = hvae.fit(*pairs(), None, s, np.random.default_rng(0))
    kept = {name: v.clone() for name, v in warm.model.state_dict().items()}
    s = replace(hvae.HVAE, steps=5, warm_up=3, batch=4, rate_after=1e-9)
    states = list(hvae.fit(*pairs(), None, s, np.random.default_rng(1), warm.model))
    assert [state.at["step"] for state in states] == [4, 5]
    after = states[-1].model.state_dict()
    assert all(torch.allclose(after[name], kept[name], atol=1e-6) for name in kept)
    assert all(torch.equal(kept[name], v) for name, v in warm.model.state_dict().items())


def test_the_learning_rate_falls_twice():
    s = replace(hvae.HVAE, steps=30, warm_up=20, ramp=0)
    rates = [s.rate_at(step) for step in range(1, 31)]
    assert rates[0] == s.rate and rates[19] == pytest.approx(0.25 * s.rate)
    assert rates[20] == s.rate_after and rates[29] == pytest.approx(0.05 * s.rate_after)
    slow = replace(s, ramp=4)
    assert [slow.rate_at(20 + i) / rates[19 + i] for i in (1, 2, 4, 5)] == [0.25, 0.5, 1, 1]


def test_presets_differ_in_the_terms_that_they_name():
    found = {name: set(run(getattr(hvae, name), delay=2).losses) - {"elbo"}
             for name in ("VAE", "HVAE", "HVAE_DISC", "HVAE_PERC", "DHVAE")}  # fmt: skip
    assert found["VAE"] == found["HVAE"] == set()
    assert found["HVAE_DISC"] == {"disc", "critic"}
    assert found["HVAE_PERC"] == {"feature", "l1"}
    assert found["DHVAE"] == {"disc", "critic", "feature", "l1"}
    assert [hvae.VAE.leapfrog, hvae.HVAE.leapfrog] == [0, 3]


def test_training_raises_the_bound_and_reconstructs():
    image, mask = pairs(60)
    s = replace(hvae.HVAE, steps=120, warm_up=110, sd=0.1)
    states = list(hvae.fit(image, mask, None, s, np.random.default_rng(0)))
    assert states[-1].losses["elbo"] > states[0].losses["elbo"] + 300
    fitted = Result(weights_to_arrays(states[-1].model, "model/"), {"settings": asdict(s)})
    stored = Result({"image": image, "mask": mask})
    again = hvae.reconstruction(fitted, stored, 60).arrays["reconstruction"]
    blind = ((image - image.mean(0)) ** 2).mean()
    assert ((again - image) ** 2).mean() < 0.7 * blind


# ---- what training moves ----


@pytest.mark.parametrize("term", ["elbo", "feature", "l1", "disc"])
def test_every_term_has_a_gradient_in_the_decoder_and_none_in_its_judges(term):
    net, critic, pair, eps = batch()
    eyes = guide()
    terms = hvae.loss_terms(net, critic, eyes, pair, eps, hvae.DHVAE.warm_up + 1, same)
    terms[term].backward()
    assert sum(w.grad.abs().sum() for w in net.decoder.parameters() if w.grad is not None) > 0
    assert all(w.grad is None for judge in (critic, eyes) for w in judge.parameters())


def test_a_step_on_the_critics_loss_tells_real_from_fake_and_one_on_ours_pleases_it():
    net, critic, pair, eps = batch()

    def gap():
        fake = net.decode(eps[2]).sigmoid()
        return (critic(pair).mean() - critic(fake).mean()).item()

    before = gap()
    optimizer = torch.optim.SGD(critic.parameters(), 1e-3)
    for _ in range(5):
        optimizer.zero_grad()
        hvae.critic_loss(critic, pair, net.decode(eps[2]).sigmoid().detach(), "float32").backward()
        optimizer.step()
    told = gap()
    optimizer = torch.optim.SGD(net.decoder.parameters(), 1e-4)
    for _ in range(5):
        optimizer.zero_grad()
        terms = hvae.loss_terms(net, critic, guide(), pair, eps, hvae.DHVAE.warm_up + 1, same)
        terms["disc"].backward()
        optimizer.step()
    assert told > before and gap() < told


def test_the_discriminator_learns_once_it_has_joined(monkeypatch):
    made = []
    monkeypatch.setattr(hvae, "seeded", lambda *a: made.append(seeded(*a)) or made[-1])
    run(hvae.DHVAE, steps=4, delay=9)
    run(hvae.DHVAE, steps=4, delay=2)
    waiting, joined = (weights_to_arrays(made[i]) for i in (1, 3))
    assert not any(np.array_equal(waiting[name], joined[name]) for name in waiting)


def test_a_step_of_training_descends_on_equation_12_in_nats_per_image(monkeypatch):
    """Of the terms that the State tells, the regularisers count once for each of 4,096 pixels."""
    losses = []
    seen_by(monkeypatch, losses)
    s = replace(hvae.DHVAE, beta=0.2, steps=3, batch=4, warm_up=2, delay=2)
    *_, state = hvae.fit(*pairs(), guide(), s, np.random.default_rng(0))
    told = state.losses
    expected = -0.8 * told["elbo"] + 0.2 * 4096 * (told["disc"] + told["feature"] + told["l1"])
    assert losses[-2] == pytest.approx(expected, rel=1e-5)
    assert losses[-1] == pytest.approx(told["critic"], rel=1e-5)


def seen_by(monkeypatch, losses: list[float]) -> None:
    """Every State is told, and every loss that a step is taken on is kept."""
    step, descend = hvae.tr.Clipped.step, hvae.tr.descend
    monkeypatch.setattr(hvae, "EVERY", 1)
    monkeypatch.setattr(
        hvae.tr.Clipped, "step", lambda own, loss: losses.append(loss.item()) or step(own, loss)
    )
    monkeypatch.setattr(
        hvae.tr, "descend", lambda o, loss: losses.append(loss.item()) or descend(o, loss)
    )


def test_a_balanced_critic_pulls_as_hard_as_the_bound():
    net, critic, pair, eps = batch()
    terms = hvae.loss_terms(net, critic, guide(), pair, eps, hvae.DHVAE.warm_up + 1, same)
    weight = hvae.balance(net, terms)
    assert weight > 0 and not weight.requires_grad
    lengths = []
    for scaled in (terms["elbo"], weight * terms["disc"]):
        net.zero_grad()
        scaled.backward(retain_graph=True)
        lengths.append(net.decoder.out.weight.grad.norm().item())
    assert lengths[0] == pytest.approx(lengths[1], rel=1e-4)


def test_a_balanced_critic_counts_by_its_weight_and_the_others_by_pixels(monkeypatch):
    losses = []
    seen_by(monkeypatch, losses)
    s = replace(hvae.DHVAE, adaptive=True, beta=0.2, steps=3, batch=4, warm_up=2, delay=2)
    *_, state = hvae.fit(*pairs(), guide(), s, np.random.default_rng(0))
    told = state.losses
    added = told["critic_weight"] * told["disc"] + 4096 * (told["feature"] + told["l1"])
    assert losses[-2] == pytest.approx(-0.8 * told["elbo"] + 0.2 * added, rel=1e-5)


def test_a_fit_shortens_the_gradients_that_its_settings_say(monkeypatch):
    made, kind = [], hvae.tr.Clipped
    monkeypatch.setattr(hvae.tr, "Clipped", lambda o, times: made.append(times) or kind(o, times))
    run(hvae.VAE, clip=3.5)
    assert made == [3.5]


def test_samples_and_the_critics_fakes_are_decoded_from_the_standard_normal(monkeypatch):
    net, seen = model(), []
    decode = net.decode
    monkeypatch.setattr(net, "decode", lambda z, m=None: seen.append(z) or decode(z, m))
    net.sample(80, np.random.default_rng(0))
    assert stats.kstest(torch.cat(seen).flatten().numpy(), "norm").pvalue > 0.01
    seen.clear()
    critic = seeded(wsconv.PatchCritic, np.random.default_rng(4))
    eps = noise(60, rows=3)
    hvae.loss_terms(net, critic, None, as_pairs(*pairs(60)), eps, 1, same)
    assert stats.kstest(seen[-1].flatten().numpy(), "norm").pvalue > 0.01


def test_jobs_are_repeatable_and_seeds_differ():
    (data, one), (_, two), (_, other) = job(), job(), job(seed=8)
    assert all(np.array_equal(one.arrays[name], two.arrays[name]) for name in one.arrays)
    name = "model/encoder.stem.weight"
    assert not np.array_equal(one.arrays[name], other.arrays[name])
    few, many = (hvae.pool(one, n, [3]).arrays["image"] for n in (3, 6))
    assert np.array_equal(few, hvae.pool(two, 3, [3]).arrays["image"])
    assert many.shape == (6, 64, 64) and many.min() >= 0 and many.max() <= 1
    scores = hvae.likelihood(one, data, 4, 6, [0]).scores
    assert scores["gap"] >= 0 and scores["evidence"] == pytest.approx(
        scores["elbo"] + scores["gap"], rel=1e-5
    )


def test_a_conditional_model_draws_the_image_of_a_given_mask():
    data, fitted = job(hvae.HVAE, condition=True)
    found = hvae.pool(fitted, 5, [1], given=data).arrays
    known = {mask.tobytes() for mask in data.arrays["mask"]}
    assert all(mask.tobytes() in known for mask in found["mask"])
    net = hvae.load(fitted)
    z = torch.zeros(1, 64)
    one, two = (net.decode(z, torch.full((1, 1, 64, 64), v)) for v in (0.0, 1.0))
    assert not torch.allclose(one, two)


def test_a_missing_guide_and_bad_pairs_are_refused():
    image, mask = pairs(4)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="needs a guide"):
        next(hvae.fit(image, mask, None, hvae.DHVAE, rng))
    with pytest.raises(ValueError):
        next(hvae.fit(image, mask[:, :32], None, hvae.HVAE, rng))
    with pytest.raises(ValueError):
        next(hvae.fit(image, np.zeros_like(mask), None, hvae.HVAE, rng))


def test_entropies_of_the_bound_are_those_of_the_normal():
    """d (1 + log 2 pi / 2) + sum log sd less the kinetic constant: by hand for one point."""
    last = hmc.Point(torch.zeros(1, 2), torch.ones(1, 2), torch.tensor([5.0]), torch.zeros(1, 2))
    log_sd = torch.tensor([[0.1, -0.3]])
    entropy = Normal(torch.zeros(2), log_sd.exp()).entropy().sum() + 2 * Normal(0.0, 1.0).entropy()
    kinetic = Normal(0.0, 1.0).log_prob(torch.ones(2)).sum()
    expected = (-5 + kinetic + entropy).item()
    assert hmc.bound(last, log_sd).item() == pytest.approx(expected, rel=1e-6)
