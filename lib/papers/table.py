"""A table (or a section with numbers): which jobs give it, and the rows that come of them.

    class Table1(Table):
        item = "paper/table1"
        def studies(self, plan): ...
        def scores(self, study): yield Scores(arm, ("auc",), study.each(arm, ...))

Rows are those of `lib.record`: one per regime, arm and metric, every value with its draw.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from lib import jobs
from lib.jobs import Job
from lib.papers.arms import Arm
from lib.papers.study import Study
from lib.profiles import FULL, Plan

Draws = dict[int, float | None]
"""{draw: value; None where the draw leaves the score undefined}."""


@dataclass(frozen=True)
class Scores:
    """What one kind of job says about an arm: per draw the job, and the metrics that it gives.

    `metrics` names scores of the job; a dict maps a row's metric to where the score stands in the
    job's, with "/" between nested names. With `minus` the value is the difference of two jobs'.
    """

    arm: Arm
    metrics: tuple[str, ...] | dict[str, str]
    jobs: dict[int, Job]
    regime: str = ""  # "": the study's
    minus: dict[int, Job] = field(default_factory=dict)
    trained: str = ""  # regime of the arm's generator, where that is not the study's

    @property
    def paths(self) -> dict[str, str]:
        """{metric of the row: place in the job's scores}."""
        return self.metrics if isinstance(self.metrics, dict) else {m: m for m in self.metrics}

    def draws(self, path: str) -> Draws:
        """The values of one metric."""
        found = {k: score(job, path) for k, job in self.jobs.items()}
        return {k: x - score(self.minus[k], path) if self.minus else x for k, x in found.items()}


class Table:
    """What a notebook shows in numbers; a subclass says of what."""

    item = ""  # "paper/stem", as the notebook is called
    main: tuple[Arm, ...] = ()  # the arms that README shows of it

    def studies(self, plan: Plan) -> list[Study]:
        """The studies that the table is about, in the order in which they are shown."""
        raise NotImplementedError

    def scores(self, study: Study) -> Iterable[Scores]:
        """What the rows of one study are made of."""
        return ()

    def more(self, study: Study) -> Iterable[Job]:
        """Jobs that figures need beside the rows."""
        return ()

    def null_job(self, study: Study) -> Job | None:
        """The job whose scores `mean` and `sd` say what metrics read where nothing differs."""
        return None

    def null(self, arm: Arm, metric: str) -> float | dict | None:
        """What a metric without an entry in the null job reads where nothing was achieved: a number
        or the row {"arm", "metric"} that says so."""
        return {"arm": "real", "metric": metric}

    def printed(self, regime: str, arm: Arm, metric: str) -> float | None:
        """What the paper prints."""
        return None

    def derived(self, study: Study, values: dict[tuple[str, str, str], Draws]) -> Iterable[dict]:
        """Further rows from {(regime, arm, metric): values} of all studies so far; see `row`."""
        return ()

    # ---- jobs and rows ----

    def jobs(self, plan: Plan) -> list[Job]:
        """Everything that the table needs in this run, each job once."""
        found: dict[str, Job] = {}
        for study in self.studies(plan):
            each = [*self._scored_jobs(study), *self.more(study)]
            null = self.null_job(study)
            found |= {job.key: job for job in ([null] if null and each else []) + each}
        return list(found.values())

    def rows(self, plan: Plan) -> list[dict]:
        """All rows, from finished jobs; an arm without a draw in this run has none."""
        found, values = [], {}
        for study in self.studies(plan):
            nulls = self._nulls(study)
            for scores in self.scores(study):
                found += self._rows(study, scores, nulls, values)
            found += self.derived(study, values)
        drawn = [row for row in found if row["draws"]]
        there = {(row["regime"], row["arm"], row["metric"]) for row in drawn}
        return [_without_absent(row, there) for row in drawn]

    def codes(self, plan: Plan, draws: Iterable[str]) -> dict[tuple, dict[str, dict[str, str]]]:
        """{(regime, arm, metric): {draw: `keys` of its job today}} of draws "seed/number"."""
        found: dict[tuple[str, str, str], dict[str, dict[str, str]]] = {}
        for seed in {int(draw.partition("/")[0]) for draw in draws}:
            numbers = sorted(int(d.partition("/")[2]) for d in draws if d.startswith(f"{seed}/"))
            for study in self.studies(replace(plan, profile=FULL, seed=seed, only=tuple(numbers))):
                for s in self.scores(study):
                    named = {f"{seed}/{k}": job.keys for k, job in s.jobs.items()}
                    for metric in s.paths:
                        at = s.regime or study.regime, s.arm.name, metric
                        found[at] = found.get(at, {}) | named
        return found

    def _scored_jobs(self, study: Study) -> list[Job]:
        each = (made for s in self.scores(study) for made in (s.jobs, s.minus))
        return [job for made in each for job in made.values()]

    def _nulls(self, study: Study) -> dict:
        null = self.null_job(study) if self._scored_jobs(study) else None
        return jobs.load(null).scores if null else {"mean": {}, "sd": {}}

    def _rows(self, study: Study, scores: Scores, nulls: dict, values: dict) -> list[dict]:
        regime, arm, found = scores.regime or study.regime, scores.arm, []
        for metric, path in scores.paths.items():
            draws = values[regime, arm.name, metric] = scores.draws(path)
            more = {"null": self.null(arm, metric)}
            if nulls["mean"].get(metric) is not None:
                more = {"null": nulls["mean"][metric], "null_sd": nulls["sd"][metric]}
            more["oracle"] = {"arm": arm.oracle, "metric": metric} if arm.oracle else None
            more["paper"] = self.printed(regime, arm, metric)
            more |= made_by(arm, scores.trained or study.regime)
            codes = {k: job.key for k, job in scores.jobs.items()}
            found.append(row(study, regime, arm.name, metric, draws, codes, **more))
        return found


def row(
    study: Study, regime: str, arm: str, metric: str, draws: Draws, codes: dict[int, str] | str,
    **more,
) -> dict:  # fmt: skip
    """A row as the record keeps it; `codes`: key of the job behind each value, or one for all."""
    code = dict.fromkeys(draws, codes) if isinstance(codes, str) else codes
    named = {f"{study.plan.seed}/{k}": [value, code[k][:12]] for k, value in draws.items()}
    return {"regime": regime, "arm": arm, "metric": metric, "draws": named, **more}


def made_by(arm: Arm, regime: str) -> dict:
    """The column `generator` of an arm's rows, {} for none: the arm and regime of the rows that say
    whether it is competent."""
    return {"generator": {"arm": arm.generator, "regime": regime}} if arm.generator else {}


def _without_absent(row: dict, there: set[tuple[str, str, str]]) -> dict:
    """The row, its null and oracle None where they name a row that this table does not have."""
    ends = {end: row[end] for end in ("null", "oracle") if isinstance(row.get(end), dict)}
    named = {end: (at.get("regime", row["regime"]), at["arm"], at["metric"])
             for end, at in ends.items()}  # fmt: skip
    return row | {end: None for end, key in named.items() if key not in there}


def score(job: Job, path: str) -> float | None:
    """One score of a finished job; KeyError with the names that it has where this is none."""
    found = jobs.load(job).scores
    for name in path.split("/"):
        if not isinstance(found, dict) or name not in found:
            there = ", ".join(found) if isinstance(found, dict) else "none below it"
            raise KeyError(f"{job.name} gives no score {path!r}; it has {there}")
        found = found[name]
    return found
