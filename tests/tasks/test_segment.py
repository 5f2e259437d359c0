"""The segmentation task: what is trained on, in which share, how long; its networks."""

import subprocess
import sys
import zlib

import numpy as np
import pytest
import torch
from conftest import ROOT

from lib.jobs import Result
from lib.metrics.segmentation import dice
from lib.networks import augment
from lib.networks.unet import UNet
from lib.tasks import architectures, segment
from lib.tasks.segment import SegmentSettings
from lib.training import loop as tr
from lib.training.weights import freeze, seeded

SHORT = {"steps": 3, "batch": 8}


def volumes(n, rng, first=0, shape=(16, 32, 32)):
    """A toy volume_set: a bright ball at a random place of a noisy background."""
    z, y, x = np.indices(shape)
    centre = rng.uniform(10, shape[-1] - 10, (n, 2, 1, 1, 1))
    inside = ((y - centre[:, 0]) ** 2 + (x - centre[:, 1]) ** 2) < 36
    mask = inside & (abs(z - shape[0] / 2) < shape[0] / 4)
    image = (0.3 + 0.35 * mask + 0.08 * rng.standard_normal(mask.shape)).clip(0, 1)
    subject = first + np.arange(n, dtype=np.uint64)
    return Result({"image": image.astype(np.float32), "mask": mask, "subject": subject}, {})


def slices(data):
    """Its slice_set."""
    image, mask, subject = (data.arrays[name] for name in ("image", "mask", "subject"))
    some = mask.any((2, 3))
    who, where = np.nonzero(some)
    arrays = {"image": image[some], "mask": mask[some], "subject": subject[who], "index": where}
    arrays |= {"free/image": image[~some], "free/subject": subject[np.nonzero(~some)[0]]}
    return Result(arrays, {})


def pool_of(data, n):
    return Result({name: slices(data).arrays[name][:n] for name in ("image", "mask")}, {})


@pytest.fixture(scope="module")
def toy():
    """Training volumes, their slices, a pool of other subjects, test volumes."""
    rng = np.random.default_rng(0)
    train, other, test = (volumes(n, rng, first) for n, first in ((6, 0), (7, 50), (4, 100)))
    return train, slices(train), pool_of(other, 20), test


# ---- training -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 60},
        {"steps": 60, "precision": "float32", "augment": True},
        {"steps": 80, "dims": 3, "batch": 2},
    ],
    ids=["bfloat16", "float32 augmented", "volumes"],
)
def test_an_arm_learns_the_toy(toy, settings):
    train, real, pool, test = toy
    data = (train, None, None) if settings.get("dims") == 3 else (real, pool, 20)
    found = segment.arm(*data, test, settings, [1])
    assert dice(found.arrays["counts"]).mean() > 0.8
    assert found.arrays["counts"].shape == (4, 16, 3)
    np.testing.assert_array_equal(
        found.arrays["counts"][..., 2], test.arrays["mask"].sum((2, 3)), "true voxels, in order"
    )
    np.testing.assert_array_equal(
        found.arrays["example"].sum((2, 3)), found.arrays["counts"][:2, :, 1]
    )


