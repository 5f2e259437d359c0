"""Request sets: draws of labels, transformed masks and their texts, mixtures, what is refused."""

import numpy as np
import pytest
from toy_films import film_set

from lib.generators import requests
from lib.jobs import Result
from lib.phantoms import findings, reports
from lib.phantoms.findings import FINDINGS

NAMES = ["cardiomegaly", "edema", "pleural effusion"]


@pytest.fixture(scope="module")
def films():
    return film_set(40, np.random.default_rng(0))


def labelled(counts, together=()):
    """A film set of labels alone: so many films with each of NAMES, and some with several."""
    rows = [[name] for name, count in zip(NAMES, counts, strict=True) for _ in range(count)]
    labels = np.zeros((len(rows) + len(together), len(FINDINGS)), np.uint8)
    for row, names in zip(labels, [*rows, *together], strict=True):
        row[findings.columns(*names)] = 1
    return Result({"labels": labels}, {})


def counts(asked):
    return asked.arrays["labels"].sum(0)[findings.columns(*NAMES)].tolist()


def said(asked):
    return [reports.words(row) for row in asked.arrays["tokens"]]


# ---- texts --------------------------------------------------------------------------------------


def test_balanced_prompts_ask_for_each_finding_equally_often_and_for_nothing_else():
    asked = requests.text_requests(NAMES, 60, [1])
    assert counts(asked) == [20, 20, 20] and (asked.arrays["labels"].sum(1) == 1).all()
    for text, row in zip(said(asked), asked.arrays["labels"], strict=True):
        assert [text] == [FINDINGS[j] for j in row.nonzero()[0]]
    assert not asked.arrays["mask"].any()


def test_proportional_prompts_follow_the_films_and_short_ones_what_they_lack():
    data = labelled((60, 30, 10))
    found = np.array(counts(requests.text_requests(NAMES, 3000, [1], "proportional", data))) / 3000
    np.testing.assert_allclose(found, [0.6, 0.3, 0.1], atol=0.03)
    found = np.array(counts(requests.text_requests(NAMES, 3000, [1], "short", data))) / 3000
    np.testing.assert_allclose(found, [0, 30 / 80, 50 / 80], atol=0.03)


def test_joint_prompts_name_what_films_have_together():
    data = labelled((5, 0, 0), together=[NAMES[:2]] * 5 + [["pneumonia"]] * 90)
    asked = requests.joint_requests(NAMES, data, 400, [1])
    assert set(said(asked)) == {"cardiomegaly", "cardiomegaly . edema"}
    assert said(asked).count("cardiomegaly . edema") == pytest.approx(200, abs=40)
    both = asked.arrays["labels"][:, findings.columns(*NAMES)].tolist()
    assert all(("edema" in text) == row[1] for text, row in zip(said(asked), both, strict=True))


def test_given_prompts_keep_their_words_and_get_their_labels():
    asked = requests.prompt_requests(["N/A", "severe left pneumothorax . edema"], copies=2)
    assert said(asked) == ["N/A"] * 2 + ["severe left pneumothorax . edema"] * 2
    names = [[FINDINGS[j] for j in row.nonzero()[0]] for row in asked.arrays["labels"]]
    assert names == [[], [], ["edema", "pneumothorax"], ["edema", "pneumothorax"]]
    assert requests.conditions(asked) == ["none"] * 2 + ["T2I"] * 2


# ---- masks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", requests.TRANSFORMS)
def test_transformed_masks(films, how):
    rng, masks = np.random.default_rng(0), requests.mask_of(films)
    for mask in masks[masks.any((1, 2))]:
        found = requests.transformed(mask, how, rng)
        assert found.dtype == np.uint8 and found.any() and found.max() == 1
        size, was = found.sum(), mask.sum()
        if how == "original":
            assert (found == mask).all()
        elif how == "dilation":
            assert size > was and (found >= mask).all()
        elif how == "erosion":
            assert size < was and (found <= mask).all()
        elif how == "flip":
            assert (found[:, ::-1] == mask).all()
        else:  # the discs lie inside by more than a shift
            assert size == was
            middles = [np.mean(np.nonzero(m), axis=1) for m in (found, mask)]
            assert np.abs(middles[0] - middles[1]).max() <= requests.SHIFT


def test_what_leaves_the_picture_is_cut_off_and_no_mask_becomes_empty():
    corner = np.zeros((64, 64), np.uint8)
    corner[0, 0] = 1
    for how in requests.TRANSFORMS:
        for seed in range(20):
            found = requests.transformed(corner, how, np.random.default_rng(seed))
            assert found.shape == (64, 64) and found.any()
            wide = [64 - n for n in np.argwhere(found).max(0)] if how == "flip" else [63]
            assert min(wide) > 0
    assert (requests.transformed(corner, "erosion", np.random.default_rng(0)) == corner).all()


def test_a_flipped_mask_has_a_text_whose_sides_are_swapped(films):
    plain = requests.mask_requests(films, "original", 30, [1], text=True)
    flip = requests.mask_requests(films, "flip", 30, [1], text=True)
    assert (flip.arrays["mask"] == plain.arrays["mask"][:, :, ::-1]).all()
    swap = str.maketrans({"<": "left", ">": "right"})
    expected = [t.replace("left", ">").replace("right", "<").translate(swap) for t in said(plain)]
    assert said(flip) == expected and said(flip) != said(plain)
    right = flip.arrays["mask"][:, :, :32].any((1, 2))  # the patient's right is on the left
    assert [("right" in text) for text in said(flip)] == right.tolist()
    back = requests.mirrored(requests.mirrored(plain.arrays["tokens"]))
    np.testing.assert_array_equal(back, plain.arrays["tokens"])


