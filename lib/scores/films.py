"""Jobs that turn predictions on films, and pools of films, into scores of the paper ControlNet.

Pools are judged by an independent reader (`tasks.film_reader`): does an image show what was asked
for, does it show what was not, does it look real. The reader errs too: every score stands beside
its null, the same score between films of real subjects (`null`).
"""

from dataclasses import dataclass, fields

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from lib.datasets.pools import columns_of, targets, texted
from lib.datasets.splits import first
from lib.jobs import Result
from lib.metrics import coverage, fidelity, memorisation, multilabel, segmentation
from lib.metrics.masks import halves
from lib.phantoms.findings import FINDINGS
from lib.scores.pairs import defined
from lib.tasks import film_reader
from lib.tasks.film_reader import Reader

OUTSIDE = 0.5  # share of a read lesion outside its requested mask from which on it is a fabrication
MOST = 500  # samples whose KID is measured at once: its kernel has as many squared


# ---- tasks --------------------------------------------------------------------------------------


def classified(arm: Result, validation: Result, test: Result) -> Result:
    """Job: the numbers of a classifier (`findings.arm`) on its test films.

    Scores of `multilabel.scores`, thresholds from validation. Arrays, for each label (k,):
    prevalence in the test; f1, f1_tuned and auc, NaN where undefined.
    """
    columns = arm.scores["columns"]
    truth, known = (targets(each.arrays, columns) for each in (test, validation))
    cuts = multilabel.thresholds(known, arm.arrays["probability/validation"])
    p, names = arm.arrays["probability/test"], [FINDINGS[i] for i in columns]
    scores = multilabel.scores(truth, p, cuts, names)
    each = [multilabel.label_scores(*of) for of in zip(truth.T, p.T, cuts, strict=True)]
    arrays = {name: np.array([one[name] for one in each], float)
              for name in ("f1", "f1_tuned", "auc")}  # fmt: skip
    return Result(arrays | {"prevalence": truth.mean(0)}, scores | arm.scores)


def gained(arm: Result, control: Result, score: str = "f1") -> Result:
    """Job: gain_slope, how an arm's gain per label over a control depends on its prevalence.

    arm, control: of `classified` on the same test films; score: "f1", "f1_tuned" or "auc". None
    for a single label, or where a label's score is undefined. Arrays: gain, prevalence (k,).
    """
    gain, share = arm.arrays[score] - control.arrays[score], arm.arrays["prevalence"]
    known = [None if np.isnan(x) else float(x) for x in gain]
    slope = multilabel.gain_slope(share, known)
    return Result({"gain": gain, "prevalence": share}, {"gain_slope": slope})


def segmented(arm: Result) -> Result:
    """Job: the numbers of a segmenter (`pneumothorax.arm`) on its test films.

    dice: mean over films with a lesion; dice_all: over all, a film without one counting 1 if
    nothing is predicted there and else 0; false_positive_rate: share of films without a lesion in
    which any pixel is predicted. None where there is no such film. Array: dice (N,), NaN without a
    lesion.
    """
    counts = arm.arrays["counts"]
    dice = segmentation.slice_dice(counts, "skip")[:, 0]
    scores = {
        "dice": dice[np.isfinite(dice)].mean() if np.isfinite(dice).any() else None,
        "dice_all": segmentation.slice_dice(counts, "score").mean(),
        "false_positive_rate": segmentation.false_positive_rate(counts),
    }
    return Result({"dice": dice}, defined(scores) | arm.scores)


# ---- pools --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """What n items ask for and what the reader finds in them.

    asked, seen, sure (n, 9) bool: what is requested, what the reader sees and what it is sure of;
    told (n,) bool, whether a text was given, so that what it does not name is not wanted; mask,
    lesion (n, 64, 64) bool, requested and read; features (n, d).
    """

    asked: np.ndarray
    seen: np.ndarray
    sure: np.ndarray
    told: np.ndarray
    mask: np.ndarray
    lesion: np.ndarray
    features: np.ndarray

    def at(self, index: np.ndarray) -> "Reading":
        """The items of an index."""
        return Reading(*(getattr(self, field.name)[index] for field in fields(self)))


def read(reader: Reader, arrays: dict[str, np.ndarray]) -> Reading:
    """The reading of a pool, or of a film set, which asks for what it is."""
    columns = columns_of(arrays)
    image, p = arrays["image"], reader.probabilities(arrays["image"])
    return Reading(
        columns["labels"] > 0, p >= reader.thresholds, p > reader.certain, texted(arrays),
        columns["mask"] > 0, reader.lesions(image), reader.features(image),
    )  # fmt: skip


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Of each item the share of `whole` that is in `part`, (n, ...) bool twice -> (n,).

    NaN where whole is empty.
    """
    axes = tuple(range(1, whole.ndim))
    size = whole.sum(axes)
    return np.where(size > 0, (part & whole).sum(axes) / np.maximum(size, 1), np.nan)


def dice(reading: Reading) -> np.ndarray:
    """Dice of requested mask and read lesion, (n,); NaN where no mask is requested."""
    counts = segmentation.overlap(reading.lesion[:, None], reading.mask[:, None])
    return segmentation.slice_dice(counts, "skip")[:, 0]


