"""Head-and-neck FDG-PET phantoms in SUV, from the shoulders (slice 0) to the middle of the brain.

The field is 260 mm wide and 208 mm high: 32 axial slices of 6.5 mm, 64 x 64 pixels of 4.06 mm.
Every subject is the head and neck of `neck_atlas`, deformed: its size, the girth of its neck, the
height of its shoulders, nodding, turning and tilting of the head, and a smooth displacement.
The uptake of each organ is its own; lymphatic tissue, glands, vocal cords, gums and brown fat can
be as hot as a tumour, now and then on one side only. Small hot nodes that are no disease lie along
the vessels.

Label 1 is the primary tumour, on the wall of the throat, the mouth or the larynx. It takes the
tissue's place. Its gain is set so that its hottest labelled voxel shows the SUVmax of the law
before noise. A tumour of grade 1 is uneven and cold inside, one of grade 0 nearly plain. Nodes with
disease go with it in some subjects: they are absent from the counterfactual and carry no label.

The scanner blurs everything (Gaussian point spread). Noise is white noise filtered like a
reconstruction; its deviation grows with the uptake, as in iterative reconstruction (Barrett et al.,
Phys Med Biol 39, 1994), and is larger between the shoulders, where photons are lost.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from lib.phantoms import neck_atlas, population, volume
from lib.phantoms.fields import ball, diffusion_matrix, power_law_volume, ramp
from lib.phantoms.neck_atlas import FWHM
from lib.phantoms.population import Batch, Parameters, Range
from lib.phantoms.volume import HEIGHT, HIGH, SHAPE, Drawn, Shape

MODALITIES = ("PET",)
PRIMARY = 1  # label
MM = 130.0  # half an image width
SITES = {  # x, y, z in the atlas, mm; on the left
    "tonsil": (17, -8, 2),
    "base of the tongue": (8, -22, -14),
    "soft palate": (8, -20, 16),
    "oral tongue": (17, -50, -2),
    "floor of the mouth": (11, -66, -16),
    "hypopharynx": (13, -14, -52),
    "larynx": (11, -30, -66),
}

_FIELDS = ((3, 4, 5, 5), (10, 16, 16))  # cosine modes: displacement, tissue
_LESION = (14, 18, 18)  # the tumour's border and texture


@dataclass(frozen=True)
class Law(population.Law):
    """A frozen population: the range of every parameter (mm, radians, SUV as the scanner shows)."""

    name: str = "neck"
    size: Range = (0.92, 1.06)  # of head and neck
    girth: Range = (0.88, 1.16)  # of the neck alone
    shoulders: Range = (-12.0, 10.0)  # mm upwards
    shift: Range = (-7.0, 7.0)  # mm along x, y and z
    nod: Range = (-0.16, 0.16)  # chin up where positive
    turn: Range = (-0.14, 0.14)
    lean: Range = (-0.07, 0.07)
    warp: Range = (1.5, 3.5)  # mm, deviation of the smooth displacement
    air_suv: Range = (0.0, 0.05)
    fat_suv: Range = (0.2, 0.4)
    muscle_suv: Range = (0.5, 1.2)
    lung_suv: Range = (0.3, 0.6)
    skull_suv: Range = (0.3, 0.6)
    marrow_suv: Range = (1.5, 2.5)
    jaw_suv: Range = (0.6, 1.3)
    cord_suv: Range = (1.5, 2.3)
    vessel_suv: Range = (1.5, 2.0)
    mucosa_suv: Range = (1.3, 2.4)
    larynx_suv: Range = (0.9, 1.7)
    tongue_suv: Range = (0.9, 1.8)
    lips_suv: Range = (0.8, 2.0)
    gums_suv: Range = (0.8, 2.6)  # inflamed in some
    palate_suv: Range = (1.6, 3.4)
    adenoid_suv: Range = (1.5, 4.5)
    lingual_suv: Range = (1.6, 4.5)  # lingual tonsil
    tonsil_suv: Range = (2.0, 5.0)  # mean of both sides
    parotid_suv: Range = (2.0, 3.4)
    submandibular_suv: Range = (2.0, 4.2)
    sublingual_suv: Range = (2.0, 4.5)
    cords_suv: Range = (1.2, 4.0)
    thyroid_suv: Range = (1.1, 1.9)
    longus_suv: Range = (0.7, 1.6)  # muscles before the spine
    eye_suv: Range = (0.5, 0.9)
    eye_muscle_suv: Range = (1.2, 3.0)
    brown_fat_suv: Range = (2.0, 6.0)
    sides: Range = (-0.15, 0.15)  # the side of this sign is cooler by so much, in each pair
    sides_lot: Range = (0.0, 1.0)  # above 1 - ONE_SIDED it is cooler by COOLER
    grey_suv: Range = (6.0, 12.0)
    white_share: Range = (0.28, 0.40)  # of the SUV of grey matter
    nuclei_share: Range = (0.95, 1.15)
    cerebellum_share: Range = (0.70, 0.90)
    brainstem_share: Range = (0.45, 0.60)
    ventricle_suv: Range = (0.8, 1.8)
    hot_thyroid_suv: Range = (2.0, 5.0)
    thyroid_lot: Range = (0.0, 1.0)  # hot above 1 - HOT_THYROID
    brown_fat_lot: Range = (0.0, 1.0)  # there above 1 - BROWN_FAT
    spot_side: Range = (-1.0, 1.0)  # small nodes that are no disease
    spot_y: Range = (-28.0, 24.0)
    spot_z: Range = (-80.0, 10.0)
    spot_radius: Range = (2.5, 4.5)
    spot_suv: Range = (0.2, 4.0)  # above their surroundings, before the scanner
    tissue: Range = (0.08, 0.16)  # relative deviation of the uptake's 1/f texture
    blur: Range = (6.0, 7.0)  # mm, full width at half maximum
    filter: Range = (8.5, 10.0)  # mm, full width at half maximum of the noise's filter
    noise: Range = (0.09, 0.16)  # deviation at SUV 1
    noise_power: Range = (0.6, 0.8)  # deviation ~ SUV to this power
    shoulder_noise: Range = (1.2, 1.7)  # times the noise of the head
    calibration: Range = (0.96, 1.04)
    site: Range = (0.0, 7.0)  # which of SITES
    tumour_side: Range = (-1.0, 1.0)  # the sign counts
    tumour_shift: Range = (-4.0, 4.0)  # mm from the site, along x, y and z
    tumour_radius: Range = (7.0, 16.0)
    tumour_aspect: Range = (0.7, 1.4)
    tumour_stretch: Range = (0.9, 1.25)  # along z
    tumour_angle: Range = (0.0, 3.1416)
    tumour_border: Range = (0.10, 0.25)  # irregularity
    tumour_log_suvmax: Range = (1.3863, 2.7081)  # natural logarithm: SUVmax 4 to 15
    tumour_texture: Range = (0.20, 0.40)  # relative; grade 1
    low_texture: Range = (0.05, 0.12)
    hollow: Range = (0.35, 0.90)  # share of the uptake that the middle lacks; grade 1
    node_lot: Range = (0.3, 1.0)  # a node with disease is there above 1 - NODE_SHARE, two far above
    node_side: Range = (-0.6, 1.0)  # of the tumour's side where positive
    node_y: Range = (-14.0, 18.0)
    node_z: Range = (-62.0, 0.0)
    node_radius: Range = (5.0, 11.0)
    node_suv: Range = (2.5, 11.0)
    tumour_strength: Range = (1.0, 1.0)  # scales what tumour and nodes change; 0 leaves nothing


COLDEST = 1.5  # SUV
COOLER = 0.4
ONE_SIDED, HOT_THYROID, BROWN_FAT, NODE_SHARE = 0.15, 0.15, 0.12, 0.55
NECK = Law()
SHIFTED = Law(  # a second scanner: wider blur, more noise, other calibration
    name="neck shifted", blur=(8.0, 10.0), noise=(0.18, 0.28), calibration=(0.80, 0.92)
)
LAWS = {law.name: law for law in (NECK, SHIFTED)}

_SPOTS, _NODES = 10, 2
_COUNT = {f"spot_{name}": _SPOTS for name in ("side", "y", "z", "radius", "suv")}
_COUNT |= {f"node_{name}": _NODES for name in ("side", "y", "z", "radius", "suv")}
_COUNT |= {"sides": 6, "sides_lot": 6, "shift": 3, "tumour_shift": 3}


def sample(law: Law, n: int, rng: np.random.Generator) -> Parameters:
    """Draw n new subjects, each of grade 0 or 1 with equal chance."""
    return from_seeds(law, population.new_seeds(n, rng))


def from_seeds(law: Law, seeds: np.ndarray, grades: np.ndarray | None = None) -> Parameters:
    """The subjects with these seeds (N,); grades (N,) in {0, 1} replace the seeds' own grades."""
    return volume.draw(law, seeds, grades, _COUNT)


