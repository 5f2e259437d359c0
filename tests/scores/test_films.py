"""Scores of films against values by hand, and of pools against what is known of them."""

import numpy as np
import pytest
from toy_pools import changed, film_set, pool

from lib.controls import films as controls
from lib.jobs import Result
from lib.scores import films
from lib.tasks import film_reader

N = 100
REAL = film_set(240, 1)


@pytest.fixture(scope="module")
def reader():
    settings = {"findings": {"network": "small", "steps": 100, "batch": 16},
                "pneumothorax": {"steps": 50, "batch": 8}}  # fmt: skip
    return film_reader.reader_job([film_set(240, 2)], settings, [0])


def judged(made, reader):
    return films.judge(made, N, REAL, reader).scores


def test_a_faithful_pool_a_shuffled_one_and_one_of_nothing(reader):
    faithful = pool(N, 5)
    good = judged(faithful, reader)
    assert good["label_adherence"] > 0.9 and good["label_accuracy"] > 0.9
    assert good["label_accuracy_ratio"] == pytest.approx(1, abs=0.05)
    assert good["mask_adherence"] > 0.6 and good["hallucinated_findings"] < 0.1
    assert good["realism"] == pytest.approx(0.5, abs=0.12) and good["kid"] < 0.02
    wrong = judged(controls.shuffled(faithful, [0]), reader)
    assert wrong["label_accuracy"] == pytest.approx(0.5, abs=0.08)
    assert wrong["label_accuracy_above_chance"] == pytest.approx(0, abs=0.17)
    assert good["label_accuracy_above_chance"] == pytest.approx(1, abs=0.1)
    assert wrong["mask_adherence"] < good["mask_adherence"] - 0.3
    assert wrong["hallucination"] > 0.7 > good["hallucination"] + 0.2
    for same in ("fd", "kid", "realism", "coverage", "ball_coverage"):
        assert wrong[same] == pytest.approx(good[same]), "images are as they were"
    assert wrong["quality"] < good["quality"] - 0.15
    grey = changed(faithful, image=np.full_like(faithful.arrays["image"], 0.2))
    nothing = judged(grey, reader)
    assert nothing["realism"] < 0.05 and nothing["fd"] > 10 * good["fd"]
    assert nothing["ball_coverage"] < 0.1 < 0.8 < good["ball_coverage"]


def test_many_samples_are_judged_beside_few_films_and_each_as_among_few(reader):
    many, among = pool(N, 5), N // 2
    found = films.judge_each(many, N, REAL, among, reader).arrays
    assert {len(values) for values in found.values()} == {N}
    first = films.judge_each(many, 7, REAL, among, reader).arrays
    for name, values in first.items():
        np.testing.assert_allclose(values, found[name][:7], rtol=1e-6, err_msg=name)
    alike = films.judge(many, N, REAL, reader).arrays
    same = films.judge_each(many, N, REAL, N, reader).arrays
    assert alike.keys() == same.keys()
    for name, values in alike.items():
        np.testing.assert_array_equal(values, same[name], err_msg=name)


def test_without_masks_or_texts_what_they_define_is_none(reader):
    faithful = pool(N, 5)
    blank = changed(faithful, mask=np.zeros_like(faithful.arrays["mask"]))
    found = judged(blank, reader)
    assert found["mask_adherence"] is None and found["hallucinated_pixels"] is None
    tokens = np.zeros_like(faithful.arrays["tokens"])
    tokens[:, 0] = 1
    silent = judged(changed(blank, tokens=tokens), reader)
    for name in ("hallucination", "hallucinated_findings", "label_accuracy"):
        assert silent[name] is None and (name == "hallucination" or found[name] is not None)
    assert silent["label_accuracy_ratio"] is silent["label_accuracy_above_chance"] is None
    assert silent["label_adherence"] == found["label_adherence"]


def test_the_null_is_what_a_faithful_pool_reads(reader):
    null = films.null(REAL, N, reader, 4, [0]).scores
    good = judged(pool(N, 5), reader)
    assert null["mean"]["label_accuracy_ratio"] == pytest.approx(1, abs=0.03)
    assert null["mean"]["kid"] == pytest.approx(0, abs=0.01)
    for name in ("label_accuracy", "mask_adherence", "hallucination", "quality", "realism"):
        spread = 5 * null["sd"][name] + 0.06
        assert good[name] == pytest.approx(null["mean"][name], abs=spread), name
    again = films.null(REAL, N, reader, 4, [0]).scores
    assert again == null


