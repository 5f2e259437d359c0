"""What the page of chest prompts calls honoured, and what a live kernel answers."""

import numpy as np
import pytest
import toy_prompts

from lib import paths
from lib.explore import prompts as page
from lib.phantoms.findings import FINDINGS
from lib.record import panels
from lib.scores import films
from lib.scores.prompts import ORDERS, SAMPLES
from lib.tasks import film_reader

LESION = FINDINGS.index("pneumothorax")


@pytest.fixture(scope="module")
def found():
    return toy_prompts.stored().arrays


@pytest.fixture(scope="module")
def kernel():
    base, branch, reader, _ = toy_prompts.fitted()
    return page.Kernel(base, branch, film_reader.load(reader))


def asked(**changes):
    plain = {"ask": 1, "text": "pneumothorax", "mask": 1, "mirrored": False, "seed": 0}
    return plain | {"rows": 0, "columns": 0} | changes


# ---- marks --------------------------------------------------------------------------------------


def test_marks_agree_with_the_scores_of_pools():
    """Oracle: `scores.films`, adherence and fabricated findings of each film."""
    rng = np.random.default_rng(0)
    labels, told = rng.integers(0, 2, (200, 9)), rng.random(200) < 0.7
    labels[:, :2] = 0, 1  # some are asked for and some are not
    p, cut, sure = rng.random((200, 9)), rng.uniform(0.2, 0.5, 9), rng.uniform(0.5, 0.9, 9)
    mark = page.marks(labels, told, p, cut, sure)
    none = np.zeros((200, 8, 8), bool)
    reading = films.Reading(labels > 0, p >= cut, p > sure, told, none, none, np.zeros((200, 1)))
    each = films.per_sample(reading, np.zeros(200))
    kinds = (page.HONOURED, page.DROPPED, page.ADDED)
    honoured, dropped, added = ((mark == kind).sum(1) for kind in kinds)
    assert np.array_equal(honoured + dropped, labels.sum(1))
    assert np.allclose(honoured / labels.sum(1), each["adherence"])
    shares = added / (1 - labels).sum(1)
    assert np.allclose(shares[told], each["fabricated"][told])
    assert not added[~told].any()


def test_dice_and_side_are_counted_by_hand():
    mask, lesion = np.zeros((2, 64, 64), np.uint8), np.zeros((2, 64, 64), bool)
    mask[0, 10:20, 40:50] = 1
    lesion[0, 10:20, 45:55] = lesion[1, 10:20, 30:40] = True
    assert page.dice(mask, lesion)[0] == pytest.approx(0.5)
    assert np.isnan(page.dice(mask, lesion)[1])
    assert page.on_side("left pneumothorax", lesion) == pytest.approx([1, 0.8])
    assert page.on_side("right pneumothorax . edema", lesion) == pytest.approx([0, 0.2])
    assert not page.on_side("right pneumothorax", np.zeros((1, 64, 64), bool)).any()
    assert np.isnan(page.on_side("pneumothorax . left pleural effusion", lesion)).all()


def test_orders_that_contradict_themselves_say_so():
    mask = np.zeros((64, 64), np.uint8)
    mask[10:20, 40:50] = 1
    assert "lies on the left" in page.note("right pneumothorax", mask)
    assert "all is well" in page.note("lungs are clear", mask)
    assert page.note("N/A", 0 * mask) == "Nothing is asked for."
    for text in ("left pneumothorax", "pneumothorax", "N/A", "right pleural effusion"):
        assert page.note(text, mask) == ""


# ---- the page -----------------------------------------------------------------------------------


def test_the_page_carries_what_is_stored_under_1_mb(found):
    shown = page.explorer(found)
    orders = shown.head["json"]["orders"]
    assert [(each["text"], each["mask"]) for each in orders] == [*ORDERS]
    assert shown.head["arrays"]["film"]["shape"] == [SAMPLES * len(ORDERS), 64, 64]
    assert shown.head["arrays"]["mark"]["shape"] == [SAMPLES * len(ORDERS), 9]
    assert len(shown.packed) < 1_000_000


def test_without_films_the_page_names_the_command():
    (said,) = page.explorer({}).head["json"].values()
    assert "./run_all.sh controlnet/01_generator" in said and said.endswith(".")


# ---- the kernel ---------------------------------------------------------------------------------


def test_seed_0_draws_the_stored_films_again_and_another_seed_does_not(found, kernel):
    i = ORDERS.index(("pneumothorax", 1))
    at = slice(SAMPLES * i, SAMPLES * (i + 1))
    again = page.drawn_anew(kernel, found, **asked())
    assert np.array_equal(again["film"], found["film"][at].ravel())
    assert np.array_equal(again["lesion"], found["lesion"][at].ravel())
    assert np.allclose(again["probability"], found["probability"][at].ravel(), atol=1e-4)
    other = page.drawn_anew(kernel, found, **asked(seed=3))
    assert other["film"] != again["film"] and other["seed"] == 3


def test_a_mask_is_mirrored_then_moved_and_asks_for_a_pneumothorax(found, kernel):
    answer = page.drawn_anew(kernel, found, **asked(text="n/a", mirrored=True, rows=3, columns=-4))
    mask = found["masks"][1][:, ::-1]
    whole = np.zeros((64, 64), int)
    whole[3:, :-4] = mask[:-3, 4:]
    assert answer["plane"] == whole.ravel().tolist()
    assert answer["text"] == "N/A" and np.flatnonzero(answer["labels"]).tolist() == [LESION]
    assert None not in answer["dice"] and answer["side"] == [None] * SAMPLES
    nothing = page.drawn_anew(kernel, found, **asked(text="edema", mask=0, rows=40))
    assert nothing["dice"] == [None] * SAMPLES and not any(nothing["plane"])


def test_a_live_page_is_answered_and_told_why_not(found, kernel, monkeypatch):
    monkeypatch.setattr(page, "is_live", lambda: True)
    live = page.explorer(found, kernel).live
    live.value = asked(ask=7, text="edema", mask=0)
    assert live.answer == page.drawn_anew(kernel, found, **asked(ask=7, text="edema", mask=0))
    live.value = asked(ask=8, text="purple heart")
    assert live.answer["ask"] == 8 and "word 'purple' is unknown" in live.answer["error"]
    live.value = asked(ask=9, columns=60)
    assert "leaves the image" in live.answer["error"]


def test_stored_prompts_survive_the_record(found, tmp_path, monkeypatch):
    """Probabilities must not be rounded: they are held against thresholds."""
    monkeypatch.setattr(paths, "METRICS", tmp_path)
    panels.save("controlnet/01_generator", "prompts", found)
    back = panels.load("controlnet/01_generator", "prompts")
    assert page.explorer(back).packed == page.explorer(found).packed
    assert (tmp_path / "controlnet" / "01_generator.h5").stat().st_size < 1_000_000
