"""When verdicts fall: the looks, their levels, and what an undecided claim needs."""

import re

import numpy as np
import pytest
from toy_claims import MAIN, UTILITY, claim, row, rows, source_of, spread

from lib.claims import judge, kinds, looks, power
from lib.claims import verdict as v


def test_looks_and_levels_are_set_beforehand():
    assert looks.looks(10) == looks.looks(5) == (4, 6, 8, 10)
    assert looks.looks(20) == (8, 12, 16, 20) and looks.looks(1) == (1,)
    levels = [looks.level(n, 10) for n in looks.looks(10)]
    assert levels == pytest.approx([0.0379 * share**3 for share in (0.4, 0.6, 0.8, 1)])
    assert looks.level(20, 20) == 0.0379 and looks.level(1, 1) == v.ALPHA
    assert looks.reached(3, 10) == () and looks.reached(7, 10) == (4, 6)
    assert looks.reached(25, 10) == (4, 6, 8, 10)


def test_over_all_looks_five_of_a_hundred_empty_claims_find_something():
    rng = np.random.default_rng(0)
    found = [kinds.of_differences(d, margin=1e-9)["verdict"] for d in rng.normal(size=(3000, 10))]
    wrong = np.mean([name != v.INCONCLUSIVE for name in found])
    assert wrong == pytest.approx(0.05, abs=0.011)


def outcome(values, **more):
    arms = [row("real", "auc", "bare", np.zeros(len(values))), row("pavae", "auc", "bare", values)]
    return judge.judge(claim("difference", **UTILITY, **more), source_of(arms))


EARLY = [0.1, 0.1001, 0.0999, 0.1002]  # decides at the first look
LATER = [0.2, 0.05, 0.15, 0.06, 0.12, 0.1]  # p = 0.0009 from six, 0.04 from four


def test_the_first_look_that_decides_gives_the_verdict_and_says_so():
    found = outcome([*EARLY, -5.0, 3.0, -7.0])
    assert found["verdict"] == v.REPRODUCED and found["look"] == 4
    assert "It fell at the look R=4." in found["sentence"] and "All draws (" in found["sentence"]
    assert found["n"] == 7 and found["delta"] == pytest.approx(np.mean([*EARLY, -5, 3, -7]))
    plain = kinds.inference.paired_t(np.array(EARLY))["p"]
    assert found["p"] == pytest.approx(plain * 0.05 / looks.level(4, 10)), "0.05 is the level"
    whole = outcome(EARLY)
    assert whole["look"] == 4 and "All draws" not in whole["sentence"]


def test_between_looks_the_last_one_stands():
    five, six = outcome(LATER[:5]), outcome(LATER)
    assert five["look"] == 4 and v.base(five["verdict"]) == v.INCONCLUSIVE
    assert "Looked at last at R=4, next at R=6." in five["sentence"]
    assert six["look"] == 6 and six["verdict"] == v.REPRODUCED
    assert outcome([*LATER, -9.0])["verdict"] == v.REPRODUCED, "the seventh draw waits"


def test_draws_count_in_the_order_of_seed_and_number():
    real = row("real", "auc", "bare", [0, 0, 0, 0, 0], seed=1)
    method = row("pavae", "auc", "bare", [*EARLY, -5.0], seed=1)
    found = judge.judge(claim("difference", **UTILITY), source_of([real, method]))
    assert found["look"] == 4 and found["verdict"] == v.REPRODUCED


def test_a_partial_verdict_stands_until_a_later_look_says_more():
    said = {4: v.PARTLY, 6: v.INCONCLUSIVE, 8: v.REPRODUCED}

    def at(first, weight):
        return {"verdict": said[first]}

    assert looks.decide(5, 10, at) == ({"verdict": v.PARTLY}, 4)
    assert looks.decide(7, 10, at) == ({"verdict": v.PARTLY}, 4)
    assert looks.decide(9, 10, at) == ({"verdict": v.REPRODUCED}, 8)


def test_counts_are_judged_at_once():
    counted = claim("bound", arm="pavae", metric="spec95", lo=0.94, hi=0.96, replicates=1)
    found = judge.judge(counted, source_of(rows({"pavae": 0.95}, "spec95", R=1)))
    assert found["verdict"] == v.REPRODUCED and "look" not in found["sentence"]
    several = claim("bound", arm="pavae", metric="spec95", lo=0.94, hi=0.96)
    found = judge.judge(several, source_of(rows({"pavae": 0.99}, "spec95", R=1)))
    assert found["verdict"] == v.EXPLORATORY + v.INCONCLUSIVE


def test_a_spread_plans_twenty_draws_and_says_when_it_is_looked_at_first():
    part = {"kind": "spread", "treatment": "pavae", "control": "real", "replicates": 20}
    test = claim("composite", rule="all", parts=[part, part], replicates=20)
    found = judge.judge(test, source_of(rows({"real": 0.5, "pavae": 0.7}, R=6)))
    assert "No look yet: R=6, the first is at R=8." in found["sentence"]


# ---- what it needs ------------------------------------------------------------------------------


