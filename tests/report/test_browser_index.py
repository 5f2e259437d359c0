"""The index in a real browser: what is folded is found, linked and printed; a search can end."""

import pytest

from lib import paths
from lib.report import build

ROWS = "table.claims tbody tr"
SHOWN = "rows => rows.filter((row) => row.checkVisibility()).length"


@pytest.fixture
def index(tmp_path, monkeypatch, page):
    """The index of a home without any run, opened."""
    for name, where in (("METRICS", "data/metrics"), ("FIGURES", "figures"), ("RECORD", "record")):
        monkeypatch.setattr(paths, name, tmp_path / where)
    monkeypatch.setattr(paths, "REPORT", tmp_path / "figures" / "report")
    file = build.build("quick")
    page.goto(file.as_uri())
    return file


def seen(page):
    return page.locator(ROWS).evaluate_all(SHOWN)


def test_a_link_opens_the_part_in_which_its_target_is_folded(index, page):
    assert seen(page) == 0
    page.goto(f"{index.as_uri()}#DH-10")
    row = page.locator("#DH-10")
    row.wait_for()
    page.goto("about:blank")
    page.goto(index.as_uri())
    page.fill("input[name=text]", "PV-10")
    page.evaluate("location.hash = 'DH-10'")
    row.wait_for()
    assert 0 <= row.bounding_box()["y"] < page.viewport_size["height"]
    assert page.input_value("input[name=text]") == "", "a search that hides the target is cleared"


def test_a_search_opens_what_it_finds_and_an_empty_one_says_how_to_go_on(index, page):
    total, output = page.locator(ROWS).count(), page.locator("form.filter output")
    clear = page.get_by_role("button", name="Clear the search")
    assert not clear.is_visible()
    for text in ("PV-10", "pv10"):
        page.fill("input[name=text]", text)
        assert 0 < seen(page) < total and page.locator("#PV-10").is_visible(), text
    page.fill("input[name=text]", "pavae/table4_main has not run")
    assert page.locator("#PV-10 .why").evaluate("each => each.open"), "the words stand in there"
    page.fill("input[name=text]", "no such words")
    assert output.inner_text() == f"Nothing matches: 0 of {total} claims"
    clear.click()
    assert output.inner_text() == f"{total} of {total} claims" and not clear.is_visible()
    assert seen(page) == 0 and page.locator("#claims details.part:visible").count() == 4


def test_paper_has_what_the_screen_folds(index, page):
    assert seen(page) == 0
    page.emulate_media(media="print")
    assert seen(page) == page.locator(ROWS).count()
    assert page.locator("table").evaluate_all("all => all.every((t) => t.checkVisibility())")
    assert page.locator("form.filter:visible, button:visible").count() == 0
