"""The films behind the page of chest prompts: orders by text and mask, and what a reader sees.

All orders share their noise: sample i of one starts from the same numbers as sample i of another,
so that two orders differ in what was asked for and in nothing else.
"""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from lib.generators import control, controlnet, observation, requests, textual
from lib.generators.requests import LESION
from lib.jobs import Result
from lib.phantoms import reports
from lib.phantoms.findings import FINDINGS, SIDED, SIZE
from lib.tasks import film_reader
from lib.tasks.film_reader import Reader

SAMPLES = 4  # films of an order
MASKS = ("none", "large, left", "large, mirrored", "small, right", "small, moved")
LARGE, SMALL = 0.8, 0.3  # of the masks' areas, quantiles
MOVED = 12  # pixels, towards the middle of the film
WITH_MASK = (reports.NOTHING, LESION, f"{LESION} . chest tube")  # texts that every mask meets
FAILURE = ("cardiomegaly", "edema", "pleural effusion")
PAIRS = (
    *combinations(FAILURE, 2), FAILURE, ("atelectasis", "pleural effusion"),
    ("consolidation", "pneumonia"), (LESION, "rib fracture"), (LESION, "chest tube"),
)  # fmt: skip
WITHOUT = (
    reports.NOTHING, reports.NORMAL, *FINDINGS,
    *(f"{side} {name}" for name in ("pleural effusion", LESION) for side in ("left", "right")),
    *(reports.prompt(*names) for names in PAIRS),
)  # fmt: skip
ORDERS = (
    *((text, 0) for text in WITHOUT),
    *((text, mask) for mask in range(1, len(MASKS)) for text in WITH_MASK),
    (f"left {LESION}", 1), (f"right {LESION}", 2),
    (reports.NORMAL, 1), (f"right {LESION}", 1),  # texts that speak against their mask
)  # fmt: skip
"""Texts, and which of MASKS goes with each."""


# ---- what a text asks for -----------------------------------------------------------------------


def sides_of(text: str) -> dict[str, str]:
    """{finding: side, or ""} of all that a text names, by any of its names in a report.

    ValueError for an unknown word, no or too many words, and for what no film can show: a side that
    a finding cannot have, a finding named twice, a normal film with a finding; and for "N/A" beside
    other words.
    """
    reports.tokens(text)
    plain, found = " ".join(text.casefold().split()), {}
    if f" {reports.NOTHING.casefold()} " in f" {plain} " and plain != reports.NOTHING.casefold():
        raise ValueError(f"{reports.NOTHING!r} says that there is no text; write it alone.")
    for statement in plain.split(" . "):
        words = f" {statement} "
        side = next((side for side in reports.SIDES if f" {side} " in words), "")
        for name in (name for name, ways in reports.NAMES.items() if _named(words, ways)):
            if side and side not in SIDED.get(name, ()):
                raise ValueError(f"{name} cannot be {side}; leave the side out.")
            if name in found:
                raise ValueError(f"{name} is named twice; name it once.")
            found[name] = side
    if found and is_normal(plain):
        raise ValueError(f"the text says that all is well and names {min(found)}; keep one.")
    return found


def is_normal(text: str) -> bool:
    """Whether a text says that all is well, in any of the words of a report."""
    ways = (reports.NORMAL, *reports.NORMALS)
    return any(f" {way} ".casefold() in f" {text} ".casefold() for way in ways)


def _named(words: str, ways: tuple[str, ...]) -> bool:
    return any(f" {way} " in words for way in ways)


