"""StyleGAN-lite: the GAN baseline of PA-VAE at a laptop's size.

After Karras et al. 2019 and 2020: equalised learning rates, a slow mapping network, style mixing,
modulated convolutions with demodulation, noise inputs at every size, a grey plane summed over all
sizes, a moving average of the weights, non-saturating loss, R1 penalty (Mescheder et al. 2018); and
differentiable augmentation of all that the critic sees (Zhao et al. 2020), for so few images.
Conditional by a class embedding in the mapping network and a projection in the discriminator.
The paper says only "StyleGAN-like" and "StyleGAN-lite".
"""

import copy
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from lib.datasets.hdf5 import ImageSet, from_arrays
from lib.generators import frame
from lib.generators.frame import EarlyStopping, State
from lib.jobs import Result
from lib.networks.blocks import upsample
from lib.training import loop as tr
from lib.training.means import Means
from lib.training.penalty import r1_penalty
from lib.training.weights import approach, seeded, weights_to_arrays


@dataclass(frozen=True)
class GanSettings:
    """Ours, but for Adam and the 8 epochs, which the paper gives all models."""

    epochs: int = 24  # of 8,000 images; the best by FD on validation is kept
    epoch_images: int = 8000
    paper_epochs: int = 8  # the paper's "8-10": kept as an arm of its own
    batch: int = 32
    rate: float = 2e-3  # of both networks ...
    rate_end: float = 2e-4  # ... down to this along a cosine
    mapping_rate: float = 0.01  # of the mapping network, times `rate`
    betas: tuple[float, float] = (0.0, 0.99)
    r1: float = 0.1  # gamma / 2 of the R1 penalty
    r1_every: int = 8  # lazy regularisation
    mixing: float = 0.9  # share of samples with a second style from some size on
    shift: int = 6  # pixels up to which the critic's images are moved, each way; 0: not moved
    cut: int = 20  # side of the square that is cut out of them, pixels; 0: none
    average: float = 0.998  # decay of the moving average of the generator's weights
    latent: int = 64
    style: int = 64
    widths: tuple[int, ...] = (64, 64, 32, 16, 8)  # generator at 4, 8, 16, 32 and 64 pixels a side
    critic: tuple[int, ...] = (16, 32, 64, 64, 64)  # critic at 64, 32, 16, 8 and 4
    precision: str = "bfloat16"

    @property
    def steps_per_epoch(self) -> int:
        return self.epoch_images // self.batch


