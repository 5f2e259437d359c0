"""PathoSyn's VAE-GAN, and the scenes in which both of its generators draw."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from conftest import ROOT
from torch.distributions import Normal, kl_divergence
from toy_lesions import DIFF, GAN, SIDE, disc, lesion_set, scans

from lib.generators import control, deviation, observation, patchgan, scenes
from lib.generators.observation import GREYS, Noise
from lib.generators.patchgan import PatchGan, PatchGanSettings
from lib.jobs import Result
from lib.training.loop import as_planes
from lib.training.weights import seeded

FAMILIES = {"deviation": (deviation, DIFF), "patchgan": (patchgan, GAN)}
every = pytest.mark.parametrize("name", FAMILIES)


def rng(seed=0):
    return np.random.default_rng(seed)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def fitted():
    data = lesion_set(40)
    return {k: module.fit_job(data, asdict(s), [3]) for k, (module, s) in FAMILIES.items()}


def awake(settings=GAN):
    """A model whose posterior does not start at N(0, I)."""
    model = seeded(lambda: PatchGan(settings), rng())
    with torch.no_grad():
        for weight in model.encoder.out.parameters():
            weight.copy_(0.2 * torch.randn(weight.shape, generator=generator()))
    return model.eval()


def patches(n=4):
    """r_0, x_sub and m (n, 1, 16, 16)."""
    mask = as_planes(np.array([disc(8, 8, 2 + i, 16) for i in range(n)]))
    return torch.randn(mask.shape, generator=generator()) * mask, torch.full_like(mask, 0.4), mask


# ---- the VAE ------------------------------------------------------------------------------------


def test_the_papers_numbers_are_the_defaults():
    """Section IV-A: a 128-dimensional latent, adversarial weight 0.1, AdamW's decay 1e-5."""
    s = PatchGanSettings()
    assert (s.latent, s.adv_weight, s.decay) == (128, 0.1, 1e-5)
    assert deviation.DeviationSettings().length == 1000
    assert deviation.DeviationSettings().schedule == "linear"


