"""The dHVAE study: fair arms, independent judges, and a row for everything that a claim reads."""

from functools import cache

import numpy as np
import pytest

from lib import profiles
from lib.claims import ledger
from lib.jobs import Job, Result
from lib.papers import dhvae
from lib.papers.dhvae import study as st
from lib.papers.dhvae import tables
from lib.papers.rows import Scored
from lib.scores import pairs as pair_scores
from lib.tasks import segment

QUICK = profiles.get("quick")
STUDIES = {study.modality: study for study in dhvae.studies(QUICK, 0)}
FLAIR = STUDIES["flair"]


def streams(spec) -> set:
    """Every stream of seeds in a nested spec."""
    if isinstance(spec, dict):
        own = {tuple(spec["stream"])} if "stream" in spec else set()
        return own.union(*(streams(v) for v in spec.values()))
    return set().union(*(streams(v) for v in spec)) if isinstance(spec, list) else set()


def arm_args(job: Job) -> dict:
    """Arguments of the segmenter behind a job of scores."""
    return job.spec["args"]["arm"]["$job"]["args"]


@pytest.mark.parametrize(
    ("arm", "parts"),
    [("vae1500", ("vae", 1500, False)), ("dhvae500", ("dhvae", 500, False)),
     ("ldm2000_reweighted", ("ldm", 2000, True)), ("classic5_3d", ("classic5_3d", None, False)),
     ("lsgan8000", ("lsgan", 8000, False)), ("real", ("real", None, False))],
)  # fmt: skip
def test_names_of_arms_are_read(arm, parts):
    assert st.split(arm) == parts


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_2d_arms_differ_in_what_they_add_and_in_nothing_else(study):
    reference = arm_args(study.utility("real", 0))
    for arm in tables.added_arms(study):
        if "3d" in arm:
            continue
        found = arm_args(study.utility(arm, 0))
        for name in ("real", "test", "stream"):
            assert found[name] == reference[name], (arm, name)
        settings = found["settings"] | {"synthetic": None}
        assert settings == reference["settings"], arm
        assert (found["settings"]["synthetic"] == 0.5) == arm.endswith("reweighted")


def test_amounts_are_the_papers():
    for arm, n in {"dhvae500": 500, "lsgan1500": 1500, "oracle2000": 2000}.items():
        assert arm_args(FLAIR.utility(arm, 0))["extra"] == n


def test_replicates_are_fresh_draws_of_everything_but_the_test_set():
    a, b = (arm_args(FLAIR.utility("dhvae2000", k)) for k in (0, 1))
    assert a["test"] == b["test"]
    assert a["real"] != b["real"] and a["pool"] != b["pool"] and a["stream"] != b["stream"]


@pytest.mark.parametrize("arm", [*st.TABLE2, "conditional", "immediate", "beta_0.99"])
def test_generators_see_the_training_volumes_of_their_replicate_alone(arm):
    """No test volume, no judge and no oracle draw reaches a generator, at any depth."""
    seen = streams(FLAIR.pool(arm, 0).spec)
    for purpose in ("test volumes", "reader", "reader slices", "reference slices", "oracle slices"):
        assert tuple(FLAIR.stream(purpose)) not in seen, purpose
    assert tuple(FLAIR.stream("train volumes", 1)) not in seen, "nor another replicate"
    assert tuple(FLAIR.stream("train volumes", 0)) in seen


def test_a_leak_free_generator_sees_no_more_volumes_than_its_segmenter():
    def counts(spec, found):
        if isinstance(spec, dict):
            if spec.get("function") == "lib.datasets.volumes:slice_set":
                found.add(spec["args"]["n"])
            for value in spec.values():
                counts(value, found)
        return found

    assert counts(FLAIR.utility("dhvae", 0, 10).spec, set()) == {10}
    fixed = tables.volume_arms(FLAIR, 10)["dhvae_fixed"][0]
    assert counts(fixed.spec, set()) == {10, 30}, "the paper's design leaks, and is labelled so"


def test_auto_encoders_of_a_replicate_share_their_first_steps():
    warm = {str(FLAIR.fitted(arm, 0).spec["args"]["warm"]) for arm in ("vae", "hvae", "dhvae")}
    assert len(warm) == 1
    assert FLAIR.fitted("immediate", 0).spec["args"]["warm"] is None
    settings = [FLAIR.settings(arm) for arm in st.PRESETS]
    assert {s["steps"] for s in settings} == {QUICK.pair_steps}, "equal gradient steps"


def test_presets_are_the_papers_weights():
    beta = {arm: s.beta for arm, s in st.PRESETS.items()}
    assert beta["dhvae"] == 0.01 and beta["hvae_disc"] == beta["hvae_perc"] == 0.5
    assert beta["vae"] == beta["hvae"] == 0
    assert st.PRESETS["vae"].leapfrog == 0 and st.PRESETS["hvae"].leapfrog == 3
    assert not st.PRESETS["without_l1"].l1 and st.PRESETS["conditional"].condition
    assert FLAIR.settings("immediate")["delay"] == 0


