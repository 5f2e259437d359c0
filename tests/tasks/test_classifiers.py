"""The classifiers of PathoSyn's Table 3: published sizes, seeds, gradients, stored weights."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from lib.tasks import classifiers
from lib.training.weights import weights_to_arrays

PUBLISHED = {"resnet": 25_557_032, "densenet": 7_978_856, "swin": 28_288_354}  # 3 channels, 1000
SMALL = {"resnet": 373_882, "densenet": 451_010, "swin": 775_392}  # 1 channel, 2 classes


def count(net):
    return sum(weight.numel() for weight in net.parameters())


@pytest.mark.parametrize("name", classifiers.NAMES)
def test_the_paper_s_networks_have_the_published_number_of_weights(name):
    net = classifiers.build(name, 1000, classifiers.PAPER[name], channels=3)
    assert count(net) == PUBLISHED[name]


@pytest.mark.parametrize("name", classifiers.NAMES)
def test_the_small_ones_have_the_stated_number_and_the_published_depth(name):
    net = classifiers.create(name, 2, np.random.default_rng(0))
    assert count(net) == SMALL[name]
    assert f"{SMALL[name]:,}" in classifiers.build.__doc__.replace("\n", " ")
    for depth in ("layers", "blocks", "depths"):
        assert classifiers.SMALL[name].get(depth) == classifiers.PAPER[name].get(depth)


@pytest.mark.parametrize("name", classifiers.NAMES)
def test_weights_come_from_the_seed_alone(name):
    before = torch.random.get_rng_state()
    nets = [classifiers.create(name, 2, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    assert torch.equal(before, torch.random.get_rng_state())
    one, two, three = (torch.cat([w.flatten() for w in net.parameters()]) for net in nets)
    assert torch.equal(one, two) and not torch.equal(one, three)


@pytest.mark.parametrize("name", classifiers.NAMES)
def test_every_weight_learns_and_every_region_counts(name):
    """No part is left out of the sum, and the logits depend on each quarter of the image."""
    net = classifiers.create(name, 3, np.random.default_rng(0)).train()
    x = torch.rand(4, 1, 64, 64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    logits = net(x)
    assert logits.shape == (4, 3)
    F.cross_entropy(logits, torch.tensor([0, 1, 2, 0])).backward()
    still = [n for n, w in net.named_parameters() if w.grad is None or not w.grad.any()]
    assert not still
    quarters = x.grad.abs().reshape(4, 2, 32, 2, 32).sum((0, 2, 4))
    assert (quarters > 0).all()


@pytest.mark.parametrize("name", classifiers.NAMES)
def test_the_first_layer_sees_centred_images(name):
    net, seen = classifiers.create(name, 2, np.random.default_rng(0)).eval(), []
    net.net.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    net(torch.linspace(0, 1, 64 * 64).view(1, 1, 64, 64))
    assert seen[0].min() == -2 and seen[0].max() == 2 and abs(seen[0].mean()) < 1e-6


@pytest.mark.parametrize("name", classifiers.NAMES)
def test_stored_weights_give_the_same_logits(name):
    net = classifiers.create(name, 2, np.random.default_rng(0)).eval()
    again = classifiers.restore(name, 2, weights_to_arrays(net))
    x = torch.rand(2, 1, 64, 96)
    with torch.no_grad():
        assert torch.equal(net(x), again(x))
    assert not any(weight.requires_grad for weight in again.parameters())
    with pytest.raises(RuntimeError):
        classifiers.restore(name, 3, weights_to_arrays(net))


def test_a_step_of_32_images_costs_little():
    """Operations of a forward and a backward pass: seconds would judge the machine as well."""
    x, y = torch.rand(32, 1, 64, 64), torch.arange(32) % 2
    for name in classifiers.NAMES:
        net = classifiers.create(name, 2, np.random.default_rng(0)).train()
        with FlopCounterMode(display=False) as counter:
            F.cross_entropy(net(x), y).backward()
        assert 0.5e9 < counter.get_total_flops() < 3.5e9, f"{name}; the paper's have 43e9 or more"


def test_what_cannot_be_built_is_refused():
    with pytest.raises(ValueError, match="classifier 'vgg' is unknown; choose one of resnet"):
        classifiers.build("vgg", 2)
    with pytest.raises(ValueError, match="classes is 1; pass 2 or more"):
        classifiers.build("swin", 1)
