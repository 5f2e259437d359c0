"""Films by other recipes of the sampler: the same films at the base's own, others at others."""

import numpy as np
import pytest
from toy_films import film_set

from lib.generators import controlnet, paced, requests, textual
from lib.jobs import Result

STEPS = 3


@pytest.fixture(scope="module")
def fitted():
    films = film_set(12, np.random.default_rng(0))
    coder = textual.coder_job(films, {"steps": 2, "batch": 4, "widths": [8, 8]}, [1])
    settings = {"steps": 2, "batch": 4, "widths": [8, 16, 16], "text": 16, "sampler_steps": STEPS}
    base = textual.base_job(films, coder, settings, [2])
    branch = controlnet.branch_job(films, base, {"steps": 2, "batch": 4}, [3])
    return base, branch, requests.mixed_requests(["edema", "pneumothorax"], films, 8, [4])


def test_the_base_s_own_recipe_draws_the_films_of_every_pool(fitted):
    plain = controlnet.pool(*fitted, 4, [5])
    same = paced.pool(*fitted, 4, [5], STEPS, None)
    np.testing.assert_array_equal(same.arrays["image"], plain.arrays["image"])
    assert same.scores["steps"] == STEPS and same.scores["milliseconds"] > 0


def test_steps_and_guidance_are_those_asked_for(fitted):
    films = {how: paced.pool(*fitted, 2, [5], *how).arrays["image"]
             for how in ((STEPS, 2.0), (STEPS + 2, 2.0), (STEPS, 1.0))}  # fmt: skip
    base, *rest = fitted
    longer = base.scores["settings"] | {"sampler_steps": STEPS + 2}
    other = Result(base.arrays, base.scores | {"settings": longer})
    again = controlnet.pool(other, *rest, 2, [5], guidance=2.0)
    np.testing.assert_array_equal(films[STEPS + 2, 2.0], again.arrays["image"])
    told = controlnet.pool(*fitted, 2, [5], guidance=1.0)
    np.testing.assert_array_equal(films[STEPS, 1.0], told.arrays["image"])
    assert len({each.tobytes() for each in films.values()}) == 3
    assert base.scores["settings"]["sampler_steps"] == STEPS, "the base stays as it was"
    with pytest.raises(ValueError, match="steps is 0"):
        paced.pool(*fitted, 2, [5], 0, 2.0)
