"""The tumour of a brain phantom: core, rim and oedema, and what it does around it.

Oedema runs along white matter, which makes its fingers between the folds; grey matter resists it,
and it ends at ventricles, sulci and the edge of the brain. Core and rim grow wherever tissue is.
"""

from dataclasses import fields, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.phantoms import volume
from lib.phantoms.brain_anatomy import Tissues
from lib.phantoms.fields import ball, power_law_volume, ramp
from lib.phantoms.volume import HEIGHT, HIGH, Shape

NECROSIS, OEDEMA, RIM = 1, 2, 4  # labels of BraTS; 3 was given up there
FREE = 0.5  # a tumour grows where at most this share of a voxel is ventricle, sulcus or outside
THINNEST = 0.75  # the core ends this far from the middle, in radii of core and rim
REACH = 2.5  # a mass effect ends this many tumour radii from its centre
HALF_AXES = (0.62, 0.80, 0.52)  # of the cerebrum around its middle, in half image widths
MIDDLE = (0.0, 0.07, 0.12)
WAVES = ((3, 10, 14, 14), (12, 18, 18))  # cosine modes of three borders and of the texture


def centre(v: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Coordinates x, y and z of the middle of the tumour."""
    side = torch.where(v["tumour_side"] > 0, 1.0, -1.0)
    level = (v["tumour_z"] - MIDDLE[2]) / HALF_AXES[2]
    reach = v["tumour_reach"] * (1 - level.square()).clamp(min=0).sqrt()  # smaller at the top
    azimuth = v["tumour_azimuth"]
    x = side * HALF_AXES[0] * reach * azimuth.cos()
    return x, MIDDLE[1] + HALF_AXES[1] * reach * azimuth.sin(), v["tumour_z"]


def frame(v: dict[str, Tensor], shape: Shape) -> Tensor:
    """Place of every voxel in the tumour's own axes, in its radii: (3, D, H, W)."""
    x, y, z = volume.grid(shape)
    x0, y0, z0 = centre(v)
    # only the callosum leads across the midline: distances count threefold there
    dx = x - x0 - 2 * x0.sign() * (-x0.sign() * x).clamp(min=0)
    dy = y - y0
    cos, sin = v["tumour_angle"].cos(), v["tumour_angle"].sin()
    radius, aspect = v["tumour_radius"], v["tumour_aspect"].sqrt()
    along = (dx * cos + dy * sin) / (radius * aspect)
    across = (dy * cos - dx * sin) / (radius / aspect)
    up = (z - z0) / (radius * v["tumour_stretch"])
    return torch.stack([along.expand(shape), across.expand(shape), up.expand(shape)])


def grow(seed: int, v: dict[str, Tensor], grade: int, radii: Tensor, anatomy: Tissues, shape):
    """Shares (3, D, H, W) of core, oedema and rim in every voxel, and their texture (D, H, W)."""
    low = grade != HIGH
    border_white, texture_white = volume.white(seed, volume.LESION, *WAVES)
    outer, inner, hollow = (power_law_volume(each, shape, 1.8, HEIGHT) for each in border_white)
    border = v["low_border" if low else "tumour_border"]
    sulci = (anatomy.fluid - anatomy.ventricle).clamp(min=0)
    free = (anatomy.depth > 0) * anatomy.upper * (1 - anatomy.ventricle - 0.6 * sulci)
    room = ((free - FREE) / (1 - FREE)).clamp(0, 1).sqrt()
    far = ball(*radii).sqrt() * (1 + border * outer).clamp(min=0.6)
    resistance = v["tumour_resistance"] * anatomy.grey / (1 - anatomy.fluid).clamp(min=0.1)
    whole = ramp(far * (1 + resistance), v["tumour_edge"]) * room

    size = v["low_inner_size" if low else "inner_size"].clamp(min=1e-3)
    middle = v["inner_offset"].view(3, 1, 1, 1)
    near = ball(*(radii - middle)).sqrt() * (1 + border * inner).clamp(min=0.6) / size
    solid = ramp(near, 0.15 / size) * room
    whole = torch.maximum(whole, solid)
    within = near * (1 + 1.5 * border * hollow).clamp(min=0.4) / v["necrosis_size"]
    within = torch.maximum(within, near / THINNEST)
    core = torch.minimum(ramp(within, 0.25), solid)
    texture = power_law_volume(texture_white, shape, 1.5, HEIGHT)
    mottle = v["low_texture" if low else "texture"] * texture
    return torch.stack([core, whole - solid, solid - core]), mottle


def forbidden(anatomy: Tissues) -> Tensor:
    """Where no tumour of this anatomy can be, (D, H, W) bool: what `grow` leaves no room in.

    Ventricles, the depth of sulci, cerebellum and brain stem, and all outside the brain.
    """
    sulci = (anatomy.fluid - anatomy.ventricle).clamp(min=0)
    free = (anatomy.depth > 0) * anatomy.upper * (1 - anatomy.ventricle - 0.6 * sulci)
    return free <= FREE


def labels(parts: Tensor) -> Tensor:
    """A voxel is labelled when tumour fills half of it, by the part that fills most."""
    core, oedema, rim = parts
    solid = torch.where(core > rim, NECROSIS, RIM)
    label = torch.where(oedema > torch.maximum(core, rim), OEDEMA, solid)
    return (label * (core + oedema + rim > 0.5)).to(torch.uint8)


def displace(anatomy: Tissues, radii: Tensor, v: dict[str, Tensor], shape: Shape):
    """The anatomy pushed away from the tumour, and where it moved; itself without mass effect."""
    if not v["mass_effect"] > 0:
        return anatomy, torch.zeros(shape, dtype=torch.bool)
    far = ball(*radii).sqrt()
    peak = REACH * 0.64 / 5**0.5  # of far * (1 - (far / REACH)^2)^2
    push = v["mass_effect"] / peak * (1 - (far / REACH).square()).clamp(min=0).square()
    push = push * (anatomy.depth / 14).clamp(0, 1)  # the skull holds the surface
    moved = push > 0
    came_from = [
        c + (axis - c) * (1 - push) for axis, c in zip(volume.grid(shape), centre(v), strict=True)
    ]
    at = torch.stack([came_from[0], came_from[1], came_from[2] / HEIGHT], dim=-1).unsqueeze(0)
    shares = torch.stack([getattr(anatomy, f.name) for f in fields(anatomy)])
    read = F.grid_sample(shares.unsqueeze(0), at, padding_mode="border", align_corners=False)[0]
    pushed = Tissues(*torch.where(moved, read, shares))
    return replace(pushed, depth=anatomy.depth), moved
