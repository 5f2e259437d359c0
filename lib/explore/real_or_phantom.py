"""A round of real or phantom: own images and as many phantoms, mixed; a reader says which is which.

    shown = real_or_phantom.own("/path/to/images", "bare", rng)
    form = real_or_phantom.explorer(shown, "mine")      # the last line of a cell in JupyterLab

Both kinds go the same way, `prepared`: a middle square, 64 x 64, one grey range, 8 bits. Each
answer is kept in data/ratings/<name>/<reader>.csv, and the form goes on where a reader stopped:

    reader      who answered: a name that is a file's name too
    image       which image: ten hexadecimal digits of a hash of its pixels
    answer      one of the two names of the round, such as real or phantom
    confidence  whole number from 1 (a guess) to 5 (sure)

In a live notebook images.json beside them says what each image is. Without own images `stand_in`
asks another question of phantoms alone.
"""

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.stats import binomtest
from skimage.transform import resize

from lib import files
from lib.controls.copies import blur
from lib.datasets import volumes
from lib.datasets.chest import MIX
from lib.datasets.preprocess import CLIP
from lib.explore.host import Explorer, is_live
from lib.explore.rate_images import FOLDER, keep
from lib.metrics import classification
from lib.metrics.reality import middle_slices
from lib.phantoms import chest, findings

SIDE = 64  # pixels
COLUMNS = ("reader", "image", "answer", "confidence")
SUREST = 5
BLUR = 0.6  # standard deviation of the blur of the stand-in, pixels
SUFFIXES = (".png", ".jpg", ".jpeg")
KNOWN = "images.json"  # beside the answers: {image: its source} of all that were ever shown
NAMED = 5  # at most so many images or files in a sentence
LAWS = (*chest.LAWS, *findings.LAWS, *volumes.MODALITIES)
Answers = dict[str, tuple[int, int]]  # {image: (0 or 1, which of the names; confidence)}


@dataclass(frozen=True)
class Round:
    """Images of two kinds in the order in which they are shown.

    names: one word for each kind; question: what is asked; note: what the images are. image
    (N, 64, 64) uint8; second (N,) bool, of the second kind; source: N words, told at the end.
    private: the images are the reader's own.
    """

    names: tuple[str, str]
    question: str
    note: str
    image: np.ndarray
    second: np.ndarray
    source: tuple[str, ...]
    private: bool = False

    @property
    def title(self) -> str:
        """What the page is called."""
        if self.private:
            return self.question
        return f"Real or phantom? For now: {self.question[0].lower()}{self.question[1:]}"

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """What the file calls each image."""
        return tuple(hashlib.sha256(image.tobytes()).hexdigest()[:10] for image in self.image)


# ---- images -------------------------------------------------------------------------------------


