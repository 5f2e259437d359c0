"""Runs tasks over one pool of processes as soon as what they need is done.

A task that fails stops only those that need it. The pool is joblib's loky, one single-threaded
process per core, or a Dask cluster when DASK_SCHEDULER_ADDRESS is set.
"""

import ctypes
import errno
import logging
import os
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field

from lib import files, paths
from lib.jobs.progress import bar

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")

WORKERS = "KNOWN_TRUTH_WORKERS"  # default number of workers; 1 inside a notebook run headless


class Missing(LookupError):
    """An input is not in the store, or is damaged: Missing(key, message)."""


class Told(RuntimeError):
    """An error whose message says all: no type and place are added to it."""


class Hopeless(Told):
    """No task can go on, as on a full disk: the whole run stops with this message."""


@dataclass(frozen=True)
class Failure:
    """Why a task has no result."""

    name: str
    message: str  # one line
    traceback: str = ""
    cause: str = ""  # key of the failed task that this one needed, when it did not run itself


@dataclass(frozen=True)
class Task:
    """Something to run in a worker: `call[0](*call[1:])`, unless `is_done()`."""

    key: str
    name: str
    call: tuple
    inputs: tuple[str, ...] = ()  # keys of the tasks that must have succeeded
    after: tuple[str, ...] = ()  # keys of the tasks that must have ended
    is_done: Callable[[], bool] = lambda: False
    begin: Callable[[], None] = lambda: None  # in this process, just before the call
    end: Callable[[], None] = lambda: None  # in this process, after a call that succeeded
    expected: Callable[[], float | None] = lambda: None  # seconds, when known
    source: str = ""  # state of the source files; workers that saw another state are replaced


@dataclass
class State:
    """How far a run is; what `progress` callbacks get."""

    tasks: dict[str, Task]
    cached: set[str] = field(default_factory=set)  # were done before
    waiting: list[str] = field(default_factory=list)
    running: dict[Future, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)  # finished now, with wall time
    failed: dict[str, Failure] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)  # clock at the start
    tries: Counter = field(default_factory=Counter)
    suspects: set[str] = field(default_factory=set)  # ran while a worker died: run alone next
    workers: int = 1
    cluster: str = ""  # address of a Dask scheduler; "" for processes of this machine

    @property
    def done(self) -> set[str]:
        return self.cached | self.seconds.keys()

    @property
    def seconds_left(self) -> float | None:
        """Rough time to the end; None while nothing is known about a task of any kind."""
        known = list(self.seconds.values())
        mean = sum(known) / len(known) if known else None
        todo = [self.tasks[key] for key in [*self.waiting, *self.running.values()]]
        each = [mean if (known := task.expected()) is None else known for task in todo]
        return None if None in each else sum(each) / max(1, min(self.workers, len(each)))


def run(
    tasks: Iterable[Task],
    workers: int | None = None,
    progress: Callable[[State], None] | None = None,
    targets: Iterable[str] | None = None,
) -> dict[str, Failure]:
    """Run what is not done of `targets` and of what they need.

    `targets` are keys; default: the tasks that no other needs. Tasks go in the order of the list.
    Returns the failures by key. Raises Hopeless, and files.CannotWrite when there is something to
    do and nothing can be stored; a private folder in the store says meanwhile that it is in use.
    """
    state = State({task.key: task for task in tasks})
    needed = {key for task in state.tasks.values() for key in task.inputs}
    for key in list(state.tasks if targets is None else targets):
        if targets is not None or key not in needed:
            _require(state, key)
    if not state.waiting:
        return {}
    shown = bar() if progress is None else nullcontext(progress)
    with files.half(paths.STORE), _pool(state, workers) as executor, shown as report:
        _drive(state, executor, report)
    return state.failed


def _require(state: State, key: str) -> None:
    """Put a task and what it needs on the waiting list, unless it is done."""
    if key in state.waiting or key in state.done or key in state.running.values():
        return
    if state.tasks[key].is_done():
        state.cached.add(key)
        return
    state.waiting.append(key)
    for needed in state.tasks[key].inputs:
        _require(state, needed)


