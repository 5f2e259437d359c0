"""What only phantoms show: each against the law rendered by other means."""

from dataclasses import replace

import numpy as np
import pytest

from lib.datasets import counterfactuals, lesions, volumes
from lib.phantoms import brain


@pytest.fixture(scope="module")
def slices():
    return lesions.part(volumes.volume_set("flair", 3, [2]), [3, 0, 0], "train", most=4)


def test_without_noise_is_the_image_less_noise_of_the_laws_size(slices):
    a, made = slices.arrays, counterfactuals.clean(slices).arrays
    truth = lesions.truths(slices).arrays
    for subject in np.unique(a["subject"]):
        rows = a["subject"] == subject
        p = brain.from_seeds(brain.BRAIN, np.array([subject]))
        inside = a["image"][rows] > 0.2
        for noisy, quiet in ((a["image"], made["image"]), (truth["healthy"], made["healthy"])):
            noise = (noisy - quiet)[rows][inside]
            assert noise.std() == pytest.approx(p.values["noise"][0, 0], rel=0.1)
            assert abs(noise.mean()) < noise.std() / 4
    change = made["image"] - made["healthy"]
    assert not change[~truth["support"]].any()
    assert np.corrcoef(change[a["mask"]], truth["deviation"][a["mask"]])[0, 1] > 0.99


def test_the_anatomy_is_that_of_each_slice(slices):
    a, made = slices.arrays, counterfactuals.anatomy(slices).arrays
    (tissues,) = brain.tissues(brain.from_seeds(brain.BRAIN, a["subject"][:1]))
    for end in ("", "free/"):
        mine = a[f"{end}subject"] == a["subject"][0]
        level = a[f"{end}index"][mine]
        assert np.array_equal(made[f"{end}white"][mine], tissues.white.numpy()[level])
        assert made[f"{end}forbidden"][a[f"{end}image"] == 0].all(), "outside the brain"
    assert not made["forbidden"][a["mask"]].any()
    assert not made["forbidden"][np.abs(lesions.truths(slices).arrays["deviation"]) > 0].any()


def test_a_grown_tumour_is_that_of_a_larger_radius_on_the_same_subject():
    made = counterfactuals.progressed(3, [6], 1.25).arrays
    grown = made["later/mask"].sum((1, 2)) / made["mask"].sum((1, 2))
    assert (grown > 1.1).all() and (grown < 2.2).all(), "1.25 squared is 1.56"
    for i, (subject, level) in enumerate(zip(made["subject"], made["index"], strict=True)):
        p = brain.from_seeds(brain.BRAIN, np.array([subject]))
        radius = 1.25 * p.values["tumour_radius"][0, 0]
        law = replace(brain.BRAIN, tumour_radius=(radius, radius))
        later = brain.render(brain.from_seeds(law, np.array([subject])), ("FLAIR",))
        np.testing.assert_allclose(
            made["later/image"][i], later.image[0, 0, level].clip(0, 1), atol=1e-4
        )
        batch = brain.render(p, ("FLAIR",))
        assert np.array_equal(made["image"][i], batch.image[0, 0, level].clip(0, 1))
        assert level == batch.mask[0].sum((1, 2)).argmax()
    again = counterfactuals.progressed(2, [6], 1.25).arrays
    assert np.array_equal(again["image"], made["image"][:2])
    with pytest.raises(ValueError, match=r"growth is 1\.0; pass a factor"):
        counterfactuals.progressed(3, [6], 1.0)


def test_looks_keep_outline_and_anatomy_and_differ_inside(slices):
    a, support = slices.arrays, lesions.truths(slices).arrays["support"]
    made = counterfactuals.looks(slices, 6, 3, [1]).arrays
    assert made["image"].shape == (6, 3, 64, 64) and np.array_equal(made["mask"], a["mask"][:6])
    for i in range(6):
        outside = ~support[i]
        assert (made["image"][i][:, outside] == a["image"][i][outside]).all()
        p = brain.from_seeds(brain.BRAIN, a["subject"][i : i + 1])
        assert made["noise"][i] == p.values["noise"][0, 0]
    spread = made["image"].std(1)[made["mask"]]
    assert spread.mean() > 3 * made["noise"].max()
    other = counterfactuals.looks(slices, 6, 3, [2]).arrays
    assert not np.array_equal(other["image"], made["image"])
