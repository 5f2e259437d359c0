"""Mean Teacher (Tarvainen & Valpola 2017) for segmentation: few labelled subjects, many without.

The teacher is a moving average of the student's weights. Both see the unlabelled images, each with
its own contrast and noise, and the student is drawn to the teacher's probabilities. The weight of
that consistency rises over a share of training: counted in steps, as usual, a short run would end
before it counts. The student is what is evaluated, as in the code that most comparisons use.

The average is over weights alone. Running means of batch normalisation are buffers: the student's
are those of labelled images, since it is evaluated by them and the labelled loss sees no others;
the teacher always normalises by its own batch, and its buffers are never read.
"""

import math
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from lib.jobs import Result
from lib.networks.augment import classical
from lib.tasks import architectures, regimes, segment
from lib.tasks.segment import SegmentSettings
from lib.training import loop as tr
from lib.training.weights import approach, freeze


@dataclass(frozen=True)
class TeacherSettings(SegmentSettings):
    """Ours: PathoSyn names the method and prints no setting of it. Slices only."""

    labelled: float = 0.1  # of the subjects, the first ones
    unlabelled: int = 8  # images of the other subjects a step, beside the batch of labelled ones
    consistency: float = 10.0  # full weight of the mean squared difference of probabilities
    ramp: float = 0.4  # share of training after which it has its full weight
    keep: float = 0.99  # of the teacher's weights at a step


def train(
    images: np.ndarray, masks: np.ndarray, unlabelled: np.ndarray, settings: TeacherSettings,
    rng: np.random.Generator, free: np.ndarray | None = None, pool: regimes.Pairs | None = None,
) -> tuple[nn.Module, dict[str, float]]:  # fmt: skip
    """Train on images (N, H, W) with masks and on unlabelled (M, H, W) images, all in [0, 1].

    free: labelled slices without a lesion; pool: (images, masks) that are not real and count as
    labelled. Returns the student frozen, and {"disagreement": mean squared difference of its and
    the teacher's probabilities over the last tenth of steps}. Weights and labelled batches start
    from rng as in `segment.fit`. Raises ValueError, before any training, for what `segment.fit`
    refuses, for volumes, without unlabelled images, and for a ramp outside (0, 1].
    """
    s = settings
    regimes.check(images, unlabelled, s.unlabelled, s)
    if not 0 < s.ramp <= 1 or not 0 <= s.keep < 1:
        raise ValueError(f"ramp is {s.ramp}, keep {s.keep}; use ramp in (0, 1], keep in [0, 1).")
    init_rng, batch_rng, augment_rng, other_rng, view_rng = rng.spawn(5)
    batches = regimes.labelled_batches(images, masks, free, pool, s, batch_rng, augment_rng)
    student = architectures.create(s.architecture, 2, images.shape[1:], init_rng).train()
    teacher = deepcopy(student).requires_grad_(False)
    optimizer = torch.optim.Adam(student.parameters(), s.rate)
    others, noise = tr.as_planes(unlabelled), tr.torch_generator(view_rng)
    drawn, apart = tr.batches(len(others), s.unlabelled, s.steps, other_rng), []
    for step, ((inputs, target), at) in enumerate(zip(batches, drawn, strict=True)):
        tr.set_rate(optimizer, tr.cosine(step, s.steps, s.rate, 1e-5))
        one, two = (classical(others[at], noise, pixels=0) for _ in range(2))
        logits = _logits(student, inputs, s)
        with torch.no_grad():
            goal = _logits(teacher, two, s).sigmoid()
        with regimes.statistics_unkept(student):
            gap = F.mse_loss(_logits(student, one, s).sigmoid(), goal)
        weight = s.consistency * ramp(step, s.steps, s.ramp)
        tr.descend(optimizer, segment.loss(logits, target) + weight * gap)
        follow(teacher, student, step, s.keep)
        apart.append(gap.item())
    return freeze(student), {"disagreement": float(np.mean(apart[-max(1, s.steps // 10) :]))}


def ramp(step: int, steps: int, share: float) -> float:
    """exp(-5 (1 - p)^2), p = (step + 1) / (share steps) up to 1: from 0.007 to 1 (Laine & Aila)."""
    return math.exp(-5 * (1 - min(1.0, (step + 1) / (share * steps))) ** 2)


def follow(teacher: nn.Module, student: nn.Module, step: int, keep: float) -> None:
    """Move the teacher's weights: the plain mean of all students so far until `keep` is reached."""
    approach(teacher, student, min(1 - 1 / (step + 1), keep))


def _logits(net: nn.Module, x: torch.Tensor, s: SegmentSettings) -> torch.Tensor:
    with segment.autocast(2, s.precision):
        return net(segment._laid_out(x)).float() + segment.PRIOR[2]


# ---- jobs ---------------------------------------------------------------------------------------


def fit_job(data: Result, settings: dict, stream: list[int]) -> Result:
    """Job: the student of a slice_set, of which a share of the subjects is labelled."""
    return regimes.fit_job(train, data, TeacherSettings(**settings), stream)


def arm(
    real: Result, pool: Result | None, extra: int | None, test: Result, settings: dict,
    stream: list[int],
) -> Result:  # fmt: skip
    """Job: `regimes.arm` of a Mean Teacher."""
    return regimes.arm(train, real, pool, extra, test, TeacherSettings(**settings), stream)
