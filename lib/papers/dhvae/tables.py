"""Which jobs every table of dHVAE needs, and how they become rows."""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from lib import jobs
from lib.generators import hvae, latent, lsgan
from lib.jobs import Job
from lib.papers.arms import Arm
from lib.papers.dhvae import marks, printed
from lib.papers.dhvae.arms import (
    AMOUNTS,
    ARCHITECTURES,
    BALANCED,
    BETAS,
    DICE,
    DIVERGENCE,
    FIDELITY,
    FURTHER,
    GENERATORS,
    LENGTHS,
    LIKELIHOOD,
    MAIN,
    MOST,
    NEARER,
    OTHERWISE,
    SOURCES,
    SWAPPED,
    TABLE2,
    VOLUMES,
    chosen,
    table4_arms,
)
from lib.papers.dhvae.diagnostics import Diagnostics
from lib.papers.dhvae.readings import (
    MEAN,
    ORACLE,
    OTHER,
    Pairs,
    answered,
    drawn,
    judged,
    segmented,
)
from lib.papers.dhvae.sections import Background, Dimensions, Method, Steps
from lib.papers.dhvae.study import Study
from lib.papers.table import Scores, made_by, row
from lib.scores import pairs

CONTRASTS = ("delayed", "with_l1", "immediate", "without_l1")  # one switch each, FLAIR


# ---- Table 1: beta ------------------------------------------------------------------------------


class Table1(Pairs):
    """Every beta, and in FLAIR one switch of dHVAE at a time, the critic's weight among them, and
    how long it trains."""

    item = "dhvae/table1_beta"
    said = printed.TABLE1

    def arms(self, study: Study) -> list[Arm]:
        found = [SOURCES[f"beta_{beta:g}"] for beta in (*BETAS, *FURTHER)]
        if study.modality == "flair":
            found += chosen(f"beta_{SWAPPED:g}", *CONTRASTS)
        return found

    def scores(self, study: Study) -> Iterable[Scores]:
        for arm in self.arms(study):
            yield from drawn(study, arm)
        for arm in chosen("hvae", *LENGTHS, *BALANCED) if study.modality == "flair" else ():
            yield judged(study, arm, "beside")
        first = {k: study.judged(study.pool(ORACLE, k)) for k in study.draws()[:1]}
        yield Scores(ORACLE, FIDELITY, first)
        yield answered(study, MEAN)


# ---- Table 2: generators ------------------------------------------------------------------------


class Table2(Pairs):
    """Seven generators, further settings of three, and controls.

    LSGAN, VAE and dHVAE of the fewest and most volumes too: DH-42, and the gate of DH-34.
    """

    item = "dhvae/table2_generators"
    said = printed.TABLE2

    def scores(self, study: Study) -> Iterable[Scores]:
        for arm in chosen(*TABLE2, "hvae_disc_0.01", "hvae_perc_0.01", "dhvae_0.5"):
            yield from drawn(study, arm)
        for arm in chosen("oracle", "memoriser", "smooth"):
            yield judged(study, arm, "core")
        for arm in chosen(*GENERATORS, "oracle", "memoriser"):
            near = study.each("core", lambda k, a=arm: study.memory(study.pool(a, k), k))
            yield Scores(arm, ("nn_share",), near)
        for arm in chosen(*NEARER):
            near = study.each(arm, lambda k, a=arm: study.memory(study.pool(a, k), k))
            yield Scores(arm, ("nn_share",), near)
        for arm in chosen(*OTHERWISE):
            yield judged(study, arm)
        for arm in chosen("vae", "hvae", "dhvae", "vae_sd", "hvae_sd"):
            yield Scores(arm, LIKELIHOOD, study.each(arm, lambda k, a=arm: study.likelihood(a, k)))
        yield from (answered(study, arm) for arm in (MEAN, OTHER))
        for arm in chosen("oracle", "memoriser"):
            near = {k: study.nearest(study.pool(arm, k)) for k in study.draws()[:1]}
            yield Scores(arm, {"nearest_psnr": "psnr"}, near)
        for n in (min(VOLUMES), max(VOLUMES)):
            for arm in chosen("lsgan", "vae", "dhvae"):
                yield judged(study, arm, "beside", f"{study.modality}-{n}", n)

    def derived(self, study: Study, values: dict) -> Iterable[dict]:
        """Floating point operations of one new pair over those of dHVAE, counted."""
        counts, first = operations(study), study.draws()[0]
        code = jobs.fingerprint([study.fitted(SOURCES[arm], first) for arm in counts])
        for arm, count in counts.items():
            ratio = {first: count / counts["dhvae"]}
            metric = "sampling_cost_ratio"
            yield row(study, study.regime, arm, metric, ratio, code, operations=count)


