"""ControlNet: how samples are scored under every kind of condition, as jobs."""

from dataclasses import dataclass, replace

from lib.generators import controlnet, paced, portable, requests, starts
from lib.jobs import Job
from lib.papers.controlnet.arms import SOURCES, TASKS, Added, Task
from lib.papers.controlnet.pools import SHARE
from lib.papers.controlnet.sizes import SIZES
from lib.papers.controlnet.tasks import Tasks
from lib.phantoms.findings import FINDINGS
from lib.profiles import Plan
from lib.scores import films as scores
from lib.scores import prompts, raters

CONDITIONS = {"text_only": "T2I", "mask_only": "M2I", "text_and_mask": "TM2I",
              "original_text": "T2I", "dpo_text": "T2I"}  # fmt: skip
EACH = 24  # films of every finding alone that page 01 looks at
MASKED = 200  # films from which the page of prompts takes its masks
STARTED = 100  # steps over which two starts of the branch are compared


@dataclass(frozen=True)
class Study(Tasks):
    """All arms on one population."""

    # ---- 01: conditions ----

    def pool(self, arm: Added, k: int) -> Job:
        """Samples by which the generator of an arm is judged."""
        return self.conditioned(arm, k)

    def conditioned(self, arm: Added, k: int) -> Job:
        """Samples for requests of one kind: the same films' texts, masks or both."""
        n, kind = self.size.judged, CONDITIONS.get(arm.name, "TM2I")
        asked = self.asked(kind, n, "conditions", k)
        return self.sampled(arm, k, asked, n, "conditions")

    def true_pool(self, k: int) -> Job:
        """Fresh films that show what `conditioned` asks for."""
        return self.shown(self.asked("TM2I", self.size.judged, "conditions", k), "conditions", k)

    def texted(self, k: int, branched: bool) -> Job:
        """Samples for texts alone, with the branch in its place or without it."""
        n = self.size.judged
        asked = self.asked("T2I", n, "texts", k)
        return self.sampled(SOURCES["syn"], k, asked, n, "texts", branched=branched)

    def named(self) -> Job:
        """Requests for every finding alone, by its name."""
        return Job(requests.prompt_requests, prompts=list(FINDINGS), copies=EACH)

    def answered(self, k: int) -> Job:
        """What the generator draws for every finding alone."""
        return self.sampled(SOURCES["syn"], k, self.named(), EACH * len(FINDINGS), "named")

    def shown_names(self, k: int) -> Job:
        """Fresh films of every finding alone; the same in every draw k."""
        return self.shown(self.named(), "named")

    def judged_names(self, pool: Job) -> Job:
        """`judged` for a pool that shows every finding alone, or should."""
        n = EACH * len(FINDINGS)
        return Job(scores.judge, pool=pool, n=n, real=self.reference, reader=self.reader)

    def portable(self, k: int) -> Job:
        """Base and branch of draw k as the record keeps them."""
        return Job(portable.packed, base=self.base(k), branch=self.branch(k))

    def ordered(self, k: int) -> Job:
        """The films of the page of chest prompts, and what the reader sees in them."""
        return Job(
            prompts.stored, base=self.base(k), branch=self.branch(k), reader=self.reader,
            films=self.drawn("candid", MASKED, "prompt masks"), stream=self.stream("prompts", k),
        )  # fmt: skip

    def starts(self, k: int) -> Job:
        """The first steps of the branch with zero convolutions and with usual ones."""
        films = self.drawn("candid", self.size.branch_films, "branch films", k)
        steps = min(STARTED, self.size.branch_steps)
        return Job(
            starts.compared, base=self.base(k), films=films, steps=steps,
            held=self.drawn("candid", 64, "held films"), stream=self.stream("starts", k),
        )  # fmt: skip

    def zero_init(self, k: int) -> Job:
        """By how much a branch that has learned nothing changes what the base says."""
        return Job(
            controlnet.zero_init, base=self.base(k), films=self.drawn("candid", 16, "zero films"),
            stream=self.stream("zero", k),
        )  # fmt: skip

    def watched(self, k: int, steps: int, twin: bool = False, kind: str = "M2I") -> Job:
        """How well requests of one kind are followed after so many steps of the branch; 0: the base
        alone, which is what the branch starts as. All kinds ask for the same films."""
        n, branch = self.size.judged // 2, self.branch(k, twin=twin) if steps else None
        pool = Job(
            controlnet.pool, base=self.base(k), branch=branch, n=n, step=steps or None,
            asked=self.asked(kind, n, "watched", k), stream=self.stream("samples watched", k),
        )  # fmt: skip
        return Job(scores.judge, pool=pool, n=n, real=self.reference, reader=self.reader)

    # ---- 01: recipes ----

    def recipe(self, arm: Added, k: int) -> Job:
        """Samples for the first requests of `conditioned`, drawn by a recipe of RECIPES."""
        asked = self.asked("TM2I", self.size.judged, "conditions", k)
        return Job(
            paced.pool, base=self.base(k), branch=self.branch(k), asked=asked, n=self.size.few,
            stream=self.stream("samples conditions", k), **arm.changes,
        )  # fmt: skip

    def recipe_names(self, arm: Added, k: int) -> Job:
        """Samples for every finding alone, by its name, drawn by a recipe."""
        return Job(
            paced.pool, base=self.base(k), branch=self.branch(k), asked=self.named(),
            n=EACH * len(FINDINGS), stream=self.stream("samples named", k), **arm.changes,
        )  # fmt: skip

    def read(self, arm: Added, k: int) -> Job:
        """Samples of a base alone for every finding alone; the arm says what the base has read."""
        return Job(
            controlnet.pool, base=self.base(k, **arm.changes), branch=None, asked=self.named(),
            n=EACH * len(FINDINGS), stream=self.stream("samples named", k),
        )  # fmt: skip

    def judged_few(self, pool: Job) -> Job:
        """`judged` by as many films as a recipe has."""
        n = self.size.few
        return Job(scores.judge, pool=pool, n=n, real=self.reference, reader=self.reader)

    # ---- 04: the proxy ----

    def seen(self, arm: Added, task: Task, k: int) -> Job:
        """The reader's scores of an arm's films: a tenth of those of one part."""
        n = min(self.size.judged, self.part_size(task, 1) // SHARE)
        if "keep" in arm.changes:
            pool = self.liked_films(arm, task, 1, k, n)
        else:
            pool = self.part(arm, task, 1, k, 0)
        return Job(scores.judge, pool=pool, n=n, real=self.compared(task), reader=self.reader)

    def told_true(self, k: int) -> Job:
        """Does the proxy's score tell the films that show what they were asked for?"""
        pool = self.unfiltered(k)
        return Job(
            scores.score_truth, pool=pool, judged=self.judged(pool), similarity=self.liked(pool)
        )

    def unfiltered(self, k: int) -> Job:
        """The films that the proxy chooses from."""
        return self.part(SOURCES["syn2"], TASKS["chexpert"], 1, k, 0)

    # ---- 05: readers ----

    def agreement(self, k: int) -> Job:
        """How far simulated readers agree."""
        return Job(raters.agreement, rated=self.rated(k), stream=self.stream("agreement", k))


def study(plan: Plan) -> Study:
    """The study of the chapter."""
    return Study(plan, "bare", SIZES[plan.profile.sizes])


def halved(base: Study) -> Study:
    """The study whose generator has half of its steps."""
    s = base.size
    return replace(base, size=replace(
        s, coder_steps=s.coder_steps // 2, base_steps=s.base_steps // 2,
        branch_steps=s.branch_steps // 2, watched=(),
    ))  # fmt: skip