@pytest.mark.parametrize(("sd", "effect", "expected"), [(1.0, 1.0, 10), (1.0, 2.0, 4)])
def test_draws_for_four_of_five_studies(sd, effect, expected):
    needed = power.replicates_needed(sd, effect)
    assert abs(needed - expected) <= 1
    rng = np.random.default_rng(1)
    found = [kinds.inference.paired_t(d)["p"] < 0.05
             for d in rng.normal(effect, sd, (2000, needed))]  # fmt: skip
    assert np.mean(found) > 0.73


def test_draws_for_equality_in_four_of_five_studies():
    needed = power.equal_needed(1.0, 1.0)
    rng = np.random.default_rng(2)
    p = [kinds.inference.tost(d, 1.0) for d in rng.normal(0, 1, (2000, needed))]
    assert 0.76 < np.mean(np.array(p) < 0.05) < 0.9


@pytest.mark.parametrize("kind", ["difference", "noninferiority", "equivalence"])
@pytest.mark.parametrize(("sd", "expected"), [(0.3, "Cannot be decided here: needs about R="),
                                              (0.02, "It would need about R=")])  # fmt: skip
def test_an_undecided_claim_says_what_it_needs(kind, sd, expected):
    gap = {"difference": 0.03, "noninferiority": -0.04, "equivalence": 0.04}[kind]
    pair = [row("real", "auc", "bare", spread(0.7, 4)),
            row("pavae", "auc", "bare", spread(0.7 + gap, 4, sd=sd, seed=1))]  # fmt: skip
    test = claim(kind, treatment="pavae", control="real")
    sentence = judge.judge(test, source_of(pair))["sentence"]
    assert expected in sentence
    needed = int(re.search(r"needs? about R=(\d+)", sentence)[1])
    assert needed > 10 if sd == 0.3 else needed in (6, 8, 10)


def test_of_a_conjunction_the_part_that_would_fall_or_the_last_to_hold():
    def need(R, for_):
        return {"R": R, "for": for_}

    assert power.of_all([need(6, True), need(9, True), None], []) == need(9, True)
    assert power.of_all([need(6, True), need(9, False)], [need(30, False), need(12, False)]) == (
        need(12, False)
    )
    assert power.of_all([None], [None]) is None


def test_equal_draws_need_halves_of_halves():
    assert power.replicates_needed(0.0, 0.1) == 1 + np.ceil(np.log2(1 / 0.025))
    assert power.replicates_needed(1.0, 0.0) == power.MOST
    need = {"R": power.MOST, "for": True}
    price = power.price(need, 4, looks.looks(10), None)
    assert "R=1000 or more" in power.sentence(need, 4, looks.looks(10), price)


# ---- and what that costs ------------------------------------------------------------------------


@pytest.mark.parametrize(("planned", "first"), [(10, 4), (20, 8)])
def test_one_draw_is_told_the_first_look_and_the_cost_of_the_draws_up_to_it(planned, first):
    pair = rows({"real": 0.7, "pavae": 0.8}, R=1)
    test = claim("difference", treatment="pavae", control="real", replicates=planned)
    found = judge.judge(test, source_of(pair, cost=3601.0))
    assert found["price"] == {"R": first, "minutes": -(-3601 * (first - 1) // 60), "look": first}
    said = f"the first is at R={first}. One draw cannot tell how many would decide. "
    said += f"{first - 1} more draws up to the first look cost at most "
    assert f"{said}{found['price']['minutes']} core-minutes." in found["sentence"]


def test_the_cost_is_that_of_the_draws_beyond_those_that_are_there():
    pair = [row("real", "auc", "bare", spread(0.7, 4)),
            row("pavae", "auc", "bare", spread(0.73, 4, sd=0.02, seed=1))]  # fmt: skip
    test = claim("difference", treatment="pavae", control="real")
    found = judge.judge(test, source_of(pair, cost=600.0))
    more = found["price"]["R"] - 4
    assert found["price"]["R"] == int(re.search(r"need about R=(\d+)", found["sentence"])[1])
    assert f"{more} more draws cost at most {10 * more} core-minutes." in found["sentence"]
    unknown = judge.judge(test, source_of(pair))
    assert "The record has no time of a draw." in unknown["sentence"]


def test_a_claim_pays_for_every_page_that_it_reads():
    part = {"kind": "difference", "treatment": "pavae", "control": "real"}
    other = {**part, "item": "pavae/04_data"}
    test = claim("composite", rule="all", parts=[part, other])
    pages = {item: source_of(rows({"real": 0.5, "pavae": 0.6}, R=1), cost=cost)(MAIN)
             for item, cost in ((MAIN, 60.0), ("pavae/04_data", 180.0))}  # fmt: skip
    found = judge.judge(test, pages.get)
    assert found["price"]["minutes"] == 3 * (1 + 3)
    assert "3 more draws up to the first look cost at most 12 core-minutes." in found["sentence"]
    pages["pavae/04_data"]["seconds"] = None
    assert judge.judge(test, pages.get)["price"]["minutes"] is None
