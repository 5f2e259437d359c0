"""The judge on synthetic rows."""

import numpy as np
import pytest
from toy_claims import (
    CONTROLS,
    MAIN,
    UTILITY,
    claim,
    real_claim,
    row,
    rows,
    source_of,
    spread,
)

from lib.claims import judge, ledger
from lib.claims import verdict as v
from lib.record import rows as pages


def test_difference_attribution_and_fraction():
    arms = {"real": 0.70, "pavae": 0.80, "oracle": 0.90, "smooth": 0.72, "shuffled": 0.72}
    found = judge.judge(
        claim("difference", **UTILITY, **CONTROLS),
        source_of(rows({**arms, "oversample": 0.71})),
    )
    assert found["verdict"] == v.REPRODUCED and not found["exploratory"]
    assert found["delta"] == pytest.approx(0.1) and found["ci95"][0] > 0.09
    assert found["attribution"] == v.HOLDS
    assert found["fraction"]["fraction"] == pytest.approx(0.5)
    assert found["fraction"]["lo"] < 0.5 < found["fraction"]["hi"]
    assert found["p_sign_flip"] == pytest.approx(2**-9)
    assert found["title"].startswith("PV-01: reproduced on phantoms; attribution holds; 0.5 [")
    lost = judge.judge(
        claim("difference", **UTILITY, **CONTROLS),
        source_of(rows({**arms, "oversample": 0.81})),
    )
    assert lost["attribution"] == v.VANISHES and "against oversample" in lost["sentence"]
    worse = {**arms, "pavae": 0.6, "oversample": 0.5}
    reverse = judge.judge(claim("difference", **UTILITY, **CONTROLS), source_of(rows(worse)))
    assert reverse["verdict"] == v.REVERSED and reverse["attribution"] is None
    missing = judge.judge(claim("difference", **UTILITY, **CONTROLS), source_of(rows(arms)))
    assert missing["attribution"] == v.UNTESTED and "oversample missing" in missing["sentence"]


def test_an_attribution_must_hold_in_every_part_that_has_control_arms():
    """Blurred copies match the gain on one of two populations; a part without them is not asked."""
    parts = [{"kind": "difference", **UTILITY, **CONTROLS, "regime": regime, "label": regime}
             for regime in ("flair", "pet")]  # fmt: skip
    parts.append({"kind": "difference", **UTILITY, "regime": "plain", "label": "plain"})
    arms = {"real": 0.70, "pavae": 0.80, "oracle": 0.90, "smooth": 0.72, "shuffled": 0.72,
            "oversample": 0.71}  # fmt: skip

    def attributed(**changed):
        made = [row for regime in ("flair", "pet", "plain")
                for row in rows(arms | (changed if regime == "pet" else {}), regime=regime)]
        return judge.judge(claim("composite", rule="all", parts=parts), source_of(made))

    assert attributed()["attribution"] == v.HOLDS
    lost = attributed(smooth=0.81)
    assert lost["verdict"] in v.POSITIVE and lost["attribution"] == v.VANISHES
    assert "against smooth (PET)" in lost["sentence"]


def found_text(test, source):
    return judge.judge(test, source)["sentence"]


@pytest.mark.parametrize(
    ("gain", "sd", "expected"),
    [
        (0.1, 0.002, v.REPRODUCED),
        (0.03, 0.002, v.DIRECTION),
        (0.0, 0.002, v.NO_EFFECT),
        (-0.1, 0.002, v.REVERSED),
        (0.02, 0.2, v.INCONCLUSIVE),
    ],
)
def test_each_verdict_is_reached_and_lower_is_better_mirrors(gain, sd, expected):
    up = source_of(rows({"real": 0.5, "pavae": 0.5 + gain}, sd=sd))
    down = source_of(rows({"real": 0.5, "pavae": 0.5 - gain}, sd=sd))
    lower = claim("difference", **{**UTILITY, "better": "lower"})
    assert judge.judge(claim("difference", **UTILITY), up)["verdict"] == expected
    assert judge.judge(lower, down)["verdict"] == expected
    if expected == v.INCONCLUSIVE:
        assert "Cannot be decided here: needs about R=1000 or more." in found_text(lower, down)


