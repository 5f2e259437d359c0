"""Co-occurrence inside a mask by hand, first-order moments against scipy, and what W1 sees."""

import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import gaussian_filter

from lib.metrics import texture as t


def block(side=6, at=3, size=16):
    mask = np.zeros((1, size, size), bool)
    mask[0, at : at + side, at : at + side] = True
    return mask


def brute_counts(grey, mask, levels):
    """Symmetric counts over the offsets of distances 1 and 2 and four angles, by loops."""
    counts = np.zeros((levels, levels))
    offsets = [(0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0), (1, 1), (1, -1)]
    for (r, c), inside in np.ndenumerate(mask):
        for dr, dc in offsets:
            r2, c2 = r + dr, c + dc
            if inside and 0 <= r2 < mask.shape[0] and 0 <= c2 < mask.shape[1] and mask[r2, c2]:
                counts[grey[r, c], grey[r2, c2]] += 1
                counts[grey[r2, c2], grey[r, c]] += 1
    return counts


def test_cooccurrence_equals_a_loop_over_pairs_in_an_irregular_mask():
    rng = np.random.default_rng(0)
    grey, mask = rng.integers(0, 8, (12, 12)), rng.random((12, 12)) < 0.6
    found = t.cooccurrence((grey + 0.5) / 8, mask, levels=8)
    np.testing.assert_array_equal(found, brute_counts(grey, mask, 8))


def test_constant_lesion_whatever_surrounds_it():
    image = np.random.default_rng(1).random((1, 16, 16))
    image[block()] = 0.4
    found = t.glcm_statistics(image, block())
    assert {name: value[0] for name, value in found.items()} == pytest.approx(
        {"contrast": 0, "homogeneity": 1, "energy": 1, "correlation": 1}
    )
    first = t.first_order(image, block())
    assert {name: value[0] for name, value in first.items()} == pytest.approx(
        {"mean": 0.4, "sd": 0, "skewness": 0, "kurtosis": 0}
    )


def test_rounding_in_a_constant_lesion_is_no_texture():
    for grey in (0.123, 0.37, 0.9):
        found = t.first_order(np.full((1, 16, 16), grey), block(7))
        assert (found["sd"], found["skewness"], found["kurtosis"]) == (0, 0, 0)


def test_stripes_by_hand():
    """Columns of two greys, 4 bins apart, in a 6 x 6 block.

    Pairs: differing at distance 1 across (30) and on both diagonals (25 each, and again from
    distance 2, which skimage rounds to the same neighbour) = 130; equal at distance 1 down (30),
    2 across and 2 down (24 each) = 78.
    """
    image = np.full((1, 16, 16), 10.5 / 32)
    image[:, :, ::2] = 14.5 / 32
    found = {name: value[0] for name, value in t.glcm_statistics(image, block()).items()}
    differ = 130 / 208
    assert found["contrast"] == pytest.approx(16 * differ)
    assert found["homogeneity"] == pytest.approx(1 - differ + differ / 17)
    same = (1 - differ) / 2  # half of the equal pairs, all columns come in equal numbers
    assert found["energy"] == pytest.approx(np.sqrt(2 * same**2 + 2 * (differ / 2) ** 2))
    assert found["correlation"] == pytest.approx(1 - 2 * differ)


def test_bins_have_fixed_width_and_the_top_belongs_to_the_last():
    ramp = np.tile(np.linspace(0, 1, 16), (16, 1))
    everywhere = np.ones((16, 16), bool)
    counts = t.cooccurrence(ramp, everywhere)
    np.testing.assert_array_equal(
        np.flatnonzero(counts.any(0)), np.unique(np.minimum(np.floor(ramp * 32), 31))
    )
    half = t.cooccurrence(ramp / 2, everywhere)
    assert np.flatnonzero(half.any(0)).max() <= 16  # no stretch to the lesion's own range


def test_entropy_of_known_counts():
    """A constant lesion has none; of stripes one pixel wide all pairs along a stripe are equal."""
    mask = block()[0]
    flat, stripes = np.full_like(mask, 0.4, float), np.indices((16, 16))[1] % 2 * 0.5
    images = np.stack([flat, stripes])
    found = t.glcm_entropy(images, np.stack([mask, mask]))
    counts = brute_counts((stripes * 32).astype(int), mask, 32)
    share = counts[counts > 0] / counts.sum()
    np.testing.assert_allclose(found, [0, -(share * np.log(share)).sum()], atol=1e-12)


def test_high_frequency_of_white_noise_waves_and_ramps():
    rng, whole = np.random.default_rng(0), np.ones((1, 64, 64), bool)
    noise = 0.5 + 0.05 * rng.standard_normal((1, 64, 64))
    assert t.high_frequency(noise, whole)[0] == pytest.approx(0.05**2, rel=0.06)
    rows, columns = np.indices((64, 64))
    for period in (2, 4, 8, 16):
        wave = 0.5 + 0.3 * np.cos(2 * np.pi * columns / period + 0.7)
        expected = wave.var() / 2 * 8 / 3 * np.sin(2 * np.pi / period) ** 4
        for image in (wave, wave.T):
            found = t.high_frequency(image[None], whole)[0]
            assert found == pytest.approx(expected, rel=0.07, abs=1e-12)
    ramp = 0.2 + 0.004 * rows + 0.005 * columns
    assert t.high_frequency(ramp[None], whole)[0] == pytest.approx(0, abs=1e-12)
    assert t.high_frequency(gaussian_filter(noise, (0, 4, 4)), whole)[0] < 1e-6


