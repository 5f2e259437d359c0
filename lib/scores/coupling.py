"""Jobs on how much a deviation tells of its anatomy: PathoSyn, section IV-B b and Table I.

One definition for all methods, since most have neither part: of a sample with its mask, x_sub is
what an independent network says lies behind the lesion, r is the sample minus x_sub inside the
mask, and one frozen encoder sees both. The phantom's own pairs, true healthy image and true
deviation, are seen by the same encoder: a perfect generator has their coupling, and not none
(PS-E05). COUPLINGS names laws with less of it and more.
"""

from functools import partial

import numpy as np
from scipy.stats import rankdata

from lib.datasets.lesions import Ranges
from lib.generators import pathosyn
from lib.jobs import Result
from lib.metrics import dependence
from lib.scores.pairs import embed
from lib.tasks import segment

MOST = 0.5  # share of an image: around a larger mask nothing tells what lies behind it
GROUND = 0.5  # grey value on which a deviation is shown to the encoder
NAMES = ("cos", "cos_centred", "mi", "mi_neighbours")
COMPONENTS = 2  # principal directions of either part, between which information is estimated
LEAST = 20  # lesions below which nothing is estimated
PAIRINGS = 100  # random pairings that say what independent parts read

_NO_CORE = {"inner_size": [-0.2, -0.1], "low_inner_size": [-0.2, -0.1]}
_ONE_PLACE = {"tumour_z": [0.05, 0.05], "tumour_reach": [0.5, 0.5], "tumour_azimuth": [0.0, 0.0]}
_ONE_SIZE = {"tumour_radius": [0.4, 0.4], "tumour_aspect": [1.0, 1.0],
             "tumour_stretch": [0.95, 0.95]}  # fmt: skip
_ONE_GREY = {"flair_contrast": [0.14, 0.14], "texture": [0.02, 0.02], "low_texture": [0.02, 0.02]}
COUPLINGS: dict[str, Ranges] = {
    "none": {"tumour_flattening": [0.0, 0.0], "tumour_resistance": [0.0, 0.0], **_NO_CORE,
             "tumour_radius": [0.2, 0.26], "tumour_reach": [0.36, 0.5], "bias": [0.0, 0.0]},
    "weak": {},
    "strong": {"tumour_flattening": [1.0, 1.0], **_ONE_PLACE, **_ONE_SIZE, **_ONE_GREY},
}  # fmt: skip
"""Ranges of the brain law (`lesions.fresh_lesions`, `lesions.truths`) in which lesions depend on
anatomy more and less; "weak" is the law as it stands. Tissue lends a deviation its pattern through
`tumour_flattening` and its shape through `tumour_resistance`, but pooled features hardly see
either. They see the level of the slice, which says how large the lesion is where all tumours have
one place and size. Small tumours that hide nothing owe the anatomy next to nothing."""


def healed_features(pool: Result, n: int, healer: Result, encoder: Result) -> Result:
    """Job: features of both parts of the first n samples, by a healer; those without a lesion, or
    with one over more than MOST of the image, are left out.

    pool: image and mask, of any generator or real. healer: a fit of PathoSyn's f_sub on subjects
    beside the study. encoder: a U-Net of `tasks.segment`. Arrays (m, d): substrate, deviation; and
    subject (m,) where the pool names it.
    """
    image, mask = (pool.arrays[name][:n] for name in ("image", "mask"))
    drawn = mask.any((1, 2)) & (mask.mean((1, 2)) <= MOST)
    image, mask = image[drawn], mask[drawn]
    substrate = deviation = image
    if len(image):
        parts = pathosyn.decomposition(healer, Result({"image": image, "mask": mask}, {}), n).arrays
        substrate, deviation = parts["substrate"], parts["deviation"]
    who = {k: column[:n][drawn] for k, column in pool.arrays.items() if k == "subject"}
    return _encoded(substrate, deviation, mask, encoder, who)


