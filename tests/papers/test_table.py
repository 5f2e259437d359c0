"""Arms, tables and how their rows come of jobs."""

import json

import pytest

from lib import jobs, paths
from lib.jobs import Job, Result
from lib.papers import registry
from lib.papers.arms import Arm, named
from lib.papers.study import Study
from lib.papers.table import Scores, Table, made_by, score
from lib.profiles import FULL, QUICK, SMOKE, Plan


def toy(draw: int, arm: str) -> Result:
    """Job: scores that say which draw and arm they are of."""
    nested = {"inner": {"twice": 2.0 * draw}}
    undefined = None if draw else 1.0
    return Result({}, {"auc": draw + len(arm) / 10, "sometimes": undefined, **nested})


class Toy(Table):
    item = "toy/table1"

    def studies(self, plan):
        return [Study(plan, "bare", None)]

    def scores(self, study):
        for arm in (Arm("real", "Real", "baseline"), Arm("new", "New", source="toy"), LATER):
            each = study.each(arm, lambda k, a=arm: Job(toy, draw=k, arm=a.name))
            metrics = {"auc": "auc", "sometimes": "sometimes", "twice": "inner/twice"}
            yield Scores(arm, metrics, each)


LATER = Arm("later", "Later", tier="long")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "STORE", tmp_path)


def run(plan):
    table = Toy()
    jobs.run(table.jobs(plan), workers=1)
    return {(row["arm"], row["metric"]): row for row in table.rows(plan)}


def test_every_value_stands_with_its_draw_and_the_key_of_its_job(store):
    rows = run(Plan(SMOKE, seed=3))
    assert set(rows) == {(a, m) for a in ("real", "new") for m in ("auc", "sometimes", "twice")}
    key = Job(toy, draw=1, arm="new").key[:12]
    assert rows["new", "auc"]["draws"]["3/1"] == [1.3, key]
    assert [value for value, _ in rows["new", "twice"]["draws"].values()] == [0.0, 2.0]


def test_rows_name_the_generator_whose_samples_an_arm_adds(store):
    rows = run(Plan(SMOKE))
    assert rows["new", "auc"]["generator"] == {"arm": "toy", "regime": "bare"}
    assert "generator" not in rows["real", "auc"]
    ablation = Arm("without", "Without", source="toy", variant_of="whole")
    assert made_by(ablation, "bare-10") == {"generator": {"arm": "whole", "regime": "bare-10"}}
    assert made_by(Arm("shuffled", "Shuffled", "control", source="toy"), "bare") == {}


def test_an_oracle_without_a_draw_in_this_run_is_not_named(store, monkeypatch):
    """Its arm is of a tier that `quick` leaves out."""
    aided = Arm("aided", "Aided", source="toy", oracle="later")
    each = {"auc": "auc"}

    def scores(self, study):
        for arm in (aided, LATER):
            jobs_of = study.each(arm, lambda k, a=arm: Job(toy, draw=k, arm=a.name))
            yield Scores(arm, each, jobs_of)

    monkeypatch.setattr(Toy, "scores", scores)
    assert run(Plan(QUICK))["aided", "auc"]["oracle"] is None
    assert run(Plan(FULL, only=(0,)))["aided", "auc"]["oracle"] == {"arm": "later", "metric": "auc"}


def test_a_score_that_a_draw_leaves_undefined_is_an_explicit_none(store):
    assert [x for x, _ in run(Plan(SMOKE))["new", "sometimes"]["draws"].values()] == [1.0, None]


def test_a_misspelt_metric_raises_with_those_that_the_job_has(store):
    job = Job(toy, draw=0, arm="new")
    jobs.run([job], workers=1)
    with pytest.raises(KeyError, match="gives no score 'acu'; it has auc, sometimes, inner"):
        score(job, "acu")
    with pytest.raises(KeyError, match="gives no score 'inner/thrice'; it has twice"):
        score(job, "inner/thrice")


@pytest.mark.parametrize(
    ("plan", "core", "beside", "long"),
    [
        (Plan(QUICK), (0,), (), ()),
        (Plan(QUICK, only=(3, 4)), (3, 4), (), ()),
        (Plan(SMOKE), (0, 1), (0,), ()),
        (Plan(FULL), tuple(range(10)), tuple(range(6)), tuple(range(6))),
        (Plan(FULL, only=(7,)), (7,), (7,), (7,)),
    ],
)
def test_draws_by_tier(plan, core, beside, long):
    assert [plan.draws(tier) for tier in ("core", "beside", "long")] == [core, beside, long]


def test_quick_is_a_part_of_full():
    items = ("pavae/table4_main", "dhvae/table4_augmentation")
    for table in map(registry.table, items):
        quick, full = ({job.key for job in table.jobs(Plan(p))} for p in (QUICK, FULL))
        assert quick < full


def test_two_arms_of_one_name_and_a_role_that_is_none_are_refused():
    with pytest.raises(ValueError, match="two arms have one name"):
        named(Arm("a", "A"), Arm("a", "B"))
    with pytest.raises(ValueError, match="role of arm a is 'hero'"):
        Arm("a", "A", "hero")


def test_every_ledger_row_of_a_chapter_that_is_here_has_a_table_that_gives_it(smoke_home):
    """Rows that notebooks make themselves stand in the record instead; new ones in a table only.

    What a table derives from rows that the record does not have stands in a smoke run.
    """
    from lib.claims import ledger
    from lib.record import draws

    missing = []
    for paper in ("pavae", "dhvae"):
        for claim in ledger.by_paper(paper):
            for item, regime, arm, metric in ledger.needs(claim["test"]):
                page = draws.merged(item, own=False) if arm else None
                there = page and {(r["regime"], r["arm"], r["metric"]) for r in page["rows"]}
                if there and not {(regime, arm, metric), ("", arm, metric)} & there:
                    missing.append((claim["id"], item, regime, arm, metric))
    given = {item: registry.table(item).codes(Plan(FULL), ["0/0"]) for _, item, *_ in missing}
    missing = [each for each in missing if each[2:] not in given[each[1]]]
    for item in {item for _, item, *_ in missing}:
        rows = json.loads((smoke_home / "data/metrics" / f"{item}.json").read_text())["rows"]
        given[item] = {(row["regime"], row["arm"], row["metric"]) for row in rows}
    assert not [each for each in missing if each[2:] not in given[each[1]]]
