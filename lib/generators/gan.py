"""StyleGAN-lite: the GAN baseline of PA-VAE at a laptop's size.

After Karras et al. 2019 and 2020: a mapping network, style modulation with demodulation, noise
inputs, a moving average of the weights, non-saturating loss, R1 penalty (Mescheder et al. 2018).
Conditional by a class embedding in the mapping network and a projection in the discriminator.
The paper says only "StyleGAN-like" and "StyleGAN-lite".
"""

import copy
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.datasets.hdf5 import ImageSet, from_arrays
from lib.generators import frame
from lib.generators.frame import EarlyStopping, State
from lib.jobs import Result
from lib.networks.blocks import WIDTHS, upsample
from lib.training import loop as tr
from lib.training.means import Means
from lib.training.weights import approach, seeded, weights_to_arrays


@dataclass(frozen=True)
class GanSettings:
    """Ours, but for Adam and the 8 epochs, which the paper gives all models."""

    epochs: int = 10  # of 8,000 images; the best by FD on validation is kept
    epoch_images: int = 8000
    paper_epochs: int = 8  # the paper's "8-10": kept as an arm of its own
    batch: int = 32
    rate: float = 2e-3
    betas: tuple[float, float] = (0.0, 0.99)
    r1: float = 1.0  # gamma / 2 of the R1 penalty
    r1_every: int = 8  # lazy regularisation
    average: float = 0.995  # decay of the moving average of the generator's weights
    latent: int = 32
    style: int = 64
    precision: str = "bfloat16"

    @property
    def steps_per_epoch(self) -> int:
        return self.epoch_images // self.batch