def operations(study: Study) -> dict[str, int]:
    """Floating point operations of one new pair, counted (multiplications and additions)."""

    def settings(name: str) -> dict:
        return study.fitted(SOURCES[name], 0).spec["args"]["settings"]

    found = {"lsgan": lsgan.operations(settings("lsgan"))}
    found["ldm"] = latent.operations(settings("ldm"))
    return found | {arm: hvae.operations(settings(arm)) for arm in ("vae", "hvae", "dhvae")}


# ---- Table 3: masks -----------------------------------------------------------------------------


SALTED = Arm("salt_and_pepper", "Salt and pepper", "control", source="salt and pepper")


class Table3(Pairs):
    """Divergences of drawn masks from real ones; salt and pepper has the right occupancy alone."""

    item = "dhvae/table3_masks"
    said = printed.TABLE3

    def scores(self, study: Study) -> Iterable[Scores]:
        for arm in chosen(*GENERATORS, "oracle", "memoriser"):
            each = study.each("core", lambda k, a=arm: study.divergence(study.pool(a, k)))
            yield Scores(arm, DIVERGENCE, each)
            apart = study.each("core", lambda k, a=arm: told_apart(study, study.pool(a, k)))
            yield Scores(arm, ("c2st_auc",), apart)
        first, salt = study.draws()[:1], salted(study)
        yield Scores(SALTED, DIVERGENCE, {k: study.divergence(salt) for k in first})
        real = told_apart(study, study.reference, last=True)
        for arm, job in ((SALTED, told_apart(study, salt)), (SOURCES["real"], real)):
            yield Scores(arm, ("c2st_auc",), dict.fromkeys(first, job))


def told_apart(study: Study, pool: Job, last: bool = False) -> Job:
    """Masks of a pool against real ones, by shape alone."""
    n = study.size.judged_pairs
    return Job(marks.told_apart, real=study.reference, pool=pool, n=n, last=last)


def salted(study: Study) -> Job:
    """Real masks whose pixels are scattered anew: meaningless, with the right occupancy."""
    n, stream = study.size.judged_pairs, study.stream("salt and pepper")
    return Job(pairs.salt_and_pepper, real=study.reference, n=n, stream=stream)


# ---- Table 4: augmentation ----------------------------------------------------------------------


class Table4(Pairs):
    """Dice with synthetic slices in four amounts, beside references, controls and the oracle."""

    item = "dhvae/table4_augmentation"
    said = printed.TABLE4
    main = tuple(
        arm for arm in table4_arms().values()
        if not arm.weighting and (arm.role == "baseline" or arm.amount == MOST)
    )  # fmt: skip

    def null_job(self, study: Study) -> None:
        return None

    def arms(self, study: Study) -> dict[str, Arm]:
        found = table4_arms(study.size.long_additions)
        return {n: arm for n, arm in found.items() if study.source.truth or arm.role != "oracle"}

    def scores(self, study: Study) -> Iterable[Scores]:
        return (segmented(study, arm) for arm in self.arms(study).values())

    def more(self, study: Study) -> list[Job]:
        if not study.source.truth:
            return []
        return [study.judged(study.pool(arm, k)) for arm in chosen(*GENERATORS)
                for k in study.draws()]  # fmt: skip

    def derived(self, study: Study, values: dict) -> Iterable[dict]:
        """`best_n`, the amount with the highest Dice, and `gain_residual` (DH-29)."""
        regime = study.regime
        dice = {arm: draws for (place, arm, metric), draws in values.items()
                if (place, metric) == (regime, "dice")}  # fmt: skip
        code = jobs.fingerprint(self._scored_jobs(study))
        for arm in GENERATORS:
            each = [dice[f"{arm}{n}"] for n in AMOUNTS]
            both = set.intersection(*map(set, each))
            best = {k: float(AMOUNTS[np.argmax([d[k] for d in each])]) for k in sorted(both)}
            made = made_by(SOURCES[arm], regime)
            yield row(study, regime, arm, "best_n", best, code, **made)
        if study.source.truth:
            residuals = {k: gain_residual(study, dice, k) for k in dice[f"dhvae{MOST}"]}
            made = made_by(SOURCES["ldm"], regime)
            yield row(study, regime, "ldm", "gain_residual", residuals, code, **made)