def render(parameters: Parameters, shape: Shape = SHAPE) -> Batch:
    """Draw every subject with and without its disease, in the same noise; one channel, SUV."""
    shape = volume.checked(shape)
    return volume.render(
        parameters,
        lambda seed, v, grade: _draw(seed, v, grade, shape),
        1,
        shape,
        describe(parameters),
    )


def describe(p: Parameters) -> tuple[str, ...]:
    """A radiologist's phrase for every subject: kind, site and side of its tumour, its nodes."""
    kind = np.array(["plain", "hollow"])[p.label]
    side = np.where(p.values["tumour_side"][:, 0] > 0, "left", "right")
    site = np.array(list(SITES))[_site(p.values["site"][:, 0])]
    nodes = np.array(["no node", "one node", "two nodes"])[_node_count(p.values["node_lot"][:, 0])]
    return tuple(
        f"{k} tumour of the {where}, {s}, with {n}"
        for k, where, s, n in zip(kind, site, side, nodes, strict=True)
    )


def organ(p: Parameters, name: str, side: int = 0, shape: Shape = SHAPE) -> np.ndarray:
    """Share (N, D, H, W) of a named organ of the atlas in every voxel, before the scanner.

    side: 1 left, -1 right, 0 for organs without sides. Raises ValueError for an unknown organ.
    """
    whole = neck_atlas.whole(name, side).unsqueeze(0)
    moved = (_moved(seed, v, shape) for seed, v in zip(p.seed, volume.each(p), strict=True))
    return np.stack([_taken(whole, places)[0].numpy() for places in moved])


