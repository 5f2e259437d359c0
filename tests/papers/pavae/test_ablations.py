"""Ablations, sweeps and diagnostics: fair arms, one change each, rows that the claims need."""

from collections import defaultdict
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence

from lib import jobs
from lib.claims import ledger
from lib.datasets import chest as chest_sets
from lib.datasets import variants
from lib.generators import vae
from lib.jobs import Result
from lib.networks.classifier import SmallCNN
from lib.papers.pavae import ablations, diagnostics, sweeps
from lib.papers.pavae.arms import ABLATED, FIDELITY, MAIN, UTILITY
from lib.papers.pavae.study import study as study_in
from lib.papers.pavae.tables import TABLES, Table4
from lib.profiles import FULL, PROFILES, SMOKE, Plan
from lib.scores import measures
from lib.training import loop as tr
from lib.training.weights import freeze, seeded, weights_to_arrays

PLAN = Plan(FULL, only=(0, 1, 2))  # every arm, some draws
STUDY = study_in(PLAN)
SIZE = STUDY.size
FITTED = {name: arm for name, arm in ABLATED.items() if not arm.mix}


def args(job):
    return job.spec["args"]


def inner(job):
    """Arguments of the downstream network that a score is of, with the first seed of its draw."""
    scored = args(job)["runs"][0]["$job"]["args"] if "runs" in args(job) else args(job)
    return scored["arm"]["$job"]["args"]


def fit(name, k=0):
    return args(STUDY.fitted(ABLATED[name], k))


def utility(scores):
    """{name of the arm: {draw: its score of utility}}."""
    return {s.arm.name: s.jobs for s in scores if s.metrics == UTILITY}


def nested(spec, function):
    """All jobs of a function inside a spec."""
    if isinstance(spec, list):
        return [found for each in spec for found in nested(each, function)]
    if not isinstance(spec, dict):
        return []
    own = [spec] if spec.get("function", "").endswith(function) else []
    return own + [found for each in spec.values() for found in nested(each, function)]


# ---- one change per arm ----


def changed(name):
    """Settings in which the auto-encoder of an arm differs from PA-VAE's."""
    mine, base = (fit(arm)["settings"] for arm in (name, "pavae"))
    return {name: mine[name] for name in base if mine[name] != base[name]}


def test_each_ablation_changes_what_its_name_says():
    off = {"path": {"lambda_path": 0.0}, "prior": {"class_prior": False},
           "mask": {"lambda_mask": 0.0}, "cls": {"lambda_cls": 0.0}}  # fmt: skip
    for arm in FITTED:
        if arm.startswith("no_"):
            parts = arm.split("_")[1:]
            assert changed(arm) == {k: v for part in parts for k, v in off[part].items()}, arm
        elif arm.startswith("beta_"):
            assert changed(arm) == {"beta": float(arm[5:])}
    assert changed("beta_3.2")["beta"] == pytest.approx(0.8 * vae.PA_VAE.beta), "-20 %"
    for arm in ("pavae", "leaky", "plain_guide", "unstopped", "no_sampling_prior", "pi_uniform"):
        assert changed(arm) == {}, arm
    everything = off["path"] | off["prior"] | off["mask"] | off["cls"]
    own = {"beta": 1.0, "likelihood": "bernoulli", "epochs": SIZE.plain_epochs}
    assert changed("vae") == changed("vae_unstopped") == everything | own


def test_the_factorial_has_all_eight_corners_once():
    corners = [(), *[tuple(arm.split("_")[1:]) for arm in FITTED if arm.startswith("no_")]]
    corners = [set(corner) for corner in corners if "cls" not in corner]
    parts = ("path", "prior", "mask")
    expected = [{p for i, p in enumerate(parts) if n >> i & 1} for n in range(8)]
    assert sorted(map(sorted, corners)) == sorted(map(sorted, expected))


