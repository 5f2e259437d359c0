"""Every explorer, live in JupyterLab: the notebooks' own cells, by keyboard and by mouse."""

import time

import jupytext
import pytest
from lab import jupyterlab, run_all

from lib import paths

LAST = {  # the cell of each notebook that shows its explorer
    "explore/latent_space": "shown = latent_space.explorer",
    "explore/deviation_field": "shown = field.explorer",
    "explore/phantom": "shown = phantom.explorer",
    "explore/rate_images": "judged = real_or_phantom.explorer",
    "99_all_claims": "dial = claim_dial.explorer",
}
FORM = "form = rate_images.explorer"  # shown too, above the last one
RECORD = f"os.environ['{paths.RECORD_ONLY}'] = '1'"
LIVE = f"os.environ.pop('{paths.RECORD_ONLY}')"
LATE = "[anywidget] Failed to initialize model"  # after two seconds; it is shown all the same
NOTEBOOK = "window.jupyterapp.shell.currentWidget.content"
PIXELS = "all => all.map((canvas) => canvas.toDataURL()).join()"


def cells_until(name, last):
    """The code of a notebook in one cell, then each cell that shows an explorer alone.

    What jobs would compute comes from the record; what is shown is live.
    """
    notebook = jupytext.read(paths.NOTEBOOKS / f"{name}.py")
    code, shown = [], []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if FORM in cell.source or last in cell.source:
            shown.append(cell.source.replace(".write()", ".title"))
        else:
            code.append(cell.source)
        if last in cell.source:
            break
    return ["\n".join(["import os", RECORD, *code, LIVE]), *shown]


CELLS = [cell for name, last in LAST.items() for cell in cells_until(name, last)]


@pytest.fixture(scope="module")
def lab(chromium, tmp_path_factory):
    """A page of JupyterLab in which all explorers are shown, and what its console complains of."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(240_000)  # five papers' models are read, and cores may be few
    page, found = context.new_page(), []
    page.on("console", lambda said: found.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: found.append(str(error)) if LATE not in str(error) else None)
    text = "".join(f"# %%\n{cell}\n\n" for cell in CELLS)
    folder = tmp_path_factory.mktemp("lab")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KNOWN_TRUTH_HOME", str(folder / "home"))  # where forms keep their files
        with jupyterlab(folder, text) as address:
            run_all(page, address)
            page.wait_for_function(f"{NOTEBOOK}.widgets.every((cell) => cell.model.executionCount)")
            yield page, found
    context.close()


def shown(page, script):
    """The explorer that a cell with these words shows, and the number of the cell."""
    (number,) = (i for i, cell in enumerate(CELLS) if script in cell)
    page.evaluate(
        f"(i) => {{ {NOTEBOOK}.activeCellIndex = i; return {NOTEBOOK}.scrollToItem(i, 'start'); }}",
        number,
    )
    explorer = page.locator(".jp-CodeCell.jp-mod-active .explorer")
    explorer.locator("h2").wait_for()
    return explorer, number


def seen(explorer):
    """All that a reader sees: pixels and words."""
    explorer.page.wait_for_timeout(60)
    pixels = explorer.locator("canvas").evaluate_all(PIXELS)
    return pixels, explorer.inner_text()


def assert_changes(explorer, before, what):
    """A busy machine may need seconds to draw."""
    end = time.monotonic() + 20
    while (now := seen(explorer)) == before and time.monotonic() < end:
        explorer.page.wait_for_timeout(100)
    assert now != before, what


def assert_own_keys(page, number):
    """JupyterLab has not taken a key: the same cell is active, and none was added or removed."""
    assert page.evaluate(f"{NOTEBOOK}.activeCellIndex") == number
    assert page.evaluate(f"{NOTEBOOK}.widgets.length") == len(CELLS)


@pytest.mark.parametrize(
    ("script", "slider"),
    [("latent_space.explorer", "From A to B"), ("field.explorer", None),
     ("= phantom.explorer", None), ("claim_dial.explorer", "True effect")],
)  # fmt: skip
def test_sliders_answer_keys_and_mouse_and_the_cell_stays(lab, script, slider):
    page, troubles = lab
    explorer, number = shown(page, script)
    name = {"name": slider} if slider else {}
    control = explorer.get_by_role("slider", **name).and_(explorer.locator(":enabled")).first
    for key in ("ArrowRight", "ArrowUp", "ArrowLeft", "ArrowDown"):
        before, value = seen(explorer), control.input_value()
        control.press(key)
        if control.input_value() != value:  # not at an end
            assert_changes(explorer, before, key)
        assert_own_keys(page, number)
    before, box = seen(explorer), control.bounding_box()
    left = control.evaluate("s => (s.value - s.min) / (s.max - s.min)") < 0.5
    control.click(position={"x": box["width"] * (0.8 if left else 0.2), "y": 8})
    assert_changes(explorer, before, "mouse")
    assert troubles == []


def test_the_map_of_codes_is_moved_by_arrow_keys_and_dragged(lab):
    page, troubles = lab
    explorer, number = shown(page, "latent_space.explorer")
    board = explorer.get_by_role("application")
    for key in ("ArrowDown", "ArrowUp", "Shift+ArrowLeft"):
        before = seen(explorer)
        board.press(key)
        assert_changes(explorer, before, key)
        assert_own_keys(page, number)
    before = seen(explorer)
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 90, box["y"] + 120, steps=3)
    page.mouse.up()
    assert_changes(explorer, before, "drag")
    assert troubles == []


@pytest.mark.parametrize(
    ("script", "keys", "button"),
    [(FORM, ("3", "ArrowLeft", "0", "ArrowRight"), "Next set"),
     ("real_or_phantom.explorer", ("s", "2", "ArrowLeft", "b", "5"), "Back")],
)  # fmt: skip
def test_forms_take_keys_and_clicks_and_the_cell_stays(lab, script, keys, button):
    page, troubles = lab
    explorer, number = shown(page, script)
    explorer.locator("h2").click()  # the keys go to the form
    for key in keys:
        before = explorer.inner_html()
        page.keyboard.press(key)
        page.wait_for_timeout(60)
        assert explorer.inner_html() != before, key
        assert_own_keys(page, number)
    before = seen(explorer)
    explorer.get_by_role("button", name=button).click()
    assert_changes(explorer, before, button)
    assert troubles == []
