"""One subject's healthy brain: the atlas in the subject's own pose, shape and age.

A smooth displacement moves everything; ventricles and sulci widen with age; a small part of the
folds is the subject's own.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from lib.phantoms import volume
from lib.phantoms.brain_atlas import CHANNELS, FIELD, atlas
from lib.phantoms.fields import band_volume, power_law_volume
from lib.phantoms.volume import HEIGHT, Shape

MM = 2 / FIELD[2]  # a millimetre in half image widths
CENTRE = torch.tensor([0.0, 5.0, -4.0])  # mm, what lies in the middle of a subject's field
FAR = 9.0  # mm, where the atlas's distances to fluid end
# Cosine modes of the random fields: coarse and fine displacement, own folds, tissue, residue
WAVES = ((3, 4, 5, 5), (3, 8, 11, 11), (15, 18, 18), (10, 16, 16), (6, 8, 8))


@dataclass(frozen=True)
class Tissues:
    """One healthy brain, every field (D, H, W).

    fluid, grey and white matter are shares of the voxel and sum to one. ventricle is the share of
    ventricles and cisterns. vessel, choroid plexus, tracts (dense white matter) and residue (dura
    that was left on the surface) are shares of voxels too. halo is 1 at the wall of a lateral
    ventricle and falls to 0 around it. upper is 1 in the cerebrum and 0 in cerebellum and brain
    stem. depth is about the distance from the edge of the image's brain in mm, negative outside,
    where images are zero.
    """

    fluid: Tensor
    grey: Tensor
    white: Tensor
    ventricle: Tensor
    vessel: Tensor
    choroid: Tensor
    tracts: Tensor
    halo: Tensor
    upper: Tensor
    residue: Tensor
    depth: Tensor


def of_subject(seed: int, v: dict[str, Tensor], shape: Shape) -> tuple[Tissues, Tensor]:
    """The anatomy of one subject, and the 1/f texture (D, H, W) of its tissue."""
    coarse, fine, folds, texture, dura = volume.white(seed, volume.ANATOMY, *WAVES)
    at = _places(coarse, fine, v, shape)
    read = F.grid_sample(atlas(), at, padding_mode="border", align_corners=False)[0]
    a = dict(zip(CHANNELS, read, strict=True))
    uneven = power_law_volume(dura, shape, 0.5, HEIGHT)
    anatomy = _tissues(a, _own_folds(folds, a, v, shape), uneven, v)
    return anatomy, power_law_volume(texture, shape, 1.5, HEIGHT)


def _places(coarse: Tensor, fine: Tensor, v: dict[str, Tensor], shape: Shape) -> Tensor:
    """Where in the atlas every voxel lies, (1, D, H, W, 3) in half extents along x, y and z."""
    wx, wy, wz = (
        MM * v["warp"] * power_law_volume(low, shape, 2.0, HEIGHT)
        + MM * v["ripple"] * band_volume(high, shape, 5.0, 11.0, HEIGHT)
        for low, high in zip(coarse, fine, strict=True)
    )
    moves = zip(volume.grid(shape), v["shift"] - CENTRE, strict=True)
    x, y, z = (axis - MM * move for axis, move in moves)
    x, y = x - v["tilt"] * y, y + v["tilt"] * x  # small angles
    y, z = y - v["nod"] * z, z + v["nod"] * y
    x = x + v["lean"] * z
    kx, ky, kz = v["scale"]
    places = [x / kx + wx, y / ky + wy, (z / kz + wz) / HEIGHT]
    return torch.stack([p.expand(shape) for p in places], dim=-1).unsqueeze(0)


def _own_folds(white: Tensor, a: dict[str, Tensor], v: dict[str, Tensor], shape: Shape) -> Tensor:
    """Distance in mm to small sulci that no other subject has, away from the atlas's own."""
    aside = 4.0 * band_volume(white, shape, 9.0, 16.0, HEIGHT)  # about a distance
    below = (a["surface"] - v["own_depth"]).clamp(min=0)
    crowded = (7 - a["fold"]).clamp(min=0)
    return (aside.square() + below.square() + crowded.square()).sqrt()


def _tissues(a: dict[str, Tensor], own: Tensor, uneven: Tensor, v) -> Tissues:
    border, width, cortex = v["border"], v["sulcus_width"], v["cortex"]
    size, wide = v["ventricle_size"], v["middle_size"]
    lateral = filled(size - a["lateral"], border)
    ventricle = torch.maximum(lateral, filled(wide - a["middle"], border))
    gap = v["cistern"] - v["cistern_spread"] * uneven  # the brain lies on the dura here and there
    pools = filled(gap - a["surface"], border)
    patches = filled(uneven - v["dura"], torch.tensor(0.5))
    upper = a["upper"]
    sulci = torch.maximum(sheet(a["fold"], width, border), sheet(own, 0.6 * width, border) * upper)
    fluid = torch.maximum(torch.maximum(sulci, pools), ventricle)

    bank = torch.minimum(torch.minimum(a["fold"] - width, own - 0.6 * width), a["surface"])
    ribbon = filled(cortex - bank, border) * upper
    grey = torch.maximum(ribbon, v["deep_grey"] * a["nuclei"])
    halo = torch.exp(-(a["lateral"] - size).clamp(min=0) / v["halo_width"])
    halo = halo * (1 - a["lateral"] / FAR).clamp(0, 1)
    return Tissues(
        fluid,
        grey * (1 - fluid),
        (1 - grey) * (1 - fluid),
        torch.maximum(ventricle, pools * (a["depth"] > 5)),
        a["vessel"],
        a["choroid"],
        a["tracts"],
        halo,
        upper,
        patches * filled(2.5 + v["strip"] - a["depth"], border),
        a["depth"] - v["strip"],
    )


def filled(t: Tensor, border: Tensor) -> Tensor:
    """Share of a voxel of this width that lies where t > 0, for a plane border at distance t."""
    return torch.sigmoid(4 * t / border)


def sheet(distance: Tensor, half_width: Tensor, border: Tensor) -> Tensor:
    """Share of a voxel in a sheet of this half width whose middle is that far away."""
    return filled(half_width - distance, border) - filled(-half_width - distance, border)