def _drive(state: State, executor: Callable, report: Callable[[State], None]) -> None:
    """The loop: start what is ready, wait for one to end, until nothing is left."""
    order = {key: i for i, key in enumerate(state.tasks)}
    while state.waiting or state.running:
        state.waiting.sort(key=order.__getitem__)
        _skip_hopeless(state)
        _start_ready(state, executor)
        report(state)
        if state.waiting and not state.running:
            names = [state.tasks[key].name for key in state.waiting]
            raise RuntimeError(f"these tasks wait for each other: {', '.join(names)}")
        ended, _ = wait(state.running, timeout=5, return_when=FIRST_COMPLETED)
        for future in ended:
            _settle(state, state.running.pop(future), future)
    report(state)


def _start_ready(state: State, executor: Callable) -> None:
    """Fill the workers; a task that was running when a worker died gets the pool for itself."""
    for key in _ready(state):
        alone = key in state.suspects or any(k in state.suspects for k in state.running.values())
        if len(state.running) >= state.workers or (alone and state.running):
            break
        state.tasks[key].begin()
        state.running[_submit(state, executor, state.tasks[key].call)] = key
        state.started[key] = time.monotonic()
        state.waiting.remove(key)


def _submit(state: State, executor: Callable, call: tuple) -> Future:
    try:
        return executor().submit(_call, *call)
    except OSError as error:
        if state.cluster:
            raise _no_scheduler(state.cluster) from error
        if error.errno in (errno.ENOSPC, errno.ENOSYS, errno.EACCES):
            raise Hopeless(
                "worker processes need shared memory and this machine has too little: "
                "make /dev/shm larger (docker run --shm-size=64m) and run the same command again"
            ) from error
        raise


def _settle(state: State, key: str, future: Future) -> None:
    """Book one ended task: its time, its failure, or another try."""
    error = CancelledError("cancelled") if future.cancelled() else future.exception()
    problem = None if error else future.result()[1]
    if isinstance(problem, Hopeless):
        raise problem
    if state.cluster and isinstance(error, CancelledError | OSError):
        raise _no_scheduler(state.cluster) from error
    state.tries[key] += 1
    lost = _lost(state, key, problem) if state.tries[key] < 3 else []
    if lost:
        for each in lost:
            state.cached.discard(each)
            state.seconds.pop(each, None)
            _require(state, each)
        state.waiting.append(key)
    elif isinstance(error, BrokenExecutor) and key not in state.suspects:
        state.suspects.add(key)
        state.waiting.append(key)
    elif error or problem:
        state.failed[key] = _failure(state.tasks[key].name, error, problem)
    else:
        state.tasks[key].end()
        state.seconds[key] = time.monotonic() - state.started[key]


def _lost(state: State, key: str, problem) -> list[str]:
    """Keys of results that a failed task needs and that are damaged or gone since they were made.

    What reads a damaged result takes it out of the store, so a look there is enough.
    """
    if isinstance(problem, Missing):
        return [problem.args[0]]
    if not isinstance(problem, Failure):
        return []
    return [each for each in _all_inputs(state, key) if not state.tasks[each].is_done()]


def _all_inputs(state: State, key: str) -> list[str]:
    """What a task needs, directly or through others."""
    found: dict[str, None] = {}
    waiting = list(state.tasks[key].inputs)
    while waiting:
        each = waiting.pop()
        if each not in found:
            found[each] = None
            waiting += state.tasks[each].inputs
    return list(found)


def _failure(name: str, error: BaseException | None, problem) -> Failure:
    if isinstance(problem, Failure):
        return Failure(name, problem.message, problem.traceback)
    if isinstance(problem, Missing):
        return Failure(name, problem.args[1])
    if isinstance(error, BrokenExecutor):
        return Failure(name, "its worker process was killed twice (out of memory?)")
    return Failure(name, f"{type(error).__name__}: {error}")


def _ready(state: State) -> list[str]:
    """Waiting tasks whose inputs are there and whose predecessors have ended."""
    done, open_ = state.done, {*state.waiting, *state.running.values()}
    return [
        key
        for key in state.waiting
        if all(needed in done for needed in state.tasks[key].inputs)
        and not any(before in open_ for before in state.tasks[key].after)
    ]


