"""Control, progression, anatomy and diversity of models that do exactly what the test knows."""

import numpy as np
import pytest
from toy_lesions import disc, scans

from lib.datasets import counterfactuals, lesions, volumes
from lib.generators.pathosyn import Synthesis
from lib.jobs import Result
from lib.scores import controlled

N = 5


def toy():
    """N subjects with two slices each, the second with the larger lesion, and two without."""
    made = scans(2 * N)
    mask = np.array([disc(15, 15, 2 + 2 * (i % 2)) for i in range(2 * N)])
    subject = np.repeat(np.arange(N, dtype=np.uint64), 2)
    arrays = {"image": made["image"], "mask": mask, "subject": subject}
    free = {"free/image": made["healthy"], "free/subject": subject}
    return Result(arrays | free, {})


class Painter:
    """Paints masks in a grey that grows with severity: 0.45 is tissue, 0.75 a plain lesion."""

    def __init__(self, change=lambda mask: mask):
        self.change = change

    def sample(self, image, mask, rng, how=None, severity=1.0):
        made = np.where(self.change(mask), 0.45 + 0.3 * severity, image).astype(np.float32)
        return Synthesis(made, image, made - image)


@pytest.fixture
def asked(monkeypatch):
    """controlled(...) of a painter, read by a reader that sees all that is brighter than tissue."""

    def ask(painter, seed=0):
        monkeypatch.setattr(controlled, "load", lambda family, fitted: painter)
        monkeypatch.setattr(controlled.segment, "load", lambda reader: None)
        monkeypatch.setattr(controlled.segment, "predict", lambda net, images: images > 0.62)
        return controlled.controlled(None, "toy", toy(), None, N, [seed])

    return ask


def test_a_model_that_obeys_has_slopes_of_one_and_changes_nothing_outside(asked):
    found = asked(Painter())
    for kind in ("severity", "size", "position"):
        assert found.scores[f"{kind}_slope"] == pytest.approx(1), kind
        assert found.scores[f"{kind}_r2"] == pytest.approx(1), kind
    assert found.scores["seen"] == 1 and found.scores["outside_change"] == 0
    a = found.arrays
    assert a["size/requested"].shape == (N, len(controlled.EXTENTS))
    assert a["position/requested"].shape == (2 * N, len(controlled.SHIFTS))
    assert np.array_equal(a["size/requested"], a["size/measured"])
    np.testing.assert_allclose(a["severity/seen"], [[0, 0, 1, 1, 1]] * N)


def test_a_model_that_ignores_the_mask_has_slopes_of_zero(asked):
    fixed = Painter(lambda mask: np.repeat(disc(15, 15, 5)[None], len(mask), 0))
    found = asked(fixed).scores
    assert found["size_slope"] == pytest.approx(0) and found["position_slope"] == pytest.approx(0)
    assert found["size_r2"] is None and found["outside_change"] > 0


def test_what_the_reader_does_not_see_is_no_number(asked):
    found = asked(Painter(lambda mask: mask & False))
    assert found.scores["seen"] == 0
    assert found.scores["size_slope"] is None and found.scores["severity_slope"] is None
    assert np.isnan(found.arrays["position/measured"]).all()


def test_anatomies_are_lesion_free_and_masks_are_the_largest_of_another_subject():
    slices = toy()
    image, mask = controlled.subjects(slices, N, np.random.default_rng(0))
    free, who = slices.arrays["free/image"], slices.arrays["free/subject"]
    for i in range(N):
        assert any(np.array_equal(image[i], x) for x in free[who == i])
    assert (mask.sum((1, 2)) <= disc(15, 15, 4).sum()).all()
    assert (mask.sum((1, 2)) > disc(15, 15, 2).sum()).all(), "whole, or nearly so"
    assert not mask[image <= 0.02].any()
    with pytest.raises(ValueError, match="9 subjects are asked of 5"):
        controlled.subjects(slices, 9, np.random.default_rng(0))


def test_a_reader_that_sees_half_of_what_grows_has_half_a_slope(monkeypatch):
    now, later = (np.repeat(disc(15, 15, r)[None], 3, 0) for r in (3, 6))
    gained = np.flatnonzero((later & ~now)[0])[::2]
    shown = now.astype(float).reshape(3, -1)
    shown[:, gained] = 1
    data = {"image": now.astype(float), "mask": now, "later/image": shown.reshape(now.shape)}
    monkeypatch.setattr(controlled.segment, "load", lambda reader: None)
    monkeypatch.setattr(controlled.segment, "predict", lambda net, images: images > 0.5)
    monkeypatch.setattr(controlled, "_largest", lambda masks: masks)
    found = controlled.read_growth(Result(data | {"later/mask": later}, {}), None).scores
    assert found["size_slope"] == pytest.approx(0.5, abs=0.01) and found["seen"] == 1


def test_only_known_families_are_loaded():
    with pytest.raises(ValueError, match="family 'gan' is unknown"):
        controlled.load("gan", Result({}, {}))


# ---- progression --------------------------------------------------------------------------------


