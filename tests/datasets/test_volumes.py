"""Volume and slice sets: what 2-D methods see of which subject, and what bad requests get."""

import numpy as np
import pytest

from lib.datasets import volumes
from lib.jobs import Result


@pytest.fixture(scope="module")
def drawn():
    return {modality: volumes.volume_set(modality, 3, [5]) for modality in volumes.MODALITIES}


@pytest.mark.parametrize("modality", volumes.MODALITIES)
def test_a_longer_draw_starts_with_the_shorter_one(drawn, modality):
    fewer = volumes.volume_set(modality, 2, [5]).arrays
    assert all(np.array_equal(fewer[name], drawn[modality].arrays[name][:2]) for name in fewer)
    assert fewer["image"].min() >= 0 and fewer["image"].max() <= 1
    assert fewer["mask"].any((1, 2, 3)).all(), "every subject has its tumour"


@pytest.mark.parametrize("modality", volumes.MODALITIES)
def test_other_ranges_change_the_same_subjects(drawn, modality):
    none = {"tumour_strength": [0.0, 0.0]}
    found = volumes.volume_set(modality, 3, [5], none).arrays
    apart = np.abs(found["image"] - drawn[modality].arrays["image"])
    assert np.array_equal(found["subject"], drawn[modality].arrays["subject"])
    assert apart.max() > 0.1 and (apart == 0).mean() > 0.5, "the tumour alone is gone"
    slices = [volumes.fresh_slices(modality, 4, [5], ranges).arrays for ranges in (None, none)]
    assert not np.array_equal(*(each["image"] for each in slices))


def test_the_targets_are_the_whole_tumour_and_the_primary_tumour():
    rng = np.random.default_rng([5])
    p = volumes.brain.sample(volumes.brain.LAWS["brain"], 3, rng)
    labels = volumes.brain.render(p, modalities=("FLAIR",)).parts
    assert np.array_equal(volumes.volume_set("flair", 3, [5]).arrays["mask"], labels > 0)
    p = volumes.neck.sample(volumes.neck.LAWS["neck"], 8, np.random.default_rng([6]))
    batch, drawn = volumes.neck.render(p), volumes.volume_set("pet", 8, [6]).arrays
    assert any("with no node" not in text for text in batch.text), "nodes, which are no target"
    assert np.array_equal(drawn["mask"], batch.parts == volumes.neck.PRIMARY)
    np.testing.assert_array_equal(drawn["image"], (batch.image[:, 0] / 10).clip(0, 1))


def test_the_window_of_pet_keeps_tumours_apart_from_glands():
    """Few labelled voxels are cut at white; what is no tumour and lies below the brain is grey."""
    image, mask, _ = volumes.draw("pet", 24, np.random.default_rng(9))
    assert (image[mask] >= 1).mean() < 0.15
    below, elsewhere = image[:, :14], ~mask[:, :14]
    assert 0.2 < np.quantile(below[elsewhere & (below > 0.03)], 0.99) < 0.7


@pytest.mark.parametrize("modality", volumes.MODALITIES)
def test_slices_are_the_lesion_slices_of_their_subjects(drawn, modality):
    whole, part = drawn[modality].arrays, volumes.slice_set(drawn[modality], 2).arrays
    assert part["mask"].any((1, 2)).all()
    assert set(part["subject"]) | set(part["free/subject"]) <= set(whole["subject"][:2])
    for image, mask, subject, at in zip(
        part["image"], part["mask"], part["subject"], part["index"], strict=True
    ):
        (who,) = np.flatnonzero(whole["subject"] == subject)
        assert np.array_equal(image, whole["image"][who, at])
        assert np.array_equal(mask, whole["mask"][who, at])
    depth = whole["image"].shape[1]
    assert len(part["image"]) + len(part["free/image"]) == 2 * depth


def test_mirrored_slices_stand_behind_the_others(drawn):
    part = volumes.slice_set(drawn["pet"], 2)
    both, n = volumes.mirrored(part).arrays, len(part.arrays["image"])
    for name in ("image", "mask"):
        assert np.array_equal(both[name][:n], part.arrays[name])
        assert np.array_equal(both[name][n:], np.flip(part.arrays[name], 2))
    assert np.array_equal(both["subject"], [*part.arrays["subject"]] * 2)


def test_fresh_slices_are_of_other_subjects_and_as_many_as_asked(drawn):
    one, two = (volumes.fresh_slices("pet", 20, [seed]).arrays for seed in (1, 2))
    assert len(one["image"]) == 20 and one["mask"].any((1, 2)).all()
    assert not set(one["subject"]) & set(two["subject"])
    assert len(one["free/image"]) == 6


def test_bad_requests_name_what_to_do(drawn):
    with pytest.raises(ValueError, match="4 images are asked of a set of 3; draw more"):
        volumes.slice_set(drawn["pet"], 4)
    with pytest.raises(ValueError, match="draw more"):
        volumes.slice_set(drawn["pet"], 3, most=1000)
    with pytest.raises(ValueError, match="'ct' is unknown"):
        volumes.draw("ct", 1, np.random.default_rng(0))
    empty = {k: np.zeros_like(v) if k == "mask" else v for k, v in drawn["pet"].arrays.items()}
    with pytest.raises(ValueError, match="masks of all 2 volumes are empty"):
        volumes.slice_set(Result(empty, {}), 2)
