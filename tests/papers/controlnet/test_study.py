"""The ControlNet study: fair arms, independent judges, a row for everything that a claim reads."""

import json

import pytest

from lib.claims import gate, ledger
from lib.jobs import Job
from lib.papers.budget import SPARE
from lib.papers.controlnet import tables
from lib.papers.controlnet.arms import MAIN, PROXY, READ, RECIPES, SOURCES, TASKS
from lib.papers.controlnet.study import CONDITIONS, study
from lib.profiles import FULL, QUICK, SMOKE, Plan

STUDY = study(Plan(QUICK))
TABLES = tables.TABLES


def streams(spec) -> set:
    """Every stream of seeds in a nested spec."""
    if isinstance(spec, dict):
        own = {tuple(spec["stream"])} if "stream" in spec else set()
        return own.union(*map(streams, spec.values()))
    return set().union(*map(streams, spec)) if isinstance(spec, list) else set()


def network(job: Job) -> dict:
    """Arguments of the first network whose scores a job gives."""
    runs = job.spec["args"].get("runs") or [{"$job": job.spec}]
    return runs[0]["$job"]["args"]["arm"]["$job"]["args"]


# ---- fair arms ----


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_arms_of_a_cell_differ_in_what_they_add_and_in_nothing_else(task):
    plain = network(STUDY.tried(MAIN["real"], task, 10, 0))
    assert plain["added"] is None
    for arm, _ in TABLES["02_utility"].arms(task, 10):
        found = network(STUDY.tried(arm, task, 10, 0))
        for name in ("data", "n", "test", "stream"):
            assert found[name] == plain[name], (arm.name, name)
        augmented = {"augment": arm.augment, "epochs": arm.epochs}
        assert found["settings"] == plain["settings"] | augmented, arm.name
        assert (found["added"] is None) == (arm.source == ""), arm.name
        assert found["added_n"] == arm.times * STUDY.real(10) or not arm.source


@pytest.mark.parametrize("stem", ["04_proxy", "05_feedback"])
def test_every_arm_of_figures_3_and_4_has_as_many_networks_as_real_films(stem):
    tried = [each for each in TABLES[stem].scores(STUDY)
             if set(each.paths) & {"auc", "auc_macro"}]  # fmt: skip
    names = {each.arm.name for each in tried if each.jobs}
    assert {"real", "syn2", "oracle2"} < names
    for each in tried:
        for job in each.jobs.values():
            assert len(job.spec["args"]["runs"]) == STUDY.size.seeds_alone, each.arm.name
    task, percent = (TASKS["chexpert"], 1) if stem == "04_proxy" else (TASKS["rsna"], 10)
    plain = STUDY.tried(MAIN["syn2"], task, percent, 0)
    (again,) = (each.jobs[0] for each in tried if each.arm.name == "syn2")
    assert again.spec["args"]["runs"][0]["$job"] == plain.spec, "the first is that of 02_utility"


def test_draws_are_fresh_in_everything_but_the_test_set():
    arm, task = MAIN["syn10"], TASKS["candid"]
    a, b = (network(STUDY.tried(arm, task, 10, k)) for k in (0, 1))
    assert a["test"] == b["test"]
    assert all(a[name] != b[name] for name in ("data", "added", "stream"))


# ---- who sees what ----


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_generator_sees_no_judge_no_test_film_and_no_oracle(task):
    seen = streams(STUDY.added(MAIN["syn2"], task, 10, 0).spec)
    purposes = [f"{purpose} films" for purpose in ("reader", "rater", "proxy", "reference")]
    purposes += ["reader", "proxy", f"{task.name} test", f"{task.name} validation"]
    purposes += [f"{task.name} oracle 0 shown", f"{task.name} reference films"]
    assert not [p for p in purposes if tuple(STUDY.stream(p)) in seen]
    assert tuple(STUDY.stream("base films")) in seen


def test_judges_have_films_of_their_own():
    own = {"reader": STUDY.reader, "rater": STUDY.rater, "proxy": STUDY.liking}
    seen = {name: streams(job.spec) for name, job in own.items()}
    assert not seen["reader"] & seen["rater"] and not seen["reader"] & seen["proxy"]
    tasks = {tuple(STUDY.stream(f"{name} {part}")) for name in TASKS for part in ("films", "test")}
    assert not tasks & set().union(*seen.values())