def by_hand():
    """Three samples of two findings: all right; one missed, one made up; a mask without a text."""
    asked = np.array([[1, 0], [1, 0], [0, 1]], bool)
    seen = np.array([[1, 0], [0, 1], [1, 1]], bool)
    mask, lesion = np.zeros((2, 3, 4, 4), bool)
    mask[2, :2, :2], lesion[2, 1:3, :2] = True, True
    told = np.array([True, True, False])
    return films.Reading(asked, seen, seen.copy(), told, mask, lesion, np.zeros((3, 2)))


def test_values_of_each_sample_by_hand():
    found = films.per_sample(by_hand(), np.array([0.5, 0.25, 1.0]))
    nan = np.nan
    expected = {
        "adherence": [1, 0, 1], "dice": [nan, nan, 0.5], "fabricated": [0, 1, nan],
        "outside": [nan, nan, 0.5], "hallucination": [0, 1, 0], "faith": [1, 0, 0.75],
        "realism": [0.5, 0.25, 1], "quality": [0.75, 0.125, 0.875],
    }  # fmt: skip
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, nan_ok=True), name
    r = by_hand()
    r.sure[1] = False
    unsure = films.per_sample(r, np.zeros(3))
    assert unsure["fabricated"][1] == unsure["hallucination"][1] == 0
    assert unsure["adherence"][1] == 0, "what is asked for need not be sure"
    r = by_hand()
    r.lesion[2, 3] = True  # a row of four pixels far away: 6 of 8 are outside
    far = films.per_sample(r, np.zeros(3))
    assert far["outside"][2] == 0.75 and far["hallucination"][2] == 1
    r.lesion[2] = False
    missed = films.per_sample(r, np.zeros(3))
    assert missed["dice"][2] == 0 and missed["hallucination"][2] == 0


def test_balanced_accuracy_by_hand_and_off_only_where_a_text_says_so():
    asked = np.array([[1], [1], [0], [0], [0], [0]], bool)
    seen = np.array([[1], [0], [0], [0], [0], [1]], bool)
    told = np.array([1, 1, 1, 1, 1, 0], bool)
    assert films.balanced_accuracy(asked, seen, told) == pytest.approx([(0.5 + 1) / 2])
    told[-1] = True
    assert films.balanced_accuracy(asked, seen, told) == pytest.approx([(0.5 + 0.75) / 2])
    assert np.isnan(films.balanced_accuracy(asked[:2], seen[:2], told[:2])).all()


def test_realism_is_uniform_for_one_law_and_nothing_far_away():
    rng = np.random.default_rng(0)
    real, fresh = rng.normal(size=(800, 6)), rng.normal(size=(400, 6))
    found = films.realism(fresh, real)
    assert np.quantile(found, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.06)
    assert films.realism(fresh + 30, real).max() == 0
    assert films.realism(real[::2], real).min() == 1, "a copy looks real: memory is another score"
    scale = np.array([1, 10, 100, 1, 1, 0])
    assert films.realism(fresh * scale, real * scale)[:50] == pytest.approx(
        films.realism((fresh * scale)[:, :5], (real * scale)[:, :5])[:50]
    )


def score_truth(shown, values, asked=None):
    """Scores of a pool's samples; asked: one number for each text, by default one for all."""
    asked = np.zeros(len(values)) if asked is None else np.asarray(asked)
    pool = Result({"tokens": np.stack([asked, np.ones(len(asked))], 1)})
    similarity = Result({"similarity": np.asarray(values, float)})
    return films.score_truth(pool, Result({"adherence": np.asarray(shown)}), similarity).scores


def test_a_proxy_that_knows_reads_one_and_chance_reads_a_half():
    shown = np.array([1, 0.5, 0, 1, np.nan, 1, 0, 0.5])
    known = np.nan_to_num(shown)
    assert score_truth(shown, known)["score_truth_auc"] == 1
    assert score_truth(shown, -known) == pytest.approx(
        {"score_truth_auc": 0, "score_truth_auc_pooled": 0, "score_truth_rank": -1,
         "adherent": 3 / 7}
    )  # fmt: skip
    assert score_truth(shown, np.zeros(8))["score_truth_auc"] == 0.5
    assert score_truth(shown, np.zeros(8))["score_truth_rank"] is None
    assert score_truth(np.ones(3), shown[:3]) == {
        "score_truth_auc": None, "score_truth_auc_pooled": None, "score_truth_rank": None,
        "adherent": 1,
    }  # fmt: skip
    assert score_truth([np.nan], [0.1])["score_truth_auc"] is None
    with pytest.raises(ValueError, match="3 similarities of 8 samples"):
        score_truth(shown, [1, 2, 3], np.zeros(8))


