"""A folder of patients: grey PNG images, PNG masks, and a table that says whose they are.

The table's columns are described in `table`. Images are resized to 64 x 64 (anti-aliased, whatever
their shape; masks by the nearest pixel) and preprocessed as the phantoms are. Volumes are the
slices of a subject, white being the largest value of the PNG's type, cut or padded with black
around the middle slice to the phantoms' depth; they are not equalised.

`opened` checks the whole folder and takes its digest, a hash of table and files that stands in the
keys of jobs: edited data are other data, a moved folder is the same. Where the folder is, a job
looks up under the digest in the store.
"""

import functools
import hashlib
import io
import json
import os
from dataclasses import astuple, dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.transform import resize

from lib import paths
from lib.datasets.preprocess import preprocess
from lib.datasets.readers import table
from lib.datasets.readers.draws import Columns, choose_images, choose_volumes
from lib.datasets.readers.table import Row
from lib.jobs import Result
from lib.phantoms.volume import SHAPE

PLANE = SHAPE[1:]
IMAGE_SET = ("image", "label", "subject", "mask")  # what draws hand on
VOLUME_SET = ("image", "mask", "subject")


@dataclass(frozen=True)
class Folder:
    """A checked folder of "images" or "volumes"."""

    root: Path
    kind: str
    rows: tuple[Row, ...] = field(compare=False, repr=False)
    digest: str

    @property
    def modalities(self) -> tuple[str, ...]:
        """The modalities of its table, sorted."""
        return tuple(sorted({row.modality for row in self.rows}))

    def columns(self, modality: str | None = None) -> Columns:
        """subject, label and split of every image or, of a modality, of every volume."""
        if modality is None:
            return columns_of(self.rows, self.rows)
        return columns_of([slices[0] for slices in self.volumes(modality)], self.rows)

    def volumes(self, modality: str) -> list[list[Row]]:
        """The slices of every subject in a modality, both in order."""
        if modality not in self.modalities:
            names = ", ".join(self.modalities)
            raise ValueError(
                f"modality {modality!r} is not in {table.TABLE}; choose one of {names}."
            )
        found: dict[str, list[Row]] = {}
        for row in sorted(self.rows, key=lambda row: (row.subject, row.slice)):
            if row.modality == modality:
                found.setdefault(row.subject, []).append(row)
        return list(found.values())


def columns_of(entries: list[Row], rows: tuple[Row, ...]) -> Columns:
    """Columns of some rows; a subject is its place among the sorted names of all rows."""
    place = {name: i for i, name in enumerate(sorted({row.subject for row in rows}))}
    return {
        "subject": np.array([place[row.subject] for row in entries], dtype=np.uint64),
        "label": np.array([row.label for row in entries], dtype=np.int64),
        "split": np.array([row.split for row in entries], dtype=str),
    }


def opened(root: Path, kind: str) -> Folder:
    """The folder, checked to the last pixel; ValueError names the first row that is wrong.

    Its pixels are looked at again only when a file has changed.
    """
    root = Path(root).resolve()
    rows = table.rows(root, kind)
    found = Folder(root, kind, rows, digest_of(root, kind, rows, states(root, rows)))
    entry = register(found.digest)
    said = {"root": str(root), "kind": kind}
    if not entry.is_file():
        check_pixels(found)
    if not entry.is_file() or json.loads(entry.read_text(encoding="utf-8")) != said:
        entry.parent.mkdir(parents=True, exist_ok=True)
        part = entry.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(said), encoding="utf-8")
        os.replace(part, entry)
    return found


def register(digest: str) -> Path:
    """Where the store keeps the place of a folder."""
    return paths.STORE / "folders" / f"{digest}.json"


def found_again(digest: str) -> Folder:
    """The folder of a digest, for a job; ValueError if it is gone or has changed meanwhile."""
    entry = register(digest)
    if not entry.is_file():
        raise ValueError("the store has lost where the folder is; run the same command again.")
    said = json.loads(entry.read_text(encoding="utf-8"))
    root, kind = Path(said["root"]), said["kind"]
    rows = table.rows(root, kind)
    if digest_of(root, kind, rows, states(root, rows)) != digest:
        raise ValueError(f"{root} has changed since the run began; run the same command again.")
    return Folder(root, kind, rows, digest)


def states(root: Path, rows: tuple[Row, ...]) -> tuple[tuple[int, int], ...]:
    """Time and size of every file: while they stay, so does the digest."""
    stats = [(root / name).stat() for row in rows for name in row.files]
    return tuple((stat.st_mtime_ns, stat.st_size) for stat in stats)


@functools.lru_cache(maxsize=8)
def digest_of(root: Path, kind: str, rows: tuple[Row, ...], states: tuple) -> str:
    """Hash of kind, table and the bytes of every file."""
    whole = hashlib.sha256(kind.encode())
    for row in rows:
        files = [hashlib.sha256((root / name).read_bytes()).hexdigest() for name in row.files]
        whole.update(json.dumps([astuple(row), files]).encode())
    return whole.hexdigest()


# ---- pixels -------------------------------------------------------------------------------------