def _site(place):
    """Index of the site, (N,) int; the upper end of the range belongs to the last one."""
    return np.minimum(np.asarray(place).astype(int), len(SITES) - 1)


def _node_count(lot):
    """How many nodes carry disease, (N,) int: two in a third of those who have any."""
    lot = np.asarray(lot)
    return (lot > 1 - NODE_SHARE).astype(int) + (lot > 1 - NODE_SHARE / 3)


def _draw(seed: int, v: dict[str, Tensor], grade: int, shape: Shape) -> Drawn:
    places = _moved(seed, v, shape)
    healthy, free = _taken(torch.stack([_uptake(v), neck_atlas.free()]), places)
    healthy = healthy * _texture(seed, v, shape) + _spots(v, shape)
    blur = point_spread(v["blur"].item(), shape)
    primary, relative, others, suv = _disease(seed, v, grade, places, free)
    mean = blur(healthy)
    own = blur(primary * relative)
    added = blur(others * suv - (primary + others) * healthy)  # disease replaces tissue
    added = v["tumour_strength"] * (added + _gain(v, mean + added, own, primary) * own)
    noise = _noise(seed, v, shape)
    images = (  # images of PET are never negative
        _noisy(v["calibration"] * signal, noise, v).unsqueeze(0) for signal in (mean + added, mean)
    )
    labels = torch.where(primary > 0.5, PRIMARY, 0).to(torch.uint8)
    changed = blur(((primary + others) > 0).float()) > 0
    return Drawn(*images, labels, changed)