def gain_residual(study: Study, dice: dict, k: int) -> float:
    """Dice gain of the LDM at 2,000 minus what a line through the other generators' (FD, gain)
    predicts from its FD, in one draw."""

    def point(name: str) -> tuple[float, float]:
        gain = dice[f"{name}{MOST}"][k] - dice["real"][k]
        return jobs.load(study.judged(study.pool(SOURCES[name], k))).scores["fd"], gain

    others = [point(name) for name in GENERATORS if name != "ldm"]
    slope, level = np.polyfit(*zip(*others, strict=True), 1)
    fd, gain = point("ldm")
    return float(gain - (slope * fd + level))


# ---- Table 5: volumes ---------------------------------------------------------------------------


class Table5(Pairs):
    """Dice with 10 to 50 training volumes; `dhvae_fixed` is the paper's design, one generator of
    30 volumes in every column."""

    item = "dhvae/table5_volumes"
    said: ClassVar[dict] = {
        regime: arms | {"dhvae_fixed": arms["dhvae"]} for regime, arms in printed.TABLE5.items()
    }
    fixed = Arm("dhvae_fixed", "dHVAE of 30 volumes", tier="beside", source="dhvae")

    def null_job(self, study: Study) -> None:
        return None

    def scores(self, study: Study) -> Iterable[Scores]:
        for n in VOLUMES:
            regime = f"{study.modality}-{n}"
            for arm in chosen("real", "augmented", "dhvae", "classic5", "dhvae_classic5"):
                yield segmented(study, arm, arm.tier if n == MAIN else "beside", regime, n)
            if study.source.truth:
                yield segmented(study, ORACLE, "beside", regime, n)
            if n != MAIN:
                yield Scores(self.fixed, DICE, study.each("beside", self.leaky(study, n)), regime)

    @staticmethod
    def leaky(study: Study, n: int):
        """draw -> segmenter of n volumes with slices of the generator of 30."""

        def make(k: int) -> Job:
            pool = study.pool(SOURCES["dhvae"], k)
            extra = study.amount(MOST)
            return study.over_seeds(
                lambda i: study.scored(study.segmented(pool, extra, k, n, again=i)), alone=False
            )

        return make


# ---- Table 6: architectures ---------------------------------------------------------------------


class Table6(Pairs):
    """2-D arms, and the paper's 3-D reference, of five architectures."""

    item = "dhvae/table6_architectures"
    said = printed.TABLE6

    def null_job(self, study: Study) -> None:
        return None

    def shown(self, study: Study) -> list[str]:
        return ["real", "augmented", "dhvae", *(["oracle"] if study.source.truth else []), "real3d"]

    def scores(self, study: Study) -> Iterable[Scores]:
        for name in ARCHITECTURES:
            regime = f"{study.modality}-{name}"
            for arm in chosen(*self.shown(study)):
                yield segmented(study, arm, "beside", regime, network=name)
            for arm in chosen("oversample", "smooth", "shuffled"):  # the U-Net's are Table 4's
                tier = "beside" if name == "unet" else "long"
                yield segmented(study, arm, tier, regime, network=name)

    def derived(self, study: Study, values: dict) -> Iterable[dict]:
        """`dice_range`: how far the architectures lie apart."""
        code = jobs.fingerprint(self._scored_jobs(study))
        for arm in self.shown(study):
            each = [values[f"{study.modality}-{name}", arm, "dice"] for name in ARCHITECTURES]
            spread = {k: float(np.ptp([draws[k] for draws in each])) for k in each[0]}
            made = made_by(SOURCES[arm], study.regime)
            yield row(study, study.regime, arm, "dice_range", spread, code, **made)


TABLES = {
    table.item.rpartition("/")[2]: table
    for table in (
        Background(), Method(), Dimensions(), Steps(), Diagnostics(), Table1(), Table2(), Table3(),
        Table4(), Table5(), Table6(),
    )
}  # fmt: skip