def true_features(slices: Result, truths: Result, n: int, encoder: Result) -> Result:
    """Job: features of the true parts of the first n lesion slices; arrays as `healed_features`."""
    healthy, deviation = (truths.arrays[name][:n] for name in ("healthy", "deviation"))
    mask, subject = (slices.arrays[name][:n] for name in ("mask", "subject"))
    return _encoded(healthy, deviation, mask, encoder, {"subject": subject})


def _encoded(substrate, deviation, mask, encoder: Result, who: dict) -> Result:
    net = segment.load(encoder)
    shown = GROUND + np.where(mask, deviation, 0)
    found = [embed(net, x.clip(0, 1).astype(np.float32)) for x in (substrate, shown)]
    arrays = dict(zip(("substrate", "deviation"), found, strict=True)) | who
    return Result(arrays, {"n": len(mask)})


def coupling(features: Result, reference: Result, stream: list[int]) -> Result:
    """Job: C and mutual information of the two parts, and the same of parts paired at random.

    features, reference: of `healed_features` or `true_features`; the principal directions are
    fitted on the reference, real slices of other subjects seen in the same way. One lesion of each
    subject counts, where features name subjects: slices of one resemble each other in both parts,
    which neighbours take for information.

    cos: mean absolute cosine of raw features, which are never negative: only `permuted` says what
    it reads by chance. cos_centred: of centred ones; chance: `dependence.chance` of the dimensions
    that both share. mi: Gaussian-copula information in nats between COMPONENTS directions a side;
    mi_neighbours: the same by nearest neighbours. permuted, permuted_sd: mean and SD of the four
    over random pairings. n: pairs. None for all: under LEAST pairs, or parts that do not vary;
    mi_neighbours alone where pairs repeat.
    """
    rng, *rngs = np.random.default_rng(stream).spawn(1 + len(NAMES))
    a, b = _one_of_each_subject(features, rng)
    found, null, sd = {}, {}, {}
    for (name, given), each in zip(statistics(a, b, reference).items(), rngs, strict=True):
        test = dependence.permuted(*given, each, PAIRINGS) if given else {}
        found[name], null[name], sd[name] = (test.get(key) for key in ("value", "null", "sd"))
    defined = found["cos_centred"] is not None
    found["chance"] = dependence.chance(dependence.joint_dimension(a, b)) if defined else None
    return Result({}, found | {"n": len(a), "permuted": null, "permuted_sd": sd})


def statistics(a: np.ndarray, b: np.ndarray, reference: Result) -> dict[str, tuple | None]:
    """For each of NAMES a statistic and the two sets that it compares; None where undefined."""
    found = dict.fromkeys(NAMES)
    if len(a) < LEAST or not np.ptp(a, axis=0).any() or not np.ptp(b, axis=0).any():
        return found
    found["cos"] = partial(dependence.coupling, centred=False), a, b
    found["cos_centred"] = dependence.coupling, a, b
    parts = zip((a, b), ("substrate", "deviation"), strict=True)
    x, y = (dependence.principal(reference.arrays[name], COMPONENTS)(part) for part, name in parts)
    both = np.hstack([x, y])
    if np.linalg.matrix_rank(np.cov(rankdata(both, axis=0), rowvar=False)) == both.shape[1]:
        found["mi"] = dependence.copula_information, x, y
    if np.ptp(both, axis=0).all() and len(np.unique(both, axis=0)) == len(both):
        found["mi_neighbours"] = dependence.neighbour_information, x, y
    return found


def _one_of_each_subject(features: Result, rng: np.random.Generator) -> list[np.ndarray]:
    """Both parts of a random lesion of every subject, or of all where no subject is named."""
    parts = [features.arrays[name].astype(np.float64) for name in ("substrate", "deviation")]
    if "subject" not in features.arrays:
        return parts
    order = rng.permutation(len(parts[0]))
    _, at = np.unique(features.arrays["subject"][order], return_index=True)
    return [part[order[at]] for part in parts]