def cells(regime: str, scored: Scored) -> set:
    return {(regime, arm, m) for (arm, _), each in scored.items() for _, ms in each for m in ms}


@cache
def every_cell() -> dict[str, set]:
    """{item: (regime, arm, metric)} of all rows that the tables make from jobs."""
    found: dict[str, set] = {}
    for m, s in STUDIES.items():
        for item, regime, scored in [
            ("table1_beta", m, tables.table1_scored(s)),
            ("table2_generators", m, tables.table2_scored(s)),
            ("table3_masks", m, tables.table3_scored(s)),
            ("table4_augmentation", m, tables.table4_scored(s)),
            ("02_background", m, tables.background_scored(s)),
            ("03_method", m, tables.method_scored(s)),
            ("04_2d_or_3d", m, tables.dimension_scored(s)),
            ("04_2d_or_3d", f"{m}-all-slices", tables.dimension_scored(s)),
            *(("table2_generators", f"{m}-{n}", tables.few_scored(s, n)) for n in (10, 50)),
            *(("table5_volumes", f"{m}-{n}", tables.table5_scored(s, n)) for n in st.VOLUMES),
            *(("table6_architectures", f"{m}-{a}", tables.architecture_scored(s, a))
              for a in st.ARCHITECTURES),
        ]:  # fmt: skip
            found.setdefault(item, set()).update(cells(regime, scored))
    return found


DERIVED = {"sampling_cost_ratio", "gain_residual", "best_n", "dice_range"}  # from other rows


@pytest.mark.parametrize("claim", [c for c in ledger.by_paper("dhvae") if c["testability"] != "A"],
                         ids=lambda claim: claim["id"])  # fmt: skip
def test_every_claim_finds_its_rows(claim):
    made = every_cell()
    for item, regime, arm, metric in ledger.needs(claim["test"]):
        if metric not in DERIVED:
            assert (regime, arm, metric) in made[item.removeprefix("dhvae/")]


def test_every_job_of_a_notebook_is_known_to_its_study():
    sizes = {name: len(make(QUICK, 0)) for name, make in dhvae.STUDIES.items()}
    assert min(sizes.values()) > 0
    full = {j.key for name in dhvae.STUDIES for j in dhvae.STUDIES[name](profiles.get("core"), 0)}
    quick = {j.key for name in dhvae.STUDIES for j in dhvae.STUDIES[name](QUICK, 0)}
    assert quick <= full, "more draws only add jobs"


# ---- scores ----


def toy(n: int, seed: int, radius: float = 6.0) -> Result:
    """Pairs of a disc on noise, with subjects of four slices each."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64]
    cx, cy = rng.uniform(15, 49, (2, n, 1, 1))
    mask = (x - cx) ** 2 + (y - cy) ** 2 < radius**2
    image = (0.2 + 0.5 * mask + 0.03 * rng.normal(size=mask.shape)).clip(0, 1).astype(np.float32)
    return Result({"image": image, "mask": mask, "subject": np.arange(n) // 4}, {})


@pytest.fixture(scope="module")
def reader() -> Result:
    s = segment.SegmentSettings(steps=40, free=0.0, precision="float32")
    return segment.fit_job(toy(200, 1), s.__dict__, [3])


def test_a_score_is_best_for_the_same_law_and_worse_for_a_defect(reader):
    real, same = toy(120, 2), toy(120, 3)
    small = toy(120, 4, radius=3.0)
    off = Result(same.arrays | {"mask": np.roll(same.arrays["mask"], 20, 2)}, {})
    good, bad, moved = (
        pair_scores.judge(pool, 60, real, reader).scores for pool in (same, small, off)
    )
    assert good["fd"] < bad["fd"] and good["coverage"] > bad["coverage"]
    assert good["mask_adherence"] > 0.7 > 0.3 > moved["mask_adherence"]
    assert good["fd"] == moved["fd"], "the distance of images does not see the masks"
    null = pair_scores.null(real, 50, reader, 3, [1]).scores
    assert null["sd"].keys() == null["mean"].keys() >= {"fd", "kid", "coverage", "jsd", "kld"}


def test_salt_and_pepper_fools_the_occupancy_and_not_the_shapes():
    real = toy(400, 2)
    salted = pair_scores.salt_and_pepper(real, 200, [1])
    found = pair_scores.divergence(salted, 200, real).scores
    other = pair_scores.divergence(toy(200, 9), 200, real).scores
    assert found["jsd"] < 2 * other["jsd"]
    assert found["w1_count"] > 20 * (other["w1_count"] + 0.1)


def test_copies_of_training_slices_are_nearer_to_them():
    train, holdout = toy(40, 5), toy(40, 6)
    assert pair_scores.memory(train, train, holdout, 40).scores["nn_share"] == 1
    fresh = pair_scores.memory(toy(40, 7), train, holdout, 40).scores["nn_share"]
    assert 0.2 < fresh < 0.8
