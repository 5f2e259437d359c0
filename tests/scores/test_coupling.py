"""Coupling of anatomy and deviation: known information, independence, and what hides it."""

from dataclasses import asdict, fields

import numpy as np
import pytest
from toy_lesions import DIFF, lesion_set, scans

from lib.datasets import lesions
from lib.generators import joint
from lib.generators.pathosyn import PathoSynSettings
from lib.jobs import Result
from lib.metrics import dependence
from lib.networks.unet import UNet
from lib.phantoms import brain
from lib.scores import coupling, pairs
from lib.tasks import segment
from lib.training.weights import seeded, weights_to_arrays

D = 16


def gaussian(n, rho, seed=0, **more):
    """Features of which each column of one part correlates by rho with that of the other."""
    a, other = np.random.default_rng(seed).standard_normal((2, n, D)) * 2.0 ** -np.arange(D)
    b = rho * a + np.sqrt(1 - rho**2) * other
    return Result({"substrate": a, "deviation": b} | more, {})


@pytest.fixture(scope="module")
def encoder():
    weights = weights_to_arrays(seeded(UNet, np.random.default_rng(0)))
    return Result(weights, {"architecture": "unet", "dims": 2, "sides": [32, 32]})


@pytest.mark.parametrize("rho", [0.0, 0.7])
def test_information_of_gaussian_parts_is_the_closed_form(rho):
    scores = coupling.coupling(gaussian(900, rho), gaussian(500, rho, 1), [0]).scores
    expected = -coupling.COMPONENTS / 2 * np.log(1 - rho**2)
    assert scores["mi"] == pytest.approx(expected, abs=0.08)
    assert scores["mi_neighbours"] == pytest.approx(expected, abs=0.15)
    for name in ("mi", "mi_neighbours"):
        assert scores["permuted"][name] == pytest.approx(0, abs=4 * scores["permuted_sd"][name])
    if rho == 0:
        assert scores["cos_centred"] == pytest.approx(scores["permuted"]["cos_centred"], abs=0.03)
    else:
        assert scores["cos_centred"] > scores["permuted"]["cos_centred"] + 0.1


def test_raw_features_of_one_sign_have_a_cosine_and_no_coupling():
    part = gaussian(400, 0.0)
    raised = Result({name: x + 3 for name, x in part.arrays.items()}, {})
    scores = coupling.coupling(raised, raised, [0]).scores
    assert scores["cos"] > 0.95 and scores["permuted"]["cos"] > 0.95
    assert scores["cos_centred"] == pytest.approx(scores["permuted"]["cos_centred"], abs=0.05)


def test_a_rotation_hides_from_c_and_not_from_information():
    """The counter-example to Table I: one part is the other, turned."""
    a = np.random.default_rng(0).standard_normal((600, 64))
    b = dependence.rotated(a, np.random.default_rng(1))
    known = Result({"substrate": a, "deviation": b}, {})
    scores = coupling.coupling(known, known, [0]).scores
    assert scores["cos_centred"] == pytest.approx(scores["chance"], abs=0.02)
    assert scores["cos_centred"] == pytest.approx(scores["permuted"]["cos_centred"], abs=0.02)
    assert scores["mi_neighbours"] > 2
    assert scores["mi"] is None, "endless: one part's components are the other's"


def test_slices_of_one_subject_count_once():
    """Both parts hold their subject's own place: rows that repeat it would read as information."""
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(120), 5)
    own = [np.repeat(rng.standard_normal((120, D)), 5, 0) for _ in range(2)]
    parts = [x + 0.05 * rng.standard_normal(x.shape) for x in own]
    arrays = dict(zip(("substrate", "deviation"), parts, strict=True))
    all_of_them = coupling.coupling(Result(arrays, {}), gaussian(99, 0), [0]).scores
    one_each = coupling.coupling(Result(arrays | {"subject": subject}, {}), gaussian(99, 0), [0])
    assert all_of_them["n"] == 600 and all_of_them["mi_neighbours"] > 0.5
    assert one_each.scores["n"] == 120 and abs(one_each.scores["mi_neighbours"]) < 0.2


