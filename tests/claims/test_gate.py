"""The gate: claims about a generator that is not competent here are not interpreted."""

from functools import cache

import pytest
from toy_claims import MAIN, UTILITY, claim, page_of, rows, source_of

from lib.claims import gate, judge, ledger
from lib.claims import verdict as v
from lib.papers import registry
from lib.papers.table import made_by
from lib.profiles import FULL, Plan

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
        assert "Competence not measured: PA-VAE (coverage, end of training)." in found["sentence"]
    else:
        assert f"Not interpreted (PA-VAE: adherence {ratio}" in found["sentence"]


def test_what_is_not_measured_leaves_the_verdict():
    found = judge.judge(
        claim("difference", **UTILITY), source_of(rows({"real": 0.7, "pavae": 0.8}))
    )
    assert found["verdict"] == v.REPRODUCED
    unknown = "PA-VAE (adherence, coverage, end of training)"
    assert f"Competence not measured: {unknown}." in found["sentence"]


def test_a_baseline_is_gated_too_and_controls_are_not():
    arms = {"vae": 0.7, "pavae": 0.8, "smooth": 0.75}
    table = [rows(arms), rows({"pavae": 1.0, "vae": 0.6, "smooth": 0.3}, "adherence_ratio")]
    against = claim("difference", treatment="pavae", control="vae")
    assert judge.judge(against, source_of(*table))["verdict"] == v.NOT_INTERPRETED
    control = claim("difference", treatment="pavae", control="smooth")
    assert judge.judge(control, source_of(*table))["verdict"] == v.REPRODUCED


def pairs_source(dice, regime="flair", trained="flair", **competence):
    """Table 4's Dice and Table 2's competence of dhvae, over that of real against real."""
    real = {"mask_adherence": 0.6, "coverage": 0.9, "empty": 0.0}
    table = [each for metric, x in competence.items()
             for each in rows({"dhvae": x}, metric, "flair", null=real[metric])]  # fmt: skip
    made = {arm: ("dhvae", trained) for arm in dice if arm != "real"}
    return {DHVAE: page_of(rows(dice, "dice", regime, made=made)), PAIRS: page_of(table)}.get


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


@pytest.mark.parametrize(("names", "words"), [(0.51, "adherence 0.785 below 0.85"), (0.6, None)])
def test_films_for_one_name_must_show_it_however_well_reports_are_followed(names, words):
    reports = [rows({"syn": 0.95}, "adherence_ratio"),
               rows({"syn": 0.7}, "mask_adherence", null=0.75)]  # fmt: skip
    named = rows({"syn": names}, "name_accuracy", oracle=0.65)  # of fresh phantoms
    item, made = "controlnet/02_utility", {"syn2": ("syn", "bare")}
    f1 = page_of(rows({"real": 0.3, "syn2": 0.5}, "f1", "rsna-1", made=made))
    source = {item: f1, "controlnet/01_generator": page_of(*reports, named)}.get
    test = claim("difference", item=item, regime="rsna-1", metric="f1", treatment="syn2",
                 control="real")  # fmt: skip
    found = judge.judge(test, source)
    assert (found["verdict"] == v.NOT_INTERPRETED) == (words is not None)
    assert words is None or words in found["sentence"]


def test_other_volumes_are_another_generator():
    test = claim("difference", item=DHVAE, regime="flair-10", metric="dice", treatment="dhvae",
                 control="real")  # fmt: skip
    dice = {"real": 0.5, "dhvae": 0.6}
    found = judge.judge(test, pairs_source(dice, "flair-10", "flair-10", mask_adherence=0.1))
    assert found["verdict"] == v.REPRODUCED
    assert "Competence not measured: dHVAE in FLAIR-10" in found["sentence"]


def test_the_plateau_is_read_from_the_budget_page():
    test = claim("difference", treatment="pavae", control="real")
    budget = page_of(rows({"pavae": 0.0}, "plateau", sd=0))
    pages = {MAIN: page_of(rows({"real": 0.7, "pavae": 0.8})), "pavae/04_budget": budget}
    found = judge.judge(test, pages.get)
    assert "Not interpreted (PA-VAE: still changing late in its training)" in found["sentence"]


@pytest.mark.parametrize(
    ("condition", "values", "counts"),
    [
        ("adherence", [0.9, 1.3], 1.3),
        ("adherence", [0.7, 1.1], 0.7),
        ("adherence", [0.95, 1.04], 1.04),
        ("empty masks", [0.1, 0.3], 0.3),
        ("coverage", [0.9, None, 0.5], 0.5),
        ("plateau", [None], None),
    ],
)
def test_the_value_that_misses_most_counts(condition, values, counts):
    for order in (values, values[::-1]):
        assert gate.worst(condition, order) == counts