def balanced_accuracy(asked: np.ndarray, seen: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Mean of sensitivity and specificity of each label, (n, k) bool -> (k,); chance is 0.5.

    Plain accuracy would be high in an image of anything, since most labels are off. A label counts
    as off only where there is a text (told). NaN where a label is never on, or never off.
    """
    off = ~asked & told[:, None]
    sensitivity, specificity = share(seen.T, asked.T), share(~seen.T, off.T)
    return (sensitivity + specificity) / 2


def per_sample(reading: Reading, realism: np.ndarray) -> dict[str, np.ndarray]:
    """What each sample is worth, (n,) each; NaN where nothing is asked.

    adherence: share of the findings asked for that are seen. dice: see there. fabricated: share of
    the findings not asked for that the reader is sure of, where there is a text. (What it merely
    sees is in real films more often than in those of a generator without guidance, whose faint
    signs deceive a reader less.) outside: share of the read lesion outside a requested mask.
    hallucination: 1 if any finding is fabricated, or more than OUTSIDE of the lesion is outside,
    else 0. faith: mean of adherence and Dice, and of 1 - fabricated. quality: mean of faith and
    realism.
    """
    r, masked = reading, reading.mask.any((1, 2))
    made = np.where(r.told, share(r.sure, ~r.asked), np.nan)
    outside = np.where(masked, share(~r.mask, r.lesion), np.nan)
    parts = {"adherence": share(r.seen, r.asked), "dice": dice(r)}
    judged = np.where(r.told | masked, (made > 0) | (outside > OUTSIDE), np.nan)
    faith = row_means(np.stack([*parts.values(), 1 - made]))
    return parts | {"fabricated": made, "outside": outside, "hallucination": judged,
                    "realism": realism, "faith": faith,
                    "quality": row_means(np.stack([faith, realism]))}  # fmt: skip


def row_means(parts: np.ndarray) -> np.ndarray:
    """Mean over the parts (k, n) that are defined -> (n,); NaN where none is."""
    there = np.isfinite(parts)
    total = np.where(there, parts, 0).sum(0)
    return np.where(there.any(0), total / np.maximum(there.sum(0), 1), np.nan)


def realism(sample: np.ndarray, real: np.ndarray) -> np.ndarray:
    """How real each sample looks, features (n, d) and (m, d) -> (n,) in [0, 1].

    The share of every second real item that lies at least as far from the others as the sample
    does, by the nearest of them. Real items read any value alike, 0.5 in the mean; a sample far
    from all of them reads 0. Features are divided by their spread in real items.
    """
    spread = real.std(0)
    alive = spread > 1e-3 * spread.max()
    sample, real = (x[:, alive] / spread[alive] for x in (sample, real))
    known, other = real[::2], real[1::2]
    usual = np.sort(memorisation.nearest(other, known))
    return 1 - np.searchsorted(usual, memorisation.nearest(sample, known)) / len(usual)


def lesion_modes(lesion: np.ndarray, real: np.ndarray) -> dict[str, float | None]:
    """Coverage of the places and sizes of read lesions, lesion-free items left out.

    coverage and occupied of `metrics.coverage`; None if either has no lesion.
    """
    some = [each[each.any((1, 2))] for each in (real, lesion)]
    if not min(map(len, some)):
        return {"coverage": None, "occupied": None}
    edges = coverage.size_edges(some[0])
    known, found = (coverage.modes(each, edges) for each in some)
    return {"coverage": coverage.coverage(known, found),
            "occupied": coverage.occupied(known, found)}  # fmt: skip


def mean(values: np.ndarray) -> float | None:
    """Mean of what is defined; None if nothing is."""
    there = values[np.isfinite(values)]
    return float(there.mean()) if there.size else None


def above(accuracy: float | None, best: float | None) -> float | None:
    """How much of a balanced accuracy's rise above chance there is, 1 for the best; else None."""
    return None if accuracy is None or best <= 0.5 else (accuracy - 0.5) / (best - 0.5)


def measures(reading: Reading, real: Reading) -> tuple[dict[str, np.ndarray], dict]:
    """Values of each sample, and the scores of `judge`."""
    each = per_sample(reading, realism(reading.features, real.features))
    found, ceiling = (
        balanced_accuracy(one.asked, one.seen, one.told) for one in (reading, real)
    )
    both = np.isfinite(found) & np.isfinite(ceiling)
    accuracy, best = mean(found[both]), mean(ceiling[both])
    pair = reading.features, real.features
    few = (x[:MOST] for x in pair)
    scores = {
        "label_adherence": mean(each["adherence"]),
        "label_accuracy": accuracy,
        "label_accuracy_ratio": accuracy / best if both.any() else None,
        "label_accuracy_above_chance": above(accuracy, best),
        "mask_adherence": mean(each["dice"]),
        "hallucination": mean(each["hallucination"]),
        "hallucinated_findings": mean(each["fabricated"]),
        "hallucinated_pixels": mean(each["outside"]),
        "realism": mean(each["realism"]),
        "quality": mean(each["quality"]),
        "fd": fidelity.frechet(*pair, few=True),
        "kid": fidelity.kid(*few),
        "ball_coverage": coverage.ball_coverage(real.features, reading.features),
    }
    return each, defined(scores | lesion_modes(reading.lesion, real.lesion))


def judge(pool: Result, n: int, real: Result, reader: Result) -> Result:
    """Job: scores of the first n samples of a pool against the first n films of a set.

    label_adherence: mean share of the findings asked for that the reader sees. label_accuracy: mean
    over findings of `balanced_accuracy`; label_accuracy_ratio: over that of the real films;
    label_accuracy_above_chance: the ratio of what lies above 0.5, since a reader that errs leaves
    the plain ratio high even where nothing asked for is shown. mask_adherence: mean Dice of
    requested and read lesion, 0 where none is read. hallucination: share of samples with a finding
    that was not asked for, or whose lesion is mostly outside its mask; hallucinated_findings,
    hallucinated_pixels: mean shares of both. realism, and quality, its mean with faith: see
    `per_sample`. fd, kid, ball_coverage: of the reader's features; coverage, occupied: of places
    and sizes of read lesions. None: what is not defined, as mask_adherence without a mask. Arrays
    (n,): each sample's values of `per_sample`, NaN where undefined.
    """
    net = film_reader.load(reader)
    each, scores = measures(*(read(net, first(part, n)) for part in (pool, real)))
    return Result(each, scores)


def judge_each(pool: Result, n: int, real: Result, among: int, reader: Result) -> Result:
    """Job: values of `per_sample` of the first n samples of a pool, realism beside the first
    `among` films of a set, which may be fewer.

    A sample has the same values whatever n is. Arrays as of `judge`; no scores.
    """
    net = film_reader.load(reader)
    own, known = (read(net, first(part, m)) for part, m in ((pool, n), (real, among)))
    return Result(per_sample(own, realism(own.features, known.features)), {})


def null(real: Result, n: int, reader: Result, splits: int, stream: list[int]) -> Result:
    """Job: the scores of `judge` between n and n films of different subjects.

    mean and sd over random splits; None where one of them leaves a score undefined.
    """
    whole, rng = read(film_reader.load(reader), real.arrays), np.random.default_rng(stream)
    rows = []
    for _ in range(splits):
        one, two = (whole.at(at) for at in halves(real.arrays["subject"], n, rng))
        rows.append(measures(one, two)[1])
    values = {name: [row[name] for row in rows] for name in rows[0]}
    known = {name: None if None in v else v for name, v in values.items()}
    sd = {name: v and float(np.std(v, ddof=1)) for name, v in known.items()}
    return Result({}, {"mean": {k: v and float(np.mean(v)) for k, v in known.items()}, "sd": sd})


def score_truth(pool: Result, judged: Result, similarity: Result) -> Result:
    """Job: does a proxy's similarity tell the samples that show all that they were asked for?

    judged: of `judge`, of the first samples of a pool; similarity: array similarity (N,), of the
    pool in its order. score_truth_auc: mean over texts of the AUC of the similarity for such
    samples among those of one text, 0.5 by chance, as films are chosen within a text; a text of
    which all samples are such, or none, is left out. score_truth_auc_pooled: the same over all
    samples at once, which also asks whether the proxy knows texts that are answered well.
    score_truth_rank: Spearman's correlation with the share that is shown; adherent: the share of
    such samples. None where all samples are alike. Raises ValueError for too few similarities.
    """
    shown = judged.arrays["adherence"]
    score = similarity.arrays["similarity"][: len(shown)]
    if len(score) < len(shown):
        raise ValueError(f"{len(score)} similarities of {len(shown)} samples; give each its own.")
    asked = np.isfinite(shown)
    tokens = pool.arrays["tokens"][: len(shown)][asked]
    shown, score = shown[asked], score[asked]
    right = shown == 1
    ranked = len(shown) > 1 and np.ptp(shown) > 0 and np.ptp(score) > 0
    scores = {
        "score_truth_auc": within_texts(tokens, right, score),
        "score_truth_auc_pooled": auc(right, score),
        "score_truth_rank": spearmanr(score, shown).statistic if ranked else None,
        "adherent": right.mean() if len(right) else None,
    }
    return Result({}, defined(scores))


def within_texts(tokens: np.ndarray, right: np.ndarray, score: np.ndarray) -> float | None:
    """Mean over texts (N, LENGTH) of the AUC of a score (N,) for samples that are right (N,).

    Texts whose samples are all right, or none, are left out; None if all are.
    """
    if not len(tokens):
        return None
    _, text = np.unique(tokens, axis=0, return_inverse=True)
    rows = [text.ravel() == i for i in range(text.max() + 1)]
    each = [auc(right[at], score[at]) for at in rows]
    return mean(np.array([x for x in each if x is not None], float))


def auc(right: np.ndarray, score: np.ndarray) -> float | None:
    """AUC of a score (N,) for samples that are right (N,); None where all are, or none."""
    return roc_auc_score(right, score) if right.any() and not right.all() else None
