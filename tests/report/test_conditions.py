"""What films show of what they were asked for, on a scale with chance and on one without."""

import numpy as np
import pytest
from toy_films import film_set

from lib.papers.controlnet.study import study
from lib.papers.controlnet.tables import TABLES
from lib.profiles import QUICK, Plan
from lib.report import conditions
from lib.report.rows import Regime
from lib.scores import films as scores


def page_rows(**arms: dict[str, tuple[float, ...]]) -> Regime:
    """Rows {arm: {metric: one value a draw}}; every arm has been judged."""
    rows = []
    for arm, found in arms.items():
        for metric, values in ({"coverage": (0.9,) * 2} | found).items():
            draws = {f"0/{k}": x for k, x in enumerate(values)}
            row = {"arm": arm, "metric": metric, "draws": draws}
            row["values"] = [x for x in values if x is not None]
            row["null"] = 0.5 if metric == "label_adherence" else None
            rows.append(row)
    return Regime("bare", rows)


BEST = 0.8  # of the reader on real films


def labels(*accuracy: float) -> dict[str, tuple[float, ...]]:
    return {"label_accuracy": accuracy, "label_accuracy_ratio": tuple(x / BEST for x in accuracy),
            "label_adherence": tuple(x - 0.3 for x in accuracy)}  # fmt: skip


def test_films_of_anything_are_not_above_chance_though_their_ratio_is_high():
    (found,) = conditions.adherences(page_rows(text_only=labels(0.5, 0.5)))
    assert found.plain == found.chance == pytest.approx(0.625) and found.above == 0
    assert found.findings == pytest.approx(0.4) and found.dice is None
    plain, rise = conditions.said([found])
    assert "chance reads 0.62" in plain and "not met by Text alone (T2I): 0.625" in plain
    assert "not met by Text alone (T2I): 0" in rise


def test_a_condition_may_meet_the_bar_by_chance_alone():
    at = page_rows(
        fresh=labels(0.8, 0.8), text_only=labels(0.7, 0.74), text_and_mask=labels(0.79, 0.79),
        mask_only={"label_accuracy": (None, None), "mask_adherence": (0.5, 0.6)},
    )  # fmt: skip
    fresh, text, mask, both = conditions.adherences(at)
    assert fresh.above == pytest.approx(1) and text.above == pytest.approx(0.22 / 0.3)
    assert text.plain == pytest.approx(0.9) and both.above == pytest.approx(0.29 / 0.3)
    assert mask[1:5] == (None,) * 4 and mask.dice == pytest.approx(0.55)
    plain, rise, dice = conditions.said([fresh, text, mask, both])
    assert "not met" not in plain and "Fresh" not in plain
    assert "met by Text and mask (TM2I): 0.967; not met by Text alone (T2I): 0.733" in rise
    assert dice.endswith("not met by Mask alone (M2I): 0.550.")


def test_one_name_is_held_against_fresh_films_of_one_name():
    at = page_rows(syn={"name_accuracy": (0.65, 0.6)}, fresh={"name_accuracy": (0.7, 0.75)})
    found = conditions.adherences(at)[-1]
    assert found.label.startswith("One name")
    assert found.above == pytest.approx(np.mean([0.15 / 0.2, 0.1 / 0.25]))
    assert found.plain == pytest.approx(np.mean([0.65 / 0.7, 0.6 / 0.75]))


def test_what_follows_from_a_ratio_is_the_score_that_the_job_gives():
    rng = np.random.default_rng(3)
    arrays = film_set(60, rng).arrays
    seen = rng.random((60, 9)) < 0.3 + 0.3 * arrays["labels"]
    mask = np.zeros((60, 4, 4), bool)
    mask[:, 0, 0] = True
    parts = arrays["labels"] > 0, np.ones(60, bool), mask, mask, rng.random((60, 5))
    asked, told, wanted, lesion, features = parts
    one, real = (scores.Reading(asked, x, x, told, wanted, lesion, features)
                 for x in (seen, asked & (rng.random((60, 9)) < 0.9)))  # fmt: skip
    found = scores.measures(one, real)[1]
    own = {m: (found[m],) for m in ("label_accuracy", "label_accuracy_ratio", "label_adherence")}
    (text,) = conditions.adherences(page_rows(text_only=own))
    assert text.above == pytest.approx(found["label_accuracy_above_chance"])


def test_the_generator_s_table_has_a_row_above_chance():
    at = study(Plan(QUICK))
    rows = {(s.arm.name, m) for s in TABLES["01_generator"].scores(at) for m in s.paths}
    for arm in ("text_only", "mask_only", "text_and_mask"):
        assert (arm, "label_accuracy_above_chance") in rows
