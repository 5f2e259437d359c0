"""What pages show of one draw: which slices, in which order, and nothing before all is there."""

from types import SimpleNamespace

import numpy as np
import pytest

from lib import jobs
from lib.jobs import Result
from lib.papers.pathosyn import looks
from lib.papers.pathosyn.arms import chosen


@pytest.fixture(autouse=True)
def _results_stand_for_jobs(monkeypatch):
    monkeypatch.setattr(jobs, "load", lambda found: found)
    monkeypatch.setattr(jobs, "is_done", lambda found: found is not None)


def flat(*values):
    """Images (n, 2, 2), each of one value."""
    return np.array(values, np.float32)[:, None, None] * np.ones((1, 2, 2), np.float32)


def study(**made):
    """A study of one draw whose jobs are these results, or None for what is not there."""
    def answer(found):
        return lambda *_: found

    names = {name: found if name in PLAIN else answer(found) for name, found in made.items()}
    source = SimpleNamespace(truth=True)
    return SimpleNamespace(draws=lambda *_: [0], source=source, **names)


PLAIN = ("pictured", "test_volumes")  # properties of a study; all else are methods


def test_pictures_of_every_arm_stand_in_the_order_of_the_slices():
    slices = Result({"image": flat(0, 1, 2), "mask": flat(0, 0, 1)}, {})
    truth = Result({"healthy": flat(0, 1, 2), "deviation": flat(0, 0, 0)}, {})
    drawn = {"source": np.array([2, 0, 1]), "image": flat(22, 20, 21),
             "substrate": flat(32, 30, 31), "deviation": flat(42, 40, 41)}  # fmt: skip
    each = {"pathosyn_diff": Result(drawn, {}),
            "brain_ldm": Result({"reconstruction": flat(5, 6, 7)}, {})}  # fmt: skip
    own = study(pictured=slices, truths=truth)
    own.picture = lambda arm, k: each[arm.name]
    found = looks.pictures(own, chosen("brain_ldm", "pathosyn_diff"))
    assert found["mask"].dtype == bool
    seen = {name: found[name][:, 0, 0].tolist() for name in found if name.startswith("pathosyn")}
    assert seen == {"pathosyn_diff": [20, 21, 22], "pathosyn_diff/substrate": [30, 31, 32],
                    "pathosyn_diff/deviation": [40, 41, 42]}  # fmt: skip
    assert found["brain_ldm"][:, 0, 0].tolist() == [5, 6, 7]
    each["brain_ldm"] = None
    assert looks.pictures(own, chosen("brain_ldm", "pathosyn_diff")) == {}


def test_edits_follow_one_another_and_count_what_no_mask_has_touched():
    image = np.full((1, 8, 8), 0.5, np.float32)
    mask = np.zeros((1, 8, 8), bool)
    mask[0, 3, 3] = True

    class Model:
        def sample(self, image, mask, rng, how):
            outside = image if how == "paste" else image + np.float32(0.01) * (image > 0.5 - 1e-6)
            return SimpleNamespace(image=np.where(mask, 0, outside))

    found = looks.edited(Model(), image, mask, [(0, 0), (0, 1), (1, 0)], seed=0)
    assert set(found) == {"seam", "paste"}
    np.testing.assert_array_equal(found["paste"], [[0, 1]] * 3)
    np.testing.assert_allclose(found["seam"], [[0.01, 0], [0.02, 0], [0.03, 0]], atol=1e-6)


def test_diagrams_are_summed_over_the_draws_that_are_there():
    own = study(segmented=Result({"diagram": np.ones((15, 3))}, {}))
    own.draws = lambda arm: {"real": [0, 1], "maskdiff": []}.get(arm.name, [0])
    found = looks.diagrams(own)
    assert {name: x[0, 0] for name, x in found.items()} == {
        "real": 2, "pathosyn_diff": 1, "oracle": 1}  # fmt: skip
    assert looks.diagrams(study(segmented=None)) == {}


def test_outlines_run_through_the_lesion_and_patients_have_no_oracle():
    mask = np.zeros((2, 20, 2, 2), bool)
    mask[0, 4:15] = True
    volumes = Result({"image": np.arange(40.0).reshape(2, 20, 1, 1) + np.zeros((1, 1, 2, 2)),
                      "mask": mask}, {})  # fmt: skip
    own = study(test_volumes=volumes, segmenter=Result({"example": mask}, {}))
    arms = chosen("real", "oracle")
    found = looks.outlined(own, arms)
    assert found["image"][:, 0, 0].tolist() == [4, 6, 8, 10, 12, 14] and found["true"].all()
    own.source.truth = False
    assert set(looks.outlined(own, arms)) == {"image", "true", "real"}


