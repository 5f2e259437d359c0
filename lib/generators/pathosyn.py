"""PathoSyn, what both of its generators share (sections III-A, III-B and III-D of the paper).

    x = x_sub + r   (1)                              x_sub = f_sub(x (1 - m), 1 - m)
    L_sub = l_out |(x_sub - x) (1 - m)|^2 + l_in |(x_sub - Inp(x, m)) m|^2   (3)
    r_0 = (x - x_sub) m   (4)                        r_0 <- delta tanh(r_0 / delta)   (5)

A generator learns r_0 and draws it inside the mask alone. `deviation` is the diffusion, `patchgan`
the VAE-GAN. Norms in the paper are sums over pixels; here each is divided by the size of its own
region in its own image, so that a small lesion counts as much as a large one.

The substrate is smooth inside the mask and the image has noise: so r_0 holds the lesion, what f_sub
misses of the anatomy, and the image's noise. A generator that learns r_0 draws all three.

Nothing changes outside the support, the mask grown by `margin` pixels of brain. The paper has none;
but on the brain phantom the lesion goes on beyond its label (root mean square of the true deviation
0.144 grey units inside, 0.046 in the first pixel outside, 0.017 in the second), which then stays in
the substrate and in what the mask is filled from.
"""

from dataclasses import dataclass, fields
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from lib.datasets.checks import check_images
from lib.generators import control, frame, fusion
from lib.generators.frame import CHUNK
from lib.generators.membrane import inpainted
from lib.jobs import Result
from lib.networks.pathosyn import SubstrateNet
from lib.training import loop as tr

SATURATIONS = ("both", "forward", "none")
LARGEST = 0.99  # of delta: a drawn deviation beyond is taken for this, whose inverse is 2.6 delta


@dataclass(frozen=True)
class PathoSynSettings:
    """PathoSyn at a laptop's size; what the paper leaves open is marked ours."""

    margin: float = 0.0  # pixels by which the label grows to the support; the paper has none
    saturation: str = "both"  # equation 5 and its inverse; "forward": as printed; "none": Alg. 1
    delta: float = 3.0  # ours: delta of equation 5, in units of `scale`
    sigma: float = 1.0  # ours: pixels, of the Gaussian that makes S of m
    blend: str = "mask"  # S of m, Algorithm 1; "complement": S of 1 - m, Algorithm 2
    fusion: str = "seam"  # equation 14
    joint: bool = True  # Algorithm 1; False: f_sub first, then frozen (ours)
    holes: bool = False  # ours: f_sub learns to fill healthy tissue, where the truth is known
    refine: bool = False  # ours: f_sub is shown Inp(x, m), not a hole; only of use with `holes`
    out_weight: float = 100.0  # ours: lambda_out, of squared grey values
    in_weight: float = 100.0  # ours: lambda_in
    substrate_steps: int = 2000  # ours: of f_sub alone, where it is not joint
    substrate_batch: int = 4  # ours: many small batches teach it more than few large
    steps: int = 3000  # ours: of all, or of the generator alone; 300 epochs in the paper
    batch: int = 16  # ours
    rate: float = 2e-3  # 1e-4 in the paper; ours, for few steps: cosine to a twentieth
    decay: float = 1e-5  # AdamW, section IV-A
    average: float = 0.99  # ours: decay of the moving average of the weights
    substrate_widths: tuple[int, ...] = (24, 32, 48, 64)  # ours: at 1/2, 1/4, 1/8 and 1/16
    pad: int = 2  # ours: pixels around a lesion in its box
    sides: tuple[int, ...] = (16, 24, 32, 48, 64)  # ours: of boxes
    precision: str = "bfloat16"  # ours


class Synthesis(NamedTuple):
    """N syntheses, (N, H, W) each: image in [0, 1], its substrate, its deviation in grey units."""

    image: np.ndarray
    substrate: np.ndarray
    deviation: np.ndarray


