"""Draws of the record and of this home: how they join, what rows make of them, what is refused."""

import json
import random

import numpy as np
import pytest

from lib import paths, profiles
from lib.jobs import Job, Result
from lib.metrics.inference import t_interval
from lib.record import draws, models
from lib.record import rows as pages

ITEM = "pavae/table4_main"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "METRICS", tmp_path / "metrics")
    monkeypatch.setattr(paths, "RECORD", tmp_path / "record")
    return tmp_path


def fit(steps):
    """A job like a generator's fit."""
    return Result({"weight": np.zeros(steps)}, {})


def row(values, code="c" * 12, arm="vae", metric="auc", **more):
    """A row with draws from {key: value}."""
    made = {key: (value, code) for key, value in values.items()}
    return {"regime": "bare", "arm": arm, "metric": metric, "draws": made, **more}


def compute(*rows, **options):
    """Write an own page."""
    return pages.write(ITEM, options.pop("profile", "quick"), rows, **options)


def commit(*rows, **options):
    """Write a page of the record."""
    mine = paths.METRICS
    paths.METRICS = paths.RECORD
    try:
        return compute(*rows, **options)
    finally:
        paths.METRICS = mine


def found(own=True, **options):
    """{(arm, metric): merged row}."""
    page = draws.merged(ITEM, own, **options)
    return {(row["arm"], row["metric"]): row for row in page["rows"]}


# ---- what is read -------------------------------------------------------------------------------


def test_both_sources_are_read_and_the_own_value_counts():
    commit(row({"0/0": 0.5, "0/1": 0.6}), seconds=9.0)
    compute(row({"0/1": 0.7, "1/0": 0.8}), seconds=1.0)
    page = draws.merged(ITEM)
    (one,) = page["rows"]
    assert one["draws"] == {"0/0": 0.5, "0/1": 0.7, "1/0": 0.8} and one["here"] == ["0/1", "1/0"]
    assert one["values"] == [0.5, 0.7, 0.8] and one["mean"] == pytest.approx(2 / 3)
    assert one["ci95"] == pytest.approx(t_interval(one["values"])[1:])
    assert page["seeds"] == [0, 1] and page["stamp"]["seconds"] == 1.0
    (alone,) = draws.merged(ITEM, own=False)["rows"]
    assert alone["draws"] == {"0/0": 0.5, "0/1": 0.6} and alone["here"] == []
    assert draws.merged("pavae/nothing") is None


def test_an_undefined_draw_stays_and_does_not_count():
    commit(row({"0/0": None, "0/1": 0.6}), row({"0/0": None}, arm="real"))
    one, none = found()["vae", "auc"], found()["real", "auc"]
    assert one["draws"] == {"0/0": None, "0/1": 0.6} and one["values"] == [0.6]
    assert (one["mean"], one["ci95"]) == (0.6, None)
    assert none["draws"] == {"0/0": None} and (none["mean"], none["ci95"]) == (None, None)


def test_a_home_with_other_sizes_shows_its_own_draws_alone():
    commit(row({"0/0": 0.5, "0/1": 0.6}))
    compute(row({"0/0": 0.1}), profile="smoke")
    assert found()["vae", "auc"]["draws"] == {"0/0": 0.1}
    assert found(own=False)["vae", "auc"]["draws"] == {"0/0": 0.5, "0/1": 0.6}
    assert found(profile="smoke")["vae", "auc"]["draws"] == {"0/0": 0.1}
    assert found(profile="full")["vae", "auc"]["draws"] == {"0/0": 0.5, "0/1": 0.6}
    assert draws.merged(ITEM, own=False, profile="smoke") is None


def test_draws_of_other_code_are_told():
    commit(row({"0/0": 0.5, "0/1": 0.6}, "old"), row({"0/0": 0.5}, "", arm="real"))
    compute(row({"0/1": 0.6}, "now"))
    assert found()["vae", "auc"]["old"] == [] and found()["real", "auc"]["old"] == ["0/0"]
    keys = {"float32": "now", "bfloat16": "fast"}
    today = {("bare", "vae", "auc"): {"0/0": keys, "0/1": keys}}
    assert found(today=today)["vae", "auc"]["old"] == ["0/0"]
    assert found(False, today=today)["vae", "auc"]["old"] == ["0/0", "0/1"]
    keys["bfloat16"] = "old"
    assert found(today=today)["vae", "auc"]["old"] == [], "another processor is no other code"


