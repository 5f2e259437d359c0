"""The numbers that the PathoSyn paper prints: its three tables, and what its text says in numbers.

Tables are {regime: {arm: {metric: value}}} or, without regimes, {arm: {metric: value}}; the numbers
after "±" stand in a twin of the same form (what they are the spread of is not said, PS-E20).
"""

from typing import NamedTuple

_ARMS = ("real", "classic", "brain_ldm", "maskdiff", "pathosyn_vaegan", "pathosyn_diff")


def _column(metric: str, *values: float) -> dict[str, dict[str, float]]:
    """One column of Table II or III, {arm: {metric: value}} from top to bottom."""
    return {arm: {metric: value} for arm, value in zip(_ARMS, values, strict=True)}


def _beside(*columns: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Columns of one regime together."""
    return {arm: {m: x for column in columns for m, x in column[arm].items()} for arm in _ARMS}


TABLE1 = {  # Table I: absolute cosine and mutual information, both better when lower
    "brain_ldm": {"cos": 0.425, "mi": 1.24},
    "meta_auto": {"cos": 0.245, "mi": 0.78},
    "maskdiff": {"cos": 0.185, "mi": 0.65},
    "pathosyn_diff": {"cos": 0.072, "mi": 0.21},  # "PathoSyn (Ours)"
}
TABLE1_SD = {
    "brain_ldm": {"cos": 0.082, "mi": 0.15},
    "meta_auto": {"cos": 0.041, "mi": 0.12},
    "maskdiff": {"cos": 0.038, "mi": 0.09},
    "pathosyn_diff": {"cos": 0.018, "mi": 0.04},
}
TABLE2 = {  # Table II: Dice, by regime of segmentation
    "nnunet": _column("dice", 0.780, 0.800, 0.810, 0.815, 0.830, 0.845),
    "unet": _column("dice", 0.770, 0.788, 0.802, 0.804, 0.820, 0.835),
    "meanteacher": _column("dice", 0.755, 0.770, 0.785, 0.790, 0.805, 0.820),
    "contraseg": _column("dice", 0.740, 0.748, 0.760, 0.765, 0.780, 0.795),
}
TABLE2_SD = {
    "nnunet": _column("dice", 0.035, 0.032, 0.030, 0.029, 0.024, 0.021),
    "unet": _column("dice", 0.038, 0.035, 0.032, 0.031, 0.027, 0.025),
    "meanteacher": _column("dice", 0.045, 0.040, 0.037, 0.036, 0.030, 0.027),
    "contraseg": _column("dice", 0.052, 0.049, 0.045, 0.043, 0.038, 0.035),
}
TABLE3 = {  # Table III: AUROC and expected calibration error, by classifier
    "resnet": _beside(
        _column("auc", 0.860, 0.880, 0.885, 0.890, 0.905, 0.915),
        _column("ece", 0.070, 0.062, 0.060, 0.058, 0.050, 0.045),
    ),
    "densenet": _beside(  # "DenseNet (3D-Vol.)", PS-E03
        _column("auc", 0.855, 0.875, 0.880, 0.885, 0.900, 0.910),
        _column("ece", 0.068, 0.060, 0.058, 0.056, 0.048, 0.044),
    ),
    "swin": _beside(
        _column("auc", 0.852, 0.870, 0.875, 0.880, 0.895, 0.905),
        _column("ece", 0.066, 0.059, 0.057, 0.055, 0.047, 0.043),
    ),
}
TABLE3_SD = {
    "resnet": _beside(
        _column("auc", 0.022, 0.020, 0.019, 0.018, 0.016, 0.015),
        _column("ece", 0.011, 0.010, 0.010, 0.009, 0.008, 0.008),
    ),
    "densenet": _beside(
        _column("auc", 0.024, 0.021, 0.019, 0.018, 0.016, 0.015),
        _column("ece", 0.012, 0.011, 0.010, 0.009, 0.009, 0.008),
    ),
    "swin": _beside(
        _column("auc", 0.023, 0.021, 0.020, 0.019, 0.017, 0.015),
        _column("ece", 0.013, 0.011, 0.010, 0.009, 0.009, 0.008),
    ),
}
DAGGERS = {  # arms marked "significant improvement over all non-PathoSyn baselines", p < 0.01
    "table1": ("pathosyn_diff",),  # the sign is not explained there
    "table2": ("pathosyn_vaegan", "pathosyn_diff"),  # in all four columns
    "table3": ("pathosyn_vaegan", "pathosyn_diff"),  # in all six columns
}


class Stated(NamedTuple):
    """A number of the text: its value, the words around it, and where they stand."""

    value: float
    words: str
    where: str


STATED = {
    "subjects": Stated(369, "the official training partition consisting of n = 369", "IV-1"),
    "train": Stated(295, "a training set of 295 subjects", "IV-1"),
    "validation": Stated(37, "a validation set of 37 subjects", "IV-1"),
    "test": Stated(37, "a hold-out testing set of 37 subjects", "IV-1"),
    "rate": Stated(1e-4, "AdamW optimizer (η = 10⁻⁴", "IV-A"),
    "decay": Stated(1e-5, "weight decay 10⁻⁵)", "IV-A"),
    "generator_epochs": Stated(300, "Generative models are trained for 300 epochs", "IV-A"),
    "task_epochs": Stated(200, "downstream task models are trained for 200", "IV-A"),
    "length": Stated(1000, "T = 1000 step linear noise schedule", "IV-A"),
    "latent": Stated(128, "a 128-dimensional latent space", "IV-A"),
    "adversarial": Stated(0.1, "an adversarial weight λ_adv = 0.1", "IV-A"),
    "stages": Stated(4, "a symmetric U-Net with four down-sampling stages", "III-D"),
    "attention": Stated(16, "self-attention integrated in the 16 × 16 bottleneck", "III-D"),
    "interval": Stated(0.95, "95% bootstrap confidence intervals", "IV-B"),
    "coupled": Stated(0.425, "the high feature coupling (C = 0.425)", "IV-D"),
    "orthogonal": Stated(0.072, "PathoSyn achieves near-orthogonality (C = 0.072)", "IV-D, V"),
    "p": Stated(0.01, "statistically significant improvement (p < 0.01)", "IV-E; Tables II, III"),
    "dice": Stated(0.845, "a mean Dice score of 0.845 ± 0.021", "IV-E"),
    "dice_sd": Stated(0.021, "a mean Dice score of 0.845 ± 0.021", "IV-E"),
    "dice_gain": Stated(0.065, "an absolute margin of +6.5%", "IV-E"),
    "contraseg_gain": Stated(0.055, "a +5.5% improvement over the “No Augmentation”", "IV-E"),
    "auc": Stated(0.915, "a peak AUROC of 0.915 on the ResNet-50 backbone", "IV-E"),
    "ece_low": Stated(0.043, "across all test regimes (0.043–0.045)", "IV-E"),
    "ece_high": Stated(0.045, "across all test regimes (0.043–0.045)", "IV-E"),
    "ece_fall": Stated(0.35, "reduces calibration error by approximately 35%", "IV-E"),
    "small": Stated(0.25, "the lower quartile of the volume distribution", "IV-E"),
}
SPLIT = tuple(int(STATED[part].value) for part in ("train", "validation", "test"))
"""Subjects of training, validation and test, section IV-1."""


def table1(arm: str, metric: str) -> float | None:
    """What Table I prints for an arm, or None."""
    return TABLE1.get(arm, {}).get(metric)


def task(regime: str, arm: str, metric: str) -> float | None:
    """What Table II or III prints for an arm in a regime, or None."""
    return (TABLE2 | TABLE3).get(regime, {}).get(arm, {}).get(metric)
