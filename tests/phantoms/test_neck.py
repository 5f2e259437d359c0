"""The head-and-neck PET law: organs in place and in range, the scanner's blur and noise, disease.

What it shares with the brain (truth, streams, shapes, bad input) is tested in `test_volumes`.
"""

import re
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from scipy import ndimage, special

from lib.phantoms import neck, neck_atlas, volume
from lib.phantoms.fields import diffusion_matrix

LAW = neck.NECK
STILL = dict.fromkeys(("shoulders", "shift", "nod", "turn", "lean", "warp"), (0.0, 0.0))
STILL |= {"size": (1.0, 1.0), "girth": (1.0, 1.0)}
EVEN = {"tissue": (0.0, 0.0), "spot_suv": (0.0, 0.0), "calibration": (1.0, 1.0)}
PIXEL = 2 * neck.MM / 64  # mm
SLICE = 2 * neck.MM * volume.HEIGHT / 32


def quiet(law=LAW, **ranges):
    """The law without noise."""
    return replace(law, noise=(0.0, 0.0), **ranges)


def drawn(law, n=8, seed=7, shape=volume.SHAPE):
    return neck.render(neck.sample(law, n, np.random.default_rng(seed)), shape)


@cache
def noisy():
    return drawn(LAW, 12)


@cache
def silent():
    """The subjects of `noisy`."""
    return drawn(quiet(), 12)


@cache
def organ(name: str, side: int = 0, n: int = 12) -> np.ndarray:
    return neck.organ(neck.sample(LAW, n, np.random.default_rng(7)), name, side)


# Anatomy


@cache
def plain_subjects():
    """Healthy uptake of subjects in the atlas' own pose, and their parameters."""
    p = neck.sample(quiet(**STILL, **EVEN), 20, np.random.default_rng(1))
    return p, neck.render(p).healthy[:, 0]


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("fat", 0.2, 0.4), ("muscle", 0.5, 1.2), ("vessel", 1.5, 2.0), ("marrow", 1.5, 2.5),
     ("tonsil", 2, 5), ("parotid", 2, 5), ("submandibular", 2, 5), ("sublingual", 2, 5),
     ("grey", 6, 12)],
)  # fmt: skip
def test_the_law_states_the_uptake_of_physiology(name, low, high):
    bounds = getattr(LAW, f"{name}_suv")
    assert low <= bounds[0] < bounds[1] <= high


@pytest.mark.parametrize(
    "name",
    ["tonsil", "parotid", "submandibular", "sublingual", "vessel", "marrow", "cord", "adenoid",
     "lingual", "palate", "grey", "thyroid", "eye_muscle"],
)  # fmt: skip
def test_organs_show_the_uptake_of_the_law(name):
    """Before noise: the upper tenth of the organ's core, within a quarter of what was drawn."""
    p, healthy = plain_subjects()
    sided = name in neck_atlas.SIDED
    wanted = p.values[f"{name}_suv"][:, 0]
    if name == "thyroid":
        hot = p.values["thyroid_lot"][:, 0] > 1 - neck.HOT_THYROID
        wanted = np.where(hot, p.values["hot_thyroid_suv"][:, 0], wanted)
    core = [neck.organ(p[:1], name, side)[0] for side in ((1, -1) if sided else (0,))]
    core = [share > 0.5 * share.max() for share in core]
    seen = np.max([[np.quantile(image[c], 0.9) for image in healthy] for c in core], axis=0)
    assert np.median(seen / wanted) == pytest.approx(1, abs=0.15)
    assert (np.abs(seen / wanted - 1) < 0.35).all()


def test_muscle_fat_and_air_are_as_the_law_has_them():
    p, healthy = plain_subjects()
    body = neck.organ(p[:1], "fat")[0]
    share = {name: neck.organ(p[:1], name)[0] for name in ("muscle", "air")}
    low = slice(2, 14)  # the neck, far from the brain
    deep = ndimage.binary_erosion(share["muscle"][low] > 0.99, np.ones((1, 3, 3)))
    middle = np.array([np.quantile(image[low][deep], 0.3) for image in healthy])
    assert np.median(middle / p.values["muscle_suv"][:, 0]) == pytest.approx(1, abs=0.2)
    outside = ndimage.binary_dilation(body > 0.01, iterations=3)
    assert healthy[:, ~outside].max() < 0.05
    windpipe = share["air"][:4] > 0.9
    assert windpipe.any() and np.median(healthy[:, :4][:, windpipe]) < 0.6


