"""Which jobs every table of dHVAE needs, and how they become rows."""

import numpy as np

from lib import jobs
from lib.generators import hvae, latent, lsgan
from lib.jobs import Job
from lib.papers.dhvae import printed
from lib.papers.dhvae.study import (
    AMOUNTS,
    ARCHITECTURES,
    BETAS,
    DICE,
    DIVERGENCE,
    FIDELITY,
    FURTHER,
    GENERATORS,
    LIKELIHOOD,
    MAIN,
    RECONSTRUCTION,
    TABLE2,
    VOLUMES,
    Study,
    scored_by,
    studies,
)
from lib.papers.rows import Scored, Values, collect, jobs_of, mean_of, row
from lib.profiles import Profile
from lib.scores import pairs as pair_scores

TWICE = ("delayed", "with_l1")  # dHVAE itself, under the names of two claims of Table 1
CORE_ADDED = (
    "real", "classic5", "real3d", "hvae2000", "oracle2000", "oversample2000", "smooth2000",
    "shuffled2000", *(f"dhvae{n}" for n in AMOUNTS),
    *(f"{arm}{n}" for arm in ("lsgan", "ldm", "vae") for n in (1500, 2000)),
)  # fmt: skip
REWEIGHTED = tuple(f"{arm}{n}_reweighted" for arm in ("lsgan", "ldm", "vae") for n in (1500, 2000))
CONTROLS = ("oversample", "memoriser", "smooth", "shuffled", "oracle")


def rows_of(
    regime: str, values: Values, null: dict | None = None, said: dict | None = None,
    arms: tuple[str, ...] = (),
) -> list[dict]:  # fmt: skip
    """One row per arm and metric, of the named arms or of all.

    `null` are the scores of Study.null; without an entry there the null of a Dice is the real-only
    arm, of nn_share one half. `said` is what the paper prints. A score that some draw leaves
    undefined gets no row: replicates pair by position.
    """
    nulls, spread = (null or {}).get("mean", {}), (null or {}).get("sd", {})

    def about(arm: str, metric: str) -> dict:
        more = {"paper": (said or {}).get(arm, {}).get(metric)}
        arm_of_oracle = "oracle" if ("oracle", metric) in values else "oracle2000"
        more["oracle"] = mean_of(values, arm_of_oracle, metric)
        if nulls.get(metric) is not None:
            return more | {"null": nulls[metric], "null_sd": spread[metric]}
        if metric == "nn_share":
            return more | {"null": 0.5}
        return more | {"null": mean_of(values, "real", metric)}

    return [
        row(regime, arm, metric, found, **about(arm, metric))
        for (arm, metric), found in values.items()
        if (not arms or arm in arms) and None not in found
    ]


def generated(study: Study, arm: str, draws: range, n: int = MAIN) -> list:
    """Fidelity and reconstruction of a generator, as entries of scored_by."""
    pools = [study.pool(arm, k, n) for k in draws]
    again = [study.reconstructed(arm, k, n) for k in draws]
    metrics = ("psnr",) if arm == "lsgan" else RECONSTRUCTION
    return [
        (arm, "fidelity", [study.judged(pool) for pool in pools], FIDELITY),
        (arm, "reconstruction", again, metrics),
    ]


# ---- Table 1: beta ------------------------------------------------------------------------------


def beta_arms(study: Study) -> dict[str, range]:
    """The arms of Table 1 with their replicates."""
    arms = {f"beta_{b:g}": study.core for b in BETAS}
    arms |= {f"beta_{b:g}": study.beside for b in FURTHER}
    if study.modality == "flair":
        arms |= dict.fromkeys(("beta_0.99", *TWICE, "immediate", "without_l1"), study.beside)
    return arms


def table1_scored(study: Study) -> Scored:
    entries = [e for arm, draws in beta_arms(study).items() for e in generated(study, arm, draws)]
    entries += [("oracle", "fidelity", [study.judged(study.pool("oracle", 0))], FIDELITY)]
    return scored_by(entries)


def table1_jobs(profile: Profile, seed: int) -> list[Job]:
    return [j for s in studies(profile, seed) for j in (s.null, *jobs_of(table1_scored(s)))]


