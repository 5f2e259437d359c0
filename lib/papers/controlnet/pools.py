"""ControlNet (chest films under text and masks): data, judges, generators and pools, as jobs.

A draw is a fresh set of training films with its own seeds, shared by all arms, and so are the films
that a generator learns from; the test films and the reader are one fixed draw. The base learns from
films and reports of the law "mimic", as the paper's was pretrained on MIMIC-CXR; the branch learns
masks on films of the law "candid". Both see far more films than the scarce set of a task (CN-E05).

Samples are drawn in parts as large as what the paper quotes, each once: 2x is the first part of
25x, and no cell draws anew what another has drawn.
"""

from dataclasses import asdict, dataclass, replace
from functools import cached_property

from lib.controls import films as copies
from lib.datasets import films, pools, ratings, source
from lib.datasets.ratings import EACH
from lib.generators import controlnet, feedback, preference, proxy, requests, textual
from lib.jobs import Job
from lib.machine import precision
from lib.papers.controlnet.arms import COPIES, MAIN, SOURCES, TASKS, Added, Task
from lib.papers.controlnet.sizes import Sizes
from lib.papers.study import Study
from lib.phantoms.findings import FINDINGS
from lib.scores import films as scores
from lib.scores import raters
from lib.tasks import film_reader, findings, pneumothorax

SHARE = 10  # one of so many is above the paper's 90th percentile
FEW = ("few", "best few", "least few")  # ways to keep that lose volume


