"""The diagnostics of dHVAE: each arm changes one thing, and all are used alike."""

import pytest

from lib.papers.dhvae import diagnostics
from lib.papers.dhvae.arms import MAIN, MOST, SOURCES
from lib.papers.dhvae.study import studies
from lib.papers.dhvae.tables import TABLES
from lib.profiles import FULL, QUICK, Plan

FLAIR = studies(Plan(FULL, only=(0,)))[0]
TABLE = TABLES["04_diagnostics"]


def args(name: str) -> dict:
    return diagnostics.pool(FLAIR, diagnostics.ARMS[name], 0).spec["args"]


def test_decoded_arms_differ_in_the_part_that_is_decoded_alone():
    made = {name: dict(args(name)) for name in diagnostics.REMADE}
    parts = {name: found.pop("parts") for name, found in made.items()}
    assert parts == diagnostics.REMADE
    for found in made.values():
        found.pop("stream")
        assert found["fresh"]["$job"] == FLAIR.pool(SOURCES["oracle"], 0).spec
        assert found["fitted"]["$job"] == FLAIR.fitted(SOURCES["dhvae"], 0).spec


@pytest.mark.parametrize("name", ["healed", "reread"])
def test_mended_and_healed_samples_are_dhvaes_own(name):
    assert args(name)["pool"]["$job"] == FLAIR.pool(SOURCES["dhvae"], 0).spec


def test_more_volumes_are_more_of_the_same_draw():
    more, few = (FLAIR.slices(0, n).spec["args"] for n in (diagnostics.TIMES * MAIN, MAIN))
    assert (more["n"], few["n"]) == (150, 30)
    volumes = [each["volumes"]["$job"]["args"] for each in (more, few)]
    assert volumes[0]["stream"] == volumes[1]["stream"] and volumes[0]["n"] == 150
    fitted = args("more_volumes")["fitted"]["$job"]["args"]
    assert fitted["data"]["$job"] == FLAIR.learnt(0, diagnostics.TIMES * MAIN).spec
    assert fitted["settings"] == FLAIR.fitted(SOURCES["dhvae"], 0).spec["args"]["settings"]


def test_every_arm_is_added_in_the_same_amount_and_trained_alike():
    reference = None
    for arm in diagnostics.ARMS.values():
        runs = TABLE.used(FLAIR, arm, 0).spec["args"]["runs"]
        found = [dict(run["$job"]["args"]["arm"]["$job"]["args"]) for run in runs]
        assert all(each["extra"] == FLAIR.amount(MOST) for each in found)
        for each in found:
            each.pop("pool")
        reference = reference or found
        assert found == reference, arm.name


def test_without_a_truth_and_in_quick_there_is_nothing_to_run(monkeypatch):
    quick = studies(Plan(QUICK))[0]
    assert not [job for each in TABLE.scores(quick) for job in each.jobs]

    class Patients:
        truth = False

    monkeypatch.setattr(type(FLAIR), "source", Patients())
    assert not list(TABLE.scores(studies(Plan(FULL, only=(0,)))[0]))
