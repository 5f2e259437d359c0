"""The channelised Hotelling observer against closed forms."""

import numpy as np
import pytest

from lib.explore import observer

SIDE = 48
ROW, COLUMN = np.indices((SIDE, SIDE))
MASK = np.hypot(ROW - 24, COLUMN - 24) < 8
WIDTH = 2 * np.sqrt(MASK.sum() / np.pi)
SPOT = np.exp(-np.pi * ((ROW - 24) ** 2 + (COLUMN - 24) ** 2) / WIDTH**2)


def test_channels_are_orthonormal_as_their_polynomials_are():
    seen = observer.channels(MASK, 4)
    assert np.allclose(seen @ seen.T, np.eye(4), atol=0.02)
    assert np.allclose(seen[0].reshape(SIDE, SIDE), SPOT * np.sqrt(2) / WIDTH)


def test_in_white_noise_a_signal_of_one_channel_has_the_ideal_observers_d():
    noise = np.random.default_rng(0).normal(0, 0.5, (4000, SIDE, SIDE))
    ideal = np.sqrt((SPOT**2).sum()) / 0.5  # of the matched filter
    assert observer.detectability(SPOT, noise, MASK) == pytest.approx(ideal, rel=0.06)


def test_few_images_do_not_flatter():
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.5, (100, 20, SIDE, SIDE))
    ideal = np.sqrt((SPOT**2).sum()) / 0.5
    squared = np.mean([observer.detectability(SPOT, each, MASK) ** 2 for each in noise])
    assert squared == pytest.approx(ideal**2, rel=0.15)  # plain, it would read 2.1 times as much


def test_d_grows_with_the_signal_and_is_blind_to_what_all_images_share():
    noise = np.random.default_rng(2).normal(0, 1, (60, SIDE, SIDE))
    d = observer.detectability(SPOT, noise, MASK)
    assert observer.detectability(3 * SPOT, noise, MASK) == pytest.approx(3 * d)
    assert observer.detectability(SPOT, noise + COLUMN, MASK) == pytest.approx(d)
    assert observer.detectability(0 * SPOT, noise, MASK) == 0
    assert observer.detectability(SPOT, 2 * noise, MASK) == pytest.approx(d / 2)


def test_share_picked_out_of_two():
    assert observer.correct(0.0) == 0.5
    assert observer.correct(1.0) == pytest.approx(0.7602, abs=1e-4)


def test_what_cannot_be_seen_is_refused():
    with pytest.raises(ValueError, match="mask is empty"):
        observer.channels(np.zeros((8, 8)))
    with pytest.raises(ValueError, match="10 healthy images are too few"):
        observer.detectability(SPOT, np.ones((10, SIDE, SIDE)), MASK)