@pytest.mark.parametrize("arm", FITTED)
def test_auto_encoders_of_a_draw_share_data_seeds_and_steps(arm):
    for k in (0, 2):
        mine, base = fit(arm, k), fit("pavae", k)
        for name in mine.keys() - {"settings", "guide", "validation"}:
            assert mine[name] == base[name], name
        watched = None if "unstopped" in arm else base["validation"]
        assert mine["validation"] == watched, "early stopping"
        steps = [vae.VaeSettings(**a["settings"]) for a in (mine, base)]
        epochs = SIZE.plain_epochs if arm.startswith("vae") else SIZE.vae_epochs
        assert steps[0].epochs * steps[0].steps_per_epoch == epochs * (8000 // 64)
        assert steps[0].steps_per_epoch == steps[1].steps_per_epoch
        if arm not in ("leaky", "plain_guide"):
            assert mine["guide"] == base["guide"]


def test_guides_of_the_side_arms_differ_in_labels_or_augmentation_alone():
    base, leaky, plain = (
        fit(arm, 1)["guide"]["$job"]["args"] for arm in ("pavae", "leaky", "plain_guide")
    )
    assert leaky == base | {"n": SIZE.train} and base["n"] == SIZE.labelled
    assert plain == base | {"settings": base["settings"] | {"augment": False}}


def test_no_auto_encoder_sees_test_images_or_the_judges():
    hidden = {str(job.spec) for job in (STUDY.test, STUDY.reader, STUDY.attribute_reader)}
    for arm in FITTED:
        assert not any(spec in str(fit(arm)) for spec in hidden), arm


def test_downstream_arms_of_table_5_differ_in_their_pool_alone():
    found = utility(TABLES["table5_ablations"].scores(STUDY))
    assert found.keys() == {*ABLATED, "real", "oracle"}
    for arm, each in found.items():
        for k, job in each.items():
            base = args(STUDY.predictions(MAIN["pavae"], k))
            for name in base.keys() - {"pool"}:
                assert inner(job)[name] == base[name], (arm, name)
            assert (inner(job)["pool"] == base["pool"]) == (arm == "pavae"), arm


def test_table_5_and_the_sweeps_take_over_the_jobs_of_table_4():
    """Arms with the same name are the same jobs, so their numbers agree in every table."""
    table4 = {job.key for job in Table4().jobs(PLAN)}
    found = [*TABLES["table5_ablations"].scores(STUDY), *sweeps.fraction_scores(STUDY, 10),
             *TABLES["04_diagnostics"].scores(STUDY), *TABLES["04_gaps"].scores(STUDY)]  # fmt: skip
    known = (UTILITY, FIDELITY, ("nn_share",))
    shared = [s for s in found if s.arm.name in MAIN and s.metrics in known]
    assert len(shared) > 20
    for scores in shared:
        assert {job.key for job in scores.jobs.values()} <= table4, (scores.arm, scores.metrics)


def test_samples_of_a_draw_come_from_the_same_latent_seeds():
    streams = {n: args(STUDY.pool(a, 1))["stream"] for n, a in FITTED.items() if n != "vae"}
    assert len(set(map(tuple, streams.values()))) == 1
    assert args(STUDY.pool(ABLATED["pavae"], 0))["stream"] != streams["pavae"]


# ---- sweeps ----


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES)
def test_shares_label_what_they_say(profile):
    base = study_in(Plan(profile))
    for share in base.size.fractions:
        study = sweeps.at_fraction(base, share)
        n = base.size.train * share // 100
        real = args(study.predictions(MAIN["real"], 0))
        for arm in utility(sweeps.fraction_scores(base, share)):
            mine = args(study.predictions(MAIN[arm], 0))
            assert mine["n"] == n and mine["extra"] == n and n % 4 == 0, "one to one"
            for same in ("real", "validation", "test", "settings", "stream"):
                assert mine[same] == real[same], (arm, same)
        assert args(study.vae(0))["n"] == args(study.guide(0))["n"] == n, "labelled images alone"


def test_ratios_add_what_they_say_at_equal_steps():
    base = args(STUDY.predictions(MAIN["real"], 0))
    pools = defaultdict(set)
    for arm, each in utility(sweeps.ratio_scores(STUDY)).items():
        if arm == "real":
            continue
        mine = inner(each[0])
        source, ratio = arm.split("_r")
        assert mine["extra"] == float(ratio) * SIZE.labelled
        for same in ("real", "n", "validation", "test", "settings", "stream"):
            assert mine[same] == base[same], (arm, same)
        pools[source].add(str(mine["pool"]))
        length = mine["pool"]["$job"]["args"]["n"]
        assert length == 8 * SIZE.labelled >= mine["extra"]
    assert {source: len(found) for source, found in pools.items()} == {"pavae": 1, "oracle": 1}


