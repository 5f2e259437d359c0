"""The JSON of metrics: one layout, the same bytes again, nothing undefined."""

import json
import math

import pytest

from lib import paths
from lib.record import rows as record

ROW = {"arm": "vae", "metric": "auc", "mean": 2 / 3, "values": [1 / 3, 1.0], "ci95": [0.1, 0.9]}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "METRICS", tmp_path)


def write(*rows, paper="pavae", **more):
    return record.write_metrics(paper, "table4_main", "smoke", 2, rows, **more)


def test_what_is_written_is_read_back():
    figures = [{"file": "pavae/table4_main.png", "caption": "What is seen."}]
    write(ROW, figures=figures, seconds=1.5, seeds=(0, 1), code="abc")
    page = record.read_metrics("pavae", "table4_main")
    assert page["rows"][0]["arm"] == "vae"
    assert page["rows"][0]["regime"] == ""
    assert page["rows"][0]["paper"] is None
    assert page["figures"] == figures
    assert page["stamp"]["seeds"] == [0, 1]
    assert page["stamp"]["code"] == "abc"
    assert "+" not in page["stamp"]["versions"]["torch"]


def test_numbers_have_ten_digits_and_survive():
    row = {**ROW, "values": [1e-12 / 3, 123456789.123456789, 0.0, -7, None]}
    write(row)
    values = record.read_metrics("pavae", "table4_main")["rows"][0]["values"]
    assert values == [3.333333333e-13, 123456789.1, 0.0, -7, None]


def test_same_numbers_give_the_same_bytes_whatever_the_order_of_keys():
    row = {**ROW, "n": 20, "floor": 0.1}  # columns of its own too
    first = write(row).read_bytes()
    again = write(dict(reversed(row.items()))).read_bytes()
    assert first == again


def test_time_stands_only_in_the_stamp():
    one = json.loads(write(ROW, seconds=1.0).read_text())
    two = json.loads(write(ROW, seconds=2.0).read_text())
    assert one["stamp"].pop("seconds") != two["stamp"].pop("seconds")
    assert one == two


def test_top_level_notebooks_have_no_folder(tmp_path):
    assert write(ROW, paper="") == tmp_path / "table4_main.json"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({**ROW, "mean": math.nan}, r"\['rows'\]\[0\]\['mean'\] is nan"),
        ({"metric": "auc", "mean": 1.0}, "no arm or no metric"),
    ],
)
def test_rows_that_say_nothing_are_refused(row, message):
    with pytest.raises(ValueError, match=message):
        write(row)


def test_a_row_stands_once():
    with pytest.raises(ValueError, match="more than one row"):
        write(ROW, ROW)
    write(ROW, {**ROW, "regime": "augmented"})


def test_failed_write_leaves_the_old_file():
    before = write(ROW).read_bytes()
    with pytest.raises(ValueError, match="is nan"):
        write({**ROW, "mean": math.nan})
    assert (paths.METRICS / "pavae" / "table4_main.json").read_bytes() == before
    assert list(paths.METRICS.rglob(".half-*")) == []
