"""What a radiologist writes of a film: reports, captions of five words, prompts, and their tokens.

A report is a chain of statements with full stops between them, each of a severity, a side, a zone
and a name; every word stands in VOCABULARY. The texts know the true findings and nothing else.
"""

import numpy as np

from lib.phantoms.findings import FINDINGS, SIDED, Statement

LENGTH = 24  # tokens of a text; shorter texts are padded with zeros
NOTHING = "N/A"  # no text at all, as the paper writes it (ControlNet, Methods)
NORMAL = "Normal"  # the caption of a film without findings, the paper's prompt to GPT-4
NAMES = {  # how a report may call a finding; the first is its name in captions and prompts
    "atelectasis": ("atelectasis", "plate atelectasis", "volume loss"),
    "cardiomegaly": ("cardiomegaly", "enlarged heart", "cardiac enlargement"),
    "consolidation": ("consolidation", "airspace consolidation", "dense opacity"),
    "edema": ("edema", "pulmonary edema", "vascular congestion"),
    "pleural effusion": ("pleural effusion", "effusion", "pleural fluid"),
    "pneumonia": ("pneumonia", "patchy opacities", "infiltrates"),
    "pneumothorax": ("pneumothorax", "pleural air", "collapsed lung"),
    "rib fracture": ("rib fracture", "fractured rib", "broken rib"),
    "chest tube": ("chest tube", "chest drain", "thoracostomy tube"),
}
SEVERITIES = {
    "mild": ("mild", "slight"),
    "moderate": ("moderate",),
    "severe": ("severe", "marked"),
}
SIZES = {"mild": ("small",), "moderate": ("moderate", "medium"), "severe": ("large", "extensive")}
SIZED = ("consolidation", "pleural effusion", "pneumothorax")  # these have a size
PLAIN = ("rib fracture", "chest tube")  # no report grades them
SIDES = ("left", "right", "bilateral")
ZONES = ("upper", "middle", "lower")
NORMALS = (
    "Normal chest", "no acute findings", "lungs are clear", "no abnormality detected",
    "Normal heart . clear lungs", "unremarkable film", "no acute disease",
)  # fmt: skip


def _every_word() -> tuple[str, ...]:
    texts = [*NORMALS, *SIDES, *ZONES, *_flat(SEVERITIES), *_flat(SIZES)]
    texts += _flat(NAMES)
    return tuple(dict.fromkeys(word for text in texts for word in text.split()))


def _flat(ways: dict[str, tuple[str, ...]]) -> list[str]:
    return [text for way in ways.values() for text in way]


VOCABULARY = ("", NOTHING, *_every_word())
_PLACE = {word.casefold(): i for i, word in enumerate(VOCABULARY) if word}


def tokens(text: str) -> np.ndarray:
    """Tokens (LENGTH,) uint8 of words with blanks between them, in any case; zeros at the end.

    ValueError for a text without words, one that is too long, and an unknown word.
    """
    found = text.split()
    if not 0 < len(found) <= LENGTH:
        raise ValueError(f"text has {len(found)} words; pass 1 to {LENGTH}, '{NOTHING}' for none.")
    for word in found:
        if word.casefold() not in _PLACE:
            raise ValueError(f"word {word!r} is unknown; use words of reports.VOCABULARY.")
    out = np.zeros(LENGTH, np.uint8)
    out[: len(found)] = [_PLACE[word.casefold()] for word in found]
    return out


def words(row: np.ndarray) -> str:
    """The text of one row of tokens; ValueError for a token beyond the vocabulary."""
    if np.max(row, initial=0) >= len(VOCABULARY):
        raise ValueError(f"token {np.max(row)} is unknown; there are {len(VOCABULARY)}.")
    return " ".join(VOCABULARY[int(token)] for token in row if token)


def report(statements: list[Statement], rng: np.random.Generator) -> str:
    """A report of one film: its statements in random order and wording, or one that all is well."""
    if not statements:
        return str(rng.choice(NORMALS))
    order = rng.permutation(len(statements))
    return " . ".join(_phrase(statements[i], rng) for i in order)


def _phrase(s: Statement, rng: np.random.Generator) -> str:
    ways = SIZES if s.finding in SIZED else SEVERITIES
    severity = "" if s.finding in PLAIN else rng.choice(ways[s.severity])
    parts = (severity, s.side, s.zone, rng.choice(NAMES[s.finding]))
    return " ".join(str(part) for part in parts if part)


def caption(statements: list[Statement]) -> str:
    """The main finding in five words at most, the most severe one; or "Normal"."""
    if not statements:
        return NORMAL
    main = max(statements, key=lambda s: s.grade)
    severity = "" if main.finding in PLAIN else main.severity
    return " ".join(part for part in (severity, main.side, main.finding) if part)


def prompt(*names: str) -> str:
    """A prompt for one finding or several: "edema", "left pleural effusion . cardiomegaly".

    Each name is one of FINDINGS, after a side ("left", "right"; "bilateral" where both can have
    it) if one is asked for. ValueError for no name, an unknown one, and a side that it cannot have.
    """
    if not names:
        raise ValueError("names is empty; pass one finding or more.")
    for name in names:
        side, _, rest = name.partition(" ")
        finding, side = (rest, side) if side in SIDES else (name, "")
        if finding not in FINDINGS:
            raise ValueError(f"finding {finding!r} is unknown; choose of {', '.join(FINDINGS)}.")
        if side and side not in SIDED.get(finding, ()):
            raise ValueError(f"{finding} cannot be {side}; leave the side out, or name another.")
    return " . ".join(names)


def name_tokens(labels: np.ndarray) -> np.ndarray:
    """Tokens (N, LENGTH) of the names of findings (N, 9) of 0 and 1; of NORMAL without any."""
    kinds, back = np.unique(labels, axis=0, return_inverse=True)
    shown = ([FINDINGS[i] for i in row.nonzero()[0]] for row in kinds)
    texts = [prompt(*names) if names else NORMAL for names in shown]
    return np.array([tokens(text) for text in texts])[back.ravel()]
