"""The rule of two trials as jobs: against its closed forms, and on replicates."""

import numpy as np
import pytest

from lib.scores import rules


def test_null_cells_under_the_uncorrected_rule():
    found = rules.simulated([0.0] * 48, 0.02, 2, 3000, [0], correction="none").scores
    assert found["family_error"] == pytest.approx(1 - 0.95**48, abs=0.02)
    assert found["false_positive_rate"] == pytest.approx(0.05, abs=0.004)
    assert found["power"] is None and found["floor"] == pytest.approx(1 / 6)
    assert rules.simulated([0.0], 1.0, 2, 2, [0], "paired").scores["floor"] == 0.25


def test_the_largest_of_equal_gains_is_far_above_them():
    made = rules.simulated([0.02] * 48, 0.02, 2, 2000, [1])
    assert made.scores["largest"] == pytest.approx(0.065, abs=0.002)
    assert made.arrays["largest"].mean() == pytest.approx(made.scores["largest"])
    assert made.scores["true_largest"] == 0.02 and made.scores["family_error"] is None


def test_replicates_without_any_effect_change_sign_half_the_time():
    rng = np.random.default_rng(0)
    control, treatment = rng.normal(size=(2, 40, 60))
    treatment += control.mean(1, keepdims=True) - treatment.mean(1, keepdims=True) + 1e-9
    args = control.tolist(), treatment.tolist(), 2, 400, [0]
    found = rules.resampled(*args, correction="none").scores
    assert found["opposite"] == pytest.approx(0.5, abs=0.05)
    assert found["called"] == pytest.approx(0.05, abs=0.02)
    assert found["largest"] > 1 > found["all_largest"]
    clear = rules.resampled(control.tolist(), (control + 50).tolist(), *args[2:])
    assert clear.scores["opposite"] == 0 and clear.scores["all_largest"] == pytest.approx(50)
    assert clear.scores["called"] == pytest.approx(clear.arrays["called"].mean())
