"""Explorers' pages from file://: quick, without requests, all controls by keyboard and mouse."""

import re

import numpy as np
import pytest
from pages import as_live, assert_fits_a_phone, assert_sliders_answer, opened, seen

from lib.datasets import ratings
from lib.explore import claim_dial, phantom, rate_images
from lib.explore import deviation_field as field
from lib.report import summary
from lib.scores.controlled import EXTENTS

# ---- deviation field ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def lesions():
    """What `field.stored` gives, made up: a disc on a slope, brighter with every seed."""
    row, column = np.indices((64, 64))
    healthy = (0.3 + 0.004 * column) * (np.hypot(row - 32, column - 32) < 28)
    window, frames = (np.s_[12:52], np.s_[12:52]), field.FRAMES
    masks = np.stack([np.hypot(row - 30, column - 30) < 6 + by for by in EXTENTS])
    rng = np.random.default_rng(0)
    r = masks[:, None] * (0.1 + 0.02 * np.arange(3))[None, :, None, None]
    r = r * rng.uniform(0.5, 1.5, r.shape)
    way = np.stack([r[0, :2] + (1 - k / (frames - 1)) * rng.normal(0, 0.3, (2, 64, 64)) * masks[0]
                    for k in range(frames)])  # fmt: skip
    kept = {
        "healthy": field.greys(healthy[None]), "corner": np.array([[12, 12]]),
        "substrate": field.greys(np.broadcast_to(healthy * 0.98, (1, len(EXTENTS), 64, 64))),
        "mask": masks[:, *window][None].astype(np.uint8),
    }  # fmt: skip
    fields = {"truth": (0.2 * masks[:1], 1), "deviation": (r[:, :, *window][None], 2),
              "way": (way[:, :, *window][None], 2)}  # fmt: skip
    for name, (values, depth) in fields.items():
        kept[name], kept[f"{name}_step"] = field.signed(values.astype(np.float32), depth)
    return kept


def test_deviation_field_answers(lesions, page, tmp_path, troubles):
    opened(page, field.explorer(lesions), tmp_path)
    assert_sliders_answer(page, ("ArrowLeft", "ArrowRight"))
    for fusion in ("hard", "poisson", "paste", "feathered", "seam"):
        before = seen(page)
        page.get_by_label("Fusion").select_option(fusion)
        assert seen(page) != before, fusion
    assert_fits_a_phone(page)


def test_paste_back_alone_leaves_the_outside_as_it_is_wherever_the_mask_goes(
    lesions, page, tmp_path, troubles
):
    opened(page, field.explorer(lesions), tmp_path)
    words = page.locator(".status").first
    picture = page.get_by_role("img", name="fused", exact=True)
    for fusion, zero in (("seam", False), ("hard", False), ("poisson", False), ("paste", True)):
        page.get_by_label("Fusion").select_option(fusion)
        for _ in range(3):
            picture.press("ArrowDown")
            page.wait_for_timeout(40)
            assert ("exactly 0" in words.inner_text()) == zero, fusion
    box, before = picture.bounding_box(), seen(page)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 30, box["y"] + box["height"] / 2)
    page.mouse.up()
    after = seen(page)
    assert after != before and "right" in after[1] and "exactly 0" in after[1]
    page.get_by_role("button", name="Back to its place").click()
    assert "The mask is in its place" in seen(page)[1]


def test_a_mask_stays_in_the_brain_and_says_what_is_cut_off(lesions, page, tmp_path, troubles):
    opened(page, field.explorer(lesions), tmp_path)
    picture, text = page.get_by_role("img", name="fused", exact=True), []
    for _ in range(12):
        picture.press("Shift+ArrowUp")
        text.append(seen(page)[1])
    cut = [int(found[1]) if (found := re.search(r"(\d+) pixels? of the mask", each)) else 0
           for each in text]  # fmt: skip
    area = lesions["mask"][0, 0].sum()
    assert cut[0] == 0 < cut[-1] <= area / 2 and cut[-1] == cut[-2]
    assert "no pixel of the mask lies in the brain" not in text[-1]


def test_no_ghost_is_left_where_a_lesion_was(lesions, page, tmp_path):
    lesions = lesions | {"substrate": lesions["substrate"].copy()}
    window = lesions["substrate"][..., 12:52, 12:52]
    window[lesions["mask"] > 0] = 255  # what the network makes of the masked tissue
    opened(page, field.explorer(lesions), tmp_path)
    grey = """canvas => canvas.getContext("2d").getImageData(30, 30, 1, 1).data[0]"""
    picture = page.get_by_role("img", name="fused", exact=True)
    assert picture.evaluate(grey) == 255
    for _ in range(4):
        picture.press("Shift+ArrowDown")
    page.wait_for_timeout(60)
    assert picture.evaluate(grey) == lesions["healthy"][0, 30, 30]


