"""What each notebook needs, kept between runs: `--list` then need not import what jobs use.

A plan lies in the store, one file for all notebooks under the same parameters. So the plans also
say what was ever asked for here, which `--clean` must not remove.
"""

import contextlib
import json
from pathlib import Path

from lib import files, jobs, paths, profiles
from lib.jobs import Job, store
from lib.papers import registry
from lib.runner import freshness, notebooks

Needed = list[list[str]]  # [key, name] of each job, those that others need included


class Unplannable(Exception):
    """The jobs of some notebooks do not exist for the parameters: a line for each reason."""


def needs(names: list[str], given: dict, around: str) -> dict[str, Needed | None]:
    """What each of these notebooks needs, None for one without a table; `around` is
    freshness.surroundings(given).

    Raises Unplannable.
    """
    kept = freshness.read_json(_file(given))
    found = kept.get("needs", {}) if kept.get("around") == around else {}
    missing = [name for name in names if name not in found]
    if missing:
        planned = jobs_of(missing, given)
        found |= {name: listed(name, planned[name]) for name in missing}
        kept = {"given": given, "around": around, "needs": found}
        with contextlib.suppress(files.CannotWrite):  # then it is found anew each time
            files.replace_text(_file(given), json.dumps(kept))
    return {name: found[name] for name in names}


def listed(name: str, planned: list[Job]) -> Needed | None:
    """The jobs of a notebook and those that they need; None where it has no table at all."""
    if not planned and registry.table(name) is None:
        return None
    return [[task.key, task.name] for task in jobs.tasks(planned)]


def jobs_of(names: list[str], given: dict) -> dict[str, list[Job]]:
    """The jobs of each of these notebooks; raises Unplannable."""
    found, refused = _planned(names, given)
    if refused:
        raise Unplannable("\n".join(f"{', '.join(at)}: {why}" for why, at in refused.items()))
    return found


def _planned(names: list[str], given: dict) -> tuple[dict[str, list[Job]], dict[str, list[str]]]:
    """The jobs of each notebook; and by reason the notebooks that have none for the parameters."""
    from lib.datasets.source import NeedsPhantom  # here: a kept plan does not need it

    found, refused = {}, {}
    for name in names:
        try:
            found[name] = notebooks.jobs(name, given)
        except (ValueError, NeedsPhantom) as error:
            refused.setdefault(str(error), []).append(name)
    return found, refused


def note(given: dict) -> None:
    """Remember that results for these parameters, which can be planned, are made here."""
    if not _file(given).is_file():
        files.replace_text(_file(given), json.dumps({"given": given}))


def reached() -> tuple[set[str], list[str]]:
    """Keys of all jobs of today's notebooks: every profile, and all that was ever asked for.

    And a line for all parameters with which something can be planned no more, as when a folder of
    patients is gone. With phantoms all can be planned; if not, Unplannable is raised.
    """
    asked = [{"profile": name, "seed": 0} for name in profiles.PROFILES]
    asked += [freshness.read_json(file).get("given") for file in paths.STORE.glob("plans/*.json")]
    every = {json.dumps(given, sort_keys=True): given for given in asked if given}
    keys, lines = set(), []
    for given in every.values():
        found, why = _reached(given)
        keys |= found
        if why:
            said = " ".join(f"{name}={x}" for name, x in given.items())
            lines.append(f"not kept, because it cannot be planned: {said} ({why})")
    return keys, lines


def _reached(given: dict) -> tuple[set[str], str]:
    """The keys that can be planned with the parameters, and why others cannot."""
    names = notebooks.find()
    try:
        dataset = profiles.plan(**given).dataset
    except (ValueError, TypeError) as error:  # of a profile or a parameter that is no more
        return set(), str(error)
    if dataset == "phantom":
        found, refused = jobs_of(names, given), {}
    else:
        found, refused = _planned(names, given)
    keys = {task.key for each in found.values() for task in jobs.tasks(each)}
    return keys, " ".join(f"{len(at)} notebooks: {why}" for why, at in refused.items())


def clean() -> tuple[int, str]:
    """Remove the results that no notebook reaches: exit status, and what to say of it."""
    if store.users(paths.STORE):
        return 1, "another run is using the store: nothing was removed; try again when it has ended"
    keys, lines = reached()
    count, size = store.keep_only(paths.STORE, keys)
    lines.append(f"{count} files removed ({size / 2**20:.1f} MiB) that no notebook reaches")
    return 0, "\n".join(lines)


def _file(given: dict) -> Path:
    return paths.STORE / "plans" / f"{freshness.digest(given)[:16]}.json"