@pytest.mark.parametrize("R", [1, 3])
def test_before_the_first_look_nothing_is_decided(R):
    found = judge.judge(
        claim("difference", **UTILITY), source_of(rows({"real": 0.5, "pavae": 0.7}, R=R))
    )
    assert found["verdict"] == v.EXPLORATORY + v.INCONCLUSIVE and found["look"] is None
    assert f"No look yet: R={R}, the first is at R=4." in found["sentence"]
    assert f"R={R} of 10 planned" in found["sentence"] and found["p"] is None


def test_oracle_without_gain_is_said_and_not_divided_by():
    arms = {"real": 0.7, "pavae": 0.8, "oracle": 0.7}
    found = judge.judge(claim("difference", **UTILITY), source_of(rows(arms)))
    assert found["fraction"]["note"] == "oracle gain not established"
    assert "Oracle gain not established." in found["sentence"]


def test_noninferiority_and_equivalence_on_rows():
    near = source_of(rows({"real": 0.05, "pavae": 0.053}, "ece"))
    far = source_of(rows({"real": 0.05, "pavae": 0.09}, "ece"))
    both = {"metric": "ece", "better": "lower", "treatment": "pavae", "control": "real"}
    for kind in ("noninferiority", "equivalence"):
        assert judge.judge(claim(kind, **both), near)["verdict"] == v.REPRODUCED
        assert judge.judge(claim(kind, **both), far)["verdict"] == v.REVERSED
    better = source_of(rows({"real": 0.09, "pavae": 0.05}, "ece"))
    assert judge.judge(claim("noninferiority", **both), better)["verdict"] == v.REPRODUCED
    assert judge.judge(claim("equivalence", **both), better)["verdict"] == v.REVERSED


def test_relative_difference_uses_the_control():
    test = {"relative": True, "margin": {"relative": 0.1}, "metric": "ece", "better": "lower"}
    table = source_of(rows({"real": 0.08, "pavae": 0.06}, "ece", sd=0.0005))
    cut = claim("difference", treatment="pavae", control="real", paper_effect=0.35, **test)
    found = judge.judge(cut, table)
    assert found["delta"] == pytest.approx(0.25) and found["verdict"] == v.REPRODUCED
    same = claim("equivalence", treatment="pavae", control="real", **test)
    apart = judge.judge(same, table)
    assert apart["verdict"] == v.REVERSED and apart["p"] > 0.5
    close = source_of(rows({"real": 0.08, "pavae": 0.078}, "ece", sd=0.0005))
    assert judge.judge(same, close)["verdict"] == v.REPRODUCED


def test_interaction_is_a_contrast_of_gains():
    few, many = {"regime": "few"}, {"regime": "many"}
    terms = [
        {"w": 1, "arm": "pavae", **few},
        {"w": -1, "arm": "real", **few},
        {"w": -1, "arm": "pavae", **many},
        {"w": 1, "arm": "real", **many},
    ]
    tables = [
        rows({"real": 0.6, "pavae": 0.8}, regime="few"),
        rows({"real": 0.9, "pavae": 0.92}, regime="many"),
    ]
    found = judge.judge(claim("interaction", terms=terms), source_of(*tables))
    assert found["delta"] == pytest.approx(0.18) and found["verdict"] == v.REPRODUCED


