"""Readers' scores of synthetic films: a CSV file, arrays, and the preferences that follow.

    reader      who scored: any text
    set         whole number; the images of a set were asked for with one and the same condition
    image       whole number; which image of the pool
    condition   T2I (text), M2I (mask) or TM2I (both)
    text_score  0 (low quality) to 5 (high); empty for M2I
    mask_score  the same; empty for T2I

Forms and simulated readers write the same file. The paper scores "approximately 200 sets of four",
from 0 to 5, with separate scores for text and mask where an image has both.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from lib import files
from lib.jobs import Result

COLUMNS = ("reader", "set", "image", "condition", "text_score", "mask_score")
CRITERIA = ("text", "mask")
CONDITIONS = {"T2I": (True, False), "M2I": (False, True), "TM2I": (True, True)}  # which scores
NAMES = tuple(CONDITIONS)
BEST = 5
ABSENT = -1  # the score of a condition that an image was not asked for
EACH = 4  # images of a set
DIGITS = 18  # of a whole number, at most: int64 holds them all


@dataclass(frozen=True)
class Ratings:
    """One row for every reader and image, in the order of the file.

    reader (M,) str; set and image (M,) int64; condition (M,) uint8, into NAMES; scores (M, 2) int8
    in the order of CRITERIA, 0 to BEST or ABSENT.
    """

    reader: np.ndarray
    set: np.ndarray
    image: np.ndarray
    condition: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.reader)


# ---- the file -----------------------------------------------------------------------------------


def read(path: Path) -> Ratings:
    """The ratings of a file; ValueError names the file, the first line that is wrong, a remedy."""
    return parsed(_text(path), path.name)


def _text(path: Path) -> str:
    """What stands in a file; ValueError for one that is not there, or no text."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the path of the ratings file in it.")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not UTF-8 text (byte {error.start + 1}); save it as CSV in UTF-8."
        ) from error
    except FileNotFoundError as error:
        raise ValueError(f"{path} does not exist; give the path of a ratings file.") from error
    except OSError as error:
        why = error.strerror or error
        raise ValueError(f"{path} cannot be read ({why}); give a file that can.") from error


def parsed(text: str, name: str = "ratings.csv") -> Ratings:
    """The ratings in the text of a file called `name`; ValueError as in `read`."""
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        _check_columns(reader.fieldnames or [], name)
        rows = [_row(cells, f"{name}, line {reader.line_num}") for cells in reader]
    except csv.Error as error:
        raise ValueError(f"{name} is no CSV ({error}); save it as one.") from error
    if not rows:
        raise ValueError(f"{name} has no row below its header; add one for every scored image.")
    return _checked(rows)


def written(ratings: Ratings) -> str:
    """The text of the file that holds these ratings."""
    stream = io.StringIO(newline="")
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(COLUMNS)
    for who, at, image, kind, scores in zip(*_columns(ratings), strict=True):
        cells = ("" if score == ABSENT else score for score in scores)
        table.writerow([who, at, image, NAMES[kind], *cells])
    return stream.getvalue()


def write(ratings: Ratings, path: Path) -> None:
    """Write the file in one step; raises files.CannotWrite."""
    files.replace_text(path, written(ratings))


def merge(*ratings: Ratings) -> Ratings:
    """The ratings of several files together; ValueError where a reader scored an image twice, or
    where they do not agree on an image's set or condition."""
    if not ratings:
        raise ValueError("there are no ratings to merge; pass at least one.")
    rows = [
        (f"row {line} of ratings {number}", str(who), int(at), int(image), int(kind), *map(int, s))
        for number, each in enumerate(ratings, start=1)
        for line, (who, at, image, kind, s) in enumerate(zip(*_columns(each), strict=True), start=1)
    ]
    return _checked(rows)


def _columns(ratings: Ratings) -> tuple[np.ndarray, ...]:
    return ratings.reader, ratings.set, ratings.image, ratings.condition, ratings.scores


def _check_columns(names: list[str], name: str) -> None:
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise ValueError(f"{name}, line 1 has no column {missing[0]!r}; add it.")
    wrong = [each for i, each in enumerate(names) if each not in COLUMNS or each in names[:i]]
    if wrong:
        raise ValueError(
            f"{name}, line 1 has a column {wrong[0]!r} that is unknown or there twice; remove it, "
            f"columns are {', '.join(COLUMNS)}."
        )


def _row(cells: dict, where: str) -> tuple:
    """(where, reader, set, image, condition, text score, mask score) of one line of text."""
    if None in cells or None in cells.values():
        raise ValueError(f"{where} has more or fewer cells than the header; give one per column.")
    cells = {column: cell.strip() for column, cell in cells.items()}
    if not cells["reader"]:
        raise ValueError(f"{where}: reader is empty; name who scored.")
    if cells["condition"] not in CONDITIONS:
        raise ValueError(
            f"{where}: condition {cells['condition']!r} is unknown; write one of "
            f"{', '.join(NAMES)}."
        )
    places = [_whole(cells[column], f"{where}: {column}") for column in ("set", "image")]
    there = CONDITIONS[cells["condition"]]
    scores = [
        _score(cells[f"{criterion}_score"], asked, f"{where}: {criterion}_score")
        for criterion, asked in zip(CRITERIA, there, strict=True)
    ]
    return where, cells["reader"], *places, NAMES.index(cells["condition"]), *scores


def _whole(cell: str, where: str) -> int:
    if not (cell.isascii() and cell.isdigit()):
        raise ValueError(f"{where} {cell!r} is no whole number; count from 0.")
    if len(cell.lstrip("0")) > DIGITS:
        raise ValueError(f"{where} has {len(cell)} digits; write at most {DIGITS}, count from 0.")
    return int(cell)


