"""Figure 1 and the calibration of the laws: fits by epoch, and learning curves of real images."""

from collections.abc import Iterable
from dataclasses import replace

from lib import jobs
from lib.datasets import variants
from lib.jobs import Job
from lib.papers.arms import Arm
from lib.papers.budget import SPARE, Budget
from lib.papers.pavae.arms import GENERATORS, MAIN, RECIPES, UTILITY
from lib.papers.pavae.study import Study, study
from lib.papers.plateau import Plateaus
from lib.papers.table import Scores, Table, row
from lib.profiles import Plan
from lib.scores import images as scores
from lib.tasks import classify

MASK_WEIGHTS = (0.05, 0.1, 0.2, 0.5)  # lambda_mask candidates, compared on validation
LONG_DRAWS = 5  # of the long training, at most
LAWS_TRIED = tuple(  # before one was frozen
    {"opacity_grey": grey, "opacity_radius": radius}
    for grey, radius in (
        ((0.10, 0.36), (0.18, 0.34)), ((0.12, 0.55), (0.18, 0.38)), ((0.15, 0.60), (0.18, 0.40)),
        ((0.25, 0.60), (0.18, 0.34)), ((0.20, 0.50), (0.22, 0.42)), ((0.15, 0.60), (0.22, 0.46)),
        ((0.15, 0.70), (0.24, 0.50)), ((0.15, 0.75), (0.24, 0.48)), ((0.20, 0.70), (0.22, 0.46)),
        ((0.20, 0.70), (0.24, 0.48)), ((0.25, 0.70), (0.24, 0.48)), ((0.25, 0.75), (0.26, 0.52)),
        ((0.30, 0.80), (0.22, 0.46)),
    )
)  # fmt: skip


def curve(study: Study, n: int, k: int) -> Job:
    """Real images alone, n of them: a point of the learning curve that calibrates the law."""
    trained = Job(
        classify.arm, real=study.draw("calibration", study.size.train, k), n=n, pool=None,
        extra=0, validation=study.validation(k), test=study.test, settings=study.downstream(),
        stream=study.stream("calibration", k),
    )  # fmt: skip
    return study.scored_arm(trained, k)


def trained_arms(study: Study) -> list[Arm]:
    """The arms whose generators are trained by epochs."""
    names = ("vae", "pavae", "pavae_bernoulli", "pavae_pseudo", "stylegan")
    return [study.arms[name] for name in names]


def long_training(study: Study) -> dict[int, Job]:
    """PA-VAE for 50 epochs, which PV-18 is judged on."""
    made = study.each("beside", lambda k: study.vae(k, epochs=study.size.long_epochs))
    return {k: made[k] for k in list(made)[:LONG_DRAWS]}


def mask_weight_fits(study: Study) -> dict[float, Job]:
    """PA-VAE by lambda_mask, on a training draw that no study uses."""
    return {w: study.vae(SPARE, lambda_mask=w) for w in MASK_WEIGHTS}


def logged(fit: Job) -> dict[str, list[float]]:
    """Every number that a finished fit logged, by epoch."""
    log = jobs.load(fit).scores["log"]
    return {name: [epoch[name] for epoch in log] for name in log[0]}


class Training(Table):
    """The fits whose logs Figure 1 shows, and long training; `full` adds the lambda_mask sweep."""

    item = "pavae/04_training"

    def studies(self, plan: Plan) -> list[Study]:
        return [study(plan)]

    def scores(self, study: Study) -> Iterable[Scores]:
        """`best_epoch` is what PV-18 asks for, so it is that of the long training; the short fits
        have a `kept_epoch`, whose upper bound is the budget itself."""
        yield Scores(study.arms["pavae"], ("best_epoch",), long_training(study))
        for arm in trained_arms(study):
            fits = study.each(arm, lambda k, a=arm: study.fitted(a, k))
            yield Scores(arm, {"kept_epoch": "best_epoch"}, fits)

    def more(self, study: Study) -> list[Job]:
        found = [study.train(0), study.validation(0)]
        if study.draws("long"):
            found += mask_weight_fits(study).values()
        return found

    def null(self, arm: Arm, metric: str) -> None:
        """None: there is no epoch of nothing."""

    def derived(self, study: Study, values: dict) -> Iterable[dict]:
        """The FD to validation of the epoch kept and of the last one."""
        for arm in trained_arms(study):
            fits = study.each(arm, lambda k, a=arm: study.fitted(a, k))
            codes = {k: job.key for k, job in fits.items()}
            fd = {k: logged(job)["fd_validation"] for k, job in fits.items()}
            each = {"": min, "_last": lambda curve: curve[-1]}
            for end, pick in each.items():
                found = {k: pick(curve) for k, curve in fd.items()}
                yield row(study, study.regime, arm.name, f"fd_validation{end}", found, codes)


class Steps(Plateaus, Budget):
    """AUC by steps: real images alone, augmented ones, and fresh phantoms beside them."""

    item = "pavae/04_budget"
    metrics = UTILITY
    generators = tuple(MAIN[name] for name in (*GENERATORS, "pavae_bernoulli"))
    recipes = tuple(RECIPES.values())
    judging = ("fd", "adherence_ratio")

    def studies(self, plan: Plan) -> list[Study]:
        return [study(plan)]

    def tried(self, study: Study) -> tuple[dict, ...]:
        return LAWS_TRIED

    def arms(self, study: Study) -> list[Arm]:
        fresh = MAIN["oracle"]
        more = [replace(fresh, name=f"oracle_x{m}", amount=m) for m in (1, 4)]
        return [MAIN["real"], MAIN["classic"], *more, replace(MAIN["oracle_classic"], amount=1)]

    def compared(self, study: Study) -> tuple[Arm, Arm]:
        real, _, fresh, *_ = self.arms(study)
        return real, fresh

    def steps(self, study: Study) -> int:
        return study.size.arm_steps

    def trained(self, study: Study, arm: Arm, steps: int, ranges: dict) -> Job:
        n, size = study.size.labelled, study.size

        def drawn(purpose: str, count: int) -> Job:
            how = {"law": study.regime, "n": count, "stream": study.stream(purpose, SPARE)}
            return Job(variants.changed_set, ranges=ranges, **how)

        real, held, validation = (
            drawn(name, count) for name, count in (
                ("train", n), ("budget", size.test), ("validation", size.validation)
            )
        )  # fmt: skip
        most = drawn("oracle", 4 * n) if arm.role == "oracle" else None
        made = Job(
            classify.arm, real=real, n=n, pool=most, extra=n * (arm.amount or 0),
            validation=validation, test=held, stream=study.stream("arm", SPARE),
            settings=study.downstream(arm.augment) | {"steps": steps},
        )  # fmt: skip
        return Job(
            scores.utility, arm=made, validation=validation, test=held,
            stream=study.stream("utility", SPARE),
        )  # fmt: skip

    def halved(self, study: Study) -> Study:
        """Half of the epochs; the best of them is chosen as ever."""
        s = study.size
        size = replace(
            s, vae_epochs=s.vae_epochs // 2, plain_epochs=s.plain_epochs // 2,
            gan_epochs=s.gan_epochs // 2,
        )  # fmt: skip
        return replace(study, size=size)
