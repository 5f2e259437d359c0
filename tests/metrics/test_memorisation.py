"""Copying is seen, fresh samples read the null, unequal pools are refused."""

import numpy as np
import pytest

from lib.metrics.memorisation import nearest, nn_mia, nn_share


def pools(seed=0, n=200, d=12):
    return np.random.default_rng(seed).normal(size=(3, n, d))


def test_fresh_samples_read_one_half():
    shares = [nn_share(*pools(seed))[0] for seed in range(12)]
    attacks = [nn_mia(*pools(seed))[0] for seed in range(12)]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.04)
    assert np.mean(attacks) == pytest.approx(0.5, abs=0.03)


def test_copies_are_seen_and_copies_of_the_holdout_mirror_them():
    fresh, train, holdout = pools()
    copies = train + 0.1 * fresh
    share, lo, hi = nn_share(copies, train, holdout)
    assert share > 0.97 and lo > 0.9 and hi <= 1
    assert nn_share(copies, holdout, train)[0] == pytest.approx(1 - share)
    value, lo, _ = nn_mia(copies, train, holdout)
    assert value > 0.95 and not lo < 0.9


def test_share_counts_by_hand_and_ties_are_left_out():
    train, holdout = np.array([[0.0]]), np.array([[10.0]])
    samples = np.array([[1.0], [2.0], [9.0], [5.0]])
    assert nn_share(samples, train, holdout)[0] == pytest.approx(2 / 3)
    assert nn_share(samples[3:], train, holdout) == (0.5, 0.0, 1.0)


def test_images_are_flattened_and_nearest_is_euclidean():
    fresh, train, holdout = pools(1, 30, 16)
    shape = (30, 4, 4)
    images = [x.reshape(shape) for x in (fresh, train, holdout)]
    assert nn_share(*images) == nn_share(fresh, train, holdout)
    brute = np.linalg.norm(fresh[:, None] - train[None], axis=2).min(axis=1)
    np.testing.assert_allclose(nearest(fresh, train), brute)


def test_unequal_pools_are_refused():
    fresh, train, holdout = pools()
    with pytest.raises(ValueError, match="equal numbers"):
        nn_share(fresh, train, holdout[:50])
    with pytest.raises(ValueError, match="one shape"):
        nn_share(fresh[:, :3], train, holdout)