def test_what_is_undefined_is_none():
    names = (*coupling.NAMES, "chance")
    full = gaussian(40, 0.5).arrays
    few = {name: x[: coupling.LEAST - 1] for name, x in full.items()}
    collapsed = full | {"deviation": np.ones((40, D))}
    for arrays in (few, collapsed):
        scores = coupling.coupling(Result(arrays, {}), gaussian(99, 0.5), [0]).scores
        assert {scores[name] for name in names} == {None}
        assert set(scores["permuted"].values()) == set(scores["permuted_sd"].values()) == {None}
    two = full | {"deviation": np.repeat(full["deviation"][:2], 20, 0)}
    scores = coupling.coupling(Result(two, {}), gaussian(99, 0.5), [0]).scores
    assert scores["mi"] is None and scores["cos_centred"] > 0, "two deviations span no plane"
    again = {name: np.repeat(x, 6, 0) for name, x in full.items()}
    scores = coupling.coupling(Result(again, {}), gaussian(99, 0.5), [0]).scores
    assert scores["mi_neighbours"] is None and scores["mi"] > 0


def test_one_seed_gives_the_same_numbers():
    one, again, other = (
        coupling.coupling(gaussian(60, 0.5), gaussian(60, 0.5, 1), [seed]).scores
        for seed in (0, 0, 1)
    )
    assert one == again and one["permuted"] != other["permuted"]


# ---- features -----------------------------------------------------------------------------------


def test_the_deviation_is_the_sample_less_the_healer_s_substrate_in_the_mask_alone(encoder):
    known = {f.name for f in fields(PathoSynSettings)}
    settings = {k: v for k, v in asdict(DIFF).items() if k in known} | {"margin": 2.0}
    healer = joint.substrate_job(lesion_set(8), settings, [0])
    made = scans(6, seed=5)
    mask = made["mask"].copy()
    mask[3] = False
    pool = Result({"image": made["image"], "mask": mask, "subject": np.arange(6)}, {})
    found = coupling.healed_features(pool, 6, healer, encoder).arrays
    kept = np.array([0, 1, 2, 4, 5])
    np.testing.assert_array_equal(found["subject"], kept)
    net = segment.load(encoder)
    healed = coupling.pathosyn.decomposition(
        healer, Result({"image": made["image"][kept], "mask": mask[kept]}, {}), 5
    ).arrays["substrate"]
    shown = np.where(mask[kept], coupling.GROUND + made["image"][kept] - healed, coupling.GROUND)
    np.testing.assert_allclose(found["substrate"], pairs.embed(net, healed.clip(0, 1)), atol=1e-5)
    shown = pairs.embed(net, shown.clip(0, 1).astype(np.float32))
    np.testing.assert_allclose(found["deviation"], shown, atol=1e-5)
    none = Result({"image": made["image"], "mask": mask & False}, {})
    empty = coupling.healed_features(none, 6, healer, encoder)
    assert len(empty.arrays["substrate"]) == 0
    assert coupling.coupling(empty, Result(found, {}), [0]).scores["cos"] is None


def test_true_features_are_of_the_healthy_slice_and_the_deviation_in_the_mask(encoder):
    toy = scans(6)
    data = Result({"image": toy["image"], "mask": toy["mask"], "subject": np.arange(6)}, {})
    truths = Result({"healthy": toy["healthy"], "deviation": toy["deviation"] + 1}, {})
    found = coupling.true_features(data, truths, 4, encoder).arrays
    net = segment.load(encoder)
    np.testing.assert_allclose(found["substrate"], pairs.embed(net, toy["healthy"][:4]), atol=1e-6)
    one = coupling.GROUND + 0 * toy["image"]
    one[toy["mask"]] = 1
    np.testing.assert_allclose(found["deviation"], pairs.embed(net, one[:4]), atol=1e-6)


def test_the_named_laws_exist_and_in_the_strong_one_the_level_says_how_large_the_lesion_is():
    """Share of the variance of the area that a parabola over the level explains."""
    assert coupling.COUPLINGS["weak"] == {}, "the law as it stands"
    known = {}
    for name in ("none", "strong"):
        ranges = coupling.COUPLINGS[name]
        assert set(ranges) <= {f.name for f in fields(brain.Law)}
        data = lesions.fresh_lesions(60, [3], ranges).arrays
        area = data["mask"].sum((1, 2)) ** 0.5
        fitted = np.polynomial.Polynomial.fit(data["index"], area, 2)(data["index"])
        known[name] = 1 - np.var(area - fitted) / np.var(area)
    assert known["none"] < 0.2 < 0.6 < known["strong"]