def test_high_frequency_and_entropy_see_nothing_beyond_the_mask_and_no_lesion_too_small():
    rng, masks = np.random.default_rng(1), np.concatenate([block(), block(3), 0 * block()]) > 0
    images = rng.random((3, 16, 16))
    other = np.where(masks, images, rng.random((3, 16, 16)))
    for measure in (t.high_frequency, t.glcm_entropy):
        found = measure(images, masks)
        assert found[0] > 0 and np.isnan(found[1:]).all()
        np.testing.assert_array_equal(found, measure(other, masks))
    thin = np.zeros((1, 16, 16), bool)
    thin[0, 3:7, 3:7] = True
    assert np.isnan(t.high_frequency(images[:1], thin)).all(), "no three pixels two apart"


def test_pixels_outside_the_mask_never_count():
    rng = np.random.default_rng(2)
    image, mask = rng.random((1, 16, 16)), block()
    other = np.where(mask, image, rng.random((1, 16, 16)))
    moved = [np.roll(x, (4, 5), (1, 2)) for x in (image, mask)]
    for name, value in (t.glcm_statistics(image, mask) | t.first_order(image, mask)).items():
        for pair in ((other, mask), moved):
            again = (t.glcm_statistics(*pair) | t.first_order(*pair))[name]
            np.testing.assert_allclose(again, value, err_msg=name)


def test_first_order_is_scipys():
    rng = np.random.default_rng(3)
    images, masks = rng.beta(2, 5, (4, 16, 16)).astype(np.float32), rng.random((4, 16, 16)) < 0.5
    found = t.first_order(images, masks)
    for i, values in enumerate(x[m].astype(float) for x, m in zip(images, masks, strict=True)):
        expected = values.mean(), values.std(), stats.skew(values), stats.kurtosis(values)
        assert [found[name][i] for name in t.FIRST_ORDER] == pytest.approx(expected)


def test_small_empty_and_pairless_lesions_are_nan():
    masks = np.zeros((4, 16, 16), bool)
    masks[0] = block()[0]
    masks[1, 2, 2:13] = True  # 11 pixels
    masks[3, ::4, ::4] = True  # 16 pixels, none within distance 2 of another
    images = np.random.default_rng(4).random(masks.shape)
    contrast, mean = t.glcm_statistics(images, masks)["contrast"], t.first_order(images, masks)
    assert np.isnan(contrast).tolist() == [False, True, True, True]
    assert np.isnan(mean["mean"]).tolist() == [False, True, True, False]
    assert not np.isnan(t.glcm_statistics(images, masks, least=11)["contrast"][1])
    empty = images, np.zeros_like(masks)
    assert t.w1_glcm((images, masks), empty) is None
    assert set(t.texture_distances((images, masks), empty).values()) == {None}


def test_w1_grows_with_blur_and_stays_low_for_real_halves():
    rng = np.random.default_rng(5)
    images = np.clip(0.5 + 0.12 * rng.normal(size=(200, 16, 16)), 0, 1)
    masks = np.repeat(block(8), 200, axis=0)
    real, other = (images[::2], masks[::2]), images[1::2]
    arms = [np.clip(gaussian_filter(other, (0, s, s)), 0, 1) for s in (0, 0.4, 0.8)]
    null, weak, strong = (t.w1_glcm(real, (arm, masks[1::2])) for arm in arms)
    assert null < 0.4 < weak < strong
    each = t.texture_distances(real, (arms[2], masks[1::2]))
    assert strong == pytest.approx(np.mean([each[name] for name in t.GLCM]))
    assert each["sd"] > 2 > 0.5 > each["skewness"]


def test_crops_are_centred_and_shift_at_the_border():
    images = np.arange(4 * 20 * 20.0).reshape(4, 20, 20)
    masks = np.zeros((4, 20, 20), bool)
    masks[0, 8:11, 6:9] = True  # centre (9, 7)
    masks[1, 0, 19] = True
    masks[3, 9:11, 9:11] = True  # centre (9.5, 9.5)
    crops = t.lesion_crops(images, masks, 5)
    assert crops.shape == (3, 5, 5)  # the empty third is left out
    np.testing.assert_array_equal(crops[0], images[0, 7:12, 5:10])
    np.testing.assert_array_equal(crops[1], images[1, :5, 15:])
    np.testing.assert_array_equal(t.lesion_crops(images, masks, 6)[2], images[3, 7:13, 7:13])
    np.testing.assert_array_equal(t.lesion_crops(images, masks, 20), images[[0, 1, 3]])


IMAGES = np.zeros((2, 16, 16))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: t.glcm_statistics(IMAGES + 2, IMAGES), r"\[0, 1\]"),
        (lambda: t.first_order(IMAGES * np.nan, IMAGES), r"\[0, 1\]"),
        (lambda: t.first_order(IMAGES[:1], IMAGES), "one shape"),
        (lambda: t.lesion_crops(IMAGES, IMAGES, 17), "size=17"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
