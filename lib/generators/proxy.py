"""A proxy that chooses images: how alike a film and a text are, in BiomedCLIP's role.

Two towers are trained so that a film is nearer to its own text than to the others of its batch, and
the reverse (CLIP, Radford et al. 2021), on films of the law "mimic" with reports, captions and bare
names, mixed as for the generator's base: the films that it scores are asked for by a bare name. The
paper keeps the films above the 90th percentile of the cosine similarity to their disease prompt
("Proxy Model"); at equal volume, ours, as many are kept as asked for. A proxy chooses; it never
judges.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.generators import frame
from lib.generators.frame import CHUNK, State
from lib.generators.textual import chosen_text, descended, planes, written
from lib.jobs import Result
from lib.networks.blocks import block
from lib.networks.textual import TextEncoder, mean_vector
from lib.phantoms import reports
from lib.training import loop as tr
from lib.training.weights import seeded

LARGEST = 100.0  # of the scale of similarities, as in CLIP


@dataclass(frozen=True)
class ProxySettings:
    """All ours; what is marked is CLIP's."""

    steps: int = 600
    batch: int = 64
    rate: float = 1e-3  # cosine to a twentieth
    decay: float = 1e-3
    average: float = 0.98  # decay of the moving average of the weights
    caption_share: float = 0.35  # texts that are the caption in the report's place
    name_share: float = 0.3  # texts that are the bare names of what the film shows
    text_drop: float = 0.0  # texts that become "N/A": none, every film is told by a text
    widths: tuple[int, ...] = (16, 32, 64, 64)  # channels at 32, 16, 8 and 4 pixels a side
    text: int = 64  # width of the text's vectors
    depth: int = 1  # layers of the text encoder
    common: int = 64  # dimensions that both towers end in
    scale: float = 14.3  # theirs, 1 / 0.07: of the similarities, at the start
    precision: str = "bfloat16"


class Proxy(nn.Module):
    """Both towers and the scale of their similarities."""

    def __init__(self, settings: ProxySettings):
        super().__init__()
        s = self.settings = settings
        pairs = zip((1, *s.widths), s.widths, strict=False)
        self.film = nn.Sequential(*(block(a, b, stride=2) for a, b in pairs))
        self.film_out = nn.Linear(16 * s.widths[-1], s.common)
        self.text = TextEncoder(len(reports.VOCABULARY), reports.LENGTH, s.text, s.depth)
        self.text_out = nn.Linear(s.text, s.common)
        self.log_scale = nn.Parameter(torch.tensor(float(np.log(s.scale))))

    def of_films(self, film: Tensor) -> Tensor:
        """Unit vectors (B, common) of films (B, 1, 64, 64)."""
        with tr.autocast(self.settings.precision):
            out = self.film_out(self.film(2 * film - 1).flatten(1))
        return F.normalize(out.float(), dim=1)

    def of_texts(self, tokens: Tensor) -> Tensor:
        """Unit vectors (B, common) of tokens (B, LENGTH)."""
        with tr.autocast(self.settings.precision):
            out = self.text_out(mean_vector(self.text(tokens)))
        return F.normalize(out.float(), dim=1)


def contrast(films: Tensor, texts: Tensor, scale: Tensor | float) -> Tensor:
    """Mean cross-entropy of a film among the texts and of a text among the films, both (B, k).

    ln B where the features say nothing.
    """
    alike = scale * films @ texts.T
    own = torch.arange(len(films))
    return (F.cross_entropy(alike, own) + F.cross_entropy(alike.T, own)) / 2


def fit(
    image: np.ndarray, texts: dict[str, Tensor], s: ProxySettings, rng: np.random.Generator
) -> Iterator[State]:
    """Train on films (N, 64, 64) in [0, 1] and their texts, of `textual.written`."""
    init_rng, batch_rng, draw_rng = rng.spawn(3)
    proxy, draw = seeded(lambda: Proxy(s), init_rng), tr.torch_generator(draw_rng)
    film = planes(image)

    def loss(at: Tensor) -> Tensor:
        text = chosen_text({kind: each[at] for kind, each in texts.items()}, s, draw)
        scale = proxy.log_scale.exp().clamp(max=LARGEST)
        return contrast(proxy.of_films(film[at]), proxy.of_texts(text), scale)

    yield from descended(proxy, [*proxy.parameters()], loss, len(film), "proxy", batch_rng)