def table1_rows(study: Study) -> list[dict]:
    null, values = jobs.load(study.null).scores, collect(table1_scored(study))
    return rows_of(study.modality, values, null, printed.TABLE1[study.modality])


# ---- Table 2: generators ------------------------------------------------------------------------


def table2_scored(study: Study) -> Scored:
    beside = ("hvae_disc_0.01", "hvae_perc_0.01", "dhvae_0.5")
    entries = [e for arm in TABLE2 for e in generated(study, arm, study.core)]
    entries += [e for arm in beside for e in generated(study, arm, study.beside)]
    for arm in ("oracle", "memoriser", "smooth"):
        pools = [study.pool(arm, k) for k in study.core]
        entries.append((arm, "fidelity", [study.judged(pool) for pool in pools], FIDELITY))
    for arm in (*GENERATORS, "oracle", "memoriser"):
        near = [study.memory(study.pool(arm, k), k) for k in study.core]
        entries.append((arm, "memory", near, ("nn_share",)))
    for arm in ("vae", "hvae", "dhvae"):
        weighed = [study.likelihood(arm, k) for k in study.core]
        entries.append((arm, "likelihood", weighed, LIKELIHOOD))
    return scored_by(entries)


def few_scored(study: Study, n: int) -> Scored:
    """LSGAN and VAE trained on 10 or 50 volumes (DH-42)."""
    return scored_by(
        (arm, "fidelity", [study.judged(study.pool(arm, k, n)) for k in study.beside], FIDELITY)
        for arm in ("lsgan", "vae")
    )


def table2_jobs(profile: Profile, seed: int) -> list[Job]:
    found = []
    for s in studies(profile, seed):
        few = [job for n in (min(VOLUMES), max(VOLUMES)) for job in jobs_of(few_scored(s, n))]
        found += [s.null, *jobs_of(table2_scored(s)), *few]
    return found


def sampling_cost(study: Study) -> dict[str, int]:
    """Floating point operations of one new pair, counted (multiplications and additions)."""
    found = {"lsgan": lsgan.operations(study.fitted("lsgan", 0).spec["args"]["settings"])}
    found["ldm"] = latent.operations(study.fitted("ldm", 0).spec["args"]["settings"])
    return found | {arm: hvae.operations(study.settings(arm)) for arm in ("vae", "hvae", "dhvae")}


def table2_rows(study: Study) -> list[dict]:
    null, values = jobs.load(study.null).scores, collect(table2_scored(study))
    rows = rows_of(study.modality, values, null, printed.TABLE2[study.modality])
    cost = sampling_cost(study)
    for arm, count in cost.items():
        ratio = [count / cost["dhvae"]]
        rows.append(row(study.modality, arm, "sampling_cost_ratio", ratio, operations=count))
    for n in (min(VOLUMES), max(VOLUMES)):
        rows += rows_of(f"{study.modality}-{n}", collect(few_scored(study, n)), null)
    return rows


# ---- Table 3: masks -----------------------------------------------------------------------------


def table3_scored(study: Study) -> Scored:
    entries = []
    for arm in (*GENERATORS, "oracle", "memoriser"):
        each = [study.divergence(study.pool(arm, k)) for k in study.core]
        entries.append((arm, "masks", each, DIVERGENCE))
    return scored_by([*entries, ("salt_and_pepper", "masks", [salted(study)], DIVERGENCE)])


def salted(study: Study) -> Job:
    n, stream = study.profile.judged_pairs, study.stream("salt and pepper")
    pool = Job(pair_scores.salt_and_pepper, real=study.reference, n=n, stream=stream)
    return study.divergence(pool)


def table3_jobs(profile: Profile, seed: int) -> list[Job]:
    return [j for s in studies(profile, seed) for j in (s.null, *jobs_of(table3_scored(s)))]


def table3_rows(study: Study) -> list[dict]:
    null, values = jobs.load(study.null).scores, collect(table3_scored(study))
    return rows_of(study.modality, values, null, printed.TABLE3[study.modality])


# ---- Table 4: augmentation ----------------------------------------------------------------------


