"""Film sets are their subjects' films with true reports."""

import numpy as np
import pytest

from lib.datasets import films
from lib.jobs import Result
from lib.phantoms import findings, reports
from lib.phantoms.findings import FINDINGS


@pytest.fixture(scope="module")
def drawn():
    return films.film_set("mimic", 60, [7, 1, 0])


def test_a_set_holds_what_its_law_says(drawn):
    a = drawn.arrays
    assert a["image"].shape == (60, 64, 64) and a["image"].dtype == np.float32
    assert a["image"].min() >= 0 and a["image"].max() <= 1
    for name, shape, kind in (
        ("labels", (60, 9), np.uint8), ("planes", (60, 64, 64), np.uint16),
        ("tokens", (60, reports.LENGTH), np.uint8), ("caption", (60, reports.LENGTH), np.uint8),
        ("subject", (60,), np.uint64),
    ):  # fmt: skip
        assert a[name].shape == shape and a[name].dtype == kind, name
    own = findings.draw_labels(findings.LAWS["mimic"], a["subject"])
    assert np.array_equal(own, a["labels"])


def test_texts_belong_to_their_films(drawn):
    p = findings.from_seeds(findings.LAWS["mimic"], drawn.arrays["subject"])
    for row, told in zip(drawn.arrays["caption"], findings.statements(p), strict=True):
        assert reports.words(row) == reports.caption(told)
    counts = (drawn.arrays["tokens"] == reports.VOCABULARY.index(".")).sum(1) + 1
    some = drawn.arrays["labels"].any(1)
    assert np.array_equal(counts[some], drawn.arrays["labels"].sum(1)[some])


def test_a_shorter_draw_is_the_first_part_and_another_stream_is_new(drawn):
    short, other = films.film_set("mimic", 5, [7, 1, 0]), films.film_set("mimic", 5, [7, 1, 1])
    for name, column in short.arrays.items():
        assert np.array_equal(column, drawn.arrays[name][:5]), name
    assert not np.isin(other.arrays["subject"], drawn.arrays["subject"]).any()


def test_planes_by_name(drawn):
    has = drawn.arrays["labels"][:, FINDINGS.index("edema")] == 1
    assert np.array_equal(films.plane(drawn, "edema").any((1, 2)), has)
    left, right = films.plane(drawn, "left lung"), films.plane(drawn, "right lung")
    assert not (left & right).any() and (left | right).any((1, 2)).all()


def test_shown_films_show_what_is_requested():
    labels = np.eye(9, dtype=np.uint8)
    tokens = np.array([reports.tokens(reports.prompt(name)) for name in FINDINGS])
    request = Result({"labels": labels, "tokens": tokens, "mask": np.zeros((9, 64, 64))}, {})
    pool = films.shown("siim", request, [7, 2, 0]).arrays
    assert np.array_equal(pool["labels"], labels) and np.array_equal(pool["tokens"], tokens)
    assert np.array_equal(pool["mask"].any((1, 2)), labels[:, FINDINGS.index("pneumothorax")] == 1)
    again = findings.from_seeds(findings.LAWS["siim"], pool["subject"], labels)
    assert np.array_equal(findings.render(again).image, pool["image"])


def test_errors():
    with pytest.raises(ValueError, match="'nih'"):
        films.film_set("nih", 4, [0])
    with pytest.raises(ValueError, match="n must be"):
        films.film_set("mimic", -1, [0])
