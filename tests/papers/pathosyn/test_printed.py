"""Printed numbers: two transcriptions agree, and the inner arithmetic that contradictions name."""

import json
import re
from math import log, pi, sqrt

import pytest
from scipy import stats

from lib.claims import ledger
from lib.papers.pathosyn import printed

CLAIMS = {claim["id"]: claim for claim in ledger.by_paper("pathosyn")}
FOUND = {gap["id"]: gap["finding"] for gap in ledger.inconsistencies()}
RANKED = ["real", "classic", "brain_ldm", "maskdiff", "pathosyn_vaegan", "pathosyn_diff"]
TASKS = printed.TABLE2 | printed.TABLE3
SPREADS = printed.TABLE2_SD | printed.TABLE3_SD


def values(id_: str) -> dict:
    """What the ledger, transcribed by another hand, says that the paper prints."""
    return CLAIMS[id_]["paper_values"]


# ---- two transcriptions -------------------------------------------------------------------------


@pytest.mark.parametrize(("id_", "metric"), [("PS-04", "cos"), ("PS-05", "mi")])
def test_table1_is_the_ledgers(id_, metric):
    said = {name.replace("pathosyn", "pathosyn_diff"): x for name, x in values(id_).items()}
    assert {arm: row[metric] for arm, row in printed.TABLE1.items()} == said
    quoted = re.findall(r"[\d.]+", CLAIMS[id_]["quote"])
    last = printed.TABLE1["pathosyn_diff"][metric], printed.TABLE1_SD["pathosyn_diff"][metric]
    assert tuple(float(x) for x in quoted) == last


@pytest.mark.parametrize(
    ("id_", "metric"),
    [("PS-20", "dice"), ("PS-22", "auc"), ("PS-23", "auc"), ("PS-24", "auc"), ("PS-25", "ece")],
)
def test_columns_of_tables_2_and_3_are_the_ledgers(id_, metric):
    for regime, column in values(id_).items():
        assert [TASKS[regime][arm][metric] for arm in RANKED] == column, regime


def test_every_effect_that_the_ledger_takes_from_a_table_is_that_difference():
    tables, checked = TASKS | {"weak": printed.TABLE1}, 0
    for claim in CLAIMS.values():
        for leaf in ledger.leaves(claim["test"]):
            effect, column = leaf.get("paper_effect"), tables.get(leaf.get("regime"), {})
            if effect is None or leaf["kind"] == "spread":
                continue
            ends = [leaf["arms"][-1], leaf["arms"][0]] if "arms" in leaf else None
            ends = ends or [leaf["treatment"], leaf["control"]]
            metric = leaf["metric"].removesuffix("_centred").removesuffix("_debiased")
            new, old = (column[arm][metric] for arm in ends)
            gain = new - old if leaf["better"] == "higher" else old - new
            gain = gain / old if leaf.get("relative") else gain
            assert gain == pytest.approx(effect, abs=6e-4), (claim["id"], leaf.get("label"))
            checked += 1
    assert checked > 40


def test_the_printed_spreads_that_the_ledger_names():
    first, last = values("PS-21")["nnunet_sd"]
    sd = printed.TABLE2_SD["nnunet"]
    assert (sd["real"]["dice"], sd["pathosyn_diff"]["dice"]) == (first, last)
    effect = ledger.leaves(CLAIMS["PS-21"]["test"])[0]["paper_effect"]
    assert log(first / last) == pytest.approx(effect, abs=6e-4)
    for id_, regime, arm in (("PS-16", "unet", "real"), ("PS-17", "meanteacher", "real")):
        quoted = tuple(float(x) for x in re.findall(r"0\.\d+", CLAIMS[id_]["quote"]))
        assert quoted == (TASKS[regime][arm]["dice"], SPREADS[regime][arm]["dice"])


def test_the_text_repeats_its_tables():
    said = {name: stated.value for name, stated in printed.STATED.items()}
    best = {name: TASKS[name]["pathosyn_diff"] for name in TASKS}
    assert said["dice"] == best["nnunet"]["dice"]
    assert said["dice_sd"] == SPREADS["nnunet"]["pathosyn_diff"]["dice"]
    for name, regime in (("dice_gain", "nnunet"), ("contraseg_gain", "contraseg")):
        assert best[regime]["dice"] - TASKS[regime]["real"]["dice"] == pytest.approx(said[name])
    assert said["auc"] == max(best[name]["auc"] for name in printed.TABLE3)
    eces = [best[name]["ece"] for name in printed.TABLE3]
    assert (min(eces), max(eces)) == (said["ece_low"], said["ece_high"])
    cos = printed.TABLE1
    assert said["orthogonal"] == cos["pathosyn_diff"]["cos"]
    assert said["coupled"] == cos["brain_ldm"]["cos"]
    assert sum(printed.SPLIT) == said["subjects"] == 369 and printed.SPLIT[0] == 295


def test_values_and_spreads_have_the_same_cells():
    def cells(table: dict) -> list:
        return sorted(re.findall(r'"([a-z]\w*)"', json.dumps(table)))

    for value, sd in (
        (printed.TABLE1, printed.TABLE1_SD), (printed.TABLE2, printed.TABLE2_SD),
        (printed.TABLE3, printed.TABLE3_SD),
    ):  # fmt: skip
        assert cells(value) == cells(sd)
    assert printed.table1("maskdiff", "cos") == 0.185 and printed.table1("oracle", "cos") is None
    assert printed.task("unet", "classic", "dice") == 0.788
    assert printed.task("swin", "maskdiff", "ece") == 0.055
    assert printed.task("swin", "maskdiff", "dice") is printed.task("ct", "real", "auc") is None


