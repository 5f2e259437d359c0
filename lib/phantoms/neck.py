"""Head-and-neck PET phantoms in SUV, from the lower neck (slice 0) to the base of the brain.

Label 1 is the primary tumour (GTVp) in or beside the pharynx, the mouth or the larynx; label 2 is a
node of the lateral neck (GTVn), which some subjects have. Healthy tissue takes up tracer too: the
brain most of all, tonsils, the base of the tongue, salivary glands and vocal cords up to the uptake
of a tumour, now and then on one side only. Small round nodes that are no disease lie on both sides.

Labels are the tumour's own shape. The scanner blurs it (a Gaussian point spread that loses no
uptake), so the support is wider. Counts are Poisson numbers in their Gaussian limit: the variance
of a voxel is its mean divided by the counts per SUV. A tumour of grade 1 is hollow and uneven, one
of grade 0 plain.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lib.phantoms import population, volume
from lib.phantoms.acquisition import shot_noise
from lib.phantoms.fields import ball, band_volume, gaussian_matrix, power_law_volume, ramp
from lib.phantoms.population import Batch, Parameters, Range
from lib.phantoms.shapes import disc, soft
from lib.phantoms.volume import HEIGHT, HIGH, SHAPE, Drawn, Shape

MODALITIES = ("PET",)
PRIMARY, NODE = 1, 2  # labels
SITES = ("tonsil", "base of the tongue", "nasopharynx", "hypopharynx", "larynx")

_SITE = torch.tensor(  # distance from the midline, y, z of every site
    [[0.15, -0.08, 0.06], [0.08, -0.18, -0.06], [0.10, -0.02, 0.22], [0.11, -0.02, -0.26],
     [0.07, -0.14, -0.40]]
)  # fmt: skip
_FIELDS = ((3, 4, 5, 5), (10, 16, 16), (10, 14, 14))  # cosine modes: displacement, tissue, brain
_LESION = ((2, 12, 18, 18), (12, 18, 18))  # borders of both tumours, their texture


@dataclass(frozen=True)
class Law(population.Law):
    """A frozen population: the range of every parameter (lengths in half image widths)."""

    name: str = "neck"
    head_width: Range = (0.56, 0.64)
    head_length: Range = (0.68, 0.78)
    neck_width: Range = (0.42, 0.52)
    neck_length: Range = (0.42, 0.50)
    chin: Range = (-0.02, 0.06)  # height of the jaw
    tilt: Range = (-0.08, 0.08)
    warp: Range = (0.010, 0.025)
    airway_width: Range = (0.035, 0.065)
    fat_suv: Range = (0.25, 0.45)
    muscle_suv: Range = (0.7, 1.2)
    marrow_suv: Range = (1.0, 1.8)
    cord_suv: Range = (1.4, 2.2)
    vessel_suv: Range = (1.3, 2.0)
    brain_suv: Range = (9.0, 15.0)  # grey matter
    brain_floor: Range = (0.44, 0.54)  # height of its lower surface
    tonsil_suv: Range = (1.5, 6.0)  # every value of its own for left and right
    tonsil_size: Range = (0.75, 1.25)
    tongue_suv: Range = (1.2, 4.5)  # lingual tonsil
    adenoid_suv: Range = (1.0, 4.0)
    mouth_suv: Range = (1.0, 2.6)  # floor of the mouth
    parotid_suv: Range = (1.2, 3.6)
    submandibular_suv: Range = (1.5, 4.6)
    cords_suv: Range = (1.0, 4.5)
    thyroid_suv: Range = (1.0, 2.6)
    spot_side: Range = (-1.0, 1.0)  # small nodes that are no disease
    spot_y: Range = (-0.12, 0.22)
    spot_z: Range = (-0.60, 0.20)
    spot_radius: Range = (0.025, 0.050)
    spot_suv: Range = (0.3, 3.0)
    tissue: Range = (0.08, 0.18)  # relative standard deviation of the 1/f texture
    blur: Range = (0.050, 0.066)  # full width at half maximum; a pixel of 64 is 0.031
    counts: Range = (14.0, 30.0)  # per SUV and voxel
    calibration: Range = (0.93, 1.07)
    site: Range = (0.0, 5.0)  # which of SITES
    tumour_side: Range = (-1.0, 1.0)  # the sign counts
    tumour_shift: Range = (-0.05, 0.05)  # from the site, along x, y and z
    tumour_radius: Range = (0.11, 0.185)
    tumour_aspect: Range = (0.75, 1.35)
    tumour_stretch: Range = (1.00, 1.20)  # along z
    tumour_angle: Range = (0.0, 3.1416)
    tumour_border: Range = (0.10, 0.22)  # irregularity
    tumour_suv: Range = (0.3, 1.6)  # above the tissue it grows in; calibrated without generators
    tumour_texture: Range = (0.25, 0.45)  # relative; grade 1
    low_texture: Range = (0.03, 0.10)
    hollow: Range = (0.45, 0.85)  # share of the uptake that the middle lacks; grade 1
    node_lot: Range = (0.0, 1.0)  # a node is there above 1 - NODE_SHARE
    node_side: Range = (-0.6, 1.0)  # of the tumour's side where positive
    node_y: Range = (-0.06, 0.16)
    node_z: Range = (-0.45, 0.10)
    node_radius: Range = (0.07, 0.13)
    node_suv: Range = (2.0, 7.0)
    tumour_strength: Range = (1.0, 1.0)  # scales the uptake of both tumours; 0 leaves none


NODE_SHARE = 0.55
NECK = Law()
SHIFTED = Law(  # a second scanner: wider blur, fewer counts, other calibration
    name="neck shifted", blur=(0.070, 0.090), counts=(6.0, 12.0), calibration=(0.80, 0.95)
)
LAWS = {law.name: law for law in (NECK, SHIFTED)}

_SPOTS = 8
_PAIRED = ("tonsil_suv", "tonsil_size", "parotid_suv", "submandibular_suv", "cords_suv")
_COUNT = {f"spot_{name}": _SPOTS for name in ("side", "y", "z", "radius", "suv")}
_COUNT |= dict.fromkeys(_PAIRED, 2) | {"tumour_shift": 3}


def sample(law: Law, n: int, rng: np.random.Generator) -> Parameters:
    """Draw n new subjects, each of grade 0 or 1 with equal chance."""
    return from_seeds(law, population.new_seeds(n, rng))


def from_seeds(law: Law, seeds: np.ndarray, grades: np.ndarray | None = None) -> Parameters:
    """The subjects with these seeds (N,); grades (N,) in {0, 1} replace the seeds' own grades."""
    return volume.draw(law, seeds, grades, _COUNT)


