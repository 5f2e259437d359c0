"""Which notebooks are up to date.

A notebook is not executed again while all that it depends on is unchanged and all that it left is
whole. What it depends on is hashed into a key (`key`); a hidden file beside the executed notebook
keeps that key and the checksums of what was left. The metrics and texts of others count only for
the notebooks of claims, which come last; verdicts that other notebooks show are as of their run.
"""

import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from lib import files, machine, paths
from lib.runner.notebooks import executed, source

CLAIMS = "00_claims"  # of a paper: reads what the others leave
LAST = "99_all_claims"  # reads what all others leave, those included


def after(name: str, names: Iterable[str]) -> list[str]:
    """Those of `names` that must have ended before: claims are read when the others have ended."""
    return [other for other in names if _rank(other) < _rank(name)]


def _rank(name: str) -> int:
    """2 for the notebook of all claims, 1 for those of one paper, 0 for all that leave results."""
    return 2 if name == LAST else int(name.rpartition("/")[2] == CLAIMS)


def due(names: list[str], given: dict, around: str) -> list[str]:
    """Those of `names` that are not up to date or that read what one of these leaves."""
    found: set[str] = set()
    for name in sorted(names, key=_rank):
        if found.intersection(after(name, names)) or not _is_whole(name, key(name, given, around)):
            found.add(name)
    return [name for name in names if name in found]


def surroundings(given: dict) -> str:
    """Digest of what all notebooks depend on: lib, the record, packages and the processor, and the
    patients' files that the parameters `given` name."""
    processor = [platform.python_version(), machine.cpu(), machine.precision()]
    contents = [_contents(paths.ROOT / "lib"), _contents(paths.RECORD)]
    asked = [os.environ.get(name, "") for name in (paths.RECORD_ONLY, paths.REFIT)]
    return digest([*contents, packages(), processor, asked, _patients(given)])


def _patients(given: dict) -> list[list]:
    """Name, size and time of every file below `root`, if one is given: too many to be read each
    time."""
    found = files.below(Path(given["root"]), "") if given.get("root") else []
    each = [(file, file.stat()) for file in found]
    return [[os.fspath(file), stat.st_size, stat.st_mtime_ns] for file, stat in each]


def packages() -> list[str]:
    """Every installed package with its version: names of folders, so that no file is opened."""
    folders = [Path(each) for each in dict.fromkeys(sys.path) if each]
    found = [each.name for folder in folders for each in folder.glob("*.dist-info")]
    return sorted(found)


def key(name: str, given: dict, around: str) -> str:
    """Changes with all that the notebook depends on; `around` is surroundings(given).

    The keys of its jobs follow from lib, the parameters and the processor, so they need not be
    known: looking them up would import torch.
    """
    own = [around, _checksum(source(name)), repr(sorted(given.items()))]
    return digest([*own, _read_of_others(name)] if _rank(name) else own)


def _read_of_others(name: str) -> list:
    """What a notebook of claims may read: metrics of those that come before it, and all texts."""
    found = _contents(paths.METRICS, ".json")
    before = {k: v for k, v in found.items() if _rank(k.removesuffix(".json")) < _rank(name)}
    return [before, _contents(paths.NOTEBOOKS, ".py")]


def left(name: str) -> list[Path]:
    """What the notebook has left: itself, its page, its metrics, the figures that these name, and
    the pages of explorers that its own page shows."""
    numbers = paths.METRICS / f"{name}.json"
    named = read_json(numbers).get("figures", ())
    pictures = [paths.FIGURES / figure["file"] for figure in named]
    found = [executed(name), executed(name).with_suffix(".html"), numbers, *pictures]
    found += [file.with_suffix(".svg") for file in pictures]
    found += _framed(executed(name).with_suffix(".html"))
    return [file for file in found if file.is_file()]


def _framed(page: Path) -> list[Path]:
    """The files that a page shows in frames."""
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    return [page.parent / file for file in re.findall(r'data-page="[^"]+" src="([^"]+)"', text)]


def _is_whole(name: str, key: str) -> bool:
    """Whether the notebook ended well under this key and all that it left is as it was."""
    stamp = read_json(_stamp(name))
    kept = stamp.get("files", {}) if stamp.get("key") == key else {}
    return bool(kept) and all(_checksum(paths.REPORT / file) == sha for file, sha in kept.items())


def begin(name: str, given: dict, around: str) -> None:
    """Note under which key the notebook starts; without files this says that it has not ended."""
    _write_stamp(name, {"key": key(name, given, around)})


def end(name: str, given: dict) -> None:
    """Keep what the notebook has left, unless something that it depends on changed meanwhile."""
    now = key(name, given, surroundings(given))
    if read_json(_stamp(name)).get("key") == now:
        kept = {os.path.relpath(file, paths.REPORT): _checksum(file) for file in left(name)}
        _write_stamp(name, {"key": now, "files": kept})


def _stamp(name: str) -> Path:
    return executed(name).with_name(f".{executed(name).stem}.json")


def read_json(file: Path) -> dict:
    """The object in a JSON file; {} when there is none, or only a damaged one."""
    try:
        found = json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_stamp(name: str, content: dict) -> None:
    files.replace_text(_stamp(name), json.dumps(content, indent=1))


def _contents(folder: Path, suffix: str = "") -> dict[str, str]:
    """Checksum of every file below a folder; what is hidden or compiled does not count."""
    found = [file for file in files.below(folder, suffix) if "__pycache__" not in file.parts]
    return {file.relative_to(folder).as_posix(): _checksum(file) for file in found}


def _checksum(file: Path) -> str:
    """sha256 of a file; "" when there is none."""
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else ""


def digest(value) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
