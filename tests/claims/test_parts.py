"""What a claim is made of: parts, steps, printed effects, shares of a gain, the pooled error."""

import numpy as np
import pytest
from toy_claims import UTILITY, claim, row, rows, source_of, spread

from lib.claims import evidence, judge, kinds
from lib.claims import verdict as v


def test_both_printed_effects_are_judged_and_the_larger_counts():
    test = claim("difference", treatment="pavae", control="real",
                 paper_effect={"abstract": 0.107, "tables": 0.082})  # fmt: skip
    found = judge.judge(test, source_of(rows({"real": 0.7, "pavae": 0.747})))
    assert found["verdict"] == v.DIRECTION and found["paper_effect"] == 0.107
    assert {place: t["verdict"] for place, t in found["targets"].items()} == {
        "abstract": v.DIRECTION, "tables": v.REPRODUCED}  # fmt: skip
    assert "0.107 (abstract: direction reproduced) and 0.082 (tables: rep" in found["sentence"]


def gains(few, many, oracle=(0.2, 0.1)):
    """Rows of a method with such shares of the oracle's gain at few and many labels."""
    each = zip(("few", "many"), (few, many), oracle, strict=True)
    return [rows({"real": 0.5, "pavae": 0.5 + share * whole, "oracle": 0.5 + whole}, regime=regime)
            for regime, share, whole in each]  # fmt: skip


SHARES = {"treatment": "pavae", "oracle": "oracle", "margin": 0.1,
          "shares": [{"w": 1, "regime": "few"}, {"w": -1, "regime": "many"}]}  # fmt: skip


def test_an_interaction_is_a_difference_of_shares_of_the_oracles_gain():
    """A gain that halves because the oracle's does so is no interaction."""
    built_in = judge.judge(claim("interaction", **SHARES), source_of(*gains(0.4, 0.4)))
    assert built_in["verdict"] == v.NO_EFFECT and built_in["delta"] == pytest.approx(0, abs=1e-9)
    real = judge.judge(claim("interaction", **SHARES), source_of(*gains(0.8, 0.4)))
    assert real["verdict"] == v.REPRODUCED and real["delta"] == pytest.approx(0.4)
    turned = judge.judge(claim("interaction", **SHARES), source_of(*gains(0.2, 0.6)))
    assert turned["verdict"] == v.REVERSED


def test_a_share_does_not_vary_where_a_method_follows_the_oracle_draw_by_draw():
    """N = 0.4 D in every draw: the share is 0.4 whatever the oracle gains."""
    whole = spread(0.2, 10, sd=0.05)
    arms = {"real": [0.5] * 10, "oracle": [0.5 + x for x in whole],
            "pavae": [0.5 + 0.4 * x for x in whole]}  # fmt: skip
    table = [row(arm, "auc", regime, x) for regime in ("few", "many") for arm, x in arms.items()]
    alone = {**SHARES, "shares": [{"w": 1, "regime": "few"}]}
    found = evidence.gain_shares(claim("interaction", **alone)["test"], source_of(table))
    assert found["mean"] == pytest.approx(0.4) and found["sd"] < 1e-9


def test_without_an_oracles_gain_there_is_no_share():
    """However large the ratio: only what the oracle gains and where is said."""
    found = judge.judge(claim("interaction", **SHARES), source_of(*gains(0.4, 0.4, (0.2, 0.0))))
    assert v.base(found["verdict"]) == v.INCONCLUSIVE and found["delta"] is None
    assert "No share: in many the oracle " in found["sentence"]
    assert "Cannot be decided here: needs about R=" in found["sentence"]
    little = judge.judge(claim("interaction", **SHARES), source_of(*gains(0.4, 0.4, (0.2, 0.0004))))
    assert "in many the oracle gains 0.0004, not clear of zero." in little["sentence"]


def test_one_draw_tells_no_share_and_its_part_says_why():
    """In one draw the method loses 0.02 where the oracle gains 0.0004: no share of -50."""
    arms = {"few": (0.6, 0.7), "many": (0.48, 0.5004)}
    table = [row(arm, "auc", regime, [x]) for regime, (own, best) in arms.items()
             for arm, x in (("real", 0.5), ("pavae", own), ("oracle", best))]  # fmt: skip
    parts = [{"kind": "interaction", "label": "shrinks", "shares": SHARES["shares"]}]
    whole = {name: SHARES[name] for name in ("treatment", "oracle")}
    found = judge.judge(claim("composite", rule="all", parts=parts, **whole), source_of(table))
    assert found["parts"][0]["delta"] is None
    note = "no share from one draw; in many the oracle gains 0.0004"
    assert f"shrinks inconclusive ({note})" in found["sentence"]