def test_ratio_1_is_the_main_comparison():
    """The same weights, seeds and labels; only the pool is longer."""
    found = utility(sweeps.ratio_scores(STUDY))
    plain = {"pavae_r1": STUDY.pool(MAIN["pavae"], 1), "oracle_r1": STUDY.fresh(1)}
    for arm, main in plain.items():
        mine = inner(found[arm][1])["pool"]["$job"]["args"]
        assert mine | {"n": 0} == args(main) | {"n": 0}


def test_arms_of_the_rare_benchmark_differ_in_their_pool_alone():
    trained = {a: inner(each[0]) for a, each in utility(sweeps.mixed_scores(STUDY)).items()}
    base = trained["real"]
    assert base["real"]["$job"]["args"]["mix"] == [16, 3, 1] and base["pool"] is None
    for arm, mine in trained.items():
        for same in ("real", "n", "validation", "test", "settings", "stream"):
            assert mine[same] == base[same], (arm, same)
        assert mine["extra"] == (0 if arm == "real" else 798), "as many in every mix"
    mixes = {a: m["pool"]["$job"]["args"]["mix"] for a, m in trained.items() if a != "real"}
    even = {arm for arm, mix in mixes.items() if mix == [1, 1, 1]}
    assert even == {"resampled", "pavae_balanced", "oracle_balanced"}
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
    if name == "fidelity_null":
        three = dict.fromkeys(("fd", "fd2", "kid"), 0.1)
        return Result({}, {"mean": three, "sd": three})
    if name == "score":
        return Result({}, {arm: {"pixel_auroc": 0.5, "pointing": 0.1} for arm in diagnostics.MAPS})
    if name == "compare":
        names = dict.fromkeys(("place across", "place along", "size", "contrast"), 0.5)
        both = dict.fromkeys(("coverage_place", "coverage_look"), 0.5)
        return Result({}, {"spread": names, "shift": names, "r2": names, **both})
    if name == "at_specificity":
        return Result({"matrix": np.array([[95, 3, 2], [20, 70, 10], [30, 10, 60]])}, {})
    images = np.random.default_rng(0).random((2, 32, 32), np.float32)
    return Result({"image": images}, dict.fromkeys(KNOWN, 0.5))


KNOWN = {*UTILITY, *FIDELITY, *ablations.MEASURES, *sweeps.RECALLS.values()}
KNOWN |= {"nn_share", "ssim", "sigma", "best_epoch"}
ITEMS = ("table5_ablations", "04_data", "04_diagnostics")


@pytest.mark.parametrize("item", ITEMS)
def test_rows_hold_what_the_claims_need(monkeypatch, item):
    monkeypatch.setattr(jobs, "load", fake)
    rows = TABLES[item].rows(PLAN)
    table = {(row["regime"], row["arm"], row["metric"]): row for row in rows}
    assert len(table) == len(rows), "every row once"
    wanted = 0
    for claim in ledger.by_paper("pavae"):
        needs = [key for place, *key in ledger.needs(claim["test"]) if place == f"pavae/{item}"]
        more = [key for place, *key in ledger.extras(claim["test"]) if place == f"pavae/{item}"]
        wanted += len(needs + more)
        for key in needs + more:
            assert tuple(key) in table, (claim["id"], key)
        for key in needs if claim["priority"] == 1 else ():
            assert len(table[tuple(key)]["draws"]) == len(PLAN.only), claim["id"]
    assert wanted


def test_rows_of_the_gaps_stand_beside_those_of_the_diagnostics_and_agree(monkeypatch):
    monkeypatch.setattr(jobs, "load", fake)
    found = [
        {(row["arm"], row["metric"]): row for row in TABLES[item].rows(Plan(SMOKE))}
        for item in ("04_diagnostics", "04_gaps")
    ]
    shared = found[0].keys() & found[1].keys()
    assert ("pavae", "auc") in shared and all(found[0][key] == found[1][key] for key in shared)
    assert {("oracle_soft", "sigma"), ("real", "detail")} <= found[1].keys() - found[0].keys()