def test_trend_on_rows():
    arms = ["real", "template", "vae", "pavae"]
    rising = dict(zip(arms, (0.70, 0.74, 0.78, 0.82), strict=True))
    test = {"arms": arms, "paper_effect": 0.1}
    assert judge.judge(claim("trend", **test), source_of(rows(rising)))["verdict"] == v.REPRODUCED
    swapped = {**rising, "template": 0.78, "vae": 0.74}
    found = judge.judge(claim("trend", **test), source_of(rows(swapped)))
    assert found["verdict"] == v.FALLEN and found["tau"] == pytest.approx(2 / 3)
    assert "2 of 3 adjacent pairs in order with a clear gap, 1 reversed" in found["sentence"]
    loose = [row("real", "auc", "bare", spread(0.7, 10)), row("template", "auc", "bare",
             spread(0.72, 10, sd=0.06, seed=1)), *rows({"vae": 0.78, "pavae": 0.82})]  # fmt: skip
    assert judge.judge(claim("trend", **test), source_of(loose))["verdict"] == v.PARTLY
    lower = claim("trend", **{**test, "better": "lower"})
    assert judge.judge(lower, source_of(rows(rising)))["verdict"] == v.REVERSED
    level = source_of(rows(dict.fromkeys(arms, 0.7), sd=0.0005))
    assert judge.judge(claim("trend", **test), level)["verdict"] == v.NO_EFFECT


def test_correlation_counts_rank_agreement_per_replicate():
    arms = ["template", "vae", "stylegan", "pavae"]
    fd = rows(dict(zip(arms, (40, 35, 30, 25), strict=True)), "fd")
    same = rows(dict(zip(arms, (0.7, 0.75, 0.8, 0.85), strict=True)))
    other = rows(dict(zip(arms, (0.85, 0.8, 0.75, 0.7), strict=True)))
    axes = {"x": {"metric": "fd", "better": "lower"}, "y": {"metric": "auc", "better": "higher"}}
    weak = claim("correlation", arms=arms, below=0.6, **{**axes, "margin": 0.2})
    strong = claim("correlation", arms=arms, above=0, **{**axes, "margin": 0.2})
    agree, differ = source_of(fd, same), source_of(fd, other)
    assert judge.judge(weak, agree)["verdict"] == v.REVERSED
    assert judge.judge(weak, agree)["tau"] == pytest.approx(1)
    assert judge.judge(strong, agree)["verdict"] == v.REPRODUCED
    assert judge.judge(weak, differ)["verdict"] == v.REPRODUCED
    assert judge.judge(strong, differ)["verdict"] == v.REVERSED


def test_bound_on_rows_and_on_the_stamp():
    inside = claim("bound", arm="pavae", metric="spec95", lo=0.94, hi=0.96)
    at = {mean: source_of(rows({"pavae": mean}, "spec95")) for mean in (0.95, 0.92)}
    assert judge.judge(inside, at[0.95])["verdict"] == v.REPRODUCED
    assert judge.judge(inside, at[0.92])["verdict"] == v.REVERSED
    hours = claim("bound", stamp="seconds", hi=86400, replicates=1)
    assert judge.judge(hours, source_of(seconds=3600))["verdict"] == v.REPRODUCED
    assert judge.judge(hours, source_of(seconds=90_000))["verdict"] == v.REVERSED
    assert judge.judge(hours, source_of(seconds=None))["verdict"] == v.NOT_RUN
    assert [judge.judge(hours, source_of(seconds=1, here=here))["here"] for here in (0, 1)] == [
        0,
        1,
    ]


def test_share_counts_cells():
    cell = {"item": MAIN, "regimes": ["a", "b"], "treatments": ["x2", "x5"], "control": "real"}
    cell |= {"metric": "auc", "better": "higher", "margin": 0.01}
    test = {"cells": [cell], "threshold": 0.9}
    good = [rows({"real": 0.7, "x2": 0.75, "x5": 0.8}, regime=r) for r in "ab"]
    assert judge.judge(claim("share", **test), source_of(*good))["verdict"] == v.REPRODUCED
    mixed = [good[0], rows({"real": 0.7, "x2": 0.701, "x5": 0.699}, regime="b")]
    found = judge.judge(claim("share", **test), source_of(*mixed))
    assert found["verdict"] == v.PARTLY and found["delta"] == 0.75 and found["clear"] == 0.5
    bad = [rows({"real": 0.9, "x2": 0.75, "x5": 0.8}, regime=r) for r in "ab"]
    assert judge.judge(claim("share", **test), source_of(*bad))["verdict"] == v.REVERSED


