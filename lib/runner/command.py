"""The runner behind run_all.sh: jobs, notebooks and the report, over one pool of processes."""

import argparse
import ast
import os
import signal
import sys
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from lib import files, jobs, paths, profiles
from lib.claims import verdict
from lib.jobs import pool
from lib.jobs.progress import bar, duration
from lib.record import compare, draws, rows
from lib.runner import execute, freshness, notebooks, plan, times

EXAMPLES = """examples:
  ./run_all.sh                        everything in profile quick, report in figures/index.html
  ./run_all.sh --profile full -j 8
  ./run_all.sh pavae/table4 dhvae     only the notebooks that start like this
  ./run_all.sh --again 90_speed       once more, although nothing has changed
  ./run_all.sh --list                 what each makes, what is cached, expected time
  ./run_all.sh --report               all pages from data/record, nothing computed
  ./run_all.sh --check                my draws against those of data/record
  ./run_all.sh --draws 3-5 pavae      more training draws
  ./run_all.sh --to-record            finished draws into data/record
  ./run_all.sh --clean                remove results that no notebook of today reaches
"""


SEEDS = 2**32  # seeds are below
TEXTS = ("profile", "dataset", "root", "draws")  # parameters whose values are text


class Stopped(KeyboardInterrupt):
    """A signal that ends the run, as Ctrl-C does."""

    def __init__(self, number: int):
        self.number = number
        super().__init__(signal.Signals(number).name)


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 all well, 1 a notebook or a number failed, 2 wrong command, 130 stopped.

    After SIGTERM 143, after SIGHUP 129.
    """
    args = _arguments(argv)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # a terminal that lacks a character shows "?"
    try:
        with _ending_on_signals():
            return _command(args)
    except plan.Unplannable as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        _sweep()  # of what its workers had in hand
        number = getattr(error, "number", signal.SIGINT)
        print("\nstopped; the same command goes on", file=sys.stderr)
        return 128 + number
    except (pool.Hopeless, files.CannotWrite, rows.RecordError) as error:
        _sweep()
        print(error, file=sys.stderr)
        return 1


def _sweep() -> None:
    """Remove what processes that have ended left half-written."""
    for folder in (paths.HOME / "data", paths.FIGURES):
        files.sweep(folder)


@contextmanager
def _ending_on_signals():
    """SIGTERM and SIGHUP raise Stopped, so that workers and kernels end; not where ignored."""

    def stop(number: int, frame) -> None:
        raise Stopped(number)

    caught = [signal.SIGTERM, signal.SIGHUP]
    before = {each: signal.getsignal(each) for each in caught}
    for each in caught:
        if before[each] != signal.SIG_IGN:  # nohup
            signal.signal(each, stop)
    try:
        yield
    finally:
        for each in caught:
            signal.signal(each, before[each])


def _command(args: argparse.Namespace) -> int:
    if args.clean:
        status, said = plan.clean()
        print(said, file=sys.stderr if status else sys.stdout)
        return status
    try:
        names, given = notebooks.find(args.notebooks), _given(args)
        _check_seed(given["seed"])
        if args.draws:  # others have no training draws
            names = [name for name in names if "draws" in notebooks.parameters(name)]
        for name in names:
            notebooks.check_parameters(name, given)
        notebooks.check_values(given)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    if args.list:
        return show_list(names, args, given)
    if args.check:
        return show_check(names if args.notebooks else None, args.exact)
    if args.to_record:
        return show_kept(names if args.notebooks else rows.items(paths.METRICS))
    return run_notebooks(names, args, given)


def _given(args: argparse.Namespace) -> dict:
    """The parameters that notebooks get."""
    more = {"draws": args.draws} if args.draws else {}
    return {"profile": args.profile, "seed": args.seed, **more, **args.set}


def _check_seed(seed) -> None:
    if type(seed) is not int or not 0 <= seed < SEEDS:
        raise ValueError(f"the seed is {seed}; give a whole number from 0 to {SEEDS - 1}")


def run_notebooks(names: list[str], args: argparse.Namespace, given: dict) -> int:
    """Everything that is not up to date: notebooks as soon as their jobs are done, then the report.

    What is up to date needs no look at its jobs either.
    """
    _sweep()
    for name, wanted in ((paths.RECORD_ONLY, args.report), (paths.REFIT, args.refit)):
        os.environ.pop(name, None)
        if wanted:
            os.environ[name] = "1"  # seen by workers and kernels
    around = freshness.surroundings(given)
    due = names if args.again else freshness.due(names, given, around)
    for name in names:
        if name not in due:
            print(f"{name:36} up to date")
    if not due:
        return _report_unchanged(args.profile)
    needed = _jobs(due, args, given)
    if any(needed.values()):
        plan.note(given)
        _say_work({name: plan.listed(name, needed[name]) for name in due}, args, given)
    tasks = _tasks(needed, args, given, around)
    with bar() as show:
        narrate = _narrator(set(due), show, args.profile)
        failed = pool.run(tasks, args.jobs, narrate, targets=due)
    print(f"report: {_report(args.profile, failed)}")
    without = [name for name in due if name in failed]
    if without:
        print(f"{len(without)} of {len(due)} not made: {', '.join(without)}", file=sys.stderr)
    return 1 if failed else 0


def _say_work(needs: dict, args: argparse.Namespace, given: dict) -> None:
    """How much there is to compute, where there is something."""
    work = times.together(needs, times.stored(needs), given)
    if work.todo:
        print(work.told(args.jobs), flush=True)


def _report_unchanged(profile: str) -> int:
    """The index once more; on a disk that cannot be written the one that there is will do."""
    try:
        print(f"report: {_report(profile, {})}")
    except files.CannotWrite as error:
        print(f"report: {paths.FIGURES / 'index.html'}, as it was ({error})")
    return 0


def show_list(names: list[str], args: argparse.Namespace, given: dict) -> int:
    """One line per notebook: jobs cached of all, expected time of the rest, what it makes."""
    around = freshness.surroundings(given)
    due = names if args.again else freshness.due(names, given, around)
    needs = plan.needs(names, given, around) if notebooks.plannable(given) else {}
    there = times.stored(needs)
    print(f"{'notebook':36} {'cached':>9} {'time left':>10}  makes")
    for name in names:
        needed = needs.get(name)
        todo = [each for each in needed or () if each[0] not in there]
        cached = f"{len(needed) - len(todo)}/{len(needed)}" if needed else "-"
        left = _expected(name, needed, todo, args.jobs, given) if name in due else "up to date"
        print(f"{name:36} {cached:>9} {left:>10}  {notebooks.title(name)}")
    work = times.together({name: needs.get(name) for name in due}, there, given)
    time_left = duration(work.seconds / pool.cores(args.jobs))
    every = {key for needed in needs.values() for key, _ in needed or ()}
    cached = f"{len(every & there)}/{len(every)}"
    print(f"{'total':36} {cached:>9} {time_left:>10}  {work.told(args.jobs)}")
    return 0


def show_check(names: Iterable[str] | None, exact: bool) -> int:
    """Print each draw that is off; exit status 1 when there is one, or nothing to compare with."""
    items = [item for item in rows.items(paths.RECORD) if names is None or item in names]
    if not items:
        print("the record has no page of this selection", file=sys.stderr)
        return 1
    lines, total = compare.check(items, verdict.margin_of_row, exact)
    for line in lines:
        print(line)
    print(f"{total} draws compared with data/record, {len(lines)} problems")
    return 1 if lines else 0


def show_kept(items: Iterable[str]) -> int:
    """Merge finished draws into the record; exit status 1 when one is refused."""
    lines = draws.to_record(items)
    for line in lines:
        print(line)
    return 1 if any(line.endswith("refused.") for line in lines) else 0


def _tasks(
    needed: dict[str, list[jobs.Job]], args: argparse.Namespace, given: dict, around: str
) -> list[pool.Task]:
    """Jobs and notebooks in one list; the order says what is started first.

    From the record alone, pages of no chapter come first: they compute, and so take longest.
    """
    found: dict[str, pool.Task] = {}
    names = sorted(needed, key=lambda name: "/" in name) if args.report else list(needed)
    for name in names:
        after = freshness.after(name, names)
        notebook = execute.task(name, given, needed[name], after, around)
        each = [*jobs.tasks(needed[name]), notebook]
        found |= {task.key: task for task in each if task.key not in found}
    return list(found.values())


def _jobs(names: list[str], args: argparse.Namespace, given: dict) -> dict[str, list[jobs.Job]]:
    """What each notebook needs; with parameters of its own it computes that itself."""
    if args.report or not notebooks.plannable(given):
        return {name: [] for name in names}
    return plan.jobs_of(names, given)


def _narrator(names: set[str], show, profile: str):
    """A progress callback: one line per finished notebook above the bar, and a fresh index.

    A failure is told once, when it happens: what needs a failed job has no line of its own.
    """
    told: set = set()

    def tell(line: str, stream) -> None:
        if line not in told:
            told.add(line)
            _say(line, stream)

    def report(state: pool.State) -> None:
        before = len(told)
        for name, seconds in state.seconds.items():
            if name in names:
                tell(f"{name:36} {seconds:6.1f} s", sys.stdout)
        for each in state.failed.values():
            if not each.cause:
                tell(f"FAILED {each.name}: {each.message}", sys.stderr)
        if len(told) > before:
            _report(profile, state.failed)
        show(state)

    return report


def _say(line: str, stream) -> None:
    from tqdm import tqdm

    tqdm.write(line, file=stream)
    stream.flush()


def _expected(
    name: str, needed: plan.Needed | None, todo: plan.Needed, workers: int | None, given: dict
) -> str:
    """Time left of a notebook: jobs share the processes, a notebook without jobs has one."""
    seconds = times.left(name, needed, todo, given)
    return "?" if seconds is None else duration(seconds / (pool.cores(workers) if needed else 1))


def _report(profile: str, failed: dict[str, pool.Failure]) -> Path:
    """The index of all that is done so far, with the pages that are missing and what failed."""
    from lib.report import build  # here: --list and --check need not wait for it

    with files.writing(paths.FIGURES):
        return build.build(profile, {each.name: each.message for each in failed.values()})


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = _Parser(
        prog="./run_all.sh",
        description="Run the notebooks and build the report; what is up to date is not run again.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("notebooks", nargs="*", help="names or their beginnings, as pavae/table4 (default: all)")
    add("--profile", default="quick", choices=profiles.PROFILES, help="how much to run")
    add("-j", "--jobs", type=int, metavar="N", help="processes (default: one per core)")
    add("--seed", type=int, default=0, help="seed of all studies (default: 0)")
    add("--set", action="append", default=[], metavar="NAME=VALUE", help="another parameter")
    add("--again", action="store_true", help="execute notebooks also when they are up to date")
    add("--list", action="store_true", help="list the notebooks and stop")
    add("--report", action="store_true", help="build all pages from data/record alone")
    add("--refit", action="store_true", help="fit models anew that the record has")
    add("--draws", default="", metavar="A-B", help="these training draws, as 3-5 or 4")
    add("--check", action="store_true", help="compare my draws with data/record and stop")
    add("--exact", action="store_true", help="with --check: to 1e-9, whatever made them")
    add("--to-record", action="store_true", help="merge finished draws into data/record and stop")
    add("--clean", action="store_true", help="remove results that no notebook reaches and stop")
    args = parser.parse_args(argv)
    try:
        if args.jobs is not None and args.jobs < 1:
            raise ValueError(f"-j is {args.jobs}; give a whole number from 1.")
        if args.draws:
            profiles.parse(args.draws)
        args.set = dict(map(_setting, args.set))
    except ValueError as error:
        parser.exit(2, f"{error}\n")
    return args


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage above it."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message}; see {self.prog} --help\n")


def _setting(text: str) -> tuple[str, object]:
    """`name=value`; the value is text where a notebook wants that, else a Python literal or text.

    Raises ValueError.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        raise ValueError(f"--set is {text!r}; write NAME=VALUE.")
    try:
        literal = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
    return name, value if name in TEXTS and not isinstance(literal, str) else literal
