"""What section 3 reads in a fitted model, against oracles that need no training."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats

from lib.datasets import chest as chest_sets
from lib.generators import vae
from lib.papers.pavae import counterfactuals, looks, toys
from lib.papers.pavae.arms import ABLATED
from lib.papers.pavae.study import study
from lib.phantoms import chest
from lib.profiles import SMOKE, Plan
from lib.training.weights import freeze, seeded


@pytest.fixture(scope="module")
def look():
    """A look without jobs: fresh subjects and an untrained model."""
    found = looks.Look(study(Plan(SMOKE)))
    found.__dict__["held_out"] = chest_sets.draw(chest.BARE, 8, np.random.default_rng(0))
    model = seeded(lambda: vae.ConditionalVAE(looks.PLAIN), np.random.default_rng(1))
    found.__dict__["model"] = freeze(model)
    return found


def test_the_floor_is_the_entropy_of_a_coin():
    for p in (0.0, 0.05, 0.5, 1.0):
        assert looks.entropy(p) == pytest.approx(stats.entropy([p, 1 - p]), abs=1e-9)


def test_our_reading_is_the_one_that_is_trained():
    terms = {name: torch.tensor(1.0 + i) for i, name in enumerate(looks.LAMBDAS)}
    by_hand = sum(w * terms[name] for name, w in looks.weights(looks.OURS).items())
    assert float(by_hand) == pytest.approx(float(vae.total(terms, looks.PLAIN, chest.SIZE**2)))


def test_five_changes_cost_the_same_and_the_first_is_the_healthy_twin(look):
    before, changed = look.held_out.image[look.sick], looks.changed(look)
    errors = [np.square(after - before).mean((1, 2)) for after in changed.values()]
    assert len(changed) == 5
    np.testing.assert_allclose(errors, [errors[0]] * 5, rtol=1e-4)
    outside = ~look.held_out.mask[look.sick]
    moved = np.abs(changed["lesion removed"] - before)
    assert moved[outside].mean() < 0.1 * moved[~outside].mean()


def test_a_subject_under_its_own_label_is_its_image_and_its_reconstruction(look):
    seen, at = look.held_out, np.arange(8)
    assert np.array_equal(look.truth[seen.label, at], seen.image)
    decoded = counterfactuals.under_all_labels(look.model, seen.image, seen.label)
    np.testing.assert_allclose(decoded[seen.label, at], look.decoded[0], atol=1e-6)


def test_the_true_change_agrees_with_itself_and_a_flat_one_does_not(look):
    sick, label = look.sick, look.held_out.label
    real = (look.truth - look.truth[:1])[label, np.arange(8)][sick]
    masks = look.held_out.mask[sick]
    found = counterfactuals.agreement(real, real, masks)
    assert found["correlation"] == pytest.approx(1) and found["share_in_mask"] == pytest.approx(1)
    halved = counterfactuals.agreement(real / 2, real, masks)
    assert halved["correlation"] == pytest.approx(1) and halved["share_in_mask"] < 0.51
    assert found["pixel_auroc"] > 0.9


def test_a_place_is_read_in_the_lung_of_the_label_and_followed_one_to_one():
    maps, rows = np.zeros((4, 64, 64)), np.array([10, 20, 30, 40])
    label = np.array([chest.LEFT, chest.LEFT, chest.RIGHT, chest.RIGHT])
    for image, row, of in zip(maps, rows, label, strict=True):
        own, other = (45, 15) if of == chest.LEFT else (15, 45)
        image[row, own] = image[63, other] = 1.0
    found = counterfactuals.height(maps, label)
    np.testing.assert_allclose(found, rows, atol=1e-6)
    assert counterfactuals.slope(found / 2, rows, label) == pytest.approx(0.5)


def test_the_toys_distance_is_zero_for_the_data_and_grows_with_a_shift():
    x, y = toys.points(300, torch.Generator().manual_seed(0))
    assert toys.distance(x, x, y) == pytest.approx(0, abs=1e-6)
    assert toys.distance(x, x + 1.0, y) == pytest.approx(2.0, abs=1e-4)


def test_arms_are_drawn_from_one_noise_class_by_class(monkeypatch):
    """Each image can be drawn alone from its class and noise; an arm without draws is left out."""
    model = freeze(seeded(lambda: vae.ConditionalVAE(vae.PA_VAE), np.random.default_rng(2)))
    own, arms = study(Plan(SMOKE)), [ABLATED[name] for name in ("pavae", "no_cls", "no_mask")]
    monkeypatch.setattr(type(own), "draws", lambda _, arm: [] if arm.name == "no_mask" else [0])
    monkeypatch.setattr(looks.jobs, "load", lambda job: job)
    monkeypatch.setattr(looks.vae, "load", lambda job: model)
    found = looks.side_by_side(own, arms)
    assert list(found) == ["pavae", "no_cls"]
    np.testing.assert_array_equal(found["pavae"], found["no_cls"])
    noise = torch.randn(2, vae.PA_VAE.latent, generator=torch.Generator().manual_seed(0))
    for i, planes in enumerate(found["pavae"]):
        label = torch.tensor([i // 2])
        z = vae.draw(*model.prior_of(label), noise[[i % 2]])
        wanted = model.decoder(z, label).sigmoid()[0].detach().numpy()
        np.testing.assert_allclose(planes, wanted, atol=1e-6)


def test_a_subject_without_distractors_is_that_of_a_law_without_them():
    label = np.array([1, 2, 0])
    law = replace(chest.BARE, spot_shadow=(0.0, 0.0), marker_shadow=(0.0, 0.0))
    seeds = np.arange(3, dtype=np.uint64)
    subjects, bare = (chest.from_seeds(each, seeds, label) for each in (chest.BARE, law))
    drawn = chest.render(subjects).image
    np.testing.assert_array_equal(looks.without(subjects, ()), drawn)
    off = looks.without(subjects, ("spot_shadow", "marker_shadow"))
    np.testing.assert_allclose(off, chest.render(bare).image, atol=1e-6)
    assert np.abs(off - drawn).max() > 0.01
    named = {name for names in looks.DISTRACTORS.values() for name in names}
    assert named <= set(subjects.values)


def test_eight_sick_images_stand_above_what_is_decoded_from_them(look, monkeypatch):
    other = np.arange(8.0)[:, None, None] * np.ones((8, 64, 64))
    monkeypatch.setattr(looks, "readings", lambda _: {"all times the pixels": other})
    shown, sick = looks.eight(look), np.flatnonzero(look.sick)
    assert list(shown) == ["image", "true mask", "decoded", "its mask", "all times\nthe pixels"]
    seen = look.held_out
    for name, wanted in zip(shown, (seen.image, seen.mask, *look.decoded, other), strict=True):
        np.testing.assert_array_equal(shown[name], wanted[sick])


def test_mean_answers_stand_in_the_line_of_their_label(look, monkeypatch):
    label = look.held_out.label
    certain = np.eye(3)[(label + 1) % 3]
    monkeypatch.setattr(looks, "named", lambda _: {"real": certain})
    np.testing.assert_array_equal(looks.guided(look)["real"], np.roll(np.eye(3), 1, axis=1))


def test_lengths_are_of_both_models_term_by_term(look, monkeypatch):
    monkeypatch.setattr(looks, "nets", lambda _: {"untrained": 1.0, "trained": 2.0})
    monkeypatch.setattr(looks, "terms", lambda _, net: net)
    found = {name: i for i, name in enumerate(("reconstruction", *looks.ADDED), 1)}
    monkeypatch.setattr(looks, "pulls", lambda net, _: {k: net * x for k, x in found.items()})
    lengths = looks.lengths(look)
    assert {who: each.tolist() for who, each in lengths.items()} == {
        "untrained": [1, 2, 3, 4], "trained": [2, 4, 6, 8]
    }  # fmt: skip
