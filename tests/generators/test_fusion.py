"""Filling, fusing, boxes and control, against closed forms and cases made by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from toy_lesions import SIDE, disc, scans

from lib.generators import boxes, control, fusion
from lib.generators.membrane import blended, inpainted

FIELD = np.random.default_rng(0).standard_normal((1, SIDE, SIDE)).astype(np.float32)
MASK = disc(15, 14, 6)[None]

# ---- Inp and the gradient-domain blend ----------------------------------------------------------


def harmonic(side=SIDE):
    """x^2 - y^2 and x + 2y in one picture: a discrete Laplacian of zero; no air."""
    y, x = np.mgrid[:side, :side] / side
    return (x**2 - y**2 + x + 2 * y + 1.1)[None]


def test_the_membrane_restores_a_harmonic_picture_from_its_rim():
    image = harmonic()
    filled = inpainted(np.where(MASK, 7, image), MASK)
    np.testing.assert_allclose(filled, image, atol=1e-6)
    assert np.array_equal(filled[~MASK], image[~MASK].astype(np.float32))


def test_what_is_filled_lies_between_the_values_of_the_rim_and_forgets_the_lesion():
    made = scans(6)
    filled = inpainted(made["image"], made["mask"])
    for x, m, f in zip(made["image"], made["mask"], filled, strict=True):
        rim = control.grown(m[None], 1)[0] & ~m
        assert x[rim].min() - 1e-6 <= f[m].min() and f[m].max() <= x[rim].max() + 1e-6
    other = np.where(made["mask"], 0.9, made["image"])
    assert np.array_equal(filled, inpainted(other, made["mask"]))


def test_a_mask_at_the_border_is_filled_from_the_sides_that_it_has():
    image = np.full((1, SIDE, SIDE), 0.25, dtype=np.float32)
    corner = disc(0, 0, 8)[None]
    np.testing.assert_allclose(inpainted(np.where(corner, 1, image), corner), 0.25, atol=1e-7)
    with pytest.raises(ValueError, match="covers the whole image"):
        inpainted(image, np.ones_like(corner))
    assert np.array_equal(inpainted(image, np.zeros_like(corner)), image)


def test_a_lesion_is_filled_from_tissue_and_not_from_air_unless_there_is_no_tissue():
    image = np.where(disc(15, 10, 9), 0.4, 0)[None]
    edge = disc(15, 18, 4)[None] & disc(15, 10, 9)
    filled = inpainted(np.where(edge, 0.8, image), edge)
    np.testing.assert_allclose(filled[edge], 0.4, atol=1e-6)
    island = disc(15, 27, 3)[None]
    both = inpainted(np.where(edge | island, 0.8, image), edge | island)
    np.testing.assert_allclose(both[edge], 0.4, atol=1e-6)
    assert (both[island] == 0).all(), "it has nothing but air around"


def test_a_blended_deviation_keeps_inner_differences_and_loses_the_step_at_the_rim():
    """A constant step vanishes; a field that is 0 in the mask's outermost pixels stays as it is."""
    np.testing.assert_allclose(blended(np.where(MASK, 0.3, 0), MASK), 0, atol=1e-7)
    inner = np.where(disc(15, 14, 4), FIELD, 0)
    np.testing.assert_allclose(blended(inner, MASK), inner, atol=1e-6)
    lifted = np.where(MASK, inner + 0.3, 0)
    np.testing.assert_allclose(blended(lifted, MASK), inner, atol=1e-6)
    assert (blended(FIELD, MASK)[~MASK] == 0).all()


# ---- S, the ring and the fusions ----------------------------------------------------------------


def test_the_soft_map_and_the_ring_of_a_straight_rim_have_their_closed_forms():
    """S is the normal law's integral, so w_ring is 4 P (1 - P), 1 on the rim itself."""
    half = np.zeros((1, 64, 64), dtype=bool)
    half[:, :, 32:] = True
    away = (np.arange(64) + 0.5 - 32) / 2
    soft = fusion.soft_map(half, 2.0)[0, 32]
    np.testing.assert_allclose(soft, ndtr(away), atol=0.01)
    np.testing.assert_allclose(fusion.ring(soft), 4 * ndtr(away) * ndtr(-away), atol=0.01)
    assert fusion.ring(np.float32(0.5)) == 1 and not fusion.ring(np.array([0.0, 1.0])).any()
    complement = fusion.soft_map(half, 2.0, "complement")[0, 32]
    np.testing.assert_allclose(complement, 1 - soft, atol=1e-6)
    assert np.array_equal(fusion.soft_map(half, 0.0), half)


