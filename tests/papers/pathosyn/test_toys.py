"""The toys of section III against brute force, and what its pages measure on made-up masks."""

import numpy as np
import pytest
import torch

from lib.generators import diffusion
from lib.generators.deviation import DeviationSettings
from lib.papers.pathosyn import looks, toys

LAW = toys.law()
LINE = toys.line(np.random.default_rng(0))


def test_a_line_is_its_healthy_twin_and_a_bump_that_ends_beyond_its_label():
    np.testing.assert_allclose(LINE.image - LINE.healthy, LINE.bump, atol=1e-12)
    assert LINE.bump[LINE.mask].min() > toys.HEIGHT / 2 > LINE.bump[~LINE.mask].max() > 0.1


def test_noise_is_the_conditional_mean_of_the_joint_gaussian():
    schedule, t = diffusion.linear(), 300
    a = schedule.at(t)
    x = LAW.draw(3, torch.Generator().manual_seed(0))
    seen = a * LAW.covariance + (1 - a) * torch.eye(len(LAW.mean), dtype=torch.float64)
    off = (x - a**0.5 * LAW.mean).T
    wanted = (1 - a) ** 0.5 * torch.linalg.solve(seen, off).T
    torch.testing.assert_close(LAW.noise(schedule, x, t), wanted)


def test_ddim_with_the_exact_noise_draws_the_law():
    drawn = toys.drawn(LAW, 2000, seed=1)
    assert np.abs(drawn.mean(0) - LAW.mean.numpy()).max() < 0.06
    spread = LAW.covariance.diagonal().sqrt().numpy()
    np.testing.assert_allclose(drawn.std(0), spread, rtol=0.12)


def test_pixels_that_join_at_once_are_plain_ddim_and_late_ones_stay_near_zero():
    free, held = np.zeros(len(LAW.mean)), toys.from_rim(LAW) < 1
    schedule = diffusion.linear()
    same = toys.later(LAW, schedule, free, 50, 8, seed=2).numpy()
    np.testing.assert_allclose(same, toys.drawn(LAW, 8, seed=2))
    late = toys.later(LAW, schedule, 0.98 * held, 50, 200, seed=2).numpy()
    assert np.abs(late[:, held].mean()) < 0.4 * LAW.mean[held].mean()


def test_fusions_at_the_rim_and_literal_readings():
    rims = toys.at_rim(LAW, LINE, 50, seed=3)
    assert (np.abs(rims["seam"]) <= np.abs(rims["hard"])).all()
    letter = toys.to_the_letter(LAW, LINE, 50, 3, DeviationSettings())
    np.testing.assert_allclose(letter[""] + letter["complement"], rims["hard"], atol=1e-6)
    assert letter["sampler_printed"].std(0).mean() < 0.5 * letter[""].std(0).mean()


def test_distance_counts_pixels_from_the_rim_on_either_side():
    mask = np.zeros((1, 20, 20), bool)
    mask[0, :, :8] = True
    field = np.broadcast_to(np.arange(20.0), mask.shape)
    found = dict(zip(looks.REACH, looks.by_distance(field, mask, mask | True), strict=True))
    assert (found[-1], found[0], found[-3], found[2]) == (7, 8, 5, 10)
    assert np.isnan(looks.by_distance(field, mask, ~mask)[0])


def test_lesions_are_shown_by_size():
    mask = np.zeros((5, 9, 9), bool)
    for i, side in enumerate((4, 1, 3, 5, 2)):
        mask[i, :side, :side] = True
    assert looks.by_size(mask, (0, 0.5, 1)).tolist() == [1, 2, 3]


@pytest.mark.parametrize("limit", [None, 3.0])
def test_told_noise_and_estimate_add_up_to_what_was_seen(limit):
    schedule, t = diffusion.linear(), torch.full((4,), 700)
    x, _ = toys.start(4, LAW, seed=4)
    r_0, eps = LAW.predictor(schedule, limit=limit)(x, t)
    signal, noise = schedule.rates(t, x)
    torch.testing.assert_close(signal * r_0 + noise * eps, x, check_dtype=False)
