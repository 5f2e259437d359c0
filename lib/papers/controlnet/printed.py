"""The numbers that the ControlNet paper prints, all of them in its text and Table 1.

Figure 2 has no numbers of its own in the text that we hold: of its 4 tasks x 3 fractions x 4
multipliers the text quotes one multiplier for each fraction. Regimes and arms are the ledger's.
"""

from typing import NamedTuple

MULTIPLIERS = 2, 5, 10, 25  # synthetic images over real ones, section Results
FRACTIONS = 1, 10, 100  # percent of the real training set
METRICS = {"rsna": "f1", "chexpert": "f1_macro", "candid": "dice", "siim": "dice"}


class Cell(NamedTuple):
    """One quoted pair of Figure 2: without, and with so many times as many synthetic images."""

    real: float
    times: int
    synthetic: float

    @property
    def gain(self) -> float:
        return round(self.synthetic - self.real, 6)


FIGURE2 = {
    "rsna-1": Cell(0.0104, 25, 0.1541),
    "rsna-10": Cell(0.0950, 10, 0.2760),
    "rsna-100": Cell(0.326, 2, 0.344),
    "chexpert-1": Cell(0.209, 2, 0.289),
    "chexpert-10": Cell(0.255, 2, 0.323),
    "chexpert-100": Cell(0.310, 2, 0.354),
    "candid-1": Cell(0.0484, 25, 0.0601),
    "candid-10": Cell(0.0569, 10, 0.196),
    "candid-100": Cell(0.320, 2, 0.334),
    "siim-1": Cell(0.2072, 25, 0.2550),
    "siim-10": Cell(0.237, 10, 0.251),
    "siim-100": Cell(0.374, 2, 0.382),
}


class Place(NamedTuple):
    """What a regime of Figure 2 is about."""

    task: str
    percent: int  # of its real films


PLACES = {f"{name}-{percent}": Place(name, percent) for name in METRICS for percent in FRACTIONS}
"""{regime: its place}; `arms.Task.regime` gives the same names."""

FIGURE3 = {"real": 0.209, "syn2": 0.289, "filtered": 0.258, "finetuned2": 0.290}
"""CheXpert at 1 %, mean F1; the original synthetic data are Figure 2's."""
FIGURE4 = {"real": 0.110, "dpo2": 0.118, "syn2": 0.146}
"""RSNA at 10 %, F1; at which multiplier is not said."""


class Maximum(NamedTuple):
    """A "maximum improvement" of the abstract, with its confidence interval and P."""

    gain: float
    low: float
    high: float
    p: float


MAXIMA = {
    "f1": Maximum(0.150453, 0.099108, 0.201798, 0.0031),
    "dice": Maximum(0.14575, 0.108267, 0.183233, 0.0064),
}


class Dataset(NamedTuple):
    """A row of Table 1."""

    train: int
    test: int
    conditions: tuple[str, ...]


TABLE1 = {
    "chexpert": Dataset(
        191_229, 235,
        ("atelectasis", "cardiomegaly", "consolidation", "edema", "pleural effusion"),
    ),
    "candid": Dataset(
        17_237, 2_000, ("lungs", "heart", "pneumothorax", "rib fractures", "chest tubes")
    ),
    "siim": Dataset(1_903, 476, ("pneumothorax",)),
    "rsna": Dataset(21_885, 4_801, ("pneumonia",)),
}  # fmt: skip


class Stated(NamedTuple):
    """A number of the text: its value, the words around it, and where they stand."""

    value: float
    words: str
    where: str


STATED = {
    "segmented": Stated(2000, "These 2,000 held-out images were then employed", "Datasets"),
    "train_share": Stated(0.8, "split randomly into an 80/20 ratio", "Datasets"),
    "accumulation": Stated(16, "Gradient accumulation was set to 16", "Model Architecture"),
    "gpus": Stated(8, "eight NVIDIA A4000 GPUs", "Model Architecture"),
    "percentile": Stated(90, "we apply a 90th-percentile threshold", "Proxy Model"),
    "proxy_steps": Stated(9000, "an additional 9,000 steps", "Proxy Model"),
    "sets": Stated(200, "approximately 200 sets", "Radiologist Feedback"),
    "each": Stated(4, "four sampled images each", "Radiologist Feedback"),
    "text": Stated(0.75, "75% text-only conditioning (T2I)", "Radiologist Feedback"),
    "mask": Stated(0.15, "15% mask-only conditioning (M2I)", "Radiologist Feedback"),
    "both": Stated(0.10, "10% combined text and mask conditioning", "Radiologist Feedback"),
    "words": Stated(5, "concise five-word captions", "Radiologist Feedback"),
    "readers": Stated(4, "four radiologists independently scored", "Radiologist Feedback"),
    "best": Stated(5, "from 0 (low quality) to 5 (high quality)", "Radiologist Feedback"),
    "dpo_steps": Stated(4000, "an additional 4,000 steps", "Radiologist Feedback"),
    "dpo_accumulation": Stated(1, "a gradient accumulation of 1", "Radiologist Feedback"),
    "trials": Stated(2, "We used two trials", "Statistical Analysis"),
    "alpha": Stated(0.05, "a significance level of P < 0.05", "Statistical Analysis"),
}


def real_images(task: str, percent: int) -> int:
    """How many real images this fraction of a task's training set is, rounded.

    Segmentation of CANDID-PTX has the 80 % of its 2,000 images, not Table 1's split.
    """
    stated = STATED["segmented"].value * STATED["train_share"].value
    whole = stated if task == "candid" else TABLE1[task].train
    return round(whole * percent / 100)


def score(regime: str) -> str:
    """The metric by which the paper judges a regime of Figure 2; KeyError for another regime."""
    return METRICS[PLACES[regime].task]


def task(regime: str, arm: str, metric: str) -> float | None:
    """What the paper prints for an arm of a regime of 02_utility ("rsna-1"), or None.

    Its text does not name the threshold of F1; the number stands beside the one of 0.5.
    """
    cell = FIGURE2.get(regime)
    if cell is None or metric != score(regime):
        return None
    return {"real": cell.real, f"syn{cell.times}": cell.synthetic}.get(arm)


def improved(figure: int, arm: str, metric: str) -> float | None:
    """What Figure 3 (proxy, macro F1) or 4 (feedback, F1) prints for an arm, or None."""
    table, known = {3: (FIGURE3, "f1_macro"), 4: (FIGURE4, "f1")}[figure]
    return table.get(arm) if metric == known else None
