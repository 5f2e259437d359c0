"""PA-VAE (chest radiographs): its arms, its studies as jobs, and how they become rows.

A replicate is a fresh training draw with its own seeds, shared by all arms; validation, test and
the independent reader are one fixed draw per regime. The generators see what the arms may see: the
labelled images of the replicate (and their masks).
"""

import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import cached_property

from lib import jobs
from lib.datasets import chest
from lib.generators import copies, gan, template, vae
from lib.jobs import Job
from lib.metrics.inference import t_interval
from lib.papers import scores
from lib.profiles import Profile, precision
from lib.tasks import classify

REGIMES = ("bare", "augmented")
TABLE4 = {  # the paper's Table 4 (= 2b = 3b): auc, sens95, ece, fd, ssim
    "real": (0.760, 0.430, 0.062, None, None),
    "template": (0.785, 0.472, 0.055, 41.2, 0.63),
    "vae": (0.805, 0.498, 0.050, 38.9, 0.68),
    "stylegan": (0.818, 0.512, 0.049, 35.1, 0.72),
    "pavae": (0.842, 0.546, 0.046, 32.3, 0.75),
}
TABLE4_METRICS = ("auc", "sens95", "ece", "fd", "ssim")
ABSTRACT = {"real": (0.715, 0.091, 0.017), "pavae": (0.822, 0.295, 0.026)}  # contradicts Table 4
NAMES = {  # how figures and tables call the arms
    "real": "Real only",
    "classic": "Classical augmentation",
    "oversample": "Oversampled real",
    "template": "Template",
    "vae": "Standard VAE",
    "stylegan_epochs": "StyleGAN-lite, 8 epochs",
    "stylegan": "StyleGAN-lite",
    "pavae": "PA-VAE",
    "pavae_pseudo": "PA-VAE, pseudo-labels",
    "memoriser": "Noisy copies",
    "smooth": "Blurred copies",
    "shuffled": "PA-VAE, labels shuffled",
    "oracle": "Oracle (fresh phantoms)",
    "oracle10": "Oracle, ten times",
}
GENERATORS = ("template", "vae", "stylegan", "pavae")  # the paper's four
SECONDARY = ("stylegan_epochs", "pavae_pseudo")  # bare regime in quick, both regimes in full
UTILITY = ("auc", "auc_ovr", "sens95", "spec95", "ece", "ece_debiased", "ece_floor", "brier")
FIDELITY = ("fd", "fd2", "kid", "adherence", "adherence_ratio", "ssim_nearest")
FIDELITY += ("adherence_healthy", "adherence_left", "adherence_right")
SPARE = 999  # a replicate that no study uses: choices made before the comparison
MASK_WEIGHTS = (0.05, 0.1, 0.2, 0.5)  # lambda_mask candidates, compared on validation