def test_nulls_and_oracles_are_means_over_common_draws():
    named = {"null": {"arm": "real", "metric": "auc"}, "oracle": {"arm": "oracle", "metric": "auc"}}
    commit(
        row({"0/1": 0.5, "0/2": 0.6, "0/3": None}, **named),
        row({"0/0": 0.1, "0/1": 0.2, "0/2": 0.4}, arm="real"),
        row({"0/3": 0.9}, arm="oracle"),
        row({"0/2": 0.5}, "c", "all", null=named["null"] | {"all": True}, oracle=0.25, null_sd=0.1),
        row({"0/2": 0.5}, "c", "away", null=named["null"] | {"regime": "other"},
            oracle={"arm": "nobody", "metric": "auc"}),
        {**row({"0/2": 0.7}, arm="real"), "regime": "other"},
    )  # fmt: skip
    page = draws.merged(ITEM)
    by = {(one["regime"], one["arm"]): one for one in page["rows"]}
    assert by["bare", "vae"]["null"] == pytest.approx(0.3)
    assert by["bare", "vae"]["oracle"] == 0.9, "common, also where this row has no value"
    assert by["bare", "all"]["null"] == pytest.approx(0.7 / 3)
    assert (by["bare", "all"]["oracle"], by["bare", "all"]["null_sd"]) == (0.25, 0.1)
    assert by["bare", "away"]["null"] == 0.7 and by["bare", "away"]["oracle"] is None
    assert by["bare", "real"]["null"] is None and by["bare", "real"]["null_sd"] is None


def test_null_of_draws_computed_here_is_taken_from_the_record_too():
    commit(row({"0/0": 0.1, "0/1": 0.2}, arm="real"))
    compute(row({"0/1": 0.5}, null={"arm": "real", "metric": "auc"}))
    assert found()["vae", "auc"]["null"] == 0.2


def test_the_code_of_a_page_follows_the_keys_of_its_draws():
    commit(row({"0/0": 0.5}, "one"))
    first = draws.merged(ITEM)["stamp"]["code"]
    compute(row({"0/0": 0.5}, "two"))
    assert draws.merged(ITEM)["stamp"]["code"] != first
    assert draws.merged(ITEM, own=False)["stamp"]["code"] == first


def test_all_pages_are_found_in_both_places():
    commit(row({"0/0": 0.5}))
    pages.write("00_start_here", "quick", [row({"0/0": 0.5})])
    assert list(draws.all_merged()[0]) == ["00_start_here", ITEM]
    assert list(draws.all_merged(own=False)[0]) == [ITEM]
    (paths.METRICS / "00_start_here.json").write_text("{")
    there, problems = draws.all_merged()
    assert list(there) == [ITEM] and "is damaged" in problems["00_start_here"]


# ---- the command line ---------------------------------------------------------------------------


def test_draws_of_a_command_line():
    assert profiles.parse("3-5") == range(3, 6) and profiles.parse("4") == range(4, 5)
    assert profiles.parse("0-0") == range(1)


@pytest.mark.parametrize("text", ["5-3", "-1", "", "a", "3-", "1-2-3", "1.5", "٣"])
def test_other_draws_are_refused_in_one_sentence(text):
    with pytest.raises(ValueError, match=r"^draws .*\.$"):
        profiles.parse(text)


# ---- into the record ----------------------------------------------------------------------------


def stored():
    """{(row, draw): (value, key)} of the record, whatever the order of its rows."""
    page = pages.read(ITEM, paths.RECORD)
    return {(pages.row_key(one), key): tuple(draw[:2]) for one in page["rows"]
            for key, draw in one["draws"].items()}  # fmt: skip


def test_new_draws_are_added_and_equal_ones_take_todays_key():
    commit(row({"0/0": 0.5}, ""), row({"0/0": 0.1}, "same", arm="real"), seconds=1.0)
    compute(row({"0/0": 0.5, "0/1": 0.6}, "now"), row({"0/0": 0.1}, "same", arm="real"))
    said = draws.to_record([ITEM, "pavae/none"])
    assert said == [
        f"{ITEM}: draws for the record: 1 new, 1 equal, 1 there already.",
        "pavae/none: nothing is computed here yet; ./run_all.sh pavae/none does it.",
    ]
    key = ("bare", "vae", "auc")
    assert stored() == {(key, "0/0"): (0.5, "now"), (key, "0/1"): (0.6, "now"),
                        (("bare", "real", "auc"), "0/0"): (0.1, "same")}  # fmt: skip
    runs = [run["seconds"] for run in pages.read(ITEM, paths.RECORD)["runs"]]
    assert runs == [1.0, None], "the run of a draw that was there stays"
    before = (paths.RECORD / f"{ITEM}.json").read_bytes()
    assert draws.to_record([ITEM]) == [f"{ITEM}: draws for the record: 3 there already."]
    assert (paths.RECORD / f"{ITEM}.json").read_bytes() == before


