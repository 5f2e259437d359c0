"""Lesion slices: whose they are, and whether the truth behind them is true."""

import numpy as np
import pytest

from lib.datasets import lesions, source, volumes
from lib.datasets.lesions import Lesions
from lib.jobs import Job, Result
from lib.phantoms import brain, brain_tumour, volume

STREAM = [3, 1]
SPLIT = [4, 1, 0]


@pytest.fixture(scope="module")
def whole():
    return volumes.volume_set("flair", 5, STREAM)


@pytest.fixture(scope="module")
def train(whole):
    return lesions.part(whole, SPLIT, "train")


@pytest.fixture(scope="module")
def truth(train):
    return lesions.truths(train).arrays


def test_parts_are_the_slices_of_their_own_subjects(whole, train):
    validation = lesions.part(whole, SPLIT, "validation").arrays
    held = whole.arrays
    assert set(train.arrays["subject"]) == set(held["subject"][:4])
    assert set(validation["subject"]) == {held["subject"][4]}
    for arrays in (train.arrays, validation):
        assert arrays["mask"].any((1, 2)).all()
        for end in ("", "free/"):
            who = [list(held["subject"]).index(s) for s in arrays[f"{end}subject"]]
            level = arrays[f"{end}index"]
            assert np.array_equal(arrays[f"{end}image"], held["image"][who, level])
            sick = held["mask"][who, level].any((1, 2))
            assert sick.all() if end == "" else not sick.any()
        depth = held["image"].shape[1]
        there = len(set(arrays["subject"]))
        assert len(arrays["image"]) + len(arrays["free/image"]) == depth * there


def test_the_same_seed_gives_the_same_bytes(train):
    again = lesions.part(volumes.volume_set("flair", 5, STREAM), SPLIT, "train").arrays
    assert set(again) == set(train.arrays)
    assert all(again[name].tobytes() == train.arrays[name].tobytes() for name in again)


def test_at_most_so_many_slices_of_a_subject_are_kept_from_end_to_end(whole, train):
    few = lesions.part(whole, SPLIT, "train", most=3).arrays
    for end in ("", "free/"):
        for subject in np.unique(few[f"{end}subject"]):
            mine = few[f"{end}index"][few[f"{end}subject"] == subject]
            every = train.arrays[f"{end}index"][train.arrays[f"{end}subject"] == subject]
            assert len(mine) == 3 and {mine[0], mine[2]} == {every[0], every[-1]}
            assert mine[1] in every
    assert len(few["image"]) == len(few["mask"]) == len(few["grade"]) == 12


def test_healthy_is_the_subject_drawn_without_its_tumour(whole, train, truth):
    """Independently: the same seeds under a law whose tumours change nothing."""
    none = volumes.volume_set("flair", 5, STREAM, {"tumour_strength": [0.0, 0.0]}).arrays
    for end in ("", "free/"):
        who = [list(none["subject"]).index(s) for s in train.arrays[f"{end}subject"]]
        expected = none["image"][who, train.arrays[f"{end}index"]]
        assert np.array_equal(truth[f"{end}healthy"], expected)


def test_deviation_is_what_the_image_has_beyond_healthy(train, truth):
    for end in ("", "free/"):
        image, healthy = train.arrays[f"{end}image"], truth[f"{end}healthy"]
        assert np.array_equal(image - healthy, truth[f"{end}deviation"])
        assert not truth[f"{end}deviation"][~truth[f"{end}support"]].any()
    assert truth["support"][train.arrays["mask"]].all()
    inside = np.abs(truth["deviation"][train.arrays["mask"]])
    assert 0.02 < np.median(inside) < 0.4, "what is labelled is seen"
    assert np.abs(truth["free/deviation"]).max() > 0, "unlabelled slices can hold a lesion's border"


def test_deviation_is_zero_where_no_tumour_can_reach(train, truth):
    """Beyond 2.5 radii in the tumour's own axes, computed from its parameters alone."""
    far = 0
    for subject in np.unique(train.arrays["subject"]):
        p = brain.from_seeds(brain.BRAIN, np.array([subject]))
        axes = brain_tumour.frame(next(volume.each(p)), volume.SHAPE).numpy()
        beyond = np.sqrt((axes**2).sum(0)) > 2.5
        at = train.arrays["subject"] == subject
        there = beyond[train.arrays["index"][at]]
        assert not truth["deviation"][at][there].any()
        assert not truth["support"][at][there].any()
        far += there.sum()
    assert far > 10_000, "the check has pixels to check"


def test_grades_are_those_that_the_law_draws(train):
    subjects, grade = train.arrays["subject"], train.arrays["grade"]
    for subject in np.unique(subjects):
        (text,) = brain.describe(brain.from_seeds(brain.BRAIN, np.array([subject])))
        assert set(grade[subjects == subject]) == {int("high-grade" in text)}
    seeds = brain.sample(brain.BRAIN, 1000, np.random.default_rng(8)).seed
    share = lesions.grades(seeds).mean()
    assert abs(share - 0.5) < 4 * 0.5 / 1000**0.5, "low or high with equal chance"