class PathoSyn(nn.Module):
    """Decomposition and recomposition; a subclass has `draw` and its own networks."""

    def __init__(self, settings: PathoSynSettings):
        super().__init__()
        s = self.settings = settings
        if s.saturation not in SATURATIONS:
            raise ValueError(f"saturation {s.saturation!r} is unknown; use one of {SATURATIONS}.")
        self.substrate_net = SubstrateNet(s.substrate_widths)
        self.register_buffer("scale", torch.ones(()))  # root mean square of training deviations

    def draw(self, substrate: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
        """Deviations (N, 1, H, W) in units of `scale` for non-empty masks (N, 1, H, W)."""
        raise NotImplementedError

    def observed(
        self, substrate: Tensor, deviation: Tensor, support: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Deviations in grey units with what `draw` leaves out of them; here nothing."""
        return deviation

    # ---- decomposition --------------------------------------------------------------------------

    def standardise(self, inpaint: Tensor, image: Tensor, support: Tensor) -> None:
        """Set `scale` to the root mean square of x - Inp(x, m) inside the supports."""
        off = (image - inpaint)[support > 0]
        self.scale.copy_(off.double().square().mean().sqrt().clamp(min=1e-6))

    def substrate(self, image: Tensor, support: Tensor) -> Tensor:
        """x_sub (N, 1, H, W) float32; f_sub sees nothing of the image inside the support."""
        outside = 1 - support
        shown = filled(image, support) if self.settings.refine else image * outside
        with tr.autocast(self.settings.precision):
            return self.substrate_net(torch.cat([shown, outside], 1)).float()

    def deviation(self, image: Tensor, substrate: Tensor, support: Tensor) -> Tensor:
        """r_0 of equations 4 and 5, in units of `scale`."""
        r, delta = (image - substrate) * support / self.scale, self.settings.delta
        return r if self.settings.saturation == "none" else delta * torch.tanh(r / delta)

    def grey(self, r: Tensor) -> Tensor:
        """Deviations in grey units: the inverse of `deviation`, where |r| < LARGEST delta."""
        delta = self.settings.delta
        if self.settings.saturation == "both":
            r = delta * torch.atanh((r / delta).clamp(-LARGEST, LARGEST))
        return r * self.scale

    def added(self, r: Tensor, substrate: Tensor) -> Tensor:
        """What r adds to its substrate, grey units."""
        return self.grey(r)

    # ---- synthesis ------------------------------------------------------------------------------

    def sample(
        self, image: np.ndarray, mask: np.ndarray, rng: np.random.Generator,
        how: str | None = None, severity: float = 1.0,
    ) -> Synthesis:  # fmt: skip
        """A new lesion inside each mask (N, H, W) of the images (N, H, W) in [0, 1].

        how: one of fusion.FUSIONS, or None for the settings' own. severity: see `control`. An
        empty mask asks for no lesion: its image is the substrate ("paste": the input). Outside the
        support the result is, bit for bit, the substrate ("paste": the input). Severity 0 draws
        nothing. ValueError: images outside [0, 1], masks not of 0 and 1, severity out of range,
        unknown fusion.
        """
        image, support = asked(image, mask, self.settings.margin)
        lesions = support.any((1, 2))
        generator = tr.torch_generator(rng)
        x, m = tr.as_planes(image), tr.as_planes(support)
        with torch.no_grad():
            parts = zip(x.split(CHUNK), m.split(CHUNK), strict=True)
            substrate = torch.cat([self.substrate(a, b).clamp(0, 1) for a, b in parts])
            deviation = torch.zeros_like(substrate)
            if lesions.any() and severity:
                at = torch.from_numpy(lesions)
                deviation[at] = self._drawn(substrate[at], m[at], generator)
        return self._fused(image, support, substrate[:, 0].numpy(), deviation[:, 0].numpy(), how,
                           severity)  # fmt: skip

    def several(
        self, image: np.ndarray, masks: np.ndarray, rng: np.random.Generator,
        how: str | None = None, severity: float = 1.0,
    ) -> Synthesis:  # fmt: skip
        """New lesions in the masks (K, H, W) on one image (H, W), each drawn in its own box.

        All on the substrate of all. ValueError as `sample`, and if supports share pixels.
        """
        alike = np.broadcast_to(image, np.shape(masks))
        masks = supported(*checked(alike, masks), self.settings.margin)
        image, union = checked(np.asarray(image)[None], control.together(masks)[None])
        x, m = tr.as_planes(image), tr.as_planes(masks)
        with torch.no_grad():
            substrate = self.substrate(x, tr.as_planes(union)).clamp(0, 1)
            each = self._drawn(substrate.expand_as(m), m, tr.torch_generator(rng))
            deviation = each.sum(0)
        return self._fused(image, union, substrate[:, 0].numpy(), deviation.numpy(), how, severity)

    def _drawn(self, substrate: Tensor, support: Tensor, generator: torch.Generator) -> Tensor:
        drawn = self.added(self.draw(substrate, support, generator), substrate) * support
        return self.observed(substrate, drawn, support, generator)

    def _fused(self, image, support, substrate, deviation, how, severity) -> Synthesis:
        s = self.settings
        how = s.fusion if how is None else how
        deviation = control.scaled(deviation, severity)
        made = fusion.fuse(how, substrate, deviation, support, image, s.sigma, s.blend)
        base = image if how == "paste" else substrate
        if how != "feathered":
            assert np.array_equal(made[~support], base[~support]), "it changed outside the support"
        return Synthesis(made.clip(0, 1), substrate, deviation)


def checked(image: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Images as float32 and masks as bool, both (N, H, W); ValueError says what is wrong."""
    image, mask = np.asarray(image), control.binary(mask)
    check_images(image, unit_range=True)
    if image.shape != mask.shape:
        raise ValueError(f"images are {image.shape}, masks {mask.shape}; give each image its own.")
    return image.astype(np.float32), mask


def filled(image: Tensor, support: Tensor) -> Tensor:
    """Inp(x, m) of planes (N, 1, H, W)."""
    return tr.as_planes(inpainted(image[:, 0].numpy(), support[:, 0].numpy() > 0))


def supported(image: np.ndarray, mask: np.ndarray, margin: float) -> np.ndarray:
    """Where a lesion may change its image: masks (N, H, W) grown by `margin` pixels of brain.

    ValueError for bad or empty masks.
    """
    return control.grown(mask, margin) & (control.checked(mask) | (image > control.EMPTY))


def asked(
    image: np.ndarray, mask: np.ndarray, margin: float
) -> tuple[np.ndarray, np.ndarray]:
    """`checked` images and the supports of their masks; an empty mask stays empty."""
    image, support = checked(image, mask)
    lesions = support.any((1, 2))
    if lesions.any():
        support[lesions] = supported(image[lesions], support[lesions], margin)
    return image, support


# ---- what any fit has left ----------------------------------------------------------------------


def base(fitted: Result) -> PathoSyn:
    """The decomposition of a fit of any family, frozen: it has f_sub and `scale`, and no `draw`.

    So it can `sample` at severity 0 alone.
    """
    known = {f.name for f in fields(PathoSynSettings)}
    settings = {k: v for k, v in fitted.scores["settings"].items() if k in known}
    own = ("model/substrate_net.", "model/scale")
    arrays = {k: v for k, v in fitted.arrays.items() if k.startswith(own)}
    return frame.restored(PathoSyn, PathoSynSettings, Result(arrays, {"settings": settings}))


def decomposition(fitted: Result, data: Result, n: int) -> Result:
    """Job: the first n lesion slices of a slice_set taken apart by any fit (equations 1 to 4).

    Arrays (n, H, W): image, mask, substrate, deviation x - x_sub in the support and 0 outside,
    neither saturated nor clipped.
    """
    model = base(fitted)
    image, mask = checked(data.arrays["image"][:n], data.arrays["mask"][:n])
    support = supported(image, mask, model.settings.margin)
    parts = zip(tr.as_planes(image).split(CHUNK), tr.as_planes(support).split(CHUNK), strict=True)
    with torch.no_grad():
        substrate = torch.cat([model.substrate(x, m) for x, m in parts])[:, 0].numpy()
    deviation = np.where(support, image - substrate, 0).astype(np.float32)
    arrays = {"image": image, "mask": mask, "substrate": substrate, "deviation": deviation}
    return Result(arrays, {"n": len(image)})
