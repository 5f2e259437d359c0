"""No serious finding of axe on any kind of page: light, wide screen; dark, phone."""

import pytest
from axe_playwright_python.sync_playwright import Axe

NOTEBOOKS = (  # one of each kind
    "00_start_here", "99_all_claims", "pavae/00_claims", "pavae/03_method", "pavae/table4_main",
    "explore/latent_space",
)  # fmt: skip
PAGES = ("index", "report/reproducibility", *(f"report/{name}" for name in NOTEBOOKS))
OPTIONS = {"resultTypes": ["violations"], "iframes": False}  # explorers are looked at alone
OPEN = "document.querySelectorAll('details').forEach((each) => (each.open = true))"


@pytest.fixture(params=[("light", 1280), ("dark", 390)], ids=str)
def seen(request, chromium):
    """A page in one scheme and width."""
    scheme, width = request.param
    context = chromium.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}, reduced_motion="reduce"
    )
    yield context.new_page()
    context.close()


def serious(page):
    """Findings of impact serious or critical on what the page shows, all folded parts open."""
    page.evaluate(OPEN)
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [
        f"{each['id']}: {node['html'][:200]} {node['any'][0]['message'] if node['any'] else ''}"
        for each in found if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]  # fmt: skip


def test_axe_sees_what_is_wrong(seen):
    pale = '<p style="color: #ccc; background: #fff">pale'
    seen.set_content(f'<html lang="en"><title>x</title>{pale}')
    assert [each.partition(":")[0] for each in serious(seen)] == ["color-contrast"]


@pytest.mark.parametrize("name", PAGES)
def test_report_has_no_serious_finding(smoke_home, seen, name):
    seen.goto((smoke_home / "figures" / f"{name}.html").as_uri())
    assert serious(seen) == []


def test_explorers_have_no_serious_finding(smoke_home, seen):
    files = sorted((smoke_home / "figures" / "explore").glob("*.html"))
    assert files
    for file in files:
        seen.goto(file.as_uri())
        seen.locator(".explorer h2").wait_for()
        assert serious(seen) == [], file.name
