"""Files that are whole or not there: written in a private folder, then moved into place.

The private folder is called `.half-<process>-<machine>-...`; what a killed process has left of
these is removed by `sweep`.
"""

import errno
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HALF = re.compile(r"\.half-(?:(\d+)-(.+)-)?[^-]*")
FORGOTTEN = 7 * 86400  # seconds after which the folder of an unknown process counts as left behind
ELSEWHERE = "set KNOWN_TRUTH_HOME to a folder that can be written"
REMEDIES = {
    errno.ENOSPC: ("the disk is full", "make room"),
    errno.EDQUOT: ("the quota of disk space is used up", "make room"),
    errno.EROFS: ("it is read-only", ELSEWHERE),
    errno.EACCES: ("it belongs to somebody else", ELSEWHERE),
    errno.EPERM: ("it belongs to somebody else", ELSEWHERE),
    errno.ENOENT: ("it cannot be made", ELSEWHERE),
    errno.ENOTDIR: ("it cannot be made", ELSEWHERE),
}


class CannotWrite(OSError):
    """A place for results that cannot be written; the message says why and what to do."""


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Raise CannotWrite instead of the errors of a full or write-protected disk."""
    try:
        yield
    except CannotWrite:
        raise
    except OSError as error:
        if error.errno not in REMEDIES or not _concerns(error, folder):
            raise
        why, remedy = REMEDIES[error.errno]
        raise CannotWrite(
            f"{folder} cannot be written: {why}; {remedy} and run the same command again "
            "(finished results are kept)"
        ) from error


def _concerns(error: OSError, folder: Path) -> bool:
    """Whether an error is about the folder, what lies in it or where it lies (or names no file)."""
    if not isinstance(error.filename, str | bytes):
        return True
    place = Path(os.fsdecode(error.filename))
    return place.is_relative_to(folder) or folder.is_relative_to(place)


@contextmanager
def half(folder: Path) -> Iterator[Path]:
    """A private folder inside `folder`, for what is not whole yet; removed at the end."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        prefix = f".half-{os.getpid()}-{socket.gethostname()}-"
        found = tempfile.TemporaryDirectory(dir=folder, prefix=prefix, ignore_cleanup_errors=True)
    with found as name:
        yield Path(name)


def replace_text(file: Path, text: str) -> None:
    """Write a text file in one step; raises CannotWrite."""
    with writing(file.parent), half(file.parent) as folder:
        (folder / file.name).write_text(text, encoding="utf-8")
        os.replace(folder / file.name, file)


def below(folder: Path, suffix: str) -> list[Path]:
    """The files below a folder that end in `suffix`, sorted; what is hidden does not count.

    Unlike `Path.rglob` it bears folders that another process removes meanwhile.
    """
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[0] != "."]
        found += [Path(parent, name) for name in names if name[0] != "." and name.endswith(suffix)]
    return sorted(found)


def sweep(folder: Path) -> None:
    """Remove below `folder` what processes that have ended left half-written."""
    for parent, folders, _ in os.walk(folder):
        for each in [Path(parent, name) for name in folders if name.startswith(".half-")]:
            if in_use(each):
                continue
            # what cannot be removed (a read-only disk) does no harm: nothing reads it
            shutil.rmtree(each, ignore_errors=True)


def in_use(half: Path) -> bool:
    """Whether the process that made a private folder may still live; on other machines: is new."""
    found = HALF.fullmatch(half.name)
    if found and found[1] and found[2] == socket.gethostname():
        return _lives(int(found[1]))
    try:
        return time.time() - half.stat().st_mtime < FORGOTTEN
    except FileNotFoundError:  # just removed by its owner
        return False


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        return True
    return True
