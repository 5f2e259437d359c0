"""LSGAN and LDM: their losses by hand, what sampling may depend on, and pairs that are refused."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from conftest import ROOT
from toy_pairs import FAMILIES, GAN, LDM, blobs

from lib.datasets.checks import check_pairs
from lib.generators import diffusion, frame, latent, lsgan
from lib.jobs import Result
from lib.networks import baselines
from lib.training.cost import flops
from lib.training.loop import as_pairs, from_logits
from lib.training.weights import seeded, weights_to_arrays

every = pytest.mark.parametrize("name", FAMILIES)


@pytest.fixture(scope="module")
def data():
    return blobs(24)


@pytest.fixture(scope="module")
def fitted(data):
    return {k: module.fit_job(data, asdict(s), [3]) for k, (module, s) in FAMILIES.items()}


# ---- both ---------------------------------------------------------------------------------------

SAME = """
import hashlib, sys
sys.path[:0] = ["tests", "tests/generators"]
from test_pair_baselines import FAMILIES, asdict, blobs
module, settings = FAMILIES[sys.argv[1]]
fitted = module.fit_job(blobs(24), asdict(settings), [3])
drawn = module.pool(fitted, 5, [4])
for result in (fitted, drawn):
    parts = [result.arrays[k].tobytes() for k in sorted(result.arrays)]
    print(hashlib.sha256(b"".join(parts)).hexdigest())
