"""Chest radiograph phantoms: healthy, opacity in the left lung, opacity in the right lung.

Images follow the radiological convention: the patient's LEFT lung is on the RIGHT side of the
image (high column index), where the heart leans. Left and right are always the patient's.

A subject is one 64-bit seed. The seed gives its parameters (uniform in the law's ranges) and its
noise; the label only decides whether, and in which lung, the subject's opacity is drawn. So the
healthy counterfactual of a subject is the same seed with the label `HEALTHY`.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lib.phantoms import acquisition, population
from lib.phantoms.population import Batch, Parameters, Range, concatenate
from lib.phantoms.shapes import (
    disc,
    gaussian_spots,
    grid,
    power_law_field,
    ridges,
    soft,
    superellipse,
)

CLASSES = ("healthy", "left opacity", "right opacity")
HEALTHY, LEFT, RIGHT = range(3)
SIZE = 64  # pixels a side, the paper's resolution (PA-VAE, section 4)
CHUNK = 16  # images rendered at once: their planes fit the processor's cache
TISSUE_MODES, LESION_MODES = 24, 10  # cosine frequencies of the tissue and lesion fields
FIELDS = 1  # the random stream of a subject's fields and noise


@dataclass(frozen=True)
class Law(population.Law):
    """A frozen population: the range of every parameter (lengths in half image widths)."""

    name: str = "bare"
    body_width: Range = (0.84, 0.97)
    body_height: Range = (1.05, 1.25)
    lung_x: Range = (0.39, 0.46)
    lung_y: Range = (-0.10, 0.02)
    lung_width: Range = (0.26, 0.34)
    lung_height: Range = (0.58, 0.72)
    lung_depth: Range = (0.26, 0.36)  # grey units that air takes away
    dome_y: Range = (0.40, 0.56)  # top of the diaphragm
    dome_curve: Range = (1.2, 2.4)
    midline: Range = (-0.04, 0.04)
    mediastinum_width: Range = (0.10, 0.16)
    spine_width: Range = (0.045, 0.07)
    spine_phase: Range = (0.0, 1.0)
    spine_spacing: Range = (0.15, 0.20)
    heart_x: Range = (0.08, 0.18)  # towards the patient's left
    heart_y: Range = (0.22, 0.36)
    heart_width: Range = (0.22, 0.33)
    heart_height: Range = (0.20, 0.30)
    heart_grey: Range = (0.14, 0.22)
    rib_phase: Range = (0.0, 1.0)
    rib_spacing: Range = (0.19, 0.25)
    rib_slope: Range = (0.25, 0.45)
    rib_grey: Range = (0.05, 0.11)
    front_rib_phase: Range = (0.0, 1.0)
    front_rib_slope: Range = (0.35, 0.60)
    front_rib_grey: Range = (0.02, 0.06)
    vessel_phase: Range = (0.0, 1.0)
    vessel_bend: Range = (-0.35, 0.35)
    vessel_grey: Range = (0.08, 0.16)
    hilum_y: Range = (-0.08, 0.06)
    spot_angle: Range = (-1.0, 1.0)  # vessels seen end on: bright dots that are no disease
    spot_reach: Range = (0.0, 1.0)
    spot_radius: Range = (0.03, 0.085)
    spot_grey: Range = (0.03, 0.16)
    tissue_grey: Range = (0.02, 0.045)  # standard deviation of the 1/f texture
    opacity_x: Range = (-0.65, 0.65)  # place in the lung, in its half-axes
    opacity_y: Range = (-0.70, 0.55)
    opacity_radius: Range = (0.18, 0.34)
    opacity_aspect: Range = (0.7, 1.4)
    opacity_angle: Range = (0.0, 3.1416)
    opacity_border: Range = (0.15, 0.40)  # irregularity of the border
    opacity_texture: Range = (0.10, 0.40)  # relative inner texture
    opacity_grey: Range = (0.10, 0.36)  # peak amplitude, grey units
    gain: Range = (0.90, 1.10)
    offset: Range = (-0.03, 0.03)
    bend: Range = (-0.20, 0.20)
    photons: Range = (250.0, 600.0)  # counts per grey unit


SHIFTED = {"gain": (0.75, 0.95), "bend": (0.10, 0.40), "photons": (90.0, 200.0)}
BARE = Law()
AUGMENTED = Law(name="augmented", opacity_grey=(0.07, 0.17))
BARE_SHIFTED = Law(name="bare shifted", **SHIFTED)  # a second scanner, drifted and noisier
AUGMENTED_SHIFTED = Law(name="augmented shifted", opacity_grey=(0.07, 0.17), **SHIFTED)
LAWS = {law.name: law for law in (BARE, AUGMENTED, BARE_SHIFTED, AUGMENTED_SHIFTED)}

_SIDES, _SPOTS = 2, 8
_COUNT = dict.fromkeys(("lung_width", "lung_depth", "dome_y", "dome_curve"), _SIDES)
_COUNT |= dict.fromkeys(("vessel_phase", "vessel_bend", "rib_phase", "front_rib_phase"), _SIDES)
_COUNT |= {f"spot_{name}": _SPOTS for name in ("angle", "reach", "radius", "grey")}


def sample(law: Law, labels: np.ndarray, rng: np.random.Generator) -> Parameters:
    """Draw one new subject for every label (N,), each in {0, 1, 2}."""
    return from_seeds(law, population.new_seeds(len(labels), rng), labels)


def from_seeds(law: Law, seeds: np.ndarray, labels: np.ndarray) -> Parameters:
    """The subjects with these seeds (N,) and labels (N,); the way to make one item again alone."""
    labels = np.asarray(labels, dtype=np.int64)
    if len(labels) != len(seeds) or not np.isin(labels, range(len(CLASSES))).all():
        raise ValueError("labels must be one of 0, 1, 2 for every seed; pass one label per seed.")
    return population.draw(law, seeds, labels, _COUNT)


def render(parameters: Parameters) -> Batch:
    """Draw every subject with and without its opacity, in the same noise."""
    chunks = range(0, len(parameters), CHUNK)
    return concatenate([_render(parameters[i : i + CHUNK]) for i in chunks])


def _white(seeds: np.ndarray) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Standard normal numbers of every subject: noise, tissue, border and texture."""
    shapes = (SIZE, TISSUE_MODES, LESION_MODES, LESION_MODES)
    total = sum(k * k for k in shapes)
    streams = (population.stream(seed, FIELDS) for seed in seeds)
    rows = [each.standard_normal(total, dtype=np.float32) for each in streams]
    parts = torch.from_numpy(np.stack(rows)).split([k * k for k in shapes], dim=1)
    return tuple(part.reshape(-1, k, k) for part, k in zip(parts, shapes, strict=True))


