"""Ablations, sweeps and diagnostics: fair arms, one change each, rows that the claims need."""

from collections import defaultdict
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from lib import jobs, profiles
from lib.claims import ledger
from lib.datasets import chest as chest_sets
from lib.generators import vae
from lib.jobs import Result
from lib.networks.classifier import SmallCNN
from lib.papers import pavae
from lib.papers.pavae import ablations, diagnostics, sweeps
from lib.scores import measures
from lib.training import loop as tr
from lib.training.weights import freeze, seeded, weights_to_arrays

QUICK, FULL = profiles.get("quick"), profiles.get("full")
STUDY = pavae.Study(QUICK, 0, "bare")
FITTED = [arm for arm in ablations.LABELS if arm not in ("real", "oracle", *ablations.MIX)]


def args(job):
    return job.spec["args"]


def nested(spec, function):
    """All jobs of a function inside a spec."""
    if isinstance(spec, list):
        return [found for each in spec for found in nested(each, function)]
    if not isinstance(spec, dict):
        return []
    own = [spec] if spec.get("function", "").endswith(function) else []
    return own + [found for each in spec.values() for found in nested(each, function)]


def keys(found):
    return {str(job.spec) for job in found}


# ---- one change per arm ----


def changed(arm):
    """Settings in which the auto-encoder of an arm differs from PA-VAE's."""
    mine, base = (args(ablations.fit(STUDY, a, 0))["settings"] for a in (arm, "pavae"))
    return {name: mine[name] for name in base if mine[name] != base[name]}


def test_each_ablation_changes_what_its_name_says():
    off = {
        "path": {"lambda_path": 0.0},
        "prior": {"class_prior": False},
        "mask": {"lambda_mask": 0.0},
        "cls": {"lambda_cls": 0.0},
    }
    for arm in FITTED:
        if arm.startswith("no_"):
            parts = arm.split("_")[1:]
            assert changed(arm) == {k: v for part in parts for k, v in off[part].items()}, arm
        elif arm.startswith("beta_"):
            assert changed(arm) == {"beta": float(arm[5:])}
    assert ablations.changes("beta_3.2")["beta"] == pytest.approx(0.8 * vae.PA_VAE.beta), "-20 %"
    for arm in ("pavae", "leaky", "plain_guide", "unstopped", *ablations.MIX):
        assert changed(arm) == {}, arm
    everything = off["path"] | off["prior"] | off["mask"] | off["cls"]
    assert changed("vae") == changed("vae_unstopped") == everything
    with pytest.raises(KeyError):
        ablations.changes("no_sampling_prior")


def test_the_factorial_has_all_eight_corners_once():
    corners = [(), *[tuple(arm.split("_")[1:]) for arm in FITTED if arm.startswith("no_")]]
    corners = [set(corner) for corner in corners if "cls" not in corner]
    parts = ("path", "prior", "mask")
    expected = [{p for i, p in enumerate(parts) if n >> i & 1} for n in range(8)]
    assert sorted(map(sorted, corners)) == sorted(map(sorted, expected))
    assert {"pavae", *[a for a in FITTED if a.startswith("no_")]} <= set(
        ablations.arms(FULL, "bare")
    )


