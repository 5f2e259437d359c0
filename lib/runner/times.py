"""What a run will take, told before it: by the times of jobs in the store, else by the record.

A job whose function the store does not know is billed its share of what its page took when the
record was made: at most, because a job that several pages share stands in the time of each.
"""

import math
import os
from dataclasses import dataclass

from lib import machine, paths, profiles
from lib.jobs import pool, store
from lib.jobs.progress import duration
from lib.record import rows
from lib.runner.plan import Needed


@dataclass(frozen=True)
class Work:
    """What is left to do of the jobs of several notebooks, each job counted once."""

    todo: int = 0  # jobs that are not in the store
    seconds: float = 0.0  # of these on one core
    untimed: int = 0  # of these, whose time nothing tells
    by_record: bool = False  # whether the record tells some of it, which is more than it takes

    def told(self, workers: int | None) -> str:
        """`12 jobs to compute, about 40 core-minutes, about 20 min on 2 processes`."""
        about = "at most" if self.by_record else "about"
        text = f"{self.todo:,} job{'s' * (self.todo != 1)} to compute"
        if self.untimed < self.todo:
            minutes = math.ceil(self.seconds / 60)
            text += f", {about} {minutes:,} core-minute{'s' * (minutes != 1)}"
            if not os.environ.get("DASK_SCHEDULER_ADDRESS"):  # a cluster has its own processes
                n = pool.cores(workers)
                text += f", {about} {duration(self.seconds / n)} on {n} process{'es' * (n != 1)}"
        return text + f" ({self.untimed:,} of them, never timed, left out)" * bool(self.untimed)


def together(needs: dict[str, Needed | None], there: set[str], given: dict) -> Work:
    """The work of notebooks, whose jobs are `needs`; `there` are the keys in the store."""
    every: set[str] = set()
    known, by_record = store.seconds(paths.STORE), False
    todo, seconds, untimed = 0, 0.0, 0
    for name, needed in needs.items():
        new = [each for each in needed or () if each[0] not in every]
        open_ = [each for each in new if each[0] not in there]
        took = left(name, needed, open_, given) if open_ else 0.0
        todo, every = todo + len(open_), every.union(key for key, _ in new)
        untimed += len(open_) if took is None else 0
        seconds += took or 0.0
        by_record = by_record or any(function not in known for _, function in open_)
    return Work(todo, seconds, untimed, by_record)


def left(name: str, needed: Needed | None, todo: Needed, given: dict) -> float | None:
    """Core-seconds of `todo`, some of the jobs that a notebook needs; None where not known.

    `needed` is None for a notebook that computes all itself: without a table, or with parameters
    of its own.
    """
    if needed is None:
        return recorded(name, given, whole=True)
    known = store.seconds(paths.STORE)
    new = [each for _, each in todo if each not in known]
    page = recorded(name, given) if new else 0.0
    if page is None:
        return None
    return sum(known.get(each, 0.0) for _, each in todo) + page * len(new) / max(1, len(needed))


def recorded(name: str, given: dict, whole: bool = False) -> float | None:
    """Core-seconds of a page and its jobs by the record, in this machine's precision.

    Those of the draws that are asked for, or the `whole` of its longest run; None where the record
    has no time, or that of other sizes.
    """
    page = rows.read(name, paths.RECORD)
    if page is None or not rows.alike(page["profile"], given["profile"]):
        return None
    took = rows.seconds(page, machine.precision(), whole)
    drawn = profiles.plan(given["profile"], draws=given.get("draws", "")).draws()
    return took if whole or took is None else took * len(drawn)


def stored(needs: dict[str, Needed | None]) -> set[str]:
    """The keys of those jobs that are in the store, without a look at what they hold."""
    keys = {key for needed in needs.values() for key, _ in needed or ()}
    return {key for key in keys if store.find(paths.STORE, key, thorough=False)[0]}
