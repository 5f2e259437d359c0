"""What each notebook needs, kept between runs: `--list` then need not import what jobs use.

A plan lies in the store, one file for all notebooks under the same parameters. So the plans also
say what was ever asked for here, which `--clean` must not remove.
"""

import contextlib
import json
from pathlib import Path

from lib import files, jobs, paths, profiles
from lib.jobs import store
from lib.runner import freshness, notebooks

Needed = list[list[str]]  # [key, name] of each job, those that others need included


def needs(given: dict, around: str) -> dict[str, Needed]:
    """What every notebook needs; `around` is freshness.surroundings()."""
    names = notebooks.find()
    kept = freshness.read_json(_file(given))
    if kept.get("around") != around or list(kept.get("needs", {})) != names:
        needs = {name: _needed(name, given) for name in names}
        kept = {"given": given, "around": around, "needs": needs}
        with contextlib.suppress(files.CannotWrite):  # then it is found anew each time
            files.replace_text(_file(given), json.dumps(kept))
    return kept["needs"]


def note(given: dict) -> None:
    """Remember that results for these parameters are made here."""
    if not _file(given).is_file():
        files.replace_text(_file(given), json.dumps({"given": given}))


def reached() -> set[str]:
    """Keys of all jobs of today's notebooks: every profile, and all that was ever asked for."""
    asked = [{"profile": name, "seed": 0} for name in profiles.PROFILES]
    asked += [freshness.read_json(file).get("given") for file in paths.STORE.glob("plans/*.json")]
    every = {json.dumps(given, sort_keys=True): given for given in asked if given}
    return {
        key
        for given in every.values()
        for name in notebooks.find()
        for key, _ in _needed(name, given)
    }


def clean() -> tuple[int, str]:
    """Remove the results that no notebook reaches: exit status, and what to say of it."""
    if store.users(paths.STORE):
        return 1, "another run is using the store: nothing was removed; try again when it has ended"
    keys = reached()
    count, size = store.keep_only(paths.STORE, keys)
    return 0, f"{count} files removed ({size / 2**20:.1f} MiB) that no notebook reaches"


def _needed(name: str, given: dict) -> Needed:
    wanted = notebooks.jobs(name, given)
    return [[task.key, task.name] for task in jobs.tasks(wanted)]


def _file(given: dict) -> Path:
    return paths.STORE / "plans" / f"{freshness.digest(given)[:16]}.json"
