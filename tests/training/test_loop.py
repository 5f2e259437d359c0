"""What training loops share, the classifier, and augmentation."""

import numpy as np
import pytest
import torch
from torch import nn

from lib.networks.augment import classical, shift
from lib.networks.classifier import SmallCNN
from lib.tasks import classify
from lib.training import loop as tr
from lib.training.means import Means
from lib.training.weights import approach, freeze, load_arrays, seeded, weights_to_arrays


def test_batches_are_shuffled_passes():
    got = torch.cat(list(tr.batches(10, 4, 5, np.random.default_rng(0)))).numpy()
    assert sorted(got[:10]) == list(range(10)) and sorted(got[10:]) == list(range(10))
    assert not np.array_equal(got[:10], got[10:])


def test_batches_refuse_no_images():
    with pytest.raises(ValueError, match="no images to train on"):
        next(tr.batches(0, 4, 1, np.random.default_rng(0)))


def test_cosine_rate_falls_from_start_to_end():
    rates = [tr.cosine(step, 100, 1e-3, 1e-5) for step in range(100)]
    assert rates[0] == 1e-3 and rates[-1] == pytest.approx(1e-5)
    assert (np.diff(rates) < 0).all()
    assert rates[33] == pytest.approx(1e-5 + 0.99e-3 * 0.75, rel=1e-3), "cos(pi / 3) = 1 / 2"


def test_seeded_weights_leave_the_global_generator_alone():
    before = torch.random.get_rng_state()
    a, b = (seeded(SmallCNN, np.random.default_rng(3)) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))
    other = seeded(SmallCNN, np.random.default_rng(4))
    assert not torch.equal(a.head.weight, other.head.weight)


def test_stored_weights_give_the_same_network_and_are_copies():
    net = freeze(seeded(SmallCNN, np.random.default_rng(0)))
    arrays = weights_to_arrays(net, "best/")
    x = torch.rand(3, 1, 64, 64)
    again = load_arrays(SmallCNN(), arrays, "best/")
    assert torch.equal(again(x), net(x))
    with torch.no_grad():
        net.head.weight.zero_()
    assert np.abs(arrays["best/head.weight"]).sum() > 0
    with pytest.raises(RuntimeError, match="Missing key"):
        load_arrays(SmallCNN(), {"best/head.bias": arrays["best/head.bias"]}, "best/")


def test_a_moving_average_approaches_its_weights():
    average, now = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)
    expected = 0.9 * average.weight + 0.1 * now.weight
    approach(average, now, 0.9)
    torch.testing.assert_close(average.weight, expected)


@pytest.mark.parametrize("of", [None, 4])
def test_means_are_over_the_batches_since_they_were_taken(of):
    means, values = Means(of), [1.0, 2.0, 4.0, 9.0]
    for value in values:
        late = {"late": torch.tensor(8.0)} if value > 3 else {}
        means.add({"loss": torch.tensor(value), **late})
    assert means.take() == {"loss": 4.0, "late": 4.0}, "two of four batches"
    for _ in range(4):
        means.add({"loss": torch.tensor(1.0)})
    assert means.take() == {"loss": 1.0}


def test_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="precision 'half' is unknown"):
        tr.autocast("half")


def test_shift_moves_whole_pixels_and_repeats_edges():
    images = torch.arange(64.0).view(1, 1, 8, 8).expand(200, -1, -1, -1)
    moved = shift(images, 2, torch.Generator().manual_seed(0))
    offsets = (moved - images)[:, 0, 2:6, 2:6]
    assert (offsets == offsets[:, :1, :1]).all(), "inside, every pixel moves alike"
    seen = offsets[:, 0, 0].unique()
    assert len(seen) == 25, "all shifts of up to two pixels a side occur"
    assert torch.isin(moved, images).all(), "no value is invented at the edge"
    assert (moved.diff(dim=2) >= 0).all() and (moved.diff(dim=3) >= 0).all(), "nothing wraps round"


