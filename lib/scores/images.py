"""Jobs that turn predictions and samples into scores, shared by the papers' studies."""

import numpy as np
from sklearn.metrics import roc_curve

from lib.jobs import Result
from lib.metrics import classification, fidelity, memorisation
from lib.networks.classifier import SmallCNN
from lib.tasks import classify
from lib.training.weights import freeze, seeded

RATES = np.linspace(0, 1, 201)  # false-positive rates at which ROC curves are stored
NEIGHBOURS = 100  # samples whose nearest real image is searched by SSIM


def utility(arm: Result, validation: Result, test: Result, stream: list[int]) -> Result:
    """Job: scores of one arm on the test draw; validation sets the threshold.

    Healthy against any opacity, the score being 1 - p(healthy); auc_ovr is the macro
    one-vs-rest AUC of the three classes. Array roc: sensitivity at RATES.
    """
    rng = np.random.default_rng(stream)
    truth = test.arrays["label"]
    p = arm.arrays["probability/test"].astype(np.float64)
    p /= p.sum(1, keepdims=True)
    score, sick = 1 - p[:, 0], (truth > 0).astype(int)
    negatives = 1 - arm.arrays["probability/validation"][validation.arrays["label"] == 0, 0]
    point = classification.sensitivity_at_specificity(negatives.astype(np.float64), score, sick)
    scores = {
        "auc": classification.auc(sick, score)[0],
        "auc_ovr": classification.macro_auc(truth, p),
        "sens95": point["sensitivity"],
        "spec95": point["specificity"],
        "ece": classification.ece(score, sick),
        "ece_debiased": classification.ece_debiased(score, sick, rng),
        "ece_floor": classification.ece_floor(score, rng),
        "brier": classification.brier(score, sick),
    }
    x, y, _ = roc_curve(sick, score)
    return Result({"roc": np.interp(RATES, x, y)}, {k: float(v) for k, v in scores.items()})


def domain_fidelity(pool: Result, n: int, real: Result, reader: Result) -> Result:
    """Job: distances of the first n samples to the first n real images, and condition adherence.

    fd, kid: in the independent reader's features; fd2: in those of a random untrained network.
    adherence: how often the reader sees the requested class; adherence_ratio: over its accuracy
    on the real images. ssim_nearest: mean SSIM to the nearest real image of 100 samples.
    """
    net = classify.load(reader)
    samples, asked = pool.arrays["image"][:n], pool.arrays["label"][:n]
    truth = real.arrays["image"][:n]
    seen = classify.predict(net, samples).argmax(1)
    right = classify.predict(net, truth).argmax(1) == real.arrays["label"][:n]
    scores = distances(samples, truth, net) | {
        "adherence": float((seen == asked).mean()),
        "adherence_ratio": float((seen == asked).mean() / right.mean()),
        "ssim_nearest": float(fidelity.nearest_ssim(samples[:NEIGHBOURS], truth).mean()),
    }
    for label, name in enumerate(("healthy", "left", "right")):
        scores[f"adherence_{name}"] = float((seen == asked)[asked == label].mean())
    return Result({}, scores)


def distances(samples: np.ndarray, real: np.ndarray, reader: SmallCNN) -> dict[str, float]:
    """FD and KID in the reader's features, FD in those of a random network (fd2)."""
    random = freeze(seeded(SmallCNN, np.random.default_rng(0)))
    a, b = (classify.features(reader, x) for x in (samples, real))
    a2, b2 = (classify.features(random, x) for x in (samples, real))
    scale = b2.std(0) + 1e-6
    fd, fd2 = (fidelity.frechet(*x, few=True) for x in ((a, b), (a2 / scale, b2 / scale)))
    return {"fd": fd, "fd2": fd2, "kid": float(fidelity.kid(a, b))}


def fidelity_null(real: Result, n: int, reader: Result, splits: int, stream: list[int]) -> Result:
    """Job: the same distances between two sets of n real images; mean and SD over random splits.

    Both sets have the class mix of the whole set, as the pools have.
    """
    net, rng = classify.load(reader), np.random.default_rng(stream)
    images, labels = real.arrays["image"], real.arrays["label"]
    rows = []
    for _ in range(splits):
        a, b = halves(labels, n, rng)
        rows.append(distances(images[a], images[b], net))
    values = {name: [row[name] for row in rows] for name in rows[0]}
    means = {name: float(np.mean(v)) for name, v in values.items()}
    return Result(
        {}, {"mean": means, "sd": {k: float(np.std(v, ddof=1)) for k, v in values.items()}}
    )


def halves(labels: np.ndarray, n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Indices of two disjoint random sets of n of labels (N,), N >= 2n, each in the whole's mix."""
    order = rng.permutation(len(labels))
    ranks = np.empty(len(labels))
    for c in np.unique(labels):  # the place of every image in its class, as a share of the class
        mine = order[labels[order] == c]
        ranks[mine] = (np.arange(len(mine)) + 0.5) / len(mine)
    ranked = np.argsort(ranks, kind="stable")
    return ranked[:n], ranked[n : 2 * n]


def memory(pool: Result, train: Result, n: int, holdout: Result) -> Result:
    """Job: share of n samples nearer to the n training images than to as many others (null 0.5)."""
    parts = (each.arrays["image"][:n].reshape(n, -1) for each in (pool, train, holdout))
    share, low, high = memorisation.nn_share(*parts)
    return Result({}, {"nn_share": float(share), "ci95": [float(low), float(high)]})


def reconstruction_ssim(pair: Result) -> Result:
    """Job: mean SSIM of reconstructions with their images (auto-encoders only)."""
    found = fidelity.ssim(pair.arrays["reconstruction"], pair.arrays["image"])
    return Result({}, {"ssim": float(found.mean())})
