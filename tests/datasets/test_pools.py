"""Film sets and pools read alike: masks, labels, texts."""

import numpy as np
import pytest
from toy_pools import film_set, pool

from lib.datasets import films, pools
from lib.jobs import Result


def test_the_mask_of_a_film_is_its_pneumothorax_plane():
    real = films.film_set("candid", 12, [0])
    found = pools.masks(real.arrays)
    assert np.array_equal(found, films.plane(real, "pneumothorax")) and found.any()
    assert not np.array_equal(found, films.plane(real, "chest tube"))
    columns = pools.columns_of(real.arrays)
    assert columns["mask"].dtype == np.uint8
    assert set(columns) == {"image", "labels", "tokens", "mask", "subject"}
    assert np.array_equal(pools.masks(columns), found)
    assert np.array_equal(pools.masks(pools.columns_of(columns)), found)


def test_targets_are_the_named_columns_in_their_order():
    made = pool(6)
    assert np.array_equal(pools.targets(made.arrays, [3, 0]), made.arrays["labels"][:, [3, 0]])
    for wrong in ([], [1, 1], [9], [-1]):
        with pytest.raises(ValueError, match="name each finding once, from 0 to 8"):
            pools.targets(made.arrays, wrong)


def test_only_the_token_of_no_text_is_no_text():
    tokens = film_set(4).arrays["tokens"].copy()
    tokens[1] = [1] + [0] * (tokens.shape[1] - 1)
    told = pools.texted(Result({"tokens": tokens}).arrays)
    assert told.tolist() == [True, False, True, True]

def test_any_first_films_have_their_share_of_a_finding():
    made = film_set(40)
    made.arrays["labels"][:] = 0
    made.arrays["labels"][30:, 6] = 1  # a quarter has a pneumothorax, all of them at the end
    spread = pools.spread(made, "pneumothorax").arrays
    share = spread["labels"][:, 6].cumsum() / np.arange(1, 41)
    assert share[0] == 1 and np.allclose(share[3::4], 0.25)
    assert sorted(spread["subject"]) == sorted(made.arrays["subject"])
    own = dict(zip(made.arrays["subject"], made.arrays["image"], strict=True))
    each = zip(spread["subject"], spread["image"], strict=True)
    assert all(np.array_equal(own[s], image) for s, image in each)


def test_joined_pools_follow_one_another():
    one, two = pool(4), pool(6)
    both = pools.joined([one, two]).arrays
    assert np.array_equal(both["image"], np.r_[one.arrays["image"], two.arrays["image"]])
    assert np.array_equal(both["labels"][4:], two.arrays["labels"])
    assert np.array_equal(pools.head(one, 3).arrays["image"], one.arrays["image"][:3])


def test_relabelled_films_keep_their_images_alone():
    one, other = pool(4), pool(4)
    other.arrays["labels"][:] = 1
    made = pools.relabelled(one, other).arrays
    assert np.array_equal(made["image"], one.arrays["image"]) and made["labels"].all()
    with pytest.raises(ValueError, match="4 images for 6 requests"):
        pools.relabelled(one, pool(6))
