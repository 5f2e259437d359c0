"""The proxy: its loss in closed form, what it learns, and which films it keeps."""

import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from toy_films import film_set

from lib.generators import proxy
from lib.generators.textual import BaseSettings
from lib.jobs import Result
from lib.phantoms import reports

SETTINGS = {"steps": 60, "batch": 16, "widths": [8, 16, 16, 16], "text": 16, "rate": 3e-3}


@pytest.fixture(scope="module")
def fitted():
    return proxy.proxy_job(film_set(60, np.random.default_rng(0)), SETTINGS, [1])


@pytest.fixture(scope="module")
def pool():
    """Forty films, all of which are asked for one of two prompts."""
    films = film_set(40, np.random.default_rng(1))
    texts = ["left pneumothorax"] * 24 + ["right pneumothorax"] * 16
    tokens = np.array([reports.tokens(text) for text in texts])
    return Result({"image": films.arrays["image"], "tokens": tokens, "row": np.arange(40)}, {})


def unit(x):
    return torch.nn.functional.normalize(x, dim=-1)


def test_features_that_say_nothing_lose_ln_b():
    films, texts = unit(torch.randn(2, 32, 9000, generator=torch.Generator().manual_seed(0)))
    assert proxy.contrast(films, texts, 0.0).item() == pytest.approx(math.log(32), abs=1e-5)
    assert proxy.contrast(films, texts, 1.0).item() == pytest.approx(math.log(32), abs=0.01)
    same = films[:1].repeat(32, 1)
    assert proxy.contrast(same, same, 50.0).item() == pytest.approx(math.log(32), abs=1e-4)


def test_own_pairs_lose_nothing_and_the_loss_sees_both_directions():
    own = torch.eye(8)
    assert proxy.contrast(own, own, 50.0).item() < 1e-6
    assert proxy.contrast(own, own.roll(1, 0), 50.0).item() == pytest.approx(50, abs=1e-3)
    films, texts = unit(torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0)))
    one_way = proxy.contrast(films, texts, 5.0)
    torch.testing.assert_close(one_way, proxy.contrast(texts, films, 5.0))
    alike = 5 * (films @ texts.T).double()
    rows, columns = alike.log_softmax(1).diagonal(), alike.log_softmax(0).diagonal()
    assert one_way.item() == pytest.approx(-(rows.mean() + columns.mean()).item() / 2, abs=1e-5)


def test_it_learns_which_side_a_text_means(fitted):
    films = film_set(60, np.random.default_rng(2))
    sick = films.arrays["labels"].any(1)
    left = (films.arrays["planes"][:, :, 32:] > 0).any((1, 2))
    asked = np.tile(reports.tokens("left pneumothorax"), (60, 1))
    score = proxy.similarity(fitted, Result(films.arrays | {"tokens": asked}, {}))
    assert np.abs(score).max() <= 1 + 1e-6
    assert roc_auc_score(left[sick], score[sick]) > 0.95


def test_it_learns_bare_names_in_which_pools_are_asked_for():
    """Reports and captions that say nothing leave only the names to learn from."""
    films, more = (film_set(60, np.random.default_rng(seed)) for seed in (3, 4))
    silent = np.tile(reports.tokens("Normal"), (60, 1))
    told = Result(films.arrays | {"tokens": silent, "caption": silent}, {})
    learned = proxy.proxy_job(told, SETTINGS, [1])
    name = np.tile(reports.tokens(reports.prompt("pneumothorax")), (60, 1))
    score = proxy.similarity(learned, Result(more.arrays | {"tokens": name}, {}))
    assert roc_auc_score(more.arrays["labels"].any(1), score) > 0.95


def test_its_texts_are_mixed_as_those_of_the_base():
    own, base = proxy.ProxySettings(), BaseSettings()
    assert (own.caption_share, own.name_share) == (base.caption_share, base.name_share)
    assert own.text_drop == 0, "there is no film without a text to be like"