def test_a_control_that_is_off_says_why(lesions, page, tmp_path, troubles):
    opened(page, field.explorer(lesions), tmp_path)
    assert "is stored for" not in seen(page)[1]
    page.get_by_role("slider", name="Extent").press("ArrowRight")
    assert "Denoising is stored for seeds 1 to 2 at extent +0 px alone." in seen(page)[1]
    page.get_by_label("Fusion").select_option("hard")
    assert "This fusion has no seam." in seen(page)[1]


def test_a_kernel_that_answers_replaces_what_is_stored(lesions, page, tmp_path, troubles):
    as_live(page, field.explorer(lesions), tmp_path)
    page.get_by_role("button", name="Draw anew with the kernel").click()
    (asked,) = page.evaluate("window.asked")
    assert asked == {"ask": 1, "subject": 0, "extent": 0, "rows": 0, "columns": 0, "seed": 1}
    before = seen(page)
    bright = "{ ask: 1, substrate: Array(4096).fill(0.9), deviation: Array(4096).fill(0.05) }"
    page.evaluate(f"window.reply({bright})")
    after = seen(page)
    assert after[0] != before[0] and "Drawn anew by the kernel" in after[1]
    page.evaluate(f"window.reply({bright.replace('ask: 1', 'ask: 0').replace('0.9', '0.1')})")
    assert seen(page) == after, "an answer to an earlier question is not shown"


# ---- claim's dial -------------------------------------------------------------------------------


def test_claim_dial_answers_and_says_what_three_draws_cannot(page, tmp_path, troubles):
    opened(page, claim_dial.explorer(summary.COLOURS), tmp_path)
    text = seen(page)[1]
    assert "reproduced on phantoms at the look R = 4: mean" in text, "it opens on a decision"
    assert "with them, at R = 10: mean" in text, "each interval says its draws"
    page.get_by_role("button", name="R = 3").click()
    text = seen(page)[1]
    assert "exploratory: inconclusive: no look yet" in text and "So far, at R = 3: mean" in text
    assert "no true effect, however large, is found" in text
    page.get_by_label("Rule").select_option("once")
    assert "a true effect has to be" in seen(page)[1]
    page.get_by_role("slider", name="Draws R").fill("40")
    page.get_by_role("slider", name="Spread").fill("0.001")
    assert "even a true effect of 0.001 is found in 80 %" in seen(page)[1]
    page.get_by_label("Rule").select_option("10")
    assert_sliders_answer(page)
    before = seen(page)
    page.get_by_role("button", name="Another study").click()
    assert seen(page) != before
    page.get_by_role("button", name="AUC, nothing there").click()
    assert page.get_by_role("slider", name="True effect").input_value() == "0"
    assert_fits_a_phone(page)


# ---- phantom laboratory -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sweeps():
    """The chest as it is drawn, and a brain of the same arrays."""
    found = phantom.sweeps("chest", [0, 3], 12)
    return {"chest": found, "brain": found}


def test_phantom_laboratory_answers(sweeps, page, tmp_path, troubles):
    opened(page, phantom.explorer(sweeps), tmp_path)
    assert_sliders_answer(page, ("ArrowLeft", "ArrowRight"))
    for k in range(1, 5):
        before = seen(page)
        page.get_by_role("combobox", name="Parameter").select_option(f"{k}")
        assert seen(page) != before
    before = seen(page)
    page.get_by_role("button", name="As its seed has it").click()
    assert seen(page) != before and "As its seed has it: a mask" in seen(page)[1]
    before = seen(page)
    page.get_by_role("radio", name="2", exact=True).click()
    assert seen(page) != before
    page.get_by_role("radio", name="Brain, FLAIR").click()
    assert "strength of the tumour" in seen(page)[1]
    assert_fits_a_phone(page)


def test_the_eye_is_asked_and_told(sweeps, page, tmp_path, troubles):
    opened(page, phantom.explorer(sweeps), tmp_path)
    for n in range(1, 6):
        page.get_by_role("button", name="The left one").click()
        assert f"of {n} at this value" in seen(page)[1]
    page.get_by_role("slider", name="Fade").fill("0")
    said = seen(page)[1]
    assert "in 50 %" in said, "a faded lesion is a guess"
    assert "There is nothing to find" in said and "Which one has the lesion?" not in said
    assert page.get_by_role("button", name="The left one").is_disabled(), "nothing is scored"
    page.get_by_role("slider", name="Fade").fill("1")
    assert "Which one has the lesion?" in seen(page)[1]


