"""The report in a real browser, from file://: complete without network, readable on any width."""

import pytest

WIDTHS = (400, 1280)


@pytest.fixture
def report(smoke_home):
    return smoke_home / "figures" / "index.html"


@pytest.fixture
def troubles(page):
    """What the browser complains of, and every request that is not to a local file."""
    found = []
    page.on("console", lambda message: found.append(message.text))
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("requestfailed", lambda request: found.append(f"failed: {request.url[:100]}"))
    page.on("request", lambda request: _local(request.url) or found.append(request.url[:100]))
    return found


def unfold(page):
    """Open the claims of every paper, as a reader does."""
    for summary in page.locator("#claims details.part > summary").all():
        summary.click()


def _local(url):
    return url.startswith(("file:", "data:", "blob:", "about:"))


def test_every_page_is_complete_and_fits_the_screen(report, page, troubles):
    for file in [report, *sorted(report.parent.joinpath("report").rglob("*.html"))]:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(file.as_uri())
            needed = page.evaluate("document.documentElement.scrollWidth")
            assert needed <= width, f"{file.name} is {needed} px wide on a screen of {width} px"
        shown = page.evaluate(
            "[...document.images].every((i) => i.loading === 'lazy' || i.naturalWidth > 0)"
        )
        assert shown, f"{file.name}: a picture is broken"
    assert troubles == []


def test_formulas_are_drawn(report, page):
    found = 0
    for file in sorted(report.parent.joinpath("report").rglob("*.html")):
        page.goto(file.as_uri())
        sizes = page.eval_on_selector_all("math", "all => all.map((m) => m.clientHeight)")
        assert all(size > 5 for size in sizes), f"{file.name}: a formula has no size"
        found += len(sizes)
    assert found


def test_filter_leaves_what_fits(report, page, troubles):
    page.goto(report.as_uri())
    rows = page.locator("table.claims tbody tr")
    total = rows.count()
    visible = page.locator("table.claims tbody tr:visible")
    unfold(page)
    assert visible.count() == total
    page.select_option("select[name=paper]", "controlnet")
    ids = [text.split()[0] for text in visible.all_inner_texts()]
    assert 0 < len(ids) < total and all(each.startswith("CN-") for each in ids)
    page.check("input[name=core]")
    assert 0 < visible.count() < len(ids)
    page.select_option("select[name=verdict]", "arithmetic: inconsistent")
    assert [text.split()[0] for text in visible.all_inner_texts()] == ["CN-01", "CN-02", "CN-34"]
    page.fill("input[name=text]", "no such words")
    assert visible.count() == 0
    told = page.locator("form.filter output").inner_text()
    assert told == f"Nothing matches: 0 of {total} claims"
    assert troubles == []


def test_filter_by_share_and_attribution(report, page, troubles):
    page.goto(report.as_uri())
    visible = page.locator("table.claims tbody tr:visible")
    unfold(page)
    total = visible.count()
    page.select_option("select[name=share]", "yes")
    known = page.locator("table.claims tr[data-share=yes]").count()
    assert visible.count() == known < total
    page.select_option("select[name=share]", "")
    assert page.locator("#claims details.part[open]").count() == 0, "a search that ends folds again"
    words = page.locator("select[name=attribution] option").all_inner_texts()[1:]
    for word in words:
        page.select_option("select[name=attribution]", word)
        assert visible.count() == page.locator(f"tr[data-attribution={word}]").count() > 0
    assert troubles == []


def test_code_is_folded_until_it_is_asked_for(report, page, troubles):
    page.goto((report.parent / "report" / "00_start_here.html").as_uri())
    cells = page.locator("details.input")
    code = page.locator("details.input pre:visible")
    assert cells.count() > 10 and code.count() == 0
    cells.first.locator("summary").click()
    assert code.count() == 1
    page.locator(".unfold").click()
    assert code.count() == cells.count()
    page.locator(".unfold").click()
    assert code.count() == 0 and troubles == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(report, chromium, scheme):
    context = chromium.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(report.as_uri())
    ink, paper = page.evaluate("""() => {
      const style = getComputedStyle(document.body);
      return [style.color, style.backgroundColor].map((c) => c.match(/\\d+/g).map(Number));
    }""")
    assert (sum(ink) < sum(paper)) == (scheme == "light")
    assert abs(sum(ink) - sum(paper)) > 450
    context.close()


def test_without_scripts_all_claims_stand_and_no_dead_form(report, chromium):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    unfold(page)
    assert page.locator("table.claims tbody tr:visible").count() == 156
    assert not page.locator("form.filter").is_visible()
    context.close()


def test_a_claim_leads_to_the_cell_that_shows_its_verdict(report, page, troubles):
    for id_ in ("PV-01", "PV-27"):
        page.goto(report.as_uri())
        unfold(page)
        page.locator(f"tr#{id_} small a").click()
        assert page.url.endswith(f"/report/pavae/table4_main.html#{id_}")
        cell = page.locator(f"section.code:has(> #{id_})")
        assert f"{id_}: " in cell.inner_text()
        top = page.locator(f"#{id_}").bounding_box()["y"]
        assert 0 <= top < page.viewport_size["height"], "the cell is scrolled to"
    left = "failed: "  # pictures of the index that had not come when the page was left
    assert not [each for each in troubles if not (each.startswith(left) and ".png" in each)]
