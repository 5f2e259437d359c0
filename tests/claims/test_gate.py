"""The gate: claims about a generator that is not competent here are not interpreted."""

import pytest
from toy_claims import UTILITY, claim, page_of, rows, source_of

from lib.claims import gate, judge, ledger
from lib.claims import verdict as v

DHVAE, PAIRS = "dhvae/table4_augmentation", "dhvae/table2_generators"


@pytest.mark.parametrize(
    ("ratio", "passes"), [(0.84, False), (0.86, True), (1.04, True), (1.06, False)]
)
@pytest.mark.parametrize("regime", ["bare", ""])
def test_adherence_has_a_bound_on_either_side(ratio, passes, regime):
    tables = [rows({"real": 0.7, "pavae": 0.8}), rows({"pavae": ratio}, "adherence_ratio", regime)]
    found = judge.judge(claim("difference", **UTILITY), source_of(*tables))
    assert (found["verdict"] == v.NOT_INTERPRETED) != passes
    assert found["delta"] == pytest.approx(0.1), "the numbers stand"
    if passes:
        assert "Competence not measured: pavae (coverage, plateau)." in found["sentence"]
    else:
        assert f"Not interpreted (pavae: adherence {ratio}" in found["sentence"]


def test_what_is_not_measured_leaves_the_verdict():
    found = judge.judge(
        claim("difference", **UTILITY), source_of(rows({"real": 0.7, "pavae": 0.8}))
    )
    assert found["verdict"] == v.REPRODUCED
    assert "Competence not measured: pavae (adherence, coverage, plateau)." in found["sentence"]


def test_a_baseline_is_gated_too_and_controls_are_not():
    arms = {"vae": 0.7, "pavae": 0.8, "smooth": 0.75}
    table = [rows(arms), rows({"pavae": 1.0, "vae": 0.6, "smooth": 0.3}, "adherence_ratio")]
    against = claim("difference", treatment="pavae", control="vae")
    assert judge.judge(against, source_of(*table))["verdict"] == v.NOT_INTERPRETED
    control = claim("difference", treatment="pavae", control="smooth")
    assert judge.judge(control, source_of(*table))["verdict"] == v.REPRODUCED


def pairs_source(dice, regime="flair", **competence):
    """Table 4's Dice and Table 2's competence of dhvae, over that of real against real."""
    real = {"mask_adherence": 0.6, "coverage": 0.9, "empty": 0.0}
    table = [each for metric, x in competence.items()
             for each in rows({"dhvae": x}, metric, "flair", null=real[metric])]  # fmt: skip
    return {DHVAE: page_of(rows(dice, "dice", regime)), PAIRS: page_of(table)}.get


@pytest.mark.parametrize(
    ("competence", "words"),
    [
        ({"mask_adherence": 0.6, "coverage": 0.75, "empty": 0.1}, None),
        ({"mask_adherence": 0.5, "coverage": 0.75, "empty": 0.1}, "adherence 0.833 below 0.85"),
        ({"mask_adherence": 0.65, "coverage": 0.75, "empty": 0.1}, "adherence 1.08 above 1.05"),
        ({"mask_adherence": 0.6, "coverage": 0.7, "empty": 0.1}, "coverage 0.778 below 0.8"),
        ({"mask_adherence": 0.6, "coverage": 0.75, "empty": 0.21}, "empty masks 0.21 above 0.2"),
    ],
)
@pytest.mark.parametrize("regime", ["flair", "flair-30", "flair-unet"])
def test_pairs_are_gated_by_the_rows_of_their_generator(competence, words, regime):
    test = claim("difference", item=DHVAE, regime=regime, metric="dice", treatment="dhvae2000",
                 control="real")  # fmt: skip
    source = pairs_source({"real": 0.5, "dhvae2000": 0.6}, regime, **competence)
    found = judge.judge(test, source)
    assert (found["verdict"] == v.NOT_INTERPRETED) == (words is not None)
    assert words is None or words in found["sentence"]


def test_other_volumes_are_another_generator():
    test = claim("difference", item=DHVAE, regime="flair-10", metric="dice", treatment="dhvae",
                 control="real")  # fmt: skip
    source = pairs_source({"real": 0.5, "dhvae": 0.6}, "flair-10", mask_adherence=0.1)
    found = judge.judge(test, source)
    assert found["verdict"] == v.REPRODUCED
    assert "Competence not measured: dhvae in flair-10" in found["sentence"]


@pytest.mark.parametrize(
    ("arm", "name"),
    [("dhvae2000", "dhvae"), ("vae1500_reweighted", "vae"), ("hvae_disc", "hvae"),
     ("beta_0.01", "dhvae"), ("hvae2000", "hvae"), ("real3d", None), ("classic5", None),
     ("smooth2000", None), ("dhvae_classic5", "dhvae"), ("shuffled2000", None)],
)  # fmt: skip
def test_whose_samples_an_arm_has(arm, name):
    assert gate.generator("dhvae", arm) == name


def test_claims_about_competence_or_failure_are_not_gated():
    table = [rows({"vae": 0.4, "pavae": 0.95}, "adherence"), rows({"vae": 0.3}, "adherence_ratio")]
    measured = claim(
        "difference", metric="adherence", margin=0.03, treatment="pavae", control="vae"
    )
    assert judge.judge(measured, source_of(*table))["verdict"] == v.REPRODUCED
    (collapse,) = (each for each in ledger.load() if each["id"] == "DH-11")
    rows_of = {leaf["metric"]: gate.generators(leaf, ledger.needs(leaf))
               for leaf in ledger.leaves(collapse["test"])}  # fmt: skip
    assert not any(rows_of.values())


def test_a_conjunction_falls_by_its_competent_parts_alone():
    part = {"kind": "difference", "treatment": "pavae"}
    parts = [{**part, "control": "template"}, {**part, "control": "vae"}]
    test = claim("composite", rule="all", parts=parts)
    poor = rows({"pavae": 1.0, "template": 1.0, "vae": 0.5}, "adherence_ratio")
    lost = source_of(rows({"pavae": 0.7, "template": 0.8, "vae": 0.6}), poor)
    found = judge.judge(test, lost)
    assert found["verdict"] == v.FALLEN
    won = source_of(rows({"pavae": 0.9, "template": 0.8, "vae": 0.6}), poor)
    found = judge.judge(test, won)
    assert found["verdict"] == v.NOT_INTERPRETED
    assert found["sentence"].startswith("Not interpreted (vae: adherence 0.5 below 0.85)")