def _gain(v: dict[str, Tensor], rest: Tensor, own: Tensor, primary: Tensor) -> Tensor:
    """SUV of the tumour with which its hottest labelled voxel shows the law's SUVmax.

    rest: what the scan shows of all else; own: the tumour at gain 1. At least COLDEST.
    """
    wanted = (v["tumour_log_suvmax"].exp() / v["calibration"] - rest) / own.clamp(min=1e-3)
    return torch.where(primary > 0.5, wanted, torch.inf).min().clamp(min=COLDEST)


# The scanner


def point_spread(fwhm: float, shape: Shape = SHAPE):
    """A Gaussian point spread of this full width at half maximum (mm): a function of a volume."""
    sizes = (2 * HEIGHT / shape[0], 2 / shape[1], 2 / shape[2])
    along, down, across = (
        diffusion_matrix(n, fwhm / FWHM / (size * MM)) for n, size in zip(shape, sizes, strict=True)
    )
    return lambda uptake: (along @ (down @ uptake @ across.T).flatten(1)).view(shape)


def _noise(seed: int, v: dict[str, Tensor], shape: Shape) -> Tensor:
    """Filtered white noise of unit deviation in the head, more between the shoulders."""
    (noise,) = volume.white(seed, volume.NOISE, shape)
    noise = point_spread(v["filter"].item(), shape)(noise)
    z = volume.grid(shape)[2] * MM
    more = 1 + (v["shoulder_noise"] - 1) * torch.sigmoid((-70 - z) / 8)
    return noise / noise.std() * more


def _noisy(signal: Tensor, noise: Tensor, v: dict[str, Tensor]) -> Tensor:
    """The signal (SUV) with noise whose deviation is v["noise"] at SUV 1."""
    spread = v["noise"] * signal.clamp(min=0.005).pow(v["noise_power"])
    return (signal + spread * noise).clamp(min=0)


# Anatomy


def _moved(seed: int, v: dict[str, Tensor], shape: Shape) -> Tensor:
    """Where in the atlas (mm) every voxel of this subject lies: x, y and z, (3, D, H, W)."""
    (warp,) = volume.white(seed, volume.ANATOMY, _FIELDS[0])
    x, y, z = (MM * axis - s for axis, s in zip(volume.grid(shape), v["shift"], strict=True))
    head = torch.sigmoid((z + 60) / 14)  # 1 in the head, 0 in the shoulders
    x, y = x / v["size"], y / v["size"]
    z = z / v["size"] - v["shoulders"] * (1 - head)
    slim = 1 + (1 / v["girth"] - 1) * torch.sigmoid((-35 - z) / 6)
    cos, sin = (head * v["turn"]).cos(), (head * v["turn"]).sin()
    x, y = x * cos - y * sin, x * sin + y * cos
    nod, lean = head * v["nod"], head * v["lean"]
    back, up = y - 25, z + 35  # from the pivot
    y, z = y - nod * up, z + nod * back
    x, z = x + lean * up, z - lean * x
    x, y = x * slim, (y - 10) * slim + 10
    moves = (power_law_volume(each, shape, 2.0, HEIGHT) for each in warp)
    return torch.stack([axis + v["warp"] * m for axis, m in zip((x, y, z), moves, strict=True)])


def _taken(volumes: Tensor, places: Tensor) -> Tensor:
    """Atlas volumes (C, Z, Y, X) at these places (3, D, H, W): (C, D, H, W)."""
    reach = torch.tensor(neck_atlas.REACH[::-1]).view(3, 1, 1, 1)
    at = (places / reach).movedim(0, -1).unsqueeze(0)
    return grid_sample(volumes.unsqueeze(0), at, padding_mode="border", align_corners=False)[0]


def _uptake(v: dict[str, Tensor]) -> Tensor:
    """Healthy uptake of this subject in the atlas, SUV."""
    suv = {key: _suv(v, *key) for key in neck_atlas.names()}
    if v["thyroid_lot"] > 1 - HOT_THYROID:
        suv["thyroid", 0] = v["hot_thyroid_suv"].item()
    if v["brown_fat_lot"] < 1 - BROWN_FAT:
        suv = {key: value for key, value in suv.items() if key[0] != "brown_fat"}
    return neck_atlas.paint(suv)


