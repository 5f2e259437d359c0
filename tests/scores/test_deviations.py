"""PathoSyn's parts against known truth: models that say what the test knows, cases by hand."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from toy_lesions import DIFF, disc, scans

from lib.generators import boxes, deviation, diffusion, fusion
from lib.generators.deviation import DeviationDiffusion
from lib.jobs import Result
from lib.scores import deviations
from lib.training.loop import as_planes
from lib.training.weights import seeded, weights_to_arrays

N = 12
MADE = scans(N) | {"mask": np.array([disc(9 + i, 11 + i // 2, 3) for i in range(N)])}
DATA = Result(MADE | {"index": np.arange(N) % 3}, {})
TRUTH = Result({"healthy": MADE["healthy"], "deviation": MADE["image"] - MADE["healthy"]}, {})
CLEAN = Result({"healthy": MADE["healthy"] - np.float32(0.01), "image": MADE["image"]}, {})


def fresh(**changes):
    return seeded(lambda: DeviationDiffusion(replace(DIFF, **changes)), np.random.default_rng(0))


def error(how, n=N, data=DATA, truth=TRUTH, **more):
    return deviations.healed_error(how, data, truth, CLEAN, n, [0], **more)


# ---- decomposition ------------------------------------------------------------------------------


def test_the_image_itself_is_as_far_off_as_the_lesion_is_strong():
    found = error("none", 5).scores
    rms = [np.sqrt((d[m] ** 2).mean()) for d, m in
           zip(TRUTH.arrays["deviation"][:5], MADE["mask"], strict=False)]  # fmt: skip
    assert found["inside_rmse"] == pytest.approx(np.mean(rms), rel=1e-4)
    assert found["noise_floor"] == pytest.approx(0.01, rel=1e-4)


def test_a_substrate_that_says_nothing_inside_misses_all_of_it_and_nothing_outside():
    """A fresh f_sub is what it is shown: 0 in the hole."""
    fitted = Result(weights_to_arrays(fresh(), "model/"), {"settings": asdict(DIFF)})
    inside = TRUTH.arrays["healthy"]
    found = error("substrate", fitted=fitted).scores
    rms = [np.sqrt((h[m] ** 2).mean()) for h, m in zip(inside, MADE["mask"], strict=True)]
    assert found["inside_rmse"] == pytest.approx(np.mean(rms), rel=1e-4)
    off = MADE["image"] - MADE["healthy"]
    outside = [o[~m & (x > 0.02)] for o, m, x in
               zip(off, MADE["mask"], MADE["image"], strict=True)]  # fmt: skip
    expected = np.mean([np.sqrt((o**2).mean()) for o in outside])
    assert found["outside_rmse"] == pytest.approx(expected, rel=1e-3)


def test_the_membrane_restores_a_plane_and_a_fill_has_the_brains_mean_and_spread():
    y, x = np.mgrid[:32, :32] / 32.0
    healthy = np.repeat((0.3 + 0.3 * x + 0.1 * y)[None], N, 0).astype(np.float32)
    data = Result({"image": np.where(MADE["mask"], 0.9, healthy), "mask": MADE["mask"]}, {})
    truth = Result({"healthy": healthy}, {})
    assert error("inpaint", data=data, truth=truth).scores["inside_rmse"] < 1e-5
    drawn = error("fill", data=data, truth=truth).arrays["answer"]
    assert np.array_equal(drawn[~MADE["mask"]], healthy[~MADE["mask"]])
    inside = drawn[MADE["mask"]]
    assert inside.mean() == pytest.approx(healthy.mean(), abs=0.02)
    assert inside.std() == pytest.approx(healthy.std(), rel=0.15)


def test_the_mean_anatomy_is_of_the_level_and_of_healthy_pixels():
    """Level 0 reads 0.2 and 0.4 with a lesion of 1 in the second; of level 1 one slice is known."""
    image = np.empty((3, 4, 4))
    image[:] = np.array([0.2, 0.4, 0.7])[:, None, None]
    mask = np.zeros((3, 4, 4), bool)
    mask[1, 0, 0], mask[2, 3, 3], image[1, 0, 0], image[2, 3, 3] = True, True, 1, 1
    free = {"free/image": np.full((1, 4, 4), 0.6), "free/index": np.array([0])}
    train = Result({"image": image, "mask": mask, "index": np.array([0, 0, 1])} | free, {})
    low, high, other = deviations.mean_anatomy(train, np.array([0, 1, 9]))
    assert low[1, 1] == pytest.approx(0.4) and low[0, 0] == pytest.approx(0.4)
    assert high[0, 0] == pytest.approx(0.7)
    assert high[3, 3] == pytest.approx(0.4), "nothing healthy of this level: the mean of all"
    assert other[1, 1] == pytest.approx((0.2 + 0.4 + 0.7 + 0.6) / 4)
    with pytest.raises(ValueError, match="needs training slices"):
        error("mean_anatomy")
    with pytest.raises(ValueError, match="needs a fit"):
        error("substrate")
    with pytest.raises(ValueError, match="how 'magic' is unknown"):
        error("magic")


# ---- teacher-forced -----------------------------------------------------------------------------


class Told(DeviationDiffusion):
    """Says x_0 as the test has put it, (N, 1, H, W) of lesions whose boxes have one size."""

    def say(self, r, substrate, mask, t):
        places = boxes.around(MADE["mask"], self.settings.sides, self.settings.pad)
        return places.cut(self.answer, np.arange(N))


def told(monkeypatch, change, **settings):
    """The scores of a network that says change(r_0, mask), everything in grey units."""
    model = Told(replace(DIFF, kind="x0", saturation="none", **settings))
    x, m = as_planes(MADE["image"]), as_planes(MADE["mask"])
    with torch.no_grad():
        r_0 = model.deviation(x, model.substrate(x, m), m)
    model.answer = change(r_0, m)
    monkeypatch.setattr(deviation, "load", lambda fitted: model.eval())
    found = deviations.teacher_forced(Result({}, {}), DATA, TRUTH, N, [3])
    return found, r_0[:, 0].numpy()


def test_a_network_that_knows_r_0_is_as_good_as_the_decomposition(monkeypatch):
    found, r_0 = told(monkeypatch, lambda r, m: r)
    s = found.scores
    assert s["deviation_correlation"] == pytest.approx(s["decomposition_correlation"])
    assert s["inside_rmse"] == pytest.approx(s["decomposition_rmse"])
    assert s["ring_error"] == pytest.approx(0, abs=1e-6) and s["outside_energy"] == 0
    off = [np.sqrt(((r - d)[m] ** 2).mean()) for r, d, m in
           zip(r_0, TRUTH.arrays["deviation"], MADE["mask"], strict=True)]  # fmt: skip
    assert s["decomposition_rmse"] == pytest.approx(np.mean(off), rel=1e-4)
    assert found.arrays["inside_rmse"].shape == found.arrays["steps"].shape
    left = diffusion.linear(1000).alpha_bar[found.arrays["steps"]]
    np.testing.assert_allclose(left, deviations.SIGNALS, atol=2e-3)


def test_an_offset_is_an_error_of_its_size_and_no_loss_of_correlation(monkeypatch):
    plain = told(monkeypatch, lambda r, m: r)[0].scores
    found = told(monkeypatch, lambda r, m: r + 0.25 * m)[0].scores
    assert found["deviation_correlation"] == pytest.approx(plain["deviation_correlation"], rel=1e-4)
    weights = fusion.ring(fusion.soft_map(MADE["mask"], DIFF.sigma))
    inside = (weights * MADE["mask"]).sum((1, 2)) / weights.sum((1, 2))
    assert found["ring_error"] == pytest.approx(0.25 * inside.mean(), rel=1e-3)


def test_what_is_said_outside_is_energy_there_though_samples_are_masked(monkeypatch):
    """Boxes of 16 pixels a side, lesions of 29: the mask hides the rest from the ring's error."""
    for masked in (True, False):
        found = told(monkeypatch, lambda r, m: 0.2 + 0 * r, masked_estimate=masked)[0].scores
        assert found["outside_energy"] == pytest.approx(1 - 29 / 256)
    silent = told(monkeypatch, lambda r, m: r * m)[0].scores
    assert silent["outside_energy"] == 0


