"""The template baseline: where it pastes, and what anatomies it draws."""

import numpy as np
import pytest

from lib.datasets import chest as chest_sets
from lib.generators import template
from lib.phantoms import chest


@pytest.fixture(scope="module")
def data():
    return chest_sets.draw(chest.BARE, 48, np.random.default_rng(0))


def test_templates_add_an_opacity_on_the_asked_side():
    """On average over many: a single excess over the mean holds its subject's anatomy too."""
    many = chest_sets.draw(chest.BARE, 400, np.random.default_rng(0))
    generator = template.fit(many, template.TemplateSettings())
    rng = np.random.default_rng
    healthy, left, right = (generator.sample(np.full(200, c), rng(0)) for c in range(3))
    assert (left - healthy)[..., 36:].mean() > 3 * abs((left - healthy)[..., :28].mean())
    assert (right - healthy)[..., :28].mean() > 3 * abs((right - healthy)[..., 36:].mean())
    assert left.min() >= 0 and left.max() <= 1


def test_template_anatomy_has_the_mean_of_the_healthy(data):
    generator = template.fit(data, template.TemplateSettings())
    many = generator.sample(np.zeros(800, dtype=int), np.random.default_rng(0))
    error = np.abs(many.mean(0) - data.image[data.label == 0].mean(0))
    assert error.mean() < 0.02
    with pytest.raises(ValueError, match="at least two healthy images"):
        template.fit(data[data.label == 1], template.TemplateSettings())


def test_a_pasted_opacity_brings_no_noise_of_its_own(data):
    """Neighbours in a template are alike: noise of its own would double that of the image."""
    stacks = template.fit(data, template.TemplateSettings()).templates.values()
    templates = np.concatenate(list(stacks))
    step = np.diff(templates, axis=2).std() / templates.std()
    assert step < 0.2


def test_an_unwarped_template_stays_itself():
    still = template.TemplateSettings(turn=0.0, scale=0.0, move=0.0)
    shape = np.zeros((32, 32))
    shape[8:14, 18:25] = 1
    np.testing.assert_allclose(
        template.warp(shape, still, np.random.default_rng(0)), shape, atol=1e-9
    )


def test_a_healthy_sample_is_one_of_the_healthy_images_and_all_of_them_occur(data):
    generator = template.fit(data, template.TemplateSettings())
    many = generator.sample(np.zeros(800, dtype=int), np.random.default_rng(0))
    real = {image.tobytes() for image in data.image[data.label == 0]}
    assert {image.tobytes() for image in many} == real


def test_sampling_leaves_the_images_that_it_pastes_on_as_they_were(data):
    generator = template.fit(data, template.TemplateSettings())
    before = generator.healthy.copy()
    generator.sample(np.ones(50, dtype=int), np.random.default_rng(0))
    assert np.array_equal(generator.healthy, before)


def test_anatomy_is_found_behind_a_lesion():
    """Images that two modes span: what is hidden follows from what is seen."""
    rng = np.random.default_rng(0)
    base, waves = rng.random((32, 32)), rng.normal(size=(2, 32, 32))
    images = base + np.tensordot(rng.normal(size=(200, 2)), waves, axes=1)
    mean, modes = template.modes_of(images, 2)
    seen = np.ones((32, 32), bool)
    seen[10:20, 10:20] = False
    covered = np.where(seen, images[0], 9.0)
    found = template.anatomy(covered, seen, mean, modes, 0.05)
    assert np.abs(found - images[0]).max() < 0.02
