"""Classical augmentation.

Of labelled images by shifts, contrast and noise, never a flip, since sides are classes; of an image
together with its mask by one affine map in the plane for both.

Pairs may be slices or volumes, whose planes all move alike.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

ROTATION = 15.0  # degrees, either way
ZOOM = 0.1  # enlarged or shrunk by up to 10 %
SHIFT = 3.0  # pixels, either way
MIRROR = 0.5  # share that is mirrored left to right


def shift(images: Tensor, pixels: int, generator: torch.Generator) -> Tensor:
    """Move every image (B, 1, H, W) by whole pixels, up to `pixels` a side; edges are repeated."""
    count, _, height, width = images.shape
    dy, dx = torch.randint(-pixels, pixels + 1, (2, count, 1), generator=generator)
    rows = (torch.arange(height) + dy).clamp(0, height - 1)
    columns = (torch.arange(width) + dx).clamp(0, width - 1)
    at = torch.arange(count).view(-1, 1, 1)
    return images[:, 0][at, rows.unsqueeze(2), columns.unsqueeze(1)].unsqueeze(1)


def classical(images: Tensor, generator: torch.Generator, pixels: int = 2) -> Tensor:
    """Shift by up to 2 pixels, contrast by 10 %, noise of 0.02; (B, 1, H, W) in and out."""
    moved = shift(images, pixels, generator)
    gain = 1 + 0.1 * (2 * torch.rand(len(images), 1, 1, 1, generator=generator) - 1)
    noise = 0.02 * torch.randn(images.shape, generator=generator)
    return (moved - 0.5) * gain + 0.5 + noise


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