def test_the_masks_that_hold_most_forbidden_pixels_come_first():
    n, side = 6, 10
    mask, closed = np.zeros((2, n, side, side), bool)
    mask[:, :, :] = True
    for i, rows in enumerate((1, 5, 2, 4, 3, 9)):  # in tenths of slice i
        closed[i, :rows] = True
    own_mask = np.zeros((n, side, side), bool)
    own_mask[:, 0] = True
    free = {"source": np.arange(n), "mask": mask, "anatomy": np.arange(n), "image": np.arange(n)}
    anatomy = {"free/forbidden": closed, "forbidden": np.zeros_like(closed)}
    own = study(slices=Result({"mask": own_mask}, {}), anatomy=Result(anatomy, {}),
                placed=Result(free, {}))  # fmt: skip
    found = looks.obeyed(own, n=5)
    assert found["given"].tolist() == [1, 3, 4, 2], "the sixth is beyond n"
    assert found["shares"].tolist() == pytest.approx([0, 0.3])


def test_growth_shows_four_subjects_and_twins_six_lesions_of_the_first_mask():
    later = {"image": flat(*range(6)), "later/image": flat(*range(6)),
             "mask": flat(*[1] * 6), "later/mask": flat(*[1] * 6)}  # fmt: skip
    own = study(later=Result(later, {}), progressed=Result({"example": flat(9, 9, 9, 9)}, {}))
    found = looks.growth(own)
    assert {name: len(x) for name, x in found.items()} == dict.fromkeys(
        ("first", "later", "mask", "later/mask", "drawn"), 4)  # fmt: skip
    again = {"image": np.arange(16.0).reshape(2, 8), "mask": flat(1, 0)}
    own = study(repeated=Result(again, {}), diverse=Result({"variance": np.ones(2)}, {}))
    found = looks.twins(own)
    assert found["oracle"].tolist() == found["pathosyn_diff"].tolist() == [0, 1, 2, 3, 4, 5]
    assert found["mask"].all() and found["oracle/variance"].shape == (2,)
    own.diverse = lambda *_: None
    assert looks.twins(own) == {}


@pytest.mark.parametrize("name", ["requested", "several"])
def test_requests_start_from_one_slice_and_one_noise(name, monkeypatch):
    image, mask = flat(0.5)[0].repeat(32, 0).repeat(32, 1), np.zeros((64, 64), bool)
    mask[20:28, 20:28] = True
    seeds = []

    class Model:
        def sample(self, image, mask, rng, anatomy=None, severity=1.0):
            seeds.append(rng.integers(1 << 30))
            return SimpleNamespace(image=image + 0.1 * severity * mask)

        def several(self, image, masks, rng):
            seeds.append(rng.integers(1 << 30))
            return SimpleNamespace(image=(image + masks.any(0))[None], substrate=image)

    monkeypatch.setattr(looks.controlled, "load", lambda source, fitted: Model())
    two = np.stack([image] * 2), np.stack([mask] * 2)
    monkeypatch.setattr(looks.controlled, "subjects", lambda *_: two)
    own = study(fitted=Result({}, {}))
    own.test = Result({}, {})
    found = getattr(looks, name)(own, seed=3)
    if name == "several":
        assert len(set(seeds)) == len(seeds) == 4 and len(found["image"]) == 5
        assert (found["masks"].sum(0) <= 1).all(), "no pixel is shared"
        return
    assert len(set(seeds)) == 1 and len(seeds) == 15
    for kind in ("severity", "extent", "place"):
        np.testing.assert_array_equal(found[kind][0], image)
        assert found[kind].shape == (6, 64, 64) and not found[f"{kind}/mask"][0].any()
    areas = found["extent/mask"][1:].sum((1, 2))
    assert (np.diff(areas) > 0).all() and areas[0] == mask.sum()
    np.testing.assert_allclose(
        [x[24, 24] - 0.5 for x in found["severity"][1:]], 0.1 * np.array(looks.SEVERITIES)
    )
