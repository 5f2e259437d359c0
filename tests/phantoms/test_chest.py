"""The chest phantom keeps its promises: exact truth, one seed per subject, the drawn law."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import ROOT
from scipy import stats

from lib.datasets.splits import interleaved_labels
from lib.phantoms import chest
from lib.phantoms.acquisition import contrast, shot_noise
from lib.phantoms.shapes import power_law_field

LAWS = [chest.BARE, chest.AUGMENTED, chest.BARE_SHIFTED]


def batch(law=chest.BARE, n=64, seed=0):
    return chest.render(chest.sample(law, interleaved_labels(n), np.random.default_rng(seed)))


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)
def test_truth_is_exact(law):
    b = batch(law)
    np.testing.assert_allclose(b.image, b.healthy + b.deviation, rtol=0, atol=1e-6)
    assert np.abs(b.deviation[~b.mask]).max() == 0
    assert (b.deviation[b.mask] > 0).all(), "an opacity only adds"
    assert not b.mask[b.label == chest.HEALTHY].any()
    assert b.mask[b.label != chest.HEALTHY].any(axis=(1, 2)).all(), "no opacity may vanish"


def test_counterfactual_is_the_same_subject_with_the_healthy_label():
    b = batch()
    other = chest.render(chest.from_seeds(chest.BARE, b.subject, np.zeros(len(b))))
    assert np.array_equal(other.image, b.healthy)
    assert np.array_equal(other.image, other.healthy)


def test_the_scanner_sees_the_opacity_through_its_contrast_curve():
    """Deviation is contrast(tissue + opacity) - contrast(tissue), not a scaled opacity."""
    quiet = replace(chest.BARE, photons=(1e12, 1e12), offset=(0.0, 0.0))
    linear = replace(quiet, gain=(1.0, 1.0), bend=(0.0, 0.0))
    bent = replace(quiet, gain=(1.1, 1.1), bend=(0.2, 0.2))
    seeds, labels = np.arange(40, dtype=np.uint64), np.tile([1, 2], 20)
    flat, curved = (chest.render(chest.from_seeds(law, seeds, labels)) for law in (linear, bent))
    one = torch.ones(1)
    through = contrast(torch.from_numpy(flat.image), 1.1 * one, 0 * one, 0.2 * one).numpy()
    np.testing.assert_allclose(curved.image, through, atol=2e-5)


def test_zero_strength_is_the_identity():
    b = batch(replace(chest.BARE, opacity_grey=(0.0, 0.0)))
    assert np.array_equal(b.image, b.healthy) and not b.deviation.any()


def test_left_is_the_patients_left_so_the_right_of_the_image():
    b = batch(n=200)
    columns = np.arange(chest.SIZE)
    for label, side in ((chest.LEFT, 1), (chest.RIGHT, -1)):
        of_mask = b.mask[b.label == label].sum(axis=1)  # (n, columns)
        centre = (of_mask * columns).sum(1) / of_mask.sum(1) - (chest.SIZE - 1) / 2
        assert (side * centre > 0).all()
        other_side = side * (columns - (chest.SIZE - 1) / 2) < -2  # the midline moves a little
        assert not of_mask[:, other_side].any()


@pytest.mark.parametrize("at", [0, 17, 63])
def test_one_item_alone_from_its_seed(at):
    b = batch()
    alone = chest.render(chest.from_seeds(chest.BARE, b.subject[[at]], b.label[[at]]))
    assert np.array_equal(alone.image[0], b.image[at])
    assert alone.text[0] == b.text[at]


def test_same_bytes_in_another_process():
    code = (
        "import hashlib, numpy as np; from lib.phantoms import chest\n"
        "p = chest.sample(chest.BARE, np.array([0, 1, 2] * 7), np.random.default_rng(5))\n"
        "print(hashlib.sha256(chest.render(p).image.tobytes()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    p = chest.sample(chest.BARE, np.array([0, 1, 2] * 7), np.random.default_rng(5))
    assert done.stdout.strip() == hashlib.sha256(chest.render(p).image.tobytes()).hexdigest()


def test_subjects_differ_and_prefixes_agree():
    long, short = batch(n=64), batch(n=16)
    assert np.array_equal(long.image[:16], short.image)
    assert len(np.unique(long.subject)) == 64
    flat = long.healthy.reshape(64, -1)
    assert np.corrcoef(flat)[np.triu_indices(64, 1)].max() < 0.98


def test_parameters_follow_the_law():
    p = chest.sample(chest.BARE, interleaved_labels(2000), np.random.default_rng(1))
    for name in ("opacity_grey", "opacity_x", "photons", "spot_radius"):
        low, high = getattr(chest.BARE, name)
        uniform = (p.values[name].ravel() - low) / (high - low)
        assert stats.kstest(uniform, "uniform").pvalue > 1e-4, name
    grey, place = p.values["opacity_grey"][:, 0], p.values["opacity_x"][:, 0]
    assert abs(np.corrcoef(grey, place)[0, 1]) < 0.08, "parameters are independent"


def test_shifted_scanner_is_darker_and_noisier():
    """Same seeds under the second law: same anatomy, other acquisition."""
    seeds, labels = np.arange(200, dtype=np.uint64), np.zeros(200)
    a, b = (
        chest.render(chest.from_seeds(law, seeds, labels)).image
        for law in (chest.BARE, chest.BARE_SHIFTED)
    )
    assert b.mean() < a.mean()
    rough = [np.diff(x, axis=2).std() / x.std() for x in (a, b)]
    assert rough[1] > 1.2 * rough[0]


def test_distractors_stand_in_healthy_images():
    """End-on vessels: bright round spots whose strength overlaps that of opacities."""
    law = chest.BARE
    assert law.spot_grey[1] > law.opacity_grey[0]
    seeds, labels = np.arange(100, dtype=np.uint64), np.zeros(100)
    without = replace(law, spot_grey=(0.0, 0.0))
    gain = [chest.render(chest.from_seeds(each, seeds, labels)).healthy for each in (law, without)]
    assert (gain[0] - gain[1]).max(axis=(1, 2)).min() > law.spot_grey[0] / 2


def test_shot_noise_has_the_variance_of_counting():
    white = torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    for grey, photons in ((0.2, 250.0), (0.7, 600.0)):
        noise = shot_noise(torch.full((200_000,), grey), white, torch.tensor(photons))
        counted = stats.poisson(grey * photons).var() / photons**2
        assert noise.var().item() == pytest.approx(counted, rel=0.02)


def test_power_law_field_has_unit_variance_and_its_slope():
    white = torch.randn(2000, 24, 24, generator=torch.Generator().manual_seed(0))
    field = power_law_field(white, 64, slope=1.0)
    assert field.mean().item() == pytest.approx(0, abs=0.01)
    assert field.var().item() == pytest.approx(1, rel=0.03)
    rows = np.abs(np.fft.rfft(field.numpy(), axis=2)) ** 2  # spectrum along x, all rows
    power = rows.mean(axis=(0, 1))
    assert power[1] > 3 * power[4] > 9 * power[11] and power[13:].sum() < 0.02 * power.sum()


@pytest.mark.parametrize("labels", [[3], [-1], [0, 1]])
def test_bad_labels_are_refused(labels):
    with pytest.raises(ValueError, match="labels must be one of 0, 1, 2"):
        chest.from_seeds(chest.BARE, np.array([1], dtype=np.uint64), np.array(labels))


def test_no_subjects_make_no_images():
    assert len(chest.from_seeds(chest.BARE, np.array([]), np.array([]))) == 0
