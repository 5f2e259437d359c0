"""Segmentation from few labelled subjects: who is labelled, Mean Teacher, contrast of pixels."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from toy_slices import changed, slices, volume_set

from lib.jobs import Result
from lib.networks import augment
from lib.networks.unet import UNet
from lib.scores import pairs
from lib.tasks import contrast, regimes, segment, semi
from lib.tasks.segment import SegmentSettings
from lib.training.weights import seeded

SHORT = {"steps": 4, "batch": 8, "unlabelled": 4, "labelled": 0.25}
REGIMES = {"semi": (semi, semi.TeacherSettings), "contrast": (contrast, contrast.ContrastSettings)}
both = pytest.mark.parametrize("name", REGIMES)


@pytest.fixture(scope="module")
def toy():
    """Slices of eight subjects, a pool of others, test volumes."""
    rng = np.random.default_rng(0)
    real, other, test = slices(8, rng), slices(5, rng, 50), volume_set(3, rng, 90)
    return real, Result({name: other.arrays[name] for name in ("image", "mask")}, {}), test


def inputs(real, share=0.25):
    """(images, masks, unlabelled), and the labelled lesion-free slices."""
    known, unlabelled = regimes.split(real.arrays, share)
    return (known["image"], known["mask"], unlabelled), known["free/image"]


def weights(net):
    return torch.cat([weight.detach().flatten() for weight in net.parameters()])


# ---- who is labelled ----------------------------------------------------------------------------


def test_the_first_subjects_are_labelled_and_every_slice_of_the_others_is_kept(toy):
    real = toy[0].arrays
    known, unlabelled = regimes.split(real, 0.25)
    assert set(known) == set(real) and set(known["subject"]) == set(known["free/subject"]) == {0, 1}
    np.testing.assert_array_equal(known["image"], real["image"][real["subject"] < 2])
    np.testing.assert_array_equal(known["mask"], real["mask"][real["subject"] < 2])
    np.testing.assert_array_equal(known["free/image"], real["free/image"][real["free/subject"] < 2])
    rest = np.concatenate([real["image"][real["subject"] > 1],
                           real["free/image"][real["free/subject"] > 1]])  # fmt: skip
    assert len(unlabelled) == 6 * 4
    np.testing.assert_array_equal(np.unique(unlabelled, axis=0), np.unique(rest, axis=0))
    for share, labelled in ((0.01, 1), (0.1, 1), (0.5, 4), (0.9, 7)):
        assert len(np.unique(regimes.split(real, share)[0]["subject"])) == labelled
    reverse = {key: column[::-1] for key, column in real.items()}
    assert set(regimes.split(reverse, 0.25)[0]["subject"]) == {7, 6}, "in the order of the set"


@both
def test_masks_of_the_others_and_their_lesion_count_are_never_looked_at(toy, name):
    """Every mask of an unlabelled subject replaced, and the same network, bit for bit."""
    module, _ = REGIMES[name]
    real = toy[0]
    wrong = real.arrays["mask"].copy()
    wrong[real.arrays["subject"] > 1] = np.random.default_rng(3).random(wrong.shape[1:]) < 0.5
    settings = SHORT | ({"warm_up": 0} if name == "contrast" else {})
    one, two = (module.fit_job(data, settings, [4]) for data in (real, changed(real, mask=wrong)))
    assert all(np.array_equal(one.arrays[key], two.arrays[key]) for key in one.arrays)
    other = real.arrays["image"].copy()
    other[real.arrays["subject"] > 1] *= 0.5
    three = module.fit_job(changed(real, image=other), settings, [4])
    assert not all(np.array_equal(one.arrays[key], three.arrays[key]) for key in one.arrays)


@both
def test_without_its_term_a_regime_is_plain_supervision(toy, name):
    """The same weights as `segment.fit` on the labelled part, bit for bit: batches and all."""
    module, kind = REGIMES[name]
    data, free = inputs(toy[0])
    pool = toy[1].arrays["image"], toy[1].arrays["mask"]
    off = {"consistency": 0.0} if name == "semi" else {"weight": 0.0, "warm_up": 0.0}
    plain = SegmentSettings(steps=4, batch=8)
    expected = segment.fit(*data[:2], plain, np.random.default_rng(5), free, pool)
    found, _ = module.train(*data, kind(**SHORT, **off), np.random.default_rng(5), free, pool)
    assert torch.equal(weights(found), weights(expected))
    on = {"consistency": 50.0, "ramp": 0.1} if name == "semi" else {"weight": 1.0, "warm_up": 0.0}
    other, _ = module.train(*data, kind(**SHORT, **on), np.random.default_rng(5), free, pool)
    assert not torch.equal(weights(other), weights(expected))
    assert not any(weight.requires_grad for weight in found.parameters()) and not found.training


@both
def test_an_arm_learns_and_its_arrays_are_those_of_segment(toy, name):
    module, _ = REGIMES[name]
    settings = {"steps": 60, "batch": 8, "unlabelled": 4, "labelled": 0.25}
    found = module.arm(toy[0], toy[1], 6, toy[2], settings, [1])
    plain = segment.arm(toy[0], toy[1], 6, toy[2], {"steps": 1, "batch": 8}, [1])
    for key in ("counts", "example"):
        assert found.arrays[key].dtype == plain.arrays[key].dtype
        assert found.arrays[key].shape == plain.arrays[key].shape
    scores = pairs.utility(found).scores
    assert scores["dice"] > 0.6 and set(scores) > set(pairs.utility(plain).scores)
    expected = {"images": 10, "steps": 60, "subjects": 2, "unlabelled": 24}
    assert expected.items() <= found.scores.items()
    again = module.arm(toy[0], toy[1], 6, toy[2], settings, [1])
    assert np.array_equal(found.arrays["counts"], again.arrays["counts"])


@both
def test_a_stored_network_is_read_by_segment(toy, name):
    module, kind = REGIMES[name]
    data, free = inputs(toy[0])
    stored = module.fit_job(toy[0], SHORT, [2])
    trained, _ = module.train(*data, kind(**SHORT), np.random.default_rng([2]), free)
    nets = segment.load(stored), trained
    assert torch.equal(*map(weights, nets))
    assert np.array_equal(*(segment.predict(net, data[0]) for net in nets))


# ---- mean teacher -------------------------------------------------------------------------------


def test_the_ramp_is_gaussian_and_short_runs_reach_it():
    for steps, share in itertools.product((5, 10, 3000), (0.2, 0.4, 1.0)):
        found = [semi.ramp(step, steps, share) for step in range(steps)]
        assert found[-1] == 1 and found == sorted(found)
        full = round(share * steps)
        assert found[full - 1] == pytest.approx(1)
        if full > 1:
            assert found[full - 2] < 1
    assert semi.ramp(0, 10**6, 0.5) == pytest.approx(math.exp(-5), rel=1e-4)
    assert semi.ramp(499, 1000, 1.0) == pytest.approx(math.exp(-5 / 4))


def test_the_teacher_is_the_mean_of_students_and_then_a_moving_average():
    """Closed form: plain mean of the first ten, then 0.9 of itself; buffers stay."""
    teacher, student = (seeded(UNet, np.random.default_rng(seed)) for seed in (0, 1))
    before = {name: value.clone() for name, value in teacher.named_buffers()}
    seen, expected = [], None
    for step in range(15):
        with torch.no_grad():
            for weight in student.parameters():
                weight.fill_(float((step * 7) % 5))
            for value in student.buffers():
                value.add_(1)
        semi.follow(teacher, student, step, 0.9)
        seen.append((step * 7) % 5)
        expected = np.mean(seen) if step < 10 else 0.9 * expected + 0.1 * seen[-1]
        np.testing.assert_allclose(weights(teacher).numpy(), expected, rtol=1e-5, atol=1e-6)
    assert all(torch.equal(before[name], value) for name, value in teacher.named_buffers())


def test_consistency_brings_student_and_teacher_together(toy):
    data, free = inputs(toy[0])
    found = []
    for weight in (0.0, 100.0):
        s = semi.TeacherSettings(steps=30, batch=8, unlabelled=8, consistency=weight)
        found.append(semi.train(*data, s, np.random.default_rng(0), free)[1]["disagreement"])
    assert 0 < found[1] < 0.5 * found[0]
    s = semi.TeacherSettings(steps=30, batch=8, unlabelled=8, consistency=0, keep=0)
    same = semi.train(*data, s, np.random.default_rng(0), free)[1]["disagreement"]
    assert same < 0.3 * found[0], "a teacher that keeps nothing is the student of the step before"


def test_statistics_of_a_batch_are_used_and_not_kept():
    net = seeded(UNet, np.random.default_rng(0)).train()
    x, mean = torch.rand(4, 1, 32, 32), next(net.buffers()).clone()
    with torch.no_grad():
        with regimes.statistics_unkept(net):
            found = net(x)
        assert torch.equal(next(net.buffers()), mean)
        assert torch.equal(net(x), found) and not torch.equal(next(net.buffers()), mean)


@both
def test_a_network_is_evaluated_by_statistics_of_labelled_images(toy, name):
    """Without its term, also the buffers are those of `segment.fit`."""
    module, kind = REGIMES[name]
    data, free = inputs(toy[0])
    off = {"consistency": 0.0} if name == "semi" else {"weight": 0.0, "warm_up": 0.0}
    plain = SegmentSettings(steps=4, batch=8)
    expected = segment.fit(*data[:2], plain, np.random.default_rng(5), free)
    found, _ = module.train(*data, kind(**SHORT, **off), np.random.default_rng(5), free)
    for one, two in zip(found.buffers(), expected.buffers(), strict=True):
        assert torch.equal(one, two) or one.dtype == torch.int64  # which count batches


# ---- contrast of pixels -------------------------------------------------------------------------


def brute(z, groups, t):
    """Equation 2 of Khosla et al., loop by loop."""
    means = []
    for group in set(groups):
        rows = []
        for i in [i for i, g in enumerate(groups) if g == group]:
            below = sum(math.exp(z[i] @ z[a] / t) for a in range(len(z)) if a != i)
            with_i = [p for p, g in enumerate(groups) if g == group and p != i]
            rows.append(np.mean([-math.log(math.exp(z[i] @ z[p] / t) / below) for p in with_i]))
        means.append(np.mean(rows))
    return np.mean(means)


def test_the_contrast_is_that_of_the_paper_by_brute_force():
    rng = np.random.default_rng(6)
    z = rng.standard_normal((13, 4))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    for groups in ([0] * 11 + [1] * 2, [0, 1, 2] * 4 + [0], [5] * 13):
        found = contrast.contrast(torch.from_numpy(z), torch.tensor(groups), 0.2)
        assert found.item() == pytest.approx(brute(z, groups, 0.2))


def test_the_contrast_in_closed_form():
    """All alike: log(n - 1). Classes apart at low temperature: the log of the others in a group."""
    alike = torch.ones(6, 3).div(3**0.5).requires_grad_()
    value = contrast.contrast(alike, torch.tensor([0, 0, 1, 1, 1, 1]), 0.1)
    assert value.item() == pytest.approx(math.log(5), rel=1e-5)
    (gradient,) = torch.autograd.grad(value, alike)
    assert torch.isfinite(gradient).all()
    apart = torch.eye(2).repeat_interleave(torch.tensor([2, 4]), 0)
    value = contrast.contrast(apart, torch.tensor([0, 0, 1, 1, 1, 1]), 0.01)
    assert value.item() == pytest.approx((math.log(1) + math.log(3)) / 2, rel=1e-4)


def test_a_rare_class_weighs_as_much_as_a_common_one():
    """One pixel in two views against 40: its gradient is no less than that of all the others."""
    rng = np.random.default_rng(7)
    z = torch.from_numpy(rng.standard_normal((82, 8))).requires_grad_()
    groups = torch.tensor([0] * 80 + [1] * 2)
    unit = torch.nn.functional.normalize(z, dim=1)
    contrast.contrast(unit, groups, 0.5).backward()
    rare = z.grad[80:].norm() / z.grad[:80].norm()
    assert rare > 1


@pytest.mark.parametrize("sides", [(16, 16), (17, 19)])
def test_a_lesion_of_one_pixel_is_drawn_wherever_it_lies(sides):
    small, noise = tuple(side // 2 for side in sides), torch.Generator().manual_seed(0)
    for y, x in itertools.product(*map(range, sides)):
        target = torch.zeros(2, 1, *sides)
        target[1, 0, y, x] = 1
        background, lesion = contrast.places(target, small, 5, noise)
        assert len(background) == 5 and len(lesion) >= 1
        rows = lesion % math.prod(small) // small[1]
        assert (lesion >= math.prod(small)).all(), "in the second image"
        assert (abs((rows + 0.5) * sides[0] / small[0] - y) < 2.5).all()
        assert not set(background.tolist()) & set(lesion.tolist())
    none, every = contrast.places(torch.ones(1, 1, *sides), small, 1000, noise)
    assert not len(none) and sorted(every.tolist()) == list(range(math.prod(small)))


def test_embeddings_are_unit_vectors_of_the_maps_below_the_head():
    net = seeded(UNet, np.random.default_rng(0)).eval()
    embedder = contrast.Embedder(net, np.random.default_rng(1)).eval()
    x = torch.rand(2, 1, 32, 32)
    logits, embedded = embedder(x)
    assert torch.equal(logits, net(x)) and embedded.shape == (2, 16, 16, 16)
    torch.testing.assert_close(embedded.norm(dim=1), torch.ones(2, 16, 16))
    again = torch.nn.functional.interpolate(net.head(embedder.maps), size=(32, 32), mode="bilinear")
    assert torch.equal(again, logits)


def test_lesions_of_one_pixel_train_without_nan_and_are_never_missing(toy):
    real = toy[0].arrays
    rng, tiny = np.random.default_rng(8), np.zeros_like(real["mask"])
    at = rng.integers(32, size=(2, len(tiny)))
    tiny[np.arange(len(tiny)), at[0], at[1]] = True
    s = contrast.ContrastSettings(steps=10, batch=4, unlabelled=2, warm_up=0, augment=True)
    net, numbers = contrast.train(real["image"], tiny, real["free/image"], s, rng,
                                  real["free/image"])  # fmt: skip
    assert torch.isfinite(weights(net)).all() and numbers == {"without_lesion": 0}
    assert not net.head._forward_pre_hooks


def test_batches_without_a_lesion_are_counted(toy):
    data, free = inputs(toy[0], 0.13)
    empty = np.zeros((60, 32, 32), np.float32), np.zeros((60, 32, 32), bool)
    s = contrast.ContrastSettings(steps=20, batch=4, unlabelled=2, warm_up=0.5)
    net, numbers = contrast.train(*data, s, np.random.default_rng(1), free, empty)
    assert 5 < numbers["without_lesion"] <= 10 and torch.isfinite(weights(net)).all()


def test_the_contrast_waits_for_the_warm_up(toy):
    """A run that ends before it is plain supervision, buffers included."""
    data, free = inputs(toy[0])
    s = contrast.ContrastSettings(**SHORT, warm_up=0.99, weight=5.0)
    plain = segment.fit(
        *data[:2], SegmentSettings(steps=4, batch=8), np.random.default_rng(5), free
    ).state_dict()
    for share, same in ((0.99, True), (0.75, False)):
        net, _ = contrast.train(*data, replace(s, warm_up=share), np.random.default_rng(5), free)
        found = net.state_dict()
        assert all(torch.equal(found[key], plain[key]) for key in plain) is same


# ---- augmentation and bad input -----------------------------------------------------------------


def test_augmentation_never_loses_a_lesion_and_moves_the_others():
    rng, target = np.random.default_rng(9), torch.zeros(64, 1, 32, 32)
    target[torch.arange(64), 0, torch.from_numpy(rng.integers(32, size=64)), 31] = 1
    target[:4] = 0
    image = torch.from_numpy(rng.random(target.shape, dtype=np.float32))
    moved = augment.classical_pairs(image, target, torch.Generator().manual_seed(1))
    found = regimes.augmented(image, target, torch.Generator().manual_seed(1))
    lost = ~moved[1].any((1, 2, 3)) & target.any((1, 2, 3))
    assert 5 < lost.sum() < 55
    for one, two, before in zip(found, moved, (image, target), strict=True):
        assert torch.equal(one[lost], before[lost]) and torch.equal(one[~lost], two[~lost])


@both
def test_what_cannot_be_trained_is_refused_before_training(toy, name):
    module, kind = REGIMES[name]
    real, pool, test = toy
    (images, masks, unlabelled), free = inputs(real)
    rng, good = np.random.default_rng(0), kind(**SHORT)
    hole = unlabelled.copy()
    hole[0, 0, 0] = np.nan
    cases = [
        ("this regime takes 2", unlabelled, {"dims": 3}, masks),
        ("this regime takes 2 and False", unlabelled, {"epochs": True}, masks),
        ("of 0 unlabelled", unlabelled[:0], {}, masks),
        ("0 of 24 unlabelled", unlabelled, {"unlabelled": 0}, masks),
        ("resample", unlabelled[:, :16], {}, masks),
        (r"inside \[0, 1\]", hole, {}, masks),
        (r"inside \[0, 1\]", unlabelled + 1, {}, masks),
        ("no lesion pixel", unlabelled, {}, masks & False),
        ("0 and 1", unlabelled, {}, masks * 2),
        ("there is no pool", unlabelled, {"synthetic": 0.5}, masks),
    ]  # fmt: skip
    own = {
        "semi": [{"ramp": 0.0}, {"ramp": 1.5}, {"keep": 1.0}],
        "contrast": [{"architecture": "attn"}, {"pixels": 0}, {"warm_up": 1.0}, {"temperature": 0}],
    }[name]
    word = {"semi": r"use ramp in \(0, 1\]", "contrast": "temperature positive"}[name]
    cases += [(word, unlabelled, changes, masks) for changes in own]
    for sentence, others, changes, target in cases:
        with pytest.raises(ValueError, match=sentence):
            module.train(images, target, others, replace(good, **changes), rng, free)
    for sentence, data, settings in [
        ("between 0 and 1", (real, None, None, test), {"labelled": 1.0}),
        ("is in both train and test", (real, None, None, volume_set(3, rng)), {}),
        ("resample", (real, None, None, volume_set(3, rng, 90, side=48)), {}),
        ("are asked of a set", (real, pool, 11, test), {}),
    ]:
        with pytest.raises(ValueError, match=sentence):
            module.arm(*data, SHORT | settings, [0])


# ---- all labels, and probabilities --------------------------------------------------------------


def test_the_supervised_regime_is_the_arm_of_segment_with_its_probabilities(toy):
    real, pool, test = toy
    settings = {"steps": 4, "batch": 8, "augment": True}
    found = regimes.supervised(real, pool, 5, test, settings, [1])
    plain = segment.arm(real, pool, 5, test, settings, [1])
    for name, expected in plain.arrays.items():
        np.testing.assert_array_equal(found.arrays[name], expected)
    assert found.scores == plain.scores | {"unlabelled": 0}
    with pytest.raises(ValueError, match="epochs True; this regime"):
        regimes.supervised(real, pool, 5, test, settings | {"epochs": True}, [1])


def test_probabilities_are_those_behind_the_predicted_masks(toy):
    net = seeded(UNet, np.random.default_rng(0)).eval()
    images = toy[2].arrays["image"].reshape(-1, 32, 32)
    p = regimes.probabilities(net, images)
    assert p.min() >= 0 and p.max() <= 1 and p.dtype == np.float32
    np.testing.assert_array_equal(p > 0.5, segment.predict(net, images))


def test_pixels_near_a_lesion_are_its_box_grown_and_cut_at_the_border():
    masks = np.zeros((2, 2, 32, 32), bool)
    masks[0, 1, 10:12, 1:4], masks[0, 1, 15, 20] = True, True
    near = regimes.near(masks)
    expected = np.zeros_like(masks)
    expected[0, 1, 10 - regimes.NEAR : 16 + regimes.NEAR, : 21 + regimes.NEAR] = True
    np.testing.assert_array_equal(near, expected)
    found = regimes.diagrams(np.full(masks.shape, 0.3), masks)
    assert found.shape == (2, regimes.BINS, 3) and not found[1].any()
    box = expected[0].sum()
    np.testing.assert_allclose(found[0].sum(0), [box, 0.3 * box, 7])
