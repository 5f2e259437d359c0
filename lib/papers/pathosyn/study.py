"""PathoSyn (brain FLAIR slices): the arms of every table, each part of them a job.

A draw is a fresh set of training and validation subjects with its own seeds, shared by all arms;
the test subjects, the reader, the healer and the slices that samples are compared with are one
fixed draw. A generator sees the lesion slices of the very subjects that the tasks are trained on.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property

from lib.controls import copies, labels
from lib.datasets import counterfactuals, lesions, source
from lib.generators import deviation, joint, latent, maskdiff, metamorphic, patchgan, pathosyn
from lib.generators.pathosyn import PathoSynSettings
from lib.jobs import Job
from lib.machine import precision
from lib.papers.arms import Arm
from lib.papers.pathosyn.arms import COPIES, GENERATORS, MARGIN, SOURCES, Regime
from lib.papers.pathosyn.sizes import SIZES, Sizes
from lib.papers.study import Study as Base
from lib.profiles import Plan
from lib.scores import (
    anatomy,
    controlled,
    coupling,
    deviations,
    graded,
    pairs,
    realism,
    segmented,
    texture,
)
from lib.tasks import contrast, grade, regimes, segment, semi

HEALER = {"margin": MARGIN, "holes": True, "refine": True, "joint": False}
"""What makes a good f_sub where the paper's objective does not bind it: see `pathosyn`."""
GROWTH = 1.4  # factor of a tumour's radius from one image to the next
PICTURED = 4  # test subjects of whom a picture is made
ARMS_OF = {
    "supervised": regimes.supervised, "semi-supervised": semi.arm, "contrastive": contrast.arm,
}  # fmt: skip