def _score(cell: str, asked: bool, where: str) -> int:
    if not asked and cell:
        raise ValueError(f"{where} is {cell!r}, but the image has no such condition; leave it out.")
    if not asked:
        return ABSENT
    if cell not in map(str, range(BEST + 1)):
        said = f"{cell!r} is no score" if cell else "is missing"
        raise ValueError(f"{where} {said}; write a whole number from 0 to {BEST}.")
    return int(cell)


def _checked(rows: list[tuple]) -> Ratings:
    """Rows as Ratings, if no reader scored an image twice and every image has one place."""
    seen: dict[tuple, str] = {}
    places: dict[int, tuple] = {}
    kinds: dict[int, int] = {}
    for where, who, at, image, kind, *_ in rows:
        if (first := seen.setdefault((who, image), where)) != where:
            raise ValueError(
                f"{where}: reader {who} has scored image {image} in {first} too; keep one of them."
            )
        if places.setdefault(image, (at, kind)) != (at, kind) or kinds.setdefault(at, kind) != kind:
            raise ValueError(
                f"{where}: image {image} of set {at} has another set or condition above; an image "
                "stands in one set, and a set has one condition."
            )
    _, who, at, image, kind, *scores = zip(*rows, strict=True)
    whole = (np.array(each, np.int64) for each in (at, image))
    return Ratings(np.array(who), *whole, np.array(kind, np.uint8), np.array(scores, np.int8).T)


# ---- jobs ---------------------------------------------------------------------------------------


def as_result(ratings: Ratings) -> Result:
    """Ratings as a Result: reader is an index (M,) uint16 into the scores' `readers`."""
    readers, index = np.unique(ratings.reader, return_inverse=True)
    _, at, image, kind, scores = _columns(ratings)
    arrays = {"reader": index.astype(np.uint16), "set": at, "image": image, "condition": kind}
    return Result(arrays | {"scores": scores}, {"readers": readers.tolist()})


def from_result(rated: Result) -> Ratings:
    """The Ratings of such a Result."""
    a = rated.arrays
    readers = np.array(rated.scores["readers"])[a["reader"]]
    return Ratings(readers, a["set"], a["image"], a["condition"], a["scores"])


def rated_by_form(text: str) -> Result:
    """Job: the ratings in the text of a file (`read` says what may be wrong with it)."""
    return as_result(parsed(text))


def pairs(rated: Result) -> Result:
    """Job: every ordered pair of images of one set that a reader scored differently.

    Text and mask are compared apart. Every reader counts; ties are dropped and counted. Arrays, one
    row for each reader, criterion and pair: winner and loser (P,) int64, into the pool; criterion
    (P,) uint8, into CRITERIA; scores (P, 2) int8 of winner and loser; weight (P,) float32, 1 over
    the number of conditions of the set, so that the two losses of an image with both are averaged;
    reader (P,) uint16. Scores: pairs and ties of each criterion. ValueError: nothing but ties.
    """
    rows, ties = [], dict.fromkeys(CRITERIA, 0)
    for one, other, criterion, scores, weight, reader in _compared(rated.arrays):
        if scores[0] == scores[1]:
            ties[CRITERIA[criterion]] += 1
            continue
        won, lost = (one, other) if scores[0] > scores[1] else (other, one)
        rows.append((won, lost, criterion, *sorted(scores, reverse=True), weight, reader))
    if not rows:
        raise ValueError("the ratings hold nothing but ties; collect scores that differ in a set.")
    won, lost, criterion, best, worst, weight, reader = map(np.array, zip(*rows, strict=True))
    arrays = {"winner": won, "loser": lost, "criterion": criterion.astype(np.uint8)}
    arrays |= {"scores": np.stack([best, worst], 1).astype(np.int8)}
    arrays |= {"weight": weight.astype(np.float32), "reader": reader.astype(np.uint16)}
    counts = {name: int((criterion == k).sum()) for k, name in enumerate(CRITERIA)}
    return Result(arrays, {"pairs": counts, "ties": ties})


def by_coin(pairs: Result, stream: list[int]) -> Result:
    """Job: the same pairs in the same order; a coin for any two images says whether they change
    places.

    All readers and both criteria follow that coin, so that they agree as far as they did, on
    nothing. Each image keeps its score.
    """
    a = pairs.arrays
    both = np.stack([a["winner"], a["loser"]], 1)
    _, which = np.unique(np.sort(both, 1), axis=0, return_inverse=True)
    coin = np.random.default_rng(stream).random(which.max() + 1) < 0.5
    swap = coin[which.ravel()][:, None]
    both, scores = (np.where(swap, x[:, ::-1], x) for x in (both, a["scores"]))
    return Result(
        a | {"winner": both[:, 0], "loser": both[:, 1], "scores": scores},
        pairs.scores | {"swapped": float(swap.mean())},
    )


def _compared(a: dict[str, np.ndarray]) -> Iterator[tuple]:
    """(image, other, criterion, both scores, weight, reader) of every pair inside a set."""
    groups: dict[tuple, list[int]] = {}
    for row, key in enumerate(zip(a["reader"].tolist(), a["set"].tolist(), strict=True)):
        groups.setdefault(key, []).append(row)
    for (reader, _), rows in groups.items():
        there = CONDITIONS[NAMES[a["condition"][rows[0]]]]
        for i, j in combinations(rows, 2):
            for criterion in np.flatnonzero(there).tolist():
                scores = a["scores"][[i, j], criterion].tolist()
                images = a["image"][[i, j]].tolist()
                yield *images, criterion, scores, 1 / sum(there), reader
