"""The PathoSyn study: fair arms, independent judges, a row for everything that a claim reads."""

import pytest

from lib.claims import ledger
from lib.jobs import Job
from lib.papers.pathosyn import tables, tasks
from lib.papers.pathosyn.arms import (
    CLASSIFIERS,
    DECOMPOSED,
    FRAMEWORK,
    GENERATORS,
    GRADED,
    LITERAL,
    MAIN,
    SEGMENTERS,
    SOURCES,
    chosen,
)
from lib.papers.pathosyn.pools import HEALER
from lib.papers.pathosyn.study import study
from lib.profiles import FULL, QUICK, Plan

STUDY = study(Plan(QUICK))
TABLES = tables.TABLES
JUDGES = ("test subjects", "reader", "reader slices", "healer", "reference slices",
          "distance slices", "oracle slices")  # fmt: skip


def streams(spec) -> set:
    """Every stream of seeds in a nested spec."""
    if isinstance(spec, dict):
        own = {tuple(spec["stream"])} if "stream" in spec else set()
        return own.union(*(streams(v) for v in spec.values()))
    return set().union(*(streams(v) for v in spec)) if isinstance(spec, list) else set()


def networks(job: Job) -> list[dict]:
    """Arguments of the networks whose scores a job averages."""
    runs = job.spec["args"].get("runs") or [{"$job": job.spec}]
    return [run["$job"]["args"]["arm"]["$job"]["args"] for run in runs]


# ---- fair arms ----


@pytest.mark.parametrize("regime", SEGMENTERS.values(), ids=SEGMENTERS)
def test_segmenters_of_a_regime_differ_in_what_they_add_and_in_nothing_else(regime):
    (reference, *_) = networks(STUDY.segmented(SOURCES["real"], regime, 0))
    for arm in (MAIN[name] for name in TABLES["table2_segmentation"].everywhere):
        (found, *_) = networks(STUDY.segmented(arm, regime, 0))
        for name in ("real", "test", "stream", "settings"):
            assert found[name] == reference[name], (arm.name, name)
        assert found["extra"] == (STUDY.size.added if arm.source else None)
    augmented = networks(STUDY.segmented(SOURCES["augmented"], regime, 0))[0]
    assert augmented["settings"] == reference["settings"] | {"augment": True}


@pytest.mark.parametrize("regime", CLASSIFIERS.values(), ids=CLASSIFIERS)
def test_classifiers_differ_in_what_they_add_and_in_nothing_else(regime):
    (reference, *_) = networks(STUDY.classified(SOURCES["real"], regime, 0))
    for arm in TABLES["table3_classification"].arms(regime.name):
        (found, *_) = networks(STUDY.classified(arm, regime, 0))
        for name in ("real", "test", "validation", "stream"):
            assert found[name] == reference[name], (arm.name, name)
        assert found["settings"] == reference["settings"] | {"augment": arm.augment}


def test_runs_of_a_draw_differ_in_their_seed_and_the_control_has_more():
    few, many = STUDY.size.seeds, STUDY.size.seeds_alone
    for name, count in {"real": many, "augmented": few, "pathosyn_diff": few}.items():
        each = networks(STUDY.segmented(SOURCES[name], SEGMENTERS["unet"], 0))
        seeds = [tuple(args.pop("stream")) for args in map(dict, each)]
        assert len(each) == len(set(seeds)) == count
    assert many >= 3 * few


def test_draws_are_fresh_in_everything_but_the_test_set():
    arm, regime = SOURCES["pathosyn_diff"], SEGMENTERS["unet"]
    a, b = (networks(STUDY.segmented(arm, regime, k))[0] for k in (0, 1))
    assert a["test"] == b["test"]
    assert a["real"] != b["real"] and a["pool"] != b["pool"] and a["stream"] != b["stream"]


# ---- who sees what ----


@pytest.mark.parametrize("name", [*GENERATORS, *LITERAL, "image_space", "no_seam", "memoriser"])
def test_generators_see_the_training_subjects_of_their_draw_alone(name):
    """No test subject, no judge and no oracle draw reaches a generator, at any depth."""
    seen = streams(STUDY.pool(SOURCES[name], 0).spec)
    for purpose in JUDGES:
        assert tuple(STUDY.stream(purpose)) not in seen, purpose
    assert tuple(STUDY.stream("subjects", 1)) not in seen, "nor another draw"
    assert tuple(STUDY.stream("subjects", 0)) in seen