def test_organs_lie_in_order():
    """Brain above the eyes above the throat above the thyroid; tonsils above glands above cords."""
    middle = {}
    for name, side in neck_atlas.names():
        share = neck_atlas.whole(name, side).numpy()
        middle[name, side] = np.array(ndimage.center_of_mass(share))  # z, y, x
    middle_ones = ("grey", "eye", "adenoid", "palate", "sublingual", "thyroid")
    heights = [middle[name, 0][0] for name in middle_ones]
    assert heights == sorted(heights, reverse=True)
    heights = [middle[name, 1][0] for name in ("parotid", "tonsil", "submandibular", "cords")]
    assert heights == sorted(heights, reverse=True)
    for name in neck_atlas.SIDED:
        assert middle[name, 1][2] > middle[name, -1][2], "the left is on the right of the image"
    row = [middle[key][1] for key in (("lips", 0), ("tongue", 0), ("lingual", 0), ("cord", 0))]
    assert row == sorted(row), "front to back"
    across = [middle[name, 1][2] for name in ("cords", "tonsil", "submandibular", "parotid")]
    assert across == sorted(across), "middle to side"


def test_the_brain_is_hottest_and_at_the_top():
    b = silent()
    grey = organ("grey")
    top = b.healthy[:, 0, -6:].max((1, 2, 3))
    assert (top > 5).all() and (top < 16).all()
    below = b.healthy[:, 0, :16].max((1, 2, 3))
    assert (below < 0.9 * top).all()
    assert (grey[:, :12].max((1, 2, 3)) < 0.01).all() and (grey[:, -4:] > 0.8).any((1, 2, 3)).all()


def test_cortex_is_brighter_than_white_matter():
    p, healthy = plain_subjects()
    (grey,), (nuclei,) = neck.organ(p[:1], "grey"), neck.organ(p[:1], "nuclei")
    (white,) = neck.organ(p[:1], "white")
    bare = (white > 0.99) & (grey < 0.05) & (nuclei < 0.05)
    bare &= neck.organ(p[:1], "ventricle")[0] < 0.05
    ratio = healthy[:, grey > 0.95].mean(1) / healthy[:, bare].mean(1)
    assert (ratio > 1.25).all()


def test_the_body_widens_at_the_shoulders():
    shares = organ("fat")
    width = (shares > 0.5).any(2).sum(-1) * PIXEL  # (N, D), mm
    narrowest = width[:, 3:14].min(1)
    assert (width[:, 0] > 1.5 * narrowest).all() and np.median(width[:, 0]) > 200
    head = width[:, 24]
    assert ((head > 110) & (head < 175)).all()
    assert ((narrowest > 75) & (narrowest < 155)).all()


@pytest.mark.parametrize(("lot", "ratio"), [(0.0, 0.95), (1.0, 1 - neck.COOLER)])
def test_one_side_of_a_pair_is_cooler(lot, ratio):
    """A little in all, markedly in some; on the side that the sign says."""
    for left_cooler in (-1, 1):
        ends = (0.05 * left_cooler,) * 2
        law = quiet(**STILL, **EVEN, sides=ends, sides_lot=(lot, lot), parotid_suv=(3, 3))
        p = neck.sample(law, 1, np.random.default_rng(0))
        healthy = neck.render(p).healthy[0, 0]
        left, right = (healthy[neck.organ(p, "parotid", s)[0] > 0.9].mean() for s in (1, -1))
        assert (left / right) ** left_cooler == pytest.approx(ratio, abs=0.05)


def test_brown_fat_lights_up_beside_the_neck_in_some():
    lots = neck.sample(LAW, 400, np.random.default_rng(0)).values["brown_fat_lot"]
    assert 0.05 < (lots > 1 - neck.BROWN_FAT).mean() < 0.2
    none, some = (drawn(quiet(**STILL, brown_fat_lot=(x, x)), 3).healthy[:, 0] for x in (0, 1))
    more = some - none
    assert (more.max((1, 2, 3)) > 1).all() and np.abs(more[:, 12:]).max() < 0.05
    assert np.abs(more[..., 28:36]).max() < 0.2 * more.max(), "not in the middle"


