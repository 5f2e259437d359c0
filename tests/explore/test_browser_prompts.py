"""The page of chest prompts from file://, with and without a kernel."""

import numpy as np
import pytest
from pages import as_live, assert_fits_a_phone, opened, seen, shown

from lib.explore import prompts as page_of
from lib.phantoms.findings import FINDINGS
from lib.scores import prompts
from lib.scores.prompts import ORDERS, SAMPLES


@pytest.fixture(scope="module")
def found():
    """What `prompts.stored` gives, made up: all that is asked for is seen in samples 1 and 2, and
    an edema that nobody asked for in sample 4."""
    row, column = np.indices((64, 64))
    planes = np.zeros((5, 64, 64), np.uint8)
    planes[1, 10:30, 40:50] = planes[2, 10:30, 14:24] = 1
    planes[3, 8:20, 14:22] = planes[4, 20:32, 14:22] = 1
    asked = [prompts.request(text, planes[at]) for text, at in ORDERS]
    kept = {name: np.concatenate([one[name] for one in asked]) for name in ("tokens", "labels")}
    n = SAMPLES * len(ORDERS)
    shade = 60 + (np.arange(n) % 97)[:, None, None]
    film = (shade * (np.hypot(row - 32, column - 32) < 28)).astype(np.uint8)
    good = (np.arange(n) % SAMPLES < 2)[:, None]
    p = np.where(good & (kept["labels"].repeat(SAMPLES, 0) > 0), 0.8, 0.1).astype(np.float32)
    p[3::SAMPLES, FINDINGS.index("edema")] = 0.95
    at = np.array([at for _, at in ORDERS], np.uint8)
    lesion = (planes[at].repeat(SAMPLES, 0) > 0) & good[..., None]
    return kept | {
        "film": film, "probability": p, "lesion": lesion, "masks": planes, "at": at,
        "thresholds": np.full(9, 0.4, np.float32), "certain": np.full(9, 0.9, np.float32),
        "auc": np.full(9, 0.93, np.float32), "stream": np.array([0, 1]),
    }  # fmt: skip


FRAME = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def said(page):
    page.evaluate(FRAME)
    return page.get_by_role("status").inner_text()


def cells(page, name):
    page.evaluate(FRAME)
    return page.get_by_role("row").filter(has_text=name).get_by_role("cell").all_inner_texts()


def test_first_order_is_read_in_words(found, page, tmp_path, troubles):
    opened(page, page_of.explorer(found), tmp_path)
    assert "pneumothorax honoured in 2 of 4" in said(page)
    assert "mask honoured in 2 of 4" in said(page)
    assert "Nobody asked for: edema in 1." in said(page)
    marks = [text.split()[-1] for text in cells(page, "pneumothorax")]
    assert marks == ["honoured", "honoured", "dropped", "dropped"]
    assert cells(page, "edema")[3].split() == ["0.95", "+", "added"]
    assert page.get_by_role("img", name="sample 1, Dice 1.00").count() == 1
    assert page.get_by_role("img", name="sample 3, Dice 0.00").count() == 1
    assert page.get_by_role("textbox").count() == page.get_by_role("button").count() == 0


WALK = """(steps) => {
    const root = document.querySelector("main").shadowRoot, found = new Set();
    let seed = 1;
    const draw = (n) => { seed = (seed * 48271) % 2147483647; return seed % n; };
    for (let i = 0; i < steps; i++) {
        const on = [...root.querySelectorAll(".picks input, .toggle input, .picks option")]
            .filter((each) => !each.disabled && !each.parentElement.hidden);
        const one = on[draw(on.length)];
        if (one.tagName === "INPUT") one.click();
        else {
            one.selected = true;
            one.parentElement.dispatchEvent(new Event("change"));
        }
        const masks = [...root.querySelectorAll(".toggle input")];
        const mask = masks.findIndex((each) => each.checked);
        found.add(`${root.querySelector(".order b").textContent}|${mask}`);
    }
    return [...found];
}"""


def test_every_stored_order_can_be_chosen_and_nothing_else(found, page, tmp_path, troubles):
    """A long walk over what is on offer meets all orders, and none that has no films."""
    shown(page, page_of.explorer(found), tmp_path)
    met = page.evaluate(WALK, 6000)
    assert {*met} == {f"{text}|{mask}" for text, mask in ORDERS}
    assert "No films" not in said(page)


def test_mask_side_and_outlines_by_keyboard_and_mouse(found, page, tmp_path, troubles):
    shown(page, page_of.explorer(found), tmp_path)
    page.get_by_role("radio", name="large, mirrored").check()
    page.get_by_label("side of pneumothorax").select_option("right")
    assert page.locator(".order b").inner_text() == "right pneumothorax"
    assert "side honoured in 2 of 4" in said(page)
    assert page.get_by_role("radio", name="small, right").is_disabled()
    page.get_by_label("side of pneumothorax").select_option("")
    page.get_by_role("radio", name="large, mirrored").press("ArrowRight")
    assert page.get_by_role("radio", name="small, right").is_checked()
    before = seen(page)
    page.get_by_label("Outlines").click()
    assert seen(page)[0] != before[0]
    page.get_by_role("radio", name="none").check()
    assert "mask honoured" not in said(page)
    page.get_by_role("checkbox", name="healthy").check()
    assert page.locator(".order b").inner_text() == "Normal"
    assert "The reader is sure of no finding in 3 of 4. Nobody asked for: edema in 1." in said(page)
    assert_fits_a_phone(page)


