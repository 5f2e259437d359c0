"""The report on paper: no code, no controls, light, and nothing that is cut off at the right."""

import pytest

PAGES = (
    "index", "report/reproducibility", "report/00_start_here", "report/pavae/00_claims",
    "report/pavae/table4_main", "report/explore/latent_space", "report/99_all_claims",
)  # fmt: skip
PAPER = 690  # CSS px between the margins of a sheet of A4 or Letter, whichever is narrower
WIDER = """(width) => [...document.querySelectorAll("main *")]
  .filter((each) => each.checkVisibility() && each.getBoundingClientRect().right > width + 1)
  .map((each) => each.outerHTML.slice(0, 120))"""
DARK = """() => [...document.querySelectorAll("body, body *")].filter((each) => {
    const ground = getComputedStyle(each).backgroundColor;
    const [r, g, b, alpha = 1] = ground.match(/[\\d.]+/g).map(Number);
    return each.checkVisibility() && each.textContent.trim() && alpha > 0.5 && r + g + b < 500;
  }).map((each) => each.outerHTML.slice(0, 120))"""


@pytest.fixture
def sheet(chromium):
    """A page as a reader with a dark screen prints it."""
    context = chromium.new_context(color_scheme="dark", viewport={"width": PAPER, "height": 1000})
    page = context.new_page()
    page.emulate_media(media="print", color_scheme="dark")
    yield page
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_paper_has_neither_code_nor_controls_nor_dark_ground(smoke_home, sheet, name):
    sheet.goto((smoke_home / "figures" / f"{name}.html").as_uri())
    for hidden in ("details.input", "button", "form", "iframe", ".contents"):
        assert sheet.locator(f"{hidden}:visible").count() == 0, hidden
    assert sheet.evaluate(DARK) == []
    assert sheet.evaluate(WIDER, PAPER) == []
    ink = sheet.evaluate("getComputedStyle(document.body).color.match(/\\d+/g).map(Number)")
    assert sum(ink) < 200


def test_paper_says_where_an_explorer_is(smoke_home, sheet):
    sheet.goto((smoke_home / "figures" / "report" / "explore" / "latent_space.html").as_uri())
    told = sheet.get_by_text("is interactive: open figures/explore/latent_space.html in a browser")
    assert told.is_visible()


def test_a_figure_is_not_cut_by_the_end_of_a_sheet(smoke_home, sheet):
    sheet.goto((smoke_home / "figures" / "report" / "pavae" / "table4_main.html").as_uri())
    images = sheet.locator(".output img")
    assert images.count()
    for i in range(images.count()):
        around = images.nth(i).locator("xpath=ancestor::div[contains(@class, 'output')]")
        assert around.evaluate("each => getComputedStyle(each).breakInside") == "avoid"
        assert images.nth(i).bounding_box()["height"] <= 21 / 2.54 * 96 + 1, "it fits one sheet"
