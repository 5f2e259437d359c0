"""What rows of dHVAE's tables are made of: nulls, fidelity, answers without a generator, Dice."""

from collections.abc import Iterable
from typing import ClassVar

from lib.jobs import Job
from lib.papers.arms import Arm
from lib.papers.dhvae import marks
from lib.papers.dhvae.arms import (
    DICE,
    FIDELITY,
    MAIN,
    RECONSTRUCTION,
    SOURCES,
)
from lib.papers.dhvae.study import Study, studies
from lib.papers.table import Scores, Table
from lib.profiles import Plan
from lib.scores import pairs

ORACLE = SOURCES["oracle"]
MEAN = Arm("mean_slice", "Mean slice", "control", source="mean", oracle="")
OTHER = Arm("other_slice", "Another real slice", "control", source="other", oracle="")


def mark(arm: Arm, metric: str) -> dict:
    """The null that another row's mean is, over all its draws."""
    return {"arm": arm.name, "metric": metric, "all": True}


NEAREST = mark(ORACLE, "nearest_psnr")


class Pairs(Table):
    """A table of dHVAE: both modalities; what two sets of real slices read is the null."""

    said: ClassVar[dict] = {}  # what the paper prints: {regime: {arm: {metric: value}}}

    def studies(self, plan: Plan) -> list[Study]:
        return studies(plan)

    def null_job(self, study: Study) -> Job | None:
        return study.null if study.source.truth else None

    def null(self, arm: Arm, metric: str) -> float | dict | None:
        if metric in ("psnr", "lpips"):  # the mean slice; for the LSGAN, nearest fresh phantoms
            return NEAREST if (arm.source, metric) == ("lsgan", "psnr") else mark(MEAN, metric)
        if metric == "c2st_auc":
            return mark(SOURCES["real"], metric)
        return 0.5 if metric == "nn_share" else super().null(arm, metric)

    def printed(self, regime: str, arm: Arm, metric: str) -> float | None:
        return self.said.get(regime, {}).get(arm.name, {}).get(metric)


def drawn(study: Study, arm: Arm, tier: str = "", n: int = MAIN) -> Iterable[Scores]:
    """Fidelity and reconstruction of a generator."""
    pools = study.each(tier or arm, lambda k: study.pool(arm, k, n))
    yield Scores(arm, FIDELITY, {k: study.judged(pool) for k, pool in pools.items()})
    again = {k: study.reconstructed(arm, k, n) for k in pools}
    yield Scores(arm, ("psnr",) if arm.source == "lsgan" else RECONSTRUCTION, again)


def trained(study: Study, n: int) -> str:
    """The regime in which a generator of n volumes is judged; "" for the study's own."""
    return "" if n == MAIN else f"{study.modality}-{n}"


def judged(study: Study, arm: Arm, tier: str = "", regime: str = "", n: int = MAIN) -> Scores:
    """Fidelity of an arm's pool."""
    each = study.each(tier or arm, lambda k: study.judged(study.pool(arm, k, n)))
    return Scores(arm, FIDELITY, each, regime, trained=trained(study, n))


def answered(study: Study, arm: Arm) -> Scores:
    """PSNR and perceptual distance of an answer that no generator gave, one draw."""
    n, reader = min(300, study.size.judged_pairs), study.reader

    def make(k: int) -> Job:
        parts = {"real": study.reference, "train": study.slices(k), "n": n, "kind": arm.source}
        return Job(pairs.reconstructed, pair=Job(marks.answer, **parts), reader=reader)

    return Scores(arm, ("psnr", "lpips"), {k: make(k) for k in study.draws()[:1]})


def segmented(
    study: Study, arm: Arm, tier: str = "", regime: str = "", n: int = MAIN, network: str = "unet"
) -> Scores:
    """Dice of an arm's segmenter."""
    each = study.each(tier or arm, lambda k: study.utility(arm, k, n, network))
    return Scores(arm, DICE, each, regime, trained=trained(study, n))
