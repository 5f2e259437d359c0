"""Perturbations of downstream networks: what they may do, and what they must do."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from skimage.exposure import equalize_adapthist
from sklearn.metrics import roc_auc_score
from torch import nn

from lib import jobs
from lib.claims import ledger
from lib.datasets import chest as chest_sets
from lib.jobs import Result
from lib.networks.classifier import SmallCNN
from lib.papers.pavae import robustness as study_of
from lib.papers.pavae.study import study as study_in
from lib.profiles import FULL, PROFILES, Plan
from lib.scores import robustness
from lib.tasks import classify
from lib.training import loop as tr
from lib.training.weights import freeze, seeded

RNG = np.random.default_rng
SETTINGS = {"steps": 12, "batch": 16, "precision": "float32"}
STUDY = study_in(Plan(FULL))


class Linear(nn.Module):
    """Logits (0, w.x) of two classes: the attack has a closed form."""

    def __init__(self, weights):
        super().__init__()
        self.weights = torch.from_numpy(weights)

    def forward(self, x):
        score = (x[:, 0] * self.weights).sum((1, 2))
        return torch.stack([torch.zeros_like(score), score], 1)


@pytest.fixture(scope="module")
def data():
    return chest_sets.image_set("bare", 80, [6, 2])


@pytest.fixture(scope="module")
def extra():
    return chest_sets.image_set("bare", 24, [6, 3])


@pytest.fixture(scope="module")
def net():
    return freeze(seeded(SmallCNN, RNG(0)))


def loss_of(net, images, labels):
    with torch.no_grad():
        logits = net(tr.as_planes(images))
        return nn.functional.cross_entropy(logits, torch.from_numpy(labels), reduction="none")


# ---- the attack ----


@pytest.mark.parametrize("radius", sorted(robustness.PGD.values()))
def test_on_a_linear_network_the_attack_is_radius_times_the_l1_norm(radius):
    weights = RNG(0).standard_normal((8, 8)).astype(np.float32)
    images = RNG(1).uniform(0.3, 0.7, (6, 8, 8)).astype(np.float32)  # away from 0 and 1
    labels = np.array([0, 1, 0, 1, 1, 0])
    found = robustness.attack(Linear(weights), images, labels, radius, RNG(2))
    moved = ((found - images) * weights).sum((1, 2))
    expected = np.where(labels == 1, -1, 1) * radius * np.abs(weights).sum()
    np.testing.assert_allclose(moved, expected, rtol=1e-3)


def test_the_attack_stays_in_its_ball_and_in_the_range_of_images(net, data):
    images, labels = data.arrays["image"][:16], data.arrays["label"][:16]
    assert images.min() == 0 and images.max() == 1, "the range is touched"
    found = robustness.attack(net, images, labels, 4 / 255, RNG(0))
    assert found.shape == images.shape and found.dtype == np.float32
    assert np.abs(found - images).max() <= 4 / 255 + 1e-6
    assert found.min() >= 0 and found.max() <= 1
    again = robustness.attack(net, images, labels, 4 / 255, RNG(0))
    assert np.array_equal(found, again)


def test_the_attack_raises_the_loss_more_than_noise_of_its_size_and_with_its_radius(net, data):
    images, labels = data.arrays["image"][:32], data.arrays["label"][:32]
    clean = loss_of(net, images, labels)
    hit = [
        loss_of(net, robustness.attack(net, images, labels, r, RNG(0)), labels)
        for r in sorted(robustness.PGD.values())
    ]
    assert (hit[0] > clean).all() and (hit[1] > hit[0]).all() and (hit[2] > hit[1]).all()
    signs = RNG(1).choice([-1, 1], images.shape).astype(np.float32)
    noise = loss_of(net, (images + 4 / 255 * signs).clip(0, 1), labels)
    assert (hit[2] - clean).mean() > 3 * (noise - clean).abs().mean()


def test_the_gradient_is_taken_image_by_image(net, data):
    images, labels = data.arrays["image"][:6], data.arrays["label"][:6]
    whole = robustness.ascent(net, images, labels)
    parts = [robustness.ascent(net, images[i : i + 1], labels[i : i + 1])[0] for i in range(6)]
    assert (whole == np.stack(parts)).mean() > 0.99, "but for rounding at zero"
    assert set(np.unique(whole)) <= {-1.0, 0.0, 1.0}


# ---- networks and scores ----


@pytest.mark.parametrize("with_pool", [False, True])
def test_a_kept_network_is_the_network_of_the_arm_bit_by_bit(data, extra, with_pool):
    pool, count = (extra, 16) if with_pool else (None, 0)
    args = {"n": 32, "pool": pool, "extra": count, "settings": SETTINGS, "stream": [1, 2]}
    kept = classify.fit_job(data, **args)
    arm = classify.arm(data, **args, validation=extra, test=data)
    for name, part in {"validation": extra, "test": data}.items():
        found = classify.predict(classify.load(kept), part.arrays["image"])
        assert np.array_equal(found, arm.arrays[f"probability/{name}"]), name
    assert kept.scores["images"] == arm.scores["images"] == 32 + count
    clean = robustness.perturbed(kept, data, 80, "none", 0, [0]).scores["auc"]
    sick = data.arrays["label"] > 0
    assert clean == pytest.approx(roc_auc_score(sick, 1 - arm.arrays["probability/test"][:, 0]))


@pytest.fixture(scope="module")
def trained():
    """A network that reads something, and images that it has not seen."""
    many = chest_sets.image_set("bare", 1360, [6, 4])
    settings = {"steps": 600, "batch": 32, "augment": True, "precision": "float32"}
    kept = classify.fit_job(many, 1280, settings, [0])
    rest = {name: column[1280:] for name, column in many.arrays.items()}
    return kept, Result(rest, {})


def test_perturbations_cost_auc_and_stronger_ones_more(trained):
    kept, images = trained

    def read(kind, strength, n=80):
        return robustness.perturbed(kept, images, n, kind, strength, [5]).scores["auc"]

    clean = read("none", 0)
    assert clean > 0.6
    attacked = [read("pgd", s) for s in (1, 2, 3)]
    assert clean > attacked[0] > attacked[1] > attacked[2]
    assert read("gaussian", 3) == read("gaussian", 3) != clean, "noise comes from the stream"
    assert read("none", 0, 40) == pytest.approx(
        robustness.perturbed(kept, cut(images, 40), 40, "none", 0, [0]).scores["auc"]
    )
    with pytest.raises(ValueError, match="choose none, gaussian or pgd"):
        read("blur", 1)


def cut(result, n):
    return Result({name: column[:n] for name, column in result.arrays.items()}, {})


def test_strengths_rise():
    for table in (robustness.GAUSSIAN, robustness.PGD):
        assert sorted(table) == [1, 2, 3] and table[1] < table[2] < table[3]


def test_clahe_comes_on_top_of_the_preprocessing(data):
    found = robustness.clahe(data, 12)
    images = data.arrays["image"]
    np.testing.assert_allclose(found.arrays["image"][5], equalize_adapthist(images[5]), atol=1e-6)
    assert found.arrays["image"].dtype == np.float32 and len(found.arrays["image"]) == 12
    assert found.arrays["image"].min() >= 0 and found.arrays["image"].max() <= 1
    assert np.array_equal(found.arrays["label"], data.arrays["label"][:12])


# ---- the study ----


def arguments(job):
    return job.spec["args"]


@pytest.mark.parametrize("arm", study_of.ARMS)
def test_clean_and_perturbed_differ_in_the_perturbation_alone(arm):
    for regime, (clean, hit) in study_of.pairs(STUDY, STUDY.arms[arm], 1).items():
        a, b = arguments(clean), arguments(hit)
        assert a["network"] == b["network"] and a["n"] == b["n"], regime
        assert a["kind"] == "none"
        if "drift" in regime:
            assert b["kind"] == "none" and a["images"] != b["images"]
        else:
            assert b["kind"] in regime and a["images"] == b["images"] == {"$job": STUDY.test.spec}


def test_networks_are_those_of_the_main_comparison():
    for arm in (STUDY.arms[name] for name in study_of.ARMS):
        kept = arguments(study_of.network(STUDY, arm, 2))
        main = arguments(STUDY.predictions(arm, 2))
        kept["real"] = kept.pop("data")
        shared = {name: main[name] for name in kept}
        assert kept | {"extra": 0} == shared | {"extra": 0}
        assert kept["extra"] == main["extra"] or kept["pool"] is None


def test_a_drifted_test_set_has_the_subjects_of_the_test_set():
    plain = arguments(STUDY.test)
    for sds in study_of.STRENGTHS:
        moved = arguments(study_of.drifted(STUDY, sds))
        assert moved == plain | {"sds": float(sds)}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_rows_hold_what_the_claims_need(monkeypatch, profile):
    def fake(job):
        kind, strength = arguments(job)["kind"], arguments(job)["strength"]
        sds = arguments(job)["images"]["$job"]["args"].get("sds", 0)
        return Result({}, {"auc": 0.9 - 0.01 * strength * (kind != "none") - 0.02 * sds})

    points = {sds: {"specificity": 0.95, "sensitivity": 0.5} for sds in range(4)}
    monkeypatch.setattr(jobs, "load", fake)
    monkeypatch.setattr(study_of, "at_threshold", lambda *_: points)
    rows = study_of.Robustness().rows(Plan(profile))
    table = {(row["regime"], row["arm"], row["metric"]): row for row in rows}
    assert len(table) == len(rows)
    for claim in ledger.by_paper("pavae"):
        for item, *key in [*ledger.needs(claim["test"]), *ledger.extras(claim["test"])]:
            assert item != "pavae/04_robustness" or tuple(key) in table, key
    drop = table["drift2", "pavae", "auc_drop"]
    assert [value for value, _ in drop["draws"].values()] == pytest.approx([0.04] * profile.draws)
    assert drop["null"] == 0 and drop["oracle"] == {"arm": "oracle", "metric": "auc_drop"}
    hit = table["gaussian3", "real", "auc"]
    assert hit["draws"]["0/0"][0] == pytest.approx(0.87)
    assert hit["null"] == {"arm": "real", "metric": "auc_clean"}
    assert table["drift3", "pavae", "spec95"]["null"] == 0.95


def test_a_kept_threshold_is_taken_on_the_first_half_of_todays_scanner(monkeypatch):
    """A network that reads the mean grey value; the drifted scanner adds 0.2 to every image."""
    grey = np.tile(np.linspace(0, 0.5, 40), 2).astype(np.float32)
    label = np.tile(np.repeat([0, 1], 20), 2)
    images = {sds: np.full((80, 4, 4), 0.2 * (sds > 0)) + grey[:, None, None] for sds in range(4)}

    def load(job):
        sds = int(arguments(job).get("sds", 0))
        return Result({"image": images[sds], "label": label}, {})

    def predict(net, x):
        healthy = 1 - x.mean((1, 2))
        return np.stack([healthy, 1 - healthy], 1)

    small = replace(STUDY, size=replace(STUDY.size, test=80))
    monkeypatch.setattr(jobs, "load", load)
    monkeypatch.setattr(study_of.classify, "load", lambda result: None)
    monkeypatch.setattr(study_of.classify, "predict", predict)
    found = study_of.at_threshold(small, STUDY.arms["real"], 0)
    assert found[0]["specificity"] == found[0]["sensitivity"] == 1
    assert found[1]["specificity"] < 0.3, "all scores have moved, the threshold has not"