@dataclass(frozen=True)
class Pools(Study):
    """What the arms of all tasks are made of."""

    size: Sizes

    @cached_property
    def source(self) -> source.Source:
        return source.images(self.plan.dataset, "bare", self.plan.root or None)

    # ---- films ----

    def films(self, task: Task, k: int) -> Job:
        """The training films of a task in draw k; of a fraction the first ones, which have their
        share of the finding that a task is about."""
        every = self.drawn(task.name, self.size.films, f"{task.name} films", k)
        return Job(pools.spread, films=every, finding=task.about) if task.about else every

    def drawn(self, law: str, n: int, purpose: str, k: int = 0) -> Job:
        """n fresh films of a law, for a purpose of its own; raises NeedsPhantom for patients."""
        self.source.known("films with nine findings")
        return Job(films.film_set, law=law, n=n, stream=self.stream(purpose, k))

    def real(self, percent: int) -> int:
        """How many training films a fraction is."""
        return self.size.films * percent // 100

    def validation(self, task: Task, k: int) -> Job:
        return self.drawn(task.name, self.size.validation, f"{task.name} validation", k)

    def test(self, task: Task) -> Job:
        return self.drawn(task.name, self.size.test, f"{task.name} test")

    def asked(self, kind: str, n: int, purpose: str, k: int = 0) -> Job:
        """Requests for what fresh films show: by text, mask or both."""
        known = self.drawn("mimic", 4 * n, f"{purpose} films", k)
        return Job(requests.film_requests, films=known, kind=kind, n=n)

    def shown(self, asked: Job, purpose: str, k: int = 0, law: str = "mimic") -> Job:
        """Fresh films that show what is asked for: what a perfect generator would draw."""
        stream = self.stream(f"{purpose} shown", k)
        return Job(films.shown, law=law, requests=asked, stream=stream)

    @cached_property
    def reference(self) -> Job:
        """Real films that samples are compared with."""
        return self.shown(self.asked("TM2I", 2 * self.size.judged + 200, "reference"), "reference")

    def compared(self, task: Task) -> Job:
        """Real films of a task's law that its pools are compared with."""
        return self.drawn(task.name, self.size.judged, f"{task.name} reference films")

    # ---- judges ----

    @cached_property
    def reader(self) -> Job:
        """The independent reader: plentiful films of its own, of all laws."""
        return self._reader("reader")

    @cached_property
    def rater(self) -> Job:
        """What simulated readers see: a network of the same kind with films of its own."""
        return self._reader("rater")

    def _reader(self, purpose: str) -> Job:
        laws, s = ("mimic", *TASKS), self.size
        each = s.known_films // len(laws)
        sets = [self.drawn(law, each, f"{law} {purpose} films") for law in laws]
        shared = {"steps": s.known_steps, "augment": True}
        find = findings.FindingsSettings(network="small", batch=64, **shared)
        outline = pneumothorax.PneumothoraxSettings(**shared, precision=precision())
        settings = {"findings": asdict(find), "pneumothorax": asdict(outline)}
        return Job(
            film_reader.reader_job, sets=sets, settings=settings, stream=self.stream(purpose)
        )

    def judged(self, pool: Job) -> Job:
        """Adherence, hallucinations and fidelity of a pool in the reader's eyes."""
        n = self.size.judged
        return Job(scores.judge, pool=pool, n=n, real=self.reference, reader=self.reader)

    @cached_property
    def null(self) -> Job:
        """What `judged` reads between films of different subjects."""
        return Job(
            scores.null, real=self.reference, n=self.size.judged, reader=self.reader, splits=6,
            stream=self.stream("null"),
        )  # fmt: skip

    # ---- the generator ----

    def coder(self, k: int) -> Job:
        """The auto-encoder of draw k."""
        s = textual.CoderSettings(steps=self.size.coder_steps, precision=precision())
        stream = self.stream("coder", k)
        return Job(textual.coder_job, films=self.mimic(k), settings=asdict(s), stream=stream)

    def mimic(self, k: int) -> Job:
        """The films with reports that the base learns from."""
        return self.drawn("mimic", self.size.base_films, "base films", k)

    def base(self, k: int, share: float = 1.0, **changes) -> Job:
        """The text-to-image base of draw k, after a share of its training; changes: of settings."""
        steps = round(share * self.size.base_steps)
        s = textual.BaseSettings(
            steps=steps, widths=self.size.widths, sampler_steps=self.size.sampler_steps,
            precision=precision(), **changes,
        )
        return Job(
            textual.base_job, films=self.mimic(k), coder=self.coder(k), settings=asdict(s),
            stream=self.stream("base", k),
        )  # fmt: skip

    def branch(
        self, k: int, films: Job | None = None, twin: bool = False, share: float = 1.0
    ) -> Job:
        """The branch for masks on the base of draw k, both after a share of their training."""
        steps = round(share * self.size.branch_steps)
        kept = tuple(step for step in self.size.watched if step <= steps)
        s = controlnet.BranchSettings(steps=steps, twin=twin, snapshots=kept)
        known = films or self.drawn("candid", self.size.branch_films, "branch films", k)
        return Job(
            controlnet.branch_job, films=known, base=self.base(k, share), settings=asdict(s),
            stream=self.stream("branch", k),
        )

    def fitted(self, arm: Added, k: int, known: Job | None = None) -> tuple[Job, Job]:
        """Base and branch of an arm; `known`: the scarce films of its task."""
        how = arm.changes
        if arm.source == "twin":
            return self.base(k), self.branch(k, twin=True)
        if how.get("pool") == "scarce":
            return self.base(k), self.branch(k, films=known)
        if "trained" in how:
            share = how["trained"]
            return self.base(k, share), self.branch(k, share=share)
        if how.get("tuned") in ("proxy", "random"):
            return self.tuned_further(k, by_proxy=how["tuned"] == "proxy"), self.branch(k)
        if "tuned" in how:
            wanted = {name: how[name] for name in ("sets", "noise", "coin") if name in how}
            return self.base(k), self.tuned_by_readers(k, how["tuned"], **wanted)
        return self.base(k), self.branch(k)

    def sampled(
        self, arm: Added, k: int, asked: Job, n: int, purpose: str, known: Job | None = None,
        branched: bool = True,
    ) -> Job:  # fmt: skip
        """n films that an arm's generator draws for requests."""
        base, branch = self.fitted(arm, k, known)
        stream = self.stream(f"samples {purpose}", k)
        return Job(
            controlnet.pool, base=base, branch=branch if branched else None, asked=asked, n=n,
            stream=stream,
        )  # fmt: skip

    # ---- proxy and preferences ----

    @cached_property
    def liking(self) -> Job:
        """The proxy: an image-text network that learned from films of its own."""
        data = self.drawn("mimic", self.size.base_films, "proxy films")
        s = proxy.ProxySettings(steps=self.size.proxy_steps, precision=precision())
        return Job(proxy.proxy_job, films=data, settings=asdict(s), stream=self.stream("proxy"))

    def liked(self, pool: Job) -> Job:
        """How well each film of a pool fits its text, by the proxy."""
        return Job(proxy.similarity_job, proxy=self.liking, pool=pool)

    def tuned_further(self, k: int, by_proxy: bool) -> Job:
        """The base after further training on a tenth of its own films: those that the proxy likes
        best, or as many by chance; the batches and the noise are the same."""
        task, n = TASKS["chexpert"], SHARE * self.size.judged
        asked = self.prompted(task, k, n, SOURCES["syn2"], "tuning")
        pool = self.sampled(SOURCES["syn2"], k, asked, n, "tuning")
        best = Job(proxy.filtered, pool=pool, proxy=self.liking)
        chance = Job(proxy.at_random, pool=pool, stream=self.stream("tuning by chance", k))
        return Job(
            textual.more_job, films=best if by_proxy else chance, base=self.base(k),
            settings={"steps": self.size.more_steps}, stream=self.stream("tuning", k),
        )  # fmt: skip

    def rated(self, k: int, sets: int | None = None, noise: float | None = None) -> Job:
        """Scores that simulated readers give to sets of four films of draw k."""
        s = raters.ReaderSettings(readers=self.size.readers)
        s = s if noise is None else replace(s, noise=noise)
        return Job(
            raters.rated, pool=self.compared_films(k, sets), quality=self.noticed(k, sets),
            settings=asdict(s), sets=sets or self.size.sets, stream=self.stream("readers", k),
        )  # fmt: skip

    def noticed(self, k: int, sets: int | None = None) -> Job:
        """What all readers see in these films, before noise and habit."""
        seen = Job(
            scores.judge_each, pool=self.compared_films(k, sets), n=EACH * self.most_sets(sets),
            real=self.reference, among=self.size.judged, reader=self.rater,
        )  # fmt: skip
        return Job(raters.quality_of, judged=seen)

    def most_sets(self, sets: int | None) -> int:
        """How many sets are drawn for so many: the usual number, or all of the sweep."""
        return self.size.sets if (sets or 0) <= self.size.sets else max(self.size.sweep)

    def compared_films(self, k: int, sets: int | None = None) -> Job:
        """The films that readers score, in sets of four for one request; those of few sets are the
        first ones of many."""
        n = EACH * self.most_sets(sets)
        known = self.drawn("candid", self.size.branch_films, "preference films", k)
        asked = Job(
            requests.mixed_requests, names=list(FINDINGS), films=known, n=n, copies=EACH,
            stream=self.stream("preferences", k),
        )  # fmt: skip
        return self.sampled(SOURCES["syn"], k, asked, n, "preferences")

    def tuned_by_readers(
        self, k: int, how: str, sets: int | None = None, noise: float | None = None,
        coin: bool = False,
    ) -> Job:  # fmt: skip
        """The branch after tuning on readers' preferences; the base stays frozen.

        coin: on the same pairs, of which a coin says who won; batches and noise are the same.
        """
        s = preference.DpoSettings(arm=how, **preference.OURS | {"steps": self.size.dpo_steps})
        pairs = Job(ratings.pairs, rated=self.rated(k, sets, noise))
        if coin:
            pairs = Job(ratings.by_coin, pairs=pairs, stream=self.stream("coin", k))
        return Job(
            feedback.dpo_job, base=self.base(k), branch=self.branch(k), pairs=pairs,
            pool=self.compared_films(k, sets), settings=asdict(s),
            stream=self.stream("tuning by readers", k),
        )  # fmt: skip

    # ---- what an arm adds ----

    def prompted(
        self, task: Task, k: int, n: int, arm: Added, purpose: str, percent: int = 100
    ) -> Job:  # fmt: skip
        """n requests by text for the findings of a task, as an arm asks.

        What depends on the labels of real films sees those of the fraction alone.
        """
        asked = {"names": list(task.findings), "n": n}
        asked["stream"] = self.stream(f"{task.name} {arm.prompt} {arm.balance} {purpose}", k)
        if arm.prompt == "single" and arm.balance == "balanced":
            return Job(requests.text_requests, **asked)
        asked["films"] = self.known(task, percent, k)
        if arm.prompt == "multi":
            return Job(requests.joint_requests, **asked)
        return Job(requests.text_requests, draw=arm.balance, **asked)

    def known(self, task: Task, percent: int, k: int) -> Job:
        """The real films of a fraction."""
        return Job(pools.head, films=self.films(task, k), n=self.real(percent))

    def part_size(self, task: Task, percent: int) -> int:
        """Samples that are drawn at once: as many as the paper quotes for this fraction.

        Texts do not depend on the real films, so all fractions share their samples.
        """
        if task.findings:
            return max(2 * self.size.films, self.real(1) * max(task.quoted.values()))
        return self.real(percent) * task.quoted[percent]

    def requested(self, arm: Added, task: Task, percent: int, k: int, part: int) -> Job:
        """What the generator of an arm is asked for in one part of its pool."""
        n = self.part_size(task, percent)
        if task.findings:
            return self.prompted(task, k, n, arm, f"prompts {part}", percent)
        how, stream = arm.masks, self.stream(f"{task.name} {percent} masks {part}", k)
        known = self.known(task, percent, k)
        return Job(requests.mask_requests, films=known, how=how, n=n, stream=stream)

    def parts(self, arm: Added, task: Task, percent: int, k: int) -> list[Job]:
        """The pool of an arm in parts, enough of them; [] for an arm that adds nothing."""
        if not arm.source:
            return []
        n, size = self.amount(arm, percent), self.part_size(task, percent)
        if arm.source in COPIES:
            return [Job(
                copies.pool, data=self.films(task, k), n=n, kind=COPIES[arm.source],
                stream=self.stream(f"{task.name} copies", k), labelled=self.real(percent),
            )]  # fmt: skip
        return [self.part(arm, task, percent, k, i) for i in range(-(-n // size))]

    def part(self, arm: Added, task: Task, percent: int, k: int, i: int) -> Job:
        """One part of what a generator, or the truth, answers to the requests of an arm."""
        if arm.source == "shuffled":
            return self.shuffled(task, percent, k, i)
        asked = self.requested(arm, task, percent, k, i)
        if arm.source == "oracle":
            return self.shown(asked, f"{task.name} oracle {i}", k, task.name)
        n = self.part_size(task, percent) // (SHARE if arm.brief else 1)
        return self.sampled(
            arm, k, asked, n, f"{task.name} {i}", self.known(task, percent, k),
        )  # fmt: skip

    def shuffled(self, task: Task, percent: int, k: int, i: int) -> Job:
        """A part of the generator's films that have the labels or masks of others.

        Where all of them show the one finding of a task, a permutation would change nothing: films
        of CheXpert's findings take its labels there.
        """
        if len(task.findings) == 1:
            other = self.part(MAIN["syn2"], TASKS["chexpert"], percent, k, i)
            asked = self.requested(MAIN["syn2"], task, percent, k, i)
            return Job(pools.relabelled, pool=other, requests=asked)
        plain = self.part(MAIN["syn2"], task, percent, k, i)
        return Job(copies.shuffled, pool=plain, stream=self.stream(f"shuffled {i}", k))

    def amount(self, arm: Added, percent: int) -> int:
        """How many films an arm adds."""
        n = arm.times * self.real(percent)
        return max(1, n // SHARE) if arm.changes.get("keep") in FEW else n

    def added(self, arm: Added, task: Task, percent: int, k: int) -> Job | None:
        """What an arm adds, at least `amount` of it; None for one that adds nothing."""
        if "keep" in arm.changes:
            return self.liked_films(arm, task, percent, k, self.amount(arm, percent))
        parts = self.parts(arm, task, percent, k)
        return Job(pools.joined, parts=parts) if len(parts) > 1 else next(iter(parts), None)

    def liked_films(self, arm: Added, task: Task, percent: int, k: int, n: int) -> Job:
        """The n films of an untuned pool that the proxy likes best, or least.

        Of n of FEW alone as many as `arm` would else add are looked at, of others SHARE times n.
        """
        plain = MAIN[f"syn{arm.times}"]
        whole = self.part(plain, task, percent, k, 0)
        among = self.amount(plain, percent) if arm.changes["keep"] == "few" else SHARE * n
        return Job(
            proxy.kept, pool=whole, proxy=self.liking, n=n, among=among,
            best=not arm.changes["keep"].startswith("least"),
        )  # fmt: skip
