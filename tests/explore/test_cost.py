"""Decoders that a browser runs stay cheap: multiply-adds of one image, counted by hand."""

import math

import pytest
import torch
from torch import nn

from lib.generators import hvae, vae
from lib.training.cost import flops
from lib.training.weights import freeze

MOST = 40e6  # multiply-adds an image


def chest(settings: vae.VaeSettings = vae.PA_VAE):
    """The decoder of PA-VAE, and a call that decodes one image."""
    net = freeze(vae.ConditionalVAE(settings)).decoder
    return net, lambda: net(torch.zeros(1, settings.latent), torch.zeros(1, dtype=torch.long))


def flair(settings: hvae.HvaeSettings = hvae.DHVAE):
    """The decoder of dHVAE, and a call that decodes one pair."""
    net = freeze(hvae.PairVAE(settings)).decoder
    return net, lambda: net(torch.zeros(1, math.prod(settings.shape.code)), None)


def counted(net: nn.Module, call) -> int:
    """Weights of every convolution and linear layer times the places where they are applied."""
    found = []

    def see(layer, inputs, out):
        places = out.shape[2:].numel() if out.ndim == 4 else 1
        found.append(layer.weight.numel() * places)

    hooks = [layer.register_forward_hook(see) for layer in net.modules()
             if isinstance(layer, nn.Conv2d | nn.Linear)]  # fmt: skip
    call()
    for hook in hooks:
        hook.remove()
    return sum(found)


@pytest.mark.parametrize("decoder", [chest, flair])
def test_a_browser_decodes_an_image_cheaply(decoder):
    net, call = decoder()
    total = counted(net, call)
    assert 1e6 < total < MOST
    assert flops(call) / 2 == pytest.approx(total, rel=0.05), "attention is the rest"


def test_a_decoder_of_the_papers_size_would_be_too_dear():
    wide = hvae.HvaeSettings(widths=hvae.wsconv.PAPER.widths, units=hvae.wsconv.PAPER.units,
                             stem=hvae.wsconv.PAPER.stem)  # fmt: skip
    assert counted(*flair(wide)) > MOST
