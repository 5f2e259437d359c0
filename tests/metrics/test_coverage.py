"""Modes of hand-made masks, overlaps with analytic values, and the null of equal samples."""

import numpy as np
import pytest

from lib.metrics import coverage as c


def square(row, column, side, size=24):
    mask = np.zeros((size, size), bool)
    mask[row : row + side, column : column + side] = True
    return mask


def test_modes_of_hand_made_masks():
    edges = [10, 20]
    masks = np.array([
        square(0, 0, 0),  # empty
        square(0, 0, 3),  # left, top, 9 pixels: small
        square(0, 20, 4),  # right, top, 16: middle
        square(10, 2, 4),  # left, middle third, middle size
        square(18, 15, 5),  # right, bottom, 25: large
    ])  # fmt: skip
    expected = [0, 1, 1 + 3 * 3 + 1, 1 + 1 * 3 + 1, 1 + (3 + 2) * 3 + 2]
    assert c.modes(masks, edges).tolist() == expected
    assert c.count_modes(edges) == 19


def test_mirror_and_flip_move_to_the_opposite_mode():
    masks = np.array([square(r, q, 3) for r in (0, 4, 19) for q in (1, 6, 18)])
    edges = [5.0]
    place = (c.modes(masks, edges) - 1) // 2
    mirrored = (c.modes(masks[:, :, ::-1], edges) - 1) // 2
    flipped = (c.modes(masks[:, ::-1], edges) - 1) // 2
    np.testing.assert_array_equal(mirrored // 3, 1 - place // 3)
    np.testing.assert_array_equal(mirrored % 3, place % 3)
    np.testing.assert_array_equal(flipped % 3, 2 - place % 3)


def test_thirds_are_equal_and_every_mode_is_in_range():
    pixels = np.eye(24 * 24, dtype=bool).reshape(-1, 24, 24)  # one lesion pixel at every place
    found = c.modes(pixels, [])
    np.testing.assert_array_equal(np.bincount(found, minlength=c.count_modes([])), [0] + [96] * 6)


def test_thirds_are_symmetric_where_the_height_is_no_multiple_of_three():
    pixels = np.eye(22 * 22, dtype=bool).reshape(-1, 22, 22)
    third, flipped = ((c.modes(x, []) - 1) % 3 for x in (pixels, pixels[:, ::-1]))
    np.testing.assert_array_equal(flipped, 2 - third)


def test_edges_part_real_masks_equally_and_the_edge_belongs_above():
    masks = np.array([square(0, 0, side) for side in range(1, 10)] + [square(0, 0, 0)])
    edges = c.size_edges(masks)
    sizes = (c.modes(masks, edges)[:-1] - 1) % 3
    np.testing.assert_array_equal(np.bincount(sizes), [3, 3, 3])
    assert (c.modes(masks[:1], [1]) - 1) % 2 == 1  # one pixel, edge 1


def test_overlap_by_hand():
    real, generated = [1, 1, 2, 3], [1, 2, 2, 2, 2, 2, 4, 4]
    assert c.coverage(real, generated) == pytest.approx(1 / 8 + 1 / 4)
    assert c.coverage(generated, real) == pytest.approx(3 / 8)
    assert c.occupied(real, generated) == pytest.approx(2 / 3)
    assert c.occupied(generated, real) == pytest.approx(2 / 3)


def test_overlap_of_equal_disjoint_and_collapsed_sets():
    real = np.repeat(np.arange(1, 6), 10)
    assert c.coverage(real, np.tile(np.arange(1, 6), 3)) == pytest.approx(1)
    assert c.coverage(real, [9, 9]) == c.occupied(real, [9, 9]) == 0
    assert c.coverage(real, [3]) == pytest.approx(1 / 5) == c.occupied(real, [3])
    strays = np.append(np.full(96, 3), [1, 2, 4, 5])
    assert c.occupied(real, strays) == 1 and c.coverage(real, strays) == pytest.approx(0.24)
    emptied = np.where(np.arange(50) % 10 < 3, c.EMPTY, real)
    assert c.coverage(real, emptied) == pytest.approx(0.7)


def expected(p, n, m):
    """Overlap of n and m draws of one law p (k,): E|d| / 2 of the normal limit of each share."""
    return 1 - np.sqrt(p * (1 - p) * (1 / n + 1 / m) / (2 * np.pi)).sum()


@pytest.mark.parametrize(("n", "m"), [(100, 100), (1000, 1000), (1000, 200)])
def test_samples_of_one_law_overlap_as_the_normal_limit_says(n, m):
    rng = np.random.default_rng(n + m)
    p = rng.dirichlet(np.full(12, 5.0))
    found = [
        c.coverage(np.repeat(np.arange(12), rng.multinomial(n, p)),
                   np.repeat(np.arange(12), rng.multinomial(m, p)))
        for _ in range(300)
    ]  # fmt: skip
    assert 1 - np.mean(found) == pytest.approx(1 - expected(p, n, m), rel=0.06)


def test_docstring_values_of_the_null():
    p = np.full(19, 1 / 19)
    assert [round(expected(p, n, n), 2) for n in (100, 1000, 2000)] == [0.76, 0.92, 0.95]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: c.size_edges(np.zeros((3, 8, 8), bool)), "non-empty one"),
        (lambda: c.coverage([], [1]), "non-empty vectors"),
        (lambda: c.coverage([0.5], [1]), "integers"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_balls_of_one_law_are_reached_as_often_as_the_closed_form_says():
    """Naeem et al. 2020: 1 - 2^-k in the limit for equal numbers of one law."""
    rng = np.random.default_rng(5)
    pairs = rng.normal(size=(12, 2, 300, 4))
    for k in (1, 3, 5):
        found = np.mean([c.ball_coverage(*pair, k) for pair in pairs])
        assert found == pytest.approx(1 - 2.0**-k, abs=0.02)
    real, other = pairs[0]
    assert c.ball_coverage(real, other[other[:, 0] > 0]) < 0.65 < c.ball_coverage(real, other)
    assert c.ball_coverage(real, other + 50) == 0
    with pytest.raises(ValueError, match="more than k=5 real"):
        c.ball_coverage(real[:5], other)