# ---- inner arithmetic ---------------------------------------------------------------------------


def increments(metric: str, high: str, low: str) -> list[float]:
    """high minus low in every column of a metric, to the printed digits."""
    there = [table for table in TASKS.values() if metric in table["real"]]
    return [round(table[high][metric] - table[low][metric], 3) for table in there]


def test_increments_hardly_depend_on_the_network():
    """PS-E10."""
    assert increments("dice", "pathosyn_diff", "pathosyn_vaegan") == [0.015] * 4
    assert increments("auc", "pathosyn_diff", "pathosyn_vaegan") == [0.010] * 3
    steps = [x for m in ("dice", "auc") for x in increments(m, "pathosyn_vaegan", "maskdiff")]
    assert len(steps) == 7 and steps.count(0.015) == 6 and "6 of 7" in FOUND["PS-E10"]
    rows = [[TASKS[name][arm]["auc"] for name in printed.TABLE3] for arm in RANKED]
    even = [round(a - b, 3) == round(b - c, 3) == 0.005 for a, b, c in rows]
    assert even.count(True) == 5 and "five of six rows" in FOUND["PS-E10"]
    sds = [SPREADS[name][arm]["auc"] for name in printed.TABLE3 for arm in RANKED]
    assert (min(sds), max(sds)) == (0.015, 0.024) and "0.015-0.024" in FOUND["PS-E10"]


def needed_correlation(regime: str, arm: str, n: int) -> float:
    """The least correlation of n pairs with which the printed means and SDs of an arm and MaskDiff
    give p = 0.01 in a two-sided paired t-test: from t = d / (s_d / sqrt(n)) and
    s_d^2 = a^2 + b^2 - 2 rho a b."""
    d = TASKS[regime][arm]["dice"] - TASKS[regime]["maskdiff"]["dice"]
    a, b = SPREADS[regime][arm]["dice"], SPREADS[regime]["maskdiff"]["dice"]
    s_d = d * sqrt(n) / stats.t.isf(0.005, n - 1)
    return (a**2 + b**2 - s_d**2) / (2 * a * b)


def test_p_below_one_per_cent_cannot_come_from_three_runs():
    """PS-E09."""
    cells = {arm: [(regime, arm) for regime in printed.TABLE2] for arm in printed.DAGGERS["table2"]}
    three = [needed_correlation(*cell, 3) for each in cells.values() for cell in each]
    assert len(three) == 8 and (round(min(three), 3), round(max(three), 3)) == (1.004, 1.030)
    assert "1.004-1.030" in FOUND["PS-E09"]
    five = {arm: [needed_correlation(*cell, 5) for cell in each] for arm, each in cells.items()}
    ends = {arm: (round(min(x), 2), round(max(x), 2)) for arm, x in five.items()}
    assert ends == {"pathosyn_vaegan": (0.97, 0.99), "pathosyn_diff": (0.88, 0.95)}
    many = [needed_correlation(*cell, 37) for each in cells.values() for cell in each]
    assert max(many) < 0.9, "37 patients would do"
    contrasts = 2 * 4 * (4 + 3 * 2)  # two arms, four baselines; four columns of Dice, six others
    assert f"{contrasts} contrasts" in FOUND["PS-E09"]


def test_the_cosine_is_at_the_level_of_chance_in_128_dimensions():
    """PS-E06: E|cos| of independent isotropic directions is sqrt(2 / (pi d)), to first order."""
    said = printed.STATED["orthogonal"].value
    assert round(sqrt(2 / (pi * 123)), 3) == said
    assert round(sqrt(2 / (pi * printed.STATED["latent"].value)), 3) == 0.071
    assert round(2 / (pi * said**2)) in (122, 123)


def test_marginal_gains_of_ece_are_11_to_17_per_cent():
    """PS-E29, PS-26, PS-27."""
    def falls(regime: str) -> dict[str, float]:
        ece = {arm: row["ece"] for arm, row in TASKS[regime].items()}
        return {arm: (x - ece["real"]) / ece["real"] for arm, x in ece.items()}

    found = {regime: falls(regime) for regime in printed.TABLE3}
    for name, arm in (("conv", "classic"), ("ldm", "brain_ldm"), ("maskdiff", "maskdiff")):
        assert found["resnet"][arm] == pytest.approx(values("PS-27")[f"{name}_resnet"], abs=6e-4)
    baselines = [-found["resnet"][arm] for arm in ("classic", "brain_ldm", "maskdiff")]
    ends = round(100 * min(baselines)), round(100 * max(baselines))
    assert "{}-{} %".format(*ends) in FOUND["PS-E29"]
    for regime, fall in values("PS-26").items():
        assert found[regime]["pathosyn_diff"] == pytest.approx(fall, abs=6e-4)
    said = printed.STATED["ece_fall"].value
    assert all(abs(-f["pathosyn_diff"] - said) < 0.01 for f in found.values())


def test_diffusion_minus_vae_gan_is_the_ledgers():
    for name, metric in (("dDice", "dice"), ("dAUROC", "auc"), ("dECE", "ece")):
        found = increments(metric, "pathosyn_diff", "pathosyn_vaegan")
        assert found == values("PS-42")[name]


def test_daggers_cover_all_contrasts_of_the_ledger():
    groups = CLAIMS["PS-19"]["test"]["cells"]
    assert {tuple(group["treatments"]) for group in groups} == {printed.DAGGERS["table2"]}
    assert sum(len(g["treatments"]) * len(g["regimes"]) for g in groups) == 32
