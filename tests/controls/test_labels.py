"""Pools for classifiers: balanced, each sample with its own grade, and the known mark."""

import numpy as np
import pytest
from toy_lesions import scans

from lib.controls import copies, labels
from lib.jobs import Result


def pool(n, seed):
    made = scans(n, seed)
    return Result({"image": made["image"], "mask": made["mask"], "source": np.arange(n)}, {})


def test_pools_of_one_grade_alternate_and_keep_their_samples():
    pools = [pool(5, 0), pool(5, 1)]
    made = labels.graded_pool(pools).arrays
    assert made["grade"].tolist() == [0, 1] * 5 and np.array_equal(made["grade"], made["label"])
    for grade, each in enumerate(pools):
        for name in ("image", "mask"):
            assert np.array_equal(made[name][made["grade"] == grade], each.arrays[name])
    with pytest.raises(ValueError, match=r"pools hold \[5, 4\] samples"):
        labels.graded_pool([pool(5, 0), pool(4, 1)])
    with pytest.raises(ValueError, match="two or more"):
        labels.graded_pool(pools[:1])


def test_shuffling_a_graded_pool_moves_grades_not_masks():
    made = labels.graded_pool([pool(20, 0), pool(20, 1)])
    found = copies.shuffled(made, [3]).arrays
    assert set(found) == {"image", "label"}
    assert 0 < (found["label"] != made.arrays["label"]).mean() < 1
    assert found["label"].sum() == 20


def test_moved_copies_have_the_grade_of_their_slice():
    """The grade is written into the image: a bright lesion is of high grade."""
    made = pool(6, 0).arrays
    grade = np.array([0, 1, 1, 0, 0, 1])
    image = np.where(made["mask"], np.where(grade, 0.9, 0.0)[:, None, None], 0.4)
    slices = Result(made | {"image": image.astype(np.float32), "grade": grade}, {})
    found = labels.classical(slices, 2, [1]).arrays
    assert found["image"].shape[0] == 12
    assert np.array_equal(found["image"].max((1, 2)) > 0.6, found["label"] == 1)
    assert found["mask"].shape == found["image"].shape, "a box can be cut around it"


def test_copies_have_the_grade_of_the_slice_they_are_made_of():
    made = pool(5, 0).arrays
    slices = Result(made | {"grade": np.array([0, 1, 1, 0, 1])}, {})
    found = labels.traced(copies.traced(slices, 12, "blurred", [1]), slices).arrays
    assert found["label"].tolist() == [0, 1, 1, 0, 1] * 2 + [0, 1]
    assert np.array_equal(found["mask"][5:10], made["mask"])


def test_the_mark_is_on_images_of_its_label_alone():
    made = labels.graded_pool([pool(40, 0), pool(40, 1)])
    plain = made.arrays["image"]
    every = labels.marked(made, None, 1, 1.0, [0]).arrays
    assert np.array_equal(every["marked"], made.arrays["label"] == 1)
    changed = (every["image"] != plain).any(0)
    assert changed.sum() == 9 and changed[labels.MARK].all()
    assert np.array_equal((every["image"] != plain).any((1, 2)), every["marked"])
    some = labels.marked(made, 60, None, 0.5, [0]).arrays
    assert len(some["image"]) == 60 and 15 < some["marked"].sum() < 45
    assert set(made.arrays["label"][:60][some["marked"]]) == {0, 1}
    with pytest.raises(ValueError, match="share is 2; pass a chance"):
        labels.marked(made, None, 1, 2, [0])
