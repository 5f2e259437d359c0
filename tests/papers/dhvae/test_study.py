"""The dHVAE study: fair arms, independent judges, and a row for everything that a claim reads."""

import numpy as np
import pytest

from lib.claims import ledger
from lib.jobs import Job, Result
from lib.papers.dhvae import arms, marks, tables
from lib.papers.dhvae.arms import SOURCES, chosen, table4_arms
from lib.papers.dhvae.study import studies
from lib.profiles import FULL, QUICK, Plan
from lib.scores import pairs as pair_scores
from lib.tasks import segment

STUDIES = {each.modality: each for each in studies(Plan(QUICK))}
FLAIR = STUDIES["flair"]
ALL = Plan(FULL, only=(0,))  # every arm, one draw
ARMS = table4_arms(FLAIR.size.long_additions)


def streams(spec) -> set:
    """Every stream of seeds in a nested spec."""
    if isinstance(spec, dict):
        own = {tuple(spec["stream"])} if "stream" in spec else set()
        return own.union(*(streams(v) for v in spec.values()))
    return set().union(*(streams(v) for v in spec)) if isinstance(spec, list) else set()


def volumes_seen(spec) -> set[int]:
    """From how many volumes the slices in a nested spec are taken."""
    if isinstance(spec, dict):
        own = {spec["args"]["n"]} if "slice_set" in str(spec.get("function")) else set()
        return own.union(*(volumes_seen(v) for v in spec.values()))
    return set().union(*(volumes_seen(v) for v in spec)) if isinstance(spec, list) else set()


def arm_args(job: Job) -> dict:
    """Arguments of the first segmenter behind a job of scores."""
    (first, *_) = job.spec["args"]["runs"]
    return first["$job"]["args"]["arm"]["$job"]["args"]


def test_runs_of_a_draw_differ_in_their_seed_and_the_control_has_more():
    few = FLAIR.size.seeds
    counts = {"real": FLAIR.size.seeds_alone, "augmented": few, "real3d": few, "dhvae": few}
    for name, count in counts.items():
        runs = FLAIR.utility(SOURCES[name], 0).spec["args"]["runs"]
        each = [dict(run["$job"]["args"]["arm"]["$job"]["args"]) for run in runs]
        streams = [args.pop("stream") for args in each]
        assert len(each) == count and all(args == each[0] for args in each)
        assert len({tuple(stream) for stream in streams}) == count
    assert FLAIR.size.seeds_alone >= 3 * FLAIR.size.seeds


# ---- fair arms ----


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_2d_arms_differ_in_what_they_add_and_in_nothing_else(study):
    reference = arm_args(study.utility(SOURCES["real"], 0))
    for arm in (arm for arm in ARMS.values() if arm.dims == 2):
        found = arm_args(study.utility(arm, 0))
        for name in ("real", "test", "stream"):
            assert found[name] == reference[name], (arm.name, name)
        own = {"synthetic": arm.weighting, "augment": arm.augment, "epochs": arm.epochs}
        assert found["settings"] == reference["settings"] | own, arm.name
    augmented = {"augmented", "dhvae2000_augmented", "oracle2000_augmented"}
    assert {arm.name for arm in ARMS.values() if arm.augment} == augmented


def test_arms_augmented_on_the_fly_add_what_their_plain_twins_add():
    for name in ("dhvae2000", "oracle2000"):
        plain, moved = (arm_args(FLAIR.utility(ARMS[n], 0)) for n in (name, f"{name}_augmented"))
        assert moved.pop("settings") == plain.pop("settings") | {"augment": True}
        assert moved == plain


@pytest.mark.parametrize("name", ["dhvae2000", "oracle2000"])
def test_a_pretrained_arm_learns_what_its_plain_twin_learns_in_another_order(name):
    arms = (ARMS[name], ARMS[f"{name}_pretrained"])
    jobs = [FLAIR.predictions(arm, 0) for arm in arms]
    assert [job.spec["function"] for job in jobs] == ["lib.tasks.segment:arm",
                                                      "lib.tasks.pretrain:arm"]  # fmt: skip
    assert jobs[0].spec["args"] == jobs[1].spec["args"]