def test_progression_by_hand(monkeypatch):
    """The later lesion is 0.2 brighter everywhere, and new tissue is 0.5 brighter."""
    now, later = (np.repeat(disc(15, 15, r)[None], 3, 0) for r in (3, 6))
    image = (0.3 + 0.2 * now).astype(np.float32)
    data = {"image": image, "mask": now, "later/mask": later}
    data = Result(data | {"later/image": np.where(now, 0.7, 0.3 + 0.5 * later)}, {})
    found = controlled.progression("copy_last", data, 4, [0]).scores
    share = now[0].sum() / later[0].sum()
    expected = np.sqrt(0.04 * share + 0.25 * (1 - share))
    assert found["progression_rmse"] == pytest.approx(expected, rel=1e-5)
    assert found["progression_rmse_mean"] == pytest.approx(expected, rel=1e-5)
    assert found["progression_rmse_new"] == pytest.approx(0.5, rel=1e-5)

    class Guess(Painter):
        def sample(self, image, mask, rng, how=None, severity=1.0):
            made = data.arrays["later/image"] + 0.1 * rng.standard_normal(image.shape)
            return Synthesis(made, image, made)

    monkeypatch.setattr(controlled, "load", lambda family, fitted: Guess())
    guessed = controlled.progression("pathosyn_diff", data, 16, [0], Result({}, {})).scores
    assert guessed["progression_rmse"] == pytest.approx(0.1, rel=0.1)
    assert guessed["progression_rmse_mean"] == pytest.approx(0.1 / 4, rel=0.2), "a mean of 16"
    with pytest.raises(ValueError, match="'pathosyn_diff' needs a fit"):
        controlled.progression("pathosyn_diff", data, 2, [0])


# ---- the phantom's own lesions ------------------------------------------------------------------


@pytest.fixture(scope="module")
def phantoms():
    whole = volumes.volume_set("flair", 4, [8])
    slices = lesions.part(whole, [4, 0, 0], "train", most=8)
    return slices, lesions.truths(slices), counterfactuals.anatomy(slices)


def test_true_lesions_obey_the_law_and_follow_the_tissue(phantoms):
    slices, truths, anatomy = phantoms
    n = len(slices.arrays["image"])
    true = controlled.anatomical(None, slices, truths, anatomy, n).scores
    assert true["forbidden_energy"] == 0 and true["orientation_coherence"] > 0.1
    unlike = {name: np.roll(a, n // 2, 0) for name, a in anatomy.arrays.items()}
    other = controlled.anatomical(None, slices, truths, Result(unlike, {}), n).scores
    assert other["orientation_coherence"] < true["orientation_coherence"] / 2


@pytest.mark.parametrize("scene", ["exchanged", "free"])
def test_a_change_is_measured_on_its_own_anatomy(phantoms, scene):
    """Half of the change's energy in forbidden pixels, on the slices that `source` names."""
    slices, truths, anatomy = phantoms
    end = "free/" if scene == "free" else ""
    forbidden = anatomy.arrays[f"{end}forbidden"]
    source = np.flatnonzero(forbidden.any((1, 2)) & ~forbidden.all((1, 2)))[::-1][:6]
    change, mask = np.zeros((2, len(source), 64, 64))
    for i, s in enumerate(source):
        for where in (forbidden[s], ~forbidden[s]):
            at = tuple(np.argwhere(where)[0])
            change[(i, *at)], mask[(i, *at)] = 0.2, 1
    image = truths.arrays[f"{end}healthy"][source] + change
    pool = Result({"image": image, "mask": mask.astype(bool), "source": source}, {})
    found = controlled.anatomical(pool, slices, truths, anatomy, 6, scene).scores
    assert found["forbidden_energy"] == pytest.approx(0.5, abs=1e-4)
    with pytest.raises(ValueError, match="scene 'sky' is unknown"):
        controlled.anatomical(pool, slices, truths, anatomy, 6, "sky")


def test_the_law_covers_itself_and_one_lesion_again_and_again_does_not(phantoms):
    slices = lesions.one_each(phantoms[0], 4)
    law, other = (counterfactuals.looks(slices, 4, 12, [seed]) for seed in (1, 2))
    itself, fresh = (controlled.diversity(each, law).scores for each in (law, other))
    assert itself["coverage"] == 1 and 0.4 < fresh["coverage"] < 1
    assert fresh["conditional_variance"] == pytest.approx(itself["conditional_variance"], rel=0.8)
    one = np.repeat(law.arrays["image"][:, :1], 12, 1)
    stuck = controlled.diversity(Result(law.arrays | {"image": one}, {}), law)
    assert stuck.scores["coverage"] < 0.35
    assert stuck.arrays["variance"] == pytest.approx(law.arrays["noise"] ** 2)
    moved = Result(law.arrays | {"mask": np.roll(law.arrays["mask"], 1, 1)}, {})
    with pytest.raises(ValueError, match="different masks"):
        controlled.diversity(moved, law)
    few = Result(law.arrays | {"image": law.arrays["image"][:, :5]}, {})
    with pytest.raises(ValueError, match=r"have \[5, 12\] repeats"):
        controlled.diversity(few, law)


def test_modes_of_looks_by_hand():
    """Means 0 to 8 and spreads in three classes each, of pairs of pixels."""
    centre, spread = np.arange(9.0), np.tile([0.0, 1.0, 2.0], 3)
    known = np.stack([centre - spread, centre + spread], 1)
    modes, other = controlled.modes_of_look(known, known[::-1])
    assert modes.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8] and other.tolist() == modes[::-1].tolist()


def test_repeats_differ_in_the_mask_only_and_each_is_drawn_alone(monkeypatch):
    class Noisy(Painter):
        def sample(self, image, mask, rng, how=None, severity=1.0):
            made = np.where(mask, rng.random(image.shape), image)
            return Synthesis(made, image, made)

    monkeypatch.setattr(controlled, "load", lambda family, fitted: Noisy())
    made = controlled.repeated(None, "toy", toy(), 4, 3, [0]).arrays
    assert made["image"].shape == (4, 3, 32, 32) and not made["noise"].any()
    spread = made["image"].std(1)
    assert (spread[made["mask"]] > 0).all() and (spread[~made["mask"]] == 0).all()