@dataclass(frozen=True)
class Study:
    """The main comparison in one regime: every method returns the job that makes a thing."""

    profile: Profile
    seed: int
    regime: str

    def stream(self, purpose: str, replicate: int = 0) -> list[int]:
        """Seeds of one purpose in one replicate; the same in both regimes."""
        return [self.seed, zlib.crc32(purpose.encode()), replicate]

    def draw(self, purpose: str, n: int, replicate: int = 0) -> Job:
        return Job(chest.image_set, law=self.regime, n=n, stream=self.stream(purpose, replicate))

    @cached_property
    def validation(self) -> Job:
        return self.draw("validation", self.profile.validation)

    @cached_property
    def test(self) -> Job:
        return self.draw("test", self.profile.test)

    def train(self, k: int) -> Job:
        """The training draw of replicate k; its first `labelled` images carry labels."""
        return self.draw("train", self.profile.train, k)

    def fresh(self, k: int) -> Job:
        """Fresh phantoms of replicate k, what the oracle adds."""
        ten = self.regime == "augmented"
        n = max(self.profile.pool, 10 * self.profile.labelled if ten else 0)
        return self.draw("oracle", n, k)

    def classifier(self, data: Job, n: int, steps: int, purpose: str, k: int = 0) -> Job:
        """A network trained with mild augmentation on the first n images of a draw."""
        settings = classify.ClassifySettings(steps, augment=True, precision=precision())
        stream = self.stream(purpose, k)
        return Job(classify.fit_job, data=data, n=n, settings=asdict(settings), stream=stream)

    @cached_property
    def reader(self) -> Job:
        """The independent judge: plentiful phantoms of its own, all labels."""
        p = self.profile
        data = self.draw("reader", p.reader_images)
        return self.classifier(data, p.reader_images, p.reader_steps, "reader weights")

    def guide(self, k: int) -> Job:
        """The frozen extractor and classifier of PA-VAE: the labelled images of replicate k."""
        return self.classifier(
            self.train(k), self.profile.labelled, self.profile.guide_steps, "guide", k
        )

    def vae(
        self, k: int, settings: vae.VaeSettings = vae.PA_VAE, pseudo: bool = False, **changes
    ) -> Job:
        p = self.profile
        s = replace(
            settings, epochs=p.vae_epochs, epoch_images=p.epoch_images, precision=precision()
        )
        data, n = self.train(k), p.labelled
        if pseudo:
            data, n = Job(vae.pseudo_labelled, data=data, n=n, guide=self.guide(k)), p.train
        return Job(
            vae.fit_job, data=data, n=n, guide=self.guide(k), validation=self.validation,
            settings=asdict(replace(s, **changes)), stream=self.stream("vae", k),
        )  # fmt: skip

    def gan(self, k: int) -> Job:
        p = self.profile
        s = gan.GanSettings(epochs=p.gan_epochs, epoch_images=p.epoch_images, precision=precision())
        return Job(
            gan.fit_job, data=self.train(k), n=p.labelled, guide=self.guide(k),
            validation=self.validation, settings=asdict(s), stream=self.stream("gan", k),
        )  # fmt: skip

    def fits(self, k: int) -> dict[str, Job]:
        """The auto-encoders by arm."""
        return {
            "vae": self.vae(k, vae.STANDARD),
            "pavae": self.vae(k),
            "pavae_pseudo": self.vae(k, pseudo=True),
        }

    def pool(self, arm: str, k: int) -> Job | None:
        """The labelled images an arm adds to the real ones; None if it adds none."""
        n, labelled, stream = (
            self.profile.pool,
            self.profile.labelled,
            self.stream(f"pool {arm}", k),
        )
        copied = {"oversample": "same", "memoriser": "noisy", "smooth": "blurred"}
        if arm in ("real", "classic"):
            return None
        if arm in copied:
            kind = copied[arm]
            return Job(
                copies.pool, data=self.train(k), labelled=labelled, n=n, kind=kind, stream=stream
            )
        if arm == "template":
            return Job(template.pool, data=self.train(k), labelled=labelled, n=n, stream=stream)
        if arm in ("stylegan", "stylegan_epochs"):
            weights = "best" if arm == "stylegan" else "paper"
            return Job(gan.pool, fitted=self.gan(k), weights=weights, n=n, stream=stream)
        if arm == "shuffled":
            return Job(copies.shuffled, pool=self.pool("pavae", k), stream=stream)
        if arm in ("oracle", "oracle10"):
            return self.fresh(k)
        return Job(vae.pool, fitted=self.fits(k)[arm], n=n, stream=stream)

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms of this regime, in the order of tables and figures."""
        bare = self.regime == "bare"
        left_out = {"oracle10"} if bare else {"classic"}  # every augmented arm is `classic`
        if not (bare or self.profile.complete):
            left_out |= set(SECONDARY)
        return tuple(arm for arm in NAMES if arm not in left_out)

    def predictions(self, arm: str, k: int) -> Job:
        """The downstream network of an arm, trained and applied."""
        p, bare = self.profile, self.regime == "bare"
        settings = classify.ClassifySettings(
            steps=p.bare_steps if bare else p.augmented_steps,
            augment=not bare or arm == "classic",
            precision=precision(),
        )
        return Job(
            classify.arm, real=self.train(k), n=p.labelled, pool=self.pool(arm, k),
            extra=p.labelled * (10 if arm == "oracle10" else 1), validation=self.validation,
            test=self.test, settings=asdict(settings), stream=self.stream("arm", k),
        )  # fmt: skip

    def utility(self, arm: str, k: int) -> Job:
        return Job(
            scores.utility, arm=self.predictions(arm, k), validation=self.validation,
            test=self.test, stream=self.stream("utility", k),
        )  # fmt: skip

    def generated(self) -> tuple[str, ...]:
        """The arms whose images are judged for fidelity."""
        return tuple(a for a in self.arms if a not in ("real", "classic", "oversample", "oracle10"))

    def fidelity(self, arm: str, k: int) -> Job:
        return Job(
            scores.domain_fidelity, pool=self.pool(arm, k), n=self.profile.pool, real=self.test,
            reader=self.reader,
        )  # fmt: skip

    @cached_property
    def null(self) -> Job:
        """What fidelity scores read between two sets of real images of the pools' size."""
        return Job(
            scores.fidelity_null, real=self.test, n=self.profile.pool, reader=self.reader,
            splits=8, stream=self.stream("null"),
        )  # fmt: skip

    def ssim(self, arm: str, k: int) -> Job:
        n = min(500, self.profile.test)
        pair = Job(vae.reconstruction, fitted=self.fits(k)[arm], images=self.test, n=n)
        return Job(scores.reconstruction_ssim, pair=pair)

    def memory(self, arm: str, k: int) -> Job:
        n = min(self.profile.labelled, self.profile.validation)
        parts = {"pool": self.pool(arm, k), "train": self.train(k), "holdout": self.validation}
        return Job(scores.memory, n=n, **parts)

    def scored(self) -> dict[tuple[str, str], list[tuple[Job, Iterable[str]]]]:
        """For every (arm, kind): one (job, metrics it gives) per replicate."""
        each = range(self.profile.replicates)
        found = {
            (arm, "utility"): [(self.utility(arm, k), UTILITY) for k in each] for arm in self.arms
        }
        for arm in self.generated():
            found[arm, "fidelity"] = [(self.fidelity(arm, k), FIDELITY) for k in each]
            found[arm, "memory"] = [(self.memory(arm, k), ("nn_share",)) for k in each]
        for arm in self.fits(0).keys() & set(self.arms):
            found[arm, "ssim"] = [(self.ssim(arm, k), ("ssim",)) for k in each]
        return dict(sorted(found.items()))

    @property
    def jobs(self) -> list[Job]:
        """Everything the main comparison needs in this regime."""
        return [self.null, *(job for pairs in self.scored().values() for job, _ in pairs)]


