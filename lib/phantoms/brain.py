"""Brain MRI phantoms: T1, T1 with contrast agent, T2 and FLAIR of one skull-stripped brain.

Every subject has one tumour, labelled as in BraTS: 1 necrotic (or non-enhancing) core, 2 oedema,
4 enhancing rim. A low-grade tumour (grade 0) is smooth with next to no core; a high-grade tumour
(grade 1) has a core in a bright rim and coarse texture. Not every bright spot of FLAIR is a tumour:
old white matter has bright points, and ventricles have bright caps.

With a mass effect the tumour pushes the anatomy around it away. The healthy counterfactual then
still shows the anatomy in place, so the support covers all that moved, while the labels do not.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from lib.phantoms import population, volume
from lib.phantoms.acquisition import rician
from lib.phantoms.fields import ball, band_volume, power_law_volume, ramp
from lib.phantoms.population import Batch, Parameters, Range
from lib.phantoms.shapes import disc, soft
from lib.phantoms.volume import HEIGHT, HIGH, SHAPE, Drawn, Shape

MODALITIES = ("T1", "T1Gd", "T2", "FLAIR")
NECROSIS, OEDEMA, RIM = 1, 2, 4  # labels of BraTS; 3 was given up there
FREE = 0.5  # a tumour grows where at most this share of a voxel is ventricle, fissure or outside
REACH = 2.5  # a mass effect ends this many tumour radii from its centre

# Cosine modes of every random field: displacement, folds, tissue; tumour's border, texture; drift
_FIELDS = ((3, 4, 5, 5), (15, 18, 18), (10, 16, 16))
_LESION = ((2, 10, 14, 14), (12, 18, 18))
_BIAS = (3, 4, 4)


@dataclass(frozen=True)
class Law(population.Law):
    """A frozen population: the range of every parameter (lengths in half image widths)."""

    name: str = "brain"
    width: Range = (0.68, 0.76)  # half-axes of the cerebrum
    length: Range = (0.84, 0.93)
    rise: Range = (0.63, 0.71)
    taper: Range = (0.05, 0.20)  # narrower at the front
    tilt: Range = (-0.06, 0.06)  # the head turned in the slice, radians
    warp: Range = (0.012, 0.030)  # standard deviation of the smooth displacement of all anatomy
    cortex: Range = (0.044, 0.056)  # thickness of the grey ribbon
    sulcus_depth: Range = (0.18, 0.28)
    sulcus_width: Range = (0.010, 0.024)
    fissure_width: Range = (0.010, 0.022)
    ventricle_size: Range = (0.75, 1.45)
    ventricle_skew: Range = (0.9, 1.1)  # left over right
    deep_grey: Range = (0.55, 0.85)  # share of grey matter in the nuclei
    t1_fluid: Range = (0.20, 0.26)  # grey values of every tissue: fluid, grey and white matter
    t1_grey: Range = (0.49, 0.55)
    t1_white: Range = (0.67, 0.74)
    t1gd_fluid: Range = (0.20, 0.26)
    t1gd_grey: Range = (0.50, 0.56)
    t1gd_white: Range = (0.65, 0.72)
    t2_fluid: Range = (0.78, 0.88)
    t2_grey: Range = (0.48, 0.54)
    t2_white: Range = (0.35, 0.41)
    flair_fluid: Range = (0.12, 0.20)
    flair_grey: Range = (0.49, 0.54)
    flair_white: Range = (0.41, 0.46)
    tissue_grey: Range = (0.010, 0.020)  # standard deviation of the 1/f texture
    spot_place: Range = (-1.0, 1.0)  # points of bright white matter that are no tumour
    spot_radius: Range = (0.03, 0.09)
    spot_flair: Range = (0.0, 0.26)
    cap_flair: Range = (0.03, 0.16)  # bright caps around the ventricles
    bias: Range = (0.04, 0.12)  # standard deviation of the logarithm of the bias field
    noise: Range = (0.030, 0.055)  # of each of the two Rician channels
    tumour_side: Range = (-1.0, 1.0)  # the sign counts
    tumour_reach: Range = (0.36, 0.64)  # distance from the brain's axis, in its half-axes
    tumour_azimuth: Range = (-1.10, 1.10)  # front to back, radians
    tumour_z: Range = (-0.10, 0.32)
    tumour_radius: Range = (0.17, 0.40)
    tumour_aspect: Range = (0.80, 1.25)
    tumour_stretch: Range = (0.72, 0.95)  # along z
    tumour_angle: Range = (0.0, 3.1416)
    tumour_border: Range = (0.22, 0.36)  # irregularity of the border; high grade
    low_border: Range = (0.12, 0.22)
    tumour_edge: Range = (0.15, 0.40)  # width of the oedema's border, in radii
    tumour_flattening: Range = (0.45, 0.75)  # share of the folds that oedema hides
    inner_size: Range = (0.54, 0.75)  # core and rim, in tumour radii
    low_inner_size: Range = (-0.20, 0.24)  # none at all below 0
    inner_offset: Range = (-0.16, 0.16)  # from the middle, in tumour radii
    necrosis_size: Range = (0.55, 0.78)  # the core, in radii of core and rim
    texture: Range = (0.18, 0.40)  # relative, inside the tumour; high grade
    low_texture: Range = (0.02, 0.08)
    flair_contrast: Range = (0.06, 0.24)  # oedema over white matter; rim and core follow it
    t2_contrast: Range = (0.12, 0.30)
    t1_contrast: Range = (-0.26, -0.14)
    rim_contrast: Range = (0.18, 0.34)  # of T1 with contrast agent over white matter
    tumour_strength: Range = (1.0, 1.0)  # scales every change of the image; 0 leaves none
    mass_effect: Range = (0.0, 0.0)  # largest displacement in tumour radii, at most 0.5; 0 is off


BRAIN = Law()
SHIFTED = Law(  # a second scanner: flatter contrast, stronger drift, more noise
    name="brain shifted",
    t1_white=(0.60, 0.66),
    t2_fluid=(0.68, 0.76),
    flair_fluid=(0.18, 0.26),
    flair_grey=(0.46, 0.50),
    bias=(0.12, 0.20),
    noise=(0.050, 0.075),
)
LAWS = {law.name: law for law in (BRAIN, SHIFTED)}

_SPOTS = 12
_COUNT = {"spot_place": 3 * _SPOTS, "spot_radius": _SPOTS, "spot_flair": _SPOTS}
_COUNT |= {"inner_offset": 3}

# Contrast of (oedema, rim, core) over white matter, as shares of the modality's tumour contrast
_SHARES = {
    "T1": ("t1_contrast", (0.7, 0.9, 1.5)),
    "T1Gd": ("t1_contrast", (0.7, 0.0, 1.5)),
    "T2": ("t2_contrast", (0.8, 0.7, 1.5)),
    "FLAIR": ("flair_contrast", (1.0, 0.8, -0.3)),
}


@dataclass(frozen=True)
class Tissues:
    """One healthy brain, every field (D, H, W).

    fluid, grey and white matter are shares of the voxel and sum to one. ventricle and fissure are
    the shares of the fluid that no tumour enters. halo is 1 at the wall of a ventricle and falls to
    0 around it. depth is about the distance from the brain's surface in half image widths, negative
    outside, where images are zero.
    """

    fluid: Tensor
    grey: Tensor
    white: Tensor
    ventricle: Tensor
    fissure: Tensor
    halo: Tensor
    depth: Tensor


def sample(law: Law, n: int, rng: np.random.Generator) -> Parameters:
    """Draw n new subjects, each of low or high grade with equal chance."""
    return from_seeds(law, population.new_seeds(n, rng))


def from_seeds(law: Law, seeds: np.ndarray, grades: np.ndarray | None = None) -> Parameters:
    """The subjects with these seeds (N,); grades (N,) in {0, 1} replace the seeds' own grades."""
    return volume.draw(law, seeds, grades, _COUNT)


