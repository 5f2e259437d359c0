"""The tables of PathoSyn: no row twice, all that claims ask for, and the spare draw apart."""

from dataclasses import replace

import pytest

from lib.claims import ledger
from lib.papers.budget import SPARE
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


def test_no_claim_rests_on_the_spare_draw():
    table = TABLES["04a_realism"]
    (study,) = table.studies(Plan(replace(FULL, draws=1, beside=1)))
    spare = [s.arm.name for s in table.scores(study) if SPARE in s.jobs]
    assert spare
    assert all(name.endswith(("_half", "_spare")) for name in spare)
