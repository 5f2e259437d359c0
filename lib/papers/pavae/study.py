"""PA-VAE (chest radiographs): the arms of the main comparison, every part of them a job.

A replicate is a fresh training draw with its own seeds, shared by all arms; validation, test and
the independent reader are one fixed draw per regime. The generators see what the arms may see: the
labelled images of the replicate (and their masks).
"""

import zlib
from dataclasses import asdict, dataclass, replace
from functools import cached_property

from lib.controls import copies
from lib.datasets import chest
from lib.generators import gan, template, vae
from lib.jobs import Job
from lib.machine import precision
from lib.papers.rows import Scored
from lib.profiles import Profile
from lib.scores import images as scores
from lib.tasks import attributes, classify

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

    def classifier(
        self, data: Job, n: int, steps: int, purpose: str, k: int = 0, augment: bool = True
    ) -> Job:
        """A network trained on the first n images of a draw, by default with mild augmentation."""
        settings = classify.ClassifySettings(steps, augment=augment, precision=precision())
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

    def plain_guide(self, k: int) -> Job:
        """The same guide trained without augmentation."""
        p = self.profile
        return self.classifier(self.train(k), p.labelled, p.guide_steps, "guide", k, augment=False)

    @cached_property
    def attribute_reader(self) -> Job:
        """The independent reader of place, size and contrast, trained on the reader's draw."""
        p = self.profile
        settings = classify.ClassifySettings(p.reader_steps, precision=precision())
        return Job(
            attributes.fit_job, data=self.draw("reader", p.reader_images), law=self.regime,
            n=p.reader_images, settings=asdict(settings), stream=self.stream("attribute reader"),
        )  # fmt: skip

    def lesions(self, pool: Job) -> Job:
        """Place, size and contrast of a pool's lesions beside those of real images."""
        return Job(
            attributes.compare, pool=pool, n=self.profile.pool, real=self.test, law=self.regime,
            reader=self.attribute_reader,
        )  # fmt: skip

    def vae_settings(self, settings: vae.VaeSettings = vae.PA_VAE, **changes) -> dict:
        p = self.profile
        s = replace(
            settings, epochs=p.vae_epochs, epoch_images=p.epoch_images, precision=precision()
        )
        return asdict(replace(s, **changes))

    def vae(
        self,
        k: int,
        settings: vae.VaeSettings = vae.PA_VAE,
        pseudo: bool = False,
        guide: Job | None = None,
        **changes,
    ) -> Job:
        """An auto-encoder of replicate k; `changes` replace settings, `guide` its network."""
        data, n, guide = self.train(k), self.profile.labelled, guide or self.guide(k)
        if pseudo:
            data, n = Job(vae.pseudo_labelled, data=data, n=n, guide=guide), self.profile.train
        return Job(
            vae.fit_job, data=data, n=n, guide=guide, validation=self.validation,
            settings=self.vae_settings(settings, **changes), stream=self.stream("vae", k),
        )  # fmt: skip

    def gan(self, k: int) -> Job:
        p = self.profile
        s = gan.GanSettings(epochs=p.gan_epochs, epoch_images=p.epoch_images, precision=precision())
        return Job(
            gan.fit_job, data=self.train(k), n=p.labelled, validation=self.validation,
            settings=asdict(s), stream=self.stream("gan", k),
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

    def downstream(self, augment: bool = False) -> dict:
        """Settings of the downstream network, the same steps for every arm of the regime."""
        p, bare = self.profile, self.regime == "bare"
        steps = p.bare_steps if bare else p.augmented_steps
        s = classify.ClassifySettings(steps, augment=augment or not bare, precision=precision())
        return asdict(s)

    def trained_with(
        self, pool: Job | None, k: int, extra: int | None = None, augment: bool = False
    ) -> Job:
        """The downstream network of replicate k with the first `extra` of a pool, applied.

        `extra` defaults to as many as there are labelled images.
        """
        n = self.profile.labelled
        return Job(
            classify.arm, real=self.train(k), n=n, pool=pool, extra=n if extra is None else extra,
            validation=self.validation, test=self.test, settings=self.downstream(augment),
            stream=self.stream("arm", k),
        )  # fmt: skip

    def scored_arm(self, trained: Job, k: int) -> Job:
        """AUC, sensitivity, calibration ... of a downstream network."""
        return Job(
            scores.utility, arm=trained, validation=self.validation, test=self.test,
            stream=self.stream("utility", k),
        )  # fmt: skip

    def predictions(self, arm: str, k: int) -> Job:
        """The downstream network of an arm of the main comparison, trained and applied."""
        extra = self.profile.labelled * (10 if arm == "oracle10" else 1)
        return self.trained_with(self.pool(arm, k), k, extra, augment=arm == "classic")

    def utility(self, arm: str, k: int) -> Job:
        return self.scored_arm(self.predictions(arm, k), k)

    def generated(self) -> tuple[str, ...]:
        """The arms whose images are judged for fidelity."""
        return tuple(a for a in self.arms if a not in ("real", "classic", "oversample", "oracle10"))

    def judged(self, pool: Job) -> Job:
        """Distances of a pool to real images, and what the independent reader sees in it."""
        n = self.profile.pool
        return Job(scores.domain_fidelity, pool=pool, n=n, real=self.test, reader=self.reader)

    def fidelity(self, arm: str, k: int) -> Job:
        return self.judged(self.pool(arm, k))

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

    @property
    def replicates(self) -> int:
        """R: training draws of this regime."""
        return self.profile.replicates if self.regime == "bare" else self.profile.augmented

    def draws(self, arm: str) -> range:
        """The replicates that an arm of the main comparison has."""
        fewer = min(self.profile.secondary, self.replicates)
        return range(fewer if arm in SECONDARY else self.replicates)

    def scored(self) -> Scored:
        """All jobs that score the main comparison in this regime."""
        found = {
            (arm, "utility"): [(self.utility(arm, k), UTILITY) for k in self.draws(arm)]
            for arm in self.arms
        }
        for arm in self.generated():
            each = self.draws(arm)
            found[arm, "fidelity"] = [(self.fidelity(arm, k), FIDELITY) for k in each]
            found[arm, "memory"] = [(self.memory(arm, k), ("nn_share",)) for k in each]
        for arm in self.fits(0).keys() & set(self.arms):
            found[arm, "ssim"] = [(self.ssim(arm, k), ("ssim",)) for k in self.draws(arm)]
        return dict(sorted(found.items()))


def studies(profile: Profile, seed: int) -> list[Study]:
    """The main comparison in both regimes."""
    return [Study(profile, seed, regime) for regime in REGIMES]