def test_the_scarce_generator_sees_the_films_of_its_fraction_alone():
    task = TASKS["candid"]
    scarce, plain = (streams(STUDY.added(SOURCES[name], task, 10, 0).spec)
                     for name in ("syn10_scarce", "syn10"))  # fmt: skip
    large = tuple(STUDY.stream("branch films"))
    assert large in plain and large not in scarce


def test_conditions_share_requests_and_noise():
    """The same films' texts, masks or both, and one noise: they differ in what is shown."""
    jobs = [STUDY.conditioned(SOURCES[name], 0).spec["args"]
            for name in ("text_only", "mask_only", "text_and_mask")]  # fmt: skip
    asked = [job["asked"]["$job"]["args"] for job in jobs]
    assert [each["kind"] for each in asked] == ["T2I", "M2I", "TM2I"]
    assert all(each["films"] == asked[0]["films"] for each in asked)
    assert len({tuple(job["stream"]) for job in jobs}) == 1
    assert jobs[0]["branch"] == jobs[1]["branch"] == jobs[2]["branch"] is not None


def test_a_branch_learns_on_the_base_that_it_is_drawn_with():
    base, branch = STUDY.fitted(SOURCES["undertrained2"], 0)
    assert branch.spec["args"]["base"]["$job"] == base.spec
    steps = [job.spec["args"]["settings"]["steps"] for job in (branch, STUDY.branch(0))]
    assert steps[0] == round(0.25 * steps[1])


def test_readers_learn_from_other_bodies_in_every_law():
    sets = STUDY.reader.spec["args"]["sets"]
    streams = {tuple(each["$job"]["args"]["stream"]) for each in sets}
    assert len(streams) == len(sets)
    rated = {tuple(each["$job"]["args"]["stream"]) for each in STUDY.rater.spec["args"]["sets"]}
    assert not streams & rated


# ---- rows ----


@pytest.fixture(scope="module")
def made() -> dict[str, set]:
    """{item: (regime, arm, metric) of the rows that its table can have}."""
    found = {}
    for stem, table in TABLES.items():
        keys = found.setdefault(f"controlnet/{stem}", set())
        for at in table.studies(Plan(FULL, only=(0,))):
            for scores in table.scores(at):
                regime = scores.regime or at.regime
                keys |= {(regime, scores.arm.name, metric) for metric in scores.paths}
    return found


@pytest.mark.parametrize("claim", ledger.by_paper("controlnet"), ids=lambda claim: claim["id"])
def test_every_row_that_a_claim_reads_is_made(claim, made):
    rows = ledger.needs(claim["test"]) + ledger.extras(claim["test"])
    assert not [row for row in rows if row[2] and row[1:] not in made[row[0]]]


def test_the_gate_finds_its_rows(made):
    there = {metric for regime, arm, metric in made["controlnet/01_generator"] if arm == "syn"}
    assert {"adherence_ratio", "mask_adherence", "coverage"} <= there
    assert gate.ITEMS["controlnet"] == ("controlnet/01_generator",)
    for scores in TABLES["04_proxy"].scores(STUDY):
        if scores.arm.name in PROXY and scores.arm.source:
            assert scores.arm.generator == "syn", "a variant is judged through its method"


def test_quick_has_what_the_paper_quotes():
    rows = [s for s in TABLES["02_utility"].scores(STUDY) if s.jobs]
    for task in TASKS.values():
        for percent, times in task.quoted.items():
            there = {s.arm.name for s in rows if s.regime == task.regime(percent)}
            kinds = ("syn", "oracle", "oversample", "smooth", "shuffled")
            assert {"real", "classic", *(f"{kind}{times}" for kind in kinds)} <= there


def test_full_has_noisy_copies_of_the_real_films_at_the_quoted_amounts():
    rows = [s for s in TABLES["02_utility"].scores(STUDY) if s.arm.name.startswith("memoriser")]
    there = {(s.regime, s.arm.name) for s in rows}
    quoted = [(task, *each) for task in TASKS.values() for each in task.quoted.items()]
    assert there == {(task.regime(p), f"memoriser{n}") for task, p, n in quoted}
    assert not any(s.jobs for s in rows), "beside: not in quick"
    (made,) = STUDY.parts(MAIN["memoriser10"], TASKS["rsna"], 10, 0)
    told = {name: made.spec["args"][name] for name in ("kind", "n", "labelled")}
    assert told == {"kind": "noisy", "n": 10 * STUDY.real(10), "labelled": STUDY.real(10)}


