"""The arms: all that claims name, each one different, each resting on the right generator."""

import pytest

from lib.claims import ledger
from lib.papers.pathosyn import arms, printed
from lib.papers.pathosyn.arms import SOURCES, Placed, Regime
from lib.papers.pathosyn.study import study
from lib.profiles import plan
from lib.tasks import architectures

TABLES = {
    "table1_disentanglement": arms.DISENTANGLEMENT,
    "table2_segmentation": arms.SEGMENTATION,
    "table3_classification": arms.CLASSIFICATION,
    "04a_realism": ("c2st_auc", "c2st_bootstrap_sd", "kid"),
    "04b_consistency": (*arms.TEXTURE, *arms.ANATOMY),
}
ALIKE = dict.fromkeys(("deviation_space", "seam", "full"), "pathosyn_diff")
"""Arms that are another's generator under the name of a claim."""


def rows(claim: dict) -> list[tuple]:
    """(stem, regime, arm, metric) that decide a claim or stand beside it, for PathoSyn's items."""
    named = [*ledger.needs(claim["test"]), *ledger.extras(claim["test"])]
    return [(item.removeprefix("pathosyn/"), *rest) for item, *rest in named]


def test_every_arm_that_a_claim_names_is_there_and_in_core_where_the_claim_is():
    for claim in ledger.by_paper("pathosyn"):
        for stem, _, arm, _ in rows(claim):
            assert arm in SOURCES, (claim["id"], stem, arm)
            if claim["priority"] == 1:
                assert SOURCES[arm].tier == "core", (claim["id"], arm)


def test_every_metric_and_network_that_a_claim_reads_in_a_table_is_there():
    regimes = {"table2_segmentation": arms.SEGMENTERS, "table3_classification": arms.CLASSIFIERS}
    for claim in ledger.by_paper("pathosyn"):
        for stem, regime, _, metric in rows(claim):
            assert metric in TABLES.get(stem, (metric,)), (claim["id"], metric)
            assert regime.partition("-")[0] in regimes.get(stem, (regime.partition("-")[0],))


def test_rows_and_columns_are_the_papers():
    for column in (printed.TABLE2 | printed.TABLE3).values():
        assert tuple(column) == arms.TABLE2
    assert tuple(printed.TABLE1) == arms.TABLE1
    assert tuple(printed.TABLE2) == tuple(arms.SEGMENTERS)
    assert tuple(printed.TABLE3) == tuple(arms.CLASSIFIERS)


def test_an_arm_rests_on_its_generator_and_a_control_on_none():
    for arm in SOURCES.values():
        if arm.role == "method" and arm.source:
            assert arm.generator in arms.GENERATORS, arm.name
        else:
            assert arm.generator == "", arm.name
    assert SOURCES["image_space"].generator == "pathosyn_diff", "an ablation: of what it lacks"
    assert SOURCES["maskdiff_paste"].generator == "maskdiff"
    for name in ("shuffled", "smooth", "memoriser", "oversample", "oracle", "substrate"):
        assert SOURCES[name].generator == "", name


def test_two_arms_are_one_only_where_it_says_so():
    def recipe(arm):
        own = [getattr(arm, name, "") for name in ("scene", "paste", "sampling")]
        return str([arm.source, arm.changes, arm.augment, *own])

    for first in SOURCES.values():
        for second in SOURCES.values():
            if first.name != second.name and first.source and recipe(first) == recipe(second):
                same = {ALIKE.get(arm.name, arm.name) for arm in (first, second)}
                teacher = "teacher_forced" in (first.name, second.name)  # no sample at all
                assert len(same) == 1 or teacher, (first.name, second.name)
    assert all(name in SOURCES and of in SOURCES for name, of in ALIKE.items())


def test_labels_and_standing_arms():
    labels = [arm.label for arm in SOURCES.values()]
    assert len(set(labels)) == len(labels)
    rivals = [arm for arm in SOURCES.values() if arm.generator in ("brain_ldm", "meta_auto",
                                                                   "maskdiff")]  # fmt: skip
    assert len(rivals) >= 4 and all(arm.label.endswith("(our reading)") for arm in rivals)
    roles = {name: SOURCES[name].role for name in arms.MAIN}
    for name in ("memoriser", "smooth", "shuffled"):
        assert roles[name] == "control"
    assert [n for n, role in roles.items() if role == "oracle"] == ["oracle", "oracle_augmented"]
    assert {n for n, arm in arms.MAIN.items() if arm.augment} == {
        "augmented", "pathosyn_augmented", "oracle_augmented"
    }  # fmt: skip
    assert set(arms.COPIES) == {a.source for a in SOURCES.values() if a.source in arms.COPIES}


def test_segmenters_are_networks_that_exist_with_the_share_of_labels_that_is_said():
    assert {each.architecture for each in arms.SEGMENTERS.values()} <= set(architectures.NAMES)
    shares = {name: each.labelled for name, each in arms.SEGMENTERS.items()}
    assert shares == {"nnunet": 1, "unet": 1, "meanteacher": 0.1, "contraseg": 0.1}
    kinds = {each.supervision for each in arms.SEGMENTERS.values()}
    assert kinds == set(arms.SUPERVISION)
    assert {each.supervision for each in arms.CLASSIFIERS.values()} == {"supervised"}


def test_what_cannot_be_meant_is_refused():
    with pytest.raises(ValueError, match="scene of arm a is 'sky'; use one of"):
        Placed("a", "A", scene="sky")
    with pytest.raises(ValueError, match="role of arm a is 'hero'"):
        Placed("a", "A", role="hero")
    with pytest.raises(ValueError, match="a: labelled is 10; use a share"):
        Regime("a", "A", "unet", labelled=10)
    with pytest.raises(ValueError, match="a: supervision is 'weak'"):
        Regime("a", "A", "unet", "weak")


def test_the_known_shortcut_is_a_mark_on_high_grade_and_is_looked_for_with_and_without():
    found, marked = study(plan("smoke")), arms.SHORTCUTS["marked"]
    pool = found.graded_pool(marked, 0).spec["args"]
    assert (pool["label"], pool["share"]) == (1, 1.0)
    looks = {name: job.spec["args"]["share"] for name, job in found.looks(marked, 0).items()}
    assert looks == {"low": 0.0, "high": 1.0}
    assert found.looks(SOURCES["classic"], 0) is None