@pytest.mark.parametrize(
    ("item", "regime", "arm", "made"),
    [
        ("pavae/table4_main", "bare", "pavae", ("pavae", "bare")),
        ("pavae/table4_main", "bare", "stylegan_epochs", ("stylegan", "bare")),
        ("pavae/table4_main", "bare", "shuffled", None),
        ("pavae/table4_main", "bare", "oracle", None),
        ("pavae/table5_ablations", "bare", "vae", ("vae", "bare")),
        ("pavae/table5_ablations", "bare", "beta_3.2", ("pavae", "bare")),
        ("pavae/04_data", "bare", "pavae_r4", ("pavae", "bare")),
        ("pavae/04_data", "bare-10", "pavae", ("pavae", "bare")),
        ("pavae/04_data", "bare-100", "pavae", ("pavae", "bare-100")),
        ("pavae/04_data", "bare-100", "real", None),
        ("pavae/04_data", "bare-imbalanced", "pavae_empirical",
         ("pavae_balanced", "bare-imbalanced")),
        ("dhvae/table1_beta", "flair", "beta_0.01", ("dhvae", "flair")),
        ("dhvae/table2_generators", "pet", "hvae_disc", ("hvae", "pet")),
        ("dhvae/table2_generators", "pet-10", "lsgan", ("lsgan", "pet-10")),
        ("dhvae/table4_augmentation", "flair", "vae1500_reweighted", ("vae", "flair")),
        ("dhvae/table4_augmentation", "flair", "smooth2000", None),
        ("dhvae/table4_augmentation", "flair", "real3d", None),
        ("dhvae/table5_volumes", "flair-10", "dhvae", ("dhvae", "flair-10")),
        ("dhvae/table5_volumes", "flair-30", "dhvae_classic5", ("dhvae", "flair")),
        ("dhvae/table5_volumes", "flair-10", "dhvae_fixed", ("dhvae", "flair")),
        ("dhvae/table6_architectures", "pet-unetr", "dhvae", ("dhvae", "pet")),
    ],
)  # fmt: skip
def test_rows_name_the_generator_behind_them(item, regime, arm, made):
    assert tables(item)[regime, arm][0] == made


@cache
def tables(item):
    """{(regime, arm): (its generator as (arm, regime) or None, metrics)} of a table of `full`."""
    table, found = registry.table(item), {}
    for study in table.studies(Plan(FULL, only=(0,))):
        for scores in table.scores(study):
            column = made_by(scores.arm, scores.trained or study.regime).get("generator")
            key = scores.regime or study.regime, scores.arm.name
            made = column and (column["arm"], column["regime"])
            found[key] = made, {*scores.paths, *found.get(key, (None, ()))[1]}
    return found


@pytest.mark.parametrize("paper", ["pavae", "dhvae", "pathosyn"])
def test_every_generator_that_a_claim_compares_is_measured(paper):
    """The plateau, of the chapter's main amount of data, is a derived row of the budget page."""
    compared = set()
    for entry in ledger.by_paper(paper):
        for leaf in ledger.leaves(entry["test"]):
            for item, regime, arm, metric in ledger.needs(leaf):
                if leaf["kind"] in gate.GATED and leaf.get("gate") != "off":
                    made = tables(item).get((regime, arm), (None,))[0]
                    compared |= {(item, *made)} if made and metric not in gate.OWN else set()
    expected = {
        "pavae": {"template", "vae", "stylegan", "pavae"},
        "dhvae": {"lsgan", "ldm", "vae", "hvae", "dhvae"},
        "pathosyn": {"brain_ldm", "maskdiff", "pathosyn_vaegan", "pathosyn_diff"},
    }
    assert {name for _, name, _ in compared} >= expected[paper]
    for item, name, regime in compared:
        items = (item, *gate.ITEMS[paper])
        there = {m for each in items for m in tables(each).get((regime, name), (None, ()))[1]}
        missing = [condition for condition, metrics in gate.ROWS.items()
                   if condition not in (*gate.WITHOUT.get(paper, ()), "plateau")
                   and not there & {*metrics}]  # fmt: skip
        assert not missing, (item, name, regime)


def test_pathosyns_competence_stands_on_one_page_alone():
    """Coverage of looks, in 05_control, is another thing than coverage of places and sizes."""
    page, other = "pathosyn/04a_realism", "pathosyn/05_control"
    tables = {page: page_of(rows({"pathosyn_diff": 0.9}, "coverage", null=1.0)),
              other: page_of(rows({"pathosyn_diff": 0.1}, "coverage", null=1.0))}  # fmt: skip
    found = gate.competence(tables.get, other, "bare", "pathosyn_diff")
    assert found["coverage"] == pytest.approx(0.9)


def test_claims_about_competence_or_failure_are_not_gated():
    table = [rows({"vae": 0.4, "pavae": 0.95}, "adherence"), rows({"vae": 0.3}, "adherence_ratio")]
    measured = claim(
        "difference", metric="adherence", margin=0.03, treatment="pavae", control="vae"
    )
    assert judge.judge(measured, source_of(*table))["verdict"] == v.REPRODUCED
    (collapse,) = (each for each in ledger.load() if each["id"] == "DH-11")
    rows_of = {leaf["metric"]: gate.generators({}.get, leaf, ledger.needs(leaf))
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
    assert found["sentence"].startswith("Not interpreted (VAE: adherence 0.5 below 0.85)")


def test_a_near_miss_is_told_with_the_digits_that_it_takes():
    found = gate.failures({"adherence": 0.8496, "coverage": 0.8 - 1e-16, "empty masks": 0.2004})
    assert found[0] == "adherence 0.8496 below 0.85" and found[2] == "empty masks 0.2004 above 0.2"
    assert found[1].startswith("coverage 0.79999") and len(found) == 3
