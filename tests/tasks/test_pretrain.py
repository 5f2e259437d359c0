"""A segmenter that learns from its pool first: what it sees when, and what it refuses."""

import numpy as np
import pytest
from toy_slices import changed, slices, volume_set

from lib.jobs import Result
from lib.metrics.segmentation import dice
from lib.networks import augment
from lib.tasks import pretrain, segment

SETTINGS = {"steps": 12, "batch": 8}


@pytest.fixture(scope="module")
def toy():
    """Training slices, a pool of other subjects, test volumes."""
    rng = np.random.default_rng(0)
    pool = slices(6, rng, 50)
    pool = Result({name: pool.arrays[name] for name in ("image", "mask")}, {})
    return slices(6, rng), pool, volume_set(4, rng, 100)


def seen(monkeypatch, toy, settings) -> list[np.ndarray]:
    """The lesion images of every step, one array for each."""
    inputs, batches = [], pretrain._batches
    real, pool, test = toy

    def watched(*args):
        for x, y in batches(*args):
            inputs.append(x[y.amax((1, 2, 3)) > 0].numpy())
            yield x, y

    monkeypatch.setattr(pretrain, "_batches", watched)
    pretrain.arm(real, pool, None, test, settings, [0])
    return inputs


def test_the_pool_is_seen_first_and_real_slices_then(toy, monkeypatch):
    steps = seen(monkeypatch, toy, SETTINGS)
    assert len(steps) == SETTINGS["steps"], "as many as any arm"
    for part, shown in zip(toy[:2], (steps[6:], steps[:6]), strict=True):
        known = {x.tobytes() for x in part.arrays["image"]}
        assert {x.tobytes() for batch in shown for x in batch[:, 0]} <= known


def test_it_learns_the_toy_and_ends_on_real_slices(toy):
    real, pool, test = toy
    found = pretrain.arm(real, pool, None, test, {"steps": 120, "precision": "float32"}, [0])
    assert dice(found.arrays["counts"]).mean() > 0.7
    wrong = changed(pool, mask=np.roll(pool.arrays["mask"], 12, (1, 2)))
    unlearnt = pretrain.arm(real, wrong, None, test, {"steps": 120, "precision": "float32"}, [0])
    assert dice(unlearnt.arrays["counts"]).mean() > 0.5, "false masks come first only"


def test_the_same_seed_gives_the_same_counts_and_another_does_not(toy):
    counts = [pretrain.arm(*toy[:2], None, toy[2], SETTINGS, [seed]).arrays["counts"]
              for seed in (1, 1, 2)]  # fmt: skip
    assert np.array_equal(counts[0], counts[1]) and not np.array_equal(counts[0], counts[2])


def test_only_the_first_of_the_pool_are_taken_and_moved_if_asked(toy, monkeypatch):
    real, pool, test = toy
    assert pretrain.arm(real, pool, 3, test, SETTINGS, [0]).scores["images"] == 3 + len(
        real.arrays["image"]
    )
    moved = []
    pairs = augment.classical_pairs
    monkeypatch.setattr(pretrain, "classical_pairs", lambda *a: moved.append(1) or pairs(*a))
    pretrain.arm(real, pool, 3, test, SETTINGS | {"augment": True}, [0])
    assert len(moved) == SETTINGS["steps"]


def test_what_cannot_be_trained_is_refused_before_any_training(toy, monkeypatch):
    real, pool, test = toy
    monkeypatch.setattr(pretrain, "_learn", None)
    for settings in ({"dims": 3}, {"epochs": True}, {"synthetic": 0.5}):
        with pytest.raises(ValueError, match="pretraining takes 2, False and None"):
            pretrain.arm(real, pool, None, test, SETTINGS | settings, [0])
    none = changed(pool, image=pool.arrays["image"][:0], mask=pool.arrays["mask"][:0])
    with pytest.raises(ValueError, match="the pool is empty"):
        pretrain.arm(real, none, None, test, SETTINGS, [0])
    small = changed(pool, image=pool.arrays["image"][:, :16], mask=pool.arrays["mask"][:, :16])
    with pytest.raises(ValueError, match="resample"):
        pretrain.arm(real, small, None, test, SETTINGS, [0])
    large = volume_set(2, np.random.default_rng(0), 100, side=48)
    with pytest.raises(ValueError, match="in test"):
        pretrain.arm(real, pool, None, large, SETTINGS, [0])
    same = changed(test, subject=real.arrays["subject"][:4])
    with pytest.raises(ValueError, match="subject"):
        pretrain.arm(real, pool, None, same, SETTINGS, [0])
    bare = Result({k: v for k, v in real.arrays.items() if not k.startswith("free/")}, {})
    with pytest.raises(ValueError, match="set free to 0"):
        pretrain.arm(bare, pool, None, test, SETTINGS, [0])


def test_its_jobs_leave_what_those_of_a_segmenter_leave(toy):
    one, other = (
        module.arm(*toy[:2], None, toy[2], SETTINGS, [0]) for module in (pretrain, segment)
    )
    assert one.arrays.keys() == other.arrays.keys() and one.scores == other.scores
