"""The reader of lesions: true parameters, a network that learns them, spread and coverage."""

from dataclasses import asdict

import numpy as np
import pytest
import torch

from lib.datasets import chest as chest_sets
from lib.jobs import Result
from lib.networks.classifier import SmallCNN
from lib.phantoms import chest
from lib.tasks import attributes
from lib.tasks.classify import ClassifySettings
from lib.training.weights import freeze, seeded, weights_to_arrays

STILL = dict.fromkeys(("shift_x", "shift_y", "tilt", "turn"), (0.0, 0.0)) | {"scale": (1.0, 1.0)}
PLAIN = chest.Law(
    name="easy", opacity_grey=(0.5, 1.5), opacity_radius=(0.18, 0.34), photons=(1e5, 1e6), **STILL
)
SETTINGS = asdict(ClassifySettings(steps=120, batch=32, precision="float32"))  # enough for that law


@pytest.fixture(scope="module", autouse=True)
def easy():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(chest.LAWS, "easy", PLAIN)
        yield


@pytest.fixture(scope="module")
def data(easy):
    return chest_sets.image_set("easy", 400, [8, 1])


@pytest.fixture(scope="module")
def reader(data):
    return attributes.fit_job(data, "easy", 400, SETTINGS, [8, 2])


def known(arrays, chosen=slice(None)):
    """The true attributes of the sick ones of a set."""
    sick = np.flatnonzero(arrays["label"])[chosen]
    return attributes.true_attributes(
        "easy", *(arrays[name][sick] for name in ("subject", "label", "mask"))
    )


def test_place_across_and_size_are_those_of_the_mask():
    """Boxes of known centre and area; the outermost pixels are not quite at -1 and 1."""
    masks = np.zeros((3, 64, 64), bool)
    masks[0, 10:20, 40:60] = masks[1, :, :] = masks[2, 0, 63] = True
    found = attributes.true_attributes("easy", np.arange(3), np.ones(3, int), masks)
    assert found.shape == (3, 4) and found.dtype == np.float32
    size = np.log2(np.array([200, 4096, 1]) / attributes.MIDDLE)
    np.testing.assert_allclose(found[:, 0], [50 / 32 - 1, 0, 63 / 64], atol=1e-6)
    np.testing.assert_allclose(found[:, 2], size, rtol=1e-6)


def test_place_along_and_contrast_are_the_parameters_scaled_to_the_law(data):
    found, sick = known(data.arrays)[:, [1, 3]], np.flatnonzero(data.arrays["label"])
    assert np.abs(found).max() <= 1
    np.testing.assert_allclose(found.std(0), 1 / np.sqrt(3), rtol=0.1)  # uniform on [-1, 1]
    at = sick[7:8]
    one = chest.from_seeds(PLAIN, data.arrays["subject"][at], data.arrays["label"][at]).values
    assert found[7, 0] == pytest.approx((one["opacity_y"][0, 0] + 0.075) / 0.625, abs=1e-5)
    assert found[7, 1] == pytest.approx((one["opacity_grey"][0, 0] - 1.0) / 0.5, abs=1e-5)


def test_true_attributes_say_what_masks_show(data):
    """Independent of the parameters' names: lower lesions lie lower, larger ones cover more."""
    sick = data.arrays["label"] > 0
    mask, left = data.arrays["mask"][sick], data.arrays["label"][sick] == 1
    found = known(data.arrays)
    down = (mask.any(2) * np.arange(64)).sum(1) / mask.any(2).sum(1)
    assert np.corrcoef(found[:, 1], down)[0, 1] > 0.6
    assert np.corrcoef(found[:, 2], mask.sum((1, 2)))[0, 1] > 0.6
    assert (found[left, 0] > 0).all() and (found[~left, 0] < 0).all(), "the patient's left"
    each = zip(data.arrays["image"][sick], mask, strict=True)
    assert np.corrcoef(found[:, 3], [x[m].mean() for x, m in each])[0, 1] > 0.3


def test_an_empty_mask_has_no_attributes(data):
    parts = [data.arrays[name][:3] for name in ("subject", "label")]
    masks = np.zeros((3, 64, 64), bool)
    masks[1, 5, 5] = True
    with pytest.raises(ValueError, match="2 masks are empty"):
        attributes.true_attributes("easy", *parts, masks)