def _render(p: Parameters) -> Batch:
    v = {name: torch.from_numpy(a).unsqueeze(-1) for name, a in p.values.items()}  # (N, k, 1)
    noise, tissue_white, border_white, texture_white = _white(p.seed)
    x, y = grid(SIZE)
    x = x - v["midline"]  # (N, 1, W)
    lung = _lungs(x, y, v)
    texture = v["tissue_grey"] * power_law_field(tissue_white, SIZE, 1.2)
    tissue = _anatomy(x, y, lung, v) + texture
    profile = _opacity(x, y, lung, v, p.label, border_white, texture_white)  # (N, H, W) in [0, ...)
    opacity = v["opacity_grey"] * profile

    healthy = acquisition.contrast(tissue, v["gain"], v["offset"], v["bend"])
    # contrast(tissue + opacity) - contrast(tissue), exactly zero where the opacity is
    deviation = v["gain"] * opacity * (1 + v["bend"] * (1 - 2 * tissue - opacity))
    healthy = healthy + acquisition.shot_noise(healthy, noise, v["photons"])
    mask = (profile > 0).numpy()  # one part, and all of what the lesion can change
    image, healthy, deviation = (x.numpy() for x in (healthy + deviation, healthy, deviation))
    parts = mask.view(np.uint8)
    return Batch(image, healthy, parts, mask, deviation, p.label, p.seed, describe(p))


def _by_side(x: Tensor, values: Tensor) -> Tensor:
    """Spread (N, 2, 1) values for the patient's (left, right) over image columns, (N, 1, W)."""
    return torch.where(x > 0, values[:, :1], values[:, 1:])


def _lungs(x: Tensor, y: Tensor, v: dict[str, Tensor]) -> Tensor:
    """Smooth indicator of the two lungs, cut below by the domes of the diaphragm."""
    u = x.abs() - v["lung_x"]
    height = y - v["lung_y"]
    width = _by_side(x, v["lung_width"]) * (1 + 0.3 * height)  # narrower at the apex
    q = superellipse(u, height, width, v["lung_height"])
    dome = _by_side(x, v["dome_y"]) + _by_side(x, v["dome_curve"]) * u.square()
    return soft(q, 0.22) * torch.sigmoid((dome - y) / 0.03)


