"""The generator families: equation 1 term by term, and what each arm may and may not do."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Independent, Normal, kl_divergence

from lib.datasets import chest as chest_sets
from lib.generators import vae
from lib.generators.frame import EarlyStopping, labelled_pool, labels_of
from lib.jobs import Result
from lib.networks.blocks import Decoder
from lib.networks.classifier import SmallCNN
from lib.phantoms import chest
from lib.training import loop as tr
from lib.training.weights import freeze, seeded, weights_to_arrays

SMALL = replace(vae.PA_VAE, epochs=2, epoch_images=128, precision="float32")
PLAIN = asdict(SMALL)


@pytest.fixture(scope="module")
def data():
    return chest_sets.draw(chest.BARE, 48, np.random.default_rng(0))


@pytest.fixture(scope="module")
def guide():
    return freeze(seeded(SmallCNN, np.random.default_rng(0)))


def random_gaussians(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(5, 7, generator=generator) for _ in range(4)]


# ---- equation 1 ----


def test_kl_agrees_with_torch_distributions():
    mean_q, log_q, mean_p, log_p = random_gaussians()
    q, p = (
        Independent(Normal(m, (0.5 * s).exp()), 1) for m, s in ((mean_q, log_q), (mean_p, log_p))
    )
    torch.testing.assert_close(vae.kl(mean_q, log_q, mean_p, log_p).sum(1), kl_divergence(q, p))


def test_reparameterised_draws_have_the_asked_moments():
    noise = torch.randn(200_000, 1, generator=torch.Generator().manual_seed(0))
    drawn = vae.draw(torch.tensor([[1.5]]), torch.tensor([[-0.7]]), noise)
    assert drawn.mean().item() == pytest.approx(1.5, abs=0.01)
    assert drawn.var().log().item() == pytest.approx(-0.7, abs=0.02)


def test_mask_loss_is_one_minus_iou_for_hard_masks_and_skips_healthy_images():
    mask = torch.zeros(3, 8, 8)
    mask[0, :4, :4] = mask[1, :4, :4] = 1  # the third image is healthy
    logits = torch.full((3, 8, 8), -50.0)
    logits[0, :4, :4] = 50  # IoU 1
    logits[1, :4, 2:6] = 50  # 8 of 24 pixels: IoU 1/3
    logits[2] = 50
    assert vae.mask_loss(logits, mask).item() == pytest.approx((0 + 2 / 3) / 2)
    assert vae.mask_loss(logits[2:], mask[2:]).item() == 0


def test_reductions_sum_over_pixels_and_latents_and_average_over_the_batch(data, guide):
    """Twice the same batch changes nothing; the reconstruction is nats per image."""
    model = vae.ConditionalVAE(SMALL)
    x, y = tr.as_planes(data.image[:4]), torch.from_numpy(data.label[:4])
    mask, noise = torch.from_numpy(data.mask[:4]).float(), torch.zeros(2, 4, SMALL.latent)
    once = vae.loss_terms(model, guide, x, y, mask, noise, SMALL)
    parts = (x.repeat(2, 1, 1, 1), y.repeat(2), mask.repeat(2, 1, 1), noise.repeat(1, 2, 1))
    twice = vae.loss_terms(model, guide, *parts, SMALL)
    for name in ("reconstruction", "kl", "path", "mask"):
        torch.testing.assert_close(once[name], twice[name], rtol=1e-4, atol=1e-5)
    coins = vae.loss_terms(model, guide, x, y, mask, noise, replace(SMALL, **vae.BERNOULLI))
    nats = coins["reconstruction"].item() / x[0].numel()
    assert 0.5 < nats < 1.0, "an untrained Bernoulli pixel costs about log 2 = 0.69"


def test_total_is_equation_1_with_every_added_term_times_its_scale():
    names = ("reconstruction", "kl", "path", "mask", "cls")
    terms = {name: torch.tensor(float(i + 1)) for i, name in enumerate(names)}
    s = replace(vae.PA_VAE, lambda_mask=0.3, guide_scale=64.0)
    expected = 1 + 4 * 2 + 64 * 0.5 * 3 + 4096 * 0.3 * 4 + 64 * 0.2 * 5
    assert vae.total(terms, s, 4096).item() == pytest.approx(expected)


def test_the_gaussian_likelihood_is_least_at_the_image_and_reads_its_own_error():
    x = torch.rand(4, 1, 8, 8).clamp(0.05, 0.95)
    found = [vae.reconstruction_loss((x + e).logit(), x, "gaussian") for e in (0.0, 0.01, 0.04)]
    assert found[0] < found[1] < found[2]
    normal = torch.distributions.Normal(x + 0.04, 0.04)  # by hand: the error is 0.04 everywhere
    assert found[2].item() == pytest.approx(-normal.log_prob(x).sum((1, 2, 3)).mean().item(), 1e-3)
    with pytest.raises(ValueError, match="likelihood 'poisson' is unknown"):
        vae.reconstruction_loss(x, x, "poisson")


def test_the_papers_settings_are_the_defaults():
    s = vae.PA_VAE
    assert (s.beta, s.lambda_path, s.lambda_cls) == (4.0, 0.5, 0.2)
    assert (s.rate, s.rate_end, s.batch) == (1e-3, 1e-5, 64)
    assert 8 <= s.epochs <= 10
    assert vae.BERNOULLI["likelihood"] == "bernoulli"
    plain = vae.STANDARD
    assert plain.lambda_path == plain.lambda_mask == plain.lambda_cls == 0 and not plain.class_prior


def test_perfect_features_cost_nothing_and_gradients_reach_every_part(data, guide):
    model = vae.ConditionalVAE(SMALL)
    with torch.no_grad():  # the encoder's last layer starts at zero: give gradients a way through
        model.encoder.out.weight.normal_(0, 0.01)
    x, y = tr.as_planes(data.image[:8]), torch.from_numpy(data.label[:8])
    mask, noise = torch.from_numpy(data.mask[:8]).float(), torch.ones(2, 8, SMALL.latent)
    terms = vae.loss_terms(model, guide, x, y, mask, noise, SMALL)
    for name in ("path", "cls", "mask", "reconstruction"):
        model.zero_grad()
        terms[name].backward(retain_graph=True)
        assert model.decoder.into.weight.grad.abs().sum() > 0, name
        assert model.encoder.out.weight.grad.abs().sum() > 0, name
    model.zero_grad()
    terms["cls"].backward(retain_graph=True)
    assert model.prior.grad is None or not model.prior.grad.any(), "only the KL moves the prior"
    terms["kl"].backward()
    assert model.prior.grad.abs().sum() > 0
    assert all(w.grad is None for w in guide.parameters()), "the guide is frozen"


def test_the_standard_vae_keeps_its_prior_at_n01(data, guide):
    s = replace(vae.STANDARD, epochs=1, epoch_images=128, precision="float32")
    state = list(vae.fit(data, guide, s, np.random.default_rng(0)))[-1]
    assert not state.model.prior.any()
    assert set(state.losses) == {"reconstruction", "kl", "total"}


def test_log_variances_are_clamped():
    model = vae.ConditionalVAE(SMALL)
    with torch.no_grad():
        model.prior.fill_(90.0)
        model.encoder.out.bias.fill_(90.0)
    y = torch.zeros(2, dtype=torch.long)
    assert model.prior_of(y)[1].max() == vae.PRIOR_LOG_VARIANCE[1]
    assert model.posterior(torch.rand(2, 1, 64, 64), y)[1].max() == vae.LOG_VARIANCE[1]


# ---- fitting ----


def test_a_fit_repeats_bit_by_bit_and_lowers_its_loss(data, guide):
    s = replace(SMALL, epochs=4, epoch_images=512)
    runs = [list(vae.fit(data, guide, s, np.random.default_rng(2))) for _ in range(2)]
    assert runs[0][-1].losses == runs[1][-1].losses
    first, last = (state.losses["reconstruction"] for state in (runs[0][0], runs[0][-1]))
    assert last < first - 100, "nats per image"
    labels = np.array([0, 1, 2])
    a, b = (run[-1].model.sample(labels, np.random.default_rng(0)) for run in runs)
    assert np.array_equal(a, b) and a.shape == (3, 64, 64) and a.min() >= 0 and a.max() <= 1


def test_early_stopping_keeps_the_best_epoch(data, guide, monkeypatch):
    scores = iter([3.0, 1.0, 2.0])
    monkeypatch.setattr("lib.generators.frame.frechet", lambda a, b, few: next(scores))
    watch = EarlyStopping(data.image, np.random.default_rng(0))
    kept = []
    for state in vae.fit(data, guide, replace(SMALL, epochs=3), np.random.default_rng(0)):
        watch.see(state)
        kept.append(watch.weights["best/decoder.out.bias"].copy())
    assert watch.scores["best_epoch"] == 2
    assert not np.array_equal(kept[0], kept[1]) and np.array_equal(kept[1], kept[2])


def test_the_decoder_leaves_no_grid():
    """Energy at the upsampling frequency of an untrained decoder is no peak."""
    torch.manual_seed(0)
    with torch.no_grad():
        out = Decoder(8)(torch.randn(32, 8), torch.zeros(32, dtype=torch.long))[:, 0]
    power = np.abs(np.fft.rfft(out.numpy(), axis=2)).mean((0, 1)) ** 2
    for period in (2, 4):  # pixels
        at = 64 // period
        around = np.r_[power[at - 4 : at - 1], power[at + 2 : at + 5]]
        assert power[at] < 3 * np.median(around) + 1e-9


def test_pseudo_labels_replace_only_what_is_unlabelled(data, guide):
    stored = Result(data.arrays(), {})
    weights = Result(weights_to_arrays(guide), {})
    out = vae.pseudo_labelled(stored, 16, weights)
    assert np.array_equal(out.arrays["label"][:16], data.label[:16])
    assert np.array_equal(out.arrays["mask"][:16], data.mask[:16])
    assert not out.arrays["mask"][16:].any(), "no mask of an unlabelled image is used"


# ---- pools ----


def test_a_pool_has_the_class_mix_in_every_prefix():
    class Echo:
        def sample(self, labels, rng):
            return np.broadcast_to(labels[:, None, None] / 2, (len(labels), 4, 4))

    pool = labelled_pool(Echo(), 40, [0]).arrays
    assert np.array_equal(np.bincount(pool["label"][:8]), [4, 2, 2])
    assert np.array_equal(pool["image"][:, 0, 0] * 2, pool["label"]), "labels reach the generator"


# ---- class mixes, and no early stopping ----


@pytest.fixture(scope="module")
def stored():
    return chest_sets.image_set("bare", 48, [2, 7])


@pytest.fixture(scope="module")
def weights(guide):
    return Result(weights_to_arrays(guide), {})


@pytest.fixture(scope="module")
def fitted(stored, weights):
    return vae.fit_job(stored, 48, weights, stored, PLAIN | {"epochs": 1}, [0, 1, 0])


def test_labels_are_exactly_in_the_mix_or_drawn_from_it():
    exact = labels_of(400, (16, 3, 1), False, np.random.default_rng(0))
    assert tuple(np.bincount(exact)) == (320, 60, 20)
    drawn = labels_of(40_000, (16, 3, 1), True, np.random.default_rng(0))
    counts = np.bincount(drawn)
    assert stats.chisquare(counts, np.array([16, 3, 1]) * 2000).pvalue > 0.001
    again = labels_of(400, (16, 3, 1), True, np.random.default_rng(1))
    assert tuple(np.bincount(again, minlength=3)) != (320, 60, 20), "not exact"


def test_a_mixed_pool_asks_the_generator_for_the_labels_it_carries(fitted):
    found = vae.pool(fitted, 12, [5], [1, 1, 2], noisy=False).arrays
    assert tuple(np.bincount(found["label"])) == (3, 3, 6)
    direct = vae.load(fitted).sample(found["label"], np.random.default_rng([5]))
    assert np.array_equal(found["image"], direct)


@pytest.mark.parametrize("drawn", [False, True])
def test_another_mix_keeps_the_latent_noise_of_a_replicate(fitted, drawn):
    """Where the label is the same, so is the image: arms of a replicate share their noise."""
    plain = vae.pool(fitted, 24, [5]).arrays
    found = vae.pool(fitted, 24, [5], [2, 1, 1], drawn).arrays
    same = plain["label"] == found["label"]
    assert same.sum() >= 4
    np.testing.assert_allclose(found["image"][same], plain["image"][same], atol=1e-5)


def test_a_longer_pool_begins_with_the_shorter_one(fitted):
    """So a sweep over ratios meets the pool of the main comparison at ratio 1."""
    short, long = (vae.pool(fitted, n, [5]).arrays for n in (16, 600))
    np.testing.assert_allclose(long["image"][:16], short["image"], atol=1e-5)
    assert np.array_equal(long["label"][:16], short["label"])


def test_the_last_epoch_is_kept(stored, weights):
    found = vae.fit_job(stored, 32, weights, None, PLAIN, [0, 1, 0])
    assert found.scores["best_epoch"] == PLAIN["epochs"]
    one = vae.fit_job(stored, 32, weights, None, PLAIN | {"epochs": 1}, [0, 1, 0])
    name = "best/decoder.out.bias"
    assert not np.array_equal(found.arrays[name], one.arrays[name])
    assert vae.pool(found, 8, [0]).arrays["image"].shape == (8, 64, 64)


def test_it_is_the_same_training_as_with_early_stopping(stored, weights, fitted):
    """After one epoch there is nothing to choose: both must hold the same weights."""
    found = vae.fit_job(stored, 48, weights, None, PLAIN | {"epochs": 1}, [0, 1, 0])
    for name, weight in fitted.arrays.items():
        assert np.array_equal(found.arrays[name], weight), name


def test_samples_are_drawn_from_the_prior_of_their_class(fitted, monkeypatch):
    """Latents that reach the decoder: normal with the prior's mean and deviation, not its mean."""
    model, seen = vae.load(fitted), []
    with torch.no_grad():
        model.prior.normal_(generator=torch.Generator().manual_seed(0))
    decode = model.decoder.forward
    monkeypatch.setattr(model.decoder, "forward", lambda z, y: seen.append(z) or decode(z, y))
    labels = np.arange(60) % 3
    model.sample(labels, np.random.default_rng(0))
    mean, log_variance = model.prior_of(torch.from_numpy(labels))
    whitened = (torch.cat(seen) - mean) / (0.5 * log_variance).exp()
    assert stats.kstest(whitened.flatten().numpy(), "norm").pvalue > 0.01
