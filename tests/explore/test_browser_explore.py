"""Explorers in a real browser, from file://: quick, without requests, by keyboard and by mouse."""

import pytest

PIXELS = "canvas => canvas.toDataURL()"


@pytest.fixture
def troubles(page):
    """What the browser complains of, and every request beyond the file itself."""
    found = []
    page.on("console", lambda message: found.append(message.text))
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("request", lambda request: _own(request.url) or found.append(request.url[:100]))
    return found


def _own(url):
    return url.startswith("data:") or (url.startswith("file:") and url.endswith(".html"))


def opened(page, file):
    page.goto(file.as_uri())
    page.locator(".explorer h2").wait_for(timeout=2000)


def test_toy_reads_its_data_and_follows_the_keyboard(toy, tmp_path, page, troubles):
    opened(page, toy.write(tmp_path / "toy.html"))
    text = page.locator(".status")
    tiny = "0.5 -2 0.00006103515625 5.960464477539063e-8"
    assert text.inner_text() == f"shift 0, half {tiny}, </script>"
    before = page.locator("canvas").evaluate(PIXELS)
    page.get_by_role("slider", name="Shift").press("ArrowRight")
    assert text.inner_text().startswith("shift 0.25")
    assert page.locator("canvas").evaluate(PIXELS) != before
    assert troubles == []


def test_frame_takes_the_height_and_the_ground_of_the_page_around_it(toy, tmp_path, page, troubles):
    around = tmp_path / "around.html"
    head = '<!DOCTYPE html><meta charset="utf-8"><link rel="icon" href="data:,">'
    around.write_text(f"{head}<body style='background: #111'>{toy.frame()}</body>")
    page.goto(around.as_uri())
    inner = page.frame_locator("iframe").locator(".explorer")
    inner.locator("h2").wait_for()
    height = inner.bounding_box()["height"]
    assert abs(page.locator("iframe").bounding_box()["height"] - height) < 2
    assert inner.get_attribute("data-theme") == "dark"
    page.evaluate("document.body.style.background = '#fff'")
    page.wait_for_timeout(50)
    assert inner.get_attribute("data-theme") == "light"
    assert troubles == []


def test_own_page_follows_the_screen(toy, tmp_path, page):
    page.emulate_media(color_scheme="dark")
    opened(page, toy.write(tmp_path / "toy.html"))
    assert page.locator(".explorer").get_attribute("data-theme") == "dark"
    page.emulate_media(color_scheme="light")
    assert page.locator(".explorer").get_attribute("data-theme") == "light"