"""


@every
def test_the_same_seed_gives_the_same_bytes_in_another_process(name):
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    call = [sys.executable, "-c", SAME, name]
    runs = [
        subprocess.run(call, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert runs[0] == runs[1] and len(runs[0].split()) == 2


@every
def test_another_seed_gives_other_weights_and_other_pairs(name, data, fitted):
    module, settings = FAMILIES[name]
    other = module.fit_job(data, asdict(settings), [8])
    assert not all(np.array_equal(v, other.arrays[k]) for k, v in fitted[name].arrays.items())
    first, second = (module.pool(fitted[name], 3, [i]).arrays["image"] for i in (0, 1))
    assert not np.array_equal(first, second)


@every
def test_fits_and_pools_do_not_depend_on_torchs_global_state(name, data):
    module, settings = FAMILIES[name]
    drawn = []
    for seed in (5, 6):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            before = torch.random.get_rng_state()
            fitted = module.fit_job(data, asdict(settings), [3])
            assert torch.equal(before, torch.random.get_rng_state()), "a fit leaves it alone"
            drawn.append(module.pool(fitted, 2, [0]).arrays["image"])
    assert np.array_equal(*drawn)


@every
def test_a_pool_holds_images_in_range_and_bool_masks_of_the_same_count(name, fitted):
    pool = FAMILIES[name][0].pool(fitted[name], 7, [0]).arrays
    image, mask = pool["image"], pool["mask"]
    assert image.shape == mask.shape == (7, 64, 64)
    assert image.dtype == np.float32 and mask.dtype == bool
    assert 0 <= image.min() < image.max() <= 1


@every
def test_sampling_does_not_depend_on_how_the_batch_is_split(name, fitted):
    model = FAMILIES[name][0].load(fitted[name])

    def draw(n, chunk):
        return model.sample(n, np.random.default_rng(0), chunk)

    (whole, masks), (parts, masks_of_parts) = draw(7, 7), draw(7, 3)
    np.testing.assert_allclose(whole, parts, atol=2e-5)
    assert (masks != masks_of_parts).mean() < 1e-3
    np.testing.assert_allclose(draw(3, 3)[0], whole[:3], atol=2e-5)  # more pairs, the same first


def test_images_are_probabilities_and_masks_those_above_a_half():
    logits = torch.randn(3, 2, 4, 4, generator=torch.Generator().manual_seed(0))
    image, mask = from_logits(logits)
    np.testing.assert_allclose(image, 1 / (1 + np.exp(-logits[:, 0].numpy())), rtol=1e-5)
    np.testing.assert_array_equal(mask, torch.sigmoid(logits[:, 1]).numpy() > 0.5)


@every
def test_the_log_has_finite_losses_and_settings_come_back(name, fitted):
    _, settings = FAMILIES[name]
    scores = fitted[name].scores
    plain = json.loads(json.dumps(scores["settings"]))  # lists in the place of tuples
    assert frame.from_json(type(settings), plain) == settings
    losses = [v for row in scores["log"] for v in row.values() if isinstance(v, float)]
    assert losses and np.isfinite(losses).all()


@every
@pytest.mark.parametrize("fault", ["shape", "empty mask", "range"])
def test_bad_pairs_stop_the_fit(name, data, fault):
    module, settings = FAMILIES[name]
    image, mask = data.arrays["image"], data.arrays["mask"]
    bad = {
        "shape": ((image, mask[:5]), "give every image its own mask"),
        "empty mask": ((image, np.zeros_like(mask)), "no lesion pixel in the whole set"),
        "range": ((image * 3, mask), r"scale it to \[0, 1\]"),
    }
    arrays, message = bad[fault]
    with pytest.raises(ValueError, match=message):
        module.fit_job(Result({"image": arrays[0], "mask": arrays[1]}), asdict(settings), [0])


@every
def test_operations_are_those_of_one_pair_and_grow_as_the_network(name):
    module, settings = FAMILIES[name]
    once = module.operations(asdict(settings))
    assert once == module.operations(asdict(settings)) > 1e4
    if name == "latent":
        model = latent.LatentDiffusion(settings)
        decoder = flops(lambda: model.decoder(torch.zeros(1, *model.code)))
        twice = latent.operations(asdict(replace(settings, sampler_steps=8)))
        assert twice - decoder == 2 * (once - decoder)


def test_flops_count_a_product_and_a_sum_as_two():
    conv = torch.nn.Conv2d(3, 5, 3, padding=1)
    assert flops(lambda: conv(torch.zeros(1, 3, 8, 8))) == 2 * 8 * 8 * 5 * 3 * 9


# ---- pairs that are refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, m: (x[:, :32], m), "image has shape"),
        (lambda x, m: (x[:0], m[:0]), "image is empty"),
        (lambda x, m: (np.where(m, np.nan, x), m), "not finite"),
        (lambda x, m: (x - 1, m), "image spans"),
        (lambda x, m: (x + 1, m), "image spans"),
        (lambda x, m: (x, m * 4), "other than 0 and 1"),
        (lambda x, m: (x, m & False), "no lesion pixel"),
    ],
)
def test_check_pairs_names_the_fault_in_one_sentence(data, change, message):
    image, mask = change(data.arrays["image"], data.arrays["mask"])
    with pytest.raises(ValueError, match=message) as caught:
        check_pairs(image, mask)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_check_pairs_accepts_slices_volumes_and_masks_of_numbers(data):
    image, mask = data.arrays["image"], data.arrays["mask"]
    check_pairs(image, mask)
    check_pairs(image.reshape(3, 8, 64, 64), mask.reshape(3, 8, 64, 64))
    check_pairs(image, mask.astype(np.float32))
    mask = mask.copy()
    mask[1:] = False  # one lesion pixel in the set is enough
    check_pairs(image, mask)


# ---- LSGAN --------------------------------------------------------------------------------------


def test_least_squares_losses_by_hand():
    """Mao et al. 2017, equation 9: 1/2 (D(x) - 1)^2 + 1/2 D(G(z))^2, and 1/2 (D(G(z)) - 1)^2."""
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, -2.0])
    assert lsgan.critic_loss(real, fake).item() == 0.5 * (0 + 4) / 2 + 0.5 * (0 + 4) / 2
    assert lsgan.generator_loss(fake).item() == 0.5 * (1 + 9) / 2


def test_the_critic_learns_with_the_generator_held_and_the_other_way_round(data):
    """After one step both have moved; a critic without rate, or a generator, stays as it was."""
    image, mask = data.arrays["image"], data.arrays["mask"]

    def after(**change):
        s = replace(GAN, steps=1, decay=0.0, **change)
        return next(lsgan.fit(image, mask, s, np.random.default_rng(0)))

    weight = "out.weight"
    held, moved = after(rate=0.0), after()
    start = seeded(lambda: lsgan.Lsgan(GAN), np.random.default_rng(0).spawn(3)[0])
    assert torch.equal(held.model.state_dict()[weight], start.state_dict()[weight])
    assert not torch.equal(moved.model.state_dict()[weight], start.state_dict()[weight])
    untaught = after(critic_rate=0.0).losses["generator"]
    assert untaught != moved.losses["generator"], "the generator meets the critic of this step"


# ---- LDM ----------------------------------------------------------------------------------------


def test_training_latents_have_mean_zero_and_unit_deviation(data, fitted):
    model = latent.load(fitted["latent"])
    z = model.encode(as_pairs(data.arrays["image"], data.arrays["mask"]))
    for channel in z.unbind(1):
        assert channel.mean().item() == pytest.approx(0, abs=1e-4)
        assert channel.std(correction=0).item() == pytest.approx(1, abs=1e-4)
    assert model.scale.min() > 0 and not torch.allclose(model.scale, torch.ones(1), atol=1e-3)


def test_standardising_again_changes_nothing(data, fitted):
    model = latent.load(fitted["latent"])
    shift, scale = model.shift.clone(), model.scale.clone()
    model.standardise(as_pairs(data.arrays["image"], data.arrays["mask"]))
    torch.testing.assert_close(model.shift, shift)
    torch.testing.assert_close(model.scale, scale)


def test_decoding_undoes_the_standardisation(data, fitted):
    model = latent.load(fitted["latent"])
    pair = as_pairs(data.arrays["image"][:3], data.arrays["mask"][:3])
    with torch.no_grad():
        plain = model.decoder(model.encoder(pair)[0])
        torch.testing.assert_close(model.decode(model.encode(pair)), plain, rtol=1e-4, atol=1e-4)


def test_terms_of_the_first_stage_by_hand(data):
    """Sums over pixels, means over pairs; the KL against torch.distributions."""
    s = replace(LDM, sd=0.5)
    model = seeded(lambda: latent.LatentDiffusion(s), np.random.default_rng(0))
    pair = as_pairs(data.arrays["image"][:3], data.arrays["mask"][:3])
    noise = torch.randn(3, *model.code, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        terms = latent.coder_terms(model, pair, noise)
        mean, log_variance = model.posterior(pair)
        q = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
        x, m = model.decoder(mean + q.scale * noise).sigmoid().unbind(1)
    expected = {
        "image": ((x - pair[:, 0]) ** 2).sum() / (2 * 0.5**2) / 3,
        "mask": -torch.distributions.Bernoulli(m).log_prob(pair[:, 1]).sum() / 3,
        "kl": torch.distributions.kl_divergence(q, torch.distributions.Normal(0, 1)).sum() / 3,
    }
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(value.item(), rel=1e-3), name


class Knows(torch.nn.Module):
    """A denoiser that says what it was told."""

    def forward(self, x, t):
        return self.said


@pytest.mark.parametrize("kind", diffusion.KINDS)
def test_the_denoiser_that_knows_has_no_loss_and_predicts_the_data(kind):
    """Loss, target and sampler speak of the same thing, whichever it is."""
    model = latent.LatentDiffusion(replace(LDM, kind=kind))
    draw = torch.Generator().manual_seed(0)
    x0, eps = torch.randn(2, 6, *model.code, generator=draw)
    t = torch.tensor([0, 100, 300, 500, 700, 800])
    model.denoiser = Knows()
    model.denoiser.said = diffusion.target(model.schedule, kind, x0, eps, t)
    assert latent.denoiser_loss(model, x0, eps, t).item() < 1e-10
    found, _ = model.predict(diffusion.add_noise(model.schedule, x0, eps, t), t)
    torch.testing.assert_close(found, x0, rtol=1e-3, atol=1e-3)


def test_a_short_fit_reconstructs_better_than_the_mean_and_denoises(data):
    s = replace(LDM, coder_steps=300, steps=100, rate=5e-3)
    states = list(latent.fit(*data.arrays.values(), s, np.random.default_rng(0)))
    assert [state.at["stage"] for state in states] == sorted(state.at["stage"] for state in states)
    losses = [state.losses["denoiser"] for state in states if state.at["stage"] == "denoiser"]
    assert losses[-1] < 0.9 * losses[0]
    weights = weights_to_arrays(states[-1].model, "model/")
    found = latent.reconstruction(Result(weights, {"settings": asdict(s)}), data, 20).arrays
    image, mask = found["image"], found["mask"]
    error = np.abs(found["reconstruction"] - image).mean()
    assert error < 0.6 * np.abs(image.mean(0) - image).mean()
    again = found["mask_reconstruction"]
    assert again.dtype == bool
    assert 2 * (again & mask).sum() / (again.sum() + mask.sum()) > 0.7
    np.testing.assert_array_equal(mask, data.arrays["mask"][:20])


def test_the_weights_kept_are_a_moving_average_not_the_last(data, monkeypatch):
    """The last State lies further from the one before it than a step, and far from the start."""
    monkeypatch.setattr(latent, "EVERY", 1)
    s = replace(LDM, coder_steps=2, steps=40, rate=1e-2, average=0.95)
    walked = []
    for state in latent.fit(*data.arrays.values(), s, np.random.default_rng(0)):
        weights = weights_to_arrays(state.model.denoiser)
        walked.append(np.concatenate([each.ravel() for each in weights.values()]))
    step, lag, way = (np.linalg.norm(walked[-2] - walked[i]) for i in (-3, -1, 2))
    assert 2 * step < lag < 0.2 * way


def test_the_denoiser_says_nothing_at_first_and_depends_on_the_time():
    net = seeded(lambda: baselines.Denoiser(4, 16, 1), np.random.default_rng(0))
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert not net(x, torch.tensor([3, 900])).any()
        net.out.weight.normal_(generator=torch.Generator().manual_seed(1))
        net.units[0].convs[1].weight.normal_(generator=torch.Generator().manual_seed(2))
        early, late = (net(x, torch.full((2,), t)) for t in (3, 900))
    assert (early - late).abs().max() > 1e-3


def test_time_features_tell_all_steps_apart():
    features = baselines.time_features(torch.arange(1000), 64)
    distance = torch.cdist(features, features) + torch.eye(1000)
    assert distance.min() > 1e-2
    assert features.square().sum(1).allclose(torch.full((1000,), 32.0)), "cos^2 + sin^2"