def read(folder: str | Path) -> dict[str, np.ndarray]:
    """{file name: image (H, W)} of the PNG and JPEG files of a folder, colours as grey.

    ValueError names the folder without one, or the file that cannot be used.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder; give one with PNG or JPEG images.")
    used = sorted(file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES)
    if not used:
        raise ValueError(f"{folder} has no PNG or JPEG image; put some into it.")
    return {file.name: _grey(file) for file in used}


def left_out(folder: str | Path) -> str:
    """A sentence that names the files of a folder that `read` leaves out; "" without any."""
    found = [file for file in Path(folder).iterdir() if file.is_file()]
    others = sorted(file.name for file in found if file.suffix.lower() not in SUFFIXES)
    others = [name for name in others if not name.startswith(".")]
    return f"Left out, for they are neither PNG nor JPEG: {_listed(others)}." if others else ""


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _grey(file: Path) -> np.ndarray:
    try:
        with Image.open(file, formats=["PNG", "JPEG"]) as opened:
            own = opened.mode in ("L", "1") or opened.mode.startswith("I")
            image = np.asarray(opened if own else opened.convert("L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(
            f"{file.name} is no readable PNG or JPEG ({error}); save it again or remove it."
        ) from error
    if min(image.shape) < SIDE:
        size = " x ".join(map(str, image.shape))
        raise ValueError(f"{file.name} has {size} pixels; give images of {SIDE} x {SIDE} or more.")
    return image


def prepared(image: np.ndarray) -> np.ndarray:
    """The middle square of an image (H, W) as (64, 64) uint8, black and white at the percentiles of
    `preprocess.CLIP`. ValueError for an image of one grey value nearly everywhere."""
    side = min(image.shape)
    top, left = ((length - side) // 2 for length in image.shape)
    square = image[top : top + side, left : left + side].astype(np.float64)
    small = resize(square, (SIDE, SIDE), order=1, anti_aliasing=True, preserve_range=True)
    low, high = np.percentile(small, CLIP)
    if high <= low:
        raise ValueError("the image has one grey value nearly everywhere; remove it.")
    return np.round(255 * ((small - low) / (high - low)).clip(0, 1)).astype(np.uint8)


def phantoms(law: str, n: int, rng: np.random.Generator) -> np.ndarray:
    """n fresh phantoms (n, 64, 64) of a law of LAWS: chests, or middle slices of volumes.

    ValueError for an unknown law.
    """
    if law not in LAWS:
        raise ValueError(f"law {law!r} is unknown; choose one of {', '.join(LAWS)}.")
    if law in volumes.MODALITIES:
        drawn, *_ = volumes.draw(law, n, rng)
        return np.concatenate([middle_slices(volume, 1) for volume in drawn])
    if law in findings.LAWS:
        return findings.render(findings.sample(findings.LAWS[law], n, rng)).image
    return chest.render(chest.sample(chest.LAWS[law], np.resize(MIX, n), rng)).image


# ---- rounds -------------------------------------------------------------------------------------


def own(folder: str | Path, law: str, rng: np.random.Generator) -> Round:
    """All images of a folder and as many phantoms of a law of LAWS; ValueError as in `read`."""
    found = read(folder)
    real = {name: _prepared(name, image) for name, image in found.items()}
    drawn = phantoms(law, len(real), rng)
    made = {f"phantom {i + 1} of {law}": prepared(image) for i, image in enumerate(drawn)}
    note = (
        f"Half are the images of your folder, half phantoms of the law {law}, all brought to "
        f"{SIDE} x {SIDE} pixels and one grey range. They stay on this machine. {left_out(folder)}"
    ).strip()
    return _mixed(("real", "phantom"), "Real or phantom?", note, real, made, rng, private=True)


def _prepared(name: str, image: np.ndarray) -> np.ndarray:
    try:
        return prepared(image)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def stand_in(n: int, rng: np.random.Generator) -> Round:
    """n sharp phantoms and n blurred ones of other subjects: what the form does without images."""
    drawn = phantoms("bare", 2 * n, rng)
    both = drawn[:n], blur(drawn[n:], BLUR)
    kinds = [
        {f"{kind} phantom {i + 1}": prepared(image) for i, image in enumerate(images)}
        for kind, images in zip(("sharp", "blurred"), both, strict=True)
    ]
    note = (
        "A stand-in, for no real image is here: all are phantoms, half of them blurred by "
        f"{BLUR} pixels. Given a folder of your own images in JupyterLab, it asks: real or phantom?"
    )
    return _mixed(("sharp", "blurred"), "Sharp or blurred?", note, *kinds, rng)


def offered(folder: str, law: str, n: int, rng: np.random.Generator) -> Round:
    """The round of a folder where a person sits before this kernel, else `stand_in`.

    So no page that a runner makes holds images of the folder.
    """
    return own(folder, law, rng) if folder and is_live() else stand_in(n, rng)


def _mixed(
    names: tuple[str, str], question: str, note: str, first: Mapping[str, np.ndarray],
    second: Mapping[str, np.ndarray], rng: np.random.Generator, private: bool = False,
) -> Round:  # fmt: skip
    """Both kinds shuffled; ValueError where two images are the same."""
    source, image = zip(*first.items(), *second.items(), strict=True)
    order = rng.permutation(len(source))
    is_second = np.arange(len(source)) >= len(first)
    found = Round(
        names, question, note, np.stack(image)[order], is_second[order],
        tuple(source[i] for i in order), private,
    )  # fmt: skip
    seen: dict[str, str] = {}
    for key, name in zip(found.keys, found.source, strict=True):
        if (other := seen.setdefault(key, name)) != name:
            both = " and ".join(sorted((name, other)))
            raise ValueError(f"{both} are the same image; remove one.")
    return found


# ---- the file -----------------------------------------------------------------------------------


def parsed(text: str, shown: Round, name: str = "answers.csv") -> tuple[str, Answers]:
    """(reader, answers) of the text of a file; ValueError names the first line that is wrong."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    answers: Answers = {}
    lines: dict[str, int] = {}
    readers = set()
    try:
        if tuple(rows.fieldnames or ()) != COLUMNS:
            raise ValueError(f"{name}, line 1 must be {','.join(COLUMNS)}; write this header.")
        for cells in rows:
            where = f"{name}, line {rows.line_num}"
            key, answer = _row(cells, shown, where)
            if lines.setdefault(key, rows.line_num) != rows.line_num:
                raise ValueError(f"{where}: image {key} is in line {lines[key]} too; keep one.")
            readers.add(cells["reader"])
            answers[key] = answer
    except csv.Error as error:
        raise ValueError(f"{name} is no CSV ({error}); save it as one.") from error
    if len(readers) != 1:
        raise ValueError(f"{name} has {len(readers)} readers; give a file of one.")
    return readers.pop(), answers