def render(
    parameters: Parameters, modalities: tuple[str, ...] = MODALITIES, shape: Shape = SHAPE
) -> Batch:
    """Draw every subject with and without its tumour, in the same noise; channels as asked for."""
    shape = volume.checked(shape)
    unknown = [m for m in modalities if m not in MODALITIES]
    if isinstance(modalities, str) or unknown or not modalities:
        raise ValueError(f"modalities must be some of {MODALITIES} in a tuple; got {modalities!r}.")
    return volume.render(
        parameters,
        lambda seed, v, grade: _draw(seed, v, grade, modalities, shape),
        len(modalities),
        shape,
        describe(parameters),
    )


def tissues(parameters: Parameters, shape: Shape = SHAPE) -> list[Tissues]:
    """The healthy anatomy of every subject."""
    shape = volume.checked(shape)
    return [
        _tissues(volume.white(seed, volume.ANATOMY, *_FIELDS), v, shape)
        for seed, v in zip(parameters.seed, volume.each(parameters), strict=True)
    ]


def describe(p: Parameters) -> tuple[str, ...]:
    """A radiologist's phrase for every subject: grade, size, side and lobe of its tumour."""
    v = {name: a[:, 0] for name, a in p.values.items()}
    grade = np.array(["low-grade", "high-grade"])[p.label]
    size = np.where(v["tumour_radius"] > 0.28, "large", "small")
    side = np.where(v["tumour_side"] > 0, "left", "right")
    lobe = np.array(["frontal", "parietal", "occipital"])[
        np.digitize(v["tumour_azimuth"], (-0.2, 0.6))
    ]
    lobe = np.where((v["tumour_z"] < 0.0) & (abs(v["tumour_azimuth"]) < 0.6), "temporal", lobe)
    return tuple(
        f"{z} {g} tumour in the {s} {o} lobe"
        for z, g, s, o in zip(size, grade, side, lobe, strict=True)
    )


