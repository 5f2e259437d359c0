"""Heat maps against masks, and confusion matrices: independent oracles and empty cases."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from lib.jobs import Result
from lib.metrics.localisation import pixel_auroc, pointing
from lib.scores import confusion, heatmaps
from lib.scores import images as scores

RNG = np.random.default_rng


def random_masks(n=12, seed=0, share=0.2):
    masks = RNG(seed).random((n, 9, 8)) < share
    masks[:, 0, 0], masks[:, 1, 1] = True, False
    return masks


# ---- pixel AUROC and pointing ----


def test_pixel_auroc_is_sklearns():
    masks = random_masks()
    maps = RNG(1).random(masks.shape).round(1) + 0.2 * masks  # ties count
    expected = [roc_auc_score(m.ravel(), x.ravel()) for m, x in zip(masks, maps, strict=True)]
    np.testing.assert_allclose(pixel_auroc(maps, masks), expected, atol=1e-12)
    np.testing.assert_allclose(pixel_auroc(-maps, masks), 1 - np.array(expected), atol=1e-12)
    assert (pixel_auroc(masks.astype(float), masks) == 1).all()
    assert pixel_auroc(np.ones(masks.shape), masks) == pytest.approx(0.5)


def test_pointing_is_where_the_maximum_lies():
    masks, maps = random_masks(), RNG(2).random((12, 9, 8))
    expected = []
    for mask, map_ in zip(masks, maps, strict=True):
        cells = [(map_[r, c], mask[r, c]) for r in range(9) for c in range(8)]
        expected.append(max(cells)[1])
    assert np.array_equal(pointing(maps, masks), expected)
    assert pointing(masks.astype(float), masks).all() and not pointing(-1.0 * masks, masks).any()


def test_the_chance_of_pointing_is_the_share_of_the_mask():
    masks = random_masks(3000, share=0.3)
    assert pointing(RNG(3).random(masks.shape), masks).mean() == pytest.approx(
        masks.mean(), abs=0.03
    )


@pytest.mark.parametrize("score", [pixel_auroc, pointing])
def test_masks_that_cannot_be_scored_are_named(score):
    masks = random_masks()
    masks[5] = False
    with pytest.raises(ValueError, match="mask 5 is empty or full"):
        score(np.zeros(masks.shape), masks)
    masks[5] = True
    with pytest.raises(ValueError, match="mask 5 is empty or full"):
        score(np.zeros(masks.shape), masks)
    with pytest.raises(ValueError, match=r"must both be \(N, H, W\)"):
        score(np.zeros((12, 9, 9)), masks)


# ---- template differences ----


def planted(n, sick_grey, seed=0, noise=0.02):
    """Flat images, a square lesion in the right half (label 1) or the left (2); healthy twins."""
    rng = RNG(seed)
    label = np.tile([0, 1, 0, 2], n // 4)
    mask = np.zeros((n, 16, 16), bool)
    for i in np.flatnonzero(label):
        row, column = rng.integers(2, 10), rng.integers(1, 4) + 8 * (label[i] == 1)
        mask[i, row : row + 4, column : column + 4] = True
    healthy = (0.5 + noise * rng.standard_normal(mask.shape)).astype(np.float32)
    image = healthy + np.float32(sick_grey) * mask
    return Result({"image": image, "label": label, "mask": mask}, {}), Result(
        {"image": healthy}, {}
    )


def test_templates_are_class_means():
    images, labels = RNG(0).random((6, 4, 4)), np.array([2, 0, 1, 0, 2, 1])
    found = heatmaps.templates(images, labels)
    np.testing.assert_allclose(found[2], (images[0] + images[4]) / 2)
    assert found.shape == (3, 4, 4)


def test_every_kind_of_map_is_the_difference_it_names():
    x, y = np.array([[[0.2]], [[0.9]]]), np.array([1, 2])
    means, where = np.array([[[0.5]], [[0.4]], [[0.1]]]), np.array([[[0.0]], [[0.7]], [[0.3]]])
    found = heatmaps.maps_of(x, y, means, where, np.array([[[0.15]], [[0.8]]]))
    expected = {
        "heatmap": [0.2, 0.8],
        "heatmap_healthy": [0.3, 0.4],
        "place": [0.7, 0.3],
        "counterfactual": [0.05, 0.1],
    }
    for name, maps in found.items():
        np.testing.assert_allclose(maps.ravel(), expected.pop(name), err_msg=name)
    assert not expected


def test_planted_lesions_are_found_and_their_mirror_is_not():
    train, _ = planted(200, 0.4, seed=1)
    test, healthy = planted(80, 0.4, seed=2)
    found = heatmaps.score(train, 200, test, healthy, 80, 3)
    s = found.scores
    assert s["counterfactual"] == {"pixel_auroc": 1, "pointing": 1}
    assert s["heatmap_healthy"]["pixel_auroc"] > 0.99 and s["heatmap_healthy"]["pointing"] == 1
    assert s["heatmap"]["pixel_auroc"] > 0.95 and s["heatmap"]["pointing"] == 1
    assert s["mirrored"]["pointing"] == 0 and s["mirrored"]["pixel_auroc"] < 0.55
    assert s["chance"]["pointing"] == pytest.approx(16 / 256)
    assert s["place"]["pixel_auroc"] > 0.7, "the place alone is worth much: it knows the label"


def test_nothing_is_found_where_no_lesion_shows():
    train, _ = planted(200, 0.0, seed=1)
    test, healthy = planted(400, 0.0, seed=2)
    s = heatmaps.score(train, 200, test, healthy, 400, 0).scores
    for arm in ("heatmap", "heatmap_healthy", "mirrored"):
        assert s[arm]["pixel_auroc"] == pytest.approx(0.5, abs=0.02), arm
        assert s[arm]["pointing"] == pytest.approx(s["chance"]["pointing"], abs=0.05), arm


def test_on_symmetric_maps_the_mirrored_control_reads_the_same():
    train, _ = planted(40, 0.0, seed=1, noise=0.0)
    test, healthy = planted(40, 0.0, seed=2)
    image = test.arrays["image"]
    both_sides = Result(test.arrays | {"image": image + image[:, :, ::-1]}, {})
    s = heatmaps.score(train, 40, both_sides, healthy, 40, 0).scores
    assert s["heatmap"]["pixel_auroc"] == pytest.approx(s["mirrored"]["pixel_auroc"])


def test_only_sick_images_among_the_first_m_count_and_are_shown():
    train, _ = planted(40, 0.4, seed=1)
    test, healthy = planted(40, 0.4, seed=2)
    spoiled = {name: column.copy() for name, column in test.arrays.items()}
    spoiled["image"][20:] = 0  # beyond m
    spoiled["image"][:20][spoiled["label"][:20] == 0] = 9  # healthy
    args = (healthy, 20, 4)
    a = heatmaps.score(train, 40, test, *args)
    b = heatmaps.score(train, 40, Result(spoiled, {}), *args)
    assert a.scores == b.scores
    assert a.arrays["image"].shape == (4, 16, 16) and a.arrays["label"].all()
    sick = np.flatnonzero(test.arrays["label"])[:4]
    assert np.array_equal(a.arrays["mask"], test.arrays["mask"][sick])
    gap = np.abs(test.arrays["image"] - healthy.arrays["image"])[sick]
    assert np.array_equal(a.arrays["map/counterfactual"], gap)


# ---- confusion ----


def predicted(n=800, seed=0, skill=1.5):
    """Three-class probabilities with some skill, and their labels."""
    rng = RNG(seed)
    label = np.tile([0, 1, 0, 2], n // 4)
    logits = rng.standard_normal((n, 3)) + skill * np.eye(3)[label]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return p.astype(np.float32), label


@pytest.fixture(scope="module")
def arm():
    (p_validation, y_validation), (p, y) = predicted(seed=1), predicted(seed=2)
    made = Result({"probability/validation": p_validation, "probability/test": p}, {})
    return made, Result({"label": y_validation}, {}), Result({"label": y}, {})


def test_rows_of_the_matrix_are_the_true_classes(arm):
    found = confusion.at_specificity(*arm, 0.95)
    matrix = found.arrays["matrix"]
    assert matrix.sum(1).tolist() == [400, 200, 200]
    assert (matrix.diagonal() >= matrix.max(1) * 0.4).all() and matrix[1, 1] > matrix[1, 2]


def test_collapsed_to_two_classes_it_is_the_operating_point_of_utility(arm):
    found = confusion.at_specificity(*arm, 0.95)
    point = scores.utility(*arm, [0]).scores
    healthy, sick = found.arrays["matrix"][0], found.arrays["matrix"][1:]
    assert healthy[0] / healthy.sum() == pytest.approx(point["spec95"], abs=1e-9)
    assert sick[:, 1:].sum() / sick.sum() == pytest.approx(point["sens95"], abs=1e-9)
    assert found.scores["specificity"] == pytest.approx(point["spec95"], abs=1e-9)
    assert found.scores["sensitivity"] == pytest.approx(point["sens95"], abs=1e-9)


def test_the_threshold_comes_from_validation_and_moves_with_the_target(arm):
    made, validation, _ = arm
    low, high = (confusion.at_specificity(*arm, t).scores for t in (0.5, 0.99))
    assert low["threshold"] < high["threshold"] and low["sensitivity"] > high["sensitivity"]
    p = made.arrays["probability/validation"]
    negatives = 1 - p[validation.arrays["label"] == 0, 0].astype(float)
    assert (negatives <= high["threshold"]).mean() >= 0.99


def test_a_case_is_sick_above_the_threshold_only():
    p = np.array([[0.5, 0.3, 0.2], [0.49, 0.2, 0.31], [1.0, 0, 0], [0, 1, 0]])
    assert confusion.decide(p, 0.5).tolist() == [0, 2, 0, 1]


def test_recall_and_auc_of_every_class(arm):
    made, _, test = arm
    found = confusion.per_class(made, test).scores
    p, y = made.arrays["probability/test"], test.arrays["label"]
    for c in range(3):
        right = sum(1 for row, truth in zip(p, y, strict=True) if truth == c and row.argmax() == c)
        assert found[f"recall_{c}"] == pytest.approx(right / (y == c).sum())
        assert found[f"auc_{c}"] == pytest.approx(roc_auc_score(y == c, p[:, c]))
    sure = Result({"probability/test": np.eye(3, dtype=np.float32)[y]}, {})
    assert set(confusion.per_class(sure, test).scores.values()) == {1.0}