def test_a_proxy_that_knows_texts_alone_reads_a_half_within_each():
    """One text is answered well, the other badly: its score by text is right over all, no more."""
    rng = np.random.default_rng(0)
    asked = np.arange(400) % 2
    shown = (rng.random(400) < np.where(asked, 0.9, 0.1)).astype(float)
    by_text = score_truth(shown, asked, asked)
    assert by_text["score_truth_auc"] == 0.5 and by_text["score_truth_auc_pooled"] > 0.85
    knows = score_truth(shown, shown - 10 * asked, asked)
    assert knows["score_truth_auc"] == 1 and knows["score_truth_auc_pooled"] < 0.5


def test_a_text_that_is_always_right_or_never_is_left_out():
    asked = [0, 0, 0, 1, 1, 2, 2]
    found = score_truth([1, 0, 0, 1, 1, 0, 0], [3, 1, 2, 9, 9, 0, 0], asked)
    assert found["score_truth_auc"] == 1
    assert score_truth([1, 0, 0, 1], [1, 3, 2, 2], [0, 0, 0, 1])["score_truth_auc"] == 0
    assert score_truth([1, 1, 0, 0], [1, 2, 3, 4], [0, 0, 1, 1])["score_truth_auc"] is None


def arm_of(columns, validation, test):
    arrays = {"probability/validation": validation, "probability/test": test}
    return Result(arrays, {"columns": columns, "images": 10, "steps": 3})


def test_a_classifier_s_threshold_is_of_validation_alone():
    rng = np.random.default_rng(0)
    sets = film_set(200, 3), film_set(300, 4)
    columns = [0, 4]
    p, q = (np.clip(0.3 * s.arrays["labels"][:, columns] + 0.3 * rng.random((len(
        s.arrays["labels"]), 2)), 0, 1).astype(np.float32) for s in sets)  # fmt: skip
    base = films.classified(arm_of(columns, p, q), *sets)
    assert base.scores["f1_macro"] < 0.6 < 0.98 < base.scores["f1_macro_tuned"]
    moved = films.classified(arm_of(columns, p + 0.35, q), *sets).scores
    assert moved["f1_macro"] == base.scores["f1_macro"]
    assert moved["f1_macro_tuned"] < base.scores["f1_macro_tuned"] - 0.2
    assert {"f1_atelectasis", "f1_pleural_effusion", "auc_macro", "steps"} <= set(base.scores)
    assert base.arrays["f1"][1] == base.scores["f1_pleural_effusion"]
    assert base.arrays["prevalence"] == pytest.approx(sets[1].arrays["labels"][:, columns].mean(0))
    one = films.classified(arm_of([4], p[:, 1:], q[:, 1:]), *sets).scores
    assert one["f1"] == base.scores["f1_pleural_effusion"]


def test_the_slope_of_gains_is_between_arms():
    share = np.array([0.05, 0.2, 0.4])
    low = Result({"f1": np.array([0.1, 0.2, 0.3]), "prevalence": share})
    high = Result({"f1": low.arrays["f1"] + 0.3 - 0.6 * share, "prevalence": share})
    assert films.gained(high, low).scores["gain_slope"] == pytest.approx(-0.6)
    holed = Result({"f1": np.array([0.1, np.nan, 0.3]), "prevalence": share})
    assert films.gained(holed, low).scores["gain_slope"] is None


def test_dice_of_positives_and_of_all_by_hand():
    counts = np.array([[[5, 10, 10]], [[0, 0, 4]], [[0, 0, 0]], [[0, 3, 0]]])
    found = films.segmented(Result({"counts": counts}, {"images": 4, "steps": 1}))
    assert found.scores == {"dice": 0.25, "dice_all": (0.5 + 0 + 1 + 0) / 4,
                            "false_positive_rate": 0.5, "images": 4, "steps": 1}  # fmt: skip
    assert found.arrays["dice"] == pytest.approx([0.5, 0, np.nan, np.nan], nan_ok=True)
    free = films.segmented(Result({"counts": counts[2:]})).scores
    assert free == {"dice": None, "dice_all": 0.5, "false_positive_rate": 0.5}
    full = films.segmented(Result({"counts": counts[:2]})).scores
    assert full["false_positive_rate"] is None and full["dice_all"] == full["dice"] == 0.25
