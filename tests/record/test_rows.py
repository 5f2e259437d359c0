"""Pages of rows: one layout, the same bytes again, no draw lost, nothing undefined."""

import json
import math
import multiprocessing

import pytest

from lib import paths
from lib.record import rows as pages

ITEM = "pavae/table4_main"
ROW = {"arm": "vae", "metric": "auc", "draws": {"0/0": (1 / 3, "a" * 64), "0/1": (1.0, "b" * 64)}}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "METRICS", tmp_path / "metrics")
    monkeypatch.setattr(paths, "RECORD", tmp_path / "record")
    return tmp_path


def write(*rows, item=ITEM, profile="quick", **more):
    return pages.write(item, profile, rows, **more)


def read():
    return pages.read(ITEM, paths.METRICS)


def drawn(**draws):
    """A row with draws of seed 0: drawn(_0=0.5) has the draw 0/0."""
    named = {f"0/{name[1:]}": (value, "c" * 64) for name, value in draws.items()}
    return {"arm": "vae", "metric": "auc", "draws": named}


def test_what_is_written_is_read_back():
    figures = [{"file": "pavae/table4_main.png", "caption": "What is seen.", "alt": "Bars."}]
    write(ROW, {**ROW, "arm": "real", "draws": {}, "null": 0.5}, figures=figures, seconds=1.5)
    page = read()
    assert (page["paper"], page["item"], page["profile"]) == ("pavae", "table4_main", "quick")
    assert page["rows"][0]["draws"] == {"0/0": [0.3333333333, "a" * 12, 0], "0/1": [1, "b" * 12, 0]}
    assert page["rows"][0]["regime"] == "" and page["rows"][0]["paper"] is None
    assert page["rows"][1]["draws"] == {} and page["rows"][1]["null"] == 0.5
    assert page["figures"] == figures
    (run,) = page["runs"]
    assert run["seconds"] == 1.5 and "+" not in run["versions"]["torch"]


def test_numbers_have_ten_digits_and_survive():
    write(drawn(_0=1e-12 / 3, _1=123456789.123456789, _2=0.0, _3=-7, _4=None))
    values = [value for value, _, _ in read()["rows"][0]["draws"].values()]
    assert values == [3.333333333e-13, 123456789.1, 0.0, -7, None]


def test_same_numbers_give_the_same_bytes_whatever_the_order_of_keys():
    row = {**ROW, "n": 20, "floor": 0.1}  # columns of its own too
    first = write(row).read_bytes()
    turned = {**row, "draws": dict(reversed(row["draws"].items()))}
    assert write(dict(reversed(turned.items()))).read_bytes() == first


def test_draws_are_sorted_by_seed_and_number_not_as_text():
    write({**ROW, "draws": dict.fromkeys(("10/0", "2/11", "2/2"), (0.5, "c"))})
    assert list(read()["rows"][0]["draws"]) == ["2/2", "2/11", "10/0"]


def test_top_level_notebooks_have_no_folder():
    assert write(ROW, item="00_start_here") == paths.METRICS / "00_start_here.json"
    assert pages.items(paths.METRICS) == ["00_start_here"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (drawn(_0=math.nan), r"\['draws'\]\['0/0'\]\[0\] is nan; return None"),
        ({**drawn(_0=0.5), "null": math.inf}, r"\['null'\] is inf"),
        ({"metric": "auc", "draws": {}}, "no arm or no metric"),
        ({**ROW, "draws": {"0": (0.5, "c")}}, "draws are"),
        ({**ROW, "draws": {"0/0": ("high", "c")}}, "draws are"),
    ],
)
def test_rows_that_say_nothing_are_refused(row, message):
    with pytest.raises(ValueError, match=message):
        write(row)


def test_a_row_stands_once():
    with pytest.raises(ValueError, match="more than one row"):
        write(ROW, ROW)
    write(ROW, {**ROW, "regime": "pet"})


# ---- draws accumulate ---------------------------------------------------------------------------


def test_other_draws_are_added_and_one_written_again_is_replaced():
    write(drawn(_0=0.5, _1=0.6), seconds=1)
    write(drawn(_1=0.7, _2=0.8), seconds=2)
    page = read()
    draws = page["rows"][0]["draws"]
    assert {key: value for key, (value, _, _) in draws.items()} == {"0/0": 0.5, "0/1": 0.7,
                                                                    "0/2": 0.8}  # fmt: skip
    seconds = {key: page["runs"][run]["seconds"] for key, (_, _, run) in draws.items()}
    assert seconds == {"0/0": 1, "0/1": 2, "0/2": 2}
    write(drawn(_0=0.5, _1=0.7, _2=0.8), seconds=3)
    assert [run["seconds"] for run in read()["runs"]] == [3], "runs that made nothing here go"


