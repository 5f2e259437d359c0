"""How far a run is, for a reader: a bar on a terminal, sparse lines elsewhere."""

import os
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lib.jobs.pool import State



@contextmanager
def bar():
    """A function that shows a State: a bar on a terminal, sparse lines elsewhere."""
    if not sys.stderr.isatty() or os.environ.get("CI"):
        yield _sparse_lines()
        return
    from tqdm import tqdm

    with tqdm(bar_format="{percentage:3.0f}%|{bar:20}|{desc}", leave=False) as shown:

        def report(state: "State") -> None:
            shown.n = len(state.seconds) + len(state.failed)
            shown.total = shown.n + len(state.waiting) + len(state.running)
            shown.set_description_str(f" {describe(state)}")

        yield report


def _sparse_lines(every: float = 30.0):
    last = time.monotonic()

    def report(state: "State") -> None:
        nonlocal last
        ended = not state.waiting and not state.running
        if ended or time.monotonic() - last > every:
            last = time.monotonic()
            print(f"jobs: {describe(state)}", file=sys.stderr, flush=True)

    return report


def describe(state: "State") -> str:
    """`12 done, 30 cached, 58 to do, about 3 min left`."""
    todo = len(state.waiting) + len(state.running)
    text = f"{len(state.seconds)} done, {len(state.cached)} cached, {todo} to do"
    if state.failed:
        text += f", {len(state.failed)} failed"
    left = state.seconds_left if todo else None
    return text if left is None else f"{text}, about {duration(left)} left"


def duration(seconds: float) -> str:
    """`8 s`, `3 min`, `1.4 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