def test_a_network_that_says_no_noise_leaves_all_of_it_in_the_estimate():
    """A fresh eps_theta says 0: r^ - r_0 is the noise over the signal, at every step, inside."""
    model, m = fresh().eval(), as_planes(MADE["mask"])
    r_0 = 0.3 * m
    for t in (100, 500, 900):
        with torch.no_grad():
            generator = torch.Generator().manual_seed(1)
            found = deviations.estimated(model, r_0, r_0, m, t, generator)
        a = model.schedule.at(t)
        assert (found[m == 0] == 0).all()
        left = (found - r_0)[m > 0].std().item()
        assert left == pytest.approx(((1 - a) / a) ** 0.5, rel=0.15)


def test_the_same_stream_gives_the_same_numbers():
    fitted = Result(weights_to_arrays(fresh(), "model/"), {"settings": asdict(DIFF)})
    one, two, other = (deviations.teacher_forced(fitted, DATA, TRUTH, 6, [seed]).scores
                       for seed in (1, 1, 2))  # fmt: skip
    assert one == two and one["inside_rmse"] != other["inside_rmse"]


# ---- drawn deviations ---------------------------------------------------------------------------


def sampled(n=8, seed=0):
    """Slices of 64 pixels, their truth without noise, and the masks' own deviations in a pool."""
    rng = np.random.default_rng(seed)
    mask = np.array([disc(24 + i, 28 + i, 9, 64) for i in range(n)])
    healthy, noise = np.full((n, 64, 64), 0.4), 0.01 * rng.standard_normal((n, 64, 64))
    quiet = healthy + 0.2 * mask * (1 + 0.3 * rng.standard_normal((n, 64, 64)))
    slices = Result({"image": (quiet + noise).clip(0, 1), "mask": mask}, {})
    source = rng.permutation(n)
    drawn = {"source": source, "mask": mask[source], "image": slices.arrays["image"][source],
             "deviation": ((quiet + noise - healthy) * mask)[source]}  # fmt: skip
    return Result(drawn, {}), slices, Result({"image": quiet, "healthy": healthy}, {})


