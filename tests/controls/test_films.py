"""Controls of films: what belongs to an image stays with it, or surely does not."""

import numpy as np
import pytest
from toy_pools import changed, film_set, pool

from lib.controls import films
from lib.datasets import pools

DATA = film_set(30, 1)
KNOWN = pools.columns_of(DATA.arrays)


@pytest.mark.parametrize("kind", ["same", "noisy", "blurred"])
def test_copies_go_round_the_labelled_films_with_all_that_is_beside_them(kind):
    made = films.pool(DATA, 70, kind, [0], labelled=20).arrays
    at = np.arange(70) % 20
    for name in ("labels", "mask", "tokens"):
        assert np.array_equal(made[name], KNOWN[name][at])
    gap = np.abs(made["image"] - KNOWN["image"][at]).max((1, 2))
    assert (gap == 0).all() if kind == "same" else (gap > 0).all()
    assert made["image"].dtype == np.float32 and 0 <= made["image"].min() <= 1
    if kind == "noisy":
        again = films.pool(DATA, 70, kind, [0], labelled=20).arrays["image"]
        assert np.array_equal(made["image"], again)
        assert not np.array_equal(made["image"][0], made["image"][20]), "noise is drawn anew"


def test_no_shuffled_image_keeps_its_own_and_the_rest_moves_together():
    number, n = np.arange(6, dtype=np.uint8), 6
    given = changed(pool(n, 2), tokens=np.tile(number[:, None] + 2, 8),
                    labels=np.tile(number[:, None], 9),
                    mask=np.tile(number[:, None, None], (64, 64)))  # fmt: skip
    orders = set()
    for seed in range(30):
        made = films.shuffled(given, [seed]).arrays
        assert np.array_equal(made["image"], given.arrays["image"])
        at = made["labels"][:, 0]
        assert np.array_equal(np.sort(at), number) and (at != number).all()
        assert np.array_equal(made["tokens"][:, 0], at + 2)
        orders.add(tuple(at))
    assert len(orders) > 15
    with pytest.raises(ValueError, match="a pool of 1 has no other sample"):
        films.shuffled(pool(1), [0])


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind 'sharp' is unknown"):
        films.pool(DATA, 3, "sharp", [0])
