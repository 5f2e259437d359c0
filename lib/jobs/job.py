"""Content-addressed jobs: a pure function of plain JSON and other jobs, computed once, kept.

    pool = Job(sample_pool, generator=Job(fit_vae, dataset=data, epochs=40, seed=0), n=700)
    run([pool])            # computes what is missing, on all cores
    load(pool).scores      # {...}

A result lies in the store under a key that hashes the function, its arguments, the keys of its
inputs and all source code that the function can reach: after an edit of a helper nothing stale is
used.
"""

import functools
import importlib
import inspect
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from lib import machine, paths
from lib.jobs import pool, source, store
from lib.jobs.recipe import LINK, Node, digest, plain, replace, replace_links
from lib.jobs.store import Result

__all__ = ["Job", "JobError", "Result", "expected_seconds", "fingerprint", "is_done", "load", "run"]


class JobError(pool.Told):
    """One or more jobs have no result."""


class Job(Node):
    """A call `function(**args)` that has not happened yet.

    `function` is a module-level function that returns a Result. Arguments are None, bool, int,
    finite float, str, Jobs, and lists and dicts (with str keys) of those. The function sees a
    Result in the place of each Job.
    """

    def __init__(self, function: Callable[..., Result], /, **args):
        check_function(function, args)
        self.name = f"{function.__module__}:{function.__name__}"
        self.inputs: list[Job] = []
        self.module = function.__module__
        self._args = {k: plain(v, f"{self.name}({k})", self.inputs) for k, v in args.items()}

    @property
    def spec(self) -> dict:
        """The whole recipe as plain JSON, the recipes of the inputs nested inside."""
        return {"function": self.name, "args": replace(self._args, lambda job: {LINK: job.spec})}

    @functools.cached_property
    def code(self) -> str:
        """Hash of the definitions that the function can reach."""
        return source.code_hash(*self.name.split(":"))

    @functools.cached_property
    def key(self) -> str:
        args = replace(self._args, lambda job: {LINK: job.key})
        return digest({"args": args, "code": self.code})

    @functools.cached_property
    def keys(self) -> dict[str, str]:
        """{precision: the key that the same recipe has on a processor of it}; `key` is one."""
        found = {}
        for chosen in machine.PRECISIONS:
            args = replace(self._args, lambda job, p=chosen: {LINK: job.keys[p]}, chosen)
            found[chosen] = digest({"args": args, "code": self.code})
        return found

    def __repr__(self):
        return f"Job({self.name}, {self.key[:12]})"

    def __eq__(self, other):
        return isinstance(other, Job) and self.key == other.key

    def __hash__(self):
        return hash(self.key)


def run(jobs: Iterable[Job], workers: int | None = None, progress=None) -> None:
    """Compute what is missing of `jobs` and of what they need.

    `workers` defaults to the number of cores; `progress` is called with a pool.State after
    every change (default: a bar, or sparse lines where there is no terminal). Raises JobError
    that names the failed jobs after all others have ended.
    """
    failed = pool.run(tasks(jobs), workers, progress)
    if failed:
        lines = [f"{each.name}: {each.message}" for each in failed.values()]
        raise JobError("\n  ".join([f"{len(failed)} jobs have no result:", *dict.fromkeys(lines)]))


def is_done(job: Job) -> bool:
    """Whether the store has a whole result; a damaged one is reported and counts as missing.

    Truncation is seen here, a changed byte when the result is read.
    """
    record, problem = store.find(paths.STORE, job.key, thorough=False)
    if problem:
        print(f"{job.name}: {problem}; computing it again", flush=True)
    return record is not None


def load(job: Job) -> Result:
    """The stored result; raises JobError when there is none or when it is damaged."""
    record, problem = store.find(paths.STORE, job.key)
    if record is None:
        if problem:
            store.forget(paths.STORE, job.key)
        raise JobError(f"{job.name}: {problem or 'not computed yet'}; jobs.run([job]) computes it")
    return store.read(paths.STORE, record)


def fingerprint(jobs: Iterable[Job]) -> str:
    """One short hash of the specs and the code of all `jobs`: the `code` of a metrics stamp."""
    return digest(sorted({job.key for job in jobs}))[:16]


def expected_seconds(job: Job) -> float | None:
    """Median core-seconds of the stored results of the same function; None when there are none."""
    return store.seconds(paths.STORE).get(job.name)


def tasks(jobs: Iterable[Job]) -> list[pool.Task]:
    """The jobs and all that they need as tasks of the scheduler, inputs first."""
    ordered: dict[str, pool.Task] = {}
    state = functools.cache(source.snapshot)

    def add(job: Job) -> None:
        if job.key not in ordered:
            for needed in job.inputs:
                add(needed)
            ordered[job.key] = _task(job, state(job.module))

    for job in jobs:
        add(job)
    return list(ordered.values())


def _task(job: Job, state: str) -> pool.Task:
    links = replace(job._args, lambda needed: {LINK: [needed.key, needed.name]})
    return pool.Task(
        key=job.key,
        name=job.name,
        inputs=tuple(needed.key for needed in job.inputs),
        call=(_compute, job.name, links, job.spec, job.key, job.code, str(paths.STORE)),
        is_done=functools.partial(is_done, job),
        expected=functools.partial(expected_seconds, job),
        source=state,
    )


# ---- inside a worker process --------------------------------------------------------------------

_imported: dict[str, str] = {}  # digest of each source file when this process first used it


def _compute(name: str, args: dict, spec: dict, key: str, code: str, folder: str) -> None:
    """Run one job and store its result."""
    module, _, function = name.partition(":")
    inputs = replace_links(args, lambda link: _load(Path(folder), *link))
    call = getattr(importlib.import_module(module), function)
    _check_source(name, code)
    pool.one_thread()
    start = time.process_time()  # of this core: what else the machine does costs nothing
    result = call(**inputs)
    seconds = round(time.process_time() - start, 3)
    _check_source(name, code)
    if not isinstance(result, Result):
        raise TypeError(f"{name} must return a jobs.Result, not {type(result).__name__}")
    store.write(Path(folder), {"key": key, "seconds": seconds, "code": code, "spec": spec}, result)


def _load(folder: Path, key: str, name: str) -> Result:
    record, problem = store.find(folder, key)
    if record is None:
        if problem:
            store.forget(folder, key)
        raise pool.Missing(key, f"{name}: {problem or 'not in the store'}")
    return store.read(folder, record)


def _check_source(name: str, code: str) -> None:
    """Refuse a result whose source was edited after its key was made or after this import."""
    module, _, function = name.partition(":")
    found = source.sources(module, function)
    fresh = all(_imported.setdefault(name, digest) == digest for name, digest in found.items())
    if not fresh or source.code_hash(module, function) != code:
        raise JobError(f"{name}: its source changed while it ran; run the same command again")


def check_function(function: Callable, args: dict) -> None:
    where = f"{function.__module__}:{function.__qualname__}"
    module = sys.modules.get(function.__module__)
    if function.__module__ == "__main__" or getattr(module, function.__name__, None) != function:
        raise TypeError(f"{where} must be a module-level function of an imported module")
    try:
        inspect.signature(function).bind(**args)
    except TypeError as error:
        raise TypeError(f"{where}: {error}") from None


def seconds(jobs: Iterable[Job]) -> float:
    """Core-seconds of the stored results of jobs and all that they need; missing ones count 0."""
    found = (store.find(paths.STORE, task.key, thorough=False)[0] for task in tasks(jobs))
    return sum(record["seconds"] for record in found if record)
