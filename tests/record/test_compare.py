"""Own draws against the record: to rounding on the same code and machine, else within bounds."""

import json

import pytest

from lib import paths
from lib.claims import verdict
from lib.record import compare
from lib.record import rows as pages
from lib.runner import command

ITEM = "toy/table4_main"
AUC = {"0/0": (0.70, "c"), "0/1": (0.75, "c"), "0/2": (0.80, "c")}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A table computed here, and the same page in the record; the latter's file."""
    monkeypatch.setattr(paths, "METRICS", tmp_path / "metrics")
    monkeypatch.setattr(paths, "RECORD", tmp_path / "record")
    rows = [{"arm": arm, "metric": "auc", "draws": AUC} for arm in ("real", "vae")]
    rows.append({"arm": "none", "metric": "auc", "draws": {"0/0": (None, "c")}})
    mine = pages.write(ITEM, "quick", rows)
    copy = paths.RECORD / f"{ITEM}.json"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(mine.read_bytes())
    return copy


def alter(file, value=0.75, draw="0/1", row=1, code="c", **run):
    """Change one draw of a page, its code, or the run of all."""
    page = json.loads(file.read_text(encoding="utf-8"))
    page["rows"][row]["draws"][draw][:2] = [value, code]
    page["runs"][0].update(run)
    file.write_text(json.dumps(page), encoding="utf-8")


def check(**options):
    return compare.check([ITEM], verdict.margin_of_row, **options)


def test_equal_draws_pass(home):
    assert check() == ([], 7) and check(exact=True) == ([], 7)


@pytest.mark.parametrize(
    ("change", "problems", "exact"),
    [
        ({"value": 0.75 + 1e-10}, 0, 0),  # rounding
        ({"value": 0.7500001}, 1, 1),  # same code, versions and processor
        ({"value": 0.76, "code": "d"}, 0, 1),  # three standard errors are 0.087
        ({"value": 0.76, "cpu": "another"}, 0, 1),
        ({"value": 0.76, "versions": {}}, 0, 1),
        ({"value": 0.95, "code": "d"}, 1, 1),
        ({"value": 0.95, "cpu": "another"}, 1, 1),
        ({"value": None, "code": "d"}, 1, 1),
        ({"value": 0.7, "code": "d", "row": 2, "draw": "0/0"}, 1, 1),  # the record has none
    ],
)
def test_one_draw_that_differs(home, change, problems, exact):
    alter(paths.METRICS / f"{ITEM}.json", **change)
    assert len(check()[0]) == problems
    lines, compared = check(exact=True)
    assert len(lines) == exact and compared == 7
    assert all(line.startswith(f"{ITEM}: {'none' if 'row' in change else 'vae'} auc draw 0/")
               for line in lines)  # fmt: skip


def test_the_bound_is_at_least_the_margin_of_the_metric(home):
    """Draws without spread: 0.01 is the smallest AUC that counts."""
    for draw in AUC:
        alter(home, 0.75, draw, code="d")
    mine = paths.METRICS / f"{ITEM}.json"
    for draw in AUC:
        alter(mine, 0.759, draw)
    assert check()[0] == []
    alter(mine, 0.762, "0/1")
    assert check()[0] == [f"{ITEM}: vae auc draw 0/1: 0.762 here, 0.75 +- 0.01 in the record"]


def test_what_only_one_side_has_is_not_compared(home):
    pages.write(ITEM, "quick", [{"arm": "new", "metric": "auc", "draws": AUC}])
    alter_rows = json.loads(home.read_text(encoding="utf-8"))
    del alter_rows["rows"][1]["draws"]["0/2"]
    home.write_text(json.dumps(alter_rows), encoding="utf-8")
    assert check() == ([], 6)


def test_a_page_that_was_not_made_or_has_other_sizes_is_told(home):
    (paths.METRICS / f"{ITEM}.json").unlink()
    assert check() == ([f"{ITEM}: nothing is computed here yet; ./run_all.sh {ITEM} does it"], 0)
    pages.write(ITEM, "smoke", [{"arm": "vae", "metric": "auc", "draws": AUC}])
    assert "made with profile smoke" in check()[0][0] and check()[1] == 0
    assert compare.check(["toy/new"], verdict.margin_of_row) == ([], 0)


def test_command_prints_what_is_off_and_tells_a_damaged_record(home, capsys, tmp_path, monkeypatch):
    (tmp_path / "notebooks" / "toy").mkdir(parents=True)
    notebook = '# # T\n# %% tags=["parameters"]\nprofile = "quick"\nseed = 0\n'
    for name in (ITEM, "00"):
        (tmp_path / "notebooks" / f"{name}.py").write_text(notebook)
    monkeypatch.setattr(paths, "NOTEBOOKS", tmp_path / "notebooks")
    assert command.main(["--check"]) == 0
    assert "7 draws compared with data/record, 0 problems" in capsys.readouterr().out
    alter(home, 0.76, code="d")
    assert command.main(["--check", "toy"]) == 0 and command.main(["--check", "--exact"]) == 1
    assert "vae auc draw 0/1: 0.75 here, 0.76 in the record" in capsys.readouterr().out
    assert command.main(["--check", "00"]) == 1
    assert "no page of this selection" in capsys.readouterr().err
    assert command.main(["--to-record"]) == 0
    assert "replaced, because other code made it" in capsys.readouterr().out
    alter(home, 0.76)
    assert command.main(["--to-record", "toy"]) == 1
    home.write_text("{")
    assert command.main(["--check"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "table4_main.json is damaged; restore it" in said


@pytest.mark.parametrize(
    ("args", "wanted"),
    [
        (("--draws", "5-3"), "draws 5-3 end before they begin; write 3-5."),
        (("-j", "0"), "-j is 0; give a whole number from 1."),
        (("--set", "a"), "--set is 'a'; write NAME=VALUE."),
        (("--profile", "foo"), "argument --profile: invalid choice: 'foo'"),
    ],
)
def test_a_wrong_option_is_refused_in_one_sentence(home, capsys, monkeypatch, args, wanted):
    monkeypatch.setattr(paths, "NOTEBOOKS", home.parent)  # nothing to run, should it not stop
    with pytest.raises(SystemExit, match="2"):
        command.main([*args])
    said = capsys.readouterr().err
    assert said.startswith(wanted) and said.count("\n") == 1
