"""Stored prompts: one noise for all orders, masks by rule, texts that ask for what they name."""

import numpy as np
import pytest
import toy_prompts
from toy_prompts import STREAM

from lib.datasets import films
from lib.generators import controlnet, requests
from lib.jobs import Result
from lib.phantoms import findings, reports
from lib.phantoms.findings import FINDINGS, SIDED
from lib.scores import prompts
from lib.scores.prompts import MASKS, ORDERS, SAMPLES
from lib.tasks import film_reader


@pytest.fixture(scope="module")
def found():
    return toy_prompts.stored().arrays


# ---- films --------------------------------------------------------------------------------------


def test_first_samples_are_those_that_a_pool_draws_from_the_same_numbers(found, monkeypatch):
    """The oracle is `controlnet.pool`, its random numbers replaced by those of the samples."""
    base, branch, _, _ = toy_prompts.fitted()
    i = ORDERS.index(("pneumothorax", 1))
    one = prompts.request("pneumothorax", found["masks"][1])
    asked = Result({name: rows.repeat(SAMPLES, 0) for name, rows in one.items()}, {})

    class Spawning:
        def spawn(self, n):
            return [make([*STREAM, k]) for k in range(n)]

    make = np.random.default_rng
    monkeypatch.setattr(
        np.random, "default_rng", lambda seed: Spawning() if seed == ["these"] else make(seed)
    )
    pool = controlnet.pool(base, branch, asked, SAMPLES, ["these"]).arrays["image"]
    assert np.array_equal(np.round(255 * pool), found["film"][SAMPLES * i : SAMPLES * (i + 1)])


def test_orders_share_their_noise_and_differ_by_what_is_asked(found):
    base, branch, _, _ = toy_prompts.fitted()
    plain = prompts.request("edema")
    twice = {name: np.concatenate([rows, rows]) for name, rows in plain.items()}
    both = prompts.sampled(base, branch, twice, STREAM)
    assert np.array_equal(both[:SAMPLES], both[SAMPLES:])
    assert not np.array_equal(both[0], both[1])
    each = found["film"].reshape(len(ORDERS), SAMPLES, -1)
    assert len({order.tobytes() for order in each}) == len(ORDERS)


def test_the_reader_is_asked_about_the_films_that_are_stored(found):
    reader = film_reader.load(toy_prompts.fitted()[2])
    image = found["film"].astype(np.float32) / 255
    assert np.allclose(found["probability"], reader.probabilities(image), atol=1e-5)
    assert np.array_equal(found["lesion"], reader.lesions(image))
    assert np.array_equal(found["thresholds"], reader.thresholds)


# ---- orders -------------------------------------------------------------------------------------


def test_orders_are_few_all_different_and_can_be_asked_for(found):
    assert len(set(ORDERS)) == len(ORDERS) and 100 <= SAMPLES * len(ORDERS) <= 160
    assert {(name, 0) for name in (*FINDINGS, "Normal")} <= set(ORDERS)
    assert [reports.words(row) for row in found["tokens"]] == [text for text, _ in ORDERS]
    plain = [text for text, mask in ORDERS if mask == 0]
    asked = requests.prompt_requests(plain).arrays["labels"]
    assert np.array_equal(found["labels"][: len(plain)], asked)
    assert found["labels"][len(plain) :, FINDINGS.index("pneumothorax")].all()


def picks(order):
    text, mask = order
    sides = prompts.sides_of(text)
    return {"mask": mask, "normal": text == "Normal"} | {name: sides.get(name) for name in FINDINGS}


def test_every_order_can_be_reached_by_one_choice_after_another():
    """Without a kernel only choices that lead to stored films are offered."""
    each = [picks(order) for order in ORDERS]

    def is_step(a, b):
        changed = [name for name in a if a[name] != b[name]]
        return len(changed) == 1 or ((a["normal"] or b["normal"]) and a["mask"] == b["mask"])

    reached = [ORDERS.index(("pneumothorax", 1))]
    for at in reached:
        reached += [i for i, b in enumerate(each) if i not in reached and is_step(each[at], b)]
    assert len(reached) == len(ORDERS)


# ---- texts --------------------------------------------------------------------------------------


def test_a_report_asks_for_what_its_film_shows():
    """Oracle: the law's own reports, in all their words."""
    made = films.film_set("mimic", 300, [3])
    for row, labels in zip(made.arrays["tokens"], made.arrays["labels"], strict=True):
        named = prompts.sides_of(reports.words(row))
        assert {*named} == {name for name, there in zip(FINDINGS, labels, strict=True) if there}
        assert all(not side or side in SIDED[name] for name, side in named.items())


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("purple heart", "word 'purple' is unknown"),
        ("", "text has 0 words"),
        (" . ".join(f"left {name}" for name in SIDED) + " . edema" * 3, "has 29 words"),
        ("left cardiomegaly", "cardiomegaly cannot be left; leave the side out"),
        ("bilateral pneumothorax", "pneumothorax cannot be bilateral"),
        ("left effusion . right pleural fluid", "pleural effusion is named twice"),
        ("Normal . edema", "says that all is well and names edema"),
        ("lungs are clear . edema", "says that all is well"),
        ("N/A edema", "'N/A' says that there is no text"),
    ],
)
def test_what_no_film_can_show_is_refused_in_one_sentence(text, why):
    with pytest.raises(ValueError, match=why) as caught:
        prompts.request(text)
    assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_case_and_blanks_do_not_matter():
    assert prompts.sides_of("LEFT  effusion .  Edema") == {"pleural effusion": "left", "edema": ""}
    assert prompts.sides_of("n/a") == {}


# ---- masks --------------------------------------------------------------------------------------


def test_masks_lie_where_their_names_say():
    made = films.film_set("candid", 60, [4])
    found = prompts.masks(requests.mask_of(made))
    assert len(found) == len(MASKS) and not found[0].any()
    area = found.sum((1, 2))
    assert area[1] == area[2] > area[3] and 0 < area[4] <= area[3]
    for mask, side in ((found[1], "left"), (found[3], "right")):
        inside = findings.plane(made.arrays["planes"], f"{side} lung").any(0)
        assert (mask > 0)[inside].sum() > 0.95 * mask.sum()
    assert prompts.on_left(found).tolist()[1:3] == [1 - prompts.on_left(found)[2], 0.0]
    rows = [np.nonzero(mask)[0].mean() for mask in found[3:]]
    assert 0 < abs(rows[1] - rows[0]) <= prompts.MOVED


def test_films_with_one_side_only_are_refused():
    planes = np.zeros((3, 64, 64), np.uint8)
    planes[:, 10:20, 40:50] = 1
    with pytest.raises(ValueError, match="no film has a right pneumothorax"):
        prompts.masks(planes)
