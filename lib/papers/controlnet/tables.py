"""Which jobs every section of ControlNet needs, and how they become rows."""

from collections.abc import Iterable
from dataclasses import replace

from lib import jobs
from lib.jobs import Job
from lib.papers.arms import Arm
from lib.papers.budget import SPARE
from lib.papers.controlnet import printed
from lib.papers.controlnet.arms import (
    MAIN,
    PERCENT,
    PROXY,
    READ,
    RECIPES,
    SOURCES,
    TASKS,
    TIMES,
    Added,
    Task,
    chosen,
)
from lib.papers.controlnet.study import CONDITIONS, Study, halved, study
from lib.papers.plateau import Plateaus, spare
from lib.papers.table import Scores, Table, row
from lib.phantoms.findings import columns
from lib.profiles import Plan

COMPETENCE = ("label_adherence", "label_accuracy", "label_accuracy_ratio", "mask_adherence",
              "hallucination", "realism", "quality", "fd", "kid", "coverage")  # fmt: skip
TRIED = ("fd", "coverage", "label_accuracy_ratio", "mask_adherence", "hallucination")
RATIO = {"adherence_ratio": "label_accuracy_ratio"}  # as other chapters call it
ABOVE = {"label_accuracy_above_chance": "label_accuracy_above_chance"}  # 0 for films of anything
TEXT, MASK = ("label_accuracy", "label_accuracy_ratio"), ("mask_adherence",)
WATCHED = {"text_only": (*TEXT, "coverage"), "mask_only": (*MASK, "coverage"),
           "text_and_mask": (*TEXT, *MASK, "coverage")}  # fmt: skip
NAMED = {"name_accuracy": "label_accuracy"}  # of films for the name of one finding, as tasks ask
TRUTH = ("score_truth_auc", "score_truth_auc_pooled")  # within each text, and over all of them
CONTROLS = ("oversample", "smooth", "shuffled", "oracle")


class Films(Table):
    """A table of ControlNet: one study of four tasks."""

    def studies(self, plan: Plan) -> list[Study]:
        return [study(plan)]


class Datasets(Films):
    """Table 1: what the four laws hold."""

    item = "controlnet/table1_datasets"

    def more(self, study: Study) -> Iterable[Job]:
        """One training set of every task, and the reader, which says how hard findings are."""
        if study.source.truth and study.draws():
            yield from (study.films(task, study.draws()[0]) for task in TASKS.values())
            yield study.reader

    def derived(self, study: Study, values: dict) -> Iterable[dict]:
        """Of each task: its films beside Table 1's, and the share of them with each finding."""
        k = study.draws()[0] if study.source.truth and study.draws() else None
        for name, task in TASKS.items() if k is not None else ():
            job, named = study.films(task, k), task.findings or (task.about,)
            labels, said = jobs.load(job).arrays["labels"], printed.TABLE1[name].train
            yield row(study, name, "films", "train", {k: len(labels)}, job.key, paper=said)
            for finding, share in zip(named, labels[:, columns(*named)].mean(0), strict=True):
                yield row(study, name, finding, "prevalence", {k: float(share)}, job.key)


class Branch(Films):
    """How a branch starts, and what was tried on the spare draw, in profile `full`."""

    item = "controlnet/01_branch"

    def scores(self, study: Study) -> Iterable[Scores]:
        if not (study.source.truth and study.draws("long")):
            return
        for arm in RECIPES.values():
            pool = study.recipe(arm, SPARE)
            yield Scores(arm, TRIED, {SPARE: study.judged_few(pool)})
            yield Scores(arm, ("milliseconds",), {SPARE: pool})
            yield Scores(arm, NAMED, {SPARE: study.judged_names(study.recipe_names(arm, SPARE))})
        for arm in READ.values():
            yield Scores(arm, NAMED, {SPARE: study.judged_names(study.read(arm, SPARE))})
        fresh = study.judged_few(study.true_pool(SPARE))
        yield Scores(SOURCES["fresh"], TRIED, {SPARE: fresh})
        shown = study.judged_names(study.shown_names(SPARE))
        yield Scores(SOURCES["fresh"], NAMED, {SPARE: shown})
        for steps in (0, *study.size.watched):
            yield from self.watched(study, steps)

    def watched(self, study: Study, steps: int) -> Iterable[Scores]:
        """What requests of each kind give after so many steps of the branch; before the first, when
        it adds nothing, by text alone."""
        for name, metrics in WATCHED.items() if steps else [("text_only", WATCHED["text_only"])]:
            arm = Arm(name, SOURCES[name].label, tier="long", oracle="")
            each = {SPARE: study.watched(SPARE, steps, kind=CONDITIONS[name])}
            yield Scores(arm, metrics, each, f"steps {steps}")

    def more(self, study: Study) -> Iterable[Job]:
        """What figures show: two starts of the branch, and its hashes."""
        if study.source.truth and study.draws():
            k = study.draws()[0]
            yield from (study.starts(k), study.branch(k))

    def null(self, arm: Arm, metric: str) -> dict:
        """Fresh phantoms that show what was asked for."""
        return {"arm": "fresh", "metric": metric}


