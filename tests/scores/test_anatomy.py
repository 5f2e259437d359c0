"""What a lesion leaves of its anatomy: pasted, shifted, swapped and true samples."""

import numpy as np
import pytest
from toy_lesions import scans

from lib.jobs import Result
from lib.networks.unet import UNet
from lib.scores import anatomy
from lib.training.weights import seeded, weights_to_arrays

NAMES = ("outside_change", "outside_p99", "outside_same", "outside_error", "reidentification")
POOLED = "reidentification_pooled"
TOY = scans(12)
SLICES = Result({"image": TOY["image"], "mask": TOY["mask"], "subject": np.arange(12)}, {})
TRUTHS = Result({"healthy": TOY["healthy"], "deviation": TOY["deviation"]}, {})


@pytest.fixture(scope="module")
def reader():
    weights = weights_to_arrays(seeded(UNet, np.random.default_rng(0)))
    return Result(weights, {"architecture": "unet", "dims": 2, "sides": [32, 32]})


def pasted(**changes):
    """Samples that leave their anatomy as it is outside the mask."""
    made = TOY["healthy"] + 0.2 * TOY["mask"]
    arrays = {"image": made.astype(np.float32), "mask": TOY["mask"], "anatomy": TOY["healthy"]}
    return Result(arrays | {"source": np.arange(12)} | changes, {})


def test_nothing_outside_changes_where_a_lesion_is_pasted(reader):
    scores = anatomy.preserved(pasted(), 12, reader, TRUTHS).scores
    assert 0 < scores.pop(POOLED) < 1, "the encoder sees the lesions"
    assert scores == dict(zip(NAMES, (0, 0, 1, 0, 1), strict=True))
    healed = anatomy.preserved(pasted(image=TOY["healthy"]), 12, reader).scores
    assert healed[POOLED] == healed["reidentification"] == 1


def test_a_shift_reads_its_size_and_the_truth_is_that_of_the_source(reader):
    """Two of the twelve are shifted by 0.01, and the truths of sources in another order by 0.03."""
    shift = np.where(np.arange(12) < 2, 0.01, 0)[:, None, None]
    source = np.arange(12)[::-1]
    pool = pasted(image=TOY["healthy"] + shift, source=source)
    truths = Result({"healthy": TOY["healthy"][::-1] + 0.03}, {})
    scores = anatomy.preserved(pool, 12, reader, truths).scores
    pixels = (~TOY["mask"]).sum((1, 2))
    share = pixels[:2].sum() / pixels.sum()
    assert scores["outside_change"] == pytest.approx(0.01 * share, rel=1e-5)
    assert scores["outside_p99"] == pytest.approx(0.01, rel=1e-5)
    assert scores["outside_same"] == pytest.approx(1 - share)
    expected = np.sqrt(share * 0.02**2 + (1 - share) * 0.03**2)
    assert scores["outside_error"] == pytest.approx(expected, rel=1e-5)


def test_the_scene_says_which_truth_is_meant(reader):
    plain = anatomy.preserved(pasted(), 12, reader).scores
    assert plain["outside_error"] is None
    assert anatomy.preserved(pasted(), 12, reader, scene="free").scores["outside_error"] == 0
    both = Result({"healthy": TOY["healthy"], "free/healthy": TOY["healthy"] + 0.5}, {})
    free = anatomy.preserved(pasted(), 12, reader, both, "free").scores
    assert free["outside_error"] == pytest.approx(0.5)
    full = pasted(mask=np.ones_like(TOY["mask"]))
    undefined = anatomy.preserved(full, 12, reader, TRUTHS).scores
    assert [undefined[name] for name in NAMES[:4]] == [None] * 4


def test_a_sample_is_known_by_its_nearest_anatomy():
    """The first two have one anatomy, which counts as theirs from either row."""
    source = np.array([3, 3, 7, 8])
    apart = np.array([[0.2, 0.1, 1, 2], [0.3, 0.3, 1, 2], [4, 4, 3, 2], [9, 9, 2, 1]])
    assert anatomy.identified(apart, source) == pytest.approx(3 / 4)
    assert anatomy.identified(0 * apart, source) == pytest.approx((2 / 4 + 2 / 4 + 2 / 4) / 4)


def test_distances_outside_the_mask_by_a_loop():
    image, given, mask = TOY["image"][:4], TOY["healthy"][:4], TOY["mask"][:4]
    expected = [[np.square(x.astype(float) - a)[~m].sum() for a in given]
                for x, m in zip(image, mask, strict=True)]  # fmt: skip
    np.testing.assert_allclose(anatomy.apart_outside(image, given, mask), expected, atol=1e-9)


def test_swapped_anatomies_are_not_recognised(reader):
    pool = pasted(image=np.roll(pasted().arrays["image"], 1, 0))
    scores = anatomy.preserved(pool, 12, reader).scores
    assert scores["reidentification"] == 0 and scores[POOLED] < 0.2


def test_reconstructions_are_scored_as_samples_on_their_own_image(reader):
    again = (TOY["image"] + 0.02).astype(np.float32)
    pair = Result({"image": TOY["image"], "reconstruction": again, "mask": TOY["mask"]}, {})
    found = anatomy.reconstructed_change(pair, reader, TRUTHS).scores
    pool = pasted(image=again, anatomy=TOY["image"])
    assert found == anatomy.preserved(pool, 12, reader, TRUTHS).scores
    assert found["outside_change"] == pytest.approx(0.02, rel=1e-3)
    assert anatomy.reconstructed_change(pair, reader).scores["outside_error"] is None
