"""MaskDiff-Inpaint: its loss by hand, what a perfect network draws, what a mask hides and keeps."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from toy_lesions import DIFF, SIDE, lesion_set, scans

from lib.generators import control, deviation, diffusion, maskdiff, membrane, pathosyn, scenes
from lib.generators.maskdiff import MaskDiff, MaskDiffSettings
from lib.training.loop import as_planes
from lib.training.weights import seeded

SMALL = MaskDiffSettings(
    widths=(8, 8), depth=1, steps=6, batch=4, sampler_steps=3, precision="float32"
)
KINDS = pytest.mark.parametrize("kind", diffusion.KINDS)


def rng(seed=0):
    return np.random.default_rng(seed)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def awake(settings=SMALL):
    """A model whose every weight is drawn: no layer starts at zero."""
    model = seeded(lambda: MaskDiff(settings), rng())
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(0.15 * torch.randn(weight.shape, generator=generator()))
    return model.eval()


class Exact(MaskDiff):
    """Says what the settings ask of pixels that are N(m_i, s_i^2): a law inside, one outside."""

    LAW = ((-0.2, 0.1), (0.2, 0.15))  # mean and deviation outside and inside the mask

    def say(self, x_t, known, mask, t):
        (out, out_sd), (into, into_sd) = self.LAW
        mean, sd = out + (into - out) * mask, out_sd + (into_sd - out_sd) * mask
        a = self.schedule.alpha_bar[t].view(-1, 1, 1, 1).float()
        x_0 = mean + sd**2 * a.sqrt() / (a * sd**2 + 1 - a) * (x_t - a.sqrt() * mean)
        eps = (x_t - a.sqrt() * x_0) / (1 - a).sqrt()
        return diffusion.target(self.schedule, self.settings.kind, x_0, eps, t)


@pytest.fixture(scope="module")
def fitted():
    return maskdiff.fit_job(lesion_set(40), asdict(SMALL), [3])


# ---- loss ---------------------------------------------------------------------------------------


class Zero(MaskDiff):
    """Says 0."""

    def say(self, x_t, known, mask, t):
        return torch.zeros_like(x_t)


def test_the_loss_is_a_mean_over_each_region_of_each_image():
    """A lesion of one pixel counts as much as one of three, and inside as much as outside."""
    image = torch.tensor([[[[1.0, 0.5, 0.5, 0.75]]], [[[1.0, 1.0, 0.0, 0.5]]]])  # x_0 1 0 0 .5 ...
    mask = torch.tensor([[[[1.0, 0, 0, 0]]], [[[1.0, 1, 1, 0]]]])
    model, eps = Zero(replace(SMALL, in_weight=3, out_weight=5)), torch.zeros_like(image)
    terms = maskdiff.loss_terms(model, image, mask, eps, torch.tensor([10, 900]))
    assert terms["in"].item() == pytest.approx((1 + 1) / 2)
    assert terms["out"].item() == pytest.approx((0.25 / 3 + 0) / 2)
    assert terms["loss"].item() == pytest.approx(3 * 1 + 5 * 0.25 / 6)


@KINDS
def test_a_network_that_knows_the_picture_pays_nothing(kind):
    class Told(MaskDiff):
        def say(self, x_t, known, mask, t):
            return self.truth

    model, made = Told(replace(SMALL, kind=kind)), scans(3)
    x, m, t = as_planes(made["image"]), as_planes(made["mask"]), torch.tensor([5, 500, 990])
    eps = torch.randn(x.shape, generator=generator())
    model.truth = diffusion.target(model.schedule, kind, 2 * x - 1, eps, t)
    assert maskdiff.loss_terms(model, x, m, eps, t)["loss"] < 1e-9


# ---- drawing ------------------------------------------------------------------------------------


@KINDS
def test_gaussian_slices_are_drawn_with_their_mean_and_spread(kind):
    """Red with the wrong schedule, grey values that are not [-1, 1], or a last step left out."""
    mask = torch.zeros(40, 1, SIDE, SIDE)
    mask[..., 8:24, 8:24] = 1
    model = Exact(replace(SMALL, kind=kind, sampler_steps=100))
    x_0 = 2 * model.draw(torch.full_like(mask, 0.5), mask, generator()) - 1
    for inside, (mean, sd) in enumerate(Exact.LAW):
        found = x_0[mask == inside]
        assert found.mean().item() == pytest.approx(mean, abs=0.01)
        assert 0.9 * sd < found.std().item() < 1.03 * sd


def test_what_the_mask_hides_reaches_neither_fit_nor_draw():
    model, made = awake(), scans(3)
    hidden = np.where(made["mask"], 0.9, made["image"]).astype(np.float32)
    one, two = (model.sample(x, made["mask"], rng()) for x in (made["image"], hidden))
    assert np.array_equal(one.image, two.image)
    x, m = as_planes(made["image"]), as_planes(made["mask"])
    assert torch.equal(maskdiff.shown(x, m), maskdiff.shown(as_planes(hidden), m))
    assert not np.array_equal(one.image, model.sample(1 - made["image"], made["mask"], rng()).image)


def test_an_untrained_network_shows_what_it_is_shown():
    """And so changes nothing outside the mask but by what it learns."""
    model, made = seeded(lambda: MaskDiff(SMALL), rng()), scans(4)
    found, outside = model.sample(made["image"], made["mask"], rng()), ~made["mask"]
    np.testing.assert_allclose(found.image[outside], made["image"][outside], atol=1e-5)
    with torch.no_grad():
        model.net.skip.bias.add_(0.2)
    off = model.sample(made["image"], made["mask"], rng()).image - made["image"]
    assert np.median(off[outside & (made["image"] > 0.1)]) == pytest.approx(0.1, abs=0.01)


def test_the_whole_slice_is_its_own_and_paste_keeps_the_given_pixels():
    model, made = awake(), scans(4)
    image, mask = made["image"], made["mask"]
    whole, pasted = (model.sample(image, mask, rng(), how) for how in (None, "paste"))
    assert np.array_equal(pasted.image[~mask], image[~mask])
    tissue = ~mask & (image > 0.1)
    assert (np.abs(whole.image - image)[tissue] > 1e-3).mean() > 0.9
    assert np.array_equal(whole.image[mask], pasted.image[mask])
    named = model.sample(image, mask, rng(), "whole")
    assert np.array_equal(named.image, whole.image)


def test_a_lesion_is_inp_and_a_deviation_that_severity_scales():
    model, made = awake(), scans(4)
    image, mask = made["image"], made["mask"]
    none, one, half = (model.sample(image, mask, rng(), "paste", s) for s in (0.0, 1.0, 0.5))
    filled = membrane.inpainted(image, mask)
    assert np.array_equal(none.image, filled.clip(0, 1)) and not none.deviation.any()
    assert np.array_equal(one.substrate, filled)
    np.testing.assert_allclose(half.deviation, one.deviation / 2, rtol=1e-6)
    assert not one.deviation[~mask].any() and one.deviation[mask].all()
    with pytest.raises(ValueError, match="severity 7 is out of range"):
        model.sample(image, mask, rng(), "paste", 7)


def test_an_empty_mask_asks_for_no_lesion():
    model, made = awake(), scans(3)
    mask = made["mask"].copy()
    mask[1] = False
    found = model.sample(made["image"], mask, rng(), "paste")
    assert np.array_equal(found.image[1], made["image"][1]) and not found.deviation[1].any()
    assert found.deviation[0].any() and found.deviation[2].any()


def test_a_margin_grows_the_mask_that_is_drawn_in():
    model, made = awake(replace(SMALL, margin=2.0)), scans(3)
    found = model.sample(made["image"], made["mask"], rng(), "paste")
    support = pathosyn.supported(made["image"], made["mask"], 2.0)
    assert np.array_equal(found.deviation != 0, support) and support.sum() > made["mask"].sum()


def test_bad_input_is_refused():
    model, made = awake(), scans(3)
    with pytest.raises(ValueError, match="how 'seam' is unknown"):
        model.sample(made["image"], made["mask"], rng(), "seam")
    with pytest.raises(ValueError, match=r"images must lie in \[0, 1\]"):
        model.sample(2 * made["image"], made["mask"], rng())
    with pytest.raises(ValueError, match="mask 0 is empty"):
        next(maskdiff.fit(made["image"], np.zeros_like(made["mask"]), SMALL, rng()))


# ---- fits and pools -----------------------------------------------------------------------------


def test_a_fit_learns_what_is_inside_and_keeps_what_is_outside():
    """Lesions of the toy are brighter than tissue; the mean of the drawn ones finds it."""
    made = scans(48)
    s = replace(SMALL, steps=150, batch=8, rate=5e-3, average=0.9, sampler_steps=10)
    *_, state = maskdiff.fit(made["image"], made["mask"], s, rng())
    assert {"in", "out", "loss"} <= state.losses.keys() and state.at["stage"] == "inpainter"
    other = scans(24, seed=1)
    found, mask = state.model.eval().sample(other["healthy"], other["mask"], rng()), other["mask"]
    lesion = (found.image - other["healthy"])[mask].mean()
    assert 0.1 < lesion < 0.35, "the truth is 0.2"
    off = found.image - other["image"]
    assert np.sqrt(np.square(off[~mask]).mean()) < 0.4 * lesion


def test_the_same_stream_gives_the_same_bytes(fitted):
    data, again = lesion_set(40), maskdiff.fit_job(lesion_set(40), asdict(SMALL), [3])
    assert all(again.arrays[k].tobytes() == v.tobytes() for k, v in fitted.arrays.items())
    one, two, other = (maskdiff.pool(fitted, data, 4, [k], "exchanged").arrays for k in (1, 1, 2))
    assert all(one[k].tobytes() == two[k].tobytes() for k in one)
    assert not np.array_equal(one["image"], other["image"])


@pytest.mark.parametrize("scene", scenes.SCENES)
def test_pools_draw_in_every_scene(scene, fitted):
    data = lesion_set(40)
    for how in (None, "paste"):
        pool = maskdiff.pool(fitted, data, 7, [1], scene, how).arrays
        image, mask, anatomy = pool["image"], pool["mask"], pool["anatomy"]
        assert image.shape == mask.shape == (7, SIDE, SIDE) and image.dtype == np.float32
        assert np.array_equal(image[~mask], anatomy[~mask]) == (how == "paste")
        assert scene == "own" or (anatomy[mask] > control.EMPTY).all()
    plain, more = (
        maskdiff.pool(fitted, data, 3, [1], scene, changes=changes).arrays["image"]
        for changes in (None, {"sampler_steps": 9})
    )
    assert not np.array_equal(plain, more)


def test_arms_that_share_a_healer_are_given_the_same_anatomies(fitted):
    """Inp heals where there is none; the noise of the healed place is the same."""
    data = lesion_set(40)
    rival = deviation.fit_job(data, asdict(DIFF), [4])
    ours = maskdiff.pool(fitted, data, 6, [9], "exchanged", healer=rival).arrays
    theirs = deviation.pool(rival, data, 6, [9], "exchanged").arrays
    alone = maskdiff.pool(fitted, data, 6, [9], "exchanged").arrays
    for name in ("anatomy", "mask", "source"):
        assert np.array_equal(ours[name], theirs[name]), name
    assert not np.array_equal(alone["anatomy"], ours["anatomy"])
    old = data.arrays["mask"][alone["source"]]
    image = data.arrays["image"][alone["source"]]
    off = (alone["anatomy"] - membrane.inpainted(image, old))[old]
    assert np.abs(off).max() < 0.1 and 0 < off.std() < 0.03, "noise about what Inp says"


def test_operations_count_the_network_once_a_step():
    few, many = (maskdiff.operations(asdict(replace(SMALL, sampler_steps=n))) for n in (10, 20))
    assert many == 2 * few > 0
