"""What the page of chest prompts shows: films for a text and a mask, and what is read in them.

The films are those of `scores.prompts`; in a live notebook with fitted weights `drawn_anew` makes
others. A finding or mask that was asked for is honoured or dropped; one that nobody asked for is
added if the reader is sure of it, and if there was a text that could have named it.
"""

from dataclasses import dataclass

import numpy as np

from lib.explore.host import Explorer, is_live
from lib.generators import control
from lib.generators.requests import LESION
from lib.jobs import Result
from lib.metrics import segmentation
from lib.phantoms import reports
from lib.phantoms.findings import FINDINGS, SIDED
from lib.scores import prompts
from lib.scores.prompts import MASKS, SAMPLES
from lib.tasks.film_reader import Reader

HONOURED, DROPPED, ADDED = 1, 2, 3  # marks; 0 where nothing is to be said
DICE = 0.6  # of mask and outline from which on a mask is honoured: the chapter's bar for its mean
SIDE = 0.5  # share of the outline on the side that was asked for, from which on this is honoured
MISSING = (
    "No films are stored yet; ./run_all.sh controlnet/01_generator fits the generator of draw 0 "
    "and draws them."
)


@dataclass(frozen=True)
class Kernel:
    """What draws and reads in a live notebook."""

    base: Result
    branch: Result
    reader: Reader


# ---- what is honoured ---------------------------------------------------------------------------


