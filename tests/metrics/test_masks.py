"""Occupancy divergences against scipy and hand values, their null, and the arm that fools them."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import bernoulli, entropy
from skimage.measure import label

from lib.metrics import masks as m

ROW, COLUMN = np.mgrid[:32, :32]


def discs(n, rng, radius=(3, 7)):
    centre, size = rng.normal(15.5, 4, (n, 2, 1, 1)), rng.uniform(*radius, (n, 1, 1))
    return (ROW - centre[:, 0]) ** 2 + (COLUMN - centre[:, 1]) ** 2 < size**2


def with_shares(shares, n=8):
    """n masks of one row whose pixel j is covered in a share shares[j] of them."""
    return (np.arange(n)[:, None, None] < n * np.array(shares)).astype(bool)


def test_pixel_reading_by_hand():
    found = m.divergences(with_shares([0.5, 0.25]), with_shares([0.25, 0.25]))
    kld = 0.5 * np.log(0.5 / 0.25) + 0.5 * np.log(0.5 / 0.75)
    assert found["kld_pixel"] == pytest.approx(kld / 2)
    halfway = 3 / 8
    jsd = bernoulli(halfway).entropy() - (bernoulli(0.5).entropy() + bernoulli(0.25).entropy()) / 2
    assert found["jsd_pixel"] == pytest.approx(jsd / 2)


def test_spatial_reading_is_scipys_and_jsd_is_its_square():
    real, generated = with_shares([0.5, 0.25, 0.75]), with_shares([0.25, 0.5, 0.5])
    found = m.divergences(real, generated)
    p, q = ([0.5, 0.25, 0.75] + np.full(3, m.EPS)), ([0.25, 0.5, 0.5] + np.full(3, m.EPS))
    assert found["jsd_spatial"] == pytest.approx(jensenshannon(p, q) ** 2)
    assert found["kld_spatial"] == pytest.approx(entropy(p, q))


def test_kld_points_from_real_to_generated_and_eps_bounds_it():
    real, generated = with_shares([0.5, 0.5]), with_shares([0.5, 0.0])
    assert m.divergences(real, generated)["kld_pixel"] == pytest.approx(
        (0.5 * np.log(0.5 / 1e-6) + 0.5 * np.log(0.5 / (1 - 1e-6))) / 2
    )
    assert m.divergences(generated, real)["kld_pixel"] == pytest.approx(np.log(2) / 2, rel=1e-4)


def test_equal_sets_read_zero_and_opposite_sets_ln_two():
    real = discs(20, np.random.default_rng(0))
    assert all(value == pytest.approx(0, abs=1e-12) for value in m.divergences(real, real).values())
    found = m.divergences(with_shares([1, 0]), with_shares([0, 1]))
    assert found["jsd_pixel"] == pytest.approx(np.log(2), rel=1e-4)
    assert found["jsd_spatial"] == pytest.approx(np.log(2), rel=1e-4)


def test_the_two_readings_differ_when_only_the_amount_changes():
    found = m.divergences(with_shares([0.5, 0.5]), with_shares([0.25, 0.25]))
    assert found["jsd_spatial"] == pytest.approx(0, abs=1e-9) and found["jsd_pixel"] > 0.03


def test_samples_of_one_law_read_one_over_n():
    rng, n = np.random.default_rng(1), 400
    found = m.divergences(*(rng.random((2, n, 40, 40)) < 0.3))
    assert found["kld_pixel"] == pytest.approx(1 / n, rel=0.1)
    assert found["jsd_pixel"] == pytest.approx(1 / (4 * n), rel=0.1)


def test_empty_sets_are_read_without_warning():
    real, empty = discs(10, np.random.default_rng(2)), np.zeros((10, 32, 32), bool)
    assert m.divergences(empty, empty) == dict.fromkeys(m.divergences(real, real), 0.0)
    found = m.divergences(real, empty)
    assert all(np.isfinite(value) and value > 0.01 for value in found.values())


def test_halves_share_no_subject_and_use_every_row():
    subjects = np.repeat(np.arange(30), np.arange(30) % 4 + 1)
    rng = np.random.default_rng(3)
    seen = set()
    for _ in range(60):
        a, b = m.halves(subjects, 20, rng)
        assert len(set(a)) == len(set(b)) == 20
        assert not set(subjects[a]) & set(subjects[b])
        seen |= set(a)
    assert seen == set(range(len(subjects)))


def test_null_is_larger_when_subjects_repeat_their_slices():
    rng = np.random.default_rng(4)
    single = discs(200, rng)
    repeated, subjects = np.repeat(discs(50, rng), 4, axis=0), np.repeat(np.arange(50), 4)
    apart = m.split_half_null(single, 90, np.arange(200), rng, 10)
    together = m.split_half_null(repeated, 90, subjects, rng, 10)
    for name, (mean, sd) in apart.items():
        assert together[name][0] > 2 * mean and 0 < sd < mean


def test_null_falls_with_n_and_repeats_with_its_seed():
    real = discs(300, np.random.default_rng(5))
    nulls = [
        m.split_half_null(real, n, np.arange(300), np.random.default_rng(0), 10) for n in (30, 140)
    ]
    assert all(nulls[0][name][0] > 2 * nulls[1][name][0] for name in nulls[0])
    assert nulls[0] == m.split_half_null(real, 30, np.arange(300), np.random.default_rng(0), 10)


def test_salt_and_pepper_beats_the_null_and_fails_the_shapes():
    rng = np.random.default_rng(6)
    real = discs(400, rng)
    fooled = m.salt_and_pepper(real, rng)
    null = m.split_half_null(real, 200, np.arange(400), rng, 10)
    read = m.divergences(real[:200], m.salt_and_pepper(real[:200], rng))
    assert all(read[name] < null[name][0] for name in read)
    shapes, real_shapes = m.shape_distances(real, fooled), m.shape_distances(real[::2], real[1::2])
    assert shapes["count"] > 10 and shapes["solidity"] > 10
    assert max(real_shapes.values()) < 0.25
    np.testing.assert_allclose(m.occupancy(fooled), m.occupancy(real), atol=0.1)
    pair = fooled[:, 15, 15].astype(float), fooled[:, 15, 16].astype(float)
    assert abs(np.corrcoef(*pair)[0, 1]) < 0.2  # neighbours of a real mask: above 0.7
    assert np.corrcoef(real[:, 15, 15], real[:, 15, 16])[0, 1] > 0.7


def test_shape_statistics_of_known_shapes():
    masks = np.zeros((6, 32, 32), bool)
    masks[0, 4:8, 10:20] = True  # a 4 x 10 block
    masks[1, 5, 5] = True  # one pixel
    masks[2, 7, 3:9] = True  # a line
    masks[3, 0:4, 0:4] = masks[3, 20:24, 20:24] = True  # two blocks
    masks[4, 2, 2] = masks[4, 3, 3] = True  # joined by a corner
    found = m.shape_statistics(masks)
    np.testing.assert_array_equal(found["area"], [40, 1, 6, 32, 2, 0])
    np.testing.assert_array_equal(found["count"], [1, 1, 1, 2, 1, 0])
    np.testing.assert_allclose(found["row"], [5.5, 5, 7, 11.5, 2.5, np.nan])
    np.testing.assert_allclose(found["column"], [14.5, 5, 5.5, 11.5, 2.5, np.nan])
    # moments of pixel centres: (a^2 - 1) / 12 along a side of a pixels
    assert found["eccentricity"][0] == pytest.approx(np.sqrt(1 - (4**2 - 1) / (10**2 - 1)))
    assert found["eccentricity"][1] == pytest.approx(0)
    assert found["eccentricity"][2] == pytest.approx(1)
    assert found["solidity"][0] == found["solidity"][2] == 1
    assert found["solidity"][3] < 0.35
    assert np.isnan(found["solidity"][5]) and np.isnan(found["eccentricity"][5])


def test_masks_do_not_touch_their_neighbours_in_the_stack():
    masks = np.zeros((3, 32, 32), bool)
    masks[:, 0] = masks[:, -1] = True  # the last row of one lies beside the first of the next
    found = m.shape_statistics(masks)
    np.testing.assert_array_equal(found["count"], [2, 2, 2])
    np.testing.assert_allclose(found["row"], 15.5)
    noise = np.random.default_rng(7).random((20, 32, 32)) < 0.2
    assert m.component_count(noise).tolist() == [label(x, connectivity=2).max() for x in noise]


def test_shape_distances_of_a_shift_and_of_a_share_of_empties():
    real = discs(100, np.random.default_rng(8), radius=(3, 4))[:, :, :-4]
    moved = np.roll(real, 2, axis=1)
    found, statistics = m.shape_distances(real, moved), m.shape_statistics(real)
    inside = ~(real[:, -2:].any((1, 2)))
    assert inside.all(), "the test needs lesions that do not wrap around"
    assert found["row"] == pytest.approx(2 / statistics["row"].std())
    assert found["column"] == found["area"] == found["empty"] == 0
    emptied = real.copy()
    emptied[:25] = False
    found = m.shape_distances(real, emptied)
    assert found["empty"] == 0.25
    area = statistics["area"]
    assert found["area"] == pytest.approx(area[:25].sum() / 100 / area.std())
    nothing = m.shape_distances(real, np.zeros_like(real))
    assert nothing["solidity"] is None and nothing["empty"] == 1


def test_scaled_w1_of_a_shift_scale_and_no_spread():
    x = np.random.default_rng(9).normal(size=500)
    assert m.scaled_w1(x, x + 3) == pytest.approx(3 / x.std())
    assert m.scaled_w1(5 * x, 5 * x + 15) == pytest.approx(3 / x.std())
    assert m.scaled_w1(np.ones(4), np.full(9, 3.0)) == 2
    assert m.scaled_w1([1, 2, np.nan], [np.nan, 2, 1]) == 0
    assert m.scaled_w1([1.0], [np.nan]) is None


ONE = np.ones((4, 8, 8), bool)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: m.divergences(ONE, ONE[:3]), "equal numbers"),
        (lambda: m.occupancy(ONE[0]), r"masks .* \(n, H, W\)"),
        (lambda: m.occupancy(ONE * 0.4), "threshold"),
        (lambda: m.shape_statistics(ONE[:0]), "non-empty"),
        (lambda: m.halves(np.arange(4), 3, np.random.default_rng(0)), "smaller n"),
        (lambda: m.halves(np.zeros(9), 1, np.random.default_rng(0)), "more subjects"),
        (lambda: m.split_half_null(ONE, 1, [1, 2], np.random.default_rng(0)), "one each"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_alignment_leaves_empty_masks_out_and_counts_them():
    generated, seen = np.zeros((2, 5, 4, 4), bool)
    generated[0, :2], seen[0, :2] = True, True  # equal: 1
    generated[1, :2], seen[1, 1:3] = True, True  # half: 8 + 8 pixels, 4 shared: 0.5
    generated[2, :2] = True  # not seen: 0
    seen[3, :2] = True  # nothing drawn, something seen
    assert m.alignment(generated, seen) == {"dice": pytest.approx(0.5), "empty": 0.4}
    assert m.alignment(generated[3:], seen[3:]) == {"dice": None, "empty": 1.0}
    uneven = np.zeros((1, 4, 4), bool), np.ones((1, 4, 4), bool)
    uneven[0][0, 0] = True
    assert m.alignment(*uneven)["dice"] == pytest.approx(2 * 4 / 20)
    with pytest.raises(ValueError, match="one shape"):
        m.alignment(generated, seen[:1])
