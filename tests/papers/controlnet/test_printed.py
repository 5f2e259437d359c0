"""Printed numbers: two transcriptions agree, and the inner arithmetic that contradictions name."""

import json

import pytest
from scipy import stats

from lib.claims import ledger
from lib.papers.controlnet import printed
from lib.papers.controlnet.arms import TASKS

CLAIMS = {claim["id"]: claim for claim in ledger.by_paper("controlnet")}
FOUND = {gap["id"]: gap["finding"] for gap in ledger.inconsistencies()}
CELLS = dict(zip((f"CN-{k:02d}" for k in range(3, 15)), printed.FIGURE2, strict=True))


@pytest.mark.parametrize("id_", CELLS)
def test_figure_2_is_the_ledgers(id_):
    """The ledger was transcribed by another hand."""
    cell, said = printed.FIGURE2[CELLS[id_]], CLAIMS[id_]["paper_values"]
    (synthetic,) = (name for name in said if name != "real")
    assert (cell.real, cell.synthetic) == (said["real"], said[synthetic])
    assert f"syn{cell.times}x" == synthetic
    test = json.dumps(CLAIMS[id_]["test"])
    assert f'"regime": "{CELLS[id_]}"' in test and f'"treatment": "syn{cell.times}"' in test
    for leaf in ledger.leaves(CLAIMS[id_]["test"]):
        assert leaf.get("paper_effect", cell.gain) == pytest.approx(cell.gain)


def test_figures_3_and_4_are_the_ledgers():
    proxy, feedback = CLAIMS["CN-22"], CLAIMS["CN-25"]
    assert [printed.FIGURE3[arm] for arm in proxy["test"]["arms"]] == [0.209, 0.289, 0.29]
    assert list(proxy["paper_values"].values()) == [0.209, 0.289, 0.29]
    assert printed.FIGURE3["filtered"] == CLAIMS["CN-23"]["paper_values"]["filtered"]
    values = feedback["paper_values"]
    assert [printed.FIGURE4[arm] for arm in feedback["test"]["arms"]] == list(values.values())
    assert printed.FIGURE3["syn2"] == printed.FIGURE2["chexpert-1"].synthetic


def test_maxima_are_the_ledgers():
    for id_, metric, name in (("CN-01", "f1", "dF1"), ("CN-02", "dice", "dDice")):
        said, ours = CLAIMS[id_]["paper_values"], printed.MAXIMA[metric]
        assert (ours.gain, [ours.low, ours.high], ours.p) == (said[name], said["ci"], said["p"])
        given = CLAIMS[id_]["test"]["given"]["cells"]
        tasks = [task for task, each in printed.METRICS.items() if each.startswith(metric)]
        regimes = [f"{task}-{percent}" for task in tasks for percent in printed.FRACTIONS]
        assert [printed.FIGURE2[regime].gain for regime in regimes] == given


def test_no_printed_gain_is_the_printed_maximum():
    """CN-E01, CN-E02, CN-E08."""
    gains = {regime: cell.gain for regime, cell in printed.FIGURE2.items()}
    assert max(gains.values()) == gains["rsna-10"] == 0.181 and "0.1810" in FOUND["CN-E01"]
    dice = {r: g for r, g in gains.items() if r.startswith(("candid", "siim"))}
    assert max(dice.values()) == gains["candid-10"] == 0.1391 and "0.1391" in FOUND["CN-E02"]
    assert gains["candid-1"] < gains["candid-100"] and gains["rsna-1"] < gains["rsna-10"]


@pytest.mark.parametrize(("metric", "df"), [("f1", 2), ("dice", 1)])
def test_p_is_one_tailed_and_not_corrected(metric, df):
    """CN-E03: from the printed interval, two-sided at 95 %."""
    m = printed.MAXIMA[metric]
    assert (m.low + m.high) / 2 == pytest.approx(m.gain, abs=1e-6)
    error = (m.high - m.gain) / stats.t.isf(0.025, df)
    p = stats.t.sf(m.gain / error, df)
    assert p == pytest.approx(m.p, abs=5e-5) and f"{p:.5f}" in FOUND["CN-E03"]
    assert 48 * m.p > printed.STATED["alpha"].value


def test_fractions_are_so_many_images():
    """CN-E16, CN-E19."""
    found = {task: printed.real_images(task, 1) for task in printed.METRICS}
    assert found == {"rsna": 219, "chexpert": 1912, "candid": 16, "siim": 19}
    assert all(f"{n:,}" in FOUND["CN-E19"] for n in found.values())
    rsna = printed.TABLE1["rsna"]
    assert round(rsna.train / (rsna.train + rsna.test), 2) == 0.82, "not 80/20 (CN-E15)"


def test_a_regime_has_its_task_fraction_and_score_without_its_name_being_read():
    named = {task.regime(p): (task.name, p) for task in TASKS.values() for p in printed.FRACTIONS}
    assert named == printed.PLACES and set(named) == set(printed.FIGURE2)
    assert all(printed.score(r) == TASKS[place.task].score for r, place in printed.PLACES.items())
    with pytest.raises(KeyError):
        printed.score("bare")


def test_what_is_printed_is_found_by_regime_arm_and_metric():
    assert printed.task("rsna-10", "syn10", "f1") == 0.276
    assert printed.task("rsna-10", "syn2", "f1") is printed.task("rsna-10", "syn10", "auc") is None
    assert printed.task("siim-1", "real", "dice") == 0.2072
    assert printed.task("bare", "real", "dice") is None
    assert printed.improved(3, "filtered", "f1_macro") == 0.258
    assert printed.improved(4, "dpo2", "f1") == 0.118
    assert printed.improved(4, "dpo2", "f1_tuned") is printed.improved(3, "oracle2", "f1") is None


def test_the_mix_of_conditions_is_whole():
    mix = [printed.STATED[name].value for name in ("text", "mask", "both")]
    assert sum(mix) == pytest.approx(1)