def _suv(v: dict[str, Tensor], name: str, side: int) -> float:
    """What the organ of this side shows."""
    if f"{name}_share" in v:  # a part of the brain
        return (v["grey_suv"] * v[f"{name}_share"]).item()
    value = v[f"{name}_suv"].item()
    if not side:
        return value
    pair = neck_atlas.SIDED.index(name)
    less = v["sides"][pair].item()
    if side * less <= 0:
        return value
    return value * (1 - COOLER if v["sides_lot"][pair] > 1 - ONE_SIDED else 1 - abs(less))


def _texture(seed: int, v: dict[str, Tensor], shape: Shape) -> Tensor:
    _, tissue = volume.white(seed, volume.ANATOMY, *_FIELDS)
    return (1 + v["tissue"] * power_law_volume(tissue, shape, 1.5, HEIGHT)).clamp(min=0.3)


def _spots(v: dict[str, Tensor], shape: Shape) -> Tensor:
    """Small nodes along both vessels, in SUV."""
    side = v["spot_side"]
    places = torch.stack([side.sign() * (32 + 14 * side.abs()), v["spot_y"], v["spot_z"]])
    return volume.spots(places / MM, v["spot_radius"] / MM, v["spot_suv"], shape)


# Disease


def _disease(seed: int, v: dict[str, Tensor], grade: int, places: Tensor, free: Tensor):
    """Share of the primary tumour, that of nodes, and their uptakes, each (D, H, W).

    The primary's uptake is relative: its gain follows from its SUVmax.
    """
    border, texture = volume.white(seed, volume.LESION, _LESION, _LESION)
    shape = tuple(free.shape)
    free = ((free - 0.3) / 0.4).clamp(0, 1)
    side = v["tumour_side"].sign()
    site = torch.tensor(list(SITES.values())[_site(v["site"])[0]])
    centre = site * torch.cat([side, torch.ones(2)]) + v["tumour_shift"]
    far = _far(centre, v, places) * (
        1 + v["tumour_border"] * power_law_volume(border, shape, 1.3, HEIGHT)
    ).clamp(min=0.5)
    primary = ramp(far, 0.25) * free

    high = grade == HIGH
    spread = v["tumour_texture" if high else "low_texture"]
    mottle = power_law_volume(texture, shape, 1.3, HEIGHT)
    uptake = (1 + spread * mottle).clamp(min=0.3)
    if high:
        uptake = uptake * (1 - v["hollow"] * ramp(far / 0.6 + 0.3 * mottle, 0.6))
    share, suv = _nodes(v, side, places)
    return primary, uptake, share * free * (1 - primary), suv


def _far(centre: Tensor, v: dict[str, Tensor], places: Tensor) -> Tensor:
    """Distance from the primary tumour's middle in its own radii, (D, H, W)."""
    dx, dy, dz = places - centre.view(3, 1, 1, 1)
    cos, sin, aspect = v["tumour_angle"].cos(), v["tumour_angle"].sin(), v["tumour_aspect"].sqrt()
    along, across = (dx * cos + dy * sin) / aspect, (dy * cos - dx * sin) * aspect
    return ball(along, across, dz / v["tumour_stretch"]).sqrt() / v["tumour_radius"]


def _nodes(v: dict[str, Tensor], side: Tensor, places: Tensor) -> tuple[Tensor, Tensor]:
    """Share and SUV of nodes with disease beside the vessels, (D, H, W)."""
    share, suv = torch.zeros(places.shape[1:]), torch.zeros(places.shape[1:])
    for k in range(_node_count(v["node_lot"])[0]):
        where = side * torch.where(v["node_side"][k] > 0, 1.0, -1.0)
        centre = torch.cat([where * 37, v["node_y"][k : k + 1], v["node_z"][k : k + 1]])
        x, y, z = places - centre.view(3, 1, 1, 1)
        own = ramp(ball(x, y, z / 1.3).sqrt() / v["node_radius"][k], 0.35)
        suv = torch.where(own > share, v["node_suv"][k], suv)
        share = torch.maximum(share, own)
    return share, suv
