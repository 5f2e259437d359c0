"""Networks as data for a browser: a list of layers in plain JSON, and all weights as float16.

    layers, weights = export(decoder)       # network.js: network(layers, weights)(z)

A weight-standardised convolution keeps its raw weights, which network.js standardises: those of the
record are float16 already, so nothing is lost. A batch normalisation becomes a scale and a shift.
"""

from functools import singledispatch

import numpy as np
from torch import Tensor, nn
from torch.nn.utils import parametrize

from lib.networks.blocks import Decoder
from lib.networks.classifier import SmallCNN
from lib.networks.wsconv import Attention, LinearAttention, PairDecoder, Standardised, Unit

Layers = list[dict]


class Weights:
    """Arrays one behind the other; `put` tells where each begins."""

    def __init__(self):
        self.parts: list[np.ndarray] = []
        self.size = 0

    def put(self, values: Tensor) -> dict[str, int]:
        part = values.detach().float().numpy().ravel()
        at, self.size = self.size, self.size + part.size
        self.parts.append(part)
        return {"at": at, "size": part.size}


def export(network: nn.Module) -> tuple[Layers, np.ndarray]:
    """(layers, weights (N,) float16) of a network.

    Decoder takes z and the one-hot label in one row and gives the logits of its planes, as
    PairDecoder does from z alone; SmallCNN takes an image and gives class logits. Raises ValueError
    for a network that network.js cannot draw.
    """
    weights = Weights()
    found = layers(network, weights)
    return found, np.concatenate(weights.parts).astype(np.float16)


@singledispatch
def layers(module: nn.Module, weights: Weights) -> Layers:
    """What network.js does for a module; its arrays are put into `weights`."""
    name = type(module).__name__
    raise ValueError(f"{name} has no counterpart in network.js; write its layer there and here.")


@layers.register
def _(module: nn.Sequential, weights: Weights) -> Layers:
    return [layer for each in module for layer in layers(each, weights)]


@layers.register
def _(module: nn.Identity, weights: Weights) -> Layers:
    return []


@layers.register
def _(module: nn.SiLU, weights: Weights) -> Layers:
    return [{"kind": "silu"}]


@layers.register
def _(module: nn.ReLU, weights: Weights) -> Layers:
    return [{"kind": "relu"}]


@layers.register
def _(module: nn.LeakyReLU, weights: Weights) -> Layers:
    return [{"kind": "leaky", "slope": module.negative_slope}]


@layers.register
def _(module: nn.Linear, weights: Weights) -> Layers:
    put = {"weight": weights.put(module.weight), "bias": weights.put(module.bias)}
    return [{"kind": "linear", "out": module.out_features, **put}]


@layers.register
def _(module: nn.Conv2d, weights: Weights) -> Layers:
    """Kernels 1 (stride 1) and 3 (zeros around)."""
    kernel, stride = module.kernel_size[0], module.stride[0]
    if (kernel, stride, module.padding[0]) not in ((1, 1, 0), (3, 1, 1), (3, 2, 1)):
        raise ValueError(f"{module} is not one of network.js; use kernel 3 with padding 1, or 1.")
    standardised = parametrize.is_parametrized(module, "weight")
    weight, bias = module.weight, module.bias
    if standardised:
        (how,) = module.parametrizations.weight
        assert isinstance(how, Standardised)
        weight = module.parametrizations.weight.original
    put = {"weight": weights.put(weight)}
    put["bias"] = weights.put(weight.new_zeros(len(weight)) if bias is None else bias)
    about = {"out": module.out_channels, "kernel": kernel, "stride": stride}
    return [{"kind": "conv", **about, "standardised": standardised, **put}]


@layers.register
def _(module: nn.GroupNorm, weights: Weights) -> Layers:
    put = {"weight": weights.put(module.weight), "bias": weights.put(module.bias)}
    return [{"kind": "norm", "groups": module.num_groups, **put}]


@layers.register
def _(module: nn.BatchNorm2d, weights: Weights) -> Layers:
    scale = module.weight * (module.running_var + module.eps).rsqrt()
    shift = module.bias - module.running_mean * scale
    return [{"kind": "affine", "weight": weights.put(scale), "bias": weights.put(shift)}]


@layers.register
def _(module: Unit, weights: Weights) -> Layers:
    body = [*layers(module.conv, weights), *layers(module.norm, weights), {"kind": "silu"}]
    return [{"kind": "residual", "body": body, "skip": layers(module.skip, weights)}]


@layers.register
def _(module: Attention, weights: Weights) -> Layers:
    return _attention("attention", module, weights)


@layers.register
def _(module: LinearAttention, weights: Weights) -> Layers:
    return _attention("linear_attention", module, weights)


def _attention(kind: str, module: nn.Module, weights: Weights) -> Layers:
    before = [*layers(module.norm, weights), *layers(module.qkv, weights)]
    body = [*before, {"kind": kind}, *layers(module.out, weights)]
    return [{"kind": "residual", "body": body, "skip": []}]


@layers.register
def _(module: Decoder, weights: Weights) -> Layers:
    channels = module.stages[0][0].in_channels
    found = [*layers(module.into, weights), {"kind": "silu"}]
    found.append({"kind": "reshape", "shape": [channels, 4, 4]})
    for stage in module.stages:
        found += [{"kind": "bilinear"}, *layers(stage, weights)]
    found += [{"kind": "bilinear"}, *layers(module.finest, weights), {"kind": "silu"}]
    return found + layers(module.out, weights)


@layers.register
def _(module: PairDecoder, weights: Weights) -> Layers:
    if module.blocks[0][0].conv.in_channels != module.shape.widths[-1]:
        raise ValueError("this decoder is given a mask; export one that draws image and mask.")
    found = [{"kind": "reshape", "shape": [*module.shape.code]}, *layers(module.into, weights)]
    found += layers(module.attention, weights)
    for i, block in enumerate(module.blocks):
        if i == len(module.blocks) - 1:
            found += layers(module.last, weights)
        found += [{"kind": "repeat"}] * (i > 0) + layers(block, weights)
    found += [{"kind": "repeat"}] * (module.shape.stem == 2)
    return found + layers(module.out, weights)


@layers.register
def _(module: SmallCNN, weights: Weights) -> Layers:
    start = [{"kind": "reshape", "shape": [1, 64, 64]}]
    return start + layers(module.body, weights) + [{"kind": "mean"}] + layers(module.head, weights)
