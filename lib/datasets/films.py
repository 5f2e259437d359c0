"""Films of the ControlNet chapter: radiographs with findings, and their reports."""

import numpy as np

from lib.jobs import Result
from lib.phantoms import findings, population, reports
from lib.phantoms.findings import law_named
from lib.phantoms.population import Parameters

TEXT = 3  # the random stream of a subject's report


def film_set(law: str, n: int, stream: list[int]) -> Result:
    """Job: n fresh subjects of a law of `findings.LAWS`.

    Arrays: image (n, 64, 64) float32 in [0, 1]; labels (n, 9) uint8, columns as FINDINGS; planes
    (n, 64, 64) uint16, bits as PARTS; tokens and caption (n, LENGTH) uint8, report and five-word
    caption; subject (n,) uint64. Scores: law, n. The first k films of a draw are those of a
    shorter one. ValueError for an unknown law and for n below 0.
    """
    p = findings.sample(law_named(law), n, np.random.default_rng(stream))
    return Result(_written(p), {"law": law, "n": n})


def shown(law: str, requests: Result, stream: list[int]) -> Result:
    """Job: fresh films that show what is requested, one of a new subject for every request: a pool
    that a perfect generator of this law would give.

    Arrays: labels and tokens of the requests; image, and mask (n, 64, 64) uint8, the pneumothorax
    that the film does show; subject. Sides and outlines are the law's own, not the requests'.
    """
    labels = requests.arrays["labels"]
    seeds = population.new_seeds(len(labels), np.random.default_rng(stream))
    films = findings.render(findings.from_seeds(law_named(law), seeds, labels))
    mask = findings.plane(films.planes, "pneumothorax").astype(np.uint8)
    arrays = {"image": films.image, "mask": mask, "subject": films.subject}
    given = {name: requests.arrays[name] for name in ("labels", "tokens")}
    return Result(given | arrays, {"law": law, "n": len(labels)})


def plane(films: Result, part: str) -> np.ndarray:
    """Where one part of PARTS lies, (N, 64, 64) bool; ValueError for an unknown name."""
    return findings.plane(films.arrays["planes"], part)


def _written(p: Parameters) -> dict[str, np.ndarray]:
    films, told = findings.render(p), findings.statements(p)
    streams = (population.stream(seed, TEXT) for seed in p.seed)
    texts = [reports.report(each, rng) for each, rng in zip(told, streams, strict=True)]
    captions = [reports.caption(each) for each in told]
    return {
        "image": films.image, "labels": films.labels, "planes": films.planes,
        "tokens": _tokens(texts), "caption": _tokens(captions), "subject": films.subject,
    }  # fmt: skip


def _tokens(texts: list[str]) -> np.ndarray:
    return np.array([reports.tokens(text) for text in texts]).reshape(-1, reports.LENGTH)
