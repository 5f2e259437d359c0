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
from lib.phantoms.acquisition import blurred, contrast, grain, ray_noise, shot_noise
from lib.phantoms.shapes import hump, lens, power_law_field, rise, wave

LAWS = [chest.BARE, chest.BARE_SHIFTED]
OPEN = replace(chest.BARE, border_x=(-1.0, -1.0), border_y=(-1.0, -1.0), strip=(-1.0, -1.0))
QUIET = {"photons": (1e12, 1e12)}
OFF = (-1.0, -1.0)
ABSENT_IN_SOME = (
    "lead_shadow",
    "pacemaker_shadow",
    "tube_shadow",
    "marker_shadow",
    "bubble_shadow",
    "breast_shadow",
)


def batch(law=chest.BARE, n=64, seed=0):
    return chest.render(chest.sample(law, interleaved_labels(n), np.random.default_rng(seed)))


def healthy(law, n=200):
    """The same n healthy subjects under any law."""
    return chest.render(chest.from_seeds(law, np.arange(n, dtype=np.uint64), np.zeros(n))).image


def values(b, law=chest.BARE):
    """Parameters of a batch's subjects, (n, 1, 1) each; those with several values (n, k, 1, 1)."""
    found = chest.from_seeds(law, b.subject, b.label).values
    return {k: v[..., None, None] if v.shape[1] > 1 else v[..., None] for k, v in found.items()}


def in_body(v):
    """Body coordinates u, w of all pixels, (n, 64, 64) each, from the pose alone."""
    at = (np.arange(chest.SIZE) + 0.5) / 32 - 1
    x, y = (at[None, None] - v["shift_x"]) / v["scale"], (at[:, None] - v["shift_y"]) / v["scale"]
    c, s = np.cos(v["tilt"]), np.sin(v["tilt"])
    return x * c + y * s, y * c - x * s


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
    quiet = replace(OPEN, **QUIET, offset=(0.0, 0.0))
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
    columns = np.arange(chest.SIZE) - (chest.SIZE - 1) / 2
    u, _ = in_body(values(b))
    for label, side in ((chest.LEFT, 1), (chest.RIGHT, -1)):
        of = b.label == label
        per_column = b.mask[of].sum(axis=1)
        assert (side * (per_column * columns).sum(1) > 0).all()
        assert (side * u[of][b.mask[of]] > -1 / 32).all(), "within a pixel of the midline"


def test_no_opacity_leaves_its_lung():
    """The lung is drawn here again: inside the cage, above the dome, beside the mediastinum."""
    b = batch(n=200)
    v, pixel = values(b), 1 / 32 / 0.9
    u, w = in_body(v)
    left = (b.label == chest.LEFT)[:, None, None]
    own = {
        k: np.where(left, v[k][:, 0], v[k][:, 1]) for k in ("lung_width", "dome_y", "dome_curve")
    }
    sides = own["lung_width"] * (1 + 0.2 * (w - v["lung_y"])) + pixel
    up = np.minimum(w + pixel - v["lung_y"], 0) / v["lung_height"]
    assert ((u / sides) ** 2 + up**4)[b.mask].max() < 1
    curve = own["dome_curve"] * np.clip(np.abs(u) + 2 * pixel - 0.15, 0, 0.65) ** 2
    below_dome = w - (own["dome_y"] + 0.03 + curve)
    assert below_dome[b.mask].max() < 2 * pixel


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
    for name in ("opacity_grey", "opacity_x", "photons", "spot_radius", "lung_width"):
        low, high = getattr(chest.BARE, name)
        uniform = (p.values[name].ravel() - low) / (high - low)
        assert stats.kstest(uniform, "uniform").pvalue > 1e-4, name
    grey, place = p.values["opacity_grey"][:, 0], p.values["opacity_x"][:, 0]
    assert abs(np.corrcoef(grey, place)[0, 1]) < 0.08, "parameters are independent"


def test_labels_change_nothing_but_the_opacity():
    seeds = np.arange(60, dtype=np.uint64)
    drawn = [chest.render(chest.from_seeds(chest.BARE, seeds, np.full(60, c))) for c in range(3)]
    for each in drawn:
        assert np.array_equal(each.healthy, drawn[0].image)
    assert not (drawn[1].mask & drawn[2].mask).any(), "two lungs have no pixel in common"


# ---- what is no disease ----


@pytest.mark.parametrize("name", ABSENT_IN_SOME)
def test_distractors_are_there_in_some_subjects_of_every_class(name):
    """Their presence is the subject's, so that no class has more of them."""
    n, law = 90, replace(OPEN, **QUIET)
    seeds, without = np.arange(n, dtype=np.uint64), replace(law, **{name: OFF})
    for label in range(3):
        both = (chest.from_seeds(each, seeds, np.full(n, label)) for each in (law, without))
        found, other = both
        changed = (chest.render(found).healthy != chest.render(other).healthy).any((1, 2))
        there = found.values[name][:, 0] > 0
        assert not changed[~there].any()
        assert 0.03 < there.mean() < 0.85 and changed[there].mean() > 0.9


def test_vessels_seen_end_on_are_as_bright_as_faint_opacities():
    law = replace(OPEN, **QUIET)
    gain = healthy(law, 100) - healthy(replace(law, spot_shadow=(0.0, 0.0)), 100)
    brightest = gain.max((1, 2))
    assert (brightest > 0).all(), "in every image"
    assert np.median(brightest) > chest.BARE.opacity_grey[0]