def _draw(seed: int, v: dict[str, Tensor], grade: int, modalities, shape: Shape) -> Drawn:
    anatomy_white = volume.white(seed, volume.ANATOMY, *_FIELDS)
    anatomy = _tissues(anatomy_white, v, shape)
    texture = v["tissue_grey"] * power_law_volume(anatomy_white[2], shape, 1.5, HEIGHT)
    spots = _spots(v, shape)
    radii = _tumour_frame(v, shape)
    pushed, moved = _displace(anatomy, radii, v, shape)
    parts, mottle = _tumour(seed, v, grade, radii, pushed, shape)
    inside = anatomy.depth > 0
    pairs = []
    for modality in modalities:
        base = _signal(modality, anatomy, spots, texture, v)
        around = base if pushed is anatomy else _signal(modality, pushed, spots, texture, v)
        change = around - base + _change(modality, around, parts, mottle, v)
        sick = base + v["tumour_strength"] * change
        pairs.append(_acquire(seed, modality, (sick, base), inside, v, shape))
    image, healthy = (torch.stack(images) for images in zip(*pairs, strict=True))
    support = ((parts.sum(0) > 0) | moved) & inside
    return Drawn(image, healthy, _labels(parts), support)


def _tissues(anatomy_white: list[Tensor], v: dict[str, Tensor], shape: Shape) -> Tissues:
    """Cerebrum, temporal lobes, cerebellum and stem, with folds, ventricles and nuclei."""
    warp, folds, _ = anatomy_white
    x0, y0, z0 = volume.grid(shape)
    wx, wy, wz = (v["warp"] * power_law_volume(each, shape, 2.0, HEIGHT) for each in warp)
    cos, sin = v["tilt"].cos(), v["tilt"].sin()
    x, y, z = x0 * cos - y0 * sin + wx, y0 * cos + x0 * sin + wy, z0 + wz
    u = x.abs()

    across = x / (v["width"] * (1 + v["taper"] * y))
    egg = _inside(across, y / v["length"], (z - 0.04) / v["rise"], 0.72)
    cerebrum = torch.minimum(egg, z + 0.26 - 0.10 * y)  # flat below
    temporal = _inside((u - 0.42) / 0.27, (y + 0.12) / 0.42, (z + 0.27) / 0.24, 0.24)
    stem = torch.minimum(0.12 - disc(x, y - 0.14).sqrt(), torch.minimum(0.1 - z, z + 0.66))
    upper = torch.maximum(torch.maximum(cerebrum, temporal), stem)
    cerebellum = _inside(x / 0.54, (y - 0.46) / 0.35, (z + 0.40) / 0.25, 0.25)
    depth = torch.maximum(upper, cerebellum)

    floor = v["sulcus_depth"] * (1 + 10 * wz + 0.9 * z.clamp(min=0))  # deeper here than there
    sulci = _sulci(folds, (x, y, z), torch.maximum(egg, temporal) - floor, v)
    sulci = torch.where(cerebellum > upper, _folia(x, y, cerebellum), sulci)
    fissure = _fissure(u, y, z, v)
    banks = torch.minimum(_sylvian(u, y, z), _tentorium(upper, cerebellum, z))
    to_fluid = torch.minimum(torch.minimum(depth - 0.012, sulci), torch.minimum(fissure, banks))
    sharp = 90  # a border's slope, 1 / half image widths: a third of a pixel wide
    fluid = torch.sigmoid(-sharp * to_fluid)
    white = torch.sigmoid(sharp * (to_fluid - v["cortex"]))

    lateral, others = _ventricles(x, u, y, z, v)
    ventricle = soft(torch.minimum(lateral, others), 0.35)
    white = white * (1 - v["deep_grey"] * _nuclei(u, y, z)) * (1 - ventricle)
    fluid = fluid + (1 - fluid) * ventricle
    grey = (1 - fluid - white).clamp(min=0)
    halo = torch.exp(-(lateral - 1).clamp(min=0) / 0.8)
    return Tissues(fluid, grey, white, ventricle, torch.sigmoid(-sharp * fissure), halo, depth)