def test_judges_are_fitted_on_subjects_of_their_own():
    for judge in (STUDY.reader, STUDY.healer):
        seen = streams(judge.spec)
        others = ("subjects", "test subjects", "reference slices", "oracle slices")
        assert not seen & {tuple(STUDY.stream(each)) for each in others}


# ---- arms that share a fit ----


def test_ways_to_fuse_and_to_sample_are_of_one_fit_and_terms_are_not():
    main = STUDY.fitted(SOURCES["pathosyn_diff"], 0).key
    for arm in chosen("seam", "no_seam", "feathered", "poisson", "pathosyn_paste",
                      "pathosyn_ddpm", "complement", "deviation_space"):  # fmt: skip
        assert STUDY.fitted(arm, 0).key == main, arm.name
    fits = [STUDY.fitted(arm, 0) for arm in (*FRAMEWORK.values(), *LITERAL.values()) if arm.changes]
    assert len({fit.key for fit in fits} | {main}) == len(fits) + 1
    seeds = {str(fit.spec["args"]["stream"]) for fit in fits}
    assert len(seeds) == 1, "ablations start from the same weights"


def test_f_sub_alone_learns_two_objectives_from_the_same_slices_for_the_same_steps():
    """So that what one of them knows more of the healthy slice is the objective's doing."""
    fits = {name: STUDY.answered(DECOMPOSED[name], 0).spec["args"]["fitted"]["$job"]["args"]
            for name in ("equation_3", "taught")}  # fmt: skip
    one, other = (dict(fit.pop("settings")) for fit in fits.values())
    assert fits["equation_3"] == fits["taught"], "one draw's slices, and one stream of seeds"
    differing = {name for name in one if one[name] != other[name]}
    assert differing == {*HEALER} - {"joint"}
    two_stage = STUDY.fitted(SOURCES["pathosyn_two_stage"], 0).spec["args"]["substrate"]
    assert STUDY.answered(DECOMPOSED["equation_3"], 0).spec["args"]["fitted"] == two_stage
    judge = STUDY.answered(DECOMPOSED["healer"], 0)
    assert tuple(STUDY.stream("subjects", 0)) not in streams(judge.spec["args"]["fitted"])


def test_steps_of_every_generator_and_pasted_back_are_of_lesions_in_their_own_masks():
    """The same slices and masks for all arms of one generator, so that steps can be compared."""
    table, ways = TABLES["03c_framework"], {}
    rows = {s.arm.name: s.jobs[0] for s in table.scores(study(Plan(FULL, only=(0,))))
            if "boundary_step" in s.paths}  # fmt: skip
    assert set(rows) == {*table.fused, *table.rivals}
    for name, job in rows.items():
        args, arm = job.spec["args"], SOURCES[name]
        assert args["slices"] == {"$job": STUDY.slices(0).spec}, name
        if name != "truth":
            drawn = args["pool"]["$job"]["args"]
            assert drawn["scene"] == "own" and drawn["stream"] == STUDY.own(f"own {arm.source}", 0)
            ways.setdefault(arm.source, set()).add(drawn["how"])
    assert ways == {"pathosyn_diff": {None, "hard", "feathered", "poisson", "paste"},
                    "pathosyn_vaegan": {None}, "maskdiff": {None, "paste"}}  # fmt: skip


def test_two_stages_share_the_substrate_of_their_draw():
    found = STUDY.fitted(SOURCES["pathosyn_two_stage"], 0).spec["args"]["substrate"]
    assert found["$job"]["function"].endswith("substrate_job")
    assert STUDY.fitted(SOURCES["pathosyn_diff"], 0).spec["args"]["substrate"] is None


