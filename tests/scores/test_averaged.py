"""One value a draw from several seeds."""

import numpy as np
import pytest

from lib.jobs import Result
from lib.scores.averaged import over_seeds, over_splits


def run(auc, roc, **more):
    return Result({"roc": np.array(roc)}, {"auc": auc, "images": 40, "kind": "unet", **more})


def test_scores_and_curves_are_means_and_their_spread_is_told():
    found = over_seeds([run(0.7, [0.0, 0.5]), run(0.8, [0.2, 0.9]), run(0.9, [0.4, 1.0])])
    assert found.scores["auc"] == pytest.approx(0.8)
    assert found.scores["spread"]["auc"] == pytest.approx(0.1)
    np.testing.assert_allclose(found.arrays["roc"], [0.2, 0.8])
    kept = {name: found.scores[name] for name in ("images", "kind", "runs")}
    assert kept == {"images": 40, "kind": "unet", "runs": 3}


def test_what_one_run_leaves_undefined_is_undefined_and_words_must_agree():
    found = over_seeds([run(0.7, [0.0], dice=None), run(0.8, [0.2], dice=0.4)])
    assert found.scores["dice"] is None
    other = Result({"roc": np.zeros(1)}, {"auc": 1.0, "images": 40, "kind": "vnet"})
    with pytest.raises(ValueError, match="score 'kind' differs"):
        over_seeds([run(0.7, [0.0]), other])


def test_splits_give_mean_and_sd_and_none_where_one_is_undefined():
    found = over_splits([{"a": 1.0, "b": 2.0}, {"a": 2.0, "b": None}, {"a": 6.0, "b": 1.0}])
    assert found["mean"] == {"a": pytest.approx(3.0), "b": None}
    assert found["sd"] == {"a": pytest.approx(7**0.5), "b": None}