def test_the_reader_learns_what_it_is_asked(data, reader):
    fresh = chest_sets.image_set("easy", 120, [8, 3]).arrays
    sick = fresh["label"] > 0
    truth = known(fresh)
    found = attributes.read(reader, fresh["image"][sick])
    for at in (0, 1):
        assert np.corrcoef(found[:, at], truth[:, at])[0, 1] > 0.4, attributes.NAMES[at]
    again = attributes.fit_job(data, "easy", 400, SETTINGS | {"steps": 2}, [8, 2])
    once = attributes.fit_job(data, "easy", 400, SETTINGS | {"steps": 2}, [8, 2])
    assert all(np.array_equal(once.arrays[k], again.arrays[k]) for k in again.arrays)


def test_a_set_compared_with_itself_has_all_of_its_spread(data, reader):
    found = attributes.compare(data, 200, data, "easy", reader)
    s = found.scores
    assert set(s["spread"].values()) == {1.0} and set(s["shift"].values()) == {0.0}
    assert s["coverage_place"] == s["coverage_look"] == 1
    assert found.arrays["pool"].shape == (100, 4), "sick images of the first 200"
    truth = known(data.arrays, slice(100))  # those of the first 200 images
    left_over = ((found.arrays["real"] - truth) ** 2).mean(0) / truth.var(0)
    assert list(s["r2"].values()) == pytest.approx(list(1 - left_over), abs=1e-5)
    assert tuple(s["r2"]) == attributes.NAMES


def test_copies_of_one_lesion_have_no_spread(data, reader):
    one = np.flatnonzero(data.arrays["label"])[0]
    images = np.repeat(data.arrays["image"][one : one + 1], 8, axis=0)
    pool = Result({"image": images, "label": np.ones(8, int)}, {})
    spread = attributes.compare(pool, 8, data, "easy", reader).scores["spread"]
    assert max(spread.values()) < 1e-3


def test_healthy_images_are_neither_learned_from_nor_read(data, reader):
    spoiled = data.arrays["image"].copy()
    spoiled[data.arrays["label"] == 0] = 0
    pool = Result(data.arrays | {"image": spoiled}, {})
    short = SETTINGS | {"steps": 2}
    once, again = (attributes.fit_job(x, "easy", 40, short, [8, 2]) for x in (data, pool))
    assert all(np.array_equal(once.arrays[k], again.arrays[k]) for k in again.arrays)
    assert (
        attributes.compare(pool, 200, data, "easy", reader).scores
        == attributes.compare(data, 200, data, "easy", reader).scores
    )


# ---- coverage ----


def grid_points(n=4000, seed=0):
    return np.random.default_rng(seed).random((n, 2))


def test_coverage_of_the_population_itself_is_whole():
    real = grid_points()
    assert attributes.coverage(real, real) == 1
    assert attributes.coverage(grid_points(2000, 1), real) == 1


def test_coverage_of_one_point_is_one_cell():
    real = grid_points()
    for point in ([0.1, 0.1], [0.6, 0.9], [0.99, 0.01]):
        assert attributes.coverage(np.tile(point, (50, 1)), real) == 1 / 16


@pytest.mark.parametrize(("quarters", "share"), [(1, 4 / 16), (2, 8 / 16), (3, 12 / 16)])
def test_coverage_counts_the_quarters_that_a_pool_reaches(quarters, share):
    real = grid_points()
    part = grid_points(seed=2) * [quarters / 4, 1]
    assert attributes.coverage(part, real) == share


def test_half_of_its_due_is_enough_and_less_is_not():
    real = grid_points(20_000)
    first = real[:, 0] <= 0.25

    def rare(keep):
        return np.concatenate([real[~first], real[first][: int(5000 * keep)]])

    assert attributes.coverage(rare(0.6), real) == 1
    assert attributes.coverage(rare(0.3), real) == 12 / 16


def test_cells_without_real_images_do_not_count():
    """Attributes that go together fill the diagonal alone; one lesion still covers one cell."""
    real = np.repeat(grid_points()[:, :1], 2, axis=1)
    assert attributes.coverage(np.tile([0.1, 0.1], (50, 1)), real) <= 1 / 4


def test_coverage_does_not_depend_on_the_scale_of_the_attributes():
    real, pool = grid_points(), grid_points(500, 3) ** 2
    stretched = [x * [100, 0.01] - 5 for x in (pool, real)]
    assert attributes.coverage(*stretched) == attributes.coverage(pool, real)


def test_an_untrained_reader_is_stored_and_loaded_unchanged(data):
    net = freeze(seeded(lambda: SmallCNN(classes=4), np.random.default_rng(0)))
    stored, images = Result(weights_to_arrays(net), {}), data.arrays["image"][:3]
    direct = net(torch.from_numpy(images).unsqueeze(1)).numpy()
    np.testing.assert_allclose(attributes.read(stored, images), direct, atol=1e-6)
