"""The diffusion schedule and samplers against Gaussian data, whose score is known exactly."""

import math
from itertools import pairwise

import pytest
import torch

from lib.generators import diffusion

MEAN, STD = 1.5, 0.3  # of the data
SCHEDULES = [diffusion.cosine(), diffusion.linear()]
both = pytest.mark.parametrize("schedule", SCHEDULES, ids=["cosine", "linear"])


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def exact(schedule):
    """E[x_0 | x_t] and E[eps | x_t] of data N(MEAN, STD^2), in float64 so that only the sampler
    errs."""

    def predict(x, t):
        a = schedule.alpha_bar[t].unsqueeze(1)
        off = (x - a.sqrt() * MEAN) / (a * STD**2 + 1 - a)
        return (MEAN + a.sqrt() * STD**2 * off), (1 - a).sqrt() * off

    return predict


def drawn(sampler, schedule, steps, *args, n=20_000):
    return diffusion.last(sampler(schedule, exact(schedule), normal(n, 1), steps, *args))


# ---- schedule -----------------------------------------------------------------------------------


@both
def test_the_schedule_falls_and_its_betas_multiply_to_it(schedule):
    assert len(schedule) == 1000
    assert (schedule.alpha_bar.diff() < 0).all()
    assert 0 < schedule.alpha_bar[-1] < 1e-4, "the end is noise"
    torch.testing.assert_close((1 - schedule.beta).cumprod(0), schedule.alpha_bar)
    assert schedule.beta.dtype == torch.float64
    assert (schedule.beta > 0).all() and schedule.beta.max() <= 0.999 + 1e-12


def test_schedules_have_their_papers_numbers():
    """Ho et al. 2020: beta 1e-4 to 0.02. Nichol and Dhariwal 2021: cos^2, half the signal near the
    middle."""
    beta = diffusion.linear().beta
    assert beta[0].item() == pytest.approx(1e-4) and beta[-1].item() == pytest.approx(0.02)
    a = diffusion.cosine().alpha_bar
    start = math.cos(0.008 / 1.008 * math.pi / 2) ** 2
    assert diffusion.cosine().beta[-1].item() == pytest.approx(0.999)
    assert a[499].item() == pytest.approx(math.cos(0.508 / 1.008 * math.pi / 2) ** 2 / start)


@pytest.mark.parametrize("bad", [[0.5, 0.5], [1.0, 0.5], [0.5, 0.0], []])
def test_a_schedule_that_does_not_fall_is_refused(bad):
    with pytest.raises(ValueError, match="alpha_bar"):
        diffusion.Schedule(torch.tensor(bad, dtype=torch.float64))
    with pytest.raises(ValueError, match="float64"):
        diffusion.Schedule(torch.tensor([0.9, 0.1]))


@both
@pytest.mark.parametrize("t", [0, 300, 999])
def test_forward_marginals_have_the_means_and_variances_of_the_formula(schedule, t):
    x0, eps = MEAN + STD * normal(200_000, 1), normal(200_000, 1, seed=1)
    x = diffusion.add_noise(schedule, x0, eps, torch.full((200_000,), t))
    a = schedule.alpha_bar[t].item()
    assert x.mean().item() == pytest.approx(math.sqrt(a) * MEAN, abs=0.01)
    assert x.var().item() == pytest.approx(a * STD**2 + 1 - a, rel=0.015)


def test_every_image_of_a_batch_gets_its_own_step():
    schedule, x0, eps = diffusion.cosine(), normal(3, 2, 4, 4), normal(3, 2, 4, 4, seed=1)
    t = torch.tensor([0, 400, 999])
    together = diffusion.add_noise(schedule, x0, eps, t)
    for i in range(3):
        a = schedule.alpha_bar[t[i]].item()
        by_hand = math.sqrt(a) * x0[i] + math.sqrt(1 - a) * eps[i]
        torch.testing.assert_close(together[i], by_hand)


# ---- parametrisations ---------------------------------------------------------------------------


@both
@pytest.mark.parametrize("kind", diffusion.KINDS)
@pytest.mark.parametrize("t", [0, 200, 700])
def test_a_perfect_network_of_any_kind_gives_data_and_noise_back(schedule, kind, t):
    x0, eps, at = normal(8, 3), normal(8, 3, seed=1), torch.full((8,), t)
    x = diffusion.add_noise(schedule, x0, eps, at)
    said = diffusion.target(schedule, kind, x0, eps, at)
    found = diffusion.parts(schedule, kind, said, x, at)
    rough = diffusion.parts(schedule, kind, said.bfloat16(), x, at)
    assert {part.dtype for part in rough} == {torch.float32}, "whatever the network's precision"
    for name, a, b in zip(("x0", "eps"), found, (x0, eps), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=2e-3, msg=f"{kind} at {t}: {name}")


def test_a_clipped_x0_takes_its_noise_with_it():
    schedule, x, t = diffusion.cosine(), 3 * normal(50, 2), torch.full((50,), 600)
    x0, eps = diffusion.parts(schedule, "v", normal(50, 2, seed=1), x, t, limit=0.5)
    assert x0.abs().max() <= 0.5
    torch.testing.assert_close(diffusion.add_noise(schedule, x0, eps, t), x)


def test_unknown_kinds_and_variances_are_refused():
    schedule, x, t = diffusion.cosine(), normal(2, 1), torch.zeros(2, dtype=torch.long)
    with pytest.raises(ValueError, match="kind 'score' is unknown"):
        diffusion.parts(schedule, "score", x, x, t)
    with pytest.raises(ValueError, match="kind 'score' is unknown"):
        diffusion.target(schedule, "score", x, x, t)
    with pytest.raises(ValueError, match="variance 'learned' is unknown"):
        diffusion.ddpm_step(schedule, x, x, 10, 5, x, "learned")


