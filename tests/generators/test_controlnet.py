"""The base and its branch: what starts as nothing, what stays frozen, what "no condition" means."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from conftest import ROOT
from toy_films import film_set

from lib.generators import controlnet, diffusion, requests, textual
from lib.generators.controlnet import BranchSettings
from lib.generators.textual import BaseSettings, CoderSettings, TextToFilm
from lib.jobs import Result
from lib.networks.textual import EncoderHalf, mean_vector
from lib.phantoms import reports
from lib.phantoms.findings import FINDINGS
from lib.training import loop as tr
from lib.training.weights import seeded

CODER = {"steps": 30, "batch": 4, "widths": [8, 8]}
BASE = {"steps": 8, "batch": 8, "widths": [8, 16, 16], "text": 16, "sampler_steps": 3}
BRANCH = {"steps": 4, "batch": 4, "snapshots": [2]}


@pytest.fixture(scope="module", autouse=True)
def often():
    """States come every second step, so that a few steps have snapshots."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (textual, controlnet):
            patch.setattr(module, "EVERY", 2)
        yield


@pytest.fixture(scope="module")
def films():
    return film_set(24, np.random.default_rng(0))


@pytest.fixture(scope="module")
def coder(films):
    return textual.coder_job(films, CODER, [1])


@pytest.fixture(scope="module")
def base(films, coder):
    return textual.base_job(films, coder, BASE, [2])


@pytest.fixture(scope="module")
def branch(films, base):
    return controlnet.branch_job(films, base, BRANCH, [3])


@pytest.fixture(scope="module")
def asked(films):
    return requests.mixed_requests(["edema", "pneumothorax"], films, 60, [4])


def inputs(n=3, seed=0):
    """Noisy latents, steps, a text and a mask, and the two conditions that are none."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, 4, 16, 16, generator=generator)
    t = torch.tensor([10, 500, 990])[:n]
    text = torch.from_numpy(reports.tokens("left pneumothorax")).repeat(n, 1)
    mask = controlnet.black(n)
    mask[:, :, 20:30, 40:50] = 1
    return x, t, text, mask


def moved(model, seed=0):
    """The model with weights of no special value, so that nothing is zero by its start alone."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    return model


def settings(**changes):
    sizes = {k: tuple(v) if isinstance(v, list) else v for k, v in (BASE | changes).items()}
    return BaseSettings(**sizes)


# ---- coder --------------------------------------------------------------------------------------


