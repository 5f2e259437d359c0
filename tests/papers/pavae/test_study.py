"""The PA-VAE study: fair arms, independent judges, rows that say what they stand for."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from lib import jobs, paths, profiles
from lib.claims import ledger
from lib.datasets import chest as chest_sets
from lib.datasets.splits import assert_subject_disjoint
from lib.jobs import Job, Result
from lib.papers.pavae import printed
from lib.papers.pavae.arms import MAIN
from lib.papers.pavae.study import Study, study
from lib.papers.pavae.tables import TABLES, Table4
from lib.papers.table import Scores
from lib.phantoms import chest
from lib.profiles import FULL, QUICK, SMOKE, Plan
from lib.scores import images as scores
from lib.tasks import classify
from lib.training.weights import weights_to_arrays

HOME = study(Plan(QUICK))
LABELLED = HOME.size.labelled


def streams(spec) -> set:
    """Every stream of seeds in a nested spec."""
    if isinstance(spec, dict):
        own = {tuple(spec["stream"])} if "stream" in spec else set()
        return own.union(*(streams(v) for v in spec.values()))
    return set().union(*(streams(v) for v in spec)) if isinstance(spec, list) else set()


# ---- fair arms ----


def test_arms_differ_in_what_they_add_and_in_whether_they_augment_alone():
    for k in range(2):
        args = {arm.name: HOME.predictions(arm, k).spec["args"] for arm in MAIN.values()}
        reference = args["real"]
        for arm, found in args.items():
            for name in ("real", "n", "validation", "test", "stream"):
                assert found[name] == reference[name], (arm, name)
            steps = reference["settings"]["steps"] * (2 if MAIN[arm].epochs else 1)
            own = {"augment": MAIN[arm].augment, "steps": steps}
            assert found["settings"] == reference["settings"] | own, arm
            assert found["extra"] <= LABELLED, "at most 1:1"
        for arm in ("pavae", "oracle"):
            for more in ("classic", "epochs"):
                assert args[f"{arm}_{more}"]["pool"] == args[arm]["pool"], "the same images"


def test_runs_of_a_draw_differ_in_their_seed_and_the_control_has_more():
    for name, count in (("real", HOME.size.seeds_alone), ("pavae", HOME.size.seeds)):
        runs = HOME.utility(MAIN[name], 0).spec["args"]["runs"]
        each = [dict(run["$job"]["args"]["arm"]["$job"]["args"]) for run in runs]
        streams = {tuple(args.pop("stream")) for args in each}
        assert len(each) == len(streams) == count and all(args == each[0] for args in each)
    assert HOME.size.seeds_alone >= 3 * HOME.size.seeds


def test_draws_are_fresh_in_everything_but_the_test_set():
    a, b = (HOME.predictions(MAIN["pavae"], k).spec["args"] for k in (0, 1))
    assert a["test"] == b["test"] and a["validation"] != b["validation"]
    assert a["real"] != b["real"] and a["pool"] != b["pool"] and a["stream"] != b["stream"]


@pytest.mark.parametrize("arm", ["template", "vae", "stylegan", "pavae", "pavae_pseudo"])
def test_generators_see_what_the_arm_may_see(arm):
    """No test image, no judge and no oracle draw reaches a generator, at any depth."""
    seen = streams(HOME.pool(MAIN[arm], 0).spec)
    for purpose in ("test", "reader", "reader weights", "oracle", "calibration"):
        assert tuple(HOME.stream(purpose)) not in seen
    assert tuple(HOME.stream("train", 1)) not in seen, "nor another draw"
    assert tuple(HOME.stream("train", 0)) in seen


def test_guides_learn_from_the_labelled_images_only():
    guide = HOME.guide(0).spec["args"]
    assert guide["n"] == HOME.vae(0).spec["args"]["n"] == LABELLED == 800


def test_the_judge_is_independent_of_all_that_it_judges():
    judge = streams(HOME.reader.spec)
    for arm in filter(HOME.is_judged, HOME.arms.values()):
        assert not judge & streams(HOME.pool(arm, 0).spec), arm.name


def test_the_oracle_is_as_many_fresh_subjects():
    home = study(Plan(SMOKE))
    draws = {
        "train": home.train(0), "fresh": home.fresh(0), "test": home.test, "next": home.train(1),
        "validation": home.validation(0),
    }  # fmt: skip
    without_store = {name: chest_sets.image_set(**job.spec["args"]) for name, job in draws.items()}
    assert_subject_disjoint(**{name: r.arrays["subject"] for name, r in without_store.items()})
    args = home.predictions(MAIN["oracle"], 0).spec["args"]
    assert args["extra"] == args["n"] == home.size.labelled


@pytest.mark.parametrize("stem", TABLES)
def test_quick_jobs_are_a_subset_of_full_jobs(stem):
    quick, full = ({job.key for job in TABLES[stem].jobs(Plan(p))} for p in (QUICK, FULL))
    assert quick <= full


def test_the_papers_table_stands_once_and_agrees_with_the_ledger():
    claims = {claim["id"]: claim["paper_values"] for claim in ledger.load()}
    alias = {"real": "real_only", "template": "traditional", "stylegan": "stylegan_lite"}
    for claim, metric in (("PV-04", "auc"), ("PV-05", "sens95"), ("PV-06", "ece"), ("PV-07", "fd")):
        for arm in printed.TABLE4:
            value = printed.table4(arm, metric)
            assert value is None or claims[claim][alias.get(arm, arm)] == value, (claim, arm)
    for at, claim in enumerate(("PV-01", "PV-02", "PV-03")):
        for arm, values in printed.ABSTRACT.items():
            assert claims[claim][alias.get(arm, arm)] == values[at]


# ---- rows ----


def toy(value: float) -> Result:
    """Job: scores that follow from one number."""
    return Result({}, {"auc": value, "ece": value / 10, "ece_floor": 0.02, "fd": value})


def toy_null() -> Result:
    """Job: what distances read between two sets of real images."""
    return Result({}, {"mean": {"fd": 0.1}, "sd": {"fd": 0.01}})


class Few(Table4):
    """Table 4 of three arms whose scores are made up."""

    def studies(self, plan):
        return [Study(plan, "bare", None)]

    def scores(self, study):
        for name, base in {"real": 0.7, "pavae": 0.8, "oracle": 0.9}.items():
            each = {k: Job(toy, value=base + 0.01 * k) for k in range(3)}
            yield Scores(MAIN[name], ("auc", "ece", "ece_floor", "fd"), each)

    def null_job(self, study):
        return Job(toy_null)


def test_rows_carry_their_null_oracle_and_the_papers_number(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "STORE", tmp_path)
    jobs.run(Few().jobs(Plan(SMOKE)), workers=1)
    rows = {(row["arm"], row["metric"]): row for row in Few().rows(Plan(SMOKE))}
    auc = rows["pavae", "auc"]
    assert [value for value, _ in auc["draws"].values()] == pytest.approx([0.80, 0.81, 0.82])
    assert auc["null"] == {"arm": "real", "metric": "auc"} and auc["paper"] == 0.842
    assert auc["oracle"] == {"arm": "oracle", "metric": "auc"}
    assert rows["pavae", "ece"]["null"] == {"arm": "pavae", "metric": "ece_floor"}
    assert (rows["pavae", "fd"]["null"], rows["pavae", "fd"]["null_sd"]) == (0.1, 0.01)
    assert rows["oracle", "auc"]["paper"] is None


# ---- scores ----


def probabilities(rng, n, labels, skill):
    """Class probabilities whose log-odds of disease are shifted by `skill` for the sick."""
    sick = 1 / (1 + np.exp(-rng.normal(skill * (labels > 0) - skill / 2, 1.0, n)))
    return np.stack([1 - sick, sick / 2, sick / 2], 1).astype(np.float32)


def read(validation_skill, test_skill, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.tile([0, 1, 0, 2], 1000)
    arm = Result(
        {
            "probability/validation": probabilities(rng, 4000, labels, validation_skill),
            "probability/test": probabilities(rng, 4000, labels, test_skill),
        },
        {},
    )
    part = Result({"label": labels}, {})
    return scores.utility(arm, part, part, [0])


def test_skill_moves_utility_and_the_threshold_comes_from_validation():
    none, some = read(0.0, 0.0).scores, read(2.0, 2.0).scores
    assert none["auc"] == pytest.approx(0.5, abs=0.03) and none["sens95"] == pytest.approx(
        0.05, abs=0.03
    )
    assert some["auc"] > 0.85 and some["sens95"] > 0.3 and some["brier"] < none["brier"]
    assert some["spec95"] == pytest.approx(0.95, abs=0.02)
    strict = read(-4.0, 2.0).scores  # validation negatives score high: a high threshold
    assert strict["spec95"] > 0.98 and strict["auc"] == pytest.approx(some["auc"], abs=0.02)


def test_roc_is_a_rising_curve_whose_area_is_the_auc():
    result = read(2.0, 2.0)
    roc = result.arrays["roc"]
    assert (np.diff(roc) >= 0).all() and roc[-1] == 1
    assert np.trapezoid(roc, scores.RATES) == pytest.approx(result.scores["auc"], abs=0.005)


@pytest.fixture(scope="module")
def judged():
    """A reader that has learned plain opacities, and real images it has not seen."""
    law = replace(chest.BARE, name="easy", opacity_grey=(0.4, 0.8))
    data = chest_sets.draw(law, 1200, np.random.default_rng(0))
    settings = classify.ClassifySettings(steps=250, augment=True, precision="float32")
    net = classify.fit(data.image, data.label, settings, np.random.default_rng(1))
    real = chest_sets.draw(law, 1600, np.random.default_rng(2))
    return net, real


def test_distances_rise_with_blur_noise_and_missing_lesions(judged):
    """Positive controls: every defect, and more of it, must read as farther."""
    net, real = judged
    rng = np.random.default_rng(0)
    half, rest = real.image[:800], real.image[800:]
    null = scores.distances(half, rest, net)

    def at(images):
        return scores.distances(images.astype(np.float32), rest, net)

    blurred = [at(gaussian_filter(half, (0, s, s))) for s in (0.7, 1.5)]
    noisy = [at((half + rng.normal(0, s, half.shape)).clip(0, 1)) for s in (0.1, 0.3)]
    healthy = at(half[real.label[:800] == 0][np.arange(800) % 400])
    for name in ("fd", "kid"):
        assert null[name] < blurred[0][name] < blurred[1][name], name
        assert null[name] < noisy[0][name] < noisy[1][name], name
        assert healthy[name] > 2 * null[name], "images that lost their lesions"
    assert null["fd2"] < blurred[0]["fd2"] < blurred[1]["fd2"]


def test_adherence_is_the_readers_accuracy_on_real_images_and_chance_on_shuffled(judged):
    net, real = judged
    weights = Result(weights_to_arrays(net), {})
    truth = Result(real.arrays(), {})
    asked = Result({"image": real.image, "label": real.label}, {})
    found = scores.domain_fidelity(asked, 800, truth, weights).scores
    assert found["adherence_ratio"] == pytest.approx(1) and found["adherence"] > 0.6
    mixed = Result(
        {"image": real.image, "label": np.random.default_rng(0).permutation(real.label)}, {}
    )
    lost = scores.domain_fidelity(mixed, 800, truth, weights).scores
    assert lost["adherence"] < found["adherence"] - 0.2


def test_reconstruction_ssim_is_one_for_copies_only():
    rng = np.random.default_rng(0)
    x = rng.random((4, 64, 64)).astype(np.float32)
    assert (
        scores.reconstruction_ssim(Result({"image": x, "reconstruction": x}, {})).scores["ssim"]
        == 1
    )
    other = Result({"image": x, "reconstruction": gaussian_filter(x, (0, 2, 2))}, {})
    assert scores.reconstruction_ssim(other).scores["ssim"] < 0.5


def test_memory_share_finds_a_memoriser():
    rng = np.random.default_rng(0)
    train, hold = (Result({"image": rng.random((60, 8, 8)), "label": None}, {}) for _ in range(2))
    copies = Result({"image": train.arrays["image"] + 0.01 * rng.random((60, 8, 8))}, {})
    fresh = Result({"image": rng.random((60, 8, 8))}, {})
    assert scores.memory(copies, train, 60, hold).scores["nn_share"] == 1
    low, high = scores.memory(fresh, train, 60, hold).scores["ci95"]
    assert low < 0.5 < high


def test_profiles_are_named_in_the_error():
    with pytest.raises(ValueError, match="profile 'fast' is unknown; choose one of smoke, quick"):
        profiles.get("fast")
