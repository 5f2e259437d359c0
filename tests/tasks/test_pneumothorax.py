"""UNet++ on pneumothorax: a toy is outlined, empty masks are allowed, steps are counted."""

import numpy as np
import pytest
import torch
from toy_pools import changed, film_set, pool

from lib.metrics import segmentation
from lib.tasks import pneumothorax
from lib.training.weights import seeded

QUICK = {"steps": 60, "batch": 8}
TRAIN, TEST = film_set(60, 1), film_set(40, 3)


def test_the_network_is_of_the_stated_size_every_weight_learns_and_nothing_is_printed(capsys):
    net = seeded(pneumothorax.build, np.random.default_rng(0)).train()
    assert sum(w.numel() for w in net.parameters()) == 151_924
    assert "151,924" in pneumothorax.build.__doc__ and capsys.readouterr().out == ""
    out = net(torch.rand(2, 1, 64, 96, generator=torch.Generator().manual_seed(0)))
    assert out.shape == (2, 1, 64, 96)
    out.square().mean().backward()
    still = {n for n, w in net.named_parameters() if w.grad is None}
    assert all("final_conv_0_" in n for n in still), "only unused heads of deep supervision"


def test_discs_are_outlined_and_films_without_one_are_left_alone():
    made = pneumothorax.arm(TRAIN, None, TEST, QUICK, [0])
    counts = made.arrays["counts"]
    assert counts.shape == (40, 1, 3) and made.scores == {"images": 60, "steps": 60}
    truth = (TEST.arrays["planes"] >> 6 & 1).sum((1, 2))
    assert np.array_equal(counts[:, 0, 2], truth) and (truth == 0).any()
    assert np.nanmean(segmentation.slice_dice(counts, "skip")) > 0.7
    assert segmentation.false_positive_rate(counts) < 0.1


def test_training_without_any_lesion_learns_that_there_is_none():
    none = changed(TRAIN, planes=np.zeros_like(TRAIN.arrays["planes"]))
    made = pneumothorax.arm(none, 20, TEST, {"steps": 60, "batch": 4}, [0])
    assert segmentation.false_positive_rate(made.arrays["counts"]) < 0.1


def test_steps_are_equal_with_a_pool_unless_epochs_are():
    few = QUICK | {"steps": 2}
    fits = [pneumothorax.fit_job(TRAIN, 10, few, [0], *more) for more in ((), (pool(30), 30))]
    alone, both = fits
    epochs = pneumothorax.fit_job(TRAIN, 10, few | {"epochs": True}, [0], pool(30), 15)
    steps = [each.scores["steps"] for each in (alone, both, epochs)]
    assert steps == [2, 2, 5] and both.scores["images"] == 40
    again = pneumothorax.fit_job(TRAIN, 10, few, [0])
    assert all(np.array_equal(again.arrays[k], x) for k, x in alone.arrays.items())
    assert any(not np.array_equal(both.arrays[k], x) for k, x in alone.arrays.items())
    net = pneumothorax.load(alone)
    arm = pneumothorax.arm(TRAIN, 10, TEST, few, [0])
    found = pneumothorax.predict(net, TEST.arrays["image"][:8])
    assert np.array_equal(found, arm.arrays["example"])


def test_what_does_not_fit_is_refused_before_training():
    with pytest.raises(ValueError, match="is in both train and test"):
        pneumothorax.arm(TRAIN, None, TRAIN, QUICK, [0])
    wrong = changed(pool(4), mask=np.zeros((4, 32, 32), np.uint8))
    with pytest.raises(ValueError, match="must be bool, one for each image"):
        pneumothorax.fit_job(wrong, None, QUICK, [0])
    square = np.zeros((4, 48, 48), np.float32)
    odd = changed(pool(4), image=square, mask=square.astype(np.uint8))
    with pytest.raises(ValueError, match="multiples of 32"):
        pneumothorax.fit_job(odd, None, QUICK, [0])