def test_augmentation_never_mirrors():
    """Left and right are classes: a bright left half stays on its side."""
    images = torch.zeros(50, 1, 64, 64)
    images[..., :32] = 1
    out = classical(images, torch.Generator().manual_seed(0))
    assert (out[..., :28].mean((1, 2, 3)) > out[..., 36:].mean((1, 2, 3)) + 0.5).all()


def bright_side(n, rng):
    """An easy task: which third of the image is bright."""
    labels = np.tile([0, 1, 2], n // 3)
    images = rng.normal(0.5, 0.1, (n, 64, 64)).astype(np.float32)
    for image, label in zip(images, labels, strict=True):
        image[:, 21 * label : 21 * label + 21] += 0.3
    return images, labels.astype(np.int64)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_classifier_learns_an_easy_task_the_same_way_twice(precision):
    rng = np.random.default_rng(0)
    images, labels = bright_side(90, rng)
    settings = classify.ClassifySettings(steps=40, precision=precision)
    nets = [classify.fit(images, labels, settings, np.random.default_rng(1)) for _ in range(2)]
    new, truth = bright_side(60, rng)
    found = [classify.predict(net, new) for net in nets]
    assert np.array_equal(found[0], found[1])
    assert (found[0].argmax(1) == truth).mean() > 0.9
    np.testing.assert_allclose(found[0].sum(1), 1, atol=1e-5)


def test_an_arm_uses_the_first_images_of_each_source_only(monkeypatch):
    """Images past the labelled ones, and past `extra` of a pool, must not be seen."""
    seen = {}

    def spy(images, labels, settings, rng):
        seen.update(images=images, labels=labels)
        return freeze(SmallCNN())

    monkeypatch.setattr(classify, "fit", spy)
    from lib.jobs import Result

    def part(n, value):
        full = np.full((n, 64, 64), value, np.float32)
        return Result({"image": full, "label": np.arange(n) % 3}, {})

    classify.arm(part(8, 0.1), 4, part(9, 0.9), 3, part(3, 0), part(3, 0), {}, [0])
    assert seen["images"][:, 0, 0].tolist() == pytest.approx([0.1] * 4 + [0.9] * 3)
    assert seen["labels"].tolist() == [0, 1, 2, 0, 0, 1, 2]
    with pytest.raises(ValueError, match="10 images are asked of a set of"):
        classify.arm(part(8, 0.1), 4, part(9, 0.9), 10, part(3, 0), part(3, 0), {}, [0])


def stepped(slopes: list[list[float]], times: float) -> list[torch.Tensor]:
    """How far each step of rate 1 moves a weight, of losses with these gradients."""
    weight = nn.Parameter(torch.zeros(len(slopes[0])))
    descent, moves = tr.Clipped(torch.optim.SGD([weight], 1.0), times), []
    for slope in slopes:
        before = weight.detach().clone()
        descent.step(weight @ torch.tensor(slope))
        moves.append(before - weight.detach())
    return moves


def test_a_rare_long_gradient_is_shortened_and_keeps_its_direction():
    moves = stepped([[0.6, 0.8]] * 9 + [[30.0, 40.0], [0.6, 0.8]], 2.0)
    assert torch.allclose(torch.stack(moves[:9]), torch.tensor([0.6, 0.8]), atol=1e-4), "as it is"
    assert torch.allclose(moves[9], torch.tensor([1.2, 1.6]), atol=1e-4), "two medians long"
    assert torch.allclose(moves[10], torch.tensor([0.6, 0.8]), atol=1e-4), "it leaves no trace"


def test_gradients_that_stay_long_are_let_through():
    moves = stepped([[1.0]] * 100 + [[10.0]] * 60, 2.0)
    assert moves[100].item() == pytest.approx(2, abs=1e-3)
    assert moves[-1].item() == pytest.approx(10, abs=1e-3), "the median of the last hundred"
