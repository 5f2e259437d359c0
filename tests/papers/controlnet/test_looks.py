"""What pages show of a draw: which films, and in which order."""

from types import SimpleNamespace

import numpy as np
import pytest
from toy_films import film_set

from lib import jobs
from lib.generators import requests
from lib.jobs import Result
from lib.papers.controlnet import looks, printed
from lib.papers.controlnet.arms import TASKS
from lib.papers.controlnet.tables import TABLES
from lib.phantoms.findings import FINDINGS


def test_four_with_a_mask_come_before_four_without():
    films = film_set(40, np.random.default_rng(0))
    mask = requests.film_requests(films, "TM2I", 20).arrays["mask"]
    at = looks.four_and_four(mask)
    assert mask[at].any((1, 2)).tolist() == [True] * 4 + [False] * 4
    assert (np.diff(at[:4]) > 0).all() and (np.diff(at[4:]) > 0).all()
    assert mask[: at[:4].max()].any((1, 2)).sum() == 3, "the first ones that there are"


class Proxied:
    """A study with ten films of two findings, whose similarities and truth are known."""

    def __init__(self):
        self.labels = np.eye(9, dtype=np.uint8)[[0, 1] * 5]
        self.alike = np.array([5, 0, 4, 9, 3, 8, 2, 7, 1, 6], np.float32)
        self.image = np.arange(10, dtype=np.float32)[:, None, None] * np.ones((1, 64, 64))

    def unfiltered(self, k):
        return Result({"labels": self.labels, "image": self.image}, {})

    def judged(self, pool):
        return Result({"adherence": np.array([1, 0.5, 0, 1, 1, 1, 1, 1])}, {})

    def liked(self, pool):
        return Result({"similarity": self.alike}, {})


def test_the_proxy_s_best_and_least_of_a_finding_are_told_among_the_judged(monkeypatch):
    monkeypatch.setattr(jobs, "load", lambda found: found)
    found = looks.told(Proxied(), 0)
    assert found["right"].tolist() == [True, False, False, *[True] * 5]
    assert found["ends"].tolist() == [[0, 2, 6, 4], [3, 5, 1, 7]]
    np.testing.assert_array_equal(found["image"][:, :, 0, 0], found["ends"])
    assert found["place"][[0, 2, 4, 6]].tolist() == pytest.approx([0.875, 0.625, 0.375, 0.125])


class Counted:
    """A study whose films of every task have pneumothorax in one of four and edema in half."""

    source = SimpleNamespace(truth=True)
    plan = SimpleNamespace(seed=5)

    def __init__(self):
        self.labels = np.zeros((8, 9), np.uint8)
        self.labels[::4, FINDINGS.index("pneumothorax")] = 1
        self.labels[::2, FINDINGS.index("edema")] = 1
        self.image = np.linspace(0, 1, 8)[:, None, None] * np.ones((1, 2, 2))

    def draws(self):
        return [3]

    def real(self, percent):
        return 2

    def films(self, task, k):
        found = Result({"labels": self.labels, "image": self.image}, {})
        return SimpleNamespace(key=f"{task.name}{k}", found=found)


@pytest.fixture
def counted(monkeypatch):
    monkeypatch.setattr(jobs, "load", lambda job: job.found)
    return Counted()


def test_sets_are_counted_by_pairs_of_findings(counted):
    found = looks.sets(counted, 3)
    pairs, j, e = found["candid/pairs"], *map(FINDINGS.index, ("pneumothorax", "edema"))
    assert (pairs[j, j], pairs[e, e], pairs[j, e], pairs.sum()) == (2, 4, 2, 10)
    assert found["candid/n"].tolist() == [8] and len(found["candid/first"]) == 2
    assert found["candid/grey"].sum() == pytest.approx(1)


def test_table_1_has_the_films_of_each_task_and_the_share_with_each_finding(counted):
    rows = list(TABLES["table1_datasets"].derived(counted, {}))
    told = {(r["regime"], r["arm"]): (r["metric"], r["draws"]["5/3"][0]) for r in rows}
    assert told["candid", "films"] == ("train", 8)
    assert told["candid", "pneumothorax"] == ("prevalence", 0.25)
    assert told["chexpert", "edema"] == ("prevalence", 0.5)
    papers = {r["regime"]: r["paper"] for r in rows if r["arm"] == "films"}
    assert papers == {name: each.train for name, each in printed.TABLE1.items()}
    assert {name for _, name in told} == {"films", *(f for t in TASKS.values()
                                                    for f in t.findings or (t.about,))}  # fmt: skip
    counted.source = SimpleNamespace(truth=False)
    assert list(TABLES["table1_datasets"].derived(counted, {})) == []