def render(parameters: Parameters, shape: Shape = SHAPE) -> Batch:
    """Draw every subject with and without its tumours, in the same noise; one channel, SUV."""
    shape = volume.checked(shape)
    return volume.render(
        parameters,
        lambda seed, v, grade: _draw(seed, v, grade, shape),
        1,
        shape,
        describe(parameters),
    )


def describe(p: Parameters) -> tuple[str, ...]:
    """A radiologist's phrase for every subject: kind, side and site of its tumour, and its node."""
    kind = np.array(["plain", "hollow"])[p.label]
    side = np.where(p.values["tumour_side"][:, 0] > 0, "left", "right")
    site = np.array(SITES)[_site(p.values["site"][:, 0])]
    node = np.where(p.values["node_lot"][:, 0] > 1 - NODE_SHARE, "with a node", "without a node")
    return tuple(
        f"{k} tumour of the {where}, {s}, {n}"
        for k, where, s, n in zip(kind, site, side, node, strict=True)
    )


def _site(place):
    """Index of the site, (N,) int; the upper end of the range belongs to the last one."""
    return np.minimum(np.asarray(place).astype(int), len(SITES) - 1)


def _draw(seed: int, v: dict[str, Tensor], grade: int, shape: Shape) -> Drawn:
    healthy, free = _uptake(seed, v, shape)
    lesions, uptake = _lesions(seed, v, grade, free, shape)
    blur = _scanner(v, shape)
    added = blur(v["calibration"] * uptake)
    mean = blur(v["calibration"] * healthy)
    (noise,) = volume.white(seed, volume.NOISE, shape)
    images = (  # images of PET are never negative
        (signal + shot_noise(signal, noise, v["counts"])).clamp(min=0).unsqueeze(0)
        for signal in (mean + added, mean)
    )
    primary, node = lesions > 0.5
    labels = torch.where(primary, PRIMARY, torch.where(node, NODE, 0)).to(torch.uint8)
    spread = blur((lesions.sum(0) > 0).float())
    return Drawn(*images, labels, spread > 0)


def _scanner(v: dict[str, Tensor], shape: Shape):
    """The point spread of this subject's scan, a function of an uptake (D, H, W)."""
    sigma = v["blur"].item() / (8 * np.log(2)) ** 0.5  # half image widths
    sizes = (2 * HEIGHT / shape[0], 2 / shape[1], 2 / shape[2])
    along, down, across = (
        gaussian_matrix(n, sigma / size) for n, size in zip(shape, sizes, strict=True)
    )
    return lambda uptake: (along @ (down @ uptake @ across.T).flatten(1)).view(shape)