def _inside(x: Tensor, y: Tensor, z: Tensor, radius: float) -> Tensor:
    """About the distance to an ellipsoid's surface, positive inside; arguments in half-axes."""
    return (1 - ball(x, y, z).sqrt()) * radius


def _sulci(folds: Tensor, place: tuple[Tensor, ...], below: Tensor, v) -> Tensor:
    """Distance to the sulci: a maze of sheets that run from the surface straight down.

    The sheets are where a random field is zero. The field is read not in place but nearly at the
    surface above, so that it changes little with depth; below is the distance under their floor.
    """
    x, y, z = place
    lift = ball(x / v["width"], y / v["length"], z / v["rise"]).clamp(min=0.04) ** -0.33
    field = band_volume(folds, SHAPE, 8.0, 15.0, HEIGHT).view(1, 1, *SHAPE)
    at = torch.stack([x * lift, y * lift, z * (lift / HEIGHT)], dim=-1).unsqueeze(0)
    maze = F.grid_sample(field, at, padding_mode="border", align_corners=False)[0, 0]
    aside = 0.045 * maze  # about a distance
    return (aside.square() + below.clamp(min=0).square()).sqrt() - v["sulcus_width"]


def _folia(x: Tensor, y: Tensor, depth: Tensor) -> Tensor:
    """Distance to the narrow clefts of the cerebellum: arcs around the stem."""
    width = 0.085
    arcs = (torch.pi / width * disc(x, y - 0.10).sqrt()).sin().abs() * (width / torch.pi)
    return (arcs.square() + (depth - 0.12).clamp(min=0).square()).sqrt() - 0.002


def _fissure(u: Tensor, y: Tensor, z: Tensor, v: dict[str, Tensor]) -> Tensor:
    """Distance to the cleft between the hemispheres, all around the callosum and thalami."""
    bridge = _inside(u / 0.35, (y - 0.02) / 0.46, (z + 0.02) / 0.24, 0.24)
    return torch.maximum(torch.maximum(u - v["fissure_width"], bridge), -0.22 - z)