def proxy_job(films: Result, settings: dict, stream: list[int]) -> Result:
    """Job: train on a film set. Arrays: weights. Scores: settings and log."""
    s, rng = frame.from_json(ProxySettings, settings), np.random.default_rng(stream)
    return frame.to_its_end(fit(films.arrays["image"], written(films), s, rng), s)


def similarity(proxy: Result, pool: Result) -> np.ndarray:
    """Cosine similarity (N,) of each film of a pool to its own text, in [-1, 1]."""
    network = frame.restored(Proxy, ProxySettings, proxy)
    film, tokens = planes(pool.arrays["image"]), torch.from_numpy(pool.arrays["tokens"])
    with torch.no_grad():
        parts = zip(film.split(CHUNK), tokens.split(CHUNK), strict=True)
        each = [(network.of_films(f) * network.of_texts(t)).sum(1) for f, t in parts]
    return torch.cat(each).numpy()


def similarity_job(proxy: Result, pool: Result) -> Result:
    """Job: the similarities of a pool. Arrays: similarity (N,) float32."""
    alike = similarity(proxy, pool)
    return Result({"similarity": alike}, {"mean": float(alike.mean())})


def filtered(
    pool: Result, proxy: Result, percentile: float = 90.0, keep: int | None = None
) -> Result:
    """Job: the films of a pool that are most like their texts, for each text its own best.

    Of each text those above this percentile of its similarities (paper), or with `keep` so many in
    all, of each text the same share. Arrays: those of the pool, and similarity; the pool's order
    stays. ValueError: a percentile outside [0, 100), more to keep than there are.
    """
    n = len(pool.arrays["image"])
    if not 0 <= percentile < 100:
        raise ValueError(f"percentile is {percentile}; use 0 up to, but not, 100.")
    if keep is not None and not 1 <= keep <= n:
        raise ValueError(f"keep is {keep} of {n} films; draw a larger pool, or keep fewer.")
    alike = similarity(proxy, pool)
    _, text = np.unique(pool.arrays["tokens"], axis=0, return_inverse=True)
    share = standing(alike, text.ravel())
    best = share > percentile / 100 if keep is None else _top(share, keep)
    arrays = {name: rows[best] for name, rows in (pool.arrays | {"similarity": alike}).items()}
    return Result(arrays, {"n": int(best.sum()), "of": n})


def at_random(pool: Result, stream: list[int], percentile: float = 90.0) -> Result:
    """Job: as many films of a pool as `filtered` keeps, of each text as many, chosen by chance.

    Arrays: those of the pool, whose order stays. ValueError: a percentile outside [0, 100).
    """
    if not 0 <= percentile < 100:
        raise ValueError(f"percentile is {percentile}; use 0 up to, but not, 100.")
    n = len(pool.arrays["image"])
    _, text = np.unique(pool.arrays["tokens"], axis=0, return_inverse=True)
    lot = np.random.default_rng(stream).random(n)
    taken = standing(lot, text.ravel()) > percentile / 100
    arrays = {name: rows[taken] for name, rows in pool.arrays.items()}
    return Result(arrays, {"n": int(taken.sum()), "of": n})


def kept(pool: Result, proxy: Result, n: int, among: int, best: bool) -> Result:
    """Job: of the first `among` films of a pool the n that fit their texts best, or least.

    Of each text the same share, as of `filtered`; films keep their order. ValueError: n above
    `among`, or `among` above the pool.
    """
    there = len(pool.arrays["image"])
    if not 1 <= n <= among <= there:
        raise ValueError(f"n {n} of {among} of a pool of {there}; keep fewer, or draw more.")
    first = Result({name: rows[:among] for name, rows in pool.arrays.items()}, {})
    _, text = np.unique(first.arrays["tokens"], axis=0, return_inverse=True)
    share = standing(similarity(proxy, first), text.ravel())
    at = _top(share if best else 1 - share, n)
    return Result({name: rows[at] for name, rows in first.arrays.items()}, {"n": n})


def standing(score: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Where each score stands in its group: (rank - 1/2) / size, in (0, 1), ties in row order."""
    place = np.empty(len(score))
    for name in np.unique(group):
        rows = (group == name).nonzero()[0]
        order = np.argsort(score[rows], kind="stable")
        place[rows[order]] = (np.arange(len(rows)) + 0.5) / len(rows)
    return place


def _top(share: np.ndarray, keep: int) -> np.ndarray:
    """Mask of the `keep` rows with the largest share, ties in row order."""
    best = np.zeros(len(share), dtype=bool)
    best[np.argsort(-share, kind="stable")[:keep]] = True
    return best
