"""Controls of films: what belongs to an image stays with it, or surely does not."""

import numpy as np
import pytest
from toy_pools import changed, film_set, pool

from lib.controls import films
from lib.datasets import pools

DATA = film_set(30, 1)
KNOWN = pools.as_pool(DATA).arrays


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


def test_balanced_copies_lift_rare_findings_to_the_commonest():
    rng = np.random.default_rng(0)
    found = np.zeros((200, 9), np.uint8)
    found[np.arange(200), rng.choice([0, 1, 2], 200, p=[0.6, 0.3, 0.1])] = 1  # one finding each
    data = film_set(200, 3, found=found)
    count = found[:, :3].sum(0)
    n = int((count.max() - count).sum())
    made = films.balanced(data, 200, [0, 1, 2], n, "same", [0]).arrays
    total = count + made["labels"][:, :3].sum(0)
    assert made["labels"][:, 0].sum() == 0 and np.ptp(total) < 0.2 * total.max()
    flat = films.balanced(data, 200, [0], 300, "same", [0]).arrays["labels"][:, :3].mean(0)
    assert flat == pytest.approx(count / 200, abs=0.1), "nothing lacks: all films alike"
    with pytest.raises(ValueError, match="finding 5 is in none of the first 200"):
        films.balanced(data, 200, [0, 5], 10, "same", [0])


def test_moved_films_take_their_mask_along():
    made = films.classical(DATA, 2, [0], labelled=10).arrays
    assert made["image"].shape == (20, 64, 64) and made["mask"].dtype == np.uint8
    assert np.array_equal(made["labels"], np.tile(KNOWN["labels"][:10], (2, 1)))
    dark = [image[mask > 0].mean() < image.mean() - 0.2
            for image, mask in zip(made["image"], made["mask"], strict=True) if mask.any()]
    assert len(dark) > 2 and all(dark), "the mask still lies on the dark disc"


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="kind 'sharp' is unknown"):
        films.pool(DATA, 3, "sharp", [0])
