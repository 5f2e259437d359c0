"""DPO where the truth is known: the preferred mode grows, and plain DPO in haste spoils it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from lib.generators import diffusion
from lib.generators.preference import DpoSettings, alarm
from lib.papers.controlnet import toys

S = DpoSettings(**toys.TUNING | {"steps": 200})


@cache
def start():
    model = toys.base(np.random.default_rng(0))
    points = model.sample(400, np.random.default_rng(1))
    return model, toys.compared(points, 3.0, 600, np.random.default_rng(2))


@cache
def after(arm: str, rate: float, liked: bool = True) -> toys.Tuned:
    model, data = start()
    if not liked:
        data = data._replace(winner=data.loser, loser=data.winner)
    return toys.tuned(model, data, replace(S, arm=arm, rate=rate), np.random.default_rng(3))


def test_the_base_has_learned_the_mixture():
    found = toys.look(start()[0], np.random.default_rng(4))
    assert found["share"] == pytest.approx(toys.SHARE, abs=0.05)
    assert found["spread"] == pytest.approx(toys.WIDTH, rel=0.25) and found["away"] < 0.01


def test_the_reader_prefers_the_right_side_as_often_as_the_law_says():
    _, data = start()
    right = (data.latents[data.winner] > 0)[:, 0]
    assert ((data.latents[data.loser] > 0)[:, 0] != right).all()
    assert right.float().mean().item() == pytest.approx(1 / (1 + np.exp(-3)), abs=0.03)
    p = 1 / (1 + np.exp(-3))
    assert toys.floor(3.0) == pytest.approx(-p * np.log(p) - (1 - p) * np.log(1 - p))
    with pytest.raises(ValueError, match="one side"):
        toys.compared(data.latents.abs(), 3.0, 10, np.random.default_rng(0))


@pytest.mark.parametrize("arm", ["vanilla", "rank", "safeguarded"])
def test_the_preferred_mode_grows_and_stays_what_it_was(arm):
    found = after(arm, toys.CAREFUL)
    assert found.share > 0.58 and found.away < 0.02 and alarm(found.log) is None
    assert toys.floor(3.0) - 0.05 < found.log[-1]["loss"] < np.log(2)
    assert after(arm, toys.CAREFUL, liked=False).share < 0.42, "the other way round it shrinks"


def test_in_haste_both_errors_grow_and_the_safeguard_holds_them():
    plain, guarded = after("vanilla", toys.HASTY), after("safeguarded", toys.HASTY)
    assert plain.log[-1]["loss"] < 0.35, "the loss says that all is well"
    assert plain.log[-1]["winner"] > 0 and plain.log[-1]["loser"] > 0 and alarm(plain.log)
    assert plain.away > 0.1, "samples where no data ever was"
    assert alarm(guarded.log) is None and guarded.log[-1]["winner"] < -0.1
    assert guarded.away < 0.02 and guarded.spread < 1.5 * toys.WIDTH and guarded.share > 0.65


def test_the_exact_prediction_is_bayes():
    """Against the posterior mean of many points of the mixture, weighed by the noise's density."""
    schedule, rng = diffusion.cosine(toys.LENGTH), np.random.default_rng(3)
    x0 = rng.choice([-1.0, 1.0], 400_000) + toys.BROAD * rng.standard_normal(400_000)
    for t, x in ((20, 0.4), (60, -0.7), (90, 0.1)):
        a = schedule.at(t)
        weight = np.exp(-((x - np.sqrt(a) * x0) ** 2) / (2 * (1 - a)))
        at = torch.tensor([[x]]), torch.tensor([t])
        mean, eps = toys.exact(schedule, *at, (-1.0, 1.0))
        assert mean.item() == pytest.approx((weight * x0).sum() / weight.sum(), abs=0.01)
        both = np.sqrt(a) * mean.item() + np.sqrt(1 - a) * eps.item()
        assert both == pytest.approx(x, abs=1e-5)
