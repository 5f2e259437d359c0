"""The judge on simulated draws of known truth: error rates and power, as kept in rates.json."""

import pytest

from lib.claims import evaluate, looks, rates

ROWS = rates.kept()["rows"]
SLACK = 0.03  # two and a half standard errors of 5 % in 300 studies


def rows(*tests, **wanted):
    found = [row for row in ROWS if not tests or row["test"] in tests]
    found = [row for row in found if all(row[key] == x for key, x in wanted.items())]
    assert found
    return found


@pytest.mark.parametrize(
    ("name", "truth"),
    [("difference", rates.ZERO), ("equivalence, Dice within 0.03", rates.MARGIN),
     ("conjunction of five parts", "one of them reversed")],
)  # fmt: skip
def test_the_table_is_made_by_the_judge_of_today(name, truth):
    """A part of it, simulated again with its seed, is what is kept."""
    assert rates.simulate(name, truth, looks.DRAWS) == rows(name, truth=truth)[:5]


def test_every_kind_with_a_p_or_an_interval_is_in_the_table():
    kinds = {each.test["kind"] for each in rates.SITUATIONS.values()}
    assert kinds == set(evaluate.KINDS) - {"truth", "arithmetic", "untestable"}
    assert {row["R"] for row in ROWS} == {3, 4, 6, 8, 10, 20, 40}
    assert {(row["test"], row["truth"]) for row in ROWS} == {
        (name, truth) for name in (*rates.SITUATIONS, rates.POOLED) for truth in rates.truths(name)
    }


def test_nothing_is_decided_before_the_first_look():
    assert all(row["open"] == 1 for row in rows(R=3))


def test_a_claim_without_effect_is_hardly_ever_supported():
    """At most 2.5 % for and 2.5 % against, over all looks; of many parts almost never."""
    tests = ["difference", "shares of the oracle's gain", "rank agreement", "spread of two arms"]
    for row in rows(*tests, truth=rates.ZERO):
        assert row["for"] <= 0.025 + SLACK and row["against"] <= 0.025 + SLACK, row
    for row in rows("difference, p times 12 (Holm)", truth=rates.ZERO):
        assert row["for"] + row["against"] <= 0.02, row
    for row in rows("ranking of five arms", "conjunction of five parts", truth=rates.ZERO):
        assert row["for"] <= 0.02 and row["partly"] <= 0.05 + SLACK, row
    for row in rows("share of eight cells", truth=rates.ZERO):
        assert row["for"] + row["partly"] <= 0.05 + SLACK and row["against"] <= 0.05, row


def test_at_the_margin_equality_is_claimed_in_one_of_twenty():
    for row in rows("equivalence, AUC within 0.01", "equivalence, Dice within 0.03",
                    truth=rates.MARGIN):  # fmt: skip
        assert row["for"] <= 0.05 + SLACK and row["against"] <= 0.025 + SLACK, row
    for row in rows("difference", "shares of the oracle's gain", truth=rates.MARGIN):
        assert row["nothing"] <= 0.05 + SLACK, row
    for row in rows("non-inferiority", truth="worse by the margin"):
        assert row["for"] <= 0.025 + SLACK, row


def test_the_papers_size_is_found_and_never_called_reversed():
    for row in rows(truth=rates.PAPER):
        if row["test"].startswith("equivalence"):
            assert row["for"] == 0
            continue
        assert row["against"] == row["nothing"] == 0 or row["test"] == "spread of two arms", row
        if row["R"] >= looks.DRAWS and not row["test"].startswith("spread"):
            assert row["for"] > 0.85, row


def test_what_is_reversed_falls_by_the_last_look():
    for row in rows(truth=rates.REVERSED, R=looks.DRAWS):
        assert row["for"] <= 0.02
        assert row["against"] > 0.95 or row["test"] == "spread of two arms", row


@pytest.mark.parametrize("name", ["ranking of five arms", "conjunction of five parts"])
def test_one_reversed_part_is_enough_and_a_true_claim_does_not_fall(name):
    assert all(row["against"] > 0.8 for row in rows(name, truth="one of them reversed", R=10))
    assert all(row["against"] <= 0.01 for row in rows(name, truth=rates.PAPER))
    one_zero = rows(name, truth="one of them nothing")
    assert all(row["for"] <= 0.05 + SLACK for row in one_zero)
    assert one_zero[-1]["R"] == 40 and one_zero[-1]["against"] > 0.8


def test_the_pooled_error_is_too_sure_at_the_first_looks():
    """So it stands beside the plain test and decides nothing."""
    pooled, plain = (rows(name, truth=rates.PAPER, R=4)[0]
                     for name in (rates.POOLED, "difference"))  # fmt: skip
    assert pooled["for"] > plain["for"] + 0.1, "it would gain power"
    found = rates.simulate(rates.POOLED, rates.ZERO, looks.DRAWS)[-1]
    assert found["for"] + found["against"] > 0.05
