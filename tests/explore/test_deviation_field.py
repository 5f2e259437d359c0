"""Stored lesions of the deviation field, against the model that draws them."""

import numpy as np
import pytest

from lib.explore import deviation_field as field
from lib.generators import control, deviation
from lib.networks.pathosyn import NoiseNet
from lib.scores.controlled import EXTENTS
from lib.training.weights import freeze, seeded

STREAM = [0, 77]


@pytest.fixture(scope="module")
def model():
    """An untrained diffusion of four steps, in float32."""
    s = deviation.DeviationSettings(
        length=8, sampler_steps=4, widths=(8, 8), depth=1, substrate_widths=(8, 8, 8, 8),
        precision="float32",
    )  # fmt: skip
    made = seeded(lambda: deviation.DeviationDiffusion(s), np.random.default_rng(0))
    assert isinstance(made.noise_net, NoiseNet)
    made.scale.fill_(0.1)
    return freeze(made)


@pytest.fixture(scope="module")
def given():
    return field.subjects(1, STREAM, 20)


@pytest.fixture(scope="module")
def found(model, given):
    return field.stored(model, given, STREAM, seeds=3, filmed=2)


def test_truth_of_a_subject_explains_its_mask(given):
    inside = abs(given["deviation"][0][given["mask"][0]])
    assert inside.mean() > 5 * abs(given["deviation"][0][~given["mask"][0]]).mean()
    assert field.AREA[0] <= given["mask"].sum() <= field.AREA[1]


def test_subjects_that_do_not_suit_are_refused():
    with pytest.raises(ValueError, match="9 subjects are asked"):
        field.subjects(9, STREAM, 8)


def test_way_ends_in_what_the_model_samples_and_starts_in_noise(model, given):
    healthy, mask = given["healthy"], given["mask"]
    alike = [np.repeat(part, 3, 0) for part in (healthy, mask)]
    made = model.sample(*alike, np.random.default_rng(STREAM), "hard")
    way = field.ways(model, made.substrate[0], mask[0], 3, np.random.default_rng(STREAM), frames=5)
    assert np.allclose(way[-1], made.deviation, atol=1e-6)
    assert not way[:, :, ~mask[0]].any()
    noise = way[0][:, mask[0]] / 0.1
    assert abs(noise.mean()) < 0.3 and 0.8 < noise.std() < 2  # the inverse of tanh widens it
    assert len({frame.tobytes() for frame in way}) == 5


def test_ways_of_another_sampler_are_refused(given):
    s = deviation.DeviationSettings(sampler="ddpm")
    with pytest.raises(ValueError, match="sampler 'ddpm'"):
        field.ways(deviation.DeviationDiffusion(s), given["healthy"][0], given["mask"][0], 1, None)


def test_stored_fields_are_those_of_the_model_to_half_a_step(model, given, found):
    corner = found["corner"][0]
    window = tuple(slice(first, first + field.SIDE) for first in corner)
    for e, by in enumerate(EXTENTS):
        mask = control.within(control.grown(given["mask"], by), given["healthy"])
        assert np.array_equal(found["mask"][0, e] > 0, mask[0][window])
        assert mask.sum() == found["mask"][0, e].sum()  # nothing of it lies outside
        alike = [np.repeat(part, 3, 0) for part in (given["healthy"], mask)]
        made = model.sample(*alike, np.random.default_rng([*STREAM, 0]), "hard")
        assert abs(found["substrate"][0, e] / 255 - made.substrate[0]).max() <= 0.5 / 255 + 1e-6
        step = found["deviation_step"][0, e]
        back = (found["deviation"][0, e].astype(float) - 128) * step
        assert abs(back - made.deviation[:, *window]).max() <= 0.5 * step + 1e-5
    last = (found["way"][0, -1].astype(float) - 128) * found["way_step"][0, -1]
    assert abs(last - made_plain(model, given)[:2, *window]).max() <= found["way_step"][0, -1]


def made_plain(model, given):
    alike = [np.repeat(given[name], 3, 0) for name in ("healthy", "mask")]
    return model.sample(*alike, np.random.default_rng([*STREAM, 0]), "hard").deviation


def test_the_kernel_draws_in_the_mask_that_was_moved(model, given, found):
    answer = field.redrawn(model, found, ask=3, subject=0, extent=1, rows=2, columns=-3, seed=5)
    healthy = (found["healthy"] / 255).astype(np.float32)
    grown = control.within(control.grown(given["mask"], 1), given["healthy"])
    mask = control.within(control.moved(grown, 2, -3), healthy)
    made = model.sample(healthy, mask, np.random.default_rng(5), "hard")
    assert answer["ask"] == 3
    assert np.allclose(answer["deviation"], made.deviation.ravel(), atol=6e-5)
    assert np.allclose(answer["substrate"], made.substrate.ravel(), atol=6e-5)
    assert np.any(answer["deviation"])


def test_a_signed_field_comes_back_and_zero_stays_zero():
    fields = np.random.default_rng(1).normal(size=(2, 3, 5, 5)).astype(np.float32)
    fields[0, 1] = 0
    fields[1, 2, 0, 0] = 0
    small, step = field.signed(fields, 2)
    back = (small.astype(float) - 128) * step[..., None, None]
    assert small.dtype == np.uint8 and step[0, 1] == 0
    assert (abs(back - fields) <= step[..., None, None] / 2 + 1e-6).all()
    assert (back[fields == 0] == 0).all()


def test_fields_are_whole_images_in_grey_units(model, given, found):
    one = field.fields(found, 0, 2)
    mask = control.within(control.grown(given["mask"], EXTENTS[2]), given["healthy"])[0]
    assert np.array_equal(one["mask"], mask)
    assert abs(one["healthy"] - given["healthy"][0]).max() <= 0.5 / 255 + 1e-6
    assert abs(one["truth"] - given["deviation"][0]).max() <= 0.5 * found["truth_step"][0] + 1e-6
    assert not one["deviation"][:, ~mask].any() and one["deviation"].shape == (3, 64, 64)
    plain = field.fields(found, 0)
    step = found["way_step"][0, -1] + found["deviation_step"][0, 0]
    assert abs(plain["way"][-1] - plain["deviation"][:2]).max() <= step / 2 + 1e-6


def test_a_live_page_is_answered(model, found, monkeypatch):
    monkeypatch.setattr(field, "is_live", lambda: True)
    live = field.explorer(found, model).live
    asked = {"ask": 1, "subject": 0, "extent": 0, "rows": 0, "columns": 1, "seed": 2}
    live.value = asked
    assert live.answer == field.redrawn(model, found, **asked)
