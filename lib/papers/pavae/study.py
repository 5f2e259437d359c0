"""PA-VAE (chest radiographs, 10 % labelled): the arms of the main comparison, each part a job.

Every arm takes equal gradient steps. The downstream network sees images without augmentation (the
paper states none) but in the arms of `classic`: their regime is `bare`. A draw is a fresh training
set with its own seeds and validation set, shared by all arms; the test set is one fixed set.
"""

from dataclasses import asdict, dataclass, replace
from functools import cached_property

from lib.controls import copies
from lib.datasets import source
from lib.generators import gan, template, vae
from lib.jobs import Job
from lib.machine import precision
from lib.papers.arms import Arm
from lib.papers.pavae.arms import AUTO_ENCODERS, COPIES, MAIN, Fitted
from lib.papers.pavae.sizes import SIZES, Sizes
from lib.papers.study import Study as Base
from lib.profiles import Plan
from lib.scores import images as scores
from lib.tasks import attributes, classify

REGIME = "bare"


@dataclass(frozen=True)
class Study(Base):
    """The main comparison."""

    size: Sizes

    @cached_property
    def source(self) -> source.Source:
        return source.images(self.plan.dataset, self.regime, self.plan.root or None)

    @cached_property
    def arms(self) -> dict[str, Arm]:
        """The arms of the main comparison, in the order of tables and figures."""
        return {n: arm for n, arm in MAIN.items() if self.source.truth or arm.role != "oracle"}

    # ---- data ----

    def draw(self, purpose: str, n: int, k: int = 0) -> Job:
        """n fresh phantoms for a purpose of its own."""
        return self.source.fresh(n, self.stream(purpose, k))

    def validation(self, k: int) -> Job:
        """The validation set of draw k, so that its luck is not shared by all draws."""
        return self.source.validation(self.size.validation, self.stream("validation", k))

    @cached_property
    def test(self) -> Job:
        return self.source.test(self.size.test, self.stream("test"))

    def train(self, k: int) -> Job:
        """The training set of draw k; its first `labelled` images carry labels."""
        return self.source.train(self.size.train, self.stream("train", k))

    def fresh(self, k: int) -> Job:
        """Fresh phantoms of draw k, what the oracle adds."""
        return self.draw("oracle", self.size.pool, k)

    # ---- networks that judge and guide ----

    def classifier(
        self, data: Job, n: int, steps: int, purpose: str, k: int = 0, augment: bool = True
    ) -> Job:
        """A network trained on the first n images of a set, by default with mild augmentation."""
        settings = classify.ClassifySettings(steps, augment=augment, precision=precision())
        stream = self.stream(purpose, k)
        return Job(classify.fit_job, data=data, n=n, settings=asdict(settings), stream=stream)

    @cached_property
    def reader(self) -> Job:
        """The independent judge: plentiful phantoms of its own, all labels."""
        s = self.size
        data = self.draw("reader", s.reader_images)
        return self.classifier(data, s.reader_images, s.reader_steps, "reader weights")

    def guide(self, k: int, seen: str = "labelled") -> Job:
        """The frozen extractor and classifier of PA-VAE, by what it saw (see arms.Fitted)."""
        n = self.size.train if seen == "all labels" else self.size.labelled
        augment = seen != "no augmentation"
        return self.classifier(self.train(k), n, self.size.guide_steps, "guide", k, augment)

    @cached_property
    def attribute_reader(self) -> Job:
        """The independent reader of place, size and contrast, trained on the reader's phantoms."""
        s = self.size
        settings = classify.ClassifySettings(s.reader_steps, precision=precision())
        return Job(
            attributes.fit_job, data=self.draw("reader", s.reader_images), law=self.regime,
            n=s.reader_images, settings=asdict(settings), stream=self.stream("attribute reader"),
        )  # fmt: skip

    # ---- generators ----

    def vae_settings(self, settings: vae.VaeSettings = vae.PA_VAE, **changes) -> dict:
        s = self.size
        epochs = s.vae_epochs if settings == vae.PA_VAE else s.plain_epochs
        sized = replace(settings, epochs=epochs, epoch_images=s.epoch_images, precision=precision())
        return asdict(replace(sized, **changes))

    def vae(
        self,
        k: int,
        settings: vae.VaeSettings = vae.PA_VAE,
        pseudo: bool = False,
        guide: Job | None = None,
        stopped: bool = True,
        **changes,
    ) -> Job:
        """An auto-encoder of draw k; `changes` replace settings, `guide` its network."""
        data, n, guide = self.train(k), self.size.labelled, guide or self.guide(k)
        if pseudo:
            data, n = Job(vae.pseudo_labelled, data=data, n=n, guide=guide), self.size.train
        return Job(
            vae.fit_job, data=data, n=n, guide=guide,
            validation=self.validation(k) if stopped else None,
            settings=self.vae_settings(settings, **changes), stream=self.stream("vae", k),
        )  # fmt: skip

    def gan(self, k: int, **changes) -> Job:
        s = gan.GanSettings(
            epochs=self.size.gan_epochs, epoch_images=self.size.epoch_images,
            precision=precision(), **changes,
        )  # fmt: skip
        return Job(
            gan.fit_job, data=self.train(k), n=self.size.labelled, validation=self.validation(k),
            settings=asdict(s), stream=self.stream("gan", k),
        )  # fmt: skip

    def fitted(self, arm: Arm, k: int) -> Job:
        """The generator of an arm in draw k; all of a draw share data and seeds."""
        if arm.source == "stylegan":
            return self.gan(k, **arm.changes)
        plain = arm.name == "vae" or getattr(arm, "plain", False)
        settings = vae.STANDARD if plain else vae.PA_VAE
        if not isinstance(arm, Fitted):
            return self.vae(k, settings, pseudo=arm.name == "pavae_pseudo")
        guide = self.guide(k, arm.guide)
        return self.vae(k, settings, guide=guide, stopped=arm.stopped, **arm.changes)

    def pool(self, arm: Arm, k: int, n: int | None = None) -> Job | None:
        """The labelled images an arm adds to the real ones; None if it adds none."""
        n, labelled = n or self.size.pool, self.size.labelled
        name = arm.source if arm.augment or arm.epochs else arm.name
        stream = self.stream(f"pool {name}", k)
        if arm.source in COPIES:
            return Job(
                copies.pool, data=self.train(k), labelled=labelled, n=n, kind=COPIES[arm.source],
                stream=stream,
            )  # fmt: skip
        if arm.source == "template":
            return Job(template.pool, data=self.train(k), labelled=labelled, n=n, stream=stream)
        if arm.source == "stylegan":
            weights = "paper" if arm.name == "stylegan_epochs" else "best"
            fitted = self.fitted(arm, k)
            return Job(gan.pool, fitted=fitted, weights=weights, n=n, stream=stream)
        if arm.name == "shuffled":
            return Job(copies.shuffled, pool=self.pool(self.arms["pavae"], k), stream=stream)
        if arm.source == "fresh":
            return self.fresh(k)
        if isinstance(arm, Fitted) and arm.name != "vae":  # of a draw all share the latent noise
            stream = self.stream(f"pool {arm.source}", k)
        return self.sampled(arm, k, n, stream) if arm.source else None

    def sampled(self, arm: Arm, k: int, n: int, stream: list[int]) -> Job:
        """n samples of an arm's auto-encoder, in the class mix that it asks for."""
        mix = getattr(arm, "mix", ())
        if getattr(arm, "refitted", False):
            return Job(
                vae.refitted_pool, fitted=self.fitted(arm, k), data=self.train(k),
                labelled=self.size.labelled, n=n, stream=stream,
            )  # fmt: skip
        if not mix:
            means = {} if getattr(arm, "noisy", True) else {"noisy": False}
            return Job(vae.pool, fitted=self.fitted(arm, k), n=n, stream=stream, **means)
        n = n if arm.drawn else n // sum(mix) * sum(mix)
        return Job(
            vae.pool, fitted=self.fitted(arm, k), n=n, stream=stream, mix=mix, drawn=arm.drawn
        )

    # ---- the downstream task ----

    def downstream(self, augment: bool = False, times: float = 1.0) -> dict:
        """Settings of the downstream network: `times` as many steps as every arm takes."""
        steps = round(times * self.size.arm_steps)
        return asdict(classify.ClassifySettings(steps, augment=augment, precision=precision()))

    def trained_with(
        self, pool: Job | None, k: int, extra: int | None = None, augment: bool = False,
        times: float = 1.0, again: int = 0,
    ) -> Job:  # fmt: skip
        """The downstream network of draw k with the first `extra` of a pool, applied.

        `extra` defaults to as many as there are labelled images; `again` counts further seeds.
        """
        n = self.size.labelled
        return Job(
            classify.arm, real=self.train(k), n=n, pool=pool, extra=n if extra is None else extra,
            validation=self.validation(k), test=self.test, settings=self.downstream(augment, times),
            stream=self.again("arm", k, again),
        )  # fmt: skip

    def scored_arm(self, trained: Job, k: int) -> Job:
        """AUC, sensitivity, calibration ... of a downstream network."""
        return Job(
            scores.utility, arm=trained, validation=self.validation(k), test=self.test,
            stream=self.stream("utility", k),
        )  # fmt: skip

    def used(
        self, pool: Job | None, k: int, extra: int | None = None, augment: bool = False,
        times: float = 1.0,
    ) -> Job:  # fmt: skip
        """Scores of the downstream network with a pool, the mean over the seeds of a draw."""
        def made(again: int) -> Job:
            return self.scored_arm(self.trained_with(pool, k, extra, augment, times, again), k)

        return self.over_seeds(made, alone=pool is None and not augment)

    def predictions(self, arm: Arm, k: int) -> Job:
        """The downstream network of an arm with the draw's first seed, trained and applied."""
        return self.trained_with(self.pool(arm, k), k, *self._how(arm))

    def utility(self, arm: Arm, k: int) -> Job:
        return self.used(self.pool(arm, k), k, *self._how(arm))

    def _how(self, arm: Arm) -> tuple[int, bool, float]:
        """How many images of its pool an arm adds, whether it augments, and how often the steps."""
        times = arm.amount or 1
        return self.size.labelled * times, arm.augment, 1.0 + times if arm.epochs else 1.0

    # ---- scores of generators ----

    def judged(self, pool: Job) -> Job:
        """Distances of a pool to real images, and what the independent reader sees in it."""
        n = self.size.pool
        return Job(scores.domain_fidelity, pool=pool, n=n, real=self.test, reader=self.reader)

    def lesions(self, pool: Job) -> Job:
        """Place, size and contrast of a pool's lesions beside those of real images."""
        return Job(
            attributes.compare, pool=pool, n=self.size.pool, real=self.test, law=self.regime,
            reader=self.attribute_reader,
        )  # fmt: skip

    def fidelity(self, arm: Arm, k: int) -> Job:
        return self.judged(self.pool(arm, k))

    @cached_property
    def null(self) -> Job:
        """What fidelity scores read between two sets of real images of the pools' size."""
        return Job(
            scores.fidelity_null, real=self.test, n=self.size.pool, reader=self.reader,
            splits=8, stream=self.stream("null"),
        )  # fmt: skip

    def ssim(self, arm: Arm, k: int) -> Job:
        n = min(500, self.size.test)
        pair = Job(vae.reconstruction, fitted=self.fitted(arm, k), images=self.test, n=n)
        return Job(scores.reconstruction_ssim, pair=pair)

    def memory(self, arm: Arm, k: int) -> Job:
        n = min(self.size.labelled, self.size.validation)
        parts = {"pool": self.pool(arm, k), "train": self.train(k), "holdout": self.validation(k)}
        return Job(scores.memory, n=n, **parts)

    def is_judged(self, arm: Arm) -> bool:
        """Whether the images that an arm adds are judged for fidelity; a reader needs phantoms."""
        return self.source.truth and arm.role != "baseline" and not (arm.augment or arm.epochs)

    def is_read(self, arm: Arm) -> bool:
        """Whether the lesions that an arm adds are read: those of generators and fresh phantoms."""
        return self.is_judged(arm) and (bool(arm.generator) or arm.role == "oracle")

    def reconstructs(self, arm: Arm) -> bool:
        return arm.name in AUTO_ENCODERS


def study(plan: Plan) -> Study:
    """The main comparison at the sizes of a profile."""
    return Study(plan, REGIME, SIZES[plan.profile.sizes])


def phantom_study(plan: Plan) -> Study:
    """The study of a table with fresh phantoms; raises NeedsPhantom for a folder of patients."""
    found = study(plan)
    found.source.known("the oracle of fresh phantoms")
    return found
