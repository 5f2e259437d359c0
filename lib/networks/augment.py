"""Mild classical augmentation: shifts, contrast, noise. Never a flip: sides are classes."""

import torch
from torch import Tensor


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
