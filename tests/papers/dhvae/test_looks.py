"""What pages of sections 2 and 3 show: which slices, what the estimates say, which terms."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.special import logsumexp

from lib import jobs
from lib.jobs import Result
from lib.papers.dhvae import looks
from lib.training.loop import as_planes


@pytest.fixture(autouse=True)
def _results_stand_for_jobs(monkeypatch):
    monkeypatch.setattr(jobs, "load", lambda found: found)


def test_the_largest_slice_of_each_of_the_first_subjects():
    mask = np.zeros((6, 4, 4), bool)
    for i, area in enumerate((1, 3, 2, 5, 4, 6)):
        mask[i].flat[:area] = True
    arrays = {"mask": mask, "subject": np.array([7, 7, 9, 9, 9, 11]), "index": np.arange(6) * 10,
              "image": np.arange(6)[:, None, None] * np.ones((1, 4, 4))}  # fmt: skip
    found = looks.largest(SimpleNamespace(reference=Result(arrays, {})), n=2)
    assert found["subject"].tolist() == [7, 9] and found["index"].tolist() == [10, 30]
    assert found["image"][:, 0, 0].tolist() == [1, 3]


def test_a_climb_goes_from_few_samples_to_all_of_them():
    w = np.random.default_rng(0).normal(size=(50, 3))
    study = SimpleNamespace(draws=lambda arm: [0] if arm.name == "a" else [1],
                            likelihood=lambda arm, k: Result({"weights": w}, {}))  # fmt: skip
    arms = [SimpleNamespace(name="a"), SimpleNamespace(name="b")]
    found = looks.climb({"flair": study}, arms, samples=50)
    assert set(found) == {"flair/a", "flair/a/elbo"}
    counts, means = found["flair/a"].T
    assert counts[[0, -1]].tolist() == [1, 50]
    expected = [np.mean(logsumexp(w[: int(n)], 0) - np.log(n)) for n in counts]
    np.testing.assert_allclose(means, expected, rtol=1e-6)
    assert found["flair/a/elbo"][0] == pytest.approx(w.mean())


class Guide:
    """Maps that are the image itself, once, twice, three and four times over."""

    def maps(self, x):
        return [x * j for j in (1.0, 2.0, 3.0, 4.0)]


def test_terms_of_a_guide_are_relative_errors_and_the_loss_is_their_mean(monkeypatch):
    monkeypatch.setattr(looks.segment, "load", lambda found: found)
    monkeypatch.setattr(looks.hvae, "feature_loss",
                        lambda guide, x, real, precision: (x - real).square().mean())  # fmt: skip
    real = np.ones((2, 4, 4), np.float32)
    study = SimpleNamespace(guide=lambda k: Guide())
    found = looks.by_guide(study, as_planes(real), [1.5 * real, 0 * real])
    np.testing.assert_allclose(found["terms"], [[0.25] * 4, [1.0] * 4])
    assert found["loss"].tolist() == [0.25], "of the first change"
    assert [found[f"map {j}"][0, 0] for j in (1, 2, 3, 4)] == [1, 2, 3, 4]
    assert torch.is_grad_enabled()


def test_nothing_is_aligned_before_both_pools_are_drawn(monkeypatch):
    pool = Result({"image": np.zeros((9, 4, 4)), "mask": np.ones((9, 4, 4), bool)}, {})
    there = {"a": pool, "b": None}
    study = SimpleNamespace(reader=pool, pool=lambda arm, k: there[arm.name])
    arms = [SimpleNamespace(name="a"), SimpleNamespace(name="b")]
    monkeypatch.setattr(jobs, "is_done", lambda job: job is not None)
    monkeypatch.setattr(looks.segment, "load", lambda found: found)
    monkeypatch.setattr(looks.segment, "predict", lambda reader, image: image == 0)
    assert looks.aligned(study, arms) == {}
    there["b"] = pool
    assert {name: len(x) for name, x in looks.aligned(study, arms).items()} == {
        f"{arm}/{part}": 8 for arm in "ab" for part in ("image", "mask", "seen")
    }
