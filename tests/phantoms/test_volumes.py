"""The volume phantoms keep their promises: exact truth, anatomy that tumours respect, the law."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from conftest import ROOT
from scipy import fft, ndimage, stats

from lib.phantoms import brain, neck, population, volume
from lib.phantoms.acquisition import rician
from lib.phantoms.fields import band_volume, gaussian_matrix, power_law_volume

SMALL = (16, 32, 32)
PHANTOMS = [brain, neck]
both = pytest.mark.parametrize("phantom", PHANTOMS, ids=["brain", "neck"])


def law_of(phantom):
    return brain.BRAIN if phantom is brain else neck.NECK


@cache
def subjects(phantom, n=8):
    return phantom.sample(law_of(phantom), n, np.random.default_rng(7))


@cache
def batch(phantom):
    return phantom.render(subjects(phantom))


@cache
def anatomy():
    return brain.tissues(subjects(brain))


def of(field: str) -> np.ndarray:
    return np.stack([getattr(t, field).numpy() for t in anatomy()])


def plain(law, **ranges):
    """The law without noise and drift."""
    quiet = {name: (0.0, 0.0) for name in ("bias", "noise") if name in vars(law)}
    return replace(law, **(quiet | ranges))


# Truth


@both
def test_truth_is_exact(phantom):
    b = batch(phantom)
    assert np.array_equal(b.deviation, b.image - b.healthy)
    changed = (b.image != b.healthy).any(1)
    assert not changed[~b.support].any(), "outside the support the bytes are those of health"
    assert b.support[b.mask].all(), "labels lie inside the support"
    assert (b.support.sum((1, 2, 3)) > 1.1 * b.mask.sum((1, 2, 3))).all(), "and it is wider"
    inside = np.mean([changed[i][b.mask[i]].mean() for i in range(len(b))])
    assert inside > 0.99, "what is labelled is changed"


@both
def test_every_subject_has_its_lesion_and_only_known_labels(phantom):
    b = batch(phantom)
    known = (0, 1, 2, 4) if phantom is brain else (0, neck.PRIMARY)
    assert np.isin(b.parts, known).all()
    assert (b.mask.sum((1, 2, 3)) > (20 if phantom is brain else 8)).all()
    assert b.image.dtype == np.float32 and np.isfinite(b.image).all() and b.image.min() >= 0


@both
def test_a_tumour_without_strength_is_the_identity(phantom):
    """The counterfactual: same seeds, no tumour, hence the healthy image to the byte."""
    p, b = subjects(phantom), batch(phantom)
    none = replace(law_of(phantom), tumour_strength=(0.0, 0.0))
    other = phantom.render(phantom.from_seeds(none, p.seed, p.label)[:3])
    assert np.array_equal(other.image, b.healthy[:3]) and np.array_equal(other.healthy, other.image)
    assert not other.deviation.any() and np.array_equal(other.parts, b.parts[:3])


@both
def test_one_subject_alone_equals_it_among_others(phantom):
    b = batch(phantom)
    for at in (0, 5):
        alone = phantom.render(phantom.from_seeds(law_of(phantom), b.subject[[at]]))
        assert np.array_equal(alone.image[0], b.image[at])
        assert np.array_equal(alone.parts[0], b.parts[at])
        assert alone.text[0] == b.text[at] and alone.label[0] == b.label[at]


def test_same_bytes_in_another_process():
    code = (
        "import hashlib, numpy as np; from lib.phantoms import brain, neck\n"
        "for r in (brain, neck):\n"
        "    p = r.sample(next(iter(r.LAWS.values())), 2, np.random.default_rng(5))\n"
        "    print(hashlib.sha256(r.render(p, shape=(16, 32, 32)).image.tobytes()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for phantom, theirs in zip(PHANTOMS, done.stdout.split(), strict=True):
        p = phantom.sample(law_of(phantom), 2, np.random.default_rng(5))
        ours = phantom.render(p, shape=SMALL).image.tobytes()
        assert theirs == hashlib.sha256(ours).hexdigest()


@pytest.mark.parametrize("chosen", [("FLAIR",), ("T2", "T1")], ids="+".join)
def test_a_modality_alone_equals_itself_among_all(chosen):
    b, p = batch(brain), subjects(brain)
    alone = brain.render(p[2:4], modalities=chosen)
    at = [brain.MODALITIES.index(m) for m in chosen]
    assert np.array_equal(alone.image, b.image[2:4, at])
    assert np.array_equal(alone.healthy, b.healthy[2:4, at])
    assert np.array_equal(alone.parts, b.parts[2:4])


@both
def test_grade_changes_the_tumour_and_nothing_else(phantom):
    p, b = subjects(phantom), batch(phantom)
    other = phantom.render(phantom.from_seeds(law_of(phantom), p.seed, 1 - p.label)[:3])
    assert np.array_equal(other.healthy, b.healthy[:3])
    assert not np.array_equal(other.image, b.image[:3])


@both
def test_subjects_differ_and_anatomy_is_smooth_along_slices(phantom):
    p = phantom.from_seeds(plain(law_of(phantom)), subjects(phantom).seed)
    healthy = phantom.render(p[:4]).healthy[:, 0]
    flat = healthy[:, 8:26].reshape(4, -1)
    between = np.corrcoef(flat)[np.triu_indices(4, 1)]
    assert between.max() < 0.97
    for own in healthy:
        steps = [np.corrcoef(own[k].ravel(), own[k + 1].ravel())[0, 1] for k in range(10, 24)]
        assert np.mean(steps) > 0.85


def test_grades_are_drawn_evenly_and_kept():
    p = brain.sample(brain.BRAIN, 600, np.random.default_rng(2))
    assert 240 < p.label.sum() < 360
    assert np.array_equal(brain.from_seeds(brain.BRAIN, p.seed).label, p.label)


@both
def test_parameters_follow_the_law(phantom):
    p = phantom.sample(law_of(phantom), 500, np.random.default_rng(1))
    for name in ("tumour_radius", "spot_radius", "tumour_angle"):
        low, high = getattr(law_of(phantom), name)
        uniform = (p.values[name].ravel() - low) / (high - low)
        assert stats.kstest(uniform, "uniform").pvalue > 1e-4, name


@both
def test_another_shape_shows_the_same_anatomy(phantom):
    p = phantom.from_seeds(plain(law_of(phantom)), subjects(phantom).seed[:2])
    fine, coarse = phantom.render(p), phantom.render(p, shape=SMALL)
    assert coarse.image.shape[2:] == SMALL
    for i in range(2):
        mean = fine.image[i, 0].reshape(16, 2, 32, 2, 32, 2).mean((1, 3, 5))
        assert np.corrcoef(mean.ravel(), coarse.image[i, 0].ravel())[0, 1] > 0.95
    assert coarse.mask.mean() == pytest.approx(fine.mask.mean(), rel=0.15)


# Brain


def test_modalities_order_the_tissues():
    """T1: white > grey > fluid. T2: fluid > grey > white. FLAIR: grey > white > fluid."""
    b = batch(brain)
    for i, tissue in enumerate(anatomy()):
        inside = (tissue.depth > 0).numpy()
        shares = np.stack([getattr(tissue, k).numpy()[inside] for k in ("fluid", "grey", "white")])
        for m, healthy in zip(brain.MODALITIES, b.healthy[i], strict=True):
            fluid, grey, white = np.linalg.lstsq(shares.T, healthy[inside], rcond=None)[0]
            ordered = {"T2": (white, grey, fluid), "FLAIR": (fluid, white, grey)}
            dark, middle, bright = ordered.get(m, (fluid, grey, white))
            assert dark + 0.02 < middle and middle + 0.02 < bright


def test_tissues_are_shares_of_one_voxel():
    fluid, grey, white = of("fluid"), of("grey"), of("white")
    np.testing.assert_allclose(fluid + grey + white, 1, atol=1e-5)
    assert min(fluid.min(), grey.min(), white.min()) >= 0
    brain_mask = of("depth") > 0
    for share in (fluid, grey, white):
        assert 0.05 < share[brain_mask].mean() < 0.65, "a brain has all three"


def test_no_tumour_in_ventricles_nor_outside_the_brain():
    b = batch(brain)
    assert not b.support[of("depth") <= 0].any()
    assert not b.support[of("ventricle") > 0.5].any()
    outside = np.broadcast_to((of("depth") <= 0)[:, None], b.image.shape)
    assert not b.image[outside].any(), "skull-stripped: zero outside"
    near = ndimage.binary_dilation(of("ventricle").max(0) > 0.5, iterations=3)
    assert b.mask[:, near].any(), "the test sees tumours beside ventricles"


def test_high_grade_has_core_and_rim_and_low_grade_next_to_none():
    seeds = subjects(brain).seed
    for grade, few in ((0, True), (1, False)):
        p = brain.from_seeds(brain.BRAIN, seeds, np.full(len(seeds), grade))
        labels = brain.render(p, ("FLAIR",)).parts
        share = np.isin(labels, (1, 4)).sum((1, 2, 3)) / (labels > 0).sum((1, 2, 3))
        assert (share.max() < 0.03) if few else (share.min() > 0.03)
        if not few:
            core, rim = labels == brain.NECROSIS, labels == brain.RIM
            assert core.any((1, 2, 3)).mean() > 0.8 and rim.any((1, 2, 3)).all()
            cross = ndimage.generate_binary_structure(2, 1)[None, None]  # neighbours in a slice
            beside = labels[ndimage.binary_dilation(core, cross) & ~core & (labels > 0)]
            assert (beside == brain.RIM).mean() > 0.9, "the rim wraps the core"


def test_rim_takes_up_contrast_agent():
    b = batch(brain)
    gain = b.deviation[:, brain.MODALITIES.index("T1Gd")]
    assert gain[b.parts == brain.RIM].mean() > 0.1 + gain[b.parts == brain.NECROSIS].mean()
    agent = gain - b.deviation[:, brain.MODALITIES.index("T1")]
    assert agent[b.parts == brain.RIM].mean() > 0.2, "it is the agent that brightens the rim"
    assert abs(agent[b.parts == brain.OEDEMA].mean()) < 0.06, "and the rim alone"


def test_grades_differ_in_texture():
    """Without noise and in plain surroundings the oedema of high grade is the rougher."""
    flat = plain(brain.BRAIN, inner_size=(0, 0), low_inner_size=(0, 0), tumour_flattening=(1, 1),
                 tissue_grey=(0, 0), cap_flair=(0, 0), spot_flair=(0, 0))  # fmt: skip
    spread = []
    for grade in (0, 1):
        p = brain.from_seeds(flat, subjects(brain).seed, np.full(8, grade))
        b = brain.render(p, ("FLAIR",))
        deep = [ndimage.binary_erosion(m, iterations=2) for m in b.mask]
        spread.append([image[0][d].std() / image[0][d].mean()
                       for image, d in zip(b.image, deep, strict=True)])  # fmt: skip
    assert (np.array(spread[1]) > 1.5 * np.array(spread[0])).mean() >= 0.75


@pytest.mark.parametrize(("low", "high"), [(0.17, 0.18), (0.36, 0.37)])
def test_radius_law_sets_the_size(low, high):
    law = replace(brain.BRAIN, tumour_radius=(low, high), low_border=(0, 0), tumour_aspect=(1, 1),
                  tumour_stretch=(1, 1), tumour_reach=(0.4, 0.4))  # fmt: skip
    p = brain.from_seeds(law, subjects(brain).seed, np.zeros(8))
    labels = brain.render(p, ("FLAIR",)).parts
    voxel = (2 / 64) ** 2 * 2 * volume.HEIGHT / 32
    radius = (np.count_nonzero(labels, axis=(1, 2, 3)) * voxel * 3 / 4 / np.pi) ** (1 / 3)
    assert radius.max() < high * 1.03, "ventricles and clefts only take away"
    assert np.median(radius) > 0.85 * low


def test_tumours_span_a_third_of_the_slices():
    p = brain.sample(brain.BRAIN, 24, np.random.default_rng(3))
    slices = brain.render(p, ("FLAIR",)).mask.any((2, 3)).sum(1)
    assert 9 <= np.median(slices) <= 16 and slices.min() >= 5


def test_bright_points_of_flair_are_no_tumour():
    seeds = subjects(brain).seed[:4]
    without = plain(brain.BRAIN, spot_flair=(0, 0), cap_flair=(0, 0))
    a, b = (
        brain.render(brain.from_seeds(law, seeds), ("T1", "FLAIR")).healthy
        for law in (plain(brain.BRAIN), without)
    )
    assert np.array_equal(a[:, 0], b[:, 0]), "T1 does not show them"
    assert (a - b)[:, 1].max((1, 2, 3)).min() > brain.BRAIN.flair_contrast[0]


def test_mass_effect_pushes_the_anatomy_and_leaves_health_in_place():
    seeds, grades = subjects(brain).seed[:3], np.ones(3)
    off, on = (
        brain.render(brain.from_seeds(plain(brain.BRAIN, mass_effect=m), seeds, grades), ("T1",))
        for m in ((0.0, 0.0), (0.4, 0.4))
    )
    assert np.array_equal(off.healthy, on.healthy)
    assert (on.support.sum((1, 2, 3)) > 1.3 * off.support.sum((1, 2, 3))).all()
    assert not (on.image != on.healthy).any(1)[~on.support].any()
    away = on.support & ~off.support  # moved tissue that holds no tumour
    assert np.abs(on.deviation[:, 0][away]).mean() > 0.01
    still = plain(brain.BRAIN, mass_effect=(1e-7, 1e-7))
    limit = brain.render(brain.from_seeds(still, seeds, grades), ("T1",))
    np.testing.assert_allclose(limit.image, off.image, atol=1e-3)  # off is the limit of on


def test_noise_has_the_rician_floor_and_is_normal_in_signal():
    rng = torch.Generator().manual_seed(0)
    real, imaginary = torch.randn(2, 200_000, generator=rng)
    sigma = torch.tensor(0.05)
    for signal in (0.0, 0.1, 0.7):
        law = stats.rice(signal / 0.05, scale=0.05)
        drawn = rician(torch.full((200_000,), signal), real, imaginary, sigma)
        assert drawn.mean().item() == pytest.approx(law.mean(), rel=0.01)
        assert drawn.std().item() == pytest.approx(law.std(), rel=0.02)


def test_modalities_have_noise_of_their_own():
    p = subjects(brain)[:2]
    silent = brain.render(brain.from_seeds(replace(brain.BRAIN, noise=(0, 0)), p.seed)).healthy
    noise = (batch(brain).healthy[:2] - silent)[:, :, (of("depth")[:2] > 0.2).all(0)]
    assert np.abs(np.triu(np.corrcoef(noise[0]), 1)).max() < 0.05
    low, high = brain.BRAIN.noise
    assert low * 0.9 < noise.std() < high * 1.05


@both
def test_shifted_scanner_is_noisier_and_shows_the_same_subject(phantom):
    shifted = phantom.LAWS[f"{law_of(phantom).name} shifted"]
    p = subjects(phantom)[:3]
    b = phantom.render(phantom.from_seeds(shifted, p.seed))
    assert np.array_equal(b.parts, batch(phantom).parts[:3])
    rough = [np.diff(x[:, :1, 8:24], axis=-1).std() / x[:, :1, 8:24].mean()
             for x in (batch(phantom).healthy[:3], b.healthy)]  # fmt: skip
    assert rough[1] > 1.05 * rough[0]


# Fields and bad input


def test_blur_matrix_is_the_gaussian_filter():
    rng = np.random.default_rng(0)
    x = rng.random((3, 32))
    theirs = ndimage.gaussian_filter1d(x, 0.8, axis=1, mode="reflect", radius=3)
    np.testing.assert_allclose(x @ gaussian_matrix(32, 0.8).numpy().T, theirs, atol=1e-6)
    assert gaussian_matrix(32, 0.8).sum(0).numpy() == pytest.approx(np.ones(32), abs=1e-6)


def test_fields_in_space_have_unit_variance_whatever_the_shape():
    rng = torch.Generator().manual_seed(0)
    whites = torch.randn(300, 6, 10, 10, generator=rng)
    for field in (
        lambda w, shape: power_law_volume(w, shape, 1.5, 0.8),
        lambda w, shape: band_volume(w, shape, 4.0, 8.0, 0.8),
    ):
        for shape in ((16, 32, 32), (20, 24, 40)):
            drawn = torch.stack([field(w, shape) for w in whites])
            assert drawn.mean().item() == pytest.approx(0, abs=0.02)
            assert drawn.var().item() == pytest.approx(1, rel=0.05)


def test_band_field_has_only_its_band():
    white = torch.randn(6, 12, 12, generator=torch.Generator().manual_seed(0))
    rows = band_volume(white, (24, 48, 48), 4.0, 8.0).numpy()
    power = fft.dctn(rows, norm="ortho") ** 2
    f = np.sqrt(sum(k.astype(float) ** 2 for k in np.indices(power.shape)))
    assert power[(f > 3.99) & (f < 8.01)].sum() > 0.9999 * power.sum()


@both
def test_bad_input_is_refused_in_one_sentence(phantom):
    law, rng = law_of(phantom), np.random.default_rng(0)
    for n in (-1, 2.5):
        with pytest.raises(ValueError, match="n must be a whole number"):
            phantom.sample(law, n, rng)
    for grades in ([2], [0, 1], [[0]]):
        with pytest.raises(ValueError, match="grades must be 0"):
            phantom.from_seeds(law, np.array([1], dtype=np.uint64), grades)
    for shape in ((64, 64), (32, 64, 8), 64, (32.0, 64, 64)):
        with pytest.raises(ValueError, match="shape must be"):
            phantom.render(subjects(phantom), shape=shape)


@pytest.mark.parametrize("modalities", [("PET",), (), "FLAIR", ("T1", "t2")])
def test_unknown_modalities_are_refused(modalities):
    with pytest.raises(ValueError, match="modalities must be some of"):
        brain.render(subjects(brain), modalities=modalities)


@both
def test_no_subjects_make_no_volumes(phantom):
    empty = phantom.render(phantom.sample(law_of(phantom), 0, np.random.default_rng(0)))
    assert len(empty) == 0 and empty.text == () and empty.image.shape[2:] == volume.SHAPE


@both
def test_parts_join_to_the_whole(phantom):
    b = batch(phantom)
    joined = population.concatenate([b[:3], b[3:]])
    assert np.array_equal(joined.image, b.image) and joined.text == b.text