def test_the_head_turns_and_the_shoulders_stay():
    seeds = np.arange(3, dtype=np.uint64)
    laws = [quiet(**(STILL | {"turn": (t, t)})) for t in (0.0, 0.14)]
    still, turned = (neck.render(neck.from_seeds(law, seeds)).healthy for law in laws)
    moved = np.abs(turned - still)[:, 0].mean((0, 2, 3)) / still[:, 0].mean((0, 2, 3))
    assert moved[0] < 0.02 < 0.1 < moved[20]


def test_physiology_is_the_same_in_subject_and_counterfactual():
    b = noisy()
    outside = ~b.support
    assert np.array_equal(b.image[:, 0][outside], b.healthy[:, 0][outside])
    assert b.support.mean() < 0.1, "a tumour changes a small part of the volume"
    bare = neck.render(
        neck.from_seeds(replace(LAW, tumour_strength=(0.0, 0.0)), b.subject, b.label)
    )
    assert np.array_equal(bare.image, b.healthy)


# Scanner


@pytest.mark.parametrize("fwhm", [6.0, 7.0, 10.0])
def test_a_point_source_has_the_width_of_the_law(fwhm):
    assert LAW.blur[0] >= 6.0 and LAW.blur[1] <= 7.0
    point = torch.zeros(volume.SHAPE)
    point[15, 30, 33] = 1.0
    image = neck.point_spread(fwhm)(point).numpy().astype(float)
    assert image.sum() == pytest.approx(1, rel=1e-4)
    for axis, size in enumerate((SLICE, PIXEL, PIXEL)):
        profile = image.sum(tuple({0, 1, 2} - {axis}))
        at = np.arange(len(profile)) - (profile * np.arange(len(profile))).sum()
        deviation = np.sqrt((profile * at**2).sum()) * size
        assert deviation * np.sqrt(8 * np.log(2)) == pytest.approx(fwhm, rel=0.05)


def test_diffusion_matrix_is_the_discrete_gaussian():
    for sigma in (0.4, 0.7, 1.2):
        matrix = diffusion_matrix(41, sigma).double().numpy()
        theirs = special.ive(np.arange(-20, 21), sigma**2)  # exp(-t) I_n(t)
        np.testing.assert_allclose(matrix[20], theirs, atol=2e-3)
        np.testing.assert_allclose(matrix.sum(0), 1, atol=1e-6)
        np.testing.assert_allclose(matrix, matrix.T, atol=1e-7)
        assert (matrix >= 0).all() and (matrix[20] == 0).any(), "it ends"


def test_labels_are_the_tumours_own_shape():
    """A wider point spread changes image and support; never the labels."""
    sharp, wide = (drawn(quiet(blur=(b, b)), 3) for b in (5.0, 11.0))
    assert np.array_equal(sharp.parts, wide.parts)
    assert (wide.support >= sharp.support).all() and wide.support.sum() > sharp.support.sum()


def test_the_point_spread_loses_no_uptake():
    sharp, wide = (drawn(quiet(blur=(b, b)), 3) for b in (2.5, 11.0))
    total = [b.healthy.sum((1, 2, 3, 4), dtype=np.float64) for b in (sharp, wide)]
    np.testing.assert_allclose(*total, rtol=2e-3)
    top = [b.healthy[:, 0, :12].max((1, 2, 3)) for b in (sharp, wide)]
    assert (top[1] < 0.95 * top[0]).all(), "but it lowers peaks"


def residual_correlation(image: np.ndarray) -> float:
    """Of horizontal neighbours in slices (S, H, W): what a Gaussian of 2 pixels leaves, in the
    body eroded by two pixels.
    """
    pairs = []
    for plane in image:
        rest = plane - ndimage.gaussian_filter(plane, 2)
        body = ndimage.binary_erosion(ndimage.gaussian_filter(plane, 2) > 0.3, iterations=2)
        both = body[:, 1:] & body[:, :-1]
        pairs.append((rest[:, 1:][both], rest[:, :-1][both]))
    left, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
    return np.corrcoef(left, right)[0, 1]


