"""The five segmentation networks of dHVAE's Table 6 as small presets for a CPU.

All take images (B, 1, *sides) and give logits (B, 1, *sides); ours is `lib.networks.unet`, the
others are MONAI's with few channels. Ours strides by 2 in its stem; so that the others do not work
on four times as many pixels, they see the image at half its side, and their logits are doubled.
UNETR alone sees all of it: at half the side its 16-pixel patches would be four.
"""

import warnings

import numpy as np
from torch import Tensor, nn
from torch.nn import functional as F

from lib.networks.unet import SMOOTH, UNet
from lib.training.weights import freeze, load_arrays, seeded

NAMES = {  # how tables call them
    "unet": "U-Net",
    "unetr": "UNETR",
    "swinunetr": "SwinUNETR",
    "attn": "Attention U-Net",
    "nnunet": "DynUNet (nnU-Net-style)",
}


class Reduced(nn.Module):
    """A network that sees the means of blocks of `factor` pixels; its logits are interpolated."""

    def __init__(self, net: nn.Module, factor: tuple[int, ...]):
        super().__init__()
        self.net, self.factor = net, factor
        self.pool = F.avg_pool2d if len(factor) == 2 else F.avg_pool3d

    def forward(self, x: Tensor) -> Tensor:
        logits = self.net(self.pool(x, self.factor))
        return F.interpolate(logits, size=x.shape[2:], mode=SMOOTH[len(self.factor)])


def build(name: str, dims: int, sides: tuple[int, ...]) -> nn.Module:
    """The network `name` of NAMES for images of `sides`, its weights from torch's global state.

    Weights in 2-D at 64x64 and in 3-D at 32x64x64: unet 161,041 and 564,241; unetr 1,193,209 and
    1,998,217; swinunetr 1,581,643 and 3,913,519; attn 231,229 and 683,101; nnunet 233,633 and
    678,337. Raises ValueError for an unknown name, for dims other than 2 and 3, and for sides below
    16 pixels or that MONAI's networks cannot halve as often as they do.
    """
    if name not in NAMES:
        raise ValueError(f"architecture {name!r} is unknown; choose one of {', '.join(NAMES)}.")
    if dims not in SMOOTH or len(sides) != dims:
        raise ValueError(f"dims is {dims}, sides are {tuple(sides)}; use 2 or 3 and as many sides.")
    if min(sides) < 16:
        raise ValueError(f"sides are {tuple(sides)}; pass images of 16 pixels a side or more.")
    if name == "unet":
        return UNet(dims)
    factor = {"unetr": (1,) * dims, "swinunetr": (1, 2, 2)[-dims:]}.get(name, (2,) * dims)
    inside = tuple(side // by for side, by in zip(sides, factor, strict=True))
    unit = {"unetr": 16, "swinunetr": 32}.get(name, 8)
    if any(side % (unit * by) for side, by in zip(sides, factor, strict=True)):
        need = tuple(unit * by for by in factor)
        raise ValueError(f"sides are {tuple(sides)}; {NAMES[name]} needs multiples of {need}.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI uses what newer torch and numpy deprecate
        net = _monai(name, dims, inside)
    return net if name == "unetr" else Reduced(net, factor)


def _monai(name: str, dims: int, sides: tuple[int, ...]) -> nn.Module:
    from monai.networks import nets  # takes seconds: only jobs that need it pay

    common = {"spatial_dims": dims, "in_channels": 1, "out_channels": 1}
    widths = (16, 32, 48, 64)
    if name == "unetr":
        small = {"feature_size": 8, "hidden_size": 96, "mlp_dim": 192, "num_heads": 4}
        return nets.UNETR(**common, img_size=sides, **small)
    if name == "swinunetr":  # its deepest maps are one voxel, where instances have no variance
        norm = ("group", {"num_groups": 4})
        return nets.SwinUNETR(**common, feature_size=12, window_size=4, norm_name=norm)
    if name == "attn":
        return nets.AttentionUnet(**common, channels=widths, strides=(2, 2, 2))
    steps = {"strides": (1, 2, 2, 2), "upsample_kernel_size": (2, 2, 2), "filters": widths}
    return nets.DynUNet(**common, kernel_size=(3, 3, 3, 3), **steps)  # one head: no supervision


def create(name: str, dims: int, sides: tuple[int, ...], rng: np.random.Generator) -> nn.Module:
    """The network with its initial weights drawn from rng, torch's global state left as it was."""
    return seeded(lambda: build(name, dims, sides), rng)


def restore(
    name: str, dims: int, sides: tuple[int, ...], arrays: dict[str, np.ndarray]
) -> nn.Module:
    """The network with stored weights, frozen; RuntimeError if names or shapes differ."""
    return freeze(load_arrays(build(name, dims, sides), arrays))