def _skip_hopeless(state: State) -> None:
    """Fail the waiting tasks that need a failed one; tasks stand in order, inputs first."""
    for key in list(state.waiting):
        bad = next((needed for needed in state.tasks[key].inputs if needed in state.failed), None)
        if bad is not None:
            root = state.failed[bad].cause or bad
            message = f"needs {state.tasks[root].name}, which failed"
            state.failed[key] = Failure(state.tasks[key].name, message, cause=root)
            state.waiting.remove(key)


# ---- workers ------------------------------------------------------------------------------------


def _call(function: Callable, *args):
    """Runs in the worker: (value, None) or (None, Missing | Failure).

    Errors travel as text, because an exception that cannot be unpickled would break the pool.
    """
    one_thread()
    try:
        return function(*args), None
    except Missing as missing:
        return None, missing
    except (files.CannotWrite, Hopeless) as error:
        return None, Hopeless(str(error))
    except Exception as error:
        return None, Failure("", _one_line(error), traceback.format_exc())
    finally:
        _give_memory_back()


def _give_memory_back() -> None:
    """Hand freed memory to the system, where the C library can (glibc).

    Otherwise loky takes a worker that once held large arrays for leaking and starts a new one.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _one_line(error: Exception) -> str:
    if isinstance(error, Told):
        return str(error)
    where = traceback.extract_tb(error.__traceback__)[-1]
    first = f"{type(error).__name__}: {error}".strip().partition("\n")[0]
    return f"{first} ({os.path.basename(where.filename)}:{where.lineno})"


def one_thread() -> None:
    """One thread per process: several per core make small networks many times slower."""
    for name in THREADS:
        os.environ[name] = "1"
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def cores(workers: int | None = None) -> int:
    """How many worker processes: the given number, else the environment's, else one per core.

    Cores that this process may not use (affinity, control groups of containers) do not count.
    """
    from joblib import cpu_count  # here: an eighth of a second that `--list` need not spend

    return workers or int(os.environ.get(WORKERS) or cpu_count())


@contextmanager
def _pool(state: State, workers: int | None):
    """A function that gives a working executor; sets state.workers."""
    state.cluster = os.environ.get("DASK_SCHEDULER_ADDRESS", "")
    if state.cluster:
        with _dask_client(state.cluster) as client:
            state.workers = sum(client.nthreads().values())
            yield lambda: client.get_executor(pure=False)
    else:
        state.workers = cores(workers)
        with _loky(state) as executor:
            yield executor


@contextmanager
def _loky(state: State):
    from joblib.externals.loky import get_reusable_executor

    source = " ".join(sorted({task.source for task in state.tasks.values()}))
    env = dict.fromkeys(THREADS, "1") | {"KNOWN_TRUTH_SOURCE": source}
    kept = {"timeout": 60, "initializer": end_with_parent, "initargs": (os.getpid(),)}
    used = []  # the last executor, if any

    def executor():  # the one there is, unless it is broken or saw other source files
        used[:] = [get_reusable_executor(max_workers=state.workers, env=env, **kept)]
        return used[0]

    try:
        yield executor
    except BaseException:  # also a signal: leave no worker behind
        for each in used:
            each.shutdown(wait=True, kill_workers=True)
        raise


def end_with_parent(parent: int) -> None:
    """End this worker within a second after its parent was killed; its kernels watch it likewise.

    Otherwise it would finish its task, beside the same task of the next run.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _dask_client(address: str):
    try:
        from dask.distributed import Client
    except ImportError:
        remedy = "pip install distributed, or unset DASK_SCHEDULER_ADDRESS"
        raise Hopeless(f"DASK_SCHEDULER_ADDRESS is set but dask is missing: {remedy}") from None
    try:
        client = Client(address, timeout=20, set_as_default=False)
        workers = client.nthreads()
    except OSError as error:
        raise _no_scheduler(address) from error
    if not workers:
        raise Hopeless(f"the Dask scheduler at {address} has no workers: start one and try again")
    return client


def _no_scheduler(address: str) -> Hopeless:
    for name in ("distributed", "distributed.client"):  # their tracebacks add nothing
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return Hopeless(
        f"the Dask scheduler at {address} does not answer; finished results are kept: start it, "
        "or unset DASK_SCHEDULER_ADDRESS, and run the same command again"
    )
