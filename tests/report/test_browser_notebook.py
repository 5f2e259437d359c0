"""The page of a notebook in a real browser, with what lies beside it and without."""

import shutil

import nbformat
import pytest
from matplotlib import pyplot as plt
from nbformat import v4

from lib import paths
from lib.explore import claim_dial
from lib.report import html, plots, summary

INNER = "document.getElementById('place').getBoundingClientRect().height"


@pytest.fixture
def report(tmp_path, monkeypatch):
    """The page of a notebook that shows a figure and an explorer, in figures/report/toy."""
    monkeypatch.setattr(paths, "FIGURES", tmp_path / "figures")
    monkeypatch.setattr(paths, "REPORT", tmp_path / "figures" / "report")
    plots.use_style()
    figure, axes = plt.subplots()
    axes.plot([0, 1])
    shown = plots.kept(plots.save(figure, "toy", "a"), "A rising line")
    plt.close(figure)
    dial = claim_dial.explorer(summary.COLOURS)
    dial.write()
    data, metadata = shown._repr_mimebundle_()
    outputs = [v4.new_output("display_data", data, metadata=metadata),
               v4.new_output("display_data", {"text/html": dial.frame()})]  # fmt: skip
    cell = v4.new_code_cell("shown()", outputs=outputs)
    ipynb = paths.REPORT / "toy" / "a.ipynb"
    ipynb.parent.mkdir(parents=True)
    nbformat.write(v4.new_notebook(cells=[v4.new_markdown_cell("# A page"), cell]), ipynb)
    page = ipynb.with_suffix(".html")
    page.write_text(html.convert(ipynb), encoding="utf-8")
    return page


def test_a_linked_explorer_takes_its_own_height_and_the_ground_of_the_page(report, page):
    page.emulate_media(color_scheme="dark")
    page.goto(report.as_uri())
    frame = page.locator("iframe")
    assert frame.get_attribute("src") == "../../explore/claim_dial.html"
    inner = page.frames[1]
    inner.locator('.explorer[data-theme="dark"] h2').wait_for()
    page.wait_for_function("() => document.querySelector('iframe + p').hidden")
    assert abs(frame.bounding_box()["height"] - inner.evaluate(INNER)) < 2
    assert page.locator("img").evaluate("image => image.naturalWidth") > 0
    assert page.locator(".missing").count() == 0


def test_a_page_sent_alone_says_what_is_missing(report, page, tmp_path):
    page.goto(shutil.copy(report, tmp_path / "alone.html").as_uri())
    page.get_by_text("../../toy/a.png is missing beside it").wait_for()
    assert "A rising line" in page.locator(".missing").inner_text()
    assert page.get_by_text("open figures/explore/claim_dial.html in a browser").is_visible()


def test_paper_has_the_place_of_an_explorer_and_neither_code_nor_dark_ground(report, page):
    page.goto(report.as_uri())
    page.wait_for_function("() => document.querySelector('iframe + p').hidden")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.get_by_text("open figures/explore/claim_dial.html in a browser").is_visible()
    assert page.locator("iframe:visible, details.input:visible, button:visible").count() == 0
    style = page.locator("body").evaluate(
        "body => [getComputedStyle(body).backgroundColor, getComputedStyle(body).colorScheme]"
    )
    assert style == ["rgb(255, 255, 255)", "light"]