@pytest.mark.parametrize("kind", fusion.FUSIONS)
def test_each_fusion_leaves_bit_for_bit_what_it_promises(kind):
    made = scans(1)
    substrate, image = made["healthy"] + 0.013, made["image"]
    found = fusion.fuse(kind, substrate, FIELD, MASK, image)
    base = image if kind == "paste" else substrate
    if kind == "feathered":
        near = control.grown(MASK, 5)
        assert np.array_equal(found[~near], image[~near]), "it leaks, but not far"
        assert not np.array_equal(found[~MASK], image[~MASK])
    else:
        assert np.array_equal(found[~MASK], base[~MASK])
    assert not np.allclose(found[MASK], base[MASK], atol=0.01)
    nothing = fusion.fuse(kind, substrate, FIELD, np.zeros_like(MASK), image)
    assert np.array_equal(nothing, image if kind in ("paste", "feathered") else substrate)


def test_the_seam_weighs_the_deviation_with_s_and_the_printed_one_deletes_it():
    substrate, r = np.full_like(FIELD, 0.4), np.full_like(FIELD, 0.2)
    soft = fusion.soft_map(MASK, 1.0)
    seam = fusion.fuse("seam", substrate, r, MASK)
    np.testing.assert_allclose(seam[MASK], 0.4 + 0.2 * soft[MASK], atol=1e-6)
    assert seam[0, 15, 14] == pytest.approx(0.6)
    printed = fusion.fuse("seam", substrate, r, MASK, blend="complement")
    assert printed[0, 15, 14] == pytest.approx(0.4), "Algorithm 2 as printed"
    assert fusion.fuse("hard", substrate, r, MASK)[MASK] == pytest.approx(0.6)


def test_unknown_fusions_and_missing_inputs_are_refused():
    with pytest.raises(ValueError, match="fusion 'soft' is unknown"):
        fusion.fuse("soft", FIELD, FIELD, MASK)
    with pytest.raises(ValueError, match="needs the input image"):
        fusion.fuse("paste", FIELD, FIELD, MASK)
    with pytest.raises(ValueError, match="blend 'both' is unknown"):
        fusion.soft_map(MASK, 1.0, "both")


# ---- boxes --------------------------------------------------------------------------------------


@given(st.integers(0, 63), st.integers(0, 63), st.integers(0, 12), st.integers(0, 12))
def test_a_box_lies_in_the_image_and_holds_its_lesion(row, column, height, width):
    mask = np.zeros((1, 64, 64), dtype=bool)
    mask[:, row : row + height + 1, column : column + width + 1] = True
    found = boxes.around(mask, (16, 24, 64), 2)
    (side,), (top,), (left,) = found.side, found.top, found.left
    assert 0 <= top <= 64 - side and 0 <= left <= 64 - side
    assert mask[0, top : top + side, left : left + side].sum() == mask.sum()
    extent = max(np.ptp(axis) for axis in np.nonzero(mask[0])) + 1
    assert side == (16 if extent <= 12 else 24)


def test_what_is_cut_can_be_put_back_and_every_image_is_in_one_group():
    made = scans(9)
    planes = torch.from_numpy(made["image"]).unsqueeze(1)
    places, back = boxes.around(made["mask"], (8, 16), 1), torch.zeros_like(planes)
    seen = []
    for side, at in places.groups():
        patches = places.cut(planes, at)
        assert patches.shape == (len(at), 1, side, side)
        places.put(back, at, patches)
        seen += at.tolist()
    assert sorted(seen) == list(range(9)) and len(set(places.side)) == 2
    i = int(np.argmin(places.side))
    top, left = places.top[i], places.left[i]
    assert torch.equal(back[i, 0, top : top + 8, left : left + 8],
                       planes[i, 0, top : top + 8, left : left + 8])  # fmt: skip
    assert back[i].count_nonzero() <= 64
    part = places[np.array([i])]
    assert (part.side[0], part.top[0], part.left[0]) == (8, top, left)


