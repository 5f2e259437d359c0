"""Sweeps of the phantom laboratory against the laws that draw them."""

from dataclasses import fields

import numpy as np
import pytest

from lib.explore import phantom
from lib.phantoms import chest


@pytest.fixture(scope="module")
def sweep():
    return phantom.sweeps("chest", [0, 3], 30)


def test_every_dial_is_a_parameter_of_its_law_with_rising_values():
    for kind, dials in phantom.DIALS.items():
        names = {field.name for field in fields(phantom.LAWS[kind])}
        for dial in dials:
            assert dial.name in names and len(dial.values) == 9
            assert list(dial.values) == sorted(set(dial.values))
            assert dial.part in (phantom.LESION, phantom.ANATOMY, phantom.SCANNER)


def test_a_dial_changes_its_part_alone(sweep):
    for k, dial in enumerate(phantom.DIALS["chest"]):
        healthy = sweep["healthy"][k]
        moved = (healthy != healthy[:, :1]).any()
        assert moved == (dial.part != phantom.LESION), dial.name
        apart = sweep["image"][k].astype(int) - healthy
        assert not apart[sweep["mask"][k] == 0].any()


def test_a_subject_at_its_own_value_is_the_subject_as_it_is(sweep):
    rng = np.random.default_rng([0, 3]).spawn(2)[0]
    seeds, _ = phantom.chosen("chest", phantom.SUBJECTS, rng)
    p = phantom.parameters("chest", seeds)
    own = phantom.rendered("chest", p)
    same = phantom.rendered("chest", phantom.parameters("chest", seeds, {
        "opacity_grey": p.values["opacity_grey"][:, 0]}))  # fmt: skip
    assert np.array_equal(own["image"], same["image"])
    assert np.array_equal(np.round(own["image"][:, 0] * 255), sweep["plain/image"])


def test_without_a_lesion_the_observer_guesses_and_with_more_it_sees_more(sweep):
    found = phantom.correct(sweep, 0)
    assert found.shape == (2, 9) and (found[:, 0] == 0.5).all()
    assert (np.diff(found, axis=1) > -0.02).all() and (found[:, -1] > 0.7).all()
    assert np.allclose(phantom.correct(sweep, 0, 0.0), 0.5)
    contrast = sweep["contrast"].reshape(5, 2, 9)[0]
    assert (np.diff(contrast, axis=1) > 0).all() and not contrast[:, 0].any()


def test_noise_of_an_image_falls_with_the_rays(sweep):
    noise = sweep["numbers"].reshape(5, 2, 9, 3)[4, :, :, 0]
    assert (np.diff(noise, axis=1) < 0).all()
    slope = np.polyfit(np.log(phantom.DIALS["chest"][4].values[:4]), np.log(noise[0, :4]), 1)[0]
    assert -0.65 < slope < -0.35  # the root of the counts


@pytest.mark.parametrize("kind", ["brain", "neck"])
def test_volumes_fade_to_their_healthy_twins(kind, monkeypatch):
    monkeypatch.setattr(phantom, "TRIED", 4)
    monkeypatch.setattr(phantom, "SMALLEST", dict.fromkeys(phantom.SMALLEST, 20))
    seeds, levels = phantom.chosen(kind, 1, np.random.default_rng(4))
    for share, same in ((0.0, True), (1.0, False)):
        one = phantom.rendered(
            kind, phantom.parameters(kind, seeds, {"tumour_strength": share})
        )
        assert np.array_equal(one["image"], one["healthy"]) is same
    assert one["mask"][0, levels[0]].sum() >= phantom.SMALLEST[kind]
    assert one["image"].min() >= 0 and one["image"].max() <= 1


def test_unknown_kinds_and_parameters_are_refused():
    with pytest.raises(ValueError, match="kind 'knee'"):
        phantom.parameters("knee", np.array([1]))
    with pytest.raises(ValueError, match="no parameter 'greyness'"):
        phantom.parameters("chest", np.array([1]), {"greyness": 1.0})


def test_moving_a_slider_draws_the_subject_anew():
    box = phantom.live("chest", 7)
    view, sliders = box.children
    names = [each.description for each in sliders.children]
    assert names == [field.name for field in fields(chest.BARE) if field.name != "name"]
    before = bytes(view.value)
    assert before.startswith(b"\x89PNG")
    sliders.children[names.index("opacity_grey")].value = 0.0
    assert bytes(view.value) != before