def marks(
    labels: np.ndarray, told: np.ndarray, probability: np.ndarray, thresholds: np.ndarray,
    certain: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """HONOURED, DROPPED, ADDED or 0 of each finding in each film, (N, 9) uint8.

    labels (N, 9): what is asked for; told (N,): whether by a text; probability (N, 9).
    """
    asked, sure = labels > 0, probability > certain
    found = np.where(probability >= thresholds, HONOURED, DROPPED) * asked
    return np.where(~asked & told[:, None] & sure, ADDED, found).astype(np.uint8)


def dice(mask: np.ndarray, lesion: np.ndarray) -> np.ndarray:
    """Dice of masks asked for and outlines read, (N, 64, 64) twice -> (N,) float32; NaN without a
    mask."""
    counts = segmentation.overlap(lesion[:, None] > 0, mask[:, None] > 0)
    return segmentation.slice_dice(counts, "skip")[:, 0].astype(np.float32)


def on_side(text: str, lesion: np.ndarray) -> np.ndarray:
    """Share of each outline (N, 64, 64) on the side of the pneumothorax that a text asks for, (N,)
    float32; 0 where nothing is outlined, NaN where no side is asked for."""
    side = prompts.sides_of(text).get(LESION, "")
    if not side:
        return np.full(len(lesion), np.nan, np.float32)
    left = prompts.on_left(lesion)
    share = left if side == "left" else np.where(lesion.any((1, 2)), 1 - left, 0)
    return share.astype(np.float32)


def note(text: str, mask: np.ndarray) -> str:
    """A sentence on an order that asks for nothing or speaks against its mask (64, 64); else ""."""
    if not mask.any():
        return "Nothing is asked for." if text == reports.NOTHING else ""
    if prompts.is_normal(text):
        return "The text says that all is well, and the mask asks for a pneumothorax."
    side = prompts.sides_of(text).get(LESION, "")
    lies = "left" if prompts.on_left(mask[None])[0] > 0.5 else "right"
    apart = f"The text asks for the {side} side, and the mask lies on the {lies}."
    return apart if side not in ("", lies) else ""


def judged(text: str, mask: np.ndarray, labels: np.ndarray, found: dict) -> dict[str, np.ndarray]:
    """mark (N, 9), dice and side (N,) of the N films of an order; `found` has what was read in them
    and the levels of the reader."""
    n, told = len(found["lesion"]), text != reports.NOTHING
    levels = found["thresholds"], found["certain"]
    mark = marks(np.tile(labels, (n, 1)), np.full(n, told), found["probability"], *levels)
    return {"mark": mark, "dice": dice(np.stack([mask] * n), found["lesion"]),
            "side": on_side(text, found["lesion"])}  # fmt: skip


# ---- the page and its kernel --------------------------------------------------------------------


def explorer(found: dict[str, np.ndarray], kernel: Kernel | None = None) -> Explorer:
    """The page of what `prompts.stored` gives, or of {}, which says how films are made.

    In a live notebook a kernel draws what is not stored.
    """
    name, title = "prompts", "Chest prompts"
    if not found:
        return Explorer(name, title, {"missing": MISSING}, height=120)
    shown = Explorer(name, title, _data(found), height=1300)
    if kernel is not None and is_live():
        shown.live.observe(lambda change: _answer(shown, kernel, found, change["new"]), "value")
    return shown


def _data(found: dict[str, np.ndarray]) -> dict[str, object]:
    texts = [reports.words(row) for row in found["tokens"]]
    planes = found["masks"][found["at"]]
    parts = [judged(text, planes[i], found["labels"][i], _read(found, i))
             for i, text in enumerate(texts)]  # fmt: skip
    orders = [{"text": text, "mask": int(at), "note": note(text, plane)}
              for text, at, plane in zip(texts, found["at"], planes, strict=True)]  # fmt: skip
    plain = {
        "missing": "", "orders": orders, "findings": [*FINDINGS], "masks": [*MASKS],
        "sided": {name: [*sides] for name, sides in SIDED.items()}, "samples": SAMPLES,
        "words": sorted(word for word in reports.VOCABULARY if word.isalpha()),
        "bars": {"dice": DICE, "side": SIDE}, "nothing": reports.NOTHING, "normal": reports.NORMAL,
    }  # fmt: skip
    kept = ("film", "probability", "lesion", "thresholds", "certain", "auc", "labels", "masks")
    made = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    arrays = {name if name != "masks" else "planes": found[name] for name in kept}
    return plain | arrays | made


def _read(found: dict[str, np.ndarray], order: int) -> dict[str, np.ndarray]:
    """What was read in the films of one order, and the reader's levels."""
    at = slice(SAMPLES * order, SAMPLES * (order + 1))
    read = {name: found[name][at] for name in ("probability", "lesion")}
    return read | {name: found[name] for name in ("thresholds", "certain")}


def _answer(shown: Explorer, kernel: Kernel, found: dict, asked: dict) -> None:
    try:
        shown.live.answer = drawn_anew(kernel, found, **asked)
    except ValueError as error:  # of what cannot be asked for; the page says why
        shown.live.answer = {"ask": asked["ask"], "error": str(error)}


def drawn_anew(
    kernel: Kernel, found: dict[str, np.ndarray], ask: int, text: str, mask: int,
    mirrored: bool, rows: int, columns: int, seed: int,
) -> dict:  # fmt: skip
    """Films for any text and for one of the stored masks, mirrored and moved, as plain JSON.

    seed 0 has the noise of the stored films. ValueError as for `prompts.request`, and for a mask of
    which nothing is left in the film.
    """
    plane = placed(found["masks"][mask], mirrored, rows, columns)
    asked = prompts.request(text, plane)
    text = reports.words(asked["tokens"][0])  # in the vocabulary's own letters
    stream = [*found["stream"].tolist(), *([seed] if seed else [])]
    film = prompts.sampled(kernel.base, kernel.branch, asked, stream)
    seen = prompts.seen(kernel.reader, film)
    levels = {"thresholds": kernel.reader.thresholds, "certain": kernel.reader.certain}
    made = judged(text, plane, asked["labels"][0], seen | levels)
    fields = {"film": film, **seen, **made, "plane": plane, "labels": asked["labels"]}
    plain = {name: _plain(values) for name, values in fields.items()}
    return {"ask": ask, "text": text, "seed": seed, "note": note(text, plane), **plain}


def placed(mask: np.ndarray, mirrored: bool, rows: int, columns: int) -> np.ndarray:
    """A mask (64, 64) of 0 and 1 after its reflection, then moved down and to the right.

    ValueError if nothing of it is left in the film; an empty one stays as it is.
    """
    if not mask.any():
        return mask
    return control.moved((mask[:, ::-1] if mirrored else mask)[None], rows, columns)[0]


def _plain(values: np.ndarray) -> list:
    """Numbers as JSON has them, None for NaN."""
    flat = np.asarray(values).ravel()
    if flat.dtype.kind != "f":
        return flat.astype(int).tolist()
    return [None if np.isnan(x) else round(float(x), 4) for x in flat]