def request(text: str, mask: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """The arrays of one request set, of a text and a mask (64, 64); None is a black one.

    A mask asks for a pneumothorax, whatever the text says. ValueError as for `sides_of`.
    """
    named = sides_of(text)
    mask = np.zeros((SIZE, SIZE), np.uint8) if mask is None else mask.astype(np.uint8)
    wanted = {*named, LESION} if mask.any() else {*named}
    labels = np.array([[name in wanted for name in FINDINGS]], np.uint8)
    return requests.checked({"tokens": reports.tokens(text)[None], "mask": mask[None],
                             "labels": labels})  # fmt: skip


# ---- masks --------------------------------------------------------------------------------------


def masks(planes: np.ndarray) -> np.ndarray:
    """MASKS (5, 64, 64) uint8, the first one black, of the pneumothoraces of films (N, 64, 64).

    Taken are one on the left and one on the right side of the body whose areas are nearest to the
    quantiles LARGE and SMALL of all. ValueError if there are none on a side.
    """
    planes = planes[planes.any((1, 2))]
    area, left = planes.sum((1, 2)), on_left(planes) > 0.5
    if not left.any() or left.all():
        side = "right" if left.any() else "left"
        raise ValueError(f"no film has a {side} {LESION}; pass more films.")
    large = planes[_nearest(area, LARGE, left)]
    small = planes[_nearest(area, SMALL, ~left)]
    down = MOVED if np.nonzero(small)[0].mean() < SIZE / 2 else -MOVED
    moved = control.moved(small[None], down, 0)[0]
    return np.stack([np.zeros_like(large), large, large[:, ::-1], small, moved]).astype(np.uint8)


def on_left(lesion: np.ndarray) -> np.ndarray:
    """Share of lesions (N, 64, 64) on the left of the body, the right of the picture; 0 if none."""
    whole = lesion.sum((1, 2))
    return lesion[:, :, SIZE // 2 :].sum((1, 2)) / np.maximum(whole, 1)


def _nearest(area: np.ndarray, quantile: float, among: np.ndarray) -> int:
    apart = abs(area - np.quantile(area, quantile))
    return int(np.where(among, apart, np.inf).argmin())


# ---- films --------------------------------------------------------------------------------------


def sampled(
    base: Result, branch: Result, asked: Mapping[str, np.ndarray], stream: list[int]
) -> np.ndarray:
    """SAMPLES films of each of N requests in turn, (N SAMPLES, 64, 64) uint8; sample i has the
    noise of [*stream, i] in all of them."""
    model, coder = controlnet.load(base, branch), textual.restored_coder(base)
    noise, each = observation.restored(base.arrays), controlnet.TOGETHER
    arrays = {name: rows.repeat(SAMPLES, 0) for name, rows in asked.items()}
    n = len(arrays["tokens"])
    rngs = [np.random.default_rng([*stream, i % SAMPLES]) for i in range(n)]
    parts = [
        controlnet.drawn(model, coder, noise, arrays, slice(i, min(i + each, n)), rngs)
        for i in range(0, n, each)
    ]
    return np.round(np.concatenate(parts) * 255).astype(np.uint8)


def seen(reader: Reader, films: np.ndarray) -> dict[str, np.ndarray]:
    """What a reader sees in films (N, 64, 64) uint8: probability (N, 9) float32 of each finding,
    and lesion (N, 64, 64) bool, the outline of a pneumothorax."""
    image = films.astype(np.float32) / 255
    return {"probability": reader.probabilities(image), "lesion": reader.lesions(image)}


def stored(
    base: Result, branch: Result, reader: Result, films: Result, stream: list[int]
) -> Result:
    """Job: SAMPLES films of each of ORDERS, drawn by a base and its branch, and read.

    films: where the masks are taken from. Arrays, of O orders: film, probability and lesion, see
    `sampled` and `seen`, N = O SAMPLES; tokens (O, LENGTH), labels (O, 9), and at (O,), the order's
    place in masks (5, 64, 64), all uint8; of the reader thresholds, certain and auc (9,) float32;
    stream, of the noise.
    """
    planes = masks(requests.mask_of(films))
    parts = [request(text, planes[at]) for text, at in ORDERS]
    asked = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    drawn, judge = sampled(base, branch, asked, stream), film_reader.load(reader)
    auc = np.array([reader.scores["auc"][name] for name in FINDINGS], np.float32)
    arrays = {
        "film": drawn, **seen(judge, drawn), "tokens": asked["tokens"], "labels": asked["labels"],
        "at": np.array([at for _, at in ORDERS], np.uint8), "masks": planes, "auc": auc,
        "thresholds": judge.thresholds, "certain": judge.certain, "stream": np.array(stream),
    }  # fmt: skip
    return Result(arrays, {"orders": len(ORDERS)})