def _sylvian(u: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Distance to the lateral cleft, from the insula outwards."""
    sheet = (y + 0.10 - 0.35 * (u - 0.5)).abs() - 0.014
    insula = torch.maximum((u - 0.42).abs() - 0.012, (y + 0.10).abs() - 0.14)
    cleft = torch.minimum(torch.maximum(sheet, 0.42 - u), insula)
    return torch.maximum(cleft, z.abs() - 0.13)


def _tentorium(upper: Tensor, cerebellum: Tensor, z: Tensor) -> Tensor:
    """Distance to the cleft between the cerebellum and what lies on it."""
    return torch.maximum((cerebellum - upper).abs() - 0.014, z - 0.05)


def _nuclei(u: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """Thalamus, lentiform nucleus and head of the caudate on both sides."""
    thalamus = ball((u - 0.105) / 0.09, (y - 0.10 - 0.5 * (u - 0.1)) / 0.17, z / 0.13)
    slope = y + 0.07 - 0.45 * (u - 0.28)
    lentiform = ball((u - 0.29) / 0.075, slope / 0.19, (z - 0.01) / 0.13)
    caudate = ball((u - 0.15) / 0.06, (y + 0.24) / 0.10, (z - 0.06) / 0.16)
    return soft(torch.minimum(torch.minimum(thalamus, lentiform), caudate), 0.25)


def _ventricles(x, u, y, z, v: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Level functions of the lateral ventricles with their horns, and of the third and fourth."""
    size, skew = v["ventricle_size"], v["ventricle_skew"]
    along = (y - 0.02) / 0.46
    bend = along.square()
    wide = (0.050 + 0.030 * bend) * size * torch.where(x > 0, skew, 1 / skew)
    middle = 0.065 + 0.17 * bend + 0.03 * along  # the horns part at both ends
    arch = 0.15 - 0.20 * bend  # highest in the middle
    lateral = ball((u - middle) / wide, along, (z - arch) / (0.09 * size.sqrt()))
    third = ball(x / (0.020 * size), (y - 0.06) / 0.16, (z + 0.03) / 0.11)
    fourth = ball(x / (0.075 * size), (y - 0.29) / 0.055, (z + 0.40) / 0.12)
    return lateral, torch.minimum(third, fourth)


def _spots(v: dict[str, Tensor], shape: Shape) -> Tensor:
    """Round bright points, in grey values of FLAIR."""
    places = v["spot_place"].view(3, -1) * torch.tensor([[0.46], [0.60], [0.34]])
    return volume.spots(places, v["spot_radius"], v["spot_flair"], shape)


def _signal(modality: str, anatomy: Tissues, spots: Tensor, texture: Tensor, v) -> Tensor:
    """What the scanner would see without drift and noise."""
    name = modality.lower()
    levels = (v[f"{name}_{tissue}"] for tissue in ("fluid", "grey", "white"))
    parts = (anatomy.fluid, anatomy.grey, anatomy.white)
    signal = sum(level * part for level, part in zip(levels, parts, strict=True))
    share = {"FLAIR": 1.0, "T2": 0.5}.get(modality, 0.0)
    if share:
        bright = (spots + v["cap_flair"] * anatomy.halo) * anatomy.white
        signal = signal + share * bright
    return signal + texture * (1 - anatomy.fluid)


def _tumour_centre(v: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Coordinates x, y and z of the middle of the tumour."""
    side = torch.where(v["tumour_side"] > 0, 1.0, -1.0)
    level = (v["tumour_z"] - 0.04) / v["rise"]
    reach = v["tumour_reach"] * (1 - level.square()).sqrt()  # slices are smaller at the top
    azimuth = v["tumour_azimuth"]
    x = side * v["width"] * reach * azimuth.cos()
    return x, v["length"] * reach * azimuth.sin(), v["tumour_z"]


def _tumour_frame(v: dict[str, Tensor], shape: Shape) -> Tensor:
    """Place of every voxel in the tumour's own axes, in its radii: (3, D, H, W)."""
    x, y, z = volume.grid(shape)
    x0, y0, z0 = _tumour_centre(v)
    # only the callosum leads across the midline: distances count threefold there
    dx = x - x0 - 2 * x0.sign() * (-x0.sign() * x).clamp(min=0)
    dy = y - y0
    cos, sin = v["tumour_angle"].cos(), v["tumour_angle"].sin()
    radius, aspect = v["tumour_radius"], v["tumour_aspect"].sqrt()
    along = (dx * cos + dy * sin) / (radius * aspect)
    across = (dy * cos - dx * sin) / (radius / aspect)
    up = (z - z0) / (radius * v["tumour_stretch"])
    return torch.stack([along.expand(shape), across.expand(shape), up.expand(shape)])


def _displace(anatomy: Tissues, radii: Tensor, v: dict[str, Tensor], shape: Shape):
    """The anatomy pushed away from the tumour, and where it moved; itself without mass effect."""
    if not v["mass_effect"] > 0:
        return anatomy, torch.zeros(shape, dtype=torch.bool)
    far = ball(*radii).sqrt()
    peak = REACH * 0.64 / 5**0.5  # of far * (1 - (far / REACH)^2)^2
    push = v["mass_effect"] / peak * (1 - (far / REACH).square()).clamp(min=0).square()
    push = push * (anatomy.depth / 0.15).clamp(0, 1)  # the skull holds the surface
    moved = push > 0
    x, y, z = volume.grid(shape)
    centre = _tumour_centre(v)
    came_from = [c + (axis - c) * (1 - push) for axis, c in zip((x, y, z), centre, strict=True)]
    at = torch.stack([came_from[0], came_from[1], came_from[2] / HEIGHT], dim=-1).unsqueeze(0)
    shares = torch.stack([getattr(anatomy, f.name) for f in fields(anatomy)])
    read = F.grid_sample(shares.unsqueeze(0), at, padding_mode="border", align_corners=False)[0]
    pushed = Tissues(*torch.where(moved, read, shares))
    return replace(pushed, depth=anatomy.depth), moved


def _tumour(seed: int, v: dict[str, Tensor], grade: int, radii: Tensor, anatomy: Tissues, shape):
    """Shares (3, D, H, W) of core, oedema and rim in every voxel, and their texture (D, H, W)."""
    low = grade != HIGH
    border_white, texture_white = volume.white(seed, volume.LESION, *_LESION)
    outer, inner = (power_law_volume(each, shape, 1.3, HEIGHT) for each in border_white)
    border = v["low_border" if low else "tumour_border"]
    far = ball(*radii).sqrt() * (1 + border * outer).clamp(min=0.6)
    free = (anatomy.depth > 0) * (1 - anatomy.ventricle - anatomy.fissure)
    whole = ramp(far, v["tumour_edge"]) * ((free - FREE) / (1 - FREE)).clamp(0, 1).sqrt()

    size = v["low_inner_size" if low else "inner_size"].clamp(min=1e-3)
    middle = v["inner_offset"].view(3, 1, 1, 1)
    near = ball(*(radii - middle)).sqrt() * (1 + border * inner).clamp(min=0.6) / size
    solid = torch.minimum(ramp(near, 0.15 / size), whole)
    core = torch.minimum(ramp(near / v["necrosis_size"], 0.25), solid)
    texture = power_law_volume(texture_white, shape, 1.5, HEIGHT)
    mottle = v["low_texture" if low else "texture"] * texture
    return torch.stack([core, whole - solid, solid - core]), mottle


def _change(modality: str, around: Tensor, parts: Tensor, mottle: Tensor, v) -> Tensor:
    """What the tumour adds to the signal: tissue gives way to white matter of other contrast."""
    core, oedema, rim = parts
    name, (of_oedema, of_rim, of_core) = _SHARES[modality]
    contrast = v[name] * (of_oedema * oedema + of_rim * rim + of_core * core)
    if modality == "T1Gd":
        contrast = contrast + v["rim_contrast"] * rim
    plain = v[f"{modality.lower()}_white"]
    hidden = v["tumour_flattening"] * oedema + rim + core
    return hidden * (plain - around) + contrast * (1 + mottle)


def _labels(parts: Tensor) -> Tensor:
    """A voxel is labelled when tumour fills half of it, by the part that fills most."""
    core, oedema, rim = parts
    solid = torch.where(core > rim, NECROSIS, RIM)
    label = torch.where(oedema > torch.maximum(core, rim), OEDEMA, solid)
    return (label * (core + oedema + rim > 0.5)).to(torch.uint8)


def _acquire(seed: int, modality: str, signals, inside: Tensor, v, shape: Shape) -> list[Tensor]:
    """Images of the signals in one drift and one noise, zero outside the brain."""
    part = volume.NOISE + MODALITIES.index(modality)
    drift, real, imaginary = volume.white(seed, part, _BIAS, shape, shape)
    gain = (v["bias"] * power_law_volume(drift, shape, 1.0, HEIGHT)).exp()
    return [rician(gain * signal, real, imaginary, v["noise"]) * inside for signal in signals]