def test_spread_of_two_arms_and_of_one():
    table = rows({"real": 0.7}, R=20, sd=0.05) + rows({"pavae": 0.8}, R=20, sd=0.01)
    ratio = claim("spread", treatment="pavae", control="real", paper_effect=0.5)
    found = judge.judge(ratio, source_of(table))
    assert found["verdict"] == v.REPRODUCED and found["delta"] == pytest.approx(np.log(5))
    turned = claim("spread", treatment="real", control="pavae")
    assert judge.judge(turned, source_of(table))["verdict"] == v.REVERSED
    assert (
        judge.judge(claim("spread", arm="pavae", hi=0.02), source_of(table))["verdict"]
        == v.REPRODUCED
    )
    assert (
        judge.judge(claim("spread", arm="real", hi=0.02), source_of(table))["verdict"] == v.REVERSED
    )


def test_composite_readings_and_truth():
    table = source_of(rows({"real": 0.05, "pavae": 0.08}, "ece"))
    part = {"metric": "ece", "treatment": "pavae", "control": "real", "kind": "difference"}
    parts = [
        {**part, "better": "lower", "label": "as worded"},
        {**part, "better": "higher", "label": "as printed"},
    ]
    found = judge.judge(claim("composite", rule="readings", parts=parts), table)
    assert found["verdict"] == v.REVERSED
    assert "as printed: reproduced on phantoms" in found["sentence"]
    both = judge.judge(claim("composite", rule="all", parts=parts), table)
    assert both["verdict"] == v.FALLEN and "1 reversed or without effect" in both["sentence"]
    measured = judge.judge(claim("truth", of=parts[1]), table)
    assert measured["verdict"] == v.MEASURED and measured["finding"] == v.REPRODUCED
    assert "reproduced" not in measured["sentence"]


def test_arithmetic_and_untestable_need_no_rows():
    nothing = source_of()
    assert judge.judge(real_claim("CN-01"), nothing)["verdict"] == v.INCONSISTENT
    assert "0.181" in judge.judge(real_claim("CN-01"), nothing)["sentence"]
    assert "0.1391" in judge.judge(real_claim("CN-02"), nothing)["sentence"]
    trials = judge.judge(real_claim("CN-34"), nothing)
    assert trials["numbers"] == {
        "least_p": pytest.approx(1 / 6, abs=1e-6),
        "family_error": 0.914742,
    }
    assert judge.judge(real_claim("DH-48"), nothing)["verdict"] == v.CONSISTENT
    assert judge.judge(real_claim("PV-28"), nothing)["verdict"] == v.UNTESTABLE


def test_missing_and_doubled_rows():
    test = claim("difference", **UTILITY)
    gone = judge.judge(test, lambda item: None)
    assert gone["verdict"] == v.NOT_RUN and MAIN in gone["missing"]
    half = judge.judge(test, source_of(rows({"real": 0.7})))
    assert half["verdict"] == v.NOT_RUN and "arm pavae" in half["missing"]
    empty = rows({"real": 0.7, "pavae": 0.8})
    empty[1]["draws"] = dict.fromkeys(empty[1]["draws"])
    assert "arm pavae" in judge.judge(test, source_of(empty))["missing"]
    with pytest.raises(ValueError, match="2 times"):
        judge.judge(test, source_of(rows({"real": 0.7, "pavae": 0.8}), rows({"real": 0.7})))
    short = source_of(rows({"real": 0.7}, R=10), rows({"pavae": 0.8}, R=6))
    assert judge.judge(test, short)["n"] == 6


