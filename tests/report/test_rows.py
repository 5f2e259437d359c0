"""Rows as a notebook reads them: pairs are made by draw, whatever draws each arm has."""

import pytest

from lib.report.rows import Regime, Rows


def row(arm, here=(), **draws):
    found = {f"0/{key[1:]}": value for key, value in draws.items()}
    return {"arm": arm, "metric": "auc", "draws": found, "values": list(found.values()),
            "here": list(here)}  # fmt: skip


def test_differences_and_what_was_computed_here_are_by_draw():
    one = row("one", ("0/0", "0/2"), k0=0.9, k1=None, k2=0.7)
    other = row("other", ("0/0",), k0=0.5, k1=0.4, k2=0.6, k3=0.1)
    at = Regime("bare", [one, other])
    assert at.lead("one", "other", "auc") == {"0/0": pytest.approx(0.4), "0/2": pytest.approx(0.1)}
    assert list(at.lead("one", "other", "auc").values()) == list(at.gain("one", "other", "auc"))
    assert at.here("auc", "one", "other") == {"0/0"} and at.here("auc", "one") == {"0/0", "0/2"}


def test_a_regime_without_rows_is_empty_and_not_an_error():
    rows = Rows({"rows": [row("one", k0=0.9) | {"regime": "bare"}]})
    none = rows.get("other")
    assert rows.get("bare").has("one", "auc") and none.arms == []
    assert none.cell("one", "auc") == "–" and none.count("one", "auc") == 0
    with pytest.raises(KeyError, match="no rows of regime 'other'; there are bare"):
        rows["other"]


def test_shares_lie_between_0_and_1_in_every_draw_of_every_arm_that_has_them():
    at = Regime("bare", [row("one", k0=0.0, k1=1.0, k2=None), row("other", k0=0.5, k1=0.5)])
    assert at.are_shares("auc") and at.are_shares("auc", "dice")
    assert not Regime("bare", [row("one", k0=0.5), row("other", k0=0.5, k1=1.01)]).are_shares("auc")
    assert not Regime("bare", [row("one", k0=-0.01, k1=0.5)]).are_shares("dice", "auc")
