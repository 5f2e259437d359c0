"""The browser's networks equal torch's: the same arithmetic from the exported layers, in Node."""

import json
import shutil
import subprocess

import numpy as np
import pytest
import torch
from torch import nn

from lib.explore import host, weights
from lib.networks.blocks import Decoder
from lib.networks.classifier import SmallCNN
from lib.networks.wsconv import CPU, PairDecoder
from lib.training.weights import freeze

RUN = """
import { readFileSync } from "node:fs";
const { layers, weights, inputs } = JSON.parse(readFileSync(process.argv[2]));
const run = network(layers, Float32Array.from(weights));
const outputs = inputs.map((x) => [...run(x)]);
const each = inputs.map((x) => { // of this process alone, whatever else the machine does
  const begin = process.cpuUsage().user;
  run(x);
  return (process.cpuUsage().user - begin) / 1000;
});
console.log(JSON.stringify({ outputs, each: each.sort((a, b) => a - b)[each.length >> 1] }));
"""
FRAME = 1000 / 30  # ms: what a decoded image may cost if a drag is to be followed 30 times a second
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(not NODE, reason="no Node on this machine")


def halved(network: nn.Module, seed: int = 0) -> nn.Module:
    """A network of random weights that float16 holds exactly, as those of the record are."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in network.parameters():
            p.add_(0.1 * torch.randn(p.shape, generator=generator)).copy_(p.half())
    return freeze(network)


def in_node(network: nn.Module, inputs: np.ndarray, folder) -> tuple[np.ndarray, float]:
    """(outputs (N, ...) flattened, median ms of CPU for each) of network.js."""
    layers, values = weights.export(network)
    script = (host.SCRIPTS / "network.js").read_text() + RUN
    (folder / "run.mjs").write_text(script)
    given = {"layers": layers, "weights": values.astype(float).tolist(), "inputs": inputs.tolist()}
    (folder / "given.json").write_text(json.dumps(given))
    command = [NODE, folder / "run.mjs", folder / "given.json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return np.array(found["outputs"]), found["each"]


def largest_error(found: np.ndarray, true: np.ndarray) -> float:
    """The largest difference as a share of the range."""
    return np.abs(found - true.reshape(found.shape)).max() / np.ptp(true)


@needs_node
def test_labelled_decoder_equals_torch_for_100_latents(tmp_path):
    network = halved(Decoder(latent=32))
    z = torch.randn(100, 32, generator=torch.Generator().manual_seed(1))
    y = torch.arange(100) % 3
    given = torch.cat([z, nn.functional.one_hot(y, 3).float()], 1)
    found, each = in_node(network, given.numpy(), tmp_path)
    assert each < FRAME
    assert largest_error(found, network(z, y).numpy()) < 1e-5


@needs_node
@pytest.mark.parametrize("stem", [1, 2])
def test_pair_decoder_equals_torch_for_100_latents(stem, tmp_path):
    shape = type(CPU)(widths=CPU.widths, stem=stem, side=32 * stem)
    network = halved(PairDecoder(shape))
    z = torch.randn(100, 64, generator=torch.Generator().manual_seed(1))
    found, each = in_node(network, z.numpy(), tmp_path)
    assert each < FRAME
    assert largest_error(found, network(z).numpy()) < 1e-5


@needs_node
def test_reader_equals_torch(tmp_path):
    network = SmallCNN()
    network.train()(torch.rand(8, 1, 64, 64))  # running means and variances that are not 0 and 1
    x = torch.rand(20, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    network = halved(network)
    found, _ = in_node(network, x.flatten(1).numpy(), tmp_path)
    assert largest_error(found, network(x).numpy()) < 2e-3  # scale and shift are rounded


def test_what_has_no_counterpart_is_refused():
    with pytest.raises(ValueError, match="Tanh has no counterpart"):
        weights.export(nn.Sequential(nn.Linear(1, 1), nn.Tanh()))
    with pytest.raises(ValueError, match="is not one of"):
        weights.export(nn.Conv2d(1, 1, 5, padding=2))
    with pytest.raises(ValueError, match="given a mask"):
        weights.export(PairDecoder(CPU, condition=True))
