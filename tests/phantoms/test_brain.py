"""The brain law: one atlas moved by each subject, tissues, tumours, noise like that of patients.

What it shares with the neck (truth, streams, shapes, bad input) is tested in `test_volumes`.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from scipy import ndimage, stats

from lib.phantoms import brain, volume
from lib.phantoms.acquisition import rician
from lib.phantoms.brain_anatomy import filled, sheet
from lib.phantoms.brain_atlas import CHANNELS, FIELD, STEP, atlas

LAW = brain.BRAIN
POSE = ("shift", "tilt", "nod", "lean", "warp", "ripple")
STILL = dict.fromkeys(POSE, (0.0, 0.0)) | {"scale": (1.0, 1.0)}
QUIET = {"bias": (0.0, 0.0), "noise": (0.0, 0.0)}
PLAIN = {"tissue_grey": (0.0, 0.0), "cap_flair": (0.0, 0.0), "spot_flair": (0.0, 0.0)}
VOXEL = np.prod([e / n for e, n in zip(FIELD, volume.SHAPE, strict=True)]) / 1000  # ml


@cache
def subjects(n=8):
    return brain.sample(LAW, n, np.random.default_rng(7))


@cache
def batch():
    return brain.render(subjects())


@cache
def anatomy():
    return brain.tissues(subjects())


def of(field: str) -> np.ndarray:
    return np.stack([getattr(t, field).numpy() for t in anatomy()])


def drawn(modalities=("FLAIR",), n=8, grade=None, seeds=None, **ranges):
    """Subjects of the law with other ranges."""
    seeds = subjects().seed[:n] if seeds is None else seeds
    grades = None if grade is None else np.full(len(seeds), grade)
    return brain.render(brain.from_seeds(replace(LAW, **ranges), seeds, grades), modalities)


# One anatomy


def fine(volumes: np.ndarray) -> np.ndarray:
    """(n, voxels): what is smaller than 2 cm in the slices, inside the brain of all."""
    inside = ndimage.binary_erosion((volumes > 0).all(0), iterations=2)
    return np.stack([(x - ndimage.gaussian_filter(x, (0, 2, 2)))[inside] for x in volumes])


def test_subjects_share_their_folds():
    """In one pose the fine structure of two subjects is the same but for the folds of their own."""
    still = drawn(("T1",), **STILL, **QUIET).healthy[:, 0]
    shared = np.corrcoef(fine(still))[np.triu_indices(8, 1)]
    assert shared.min() > 0.75 and shared.max() < 0.99
    moved = np.corrcoef(fine(drawn(("T1",), **QUIET).healthy[:, 0]))[np.triu_indices(8, 1)]
    assert 0.1 < moved.mean() < 0.5, "the pose hides much of it"


def test_the_atlas_has_the_proportions_of_a_brain():
    a = dict(zip(CHANNELS, atlas()[0].numpy(), strict=True))
    inside, litre = a["depth"] > 0, STEP**3 / 1e6
    assert 1.3 < inside.sum() * litre < 1.8
    below = (inside & (a["upper"] < 0.5)).sum() / inside.sum()
    assert 0.08 < below < 0.20, "cerebellum and brain stem"
    assert 0.008 < (a["lateral"] < 0).sum() * litre < 0.04, "lateral ventricles"
    assert not inside[[0, -1]].any() and not inside[:, [0, -1]].any(), "it fits the field"
    folded = (a["fold"] < 0.8) & (a["depth"] > 4)
    right, left = folded[:, :, :44], folded[:, :, :51:-1]
    unlike = (right ^ left).sum() / (right.sum() + left.sum())
    assert 0.2 < unlike < 0.7, "two sides alike, not mirrored"


def test_ages_widen_ventricles_and_sulci():
    def fluid(**ranges):
        p = brain.from_seeds(replace(LAW, **ranges), subjects().seed[:2])
        return np.array([(t.fluid * (t.depth > 0)).sum().item() * VOXEL for t in brain.tissues(p)])

    young = {"ventricle_size": (-2, -2), "sulcus_width": (0.5, 0.5)}
    base = fluid(**young)
    assert (fluid(**(young | {"ventricle_size": (1.5, 1.5)})) > base + 8).all()
    assert (fluid(**(young | {"sulcus_width": (1.1, 1.1)})) > base + 40).all()


def test_a_sheet_fills_its_share_of_the_voxels():
    """Over all distances `filled` and `sheet` keep the volume of a half space and of a sheet."""
    t, border = torch.linspace(-40, 40, 80_001, dtype=torch.float64), torch.tensor(4.0)
    assert (sheet(t.abs(), torch.tensor(0.7), border).sum() / 1000).item() == pytest.approx(1.4)
    assert filled(torch.tensor(0.0), border) == 0.5 and filled(torch.tensor(9.0), border) > 0.999


def test_background_is_zero_and_only_background():
    b, inside = batch(), of("depth") > 0
    assert not b.image[~np.broadcast_to(inside[:, None], b.image.shape)].any()
    assert (b.image > 0).mean((1, 2, 3, 4)).max() < 0.5
    assert all(ndimage.label(m)[1] <= 6 for m in inside)
    sides = [inside[:, :, [0, -1]], inside[..., [0, -1]]]
    assert not any(side.any() for side in sides), "the field holds the brain"


# Tissues


def test_modalities_order_the_tissues():
    """T1: white > grey > fluid. T2: fluid > grey > white. FLAIR: grey > white > fluid."""
    healthy = drawn(brain.MODALITIES, **QUIET, **PLAIN).healthy
    for i, tissue in enumerate(anatomy()):
        bare = (tissue.vessel + tissue.choroid + tissue.residue + tissue.tracts) < 0.01
        inside = ((tissue.depth > 0) & bare).numpy()
        shares = np.stack([getattr(tissue, k).numpy()[inside] for k in ("fluid", "grey", "white")])
        for m, image in zip(brain.MODALITIES, healthy[i], strict=True):
            fluid, grey, white = np.linalg.lstsq(shares.T, image[inside], rcond=None)[0]
            ordered = {"T2": (white, grey, fluid), "FLAIR": (fluid, white, grey)}
            dark, middle, bright = ordered.get(m, (fluid, grey, white))
            gap = 0.0 if m == "FLAIR" else 0.02
            assert dark + 0.02 < middle and middle + gap < bright


def test_tissues_are_shares_of_one_voxel():
    fluid, grey, white = of("fluid"), of("grey"), of("white")
    np.testing.assert_allclose(fluid + grey + white, 1, atol=1e-5)
    assert min(fluid.min(), grey.min(), white.min()) >= 0
    for share in (fluid, grey, white):
        assert 0.05 < share[of("depth") > 0].mean() < 0.65, "a brain has all three"


def test_agent_brightens_vessels_and_plexus_of_healthy_brains():
    plain, agent = drawn(("T1", "T1Gd"), **QUIET).healthy.swapaxes(0, 1)
    gain = agent - plain
    inside = of("depth") > 0
    vessel, tissue = inside & (of("vessel") > 0.5), inside & (of("white") > 0.9)
    assert gain[vessel].mean() > 0.2 + gain[tissue].mean()


def test_bright_points_of_flair_are_no_tumour():
    seeds = subjects().seed[:4]
    without = {"spot_flair": (0.0, 0.0), "cap_flair": (0.0, 0.0)}
    a, b = (drawn(("T1", "FLAIR"), seeds=seeds, **QUIET, **law).healthy for law in ({}, without))
    assert np.array_equal(a[:, 0], b[:, 0]), "T1 does not show them"
    assert (a - b)[:, 1].max((1, 2, 3)).min() > LAW.flair_contrast[0]


# Tumours


def test_no_tumour_in_ventricles_nor_outside_the_brain():
    b = batch()
    assert not b.support[of("depth") <= 0].any()
    assert not b.support[of("ventricle") > 0.5].any()
    assert not b.mask[of("upper") < 0.3].any(), "nor in cerebellum and brain stem"
    near = ndimage.binary_dilation(of("ventricle").max(0) > 0.5, iterations=3)
    assert b.mask[:, near].any(), "the test sees tumours beside ventricles"


def test_oedema_follows_white_matter():
    """Where grey matter resists, less of the tumour is grey, and its border has more fingers."""
    grey, rough = [], []
    for resistance in (0.0, 0.6):
        mask = drawn(tumour_resistance=(resistance,) * 2, grade=0).mask
        grey.append([g[m].mean() for g, m in zip(of("grey"), mask, strict=True)])
        edge = mask ^ ndimage.binary_erosion(mask, np.ones((1, 1, 3, 3)))
        rough.append(edge.sum((1, 2, 3)) / mask.sum((1, 2, 3)) ** (2 / 3))
    assert (np.array(grey[1]) < 0.9 * np.array(grey[0])).all()
    assert np.mean(rough[1]) > np.mean(rough[0])


def test_high_grade_has_core_and_rim_and_low_grade_next_to_none():
    for grade, few in ((0, True), (1, False)):
        labels = drawn(grade=grade).parts
        share = np.isin(labels, (1, 4)).sum((1, 2, 3)) / (labels > 0).sum((1, 2, 3))
        assert (share.max() < 0.03) if few else (share.min() > 0.03)
        if not few:
            core, rim = labels == brain.NECROSIS, labels == brain.RIM
            assert core.any((1, 2, 3)).mean() > 0.8 and rim.any((1, 2, 3)).all()
            cross = ndimage.generate_binary_structure(2, 1)[None, None]  # neighbours in a slice
            beside = labels[ndimage.binary_dilation(core, cross) & ~core & (labels > 0)]
            assert (beside == brain.RIM).mean() > 0.9, "the rim wraps the core"


def test_rim_takes_up_contrast_agent():
    b = batch()
    gain = b.deviation[:, brain.MODALITIES.index("T1Gd")]
    assert gain[b.parts == brain.RIM].mean() > 0.1 + gain[b.parts == brain.NECROSIS].mean()
    agent = gain - b.deviation[:, brain.MODALITIES.index("T1")]
    assert agent[b.parts == brain.RIM].mean() > 0.2, "it is the agent that brightens the rim"
    assert abs(agent[b.parts == brain.OEDEMA].mean()) < 0.06, "and the rim alone"


def test_most_tumours_are_seen_in_flair_and_some_are_faint():
    seeds = np.arange(40, dtype=np.uint64)
    b = drawn(seeds=seeds, **QUIET)
    white = np.array([t.white for t in brain.tissues(brain.from_seeds(LAW, seeds))]) > 0.9
    cases = zip(b.image, b.healthy, b.parts, white, strict=True)
    excess = [
        image[0][m == brain.OEDEMA].mean() / healthy[0][w].mean() - 1
        for image, healthy, m, w in cases
    ]
    assert min(excess) > 0 and np.mean(np.array(excess) > 0.25) > 0.6
    assert np.mean(np.array(excess) < 0.25) > 0.05, "some are faint"


def test_grades_differ_in_texture():
    """Without noise and in plain surroundings the oedema of high grade is the rougher."""
    bare = {"inner_size": (0, 0), "low_inner_size": (0, 0), "tumour_flattening": (1, 1)}
    spread = []
    for grade in (0, 1):
        b = drawn(grade=grade, **QUIET, **PLAIN, **bare)
        deep = [ndimage.binary_erosion(m, iterations=2) for m in b.mask]
        spread.append([image[0][d].std() / image[0][d].mean()
                       for image, d in zip(b.image, deep, strict=True)])  # fmt: skip
    assert (np.array(spread[1]) > 1.3 * np.array(spread[0])).mean() >= 0.75


@pytest.mark.parametrize(("low", "high"), [(0.20, 0.21), (0.36, 0.37)])
def test_radius_law_sets_the_size(low, high):
    round_ = {"low_border": (0, 0), "tumour_aspect": (1, 1), "tumour_stretch": (1, 1)}
    place = {"tumour_reach": (0.4, 0.4), "tumour_z": (0.24, 0.24), "tumour_resistance": (0, 0)}
    labels = drawn(grade=0, tumour_radius=(low, high), **round_, **place).parts
    radius = (np.count_nonzero(labels, axis=(1, 2, 3)) * VOXEL * 3000 / 4 / np.pi) ** (1 / 3) / 96
    assert radius.max() < high * 1.03, "ventricles and clefts only take away"
    assert np.median(radius) > 0.8 * low


def test_tumours_span_a_third_of_the_slices():
    slices = drawn(seeds=np.arange(24, dtype=np.uint64)).mask.any((2, 3)).sum(1)
    assert 9 <= np.median(slices) <= 16 and slices.min() >= 5


def test_mass_effect_pushes_the_anatomy_and_leaves_health_in_place():
    seeds = subjects().seed[:3]
    off, on = (
        drawn(("T1",), seeds=seeds, grade=1, mass_effect=m, **QUIET)
        for m in ((0.0, 0.0), (0.4, 0.4))
    )
    assert np.array_equal(off.healthy, on.healthy)
    assert (on.support.sum((1, 2, 3)) > 1.3 * off.support.sum((1, 2, 3))).all()
    assert not (on.image != on.healthy).any(1)[~on.support].any()
    away = on.support & ~off.support  # moved tissue that holds no tumour
    assert np.abs(on.deviation[:, 0][away]).mean() > 0.01
    limit = drawn(("T1",), seeds=seeds, grade=1, mass_effect=(1e-7, 1e-7), **QUIET)
    np.testing.assert_allclose(limit.image, off.image, atol=1e-3)  # off is the limit of on


# Noise


def test_noise_has_the_laws_deviation_and_correlated_neighbours():
    silent = drawn(brain.MODALITIES, n=2, noise=(0, 0)).healthy
    noisy = drawn(brain.MODALITIES, n=2, noise=(0.01, 0.01)).healthy
    noise = (noisy - silent)[..., 24:44, 24:40]
    assert noise[:, :, 10:20].std() == pytest.approx(0.01, rel=0.05)
    noise = noise[:, :, 10:20] / noise[:, :, 10:20].std((2, 3, 4), keepdims=True)
    across = (noise[..., 1:] * noise[..., :-1]).mean()
    down = (noise[..., 1:, :] * noise[..., :-1, :]).mean()
    along = (noise[:, :, 1:] * noise[:, :, :-1]).mean()
    expected = np.exp(-1 / (4 * (brain.NOISE_BLUR / 3) ** 2))  # of a Gaussian filter, voxels 3 mm
    assert across == pytest.approx(expected, abs=0.12) and down == pytest.approx(across, abs=0.1)
    assert 0.3 < across < 0.6 and abs(along) < 0.1


def test_modalities_have_noise_of_their_own():
    silent = drawn(brain.MODALITIES, n=2, noise=(0, 0)).healthy
    noise = (batch().healthy[:2] - silent)[:, :, (of("depth")[:2] > 20).all(0)]
    assert np.abs(np.triu(np.corrcoef(noise[0]), 1)).max() < 0.1


def test_noise_has_the_rician_floor_and_is_normal_in_signal():
    rng = torch.Generator().manual_seed(0)
    real, imaginary = torch.randn(2, 200_000, generator=rng)
    sigma = torch.tensor(0.05)
    for signal in (0.0, 0.1, 0.7):
        law = stats.rice(signal / 0.05, scale=0.05)
        made = rician(torch.full((200_000,), signal), real, imaginary, sigma)
        assert made.mean().item() == pytest.approx(law.mean(), rel=0.01)
        assert made.std().item() == pytest.approx(law.std(), rel=0.02)


# Requests


@pytest.mark.parametrize("chosen", [("FLAIR",), ("T2", "T1")], ids="+".join)
def test_a_modality_alone_equals_itself_among_all(chosen):
    b, p = batch(), subjects()
    alone = brain.render(p[2:4], modalities=chosen)
    at = [brain.MODALITIES.index(m) for m in chosen]
    assert np.array_equal(alone.image, b.image[2:4, at])
    assert np.array_equal(alone.healthy, b.healthy[2:4, at])
    assert np.array_equal(alone.parts, b.parts[2:4])


def test_grades_are_drawn_evenly_and_kept():
    p = brain.sample(LAW, 600, np.random.default_rng(2))
    assert 240 < p.label.sum() < 360
    assert np.array_equal(brain.from_seeds(LAW, p.seed).label, p.label)


@pytest.mark.parametrize("modalities", [("PET",), (), "FLAIR", ("T1", "t2")])
def test_unknown_modalities_are_refused(modalities):
    with pytest.raises(ValueError, match="modalities must be some of"):
        brain.render(subjects(), modalities=modalities)