def test_fresh_lesions_are_fresh_slices_with_grades():
    made, plain = (call(*args).arrays for call, args in (
        (lesions.fresh_lesions, (12, [4])), (volumes.fresh_slices, ("flair", 12, [4]))
    ))  # fmt: skip
    assert all(np.array_equal(made[name], plain[name]) for name in plain)
    assert np.array_equal(made["grade"], lesions.grades(plain["subject"]))
    truth = lesions.truths(Result(made, {})).arrays
    assert set(truth) == {"healthy", "deviation", "support"}, "none where there is no free/index"


def test_truths_of_another_law_than_the_slices_are_refused(train):
    with pytest.raises(ValueError, match="are not those of this phantom"):
        lesions.truths(train, {"flair_contrast": [0.3, 0.4]})
    patients = train.arrays | {"subject": np.arange(len(train.arrays["subject"]), dtype=np.uint64)}
    with pytest.raises(ValueError, match="known of brain phantoms alone"):
        lesions.truths(Result(patients, {}))


def test_other_ranges_have_truths_of_their_own():
    """A stronger contrast over the same subjects: healthy as it was, the deviation larger."""
    strong = {"flair_contrast": [0.3, 0.4]}
    made = [lesions.fresh_lesions(6, [4], ranges) for ranges in (None, strong)]
    plain, found = (lesions.truths(m, r).arrays for m, r in zip(made, (None, strong), strict=True))
    mask = made[0].arrays["mask"]
    assert np.array_equal(mask, made[1].arrays["mask"])
    assert np.array_equal(plain["healthy"], found["healthy"])
    assert np.median(found["deviation"][mask]) > np.median(plain["deviation"][mask]) + 0.05


def test_a_part_has_every_slice_of_its_subjects_and_none_of_another_part(whole, train):
    slices = [len(train.arrays[name]) for name in ("subject", "free/subject")]
    assert sum(slices) == 4 * volume.SHAPE[0]
    twice = {name: np.concatenate([a[:4], a[:1]]) for name, a in whole.arrays.items()}
    with pytest.raises(ValueError, match="is in both train and validation"):
        lesions.part(Result(twice, {}), SPLIT, "train")


def test_bad_requests_name_what_to_do(whole):
    with pytest.raises(ValueError, match="'test' has no subjects"):
        lesions.part(whole, SPLIT, "test")
    with pytest.raises(ValueError, match="'holdout' has no subjects"):
        lesions.part(whole, SPLIT, "holdout")
    with pytest.raises(ValueError, match="6 images are asked of a set of 5; draw more"):
        lesions.part(whole, [5, 1, 0], "train")


def test_slices_of_one_grade_are_those_of_its_subjects(train):
    parts = [lesions.of_grade(train, grade).arrays for grade in (0, 1)]
    both = np.concatenate([part["subject"] for part in parts])
    assert sorted(both) == sorted(train.arrays["subject"])
    for grade, part in enumerate(parts):
        assert (part["grade"] == grade).all()
        assert set(part["free/subject"]) == set(part["subject"])
        rows = train.arrays["grade"] == grade
        assert np.array_equal(part["image"], train.arrays["image"][rows])
    with pytest.raises(ValueError, match="no slice has grade 2"):
        lesions.of_grade(train, 2)


def test_one_slice_a_subject_is_the_one_with_most_lesion(train):
    found, a = lesions.one_each(train, 3).arrays, train.arrays
    assert list(found["subject"]) == list(dict.fromkeys(a["subject"].tolist()))[:3]
    for subject, mask, index in zip(found["subject"], found["mask"], found["index"], strict=True):
        areas = a["mask"][a["subject"] == subject].sum((1, 2))
        assert mask.sum() == areas.max()
        at = np.flatnonzero((a["subject"] == subject) & (a["index"] == index))
        assert np.array_equal(mask, a["mask"][at[0]])
    assert not [name for name in found if name.startswith("free/")]
    with pytest.raises(ValueError, match="9 subjects are asked of 4; draw more"):
        lesions.one_each(train, 9)


# ---- as jobs of a study -------------------------------------------------------------------------


def test_phantoms_have_truths_and_fresh_subjects_and_one_draw_for_two_parts():
    data = Lesions(source.volumes("phantom", "flair"), (8, 1, 3))
    train, validation, test = data.train(STREAM), data.validation(STREAM), data.test([3, 2])
    (drawn,), (other,) = train.inputs, validation.inputs
    assert drawn == other == Job(volumes.volume_set, modality="flair", n=9, stream=STREAM)
    assert test.inputs == [Job(volumes.volume_set, modality="flair", n=3, stream=[3, 2])]
    assert data.fresh(5, STREAM) == Job(lesions.fresh_lesions, n=5, stream=STREAM)
    assert data.truths(test) == Job(lesions.truths, slices=test)
    assert train != validation


class Patients(source.Source):
    """Stands for a folder: no truth, nothing fresh."""

    def train(self, n, stream):
        return Job(volumes.volume_set, modality="flair", n=n, stream=stream)

    test = train


def test_patients_have_slices_but_neither_truth_nor_grade_nor_fresh_subjects(whole):
    data = Lesions(Patients(), (4, 1, 1))
    assert data.truths(data.test(STREAM)) is None and data.fresh(5, STREAM) is None
    assert data.train(STREAM).spec["args"]["graded"] is False
    arrays = lesions.part(whole, SPLIT, "train", graded=False).arrays
    assert "grade" not in arrays and not {"healthy", "deviation"} & set(arrays)
