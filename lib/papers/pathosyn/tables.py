"""Which jobs every table and section of PathoSyn needs, and how they become rows."""

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from lib import jobs
from lib.jobs import Job
from lib.papers.arms import Arm
from lib.papers.budget import SPARE
from lib.papers.pathosyn import printed
from lib.papers.pathosyn.arms import (
    ANATOMY,
    CLASSIFICATION,
    CLASSIFIERS,
    CONTROLLED,
    DECOMPOSED,
    DIFFUSED,
    DISENTANGLEMENT,
    FEWER,
    GENERATORS,
    GRADED,
    LITERAL,
    MAIN,
    NULLS,
    SEEN,
    SEGMENTATION,
    SEGMENTERS,
    SHORTCUTS,
    SOURCES,
    TABLE1,
    TABLE2,
    TEXTURE,
    TRIED,
    Placed,
    chosen,
)
from lib.papers.pathosyn.study import Study, study
from lib.papers.plateau import Plateaus, spare
from lib.papers.table import Scores, Table
from lib.profiles import Plan
from lib.scores.coupling import COUPLINGS

COMPETENCE = ("fd", "kid", "mask_adherence", "empty", "coverage", "lesion_kid")
FORCED = ("deviation_correlation", "inside_rmse", "ring_error", "outside_energy")
HEALED = ("inside_rmse", "outside_rmse", "inside_rmse_clean", "noise_floor")
STEP = ("boundary_step", "boundary_step_error")
SLOPES = ("severity_slope", "size_slope", "position_slope", "outside_change", "seen")
FITS = ("severity_r2", "size_r2", "position_r2")
PROGRESSION = ("progression_rmse", "progression_rmse_mean", "progression_rmse_new")
OBEDIENCE = ("forbidden_energy", "orientation_coherence")
DIVERSITY = ("conditional_variance", "coverage")


class Slices(Table):
    """A table of PathoSyn: one study, and what two sets of real slices read is the null."""

    def studies(self, plan: Plan) -> list[Study]:
        return [study(plan)]


# ---- Section III --------------------------------------------------------------------------------


class Decomposition(Slices):
    """What lies behind a lesion, by f_sub and by answers that learn less (PS-09)."""

    item = "pathosyn/03a_decomposition"

    def scores(self, study: Study) -> Iterable[Scores]:
        if not study.source.truth:
            return
        for arm in DECOMPOSED.values():
            yield Scores(arm, HEALED, study.each(arm, lambda k, a=arm: study.answered(a, k)))

    def null(self, arm: Arm, metric: str) -> dict | None:
        return {"arm": "none", "metric": metric}


class Diffusion(Slices):
    """One deviation known again, drawn ones in spectrum, and few subjects (PS-10, PS-39)."""

    item = "pathosyn/03b_deviation_diffusion"

    def scores(self, study: Study) -> Iterable[Scores]:
        if not study.source.truth:
            return
        arm = DIFFUSED["teacher_forced"]
        each = study.each(arm, lambda k: study.teacher_forced(arm, k))
        yield Scores(arm, (*FORCED, "decomposition_correlation"), each)
        for arm in chosen("pathosyn_diff", "pathosyn_fast", "pathosyn_ddpm"):
            each = study.each(arm, lambda k, a=arm: study.spectrum(a, k))
            yield Scores(arm, ("spectrum_ratio", "noise_share"), each)
            each = study.each(arm, lambda k, a=arm: study.judged(study.pool(a, k)))
            yield Scores(arm, COMPETENCE, each)
        for n in study.size.sweep[:2]:
            few = study.at_subjects(n)
            for arm in chosen("deviation_space", "image_space"):
                each = few.each(arm, lambda k, a=arm, at=few: at.told_apart(at.pool(a, k), k, a))
                yield Scores(arm, ("c2st_auc",), each, few.regime, trained=study.regime)

    def null_job(self, study: Study) -> Job | None:
        return study.null if study.source.truth else None

    def null(self, arm: Arm, metric: str) -> float | None:
        return {"c2st_auc": 0.5, "spectrum_ratio": 1.0}.get(metric)