def test_rows_of_a_larger_run_stay():
    write(drawn(_0=0.5), {**drawn(_0=0.9), "arm": "oracle"}, profile="full")
    write(drawn(_0=0.4))
    found = {row["arm"]: row["draws"]["0/0"][0] for row in read()["rows"]}
    assert found == {"vae": 0.4, "oracle": 0.9}


def test_a_draw_costs_what_its_longest_run_took_over_its_draws():
    write(drawn(_0=0.0, _1=0.1, _2=0.2, _3=0.3), seconds=1000.0)
    assert pages.seconds(read()) == 250
    write({**drawn(_4=0.4), "arm": "real"}, seconds=None)  # not timed
    assert pages.seconds(read()) == 250
    write(drawn(_5=0.5, _6=0.6), {**drawn(_5=0.5), "arm": "real"}, seconds=800.0)
    assert pages.seconds(read()) == 400
    write(drawn(_0=0.0, _1=0.1, _2=0.2), seconds=300.0)  # one draw is left of the first run
    assert pages.seconds(read()) == 1000
    assert pages.seconds({"rows": [], "runs": [{"seconds": 7.0}]}) == 7, "a page of figures alone"
    assert pages.seconds({"rows": [], "runs": [{"seconds": None}]}) is None


@pytest.mark.parametrize(("first", "then"), [("smoke", "quick"), ("quick", "smoke")])
def test_draws_of_other_sizes_do_not_mix(first, then):
    write(drawn(_0=0.5, _1=0.6), profile=first)
    write(drawn(_0=0.7), profile=then)
    assert list(read()["rows"][0]["draws"]) == ["0/0"] and read()["profile"] == then


def _write_many(folder, which):
    paths.METRICS = folder
    for k in range(which, 40, 4):
        write(drawn(**{f"_{k}": k / 100}))


def test_processes_that_write_the_same_page_lose_no_draw(home):
    context = multiprocessing.get_context("fork")
    each = [context.Process(target=_write_many, args=(paths.METRICS, i)) for i in range(4)]
    for process in each:
        process.start()
    for process in each:
        process.join()
    draws = read()["rows"][0]["draws"]
    assert {key: draw[0] for key, draw in draws.items()} == {f"0/{k}": k / 100 for k in range(40)}


def test_failed_write_leaves_the_old_page(monkeypatch):
    before = write(ROW).read_bytes()
    with pytest.raises(ValueError, match="is nan"):
        write(drawn(_0=math.nan))

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pages.os, "replace", killed)  # all is written, nothing moved yet
    with pytest.raises(KeyboardInterrupt):
        write(drawn(_0=0.1))
    assert (paths.METRICS / f"{ITEM}.json").read_bytes() == before
    assert list(paths.METRICS.rglob(".half-*")) == []
    monkeypatch.undo()


# ---- pages that cannot be used ------------------------------------------------------------------


def damaged(change):
    """The text of a page after `change` of its object."""
    page = json.loads(write(ROW).read_text(encoding="utf-8"))
    change(page)
    return json.dumps(page)


@pytest.mark.parametrize(
    "text",
    [
        "{", "[]", "null", "\xff",
        lambda page: page.pop("runs"),
        lambda page: page["runs"].clear(),
        lambda page: page["rows"][0].pop("draws"),
        lambda page: page["rows"][0]["draws"].update({"0/0": [0.5, "a", 1]}),
        lambda page: page["rows"][0]["draws"].update({"0/0": ["0.5", "a", 0]}),
        lambda page: page["rows"][0]["draws"].update({"zero": [0.5, "a", 0]}),
        lambda page: page["rows"][0]["draws"].update({"0/0": [math.nan, "a", 0]}),
    ],
)  # fmt: skip
def test_a_damaged_page_is_told_in_one_sentence(text):
    text = damaged(text) if callable(text) else text
    for root, remedy in ((paths.METRICS, "make it again with: ./run_all.sh pavae/table4_main"),
                         (paths.RECORD, "git checkout -- ")):  # fmt: skip
        (root / "pavae").mkdir(parents=True, exist_ok=True)
        (root / f"{ITEM}.json").write_bytes(text.encode("latin-1"))
        with pytest.raises(pages.RecordError, match=f"table4_main.json is damaged; .*{remedy}"):
            pages.read(ITEM, root)
    with pytest.raises(pages.RecordError, match="is damaged"):
        write(ROW)  # a page that may hold draws is not written over


def test_a_page_of_another_format_is_told_in_one_sentence():
    old = {"paper": "pavae", "item": "table4_main", "rows": [], "stamp": {}}
    for page, made in ((old, "an earlier one"), ({**old, "format": 3}, "3")):
        (paths.METRICS / "pavae").mkdir(parents=True, exist_ok=True)
        (paths.METRICS / f"{ITEM}.json").write_text(json.dumps(page))
        with pytest.raises(pages.RecordError, match=f"has format {made}, this version reads 2"):
            pages.read(ITEM, paths.METRICS)


def test_no_page_is_no_error():
    assert read() is None