def test_neighbours_are_correlated_as_in_a_reconstruction():
    """Within 0.6 to 0.8: of the image and, more strictly, of its noise alone."""
    b, mean = noisy(), silent().healthy[:, 0]
    whole = [residual_correlation(image[0]) for image in b.image]
    assert min(whole) > 0.6 and max(whole) < 0.8
    noise = b.healthy[:, 0] - mean
    inside = (mean > 0.3)[..., 1:] & (mean > 0.3)[..., :-1]
    own = np.corrcoef(noise[..., 1:][inside], noise[..., :-1][inside])[0, 1]
    assert 0.6 < own < 0.8


def test_noise_grows_with_the_uptake():
    law = replace(LAW, noise=(0.1, 0.1), noise_power=(0.7, 0.7), shoulder_noise=(1, 1))
    law = replace(law, calibration=(1.0, 1.0))
    noise = drawn(law).healthy - (mean := drawn(quiet(law)).healthy)
    for low, high in ((0.8, 1.0), (2.0, 3.0), (6.0, 12.0)):
        where = (mean > low) & (mean < high)
        expected = 0.1 * np.sqrt((mean[where] ** 1.4).mean())
        assert noise[where].std() == pytest.approx(expected, rel=0.1)
    assert drawn(law).image.min() >= 0


def test_noise_is_larger_between_the_shoulders():
    law = replace(LAW, shoulder_noise=(1.7, 1.7))
    even = replace(LAW, shoulder_noise=(1.0, 1.0))
    more, less = (drawn(x).healthy - drawn(quiet(x)).healthy for x in (law, even))
    ratio = more.std((0, 1, 3, 4)) / less.std((0, 1, 3, 4))
    assert ratio[:2].mean() > 1.5 and ratio[20:].max() < 1.05


def test_the_second_scanner_blurs_more_and_is_noisier():
    shifted = neck.LAWS["neck shifted"]
    seeds = noisy().subject[:4]
    first, second = (
        [neck.render(neck.from_seeds(law, seeds)).healthy for law in (own, quiet(own))]
        for own in (LAW, shifted)
    )
    spread = [(with_noise - mean).std() / mean.mean() for with_noise, mean in (first, second)]
    assert spread[1] > 1.4 * spread[0]
    peak = [mean[:, :, :18].max() / mean.mean() for _, mean in (first, second)]
    assert peak[1] < peak[0]


def test_calibration_scales_all_uptake():
    one, two = (drawn(quiet(calibration=(c, c)), 2) for c in (1, 2))
    np.testing.assert_allclose(two.healthy, 2 * one.healthy, rtol=1e-3, atol=1e-3)


# Disease


@cache
def patients():
    """Forty subjects without noise, and the SUVmax of their tumours."""
    p = neck.sample(quiet(), 40, np.random.default_rng(4))
    b = neck.render(p)
    top = np.array([b.image[i, 0][b.mask[i]].max() for i in range(len(b))])
    return p, b, top


def test_the_hottest_labelled_voxel_shows_the_suvmax_of_the_law():
    p, _, top = patients()
    np.testing.assert_allclose(top, np.exp(p.values["tumour_log_suvmax"][:, 0]), rtol=0.03)
    assert 4 <= top.min() < 5 and 11 < top.max() <= 15.01


def test_healthy_uptake_can_pass_for_a_tumour():
    """Some tumours are fainter than a tonsil of their own subject, more than some healthy organ."""
    law = quiet(tumour_log_suvmax=(1.3863, 1.5))
    p = neck.sample(law, 20, np.random.default_rng(2))
    b = neck.render(p)
    top = np.array([b.image[i, 0][b.mask[i]].max() for i in range(len(b))])
    tonsils = np.maximum(*(neck.organ(p, "tonsil", side) for side in (1, -1))) > 0.3
    tonsil = np.array([b.healthy[i, 0][tonsils[i]].max() for i in range(len(b))])
    assert 0.1 < (top < tonsil).mean() < 0.9
    _, b, top = patients()
    below = b.healthy[:, 0, 3:17].max((1, 2, 3))
    assert 0.05 < (below > top).mean() < 0.5