class Framework(Slices):
    """How lesions are fused, one term of the objective at a time, and the paper to the letter."""

    item = "pathosyn/03c_framework"
    fused = ("truth", "seam", "no_seam", "feathered", "poisson", "pathosyn_paste")
    rivals = ("pathosyn_vaegan", "maskdiff", "maskdiff_paste")  # with a step across the rim too

    def scores(self, study: Study) -> Iterable[Scores]:
        if not study.source.truth:
            return
        for arm in chosen(*self.fused):
            yield Scores(arm, STEP, study.each(arm, lambda k, a=arm: study.stepped(a, k)))
        for arm in chosen(*self.rivals):
            yield Scores(arm, STEP, study.each("beside", lambda k, a=arm: study.stepped(a, k)))
        for arm in chosen("full", "no_inside", "no_ring", "no_leak", "unmasked"):
            yield Scores(arm, FORCED, study.each(arm, lambda k, a=arm: study.teacher_forced(a, k)))
        for arm in (SOURCES["pathosyn_diff"], *LITERAL.values()):
            each = study.each("beside", lambda k, a=arm: study.judged(study.pool(a, k)))
            yield Scores(arm, COMPETENCE, each)

    def more(self, study: Study) -> Iterable[Job]:
        if study.source.truth and 0 in study.draws():
            yield study.answered(DECOMPOSED["substrate"], 0)  # taken apart, and fused again

    def null_job(self, study: Study) -> Job | None:
        return study.null if study.source.truth else None

    def null(self, arm: Arm, metric: str) -> None:
        return None


# ---- Section IV ---------------------------------------------------------------------------------


class Realism(Plateaus, Slices):
    """Figure 3: real against synthetic, and whether every generator is competent at all."""

    item = "pathosyn/04a_realism"
    generators = tuple(SOURCES[name] for name in GENERATORS)
    judging = COMPETENCE
    shown = (*GENERATORS, "maskdiff_paste", "pathosyn_two_stage", "pathosyn_paste",
             "pathosyn_margin", "pathosyn_own", "pathosyn_free", "oversample", "memoriser",
             "smooth", "oracle")  # fmt: skip

    def null_job(self, study: Study) -> Job | None:
        return study.null if study.source.truth else None

    def null(self, arm: Arm, metric: str) -> float | None:
        return 0.5 if metric == "c2st_auc" else None

    def halved(self, study: Study) -> Study:
        return study.halved()

    def ends(self, study: Study) -> Iterable[tuple]:
        """Under names of their own: the draws of the generators themselves decide claims."""
        for arm, before, (_, at) in super().ends(study):
            yield arm, before, (spare(arm), at)

    def scores(self, study: Study) -> Iterable[Scores]:
        for arm in chosen(*self.shown):
            each = study.each(arm, lambda k, a=arm: study.told_apart(study.pool(a, k), k, a))
            yield Scores(arm, ("c2st_auc", "c2st_bootstrap_sd"), each)
            each = study.each(arm, lambda k, a=arm: study.judged(study.pool(a, k)))
            yield Scores(arm, COMPETENCE, each)
        for few in {study.told(regime) for regime in SEGMENTERS.values()} - {study}:
            for arm in (arm for arm in chosen(*TABLE2) if arm.generator):
                each = few.each(arm, lambda k, a=arm, at=few: at.judged(at.pool(a, k)))
                yield Scores(arm, COMPETENCE, each, few.regime, trained=few.regime)
        for arm in (arm for arm in chosen(*TABLE2) if arm.generator):
            each = study.each(arm, lambda k, a=arm: study.judged(study.graded_slices(a, k)))
            yield Scores(arm, COMPETENCE, each, GRADED, trained=GRADED)
        yield from super().scores(study)


class Consistency(Slices):
    """Figures 4 and 5: texture of lesions, distance to real slices, and what is left around."""

    item = "pathosyn/04b_consistency"
    shown = (*GENERATORS, "pathosyn_paste", "memoriser", "smooth", "oracle")
    placed = ("brain_ldm", "maskdiff", "maskdiff_paste", "pathosyn_vaegan", "pathosyn_diff",
              "pathosyn_paste", "pathosyn_margin")  # fmt: skip
    pictured = ("brain_ldm", "maskdiff", "pathosyn_vaegan", "pathosyn_diff")  # Figure 4

    def null_job(self, study: Study) -> Job | None:
        return study.texture_null if study.source.truth else None

    def null(self, arm: Arm, metric: str) -> float | None:
        return 0.0 if metric in ("outside_change", "outside_error") else None

    def scores(self, study: Study) -> Iterable[Scores]:
        plain = [name for name in TEXTURE if name != "lesion_kid"]
        for arm in chosen(*self.shown):
            each = study.each(arm, lambda k, a=arm: study.textured(study.pool(a, k)))
            yield Scores(arm, tuple(plain), each)
            each = study.each(arm, lambda k, a=arm: study.judged(study.pool(a, k)))
            yield Scores(arm, ("lesion_kid",), each)
        if not study.source.truth:
            return
        split = dict.fromkeys(study.draws(), study.texture_null)
        yield Scores(NULLS["real_split"], {name: f"mean/{name}" for name in plain}, split)
        for arm in chosen(*self.placed):
            each = study.each(arm, lambda k, a=arm: study.preserved(a, k))
            yield Scores(arm, ANATOMY, each)

    def more(self, study: Study) -> Iterable[Job]:
        """The pictures of Figure 4, and the memoriser's distances in every profile: its curve is
        what those of Figure 5 are read by."""
        if not (study.source.truth and study.draws()):
            return
        k, copies = study.draws()[0], SOURCES["memoriser"]
        yield from (study.null, study.truths(study.pictured))
        yield study.textured(study.pool(copies, k))
        yield from (study.picture(arm, k) for arm in chosen(*self.pictured))

    def _nulls(self, study: Study) -> dict:
        """Those of texture, and of crops around lesions."""
        found = super()._nulls(study)
        crops = jobs.load(study.null).scores if found["mean"] else {}
        return found | {end: found[end] | {"lesion_kid": crops[end]["lesion_kid"]} for end in crops}