def _anatomy(x: Tensor, y: Tensor, lung: Tensor, v: dict[str, Tensor]) -> Tensor:
    """Everything but the opacity and the texture, (N, H, W)."""
    body = soft(superellipse(x, y, v["body_width"], v["body_height"]), 0.12)
    tissue = 0.04 + 0.46 * body - _by_side(x, v["lung_depth"]) * lung
    column = torch.exp(-(x / v["mediastinum_width"]).square())
    spine = torch.exp(-(x / v["spine_width"]).square())
    vertebrae = 0.05 + 0.04 * ridges(y / v["spine_spacing"] + v["spine_phase"], 2.0)
    tissue = tissue + 0.13 * column + vertebrae * spine
    heart = disc((x - v["heart_x"]) / v["heart_width"], (y - v["heart_y"]) / v["heart_height"])
    tissue = tissue + v["heart_grey"] * soft(heart, 0.25)
    return tissue + _ribs(x, y, v) * body + (_vessels(x, y, v) + _spots(x, y, v)) * lung


def _ribs(x: Tensor, y: Tensor, v: dict[str, Tensor]) -> Tensor:
    """Back ribs that fall to the side and fainter front ribs that cross them."""
    u = x.abs()
    spacing = v["rib_spacing"]
    back = (v["rib_slope"] * u + 0.35 * u.square()) / spacing + _by_side(x, v["rib_phase"])
    front = -v["front_rib_slope"] * u / spacing + _by_side(x, v["front_rib_phase"])
    beside_spine = torch.sigmoid((u - 0.10) / 0.03)
    height = y / spacing
    bones = v["rib_grey"] * ridges(height - back, 5.0) + v["front_rib_grey"] * ridges(
        height - front, 4.0
    )
    return bones * beside_spine


def _vessels(x: Tensor, y: Tensor, v: dict[str, Tensor]) -> Tensor:
    """Branches that fan out from each hilum and fade."""
    u, h = x.abs() - 0.14, y - v["hilum_y"]
    reach = (u.square() + h.square()).sqrt()
    turn = torch.atan2(h, u) * (7 / (2 * np.pi))
    phase = turn + _by_side(x, v["vessel_bend"]) * 4 * reach + _by_side(x, v["vessel_phase"])
    return v["vessel_grey"] * ridges(phase, 9.0) * torch.exp(-reach / 0.30)


def _spots(x: Tensor, y: Tensor, v: dict[str, Tensor]) -> Tensor:
    """Vessels seen end on: round bright spots in both lungs, in every class."""
    side = torch.tensor([1.0, -1.0]).repeat(_SPOTS // 2).view(1, -1, 1)
    x0 = side * (v["lung_x"] + 0.17 * v["spot_angle"])
    y0 = v["lung_y"] - 0.40 + 0.85 * v["spot_reach"]
    parts = (a.squeeze(-1) for a in (x0, y0, v["spot_radius"], v["spot_grey"]))
    return gaussian_spots(x, y.expand(len(x), -1, 1), *parts)


def _opacity(x, y, lung, v, label, border_white, texture_white) -> Tensor:
    """Opacity of unit amplitude, (N, H, W): zero for healthy subjects and outside its lung."""
    out = torch.zeros_like(lung)
    sick = torch.from_numpy(np.flatnonzero(label != HEALTHY))
    if not len(sick):
        return out
    w = {name: a[sick] for name, a in v.items() if name.startswith(("opacity", "lung"))}
    side = torch.from_numpy(np.where(label == LEFT, 1.0, -1.0).astype(np.float32))[sick].view(
        -1, 1, 1
    )
    x0 = side * (w["lung_x"] + w["opacity_x"] * w["lung_width"].mean(1, keepdim=True))
    y0 = w["lung_y"] + w["opacity_y"] * w["lung_height"]
    dx, dy, angle = x[sick] - x0, y - y0, w["opacity_angle"]
    a, b = w["opacity_radius"] * w["opacity_aspect"], w["opacity_radius"] / w["opacity_aspect"]
    along = (dx * angle.cos() + dy * angle.sin()) / a
    across = (dy * angle.cos() - dx * angle.sin()) / b
    border = w["opacity_border"] * power_law_field(border_white[sick], SIZE, 1.0)
    q = disc(along, across) * (1 + border).clamp(min=0.3)
    texture = 1 + w["opacity_texture"] * power_law_field(texture_white[sick], SIZE, 0.5)
    inside = (2 * lung[sick] - 1).clamp(min=0) * (side * x[sick] > 0)
    out[sick] = (1 - q).clamp(min=0) * texture.clamp(min=0.2) * inside
    return out


def describe(p: Parameters) -> tuple[str, ...]:
    """A radiologist's phrase for every subject: side, zone and size of its opacity."""
    zone = np.array(["lower", "middle", "upper"])[
        np.digitize(-p.values["opacity_y"][:, 0], (-0.15, 0.25))
    ]
    size = np.where(p.values["opacity_radius"][:, 0] > 0.26, "large", "small")
    side = np.array(["", "left", "right"])[p.label]
    return tuple(
        f"{s} opacity in the {d} lung, {z} zone" if d else "no opacity"
        for s, d, z in zip(size, side, zone, strict=True)
    )
