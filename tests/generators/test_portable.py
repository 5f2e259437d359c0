"""A packed ControlNet draws what the whole one draws, and carries no snapshot."""

import numpy as np
import pytest
import toy_films

from lib.generators import controlnet, portable, requests, starts, textual

STREAM = [7, 7]


@pytest.fixture(scope="module")
def whole():
    """A base and a branch after two steps, and the films that they saw."""
    films = toy_films.film_set(12, np.random.default_rng(0), share=0.6)
    short = {"steps": 2, "batch": 4, "precision": "float32"}
    coder = textual.coder_job(films, short, STREAM)
    small = {"widths": [16, 16, 16], "text": 16, "sampler_steps": 2}
    base = textual.base_job(films, coder, short | small, STREAM)
    branch = controlnet.branch_job(films, base, {"steps": 2, "batch": 4, "snapshots": [2]}, STREAM)
    return films, base, branch


def test_a_packed_model_draws_the_same_films(whole):
    films, base, branch = whole
    asked = requests.film_requests(films, "TM2I", 3)
    packed = portable.packed(base, branch)
    assert sum(x.nbytes for x in packed.arrays.values()) < sum(
        x.nbytes for part in (base, branch) for x in part.arrays.values())  # fmt: skip
    assert not [name for name in packed.arrays if name.startswith("step ")]
    pools = [controlnet.pool(*pair, asked, 3, STREAM).arrays["image"]
             for pair in ((base, branch), portable.parts(packed))]  # fmt: skip
    assert np.array_equal(*pools)
    assert isinstance(portable.load(packed), controlnet.ControlNet)


def test_a_zero_start_draws_what_the_base_draws_and_a_usual_one_does_not(whole):
    films, base, _ = whole
    found = starts.compared(base, films, films, 2, STREAM)
    a = found.arrays
    assert np.array_equal(a["image_base"], a["image_zero"])
    assert a["error_zero"][0] == found.scores["error_base"] != a["error_usual"][0]
    assert a["step"].tolist() == [0, 2]
    again = starts.compared(base, films, films, 2, STREAM)
    assert all(np.array_equal(x, again.arrays[name]) for name, x in a.items())