def test_a_pool_with_grades_is_of_generators_that_saw_one_grade_each_for_half_of_the_steps():
    arm = SOURCES["pathosyn_diff"]
    parts = STUDY.graded_slices(arm, 0).spec["args"]["pools"]
    fits = [part["$job"]["args"]["fitted"]["$job"]["args"] for part in parts]
    assert [fit["data"]["$job"]["args"]["grade"] for fit in fits] == [0, 1]
    assert {fit["settings"]["steps"] for fit in fits} == {STUDY.size.diff_steps // 2}
    assert fits[0]["stream"] != fits[1]["stream"]
    assert {part["$job"]["args"]["n"] for part in parts} == {max(STUDY.size.added, 1000) // 2}


@pytest.mark.parametrize("name", ["real", *GENERATORS, "classic", "smooth", "oracle", "shuffled"])
def test_classifiers_see_every_image_through_the_same_box(name):
    """Training, pool, validation, test and renderings alike; the mark is set in the box."""
    found = networks(STUDY.classified(SOURCES[name], CLASSIFIERS["resnet"], 0))[0]
    seen = [found[each] for each in ("real", "validation", "test")]
    pool = found["pool"] and found["pool"]["$job"]
    if pool:
        seen.append(pool["args"]["pool"] if name == "shuffled" else found["pool"])
    seen += (found["looks"] or {}).values()
    for each in (each["$job"] for each in seen):
        assert each["function"].endswith("boxed") and each["args"]["side"] == tasks.BOX


def test_generators_of_grades_are_judged_where_their_rows_look():
    """In rows of their own, by the very slices that the pools are cut from."""
    rows = {(s.arm.name, s.regime): s for s in TABLES["04a_realism"].scores(STUDY)}
    for s in TABLES["table3_classification"].scores(STUDY):
        assert s.trained == GRADED, s.arm.name
    for arm in (arm for arm in chosen(*tables.TABLE2) if arm.generator):
        judged = rows[arm.name, GRADED].jobs[0]
        assert judged == STUDY.judged(STUDY.graded_slices(arm, 0))


def test_few_subjects_are_the_first_of_the_draw():
    few = STUDY.at_subjects(25)
    assert few.regime == "n25"
    one, other = (at.slices(0).spec["args"] for at in (few, STUDY))
    assert one["subjects"][0] == 25 and one["volumes"] != other["volumes"]
    assert streams(one) == streams(other), "the same subjects, but fewer"


def test_a_pool_for_few_labels_is_made_of_the_labelled_subjects_alone():
    regime, n = SEGMENTERS["meanteacher"], STUDY.size.subjects[0]
    told = STUDY.told(regime)
    assert told.regime == f"n{round(0.1 * n)}" and STUDY.told(SEGMENTERS["unet"]) == STUDY
    for name in ("oversample", "classic", "pathosyn_diff", "brain_ldm"):
        pool = STUDY.segmenter(SOURCES[name], regime, 0).spec["args"]["pool"]["$job"]["args"]
        fitted = pool.get("fitted", {}).get("$job", {}).get("args", pool)
        assert fitted["data"] == {"$job": told.slices(0).spec}, name
    real = STUDY.segmenter(SOURCES["oversample"], regime, 0).spec["args"]["real"]
    assert real == {"$job": STUDY.slices(0).spec}, "the others' images count, without their masks"


# ---- rows ----


@pytest.fixture(scope="module")
def made() -> dict[str, set]:
    """{item: (regime, arm, metric) of the rows that its table can have}."""
    found = {}
    for stem, table in TABLES.items():
        keys = found.setdefault(f"pathosyn/{stem}", set())
        for at in table.studies(Plan(FULL, only=(0,))):
            for scores in table.scores(at):
                regime = scores.regime or at.regime
                keys |= {(regime, scores.arm.name, metric) for metric in scores.paths}
    return found


def test_every_row_that_a_claim_reads_is_made(made):
    missing = {
        (claim["id"], *row)
        for claim in ledger.by_paper("pathosyn")
        for row in ledger.needs(claim["test"]) + ledger.extras(claim["test"])
        if row[2] and row[1:] not in made[row[0]]
    }
    assert not missing


def test_quick_has_the_papers_own_rows():
    regimes = {"table2_segmentation": SEGMENTERS, "table3_classification": CLASSIFIERS}
    for item, names in regimes.items():
        rows = [s for s in TABLES[item].scores(STUDY) if s.jobs]
        for regime in names:
            there = {s.arm.name for s in rows if s.regime == regime}
            assert {*tables.TABLE2, "oracle"} <= there, (item, regime)