def test_generators_learn_from_mirrored_slices_but_for_one_that_was_tried():
    for arm in chosen(*arms.GENERATORS, "conditional"):
        assert FLAIR.fitted(arm, 0).spec["args"]["data"]["$job"] == FLAIR.learnt(0).spec, arm.name
    one = FLAIR.fitted(arms.RECIPES["try_vae_one_side"], 0).spec["args"]
    assert one["data"]["$job"] == FLAIR.slices(0).spec
    assert one["warm"]["$job"]["args"]["data"]["$job"] == FLAIR.slices(0).spec


def test_likelihoods_are_those_of_the_modality_and_densities_are_not_weighed():
    for modality, study in STUDIES.items():
        expected = arms.LIKELIHOODS[modality]
        for name in ("vae", "dhvae", "vae_standard"):
            assert study.settings(SOURCES[name]).items() >= expected.items()
        assert study.settings(SOURCES["vae_sd"])["mask_weight"] == 1
        warm = study.fitted(SOURCES["vae_sd"], 0).spec["args"]["warm"]["$job"]["args"]["settings"]
        assert (warm["sd_rate"], warm["mask_weight"]) == (5, 1)


def test_codes_as_they_are_start_from_the_same_warm_up():
    plain, standard = (FLAIR.fitted(SOURCES[n], 0).spec["args"] for n in ("vae", "vae_standard"))
    assert plain["warm"] == standard["warm"]
    assert standard["settings"] == plain["settings"] | {"whitened": False}


@pytest.mark.parametrize("name", ["vae", "hvae", "dhvae"])
def test_a_filtered_pool_is_the_generators_own_drawn_larger(name):
    whole, kept = (FLAIR.pool(ARMS[f"{name}{end}"], 0).spec for end in ("2000", "2000_filled"))
    assert kept["function"] == "lib.controls.filters:filled"
    args = kept["args"]
    assert args["n"] == 2000 and args["least"] == FLAIR.size.mask_pixels > 0
    drawn = args["pool"]["$job"]
    assert drawn["args"] == whole["args"] | {"n": 4000} and drawn["function"] == whole["function"]
    extra = arm_args(FLAIR.utility(ARMS[f"{name}2000_filled"], 0))["extra"]
    assert extra == 2000 and ARMS[f"{name}2000_filled"].generator == name


def test_amounts_are_the_papers():
    assert [found.amount for name, found in ARMS.items() if name.startswith("vae")][:4] == [
        500, 1000, 1500, 2000
    ]  # fmt: skip
    for arm, n in {"dhvae500": 500, "lsgan1500": 1500, "oracle2000": 2000}.items():
        assert arm_args(FLAIR.utility(ARMS[arm], 0))["extra"] == n
    for arm in ("dhvae", "smooth"):  # Tables 5 and 6: the most
        assert arm_args(FLAIR.utility(SOURCES[arm], 0))["extra"] == 2000
    assert {arm.oracle for arm in ARMS.values()} == {"oracle2000"}


def test_draws_are_fresh_in_everything_but_the_test_set():
    a, b = (arm_args(FLAIR.utility(ARMS["dhvae2000"], k)) for k in (0, 1))
    assert a["test"] == b["test"]
    assert a["real"] != b["real"] and a["pool"] != b["pool"] and a["stream"] != b["stream"]


@pytest.mark.parametrize("arm", [*arms.TABLE2, "conditional", "immediate", "beta_0.99"])
def test_generators_see_the_training_volumes_of_their_draw_alone(arm):
    """No test volume, no judge and no oracle draw reaches a generator, at any depth."""
    seen = streams(FLAIR.pool(SOURCES[arm], 0).spec)
    for purpose in ("test volumes", "reader", "reader slices", "reference slices", "oracle slices"):
        assert tuple(FLAIR.stream(purpose)) not in seen, purpose
    assert tuple(FLAIR.stream("train volumes", 1)) not in seen, "nor another draw"
    assert tuple(FLAIR.stream("train volumes", 0)) in seen


