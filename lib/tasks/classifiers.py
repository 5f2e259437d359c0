"""The three classifiers of PathoSyn's Table 3, in 2-D, as small presets for images of 64x64.

ResNet-50 (He et al. 2016), DenseNet-121 (Huang et al. 2017) and Swin-T (Liu et al. 2021), all from
MONAI, with one input channel. `create` keeps the published depths, which PAPER holds, and narrows
the layers, to an eighth, a quarter and a sixth, and Swin's windows to 4 patches. The paper calls
its DenseNet volumetric in a study that it says is all 2-D; ours is 2-D.
"""

import warnings

import numpy as np
from torch import Tensor, nn

from lib.training.weights import freeze, load_arrays, seeded

NAMES = {  # how tables call them
    "resnet": "ResNet-50",
    "densenet": "DenseNet-121",
    "swin": "Swin",
}
PAPER = {  # as published
    "resnet": {"layers": (3, 4, 6, 3), "widths": (64, 128, 256, 512)},
    "densenet": {"blocks": (6, 12, 24, 16), "growth": 32, "first": 64},
    "swin": {"depths": (2, 2, 6, 2), "heads": (3, 6, 12, 24), "width": 96, "window": 7},
}
SMALL = {  # for 64x64 on a CPU
    "resnet": {"layers": (3, 4, 6, 3), "widths": (8, 16, 32, 64)},
    "densenet": {"blocks": (6, 12, 24, 16), "growth": 8, "first": 16},
    "swin": {"depths": (2, 2, 6, 2), "heads": (1, 2, 4, 8), "width": 16, "window": 4},
}
MEAN, SD = 0.5, 0.25  # of grey values, taken off before the first layer
UNIT = 32  # H and W are multiples of it: the deepest maps are a thirty-second of the image


class Centred(nn.Module):
    """A network that sees (x - MEAN) / SD, as the published ones see standardised images.

    Without it Swin's first layer norm hides what differs between patches of a positive image: on a
    toy of discs it learned nothing in 120 steps, and with it everything in 70.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net((x - MEAN) / SD)


class Swin(nn.Module):
    """MONAI's Swin backbone with the published head: layer norm, mean over tokens, linear.

    MONAI merges patches after the fourth stage too, for its segmenter; that merging is taken out.
    """

    def __init__(self, classes: int, channels: int, depths, heads, width: int, window: int):
        super().__init__()
        from monai.networks.nets.swin_unetr import SwinTransformer

        self.body = SwinTransformer(
            channels, width, (window,) * 2, (4, 4), depths, heads, patch_norm=True, spatial_dims=2
        )
        self.body.layers4[0].downsample = None
        self.norm = nn.LayerNorm(8 * width)
        self.head = nn.Linear(8 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        h = self.body(x, normalize=False)[-1]  # (B, 8 width, H/32, W/32)
        return self.head(self.norm(h.flatten(2).transpose(1, 2)).mean(1))


def build(name: str, classes: int, size: dict | None = None, channels: int = 1) -> nn.Module:
    """The network `name` of NAMES, its weights from torch's global state.

    (B, channels, H, W) in [0, 1], H and W multiples of UNIT -> logits (B, classes). size: of PAPER
    or, by default, of SMALL. Weights of the small ones with two classes: resnet 373,882; densenet
    451,010; swin 775,392. Raises ValueError for an unknown name and for fewer than two classes.
    """
    if name not in NAMES:
        raise ValueError(f"classifier {name!r} is unknown; choose one of {', '.join(NAMES)}.")
    if classes < 2:
        raise ValueError(f"classes is {classes}; pass 2 or more, a logit for each class.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI uses what newer torch and numpy deprecate
        return Centred(_monai(name, classes, size or SMALL[name], channels))


def _monai(name: str, classes: int, size: dict, channels: int) -> nn.Module:
    from monai.networks import nets  # takes seconds: only jobs that need it pay

    if name == "swin":
        return Swin(classes, channels, **size)
    if name == "densenet":
        inner = {"init_features": size["first"], "growth_rate": size["growth"]}
        return nets.DenseNet(2, channels, classes, block_config=size["blocks"], **inner)
    return nets.ResNet(
        "bottleneck", list(size["layers"]), list(size["widths"]), spatial_dims=2,
        n_input_channels=channels, conv1_t_size=7, conv1_t_stride=2, num_classes=classes,
        bias_downsample=False,
    )  # fmt: skip


def create(name: str, classes: int, rng: np.random.Generator) -> nn.Module:
    """The small network with its initial weights drawn from rng, torch's global state untouched."""
    return seeded(lambda: build(name, classes), rng)


def restore(name: str, classes: int, arrays: dict[str, np.ndarray]) -> nn.Module:
    """The small network with stored weights, frozen; RuntimeError if names or shapes differ."""
    return freeze(load_arrays(build(name, classes), arrays))