def test_a_filter_keeps_exactly_the_best_share_of_every_text(fitted, pool):
    alike = proxy.similarity(fitted, pool)
    kept = proxy.filtered(pool, fitted, 75)
    rows = kept.arrays["row"]
    assert (np.diff(rows) > 0).all() and kept.scores == {"n": 10, "of": 40}
    for group, share in ((range(24), 6), (range(24, 40), 4)):
        best = sorted(sorted(group, key=lambda i: alike[i])[-share:])
        assert [i for i in rows if i in group] == best
    np.testing.assert_array_equal(kept.arrays["similarity"], alike[rows])
    np.testing.assert_array_equal(kept.arrays["image"], pool.arrays["image"][rows])
    assert len(proxy.filtered(pool, fitted, 0).arrays["row"]) == 40


def test_a_filter_at_equal_volume_keeps_as_many_as_asked_for(fitted, pool):
    for keep in (1, 10, 15, 40):
        rows = proxy.filtered(pool, fitted, keep=keep).arrays["row"]
        assert len(rows) == keep
        assert abs((rows < 24).sum() - 0.6 * keep) <= 1
    quarter = proxy.filtered(pool, fitted, keep=10).arrays["row"]
    np.testing.assert_array_equal(quarter, proxy.filtered(pool, fitted, 75).arrays["row"])


def test_ties_are_broken_by_order_alone():
    place = proxy.standing(np.zeros(4), np.array([0, 1, 0, 1]))
    np.testing.assert_allclose(place, [0.25, 0.25, 0.75, 0.75])


def test_what_cannot_be_kept_is_refused(fitted, pool):
    with pytest.raises(ValueError, match=r"^percentile is 100; use 0 up to"):
        proxy.filtered(pool, fitted, 100)
    with pytest.raises(ValueError, match=r"^keep is 41 of 40 films"):
        proxy.filtered(pool, fitted, keep=41)


def test_kept_films_are_the_best_or_the_least_of_the_first(fitted, pool):
    alike = proxy.similarity(fitted, pool)[:20]
    _, text = np.unique(pool.arrays["tokens"][:20], axis=0, return_inverse=True)
    share = proxy.standing(alike, text.ravel())
    for best, end in ((True, share.argmax()), (False, share.argmin())):
        rows = proxy.kept(pool, fitted, 5, 20, best).arrays["row"]
        assert len(rows) == 5 and end in rows and (np.diff(rows) > 0).all() and rows.max() < 20
    with pytest.raises(ValueError, match="keep fewer, or draw more"):
        proxy.kept(pool, fitted, 5, 41, True)


def test_chance_keeps_as_many_films_of_each_text_and_looks_at_none(fitted, pool):
    best, chance = proxy.filtered(pool, fitted, 75), proxy.at_random(pool, [7], 75)
    tokens = (each.arrays["tokens"] for each in (best, chance))
    texts = [np.unique(each, axis=0, return_counts=True) for each in tokens]
    for one, other in zip(*texts, strict=True):
        np.testing.assert_array_equal(one, other)
    assert chance.scores == best.scores
    rows = chance.arrays["row"]
    assert (np.diff(rows) > 0).all() and set(rows) != set(best.arrays["row"])
    np.testing.assert_array_equal(chance.arrays["image"], pool.arrays["image"][rows])
    black = Result(pool.arrays | {"image": np.zeros_like(pool.arrays["image"])}, {})
    np.testing.assert_array_equal(proxy.at_random(black, [7], 75).arrays["row"], rows)
    taken = np.concatenate([proxy.at_random(pool, [i], 75).arrays["row"] for i in range(200)])
    assert np.bincount(taken, minlength=40).min() > 20, "every film has its chance, 50 of 200"
    with pytest.raises(ValueError, match="percentile is 100"):
        proxy.at_random(pool, [7], 100)