def test_holm_is_over_the_core_claims_with_a_run():
    def weak(id_, priority):
        return {**claim("difference", priority, treatment="pavae", control="real"), "id": id_}

    claims = [weak("a", 1), weak("b", 1), weak("c", 1), weak("d", 2)]
    claims[2]["test"]["item"] = "pavae/nowhere"
    noisy = source_of(rows({"real": 0.7, "pavae": 0.72}, R=10, sd=0.02))

    def factors_of(claims):
        return judge.multipliers([judge.judge(each, noisy) for each in claims])

    alone = judge.judge(claims[0], noisy)["p"]
    factors = factors_of(claims)
    assert factors == {"a": pytest.approx(2), "b": pytest.approx(2)}
    other = [*claims, {**weak("e", 1), "paper": "dhvae"}]
    assert factors_of(other) == {**factors, "e": pytest.approx(1)}
    assert judge.judge(claims[0], noisy, factors["a"])["p"] == pytest.approx(2 * alone)


# ---- pairs, seeds, and whose draws --------------------------------------------------------------


def test_arms_pair_by_the_key_of_a_draw_not_by_position():
    """The second arm has draws 2 to 5: its differences to the same draws are exactly 0.1."""
    real = row("real", "auc", "bare", np.arange(6))
    method = row("pavae", "auc", "bare", np.arange(6) + 0.1)
    method["draws"] = {f"7/{k}": method["draws"][f"7/{k}"] for k in (5, 3, 2, 4)}
    found = judge.judge(claim("difference", **UTILITY), source_of([real, method]))
    assert found["n"] == 4 and found["ci95"] == pytest.approx([0.1, 0.1])
    method["draws"]["7/4"] = None
    assert judge.judge(claim("difference", **UTILITY), source_of([real, method]))["n"] == 3
    method["draws"] = {"8/0": 0.5}
    apart = judge.judge(claim("difference", **UTILITY), source_of([real, method]))
    assert apart["verdict"] == v.NOT_RUN and "no training draw in common" in apart["missing"]


def test_share_of_the_oracle_pairs_all_three_arms_by_key():
    arms = {
        arm: row(arm, "auc", "bare", np.arange(6) * 0.01) for arm in ("real", "pavae", "oracle")
    }
    for arm, gain, kept in (("pavae", 0.1, (1, 2, 3, 4)), ("oracle", 0.2, (2, 3, 4, 5))):
        arms[arm]["draws"] = {f"7/{k}": 0.01 * k + gain * (1 + k / 100) for k in kept}
    found = judge.judge(claim("difference", **UTILITY), source_of(arms.values()))
    assert found["fraction"]["fraction"] == pytest.approx(0.5)


def test_a_change_after_results_makes_draws_of_that_seed_exploratory():
    """Ten draws of the seed that had been seen are exploratory, of another one they are not."""
    test = claim("difference", **UTILITY)
    means = {"real": 0.7, "pavae": 0.8, "oracle": 0.9}
    for id_, seed, marked in [("PV-01", 0, True), ("PV-01", 1, False), ("PS-15", 0, False)]:
        out = judge.judge(test | {"id": id_}, source_of(seeded(means, seed)))
        assert out["n"] == 10 and out["exploratory"] == marked
        assert v.base(out["verdict"]) == v.REPRODUCED
        assert ("changed after" in out["sentence"]) == marked
    few = judge.judge(test | {"id": "PV-01"}, source_of(seeded(means, 0, R=3)))
    assert few["verdict"].count(v.EXPLORATORY) == 1


def seeded(means, seed, R=10):
    return [row(arm, "auc", "bare", spread(m, R), seed) for arm, m in means.items()]


