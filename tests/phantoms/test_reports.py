"""Reports tell the labels of their films and nothing else; tokens and words are one text."""

import numpy as np
import pytest

from lib.phantoms import findings, reports
from lib.phantoms.findings import FINDINGS, SIDED, Statement

KEYS = {  # a simple reader: a finding is there if one of its words is
    "atelectasis": {"atelectasis", "volume"},
    "cardiomegaly": {"cardiomegaly", "enlarged", "enlargement"},
    "consolidation": {"consolidation", "opacity"},
    "edema": {"edema", "congestion"},
    "pleural effusion": {"effusion", "fluid"},
    "pneumonia": {"pneumonia", "opacities", "infiltrates"},
    "pneumothorax": {"pneumothorax", "air", "collapsed"},
    "rib fracture": {"fracture", "fractured", "broken"},
    "chest tube": {"tube", "drain"},
}


def read(text):
    """Labels (9,) of a text by keywords alone."""
    return [int(bool(KEYS[name] & set(text.split()))) for name in FINDINGS]


@pytest.fixture(scope="module")
def told():
    """Labels (400, 9), most findings often, and what is true of them."""
    seeds = np.arange(400, dtype=np.uint64)
    p = findings.from_seeds(findings.LAWS["mimic"], seeds)
    return p.label, findings.statements(p)


def test_every_report_reads_back_to_its_labels(told):
    rng = np.random.default_rng(0)
    for labels, statements in zip(*told, strict=True):
        text = reports.report(statements, rng)
        assert read(text) == labels.tolist(), text
        assert reports.words(reports.tokens(text)) == text


def test_reports_tell_sides_and_vary(told):
    rng, seen = np.random.default_rng(0), set()
    for statements in told[1]:
        for s in statements:
            texts = {reports.report([s], rng) for _ in range(3)}
            assert all((s.side in text.split()) == bool(s.side) for text in texts if s.side)
            other = {"left": "right", "right": "left"}.get(s.side, "none")
            assert not any(other in text.split() for text in texts)
            seen |= texts
    assert len(seen) > 100


def test_captions_have_five_words_at_most_and_name_the_main_finding(told):
    for labels, statements in zip(*told, strict=True):
        text = reports.caption(statements)
        if not labels.any():
            assert text == "Normal"
            continue
        assert len(text.split()) <= 5
        main = max(statements, key=lambda s: s.grade).finding
        assert sum(read(text)) == 1 and main in text


def test_vocabulary_begins_with_padding_and_nothing():
    assert reports.VOCABULARY[:2] == ("", "N/A")
    assert 60 <= len(reports.VOCABULARY) <= 80
    assert len({w.casefold() for w in reports.VOCABULARY}) == len(reports.VOCABULARY)
    assert reports.tokens("N/A").tolist() == [1] + [0] * (reports.LENGTH - 1)
    assert reports.words(np.zeros(reports.LENGTH, np.uint8)) == ""


def test_prompts_of_one_and_of_several_findings():
    assert reports.prompt("edema") == "edema"
    both = reports.prompt("left pleural effusion", "cardiomegaly")
    assert read(both) == [0, 1, 0, 0, 1, 0, 0, 0, 0] and "left" in both.split()
    every = reports.prompt(*(f"{SIDED[n][0]} {n}" if n in SIDED else n for n in FINDINGS))
    assert read(every) == [1] * len(FINDINGS)
    for text in (both, "bilateral pneumonia", *FINDINGS):
        assert reports.words(reports.tokens(text)) == text


def test_severities_are_told_apart():
    rng = np.random.default_rng(0)
    found = {grade: {reports.report([Statement("edema", grade)], rng).split()[0] for _ in range(20)}
             for grade in (0.1, 0.5, 0.9)}  # fmt: skip
    assert found[0.1] == {"mild", "slight"} and found[0.5] == {"moderate"}
    assert found[0.9] == {"severe", "marked"}


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: reports.tokens(""), "text has 0 words"),
        (lambda: reports.tokens("edema " * 50), "text has 50 words"),
        (lambda: reports.tokens("mild gout"), "'gout'"),
        (lambda: reports.prompt(), "names is empty"),
        (lambda: reports.prompt(""), "unknown"),
        (lambda: reports.prompt("left edema"), "cannot be left"),
        (lambda: reports.prompt("bilateral pneumothorax"), "cannot be bilateral"),
        (lambda: reports.words(np.array([200], np.uint8)), "token 200"),
    ],
)
def test_errors(call, why):
    with pytest.raises(ValueError, match=why):
        call()