def added_arms(study: Study) -> dict[str, range]:
    """The arms of Table 4 with their replicates."""
    every = ("real", "classic2", "classic5", "real3d", "classic2_3d", "classic5_3d")
    amounts = (*AMOUNTS, *study.profile.long_additions)
    every += tuple(f"{arm}{n}" for arm in GENERATORS for n in amounts)
    every += tuple(f"{arm}2000" for arm in CONTROLS) + REWEIGHTED + ("dhvae2000_reweighted",)
    core = (*CORE_ADDED, *REWEIGHTED) if study.profile.complete else CORE_ADDED
    return {arm: study.draws(arm, core) for arm in every}


def table4_scored(study: Study) -> Scored:
    return scored_by(
        (arm, "utility", [study.utility(arm, k) for k in draws], DICE)
        for arm, draws in added_arms(study).items()
    )


def table4_jobs(profile: Profile, seed: int) -> list[Job]:
    fidelity = [
        study.judged(study.pool(arm, k))
        for study in studies(profile, seed) for arm in GENERATORS for k in study.core
    ]  # fmt: skip
    return [*(j for s in studies(profile, seed) for j in jobs_of(table4_scored(s))), *fidelity]


def table4_rows(study: Study) -> list[dict]:
    values = collect(table4_scored(study))
    rows = rows_of(study.modality, values, said=printed.TABLE4[study.modality])
    draws = len(values["dhvae2000", "dice"])
    residual = gain_residual(study, values, draws)
    rows.append(row(study.modality, "ldm", "gain_residual", residual))
    for arm in GENERATORS:
        found = [values[f"{arm}{n}", "dice"] for n in AMOUNTS]
        best = [float(AMOUNTS[i]) for i in np.argmax(list(zip(*found, strict=False)), axis=1)]
        rows.append(row(study.modality, arm, "best_n", best))
    return rows


def gain_residual(study: Study, values: Values, draws: int) -> list[float]:
    """Dice gain of the LDM at 2,000 minus what a line through the other generators' (FD, gain)
    predicts from its FD, per replicate (DH-29)."""

    def point(arm: str, k: int) -> tuple[float, float]:
        gain = values[f"{arm}2000", "dice"][k] - values["real", "dice"][k]
        return jobs.load(study.judged(study.pool(arm, k))).scores["fd"], gain

    found = []
    for k in range(draws):
        others = [point(arm, k) for arm in GENERATORS if arm != "ldm"]
        slope, level = np.polyfit(*zip(*others, strict=True), 1)
        fd, gain = point("ldm", k)
        found.append(float(gain - (slope * fd + level)))
    return found


# ---- Table 5: volumes ---------------------------------------------------------------------------


def volume_arms(study: Study, n: int) -> dict[str, list[Job]]:
    """Arms of one column of Table 5; dhvae_fixed is the paper's design, a generator of 30."""
    plain = ("real", "dhvae", "classic5", "dhvae_classic5")
    found = {}
    for arm in plain:
        shared = n == MAIN and arm in ("real", "classic5", "dhvae")
        draws = study.core if shared else study.beside
        found[arm] = [study.utility(arm, k, n) for k in draws]
    if n != MAIN:
        extra = study.amount(max(AMOUNTS))
        pools = [(k, study.pool("dhvae", k)) for k in study.beside]
        found["dhvae_fixed"] = [study.segmented(pool, extra, k, n) for k, pool in pools]
    return found


def table5_scored(study: Study, n: int) -> Scored:
    return scored_by((arm, "utility", each, DICE) for arm, each in volume_arms(study, n).items())


def table5_jobs(profile: Profile, seed: int) -> list[Job]:
    each = (table5_scored(s, n) for s in studies(profile, seed) for n in VOLUMES)
    return [job for scored in each for job in jobs_of(scored)]


def table5_rows(study: Study) -> list[dict]:
    found = []
    for n in VOLUMES:
        regime = f"{study.modality}-{n}"
        values, said = collect(table5_scored(study, n)), printed.TABLE5[regime]
        found += rows_of(regime, values, said=said | {"dhvae_fixed": said["dhvae"]})
    return found


# ---- Table 6: architectures ---------------------------------------------------------------------


def architecture_scored(study: Study, name: str) -> Scored:
    """2-D arms, and the paper's 3-D reference, of one architecture."""
    arms = ("real", "dhvae", "oracle", "real3d")
    if study.profile.complete or name == "unet":  # the U-Net's are those of Table 4
        arms += ("oversample", "smooth", "shuffled")
    return scored_by(
        (arm, "utility", [study.utility(arm, k, MAIN, name) for k in study.beside], DICE)
        for arm in arms
    )


