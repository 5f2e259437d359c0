"""Variants of a chest set show the same subjects, changed in the one respect they name."""

from dataclasses import fields, replace
from fractions import Fraction

import numpy as np
import pytest
from scipy.ndimage import center_of_mass

from lib.datasets import chest as chest_sets
from lib.datasets import variants
from lib.datasets.preprocess import preprocess
from lib.metrics.sharpness import noise_level
from lib.phantoms import chest

STREAM = [3, 1, 4]
N = 32
SCANNER = ("gain", "bend", "photons")


@pytest.fixture(scope="module")
def plain():
    return chest_sets.image_set("bare", N, STREAM).arrays


def parameters(law, n=N):
    """The sampled parameters of the subjects of STREAM under a law."""
    rng = np.random.default_rng(STREAM)
    return chest.sample(law, np.tile([0, 1, 0, 2], n // 4), rng).values


# ---- class mix ----


@pytest.mark.parametrize("mix", [(2, 1, 1), (1, 1, 1), (16, 3, 1), (0, 2, 1), (1, 0, 0)])
def test_a_pattern_holds_the_mix_and_spreads_it_evenly(mix):
    pattern = variants.mix_pattern(mix)
    assert tuple(np.bincount(pattern, minlength=3)) == mix
    for j in range(1, len(pattern) + 1):  # no stretch of one class: every prefix is near the mix
        for label, count in enumerate(mix):
            due = Fraction(count * j, sum(mix))
            assert abs(pattern[:j].count(label) - due) <= 1, (j, label)


def test_the_pattern_of_table_1_is_known():
    assert variants.mix_pattern((2, 1, 1)) == (0, 1, 2, 0)


@pytest.mark.parametrize("mix", [(0, 0, 0), (2, -1, 1), (0.5, 1, 1)])
def test_impossible_mixes_are_refused(mix):
    with pytest.raises(ValueError, match="whole counts"):
        variants.mix_pattern(mix)


def test_a_mixed_set_keeps_its_mix_in_every_prefix_of_whole_blocks():
    short, long = (variants.mixed_set("bare", [16, 3, 1], n, STREAM).arrays for n in (20, 40))
    for block in (short["label"], long["label"][:20], long["label"][20:]):
        assert tuple(np.bincount(block)) == (16, 3, 1)
    for name in short:
        assert np.array_equal(short[name], long[name][:20]), name
    with pytest.raises(ValueError, match="multiple of 20"):
        variants.mixed_set("bare", [16, 3, 1], 30, STREAM)


def test_masks_of_a_mixed_set_lie_on_the_side_of_their_label():
    found = variants.mixed_set("bare", [1, 2, 2], 20, STREAM).arrays
    for label, mask in zip(found["label"], found["mask"], strict=True):
        left_half, right_half = mask[:, :32].sum(), mask[:, 32:].sum()
        assert np.sign(right_half - left_half) == (0, 1, -1)[label]


# ---- scanner drift ----


def test_no_drift_is_the_plain_set(plain):
    still = variants.drifted_set("bare", 0.0, N, STREAM).arrays
    for name, column in plain.items():
        np.testing.assert_allclose(still[name], column, atol=1e-6, err_msg=name)


def test_drift_shows_the_same_subjects_on_another_scanner(plain):
    moved = variants.drifted_set("bare", 2.0, N, STREAM).arrays
    for name in ("label", "subject", "mask"):
        assert np.array_equal(moved[name], plain[name]), name
    assert not np.array_equal(moved["image"], plain["image"])
    before, after = parameters(chest.BARE), parameters(variants.drifted(chest.BARE, 2.0))
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == set(SCANNER)


@pytest.mark.parametrize("law", [chest.BARE, chest.BARE_SHIFTED])
@pytest.mark.parametrize("sds", [1.0, 2.0, 3.0])
def test_every_parameter_moves_by_its_own_standard_deviations(law, sds):
    """The SD is measured here on samples, not computed from the range."""
    before, after = parameters(law, 4000), parameters(variants.drifted(law, sds), 4000)
    for name, sign in (("gain", -1), ("bend", 1)):
        step = after[name] - before[name]
        np.testing.assert_allclose(step, sign * sds * before[name].std(), rtol=0.03)
    ratio = after["photons"] / before["photons"]
    low, high = law.photons
    sd = np.random.default_rng(0).uniform(np.log(low), np.log(high), 200_000).std()
    np.testing.assert_allclose(np.log(ratio), -sds * sd, rtol=0.01)


def test_photons_stay_positive_and_the_contrast_curve_rises():
    for sds in (3.0, 30.0):
        low, high = variants.drifted(chest.BARE, sds).photons
        assert 0 < low < high
    assert max(map(abs, variants.drifted(chest.BARE, 3.0).bend)) < 1
    far = variants.drifted_set("bare", 3.0, 8, STREAM).arrays["image"]
    assert np.isfinite(far).all() and far.min() == 0 and far.max() == 1


def test_drift_grows_and_preprocessing_keeps_little_of_it_but_noise(plain):
    """Equalisation undoes rising contrast curves: 3 SD of them hardly show, and noise does."""

    def seen(law):
        subjects = chest.sample(law, np.tile([0, 1, 0, 2], N // 4), np.random.default_rng(STREAM))
        raw = chest.render(subjects).image
        return raw, preprocess(raw)

    def change(law_a, law_b):
        pairs = zip(seen(law_a), seen(law_b), strict=True)
        return [float(np.sqrt(np.square(a - b).mean())) for a, b in pairs]

    steps = [change(chest.BARE, variants.drifted(chest.BARE, s))[1] for s in (1.0, 2.0, 3.0)]
    assert steps[0] < steps[1] < steps[2]
    quiet = replace(chest.BARE, photons=(1e12, 1e12))
    bent = {name: getattr(variants.drifted(chest.BARE, 3.0), name) for name in ("gain", "bend")}
    before, after = change(quiet, replace(quiet, **bent))
    assert after < 0.2 * before
    levels = [variants.drifted_set("bare", s, N, STREAM).arrays["image"] for s in (0.0, 3.0)]
    assert noise_level(levels[1]) > 1.2 * noise_level(levels[0])


# ---- one defect ----


def test_each_defect_changes_what_it_names_and_nothing_else():
    before = parameters(chest.BARE)
    for defect, names in (("noiseless", {"photons"}), ("one place", {"opacity_x", "opacity_y"})):
        law = variants.degraded(chest.BARE, defect)
        after = parameters(law)
        assert {k for k in before if not np.array_equal(before[k], after[k])} == names
        same = {f.name for f in fields(law) if getattr(law, f.name) == getattr(chest.BARE, f.name)}
        assert same == {f.name for f in fields(law)} - names - {"name"}
    with pytest.raises(ValueError, match="choose one of noiseless, one place"):
        variants.degraded(chest.BARE, "blurred")


def test_noiseless_subjects_are_the_same_with_less_noise(plain):
    found = variants.degraded_set("bare", "noiseless", N, STREAM).arrays
    for name in ("label", "subject", "mask"):
        assert np.array_equal(found[name], plain[name]), name
    assert noise_level(found["image"]) < 0.6 * noise_level(plain["image"])


def test_in_one_place_every_opacity_has_one_centre_in_its_lung(plain):
    found = variants.degraded_set("bare", "one place", N, STREAM).arrays
    assert np.array_equal(found["subject"], plain["subject"])
    healthy = found["label"] == 0
    assert np.array_equal(found["image"][healthy], plain["image"][healthy])
    v = parameters(variants.degraded(chest.BARE, "one place"))
    for name in ("opacity_x", "opacity_y"):
        low, high = getattr(chest.BARE, name)
        assert (v[name] == np.float32((low + high) / 2)).all(), name

    def offsets(arrays):
        """Where masks sit in the body, in widths and heights of their lung, (n, 2)."""
        out = []
        for i in np.flatnonzero(arrays["label"]):
            one = {name: column[i, 0] for name, column in v.items()}
            row, column = center_of_mass(arrays["mask"][i])
            x = ((column + 0.5) / 32 - 1 - one["shift_x"]) / one["scale"]
            y = ((row + 0.5) / 32 - 1 - one["shift_y"]) / one["scale"]
            c, s = np.cos(one["tilt"]), np.sin(one["tilt"])
            across = abs(x * c + y * s) / v["lung_width"][i, arrays["label"][i] - 1]
            out.append((across, (y * c - x * s - one["lung_y"]) / one["lung_height"]))
        return np.array(out)

    spread, usual = offsets(found).std(0), offsets(plain).std(0)
    assert (spread < 0.4 * usual).all(), (spread, usual)


# ---- counterfactual ----


def test_counterfactuals_are_the_subjects_without_their_lesion(plain):
    from lib.jobs import Result

    n = 16
    found = variants.counterfactual_set("bare", Result(plain, {}), n).arrays
    assert np.array_equal(found["subject"], plain["subject"][:n])
    healthy = plain["label"][:n] == 0
    np.testing.assert_allclose(found["image"][healthy], plain["image"][:n][healthy], atol=1e-6)
    batch = chest.render(chest.from_seeds(chest.BARE, plain["subject"][:n], plain["label"][:n]))
    assert not batch.deviation[~batch.mask].any(), "before preprocessing only the mask differs"
    np.testing.assert_allclose(found["image"], preprocess(batch.healthy), atol=1e-6)
    gap = np.abs(found["image"] - plain["image"][:n])[~healthy]
    mask = plain["mask"][:n][~healthy]
    assert gap[mask].mean() > 5 * gap[~mask].mean(), "preprocessing carries little of it outside"


def test_plain_opacities_are_the_same_subjects_only_plainer(plain):
    made = variants.degraded_set("bare", "plain", N, STREAM).arrays
    assert (made["subject"] == plain["subject"]).all()
    sick = plain["label"] > 0
    assert np.array_equal(made["image"][~sick], plain["image"][~sick])
    assert (made["mask"][sick].sum((1, 2)) > plain["mask"][sick].sum((1, 2))).mean() > 0.9


def test_the_plain_law_keeps_the_upper_quarter():
    law = variants.degraded(chest.BARE, "plain")
    for name in ("opacity_radius", "opacity_grey"):
        (low, high), (least, most) = getattr(chest.BARE, name), getattr(law, name)
        assert most == high and np.isclose((high - least) / (high - low), 0.25)


def test_a_changed_set_shows_the_same_subjects_in_other_ranges(plain):
    same = variants.changed_set("bare", {}, N, STREAM).arrays
    assert np.array_equal(same["image"], plain["image"])
    bright = variants.changed_set("bare", {"opacity_grey": [0.9, 0.9]}, N, STREAM).arrays
    sick = plain["label"] > 0
    assert np.array_equal(bright["subject"], plain["subject"])
    assert np.array_equal(bright["image"][~sick], plain["image"][~sick]), "healthy ones stay"
    at = plain["mask"][sick].astype(bool)
    assert bright["image"][sick][at].mean() > plain["image"][sick][at].mean() + 0.05