class Scaled(nn.Module):
    """A weight times a constant."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = factor

    def forward(self, weight: Tensor) -> Tensor:
        return weight * self.factor


def equalised(layer: nn.Linear | nn.Conv2d, rate: float = 1.0) -> nn.Module:
    """A layer whose weights start at N(0, 1) and are scaled at run time by He's constant, so that
    Adam moves all layers alike; `rate` below 1 slows it down."""
    nn.init.normal_(layer.weight, std=1 / rate)
    nn.init.zeros_(layer.bias)
    fan_in = layer.weight[0].numel()
    parametrize.register_parametrization(layer, "weight", Scaled(rate / math.sqrt(fan_in)))
    parametrize.register_parametrization(layer, "bias", Scaled(rate))
    return layer


def leaky(h: Tensor) -> Tensor:
    """Leaky ReLU that keeps the variance."""
    return F.leaky_relu(h, 0.2) * 2**0.5


class StyleConv(nn.Module):
    """Convolution whose input channels are scaled by a style; the outputs are demodulated.

    Scaling activations instead of weights is the same operation for the whole batch at once.
    """

    def __init__(self, c_in: int, c_out: int, style: int, side: int = 3, demodulated: bool = True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(c_out, c_in, side, side))
        self.bias = nn.Parameter(torch.zeros(1, c_out, 1, 1))
        self.affine = equalised(nn.Linear(style, c_in))
        self.demodulated = demodulated

    def forward(self, h: Tensor, w: Tensor) -> Tensor:
        """h (B, c_in, H, W), w (B, style) -> (B, c_out, H, W)."""
        style = 1 + self.affine(w).float()  # (B, c_in)
        weight = self.weight / self.weight[0].numel() ** 0.5
        out = F.conv2d(h * style[..., None, None].to(h.dtype), weight, padding="same")
        if self.demodulated:
            power = style.square() @ weight.square().sum((2, 3)).T  # (B, c_out)
            out = out * (power + 1e-8).rsqrt()[..., None, None].to(out.dtype)
        return out + self.bias


class Stage(nn.Module):
    """One size: a styled convolution with noise, and what it adds to the image."""

    def __init__(self, c_in: int, c_out: int, style: int):
        super().__init__()
        self.conv = StyleConv(c_in, c_out, style)
        self.strength = nn.Parameter(torch.zeros(1))
        self.grey = StyleConv(c_out, 1, style, side=1, demodulated=False)

    def forward(self, h: Tensor, w: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """h (B, c_in, H, W), w (B, style) -> (B, c_out, H, W) and a grey plane (B, 1, H, W)."""
        noise = torch.randn(len(h), 1, *h.shape[2:], generator=generator)
        h = leaky(self.conv(h, w) + self.strength * noise)
        return h, self.grey(h, w)


class StyleGenerator(nn.Module):
    """(z, y, noise) -> images, about [0, 1]."""

    def __init__(self, settings: GanSettings, classes: int = 3):
        super().__init__()
        s = self.settings = settings
        self.embed = nn.Embedding(classes, s.latent)
        sizes = (2 * s.latent, s.style, s.style, s.style)
        self.mapping = nn.ModuleList(
            equalised(nn.Linear(a, b), s.mapping_rate) for a, b in pairwise(sizes)
        )
        self.constant = nn.Parameter(torch.randn(1, s.widths[0], 4, 4))
        pairs = pairwise((s.widths[0], *s.widths))
        self.stages = nn.ModuleList(Stage(a, b, s.style) for a, b in pairs)

    def styles(self, z: Tensor, y: Tensor) -> Tensor:
        """z (B, latent), y (B,) -> w (B, style)."""
        w = torch.cat([_normalised(z), _normalised(self.embed(y))], dim=1)
        for layer in self.mapping:
            w = leaky(layer(w))
        return w

    def forward(self, each: list[Tensor], generator: torch.Generator) -> Tensor:
        """A style (B, style) for every size -> (B, 1, 64, 64); `generator` draws the noise."""
        h, image = self.constant.expand(len(each[0]), -1, -1, -1), 0.0
        for i, (stage, w) in enumerate(zip(self.stages, each, strict=True)):
            h, image = (upsample(h), upsample(image)) if i else (h, image)
            h, grey = stage(h, w, generator)
            image = image + grey
        return 0.5 + 0.5 * image.float()

    def draw(self, y: Tensor, generator: torch.Generator) -> Tensor:
        """Images of classes y (B,), some of them with a second style from some size on."""
        z = torch.randn(2, len(y), self.settings.latent, generator=generator)
        one, two = (self.styles(part, y) for part in z)
        count = len(self.stages)
        first = torch.randint(1, count, (len(y), 1), generator=generator)  # with the second style
        mixed = torch.rand(len(y), 1, generator=generator) < self.settings.mixing
        return self([torch.where(mixed & (first <= i), two, one) for i in range(count)], generator)

    def sample(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One image (64, 64) in [0, 1] per label."""
        noise = tr.torch_generator(rng)
        y = torch.from_numpy(np.asarray(labels, dtype=np.int64))
        z = torch.randn(len(y), self.settings.latent, generator=noise)
        with torch.no_grad(), parametrize.cached():
            styles = self.styles(z, y).split(250)
            images = [self([w] * len(self.stages), noise)[:, 0] for w in styles]
        return torch.cat(images).clamp(0, 1).numpy()


def _normalised(z: Tensor) -> Tensor:
    return z * (z.square().mean(1, keepdim=True) + 1e-8).rsqrt()


