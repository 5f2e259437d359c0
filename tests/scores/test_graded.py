"""Scores of classifiers of grades, and the shortcut that they are caught at."""

import numpy as np
import pytest
from torch import nn

from lib.controls import labels
from lib.jobs import Result
from lib.metrics import classification
from lib.scores import graded
from lib.tasks import grade
from lib.training.weights import seeded


def arm(p, **looks):
    parts = {"test": p} | looks
    return Result({f"probability/{k}": np.asarray(v, np.float32) for k, v in parts.items()},
                  {"steps": 3})  # fmt: skip


def test_each_number_is_its_metric_and_no_look_is_no_drop():
    rng = np.random.default_rng(0)
    p = rng.uniform(0, 1, 200)
    test = Result({"label": (rng.random(200) < p).astype(int), "subject": np.arange(200) // 4}, {})
    found = graded.graded(arm(p), test, [1])
    y = test.arrays["label"]
    p = p.astype(np.float32).astype(np.float64)
    assert found.scores["auc"] == classification.auc(y, p)[0]
    assert found.scores["ece"] == classification.ece(p, y)
    assert found.scores["brier"] == classification.brier(p, y)
    accuracy = ((p >= 0.5) == y).mean()
    assert found.scores["overconfidence"] == pytest.approx(found.scores["confidence"] - accuracy)
    assert found.scores["auc_drop"] is None and found.scores["steps"] == 3
    assert classification.ece_of(found.arrays["diagram"]) == pytest.approx(
        classification.ece(p, y, mass=False)
    )
    assert found.scores == graded.graded(arm(p), test, [1]).scores


def test_the_drop_by_hand():
    """Answers that follow the rendering alone drop by 1; those blind to it by 0."""
    y, sees = np.array([0, 0, 1, 1]), np.array([0.2, 0.4, 0.6, 0.8])
    assert graded.auc_drop(y, sees, sees) == 0
    assert graded.auc_drop(y, np.full(4, 0.1), np.full(4, 0.9)) == 1
    assert graded.auc_drop(y, np.full(4, 0.9), np.full(4, 0.1)) == -1
    assert graded.auc_drop(y, sees, sees + 0.3) == pytest.approx(0.25), "0.6 beside 0.7"
    worse = graded.auc_drop(y, np.full(4, 0.5), np.full(4, 0.5))
    assert worse == 0, "a rendering that hides everything is no shortcut"


def slices(n, seed):
    """Grey noise in a dark frame, a square of it brighter in high grade: never surely told."""
    rng, y = np.random.default_rng(seed), np.arange(n) % 2
    mask = np.zeros((n, 32, 32), bool)
    mask[:, 10:20, 12:22] = True
    image = 0.5 + 0.1 * rng.standard_normal(mask.shape) + 0.03 * mask * y[:, None, None]
    image[:, :6], image[:, :, :6] = 0, 0
    subject = 1000 * seed + np.arange(n, dtype=np.uint64)
    arrays = {"image": image.clip(0, 1).astype(np.float32), "mask": mask, "label": y, "grade": y}
    return Result(arrays | {"subject": subject}, {})


class Linear(nn.Module):
    """A classifier that weighs pixels: it can learn the lesion, the mark, or both."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(32 * 32, 2)

    def forward(self, x):
        return self.out(10 * (x.contiguous().flatten(1) - 0.5))


def test_a_mark_on_one_grade_of_the_pool_is_caught_and_none_where_there_is_none(monkeypatch):
    """The positive control: a classifier of marked images drops, one of plain images does not."""
    monkeypatch.setattr(grade.classifiers, "create", lambda name, n, rng: seeded(Linear, rng))
    real, pool, validation, test = (slices(n, i) for i, n in enumerate((40, 200, 6, 200), 1))
    looks = {"low": test, "high": labels.marked(test, None, None, 1.0, [0])}
    settings, drops = {"steps": 200, "batch": 32, "synthetic": 0.75, "rate": 0.01}, []
    for share in (0.0, 0.5, 1.0):
        drawn = labels.marked(pool, None, 1, share, [2])
        drawn = Result({name: drawn.arrays[name] for name in ("image", "label")}, {})
        found = grade.arm(real, None, drawn, 200, validation, test, settings, [1], looks)
        scores = graded.graded(found, test, [1]).scores
        drops.append(scores["auc_drop"])
        assert scores["auc"] > 0.55, "and the lesion counts too"
    assert abs(drops[0]) < 0.1 and drops[0] < drops[1] < drops[2] and drops[2] > 0.3


def test_a_rendering_keeps_the_lesion_and_its_order():
    data = slices(6, 0)
    order = np.array([4, 0, 5, 2, 1, 3])
    other = 1 - data.arrays["image"]
    pool = Result({"image": other[order], "source": order}, {})
    plain = Result({"reconstruction": 2 * other}, {})
    for made, column, around in ((pool, "image", other), (plain, "reconstruction", 2 * other)):
        found = graded.rendered(data, made, column).arrays
        m = data.arrays["mask"]
        assert np.array_equal(found["image"][m], data.arrays["image"][m])
        assert np.array_equal(found["image"][~m], around.clip(0, 1)[~m])
        assert np.array_equal(found["grade"], data.arrays["grade"])
    with pytest.raises(ValueError, match="5 images of 6 slices; render each once"):
        graded.rendered(data, Result({"image": other[:5]}, {}), "image")
    twice = Result({"image": other, "source": np.zeros(6, int)}, {})
    with pytest.raises(ValueError, match="render each once"):
        graded.rendered(data, twice, "image")