def test_nothing_is_said_once_and_not_applicable_is_explained(found, page, tmp_path, troubles):
    shown(page, page_of.explorer(found), tmp_path)
    page.get_by_role("radio", name="none").check()
    page.get_by_role("checkbox", name="pneumothorax").uncheck()
    assert said(page) == "Nothing is asked for."
    assert page.locator(".order").inner_text() == (
        "Prompt: N/A (no text at all, as the paper writes it)"
    )


def test_an_outline_below_the_threshold_is_explained(found, page, tmp_path, troubles):
    low = found["probability"].copy()
    low[1::SAMPLES, FINDINGS.index("pneumothorax")] = 0.3  # outlined where a mask asks for it
    shown(page, page_of.explorer(found | {"probability": low}), tmp_path)
    doubt = "In sample 2 a pneumothorax is outlined although its probability stays below 0.40"
    assert doubt in said(page)
    page.get_by_role("radio", name="none").check()
    assert "outlined although" not in said(page)


BROKEN = """() => {
    const walk = document.createTreeWalker(document.querySelector("main").shadowRoot, 4);
    const broken = [], range = document.createRange();
    while (walk.nextNode()) {
        for (const word of walk.currentNode.data.matchAll(/\\S+/g)) {
            range.setStart(walk.currentNode, word.index);
            range.setEnd(walk.currentNode, word.index + word[0].length);
            const tops = new Set([...range.getClientRects()].map((box) => box.top));
            if (tops.size > 1) broken.push(word[0]);
        }
    }
    return broken;
}"""


def test_no_word_breaks_on_a_phone(found, page, tmp_path, troubles):
    page.set_viewport_size({"width": 390, "height": 800})
    shown(page, page_of.explorer(found), tmp_path)
    page.get_by_role("radio", name="none").check()
    assert page.evaluate(BROKEN) == []
    assert_fits_a_phone(page)


def test_a_text_against_its_mask_is_pointed_out(found, page, tmp_path, troubles):
    shown(page, page_of.explorer(found), tmp_path)
    page.get_by_label("side of pneumothorax").select_option("right")
    assert "The text asks for the right side, and the mask lies on the left." in said(page)


def test_both_themes_are_legible(found, page, tmp_path, troubles):
    """Contrast of every mark on its ground, by WCAG's formula, at least 4.5."""
    contrast = """element => {
        const light = (css) => css.match(/[\\d.]+/g).slice(0, 3).map((v) => v / 255)
            .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
            .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
        const root = element.getRootNode().querySelector(".explorer");
        const [a, b] = [getComputedStyle(element).color, getComputedStyle(root).backgroundColor]
            .map(light).sort((x, y) => y - x);
        return (a + 0.05) / (b + 0.05);
    }"""
    shown(page, page_of.explorer(found), tmp_path)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.locator(f'.explorer[data-theme="{scheme}"]').wait_for()
        marks = page.locator(".mark")
        assert min(marks.nth(i).evaluate(contrast) for i in range(marks.count())) >= 4.5


def test_without_films_it_says_how_to_make_them(page, tmp_path, troubles):
    shown(page, page_of.explorer({}), tmp_path)
    assert "./run_all.sh controlnet/01_generator" in said(page)
    assert page.locator("canvas").count() == 0


ANSWER = """(more) => window.reply({
    ask: window.asked.at(-1).ask, text: "edema . pneumonia", seed: 4, note: "",
    labels: [0, 0, 0, 1, 0, 1, 0, 0, 0],
    film: Array(4 * 4096).fill(200), lesion: Array(4 * 4096).fill(0), plane: Array(4096).fill(0),
    probability: Array(36).fill(0.6), mark: Array(36).fill(0).fill(1, 3, 4),
    dice: Array(4).fill(null), side: Array(4).fill(null), ...more,
})"""


def test_a_kernel_draws_any_order_and_says_why_not(found, page, tmp_path, troubles):
    as_live(page, page_of.explorer(found), tmp_path)
    prompt = page.get_by_role("textbox", name="Prompt")
    prompt.fill("edema . pneumonia")
    prompt.press("Enter")
    assert "No films are stored for this order" in said(page)
    assert page.get_by_role("checkbox", name="pneumonia").is_checked()
    page.get_by_role("slider", name="Mask down").press("ArrowRight")
    page.get_by_role("slider", name="Seed").fill("3")
    page.get_by_role("button", name="Four new samples").click()
    assert "The kernel draws" in said(page)
    last = page.evaluate("window.asked.at(-1)")
    wanted = {"text": "edema . pneumonia", "mask": 1, "mirrored": False, "rows": 1, "columns": 0}
    assert last == wanted | {"seed": 4, "ask": last["ask"]}
    before = seen(page)
    page.evaluate(ANSWER, {"ask": last["ask"] - 1})
    assert seen(page) == before, "an answer to an earlier order is not shown"
    page.evaluate(ANSWER, {})
    assert "Seed 4, drawn by the kernel" in said(page) and "edema honoured in 1 of 4" in said(page)
    page.get_by_role("button", name="Draw", exact=True).click()
    page.evaluate("window.reply({ ask: window.asked.at(-1).ask, error: 'word ‘x’ is unknown.' })")
    assert said(page) == "This cannot be drawn: word ‘x’ is unknown."
    page.get_by_role("checkbox", name="edema").uncheck()
    assert prompt.input_value() == "pneumonia"
    assert_fits_a_phone(page)
