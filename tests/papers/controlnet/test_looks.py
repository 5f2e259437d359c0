"""What pages show of a draw: which films, and in which order."""

import numpy as np
import pytest
from toy_films import film_set

from lib import jobs
from lib.generators import requests
from lib.jobs import Result
from lib.papers.controlnet import looks


def test_four_with_a_mask_come_before_four_without():
    films = film_set(40, np.random.default_rng(0))
    mask = requests.film_requests(films, "TM2I", 20).arrays["mask"]
    at = looks.four_and_four(mask)
    assert mask[at].any((1, 2)).tolist() == [True] * 4 + [False] * 4
    assert (np.diff(at[:4]) > 0).all() and (np.diff(at[4:]) > 0).all()
    assert mask[: at[:4].max()].any((1, 2)).sum() == 3, "the first ones that there are"


class Proxied:
    """A study with ten films of two findings, whose similarities and truth are known."""

    def __init__(self):
        self.labels = np.eye(9, dtype=np.uint8)[[0, 1] * 5]
        self.alike = np.array([5, 0, 4, 9, 3, 8, 2, 7, 1, 6], np.float32)
        self.image = np.arange(10, dtype=np.float32)[:, None, None] * np.ones((1, 64, 64))

    def unfiltered(self, k):
        return Result({"labels": self.labels, "image": self.image}, {})

    def judged(self, pool):
        return Result({"adherence": np.array([1, 0.5, 0, 1, 1, 1, 1, 1])}, {})

    def liked(self, pool):
        return Result({"similarity": self.alike}, {})


def test_the_proxy_s_best_and_least_of_a_finding_are_told_among_the_judged(monkeypatch):
    monkeypatch.setattr(jobs, "load", lambda found: found)
    found = looks.told(Proxied(), 0)
    assert found["right"].tolist() == [True, False, False, *[True] * 5]
    assert found["ends"].tolist() == [[0, 2, 6, 4], [3, 5, 1, 7]]
    np.testing.assert_array_equal(found["image"][:, :, 0, 0], found["ends"])
    assert found["place"][[0, 2, 4, 6]].tolist() == pytest.approx([0.875, 0.625, 0.375, 0.125])
