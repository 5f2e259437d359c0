"""Diffusion-DPO: the loss and its gradient in closed form, the safeguard, and what a fit leaves."""

import hashlib
import math
import subprocess
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from lib.datasets import ratings
from lib.generators import diffusion, preference
from lib.generators.preference import Data, DpoSettings, Sides
from lib.jobs import Result
from lib.training.weights import weights_to_arrays

LN2 = math.log(2)
S = DpoSettings(steps=4, pairs=3, times=4, rate=1e-2, warm_up=1)
SHAPE = 2, 3, 3


class Policy(nn.Module):
    """Says a learned affine function of x_t, shifted by text and mask."""

    def __init__(self):
        super().__init__()
        self.schedule, self.settings = diffusion.cosine(50), SimpleNamespace(kind="eps")
        self.a, self.b = nn.Parameter(torch.tensor(0.3)), nn.Parameter(torch.zeros(SHAPE))
        self.text = nn.Parameter(torch.tensor(0.1))

    def say(self, x, t, tokens, mask):
        given = self.text * (tokens.float().mean(1) + mask.mean((1, 2, 3)))
        return self.a * x + self.b + given[:, None, None, None]


def data(n: int = 12, pairs: int = 20) -> Data:
    rng = np.random.default_rng(0)
    winner = rng.integers(0, n, pairs)
    loser = (winner + rng.integers(1, n, pairs)) % n
    scores = np.sort(rng.integers(0, 6, (pairs, 2)), 1)[:, ::-1].copy()
    given = rng.standard_normal((n, *SHAPE)), rng.integers(0, 3, (n, 4)), rng.random((n, 1, 2, 2))
    latents, tokens, mask = map(torch.from_numpy, given)
    tensors = map(torch.from_numpy, (winner, loser, scores.astype(np.float32)))
    return Data(latents.float(), tokens, mask.float(), *tensors, torch.ones(pairs))


def sides(seed: int, n: int = 5) -> Sides:
    drawn = torch.randn(2, n, 4, 3, generator=torch.Generator().manual_seed(seed))
    return Sides(*drawn.double())


ONES, SCORES = torch.ones(5).double(), torch.tensor([[5.0, 1], [4, 3], [3, 0], [2, 1], [5, 4]])


def terms(now: Sides, before: Sides, arm: str = "vanilla", beta: float = 3.0) -> dict:
    s = replace(S, arm=arm)
    return preference.loss_terms(now, before, s, beta, SCORES.double(), ONES)


# ---- loss ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("arm", preference.ARMS)
@pytest.mark.parametrize("beta", [0.1, 5000.0])
def test_at_the_start_the_loss_is_ln_2_and_accuracy_one_half(arm, beta):
    found = terms(sides(0), sides(0), arm, beta)
    assert found["loss"] == pytest.approx(LN2, abs=1e-12) and found["accuracy"] == 0.5
    assert found["winner"] == found["loser"] == 0


def test_the_loss_is_the_equation_one_pair_at_a_time():
    now, before = sides(1), sides(2)
    each = []
    for k in range(5):
        e = [float((side[k] ** 2).mean()) for side in (*now, *before)]
        each.append(math.log1p(math.exp(1.5 * ((e[0] - e[2]) - (e[1] - e[3])))))
    assert terms(now, before)["loss"].item() == pytest.approx(np.mean(each), rel=1e-12)


def test_swapping_winner_and_loser_turns_the_sign():
    now, before = sides(1), sides(2)
    there = preference.margin(now, before, S, SCORES)
    back = preference.margin(Sides(*now[::-1]), Sides(*before[::-1]), S, SCORES)
    assert torch.equal(there[0] - there[1], back[1] - back[0])
    ahead, behind = terms(now, before), terms(Sides(*now[::-1]), Sides(*before[::-1]))
    assert ahead["accuracy"] + behind["accuracy"] == 1
    inside = -1.5 * (there[0] - there[1])
    assert behind["loss"] - ahead["loss"] == pytest.approx(inside.mean().item())


def test_the_loss_falls_with_the_winners_error_and_rises_with_the_losers_gain():
    now, before = sides(1), sides(2)
    plain = terms(now, before)["loss"]
    assert terms(Sides(0.9 * now.winner, now.loser), before)["loss"] < plain
    assert terms(Sides(now.winner, 0.9 * now.loser), before)["loss"] > plain


def test_the_gradient_at_the_start_is_a_quarter_of_beta_times_the_mean_difference():
    """dL = (1 - sigmoid(0)) beta/2 (de_w - de_l)."""
    model, given, beta = Policy(), data(), 7.0
    generator = torch.Generator().manual_seed(3)
    some = preference.noised(given, torch.arange(20), 4, 50, generator)
    now = preference.both(model, given, some)
    before = Sides(*(side.detach() for side in now))
    rows = given.scores[some.at], given.weight[some.at]
    weights = list(model.parameters())
    loss = preference.loss_terms(now, before, S, beta, *rows)["loss"]
    found = torch.autograd.grad(loss, weights, retain_graph=True)
    e_w, e_l = map(preference.errors, now)
    wanted = torch.autograd.grad((e_w - e_l).mean(), weights)
    for a, b in zip(found, wanted, strict=True):
        assert torch.allclose(a, beta / 4 * b, rtol=1e-4, atol=1e-7)


