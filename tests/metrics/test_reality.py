"""Phantoms keep every bound that the numbers of patients set."""

from functools import cache

import numpy as np
import pytest

from lib.metrics import reality

COUNTS = {"chest": 264, "brain": 24, "neck": 12}


@cache
def held(kind):
    images, subjects = reality.drawn(kind, COUNTS[kind], np.random.default_rng(7))
    found = reality.statistics(kind, images, subjects, np.random.default_rng(0))
    return {each.name: each for each in reality.compare(kind, found)}


@pytest.mark.parametrize("kind", COUNTS)
def test_every_bound_is_kept(kind):
    outside = {name: (h.low, h.drawn, h.high) for name, h in held(kind).items() if h.met is False}
    assert not outside


def test_as_many_statistics_are_bound_as_were_demanded():
    bound = {kind: sum(h.low is not None for h in held(kind).values()) for kind in COUNTS}
    assert bound == {"chest": 16, "brain": 16, "neck": 1}


def test_residuals_of_neighbours_are_alike_in_radiographs():
    alike = held("chest")["neighbour_correlation"]
    assert alike.drawn == pytest.approx(alike.real, abs=0.08)


def test_slices_are_those_of_the_middle_and_their_subjects_are_told():
    volume = np.zeros((32, 64, 64))
    for i in range(4, 28):  # a ball, its largest section in slice 15
        half = int(20 * (1 - ((i - 15.5) / 12) ** 2) ** 0.5)
        volume[i, 32 - half : 32 + half, 32 - half : 32 + half] = i
    levels = reality.middle_slices(volume, 10).max((1, 2))
    assert len(levels) == 10 and (np.diff(levels) > 0).all()
    assert levels[0] > 5 and levels[-1] < 26, "the small ends are left out"
    images, subjects = reality.drawn("neck", 3, np.random.default_rng(0))
    assert np.array_equal(subjects, np.repeat([0, 1, 2], 10)) and images.shape == (30, 64, 64)
