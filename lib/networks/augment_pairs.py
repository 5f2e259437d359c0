"""Classical augmentation of an image together with its mask: one affine map in the plane for both.

For slices and for volumes, whose planes all move alike.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

ROTATION = 15.0  # degrees, either way
ZOOM = 0.1  # enlarged or shrunk by up to 10 %
SHIFT = 3.0  # pixels, either way
MIRROR = 0.5  # share that is mirrored left to right


def affine(count: int, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Random maps (count, 2, 3) from places of the result to places of the source.

    Rotation, zoom, mirror and shift, in the coordinates of torch's `affine_grid`: (x, y) from -1 to
    1 over the plane. No upside-down mirror: anatomy has a top.
    """
    u = 2 * torch.rand(5, count, generator=generator) - 1
    angle, zoom = u[0] * math.radians(ROTATION), 1 / (1 + ZOOM * u[1])
    cos, sin = zoom * torch.cos(angle), zoom * torch.sin(angle)
    side = torch.where(u[2] < 2 * MIRROR - 1, -1.0, 1.0)
    across = torch.stack([side * cos, -sin * height / width, 2 * SHIFT / width * u[3]], 1)
    down = torch.stack([side * sin * width / height, cos, 2 * SHIFT / height * u[4]], 1)
    return torch.stack([across, down], 1)


def warp(planes: Tensor, maps: Tensor, mode: str) -> Tensor:
    """(B, K, H, W) with each of the B stacks moved by its map; what lies outside repeats the edge.

    mode: "bilinear" for images, "nearest" for masks, which stay of 0 and 1.
    """
    grid = F.affine_grid(maps, list(planes.shape), align_corners=False)
    return F.grid_sample(planes, grid, mode=mode, padding_mode="border", align_corners=False)


def classical_pairs(
    images: Tensor, masks: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Images and masks (B, 1, H, W) or (B, 1, D, H, W), float, each pair moved by its own map."""
    shape, (height, width) = images.shape, images.shape[-2:]
    maps = affine(shape[0], height, width, generator)
    flat = (shape[0], -1, height, width)  # the planes of a volume in the place of channels
    moved = warp(images.reshape(flat), maps, "bilinear")
    return moved.view(shape), warp(masks.reshape(flat), maps, "nearest").view(shape)