def test_recipes_are_tried_on_the_spare_draw_in_full_alone():
    table, taken = TABLES["01_branch"], (STUDY.size.sampler_steps, None)
    assert not [*table.scores(STUDY)] and not [*table.scores(study(Plan(SMOKE)))]
    rows = [*table.scores(study(Plan(FULL)))]
    assert all(set(each.jobs) == {SPARE} for each in rows)
    assert taken in [tuple(arm.changes.values()) for arm in RECIPES.values()]
    asked = {json.dumps(STUDY.recipe(arm, SPARE).spec["args"]["asked"]) for arm in RECIPES.values()}
    plateau = STUDY.conditioned(SOURCES["syn"], SPARE).spec["args"]
    assert asked == {json.dumps(plateau["asked"])}, "the requests and models of the plateau"
    known = {tuple(STUDY.stream("base films", SPARE)), tuple(plateau["stream"])}
    assert known <= streams(rows[0].jobs[SPARE].spec)
    judged = [each.jobs[SPARE].spec["args"] for each in rows if "fd" in each.paths]
    same = {(args["n"], json.dumps(args["real"])) for args in judged}
    assert len(same) == 1, "fresh phantoms too"


def test_every_kind_of_condition_is_watched_along_the_same_training():
    """The same films, noise and weights; by masks alone the jobs of 01_generator's curve."""
    at, steps = study(Plan(FULL)), STUDY.size.watched[0]
    kinds = {name: at.watched(SPARE, steps, kind=kind).spec["args"]["pool"]["$job"]["args"]
             for name, kind in CONDITIONS.items() if name in tables.WATCHED}  # fmt: skip
    asked = {name: args.pop("asked")["$job"]["args"] for name, args in kinds.items()}
    assert len({json.dumps(args) for args in kinds.values()}) == 1
    assert sorted(each.pop("kind") for each in asked.values()) == ["M2I", "T2I", "TM2I"]
    assert len({json.dumps(each) for each in asked.values()}) == 1
    rows = [each for each in TABLES["01_branch"].scores(at) if each.regime.startswith("steps ")]
    known = {(each.regime, each.arm.name): each for each in rows}
    for n in at.size.watched:
        assert {arm for regime, arm in known if regime == f"steps {n}"} == set(tables.WATCHED)
    assert all(set(each.jobs) == {SPARE} for each in rows)
    assert "label_accuracy_ratio" in known[f"steps {steps}", "text_and_mask"].paths
    start = known["steps 0", "text_only"].jobs[SPARE].spec["args"]["pool"]["$job"]["args"]
    assert start["branch"] is None and start["step"] is None, "the base alone"
    assert start["stream"] == kinds["text_only"]["stream"]
    assert at.watched(0, steps) == at.watched(0, steps, kind="M2I")


def test_what_the_base_reads_was_tried_too_and_what_was_taken_is_the_base_of_all_jobs():
    at = study(Plan(FULL))
    plain, named = (at.read(arm, SPARE).spec["args"] for arm in READ.values())
    assert plain["base"] != named["base"], "only what was taken is the base of the other jobs"
    assert named["base"] == STUDY.recipe(RECIPES["try_s20"], SPARE).spec["args"]["base"]
    assert plain["asked"] == named["asked"] and plain["stream"] == named["stream"]
    rows = [each.arm.name for each in TABLES["01_branch"].scores(at)]
    assert set(READ) <= set(rows)


def test_a_null_is_the_row_of_fresh_films():
    table, at = TABLES["01_branch"], study(Plan(FULL))
    made = {(each.arm.name, metric) for each in table.scores(at) for metric in each.paths}
    assert table.null(RECIPES["try_s6_g2"], "fd") == {"arm": "fresh", "metric": "fd"}
    assert ("fresh", "fd") in made and ("fresh", "milliseconds") not in made