@dataclass(frozen=True)
class Study(Base):
    """All arms on one population; `regime` names it in the rows of generators."""

    size: Sizes
    grade: int | None = None  # 0 or 1: generators see, and pools hold, lesions of this grade alone

    @cached_property
    def source(self) -> source.Source:
        return source.volumes(self.plan.dataset, lesions.MODALITY, self.plan.root or None)

    @cached_property
    def parts(self) -> lesions.Lesions:
        return lesions.Lesions(self.source, self.size.subjects, self.size.slices)

    def of_grade(self, g: int) -> "Study":
        """The study of one grade, whose generators train for half of the steps."""
        return replace(self.halved(), grade=g)

    def halved(self) -> "Study":
        """The study whose generators have half of their steps."""
        s = self.size
        return replace(self, size=replace(
            s, substrate_steps=s.substrate_steps // 2, diff_steps=s.diff_steps // 2,
            vaegan_steps=s.vaegan_steps // 2, maskdiff_steps=s.maskdiff_steps // 2,
            meta_steps=s.meta_steps // 2, ldm_steps=tuple(steps // 2 for steps in s.ldm_steps),
        ))  # fmt: skip

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
        drawn = {"n": most, "stream": self.own(f"pool {arm.source}", k)}
        if arm.source == "classic":
            return Job(copies.classical, data=data, times=2, stream=drawn["stream"])
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

    # ---- scores of samples ----

    def judged(self, pool: Job) -> Job:
        """Fidelity, adherence and coverage in the independent reader's eyes."""
        n = self.size.judged
        return Job(pairs.judge, pool=pool, n=n, real=self.reference, reader=self.reader)

    @cached_property
    def null(self) -> Job:
        """What `judged` reads between real slices of different subjects."""
        return Job(
            pairs.null, real=self.reference, n=self.size.judged, reader=self.reader, splits=6,
            stream=self.stream("null"),
        )  # fmt: skip

    def told_apart(self, pool: Job, k: int, arm: Arm) -> Job:
        """A judge of real against synthetic, the mean over its seeds."""
        return self.over_seeds(lambda i: self.one_judge(pool, k, arm, i), alone=False)

    def one_judge(self, pool: Job, k: int, arm: Arm, again: int = 0) -> Job:
        """The judge of one seed, whose scores make a curve."""
        s = grade.GradeSettings(steps=self.size.judge_steps)
        return Job(
            realism.judged, pool=pool, n=self.size.judged, real=self.reference, settings=asdict(s),
            stream=self.again("judge", k, again), slices=self.slices(k),
            scene=getattr(arm, "scene", "exchanged"),
        )  # fmt: skip

    def textured(self, pool: Job) -> Job:
        """Texture of lesions, and distance of slices to real ones."""
        n, fresh = self.size.judged, self.fresh("distance slices", self.size.judged)
        real, reader = self.reference, self.reader
        return Job(texture.texture_scores, pool=pool, n=n, real=real, reader=reader, fresh=fresh)

    @cached_property
    def texture_null(self) -> Job:
        """What `textured` reads between real slices of different subjects."""
        return Job(
            texture.texture_null, real=self.reference, n=self.size.judged, reader=self.reader,
            splits=6, stream=self.stream("texture null"),
            fresh=self.fresh("distance slices", self.size.judged),
        )  # fmt: skip

    def preserved(self, arm: Arm, k: int) -> Job:
        """What a lesion that is put on a lesion-free slice leaves of it; of a generator that takes
        no anatomy, what its auto-encoder alone changes."""
        n = self.size.remembered
        if arm.source == "brain_ldm":
            fitted = self.fitted(arm, k)
            pair = Job(latent.reconstruction, fitted=fitted, images=self.reference, n=n)
            truth = self.truths(self.reference)
            return Job(anatomy.reconstructed_change, pair=pair, reader=self.reader, truths=truth)
        pool = self.placed(arm, k, "free")
        return Job(anatomy.preserved, pool=pool, n=n, reader=self.reader, scene="free")

    @cached_property
    def pictured(self) -> Job:
        """One slice of each of a few test subjects, for pictures."""
        return Job(lesions.one_each, slices=self.test, n=PICTURED)

    def picture(self, arm: Arm, k: int) -> Job:
        """What an arm draws in the masks of the slices of `pictured`; what an auto-encoder alone
        makes of them."""
        if arm.source == "brain_ldm":
            shown = {"images": self.pictured, "n": PICTURED}
            return Job(latent.reconstruction, fitted=self.fitted(arm, k), **shown)
        return self.drawn(arm, k, PICTURED, self.stream("picture", k), "own", self.pictured)

    def coupled(self, pool: Job, k: int) -> Job:
        """How much the deviations of a pool tell of its substrates."""
        parts = {"n": self.size.judged, "healer": self.healer, "encoder": self.reader}
        features = Job(coupling.healed_features, pool=pool, **parts)
        known = Job(coupling.healed_features, pool=self.reference, **parts)
        stream = self.stream("pairings", k)
        return Job(coupling.coupling, features=features, reference=known, stream=stream)

    def truly_coupled(self, level: str, k: int) -> Job:
        """The same of the phantom's own pairs, under a law of coupling."""
        ranges, n = coupling.COUPLINGS[level], self.size.judged
        made = [Job(lesions.fresh_lesions, n=n, ranges=ranges,
                    stream=self.stream(f"{level} {part}", k)) for part in ("pairs", "known")]
        each = [Job(coupling.true_features, slices=slices, n=n, encoder=self.reader,
                    truths=Job(lesions.truths, slices=slices, ranges=ranges)) for slices in made]
        stream = self.stream("pairings", k)
        return Job(coupling.coupling, features=each[0], reference=each[1], stream=stream)

    # ---- truth ----

    def clean(self, slices: Job) -> Job:
        """Slices and their truth without noise."""
        self.source.known("a slice without noise")
        return Job(counterfactuals.clean, slices=slices)

    def healed(self, how: str, k: int, fitted: Job | None = None) -> Job:
        """An answer to what lies behind the lesions of the test slices; `fitted` for f_sub."""
        return Job(
            deviations.healed_error, how=how, data=self.test, truths=self.truths(self.test),
            clean=self.clean(self.test), n=self.size.remembered, stream=self.stream("healed", k),
            fitted=fitted, train=self.slices(k) if how == "mean_anatomy" else None,
        )  # fmt: skip

    def answered(self, arm: Arm, k: int) -> Job:
        """The answer of an arm of DECOMPOSED."""
        fitted = self.fitted(SOURCES["pathosyn_diff"], k) if arm.name == "substrate" else None
        return self.healed(arm.name, k, fitted)

    def teacher_forced(self, arm: Arm, k: int) -> Job:
        """How well the network of an arm knows the deviation of a test slice again."""
        return Job(
            deviations.teacher_forced, fitted=self.fitted(arm, k), data=self.test,
            truths=self.truths(self.test), n=self.size.remembered, stream=self.stream("forced", k),
        )  # fmt: skip

    def spectrum(self, arm: Arm, k: int) -> Job:
        """Power of drawn deviations over that of true ones in the same masks."""
        slices = self.slices(k)
        return Job(
            deviations.spectrum_ratio, pool=self.placed(arm, k, "own"), slices=slices,
            clean=self.clean(slices), n=self.size.remembered,
        )  # fmt: skip

    def stepped(self, arm: Arm, k: int) -> Job:
        """The step across the rim of an arm's lesions; of true ones for an arm without a source."""
        pool = self.placed(arm, k, "own") if arm.source else None
        n = self.size.remembered
        return Job(deviations.boundary_step, pool=pool, slices=self.slices(k), n=n)

    # ---- control ----

    def controlled(self, arm: Arm, k: int) -> Job:
        """Severity, extent and place, asked of lesions on test subjects."""
        return Job(
            controlled.controlled, fitted=self.fitted(arm, k), family=arm.source, slices=self.test,
            reader=self.reader, n=self.size.controlled, stream=self.stream("control", k),
        )  # fmt: skip

    def progressed(self, arm: Arm, k: int) -> Job:
        """A later image predicted from the first one."""
        fits = {"fitted": self.fitted(arm, k)} if arm.source else {}
        how, stream = arm.source or arm.name, self.stream("progression", k)
        later = self.later(k)
        return Job(controlled.progression, how=how, data=later, repeats=8, stream=stream, **fits)

    def later(self, k: int) -> Job:
        """Slices of fresh subjects now, and when their tumours have grown by the law."""
        stream = self.stream("growth", k)
        n = self.size.controlled
        return Job(counterfactuals.progressed, n=n, growth=GROWTH, stream=stream)

    def growth_read(self, k: int) -> Job:
        """What the reader says of lesions that truly grow: the most that size_slope can be."""
        return Job(controlled.read_growth, data=self.later(k), reader=self.reader)

    def anatomical(self, arm: Arm, k: int) -> Job:
        """Do lesions obey the anatomy; of true ones for the oracle.

        In their own masks, which no law let grow where none can be, or on lesion-free slices.
        """
        slices, n = self.slices(k), self.size.remembered
        scene = {"scene": "free"} if getattr(arm, "scene", "") == "free" else {}
        pool = self.placed(arm, k, scene.get("scene", "own")) if arm.role == "method" else None
        parts = {"slices": slices, "truths": self.truths(slices), "anatomy": self.anatomy(slices)}
        return Job(controlled.anatomical, pool=pool, **parts, n=n, **scene)

    def anatomy(self, slices: Job) -> Job:
        """Where in these slices no tumour can grow, and their white matter."""
        return Job(counterfactuals.anatomy, slices=slices)

    def diverse(self, arm: Arm, k: int) -> Job:
        """How much lesions of one anatomy and mask differ, beside the phantom's own law."""
        law = self._looks(self.stream("law of looks"))
        return Job(controlled.diversity, drawn=self.repeated(arm, k), law=law)

    def repeated(self, arm: Arm, k: int) -> Job:
        """Many lesions for each anatomy and mask; of the phantom's own law for the oracle."""
        stream = self.stream("repeated", k)
        if arm.role == "oracle":
            return self._looks(stream)
        made = {"fitted": self.fitted(arm, k), "family": arm.source}
        return Job(controlled.repeated, **made, **self._repeats, stream=stream)

    def _looks(self, stream: list[int]) -> Job:
        return Job(counterfactuals.looks, **self._repeats, stream=stream)

    @property
    def _repeats(self) -> dict:
        n = self.size.controlled
        slices = Job(lesions.one_each, slices=self.test, n=n)
        return {"slices": slices, "n": n, "repeats": self.size.repeats}

    # ---- segmentation ----

    def over_networks(self, arm: Arm, make: Callable[[int], Job]) -> Job:
        """Mean over the seeds of a task's network; of real images alone there are more."""
        return self.over_seeds(make, alone=not (arm.source or arm.augment))

    def segmenter(self, arm: Arm, regime: Regime, k: int, again: int = 0) -> Job:
        """A segmenter of the real slices and an arm's, applied to the test volumes."""
        s, pool = self.size, self.pool(arm, k)
        shared = {"steps": s.segment_steps, "augment": arm.augment, "precision": precision(),
                  "architecture": regime.architecture}  # fmt: skip
        if regime.supervision == "semi-supervised":
            settings = asdict(semi.TeacherSettings(labelled=regime.labelled, **shared))
        elif regime.supervision == "contrastive":
            settings = asdict(contrast.ContrastSettings(labelled=regime.labelled, **shared))
        else:
            settings = asdict(segment.SegmentSettings(**shared))
        return Job(
            ARMS_OF[regime.supervision], real=self.slices(k), pool=pool,
            extra=s.added if pool else None, test=self.test_volumes, settings=settings,
            stream=self.again(f"segmenter {regime.name}", k, again),
        )  # fmt: skip

    def segmented(self, arm: Arm, regime: Regime, k: int) -> Job:
        """Dice of an arm's segmenters."""

        def make(i: int) -> Job:
            made = self.segmenter(arm, regime, k, i)
            return Job(segmented.segmented, arm=made, train=self.slices(k))

        return self.over_networks(arm, make)

    # ---- classification ----

    def labelled(self, slices: Job) -> Job:
        return Job(lesions.labelled, slices=slices)

    def graded_pool(self, arm: Arm, k: int) -> Job | None:
        """The images that an arm adds, with their grades; None if it adds none.

        A generator is fitted on each grade alone: the paper does not say how a class is drawn.
        """
        if not arm.source:
            return None
        most, stream = self.size.added, self.own(f"graded {arm.source}", k)
        if arm.source == "classic":
            return Job(labels.classical, slices=self.slices(k), times=2, stream=stream)
        if arm.source in COPIES:
            parts = {"n": most, "kind": COPIES[arm.source], "stream": stream}
            return Job(copies.pool, data=self.labelled(self.slices(k)), **parts)
        if arm.source == "oracle":
            return self.labelled(self.fresh("oracle slices", most, k))
        if arm.source == "shuffled":
            other = self.graded_pool(SOURCES["pathosyn_diff"], k)
            return Job(copies.shuffled, pool=other, stream=stream)
        if arm.source == "marked":
            other = self.graded_pool(SOURCES["classic"], k)
            return Job(labels.marked, data=other, n=None, label=1, share=1.0, stream=stream)
        return Job(labels.graded_pool, pools=[self.of_grade(g).pool(arm, k) for g in (0, 1)])

    def looks(self, arm: Arm, k: int) -> dict[str, Job] | None:
        """One test slice a subject as the generator of either grade renders what is around its
        lesion; None for an arm without a generator. A mark takes the place of a rendering where the
        arm has marks."""
        if arm.source == "marked":
            shown = {"data": self.seen_once, "n": None, "label": None}
            shown["stream"] = self.stream("mark")
            shares = zip(graded.LOOKS, (0.0, 1.0), strict=True)
            return {name: Job(labels.marked, share=share, **shown) for name, share in shares}
        if arm.source not in GENERATORS[:1] + GENERATORS[2:]:
            return None
        found = {}
        for g, name in enumerate(graded.LOOKS):
            part, column = self.of_grade(g)._rendering(arm, k)
            found[name] = Job(graded.rendered, slices=self.seen_once, made=part, column=column)
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
        s, pool = self.size, self.graded_pool(arm, k)
        settings = asdict(grade.GradeSettings(
            network=regime.architecture, steps=s.classify_steps, augment=arm.augment
        ))  # fmt: skip
        looks = self.looks(arm, k) if regime.architecture == "resnet" else None
        test = self.labelled(self.test)

        def make(i: int) -> Job:
            made = Job(
                grade.arm, real=self.labelled(self.slices(k)), n=None, pool=pool,
                extra=s.added if pool else None, validation=self.labelled(self.validation(k)),
                test=test, settings=settings, looks=looks,
                stream=self.again(f"classifier {regime.name}", k, i),
            )  # fmt: skip
            shown = self.labelled(self.seen_once) if looks else None
            return Job(graded.graded, arm=made, test=test, stream=self.stream("graded", k),
                       looked=shown)  # fmt: skip

        return self.over_networks(arm, make)


def study(plan: Plan) -> Study:
    """The study of the chapter."""
    return Study(plan, "bare", SIZES[plan.profile.sizes])


def at_subjects(base: Study, n: int) -> Study:
    """The study of the first n training subjects; its regime is n25 for 25 of them."""
    subjects = (n, *base.size.subjects[1:])
    return replace(base, regime=f"n{n}", size=replace(base.size, subjects=subjects))