class Control(Slices):
    """Severity, extent, place, progression and diversity, requested against measured."""

    item = "pathosyn/05_control"

    def scores(self, study: Study) -> Iterable[Scores]:
        if not study.source.truth:
            return
        for arm in chosen("pathosyn_diff", "pathosyn_vaegan"):
            each = study.each(arm, lambda k, a=arm: study.controlled(a, k))
            yield Scores(arm, (*SLOPES, *FITS), each)
        read = CONTROLLED["true_growth"]
        growth = study.each(read, study.growth_read)
        yield Scores(read, ("size_slope", "size_r2", "seen"), growth)
        for arm in chosen("copy_last", "pathosyn_diff"):
            each = study.each(arm, lambda k, a=arm: study.progressed(a, k))
            yield Scores(arm, PROGRESSION, each)
        for arm in chosen("pathosyn_diff", "maskdiff", "oracle"):
            each = study.each(arm, lambda k, a=arm: study.anatomical(a, k))
            yield Scores(arm, OBEDIENCE, each)
        free = SOURCES["pathosyn_free"]
        each = study.each("core", lambda k: study.anatomical(free, k))
        yield Scores(free, OBEDIENCE, each)
        for arm in chosen("pathosyn_diff", "oracle"):
            yield Scores(arm, DIVERSITY, study.each(arm, lambda k, a=arm: study.diverse(a, k)))

    def more(self, study: Study) -> Iterable[Job]:
        """What figures are drawn from: the model, and slices without their noise."""
        for k in study.draws()[:1] if study.source.truth else ():
            yield from (study.fitted(SOURCES["pathosyn_diff"], k), study.clean(study.slices(k)))

    def null(self, arm: Arm, metric: str) -> dict | float | None:
        if metric in PROGRESSION:
            return {"arm": "copy_last", "metric": metric}
        return 0.0 if metric in SLOPES[:3] else None


# ---- Tables I to III ----------------------------------------------------------------------------


class Table1(Slices):
    """Does the deviation tell of its anatomy, in every method and in the phantom itself."""

    item = "pathosyn/table1_disentanglement"

    def scores(self, study: Study) -> Iterable[Scores]:
        if not study.source.truth:
            return
        coupled = {}
        for arm in chosen(*TABLE1, "pathosyn_vaegan", "oracle"):
            each = study.each(arm, lambda k, a=arm: study.coupled(study.pool(a, k), k))
            coupled[arm.name] = each
            yield Scores(arm, (*DISENTANGLEMENT, "chance"), each, "weak", trained=study.regime)
        permuted = {name: f"permuted/{name}" for name in DISENTANGLEMENT}
        yield Scores(NULLS["permutation"], permuted, coupled["pathosyn_diff"], "weak")
        for level in COUPLINGS:
            each = study.each("core", lambda k, at=level: study.truly_coupled(at, k))
            yield Scores(TRUE, (*DISENTANGLEMENT, "chance"), each, level)

    def more(self, study: Study) -> Iterable[Job]:
        if study.source.truth:
            yield study.truths(study.reference)

    def null(self, arm: Arm, metric: str) -> dict | None:
        return {"arm": "permutation", "metric": metric}

    def printed(self, regime: str, arm: Arm, metric: str) -> float | None:
        return printed.table1(arm.name, metric)


TRUE = Arm("true_pairs", "True anatomy and deviation", "oracle", oracle="")