def _uptake(seed: int, v: dict[str, Tensor], shape: Shape) -> tuple[Tensor, Tensor]:
    """Healthy uptake in SUV before the scanner, and where a tumour may grow; both (D, H, W)."""
    warp, tissue_white, brain_white = volume.white(seed, volume.ANATOMY, *_FIELDS)
    x0, y0, z0 = volume.grid(shape)
    wx, wy, wz = (v["warp"] * power_law_volume(each, shape, 2.0, HEIGHT) for each in warp)
    cos, sin = v["tilt"].cos(), v["tilt"].sin()
    x, y, z = x0 * cos - y0 * sin + wx, y0 * cos + x0 * sin + wy, z0 + wz

    head = torch.sigmoid((z - v["chin"]) / 0.10)  # 0 in the neck, 1 in the head
    outline = _outline(x, y, head, v)
    body, air = soft(outline, 0.03), _air(x, y, z, head, v)
    texture = 1 + v["tissue"] * power_law_volume(tissue_white, shape, 1.5, HEIGHT)
    tissue = _soft_tissue(x, y, z, outline, v) + _glands(x, y, z, v) + _spots(v, shape)
    folds = band_volume(brain_white, shape, 7.0, 12.0, HEIGHT).abs()
    inside, cortex = _brain(x, y, z, folds, v)
    air = air * (1 - inside)
    suv = tissue * texture.clamp(min=0.2) * (1 - inside) + v["brain_suv"] * cortex * inside
    return suv * body * (1 - 0.95 * air), body * (1 - air) * (1 - inside)


def _outline(x: Tensor, y: Tensor, head: Tensor, v: dict[str, Tensor]) -> Tensor:
    """Distance from the body's axis: 1 on the skin."""
    width = v["neck_width"] + (v["head_width"] - v["neck_width"]) * head
    length = v["neck_length"] + (v["head_length"] - v["neck_length"]) * head
    return disc(x / width, (y + 0.04 * head - 0.06) / length).sqrt()


def _air(x: Tensor, y: Tensor, z: Tensor, head: Tensor, v: dict[str, Tensor]) -> Tensor:
    """Share of air: windpipe and pharynx up to the nose, which lies before them."""
    tube = soft(disc(x / v["airway_width"], (y + 0.13 - 0.10 * head) / 0.05), 0.4)
    tube = tube * torch.sigmoid((0.38 - z) / 0.02)
    return torch.maximum(tube, _pair(x, y, z, (0.05, -0.42, 0.34), (0.06, 0.24, 0.12)))


def _pair(x: Tensor, y: Tensor, z: Tensor, middle, axes) -> Tensor:
    """Soft ellipsoids on both sides of the midline; axes are half-axes along x, y and z."""
    places = zip((x.abs(), y, z), middle, axes, strict=True)
    return soft(ball(*((place - m) / a for place, m, a in places)), 0.35)


def _soft_tissue(x: Tensor, y: Tensor, z: Tensor, outline: Tensor, v: dict[str, Tensor]) -> Tensor:
    """Fat under the skin, muscle, spine with its cord, jaw and carotid sheaths, in SUV."""
    u, muscle = x.abs(), v["muscle_suv"]
    suv = v["fat_suv"] + (muscle - v["fat_suv"]) * soft(outline / 0.86, 0.06)
    suv = suv - 0.4 * muscle * _pair(x, y, z, (0.26, -0.12, 0.0), (0.07, 0.10, 0.5))  # fat
    spine = soft(disc(x / 0.13, (y - 0.20) / 0.10), 0.3)
    suv = suv + (v["marrow_suv"] - muscle) * spine
    suv = suv + (v["cord_suv"] - muscle) * soft(disc(x / 0.05, (y - 0.33) / 0.045), 0.4)
    suv = suv + (v["vessel_suv"] - muscle) * soft(disc((u - 0.27) / 0.05, (y - 0.02) / 0.05), 0.4)
    arc = (disc(u / 0.36, (y + 0.12) / 0.46).sqrt() - 1) / 0.09
    jaw = soft(disc(arc, z / 0.11), 0.5) * torch.sigmoid((-0.05 - y) / 0.03)
    return suv + 0.5 * v["marrow_suv"] * jaw


