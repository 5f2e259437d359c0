"""The independent reader: it reads toys, and films held out set thresholds but teach nothing."""

import numpy as np
import pytest
from toy_pools import changed, film_set

from lib.metrics import multilabel
from lib.tasks import film_reader

SETTINGS = {
    "findings": {"network": "small", "steps": 60, "batch": 16},
    "pneumothorax": {"steps": 2, "batch": 4},
}
SETS = [film_set(120, 1), film_set(80, 2)]


@pytest.fixture(scope="module")
def made():
    return film_reader.reader_job(SETS, SETTINGS, [0])


def test_it_reads_fresh_films_and_says_how_well(made):
    reader, test = film_reader.load(made), film_set(100, 3)
    probability = reader.probabilities(test.arrays["image"])
    columns = film_reader.FINDINGS, test.arrays["labels"].T, probability.T
    for name, y, p in zip(*columns, strict=True):
        assert multilabel.label_scores(y, p, None)["auc"] > 0.9, name
        assert made.scores["auc"][name] > 0.9
    seen = reader.sees(test.arrays["image"])
    assert np.array_equal(seen, probability >= reader.thresholds)
    assert reader.thresholds == pytest.approx(made.scores["thresholds"])
    assert reader.certain == pytest.approx(made.scores["certain"])
    assert (seen == (test.arrays["labels"] > 0)).mean() > 0.9
    assert reader.lesions(test.arrays["image"]).dtype == bool
    assert reader.features(test.arrays["image"]).shape == (100, 64)


def test_what_it_is_sure_of_is_specific_though_it_reads_badly():
    """Half of the labels are noise: what it sees as well as may be is often wrong."""
    rng = np.random.default_rng(5)
    data = film_set(4000, 6)
    noise = rng.integers(0, 2, data.arrays["labels"].shape, dtype=np.uint8)
    blurred = np.where(rng.random(noise.shape) < 0.6, noise, data.arrays["labels"])
    quick = SETTINGS | {"findings": SETTINGS["findings"] | {"steps": 30}}
    few = quick | {"pneumothorax": {"steps": 1, "batch": 4}}
    made = film_reader.reader_job([changed(data, labels=blurred)], few, [0])
    reader, test = film_reader.load(made), film_set(1000, 7)
    p, off = reader.probabilities(test.arrays["image"]), rng.random((1000, 9)) < 0.5
    wrong = ((p > reader.certain) & off).sum(0) / off.sum(0)
    seen = ((p >= reader.thresholds) & off).sum(0) / off.sum(0)
    assert wrong.mean() < 0.06 < 0.3 < seen.mean()


def test_the_last_tenth_of_each_set_teaches_nothing_and_sets_the_thresholds(made):
    held = [np.arange(len(s.arrays["image"])) >= k for s, k in zip(SETS, (108, 72), strict=True)]
    one, other = (
        [changed(s, labels=np.where(at[:, None] == hit, 1 - s.arrays["labels"], s.arrays["labels"]))
         for s, at in zip(SETS, held, strict=True)] for hit in (True, False)
    )  # fmt: skip
    quick = SETTINGS | {"findings": SETTINGS["findings"] | {"steps": 3}}
    base, turned_held, turned_train = (
        film_reader.reader_job(sets, quick, [0]) for sets in (SETS, one, other)
    )
    same = {k: np.array_equal(x, turned_held.arrays[k]) for k, x in base.arrays.items()}
    assert all(same.values())
    assert turned_held.scores["thresholds"] != base.scores["thresholds"]
    assert not np.array_equal(
        turned_train.arrays["findings/head.weight"], base.arrays["findings/head.weight"]
    )


def test_a_finding_that_no_film_held_out_has_is_named():
    none = film_set(30, 4, found=np.zeros((30, 9), np.uint8))
    quick = {"findings": {"network": "small", "steps": 1, "batch": 4}, "pneumothorax": {}}
    with pytest.raises(ValueError, match="no film held out has atelectasis"):
        film_reader.reader_job([none], quick, [0])