class Generator(Plateaus, Films):
    """Whether the generator does what it is asked for, by kind of condition."""

    item = "controlnet/01_generator"
    generators = (SOURCES["syn"],)
    judging = COMPETENCE

    def null_job(self, study: Study) -> Job | None:
        return study.null if study.source.truth else None

    def halved(self, study: Study) -> Study:
        return halved(study)

    def ends(self, study: Study) -> Iterable[tuple]:
        """Under names of their own: the draws of the generator itself decide claims."""
        for arm, before, (_, at) in super().ends(study):
            yield arm, before, (spare(arm), at)

    def scores(self, study: Study) -> Iterable[Scores]:
        if not study.source.truth:
            return
        for arm in chosen("syn", "text_only", "mask_only", "text_and_mask", "twin"):
            each = study.each(arm, lambda k, a=arm: study.judged(study.conditioned(a, k)))
            named = dict(zip(COMPETENCE, COMPETENCE, strict=True)) | RATIO | ABOVE
            yield Scores(arm, named, each)
        fresh = SOURCES["fresh"]
        each = study.each(fresh, lambda k: study.judged(study.true_pool(k)))
        yield Scores(fresh, COMPETENCE, each)
        drawn = replace(SOURCES["syn"], oracle="fresh")
        for arm, pool in ((drawn, study.answered), (fresh, study.shown_names)):
            each = study.each(arm, lambda k, of=pool: study.judged_names(of(k)))
            yield Scores(arm, NAMED, each)
        for arm in chosen("with_branch", "without_branch"):
            there = arm.name == "with_branch"
            each = study.each(arm, lambda k, b=there: study.judged(study.texted(k, b)))
            yield Scores(arm, ("kid", "label_adherence"), each)
        branch = SOURCES["with_branch"]
        yield Scores(branch, ("zero_init_error",), study.each(branch, study.zero_init))
        for steps in study.size.watched:
            for twin in (False, True):
                arm = Arm("twin" if twin else "syn", f"after {steps} steps", oracle="fresh")
                tier = "beside" if twin else "core"
                each = study.each(tier, lambda k, s=steps, t=twin: study.watched(k, s, t))
                yield Scores(arm, ("mask_adherence", "coverage"), each, f"steps {steps}")
        yield from super().scores(study)

    def more(self, study: Study) -> Iterable[Job]:
        """What figures show: every finding alone, drawn and true, and the model to ask more of."""
        if study.source.truth and study.draws():
            k = study.draws()[0]
            yield from (study.portable(k), study.answered(k), study.shown_names(k))
            yield study.ordered(k)


class Utility(Films):
    """Figure 2: four tasks, three fractions of the real films, up to 25 times as many synthetic."""

    item = "controlnet/02_utility"
    main = tuple(chosen("real", "classic", *(f"{kind}10" for kind in ("syn", *CONTROLS))))

    def arms(self, task: Task, percent: int) -> list[tuple[Added, str]]:
        """The arms of one fraction, with their tiers: core is what the paper quotes."""
        quoted = task.quoted[percent]
        found = [(MAIN[name], "core") for name in ("real", "classic")]
        for times in TIMES:
            tier = "core" if times == quoted else "beside"
            found += [(MAIN[f"{kind}{times}"], tier) for kind in ("syn", "oracle")]
            found += [(MAIN[f"{kind}{times}"], tier if times == quoted else "long")
                      for kind in CONTROLS[:3]]  # fmt: skip
        found.append((MAIN[f"memoriser{quoted}"], "beside"))
        if task.name == "chexpert" and percent == 10:
            found += [(SOURCES[name], "beside") for name in ("syn2_single", "syn2_multi")]
        if not task.findings and percent == 10:
            found.append((SOURCES["syn10_original"], "beside"))
        return found

    def scores(self, study: Study) -> Iterable[Scores]:
        if not study.source.truth:
            return
        for task in TASKS.values():
            for percent in PERCENT:
                yield from self.cell(study, task, percent)

    def cell(self, study: Study, task: Task, percent: int) -> Iterable[Scores]:
        """The rows of one fraction of a task."""
        regime = task.regime(percent)
        for arm, tier in self.arms(task, percent):
            each = study.each(tier, lambda k, a=arm: study.tried(a, task, percent, k))
            yield Scores(arm, task.metrics, each, regime, trained=study.regime)
        if len(task.findings) > 1:
            arm = MAIN[f"syn{task.quoted[percent]}"]
            each = study.each(arm, lambda k: study.by_prevalence(arm, task, percent, k))
            yield Scores(arm, ("gain_slope",), each, regime, trained=study.regime)

    def null(self, arm: Arm, metric: str) -> dict | float | None:
        return 0.0 if metric == "gain_slope" else super().null(arm, metric)

    def printed(self, regime: str, arm: Arm, metric: str) -> float | None:
        return printed.task(regime, arm.name, metric)


