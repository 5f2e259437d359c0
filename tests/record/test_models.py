"""Fitted generators in the record: what is kept comes back, and says whose code made it."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from lib import machine, paths
from lib.generators import hvae
from lib.jobs import Job, Result
from lib.record import models


def fit(steps: int) -> Result:
    """A job like a generator's fit."""
    return Result({"net/weight": np.full((3, 2), steps / 3), "step": np.array(steps)},
                  {"settings": {"latent": 8, "beta": 0.5}, "losses": [1.0, None]})  # fmt: skip


@pytest.fixture
def kept(tmp_path, monkeypatch):
    """The job whose result is in the record as `toy/vae`, and the file."""
    monkeypatch.setattr(paths, "RECORD", tmp_path)
    job = Job(fit, steps=2)
    return job, models.save("toy/vae", job, fit(2))


def test_what_is_kept_comes_back(kept):
    job, file = kept
    found, where = models.load("toy/vae", job)
    assert where == "record" and file == paths.RECORD / "models" / "toy" / "vae.safetensors"
    assert found.scores == fit(2).scores and found.arrays.keys() == fit(2).arrays.keys()
    for name, values in fit(2).arrays.items():
        assert found.arrays[name].dtype == values.dtype and found.arrays[name].shape == values.shape
        assert np.array_equal(found.arrays[name], values)


def test_record_knows_what_it_has(kept):
    assert models.has("toy/vae") and not models.has("toy/gan")


def test_a_model_of_other_code_or_settings_says_so(kept):
    assert models.load("toy/vae", Job(fit, steps=3))[1] == "record, of other code or seed"
    elsewhere, here = (Job(fit, steps=machine.Chosen(each)) for each in machine.PRECISIONS)
    models.save("toy/vae", elsewhere, fit(2))
    assert models.load("toy/vae", here)[1] == "record", "of another processor"


def test_a_model_enters_the_record_once(kept, tmp_path, monkeypatch):
    """The same key leaves the file alone; another key, or a damaged file, is replaced."""
    job, file = kept
    monkeypatch.setattr(paths, "METRICS", tmp_path / "metrics")
    models.save("toy/vae", job, fit(2), root=paths.METRICS)
    before = file.stat().st_mtime_ns
    assert models.keep("toy") == [] and file.stat().st_mtime_ns == before
    other = Job(fit, steps=3)
    models.save("toy/vae", other, fit(3), root=paths.METRICS)
    assert models.keep("toy") == ["vae"] and models.load("toy/vae", other)[1] == "record"
    file.write_bytes(b"x" * 200)
    assert models.keep("toy") == ["vae"] and models.load("toy/vae", other)[1] == "record"


def test_halved_arrays_come_back_as_float32(kept):
    job, file = kept
    whole = file.stat().st_size
    models.save("toy/vae", job, fit(2), half=["net/weight"])
    found, _ = models.load("toy/vae", job)
    assert found.arrays["net/weight"].dtype == np.float32 and file.stat().st_size < whole
    assert np.allclose(found.arrays["net/weight"], 2 / 3, rtol=1e-3)
    assert np.array_equal(found.arrays["step"], 2)


def test_a_missing_or_damaged_model_is_told_in_one_sentence(kept):
    job, file = kept
    with pytest.raises(models.RecordError, match=r"no fitted model toy/gan; .*--refit toy\.$"):
        models.load("toy/gan", job)
    for text in (file.read_bytes()[:40], b"", b"x" * 200):
        file.write_bytes(text)
        with pytest.raises(models.RecordError, match=r"vae.safetensors is damaged; restore it"):
            models.load("toy/vae", job)


def test_weights_suit_where_the_module_that_made_them_loads_them():
    image = np.random.default_rng(0).random((8, 64, 64), dtype=np.float32)
    settings = asdict(replace(hvae.VAE, steps=1, warm_up=1, batch=2))
    data = Result({"image": image, "mask": image > 0.5})
    job = Job(hvae.fit_job, data=Job(fit, steps=1), guide=None, settings=settings, stream=[0])
    made = hvae.fit_job(data, None, settings, [0])
    assert models.suits(job, made)
    fewer = {k: v for k, v in made.arrays.items() if k != "model/log_sd"}
    assert not models.suits(job, Result(fewer, made.scores))
    other = {"settings": made.scores["settings"] | {"gone": 1}}
    assert not models.suits(job, Result(made.arrays, other))
    elsewhere = {"settings": made.scores["settings"] | {"precision": "bfloat16"}}
    assert models.suits(job, Result(made.arrays, elsewhere)), "the processor's choice"
    learned = {"settings": made.scores["settings"] | {"sd_rate": 5.0}}
    assert not models.suits(job, Result(made.arrays, learned)), "another model of the same shapes"