def test_a_leak_free_generator_sees_no_more_volumes_than_its_segmenter():
    assert volumes_seen(FLAIR.utility(SOURCES["dhvae"], 0, 10).spec) == {10}
    leaky = tables.Table5.leaky(FLAIR, 10)(0)
    assert volumes_seen(leaky.spec) == {10, 30}, "the paper's design leaks, and is labelled so"


def test_auto_encoders_of_a_draw_share_their_first_steps():
    fitted = [FLAIR.fitted(arm, 0) for arm in chosen("vae", "hvae", "dhvae")]
    assert len({str(job.spec["args"]["warm"]) for job in fitted}) == 1
    assert FLAIR.fitted(SOURCES["immediate"], 0).spec["args"]["warm"] is None
    settings = [FLAIR.settings(SOURCES[name]) for name in arms.PRESETS]
    assert {s["steps"] for s in settings} == {FLAIR.size.pair_steps}, "equal gradient steps"


def test_settings_are_the_papers_weights():
    found = {name: FLAIR.settings(SOURCES[name]) for name in (*arms.PRESETS, "beta_0.99")}
    assert {name: s["beta"] for name, s in found.items()} == {
        "vae": 0, "hvae": 0, "hvae_disc": 0.5, "hvae_perc": 0.5, "dhvae": 0.01, "beta_0.99": 0.99
    }  # fmt: skip
    assert found["vae"]["leapfrog"] == 0 and found["hvae"]["leapfrog"] == 3
    assert not FLAIR.settings(SOURCES["without_l1"])["l1"]
    assert FLAIR.settings(SOURCES["conditional"])["condition"]
    assert FLAIR.settings(SOURCES["immediate"])["delay"] == 0 < found["dhvae"]["delay"]


def test_names_of_one_generator_share_its_pool():
    for name, other in (("beta_0.01", "dhvae"), ("delayed", "dhvae"), ("dhvae_0.5", "beta_0.5")):
        one, two = (FLAIR.pool(SOURCES[each], 0) for each in (name, other))
        assert one.key == two.key, name
    assert FLAIR.pool(ARMS["dhvae500"], 0).key == FLAIR.pool(SOURCES["dhvae"], 0).key


# ---- rows ----

DERIVED = {"sampling_cost_ratio", "gain_residual", "best_n", "dice_range"}  # from other rows


@pytest.fixture(scope="module")
def every_cell() -> dict[str, set]:
    """{item: (regime, arm, metric)} of all rows that the tables make from jobs."""
    found: dict[str, set] = {}
    for table in tables.TABLES.values():
        for each in table.studies(ALL):
            for s in table.scores(each):
                keys = {(s.regime or each.regime, s.arm.name, metric) for metric in s.paths}
                found.setdefault(table.item, set()).update(keys if s.jobs else ())
    return found


@pytest.mark.parametrize("claim", [c for c in ledger.by_paper("dhvae") if c["testability"] != "A"],
                         ids=lambda claim: claim["id"])  # fmt: skip
def test_every_claim_finds_its_rows(claim, every_cell):
    for item, regime, arm, metric in ledger.needs(claim["test"]):
        if metric not in DERIVED:
            assert (regime, arm, metric) in every_cell[item]


def test_nulls_by_hand_are_rows_of_the_table(every_cell):
    for name in ("table1_beta", "table2_generators", "table3_masks"):
        table = tables.TABLES[name]
        for regime, arm, metric in every_cell[table.item]:
            null = table.null(SOURCES.get(arm, SOURCES["dhvae"]), metric)
            if metric in ("psnr", "lpips", "c2st_auc"):
                assert (regime, null["arm"], null["metric"]) in every_cell[table.item]


def test_quick_jobs_are_a_subset_of_full_jobs():
    for table in tables.TABLES.values():
        quick, full = ({job.key for job in table.jobs(plan)} for plan in (Plan(QUICK), ALL))
        assert quick <= full, table.item


