"""What a generator is asked for: texts, masks, and mixtures of both.

A request set has tokens (N, LENGTH) uint8, "N/A" where there is no text; mask (N, 64, 64) uint8 of
0 and 1, black where there is none, a pneumothorax; labels (N, 9) uint8, the findings that are asked
for. The first m of n requests of one stream are the same whatever n is.
"""

from collections.abc import Callable

import numpy as np
from scipy import ndimage
from skimage import morphology

from lib.jobs import Result
from lib.phantoms import findings, reports
from lib.phantoms.findings import FINDINGS, SIZE

DRAWS = ("balanced", "proportional", "short")
CONDITIONS = ("T2I", "M2I", "TM2I")
MIX = (15, 3, 2)  # of CONDITIONS in twenty: 75, 15 and 10 % (paper, "Radiologist Feedback")
REACH = (1, 2)  # pixels by which a mask grows or shrinks, at least and at most
SHIFT = 6  # pixels by which a mask moves along each axis, at most
LESION = "pneumothorax"
SWAP = {"left": "right", "right": "left"}


# ---- texts --------------------------------------------------------------------------------------


def text_requests(
    names: list[str], n: int, stream: list[int], draw: str = "balanced",
    films: Result | None = None, copies: int = 1,
) -> Result:  # fmt: skip
    """Job: n single-disease prompts, every label alone. No masks.

    draw: "balanced", each of the names equally often; "proportional", as often as in the labels of
    `films`; "short", as often as it lacks there to the most frequent. copies: requests in a row
    that are the same. ValueError: no names, unknown ones, unknown draws, draws that need films.
    """
    rng = np.random.default_rng(stream)
    at = findings.columns(*_given(names))
    distinct = -(-n // copies)
    if draw == "balanced":
        turns = -(-distinct // len(at))
        which = np.concatenate([rng.permutation(len(at)) for _ in range(turns)])[:distinct]
    else:
        which = rng.choice(len(at), distinct, p=_chances(draw, films, at))
    labels = np.eye(len(FINDINGS), dtype=np.uint8)[np.array(at)[which]]
    return _of_labels(labels.repeat(copies, 0)[:n])


def joint_requests(
    names: list[str], films: Result, n: int, stream: list[int], copies: int = 1
) -> Result:
    """Job: n multi-disease prompts: all of the names that films drawn at random have together.

    Films with none of them are not drawn. ValueError: no names, unknown ones, no film with any.
    """
    at = findings.columns(*_given(names))
    labels = films.arrays["labels"] * np.isin(np.arange(len(FINDINGS)), at).astype(np.uint8)
    labels = labels[labels.any(1)]
    if not len(labels):
        raise ValueError(f"no film has any of {', '.join(names)}; pass films that do.")
    rows = np.random.default_rng(stream).integers(len(labels), size=-(-n // copies))
    return _of_labels(labels[rows].repeat(copies, 0)[:n])


def prompt_requests(prompts: list[str], copies: int = 1) -> Result:
    """Job: given prompts, each so many times; labels by the names of findings in them.

    ValueError for an unknown word and an empty prompt.
    """
    tokens = np.array([reports.tokens(text) for text in prompts]).repeat(copies, 0)
    labels = [[name in text.lower() for name in FINDINGS] for text in prompts]
    return _requests(tokens, None, np.array(labels, np.uint8).repeat(copies, 0))


def _given(names: list[str]) -> list[str]:
    if not names:
        raise ValueError("names is empty; pass one finding or more.")
    return names


def _chances(draw: str, films: Result | None, at: list[int]) -> np.ndarray:
    """Chance of each finding in a draw that depends on the films' labels."""
    if draw not in DRAWS:
        raise ValueError(f"draw {draw!r} is unknown; use one of {DRAWS}.")
    if films is None:
        raise ValueError(f"draw {draw!r} follows the labels of films; pass films.")
    counts = films.arrays["labels"][:, at].sum(0).astype(float)
    wanted = counts if draw == "proportional" else counts.max() - counts
    if not wanted.any():
        raise ValueError(f"films leave nothing to draw as {draw!r}; use 'balanced'.")
    return wanted / wanted.sum()


def _of_labels(labels: np.ndarray) -> Result:
    """Requests whose prompts name the labels (N, 9), none of them empty."""
    return _requests(reports.name_tokens(labels), None, labels)


# ---- masks --------------------------------------------------------------------------------------


def mask_requests(
    films: Result, how: str, n: int, stream: list[int], text: bool = False, copies: int = 1
) -> Result:
    """Job: n masks of a film set, as they are or transformed.

    how: one of TRANSFORMS, or "any", one of these but "original" for each. The films with a mask
    are used in turn, in random order. text: their reports too (TM2I), with left and right changed
    where a mask is flipped; else "N/A" (M2I), and pneumothorax is the only label. What leaves the
    picture is cut off, a mask that would be empty stays as it was. ValueError: unknown how, or no
    film with a mask.
    """
    if how not in (*TRANSFORMS, "any"):
        raise ValueError(f"how {how!r} is unknown; use one of {(*TRANSFORMS, 'any')}.")
    masks = mask_of(films)
    marked = masks.any((1, 2)).nonzero()[0]
    if not len(marked):
        raise ValueError(f"no film has a mask; pass films with {LESION}.")
    order_rng, way_rng, rng = np.random.default_rng(stream).spawn(3)
    rows = order_rng.permutation(marked)[np.arange(-(-n // copies)) % len(marked)]
    ways = [how if how != "any" else str(way_rng.choice(list(TRANSFORMS)[1:])) for _ in rows]
    mask = [transformed(masks[i], way, rng) for i, way in zip(rows, ways, strict=True)]
    tokens, labels = _no_text(len(rows)), np.tile(_only_lesion(), (len(rows), 1))
    if text:
        tokens, labels = films.arrays["tokens"][rows], films.arrays["labels"][rows]
        flipped = np.array([way == "flip" for way in ways])
        tokens = np.where(flipped[:, None], mirrored(tokens), tokens)
    parts = (part.repeat(copies, 0)[:n] for part in (tokens, np.array(mask), labels))
    return _requests(*parts)


def transformed(mask: np.ndarray, how: str, rng: np.random.Generator) -> np.ndarray:
    """One mask (64, 64) of 0 and 1 after a transformation; itself where nothing would be left."""
    found = TRANSFORMS[how](mask.astype(bool), rng)
    return (found if found.any() else mask).astype(np.uint8)


def _footprint(rng: np.random.Generator) -> np.ndarray:
    return morphology.disk(int(rng.integers(*REACH, endpoint=True)))


def _dilated(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return morphology.dilation(mask, _footprint(rng))


def _eroded(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return morphology.erosion(mask, _footprint(rng))


def _flipped(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return mask[:, ::-1]


def _moved(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    by = rng.integers(-SHIFT, SHIFT, size=2, endpoint=True)
    return ndimage.shift(mask, by, order=0, cval=0)


def _same(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return mask


TRANSFORMS: dict[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "original": _same, "dilation": _dilated, "erosion": _eroded, "flip": _flipped,
    "translation": _moved,
}  # fmt: skip


def mirrored(tokens: np.ndarray) -> np.ndarray:
    """Tokens of texts (N, LENGTH) with left for right and right for left."""
    after = np.arange(len(reports.VOCABULARY), dtype=np.uint8)
    for word, other in SWAP.items():
        after[reports.VOCABULARY.index(word)] = reports.VOCABULARY.index(other)
    return after[tokens]


def mask_of(films: Result) -> np.ndarray:
    """The masks (N, 64, 64) of 0 and 1 of a film set, its pneumothorax plane, or of a pool."""
    if "mask" in films.arrays:
        return films.arrays["mask"].astype(np.uint8)
    return findings.plane(films.arrays["planes"], LESION).astype(np.uint8)


# ---- both ---------------------------------------------------------------------------------------


def mixed_requests(
    names: list[str], films: Result, n: int, stream: list[int], copies: int = 1
) -> Result:
    """Job: requests of all CONDITIONS in the paper's proportion, exactly so in every twenty.

    T2I are balanced single-disease prompts of the names, M2I and TM2I masks of the films, the
    latter with their reports. copies: requests in a row that are the same, as sets of four.
    """
    distinct = -(-n // copies)
    rng = np.random.default_rng(stream)
    deck = np.repeat(range(len(CONDITIONS)), MIX)
    kind = np.concatenate([rng.permutation(deck) for _ in range(-(-distinct // len(deck)))])
    kind = kind[:distinct]
    sources = (
        text_requests(names, distinct, [*stream, 0]),
        mask_requests(films, "original", distinct, [*stream, 1]),
        mask_requests(films, "original", distinct, [*stream, 2], text=True),
    )
    columns = ("tokens", "mask", "labels")
    rows = np.arange(distinct)
    parts = [np.stack([each.arrays[c] for each in sources])[kind, rows] for c in columns]
    return _requests(*(part.repeat(copies, 0)[:n] for part in parts))


def film_requests(films: Result, kind: str, n: int) -> Result:
    """Job: what n films of a set show, asked for as `kind` of CONDITIONS says.

    Half of them have a mask, if there are so many; the others have none, and a black one is asked
    for. Any first few have their share of both. With M2I the lesion is the only label. ValueError:
    unknown kind, too few films.
    """
    if kind not in CONDITIONS:
        raise ValueError(f"kind {kind!r} is unknown; use one of {CONDITIONS}.")
    mask, tokens, labels = mask_of(films), films.arrays["tokens"], films.arrays["labels"]
    marked = mask.any((1, 2))
    sick = marked.nonzero()[0][: n // 2]
    well = (~marked).nonzero()[0][: n - len(sick)]
    rows = np.concatenate([sick, well])
    if len(rows) < n:
        raise ValueError(f"{len(rows)} films can be asked for, not {n}; pass a larger set.")
    place = np.concatenate([np.arange(len(each)) / max(1, len(each)) for each in (sick, well)])
    rows = rows[np.argsort(place, kind="stable")]
    mask, tokens, labels = mask[rows], tokens[rows], labels[rows]
    if kind == "T2I":
        mask = None
    if kind == "M2I":
        tokens, labels = _no_text(n), marked[rows, None].astype(np.uint8) * _only_lesion()
    return _requests(tokens, mask, labels)


def conditions(requests: Result) -> list[str]:
    """For every request one of CONDITIONS, or "none" where it has neither text nor mask."""
    text = requests.arrays["tokens"][:, 0] != _no_text(1)[0, 0]
    masked = requests.arrays["mask"].any((1, 2))
    names = {(True, False): "T2I", (False, True): "M2I", (True, True): "TM2I"}
    return [names.get(pair, "none") for pair in zip(text.tolist(), masked.tolist(), strict=True)]


def checked(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of a request set alone; ValueError if they are not as the contract says."""
    tokens, mask, labels = (np.asarray(arrays[name]) for name in ("tokens", "mask", "labels"))
    n = len(tokens)
    if tokens.shape != (n, reports.LENGTH) or tokens.max(initial=0) >= len(reports.VOCABULARY):
        raise ValueError(f"tokens have shape {tokens.shape}; make them with reports.tokens.")
    if not (tokens[:, 0] > 0).all():
        raise ValueError(f"a text is empty; write {reports.NOTHING!r} where there is none.")
    if mask.shape != (n, SIZE, SIZE):
        raise ValueError(f"mask has shape {mask.shape}; pass one of {SIZE} x {SIZE} a request.")
    if not np.isin(mask, (0, 1)).all():
        raise ValueError("mask has values other than 0 and 1; compare its labels to the lesion's.")
    if labels.shape != (n, len(FINDINGS)) or not np.isin(labels, (0, 1)).all():
        raise ValueError(f"labels have shape {labels.shape}; pass 0 or 1 for each of FINDINGS.")
    return {"tokens": tokens, "mask": mask, "labels": labels}


def _only_lesion() -> np.ndarray:
    return np.eye(len(FINDINGS), dtype=np.uint8)[FINDINGS.index(LESION)]


def _no_text(n: int) -> np.ndarray:
    return np.tile(reports.tokens(reports.NOTHING), (n, 1))


def _requests(tokens: np.ndarray, mask: np.ndarray | None, labels: np.ndarray) -> Result:
    n = len(tokens)
    mask = np.zeros((n, SIZE, SIZE), np.uint8) if mask is None else mask
    return Result(checked({"tokens": tokens, "mask": mask, "labels": labels}), {"n": n})