def test_latents_of_the_training_films_have_mean_0_and_deviation_1(films, coder):
    model = textual.restored_coder(coder)
    z = model.encode(textual.planes(films.arrays["image"]))
    torch.testing.assert_close(z.mean((0, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(z.std((0, 2, 3), correction=0), torch.ones(4), atol=1e-4, rtol=0)
    assert torch.equal(z, model.encode(textual.planes(films.arrays["image"])))  # a mean, no draw


def test_an_untrained_coder_gives_a_film_back_at_half_its_resolution(films):
    model = seeded(lambda: textual.FilmCoder(CoderSettings(widths=(8, 8))),
                   np.random.default_rng(0))  # fmt: skip
    flat = torch.linspace(0, 1, 5).view(5, 1, 1, 1).expand(5, 1, 64, 64)
    torch.testing.assert_close(model.decode(model.encode(flat)), flat, atol=1e-5, rtol=0)


def test_the_noise_to_add_is_what_the_reconstructions_lack():
    grey = textual.observation.GREYS
    wanted, present = (textual.Noise(np.full(len(grey), sd), 0.5) for sd in (0.05, 0.03))
    np.testing.assert_allclose(textual.missing(wanted, present).sd, 0.04)
    np.testing.assert_allclose(textual.missing(present, wanted).sd, 0)


def test_burnt_out_parts_do_not_pass_for_films_without_noise():
    rng = np.random.default_rng(0)
    image = (0.5 + 0.03 * rng.standard_normal((20, 64, 64))).clip(0, 1).astype(np.float32)
    image[:, 40:] = 1
    found = textual.observation.estimate(textual.exposed(image))
    assert found.sd[10] == pytest.approx(0.03, rel=0.25)


@pytest.mark.parametrize("image", [np.zeros((2, 32, 32)), np.full((2, 64, 64), 1.5)])
def test_films_of_another_size_or_range_are_refused(image):
    with pytest.raises(ValueError, match=r"^image has "):
        textual.planes(image)


# ---- text ---------------------------------------------------------------------------------------


def test_no_text_and_padding_are_zero_vectors_whatever_the_weights():
    model = moved(TextToFilm(settings()))
    vectors = model.vectors(textual.no_text(2))
    assert torch.equal(vectors, torch.zeros_like(vectors))
    text = torch.from_numpy(reports.tokens("left pneumothorax"))[None]
    vectors = model.vectors(text)
    assert vectors[:, :2].abs().min() > 0 and not vectors[:, 2:].any()
    torch.testing.assert_close(mean_vector(vectors), vectors[:, :2].mean(1))


def test_padding_does_not_change_what_the_words_say():
    encoder = moved(TextToFilm(settings())).text
    text = torch.from_numpy(reports.tokens("left pneumothorax"))[None]
    short = encoder.place.weight.data[:2].clone()
    shorter = type(encoder)(len(reports.VOCABULARY), 2, 16)
    state = encoder.state_dict() | {"place.weight": short}
    shorter.load_state_dict(state)
    torch.testing.assert_close(encoder(text)[:, :2], shorter(text[:, :2]))


def test_texts_are_dropped_and_shortened_in_the_shares_asked_for():
    n = 4000
    said = {"report": "mild edema", "caption": "Normal", "names": "edema"}
    texts = {k: torch.from_numpy(reports.tokens(text)).repeat(n, 1) for k, text in said.items()}
    s = settings(text_drop=0.2, caption_share=0.25, name_share=0.4)
    text = textual.chosen_text(texts, s, torch.Generator().manual_seed(0))

    def share(of):
        return (text == of).all(1).float().mean().item()

    assert share(textual.no_text(n)) == pytest.approx(0.2, abs=0.02)
    for kind, wanted in (("report", 0.35), ("caption", 0.25), ("names", 0.4)):
        assert share(texts[kind]) == pytest.approx(0.8 * wanted, abs=0.02), kind


def test_a_film_is_also_told_by_the_bare_names_of_its_findings(films):
    texts = textual.written(films)
    assert set(texts) == {"report", "caption", "names"}
    for row, labels in zip(texts["names"].numpy(), films.arrays["labels"], strict=True):
        shown = [name for name, is_on in zip(FINDINGS, labels, strict=True) if is_on]
        assert reports.words(row) == (" . ".join(shown) or reports.NORMAL)
    pool = Result({name: films.arrays[name] for name in ("tokens", "labels")}, {})
    assert set(textual.written(pool)) == {"report"}


# ---- guidance -----------------------------------------------------------------------------------


def test_guidance_1_is_the_condition_alone_and_0_is_none():
    base = settings(precision="float32")
    model = moved(controlnet.ControlNet(base, BranchSettings())).eval()
    x, t, text, mask = inputs()
    t = t[:1].repeat(3)
    with torch.no_grad():
        def x0(said):
            return diffusion.parts(model.schedule, "v", said, x, t)[0]

        alone = x0(model.say(x, t, text, mask))
        free = x0(model.say(x, t, textual.no_text(3), controlnet.black(3)))
        for guidance in (0, 1, 1.000001, 3):
            found, _ = model.guided(text, mask, guidance)(x, t)
            expected = free + guidance * (alone - free)
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)
        assert torch.equal(model.guided(text, mask, 1)(x, t)[0], alone)
    assert (alone - free).abs().max() > 1e-2


def test_texts_alone_are_guided_more_than_masks(base, branch, films):
    """Each request has its own guidance, whatever stands beside it."""
    asked = requests.film_requests(films, "TM2I", 4)
    marked = asked.arrays["mask"].any((1, 2))
    assert marked.any() and not marked.all()
    own = controlnet.pool(base, branch, asked, 4, [5]).arrays["image"]
    for rows, guidance in ((marked, controlnet.GUIDANCE), (~marked, controlnet.TEXT_GUIDANCE)):
        alike = controlnet.pool(base, branch, asked, 4, [5], guidance).arrays["image"]
        np.testing.assert_array_equal(own[rows], alike[rows])
        assert not np.array_equal(own[~rows], alike[~rows])


def test_errors_are_those_of_equation_1():
    model = moved(TextToFilm(settings(kind="eps", precision="float32"))).eval()
    x, t, text, _ = inputs()
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    a = model.schedule.alpha_bar[t].float().view(-1, 1, 1, 1)
    said = model.say(a.sqrt() * x + (1 - a).sqrt() * noise, t, text)
    expected = ((noise - said) ** 2).flatten(1).mean(1)
    torch.testing.assert_close(model.errors(x, noise, t, text), expected)


# ---- branch -------------------------------------------------------------------------------------


@pytest.mark.parametrize("twin", [False, True])
def test_before_training_the_branch_changes_no_bit(base, twin):
    model, _ = controlnet.started(base, BranchSettings(twin=twin), np.random.default_rng(5))
    frozen = textual.restored_base(base)
    x, t, text, mask = inputs()
    with torch.no_grad():
        expected = frozen.say(x, t, text)
        assert expected.any()
        assert torch.equal(model.eval().say(x, t, text, mask), expected)


def test_the_branch_copies_the_encoder_half_and_nothing_else(base):
    model, names = controlnet.started(base, BranchSettings(), np.random.default_rng(5))
    half = EncoderHalf(settings().widths, 16).state_dict()
    assert names["copied"] == [f"encoder.{name}" for name in half]
    hint = [f"hint.{layer}.{part}" for layer in (0, 2, 4) for part in ("weight", "bias")]
    zero = [f"zero.{i}.{part}" for i in range(3) for part in ("weight", "bias")]
    assert names["fresh"] == hint + zero
    own, theirs = model.branch.state_dict(), model.unet.encoder.state_dict()
    assert all(torch.equal(own[f"encoder.{name}"], theirs[name]) for name in half)
    zeros = [name for name in own if not name.startswith("encoder.") and not own[name].any()]
    assert zeros == ["hint.4.weight", "hint.4.bias", *zero]


def test_a_base_of_another_size_is_refused(base):
    other = Result(base.arrays, base.scores | {"settings": base.scores["settings"] | {"text": 8}})
    with pytest.raises(RuntimeError, match="size mismatch"):
        controlnet.started(other, BranchSettings(), np.random.default_rng(5))


def test_training_moves_the_branch_and_no_weight_of_the_base(base, branch):
    assert branch.scores["base_before"] == branch.scores["base_after"]
    frozen, model = textual.restored_base(base), controlnet.load(base, branch)
    assert controlnet.base_hash(frozen) == branch.scores["base_after"]
    assert controlnet.base_hash(model) == branch.scores["base_after"]
    for name, weight in model.branch.named_parameters():
        assert weight.any(), name
    x, t, text, mask = inputs()
    with torch.no_grad():
        assert not torch.equal(model.say(x, t, text, mask), frozen.say(x, t, text))


def test_a_black_mask_is_no_mask_and_its_hint_is_zero(base, branch):
    model = controlnet.load(base, branch)
    x, t, text, mask = inputs()
    mask[0] = 0
    hints = model.branch.hints(mask)
    assert not hints[0].any() and hints[1:].any((1, 2, 3)).all()
    with torch.no_grad():
        black = model.say(x, t, text, controlnet.black(3))
        assert torch.equal(black, model.say(x, t, text))
        assert torch.equal(black[0], model.say(x, t, text, mask)[0])


def test_a_silent_branch_leaves_the_base_alone_where_the_mask_is_black(films, base):
    model = controlnet.load(base, controlnet.branch_job(
        films, base, {"steps": 3, "batch": 4, "silent": True}, [3]))  # fmt: skip
    x, t, text, mask = inputs()
    with torch.no_grad():
        assert torch.equal(model.say(x, t, text), textual.restored_base(base).say(x, t, text))
        assert not torch.equal(model.say(x, t, text, mask), model.say(x, t, text))


def test_a_snapshot_is_what_a_shorter_training_ends_with(films, base, branch):
    shorter = controlnet.branch_job(films, base, BRANCH | {"steps": 2, "snapshots": []}, [3])
    for name, value in shorter.arrays.items():
        np.testing.assert_array_equal(value, branch.arrays[name.replace("last/", "step 2/")])
    early, late = controlnet.load(base, branch, step=2), controlnet.load(base, branch)
    assert not torch.equal(early.branch.zero[0].weight, late.branch.zero[0].weight)
    with pytest.raises(ValueError, match=r"^step 3 was not kept"):
        controlnet.load(base, branch, step=3)
    with pytest.raises(ValueError, match=r"^snapshot 3; use multiples of 2"):
        controlnet.branch_job(films, base, BRANCH | {"snapshots": [3]}, [3])


def test_the_paper_trains_the_branch_without_text(films, base):
    def lost(text_share, text):
        data = Result(films.arrays | {"tokens": text}, films.scores)
        job = controlnet.branch_job(data, base, {"steps": 3, "batch": 4, "text_share": text_share},
                                    [3])  # fmt: skip
        return job.arrays["last/zero.0.weight"]

    other = films.arrays["tokens"][::-1].copy()
    np.testing.assert_array_equal(lost(0.0, films.arrays["tokens"]), lost(0.0, other))
    assert not np.array_equal(lost(1.0, films.arrays["tokens"]), lost(1.0, other))


def test_the_twin_learns_all_weights_and_needs_no_branch(films, base):
    job = controlnet.branch_job(films, base, {"steps": 3, "batch": 4, "twin": True}, [3])
    assert job.scores["base_before"] != job.scores["base_after"]
    model = controlnet.load(base, job)
    x, t, text, mask = inputs()
    with torch.no_grad():
        assert not torch.equal(model.say(x, t, text, mask), model.say(x, t, text))


# ---- pools --------------------------------------------------------------------------------------


def digest(pool):
    return hashlib.sha256(pool.arrays["image"].tobytes()).hexdigest()


def test_the_first_films_of_a_pool_are_those_of_a_smaller_one(base, branch, asked):
    many = controlnet.pool(base, branch, asked, 60, [6])
    few = controlnet.pool(base, branch, asked, 7, [6])
    for name in ("image", "tokens", "mask", "labels"):
        np.testing.assert_array_equal(many.arrays[name][:7], few.arrays[name])
    assert many.arrays["image"].min() >= 0 and many.arrays["image"].max() <= 1
    assert len(np.unique(many.arrays["image"].reshape(60, -1), axis=0)) == 60
    other = controlnet.pool(base, branch, asked, 7, [7])
    assert digest(other) != digest(few)


def test_all_conditions_reach_the_films(base, branch, asked):
    kinds = requests.conditions(asked)
    blank = requests.prompt_requests(["N/A"], copies=60)
    with_all, without = (controlnet.pool(base, branch, r, 50, [6]) for r in (asked, blank))
    changed = (with_all.arrays["image"] != without.arrays["image"]).any((1, 2))
    assert set(kinds[:50]) == {"T2I", "M2I", "TM2I"} and changed.all()


def test_without_a_branch_no_mask_is_seen(base, asked):
    blind = Result(asked.arrays | {"mask": np.zeros_like(asked.arrays["mask"])}, {})
    assert digest(controlnet.pool(base, None, asked, 9, [6])) == digest(
        controlnet.pool(base, None, blind, 9, [6])
    )


def test_a_base_that_learns_on_changes_and_its_coder_stays(films, base, branch, asked):
    pool = controlnet.pool(base, branch, asked, 20, [6])
    more = textual.more_job(pool, base, {"steps": 3}, [8])
    assert set(more.arrays) == set(base.arrays)
    same = {k for k, v in more.arrays.items() if np.array_equal(v, base.arrays[k])}
    assert same == {k for k in base.arrays if not k.startswith("base/")}
    controlnet.pool(more, branch, asked, 2, [6])


def test_more_than_is_asked_for_is_refused(base, asked):
    with pytest.raises(ValueError, match=r"^n is 61, but there are 60 requests"):
        controlnet.pool(base, None, asked, 61, [6])


SAME = """
import sys
sys.path[:0] = ["tests", "tests/generators"]
import numpy as np
from test_controlnet import *
from toy_films import film_set
films = film_set(24, np.random.default_rng(0))
coder = textual.coder_job(films, CODER, [1])
base = textual.base_job(films, coder, BASE, [2])
branch = controlnet.branch_job(films, base, BRANCH | {"snapshots": []}, [3])
asked = requests.mixed_requests(["edema", "pneumothorax"], films, 6, [4])
print(digest(controlnet.pool(base, branch, asked, 6, [6])))
"""


def test_the_same_seed_gives_the_same_bytes_in_another_process(films, base, asked):
    env = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", SAME], cwd=ROOT, env=env, capture_output=True,
                          text=True, check=True)  # fmt: skip
    branch = controlnet.branch_job(films, base, BRANCH | {"snapshots": []}, [3])
    assert done.stdout.split() == [digest(controlnet.pool(base, branch, asked, 6, [6]))]


def test_counted_operations_follow_the_parts():
    plain = controlnet.operations({})
    single = controlnet.operations({}, guided=False)
    decoder = 2 * single - plain
    assert 0 < decoder / 2 < 40e6  # multiply-adds: a film is decoded once, and cheaply
    assert controlnet.operations({}, {}) > plain
    half = controlnet.operations({"sampler_steps": BaseSettings.sampler_steps // 2})
    assert half == pytest.approx((plain + decoder) / 2)


def test_text_and_mask_reach_no_zero_gradient(base):
    model, _ = controlnet.started(base, BranchSettings(), np.random.default_rng(5))
    x, t, text, mask = inputs()
    noise = torch.randn(x.shape, generator=tr.torch_generator(np.random.default_rng(0)))
    model.errors(x, noise, t, text, mask).mean().backward()
    grown = {name for name, w in model.branch.named_parameters() if w.grad is not None
             and w.grad.any()}  # fmt: skip
    assert grown == {f"zero.{i}.{part}" for i in range(3) for part in ("weight", "bias")}
    assert all(w.grad is None for w in (*model.unet.parameters(), *model.text.parameters()))


def test_a_branch_that_has_learned_nothing_changes_nothing(base, films, monkeypatch):
    few = Result({name: x[:4] for name, x in films.arrays.items()}, {})
    assert controlnet.zero_init(base, few, [3]).scores == {"zero_init_error": 0.0}

    class Loud(controlnet.ControlNet):
        def say(self, *args):
            return super().say(*args) + 1e-3

    monkeypatch.setattr(controlnet, "ControlNet", Loud)
    assert controlnet.zero_init(base, few, [3]).scores["zero_init_error"] > 5e-4