def test_a_draw_that_differs_is_refused_by_name_and_the_others_are_kept():
    commit(row({"0/0": 0.5}, "same"))
    compute(row({"0/0": 0.51, "0/1": 0.6}, "same"))
    refused, counts = draws.to_record([ITEM])
    assert refused == (f"{ITEM}: bare vae auc draw 0/0 is 0.51 here and 0.5 in the record, by the "
                       "same code; refused.")  # fmt: skip
    assert counts == f"{ITEM}: draws for the record: 1 new, 1 refused."
    key = ("bare", "vae", "auc")
    assert stored() == {(key, "0/0"): (0.5, "same"), (key, "0/1"): (0.6, "same")}


@pytest.mark.parametrize(("old", "new"), [(0.5, 0.51), (None, 0.5), (0.5, None)])
def test_a_draw_of_other_code_that_differs_is_replaced(old, new):
    commit(row({"0/0": old}, "old"))
    compute(row({"0/0": new}, "now"))
    line, _ = draws.to_record([ITEM])
    assert line.endswith("replaced, because other code made it.")
    assert stored() == {(("bare", "vae", "auc"), "0/0"): (new, "now")}


def test_verdicts_and_times_have_no_draws_for_the_record():
    for item in ("90_speed", "91_reality", "99_all_claims", "pavae/00_claims"):
        pages.write(item, "quick", [row({"0/0": 1})])
    assert draws.to_record(pages.items(paths.METRICS)) == [] == pages.items(paths.RECORD)


def test_tiny_runs_do_not_enter_the_record():
    compute(row({"0/0": 0.5}), profile="smoke")
    paper = ITEM.partition("/")[0]
    models.save(f"{paper}/toy", Job(fit, steps=3), fit(3), root=paths.METRICS)
    assert "profile smoke has other sizes" in draws.to_record([ITEM])[0]
    assert pages.read(ITEM, paths.RECORD) is None and not models.has(f"{paper}/toy")
    compute(row({"0/0": 0.5}))
    draws.to_record([ITEM])
    assert models.has(f"{paper}/toy"), "with a page of the record's sizes it is kept"


def homes(seed):
    """The own pages of five homes: random draws of random rows, equal where they meet."""
    rng = random.Random(seed)
    value = {(arm, k): rng.random() for arm in "abc" for k in range(6)}
    for home in range(5):
        arms = rng.sample("abc", rng.randint(1, 3))
        yield (
            f"home{home}",
            [
                row(
                    {f"0/{k}": value[arm, k] for k in rng.sample(range(6), rng.randint(0, 6))},
                    arm=arm,
                )
                for arm in arms
            ],
        )


@pytest.mark.parametrize("seed", range(8))
def test_the_record_does_not_depend_on_the_order_of_merging(home, monkeypatch, seed):
    each, results = list(homes(seed)), []
    for turn in range(3):
        monkeypatch.setattr(paths, "RECORD", home / f"record{turn}")
        for name, rows in random.Random(turn).sample(each, len(each)):
            monkeypatch.setattr(paths, "METRICS", home / f"{turn}{name}")
            compute(*rows)
            assert not [line for line in draws.to_record([ITEM]) if "refused" in line]
        results.append(stored())
    assert results[0] == results[1] == results[2]
    union = {(row["arm"], key) for _, rows in each for row in rows for key in row["draws"]}
    assert {(key[1], draw) for key, draw in results[0]} == union


def test_the_record_itself_is_whole():
    """Every committed page can be read, and no null or oracle names a row that is not there.

    A score that no draw defines is a row without values, and so is what is named beside it.
    """
    paths.RECORD = paths.ROOT / "data" / "record"
    for item in pages.items(paths.RECORD):
        page = pages.read(item, paths.RECORD)
        merged = draws.merged(item, own=False)
        valued = {pages.row_key(row): bool(row["values"]) for row in merged["rows"]}
        for raw, row in zip(page["rows"], merged["rows"], strict=True):
            for column in ("null", "oracle"):
                at = raw[column]
                if isinstance(at, dict):
                    named = at.get("regime", raw["regime"]), at["arm"], at["metric"]
                    assert (row[column] is not None) == valued[named], (item, pages.row_key(raw))
        json.dumps(merged, allow_nan=False)
