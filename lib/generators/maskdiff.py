"""MaskDiff-Inpaint as we read it: a diffusion that draws a whole slice around what a mask leaves.

    x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) eps                    x_0 = 2 x - 1, the whole slice
    L = w_in |(x_0 - f) m|^2 + w_out |(x_0 - f) (1 - m)|^2,   f(x_t, x_0 (1 - m), m, t)

PathoSyn's paper names it (section IV-B) and cites an inpainter of photographs; section II says
that such models "re-synthesize the entire image". So all is ours: a network of the kind of
PathoSyn's is shown the slice outside the mask and diffuses all of it. Each of the two norms is a
mean over its own region of its own image, so that a small lesion counts as much as a large one.

The network says x_0, nearly all of which it is shown; noise or velocities it would have to find
anew at every step, outside the mask too. On 300 slices the root mean square change of healthy
tissue was 0.019 grey units after 900 steps; with velocities 0.035 after 600, all of it grain.

What it draws is its own everywhere, so it may change tissue that it was shown; "paste" keeps the
given pixels outside the mask. It draws noise with the rest, and needs none added.

It knows no healthy tissue: what lies behind its lesions is Inp(x, m), filled from the rim, and
severity scales what it draws beyond that. So at severity 0 it heals as Inp does; a fit of PathoSyn
can heal in its place.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from lib.generators import control, diffusion, frame, scenes
from lib.generators.frame import CHUNK, State
from lib.generators.joint import own_mean, trained
from lib.generators.membrane import inpainted
from lib.generators.pathosyn import Synthesis, asked, base, checked, supported
from lib.jobs import Result
from lib.networks.pathosyn import InpaintNet
from lib.training import loop as tr
from lib.training.cost import flops
from lib.training.weights import freeze, seeded

SCHEDULES = {"linear": diffusion.linear, "cosine": diffusion.cosine}
WAYS = ("whole", "paste")


@dataclass(frozen=True)
class MaskDiffSettings:
    """All ours: the paper says nothing of it but its name."""

    margin: float = 0.0  # pixels by which the label grows to the mask that it is shown
    length: int = 1000  # T, as PathoSyn's
    schedule: str = "cosine"
    kind: str = "x0"  # what the network says; "v", "eps"
    in_weight: float = 1.0  # w_in
    out_weight: float = 1.0  # w_out
    sampler_steps: int = 50  # of DDIM, as PathoSyn's
    eta: float = 0.0
    steps: int = 3000
    batch: int = 16
    rate: float = 2e-3  # cosine to a twentieth
    decay: float = 1e-5
    average: float = 0.99  # decay of the moving average of the weights
    widths: tuple[int, int] = (32, 64)  # at 1/2 and 1/4 of the side: whole slices are dear
    depth: int = 2  # residual units at the bottleneck
    precision: str = "bfloat16"


class MaskDiff(nn.Module):
    """The network and its noise schedule."""

    def __init__(self, settings: MaskDiffSettings):
        super().__init__()
        s = self.settings = settings
        self.net = InpaintNet(s.widths, s.depth)
        self.schedule = SCHEDULES[s.schedule](s.length)

    def say(self, x_t: Tensor, known: Tensor, mask: Tensor, t: Tensor) -> Tensor:
        """What the network says of x_t (B, 1, H, W), float32; known: x_0 (1 - m)."""
        with tr.autocast(self.settings.precision):
            return self.net(torch.cat([x_t, known, mask], 1), t).float()

    def draw(self, image: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
        """Whole images (N, 1, H, W) in [0, 1] about what masks of the same shape leave of these."""
        s, start = self.settings, torch.randn(image.shape, generator=generator)
        drawn = []
        for x, known, m in zip(*(p.split(CHUNK) for p in (start, shown(image, mask), mask)),
                               strict=True):  # fmt: skip

            def predict(x_t, t, known=known, m=m):
                said = self.say(x_t, known, m, t)
                return diffusion.parts(self.schedule, s.kind, said, x_t, t, limit=1.0)

            way = diffusion.ddim(self.schedule, predict, x, s.sampler_steps, s.eta, generator)
            drawn.append(diffusion.last(way))
        return (torch.cat(drawn) + 1) / 2

    def sample(
        self, image: np.ndarray, mask: np.ndarray, rng: np.random.Generator,
        how: str | None = None, severity: float = 1.0,
    ) -> Synthesis:  # fmt: skip
        """The images (N, H, W) in [0, 1] drawn anew with a lesion inside each mask (N, H, W).

        how: one of WAYS, None for "whole". Of the result, the substrate is Inp(x, m) and the
        deviation is 0 outside the mask; severity: see `control`. ValueError: images outside [0, 1],
        masks not of 0 and 1, severity out of range, unknown way.
        """
        if how not in (None, *WAYS):
            raise ValueError(f"how {how!r} is unknown; use one of {WAYS}.")
        image, support = asked(image, mask, self.settings.margin)
        substrate, drawn = inpainted(image, support), image
        if severity or how != "paste":
            with torch.no_grad():
                planes = tr.as_planes(image), tr.as_planes(support)
                drawn = self.draw(*planes, tr.torch_generator(rng))[:, 0].numpy()
        deviation = control.scaled(np.where(support, drawn - substrate, 0), severity)
        around = image if how == "paste" else drawn
        made = np.where(support, substrate + deviation, around)
        return Synthesis(made.clip(0, 1), substrate, deviation)


def shown(image: Tensor, mask: Tensor) -> Tensor:
    """What the network sees of images in [0, 1]: x_0 in [-1, 1] outside the mask, 0 inside."""
    return (2 * image - 1) * (1 - mask)


def loss_terms(
    model: MaskDiff, image: Tensor, mask: Tensor, eps: Tensor, t: Tensor
) -> dict[str, Tensor]:
    """Both norms of the loss, means over the batch, and the loss; all planes (B, 1, H, W)."""
    s, x_0 = model.settings, 2 * image - 1
    x_t = diffusion.add_noise(model.schedule, x_0, eps, t)
    said = model.say(x_t, shown(image, mask), mask, t)
    error = (said - diffusion.target(model.schedule, s.kind, x_0, eps, t)).square()
    terms = {"in": own_mean(error, mask).mean(), "out": own_mean(error, 1 - mask).mean()}
    return terms | {"loss": s.in_weight * terms["in"] + s.out_weight * terms["out"]}


# ---- fit, load, pool ----------------------------------------------------------------------------


def fit(
    image: np.ndarray, mask: np.ndarray, s: MaskDiffSettings, rng: np.random.Generator
) -> Iterator[State]:
    """Train on lesion slices: image (N, H, W) in [0, 1], mask (N, H, W), none of them empty.

    Yields a State every EVERY steps of the stage "inpainter" and at its end. ValueError: bad pairs.
    """
    init_rng, batch_rng, noise_rng = rng.spawn(3)
    image, _ = checked(image, mask)
    x, m = tr.as_planes(image), tr.as_planes(supported(image, mask, s.margin))
    model, noise = seeded(lambda: MaskDiff(s), init_rng), tr.torch_generator(noise_rng)

    def terms(at: Tensor) -> dict[str, Tensor]:
        eps = torch.randn(len(at), *x.shape[1:], generator=noise)
        t = torch.randint(s.length, (len(at),), generator=noise)
        return loss_terms(model, x[at], m[at], eps, t)

    counts = len(x), s.steps, s.batch
    yield from trained(model, "inpainter", [*model.parameters()], terms, *counts, batch_rng)


def fit_job(data: Result, settings: dict, stream: list[int]) -> Result:
    """Job: train on the lesion slices of a slice_set. Arrays: weights. Scores: settings and log."""
    s = frame.from_json(MaskDiffSettings, settings)
    parts = data.arrays["image"], data.arrays["mask"]
    return frame.to_its_end(fit(*parts, s, np.random.default_rng(stream)), s)


def load(fitted: Result) -> MaskDiff:
    """The stored model, frozen."""
    return frame.restored(MaskDiff, MaskDiffSettings, fitted)


def pool(
    fitted: Result, data: Result, n: int, stream: list[int], scene: str = "own",
    how: str | None = None, severity: float = 1.0, changes: dict | None = None,
    healer: Result | None = None,
) -> Result:  # fmt: skip
    """Job: n syntheses on slices of a slice_set, see `scenes.pool`.

    changes: settings of the sampler to replace. healer: a fit of PathoSyn whose f_sub heals the
    slices of the scene "exchanged"; without one Inp does.
    """
    settings = fitted.scores["settings"] | (changes or {})
    model = load(Result(fitted.arrays, {"settings": settings}))
    other = None if healer is None else base(healer)
    return scenes.pool(model, data, n, stream, scene, how, severity, other)


def operations(settings: dict) -> int:
    """Floating point operations for one synthesis of 64 x 64, counted."""
    s = frame.from_json(MaskDiffSettings, settings | {"precision": "float32"})
    model = freeze(MaskDiff(s))
    x, t = torch.zeros(1, 1, 64, 64), torch.zeros(1).long()
    return s.sampler_steps * flops(lambda: model.say(x, x, x, t))
