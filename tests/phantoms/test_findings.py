"""Findings look like what they are called, and the truth behind every film is exact."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest import ROOT
from scipy import stats
from scipy.ndimage import binary_erosion

from lib.phantoms import findings
from lib.phantoms.findings import FINDINGS, LAWS, PARTS, plane
from lib.phantoms.signs import BOTH

EACH = 16  # films of one finding
MIMIC = LAWS["mimic"]
OPEN = replace(MIMIC.body, border_x=(-1.0, -1.0), border_y=(-1.0, -1.0), strip=(-1.0, -1.0))
LAW = replace(MIMIC, body=replace(OPEN, tilt=(0.0, 0.0)))


def one_hot(*names, n=EACH):
    labels = np.zeros((n, len(FINDINGS)), np.uint8)
    labels[:, findings.columns(*names)] = 1
    return labels


def subjects(*names, law=LAW, **ranges):
    """EACH subjects, the same whatever their findings."""
    law = replace(law, body=replace(law.body, **ranges))
    return findings.from_seeds(law, np.arange(EACH, dtype=np.uint64), one_hot(*names))


@pytest.fixture(scope="module")
def films():
    """Films of every finding alone, of the same subjects."""
    return {name: findings.render(subjects(name)) for name in FINDINGS}


def on_left(p, stem):
    return p.values[f"{stem}_side"][:, 0] < 0.5 - BOTH.get(stem, 0) / 2


def on_right(p, stem):
    return p.values[f"{stem}_side"][:, 0] >= 0.5 + BOTH.get(stem, 0) / 2


def weight(deviation, left_half):
    """Share of the absolute deviation (N, 64, 64) on one half of the picture."""
    total = np.abs(deviation).sum((1, 2))
    half = deviation[..., 32:] if left_half else deviation[..., :32]
    return np.abs(half).sum((1, 2)) / total


# ---- exact truth --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAWS)
def test_truth_is_exact(name):
    b = findings.render(findings.sample(LAWS[name], 48, np.random.default_rng(0)))
    assert b.image.min() >= 0 and b.image.max() <= 1 and b.image.dtype == np.float32
    assert np.array_equal(b.deviation, b.image - b.healthy)
    assert np.array_equal(b.support, b.deviation != 0)
    none = ~b.labels.any(1)
    assert np.array_equal(b.image[none], b.healthy[none])
    some = [plane(b.planes, each).any((1, 2)) for each in FINDINGS]
    assert not (np.stack(some, 1) & (b.labels == 0)).any(), "a plane without its finding"


def test_without_findings_a_film_is_the_healthy_one_bit_for_bit():
    law = LAWS["mimic"]
    sick = findings.render(findings.sample(law, 40, np.random.default_rng(1)))
    well = findings.render(findings.from_seeds(law, sick.subject, one_hot(n=40)))
    assert np.array_equal(well.image, sick.healthy)
    assert not well.support.any() and not well.labels.any()


@pytest.mark.parametrize("name", FINDINGS)
def test_each_finding_changes_its_plane_and_hardly_anything_else(films, name):
    b = films[name]
    at, change = plane(b.planes, name), np.abs(b.deviation)
    assert at.any((1, 2)).all() and b.support.any((1, 2)).all()
    inside = (change * at).sum() / change.sum()
    assert inside > (0.75 if name == "pneumothorax" else 0.9)  # the line lies outside the air


def test_a_subject_made_alone_is_its_row():
    law = LAWS["chexpert"]
    b = findings.render(findings.sample(law, 60, np.random.default_rng(2)))
    for i in (0, 31, 59):
        alone = findings.render(findings.from_seeds(law, b.subject[i : i + 1]))
        for name in ("image", "healthy", "planes", "labels"):
            assert np.array_equal(getattr(alone, name)[0], getattr(b, name)[i]), name


def test_another_process_draws_the_same_bytes():
    code = (
        "import hashlib, numpy as np; from lib.phantoms import findings as f;"
        "b = f.render(f.sample(f.LAWS['rsna'], 20, np.random.default_rng(5)));"
        "print(hashlib.sha256(b.image.tobytes() + b.planes.tobytes()).hexdigest())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    b = findings.render(findings.sample(LAWS["rsna"], 20, np.random.default_rng(5)))
    own = hashlib.sha256(b.image.tobytes() + b.planes.tobytes()).hexdigest()
    assert done.stdout.strip() == own


def test_errors():
    with pytest.raises(ValueError, match="labels"):
        findings.from_seeds(MIMIC, np.arange(2), np.zeros((2, 3)))
    with pytest.raises(ValueError, match="labels"):
        findings.from_seeds(MIMIC, np.arange(2), np.full((2, 9), 2))
    with pytest.raises(ValueError, match="'gout'"):
        findings.columns("gout")
    with pytest.raises(ValueError, match="'spleen'"):
        plane(np.zeros((1, 64, 64), np.uint16), "spleen")
    with pytest.raises(ValueError, match="'nih'"):
        findings.law_named("nih")


# ---- the laws -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAWS)
def test_prevalences_and_pairs_are_those_of_the_law(name):
    law, n = LAWS[name], 4000
    labels = findings.draw_labels(law, np.arange(n, dtype=np.uint64))
    assert np.isclose(sum(kind.share for kind in law.kinds), 1)
    for i, a in enumerate(FINDINGS):
        for j, b in enumerate(FINDINGS[: i + 1]):
            p = law.prevalence(*{a, b})
            low, high = stats.binom.interval(1 - 1e-5, n, p)
            assert low <= (labels[:, i] & labels[:, j]).sum() <= high, (a, b)


def test_the_sets_are_what_their_names_say():
    assert LAWS["siim"].prevalence("pneumothorax") == 1, "positives only"
    assert LAWS["rsna"].prevalence("pneumonia") == pytest.approx(0.225)
    edema, heart = (LAWS["chexpert"].prevalence(x) for x in ("edema", "cardiomegaly"))
    assert LAWS["chexpert"].prevalence("edema", "cardiomegaly") > 2 * edema * heart
    assert all(LAWS["mimic"].prevalence(name) > 0.04 for name in FINDINGS)


@pytest.mark.parametrize("name", ["siim", "rsna", "chexpert"])
def test_other_scanners_show_the_same_body_otherwise(name):
    seeds = np.arange(24, dtype=np.uint64)
    here, there = (findings.render(findings.from_seeds(LAWS[law], seeds, one_hot(n=24))).image
                   for law in ("candid", name))  # fmt: skip
    flat = np.stack([here, there]).reshape(2, 24, -1)
    same = [np.corrcoef(a, b)[0, 1] for a, b in zip(*flat, strict=True)]
    assert min(same) > 0.9, "the same body"
    assert np.abs(here - there).mean() > 0.025, "through another scanner"


# ---- what findings look like --------------------------------------------------------------------


def ratio(planes):
    """Cardiothoracic ratio: widest heart over widest chest, columns of the planes (N, 64, 64)."""
    heart = plane(planes, "heart").any(1).sum(1)
    lungs = plane(planes, "left lung") | plane(planes, "right lung")
    across = lungs.any(1)
    return heart / (64 - across[:, ::-1].argmax(1) - across.argmax(1))


def test_cardiomegaly_raises_the_cardiothoracic_ratio_with_its_severity():
    grades = (None, 0.0, 0.5, 1.0)
    found = []
    for grade in grades:
        names = () if grade is None else ("cardiomegaly",)
        ends = (0.0, 0.0) if grade is None else (grade, grade)
        p = subjects(*names, cardiomegaly_severity=ends)
        found.append(ratio(findings.render(p).planes))
    steps = np.diff(found, axis=0)
    assert (steps >= 0).all() and (steps.mean(1) > 0.02).all()
    assert found[0].mean() < 0.5 < found[-1].mean(), "half is the radiologist's limit"


@pytest.mark.parametrize(
    ("name", "stem"),
    [("atelectasis", "atelectasis"), ("consolidation", "consolidation"), ("chest tube", "drain"),
     ("pleural effusion", "effusion"), ("pneumonia", "pneumonia"), ("rib fracture", "fracture"),
     ("pneumothorax", "pneumothorax")],
)  # fmt: skip
def test_left_is_the_patients_left(films, name, stem):
    p = subjects(name)
    left, right = on_left(p, stem), on_right(p, stem)
    assert left.any() and right.any()
    assert (weight(films[name].deviation[left], True) > 0.75).all()
    assert (weight(films[name].deviation[right], False) > 0.75).all()


def test_edema_takes_both_lungs(films):
    assert np.abs(weight(films["edema"].deviation, True) - 0.5).max() < 0.3


def rows(at):
    """Mean row of each plane (N, 64, 64)."""
    return (at * np.arange(64)[:, None]).sum((1, 2)) / at.sum((1, 2))


def lungs(b):
    return plane(b.planes, "left lung") | plane(b.planes, "right lung")


def test_effusion_lies_at_the_base(films):
    b = films["pleural effusion"]
    assert (rows(plane(b.planes, "pleural effusion")) > rows(lungs(b)) + 6).all()


@pytest.mark.parametrize("balance", [0.0, 1.0], ids=["apex", "side"])
def test_pleural_air_lies_above_the_lung_or_outside_of_it(balance):
    p = subjects("pneumothorax", pneumothorax_balance=(balance, balance))
    b = findings.render(p)
    air, left = plane(b.planes, "pneumothorax"), p.values["pneumothorax_side"] < 0.5
    own = np.where(left[..., None], plane(b.planes, "left lung"), plane(b.planes, "right lung"))
    assert (air & own).sum() > 0.8 * air.sum(), "it takes the place of its lung"
    rest = own & ~air
    if balance == 0:
        assert (rows(air) < rows(rest) - 10).all()
    out = np.abs(np.arange(64) - 31.5)
    outer, inner = ((each * out).sum((1, 2)) / each.sum((1, 2)) for each in (air, rest))
    if balance == 1:
        assert (outer > inner).all() and (outer - inner).mean() > 3


def test_the_meniscus_rises_to_the_side(films):
    """The surface of the fluid is higher beside the ribs than half way to the heart."""
    p = subjects("pleural effusion", effusion_severity=(0.6, 0.6), effusion_side=(0.0, 0.0))
    fluid = plane(findings.render(p).planes, "pleural effusion")
    for at in fluid:
        columns = np.flatnonzero(at.any(0))
        top = at.argmax(0)[columns]
        outer, inner = top[-6:-2].mean(), top[: len(top) // 2].mean()
        assert columns.mean() > 32 and outer < inner


@pytest.mark.parametrize(
    ("name", "sign"),
    [("pneumothorax", -1), ("pleural effusion", 1), ("consolidation", 1), ("pneumonia", 1),
     ("edema", 1), ("cardiomegaly", 1), ("chest tube", 1)],
)  # fmt: skip
def test_air_darkens_and_the_rest_brightens(films, name, sign):
    b = films[name]
    inside = (b.deviation * plane(b.planes, name)).sum((1, 2))
    assert (sign * inside > 0).all()


def test_no_vessel_crosses_pleural_air():
    """The strongest vessels, or none: that changes the healthy film, and not the air."""
    still = {name: (at, at) for name, at in {"photons": 1e9, "spot_shadow": 0.0,
             "pneumothorax_severity": 1.0, "pneumothorax_balance": 0.5}.items()}  # fmt: skip
    strong, none = (subjects("pneumothorax", **still, vessel_shadow=(s, s)) for s in (0.075, 0.0))
    a, b = findings.render(strong), findings.render(none)
    # a pixel of the rim away from its edges: the detector's blur brings nothing in
    deep = np.stack([binary_erosion(plane(x, "pneumothorax"), np.ones((5, 5))) for x in a.planes])
    assert deep.any()
    with_air, without = (np.abs(getattr(a, k) - getattr(b, k))[deep] for k in ("image", "healthy"))
    assert with_air.max() < 0.02 < 0.08 < without.max()


def test_fracture_and_tube_lie_on_the_side_of_the_pneumothorax():
    p = subjects("pneumothorax", "rib fracture", "chest tube")
    sides = [[s.side for s in told] for told in findings.statements(p)]
    assert all(len(set(each)) == 1 for each in sides)
    assert {each[0] for each in sides} == {"left", "right"}


def test_statements_say_what_is_drawn(films):
    p = subjects(*FINDINGS)
    for told in findings.statements(p):
        assert [s.finding for s in told] == list(FINDINGS)
        assert {s.severity for s in told} <= {"mild", "moderate", "severe"}
    told = findings.statements(subjects("pleural effusion"))
    for side, (s,) in zip(weight(films["pleural effusion"].deviation, True), told, strict=True):
        assert s.side == ("left" if side > 0.98 else "right" if side < 0.02 else "bilateral")
    places = {"upper": [], "middle": [], "lower": []}
    opaque = rows(plane(films["consolidation"].planes, "consolidation"))
    for row, (s,) in zip(opaque, findings.statements(subjects("consolidation")), strict=True):
        places[s.zone].append(row)
    means = [np.mean(places[zone]) for zone in ("upper", "middle", "lower")]
    assert means == sorted(means)


def test_parts_fit_sixteen_bits():
    assert len(PARTS) == 12 and PARTS[: len(FINDINGS)] == FINDINGS
