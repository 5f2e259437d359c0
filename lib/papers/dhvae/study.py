"""dHVAE (brain FLAIR and head-and-neck PET): the arms of every table, each part of them a job.

A draw is a fresh set of training volumes with its own seeds, shared by all arms; the test volumes,
the reader and the slices that samples are compared with are one fixed draw per modality. A
generator sees the lesion slices of the very volumes that the segmenter is trained on.
"""

from dataclasses import asdict, dataclass, replace
from functools import cached_property

from lib.controls import copies, filters
from lib.datasets import source, volumes
from lib.generators import hvae, latent, lsgan
from lib.jobs import Job
from lib.machine import precision
from lib.papers.arms import Arm
from lib.papers.dhvae.arms import (
    ALIKE,
    AMOUNTS,
    COPIES,
    FILLED,
    LENGTHS,
    MAIN,
    MEANS,
    MOST,
    NEAR,
    ONE_SIDE,
    PRETRAINED,
    SOURCES,
    VOLUMES,
    preset,
)
from lib.papers.dhvae.sizes import SIZES, Sizes
from lib.papers.study import Study as Base
from lib.profiles import Plan
from lib.scores import pairs
from lib.tasks import pretrain, segment

SHARED = ("condition", "sd", "sd_rate", "mask_weight")  # what a warm-up has in common