# ---- samplers -----------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [1, 7, 25, 50, 250, 1000])
def test_spacing_starts_at_the_last_step_and_visits_each_once(steps):
    visited = diffusion.trailing(1000, steps)
    assert visited[0] == 999 and len(visited) == steps
    assert all(a > b >= 0 for a, b in pairwise(visited))
    gaps = {a - b for a, b in zip(visited, [*visited[1:], -1], strict=True)}
    assert max(gaps) - min(gaps) <= 1


def test_impossible_steps_are_refused():
    with pytest.raises(ValueError, match="1001 steps of a schedule of 1000"):
        diffusion.trailing(1000, 1001)
    x = normal(2, 1)
    with pytest.raises(ValueError, match="cannot go from step 5 to 5"):
        diffusion.ddim_step(diffusion.cosine(), x, x, 5, 5)
    with pytest.raises(ValueError, match="pass noise"):
        diffusion.ddpm_step(diffusion.cosine(), x, x, 10, 5)


@both
@pytest.mark.parametrize(("steps", "error"), [(50, 0.09), (250, 0.03), (1000, 0.015)])
def test_ddim_draws_gaussian_data(schedule, steps, error):
    x = drawn(diffusion.ddim, schedule, steps)
    assert x.mean().item() == pytest.approx(MEAN, abs=0.02)
    assert x.std().item() == pytest.approx(STD, rel=error)


@both
def test_ddim_is_the_product_of_its_linear_steps(schedule):
    """On Gaussian data every DDIM step is affine: the spread of samples is known in closed form."""
    spread, visited = 1.0, diffusion.trailing(1000, 20)
    for t, to in zip(visited, [*visited[1:], -1], strict=True):
        a, b = schedule.at(t), schedule.at(to)
        scale = a * STD**2 + 1 - a
        spread *= (math.sqrt(b * a) * STD**2 + math.sqrt((1 - b) * (1 - a))) / scale
    noise = normal(5000, 1).double()
    x = diffusion.last(diffusion.ddim(schedule, exact(schedule), noise, 20))
    torch.testing.assert_close(x.std() / noise.std(), torch.tensor(spread, dtype=torch.float64))


@both
@pytest.mark.parametrize(("steps", "narrower"), [(50, 0.18), (250, 0.06), (1000, 0.025)])
def test_strided_ddpm_is_never_too_wide(schedule, steps, narrower):
    """The fault of samplers that keep the schedule's own beta when they stride: 0.89 for 0.30."""
    x = drawn(diffusion.ddpm, schedule, steps, torch.Generator().manual_seed(1))
    assert x.mean().item() == pytest.approx(MEAN, abs=0.02)
    assert STD * (1 - narrower) < x.std().item() < STD * 1.02


@both
def test_the_two_variances_enclose_the_truth(schedule):
    generator = torch.Generator().manual_seed(1)
    small, large = (drawn(diffusion.ddpm, schedule, 50, generator, v) for v in ("small", "large"))
    assert small.std() < STD < large.std() < 1.06 * STD


@both
def test_ddim_with_eta_one_is_the_ancestral_step(schedule):
    """Two formulas of two papers, one step: equal to rounding for any stride."""
    x, x0, noise = (normal(6, 2, seed=i).double() for i in range(3))
    for t, to in ((999, 900), (500, 499), (400, 40), (20, -1)):
        a = schedule.at(t)
        eps = (x - math.sqrt(a) * x0) / math.sqrt(1 - a)
        ours = diffusion.ddim_step(schedule, x0, eps, t, to, 1.0, noise)
        theirs = diffusion.ddpm_step(schedule, x0, x, t, to, noise)
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-8)


def test_eta_is_the_share_of_the_ancestral_deviation():
    x0, eps, noise = (normal(6, 2, seed=i).double() for i in range(3))
    variance = torch.var(
        torch.stack([
            diffusion.ddim_step(diffusion.cosine(), 0 * x0, 0 * eps, 600, 300, eta, sign * noise)
            for eta in (0.5, 1.0) for sign in (-1, 1)
        ]).view(2, 2, -1), 1,
    )  # fmt: skip
    torch.testing.assert_close(variance[0], 0.25 * variance[1])


def test_eta_zero_takes_no_randomness_and_eta_needs_it():
    schedule = diffusion.cosine()
    first, second = (drawn(diffusion.ddim, schedule, 10, n=5) for _ in range(2))
    assert torch.equal(first, second)
    with pytest.raises(ValueError, match="pass noise"):
        drawn(diffusion.ddim, schedule, 10, 0.5, n=5)
    generators = [torch.Generator().manual_seed(i) for i in (1, 1, 2)]
    a, b, c = (drawn(diffusion.ddim, schedule, 10, 0.5, g, n=5) for g in generators)
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_a_single_step_lands_on_the_prediction():
    """From pure noise in one step: the mean of the data, no noise left."""
    x = drawn(diffusion.ddpm, diffusion.cosine(), 1, torch.Generator(), n=100)
    assert (x - MEAN).abs().max() < 1e-3


def test_samplers_keep_float32_and_give_every_image_the_step():
    seen = []

    def predict(x, t):
        seen.append((x.dtype, tuple(t.tolist())))
        return diffusion.parts(diffusion.cosine(), "v", torch.zeros_like(x).bfloat16(), x, t)

    x = diffusion.last(diffusion.ddim(diffusion.cosine(), predict, normal(3, 2), 4))
    assert x.dtype == torch.float32
    assert seen == [(torch.float32, (t,) * 3) for t in (999, 749, 499, 249)]
