"""Explorers' pages as a browser test opens, reads and moves them."""

import time

PIXELS = "all => all.map((canvas) => canvas.toDataURL()).join()"


def shown(page, explorer, folder):
    """The explorer's page, however long it takes; its file."""
    file = explorer.write(folder / f"{explorer.name}.html")
    page.goto(file.as_uri())
    page.locator(".explorer h2").wait_for()
    return file


def opened(page, explorer, folder):
    """The explorer's page, which has to be there within two seconds."""
    file = explorer.write(folder / f"{explorer.name}.html")
    times = []
    while not times or (min(times) > 2 and len(times) < 3):  # a busy machine gets three tries
        start = time.perf_counter()
        page.goto(file.as_uri())
        page.locator(".explorer h2").wait_for()
        times.append(time.perf_counter() - start)
    assert min(times) < 2
    page.wait_for_timeout(100)
    return file


def seen(page):
    """All that a reader sees: pixels and words."""
    page.wait_for_timeout(60)
    pixels = page.locator("canvas").evaluate_all(PIXELS)
    return pixels, page.locator(".explorer").inner_text()


def assert_sliders_answer(page, keys=("ArrowRight", "ArrowLeft")):
    """Every range input that is not disabled changes what is seen by keyboard, and by a click."""
    sliders = page.get_by_role("slider")
    for i in range(sliders.count()):
        if not sliders.nth(i).is_enabled():
            continue
        name, before = sliders.nth(i).get_attribute("aria-label"), seen(page)
        value = sliders.nth(i).input_value()
        for key in keys:
            sliders.nth(i).press(key)
            if sliders.nth(i).input_value() != value:
                break
        assert seen(page) != before, f"{name} by keyboard"
        before, box = seen(page), sliders.nth(i).bounding_box()
        left = sliders.nth(i).evaluate("s => (s.value - s.min) / (s.max - s.min)") < 0.5
        sliders.nth(i).click(position={"x": box["width"] * (0.8 if left else 0.2), "y": 8})
        assert seen(page) != before, f"{name} by mouse"


def assert_fits_a_phone(page):
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


KERNEL = """
window.asked = [];
globalThis.heard = (value) => window.asked.push(value);
heard.listen = (hear) => { window.reply = hear; };
"""


def as_live(page, explorer, folder):
    """The page with a kernel that hears (window.asked) and answers what a test says."""
    script = shown(page, explorer, folder).read_text()
    script = script.replace("bytes, () => {}, frame", "bytes, heard, frame")
    script = script.replace("await startPage()", f"{KERNEL} await startPage()")
    (folder / "live.html").write_text(script)
    page.goto((folder / "live.html").as_uri())
    page.locator(".explorer h2").wait_for()
