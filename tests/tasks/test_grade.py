"""The grade task: learning, equal steps, what a pool adds, seeds, bad input."""

import numpy as np
import pytest
import torch

from lib.jobs import Result
from lib.metrics.classification import auc
from lib.networks import augment
from lib.tasks import classifiers, grade
from lib.tasks.grade import GradeSettings
from lib.training.weights import weights_to_arrays

SHORT = {"steps": 2, "batch": 4}


def tumours(n, seed, first=0):
    """Discs at random places: of even grey (grade 0), or with a dark core in a rim (grade 1)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:64, :64]
    cy, cx = rng.uniform(20, 44, (2, n, 1, 1))
    label, far = np.arange(n) % 2, np.hypot(y - cy, x - cx)
    image = 0.3 + 0.4 * (far < 12) - 0.3 * (far < 7) * label[:, None, None]
    image = (image + 0.05 * rng.standard_normal(far.shape)).clip(0, 1).astype(np.float32)
    subject = first + np.arange(n, dtype=np.uint64)
    return Result({"image": image, "label": label, "subject": subject}, {})


def pool_of(data):
    return Result({name: data.arrays[name] for name in ("image", "label")}, {})


@pytest.fixture(scope="module")
def toy():
    """Train, a pool of others, validation, test."""
    sets = [tumours(n, seed, 1000 * seed) for seed, n in enumerate((100, 60, 10, 60))]
    return sets[0], pool_of(sets[1]), sets[2], sets[3]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "steps"), [("resnet", 100), ("densenet", 40), ("swin", 70)])
def test_every_network_learns_and_gives_probabilities(toy, name, steps):
    train, pool, validation, test = toy
    settings = {"network": name, "steps": steps, "batch": 16}
    found = grade.arm(train, None, pool, 60, validation, test, settings, [1])
    assert found.scores == {"images": 160, "steps": steps}
    p = found.arrays["probability/test"]
    assert p.dtype == np.float32 and p.shape == (60,) and 0 <= p.min() < 0.5 < p.max() <= 1
    assert auc(test.arrays["label"], p)[0] > 0.9
    assert found.arrays["probability/validation"].shape == (10,)


def test_an_arm_predicts_what_the_stored_network_does(toy):
    train, pool, validation, test = toy
    found = grade.arm(train, 20, pool, 10, validation, test, SHORT, [3])
    stored = grade.fit_job(train, 20, SHORT, [3], pool, 10)
    again = grade.predict(grade.load(stored), test.arrays["image"])
    assert np.array_equal(found.arrays["probability/test"], again)
    assert stored.scores["images"] == 30 and stored.scores["network"] == "resnet"
    other = grade.fit_job(train, 20, SHORT, [4], pool, 10)
    assert not all(np.array_equal(other.arrays[k], stored.arrays[k]) for k in stored.arrays)


def test_a_pool_changes_what_is_seen_and_never_how_many_steps(toy, monkeypatch):
    """Batches by hand: with a share, each holds that many pool images; without, all alike."""
    train, pool, *_ = toy
    data = train.arrays["image"], train.arrays["label"]
    steps, seen = [], []
    real = grade.tr.descend
    monkeypatch.setattr(grade.tr, "descend", lambda *a: steps.append(1) or real(*a))
    planes = grade.tr.as_planes

    def marked(images):  # image i shows the number i
        number = torch.arange(len(images)).view(-1, 1, 1, 1) / 256
        return number.expand(-1, 1, 64, 64) + 0 * planes(images)

    monkeypatch.setattr(grade.tr, "as_planes", marked)
    create = grade.classifiers.create

    def watched(*arguments):
        net = create(*arguments)
        net.register_forward_pre_hook(lambda _, x: seen.append((x[0][:, 0, 0, 0] * 256).tolist()))
        return net

    monkeypatch.setattr(grade.classifiers, "create", watched)
    for share, added in ((None, None), (0.25, pool), (None, pool)):
        s = GradeSettings(steps=12, batch=8, synthetic=share)
        pairs = added and (added.arrays["image"], added.arrays["label"])
        steps.clear(), seen.clear()
        grade.fit(*data, s, np.random.default_rng(0), pairs)
        assert len(steps) == len(seen) == 12
        drawn = np.array(seen)
        count = (drawn >= 100).sum(1)
        if share:
            assert (count == 2).all()
        else:
            assert len(np.unique(drawn)) == drawn.size, "part of a shuffled pass over all images"
            assert (count.sum() > 0) == bool(added)


def test_the_rate_rises_over_the_warm_up_and_then_falls_on_a_cosine():
    s = GradeSettings(steps=40, rate=0.01, warm_up=0.25)
    found = [grade.rate(step, s) for step in range(40)]
    cosine = [1e-5 + (0.01 - 1e-5) * (1 + np.cos(np.pi * step / 39)) / 2 for step in range(40)]
    rising = np.minimum(1, np.arange(1, 41) / 10)
    np.testing.assert_allclose(found, rising * cosine)
    assert grade.rate(0, GradeSettings(steps=3, rate=0.01, warm_up=0.0)) == 0.01
    for name in classifiers.NAMES:
        assert grade.rate(0, GradeSettings(name, warm_up=0.0)) == grade.RATES[name]


@pytest.mark.slow
def test_labels_stay_with_their_images(toy):
    """Without any shared order: a pool of wrong labels turns the answer round."""
    train, _, _, test = toy
    image, label = train.arrays["image"], train.arrays["label"]
    s = GradeSettings("densenet", steps=40, batch=16)
    net = grade.fit(image[:4], label[:4], s, np.random.default_rng(0), (image, 1 - label))
    assert auc(test.arrays["label"], grade.predict(net, test.arrays["image"]))[0] < 0.2


def test_augmentation_moves_images_as_it_moves_pairs(toy):
    images = torch.from_numpy(toy[0].arrays["image"][:6, None, :, :48])
    one, two = (torch.Generator().manual_seed(2) for _ in range(2))
    expected = augment.classical_pairs(images, images, one)[0]
    assert torch.equal(grade.moved(images, two), expected)
    data = toy[0].arrays["image"], toy[0].arrays["label"]
    nets = [grade.fit(*data, GradeSettings(**SHORT, augment=on), np.random.default_rng(0))
            for on in (True, False)]  # fmt: skip
    one, two = map(weights_to_arrays, nets)
    assert not all(np.array_equal(one[key], two[key]) for key in one)
    assert not nets[0].training and not any(w.requires_grad for w in nets[0].parameters())


def test_what_cannot_be_trained_is_refused_before_training(toy):
    train, pool, validation, test = toy
    image, label = train.arrays["image"], train.arrays["label"]
    rng = np.random.default_rng(0)
    for sentence, x, y, changes, extra in [
        ("must be \\(N, H, W\\)", image[0], label, {}, None),
        ("NaN", image * np.nan, label, {}, None),
        ("must lie in", image + 1, label, {}, None),
        ("one label for every image", image, label[:5], {}, None),
        ("one label for every image", image, label, {}, (image[:3], label[:2])),
        ("both of them", image, label * 0, {}, None),
        ("0 and 1", image, label + 1, {}, None),
        ("multiples of 32", image[:, :60], label, {}, None),
        ("use 2 or more", image, label, {"batch": 1}, None),
        ("a share in", image, label, {"warm_up": 1.0}, None),
        ("there is no pool", image, label, {"synthetic": 0.5}, None),
        ("classifier 'vgg' is unknown", image, label, {"network": "vgg"}, None),
        ("precision 'half' is unknown", image, label, {"precision": "half"}, None),
    ]:
        with pytest.raises(ValueError, match=sentence):
            grade.fit(x, y, GradeSettings(**(SHORT | changes)), rng, extra)
    with pytest.raises(ValueError, match="is in both train and test"):
        grade.arm(train, None, None, None, validation, train, SHORT, [0])
    with pytest.raises(ValueError, match="is in both validation and test"):
        grade.arm(train, None, None, None, test, test, SHORT, [0])
    oracle = Result({**pool.arrays, "subject": test.arrays["subject"][:40]}, {})
    with pytest.raises(ValueError, match="is in both train and test"):
        grade.arm(train, None, oracle, 40, validation, test, SHORT, [0])
    with pytest.raises(ValueError, match="are asked of a set"):
        grade.arm(train, 101, None, None, validation, test, SHORT, [0])


def test_a_look_is_predicted_by_the_same_network_and_changes_nothing_else(toy):
    train, pool, validation, test = toy
    dark = Result({"image": test.arrays["image"] / 2}, {})
    found, plain = (grade.arm(train, 20, pool, 10, validation, test, SHORT, [3], looks).arrays
                    for looks in ({"same": test, "dark": dark}, None))  # fmt: skip
    assert set(found) - set(plain) == {"probability/same", "probability/dark"}
    assert all(np.array_equal(found[name], plain[name]) for name in plain)
    assert np.array_equal(found["probability/same"], plain["probability/test"])
    assert not np.array_equal(found["probability/dark"], plain["probability/test"])


# ---- the box around a lesion ----


def marked_discs():
    """Slices (4, 32, 32) of 0.2 with a lesion of its own grey: in the middle, in two corners, none;
    the far corner of each image is 1."""
    image, mask = np.full((4, 32, 32), 0.2, np.float32), np.zeros((4, 32, 32), bool)
    for i, (row, column) in enumerate(((14, 18), (0, 0), (28, 28))):
        mask[i, row : row + 4, column : column + 4] = True
        image[i][mask[i]] = 0.4 + 0.2 * i
    image[:, 31, 0] = 1
    return Result({"image": image, "mask": mask, "grade": np.array([0, 1, 1, 0])}, {})


def test_a_box_is_around_the_lesion_as_large_as_the_image_and_inside_it():
    data = marked_discs()
    found = grade.boxed(data, 8).arrays
    assert found["image"].shape == (4, 32, 32) and set(found) == {"image", "label"}
    assert found["label"].tolist() == [0, 1, 1, 0]
    share = (found["image"] > 0.3).mean((1, 2))
    assert np.allclose(share[:3], 0.25, atol=0.06), "16 pixels of 64"
    assert np.allclose(found["image"].max((1, 2)), [0.4, 0.6, 0.8, 0.2]), "what lies beyond is cut"
    middle = found["image"][0] > 0.3
    assert np.array_equal(middle, middle[::-1, ::-1]), "the lesion is in the middle"
    assert found["image"][1, 0, 0] > 0.3 and found["image"][2, 31, 31] > 0.3, "moved inwards"


def test_whole_images_and_what_stands_beside_them_are_kept():
    data = marked_discs()
    named = data.arrays | {"label": np.array([1, 0, 0, 1]), "subject": np.arange(4)}
    found = grade.boxed(Result(named, {}), None).arrays
    assert np.array_equal(found["image"], data.arrays["image"])
    assert found["label"].tolist() == [1, 0, 0, 1] and found["subject"].tolist() == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="size=40 must be from 1"):
        grade.boxed(data, 40)
