"""Pairs with one defect, or one mended: what changes, and what stays."""

import numpy as np
import pytest
from toy_pairs import job, pairs

from lib.controls import decoded
from lib.generators import hvae
from lib.jobs import Result
from lib.tasks import segment
from lib.training import loop as tr


@pytest.fixture(scope="module")
def fitted():
    return job(hvae.DHVAE, perc=False)[1]


@pytest.fixture(scope="module")
def fresh():
    image, mask = pairs(6, seed=5)
    return Result({"image": image, "mask": mask, "subject": np.arange(6, dtype=np.uint64)}, {})


@pytest.mark.parametrize("parts", [["image"], ["mask"], ["image", "mask"]])
def test_only_the_parts_that_are_named_are_decoded(fitted, fresh, parts):
    made = decoded.remade(fresh, fitted, parts, [0]).arrays
    model = hvae.load(fitted)
    mean = model.posterior(tr.as_pairs(*(fresh.arrays[n] for n in ("image", "mask"))))[0]
    found = tr.from_logits(model.decode(model.code_of(mean)))
    again = dict(zip(("image", "mask"), found, strict=True))
    for name in ("image", "mask"):
        if name not in parts:
            assert np.array_equal(made[name], fresh.arrays[name])
    assert np.array_equal(made["subject"], fresh.arrays["subject"])
    if "mask" in parts:
        assert np.array_equal(made["mask"], again["mask"])
    if "image" in parts:
        error = np.abs(made["image"] - again["image"])
        assert 0 < error.mean() < 0.1, "a draw about the mean, not the mean"


@pytest.mark.parametrize("parts", [[], ["label"], ["image", "lesion"]])
def test_other_parts_are_refused(fitted, fresh, parts):
    with pytest.raises(ValueError, match="name some of image, mask"):
        decoded.remade(fresh, fitted, parts, [0])


def test_filled_in_slices_have_no_lesion_and_are_as_they_were_elsewhere(fitted, fresh):
    made = decoded.healed(fresh, fitted, [0]).arrays
    assert not made["mask"].any()
    image, mask = fresh.arrays["image"], fresh.arrays["mask"]
    assert (made["image"][mask].mean() - image[mask].mean()) < -0.2, "the bright spot is gone"
    near = np.pad(mask, ((0, 0), (2, 2), (2, 2)))
    steps = [(dy, dx) for dy in range(-2, 3) for dx in range(-2, 3)]
    wide = np.any([np.roll(near, step, (1, 2)) for step in steps], 0)[:, 2:-2, 2:-2]
    assert np.array_equal(made["image"][~wide], image[~wide])
    again, other = (decoded.healed(fresh, fitted, [seed]).arrays["image"] for seed in (0, 1))
    assert np.array_equal(again, made["image"]) and not np.array_equal(other, made["image"])


def test_masks_read_anew_are_the_readers(fresh):
    data = Result({name: fresh.arrays[name] for name in ("image", "mask")}, {})
    reader = segment.fit_job(data, {"steps": 2, "batch": 4, "free": 0.0}, [0])
    made = decoded.reread(fresh, reader).arrays
    assert np.array_equal(made["image"], fresh.arrays["image"])
    seen = segment.predict(segment.load(reader), fresh.arrays["image"])
    assert np.array_equal(made["mask"], seen)
