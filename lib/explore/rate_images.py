"""The form in which readers score images from 0 to 5, in sets of four.

What it saves is the file that `lib.datasets.ratings` reads. Until images of a generator are given,
its images are phantoms of which three in four are spoilt on purpose: `practice`.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from lib import files, paths
from lib.controls.copies import blur
from lib.datasets import ratings
from lib.explore.host import Explorer, is_live
from lib.jobs import Result
from lib.phantoms import chest
from lib.phantoms.population import new_seeds

BLUR = 1.5  # standard deviation of the spoilt sharpness, pixels
MADE = ("as asked for", "blurred", "on the other side", "no opacity")  # the images of a set
READER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")  # a name that is a file's name too
FOLDER = paths.HOME / "data" / "ratings"


def practice(sets: int, stream: list[int]) -> Result:
    """Job: `sets` sets of four phantoms, each one subject in the ways of MADE, shuffled.

    Arrays: image (4 sets, 64, 64) float32 in [0, 1]; mask (sets, 64, 64) bool, the asked-for
    opacity; condition (sets,) uint8, into ratings.NAMES, in turn; made (4 sets,) uint8, into MADE.
    Scores: text, one for each set.
    """
    rng = np.random.default_rng(stream)
    seeds, labels = new_seeds(sets, rng), rng.integers(1, 3, sets)
    asked = chest.render(chest.from_seeds(chest.BARE, seeds, labels))
    other = chest.render(chest.from_seeds(chest.BARE, seeds, chest.LEFT + chest.RIGHT - labels))
    each = np.stack([asked.image, blur(asked.image, BLUR), other.image, asked.healthy], 1)
    order = rng.permuted(np.tile(np.arange(len(MADE), dtype=np.uint8), (sets, 1)), axis=1)
    shuffled = np.take_along_axis(each, order[..., None, None].astype(np.int64), axis=1)
    arrays = {
        "image": shuffled.reshape(-1, *each.shape[2:]).clip(0, 1), "mask": asked.mask,
        "condition": (np.arange(sets) % len(ratings.NAMES)).astype(np.uint8), "made": order.ravel(),
    }  # fmt: skip
    return Result(arrays, {"text": list(asked.text)})


def explorer(given: Result, name: str, folder: Path = FOLDER) -> Explorer:
    """The form for the images of `practice`, or of a pool in sets of four with the same columns
    (without `made`, nothing is revealed at the end).

    name: of this collection of images; ratings of another one are kept apart. In a live notebook
    every click is written to <folder>/<name>/<reader>.csv. ValueError: masks or conditions that
    are not one for every four images.
    """
    a = given.arrays
    if not len(a["image"]) == ratings.EACH * len(a["condition"]) == ratings.EACH * len(a["mask"]):
        counts = f"{len(a['image'])} images, {len(a['mask'])} masks"
        raise ValueError(f"{counts}: give {ratings.EACH} images for each mask and condition.")
    data = {
        "collection": name, "each": ratings.EACH, "best": ratings.BEST,
        "image": np.round(a["image"] * 255).astype(np.uint8), "mask": a["mask"],
        "condition": [ratings.NAMES[k] for k in a["condition"]], "text": given.scores["text"],
        "conditions": {kind: list(there) for kind, there in ratings.CONDITIONS.items()},
        "columns": list(ratings.COLUMNS),
        "made": [MADE[k] for k in a["made"]] if "made" in a else None,
    }  # fmt: skip
    form = Explorer("rate_images", "Rate images", data, ["reader", "ratings"], height=900)
    if is_live():
        form.live.observe(lambda change: keep(change["new"], folder / name), "value")
    return form


def keep(told: dict, folder: Path, check: Callable[[str], object] = ratings.parsed) -> Path:
    """Write what a form told, {"reader", "csv"}, to <folder>/<reader>.csv; its path.

    check: raises ValueError for rows that could not be read again; none at all, as before the first
    score, are fine. ValueError also for a name that is no file's name.
    """
    reader, text = told["reader"], told["csv"]
    if not READER.fullmatch(reader):
        raise ValueError(f"reader {reader!r}: use up to 40 letters, digits, - and _.")
    if "\n" in text.strip():
        check(text)
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{reader}.csv"
    files.replace_text(file, text)
    return file