class Discriminator(nn.Module):
    """Convolutions, of which all but the first halve the sides; projection on the class.

    It sees how much the images of a batch differ, as one more channel before its last layers.
    """

    def __init__(self, settings: GanSettings, classes: int = 3):
        super().__init__()
        widths = settings.critic
        self.first = equalised(nn.Conv2d(1, widths[0], 3, padding=1))
        pairs = pairwise(widths)
        self.body = nn.ModuleList(
            equalised(nn.Conv2d(a, b, 4, stride=2, padding=1)) for a, b in pairs
        )
        self.features = equalised(nn.Linear((widths[-1] + 1) * 16, widths[-1]))
        self.out = equalised(nn.Linear(widths[-1], 1))
        self.embed = nn.Embedding(classes, widths[-1])

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """x (B, 1, 64, 64) about [0, 1], y (B,) -> logits (B,)."""
        h = leaky(self.first(2 * x - 1))
        for conv in self.body:
            h = leaky(conv(h))
        spread = h.float().std(0).mean().to(h.dtype).expand(len(h), 1, *h.shape[2:])
        h = leaky(self.features(torch.cat([h, spread], dim=1).flatten(1)))
        projection = (self.embed(y) * h).sum(1) / h.shape[1] ** 0.5
        return (self.out(h)[:, 0] + projection).float()


def changed(images: Tensor, s: GanSettings, generator: torch.Generator) -> Tensor:
    """Images (B, 1, H, H), each moved by up to `shift` pixels and with a square of `cut` left out.

    Real and drawn images alike, and with a gradient: what the critic learns is no change of these.
    """
    n, side = len(images), images.shape[-1]
    places, at = torch.arange(side), torch.arange(n)[:, None, None]
    if s.shift:
        start = torch.randint(2 * s.shift + 1, (2, n, 1), generator=generator)
        rows, columns = start + places  # (n, side) each
        padded = F.pad(images, [s.shift] * 4)
        images = padded[at, 0, rows[:, :, None], columns[:, None]].unsqueeze(1)
    if s.cut:
        start = torch.randint(1 - s.cut, side, (2, n, 1), generator=generator)
        rows, columns = (places >= start) & (places < start + s.cut)
        images = images * ~(rows[:, :, None] & columns[:, None]).unsqueeze(1)
    return images


def fit(data: ImageSet, settings: GanSettings, rng: np.random.Generator) -> Iterator[State]:
    """Train on labelled images; yields a State after every epoch, the model a moving average.

    The paper prints no equation; the steps are those of Karras et al. 2020 (appendix B).
    """
    s = settings
    init_rng, batch_rng, noise_rng = rng.spawn(3)
    generator = seeded(lambda: StyleGenerator(s), init_rng)
    critic = seeded(lambda: Discriminator(s), init_rng)
    averaged = copy.deepcopy(generator).requires_grad_(False)
    optimizers = [
        torch.optim.Adam(m.parameters(), s.rate, betas=s.betas) for m in (generator, critic)
    ]
    x, y = tr.as_planes(data.image), torch.from_numpy(data.label)
    noise = tr.torch_generator(noise_rng)

    def judge(images: Tensor, labels: Tensor) -> Tensor:
        seen = changed(images, s, noise).contiguous(memory_format=torch.channels_last)
        with tr.autocast(s.precision):
            return critic(seen, labels)

    per_epoch, means = s.steps_per_epoch, Means(s.steps_per_epoch)
    steps = s.epochs * per_epoch
    for step, at in enumerate(tr.batches(len(x), s.batch, steps, batch_rng), 1):
        for optimizer in optimizers:
            tr.set_rate(optimizer, tr.cosine(step - 1, steps, s.rate, s.rate_end))
        # 1. The critic: -log sigmoid(D(x, y)) - log(1 - sigmoid(D(G(z, y), y))) ...
        with tr.autocast(s.precision):
            drawn = generator.draw(y[at], noise)
        critic_loss = F.softplus(-judge(x[at], y[at])).mean()
        critic_loss = critic_loss + F.softplus(judge(drawn.detach(), y[at])).mean()
        losses = {"critic": critic_loss}
        if step % s.r1_every == 0:  # ... + gamma / 2 |grad_x D(x, y)|^2, every so many steps
            penalty = r1_penalty(critic, x[at], y[at])
            critic_loss = critic_loss + s.r1 * s.r1_every * penalty
        tr.descend(optimizers[1], critic_loss)
        # 2. The generator against this critic, non-saturating: -log sigmoid(D(G(z, y), y))
        critic.requires_grad_(False)
        losses["generator"] = F.softplus(-judge(drawn, y[at])).mean()
        tr.descend(optimizers[0], losses["generator"])
        critic.requires_grad_(True)
        # 3. The moving average of its weights, from which samples are drawn
        approach(averaged, generator, s.average)
        means.add(losses)
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