class TaskTable(Slices):
    """A table of tasks: columns are networks, and every arm adds equally many slices."""

    columns: ClassVar[dict] = {}
    metrics: tuple[str, ...] = ()
    everywhere = (*TABLE2, "oracle")  # arms in every column, with the controls that attribute gains
    controls = ("oversample", "smooth", "shuffled")  # core in the column `plain` alone
    aside = ("meta_auto",)  # in no row of the paper's own (PS-E26): not core here either
    plain = ""  # the column that has all arms
    main = chosen(*TABLE2, "pathosyn_paste", "oversample", "smooth", "shuffled", "oracle")

    def arms(self, regime: str) -> list[Arm]:
        if regime == self.plain:
            return list(MAIN.values())
        return chosen(*self.everywhere, *self.controls)

    def job(self, study: Study, arm: Arm, regime: str, k: int) -> Job:
        raise NotImplementedError

    def trained(self, study: Study, regime: str) -> str:
        """The regime of the rows that judge the generators of a column."""
        raise NotImplementedError

    def scores(self, study: Study) -> Iterable[Scores]:
        for regime in self.columns:
            for arm in self.arms(regime):
                if arm.role == "oracle" and not study.source.truth:
                    continue
                beside = regime != self.plain and arm.name in self.controls
                beside |= arm.name in self.aside
                tier = "beside" if beside else arm.tier
                each = study.each(tier, lambda k, a=arm, r=regime: self.job(study, a, r, k))
                yield Scores(arm, self.metrics, each, regime, trained=self.trained(study, regime))

    def printed(self, regime: str, arm: Arm, metric: str) -> float | None:
        return printed.task(regime, arm.name, metric)


class Table2(TaskTable):
    """Dice of four regimes, by size of lesion too; and of few subjects (PS-40)."""

    item = "pathosyn/table2_segmentation"
    columns: ClassVar[dict] = SEGMENTERS
    metrics = SEGMENTATION
    plain = "unet"

    def arms(self, regime: str) -> list[Arm]:
        return super().arms(regime) + list(FEWER.values())

    def job(self, study: Study, arm: Arm, regime: str, k: int) -> Job:
        return study.segmented(arm, SEGMENTERS[regime], k)

    def trained(self, study: Study, regime: str) -> str:
        return study.told(SEGMENTERS[regime]).regime

    def scores(self, study: Study) -> Iterable[Scores]:
        yield from super().scores(study)
        for n in (study.size.sweep[0], study.size.sweep[-1]) if study.source.truth else ():
            few = study.at_subjects(n)
            for arm in chosen("real", "pathosyn_diff", "oracle"):
                each = few.each("long", lambda k, a=arm, at=few: self.job(at, a, "unet", k))
                yield Scores(arm, ("dice",), each, f"unet-{few.regime}", trained=study.regime)
        for arm in TRIED.values() if study.source.truth and study.draws("long") else ():
            yield Scores(arm, ("dice",), {SPARE: study.tried_few(arm, SPARE)}, "tried")


class Table3(TaskTable):
    """AUC and calibration of three classifiers of grade."""

    item = "pathosyn/table3_classification"
    columns: ClassVar[dict] = CLASSIFIERS
    metrics = CLASSIFICATION
    plain = "resnet"

    def arms(self, regime: str) -> list[Arm]:
        """Of those of `MAIN`, the ones that differ where a slice is no pair with its mask."""
        found = [arm for arm in super().arms(regime)
                 if arm.tier == "core" or arm.augment or not isinstance(arm, Placed)]  # fmt: skip
        return found + list(SHORTCUTS.values()) * (regime == self.plain)

    def scores(self, study: Study) -> Iterable[Scores]:
        yield from super().scores(study)
        if not (study.source.truth and study.draws("long")):
            return
        for arm in chosen("real", "augmented", "oracle", "oracle_augmented"):
            for seen, side in SEEN.items():
                each = {SPARE: study.tried_seen(arm, side, SPARE)}
                shown = replace(arm, name=f"{arm.name}_{seen}", oracle="")
                yield Scores(shown, ("auc", "ece_debiased"), each, "tried")

    def null(self, arm: Arm, metric: str) -> dict | float:
        return 0.0 if metric == "auc_drop" else super().null(arm, metric)

    def job(self, study: Study, arm: Arm, regime: str, k: int) -> Job:
        return study.classified(arm, CLASSIFIERS[regime], k)

    def trained(self, study: Study, regime: str) -> str:
        return GRADED


TABLES = {
    table.item.rpartition("/")[2]: table
    for table in (
        Decomposition(), Diffusion(), Framework(), Realism(), Consistency(), Control(), Table1(),
        Table2(), Table3(),
    )
}  # fmt: skip