def test_tumours_measure_one_to_four_centimetres():
    _, b, _ = patients()
    low, high = (2 * r / 10 for r in LAW.tumour_radius)
    assert low >= 1 and high <= 4
    volume_ml = b.mask.sum((1, 2, 3)) * PIXEL**2 * SLICE / 1000
    diameter = (6 / np.pi * volume_ml) ** (1 / 3)
    assert diameter.min() > 0.6 and diameter.max() < 4.6 and 1.5 < np.median(diameter) < 3.2
    slices = b.mask.any((2, 3)).sum(1)
    assert 3 <= np.median(slices) <= 7


def test_tumours_sit_on_the_wall_of_the_airway_and_not_in_it():
    p, b, _ = patients()
    air = neck.organ(p, "air") > 0.7
    bone = np.maximum(neck.organ(p, "marrow"), neck.organ(p, "white")) > 0.8
    assert not b.mask[bone].any(), "neither bone nor brain"
    assert (b.mask & air).sum() < 0.01 * b.mask.sum()
    near = np.stack([ndimage.binary_dilation(m, iterations=3) for m in b.mask])
    mouth = np.array([re.search("of the (mouth|oral)", text) is not None for text in b.text])
    assert (near & air).any((1, 2, 3))[~mouth].mean() > 0.9
    assert not b.mask[:, -2:].any()


def test_every_site_is_used_and_named():
    p = neck.sample(LAW, 300, np.random.default_rng(3))
    text = neck.describe(p)
    for site in neck.SITES:
        assert 20 < sum(f"of the {site}," in line for line in text) < 80
    assert 0.4 < np.mean(["left" in line for line in text]) < 0.6
    assert np.array_equal(["hollow" in line for line in text], p.label == 1)


def test_a_tumour_lies_on_the_side_that_its_text_names():
    law = quiet(**STILL, site=(0.0, 0.9))  # a tonsil
    b = drawn(law, 10)
    column = [ndimage.center_of_mass(mask)[2] for mask in b.mask]
    left = np.array([", left," in text for text in b.text])
    assert 0 < left.sum() < 10
    assert np.array_equal(np.array(column) > 31.5, left), "the left is on the right of the image"


def test_nodes_are_unlabelled_and_absent_from_the_counterfactual():
    _, b, _ = patients()
    none = np.array(["with no node" in text for text in b.text])
    assert 0.2 < none.mean() < 0.7
    assert set(np.unique(b.parts)) == {0, neck.PRIMARY}
    near = np.stack([ndimage.binary_dilation(m, iterations=6) for m in b.mask])
    away = (np.abs(b.deviation[:, 0]) * ~near).max((1, 2, 3))
    assert (away[none] < 0.05).all()
    assert (away[~none] > 1).mean() > 0.7, "a node far from the tumour"


def test_hollow_tumours_are_colder_inside():
    """Of large tumours the middle against the whole, in both grades of the same subjects."""
    law = quiet(tumour_radius=(16.0, 19.0), low_texture=(0, 0), tumour_texture=(0, 0))
    seeds = neck.sample(law, 10, np.random.default_rng(8)).seed
    share = []
    for grade in (0, 1):
        b = neck.render(neck.from_seeds(law, seeds, np.full(10, grade)))
        deep = [ndimage.binary_erosion(m, iterations=2) for m in b.mask]
        own = zip(b.image[:, 0], b.mask, deep, strict=True)
        share.append([image[d].min() / image[m].max() for image, m, d in own if d.any()])
    assert np.median(share[0]) > 1.25 * np.median(share[1])


def test_a_tumour_takes_the_place_of_tissue():
    """A cold tumour in a hot tonsil lowers its uptake."""
    here = {"site": (0.0, 0.5), "tumour_shift": (0.0, 0.0), "tumour_log_suvmax": (0.0, 0.0)}
    law = quiet(**STILL, **here, tonsil_suv=(5, 5), sides_lot=(0, 0), node_lot=(0, 0))
    b = drawn(law, 4)
    assert (b.deviation.min((1, 2, 3, 4)) < -0.7).all()


def test_an_unknown_organ_is_refused():
    with pytest.raises(ValueError, match="tonsil' of side 0 is unknown; choose one of"):
        neck.organ(neck.sample(LAW, 1, np.random.default_rng(0)), "tonsil")
