"""The plateau of a generator: what the second half of its training does on the spare draw."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from lib import jobs, paths
from lib.jobs import Job, Result
from lib.papers import registry
from lib.papers.arms import Arm
from lib.papers.budget import SPARE, Budget
from lib.papers.plateau import Plateaus
from lib.papers.study import Study
from lib.profiles import FULL, QUICK, SMOKE, Plan
from lib.record import draws, rows
from lib.report import checklists, plateau
from lib.report.rows import Regime


def judged(arm: str, length: int, draw: int) -> Result:
    """Job: a distance that falls with the training as each generator of the toy does."""
    left = {"slow": 100 / length, "done": 10 + 5 / length, "worse": float(length), "other": 3.0}
    return Result({}, {"fd": left[arm] if draw == SPARE else -1.0})


@dataclass(frozen=True)
class ToyStudy(Study):
    size: int
    source = SimpleNamespace(truth=True)

    def pool(self, arm, k):
        return Job(judged, arm=arm.name, length=self.size, draw=k)

    def judged(self, pool):
        return pool


class Toy(Plateaus, Budget):
    item = "toy/04_budget"
    generators = tuple(Arm(name, name, source=name) for name in ("slow", "done", "worse"))
    recipes = (Arm("other", "other", source="done"),)

    def studies(self, plan):
        return [ToyStudy(plan, "bare", 8)]

    def arms(self, study):
        return []

    def halved(self, study):
        return ToyStudy(study.plan, study.regime, study.size // 2)


def test_a_generator_is_at_its_plateau_where_the_second_half_moves_it_little(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "STORE", tmp_path)
    plan = Plan(SMOKE)
    jobs.run(Toy().jobs(plan), workers=1)
    rows = Toy().rows(plan)
    flat = {row["arm"]: row["draws"][f"0/{SPARE}"][0]
            for row in rows if row["metric"] == "plateau"}  # fmt: skip
    assert flat == {"slow": 0.0, "done": 1.0, "worse": 0.0}
    assert all(row["generator"] for row in rows)
    kept = [row | {"draws": {k: x for k, (x, _) in row["draws"].items()}, "values": [1]}
            for row in rows]  # fmt: skip
    lines = plateau.lines(Regime("bare", kept), Toy.generators)
    assert lines[0] == ["slow", "25", "12.5", "50%", "**no**"]
    assert lines[1][3:] == ["6%", "yes"]


def test_recipes_that_were_not_taken_are_judged_on_the_same_draw_in_full(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "STORE", tmp_path)
    for profile, there in ((SMOKE, False), (FULL, True)):
        jobs.run(Toy().jobs(Plan(profile)), workers=1)
        rows = {(row["arm"], row["metric"]): row for row in Toy().rows(Plan(profile))}
        assert (("other", "fd") in rows) == there and ("other", "plateau") not in rows
    kept = [row | {"draws": {k: x for k, (x, _) in row["draws"].items()},
                   "values": [x for x, _ in row["draws"].values()]}
            for row in rows.values()]  # fmt: skip
    at = Regime("bare", kept)
    taken = {line[0]: line[-1] for line in plateau.tried(at, Toy())}
    assert taken == {"slow": "yes", "done": "yes", "worse": "yes", "other": "no"}
    assert plateau.missing(at, Toy(), ()) == ""


def test_recipes_without_rows_are_told_with_the_command_and_the_time_they_take():
    """The toy's page took 90 minutes for three generators, each trained once and a half."""
    said = plateau.missing(Regime("bare", []), Toy(), [{"seconds": None}, {"seconds": 5400.0}])
    assert "1 of 1 recipes that were not taken are not in the record" in said
    assert "`./run_all.sh --profile full toy/04_budget`, at most about 20 min" in said
    assert "min" not in plateau.missing(Regime("bare", []), Toy(), [])


@pytest.mark.parametrize("paper", ["pavae", "dhvae"])
def test_a_checklist_does_not_promise_tries_that_the_record_lacks(paper):
    table = registry.table(f"{paper}/04_budget")
    page = draws.merged(table.item, own=False)
    there = {row["arm"] for row in page["rows"]}
    (item,) = [item for item in checklists.REFORMS if item.number == "5a"]
    whole = {arm.name for arm in table.recipes} <= there
    assert whole or item.answer == checklists.PARTLY



def test_quick_trains_no_spare_draw():
    assert not Toy().jobs(Plan(QUICK)) and not Toy().rows(Plan(QUICK))


@pytest.mark.parametrize("item", ["pavae/04_budget", "dhvae/04_budget"])
def test_half_a_training_is_another_training_on_the_same_draw(item):
    """All that has epochs or steps is halved, and nothing else: data, reader and streams stay."""
    table = registry.table(item)
    study = table.studies(Plan(FULL))[0]
    for arm in table.generators:
        whole, part = (at.pool(arm, SPARE) for at in (study, table.halved(study)))
        assert (whole.key == part.key) == (arm.name == "template")
        assert table.halved(study).judged(whole).key == study.judged(whole).key


@pytest.mark.parametrize(
    "item",
    ["pavae/04_budget", "dhvae/04_budget", "pathosyn/04a_realism", "controlnet/01_generator"],
)
def test_a_plateau_in_the_record_is_that_of_todays_recipes(item):
    """It decides whether claims are read: a training that no table uses any more must not."""
    page, spare = rows.read(item, paths.RECORD), f"0/{SPARE}"
    today, judged = registry.table(item).codes(Plan(FULL), [spare]), set()
    for row in page["rows"]:
        if spare in row["draws"] and row["arm"].endswith(("_half", "_spare")):
            code = row["draws"][spare][1]
            keys = today[row["regime"], row["arm"], row["metric"]][spare].values()
            assert code in {key[: rows.CODE] for key in keys}, (row["arm"], row["metric"])
            judged.add((row["regime"], row["generator"]["arm"]))
    flat = {(row["regime"], row["arm"]) for row in page["rows"] if row["metric"] == "plateau"}
    assert flat <= judged, "each with the distances that it follows from"