def test_the_gradient_is_that_of_finite_differences():
    model, given = Policy().double(), data()
    given = given._replace(latents=given.latents.double(), weight=given.weight.double())
    some = preference.noised(given, torch.arange(20), 2, 50, torch.Generator().manual_seed(1))
    with torch.no_grad():
        before = preference.both(model, given, some)
        model.a += 0.2
    rows = given.scores[some.at], given.weight[some.at]

    def loss() -> torch.Tensor:
        now = preference.both(model, given, some)
        return preference.loss_terms(now, before, S, 5.0, *rows)["loss"]

    (slope,) = torch.autograd.grad(loss(), [model.a])
    ends = []
    for step in (1e-3, -1e-3):
        with torch.no_grad():
            model.a += step
            ends.append(loss().item())
            model.a -= step
    assert slope.item() == pytest.approx((ends[0] - ends[1]) / 2e-3, rel=1e-3)


def test_rank_weights_multiply_each_side_by_its_own_score():
    now, before = sides(1), sides(2)
    plain = preference.margin(now, before, S, SCORES)
    found = preference.margin(now, before, replace(S, arm="rank"), SCORES)
    for k in range(2):
        assert torch.allclose(found[k], plain[k] * SCORES[:, k] / 5)
    raw = terms(now, before), terms(now, before, "rank")
    assert raw[0]["winner"] == raw[1]["winner"], "what is logged is not weighted"


def test_a_pair_of_half_weight_counts_half():
    now, before = sides(1), sides(2)

    def loss(at: slice, weight: list[float]) -> float:
        few = (Sides(*(side[at] for side in each)) for each in (now, before))
        rows = SCORES[at].double(), torch.tensor(weight, dtype=torch.float64)
        return preference.loss_terms(*few, S, 3.0, *rows)["loss"].item()

    first, second, third = (loss(slice(k, k + 1), [1]) for k in range(3))
    found = loss(slice(0, 3), [1, 0.5, 0.5])
    assert found == pytest.approx((first + 0.5 * (second + third)) / 2)


# ---- safeguard ----------------------------------------------------------------------------------


def by_hand(w: list[float], x: list[float], mu: float) -> float:
    return preference.safeguard(Sides(torch.tensor([w]), torch.tensor([x])), mu).item()


def test_lambda_in_closed_form():
    assert by_hand([1, 0], [2, 5], 0.9) == pytest.approx(0.1 * 1 / 2)
    assert by_hand([2, 0], [1, 0], 0.5) == pytest.approx(0.5 * 4 / 2)
    assert by_hand([3, 0], [1, 0], 0.5) == 1, "1.5 is cut to 1"
    assert by_hand([1, 0], [-2, 5], 0.9) == by_hand([1, 0], [0, 1], 0.9) == 1, "nothing to guard"
    assert by_hand([0, 0], [1, 1], 0.9) == 1, "no gradient to guard"


def test_the_safeguard_changes_gradients_and_no_value():
    now, before = sides(1), sides(2)
    leaves = [side.clone().requires_grad_() for side in now]
    loss = terms(Sides(*leaves), before, "safeguarded")["loss"]
    assert loss == terms(now, before)["loss"]
    guarded = torch.autograd.grad(loss, leaves)
    plain = torch.autograd.grad(terms(Sides(*leaves), before)["loss"], leaves)
    scale = preference.safeguard(now, S.mu)
    assert torch.equal(guarded[0], plain[0]) and scale.min() < 1
    assert torch.allclose(guarded[1], scale[:, None, None] * plain[1])


@pytest.mark.parametrize("arm", ["vanilla", "safeguarded"])
@pytest.mark.parametrize("mu", [0.0, 0.9])
def test_a_guarded_step_never_raises_the_winners_error_to_first_order(arm, mu):
    """Where both outputs move as one, the slope of e_w down the gradient of L is not positive."""
    slopes = []
    for seed in range(100):
        w, other = sides(seed, 1)
        x, shift = 3 * w + other, torch.zeros(1, 4, 3, dtype=torch.float64, requires_grad=True)
        now, before = Sides(w + shift, x + shift), Sides(w, x)
        rows = SCORES[:1].double(), ONES[:1]
        loss = preference.loss_terms(now, before, replace(S, arm=arm, mu=mu), 3.0, *rows)["loss"]
        (g,) = torch.autograd.grad(loss, [shift], retain_graph=True)
        (g_w,) = torch.autograd.grad(preference.errors(now.winner).sum(), [shift])
        own = 3.0 / 4 * g_w.square().sum()  # the slope of the winner's term alone
        slopes.append(float((g * g_w).sum() / own))
    if arm == "vanilla":
        assert max(slopes) < 0, "every plain step raises it"
    else:
        assert slopes == pytest.approx([mu] * 100, abs=1e-9), "the share mu of its own step is left"


