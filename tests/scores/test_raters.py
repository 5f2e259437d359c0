"""Simulated readers: with known noise their agreement is known."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from lib.datasets import ratings
from lib.jobs import Result
from lib.scores import raters
from lib.scores.raters import ReaderSettings

QUIET = {"noise": 0.0, "bias": 0.0, "slope": 0.0}


def pool(kinds: list[str]) -> Result:
    """A pool of one set for every condition named."""
    at = [ratings.CONDITIONS[kind] for kind in kinds for _ in range(ratings.EACH)]
    number = np.arange(len(at)) // ratings.EACH
    tokens = np.array([[5, 1 + k % 7, 0] if text else [1, 0, 0] for k, (text, _) in
                       zip(number, at, strict=True)], np.uint8)  # fmt: skip
    mask = np.zeros((len(at), 4, 4), np.uint8)
    for k, (_, there) in enumerate(at):
        mask[k, number[k] % 4] = there
    return Result({"tokens": tokens, "mask": mask}, {})


def truth(n: int, seed: int = 0, text=None) -> Result:
    q = np.random.default_rng(seed).random((2, n))
    return Result({"text": q[0] if text is None else text, "mask": q[1]}, {})


def said(q: np.ndarray, **settings) -> np.ndarray:
    """Scores (N, readers) of the text of images of quality q (N,)."""
    s = ReaderSettings(**(QUIET | settings))
    return raters.scored(np.stack([q, q], 1), s, np.random.default_rng(1))[0][:, :, 0].T


def test_readers_without_noise_agree_and_say_the_truth():
    q = np.random.default_rng(0).random(200)
    scores = said(q)
    assert (scores == np.rint(5 * q)[:, None]).all()
    assert raters.weighted_kappa(scores) == raters.unweighted_kappa(scores) == 1


def test_noise_alone_is_agreement_by_chance():
    scores = said(np.full(3000, 0.5), noise=50.0)
    assert abs(raters.weighted_kappa(scores)) < 0.03 > abs(raters.unweighted_kappa(scores))


@pytest.mark.parametrize("noise", [0.4, 0.8])
def test_agreement_is_the_share_of_variance_that_is_quality(noise):
    """Quadratic-weighted kappa is an intraclass correlation (Fleiss and Cohen 1973)."""
    rng = np.random.default_rng(2)
    q = (0.5 + 0.12 * rng.standard_normal(6000)).clip(0, 1)  # the ends of the scale play no part
    own, other = (5 * q).var(), noise**2 + 1 / 12  # rounding is uniform noise of one point
    kappa = raters.weighted_kappa(said(q, noise=noise))
    assert kappa == pytest.approx(own / (own + other), abs=0.02)


def test_bias_and_slope_are_the_readers_own():
    q = np.linspace(0.4, 0.6, 20000)
    s = ReaderSettings(noise=0.5, bias=0.4, slope=0.3)  # noise evens out the steps of rounding
    scores, person = raters.scored(np.stack([q, q], 1), s, np.random.default_rng(3))
    for each, bias, slope in zip(scores[..., 0], person["bias"], person["slope"], strict=True):
        b, a = np.polyfit(5 * q - 2.5, each.astype(float), 1)
        assert (a - 2.5, b) == (pytest.approx(bias, abs=0.03), pytest.approx(slope, abs=0.06))
    many = replace(s, readers=4000)
    _, person = raters.scored(np.full((1, 2), 0.5), many, np.random.default_rng(3))
    assert np.std(person["bias"]) == pytest.approx(0.4, rel=0.05)
    assert np.std(np.log(person["slope"])) == pytest.approx(0.3, rel=0.05)


def test_noise_rounds_as_a_normal_law_says():
    scores = said(np.full(20000, 0.5), noise=1.0)
    edges = np.arange(6) + 0.5
    chance = np.diff([0, *norm.cdf(edges[:-1] - 2.5), 1])
    assert np.bincount(scores.ravel(), minlength=6) / scores.size == pytest.approx(chance, abs=0.01)


def test_a_pool_is_scored_in_its_own_conditions():
    given = pool(["T2I", "M2I", "TM2I", "T2I"])
    found = raters.rated(given, truth(16), QUIET, [1])
    a = ratings.from_result(found)
    assert [ratings.NAMES[k] for k in a.condition[:16:4]] == ["T2I", "M2I", "TM2I", "T2I"]
    quality = np.stack([truth(16).arrays[name] for name in ratings.CRITERIA], 1)[a.image]
    there = np.array(list(ratings.CONDITIONS.values()))[a.condition]
    assert (a.scores == np.where(there, np.rint(5 * quality), -1)).all()
    assert ratings.parsed(ratings.written(a)) is not None, "a form could have written it"
    assert len(a) == 4 * 16 and len(set(a.reader)) == 4


def test_quality_of_what_was_not_asked_for_is_not_needed():
    given = pool(["M2I", "M2I"])
    found = raters.rated(given, truth(8, text=np.full(8, np.nan)), {}, [1])
    assert (found.arrays["scores"][:, 0] == -1).all()


def test_more_sets_leave_the_first_scores_as_they_were():
    given, quality = pool(["T2I", "TM2I", "M2I"] * 4), truth(48)
    both = (raters.rated(given, quality, {}, [5], sets=n) for n in (3, 12))
    few, many = map(ratings.from_result, both)
    first = many.image < 12
    assert (few.scores == many.scores[first]).all() and (few.reader == many.reader[first]).all()


def test_wrong_pools_are_refused():
    mixed = pool(["T2I", "T2I"])
    mixed.arrays["tokens"][2] = 3
    with pytest.raises(ValueError, match="set 0 holds images of different tokens"):
        raters.rated(mixed, truth(8), {}, [1])
    with pytest.raises(ValueError, match="20 images of a pool of 8"):
        raters.rated(pool(["T2I", "T2I"]), truth(8), {}, [1], sets=5)
    with pytest.raises(ValueError, match="outside"):
        raters.rated(pool(["T2I"]), truth(4, text=np.array([0, 0.5, 2, 1])), {}, [1])
    empty = pool(["M2I"])
    empty.arrays["mask"][:] = 0
    with pytest.raises(ValueError, match="neither text nor mask"):
        raters.rated(empty, truth(4), {}, [1])
    with pytest.raises(ValueError, match="readers must be"):
        ReaderSettings(noise=-1.0)


def test_quality_is_the_mean_of_what_is_defined():
    nan = np.nan
    judged = {
        "adherence": [1.0, nan, nan], "fabricated": [0.4, 0.0, nan], "dice": [0.3, nan, 0.9],
        "realism": [0.5, 0.2, 0.7],
    }  # fmt: skip
    found = raters.quality_of(Result({k: np.array(v) for k, v in judged.items()}, {})).arrays
    assert found["text"] == pytest.approx([0.7, 0.6, 0.7])
    assert found["mask"] == pytest.approx([0.4, 0.2, 0.8])


def test_agreement_of_a_pool_beside_its_chance():
    given = pool(["T2I"] * 30 + ["M2I"] * 5)
    settings = {"noise": 0.3, "readers": 2}
    found = raters.agreement(raters.rated(given, truth(140), settings, [1]), [2]).scores
    low, high = found["text"]["chance"]
    assert low < 0 < high < found["text"]["kappa"] < 1
    assert (found["text"]["images"], found["mask"]["images"]) == (120, 20)
    narrow, wide = high - low, np.subtract(*found["mask"]["chance"][::-1])
    assert narrow < wide, "few images agree by chance more often"
    text = raters.agreement(raters.rated(pool(["T2I"]), truth(4), settings, [1]), [2]).scores
    assert text["mask"] is None


def test_agreement_is_undefined_where_nothing_varies_or_one_reads():
    flat = np.full((5, 2), 3)
    assert raters.weighted_kappa(flat) is raters.unweighted_kappa(flat) is None
    assert raters.weighted_kappa(flat[:, :1]) is None


def test_images_that_a_reader_left_out_are_left_out():
    rows = "ann,0,0,T2I,1,\nann,0,1,T2I,2,\nbob,0,1,T2I,4,\n"
    rated = ratings.as_result(ratings.parsed(",".join(ratings.COLUMNS) + "\n" + rows))
    assert raters.table(rated, "text").tolist() == [[2, 4]]