class StyleConv(nn.Module):
    """3x3 convolution whose input channels are scaled by a style, outputs demodulated, plus noise.

    Scaling activations instead of weights is the same operation for the whole batch at once.
    """

    def __init__(self, c_in: int, c_out: int, style: int):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(c_out, c_in, 3, 3) / (9 * c_in) ** 0.5)
        self.bias = nn.Parameter(torch.zeros(1, c_out, 1, 1))
        self.strength = nn.Parameter(torch.zeros(1))
        self.affine = nn.Linear(style, c_in)
        nn.init.ones_(self.affine.bias)

    def forward(self, h: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        """h (B, c_in, H, W), w (B, style), noise (B, 1, H, W) -> (B, c_out, H, W)."""
        style = self.affine(w).float()  # (B, c_in)
        power = style.square() @ self.weight.square().sum((2, 3)).T  # (B, c_out)
        out = F.conv2d(h * style[..., None, None].to(h.dtype), self.weight, padding=1)
        out = out * (power + 1e-8).rsqrt()[..., None, None].to(out.dtype)
        return F.leaky_relu(out + self.strength * noise + self.bias, 0.2) * 2**0.5


class StyleGenerator(nn.Module):
    """(z, y, noise) -> images in [0, 1]."""

    def __init__(self, settings: GanSettings, classes: int = 3):
        super().__init__()
        self.latent, style = settings.latent, settings.style
        self.embed = nn.Embedding(classes, settings.latent)
        sizes = (2 * settings.latent, style, style, style)
        layers = [nn.Sequential(nn.Linear(a, b), nn.LeakyReLU(0.2)) for a, b in pairwise(sizes)]
        self.mapping = nn.Sequential(*layers)
        self.constant = nn.Parameter(torch.randn(1, WIDTHS[0], 4, 4))
        pairs = zip((WIDTHS[0], *WIDTHS), WIDTHS, strict=False)
        self.stages = nn.ModuleList(StyleConv(a, b, style) for a, b in pairs)
        self.out = nn.Conv2d(WIDTHS[-1], 4, 3, padding=1)

    def forward(self, z: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        """z (B, latent), y (B,) -> (B, 1, 64, 64); `generator` draws the noise inputs."""
        z = z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()
        w = self.mapping(torch.cat([z, self.embed(y)], dim=1))
        h = self.constant.expand(len(z), -1, -1, -1)
        for i, stage in enumerate(self.stages):  # 4, 8, 16, 32
            h = upsample(h) if i else h
            noise = torch.randn(len(z), 1, *h.shape[2:], generator=generator)
            h = stage(h, w, noise)
        return F.pixel_shuffle(self.out(h), 2).float().sigmoid()  # 32 -> 64

    def sample(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One image (64, 64) in [0, 1] per label."""
        noise = tr.torch_generator(rng)
        y = torch.from_numpy(np.asarray(labels, dtype=np.int64))
        z = torch.randn(len(y), self.latent, generator=noise)
        with torch.no_grad():
            parts = zip(z.split(250), y.split(250), strict=True)
            return torch.cat([self(*part, noise)[:, 0] for part in parts]).numpy()


class Discriminator(nn.Module):
    """Strided convolutions, batch standard deviation, projection on the class."""

    def __init__(self, classes: int = 3):
        super().__init__()
        widths = (1, *reversed(WIDTHS))
        pairs = pairwise(widths)
        self.body = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in pairs)
        self.features = nn.Linear((WIDTHS[0] + 1) * 16, 64)
        self.out, self.embed = nn.Linear(64, 1), nn.Embedding(classes, 64)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """x (B, 1, 64, 64) in [0, 1], y (B,) -> logits (B,)."""
        h = 2 * x - 1
        for conv in self.body:
            h = F.leaky_relu(conv(h), 0.2)
        spread = h.float().std(0).mean().to(h.dtype).expand(len(h), 1, *h.shape[2:])
        h = F.leaky_relu(self.features(torch.cat([h, spread], dim=1).flatten(1)), 0.2)
        return (self.out(h)[:, 0] + (self.embed(y) * h).sum(1)).float()


def r1_penalty(critic: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Mean squared gradient norm of the critic at real images."""
    x = x.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(critic(x, y).sum(), x, create_graph=True)
    return gradient.square().sum((1, 2, 3)).mean()


def fit(data: ImageSet, settings: GanSettings, rng: np.random.Generator) -> Iterator[State]:
    """Train on labelled images; yields a State after every epoch, the model a moving average.

    The paper prints no equation; the steps are those of Karras et al. 2020 (appendix B).
    """
    s = settings
    init_rng, batch_rng, noise_rng = rng.spawn(3)
    generator = seeded(lambda: StyleGenerator(s), init_rng)
    critic = seeded(Discriminator, init_rng)
    averaged = copy.deepcopy(generator).requires_grad_(False)
    optimizers = [
        torch.optim.Adam(m.parameters(), s.rate, betas=s.betas) for m in (generator, critic)
    ]
    x, y = tr.as_planes(data.image), torch.from_numpy(data.label)
    noise = tr.torch_generator(noise_rng)

    def fake(labels: Tensor) -> Tensor:
        z = torch.randn(len(labels), s.latent, generator=noise)
        with tr.autocast(s.precision):
            return generator(z, labels, noise)

    def judge(images: Tensor, labels: Tensor) -> Tensor:
        with tr.autocast(s.precision):
            return critic(images.contiguous(memory_format=torch.channels_last), labels)

    per_epoch, means = s.steps_per_epoch, Means(s.steps_per_epoch)
    for step, at in enumerate(tr.batches(len(x), s.batch, s.epochs * per_epoch, batch_rng), 1):
        # 1. The critic: -log sigmoid(D(x, y)) - log(1 - sigmoid(D(G(z, y), y))) ...
        drawn = fake(y[at])
        critic_loss = F.softplus(-judge(x[at], y[at])).mean()
        critic_loss = critic_loss + F.softplus(judge(drawn.detach(), y[at])).mean()
        if step % s.r1_every == 0:  # ... + gamma / 2 |grad_x D(x, y)|^2, every so many steps
            critic_loss = critic_loss + s.r1 * s.r1_every * r1_penalty(critic, x[at], y[at])
        tr.descend(optimizers[1], critic_loss)
        # 2. The generator against this critic, non-saturating: -log sigmoid(D(G(z, y), y))
        critic.requires_grad_(False)
        generator_loss = F.softplus(-judge(drawn, y[at])).mean()
        tr.descend(optimizers[0], generator_loss)
        critic.requires_grad_(True)
        # 3. The moving average of its weights, from which samples are drawn
        approach(averaged, generator, s.average)
        means.add({"generator": generator_loss, "critic": critic_loss})
        if step % per_epoch == 0:
            yield State({"epoch": step // per_epoch}, averaged, means.take())


def fit_job(data: Result, n: int, validation: Result, settings: dict, stream: list[int]) -> Result:
    """Job: train on the first n images.

    Arrays: weights of the best epoch by FD on validation under "best/", of the paper's number of
    epochs under "paper/". Scores: the log of every epoch and the best one.
    """
    s, rng = frame.from_json(GanSettings, settings), np.random.default_rng(stream)
    watch = EarlyStopping(validation.arrays["image"], rng.spawn(1)[0])
    paper = {}
    for state in fit(from_arrays(data.arrays)[:n], s, rng):
        watch.see(state)
        if state.at["epoch"] == s.paper_epochs:
            paper = weights_to_arrays(state.model, "paper/")
    return Result({**watch.weights, **paper}, watch.scores | {"settings": asdict(s)})


def pool(fitted: Result, weights: str, n: int, stream: list[int]) -> Result:
    """Job: n labelled samples in Table 1's class mix, from the "best" or the "paper" weights."""
    model = frame.restored(StyleGenerator, GanSettings, fitted, f"{weights}/")
    return frame.labelled_pool(model, n, stream)
