"""The jobs of Table 1, Table 2a, the learning curves that calibrate the laws, and Figure 1."""

from lib.jobs import Job
from lib.papers.pavae.study import Study, studies
from lib.profiles import Profile
from lib.tasks import classify

SPARE = 999  # a replicate that no study uses: choices made before the comparison
MASK_WEIGHTS = (0.05, 0.1, 0.2, 0.5)  # lambda_mask candidates, compared on validation


def curve(study: Study, n: int, k: int) -> Job:
    """Real images alone, n of them: a point of the learning curve that calibrates the law."""
    trained = Job(
        classify.arm, real=study.draw("calibration", study.profile.train, k), n=n, pool=None,
        extra=0, validation=study.validation, test=study.test, settings=study.downstream(),
        stream=study.stream("calibration", k),
    )  # fmt: skip
    return study.scored_arm(trained, k)


def curve_replicates(profile: Profile) -> range:
    return range(profile.replicates if profile.complete else 2)


def curve_jobs(profile: Profile, seed: int) -> list[Job]:
    """The calibration of both regimes: learning curves on arms without any generator."""
    return [
        curve(study, n, k)
        for study in studies(profile, seed)
        for n in profile.curve
        for k in curve_replicates(profile)
    ]


def table1_jobs(profile: Profile, seed: int) -> list[Job]:
    study = Study(profile, seed, "bare")
    return [study.train(0), study.validation, study.test]


def training_jobs(profile: Profile, seed: int) -> list[Job]:
    """The fits whose logs Figure 1 shows, and long training; `full` adds the lambda_mask sweep."""
    study = Study(profile, seed, "bare")
    found = [
        fit
        for k in range(profile.replicates)
        for arm, fit in {**study.fits(k), "stylegan": study.gan(k)}.items()
        if k in study.draws(arm)
    ]
    if profile.complete:
        found += mask_weight_fits(study).values()
    return [*long_training(study), *found]  # the longest first


def long_training(study: Study) -> list[Job]:
    """PA-VAE for 50 epochs, which PV-18 is judged on: five replicates in `full`, else one."""
    each = range(min(5, study.profile.replicates) if study.profile.complete else 1)
    return [study.vae(k, epochs=study.profile.long_epochs) for k in each]


def mask_weight_fits(study: Study) -> dict[float, Job]:
    """PA-VAE by lambda_mask, on a training draw that no replicate uses."""
    return {w: study.vae(SPARE, lambda_mask=w) for w in MASK_WEIGHTS}


def settings_jobs(profile: Profile, seed: int) -> list[Job]:
    """The fit whose settings Table 2a is compared with, and the guide in its loss."""
    study = Study(profile, seed, "bare")
    return [study.train(0), study.guide(0), study.vae(0)]