def test_true_deviations_drawn_again_have_ratio_one_and_weaker_ones_the_square():
    pool, slices, clean = sampled()
    found = deviations.spectrum_ratio(pool, slices, clean, 8)
    assert found.scores["spectrum_ratio"] == pytest.approx(1, rel=1e-3)
    weak = Result(pool.arrays | {"deviation": 0.5 * pool.arrays["deviation"]}, {})
    again = deviations.spectrum_ratio(weak, slices, clean, 8)
    assert again.scores["spectrum_ratio"] == pytest.approx(0.25, rel=1e-3)
    np.testing.assert_allclose(again.arrays["true"], found.arrays["true"])
    assert 0 < found.scores["noise_share"] < 0.1
    smooth = np.where(pool.arrays["mask"], 0.2, 0)
    lost = deviations.spectrum_ratio(Result(pool.arrays | {"deviation": smooth}, {}), slices, clean,
                                     8)  # fmt: skip
    assert lost.scores["spectrum_ratio"] < 0.9, "texture is missed"


def test_the_step_of_a_sample_stands_beside_its_own_true_lesion():
    pool, slices, _ = sampled()
    none = deviations.boundary_step(None, slices, 8).scores
    assert none["boundary_step_error"] == 0 and none["boundary_step"] == none["true_step"]
    same = deviations.boundary_step(pool, slices, 8)
    np.testing.assert_allclose(same.arrays["step"], same.arrays["true"])
    half = (0.4 + 0.1 * slices.arrays["mask"])[pool.arrays["source"]]
    found = deviations.boundary_step(Result(pool.arrays | {"image": half}, {}), slices, 8).scores
    assert found["boundary_step"] == pytest.approx(0.1)
    assert found["boundary_step_error"] == pytest.approx(abs(0.1 - none["true_step"]))
    moved = Result(pool.arrays | {"mask": np.roll(pool.arrays["mask"], 1, 1)}, {})
    for call, beside in ((deviations.boundary_step, ()), (deviations.spectrum_ratio, (slices,))):
        with pytest.raises(ValueError, match="draw it with scene 'own'"):
            call(moved, slices, *beside, 8)