class Volume(Utility):
    """More films, equal steps and equal epochs; what is asked for, and of which generator."""

    item = "controlnet/03_volume"
    main = ()

    def arms(self, task: Task, percent: int) -> list[tuple[Added, str]]:
        found = [(MAIN["real"], "core")]
        for times in TIMES:
            tier = "core" if times == task.quoted[percent] else "beside"
            found += [(MAIN[f"{kind}{times}"], tier) for kind in ("syn", "oracle")]
        if percent == 10:
            found += [(SOURCES[f"{kind}10_epochs"], "beside") for kind in ("syn", "oversample")]
            more = "syn2_proportional" if len(task.findings) > 1 else "syn10_scarce"
            found += [(SOURCES[more], "beside")] * (task.name in ("chexpert", "candid"))
        return found


class Proxy(Films):
    """Figure 3: films that a proxy likes, fewer of them, and a generator tuned on them."""

    item = "controlnet/04_proxy"
    shown = ("undertrained2", "finetuned2", "finetuned_random2", "filtered", "filtered_equal",
             "large_low", "small_high", "small_low")
    beside = ("real", "syn2", "oversample2", "smooth2", "shuffled2", "oracle2")

    def scores(self, study: Study) -> Iterable[Scores]:
        if not study.source.truth:
            return
        task, regime = TASKS["chexpert"], TASKS["chexpert"].regime(1)
        made = {"trained": study.regime}
        for arm in chosen(*self.beside, *self.shown):
            each = study.each(arm, lambda k, a=arm: study.tried(a, task, 1, k, alike=True))
            yield Scores(arm, task.metrics, each, regime, **made)
        for arm in chosen("undertrained2", "syn2", "filtered_equal", "finetuned2",
                          "finetuned_random2"):  # fmt: skip
            each = study.each(arm, lambda k, a=arm: study.seen(a, task, k))
            yield Scores(arm, ("hallucination", "kid", "label_adherence"), each, regime, **made)
        proxy = PROXY["proxy"]
        yield Scores(proxy, TRUTH, study.each(proxy, study.told_true), regime)

    def null(self, arm: Arm, metric: str) -> dict | float | None:
        return 0.5 if metric in TRUTH else super().null(arm, metric)

    def printed(self, regime: str, arm: Arm, metric: str) -> float | None:
        return printed.improved(3, arm.name, metric)


class Feedback(Films):
    """Figure 4: a generator tuned on what simulated readers prefer, and more of such sets."""

    item = "controlnet/05_feedback"

    def scores(self, study: Study) -> Iterable[Scores]:
        if not study.source.truth:
            return
        task, percent = TASKS["rsna"], 10
        regime = task.regime(percent)
        arms = chosen("real", "syn2", "oversample2", "smooth2", "shuffled2", "oracle2", "dpo2",
                      "dpo_random2", "rank2", "safeguarded2")  # fmt: skip
        arms += [self.of_sets(n) for n in study.size.sweep]
        arms += [self.of_noise(sd) for sd in study.size.noises]
        for arm in arms:
            each = study.each(arm, lambda k, a=arm: study.tried(a, task, percent, k, alike=True))
            yield Scores(arm, task.metrics, each, regime, trained=study.regime)
        for arm in chosen("original", "dpo", "dpo_random", "original_text", "dpo_text"):
            each = study.each(arm, lambda k, a=arm: study.judged(study.conditioned(a, k)))
            yield Scores(arm, COMPETENCE, each)

    def of_sets(self, n: int) -> Added:
        """The generator tuned on n sets of preferences."""
        changes = {"tuned": "vanilla", "sets": n}
        return replace(SOURCES["dpo2"], name=f"dpo{n}", label=f"Tuned on {n} sets", tier="long",
                       changes=changes)  # fmt: skip

    def of_noise(self, sd: float) -> Added:
        """The generator tuned on what readers of another noise, in points, prefer."""
        changes = {"tuned": "vanilla", "noise": sd}
        return replace(SOURCES["dpo2"], name=f"dpo_noise{sd:g}", tier="long", changes=changes,
                       label=f"Readers with noise of {sd:g}")  # fmt: skip

    def more(self, study: Study) -> Iterable[Job]:
        if study.source.truth and study.draws():
            yield study.agreement(study.draws()[0])

    def printed(self, regime: str, arm: Arm, metric: str) -> float | None:
        return printed.improved(4, arm.name, metric)


TABLES = {
    table.item.rpartition("/")[2]: table
    for table in (Datasets(), Branch(), Generator(), Utility(), Volume(), Proxy(), Feedback())
}