def test_a_verdict_that_fell_says_when_later_draws_give_no_share():
    """The oracle's gain at many labels is clear in four draws and gone in two more."""
    every = [one for each in gains(0.9, 0.1, (0.2, 0.2)) for one in each]
    table = [{**one, "draws": dict([*one["draws"].items()][:6])} for one in every]
    for one in table:
        if one["regime"] == "many" and one["arm"] == "oracle":
            one["draws"] |= {"7/4": -1.0, "7/5": -1.0}
    found = judge.judge(claim("interaction", **SHARES), source_of(table))
    assert found["look"] == 4 and found["delta"] is None and found["n"] == 6
    assert "All draws give no share: in many the oracle loses " in found["sentence"]


def test_the_pooled_error_stands_beside_and_decides_nothing():
    arms = ("classic", "oversample", "template", "pavae", "memoriser", "smooth", "oracle")
    table = rows({"real": 0.7, **dict.fromkeys(arms, 0.72)}, R=4, sd=0.02)
    test = claim("difference", **UTILITY)
    found = judge.judge(test, source_of(table))
    assert found["pooled"]["arms"] == len(arms) and found["pooled"]["df"] > 3
    assert "Model-based, with the error pooled over 7 arms" in found["sentence"]
    alone = judge.judge(test, source_of(table[:1], table[4:5]))
    assert alone["pooled"] is None and alone["verdict"] == found["verdict"]
    assert alone["p"] == pytest.approx(found["p"])
    poor = rows({"template": 0.5}, "adherence_ratio")
    fewer = judge.judge(test, source_of(table, poor))
    assert fewer["pooled"]["arms"] == len(arms) - 1, "an incompetent generator leaves the pool"


def barely(mean):
    """Ten differences with so small a mean that p is 0.03 at the last look, and no look before."""
    d = np.array([1, -1, 2, -2, 1.5, -1.5, 1, -1, 0.5, -0.5]) / 100
    d[8:] += 0.03
    return d - d.mean() + mean


def fragile(verdict_of):
    """A mean at which a test is decided by itself, and not at half of the level."""
    return next(x for x in np.arange(0.001, 0.05, 0.0005)
                if verdict_of(x, 1.0) != v.INCONCLUSIVE and verdict_of(x, 2.0) == v.INCONCLUSIVE)


def test_a_part_falls_at_the_level_over_their_number_only():
    mean = fragile(lambda x, f: kinds.of_differences(-barely(x), 1e-6, factor=f)["verdict"])
    own = kinds.of_differences(-barely(mean), 1e-6)
    assert own["verdict"] == v.REVERSED
    part = {"kind": "difference", "treatment": "pavae"}
    for parts, verdict in ((1, v.REVERSED), (2, v.INCONCLUSIVE)):
        each = [{**part, "control": f"arm{k}"} for k in range(parts)]
        table = [row("pavae", "brier", "bare", np.zeros(10)),
                 row("arm0", "brier", "bare", barely(mean)),
                 row("arm1", "brier", "bare", spread(-0.1, 10))]  # fmt: skip
        test = claim("composite", rule="all", parts=each, metric="brier")
        tight = {**test, "test": {**test["test"], "margin": 1e-6}}
        assert judge.judge(tight, source_of(table))["verdict"] == verdict


def test_a_step_of_a_ranking_falls_at_the_level_over_their_number_only():
    mean = fragile(lambda x, f: kinds.of_differences(-barely(x), 1e-6, factor=f)["verdict"])
    arms = {"a": np.zeros(10), "b": -barely(mean), "c": np.full(10, 0.5) + spread(0, 10, 1e-4)}
    table = [row(arm, "auc", "bare", x) for arm, x in arms.items()]
    test = claim("trend", arms=[*arms])
    tight = {**test, "test": {**test["test"], "margin": 1e-6}}
    found = judge.judge(tight, source_of(table))
    assert found["pairs"][0]["verdict"] == v.REVERSED and not found["pairs"][0]["fallen"]


def test_holm_runs_over_what_could_decide_for_or_against():
    """A part shown to be nothing has a small p_claim, though no part differs from zero."""
    part = {"kind": "difference", "treatment": "pavae", "paper_effect": 0.1}
    parts = [{**part, "control": control} for control in ("real", "smooth")]
    test = claim("composite", rule="all", parts=parts)
    level = source_of(rows({"pavae": 0.7, "real": 0.7, "smooth": 0.7}, sd=0.0004))
    found = judge.judge(test, level)
    assert found["verdict"] == v.NO_EFFECT and found["p"] > 0.1 > 0.001 > found["p_claim"]
    core = [{**found, "id": id_, "priority": 1} for id_ in "ab"]
    assert judge.multipliers(core) == {"a": pytest.approx(2), "b": pytest.approx(2)}
    gone = [*core, {**core[0], "id": "c", "verdict": v.NOT_INTERPRETED}]
    assert judge.multipliers(gone) == judge.multipliers(core), "what is not read does not count"
