"""The round of real or phantom in the browser, against what Python makes of its file."""

import numpy as np
import pytest

from lib.explore import real_or_phantom as game
from lib.explore.host import SCRIPTS


@pytest.fixture(scope="module")
def shown():
    return game.stand_in(4, np.random.default_rng(2))


@pytest.fixture
def form(shown, tmp_path):
    """The file of a page of its own."""
    return game.explorer(shown, "a-round").write(tmp_path / "round.html")


def opened(page, form):
    page.goto(form.as_uri())
    page.locator(".explorer h2").wait_for()


def words(page):
    return page.locator(".status").first.inner_text()


def file_of(page, folder):
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(folder / "answers.csv")
    return (folder / "answers.csv").read_text()


def test_keys_and_clicks_answer_and_the_result_is_that_of_the_file(
    form, shown, page, tmp_path, troubles
):
    opened(page, form)
    assert page.locator("h2").inner_text() == "Real or phantom? For now: sharp or blurred?"
    assert "Keys 1 (a guess) to 5 (sure) answer and go on" in page.locator(".explorer").inner_text()
    picture = page.get_by_role("img", name="Image 1 of 8")
    before = picture.evaluate("canvas => canvas.toDataURL()")
    given = [(i % 2, 1 + i % 5) for i in range(8)]
    for i, (said, sure) in enumerate(given):
        if i == 4:  # the other half by mouse
            page.reload()
            page.locator(".explorer h2").wait_for()
            assert words(page).startswith("4 of 8 images answered")
        assert "Your result" not in page.locator(".explorer").inner_text()
        page.get_by_role("img", name=f"Image {i + 1} of 8").wait_for()
        if i < 4:
            page.keyboard.press("sb"[said])
            page.keyboard.press(f"{sure}")
        else:
            page.get_by_role("button", name=("Sharp", "Blurred")[said], exact=True).click()
            page.get_by_role("button", name=f"Confidence {sure}").click()
        assert words(page).startswith(f"{i + 1} of 8")
    assert page.locator(".judged canvas").evaluate("canvas => canvas.toDataURL()") != before
    reader, answers = game.parsed(file_of(page, tmp_path), shown)
    assert reader == "reader-1" and [answers[key] for key in shown.keys] == given
    found, text = game.scored(shown, answers), page.locator(".explorer").inner_text()
    low, high = found["interval"]
    assert f"{found['right']} of 8, {100 * found['accuracy']:.0f} %" in text
    assert f"{100 * low:.0f} % to {100 * high:.0f} %" in text
    assert f"{found['auc']:.2f}" in text
    captions = page.locator(".mistaken figcaption").all_inner_texts()
    assert {caption.split(";")[0] for caption in captions} == set(found["mistaken"].values())
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_answer_can_be_changed_until_the_last_and_readers_are_kept_apart(
    form, shown, page, tmp_path, troubles
):
    opened(page, form)
    page.keyboard.press("3")
    assert words(page).startswith("0 of 8"), "a confidence in nothing is no answer"
    for key in ("s", "5", "ArrowLeft", "b", "2"):
        page.keyboard.press(key)
    assert words(page).startswith("1 of 8")
    _, answers = game.parsed(file_of(page, tmp_path), shown)
    assert answers == {shown.keys[0]: (1, 2)}
    field = page.get_by_role("textbox", name="Reader")
    field.fill("bob-s")
    field.press("Enter")
    assert words(page).startswith("0 of 8"), "the letters of a name answer nothing"
    for _ in shown.keys:
        page.locator("h2").click()
        page.keyboard.press("s")
        page.keyboard.press("1")
    assert "4 of 8, 50 %" in page.locator(".explorer").inner_text()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("b")
    page.keyboard.press("4")
    _, answers = game.parsed(file_of(page, tmp_path), shown)
    assert set(answers.values()) == {(0, 1)}, "after the result nothing changes"


def test_what_an_image_is_stands_nowhere_before_the_end(form, shown, page, troubles):
    opened(page, form)
    for _ in shown.keys[1:]:
        page.keyboard.press("b")
        page.keyboard.press("5")
    text = page.locator(".explorer").inner_text()
    assert not [source for source in shown.source if source in text]


def test_the_result_equals_pythons_for_random_answers(page, shown):
    for name in ("reader", "real_or_phantom"):
        page.add_script_tag(content=(SCRIPTS / f"{name}.js").read_text())
    n, rng = len(shown.keys), np.random.default_rng(0)
    data = {
        "keys": list(shown.keys), "second": {"values": shown.second.astype(int).tolist()},
        "interval": {"values": [end for k in range(n + 1) for end in game.interval(k, n)]},
    }  # fmt: skip
    for _ in range(20):
        answers = {key: (int(rng.integers(2)), int(rng.integers(1, 6))) for key in shown.keys}
        said = {key: list(answer) for key, answer in answers.items()}
        found = page.evaluate("([d, a]) => roundResult(d, a)", [data, said])
        true = game.scored(shown, answers)
        assert found["right"] == true["right"]
        assert [found["low"], found["high"]] == pytest.approx(true["interval"])
        assert found["auc"] == pytest.approx(true["auc"], abs=1e-12)
