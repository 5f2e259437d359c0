"""How often a real slice is seen: a formula against batches that are counted; ratios."""

from dataclasses import replace

import numpy as np
import pytest

from lib.jobs import Result
from lib.papers.dhvae import dose, evaluation
from lib.papers.dhvae.arms import table4_arms
from lib.papers.dhvae.study import studies
from lib.profiles import FULL, QUICK, Plan
from lib.tasks import segment

REAL, FREE = 40, 25


def counted(added: int, s: segment.SegmentSettings) -> float:
    batches = segment.index_batches(REAL, added, FREE, s, np.random.default_rng(0))
    return sum(int((at < REAL).sum()) for at in batches) / REAL


@pytest.mark.parametrize(("added", "synthetic"), [(0, None), (120, None), (120, 0.5)])
def test_a_real_slice_is_seen_as_often_as_batches_say(added, synthetic):
    s = segment.SegmentSettings(steps=400, synthetic=synthetic)
    assert dose.seen(REAL, added, FREE, s) == pytest.approx(counted(added, s), rel=0.02)


def test_equal_epochs_show_a_real_slice_as_often_as_real_slices_alone():
    s = segment.SegmentSettings(steps=400)
    alone, more = dose.seen(REAL, 0, FREE, s), replace(s, epochs=True)
    assert dose.seen(REAL, 120, FREE, more) == pytest.approx(alone)
    assert dose.seen(REAL, 120, FREE, s) == pytest.approx(alone / 4)


def test_ratios_are_those_of_the_papers_slices_and_of_ours():
    arms = table4_arms()
    flair, pet = studies(Plan(QUICK))
    for study, theirs in ((flair, 2.6), (pet, 7.5)):
        most = dose.dose(study, arms["dhvae2000"], 400, 600)
        assert (most.added, most.ratio) == (2000, 5.0) and round(most.paper, 1) == theirs
        classic = dose.dose(study, arms["classic5"], 400, 600)
        assert (classic.added, classic.ratio, classic.paper) == (1600, 4.0, 4.0)
        assert dose.dose(study, arms["dhvae2000_reweighted"], 400, 600).paper is None
    assert dose.nearest(flair, 771) == (2000, 2000) and dose.nearest(flair, 386)[1] == 1000


def test_real_slices_are_counted_in_the_first_draw(monkeypatch):
    study = studies(Plan(QUICK, only=(3,)))[0]
    arrays = {"image": np.zeros((7, 2, 2)), "free/image": np.zeros((5, 2, 2))}
    asked = {study.slices(3).key: Result(arrays, {})}
    monkeypatch.setattr(dose.jobs, "load", lambda job: asked[job.key])
    assert dose.real_slices({"flair": study})["flair"].tolist() == [7, 5]


def test_the_departure_says_our_ratios_beside_the_papers(monkeypatch):
    of = studies(Plan(FULL))[0]

    def row() -> dict:
        return next(r for r in evaluation.segmentation(of.size, of) if "500 to 2,000" in r[0])

    monkeypatch.setattr(dose, "recorded", lambda: {"flair": np.array([500, 9])})
    assert "2.6 and 7.5 per real slice" in row()[0]
    assert "500 (flair): at most 4.0 per real slice" in row()[1] and "our +1,500" in row()[1]
    monkeypatch.setattr(dose, "recorded", dict)
    assert "per real slice" not in row()[1]