def test_ribs_are_faint():
    law = replace(OPEN, **QUIET)
    bare = replace(law, rib_shadow=(0.0, 0.0), front_rib_shadow=(0.0, 0.0))
    change = np.abs(healthy(law, 100) - healthy(bare, 100))
    assert 0.005 < np.quantile(change, 0.9) < 0.05


def test_lying_patients_are_seen_from_the_front():
    """A wider heart, higher domes, and shoulder blades over the lungs."""
    law = replace(OPEN, **QUIET, tilt=(0.0, 0.0), shift_x=(0.0, 0.0), shift_y=(0.0, 0.0))
    ap, pa = (replace(law, projection=(at, at)) for at in (0.0, 1.0))
    change = healthy(ap).mean(0) - healthy(pa).mean(0)
    x = (np.arange(chest.SIZE) + 0.5) / 32 - 1

    def mean(rows, columns):
        inside = [(x > low) & (x < high) for low, high in (rows, columns)]
        return change[np.ix_(*inside)].mean()

    assert mean((-0.1, 0.1), (0.25, 0.4)) > 0.02, "the heart reaches further to the left"
    assert mean((0.2, 0.4), (-0.45, -0.25)) > 0.05, "the right dome stands higher"

    def spread(law):
        """Mean distance from the midline of what shoulder blades add."""
        added = healthy(law).mean(0) - healthy(replace(law, scapula_shadow=(0.0, 0.0))).mean(0)
        inner = added * (np.abs(x) < 0.8)
        return (inner * np.abs(x)).sum() / inner.sum()

    assert spread(pa) - spread(ap) > 0.04
    share = (values(batch(n=400))["projection"] < 0.4).mean()
    assert 0.3 < share < 0.5


def test_a_black_border_stands_round_some_images_only():
    images = batch(n=400).image

    def black(images):
        edges = (images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1])
        return np.stack([(edge == 0).all(1) for edge in edges], axis=1)

    found = black(images)
    assert (found.mean(0) > 0.03).all() and 0.3 < found.any(1).mean() < 0.8
    assert not black(healthy(OPEN)).any(), "uncollimated, the whole field is filled"
    filled = healthy(replace(OPEN, **QUIET))
    assert ((filled > 0.25).mean((1, 2)) > 0.5).all(), "and mostly with the patient"


def test_the_noise_itself_has_alike_neighbours():
    noise = healthy(OPEN, 50) - healthy(replace(OPEN, **QUIET), 50)
    alike = (noise[:, :, 1:] * noise[:, :, :-1]).mean() / np.square(noise).mean()
    assert 0.2 < alike < 0.5


# ---- the scanner ----


def test_shifted_scanner_is_darker_and_noisier():
    """Same seeds under the second law: same anatomy, other acquisition."""
    laws = (chest.BARE, chest.BARE_SHIFTED)
    a, b = (healthy(law) for law in laws)
    assert b.mean() < a.mean()
    noise = [(healthy(law) - healthy(replace(law, **QUIET))).std() / x.std()
             for law, x in zip(laws, (a, b), strict=True)]  # fmt: skip
    assert noise[1] > 1.4 * noise[0]


def test_ray_noise_has_the_variance_of_stopped_rays():
    white = torch.randn(200_000, generator=torch.Generator().manual_seed(0))
    for stopped, rays in ((0.1, 2000), (0.5, 500), (0.97, 6000)):
        noise = ray_noise(torch.full((200_000,), stopped), white, torch.tensor(float(rays)))
        counted = stats.binom(rays, stopped).var() / rays**2
        assert noise.var().item() == pytest.approx(counted, rel=0.02)
    ends = ray_noise(torch.tensor([0.0, 1.0]), white[:2], torch.tensor(100.0))
    assert not ends.any(), "where nothing or all is stopped there is no noise"


def test_the_detector_keeps_sums_and_the_variance_of_noise():
    white = torch.randn(500, 64, 64, generator=torch.Generator().manual_seed(0))
    seen = grain(white, 0.55)
    assert seen.var().item() == pytest.approx(1, rel=0.02)
    alike = (seen[:, :, 1:] * seen[:, :, :-1]).mean().item()
    kernel = np.exp(-0.5 * (np.arange(-2, 3) / 0.55) ** 2)
    assert alike == pytest.approx((kernel[1:] @ kernel[:-1]) / (kernel @ kernel), abs=0.01)
    point = torch.zeros(1, 64, 64)
    point[0, 20, 31] = 1
    spread = blurred(point, 0.8)
    assert spread.sum().item() == pytest.approx(1, abs=1e-5) and spread.max() < 0.3
    assert torch.allclose(blurred(torch.ones(1, 64, 64), 0.8), torch.ones(1, 64, 64), atol=1e-5)


def test_shapes_have_their_edges_where_they_say():
    q = torch.tensor([0.0, 0.5, 1.0, 2.0])
    assert hump(q).tolist() == [1, 0.25, 0, 0]
    assert lens(q).tolist() == pytest.approx([1, 0.5**0.5, 0, 0])
    assert lens(q, 4.0).tolist() == pytest.approx([1, 1, 0, 0])
    assert rise(torch.tensor([-9.0, 0.0, 9.0]), 0.1).tolist() == pytest.approx(
        [0, 0.5, 1], abs=1e-6
    )
    at = torch.tensor([-0.01, 0.01])
    assert (rise(at, 0.1).diff() / at.diff()).item() == pytest.approx(1 / 0.1, rel=0.05)
    assert wave(torch.tensor([0.0, 0.5, 3.0, -2.5])).tolist() == pytest.approx([1, -1, 1, -1])


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