def grey(root: Path, name: str, row: Row) -> np.ndarray:
    """(H, W) uint8, uint16 or bool of a PNG; ValueError naming the row if it is none."""
    try:
        with Image.open(io.BytesIO((root / name).read_bytes()), formats=["PNG"]) as file:
            mode, pixels = file.mode, np.asarray(file)
    except (OSError, ValueError, SyntaxError) as error:  # PIL: a broken chunk is a SyntaxError
        raise row.refuse(f"{name} is no readable PNG ({error}); save it again") from error
    if mode not in ("L", "1") and not mode.startswith("I;16"):
        raise row.refuse(f"{name} has mode {mode}; save it as grey PNG of 8 or 16 bits")
    return pixels


def pair(root: Path, row: Row) -> tuple[np.ndarray, np.ndarray]:
    """An image (H, W) as it is stored and its mask (H, W) bool."""
    image = grey(root, row.file, row)
    if not row.mask:
        return image, np.zeros(image.shape, dtype=bool)
    mask = grey(root, row.mask, row) != 0
    if mask.shape != image.shape:
        raise row.refuse(
            f"image has size {image.shape} and mask {mask.shape} (rows, columns); draw the mask on "
            "the image itself"
        )
    return image, mask


def scaled(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Image and mask at the phantoms' size; the image as float64 in its own grey values."""
    image = image.astype(np.float64)
    if image.shape == PLANE:
        return image, mask
    image = resize(image, PLANE, order=1, anti_aliasing=True, preserve_range=True)
    return image, resize(mask, PLANE, order=0, anti_aliasing=False)


def check_pixels(found: Folder) -> None:
    """Read every file once; ValueError names the first that no job could use."""
    check = check_image if found.kind == "images" else check_slice
    lesions = [check(found.root, row) for row in found.rows]
    if found.kind == "volumes" and not any(lesions):
        raise ValueError(f"no mask of {table.TABLE} has a lesion; give the masks of the lesions.")


def check_image(root: Path, row: Row) -> bool:
    """Whether an image has lesion pixels."""
    image, mask = pair(root, row)
    try:
        preprocess(scaled(image, mask)[0][None])
    except ValueError as error:
        raise row.refuse("the image has one grey value nearly everywhere; remove it") from error
    if row.label == 0 and mask.any():
        raise row.refuse("its label is healthy but its mask has a lesion; correct one of them")
    return bool(mask.any())


def check_slice(root: Path, row: Row) -> bool:
    """Whether a slice has lesion pixels."""
    return bool(pair(root, row)[1].any())


def middle(planes: np.ndarray, depth: int) -> np.ndarray:
    """(depth, H, W): planes cut, or padded with zeros, around the middle one."""
    start = max(0, (len(planes) - depth) // 2)
    kept = planes[start : start + depth]
    out = np.zeros((depth, *planes.shape[1:]), planes.dtype)
    before = (depth - len(kept)) // 2
    out[before : before + len(kept)] = kept
    return out


def volume(root: Path, slices: list[Row]) -> tuple[np.ndarray, np.ndarray]:
    """Image (D, H, W) float32 in [0, 1] and mask bool of the slices of a subject."""
    pairs = [pair(root, row) for row in slices]
    white = [1 if image.dtype == bool else np.iinfo(image.dtype).max for image, _ in pairs]
    planes = [scaled(image, mask) for image, mask in pairs]
    grey = np.stack([image / top for (image, _), top in zip(planes, white, strict=True)])
    mask = np.stack([mask for _, mask in planes])
    return middle(grey.clip(0, 1).astype(np.float32), SHAPE[0]), middle(mask, SHAPE[0])


# ---- jobs ---------------------------------------------------------------------------------------


def read_images(digest: str) -> Result:
    """Job: all images of a folder in the order of its table, with their columns."""
    found = found_again(digest)
    pairs = [scaled(*pair(found.root, row)) for row in found.rows]
    image = np.concatenate([preprocess(image[None]) for image, _ in pairs])
    arrays = {"image": image, "mask": np.stack([mask for _, mask in pairs])}
    return Result(arrays | found.columns(), {"n": len(image)})


def read_volumes(digest: str, modality: str) -> Result:
    """Job: all volumes of a folder in one modality in the order of their subjects."""
    found = found_again(digest)
    pairs = [volume(found.root, slices) for slices in found.volumes(modality)]
    image, mask = (np.stack(each) for each in zip(*pairs, strict=True))
    return Result({"image": image, "mask": mask} | found.columns(modality), {"n": len(image)})


def draw_images(data: Result, part: str, n: int, stream: list[int]) -> Result:
    """Job: n images of a part in the class mix of the phantoms, as `chest.image_set`."""
    at = choose_images(data.arrays, part, n, stream)
    return Result({name: data.arrays[name][at] for name in IMAGE_SET}, {"n": n})


def draw_volumes(data: Result, part: str, n: int, stream: list[int]) -> Result:
    """Job: n volumes of a part, as `volumes.volume_set`."""
    at = choose_volumes(data.arrays, part, n, stream)
    return Result({name: data.arrays[name][at] for name in VOLUME_SET}, {"n": n})
