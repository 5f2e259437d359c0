"""The table of a folder of patients, `labels.csv`: what its rows may say, checked row by row.

    file      a grey PNG of 8 or 16 bits, relative to the folder
    subject   whose image it is: any text; all images of a subject stand in one split
    label     0 healthy, 1 left opacity, 2 right opacity; needed for images
    mask      a PNG of the same size, not zero in the lesion; empty: no lesion; needed for volumes
    slice     the place of a slice in its volume, a whole number, the lowest first; for volumes
    modality  what the image was taken with, if there are several; for volumes
    split     train, validation or test, if the split is given

Text is UTF-8. Other columns are refused, so that a misspelt one is not passed over.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

from lib.datasets.readers.draws import PARTS
from lib.phantoms.chest import CLASSES

TABLE = "labels.csv"
NEEDED = {"images": ("file", "subject", "label"), "volumes": ("file", "subject", "mask", "slice")}
COLUMNS = ("file", "subject", "label", "mask", "slice", "modality", "split")
MODALITY = "image"  # the name of the only one where the table has no such column


@dataclass(frozen=True)
class Row:
    """One image; line counts the lines of the table from 1, its header."""

    line: int
    file: str
    subject: str
    label: int = 0
    mask: str = ""
    slice: int = 0
    modality: str = MODALITY
    split: str = ""

    @property
    def files(self) -> tuple[str, ...]:
        """The image and, if there is one, its mask."""
        return (self.file, self.mask) if self.mask else (self.file,)

    def refuse(self, problem: str) -> ValueError:
        """The error that names this row."""
        return ValueError(f"{TABLE}, row {self.line} ({self.file}): {problem}.")


def rows(root: Path, kind: str) -> tuple[Row, ...]:
    """All rows of a folder of "images" or "volumes"; ValueError names the first that is wrong."""
    if not root.is_dir():
        raise ValueError(f"{root} is no folder; give the one that holds {TABLE}.")
    if not (root / TABLE).is_file():
        raise ValueError(f"{root} has no {TABLE}; write one with columns {', '.join(COLUMNS)}.")
    try:
        with (root / TABLE).open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            check_columns(reader.fieldnames or [], kind)
            found = tuple(row(cells, reader.line_num, kind) for cells in reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{TABLE} is no CSV in UTF-8 ({error}); save it as one.") from error
    if not found:
        raise ValueError(f"{TABLE} has no row below its header; add one for every image.")
    check_files(found, root)
    check_subjects(found, kind)
    return found


def check_columns(names: list[str], kind: str) -> None:
    """Raise ValueError for a column that is missing, unknown or there twice."""
    missing = [name for name in NEEDED[kind] if name not in names]
    if missing:
        raise ValueError(f"{TABLE} has no column {missing[0]!r}, which {kind} need; add it.")
    wrong = [name for i, name in enumerate(names) if name not in COLUMNS or name in names[:i]]
    if wrong:
        raise ValueError(
            f"{TABLE} has a column {wrong[0]!r} that is unknown or there twice; rename or remove "
            f"it, columns are {', '.join(COLUMNS)}."
        )


def row(cells: dict, line: int, kind: str) -> Row:
    """One row of text as a Row."""
    name = cells["file"] or "no file"
    fail = Row(line, name, "").refuse
    if None in cells or None in cells.values():
        raise fail("has more or fewer cells than the header; give one for every column")
    cells = {column: cell.strip() for column, cell in cells.items()}
    for column in ("file", "subject"):
        if not cells[column]:
            raise fail(f"column {column} is empty; fill it")
    if kind == "images":
        labels = {str(label): label for label in range(len(CLASSES))}
        if cells["label"] not in labels:
            classes = ", ".join(f"{label} ({name})" for label, name in enumerate(CLASSES))
            raise fail(f"label {cells['label']!r} is no class; write one of {classes}")
        cells["label"] = labels[cells["label"]]
    else:
        cells.pop("label", None)  # a volume has none
    if kind == "volumes":
        cells["slice"] = whole(cells["slice"], fail)
    else:
        cells.pop("slice", None)
    if cells.get("split", "") not in ("", *PARTS):
        raise fail(f"split {cells['split']!r} is unknown; write one of {', '.join(PARTS)}")
    if cells.get("modality") == "":
        raise fail("column modality is empty; fill it or remove the column")
    return Row(line, **cells)


def whole(text: str, fail) -> int:
    """The whole number that a cell of column slice says."""
    try:
        return int(text)
    except ValueError:
        raise fail(f"slice {text!r} is no whole number; number the slices upwards") from None


def check_files(found: tuple[Row, ...], root: Path) -> None:
    """Raise ValueError for an image that is listed twice and for a file that is not there."""
    seen: dict[str, int] = {}
    for each in found:
        if each.file in seen:
            raise each.refuse(f"stands in row {seen[each.file]} too; list every image once")
        seen[each.file] = each.line
        for name in each.files:
            if not (root / name).is_file():
                raise each.refuse(f"{name} is not there; add the file or remove the row")


def check_subjects(found: tuple[Row, ...], kind: str) -> None:
    """Raise ValueError for a subject in two splits, and for a slice that is there twice."""
    stands: dict[str, str] = {}
    slices: dict[tuple, int] = {}
    for each in found:
        if (said := stands.setdefault(each.subject, each.split)) != each.split:
            raise each.refuse(
                f"subject {each.subject} is in split {each.split or 'none'} here and in "
                f"{said or 'none'} above; split by subject, and fill column split for all or none"
            )
        place = (each.subject, each.modality, each.slice)
        if kind == "volumes" and slices.setdefault(place, each.line) != each.line:
            raise each.refuse(
                f"slice {each.slice} of subject {each.subject} stands in row {slices[place]} too; "
                "give every slice its own number"
            )
    if "" in stands.values() and len(set(stands.values())) > 1:
        empty = next(each for each in found if not each.split)
        raise empty.refuse("column split is empty; fill it for all rows or for none")
