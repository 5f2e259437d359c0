"""Verdicts in the browser, against those of lib.claims."""

import numpy as np
import pytest

from lib.claims import kinds, rates
from lib.claims import verdict as v
from lib.explore import claim_dial
from lib.explore.host import SCRIPTS


@pytest.fixture
def script(page):
    """A page that has read verdicts.js and the table of looks."""
    page.add_script_tag(content=(SCRIPTS / "verdicts.js").read_text())
    page.evaluate("rules => { window.rules = rules; }", claim_dial.rules())
    return page


def drawn(rng):
    """Differences of every kind: clear, small, none, reversed, scattered, equal, few and many."""
    for n in (2, 3, 4, 5, 6, 8, 9, 10, 12, 20):
        for effect in (-0.08, -0.01, 0.0, 0.004, 0.02, 0.08):
            for spread in (0.0005, 0.004, 0.02, 0.06):
                yield effect + spread * rng.normal(size=n)
        yield np.full(n, 0.02)
        yield np.zeros(n)
    yield np.full(10, 0.5)


def test_verdicts_are_the_judges(script):
    call = """([each, margin, paper, rule]) => each.map((d) => {
      const moments = momentsOf(d);
      return decide((n) => moments[n], d.length, looksOf(rules, rule, d.length), margin, paper);
    })"""
    seen = set()
    for planned in (10, 20):
        for margin, paper in ((0.01, 0.08), (0.01, 0.0), (0.03, 0.02)):
            each = [*drawn(np.random.default_rng([planned, round(1000 * margin)]))]
            true = [kinds.of_differences(d, margin, paper, planned) for d in each]
            given = [[d.tolist() for d in each], margin, paper, str(planned)]
            found = script.evaluate(call, given)
            assert [(f["verdict"], f["look"]) for f in found] == [
                (t["verdict"], t["look"]) for t in true
            ]
            seen |= {t["verdict"] for t in true}
    assert seen == set(claim_dial.NAMES)


def test_one_look_is_the_plain_test(script):
    call = """([d]) => { const m = momentsOf(d); const n = d.length;
      return decide((k) => m[k], n, looksOf(rules, "once", n), 0.01, 0).verdict; }"""
    for d in [*drawn(np.random.default_rng(5))][::7]:
        s = kinds.measured(d, 0.01, {"paper_effect": 0.0})
        assert script.evaluate(call, [d.tolist()]) == kinds.judged(s, 0.0)


def test_shares_are_those_of_the_judges_own_simulation(script):
    spread = (rates.ARM**2 + rates.REAL**2) ** 0.5
    call = """([effect, spread, n]) => sharesOf(standardStudies(2000, 10, 7), n,
      { effect, spread, margin: 0.01, paper: 0.08 }, rules["10"])"""
    for truth, effect in (("nothing", 0.0), ("the margin", 0.01), ("the paper's size", 0.08)):
        for n in (4, 8, 10):
            found = script.evaluate(call, [effect, spread, n])
            (row,) = (row for row in rates.kept()["rows"] if row["test"] == "difference"
                      and row["truth"] == truth and row["R"] == n)  # fmt: skip
            own = found.get(v.REPRODUCED, 0) + found.get(v.DIRECTION, 0)
            error = 4 * (row["for"] * (1 - row["for"]) / 300 + 0.25 / 2000) ** 0.5
            assert abs(own - row["for"]) < error + 0.01


def test_labels_of_an_axis_never_overlap(script):
    script.add_script_tag(content=(SCRIPTS / "claim_dial.js").read_text())
    call = "marks => labelsOf((text) => 6 * text.length, marks, 200)"
    for marks, texts in (
        ([[10, "0"], [60, "m"], [150, "paper"]], ["0", "m", "paper"]),
        ([[10, "0"], [80, "m"], [10, "paper"]], ["0, paper", "m"]),
        ([[150, "0"], [160, "m"], [198, "paper"]], ["0, m, paper"]),
    ):
        found = script.evaluate(call, marks)
        assert [each["text"] for each in found] == texts
        ends = [each["left"] + 6 * len(each["text"]) for each in found]
        assert ends[-1] <= 200
        assert all(a < b["left"] for a, b in zip(ends, found[1:], strict=False))


def test_normal_numbers_are_normal_and_the_same_again(script):
    call = "() => { const next = normals(3); return Array.from({ length: 20000 }, next); }"
    x = np.array(script.evaluate(call))
    assert abs(x.mean()) < 0.03 and abs(x.std() - 1) < 0.02 and abs((x**4).mean() - 3) < 0.2
    assert np.array_equal(x, script.evaluate(call))
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < 0.03


def test_least_effect_that_is_found_falls_with_draws_and_is_none_before_the_first_look(script):
    call = """([n]) => leastFound(standardStudies(400, 10, 7), n,
      { spread: 0.02, margin: 0.01, paper: 0 }, rules["10"])"""
    found = [script.evaluate(call, [n]) for n in (3, 4, 6, 10)]
    assert found[0] is None
    assert found[1] > found[2] > found[3] > 0