def test_without_a_truth_no_oracle_stands_in_tables_4_and_6(monkeypatch):
    class Patients:
        truth = False

    monkeypatch.setattr(type(FLAIR), "source", Patients())
    of = studies(Plan(QUICK))[0]
    table4, table6 = (tables.TABLES[t] for t in ("table4_augmentation", "table6_architectures"))
    assert not [arm for arm in table4.arms(of) if "oracle" in arm]
    assert table6.shown(of) == ["real", "augmented", "dhvae", "real3d"]


# ---- scores ----


def toy(n: int, seed: int, radius: float = 6.0) -> Result:
    """Pairs of a disc on noise, with subjects of four slices each."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64]
    cx, cy = rng.uniform(15, 49, (2, n, 1, 1))
    mask = (x - cx) ** 2 + (y - cy) ** 2 < radius**2
    image = (0.2 + 0.5 * mask + 0.03 * rng.normal(size=mask.shape)).clip(0, 1).astype(np.float32)
    return Result({"image": image, "mask": mask, "subject": np.arange(n) // 4}, {})


@pytest.fixture(scope="module")
def reader() -> Result:
    s = segment.SegmentSettings(steps=40, free=0.0, precision="float32")
    return segment.fit_job(toy(200, 1), s.__dict__, [3])


def test_a_score_is_best_for_the_same_law_and_worse_for_a_defect(reader):
    real, same = toy(120, 2), toy(120, 3)
    small = toy(120, 4, radius=3.0)
    off = Result(same.arrays | {"mask": np.roll(same.arrays["mask"], 20, 2)}, {})
    good, bad, moved = (
        pair_scores.judge(pool, 60, real, reader).scores for pool in (same, small, off)
    )
    assert good["fd"] < bad["fd"] and good["coverage"] > bad["coverage"]
    assert good["mask_adherence"] > 0.7 > 0.3 > moved["mask_adherence"]
    assert good["fd"] == moved["fd"], "the distance of images does not see the masks"
    null = pair_scores.null(real, 50, reader, 3, [1]).scores
    assert null["sd"].keys() == null["mean"].keys() >= {"fd", "kid", "coverage", "jsd", "kld"}


def test_salt_and_pepper_fools_the_occupancy_and_not_the_shapes():
    real = toy(400, 2)
    salted = pair_scores.salt_and_pepper(real, 200, [1])
    found = pair_scores.divergence(salted, 200, real).scores
    other = pair_scores.divergence(toy(200, 9), 200, real).scores
    assert found["jsd"] < 2 * other["jsd"]
    assert found["w1_count"] > 20 * (other["w1_count"] + 0.1)


def test_copies_of_training_slices_are_nearer_to_them():
    train, holdout = toy(40, 5), toy(40, 6)
    assert pair_scores.memory(train, train, holdout, 40).scores["nn_share"] == 1
    fresh = pair_scores.memory(toy(40, 7), train, holdout, 40).scores["nn_share"]
    assert 0.2 < fresh < 0.8


def test_answers_without_a_generator():
    train, real = toy(20, 1), toy(12, 2)
    mean, other = (marks.answer(real, train, 4, kind).arrays for kind in marks.ANSWERS)
    assert (mean["image"] == real.arrays["image"][:4]).all()
    assert (mean["reconstruction"] == train.arrays["image"].mean(0)).all()
    assert (other["reconstruction"] == real.arrays["image"][-4:]).all()
    with pytest.raises(ValueError, match="use one of mean, other"):
        marks.answer(real, train, 4, "median")


def test_shapes_are_told_apart_only_where_they_differ():
    real, same, small = toy(200, 1), toy(200, 2), toy(200, 3, radius=3.0)
    apart = {n: marks.told_apart(real, x, 200).scores["c2st_auc"] for n, x in
             {"same": same, "small": small}.items()}  # fmt: skip
    assert abs(apart["same"] - 0.5) < 0.15 and apart["small"] > 0.95
    masks = np.concatenate([small.arrays["mask"][:100], same.arrays["mask"][:100]])
    mixed = Result({"mask": masks}, {})
    both = [marks.told_apart(real, mixed, 100, last) for last in (False, True)]
    first, last = (found.scores["c2st_auc"] for found in both)
    assert first > 0.95 and abs(last - 0.5) < 0.2
