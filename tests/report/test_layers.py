"""Layers are told in the order in which they run, once, and the network stays as it was."""

import torch
from torch import nn

from lib.report.layers import layers


def test_layers_come_with_their_shapes_in_the_order_they_run():
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 2))
    said = layers(net, torch.zeros(5, 1, 8, 8)).splitlines()
    assert said[0] == f"Sequential, {4 * 9 + 4 + 4 * 36 * 2 + 2:,} weights"
    assert [line.split(" -> ")[1] for line in said[1:]] == ["(4, 6, 6)", "(2,)"]
    assert said[1].startswith("   Conv2d(1, 4") and said[2].startswith("   Linear(")
    assert layers(net, torch.zeros(1, 1, 8, 8)).count("->") == 2