@dataclass(frozen=True)
class Study(Base):
    """All arms in one modality, which is the regime of its rows."""

    size: Sizes

    @property
    def modality(self) -> str:
        return self.regime

    @cached_property
    def source(self) -> source.Source:
        return source.volumes(self.plan.dataset, self.modality, self.plan.root or None)

    # ---- data ----

    def some(self, n: int) -> int:
        """How many volumes stand for n of the paper at this size."""
        return max(2, n // self.size.volume_share)

    def volumes(self, k: int, n: int = 0) -> Job:
        """The training volumes of draw k: as many as the largest row of Table 5, or n if more."""
        most = self.some(max(n, *VOLUMES))
        return self.source.train(most, self.stream("train volumes", k))

    def slices(self, k: int, n: int = MAIN) -> Job:
        """The lesion slices (and the others) of the first n volumes: what 2-D methods see."""
        return Job(volumes.slice_set, volumes=self.volumes(k, n), n=self.some(n))

    def learnt(self, k: int, n: int = MAIN, mirrored: bool = True) -> Job:
        """What generators learn from: the lesion slices of these volumes, and mirrored ones."""
        slices = self.slices(k, n)
        return Job(volumes.mirrored, slices=slices) if mirrored else slices

    def first_volumes(self, k: int, n: int = MAIN) -> Job:
        """The first n volumes: what 3-D methods see."""
        return Job(volumes.first_volumes, volumes=self.volumes(k), n=self.some(n))

    def fresh(self, purpose: str, n: int, k: int = 0) -> Job:
        """n lesion slices of fresh subjects."""
        return self.source.fresh_slices(n, self.stream(purpose, k))

    @cached_property
    def test(self) -> Job:
        return self.source.test(self.size.test_volumes, self.stream("test volumes"))

    @cached_property
    def reference(self) -> Job:
        """Real slices that samples are compared with; the null needs twice as many and more."""
        return self.fresh("reference slices", 2 * self.size.judged_pairs + 200)

    # ---- networks that judge and guide ----

    def network(self, data: Job, steps: int, purpose: str, k: int = 0) -> Job:
        s = segment.SegmentSettings(steps=steps, precision=precision())
        stream = self.stream(purpose, k)
        return Job(segment.fit_job, data=data, settings=asdict(s), stream=stream)

    @cached_property
    def reader(self) -> Job:
        """The independent judge: a segmenter of plentiful fresh slices."""
        s = self.size
        return self.network(self.fresh("reader slices", s.known_slices), s.known_steps, "reader")

    def guide(self, k: int, n: int = MAIN) -> Job:
        """The network behind the feature loss: it sees the training slices alone."""
        return self.network(self.slices(k, n), self.size.hint_steps, "guide", k)

    # ---- generators ----

    def settings(self, arm: Arm) -> dict:
        """Settings of an arm's auto-encoder."""
        delay = self.size.pair_delay
        after = round((self.size.pair_steps - delay) * LENGTHS.get(arm.name, 1))
        sized = replace(
            preset(arm, self.modality), steps=delay + max(1, after), warm_up=delay,
            delay=0 if arm.note == "no delay" else delay, precision=precision(),
        )  # fmt: skip
        return asdict(sized)

    def fitted(self, arm: Arm, k: int, n: int = MAIN) -> Job:
        """The generator of an arm in draw k, trained on n volumes."""
        data = self.learnt(k, n, arm.note != ONE_SIDE)
        stream = self.stream(arm.source, k)
        if arm.source == "lsgan":
            s = lsgan.LsganSettings(
                steps=self.size.lsgan_steps, precision=precision(), **arm.changes
            )
            return Job(lsgan.fit_job, data=data, settings=asdict(s), stream=stream)
        if arm.source == "ldm":
            steps = dict(zip(("coder_steps", "steps"), self.size.latent_steps, strict=True))
            s = latent.LatentSettings(**steps, precision=precision())
            return Job(latent.fit_job, data=data, settings=asdict(s), stream=stream)
        settings = self.settings(arm)
        needs = settings["beta"] > 0 and settings["perc"]
        at_once = arm.note == "no delay"
        return Job(
            hvae.fit_job, data=data, guide=self.guide(k, n) if needs else None, settings=settings,
            stream=self.stream("auto-encoder", k),
            warm=None if at_once else self.warm(k, n, settings, data),
        )  # fmt: skip

    def warm(
        self, k: int, n: int = MAIN, like: dict | None = None, data: Job | None = None
    ) -> Job:
        """The plain VAE whose steps all auto-encoders of a draw have in common.

        `like`: settings of one that is not joint, or whose likelihood differs; `data`: other slices
        than those that generators learn from.
        """
        settings = self.settings(SOURCES["vae"])
        settings |= {name: like[name] for name in SHARED} if like else {}
        return Job(
            hvae.fit_job, data=data or self.learnt(k, n), guide=None,
            settings=settings | {"steps": self.size.pair_delay},
            stream=self.stream("warm auto-encoder", k),
        )  # fmt: skip

    def pool(self, arm: Arm, k: int, n: int = MAIN) -> Job | None:
        """The pairs that an arm adds to the real slices; None if it adds none."""
        if not arm.source:
            return None
        most = max(self.size.added * len(AMOUNTS), self.size.judged_pairs)
        if arm.source == "classic":
            name = f"pool {arm.name}"
            data = self.slices(k, n) if arm.dims == 2 else self.first_volumes(k, n)
            return Job(copies.classical, data=data, times=arm.amount, stream=self.stream(name, k))
        if arm.source == "dhvae_classic5":
            parts = [self.pool(SOURCES[name], k, n) for name in ("dhvae", "classic5")]
            return Job(copies.joined, pools=parts, each=[self.amount(MOST), None])
        if arm.amount and arm.amount > MOST:
            most = self.amount(arm.amount)
        if arm.note == FILLED:
            wanted, least = self.amount(arm.amount), self.size.mask_pixels
            drawn = self._drawn(replace(arm, note=""), k, n, 2 * wanted)
            return Job(filters.filled, pool=drawn, n=wanted, least=least)
        return self._drawn(arm, k, n, most)

    def _drawn(self, arm: Arm, k: int, n: int, most: int) -> Job:
        """`most` pairs of copies, fresh phantoms or a generator."""
        name = self.generator_of(arm)
        stream = self.stream(f"pool {name}", k)
        if arm.source in COPIES:
            kind = COPIES[arm.source]
            return Job(copies.pool, data=self.slices(k, n), n=most, kind=kind, stream=stream)
        if arm.source == "shuffled":
            return Job(copies.shuffled, pool=self.pool(SOURCES["dhvae"], k, n), stream=stream)
        if arm.source == "oracle":
            return self.fresh("oracle slices", most, k)
        made = {"fitted": self.fitted(arm, k, n), "n": most, "stream": stream}
        if arm.source in ("lsgan", "ldm"):
            return Job((lsgan if arm.source == "lsgan" else latent).pool, **made)
        if arm.changes.get("condition"):
            return Job(hvae.pool, **made, given=self.learnt(k, n))
        if arm.note == NEAR:
            return Job(hvae.pool, **made, near=self.learnt(k, n))
        return Job(hvae.pool, **made, noisy=arm.note != MEANS)

    def generator_of(self, arm: Arm) -> str:
        """The name under which an arm's pool is drawn: one name for what is the same generator."""
        name = arm.source if arm.amount else arm.name
        return ALIKE.get(name, name)

    # ---- scores of generators ----

    def judged(self, pool: Job) -> Job:
        n = self.size.judged_pairs
        return Job(pairs.judge, pool=pool, n=n, real=self.reference, reader=self.reader)

    def divergence(self, pool: Job) -> Job:
        return Job(pairs.divergence, pool=pool, n=self.size.judged_pairs, real=self.reference)

    @cached_property
    def null(self) -> Job:
        """What all these scores read between real slices of different subjects."""
        return Job(
            pairs.null, real=self.reference, n=self.size.judged_pairs, reader=self.reader,
            splits=6, stream=self.stream("null"),
        )  # fmt: skip

    def reconstructed(self, arm: Arm, k: int, n: int = MAIN) -> Job:
        """PSNR and perceptual distance of reconstructions; for the GAN, of nearest images."""
        m = min(300, self.size.judged_pairs)
        if arm.source == "lsgan":
            return self.nearest(self.pool(arm, k, n))
        module = latent if arm.source == "ldm" else hvae
        pair = Job(module.reconstruction, fitted=self.fitted(arm, k, n), images=self.reference, n=m)
        return Job(pairs.reconstructed, pair=pair, reader=self.reader)

    def nearest(self, pool: Job) -> Job:
        """PSNR of samples to their nearest real slice."""
        n = min(300, self.size.judged_pairs)
        return Job(pairs.nearest, pool=pool, real=self.reference, n=n)

    def memory(self, pool: Job, k: int) -> Job:
        n = self.size.remembered
        return Job(pairs.memory, pool=pool, train=self.learnt(k), holdout=self.reference, n=n)

    def likelihood(self, arm: Arm, k: int) -> Job:
        n, samples = self.size.weighed
        return Job(
            hvae.likelihood, fitted=self.fitted(arm, k), images=self.reference, n=n,
            samples=samples, stream=self.stream("likelihood", k),
        )  # fmt: skip

    # ---- segmentation ----

    def segmented(
        self, pool: Job | None, extra: int | None, k: int, n: int = MAIN,
        architecture: str = "unet", dims: int = 2, synthetic: float | None = None, again: int = 0,
        augment: bool = False, epochs: bool = False, steps: int | None = None,
        real: Job | None = None, test: Job | None = None, pretrained: bool = False,
    ) -> Job:  # fmt: skip
        """A segmenter of n real volumes and the first `extra` pairs of a pool, applied to test.

        `again` counts further seeds; `steps`, `real` and `test` replace those of the study;
        `pretrained`: the pool is learnt from first.
        """
        steps = steps or (self.size.slice_steps if dims == 2 else self.size.volume_steps)
        s = segment.SegmentSettings(
            architecture=architecture, dims=dims, steps=steps, batch=16 if dims == 2 else 2,
            synthetic=synthetic, augment=augment, epochs=epochs, precision=precision(),
        )  # fmt: skip
        real = real or (self.slices(k, n) if dims == 2 else self.first_volumes(k, n))
        trained = pretrain.arm if pretrained else segment.arm
        return Job(
            trained, real=real, pool=pool, extra=extra, test=test or self.test,
            settings=asdict(s), stream=self.again("segmenter", k, again),
        )  # fmt: skip

    def amount(self, amount: int) -> int:
        """How many synthetic slices stand for so many of the paper at this size."""
        return amount * self.size.added // AMOUNTS[0]

    def predictions(
        self, arm: Arm, k: int, n: int = MAIN, architecture: str = "unet", again: int = 0
    ) -> Job:
        """The segmenter of an arm, trained and applied to the test volumes.

        Without an amount, an arm that draws a pool adds as many slices as the paper's most.
        """
        whole = arm.source in ("", "classic", "dhvae_classic5")
        extra = None if whole else self.amount(arm.amount or MOST)
        pool = self.pool(arm, k, n)
        return self.segmented(
            pool, extra, k, n, architecture, arm.dims, arm.weighting, again,
            augment=arm.augment, epochs=arm.epochs, pretrained=arm.note == PRETRAINED,
        )  # fmt: skip

    def utility(self, arm: Arm, k: int, n: int = MAIN, architecture: str = "unet") -> Job:
        """Dice of an arm's segmenter, the mean over the seeds of a draw."""
        return self.over_seeds(
            lambda i: self.scored(self.predictions(arm, k, n, architecture, i)),
            alone=not (arm.source or arm.augment) and arm.dims == 2,
        )

    def scored(self, predictions: Job) -> Job:
        return Job(pairs.utility, arm=predictions)


def study(plan: Plan, modality: str = "flair") -> Study:
    """The study of one modality."""
    return Study(plan, modality, SIZES[plan.profile.sizes])


def studies(plan: Plan) -> list[Study]:
    """One per modality of the data set: both of them on phantoms."""
    return [study(plan, each) for each in source.modalities(plan.dataset, plan.root or None)]
