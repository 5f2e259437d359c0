"""The block of departures of dHVAE: complete, true to the settings that run, no arm made up."""

import json
import re
from dataclasses import replace

from lib import profiles
from lib.claims import ledger
from lib.generators import hvae
from lib.metrics import masks
from lib.papers import dhvae
from lib.papers.dhvae import departures as fidelity_dhvae
from lib.papers.dhvae import study
from lib.papers.dhvae.study import Study
from lib.papers.pavae import departures as fidelity
from lib.phantoms import brain

QUICK = profiles.get("quick")


def said(profile=QUICK):
    return json.dumps(fidelity_dhvae.dhvae(profile), ensure_ascii=False)


def test_departures_are_complete_and_cite_what_exists():
    known = {entry["id"]: entry["severity"] for entry in ledger.inconsistencies()}
    claims = {claim["id"] for claim in ledger.by_paper("dhvae")}
    for profile in profiles.PROFILES.values():
        rows = [row for rows in fidelity_dhvae.dhvae(profile).values() for row in rows]
        assert all(set(row) == set(fidelity.COLUMNS) for row in rows)
        assert all(row[column].strip() for row in rows for column in fidelity.COLUMNS)
        text = said(profile)
        cited = set(re.findall(r"DH-E\d\d", text))
        assert cited <= set(known) and set(re.findall(r"DH-\d\d", text)) <= claims
        blocking = {id_ for id_, s in known.items() if s == "B" and id_.startswith("DH-")}
        assert len(blocking) == 12 and blocking <= cited, "B blocks an exact rerun"


def test_arms_that_the_text_names_are_arms_of_a_study():
    of = Study(QUICK, 0, "flair")
    arms = {*study.PRESETS, *study.SAME, *study.NAMES, "dhvae_fixed"}
    assert "dhvae_fixed" in dhvae.tables.volume_arms(of, 10)
    metrics = {*dhvae.tables.DICE}
    named = set(re.findall(r"`(\w[\w.]*)`", said()))
    assert named - {"_reweighted"} <= arms | metrics
    assert any(arm.endswith("_reweighted") for arm in dhvae.tables.added_arms(of))


def test_departures_follow_the_settings_of_the_generators(monkeypatch):
    plain = said()
    assert "K = 7" not in plain and "SD 0.123" not in plain
    changed = replace(hvae.DHVAE, leapfrog=7, sd=0.123, beta0=0.77)
    monkeypatch.setitem(study.PRESETS, "dhvae", changed)
    text = said()
    assert "K = 7" in text and "SD 0.123" in text and "β₀ = 0.77" in text
    assert plain != text


def test_departures_follow_laws_and_scores(monkeypatch):
    law = replace(brain.BRAIN, flair_contrast=(0.11, 0.99))
    monkeypatch.setitem(brain.LAWS, "brain", law)
    monkeypatch.setattr(masks, "EPS", 3e-5)
    assert "0.11 to 0.99" in said() and "3e-05" in said()


def test_departures_follow_the_profile():
    size = replace(QUICK, test_volumes=777, judged_pairs=4321, slice_steps=99, volume_share=3)
    text = said(size)
    assert "777 fresh test volumes" in text and "4,321 samples" in text
    assert "99 steps of 16 slices" in text and "draws of 10 volumes" in text
    assert " of 2 volumes" in text