def test_without_a_lesion_the_mask_is_empty_in_every_law(sweeps, page, tmp_path, troubles):
    mask = sweeps["chest"]["mask"].copy()
    mask[0, :, 0] = mask[0, :, 5]  # as the brain's law has it: where the lesion would be
    mask[0, :, 1], mask[0, :, 1, 30, 30] = 0, 1
    opened(page, phantom.explorer(sweeps | {"brain": sweeps["chest"] | {"mask": mask}}), tmp_path)
    for law in ("Chest radiograph", "Brain, FLAIR"):
        page.get_by_role("radio", name=law).check()
        value = page.get_by_role("slider", name="Value")
        value.press("Home")
        assert "no lesion is seen, so its mask is empty" in seen(page)[1]
        value.press("ArrowRight")
        assert "mask is empty" not in seen(page)[1]
    assert "a mask of 1 pixel," in seen(page)[1]


# ---- rating form --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def form():
    return rate_images.explorer(rate_images.practice(3, [0, 8]), "practice")


def rate_all(page):
    """Every question of three sets by keyboard, each with 3."""
    for _ in range(3):
        count = page.locator(".score").count()
        for _ in range(count):
            page.keyboard.press("3")
        page.get_by_role("button", name="Next set").click()
        page.locator("h2").click()  # the keys go to the form again


def test_form_takes_keys_and_clicks_and_survives_a_reload(form, page, tmp_path, troubles):
    file = opened(page, form, tmp_path)
    page.keyboard.press("4")
    page.keyboard.press("ArrowRight")
    page.locator(".score").nth(3).get_by_role("button", name=": 1").click()
    pressed = page.locator("button[aria-pressed=true]")
    before = pressed.evaluate_all("all => all.map((b) => b.ariaLabel)")
    assert [text[-1] for text in before] == ["4", "1"]
    words = page.locator(".status").first.inner_text()
    page.reload()
    page.goto(file.as_uri())
    assert pressed.evaluate_all("all => all.map((b) => b.ariaLabel)") == before
    assert page.locator(".status").first.inner_text() == words
    page.get_by_role("textbox", name="Reader").fill("bo")
    page.get_by_role("textbox", name="Reader").press("Enter")
    page.get_by_role("button", name="Next set").click()
    assert pressed.count() == 0, "another reader begins anew"
    page.get_by_role("textbox", name="Reader").fill("a b")
    page.get_by_role("textbox", name="Reader").press("Tab")
    assert "up to 40 letters" in page.locator(".status").first.inner_text()
    assert_fits_a_phone(page)


def test_scores_stand_in_even_rows_on_a_phone(form, page, tmp_path, troubles):
    page.set_viewport_size({"width": 390, "height": 800})
    opened(page, form, tmp_path)
    boxes = [each.bounding_box() for each in page.locator(".score").first.locator("button").all()]
    assert [sum(box["y"] == y for box in boxes) for y in {box["y"] for box in boxes}] == [3, 3]
    assert all(box["width"] >= 24 and box["height"] >= 24 for box in boxes)  # WCAG 2.2, 2.5.8


def test_the_file_that_is_downloaded_is_read_and_a_second_reader_agrees(
    form, page, tmp_path, troubles
):
    opened(page, form, tmp_path)
    rate_all(page)
    assert "12 of 12 images rated" in page.locator(".status").first.inner_text()
    assert "What you have seen" in page.locator(".explorer").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    file = tmp_path / "mine.csv"
    download.value.save_as(file)
    found = ratings.read(file)
    assert len(found) == 12 and set(found.scores.ravel()) == {3, ratings.ABSENT}
    other = file.read_text().replace("reader-1", "bo").replace("T2I,3", "T2I,2", 2)
    (tmp_path / "other.csv").write_text(other)
    page.get_by_label("File of a second reader").set_input_files(tmp_path / "other.csv")
    page.get_by_text("reader-1 and bo").wait_for()
    assert "kappa 0.00" in page.locator(".explorer").inner_text()
    (tmp_path / "wrong.csv").write_text("a,b\n1,2\n")
    page.get_by_label("File of a second reader").set_input_files(tmp_path / "wrong.csv")
    page.get_by_text("The file cannot be used: the file has no column reader").wait_for()


def test_what_was_done_is_told_at_the_end_alone(form, page, tmp_path, troubles):
    opened(page, form, tmp_path)
    rate_all(page)
    assert all(way in page.locator(".explorer").inner_text() for way in rate_images.MADE)
    page.get_by_role("textbox", name="Reader").fill("bo")
    page.get_by_role("textbox", name="Reader").press("Enter")
    text = page.locator(".explorer").inner_text()
    assert not [way for way in rate_images.MADE[1:] if way in text]
