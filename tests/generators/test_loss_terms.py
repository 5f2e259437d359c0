"""Does each term of equation 1 do what its ablation claims? Small fits, one per term: minutes.

Every fit has the same 200 images, start, batches and noise; only the named term is off. What is
compared are terms on held-out images and measures of samples, as in Table 5's diagnostics.
"""

from dataclasses import asdict, replace
from functools import cache

import numpy as np
import pytest

from lib import machine
from lib.datasets import chest as chest_sets
from lib.datasets.hdf5 import from_arrays
from lib.generators import vae
from lib.jobs import Result
from lib.papers.pavae.arms import ABLATED
from lib.scores import measures
from lib.tasks import classify
from lib.training.weights import weights_to_arrays

pytestmark = pytest.mark.slow
TRAIN, HELD_OUT, STEPS, SEED = 200, 400, 150, 0


@cache
def images(purpose, n):
    return chest_sets.image_set("bare", n, [SEED, purpose, 0])


@cache
def guide():
    settings = classify.ClassifySettings(200, augment=True, precision=machine.precision())
    return classify.fit_job(images(1, TRAIN), TRAIN, asdict(settings), [SEED, 3, 0])


@cache
def measured(arm, **more):
    """The measures of a small fit: PA-VAE or an arm of Table 5, with `more` settings changed."""
    changes = ABLATED[arm].changes | more
    s = replace(vae.PA_VAE, epochs=1, epoch_images=64 * STEPS, precision=machine.precision())
    s = replace(s, **{"likelihood": "bernoulli", "guide_scale": 64.0, "average": 0.0} | changes)
    data, rng = from_arrays(images(1, TRAIN).arrays), np.random.default_rng([SEED, 4, 0])
    (state,) = vae.fit(data, classify.load(guide()), s, rng)
    weights = weights_to_arrays(state.model, "best/")
    fitted = Result(weights, {"settings": asdict(s)})
    held_out = images(2, HELD_OUT)
    return measures.measure(fitted, guide(), held_out, HELD_OUT, [SEED, 5, 0]).scores


def test_without_the_mask_loss_masks_are_lost():
    on, off = measured("pavae"), measured("no_mask")
    assert off["mask"] > on["mask"] + 0.1, "1 - IoU on held-out images"
    assert on["mask_side"] > 0.9, "masks of samples"
    assert off["mask_side"] < on["mask_side"] - 0.15, "an untaught plane still sees light and dark"


def test_without_the_class_loss_the_guide_sees_the_class_less_often():
    on, off = measured("pavae"), measured("no_cls")
    assert off["cls"] > 1.2 * on["cls"]
    assert off["guide_adherence"] < on["guide_adherence"] - 0.05


def test_without_the_class_prior_classes_share_one_prior_that_fits_worse():
    on, off = measured("pavae"), measured("no_prior")
    assert on["separation"] > 0.5 and off["separation"] == 0
    assert off["kl"] > 1.2 * on["kl"], "nats between q(z|x,y) and the prior"
    assert off["guide_adherence"] < on["guide_adherence"] - 0.05


def test_beta_trades_nats_of_the_code_for_reconstructions():
    """Between 1 and 4 so few steps leave the order of reconstructions to chance; 64 is plain."""
    on, strong = measured("pavae"), measured("pavae", beta=64.0)
    assert strong["kl"] < 0.5 * on["kl"]
    assert strong["reconstruction"] > on["reconstruction"] + 0.05


def test_the_path_loss_holds_features_together_where_the_guides_terms_are_strong():
    """With both terms of the guide per pixel, the class term alone would move features away."""
    on, off = measured("per_pixel"), measured("per_pixel", lambda_path=0.0)
    assert on["path"] < 0.7 * off["path"]


@pytest.mark.xfail(
    reason="finding: at the default weight 150 steps show no effect; the fits of Table 5 (1,000 "
    "steps, 800 images) do, about a sixth",
    strict=True,
)
def test_without_the_path_loss_features_move_apart():
    on, off = measured("pavae"), measured("no_path")
    assert on["path"] < 0.9 * off["path"]
