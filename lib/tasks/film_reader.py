"""The independent reader that judges pools: all nine findings and the pneumothorax's outline.

It learns from plentiful fresh films that no generator and no arm sees. The last tenth of each set
teaches it nothing: it sets two thresholds of each finding, and says how well the reader reads.
"""

from dataclasses import dataclass

import numpy as np
from torch import nn

from lib.datasets.pools import columns_of
from lib.jobs import Result
from lib.metrics import multilabel
from lib.phantoms.findings import FINDINGS
from lib.tasks import findings, pneumothorax
from lib.tasks.findings import FindingsNet, FindingsSettings
from lib.tasks.pneumothorax import PneumothoraxSettings
from lib.training.weights import freeze, load_arrays, weights_to_arrays

HELD = 0.1  # share of each set that is held out
SPECIFIC = 0.99  # of the held-out films without a finding, so many are not called sure to have it
PARTS = ("findings/", "pneumothorax/")  # what names of the two networks' weights begin with


@dataclass(frozen=True)
class Reader:
    """Both networks, frozen, and two probabilities (9,): from `thresholds` on a finding is seen, as
    well as may be; above `certain` the reader is sure of it, at a specificity of SPECIFIC."""

    net: FindingsNet
    segmenter: nn.Module
    thresholds: np.ndarray
    certain: np.ndarray

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """(N, 64, 64) -> (N, 9) float32."""
        return findings.predict(self.net, images)

    def sees(self, images: np.ndarray) -> np.ndarray:
        """Which findings are seen, (N, 64, 64) -> (N, 9) bool."""
        return self.probabilities(images) >= self.thresholds

    def lesions(self, images: np.ndarray) -> np.ndarray:
        """Outlines of the pneumothorax, (N, 64, 64) -> (N, 64, 64) bool."""
        return pneumothorax.predict(self.segmenter, images)

    def features(self, images: np.ndarray) -> np.ndarray:
        """(N, 64, 64) -> (N, width) float32."""
        return findings.features(self.net, images)


def reader_job(sets: list[Result], settings: dict[str, dict], stream: list[int]) -> Result:
    """Job: a reader that learns from all sets of films.

    settings: "findings" of `FindingsSettings`, "pneumothorax" of `PneumothoraxSettings`. Arrays:
    the weights of both. Scores: network; thresholds, certain and auc of each finding, on the
    held-out films. Raises ValueError if a finding is in none of the films held out, or in all.
    """
    train, held = _split([columns_of(each.arrays) for each in sets])
    find_rng, mask_rng = np.random.default_rng(stream).spawn(2)
    s = FindingsSettings(**settings["findings"])
    net = findings.fit(train["image"], train["labels"], s, find_rng)
    levels = _levels(held["labels"], findings.predict(net, held["image"]))
    outline = PneumothoraxSettings(**settings["pneumothorax"])
    segmenter = pneumothorax.fit(train["image"], train["mask"] > 0, outline, mask_rng)
    pairs = zip(PARTS, (net, segmenter), strict=True)
    arrays = {name: x for part, each in pairs for name, x in weights_to_arrays(each, part).items()}
    return Result(arrays, {"network": s.network} | levels)


def _split(sets: list[dict]) -> tuple[dict, dict]:
    """The first films of every set together, and the last share HELD of every set together."""
    kept = [len(each["image"]) - max(1, round(HELD * len(each["image"]))) for each in sets]
    names = ("image", "labels", "mask")
    train = {k: np.concatenate([each[k][:at] for each, at in zip(sets, kept, strict=True)])
             for k in names}  # fmt: skip
    held = {k: np.concatenate([each[k][at:] for each, at in zip(sets, kept, strict=True)])
            for k in names}  # fmt: skip
    return train, held


def _levels(Y: np.ndarray, P: np.ndarray) -> dict:
    for name, y in zip(FINDINGS, Y.T, strict=True):
        if y.all() or not y.any():
            which = "every" if y.all() else "no"
            raise ValueError(f"{which} film held out has {name}; give the reader more films.")
    pairs = list(zip(Y.T, P.T, strict=True))
    auc = [multilabel.label_scores(y, p, None)["auc"] for y, p in pairs]
    return {
        "thresholds": multilabel.thresholds(Y, P),
        "certain": [float(np.quantile(p[y == 0], SPECIFIC, method="higher")) for y, p in pairs],
        "auc": dict(zip(FINDINGS, auc, strict=True)),
    }


def load(result: Result) -> Reader:
    """The frozen reader of `reader_job`."""
    s, (first, second) = result.scores, PARTS
    net = load_arrays(FindingsNet(s["network"], len(FINDINGS)), result.arrays, first)
    segmenter = load_arrays(pneumothorax.build(), result.arrays, second)
    levels = (np.array(s[name], np.float32) for name in ("thresholds", "certain"))
    return Reader(freeze(net), freeze(segmenter), *levels)