@pytest.mark.parametrize("arm", FITTED)
def test_auto_encoders_of_a_replicate_share_data_seeds_and_steps(arm):
    for k in (0, 2):
        mine, base = (args(ablations.fit(STUDY, a, k)) for a in (arm, "pavae"))
        for name in mine.keys() - {"settings", "guide", "validation"}:
            assert mine[name] == base[name], name
        watched = None if "unstopped" in arm else base["validation"]
        assert mine["validation"] == watched, "early stopping"
        steps = [vae.VaeSettings(**a["settings"]) for a in (mine, base)]
        assert steps[0].epochs * steps[0].steps_per_epoch == 8 * (8000 // 64)
        assert steps[0].steps_per_epoch == steps[1].steps_per_epoch
        if arm not in ("leaky", "plain_guide"):
            assert mine["guide"] == base["guide"]


def test_guides_of_the_side_arms_differ_in_labels_or_augmentation_alone():
    base, leaky, plain = (
        args(ablations.fit(STUDY, arm, 1))["guide"]["$job"]["args"]
        for arm in ("pavae", "leaky", "plain_guide")
    )
    assert leaky == base | {"n": QUICK.train} and base["n"] == QUICK.labelled
    assert plain == base | {"settings": base["settings"] | {"augment": False}}


def test_no_auto_encoder_sees_test_images_or_the_judges():
    hidden = {str(job.spec) for job in (STUDY.test, STUDY.reader, STUDY.attribute_reader)}
    for arm in FITTED:
        text = str(ablations.fit(STUDY, arm, 0).spec)
        assert not any(spec in text for spec in hidden), arm


def test_downstream_arms_of_table_5_differ_in_their_pool_alone():
    base = args(STUDY.predictions("pavae", 1))
    for arm, kind in ablations.scored(STUDY):
        if kind != "utility" or arm == "real":
            continue
        job = ablations.scored(STUDY)[arm, kind]
        mine = args(job[min(1, len(job) - 1)][0])["arm"]["$job"]["args"]
        reference = base if len(job) > 1 else args(STUDY.predictions("pavae", 0))
        for name in base.keys() - {"pool"}:
            assert mine[name] == reference[name], (arm, name)


def test_table_5_and_the_sweeps_take_over_the_jobs_of_table_4():
    """Arms with the same name are the same jobs, so their numbers agree in every table."""
    table4 = keys(pavae.STUDIES["table4_main"](QUICK, 0))
    shares = sweeps.fraction_scored(QUICK, 0, 10)
    for found in (ablations.scored(STUDY), shares, diagnostics.scored(STUDY)):
        for (arm, kind), pairs in found.items():
            if arm in pavae.NAMES and kind in ("utility", "fidelity", "memory"):
                assert keys(job for job, _ in pairs) <= table4, (arm, kind)


def test_samples_of_a_replicate_come_from_the_same_latent_seeds():
    streams = {arm: args(ablations.pool(STUDY, arm, 1))["stream"] for arm in FITTED if arm != "vae"}
    assert len(set(map(tuple, streams.values()))) == 1
    other = args(ablations.pool(STUDY, "pavae", 0))["stream"]
    assert other != streams["pavae"]


# ---- sweeps ----


@pytest.mark.parametrize("name", ["smoke", "quick", "full"])
def test_shares_label_what_they_say(name):
    profile = profiles.get(name)
    for share in profile.fractions:
        study = sweeps.at_fraction(profile, 0, share)
        n = profile.train * share // 100
        base = args(study.predictions("real", 0))
        for arm in sweeps.fraction_arms(share):
            mine = args(study.predictions(arm, 0))
            assert mine["n"] == n and mine["extra"] == n and n % 4 == 0, "one to one"
            for same in ("real", "validation", "test", "settings", "stream"):
                assert mine[same] == base[same], (arm, same)
        fit, guide = args(study.vae(0)), args(study.guide(0))
        assert fit["n"] == guide["n"] == n, "the generator sees the labelled images alone"


def test_ratios_add_what_they_say_at_equal_steps():
    found = sweeps.ratio_scored(STUDY)
    base = args(STUDY.predictions("real", 0))
    pools = defaultdict(set)
    for (arm, kind), pairs in found.items():
        if kind != "utility" or arm == "real":
            continue
        mine = args(pairs[0][0])["arm"]["$job"]["args"]
        source, ratio = arm.split("_r")
        assert mine["extra"] == float(ratio) * QUICK.labelled
        for same in ("real", "n", "validation", "test", "settings", "stream"):
            assert mine[same] == base[same], (arm, same)
        pools[source].add(str(mine["pool"]))
        length = mine["pool"]["$job"]["args"]["n"]
        assert length == 8 * QUICK.labelled >= mine["extra"]
    assert {source: len(found) for source, found in pools.items()} == {"pavae": 1, "oracle": 1}


def test_ratio_1_is_the_main_comparison():
    """The same weights, seeds and labels; only the pool is longer."""
    main = args(STUDY.pool("pavae", 1))
    ratio = args(sweeps.ratio_scored(STUDY)["pavae_r1", "utility"][1][0])
    mine = ratio["arm"]["$job"]["args"]["pool"]["$job"]["args"]
    assert mine | {"n": 0} == main | {"n": 0}
    fresh = args(sweeps.ratio_scored(STUDY)["oracle_r1", "utility"][1][0])
    mine = fresh["arm"]["$job"]["args"]["pool"]["$job"]["args"]
    assert mine | {"n": 0} == args(STUDY.fresh(1)) | {"n": 0}


def test_arms_of_the_rare_benchmark_differ_in_their_pool_alone():
    trained = {
        arm: args(pairs[0][0])["arm"]["$job"]["args"]
        for (arm, kind), pairs in sweeps.mixed_scored(STUDY).items()
        if kind == "utility"
    }
    base = trained["real"]
    assert base["real"]["$job"]["args"]["mix"] == [16, 3, 1] and base["pool"] is None
    for arm, mine in trained.items():
        for same in ("real", "n", "validation", "test", "settings", "stream"):
            assert mine[same] == base[same], (arm, same)
        assert mine["extra"] == (0 if arm == "real" else 798), "as many in every mix"
    mixes = {
        arm: mine["pool"]["$job"]["args"]["mix"] for arm, mine in trained.items() if arm != "real"
    }
    assert {arm for arm, mix in mixes.items() if mix == [1, 1, 1]} == {
        "resampled", "pavae_balanced", "oracle_balanced"
    }  # fmt: skip
    empirical, balanced = (
        trained[f"pavae_{kind}"]["pool"]["$job"]["args"] for kind in ("empirical", "balanced")
    )
    assert empirical["fitted"] == balanced["fitted"], "one generator, two mixes"
    seen = nested(empirical["fitted"], "mixed_set")
    assert len({str(each) for each in seen}) == 1, "it saw the rare labelled images alone"


# ---- rows ----


def fake(job):
    """A result of the right shape for every job whose scores become rows."""
    name = job.name.split(":")[1]
    half = defaultdict(lambda: 0.5)
    if name == "fidelity_null":
        three = dict.fromkeys(("fd", "fd2", "kid"), 0.1)
        return Result({}, {"mean": three, "sd": three})
    if name == "score":
        return Result({}, {arm: {"pixel_auroc": 0.5, "pointing": 0.1} for arm in diagnostics.MAPS})
    if name == "compare":
        names = dict.fromkeys(("place across", "place along", "radius", "contrast"), 0.5)
        both = dict.fromkeys(("coverage_place", "coverage_look"), 0.5)
        return Result({}, {"spread": names, "shift": names, "r2": names, **both})
    if name == "at_specificity":
        return Result({"matrix": np.array([[95, 3, 2], [20, 70, 10], [30, 10, 60]])}, {})
    return Result({}, half)


ROWS = {
    "pavae/table5_ablations": ablations.table5_rows,
    "pavae/04_data": sweeps.sweep_rows,
    "pavae/04_diagnostics": diagnostics.diagnostic_rows,
}


@pytest.mark.parametrize("name", ["smoke", "quick", "full"])
@pytest.mark.parametrize("item", ROWS)
def test_rows_hold_what_the_claims_need(monkeypatch, item, name):
    monkeypatch.setattr(jobs, "load", fake)
    profile = profiles.get(name)
    rows = ROWS[item](profile, 0)
    table = {(row["regime"], row["arm"], row["metric"]): row for row in rows}
    assert len(table) == len(rows), "every row once"
    wanted = 0
    for claim in ledger.by_paper("pavae"):
        test = claim["test"]
        for place, *key in [*ledger.needs(test), *ledger.extras(test)]:
            if place == item:
                wanted += 1
                assert tuple(key) in table, (claim["id"], key)
        for place, *key in ledger.needs(test):
            if place == item and claim["priority"] == 1:
                assert len(table[tuple(key)]["values"]) == profile.replicates, claim["id"]
    assert wanted


def test_rows_stand_beside_their_anchors(monkeypatch):
    monkeypatch.setattr(jobs, "load", fake)
    for make in ROWS.values():
        for row in make(FULL, 0):
            if row["metric"] in ("auc", "sens95", "brier") and row["regime"] != "bare-imbalanced":
                assert row["null"] is not None, row
            if row["metric"] == "fd":
                assert row["null"] is not None and row["null_sd"] is not None


def test_recall_of_the_minority_is_that_of_the_rarest_class():
    rare = np.bincount(sweeps.variants.mix_pattern(sweeps.RARE)).argmin()
    assert sweeps.MINORITY["recall_minority"] == f"recall_{rare}"
    assert sweeps.MINORITY["auc_minority"] == f"auc_{rare}"
    assert sweeps.oracle_of("pavae_r2") == "oracle_r2" and sweeps.oracle_of("real") == "oracle"


def test_confusion_rows_are_rates_of_the_true_classes(monkeypatch):
    monkeypatch.setattr(jobs, "load", fake)
    rows = {(r["arm"], r["metric"]): r["mean"] for r in diagnostics.confusion_rows(STUDY)}
    assert rows["pavae", "named healthy"] == pytest.approx(0.95)
    assert rows["pavae", "named left"] == pytest.approx(0.7)
    assert rows["pavae", "named right"] == pytest.approx(0.6)


def test_table_5_prints_the_papers_changes_beside_auc_and_fd(monkeypatch):
    monkeypatch.setattr(jobs, "load", fake)
    printed = {
        (row["arm"], row["metric"]): row["paper_change"]
        for row in ablations.table5_rows(QUICK, 0)
        if row["paper_change"] is not None
    }
    claims = {claim["id"]: claim["paper_values"] for claim in ledger.load()}
    ids = {"no_path": "PV-11", "no_prior": "PV-12", "beta_3.2": "PV-13", "no_mask": "PV-14"}
    for arm, id_ in ids.items():
        assert printed.pop((arm, "auc")) == claims[id_]["dAUC"]
        assert printed.pop((arm, "fd")) == claims[id_]["dFID"]
    assert not printed


def test_defects_are_of_the_oracles_own_subjects():
    for arm in ("oracle_noiseless", "oracle_one_place"):
        assert args(diagnostics.gap_pool(STUDY, arm, 1))["stream"] == args(STUDY.fresh(1))["stream"]
    for arm in ("oracle_blurred", "oracle_mislabelled", "oracle_soft"):
        assert args(diagnostics.gap_pool(STUDY, arm, 1))["pool"] == {"$job": STUDY.fresh(1).spec}
    mended = args(diagnostics.gap_pool(STUDY, "pavae_noise", 1))
    assert mended["pool"] == {"$job": STUDY.pool("pavae", 1).spec}
    assert mended["real"] == {"$job": STUDY.train(1).spec} and mended["n"] == QUICK.labelled


# ---- measures ----


def halves(labels, right):
    """Masks of one pixel: in the right half where `right`, else in the left."""
    masks = np.zeros((len(labels), 4, 6), np.float32)
    masks[np.arange(len(labels)), 1, np.where(right, 4, 1)] = 1
    return masks


def test_the_side_of_masks_is_one_for_perfect_and_half_for_random():
    labels = np.tile([0, 1, 0, 2], 500)
    assert measures.mask_side(halves(labels, labels == 1), labels) == 1
    assert measures.mask_side(halves(labels, labels != 1), labels) == 0
    coin = np.random.default_rng(0).random(2000) < 0.5
    assert measures.mask_side(halves(labels, coin), labels) == pytest.approx(0.5, abs=0.06)
    assert measures.mask_side(halves(labels, labels >= 0), labels) == 0.5, "one side for all"
    real = chest_sets.image_set("bare", 40, [0]).arrays
    assert measures.mask_side(real["mask"].astype(np.float32), real["label"]) == 1


def test_separation_is_the_distance_of_class_means_in_standard_deviations():
    model = vae.ConditionalVAE(vae.PA_VAE)
    assert measures.separation(model) == 0
    with torch.no_grad():
        model.prior[1, 0, 0], model.prior[2, 0, 0] = 3.0, -1.0
    assert measures.separation(model) == pytest.approx((3 + 1 + 4) / 3)
    with torch.no_grad():
        model.prior[:, 1] = 2 * np.log(0.5)
    assert measures.separation(model) == pytest.approx(2 * (3 + 1 + 4) / 3, rel=1e-5)


def test_measures_are_the_terms_on_held_out_images():
    settings = replace(vae.PA_VAE, precision="float32")
    model = seeded(lambda: vae.ConditionalVAE(settings), np.random.default_rng(0))
    with torch.no_grad():
        model.encoder.out.weight.normal_(0, 0.02)
        model.prior.normal_(0, 0.5)
    fitted = Result(weights_to_arrays(model, "best/"), {"settings": asdict(settings)})
    net = freeze(seeded(SmallCNN, np.random.default_rng(1)))
    images = chest_sets.image_set("bare", 24, [4])
    stream = [9]
    found = measures.measure(fitted, Result(weights_to_arrays(net), {}), images, 16, stream)
    x, y = (images.arrays[name][:16] for name in ("image", "label"))
    x, y = tr.as_planes(x), torch.from_numpy(y)
    with torch.no_grad():
        (m, s), (pm, ps) = model.eval().posterior(x, y), model.prior_of(y)
        nats = kl_divergence(Normal(m, (0.5 * s).exp()), Normal(pm, (0.5 * ps).exp()))
    assert found.scores["kl"] == pytest.approx(nats.sum(1).mean().item(), rel=1e-3)
    assert 0.4 < found.scores["reconstruction"] < 1.5, "nats per pixel"
    again = measures.measure(fitted, Result(weights_to_arrays(net), {}), images, 16, stream)
    assert found.scores == again.scores
    assert 0 <= found.scores["guide_adherence"] <= 1 and 0 < found.scores["mask"] <= 1


def test_adherence_of_a_guide_that_reads_the_asked_class(monkeypatch):
    """A decoder that paints its class and a guide that reads it agree always."""

    class Paints(nn.Module):
        def forward(self, z, y):
            level = (y.float() - 1)[:, None, None, None] * 4
            return level.expand(-1, 2, 64, 64)

    class Reads(nn.Module):
        sees = staticmethod(lambda grey: (grey * 2).round().clamp(0, 2).long())

        def features(self, x):
            return x.mean((2, 3))

        def head(self, features):
            return nn.functional.one_hot(self.sees(features[:, 0]), 3).float()

        def forward(self, x):
            return self.head(self.features(x))

    model = vae.ConditionalVAE(vae.PA_VAE).eval()
    model.decoder = Paints()
    guide = Reads()
    monkeypatch.setattr(vae, "load", lambda fitted: model)
    monkeypatch.setattr(measures.classify, "load", lambda result: guide)
    images = chest_sets.image_set("bare", 8, [4])
    assert measures.measure(None, None, images, 8, [0]).scores["guide_adherence"] == 1
    guide.sees = lambda grey: (2 - (grey * 2).round()).clamp(0, 1).long()
    assert measures.measure(None, None, images, 8, [0]).scores["guide_adherence"] < 0.5
