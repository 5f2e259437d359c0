"""The runner behind run_all.sh: jobs, notebooks and the report, over one pool of processes."""

import argparse
import ast
import sys
from collections.abc import Iterable
from pathlib import Path

from lib import jobs, paths, profiles
from lib.claims import verdict
from lib.jobs import pool
from lib.record import compare, draws, rows
from lib.runner import notebooks

EXAMPLES = """examples:
  ./run_all.sh                        everything in profile quick, report in figures/index.html
  ./run_all.sh --profile full -j 8
  ./run_all.sh pavae/table4 dhvae     only the notebooks that start like this
  ./run_all.sh --again 90_speed       once more, although nothing has changed
  ./run_all.sh --list                 what each makes, what is cached, expected time
  ./run_all.sh --check                my draws against those of data/record
  ./run_all.sh --draws 3-5 pavae      more training draws
  ./run_all.sh --to-record            finished draws into data/record
"""


def main(argv: list[str] | None = None) -> int:
    """Exit status: 0 all well, 1 a notebook or a number failed, 2 wrong command, 130 stopped."""
    args = _arguments(argv)
    try:
        names = notebooks.find(args.notebooks)
        given = {"profile": args.profile, "seed": args.seed, **args.set}
        for name in names:
            notebooks.check_parameters(name, given)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    try:
        if args.list:
            return show_list(names, args, given)
        if args.check:
            return show_check(names if args.notebooks else None, args.exact)
        if args.to_record:
            return show_kept(names if args.notebooks else rows.items(paths.METRICS))
        return run_notebooks(names, args, given)
    except rows.RecordError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on", file=sys.stderr)
        return 130


def run_notebooks(names: list[str], args: argparse.Namespace, given: dict) -> int:
    """Everything that is not up to date: notebooks as soon as their jobs are done, then the report.

    What is up to date needs no look at its jobs either.
    """
    around = notebooks.surroundings()
    due = names if args.again else notebooks.due(names, given, around)
    for name in names:
        if name not in due:
            print(f"{name:36} up to date")
    tasks = _tasks(due, args, given, around)
    with pool.bar() as show:
        narrate = _narrator(set(due), show, args.profile)
        failed = pool.run(tasks, args.jobs, narrate, targets=due)
    print(f"report: {_report(args.profile, failed)}")
    for failure in failed.values():
        print(f"FAILED {failure.name}: {failure.message}", file=sys.stderr)
    return 1 if failed else 0


def show_list(names: list[str], args: argparse.Namespace, given: dict) -> int:
    """One line per notebook: jobs cached of all, expected time of the rest, what it makes."""
    due = names if args.again else notebooks.due(names, given, notebooks.surroundings())
    print(f"{'notebook':36} {'cached':>9} {'time left':>10}  makes")
    for name in names:
        needed = jobs.tasks(_jobs(name, args))
        todo = [task for task in needed if not task.is_done()]
        cached = f"{len(needed) - len(todo)}/{len(needed)}" if needed else "-"
        left = _expected(name, todo, args.jobs) if name in due else "up to date"
        print(f"{name:36} {cached:>9} {left:>10}  {notebooks.title(name)}")
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
    names: list[str], args: argparse.Namespace, given: dict, around: str
) -> list[pool.Task]:
    """Jobs and notebooks in one list; the order says what is started first."""
    found: dict[str, pool.Task] = {}
    for name in names:
        needed = _jobs(name, args)
        notebook = notebooks.task(name, given, needed, notebooks.after(name, names), around)
        found |= {
            task.key: task for task in [*jobs.tasks(needed), notebook] if task.key not in found
        }
    return list(found.values())


def _jobs(name: str, args: argparse.Namespace) -> list[jobs.Job]:
    """What a notebook needs; with parameters of its own it computes that itself."""
    return [] if args.set else notebooks.jobs(name, args.profile, args.seed)


def _narrator(names: set[str], show, profile: str):
    """A progress callback: one line per finished notebook above the bar, and a fresh index."""
    told = set()

    def report(state: pool.State) -> None:
        for name in [key for key in (*state.seconds, *state.failed) if key in names - told]:
            told.add(name)
            _say(f"{name:36} " + _outcome(name, state))
            _report(profile, state.failed)
        show(state)

    return report


def _outcome(name: str, state: pool.State) -> str:
    if name in state.failed:
        return f"FAILED {state.failed[name].message}"
    return f"{state.seconds[name]:6.1f} s"


def _say(line: str) -> None:
    from tqdm import tqdm

    tqdm.write(line)
    sys.stdout.flush()


def _expected(name: str, todo: list[pool.Task], workers: int | None) -> str:
    """Time of the missing jobs: from jobs of the same kind, else from the record."""
    known = [task.expected() for task in todo]
    if None not in known:
        return pool.duration(sum(known) / pool.cores(workers))
    page = rows.read(name, paths.RECORD)
    seconds = page and page["runs"][-1]["seconds"]
    return pool.duration(seconds) if seconds else "?"


def _report(profile: str, failed: dict[str, pool.Failure]) -> Path:
    """The index of all that is done so far, with the pages that are missing and what failed."""
    from lib.report import build  # here: --list and --check need not wait for it

    return build.build(profile, {each.name: each.message for each in failed.values()})


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
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
    add("--check", action="store_true", help="compare my draws with data/record and stop")
    add("--exact", action="store_true", help="with --check: to 1e-9, whatever made them")
    add("--to-record", action="store_true", help="merge finished draws into data/record and stop")
    add("--draws", metavar="A-B", help="these training draws, as 3-5 or 4 (default: the profile's)")
    add("--report", action="store_true", help="build all pages from data/record alone and stop")
    args = parser.parse_args(argv)
    if args.jobs is not None and args.jobs < 1:
        parser.error(f"-j is {args.jobs}; at least one process is needed")
    try:
        args.draws = args.draws and draws.parse(args.draws)
    except ValueError as error:
        parser.error(str(error))
    args.set = dict(_setting(each, parser) for each in args.set)
    return args


def _setting(text: str, parser: argparse.ArgumentParser) -> tuple[str, object]:
    """`name=value`; the value is a Python literal, or else text."""
    name, equals, value = text.partition("=")
    if not equals or not name.isidentifier():
        parser.error(f"--set wants NAME=VALUE, not {text!r}")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