def table6_jobs(profile: Profile, seed: int) -> list[Job]:
    each = (architecture_scored(s, a) for s in studies(profile, seed) for a in ARCHITECTURES)
    return [job for scored in each for job in jobs_of(scored)]


def table6_rows(study: Study) -> list[dict]:
    found, each = [], {}
    for name in ARCHITECTURES:
        regime = f"{study.modality}-{name}"
        values = each[name] = collect(architecture_scored(study, name))
        found += rows_of(regime, values, said=printed.TABLE6[regime])
    for arm in ("real", "dhvae", "oracle", "real3d"):
        scores = np.array([values[arm, "dice"] for values in each.values()])
        found.append(row(study.modality, arm, "dice_range", np.ptp(scores, axis=0).tolist()))
    return found


# ---- sections 2 to 4 ----------------------------------------------------------------------------


def background_scored(study: Study) -> Scored:
    """Likelihoods (DH-15), and what stopping the gradient of the dynamics costs."""
    draws = {"vae": study.core, "hvae": study.core, "hvae_stopped": study.beside}
    return scored_by(
        (arm, "likelihood", [study.likelihood(arm, k) for k in each], LIKELIHOOD)
        for arm, each in draws.items()
    )


def background_jobs(profile: Profile, seed: int) -> list[Job]:
    return [job for s in studies(profile, seed) for job in jobs_of(background_scored(s))]


def background_rows(study: Study) -> list[dict]:
    return rows_of(study.modality, collect(background_scored(study)))


def method_scored(study: Study) -> Scored:
    """Joint against mask-conditional generation, FLAIR (DH-17, DH-18)."""
    entries = []
    for arm in ("joint", "conditional"):
        pools = [study.pool(arm, k) for k in study.beside]
        added = [study.added(arm, max(AMOUNTS), k) for k in study.beside]
        entries.append((arm, "fidelity", [study.judged(pool) for pool in pools], FIDELITY))
        entries.append((arm, "utility", added, DICE))
    real = [study.utility("real", k) for k in study.beside]
    oracle = [study.added("oracle", max(AMOUNTS), k) for k in study.beside]
    fresh = [study.judged(study.pool("oracle", k)) for k in study.beside]
    entries += [("real", "utility", real, DICE), ("oracle", "utility", oracle, DICE)]
    return scored_by([*entries, ("oracle", "fidelity", fresh, FIDELITY)])


def method_jobs(profile: Profile, seed: int) -> list[Job]:
    study = studies(profile, seed)[0]
    shown = [study.fitted(arm, 0) for arm in ("vae", "hvae")]  # samples beside those of dHVAE
    return [study.null, *jobs_of(method_scored(study)), *shown]


def method_rows(study: Study) -> list[dict]:
    return rows_of(study.modality, collect(method_scored(study)), jobs.load(study.null).scores)


DIMENSIONS = ("real", "classic5", "dhvae2000", "oracle2000", "real3d", "classic5_3d")


def dimension_scored(study: Study) -> Scored:
    """2-D and 3-D arms of Table 4, whose Dice is read with and without known slices."""
    arms = added_arms(study)
    return scored_by(
        (arm, "utility", [study.utility(arm, k) for k in arms[arm]], DICE) for arm in DIMENSIONS
    )


def dimension_jobs(profile: Profile, seed: int) -> list[Job]:
    return [job for s in studies(profile, seed) for job in jobs_of(dimension_scored(s))]


def dimension_rows(study: Study) -> list[dict]:
    """Regime "flair": only slices with a lesion count, as in the paper; "flair-all-slices": all."""
    values, said = collect(dimension_scored(study)), printed.TABLE4[study.modality]
    found = []
    every = f"{study.modality}-all-slices"
    for regime, metric in ((study.modality, "dice_selected"), (every, "dice")):
        renamed = {(arm, "dice"): v for (arm, name), v in values.items() if name == metric}
        paper = {arm: {"dice": next(iter(row.values()))} for arm, row in said.items()}
        found += rows_of(regime, renamed, said=paper if metric == "dice_selected" else None)
    return found