def _row(cells: dict, shown: Round, where: str) -> tuple[str, tuple[int, int]]:
    if None in cells or None in cells.values():
        raise ValueError(f"{where} has more or fewer cells than the header; give one per column.")
    key, answer, sure = cells["image"], cells["answer"], cells["confidence"]
    if key not in shown.keys:
        raise ValueError(f"{where}: image {key!r} is not in this round; remove the line.")
    if answer not in shown.names:
        names = " or ".join(shown.names)
        raise ValueError(f"{where}: answer {answer!r} is unknown; write {names}.")
    if sure not in map(str, range(1, SUREST + 1)):
        raise ValueError(
            f"{where}: confidence {sure!r} is none; write a whole number from 1 to {SUREST}."
        )
    return key, (shown.names.index(answer), int(sure))


def kept(folder: Path, shown: Round) -> dict[str, Answers]:
    """{reader: answers} of all files of a folder; ValueError as in `parsed`."""
    texts = {file: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.csv"))}
    begun = {file: text for file, text in texts.items() if "\n" in text.strip()}
    for file, text in begun.items():
        _check_there(text, shown, file)
    return dict(parsed(text, shown, file.name) for file, text in begun.items())


def _check_there(text: str, shown: Round, file: Path) -> None:
    """Raise a ValueError that names the images with answers that are not in the round."""
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    gone = {cells["image"] for cells in rows if cells.get("image")} - {*shown.keys}
    if not gone:
        return
    known = _known(file.parent)
    names = (known.get(key, key) for key in gone)
    names = sorted(names, key=lambda name: (name.startswith("phantom "), name))  # files first
    raise ValueError(
        f"{file.name} has answers on images that are not in this round: {_listed(names)}; put them "
        "back into the folder, or move the file away."
    )


def _known(folder: Path) -> dict[str, str]:
    file = folder / KNOWN
    if not file.exists():
        return {}
    try:
        return dict(json.loads(file.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise ValueError(f"{file} is damaged; remove it: it holds names of images alone.") from None


# ---- what the answers say ------------------------------------------------------------------------


def interval(right: int, n: int) -> tuple[float, float]:
    """95 % interval of a share of right answers, exact (Clopper and Pearson 1934)."""
    found = binomtest(right, n).proportion_ci(0.95, method="exact")
    return float(found.low), float(found.high)


def scored(shown: Round, answers: Answers) -> dict:
    """n, right, accuracy and its 95 % interval [lo, hi]; auc of the confidence and auc_interval;
    mistaken, {image: source} of those that were taken for the other kind. Chance: 0.5 of both.

    The confidence is signed, minus for the first name. auc is None while one kind is unanswered,
    and its interval (DeLong, logit) is nan where the kinds are told apart without an error.
    ValueError without an answer.
    """
    if not answers:
        raise ValueError("there is no answer yet; answer one image at least.")
    at = {key: i for i, key in enumerate(shown.keys)}
    truth = {key: int(shown.second[at[key]]) for key in answers}
    wrong = {key: shown.source[at[key]] for key, (said, _) in answers.items() if said != truth[key]}
    n, right = len(answers), len(answers) - len(wrong)
    signed = [sure if said else -sure for said, sure in answers.values()]
    auc = low = high = None
    if len(set(truth.values())) == 2:
        auc, low, high = classification.auc(list(truth.values()), signed)
    return {
        "n": n, "right": right, "accuracy": right / n, "interval": [*interval(right, n)],
        "auc": auc, "auc_interval": [low, high], "mistaken": wrong,
    }  # fmt: skip


# ---- the form -----------------------------------------------------------------------------------


def explorer(shown: Round, name: str, folder: Path = FOLDER) -> Explorer:
    """The form of a round. name: of this collection of images.

    In a live notebook each answer is written to <folder>/<name>/<reader>.csv, and what stands there
    is gone on with; ValueError if that does not belong to this round.
    """
    place, n = folder / name, len(shown.image)
    before = kept(place, shown) if is_live() else {}
    lists = {who: {key: [*each] for key, each in given.items()} for who, given in before.items()}
    data = {
        "collection": name, "names": list(shown.names), "question": shown.question,
        "title": shown.title, "note": shown.note, "image": shown.image, "second": shown.second,
        "source": list(shown.source), "keys": list(shown.keys), "columns": list(COLUMNS),
        "surest": SUREST, "before": lists,
        "interval": np.array([interval(right, n) for right in range(n + 1)], np.float32),
    }  # fmt: skip
    title = shown.title.rstrip("?")
    form = Explorer("real_or_phantom", title, data, ["reader"], 760, shown.private)
    if is_live():
        if shown.private:
            _remember(place, shown)
        check = partial(parsed, shown=shown)
        form.live.observe(lambda change: keep(change["new"], place, check), "value")
    return form


def _remember(place: Path, shown: Round) -> None:
    """Add what each image is to KNOWN, so that one which is missing later can be named."""
    place.mkdir(parents=True, exist_ok=True)
    known = _known(place) | dict(zip(shown.keys, shown.source, strict=True))
    files.replace_text(place / KNOWN, json.dumps(known, indent=1) + "\n")
