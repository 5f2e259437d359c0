"""A notebook's frame: its study, its rows, figures with captions, verdicts, exercises, the close.

    page = Page("pavae/table4_main", profile, seed, dataset)
    rows = page.run()
    with page.figure("What it shows, over how many draws.", 1, 2) as axes: ...
    page.verdicts("PV-01", "PV-02")
    page.close()
"""

import inspect
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

import numpy as np
from IPython.display import Markdown, display
from matplotlib import pyplot as plt

from lib import jobs, paths, profiles
from lib.claims import judge, ledger
from lib.claims.verdict import SPELLED, spelled
from lib.jobs import Job, Result
from lib.jobs.progress import duration
from lib.papers import registry
from lib.record import draws, models, panels
from lib.record import rows as kept
from lib.report import exercises, plots, summary
from lib.report.rows import Rows


class Page:
    """What one notebook shows; `item` is its name."""

    def __init__(
        self, item: str, profile: str, seed: int = 0, dataset: str = "phantom", root: str = "",
        only: str = "",
    ):  # fmt: skip
        self.plan = profiles.plan(profile, seed, dataset, root, only)
        self.name, self.item = item, item if self.on_phantoms else f"{dataset}/{item}"
        self.table_of = registry.table(item)
        studies = self.table_of.studies(self.plan) if self.table_of else []
        self.studies = {study.regime: study for study in studies}
        self.figures: list[dict] = []
        self.made: list[dict] = []
        self.held: list[str] = []
        self._verdicts: dict[str, dict] | None = None
        self.start = time.perf_counter()
        self.spent = 0.0
        self.old = ""  # said below every figure once a model of earlier code is shown
        plots.use_style()
        self._open()

    # ---- what it is about ----

    @property
    def study(self):
        """The only study, or the first."""
        return next(iter(self.studies.values()))

    @property
    def size(self):
        """Sizes of one draw."""
        return self.study.size

    @property
    def on_phantoms(self) -> bool:
        """Whether the truth is known; rows of other data are kept apart, and judge no claim."""
        return self.plan.dataset == "phantom"

    @property
    def from_record(self) -> bool:
        """Whether nothing is computed: all comes from the record."""
        return bool(os.environ.get(paths.RECORD_ONLY))

    @property
    def meaningful(self) -> bool:
        """Whether sizes are large enough for numbers to mean something."""
        return self.plan.profile.sizes != "smoke"

    def _open(self) -> None:
        """One line: how much is run here, what the record has, how long it takes."""
        if self.table_of is None:
            return
        if self.from_record:
            own = "Built from the record alone, nothing is computed here"
        else:
            n = len(self.plan.draws())
            own = f"Profile `{self.plan.profile.name}`: {n} draw{'s' * (n != 1)} computed here"
        page = draws.merged(self.item, own=False)
        known = max((len(row["values"]) for row in page["rows"]), default=0) if page else 0
        drawn = f"{known} draw{'s' * (known != 1)} of an arm at most" if known else "no draw yet"
        took = page and page["seconds"]
        told = f", and a draw took one core at most {duration(took)}" if took else ""
        self.text(f"*{own}; the record has {drawn}{told}.*")

    # ---- numbers ----

    def run(self) -> Rows:
        """Compute what is missing of the table's jobs; all rows, of the record and of this run."""
        if self.table_of and not self.from_record:
            needed = self.table_of.jobs(self.plan)
            jobs.run(needed)
            self.spent = jobs.seconds(needed)
            self.keep(lambda: self.table_of.rows(self.plan))
        return self.rows()

    def keep(self, make: Callable[[], list[dict]]) -> None:
        """Rows of this run, made only where there is something to make them from."""
        if not self.from_record:
            self.made, self._verdicts = self.made + make(), None
            kept.write(self.item, self.plan.profile.name, self.made, self.figures)

    def rows(self) -> Rows:
        """All rows so far, of the record and of this run; says how many are of earlier code."""
        profile, today = self.plan.profile.name, self._today
        page = draws.merged(self.item, not self.from_record, profile, today) or {"rows": []}
        old = sum(len(row["old"]) for row in page["rows"])
        if old:
            every = sum(len(row["draws"]) for row in page["rows"])
            self.text(f"*{old:,} of {every:,} values stand in the record from earlier code.*")
        return Rows(page)

    @cached_property
    def _today(self) -> dict[tuple, dict[str, dict[str, str]]]:
        """Keys that the jobs behind the record's draws have today, by row and draw."""
        page = draws.merged(self.item, own=False)
        if page is None or self.table_of is None or not self.meaningful:
            return {}
        return self.table_of.codes(self.plan, {key for row in page["rows"] for key in row["draws"]})

    def rows_of(self, item: str) -> Rows:
        """The rows of another notebook, as far as they are there."""
        page = draws.merged(item, own=not self.from_record, profile=self.plan.profile.name)
        return Rows(page or {"rows": []})

    def run_into(self, item: str) -> Rows:
        """`run` for a page whose rows stand among those of another notebook."""
        if not self.from_record:
            needed = self.table_of.jobs(self.plan)
            jobs.run(needed)
            self.spent = jobs.seconds(needed)
            kept.write(item, self.plan.profile.name, self.table_of.rows(self.plan))
        return self.rows_of(item)

    def panel(
        self, name: str, make: Callable[[], dict[str, np.ndarray]], of: Job | None = None
    ) -> dict:
        """Small arrays that a figure needs beside numbers: made here and kept, or the record's.

        The record's too where `make` gives none, since this run has no draw of them; {} where the
        record has none either. `of` is the job that they come from, see `is_todays`.
        """
        made = {} if self.from_record else make()
        if made:
            panels.save(self.item, name, made, of.key if of else "")
        elif not panels.has(self.item, name):
            return {}
        return panels.load(self.item, name, own=not self.from_record)

    def is_todays(self, name: str, of: Job) -> bool:
        """Whether a panel comes from this job as it is today, not from an earlier law or code."""
        return panels.made_by(self.item, name, own=not self.from_record) in of.keys.values()

    def model(self, name: str, job: Job) -> Result:
        """A fitted generator of draw 0: this home's, else the record's; says which.

        The chapter's record knows it by `name`, that of another one by "chapter/name"; with REFIT
        set it is fitted here.
        """
        named = self._named(name)
        if not (self.from_record or jobs.is_done(job)) and os.environ.get(paths.REFIT):
            jobs.run([job])
        if jobs.is_done(job) and not self.from_record:
            found, where = jobs.load(job), "fitted here"
            large = [key for key, values in found.arrays.items() if values.dtype == np.float32]
            models.save(named, job, found, large, root=paths.METRICS)
        else:
            found, where = models.load(named, job)
            if where != "record" and not models.suits(job, found):
                if self.from_record:
                    text = f"the record's model {named} does not suit today's networks"
                    raise kept.RecordError(
                        f"{text}; make it anew: ./run_all.sh {self.name}, then --to-record."
                    )
                jobs.run([job])
                found, where = jobs.load(job), "fitted here"
            elif where != "record":
                self.old = " Models stand in the record from earlier code or another seed."
        print(f"{name}: {where}")
        return found

    def has_model(self, name: str, job: Job) -> bool:
        """Whether `model` gives it: this home or the record has it, or REFIT is set."""
        here = not self.from_record and (jobs.is_done(job) or bool(os.environ.get(paths.REFIT)))
        return here or models.has(self._named(name))

    def _named(self, name: str) -> str:
        return name if "/" in name else f"{self.name.partition('/')[0]}/{name}"

    # ---- what is shown ----

    def text(self, markdown: str) -> None:
        """Text that a cell makes."""
        display(Markdown(markdown))

    def table(self, head: list[str], lines: list[list]) -> None:
        """A table of text; one line that names it when it is empty. Names are spelled."""
        head = [spelled(str(title)) for title in head]
        lines = [[SPELLED.get(str(cell), cell) for cell in line] for line in lines]
        empty = f"*Table “{head[0] or head[1]}”: no rows so far.*"
        self.text(summary.table(head, lines) if lines else empty)

    def source(self, *functions) -> None:
        """The code of functions or classes as it runs."""
        text = "\n\n".join(inspect.getsource(each).rstrip() for each in functions)
        display(Markdown(f"```python\n{text}\n```"))

    @contextmanager
    def figure(
        self, caption: str, rows: int = 1, columns: int = 1, name: str = "", alt: str = "",
        **options,
    ) -> Iterator:  # fmt: skip
        """Axes to draw on; afterwards the figure is kept, shown and closed.

        The first figure carries the notebook's own name, others "<stem>_<name>". `alt` is for who
        cannot see it (default: the caption); `options` are those of plt.subplots.
        """
        caption, (paper, _, stem) = spelled(caption), self.item.rpartition("/")
        figure, axes = plt.subplots(rows, columns, **{"layout": "constrained", **options})
        try:
            yield axes
            file = plots.save(figure, paper, f"{stem}_{name}" if name else stem)
            display(plots.kept(file, alt or caption))
        finally:
            plt.close(figure)
        caption += self.old
        self.text(f"*{caption}*")
        self.figures.append({"file": file, "caption": caption, "alt": alt or caption})

    def verdicts(self, *ids: str) -> None:
        """The verdicts of these claims in words."""
        if not self.on_phantoms:
            self.text(f"*{', '.join(ids)}: a verdict needs a phantom.*")
            return
        for id_ in ids:
            self.text(summary.in_words(self.judged[id_]))

    @property
    def judged(self) -> dict[str, dict]:
        """Verdicts by claim of this chapter, or else of all, from the rows that are kept by now."""
        if self._verdicts is None:
            reader = judge.reader(own=not self.from_record, profile=self.plan.profile.name)
            chapter = self.name.rpartition("/")[0]
            claims = ledger.by_paper(chapter) if chapter else ledger.load()
            self._verdicts = {out["id"]: out for out in judge.judge_all(reader, claims)}
        return self._verdicts

    def exercise(self, answer, truth: Callable[[], object], within: float = 0.0) -> None:
        """Says whether the reader's answer is right; `within` is the tolerance of a number.

        With SOLVE set it answers itself, once rightly and once wrongly, and says what comes of it.
        """
        if answer is not None:
            print(exercises.reply(answer, exercises.computed(truth), within))
        elif os.environ.get(paths.SOLVE):
            print(exercises.solved(exercises.computed(truth), within))
        else:
            print("not answered yet")

    # ---- the end ----

    def counted(self, rows: Rows, arm: str, metric: str) -> str:
        """`R=3`, or `R=3 (flair) and R=2 (pet)`."""
        each = [(at.count(arm, metric), at.name) for at in rows if at.has(arm, metric)]
        if len(each) == 1:
            return f"R={each[0][0]}"
        return " and ".join(f"R={n} ({regime})" for n, regime in each)

    def check(self, what: str, holds: bool) -> None:
        """One assertion of the band at the end."""
        if not holds:
            raise AssertionError(f"{self.item}: it does not hold that {what}")
        self.held.append(spelled(what))

    def close(self) -> None:
        """What holds, and what is kept."""
        for what in self.held:
            print(f"✓ {what}")
        if self.from_record:
            return
        seconds = round(self.spent + time.perf_counter() - self.start, 1)
        file = kept.write(
            self.item, self.plan.profile.name, self.made, self.figures, seconds=seconds
        )
        print(f"{len(self.made)} rows in data/metrics/{self.item}.json", end="; ")
        print(f"{len(self.figures)} figures; {duration(seconds)} with its jobs")
        assert file.is_file()