def test_seeds_are_those_of_the_draws_that_decide():
    """An arm beside the test, or a draw that only one arm has, does not count."""
    own = seeded({"real": 0.7, "pavae": 0.8}, 1)
    own[0]["draws"]["0/0"] = 0.7
    out = judge.judge(claim("difference", **UTILITY), source_of(own, seeded({"oracle": 0.9}, 0)))
    assert out["n"] == 10 and not out["exploratory"]


def test_a_verdict_counts_the_draws_of_this_home_and_tells_earlier_code():
    real, method = rows({"real": 0.7, "pavae": 0.8})
    real["here"], method["here"] = ["7/0", "7/1", "7/2"], ["7/1", "7/2", "7/3"]
    out = judge.judge(claim("difference", **UTILITY), source_of([real, method]))
    assert (out["here"], out["old"]) == (2, False), "an arm alone makes no draw of the test"
    method["old"] = ["7/4"]
    assert judge.judge(claim("difference", **UTILITY), source_of([real, method]))["old"]
    part = {"kind": "difference", "treatment": "pavae", "control": "real"}
    parts = [{**part, "metric": metric} for metric in ("auc", "brier")]
    both = source_of([real, method], rows({"real": 0.7, "pavae": 0.8}, "brier", here=["7/1"]))
    assert judge.judge(claim("composite", rule="all", parts=parts), both)["here"] == 1
    gone = judge.judge(claim("difference", **UTILITY), source_of([real]))
    assert (gone["here"], gone["old"]) == (0, False)


def test_changes_name_claims_of_the_ledger():
    known = {each["id"]: each["paper"] for each in ledger.load()}
    for change in ledger.changes():
        assert change["seeds"] and all(known[id_] == change["paper"] for id_ in change["claims"])


def test_own_draws_and_those_of_the_record_decide_together(tmp_path, monkeypatch):
    """Three draws here and seven in the record are ten; p of core claims follows from all."""
    monkeypatch.setattr(judge.draws.paths, "RECORD", tmp_path / "record")
    monkeypatch.setattr(judge.draws.paths, "METRICS", tmp_path / "record")
    each = [{**one, "draws": {key: (value, "c") for key, value in one["draws"].items()}}
            for one in rows({"real": 0.7, "pavae": 0.8})]  # fmt: skip

    def part(keys):
        names = ("regime", "arm", "metric")
        return [{**{name: one[name] for name in names}, "draws": {k: one["draws"][k] for k in keys}}
                for one in each]  # fmt: skip

    pages.write(MAIN, "quick", part([f"7/{k}" for k in range(3, 10)]))
    monkeypatch.setattr(judge.draws.paths, "METRICS", tmp_path / "metrics")
    pages.write(MAIN, "quick", part(["7/0", "7/1", "7/2"]))
    (out,) = judge.judge_all(claims=[claim("difference", **UTILITY)])
    assert (out["n"], out["here"]) == (10, 3) and out["delta"] == pytest.approx(0.1)
    (kept,) = judge.judge_all(judge.reader(own=False), [claim("difference", **UTILITY)])
    assert (kept["n"], kept["here"]) == (7, 0)


# ---- wording ------------------------------------------------------------------------------------


def test_one_draw_has_no_interval_and_names_are_spelled_as_one_writes_them():
    assert v.figures("auc difference", 0.05, None, None, 1) == (
        "(AUC difference 0.05; one draw: no interval)"
    )
    assert v.figures("seconds", 0.05, None, None, 3) == "(seconds 0.05, no interval, R=3)"
    both = v.figures("fd", 0.05, [0.01, 0.09], 0.02, 3)
    assert both == "(FD 0.05, 95 % CI 0.01 to 0.09, p=0.02, R=3)"
    assert v.spelled("flair: fd of dhvae") == "FLAIR: FD of dHVAE"
    kept = "dhvae/table1_beta: w1_fd of hvae_perc"
    assert v.spelled(kept) == kept, "parts of a name and of an address stay"
