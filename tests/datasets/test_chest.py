"""Preprocessing, splits and image-set files: properties and clear refusals."""

import numpy as np
import pytest

from lib.datasets import chest as chest_sets
from lib.datasets import hdf5
from lib.datasets.checks import check_images
from lib.datasets.preprocess import preprocess
from lib.datasets.splits import assert_subject_disjoint, interleaved_labels
from lib.phantoms import chest


def raw(n=8, seed=0):
    p = chest.sample(chest.BARE, interleaved_labels(n), np.random.default_rng(seed))
    return chest.render(p).image


def test_preprocessing_forgets_brightness_and_contrast():
    """Clip and equalise read ranks only: any rising affine change of the grey scale is undone."""
    images = raw()
    np.testing.assert_allclose(preprocess(3.7 * images - 11), preprocess(images), atol=1e-4)


def test_equalised_images_fill_the_range_evenly():
    out = preprocess(raw())
    assert out.min() == 0 and out.max() == 1 and out.dtype == np.float32
    quartiles = np.quantile(out, (0.25, 0.5, 0.75))
    np.testing.assert_allclose(quartiles, (0.25, 0.5, 0.75), atol=0.03)


def test_each_image_is_preprocessed_by_itself():
    images = raw()
    assert np.array_equal(preprocess(images)[3], preprocess(images[3:4])[0])


def test_outliers_are_clipped():
    images = raw()
    spoiled = images.copy()
    spoiled[:, 0, 0] = 1e6
    assert np.abs(preprocess(spoiled) - preprocess(images))[:, 1:].max() < 0.02


def test_clahe_differs_and_stays_in_range():
    images = raw()
    local = preprocess(images, clahe=True)
    assert local.min() == 0 and local.max() == 1
    assert np.abs(local - preprocess(images)).mean() > 0.01


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((64, 64)), r"must be \(N, H, W\)"),
        (np.zeros((0, 64, 64)), "N >= 1"),
        (np.ones((2, 64, 64)), "image 0 is constant"),
        (np.full((1, 8, 8), np.nan), "NaN or infinite"),
        (np.ones((2, 8, 8), bool), "of type bool; convert them to grey values"),
        (np.full((2, 8, 8), None), "of type object"),
    ],
)
def test_bad_images_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        preprocess(images)


def test_wrong_range_is_refused():
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\] but span"):
        check_images(np.full((1, 4, 4), 255.0), unit_range=True)


def test_a_subject_in_two_splits_is_found():
    assert_subject_disjoint(train=np.array([1, 2]), test=np.array([3]), validation=np.array([4]))
    with pytest.raises(ValueError, match="subject 2 is in both train and validation"):
        assert_subject_disjoint(
            train=np.array([1, 2]), test=np.array([3]), validation=np.array([2])
        )


def test_class_mix_of_table_1():
    assert {k: sum(v) for k, v in chest_sets.TABLE1.items()} == {
        "train": 8000, "labelled": 800, "validation": 2000, "test": 2000,
    }  # fmt: skip
    for counts in chest_sets.TABLE1.values():
        assert tuple(np.bincount(interleaved_labels(sum(counts)))) == counts
    with pytest.raises(ValueError, match="multiple of 4"):
        interleaved_labels(6)


def test_file_round_trip(tmp_path):
    data = chest_sets.draw(chest.BARE, 8, np.random.default_rng(0))
    hdf5.write(tmp_path / "a.h5", data)
    again = hdf5.read(tmp_path / "a.h5")
    for name, column in data.arrays().items():
        assert np.array_equal(column, again.arrays()[name]), name
    assert [f.name for f in tmp_path.iterdir()] == ["a.h5"], "nothing half-written stays"


def test_damaged_files_are_named(tmp_path):
    data = chest_sets.draw(chest.BARE, 8, np.random.default_rng(0))
    path = tmp_path / "a.h5"
    hdf5.write(path, data)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"a\.h5 is not an image set"):
        hdf5.read(path)
    bright = hdf5.ImageSet(data.image * 255, data.label, data.subject, data.mask)
    hdf5.write(path, bright)
    with pytest.raises(ValueError, match=r"a\.h5: images must lie in \[0, 1\]"):
        hdf5.read(path)
    hdf5.write(path, hdf5.ImageSet(data.image, data.label[:3], data.subject, data.mask))
    with pytest.raises(ValueError, match="different lengths"):
        hdf5.read(path)


def test_streams_give_independent_draws_and_prefixes_agree():
    a, b = (chest_sets.image_set("bare", 16, [0, purpose, 0]).arrays for purpose in (1, 2))
    assert_subject_disjoint(a=a["subject"], b=b["subject"])
    longer = chest_sets.image_set("bare", 32, [0, 1, 0]).arrays
    assert np.array_equal(longer["image"][:16], a["image"]), "the labelled are the first of all"


def test_an_unknown_law_is_named():
    with pytest.raises(ValueError, match="law 'brain' is unknown; choose one of"):
        chest_sets.image_set("brain", 4, [0])
