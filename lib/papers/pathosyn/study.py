"""PathoSyn: how samples are scored, beside real slices and the phantom's truth, as jobs."""

from dataclasses import asdict, dataclass
from functools import cached_property

from lib.datasets import counterfactuals, lesions
from lib.generators import latent
from lib.jobs import Job
from lib.papers.arms import Arm
from lib.papers.pathosyn.arms import SOURCES
from lib.papers.pathosyn.pools import HEALER
from lib.papers.pathosyn.sizes import SIZES
from lib.papers.pathosyn.tasks import Tasks
from lib.profiles import Plan
from lib.scores import anatomy, controlled, coupling, deviations, pairs, realism, texture
from lib.tasks import grade

GROWTH = 1.4  # factor of a tumour's radius from one image to the next
PICTURED = 4  # test subjects of whom a picture is made


@dataclass(frozen=True)
class Study(Tasks):
    """All arms on one population."""

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
        """The answer of an arm of DECOMPOSED.

        The judge's is that of one fit in every draw; the two of f_sub alone differ in HEALER only.
        """
        if arm.name == "healer":
            return self.healed("substrate", k, self.healer)
        alone = {"equation_3": {"joint": False}, "taught": HEALER}
        if arm.name in alone:
            return self.healed("substrate", k, self.substrate(k, alone[arm.name]))
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


def study(plan: Plan) -> Study:
    """The study of the chapter."""
    return Study(plan, "bare", SIZES[plan.profile.sizes])