def test_the_loss_is_its_formula_and_rewards_the_truth():
    p = torch.tensor([[0.9, 0.2], [0.6, 0.4]], dtype=torch.float64)
    y = torch.tensor([[1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    entropy = -np.mean(np.log([0.9, 0.8, 0.6, 0.6]))
    expected = entropy + 1 - (2 * 1.5 + 1) / (2.1 + 2 + 1)
    assert segment.loss(p.logit(), y).item() == pytest.approx(expected)
    empty = torch.zeros(4, 4)
    assert segment.loss(empty - 30, empty).item() == pytest.approx(0, abs=1e-6)
    assert segment.loss(empty + 30, empty).item() > 30


class Recorder(torch.nn.Module):
    """A network that keeps what it is shown."""

    def __init__(self):
        super().__init__()
        self.conv, self.shown = torch.nn.Conv2d(1, 1, 1), []

    def forward(self, x):
        self.shown.append(x)
        return self.conv(x)


def test_every_image_is_trained_with_its_own_mask(toy, monkeypatch):
    """Real, first of the pool, and lesion-free with an empty mask; nothing past `extra`."""
    _, real, pool, test = toy
    net, targets, plain = Recorder(), [], segment.loss
    monkeypatch.setattr(architectures, "create", lambda *_: net)
    monkeypatch.setattr(segment, "loss", lambda p, y: (targets.append(y), plain(p, y))[1])
    segment.arm(real, pool, 5, test, {"steps": 40}, [0])
    free, seen = real.arrays["free/image"], set()
    known = [*zip(real.arrays["image"], real.arrays["mask"], strict=True)]
    known += [*zip(pool.arrays["image"][:5], pool.arrays["mask"][:5], strict=True)]
    known += [(image, np.zeros(image.shape, bool)) for image in free]
    by_image = {image.tobytes(): (i, mask) for i, (image, mask) in enumerate(known)}
    for image, target in zip(torch.cat(net.shown[:40]), torch.cat(targets), strict=True):
        i, mask = by_image[image.numpy().tobytes()]
        assert np.array_equal(target[0].numpy() > 0.5, mask)
        seen.add(i)
    assert seen == set(range(len(known)))


@pytest.mark.parametrize("extra", [0, 7, 40])
def test_batches_have_equal_steps_and_a_fixed_share_of_lesion_free_slices(extra):
    s = SegmentSettings(steps=50, batch=16)
    found = torch.stack(list(segment.index_batches(30, extra, 9, s, np.random.default_rng(0))))
    assert found.shape == (50, 16)
    assert ((found >= 30 + extra).sum(1) == 4).all(), "a quarter of every batch"
    lesion = np.bincount(found[found < 30 + extra], minlength=30 + extra)
    assert lesion.max() - lesion.min() <= 1, "real and pool images count alike"
    free = np.bincount(found[found >= 30 + extra] - 30 - extra, minlength=9)
    assert free.max() - free.min() <= 1


@pytest.mark.parametrize(("share", "real"), [(0.5, 6), (0.25, 9), (1.0, 0), (0.0, 12)])
def test_re_weighting_fixes_the_share_of_the_pool(share, real):
    s = SegmentSettings(steps=30, synthetic=share)
    found = torch.stack(list(segment.index_batches(10, 100, 5, s, np.random.default_rng(0))))
    assert ((found < 10).sum(1) == real).all()
    assert (((found >= 10) & (found < 110)).sum(1) == 12 - real).all()


def test_steps_do_not_depend_on_the_pool(toy, monkeypatch):
    _, real, pool, test = toy
    taken = []
    descend = tr.descend
    monkeypatch.setattr(tr, "descend", lambda *a: (taken.append(1), descend(*a)))
    for source, extra in ((None, None), (pool, 3), (pool, None)):
        taken.clear()
        done = segment.arm(real, source, extra, test, SHORT, [0])
        assert len(taken) == 3
        used = 0 if source is None else 3 if extra else 20
        assert done.scores["images"] == len(real.arrays["image"]) + used


def test_equal_epochs_take_steps_with_the_pool(toy):
    _, real, pool, test = toy
    whole = {name for name in real.arrays if name.startswith("free")}
    real = Result({name: x if name in whole else x[:20] for name, x in real.arrays.items()}, {})
    for source, steps in ((None, 3), (pool, 6)):
        found = segment.arm(real, source, None, test, {**SHORT, "epochs": True}, [0])
        assert found.scores["steps"] == steps


PROGRAM = """
import sys, zlib
import numpy as np
sys.path[:0] = ["tests", "tests/tasks"]
from test_segment import digest
print(digest())
"""


def digest():
    """Checksum of the weights of a short fit with every random part at work."""
    real = slices(volumes(3, np.random.default_rng(0)))
    found = segment.fit_job(real, {**SHORT, "augment": True}, [3, 1])
    return zlib.crc32(b"".join(found.arrays[name].tobytes() for name in sorted(found.arrays)))


def test_the_same_seed_gives_the_same_bytes_in_another_process():
    """The parent has drawn random numbers of its own before."""
    torch.rand(3), torch.set_num_threads(1)
    command = [sys.executable, "-c", "import torch; torch.set_num_threads(1)" + PROGRAM]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) == digest()


@pytest.mark.parametrize("dims", [2, 3])
def test_a_stored_network_predicts_the_same(toy, dims):
    train, real, _, test = toy
    settings = {"steps": 4, "batch": 4, "dims": dims}
    stored = segment.fit_job(real if dims == 2 else train, settings, [0])
    images = test.arrays["image"] if dims == 3 else test.arrays["image"].reshape(-1, 32, 32)
    net = segment.load(stored)
    assert not net.training and not any(p.requires_grad for p in net.parameters())
    s = SegmentSettings(**settings)
    source = (train if dims == 3 else real).arrays
    same = segment.fit(
        source["image"], source["mask"], s, np.random.default_rng([0]), source.get("free/image")
    )
    assert np.array_equal(segment.predict(net, images), segment.predict(same, images))
    other = segment.fit_job(real if dims == 2 else train, settings, [1])
    assert not np.array_equal(stored.arrays["head.weight"], other.arrays["head.weight"])


def test_volumes_are_never_trained_in_bfloat16(toy):
    """There the same seed would not give the same bytes."""
    settings = {**SHORT, "dims": 3, "batch": 2}
    a, b = (
        segment.fit_job(toy[0], {**settings, "precision": name}, [0]).arrays
        for name in ("bfloat16", "float32")
    )
    assert all(np.array_equal(a[name], b[name]) for name in a)


def test_prediction_is_a_probability_above_one_half():
    class Ramp(torch.nn.Module):
        def forward(self, x):
            return torch.logit(x, eps=1e-6)

    images = np.array([0.2, 0.49, 0.52, 0.9], np.float32).reshape(1, 2, 2)
    assert segment.predict(Ramp(), images).tolist() == [[[False, False], [True, True]]]


# ---- errors -------------------------------------------------------------------------------------


def test_what_cannot_be_trained_is_refused_before_any_training(toy, monkeypatch):
    train, real, pool, test = toy

    def broken(source, **columns):
        return Result({**source.arrays, **columns}, {})

    def never(*_):
        raise AssertionError("training began")

    monkeypatch.setattr(tr, "descend", never)
    none, half = np.zeros_like(real.arrays["mask"]), pool.arrays["mask"][:, :16]
    small = broken(pool, image=pool.arrays["image"][:, :16], mask=half)
    cases = [
        ("asked of a set of 20", real, pool, 21, test, {}),
        ("asked of a set of 0", real, None, 1, test, {}),
        ("images have shape", broken(real, mask=none[:-1]), pool, 3, test, {}),
        ("pool have shape", real, broken(pool, mask=half), 3, test, {}),
        ("real images .* resample", real, small, 3, test, {}),
        ("no lesion pixel", broken(real, mask=none), None, None, test, {}),
        ("is in both train and test", real, None, None, train, {}),
        ("set dims or resample", real, None, None, test, {"dims": 3}),
        ("set dims or resample", train, None, None, test, {}),
        ("no lesion-free slice", broken(real, **{"free/image": real.arrays["image"][:0]}),
         None, None, test, {}),
        ("there is no pool", real, None, None, test, {"synthetic": 0.5}),
        ("architecture 'vgg' is unknown", real, None, None, test, {"architecture": "vgg"}),
    ]  # fmt: skip
    for sentence, *data, settings in cases:
        with pytest.raises(ValueError, match=sentence):
            segment.arm(*data, {**SHORT, **settings}, [0])
    oracle = broken(pool, subject=np.full(20, 100, np.uint64))
    with pytest.raises(ValueError, match="subject 100 is in both train and test"):
        segment.arm(real, oracle, 3, test, SHORT, [0])


# ---- networks -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("dims", "sides"), [(2, (64, 64)), (3, (32, 64, 64)), (2, (20, 36))])
def test_the_unet_s_maps_halve_and_its_features_are_means_of_the_deepest(dims, sides):
    net = freeze(architectures.create("unet", dims, sides, np.random.default_rng(0)))
    x = torch.rand(2, 1, *sides)
    maps = net.maps(x)
    for i, (found, width) in enumerate(zip(maps, (16, 32, 48, 64), strict=True)):
        assert found.shape == (2, width, *(side // 2 ** (i + 1) for side in sides))
        assert (found >= 0).all() and found.any()
    spatial = tuple(range(2, 2 + dims))
    torch.testing.assert_close(net.features(x), maps[-1].mean(spatial))
    assert net(x).shape == x.shape


def test_the_unet_sees_every_level():
    """Its output depends on the finest and on the deepest maps, and far pixels reach it."""
    net = freeze(architectures.create("unet", 2, (64, 64), np.random.default_rng(0)))
    x = torch.rand(1, 1, 64, 64)
    plain = net(x)
    for level in range(4):
        handle = net.down[level].register_forward_hook(lambda *a: torch.zeros_like(a[2]))
        with torch.no_grad():
            assert (net(x) - plain).abs().max() > 1e-4, level
        handle.remove()
    far = x.clone()
    far[..., 20:23, 20:23] += 1
    assert ((net(far) - plain).abs() > 1e-7)[..., 40:, 40:].any()


def test_a_unet_of_mirrored_weights_gives_the_mirrored_mask():
    """No layer shifts the image: strides, skips and interpolation lie evenly round each pixel."""
    net, mirror = (freeze(seeded(UNet, np.random.default_rng(0))) for _ in range(2))
    for weight in mirror.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.flip(-1)
    x = torch.rand(1, 1, 64, 64)
    assert (net(x.flip(-1)) - net(x).flip(-1)).abs().max() > 1e-3
    torch.testing.assert_close(mirror(x.flip(-1)), net(x).flip(-1), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", architectures.NAMES)
def test_every_architecture_takes_slices_and_volumes(name):
    for dims, sides in ((2, (64, 64)), (3, (32, 64, 64))):
        rngs = map(np.random.default_rng, (0, 0, 1))
        nets = [architectures.create(name, dims, sides, rng) for rng in rngs]
        weights = [torch.cat([p.flatten() for p in net.parameters()]) for net in nets]
        assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])
        text = architectures.build.__doc__.replace("\n", " ")
        assert f"{len(weights[0]):,}" in text, "the documented number of weights"
        x = torch.rand(1, 1, *sides)
        with torch.no_grad(), tr.autocast("bfloat16"):
            logits = nets[0].eval()(x)
        assert logits.shape == x.shape and torch.isfinite(logits).all()


def test_every_architecture_learns_its_one_batch():
    data = slices(volumes(2, np.random.default_rng(0), shape=(4, 64, 64))).arrays
    for name in ("unetr", "swinunetr", "attn", "nnunet"):
        s = SegmentSettings(name, steps=25, batch=4, free=0)
        net = segment.fit(data["image"], data["mask"], s, np.random.default_rng(0))
        found, true = segment.predict(net, data["image"]), data["mask"]
        assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.6, name


def test_architectures_refuse_what_they_cannot_build():
    with pytest.raises(ValueError, match="architecture 'vgg' is unknown"):
        architectures.build("vgg", 2, (64, 64))
    with pytest.raises(ValueError, match="use 2 or 3 and as many sides"):
        architectures.build("unet", 3, (64, 64))
    with pytest.raises(ValueError, match=r"SwinUNETR needs multiples of \(64, 64\)"):
        architectures.build("swinunetr", 2, (96, 64))
    with pytest.raises(ValueError, match="16 pixels a side or more"):
        architectures.build("unet", 3, (8, 64, 64))
    with pytest.raises(ValueError, match="dims is 4"):
        UNet(4)


# ---- augmentation and control pools -------------------------------------------------------------


@pytest.mark.parametrize("dims", [2, 3])
def test_image_and_mask_move_together(dims):
    """An image that is its own mask stays it; planes of a volume move alike, subjects do not."""
    data = volumes(12, np.random.default_rng(0), shape=(8, 64, 64)).arrays["mask"]
    masks = data[:, 4:5] if dims == 2 else data[:, None]
    masks = torch.from_numpy(masks).float()
    image, mask = augment.classical_pairs(masks, masks, torch.Generator().manual_seed(0))
    assert set(mask.unique().tolist()) == {0, 1}
    both = ((image > 0.5) * mask).flatten(1).sum(1)
    dice = 2 * both / ((image > 0.5).flatten(1).sum(1) + mask.flatten(1).sum(1))
    assert (dice > 0.95).all()
    moved = 2 * (masks * mask).sum() / (masks.sum() + mask.sum())
    assert moved < 0.6, "most are mirrored or shifted well away"
    if dims == 3:
        inner = mask[:, 0, 3:6]
        assert (inner == inner[:, :1]).all() and not mask[:, 0, :2].any()


def test_maps_are_of_the_stated_strength():
    """Undone for the plane's aspect, a map is a mirror, a rotation and a zoom, in pixels."""
    maps = augment.affine(4000, 32, 64, torch.Generator().manual_seed(0)).double()
    linear = maps[:, :, :2] * torch.tensor([[1.0, 2.0], [0.5, 1.0]])
    zoom = 1 / linear.det().abs().sqrt()
    assert 0.9 < zoom.min() < 0.91 and 1.09 < zoom.max() < 1.1
    mirrored = linear.det() < 0
    assert mirrored.double().mean() == pytest.approx(0.5, abs=0.03)
    angle = torch.atan2(-linear[:, 0, 1], linear[:, 1, 1]).rad2deg()
    assert 14.8 < angle.abs().max() < 15 and abs(angle.mean()) < 0.6
    gram = linear.transpose(1, 2) @ linear * zoom.pow(2).view(-1, 1, 1)
    torch.testing.assert_close(gram, torch.eye(2).double().expand(4000, 2, 2), atol=1e-5, rtol=0)
    shift = maps[:, :, 2] * torch.tensor([32.0, 16.0])
    assert (shift.abs().amax(0) > 2.98).all() and shift.abs().max() <= 3
    assert (maps[:, 1, 1] > 0).all(), "never upside down"