def test_rows_stand_beside_their_anchors(monkeypatch):
    monkeypatch.setattr(jobs, "load", fake)
    one = Plan(FULL, only=(0,))
    for row in (row for item in (*ITEMS, "04_gaps") for row in TABLES[item].rows(one)):
        if row["metric"] in ("auc", "sens95", "brier"):
            assert row["null"] is not None, row
        if row["metric"] == "fd":
            assert row["null"] is not None and row["null_sd"] is not None


def test_recall_of_the_minority_is_that_of_the_rarest_class():
    rare = np.bincount(variants.mix_pattern(sweeps.RARE)).argmin()
    assert sweeps.RECALLS["recall_minority"] == f"recall_{rare}"
    assert sweeps.RECALLS["auc_minority"] == f"auc_{rare}"
    assert sweeps.ratio_arm("pavae", 2).oracle == "oracle_r2"


def test_confusion_rows_are_rates_of_the_true_classes(monkeypatch):
    monkeypatch.setattr(jobs, "load", fake)
    found = TABLES["04_diagnostics"].derived(STUDY, {})
    rows = {(r["arm"], r["metric"]): r["draws"]["0/1"][0] for r in found}
    assert rows["pavae", "named healthy"] == pytest.approx(0.95)
    assert rows["pavae", "named left"] == pytest.approx(0.7)
    assert rows["pavae", "named right"] == pytest.approx(0.6)


def test_table_5_prints_the_papers_changes_beside_auc_and_fd(monkeypatch):
    monkeypatch.setattr(jobs, "load", fake)
    rows = TABLES["table5_ablations"].rows(Plan(SMOKE))
    printed = {(row["arm"], row["metric"]): row["paper_change"] for row in rows}
    printed = {key: said for key, said in printed.items() if said is not None}
    claims = {claim["id"]: claim["paper_values"] for claim in ledger.load()}
    ids = {"no_path": "PV-11", "no_prior": "PV-12", "beta_3.2": "PV-13", "no_mask": "PV-14"}
    for arm, id_ in ids.items():
        assert printed.pop((arm, "auc")) == claims[id_]["dAUC"]
        assert printed.pop((arm, "fd")) == claims[id_]["dFID"]
    assert not printed


def test_defects_are_of_the_oracles_own_subjects():
    def gap(arm):
        return args(diagnostics.pool(STUDY, diagnostics.GAPS[arm], 1))

    for arm in ("oracle_noiseless", "oracle_one_place"):
        assert gap(arm)["stream"] == args(STUDY.fresh(1))["stream"]
    for arm in ("oracle_blurred", "oracle_mislabelled", "oracle_soft"):
        assert gap(arm)["pool"] == {"$job": STUDY.fresh(1).spec}
    mended = gap("pavae_noise")
    assert mended["pool"] == {"$job": STUDY.pool(MAIN["pavae"], 1).spec}
    assert mended["real"] == {"$job": STUDY.train(1).spec} and mended["n"] == SIZE.labelled


@pytest.mark.parametrize("name", ["vae", "pavae"])
def test_means_are_of_the_same_latents_without_the_noise(name):
    drawn, mean = (args(STUDY.pool(MAIN[arm], 1)) for arm in (name, f"{name}_mean"))
    assert drawn.pop("noisy", True) and not mean.pop("noisy")
    assert drawn == mean


@pytest.mark.parametrize("name", ["vae", "pavae"])
def test_a_refitted_prior_is_that_of_the_same_fit_and_seeds(name):
    drawn, other = (STUDY.pool(MAIN[arm], 1).spec for arm in (name, f"{name}_refitted"))
    assert other["function"].endswith("refitted_pool") and other["function"] != drawn["function"]
    drawn, other = dict(drawn["args"]), dict(other["args"])
    assert other.pop("data") == {"$job": STUDY.train(1).spec}
    assert other.pop("labelled") == SIZE.labelled
    assert other == drawn


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
    spread = 0.5 * (1 + np.log(2 * np.pi * x.var().item()))  # of an untrained grey, nats per pixel
    assert found.scores["reconstruction"] == pytest.approx(spread, abs=0.3)
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
