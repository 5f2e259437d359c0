"""Sections 2 to 4 of dHVAE as tables: background, method, dimensions, and how long is trained."""

import math
from collections.abc import Iterable
from dataclasses import replace

from lib.datasets import volumes
from lib.jobs import Job
from lib.papers.arms import Arm
from lib.papers.budget import SPARE, Budget
from lib.papers.dhvae import printed
from lib.papers.dhvae.arms import (
    AMOUNTS,
    DICE,
    GENERATORS,
    LIKELIHOOD,
    MAIN,
    MOST,
    RECIPES,
    SOURCES,
    added,
    chosen,
    table4_arms,
)
from lib.papers.dhvae.readings import Pairs, judged, segmented
from lib.papers.dhvae.study import Study, studies
from lib.papers.plateau import Plateaus
from lib.papers.table import Scores
from lib.profiles import Plan

TRIED_PET = (  # SUVmax, radius, and of nodes the lot: (0, 1) one in 55 %, (0.3, 1) in 79 %
    ((4, 15), (7, 19), (0, 1), {}),
    ((4, 15), (6, 15), (0, 1), {}),
    ((4, 15), (6, 16), (0.3, 1), {}),
    ((4, 15), (6, 15), (0.3, 1), {"spot_suv": (0.2, 6)}),
    ((4, 15), (5, 13), (0.3, 1), {"spot_suv": (0.2, 6), "sides_lot": (0.4, 1)}),
    ((4, 11), (7, 19), (0, 1), {}),
    ((4, 10), (6, 16), (0.3, 1), {}),
    ((4, 12), (6, 16), (0.3, 1), {}),
    ((4, 11), (7, 16), (0.3, 1), {}),
)
LAWS_TRIED = {  # before one was frozen
    "flair": ({"flair_contrast": (0.08, 0.42)}, {"flair_contrast": (0.04, 0.26)}),
    "pet": tuple(
        {"tumour_log_suvmax": tuple(round(math.log(end), 4) for end in suv),
         "tumour_radius": radius, "node_lot": lot} | more
        for suv, radius, lot, more in TRIED_PET
    ),
}  # fmt: skip


class Background(Pairs):
    """Likelihoods (DH-15), and what stopping the gradient of the dynamics costs."""

    item = "dhvae/02_background"

    def null_job(self, study: Study) -> None:
        return None

    def scores(self, study: Study) -> Iterable[Scores]:
        for arm in chosen("vae_sd", "hvae_sd", "hvae_stopped") if study.source.truth else ():
            yield Scores(arm, LIKELIHOOD, study.each(arm, lambda k, a=arm: study.likelihood(a, k)))


class Method(Pairs):
    """Joint against mask-conditional generation, FLAIR (DH-17, DH-18)."""

    item = "dhvae/03_method"

    def studies(self, plan: Plan) -> list[Study]:
        return studies(plan)[:1]

    def scores(self, study: Study) -> Iterable[Scores]:
        for arm in chosen("joint", "conditional", "oracle"):
            yield judged(study, arm, "beside")
            yield segmented(study, arm, "beside")
        yield segmented(study, SOURCES["real"], "beside")

    def more(self, study: Study) -> list[Job]:
        shown = chosen("vae", "hvae", "dhvae")  # samples beside each other
        return [study.fitted(arm, 0) for arm in shown] + [study.warm(0)]


DIMENSIONS = ("real", "augmented", "classic5", "dhvae2000", "oracle2000", "real3d", "classic5_3d")


class Dimensions(Pairs):
    """2-D and 3-D arms of Table 4, whose Dice is read with and without known slices.

    Regime "flair": only slices with a lesion count, as in the paper; "flair-all-slices": all.
    """

    item = "dhvae/04_2d_or_3d"

    def null_job(self, study: Study) -> None:
        return None

    def scores(self, study: Study) -> Iterable[Scores]:
        arms = table4_arms()
        for arm in (arms[name] for name in DIMENSIONS):
            if arm.role == "oracle" and not study.source.truth:
                continue
            each = study.each(arm, lambda k, a=arm: study.utility(a, k))
            yield Scores(arm, {"dice": "dice_selected"}, each)
            yield Scores(arm, {"dice": "dice"}, each, f"{study.modality}-all-slices")

    def printed(self, regime: str, arm: Arm, metric: str) -> float | None:
        return next(iter(printed.TABLE4.get(regime, {}).get(arm.name, {}).values()), None)


class Steps(Plateaus, Budget):
    """Dice by steps: real slices alone, augmented on the fly, and with fresh phantoms."""

    item = "dhvae/04_budget"
    metrics = DICE
    generators = tuple(chosen(*GENERATORS))
    recipes = tuple(RECIPES.values())
    judging = ("fd", "mask_adherence", "empty", "coverage")

    def studies(self, plan: Plan) -> list[Study]:
        return studies(plan)

    def tried(self, study: Study) -> tuple[dict, ...]:
        return LAWS_TRIED[study.modality]

    def arms(self, study: Study) -> list[Arm]:
        fresh = [added("oracle", n) for n in (min(AMOUNTS), MOST)]
        return [*chosen("real", "augmented"), *fresh]

    def compared(self, study: Study) -> tuple[Arm, Arm]:
        real, *_, fresh = self.arms(study)
        return real, fresh

    def steps(self, study: Study) -> int:
        return study.size.slice_steps

    def trained(self, study: Study, arm: Arm, steps: int, ranges: dict) -> Job:
        how = {"modality": study.modality, "ranges": ranges}

        def drawn(purpose: str, n: int) -> Job:
            return Job(volumes.volume_set, n=n, stream=study.stream(purpose, SPARE), **how)

        n, extra = study.some(MAIN), study.amount(arm.amount) if arm.amount else None
        oracle = {"n": study.amount(MOST), "stream": study.stream("oracle slices", SPARE)}
        made = study.segmented(
            Job(volumes.fresh_slices, **oracle, **how) if extra else None, extra, SPARE,
            real=Job(volumes.slice_set, volumes=drawn("train volumes", n), n=n),
            augment=arm.augment, steps=steps, test=drawn("budget volumes", study.size.test_volumes),
        )  # fmt: skip
        return study.scored(made)

    def halved(self, study: Study) -> Study:
        """Half of the steps; dynamics and regularisers join after the same share of them."""
        s = study.size
        each = {n: getattr(s, n) // 2 for n in ("pair_steps", "pair_delay", "lsgan_steps")}
        coder, denoiser = s.latent_steps
        size = replace(s, **each, latent_steps=(coder // 2, denoiser // 2))
        return replace(study, size=size)