def test_mask_requests_use_every_mask_in_turn_and_have_no_text(films):
    masks = requests.mask_of(films)
    masks = masks[masks.any((1, 2))]
    asked = requests.mask_requests(films, "original", 2 * len(masks), [1]).arrays
    first, second = np.split(asked["mask"], 2)
    assert (first == second).all() and not (first == masks).all()
    assert len(np.unique(first.reshape(len(first), -1), axis=0)) == len(masks)
    assert (asked["tokens"] == reports.tokens("N/A")).all()
    assert (asked["labels"].nonzero()[1] == FINDINGS.index("pneumothorax")).all()


def test_any_takes_every_transformation_but_none(films):
    asked = requests.mask_requests(films, "any", 200, [1]).arrays["mask"]
    plain = requests.mask_requests(films, "original", 200, [1]).arrays["mask"]
    assert (asked != plain).any((1, 2)).mean() > 0.95  # a shift by (0, 0) is rare
    grown, shrunk = ((asked >= plain) & (asked != plain).any((1, 2), keepdims=True),
                     asked <= plain)  # fmt: skip
    assert 0.15 < grown.all((1, 2)).mean() < 0.35 and 0.15 < shrunk.all((1, 2)).mean() < 0.40


# ---- both ---------------------------------------------------------------------------------------


def test_a_mixture_has_the_papers_proportions_in_every_twenty_sets(films):
    asked = requests.mixed_requests(NAMES, films, 160, [1], copies=4)
    kinds = requests.conditions(asked)
    assert all(len(set(kinds[i : i + 4])) == 1 for i in range(0, 160, 4))
    for part in (kinds[:80], kinds[80:]):
        assert [part.count(kind) / 80 for kind in requests.CONDITIONS] == [0.75, 0.15, 0.10]
    fourfold = asked.arrays["mask"].reshape(40, 4, 64, 64)
    assert (fourfold == fourfold[:, :1]).all()


def of_every_kind(films, n):
    several = labelled((5, 3, 2), together=[NAMES[:2]] * 5)
    return [
        *(requests.text_requests(NAMES, n, [1], draw, several) for draw in requests.DRAWS),
        requests.joint_requests(NAMES, several, n, [1], copies=2),
        *(requests.mask_requests(films, how, n, [1], text=True) for how in ("any", "erosion")),
        requests.mixed_requests(NAMES, films, n, [1], copies=4),
    ]


def test_the_first_requests_do_not_depend_on_how_many_there_are(films):
    for few, many in zip(of_every_kind(films, 7), of_every_kind(films, 45), strict=True):
        for name, value in few.arrays.items():
            assert len(value) == 7
            np.testing.assert_array_equal(many.arrays[name][:7], value)


BAD = {
    "tokens have shape": {"tokens": np.ones((2, 3), np.uint8)},
    "a text is empty": {"tokens": np.zeros((2, reports.LENGTH), np.uint8)},
    "mask has shape": {"mask": np.zeros((2, 32, 32), np.uint8)},
    "mask has values other": {"mask": np.full((2, 64, 64), 2, np.uint8)},
    "labels have shape": {"labels": np.zeros((2, 3), np.uint8)},
}


@pytest.mark.parametrize("sentence", BAD)
def test_arrays_off_the_contract_are_refused(sentence):
    good = requests.prompt_requests(["edema"], copies=2).arrays
    requests.checked(good)
    with pytest.raises(ValueError, match=f"^{sentence}"):
        requests.checked(good | BAD[sentence])


def test_requests_that_mean_nothing_are_refused(films):
    healthy = film_set(5, np.random.default_rng(0), share=0)
    calls = {
        "names is empty": lambda: requests.text_requests([], 3, [1]),
        "finding 'gout' is unknown": lambda: requests.text_requests(["gout"], 3, [1]),
        "draw 'most' is unknown": lambda: requests.text_requests(NAMES, 3, [1], "most", films),
        "draw 'short' follows": lambda: requests.text_requests(NAMES, 3, [1], "short"),
        "films leave nothing": lambda: requests.text_requests(NAMES, 3, [1], "short", films),
        "no film has any of": lambda: requests.joint_requests(NAMES, films, 3, [1]),
        "word 'gout' is unknown": lambda: requests.prompt_requests(["left gout"]),
        "text has 0 words": lambda: requests.prompt_requests([" "]),
        "how 'spin' is unknown": lambda: requests.mask_requests(films, "spin", 3, [1]),
        "no film has a mask": lambda: requests.mask_requests(healthy, "flip", 3, [1]),
    }
    for sentence, call in calls.items():
        with pytest.raises(ValueError, match=f"^{sentence}"):
            call()


def test_film_requests_ask_for_what_films_show_half_of_them_with_a_mask():
    films = film_set(40, np.random.default_rng(5), share=0.6)
    both = requests.film_requests(films, "TM2I", 20).arrays
    assert both["mask"].any((1, 2)).sum() == 10
    marked = requests.mask_of(films).any((1, 2))
    rows = np.stack([marked.nonzero()[0][:10], (~marked).nonzero()[0][:10]], 1).ravel()
    assert np.array_equal(both["tokens"], films.arrays["tokens"][rows])
    text, mask = (requests.film_requests(films, kind, 20).arrays for kind in ("T2I", "M2I"))
    assert not text["mask"].any() and np.array_equal(text["labels"], both["labels"])
    assert np.array_equal(mask["mask"], both["mask"])
    assert set(requests.conditions(Result(mask, {}))) == {"M2I", "none"}
    with pytest.raises(ValueError, match="kind 'all' is unknown"):
        requests.film_requests(films, "all", 20)
    with pytest.raises(ValueError, match="pass a larger set"):
        requests.film_requests(films, "T2I", 41)
