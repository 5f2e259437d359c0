"""A film encoder aligned with reports: our stand-in for MGCA, never to be called MGCA.

MGCA (Wang et al. 2022) aligns images with their reports at three levels, whole, token and disease,
on MIMIC-CXR, and is then fine-tuned. Ours has the first level only, on the reports of the real
films that the task may see; `findings` then goes on from the encoder. The text network is small:
the mean over words of what a convolution of three words says.
"""

from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.datasets.splits import first
from lib.jobs import Result
from lib.networks.augment import classical
from lib.tasks.findings import BODY, RATES, WIDTHS, encoder
from lib.training import loop as tr
from lib.training.weights import freeze, seeded, weights_to_arrays

WORDS = 256  # tokens are uint8
TEXT = 64  # width of the text network
SHARED = 64  # dimensions in which films and reports are compared


@dataclass(frozen=True)
class AlignSettings:
    """MGCA: temperature 0.07, 50 epochs of ViT and BERT. Ours is a short run."""

    network: str = "resnet"  # a name of `findings.NETWORKS`
    steps: int = 300
    batch: int = 64
    rate: float | None = None  # AdamW, cosine decay to 1e-5; None: the network's own
    decay: float = 1e-5
    temperature: float = 0.1
    augment: bool = True  # shift, contrast and noise of every film
    precision: str = "float32"


class ReportEncoder(nn.Module):
    """Tokens (B, L), 0 for padding -> (B, SHARED); padding at the end changes nothing."""

    def __init__(self):
        super().__init__()
        self.word = nn.Embedding(WORDS, TEXT, padding_idx=0)
        self.mix = nn.Conv1d(TEXT, TEXT, 3, padding=1)
        self.out = nn.Linear(TEXT, SHARED)

    def forward(self, tokens: Tensor) -> Tensor:
        there = (tokens > 0).float().unsqueeze(1)  # (B, 1, L)
        h = self.mix(self.word(tokens).transpose(1, 2)).relu() * there
        return self.out(h.sum(2) / there.sum(2).clamp(min=1))


class Aligner(nn.Module):
    """A film encoder and a report encoder, both to unit vectors of SHARED dimensions."""

    def __init__(self, network: str):
        super().__init__()
        self.body, self.report = encoder(network), ReportEncoder()
        self.out = nn.Linear(WIDTHS[network], SHARED)

    def forward(self, films: Tensor, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 1, 64, 64) and (B, L) -> (B, SHARED) twice."""
        return (F.normalize(x, dim=1) for x in (self.out(self.body(films)), self.report(tokens)))


def alignment(film: Tensor, report: Tensor, temperature: float) -> Tensor:
    """Mean cross-entropy of finding a film's report and a report's film (Radford et al. 2021).

    film, report (B, d) unit rows. Reports that read alike have one embedding, so the loss is the
    same as if all of them counted as right, in equal shares: many "Normal" do no harm.
    """
    alike, own = film @ report.T / temperature, torch.arange(len(film))
    return (F.cross_entropy(alike, own) + F.cross_entropy(alike.T, own)) / 2


def fit(
    images: np.ndarray, tokens: np.ndarray, settings: AlignSettings, rng: np.random.Generator
) -> Aligner:
    """Align images (N, 64, 64) in [0, 1] with their reports, tokens (N, L); both frozen.

    Raises ValueError if there are not as many reports as films.
    """
    s = settings
    if len(tokens) != len(images):
        raise ValueError(f"{len(tokens)} reports for {len(images)} films; give each film its own.")
    init_rng, batch_rng, augment_rng = rng.spawn(3)
    net = seeded(lambda: Aligner(s.network), init_rng).train()
    optimizer = torch.optim.AdamW(net.parameters(), weight_decay=s.decay)
    x, t, noise = tr.as_planes(images), torch.from_numpy(tokens), tr.torch_generator(augment_rng)
    for step, at in enumerate(tr.batches(len(x), s.batch, s.steps, batch_rng)):
        tr.set_rate(optimizer, tr.cosine(step, s.steps, s.rate or RATES[s.network], 1e-5))
        inputs, said = classical(x[at], noise) if s.augment else x[at], t[at].long()
        with tr.autocast(s.precision):
            film, report = net(inputs.contiguous(memory_format=torch.channels_last), said)
        tr.descend(optimizer, alignment(film.float(), report.float(), s.temperature))
    return freeze(net)


def align_job(data: Result, n: int | None, settings: dict, stream: list[int]) -> Result:
    """Job: an encoder aligned with the reports of the first n (None: all) real films of a set.

    Arrays: the encoder's weights, for `start` of `findings.findings_job`. Scores: settings, images.
    """
    s, part = AlignSettings(**settings), first(data, n)
    net = fit(part["image"], part["tokens"], s, np.random.default_rng(stream))
    return Result(weights_to_arrays(net.body, BODY), asdict(s) | {"images": len(part["image"])})