# ---- what a step sees ---------------------------------------------------------------------------


def test_every_pair_meets_every_stratum_once_in_noise_that_both_sides_share():
    generator = torch.Generator().manual_seed(0)
    t = preference.strata(40, 10, 50, generator)
    assert (t // 5 == torch.arange(10)).all() and len(t.unique()) == 50
    given, model = data(), Policy()
    same = given._replace(loser=given.winner)
    some = preference.noised(same, torch.arange(5), 8, 50, generator)
    found = preference.both(model, same, some)
    assert torch.equal(*found) and some.at.tolist() == np.repeat(range(5), 8).tolist()
    assert len(some.noise.flatten(1).unique(dim=0)) == 40


def test_beta_is_one_over_the_median_gap():
    model, given = Policy(), data()
    beta = preference.tuned_beta(model, given, 300, np.random.default_rng(0))
    some = preference.noised(given, torch.arange(20), 300, 50, torch.Generator().manual_seed(9))
    with torch.no_grad():
        e_w, e_l = map(preference.errors, preference.both(model, given, some))
    assert (beta * (e_w - e_l).abs()).median().item() == pytest.approx(1, abs=0.05)
    same = given._replace(loser=given.winner)
    with pytest.raises(ValueError, match="do not differ"):
        preference.tuned_beta(model, same, 4, np.random.default_rng(0))


# ---- fit ----------------------------------------------------------------------------------------


def fitted(s: DpoSettings = S, trained=None, seed: int = 0):
    torch.manual_seed(0)
    model = Policy()
    start = weights_to_arrays(model)
    kept = None if trained is None else [getattr(model, name) for name in trained]
    states = preference.fit(model, data(), s, np.random.default_rng(seed), kept)
    return model, start, [state.row for state in states]


def test_a_fit_starts_at_ln_2_and_tells_pairs_apart():
    model, start, log = fitted(replace(S, steps=100))
    assert [row["step"] for row in log] == [0, 50, 100]
    assert log[0]["loss"] == pytest.approx(LN2, abs=1e-7)
    assert log[-1]["loss"] < LN2 and log[-1]["accuracy"] > 0.5
    assert log[-1]["winner"] < log[-1]["loser"]
    assert any((weights_to_arrays(model)[name] != start[name]).any() for name in start)
    scores = preference.scores_of(log, S)
    assert scores["beta"] == log[0]["beta"] and scores["dpo"]["arm"] == "vanilla"


def test_only_the_weights_that_may_move_do():
    model, start, _ = fitted(trained=["b"])
    after = weights_to_arrays(model)
    assert [name for name in start if not np.array_equal(start[name], after[name])] == ["b"]


def test_the_alarm_rings_when_winners_get_worse():
    rows = [{"step": 0, "winner": 0.0}, {"step": 50, "winner": -0.1}, {"step": 100, "winner": 0.2}]
    assert preference.alarm(rows) == 100 and preference.alarm(rows[:2]) is None


def test_settings_are_the_papers_and_others_are_refused():
    s = DpoSettings()
    assert (s.steps, s.arm) == (4000, "vanilla")
    for wrong in ({"arm": "ipo"}, {"steps": 0}, {"times": 0}):
        with pytest.raises(ValueError, match=r"unknown|at least 1"):
            DpoSettings(**wrong)


def test_pairs_of_ratings_become_data():
    rows = "".join(f"ann,0,{i},T2I,{i},\n" for i in range(4))
    rated = ratings.rated_by_form(",".join(ratings.COLUMNS) + "\n" + rows)
    pool = Result({"tokens": np.zeros((4, 2), np.uint8), "mask": np.zeros((4, 2, 2), np.uint8)}, {})
    found = preference.as_data(ratings.pairs(rated), torch.zeros(4, 1), pool)
    assert (found.winner > found.loser).all() and len(found.winner) == 6
    assert torch.equal(found.scores[:, 0], found.winner.float())
    with pytest.raises(ValueError, match="name image 3 of 2"):
        preference.as_data(ratings.pairs(rated), torch.zeros(2, 1), pool)


def test_another_process_writes_the_same_bytes():
    code = (
        "import sys; sys.path[:0] = ['tests/generators']\n"
        "import test_preference\n"
        "print(test_preference.digest())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == digest() != digest(1)


def digest(seed: int = 0) -> str:
    arrays = weights_to_arrays(fitted(seed=seed)[0])
    return hashlib.sha256(b"".join(arrays[k].tobytes() for k in sorted(arrays))).hexdigest()
