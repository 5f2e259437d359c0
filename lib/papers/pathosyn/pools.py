"""PathoSyn (brain FLAIR slices): data, independent judges, generators and what they add, as jobs.

A draw is a fresh set of training and validation subjects with its own seeds, shared by all arms;
the test subjects, the reader, the healer and the slices that samples are compared with are one
fixed draw. A generator sees the lesion slices of the very subjects that the tasks are trained on.
"""

from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Self

from lib.controls import copies
from lib.datasets import lesions, source
from lib.generators import deviation, joint, latent, maskdiff, metamorphic, patchgan
from lib.generators.pathosyn import PathoSynSettings
from lib.jobs import Job
from lib.machine import precision
from lib.papers.arms import Arm
from lib.papers.pathosyn.arms import COPIES, MARGIN, SOURCES
from lib.papers.pathosyn.sizes import Sizes
from lib.papers.study import Study
from lib.tasks import segment

SLICES = 10  # with a lesion, about, of one subject
HEALER = {"margin": MARGIN, "holes": True, "refine": True, "joint": False}
"""What makes a good f_sub where the paper's objective does not bind it: see `pathosyn`."""


@dataclass(frozen=True)
class Pools(Study):
    """What the arms of one population are made of; `regime` names it in the rows of generators."""

    size: Sizes
    grade: int | None = None  # 0 or 1: generators see, and pools hold, lesions of this grade alone

    @cached_property
    def source(self) -> source.Source:
        return source.volumes(self.plan.dataset, lesions.MODALITY, self.plan.root or None)

    @cached_property
    def parts(self) -> lesions.Lesions:
        return lesions.Lesions(self.source, self.size.subjects, self.size.slices)

    def of_grade(self, g: int) -> Self:
        """The study of one grade, whose generators train for half of the steps."""
        return replace(self.halved(), grade=g)

    def halved(self) -> Self:
        """The study whose generators have half of their steps."""
        s = self.size
        return replace(self, size=replace(
            s, substrate_steps=s.substrate_steps // 2, diff_steps=s.diff_steps // 2,
            vaegan_steps=s.vaegan_steps // 2, maskdiff_steps=s.maskdiff_steps // 2,
            meta_steps=s.meta_steps // 2, ldm_steps=tuple(steps // 2 for steps in s.ldm_steps),
        ))  # fmt: skip

    def at_subjects(self, n: int) -> Self:
        """The study of the first n training subjects; its regime is n25 for 25 of them."""
        subjects = (n, *self.size.subjects[1:])
        return replace(self, regime=f"n{n}", size=replace(self.size, subjects=subjects))

    def own(self, purpose: str, draw: int) -> list[int]:
        """Seeds of a generator and its pool: those of one grade differ from the other's."""
        return self.stream(purpose if self.grade is None else f"{purpose} {self.grade}", draw)

    # ---- data ----

    def slices(self, k: int) -> Job:
        """The training slices of draw k, with a lesion and without."""
        every = self.parts.train(self.stream("subjects", k))
        g = self.grade
        return every if g is None else Job(lesions.of_grade, slices=every, grade=g)

    def validation(self, k: int) -> Job:
        return self.parts.validation(self.stream("subjects", k))

    @cached_property
    def test_volumes(self) -> Job:
        return self.source.test(self.size.subjects[2], self.stream("test subjects"))

    @cached_property
    def test(self) -> Job:
        """The test subjects' slices: the same subjects as `test_volumes`."""
        return self.parts.test(self.stream("test subjects"))

    def truths(self, slices: Job) -> Job:
        """The truth behind slices; raises NeedsPhantom for patients."""
        self.source.known("the truth behind a lesion")
        return self.parts.truths(slices)

    def fresh(self, purpose: str, n: int, k: int = 0) -> Job | None:
        """n lesion slices of fresh subjects."""
        return self.parts.fresh(n, self.stream(purpose, k))

    @cached_property
    def reference(self) -> Job:
        """Real slices that samples are compared with; nulls need twice as many and more."""
        return self.fresh("reference slices", 2 * self.size.judged + 200)

    # ---- networks that judge ----

    @cached_property
    def known(self) -> Job:
        """The plentiful slices of fresh subjects that train the independent readers."""
        return self.fresh("reader slices", self.size.known_slices)

    @cached_property
    def reader(self) -> Job:
        """The independent judge: a segmenter."""
        s = segment.SegmentSettings(steps=self.size.known_steps, precision=precision())
        stream = self.stream("reader")
        return Job(segment.fit_job, data=self.known, settings=asdict(s), stream=stream)

    @cached_property
    def healer(self) -> Job:
        """The independent answer to what lies behind a lesion."""
        settings = self._decomposed(HEALER)
        stream = self.stream("healer")
        return Job(joint.substrate_job, data=self.known, settings=settings, stream=stream)

    # ---- generators ----

    def _decomposed(self, changes: dict) -> dict:
        """Settings of f_sub alone; of `changes` those that concern it."""
        own = {each.name for each in fields(PathoSynSettings)}
        steps = {"substrate_steps": self.size.substrate_steps, "precision": precision()}
        changed = {name: value for name, value in changes.items() if name in own}
        return asdict(PathoSynSettings(**steps | changed))

    def substrate(self, k: int, changes: dict) -> Job:
        """f_sub alone, which two-stage arms with these changes share."""
        settings, stream = self._decomposed(changes), self.own("substrate", k)
        return Job(joint.substrate_job, data=self.slices(k), settings=settings, stream=stream)

    def settings(self, arm: Arm) -> dict:
        """Settings of an arm's generator."""
        s = self.size
        p = {"precision": precision()} | arm.changes
        drawn = {"length": s.length, "sampler_steps": s.sampler_steps}
        if arm.source == "brain_ldm":
            steps = dict(zip(("coder_steps", "steps"), s.ldm_steps, strict=True))
            return asdict(latent.LatentSettings(**steps, **p))
        if arm.source == "meta_auto":
            return asdict(metamorphic.MetamorphicSettings(steps=s.meta_steps, **p))
        if arm.source == "maskdiff":
            return asdict(maskdiff.MaskDiffSettings(steps=s.maskdiff_steps, **drawn, **p))
        p["substrate_steps"] = s.substrate_steps
        if arm.source == "pathosyn_vaegan":
            return asdict(patchgan.PatchGanSettings(steps=s.vaegan_steps, **p))
        space = "image" if arm.source == "image_space" else "deviation"
        return asdict(deviation.DeviationSettings(steps=s.diff_steps, space=space, **drawn, **p))

    def fitted(self, arm: Arm, k: int) -> Job:
        """The generator of an arm in draw k."""
        parts = {"data": self.slices(k), "settings": self.settings(arm)}
        parts["stream"] = self.own(f"fit {arm.generator}", k)
        if arm.source == "brain_ldm":
            return Job(latent.fit_job, **parts)
        if arm.source == "meta_auto":
            return Job(metamorphic.fit_job, **parts)
        if arm.source == "maskdiff":
            return Job(maskdiff.fit_job, **parts)
        alone = None if parts["settings"]["joint"] else self.substrate(k, arm.changes)
        family = patchgan if arm.source == "pathosyn_vaegan" else deviation
        return Job(family.fit_job, **parts, substrate=alone)

    def pool(self, arm: Arm, k: int) -> Job | None:
        """The pairs that an arm adds to the real slices; None if it adds none."""
        if not arm.source:
            return None
        data, most = self.slices(k), max(self.size.added, self.size.judged)
        most = most if self.grade is None else most // 2  # the other grade's are as many
        drawn = {"n": most, "stream": self.own(f"pool {arm.source}", k)}
        if arm.source == "classic":
            times = max(2, 2 * self.size.added // (SLICES * self.size.subjects[0]))
            return Job(copies.classical, data=data, times=times, stream=drawn["stream"])
        if arm.source in COPIES:
            return Job(copies.traced, data=data, kind=COPIES[arm.source], **drawn)
        if arm.source == "shuffled":
            other = self.pool(SOURCES["pathosyn_diff"], k)
            return Job(copies.shuffled, pool=other, stream=drawn["stream"])
        if arm.source == "oracle":
            return self._oracle(most, k)
        return self.drawn(arm, k, **drawn)

    def _oracle(self, n: int, k: int) -> Job | None:
        if self.grade is None:
            return self.fresh("oracle slices", n, k)
        both = self.fresh("oracle slices", 3 * n, k)  # of either grade are enough
        return Job(lesions.of_grade, slices=both, grade=self.grade)

    def drawn(
        self, arm: Arm, k: int, n: int, stream: list[int], scene: str = "", data: Job | None = None
    ) -> Job:  # fmt: skip
        """n syntheses of an arm's generator, in its own scene or another; on its training slices
        or on other `data`."""
        made = {"fitted": self.fitted(arm, k), "n": n, "stream": stream}
        if arm.source in ("brain_ldm", "meta_auto"):
            return Job((latent if arm.source == "brain_ldm" else metamorphic).pool, **made)
        made |= {"data": data or self.slices(k), "scene": scene or arm.scene}
        made["how"] = "paste" if arm.paste else arm.sampling.get("fusion")
        if arm.source == "maskdiff":
            return Job(maskdiff.pool, **made)
        if arm.source == "pathosyn_vaegan":
            return Job(patchgan.pool, **made)
        changes = {name: value for name, value in arm.sampling.items() if name != "fusion"}
        if changes.get("sampler") == "ddpm":
            changes["sampler_steps"] = self.size.length
        return Job(deviation.pool, **made, changes=changes or None)

    def placed(self, arm: Arm, k: int, scene: str) -> Job:
        """As many syntheses of an arm in another scene as a distance is measured on."""
        stream = self.own(f"{scene} {arm.source}", k)
        return self.drawn(arm, k, self.size.remembered, stream, scene)
