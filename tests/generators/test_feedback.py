"""A ControlNet after feedback: what was tuned moves, the rest stays, and a pool can be drawn."""

import math

import numpy as np
import pytest
from toy_films import film_set

from lib.datasets import ratings
from lib.generators import controlnet, feedback, requests, textual
from lib.jobs import Result
from lib.scores import raters

CODER = {"steps": 4, "batch": 4, "widths": [8, 8]}
BASE = {"steps": 4, "batch": 8, "widths": [8, 16, 16], "text": 16, "sampler_steps": 2}
DPO = {"steps": 6, "pairs": 2, "times": 4, "rate": 1e-3, "warm_up": 1}


@pytest.fixture(scope="module")
def made():
    """Base, branch, twin, a pool of three sets and the pairs of a reader who likes dark films."""
    films = film_set(16, np.random.default_rng(0))
    base = textual.base_job(films, textual.coder_job(films, CODER, [1]), BASE, [2])
    branch, twin = (
        controlnet.branch_job(films, base, {"steps": 4, "batch": 4, "twin": on}, [3])
        for on in (False, True)
    )
    asked = requests.mixed_requests(["edema"], films, 12, [4], copies=ratings.EACH)
    pool = controlnet.pool(base, branch, asked, 12, [5])
    dark = (-pool.arrays["image"].mean((1, 2))).argsort().argsort() / 11
    quality = Result({"text": dark, "mask": dark}, {})
    return base, branch, twin, pool, ratings.pairs(raters.rated(pool, quality, {}, [6]))


def changed(one: Result, other: Result) -> set[str]:
    assert one.arrays.keys() == other.arrays.keys()
    return {k for k, v in one.arrays.items() if not np.array_equal(v, other.arrays[k])}


def test_a_tuned_branch_takes_the_place_of_the_branch(made):
    base, branch, _, pool, pairs = made
    tuned = feedback.dpo_job(base, branch, pairs, pool, DPO, [7])
    assert changed(tuned, branch)
    both = (controlnet.pool(base, each, pool, 4, [8]) for each in (branch, tuned))
    assert "image" in changed(*both)
    first, last = tuned.scores["dpo_log"]
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-6) and first["step"] == 0
    assert last["step"] == 6 and last["winner"] != 0
    assert tuned.scores["settings"] == branch.scores["settings"], "it can be loaded as a branch"
    assert tuned.scores["pairs"] == pairs.scores and tuned.scores["beta"] > 0


def test_a_tuned_base_keeps_the_coder_and_knows_no_branch(made):
    base, branch, _, pool, pairs = made
    tuned = feedback.dpo_job(base, branch, pairs, pool, DPO, [7], part="base")
    moved = changed(tuned, base)
    assert moved and all(name.startswith("base/") for name in moved)
    last = tuned.scores["dpo_log"][-1]
    assert last["loss"] < math.log(2) and last["winner"] < last["loser"]
    alone = feedback.dpo_job(base, None, pairs, pool, DPO, [7])
    assert alone.scores["part"] == "base" and changed(alone, tuned), "seen without the branch"
    controlnet.pool(tuned, branch, pool, 2, [8])


def test_a_twin_is_tuned_as_a_whole(made):
    base, _, twin, pool, pairs = made
    tuned = feedback.dpo_job(base, twin, pairs, pool, DPO, [7])
    assert {name.split(".")[0] for name in changed(tuned, twin)} >= {"last/text", "last/unet"}
    with pytest.raises(ValueError, match="base of a twin"):
        feedback.dpo_job(base, twin, pairs, pool, DPO, [7], part="base")


def test_the_same_stream_gives_the_same_weights(made):
    base, branch, _, pool, pairs = made
    one, two, other = (
        feedback.dpo_job(base, branch, pairs, pool, DPO, [seed]) for seed in (7, 7, 8)
    )
    assert not changed(one, two) and changed(one, other)


def test_parts_that_cannot_be_tuned_are_refused(made):
    base, branch, _, pool, pairs = made
    with pytest.raises(ValueError, match="part 'unet' is unknown"):
        feedback.dpo_job(base, branch, pairs, pool, DPO, [7], part="unet")
    with pytest.raises(ValueError, match="there is none"):
        feedback.dpo_job(base, None, pairs, pool, DPO, [7], part="branch")
    few = Result({k: v[:4] for k, v in pool.arrays.items()}, {})
    with pytest.raises(ValueError, match="of 4; pass the pool they are of"):
        feedback.dpo_job(base, branch, pairs, few, DPO, [7])