def _glands(x: Tensor, y: Tensor, z: Tensor, v: dict[str, Tensor]) -> Tensor:
    """What healthy glands, lymphatic tissue and vocal cords add, in SUV."""

    def of_side(name: str) -> Tensor:
        return torch.where(x > 0, v[name][0], v[name][1])

    size = of_side("tonsil_size")
    tonsils = _pair(x, y, z, (0.16, -0.09, 0.06), (0.05 * size, 0.07 * size, 0.11 * size))
    both = {
        "parotid_suv": ((0.44, 0.02, 0.16), (0.075, 0.15, 0.16)),
        "submandibular_suv": ((0.27, -0.22, -0.12), (0.07, 0.10, 0.08)),
        "cords_suv": ((0.055, -0.16, -0.42), (0.03, 0.09, 0.04)),
    }
    alike = {
        "tongue_suv": ((0.0, -0.20, -0.06), (0.14, 0.06, 0.06)),
        "adenoid_suv": ((0.0, 0.01, 0.27), (0.11, 0.045, 0.06)),
        "mouth_suv": ((0.07, -0.40, -0.02), (0.10, 0.14, 0.07)),
        "thyroid_suv": ((0.12, -0.10, -0.64), (0.06, 0.08, 0.12)),
    }
    suv = of_side("tonsil_suv") * tonsils
    for name, place in both.items():
        suv = suv + of_side(name) * _pair(x, y, z, *place)
    for name, place in alike.items():
        suv = suv + v[name] * _pair(x, y, z, *place)
    return suv


def _brain(x: Tensor, y: Tensor, z: Tensor, folds: Tensor, v) -> tuple[Tensor, Tensor]:
    """Share of brain in a voxel, and its uptake relative to grey matter: cooler inside."""
    height = z - v["brain_floor"]
    temporal = ball((x.abs() - 0.24) / 0.22, (y + 0.16) / 0.34, (height - 0.14) / 0.2)
    cerebellum = ball(x / 0.40, (y - 0.36) / 0.25, (height - 0.05) / 0.20)
    whole = ball(x / 0.48, (y - 0.02) / 0.60, (height - 0.42) / 0.36)
    q = torch.minimum(torch.minimum(temporal, cerebellum), whole)
    ribbon = 0.35 + 0.65 * torch.sigmoid((q / 0.55 - 1) / 0.4)
    return soft(q, 0.10), ribbon * (1 - 0.5 * soft(folds / 0.4, 0.5))


def _spots(v: dict[str, Tensor], shape: Shape) -> Tensor:
    """Small nodes along both carotid sheaths, in SUV."""
    side = v["spot_side"]
    places = torch.stack([side.sign() * (0.26 + 0.12 * side.abs()), v["spot_y"], v["spot_z"]])
    return volume.spots(places, v["spot_radius"], v["spot_suv"], shape)


def _lesions(seed: int, v: dict[str, Tensor], grade: int, free: Tensor, shape: Shape):
    """Shares (2, D, H, W) of primary tumour and node in every voxel; uptake (D, H, W) they add."""
    border_white, texture_white = volume.white(seed, volume.LESION, *_LESION)
    border = v["tumour_border"]
    bumps = [power_law_volume(each, shape, 1.3, HEIGHT) for each in border_white]
    free = ((free - 0.5) / 0.25).clamp(0, 1)
    side = torch.where(v["tumour_side"] > 0, 1.0, -1.0)

    site = _SITE[_site(v["site"])[0]]
    centre = torch.stack([side[0] * site[0], site[1], site[2]]) + v["tumour_shift"]
    far = _far(centre, v["tumour_radius"], v, shape)
    far = far * (1 + border * bumps[0]).clamp(min=0.4)
    primary = ramp(far, 0.3) * free

    side = side * torch.where(v["node_side"] > 0, 1.0, -1.0)
    centre = torch.cat([side * 0.32, v["node_y"], v["node_z"]])
    x, y, z = (axis - c for axis, c in zip(volume.grid(shape), centre, strict=True))
    away = ball(x, y, z / 1.2).sqrt() / v["node_radius"] * (1 + 0.5 * border * bumps[1])
    there = v["node_lot"] > 1 - NODE_SHARE
    node = torch.minimum(ramp(away, 0.35) * free, 1 - primary) * there

    high = grade == HIGH
    texture = power_law_volume(texture_white, shape, 1.3, HEIGHT)
    mottle = (1 + v["tumour_texture" if high else "low_texture"] * texture).clamp(min=0.3)
    hole = v["hollow"] * ramp(far / 0.55, 0.6) if high else 0.0
    uptake = v["tumour_suv"] * primary * (1 - hole) + v["node_suv"] * node
    return torch.stack([primary, node]), v["tumour_strength"] * uptake * mottle


def _far(centre: Tensor, radius: Tensor, v: dict[str, Tensor], shape: Shape) -> Tensor:
    """Distance from the primary tumour's middle in its own radii, (D, H, W)."""
    dx, dy, dz = (axis - c for axis, c in zip(volume.grid(shape), centre, strict=True))
    cos, sin, aspect = v["tumour_angle"].cos(), v["tumour_angle"].sin(), v["tumour_aspect"].sqrt()
    along, across = (dx * cos + dy * sin) / aspect, (dy * cos - dx * sin) * aspect
    return ball(along, across, dz / v["tumour_stretch"]).sqrt() / radius
