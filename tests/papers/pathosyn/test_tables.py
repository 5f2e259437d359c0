"""The tables of PathoSyn: no row twice, all that claims ask for, and the spare draw apart."""

from dataclasses import replace

import pytest

from lib.claims import ledger
from lib.papers.budget import SPARE
from lib.papers.pathosyn.arms import SOURCES
from lib.papers.pathosyn.tables import TABLES
from lib.profiles import FULL, QUICK, Plan


def named(table, plan: Plan) -> list[tuple[str, str, str]]:
    """(regime, arm, metric) of every row that the scores of a table make."""
    return [(s.regime or study.regime, s.arm.name, metric)
            for study in table.studies(plan) for s in table.scores(study)
            for metric in s.paths]  # fmt: skip


@pytest.mark.parametrize("stem", TABLES)
@pytest.mark.parametrize("profile", [QUICK, FULL], ids=lambda p: p.name)
def test_no_row_is_made_twice(stem, profile):
    rows = named(TABLES[stem], Plan(replace(profile, draws=1, beside=1)))
    twice = {row for row in rows if rows.count(row) > 1}
    assert rows
    assert not twice


def test_every_row_that_a_claim_reads_is_made():
    plan = Plan(replace(FULL, draws=1, beside=1))
    made = {f"pathosyn/{stem}": set(named(table, plan)) for stem, table in TABLES.items()}
    for claim in ledger.by_paper("pathosyn"):
        for item, regime, arm, metric in ledger.needs(claim["test"]):
            assert (regime or "bare", arm, metric) in made.get(item, ()), (claim["id"], item)


@pytest.mark.parametrize("stem", ["03b_deviation_diffusion", "03c_framework", "04a_realism"])
def test_ways_to_train_and_draw_stand_beside_the_main_arm_and_real_slices(stem):
    table = TABLES[stem]
    (study,) = table.studies(Plan(replace(FULL, draws=1, beside=1)))
    judged = {s.arm.name: s.jobs[0] for s in table.scores(study)
              if "kid" in s.paths and s.regime in ("", "bare") and 0 in s.jobs}  # fmt: skip
    main = judged.pop("pathosyn_diff")
    assert main == study.judged(study.pool(SOURCES["pathosyn_diff"], 0)) and judged
    assert {job.spec["args"]["n"] for job in judged.values()} == {main.spec["args"]["n"]}
    assert table.null_job(study) == study.null


def test_no_claim_rests_on_the_spare_draw():
    table = TABLES["04a_realism"]
    (study,) = table.studies(Plan(replace(FULL, draws=1, beside=1)))
    spare = [s.arm.name for s in table.scores(study) if SPARE in s.jobs]
    assert spare
    assert all(name.endswith(("_half", "_spare")) for name in spare)
