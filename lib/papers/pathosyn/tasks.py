"""PathoSyn: the tasks that every arm is tried on, segmentation and grades of lesions, as jobs."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Self

from lib.controls import copies, labels
from lib.datasets import lesions
from lib.generators import latent, maskdiff, pathosyn
from lib.jobs import Job
from lib.machine import precision
from lib.papers.arms import Arm
from lib.papers.pathosyn.arms import (
    BOX,
    CLASSIFIERS,
    COPIES,
    FEWER,
    GENERATORS,
    SOURCES,
    Regime,
    Tried,
)
from lib.papers.pathosyn.pools import Pools
from lib.scores import graded, segmented
from lib.tasks import contrast, grade, regimes, segment, semi

ARMS_OF = {
    "supervised": regimes.supervised, "semi-supervised": semi.arm, "contrastive": contrast.arm,
}  # fmt: skip


@dataclass(frozen=True)
class Tasks(Pools):
    """What the slices of an arm are worth to networks of Tables II and III."""

    # ---- segmentation ----

    def over_networks(self, arm: Arm, make: Callable[[int], Job]) -> Job:
        """Mean over the seeds of a task's network; of real images alone there are more."""
        return self.over_seeds(make, alone=not (arm.source or arm.augment or arm.name in FEWER))

    def told(self, regime: Regime) -> Self:
        """The study of the subjects whose masks a column is told: generators and copies, which make
        pairs with masks, see no others."""
        n = self.size.subjects[0]
        known = max(1, round(regime.labelled * n))  # as regimes.split counts them
        return self if known == n else self.at_subjects(known)

    def segmenter(
        self, arm: Arm, regime: Regime, k: int, again: int = 0, changes: dict | None = None,
        test: Job | None = None,
    ) -> Job:  # fmt: skip
        """A segmenter of the real slices and an arm's, applied to the test volumes or to others;
        `changes` of its settings."""
        s, told = self.size, self.told(regime)
        pool, data = told.pool(arm, k), told if regime.supervision == "supervised" else self
        shared = {"steps": s.segment_steps, "augment": arm.augment, "precision": precision(),
                  "architecture": regime.architecture}  # fmt: skip
        if regime.supervision == "semi-supervised":
            settings = asdict(semi.TeacherSettings(labelled=regime.labelled, **shared))
        elif regime.supervision == "contrastive":
            settings = asdict(contrast.ContrastSettings(labelled=regime.labelled, **shared))
        else:
            settings = asdict(segment.SegmentSettings(**shared))
        return Job(
            ARMS_OF[regime.supervision], real=data.slices(k), pool=pool,
            extra=s.added if pool else None, test=test or self.test_volumes,
            settings=settings | (changes or {}),
            stream=self.again(f"segmenter {regime.name}", k, again),
        )  # fmt: skip

    def segmented(self, arm: Arm, regime: Regime, k: int) -> Job:
        """Dice of an arm's segmenters."""

        def make(i: int) -> Job:
            made = self.segmenter(arm, regime, k, i)
            return Job(segmented.segmented, arm=made, train=self.slices(k))

        return self.over_networks(arm, make)

    def tried_few(self, arm: Tried, k: int) -> Job:
        """Dice of a way to train on few labels, on subjects that no other study sees."""
        test = self.source.test(self.size.subjects[2], self.stream("tried subjects"))
        made = self.segmenter(arm, arm.regime, k, changes=arm.changes, test=test)
        return Job(segmented.segmented, arm=made, train=self.slices(k))

    # ---- classification ----

    def boxed(self, slices: Job, side: int | None = BOX) -> Job:
        """Images as classifiers take them; `side` None: whole slices."""
        return Job(grade.boxed, data=slices, side=side)

    def graded_pool(self, arm: Arm, k: int, side: int | None = BOX) -> Job | None:
        """The images that an arm adds, with their grades; None if it adds none."""
        if not arm.source:
            return None
        stream = self.own(f"graded {arm.source}", k)
        if arm.source == "shuffled":
            other = self.graded_pool(SOURCES["pathosyn_diff"], k, side)
            return Job(copies.shuffled, pool=other, stream=stream)
        if arm.source == "marked":
            other = self.graded_pool(SOURCES["classic"], k, side)
            return Job(labels.marked, data=other, n=None, label=1, share=1.0, stream=stream)
        return self.boxed(self.graded_slices(arm, k), side)

    def graded_slices(self, arm: Arm, k: int) -> Job:
        """Whole slices that an arm draws or copies, with masks and grades.

        A generator is fitted on each grade alone: the paper does not say how a class is drawn.
        """
        most, slices = self.size.added, self.slices(k)
        stream = self.own(f"graded {arm.source}", k)
        if arm.source == "classic":
            return Job(labels.classical, slices=slices, times=2, stream=stream)
        if arm.source in COPIES:
            made = Job(copies.traced, data=slices, n=most, kind=COPIES[arm.source], stream=stream)
            return Job(labels.traced, pool=made, slices=slices)
        if arm.source == "oracle":
            return self.fresh("oracle slices", most, k)
        return Job(labels.graded_pool, pools=[self.of_grade(g).pool(arm, k) for g in (0, 1)])

    def looks(self, arm: Arm, k: int) -> dict[str, Job] | None:
        """One test slice a subject as the generator of either grade renders what is around its
        lesion; None for an arm without a generator. A mark takes the place of a rendering where the
        arm has marks."""
        if arm.source == "marked":
            shown = {"data": self.boxed(self.seen_once), "n": None, "label": None}
            shown["stream"] = self.stream("mark")
            shares = zip(graded.LOOKS, (0.0, 1.0), strict=True)
            return {name: Job(labels.marked, share=share, **shown) for name, share in shares}
        if arm.source not in GENERATORS[:1] + GENERATORS[2:]:
            return None
        found = {}
        for g, name in enumerate(graded.LOOKS):
            part, column = self.of_grade(g)._rendering(arm, k)
            whole = Job(graded.rendered, slices=self.seen_once, made=part, column=column)
            found[name] = self.boxed(whole)
        return found

    @cached_property
    def seen_once(self) -> Job:
        """One slice of every test subject."""
        return Job(lesions.one_each, slices=self.test, n=self.size.subjects[2])

    def _rendering(self, arm: Arm, k: int) -> tuple[Job, str]:
        fitted, n = self.fitted(arm, k), self.size.subjects[2]
        if arm.source == "brain_ldm":
            made = Job(latent.reconstruction, fitted=fitted, images=self.seen_once, n=n)
            return made, "reconstruction"
        if arm.source == "maskdiff":
            stream = self.own("rendering", k)
            made = {"fitted": fitted, "data": self.seen_once, "n": n, "stream": stream}
            return Job(maskdiff.pool, **made, scene="own"), "image"
        made = Job(pathosyn.decomposition, fitted=fitted, data=self.seen_once, n=n)
        return made, "substrate"

    def classified(self, arm: Arm, regime: Regime, k: int) -> Job:
        """AUC and calibration of an arm's classifiers of grade."""
        looks = self.looks(arm, k) if regime.architecture == "resnet" else None
        return self.over_networks(arm, lambda i: self.classifier(arm, regime, k, i, looks=looks))

    def classifier(
        self, arm: Arm, regime: Regime, k: int, again: int = 0, side: int | None = BOX,
        looks: dict[str, Job] | None = None, test: Job | None = None,
    ) -> Job:  # fmt: skip
        """One of them, on the test slices or on others."""
        s, pool = self.size, self.graded_pool(arm, k, side)
        settings = asdict(grade.GradeSettings(
            network=regime.architecture, steps=s.classify_steps, augment=arm.augment
        ))  # fmt: skip
        test = self.boxed(test or self.test, side)
        made = Job(
            grade.arm, real=self.boxed(self.slices(k), side), n=None, pool=pool,
            extra=s.added if pool else None, validation=self.boxed(self.validation(k), side),
            test=test, settings=settings, looks=looks,
            stream=self.again(f"classifier {regime.name}", k, again),
        )  # fmt: skip
        shown = self.boxed(self.seen_once) if looks else None
        return Job(graded.graded, arm=made, test=test, stream=self.stream("graded", k),
                   looked=shown)  # fmt: skip

    def tried_seen(self, arm: Arm, side: int | None, k: int) -> Job:
        """The classifier of an arm that is shown so much of a slice, on slices of its own."""
        test = self.fresh("tried slices", self.size.judged, k)
        return self.classifier(arm, CLASSIFIERS["resnet"], k, side=side, test=test)