def test_lesions_without_a_box_are_refused():
    with pytest.raises(ValueError, match="spans 13 pixels, the largest box 8"):
        boxes.around(MASK, (8,), 0)
    with pytest.raises(ValueError, match="needs a box of 64 pixels, its image is 32 x 32"):
        boxes.around(MASK, (8, 64), 0)
    assert boxes.around(MASK, (16,), 4).side[0] == 16, "less padding than asked, but it fits"


# ---- control ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bad", "why"), [
    (np.zeros((1, 4, 4)), "mask 0 is empty"),
    (np.full((1, 4, 4), np.nan), "holds NaN"),
    (np.full((1, 4, 4), 0.5), "other than 0 and 1"),
    (np.full((1, 4, 4), 2), "other than 0 and 1"),
    (np.ones((4, 4)), r"must be \(N, H, W\)"),
])  # fmt: skip
@pytest.mark.parametrize("call", [
    control.checked, lambda m: control.grown(m, 1), lambda m: control.moved(m, 1, 1),
    lambda m: control.placed(m, 1, 1), lambda m: control.within(m, np.ones((1, 4, 4))),
    control.together,
])  # fmt: skip
def test_bad_masks_are_refused_in_one_sentence(bad, why, call):
    with pytest.raises(ValueError, match=why) as error:
        call(bad)
    assert str(error.value).count(".") == 1 and str(error.value).endswith(".")


def test_severity_scales_in_its_range_alone():
    assert np.array_equal(control.scaled(FIELD, 2.0), 2 * FIELD)
    assert control.scaled(FIELD, 0.5).dtype == np.float32 and not control.scaled(FIELD, 0).any()
    for bad in (-0.1, 3.1, np.nan, np.inf):
        with pytest.raises(ValueError, match=r"severity .* is out of range; use 0 to 3"):
            control.scaled(FIELD, bad)
    with pytest.raises(ValueError, match="the deviation holds NaN"):
        control.scaled(FIELD * np.nan, 1.0)


def test_growth_is_by_euclidean_distance_and_stops_at_the_border():
    point = np.zeros((1, 9, 9), dtype=bool)
    point[0, 4, 4] = True
    assert np.array_equal(control.grown(point, 2)[0], disc(4, 4, 2, 9))
    assert np.array_equal(control.grown(point, 0), point)
    assert np.array_equal(control.grown(control.grown(point, 3), -2), disc(4, 4, 1, 9)[None])
    with pytest.raises(ValueError, match="shrinks to nothing by 1 pixels"):
        control.grown(point, -1)
    with pytest.raises(ValueError, match="is no length"):
        control.grown(point, np.nan)
    whole = np.ones((1, 9, 9), dtype=bool)
    assert control.grown(whole, 3).all() and control.grown(whole, -3).all()
    edge = disc(0, 4, 3, 9)[None]
    assert control.grown(edge, -1)[0, 0, 4], "a lesion does not shrink from the border"


def test_a_lesion_is_moved_by_whole_pixels_and_cut_where_it_leaves_the_image():
    mask = disc(15, 14, 3)[None]
    assert np.array_equal(control.moved(mask, 4, -5)[0], disc(19, 9, 3))
    assert np.array_equal(control.moved(mask, -15, 0)[0], disc(0, 14, 3))
    assert np.array_equal(control.placed(np.concatenate([mask, mask]), 20, 9)[1], disc(20, 9, 3))
    with pytest.raises(ValueError, match=r"leaves the image by \(40, 0\)"):
        control.moved(mask, 40, 0)
    with pytest.raises(ValueError, match="is not whole"):
        control.moved(mask, 0.5, 0)


def test_a_lesion_larger_than_the_brain_becomes_the_brain():
    brain = disc(15, 15, 6)
    image = np.where(brain, 0.4, 0)[None]
    assert np.array_equal(control.within(np.ones((1, SIDE, SIDE)), image)[0], brain)
    with pytest.raises(ValueError, match="no pixel in the brain"):
        control.within(disc(2, 2, 2)[None], image)


def test_several_lesions_are_one_mask_if_they_share_no_pixel():
    two = np.stack([disc(8, 8, 3), disc(20, 20, 4)])
    assert np.array_equal(control.together(two), two[0] | two[1])
    with pytest.raises(ValueError, match="lesions share 5 pixels"):
        control.together(np.stack([disc(8, 8, 1), disc(8, 8, 3)]))
