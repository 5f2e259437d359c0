"""The judge of real and synthetic: what it is shown, by whom it is tested, and what it must see."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.metrics import roc_auc_score

from lib.controls import copies
from lib.jobs import Result
from lib.scores import realism

SMALL = {"steps": 50, "batch": 16, "rate": 3e-3}


def slices(subjects, each=2, seed=0, first=0):
    """Grainy images of a blob that is its subject's own, `each` of every subject."""
    rng = np.random.default_rng(seed)
    blob = gaussian_filter(rng.standard_normal((subjects, 32, 32)), (0, 4, 4))
    image = 0.5 + np.repeat(blob, each, 0) + 0.15 * rng.standard_normal((subjects * each, 32, 32))
    subject = first + np.repeat(np.arange(subjects), each).astype(np.uint64)
    arrays = {"image": image.clip(0, 1).astype(np.float32), "mask": image > 0.5}
    return Result(arrays | {"subject": subject}, {})


class Judge:
    """In the place of a network: keeps what it was shown, and says how bright an image is."""

    def __init__(self, monkeypatch):
        monkeypatch.setattr(realism.grade, "fit", self.fit)
        monkeypatch.setattr(realism.grade, "predict", self.predict)

    def fit(self, image, label, settings, rng):
        self.learnt, self.label = image, label

    def predict(self, net, image):
        self.judged = image
        return image.mean((1, 2))


def rows(images):
    return {image.tobytes() for image in images}


def test_no_subject_is_on_both_sides_and_both_classes_are_rounded_alike(monkeypatch):
    judge, real = Judge(monkeypatch), slices(13, 1)
    pool = copies.traced(real, 40, "same", [0])
    pool = Result(pool.arrays | {"image": pool.arrays["image"].astype(np.float64) + 1e-4}, {})
    found = realism.judged(pool, 40, real, {}, [0], slices=real)
    assert judge.learnt.dtype == judge.judged.dtype == np.float32
    for images in (judge.learnt, judge.judged):
        np.testing.assert_allclose(images * 255, np.rint(images * 255), atol=1e-4)
    assert not rows(judge.learnt) & rows(judge.judged), "copies are where their originals are"
    assert len(judge.learnt) + len(judge.judged) == 13 + 40
    assert {0, 1} == set(judge.label) == set(found.arrays["label"])


def test_the_score_is_the_auc_of_the_judged_images(monkeypatch):
    Judge(monkeypatch)
    found = realism.judged(slices(9, seed=1, first=50), 24, slices(12), {}, [0])
    label, score = found.arrays["label"], found.arrays["score"]
    assert found.scores["c2st_auc"] == pytest.approx(roc_auc_score(label, score))
    assert found.scores["images"] == len(label) == 12 + 8, "6 of 12 subjects, 4 of 9"
    assert len(np.unique(found.arrays["subject"])) == 10


def test_the_spread_is_that_of_subjects_not_of_images(monkeypatch):
    """Twenty equal images of a subject are one; as independent ones the spread would be a fifth."""
    Judge(monkeypatch)

    def repeated(data, times):
        return Result({k: np.repeat(v, times, 0) for k, v in data.arrays.items()}, {})

    real, other = slices(30, 1), slices(30, 1, seed=1, first=50)
    once, often = (
        realism.judged(repeated(other, k), 999, repeated(real, k), {}, [0]).scores for k in (1, 20)
    )
    assert often["c2st_auc"] == pytest.approx(once["c2st_auc"])
    assert often["c2st_bootstrap_sd"] == pytest.approx(once["c2st_bootstrap_sd"], rel=0.1)
    assert once["c2st_bootstrap_sd"] == pytest.approx((31 / (12 * 15 * 15)) ** 0.5, rel=0.35)


def test_all_judges_see_the_same_images_and_one_seed_gives_the_same_bytes():
    real, pool = slices(4), slices(4, seed=1, first=50)
    one, other, again = (
        realism.judged(pool, 8, real, {"steps": 2, "batch": 4}, [seed]) for seed in (0, 1, 0)
    )
    for name in ("label", "subject"):
        np.testing.assert_array_equal(one.arrays[name], other.arrays[name])
    assert not np.array_equal(one.arrays["score"], other.arrays["score"])
    assert one.scores == again.scores
    np.testing.assert_array_equal(one.arrays["score"], again.arrays["score"])


def test_a_blur_is_caught_and_real_slices_of_other_subjects_are_not():
    real, other = slices(40), slices(40, seed=1, first=50)
    blurred = copies.traced(other, 80, "blurred", [0])
    caught = realism.judged(blurred, 80, real, SMALL, [0], slices=other)
    fresh = realism.judged(other, 80, real, SMALL, [0])
    assert caught.scores["c2st_auc"] > 0.9
    assert abs(fresh.scores["c2st_auc"] - 0.5) < 3 * fresh.scores["c2st_bootstrap_sd"]


def test_a_sample_belongs_to_the_subject_of_its_anatomy():
    data = slices(3)
    data.arrays["free/subject"] = np.array([7, 8, 9], np.uint64)
    drawn = Result({"image": np.zeros((4, 32, 32)), "source": np.array([2, 0, 1, 2])}, {})
    assert realism.subjects_of(drawn, 4, data).tolist() == [1, 0, 0, 1]
    assert realism.subjects_of(drawn, 3, data, "free").tolist() == [9, 7, 8]
    assert realism.subjects_of(data, 3).tolist() == [0, 0, 1]
    assert realism.subjects_of(Result({"image": np.zeros((4, 32, 32))}, {}), 4) is None
    with pytest.raises(ValueError, match="pass them as `slices`"):
        realism.subjects_of(drawn, 4)


def test_every_second_subject_of_each_kind_learns():
    label = np.array([0, 0, 0, 0, 0, 1, 1, 1, 0, 1, 0, 1])
    subject = np.array([5, 5, 3, 4, 4, 9, 8, 9, 1, 1, 2, 2])
    learns = realism.every_second(label, subject)
    assert sorted(set(subject[learns])) == [1, 4, 5, 9]
    assert sorted(set(subject[~learns])) == [2, 3, 8]
    with pytest.raises(ValueError, match="one subject only"):
        realism.every_second(label[:8], np.where(label[:8], 7, subject[:8]))
