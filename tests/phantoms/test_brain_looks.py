"""Tumours with another look in their own outline, and where none can be."""

from dataclasses import replace

import numpy as np
import pytest

from lib.phantoms import brain, brain_looks, brain_tumour, volume

SUBJECT = brain.sample(brain.BRAIN, 1, np.random.default_rng(4))
LOOKS = brain.sample(brain.BRAIN, 3, np.random.default_rng(5))


def test_a_subject_with_its_own_look_is_itself():
    """The independent renderer is `brain.render`; core and rim fit their own outline."""
    own = brain_looks.render(SUBJECT, SUBJECT)
    np.testing.assert_allclose(own[0], brain.render(SUBJECT, ("FLAIR",)).image[0, 0], atol=1e-6)


def test_other_looks_change_the_tumour_and_nothing_else():
    plain = brain.render(SUBJECT, ("FLAIR",))
    made = brain_looks.render(SUBJECT, LOOKS)
    outside = ~plain.support[0]
    assert np.array_equal(made[:, outside], np.repeat(plain.image[0, 0][None, outside], 3, 0))
    inside = made[:, plain.mask[0]]
    assert np.std(inside, axis=0).mean() > 0.01, "and each look is its own"
    again = brain_looks.render(SUBJECT, LOOKS[2:])
    assert np.array_equal(again[0], made[2]), "whatever others are drawn beside it"


def test_a_core_that_is_larger_than_the_outline_stops_at_it():
    size = {name: np.full((3, 1), 2.0, np.float32) for name in ("inner_size", "low_inner_size")}
    made = brain_looks.render(SUBJECT, replace(LOOKS, values=LOOKS.values | size))
    plain = brain.render(SUBJECT, ("FLAIR",))
    outside = ~plain.support[0]
    assert np.array_equal(made[:, outside], np.repeat(plain.image[0, 0][None, outside], 3, 0))


def test_the_strength_of_other_looks_is_theirs():
    """Twice the contrast of oedema, nothing else: the mean change inside follows."""
    strong = {"flair_contrast": np.full((3, 1), 0.24, np.float32)}
    weak = {"flair_contrast": np.full((3, 1), 0.06, np.float32)}
    bright, dim = (
        brain_looks.render(SUBJECT, replace(LOOKS, values=LOOKS.values | change))
        for change in (strong, weak)
    )
    mask = brain.render(SUBJECT, ("FLAIR",)).mask[0]
    assert 0.05 < (bright - dim)[:, mask].mean() < 0.25


def test_one_subject_at_a_time():
    with pytest.raises(ValueError, match="holds 3 subjects; pass one"):
        brain_looks.render(LOOKS, LOOKS)


def test_no_tumour_is_where_it_is_forbidden_and_a_huge_one_fills_the_rest():
    """Holds `forbidden` to the law of `grow`, of which it repeats the first lines."""
    law = replace(brain.BRAIN, tumour_radius=(4.0, 4.0), tumour_reach=(0.0, 0.0),
                  tumour_edge=(0.15, 0.15), tumour_resistance=(0.2, 0.2))  # fmt: skip
    for seed in (3, 8):
        seeds = np.array([seed], np.uint64)
        usual, huge = (brain.from_seeds(each, seeds) for each in (brain.BRAIN, law))
        (tissues,) = brain.tissues(usual)
        forbidden = brain_tumour.forbidden(tissues).numpy()
        batch = brain.render(usual, ("FLAIR",))
        assert not batch.deviation[0, 0][forbidden].any()
        assert not batch.support[0][forbidden].any()
        filled = brain.render(huge, ("FLAIR",)).support[0]
        assert not filled[forbidden].any()
        assert (filled | forbidden).mean() > 0.999
        inside = tissues.depth.numpy() > 0
        ventricle = tissues.ventricle.numpy() > 0.9
        assert forbidden[ventricle].all() and 0.02 < forbidden[inside].mean() < 0.6
    assert forbidden.shape == volume.SHAPE
