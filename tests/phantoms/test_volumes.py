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


@both
def test_shifted_scanner_is_noisier_and_shows_the_same_subject(phantom):
    """Of the image less the same image without noise, over the mean of the image."""
    own, seeds = law_of(phantom), subjects(phantom).seed[:3]
    noise = []
    for law in (own, phantom.LAWS[f"{own.name} shifted"]):
        drawn = phantom.render(phantom.from_seeds(law, seeds))
        silent = phantom.render(phantom.from_seeds(replace(law, noise=(0.0, 0.0)), seeds))
        noise.append((drawn.healthy - silent.healthy).std() / silent.healthy.mean())
        assert np.array_equal(drawn.parts, batch(phantom).parts[:3])
    assert noise[1] > 1.5 * noise[0]


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


@both
def test_no_subjects_make_no_volumes(phantom):
    empty = phantom.render(phantom.sample(law_of(phantom), 0, np.random.default_rng(0)))
    assert len(empty) == 0 and empty.text == () and empty.image.shape[2:] == volume.SHAPE


@both
def test_parts_join_to_the_whole(phantom):
    b = batch(phantom)
    joined = population.concatenate([b[:3], b[3:]])
    assert np.array_equal(joined.image, b.image) and joined.text == b.text