def studies(profile: Profile, seed: int) -> list[Study]:
    """The main comparison in both regimes."""
    return [Study(profile, seed, regime) for regime in REGIMES]


def table4_jobs(profile: Profile, seed: int) -> list[Job]:
    return [job for study in studies(profile, seed) for job in study.jobs]


def table4_rows(profile: Profile, seed: int) -> list[dict]:
    """All rows of the main table, both regimes, from finished jobs."""
    return [row for study in studies(profile, seed) for row in rows(study)]


def rows(study: Study) -> list[dict]:
    """One row per arm and metric: values over replicates, with its null, oracle and the paper's."""
    values: dict[tuple[str, str], list[float]] = {}
    for (arm, _), pairs in study.scored().items():
        for job, metrics in pairs:
            found = jobs.load(job).scores
            for metric in metrics:
                values.setdefault((arm, metric), []).append(found[metric])
    null = jobs.load(study.null).scores
    return [row(study, arm, metric, values, null) for arm, metric in values]


def row(study: Study, arm: str, metric: str, values: dict, null: dict) -> dict:
    """One row; null and oracle are means over replicates of what they name.

    The null of utility is the real-only arm, of ECE its floor at perfect calibration, of FD and
    KID two sets of real images, of adherence the shuffled labels, of nn_share one half.
    """
    found = values[arm, metric]

    def mean(key: tuple[str, str]) -> float | None:
        return sum(values[key]) / len(values[key]) if key in values else None

    out = {"regime": study.regime, "arm": arm, "metric": metric, "mean": mean((arm, metric))}
    low_high = t_interval(found) if len(found) > 1 else None
    out |= {
        "ci95": low_high and list(low_high[1:]),
        "values": found,
        "oracle": mean(("oracle", metric)),
    }
    out["paper"] = dict(zip(TABLE4_METRICS, TABLE4.get(arm, ()), strict=False)).get(metric)
    if metric in null["mean"]:
        return out | {"null": null["mean"][metric], "null_sd": null["sd"][metric]}
    if metric.startswith("adherence"):
        return out | {"null": mean(("shuffled", metric))}
    if metric == "nn_share":
        return out | {"null": 0.5}
    if metric.startswith("ece"):
        return out | {"null": mean((arm, "ece_floor"))}
    return out | {"null": mean(("real", metric))}


def curve(study: Study, n: int, k: int) -> Job:
    """Real images alone, n of them: a point of the learning curve that calibrates the law."""
    p, bare = study.profile, study.regime == "bare"
    settings = classify.ClassifySettings(
        p.bare_steps if bare else p.augmented_steps, augment=not bare, precision=precision()
    )
    trained = Job(
        classify.arm, real=study.draw("calibration", p.train, k), n=n, pool=None, extra=0,
        validation=study.validation, test=study.test, settings=asdict(settings),
        stream=study.stream("calibration", k),
    )  # fmt: skip
    return Job(
        scores.utility, arm=trained, validation=study.validation, test=study.test,
        stream=study.stream("utility", k),
    )  # fmt: skip


def curve_replicates(profile: Profile) -> range:
    return range(profile.replicates if profile.complete else 2)


def data_jobs(profile: Profile, seed: int) -> list[Job]:
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
        fit for k in range(profile.replicates) for fit in (*study.fits(k).values(), study.gan(k))
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


STUDIES = {
    "table1_dataset": table1_jobs,
    "table2_settings": settings_jobs,
    "04_data": data_jobs,
    "04_training": training_jobs,
    "table4_main": table4_jobs,
}
