"""What pages show of samples: neighbours are the nearest, classes stand in their lines."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from lib.jobs import Result
from lib.papers.pavae import panels
from lib.papers.pavae.study import Study, study
from lib.profiles import SMOKE, Plan


@pytest.fixture
def own(monkeypatch):
    """A study whose jobs are their own results."""
    monkeypatch.setattr(panels.jobs, "load", lambda job: job)
    return study(Plan(SMOKE))


def images(n: int, stream: int) -> Result:
    rng = np.random.default_rng(stream)
    return Result({"image": rng.random((n, 4, 4)), "label": np.arange(n) % 3}, {})


def test_neighbours_are_the_nearest():
    one, many = images(6, 1).arrays["image"], images(40, 2).arrays["image"]
    wanted = cdist(one.reshape(6, -1), many.reshape(40, -1)).argmin(1)
    np.testing.assert_array_equal(panels.nearest(one, many), many[wanted])


def test_samples_stand_under_their_class_beside_real_ones(own, monkeypatch):
    pool = {name: images(30, i) for i, name in enumerate(("vae", "oracle"), 3)}
    monkeypatch.setattr(Study, "test", images(30, 9))
    monkeypatch.setattr(Study, "pool", lambda _, arm, k: pool[arm.name])
    found = panels.samples(own, ("vae", "oracle", "no such arm"))
    labels = [own.arms[name].label for name in pool]
    assert list(found) == ["Real (test)", *labels]
    for name, label in zip(pool, labels, strict=True):
        np.testing.assert_array_equal(found[label][1], pool[name].arrays["image"][1::3][:8])


def test_curves_are_means_over_draws_and_arms_without_draws_are_left_out(own, monkeypatch):
    draws = {"real": [0, 1], "pavae": []}
    monkeypatch.setattr(Study, "draws", lambda _, arm: draws[arm.name])
    monkeypatch.setattr(Study, "utility", lambda _, arm, k: Result({"roc": np.full(3, k)}, {}))
    found = panels.rocs(own, ("real", "pavae"))
    assert list(found) == ["real"]
    np.testing.assert_allclose(found["real"], 0.5)


def test_neighbours_of_samples_are_sought_in_as_many_images_of_both_sets(own, monkeypatch):
    """The unseen set ends where the smaller of both does, and healthy samples are left out."""
    n = min(own.size.labelled, own.size.validation)
    train, unseen, pool = images(n + 5, 1), images(n + 5, 2), images(30, 3)
    pool.arrays["image"][pool.arrays["label"] > 0] = unseen.arrays["image"][-1]
    scores = {"nn_share": 0.5, "ci95": [0.4, 0.6]}
    for name, made in {"train": train, "validation": unseen}.items():
        monkeypatch.setattr(Study, name, lambda _, k, made=made: made)
    monkeypatch.setattr(Study, "pool", lambda _, arm, k: pool)
    monkeypatch.setattr(Study, "memory", lambda _, arm, k: Result({}, scores))
    found = panels.memory(own, [own.arms["vae"]])
    assert found["share/vae"].tolist() == [0.5, 0.4, 0.6]
    sick, *near = np.split(found["image/pavae"], 3)
    assert (sick == unseen.arrays["image"][-1]).all()
    for made, each in zip((train, unseen), near, strict=True):
        np.testing.assert_array_equal(each, panels.nearest(sick, made.arrays["image"][:n]))
    assert (near[1] != sick).any()