def test_the_terms_of_the_vae_are_a_gaussian_over_the_lesion_and_the_kl():
    model, (r_0, substrate, mask) = awake(), patches()
    eps = torch.randn(4, GAN.latent, generator=generator(1))
    terms = patchgan.vae_terms(model, r_0, substrate, mask, eps)
    mean, log_sd = model.posterior(r_0, substrate, mask)
    kl = kl_divergence(Normal(mean, log_sd.exp()), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(terms["kl"], kl)
    found = model.decode(mean + log_sd.exp() * eps, substrate, mask)
    for i in range(4):
        inside = mask[i] > 0
        density = Normal(found[i][inside], GAN.sd).log_prob(r_0[i][inside])
        best = Normal(0.0, GAN.sd).log_prob(torch.zeros(()))
        torch.testing.assert_close(terms["error"][i], GAN.pixels * (best - density.mean()))


def test_the_decoder_says_nothing_outside_the_mask():
    model, (_, substrate, mask) = awake(), patches()
    found = model.decode(torch.randn(4, GAN.latent, generator=generator()), substrate, mask)
    assert (found[mask == 0] == 0).all() and (found[mask > 0] != 0).all()


def test_what_the_critic_sees_is_the_image_with_draws_inside_the_mask():
    _, substrate, mask = patches(40)
    image, added = torch.rand(mask.shape, generator=generator()), 0.1 * mask
    bare = patchgan.pasted(image, substrate, added, mask, None, generator())
    assert torch.equal(bare[mask == 0], image[mask == 0])
    assert bare[mask > 0] == pytest.approx(0.5)
    loud = Noise(np.full(len(GREYS), 0.05), 0.0)
    drawn = patchgan.pasted(image, substrate, added, mask, loud, generator())
    assert torch.equal(drawn[mask == 0], image[mask == 0])
    assert drawn[mask > 0].std().item() == pytest.approx(0.05, rel=0.1)


def test_samples_are_draws_about_the_decoders_means():
    model, made = awake(replace(GAN, refine=True)), scans(30)
    bare = model.sample(made["image"], made["mask"], rng(), "hard")
    model.noise = Noise(np.full(len(GREYS), 0.02), 0.0)
    drawn = model.sample(made["image"], made["mask"], rng(), "hard")
    off, inside = drawn.deviation - bare.deviation, made["mask"]
    assert (off[~inside] == 0).all()
    grey = bare.image[inside]
    away = (grey > 0.1) & (grey < 0.9)  # from where draws are clipped
    assert off[inside][away].std() == pytest.approx(0.02, rel=0.1)


def test_the_critic_joins_after_its_delay(fitted):
    made, s = scans(40), replace(GAN, steps=6, delay=3)
    *_, end = patchgan.fit(made["image"], made["mask"], s, rng())
    assert {"error", "kl", "critic", "adv"} <= end.losses.keys()
    *_, never = patchgan.fit(made["image"], made["mask"], replace(s, delay=6), rng())
    assert {"error", "kl"} <= never.losses.keys() and "adv" not in never.losses
    log = fitted["patchgan"].scores["log"]
    assert [row["stage"] for row in log] == ["substrate", "deviation"]


def test_the_weight_of_the_critic_reaches_the_decoder():
    made = scans(12)
    ends = [
        [*patchgan.fit(made["image"], made["mask"], replace(GAN, adv_weight=w, noisy=False), rng())]
        [-1].model.decoder.out.weight for w in (0.0, 1.0)
    ]  # fmt: skip
    assert not torch.equal(*ends)


def test_a_vae_learns():
    made = scans(24)
    s = replace(GAN, steps=150, batch=8, rate=5e-3, delay=999, sd=0.5)
    log = [state.row for state in patchgan.fit(made["image"], made["mask"], s, rng())]
    assert log[-1]["error"] < 0.8 * log[1]["error"]


def test_lesions_larger_than_a_patch_and_odd_sizes_are_refused():
    made = scans(2)
    made["mask"][1] = disc(16, 16, 9)
    with pytest.raises(ValueError, match="spans 19 pixels, the largest box 16"):
        next(patchgan.fit(made["image"], made["mask"], GAN, rng()))
    with pytest.raises(ValueError, match="give one"):
        PatchGan(replace(GAN, sides=(16, 32)))
    with pytest.raises(ValueError, match="use a multiple of 8"):
        PatchGan(replace(GAN, sides=(12,)))


def test_the_stored_noise_is_that_of_the_training_images(fitted):
    known = observation.estimate(lesion_set(40).arrays["image"])
    assert np.array_equal(patchgan.load(fitted["patchgan"]).noise.sd, known.sd)


# ---- both families ------------------------------------------------------------------------------

SAME = """
import hashlib, sys
sys.path[:0] = ["tests", "tests/generators"]
from test_patchgan import FAMILIES, asdict, lesion_set
for module, settings in FAMILIES.values():
    data = lesion_set(40)
    fitted = module.fit_job(data, asdict(settings), [3])
    for result in (fitted, module.pool(fitted, data, 5, [4], "exchanged")):
        parts = [result.arrays[k].tobytes() for k in sorted(result.arrays)]
        print(hashlib.sha256(b"".join(parts)).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_in_another_process():
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    runs = [
        subprocess.run(
            [sys.executable, "-c", SAME], cwd=ROOT, env=env, capture_output=True, text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    assert runs[0] == runs[1] and len(set(runs[0].split())) == 4


@every
def test_another_seed_gives_other_lesions(name, fitted):
    module, _ = FAMILIES[name]
    data = lesion_set(40)
    one, two = (module.pool(fitted[name], data, 4, [i]).arrays["deviation"] for i in (0, 1))
    assert not np.array_equal(one, two)


@every
def test_what_a_fit_leaves_is_plain_and_loads_as_it_was(name, fitted):
    module, settings = FAMILIES[name]
    assert json.loads(json.dumps(fitted[name].scores)) is not None
    model = module.load(fitted[name])
    assert model.settings == settings and not model.training
    assert not any(weight.requires_grad for weight in model.parameters())
    assert model.scale.item() != 1


@every
@pytest.mark.parametrize("scene", scenes.SCENES)
def test_pools_hold_images_masks_substrates_and_deviations(name, scene, fitted):
    module, _ = FAMILIES[name]
    data = lesion_set(40)
    pool = module.pool(fitted[name], data, 7, [1], scene, "paste").arrays
    image, mask, anatomy = pool["image"], pool["mask"], pool["anatomy"]
    assert image.shape == mask.shape == pool["substrate"].shape == (7, SIDE, SIDE)
    assert (image.dtype, mask.dtype, pool["deviation"].dtype) == ("float32", bool, "float32")
    assert np.array_equal(image[~mask], anatomy[~mask])
    assert not pool["deviation"][~mask].any() and pool["deviation"].any((1, 2)).all()
    source = data.arrays["free/image" if scene == "free" else "image"][pool["source"]]
    if scene == "exchanged":
        old = data.arrays["mask"][pool["source"]]
        assert np.array_equal(anatomy[~old], source[~old]) and (anatomy != source)[old].mean() > 0.9
    else:
        assert np.array_equal(anatomy, source)
    if scene == "own":
        assert np.array_equal(mask, data.arrays["mask"][pool["source"]])
    else:
        assert (anatomy[mask] > control.EMPTY).all()


def test_a_pool_may_change_the_sampler_and_the_severity(fitted):
    data, fit = lesion_set(40), fitted["deviation"]
    plain = deviation.pool(fit, data, 3, [1]).arrays
    more = deviation.pool(fit, data, 3, [1], changes={"sampler_steps": 9}).arrays
    assert not np.array_equal(plain["deviation"], more["deviation"])
    assert np.array_equal(plain["substrate"], more["substrate"])
    none = deviation.pool(fit, data, 3, [1], severity=0.0).arrays
    assert np.array_equal(none["image"], none["substrate"])


# ---- scenes -------------------------------------------------------------------------------------


def test_every_slice_is_used_as_often_as_the_others():
    order = scenes.order(5, 12, rng())
    assert sorted(np.bincount(order)) == [2, 2, 2, 3, 3] and len(scenes.order(5, 0, rng())) == 0
    assert sorted(order[:5]) == list(range(5))


def test_masks_of_other_slices_are_mirrored_by_chance():
    data = lesion_set(8)
    _, mask = scenes.chosen(data, 40, "exchanged", rng())
    known = data.arrays["mask"]
    plain = [any(np.array_equal(m, k) for k in known) for m in mask]
    mirrored = [any(np.array_equal(m, k[:, ::-1]) for k in known) for m in mask]
    assert all(a or b for a, b in zip(plain, mirrored, strict=True))
    assert 8 < sum(plain) < 32


@pytest.mark.parametrize("scene", ["exchanged", "free"])
def test_a_mask_comes_from_another_slice_of_about_the_same_level(scene):
    level = np.repeat(np.arange(6), 3)
    mask = np.zeros((18, 4, 4), bool)
    data = Result({"mask": mask, "index": level, "free/index": level[::2]}, {})
    source = np.arange(18 if scene == "exchanged" else 9)
    own = level if scene == "exchanged" else level[::2]
    for seed in range(5):
        found = scenes.partners(data, source, scene, rng(seed))
        assert np.abs(level[found] - own).max() == 1
        assert scene == "free" or not (found == source).any()
    far = Result(data.arrays | {"free/index": level[::2] + 20}, {})
    assert (level[scenes.partners(far, np.arange(9), "free", rng())] == 5).all()


def test_a_mask_inside_the_brain_stays_where_it_is():
    image, mask = np.full((2, 32, 32), 0.4, np.float32), np.stack([disc(8, 8, 3), disc(20, 9, 2)])
    assert np.array_equal(scenes.placed_in(image, mask, rng()), mask)


def test_a_mask_is_placed_where_the_brain_is():
    brain = disc(20, 10, 7)
    image = np.where(brain, 0.4, 0).astype(np.float32)[None]
    mask = disc(5, 25, 2)[None]
    for seed in range(5):
        found = scenes.placed_in(image, mask, rng(seed))
        assert found.sum() == mask.sum() and (found & brain).sum() >= 0.9 * mask.sum()
    with pytest.raises(ValueError, match="image 0 shows no brain"):
        scenes.placed_in(0 * image, mask, rng())


def test_healing_leaves_noise_where_the_lesion_was_and_the_rest_as_it_is():
    made, loud = scans(20), Noise(np.full(len(GREYS), 0.03), 0.0)
    model = awake(replace(GAN, refine=True))
    healed = scenes.healed(model, made["image"], made["mask"], loud, rng())
    outside = ~made["mask"]
    assert np.array_equal(healed[outside], made["image"][outside])
    smooth = model.sample(made["image"], made["mask"], rng(), "paste", 0.0).image
    off, middle = (healed - smooth)[made["mask"]], smooth[made["mask"]]
    off = off[(middle > 0.1) & (middle < 0.9)]
    assert off.std() == pytest.approx(0.03, rel=0.1)


def test_a_lesion_is_put_only_on_free_slices_that_show_enough_brain():
    """The first and last slices of a volume are empty, or show a cap that holds no lesion."""
    image = np.zeros((3, 8, 8), np.float32)
    image[0, :4], image[1, :2], image[2, :4] = 0.5, 0.5, 0.5
    mask = image > 0
    data = Result({"image": image[[0, 2]], "mask": mask[[0, 2]], "free/image": image}, {})
    source, _ = scenes.chosen(data, 6, "free", rng())
    assert sorted(source) == [0, 0, 0, 2, 2, 2]
    with pytest.raises(ValueError, match="enough brain; use scene 'own'"):
        scenes.chosen(Result(data.arrays | {"free/image": image[:2] * 0}, {}), 3, "free", rng())


def test_impossible_scenes_are_refused():
    data = lesion_set(4)
    with pytest.raises(ValueError, match="scene 'new' is unknown"):
        scenes.chosen(data, 3, "new", rng())
    bare = Result({k: v for k, v in data.arrays.items() if k != "free/image"}, {})
    with pytest.raises(ValueError, match="no lesion-free slices"):
        scenes.chosen(bare, 3, "free", rng())


def test_operations_are_those_of_one_patch_and_one_substrate():
    few, many = (patchgan.operations(asdict(replace(GAN, widths=w))) for w in
                 ((8, 8, 8), (16, 16, 16)))  # fmt: skip
    assert 0 < few < many
