"""Where our use and scoring of dHVAE's samples departs from the paper; see `departures`."""

import inspect
from dataclasses import replace

from lib.controls import copies
from lib.metrics import coverage, masks
from lib.networks import augment, unet
from lib.papers.departures import listed, weights
from lib.papers.dhvae import dose, printed
from lib.papers.dhvae.arms import AMOUNTS, COPIES, FILLED, MAIN, MOST, SOURCES
from lib.papers.dhvae.sizes import Sizes
from lib.papers.dhvae.study import Study
from lib.tasks import architectures, pretrain, segment


def segmenter(of: Study, arm: str) -> segment.SegmentSettings:
    """The settings that an arm's segmenter is trained with."""
    trained = of.predictions(SOURCES[arm], 0)
    return segment.SegmentSettings(**trained.spec["args"]["settings"])


def segmentation(p: Sizes, of: Study) -> list[tuple]:
    s, whole = (segmenter(of, arm) for arm in ("real", "real3d"))
    turn, zoom, shift = augment.ROTATION, augment.ZOOM, augment.SHIFT
    names = [name for key, name in architectures.NAMES.items() if key != "unet"]
    amounts = ", ".join(f"{of.amount(n):,}" for n in AMOUNTS)
    more = "; beyond them " + ", ".join(f"{n:,}" for n in p.long_additions)
    return [
        (
            "“a standard U-Net”, 2-D and 3-D; schedule not stated",
            f"{weights(unet.UNet(2))} and {weights(unet.UNet(3))} weights, cross-entropy plus soft "
            f"Dice, rate {s.rate:g}; {s.steps:,} steps of {s.batch} slices, {whole.steps:,} of "
            f"{whole.batch} volumes",
            "what two cores train for hundreds of arms",
            "longer training; its ranking of arms",
        ),
        (
            "×5 has 3,855 images and the synthetic arm 2,771; steps not stated (DH-E21)",
            "equal gradient steps in every arm of a dimension",
            "else an arm with more images also trains longer",
            "equal epochs would favour the arms with more images",
        ),
        (
            "2-D networks are trained and tested on slices that hold a tumour, chosen by the truth "
            "(DH-E07)",
            f"{100 * s.free:.0f} % of each batch are lesion-free slices of the same volumes; every "
            "slice of a test volume is segmented",
            "who does not know where the tumour is needs a network that can say “none”",
            "a network that never saw a lesion-free slice",
        ),
        (
            _theirs(),
            f"the same counts, {amounts}" + (more if p.long_additions else "") + _ratios(of)
            + "; arms named `_pretrained` learn from the synthetic ones alone in the first "
            f"{100 * pretrain.FIRST:.0f} % of their steps, those named `_reweighted` have as many "
            "real as synthetic slices in each batch (DH-45)",
            "the paper's own explanation of a decline becomes a test",
            "none",
        ),
        (
            "whether samples with an empty mask are used, and what of test slices without a "
            "lesion: not stated",
            "all samples are used, and all test slices count; arms "
            + listed(f"{name}{MOST}_{FILLED}" for name in ("vae", "hvae", "dhvae"))
            + f" leave out samples with fewer than {p.mask_pixels} pixels, and `dice_selected` "
            "test slices without a lesion",
            "a sample without a tumour is a failure of its generator, and what it costs is "
            "measured",
            "larger masks as the least",
        ),
        (
            "“rotation, horizontal/vertical flipping, cropping, etc.”, ×2 and ×5",
            f"rotation by up to {turn:g}°, zoom by {100 * zoom:.0f} %, shift by {shift:g} pixels, "
            "mirror left to right; one and four copies of every pair, volumes moved as a whole",
            "anatomy has a top",
            "grey values are not augmented",
        ),
        (
            "Table 6 sets un-augmented 3-D networks against 2-D ones with 2,000 synthetic slices "
            "(DH-E08)",
            "both sides in 2-D; the paper's 3-D reference stands beside (`real3d`)",
            "dimension, choice of slices and augmentation come apart",
            "3-D networks with synthetic volumes",
        ),
        (
            "nnU-Net “with its default optimization settings”, SwinUNETR, UNETR, Attention U-Net",
            f"small presets of MONAI's networks: {', '.join(names)}; DynUNet is nnU-Net's "
            "architecture only, none of its planning, augmentation or ensembling; one schedule for "
            "all",
            "what trains on two cores",
            "each network at the size and schedule of its authors",
        ),
    ]


def _theirs() -> str:
    """The paper's amounts, and what they are to its real slices."""
    real = printed.REAL_SLICES.values()
    most = " and ".join(f"{max(AMOUNTS) / n:.1f}" for n in real)
    return (
        f"{min(AMOUNTS):,} to {max(AMOUNTS):,} synthetic slices beside "
        f"{' and '.join(map(str, real))} real ones: at most {most} per real slice"
    )


def _ratios(of: Study) -> str:
    """What our amounts are to our real slices, as the record counts them; "" where it does not."""
    real = dose.recorded()
    if not real:
        return ""
    found = {m: (n, of.amount(MOST) / n, dose.nearest(replace(of, regime=m), n)[1])
             for m, (n, _) in real.items()}  # fmt: skip
    each = [f"{n} ({m}): at most {ratio:.1f} per real slice, and the paper's most is nearest to "
            f"our +{near:,}" for m, (n, ratio, near) in found.items()]  # fmt: skip
    return "; real slices in the first draw are " + ", ".join(each)


def draws(p: Sizes, of: Study) -> list[tuple]:
    beside = len(of.draws("beside"))
    return [
        (
            "“5-fold cross-validation” is five random draws of 30 subjects; no tests (DH-E12)",
            f"R = {len(of.draws())} fresh draws of {of.some(MAIN)} volumes for what core claims "
            f"need, {beside} for arms beside them; seeds shared by all arms; each pool is used by "
            f"{p.seeds} segmenters, real slices alone by {p.seeds_alone}, and a draw's value is "
            "their mean; paired t-tests, Holm over the core claims",
            "draws of a law are independent; the corrections for cross-validation, made for test "
            "sets that are trained on in turn, are not needed",
            "the error of the fixed test set itself is shared by all arms",
        ),
        (
            "no control arms",
            f"{listed(COPIES)}: copies of training slices, noisy ones (SD "
            f"{copies.NOISE['mask']:g}) and blurred ones (SD {copies.BLUR:g} pixel); `shuffled`: "
            "dHVAE's own images with masks of others; `oracle`: as many slices of fresh phantoms",
            "a gain that blurred copies match is regularisation; the oracle says what new slices "
            "are worth",
            "none",
        ),
        (
            "SDs with two digits, many of them 0.00; a ± 0.12 around 0.051 (DH-E22); “%” for "
            "fractions (DH-E25)",
            "95 % t-intervals with three digits, and every draw kept",
            "an SD of 0.00 is rounding",
            "whether the paper's SDs are over draws or subjects",
        ),
        (
            "0.745 beats 0.744 (DH-E23)",
            "a difference counts from 0.01 Dice; two one-sided tests say “no meaningful effect” "
            "inside it, or inside 0.03 where the paper's effect is at least twice that",
            "margins stand in the ledger since before any result",
            "none",
        ),
    ]


def scores(p: Sizes, of: Study) -> list[tuple]:
    features, splits = unet.WIDTHS[-1], of.null.spec["args"]["splits"]
    pairs, samples = p.weighed
    classes = inspect.signature(coverage.size_edges).parameters["classes"].default
    modes = coverage.count_modes(range(classes - 1))
    return [
        (
            "Dice of selected slices against Dice of whole volumes (DH-E07)",
            "`dice`: every subject's whole volume, lesion-free slices included; beside it "
            "`dice_selected`: slices with a lesion alone, as the paper has it, slice means in both "
            "conventions, and the share of lesion-free slices with a false pixel",
            "selection by the truth forgives false positives elsewhere",
            "none",
        ),
        (
            "FID in 2,048 Inception features of at most 771 and 267 training slices; sample size "
            "not stated (DH-E16)",
            f"FD in the {features} features of a reader trained on {p.known_slices:,} fresh "
            f"slices, {p.judged_pairs:,} samples against as many real slices; KID, a random "
            f"network's features and the null of real against real ({splits} splits by subject) "
            "beside",
            "fewer images than features give a singular covariance; the distance depends on n",
            "its scale is its own: only orders can be compared with the paper's",
        ),
        (
            "PSNR and LPIPS need pairs, and samples have none; 15 dB suggests arbitrary ones "
            "(DH-E15, DH-E27)",
            "both of reconstructions of unseen slices, from the posterior's mean without dynamics; "
            "the perceptual distance in the reader's maps with unit weights; the GAN's PSNR is "
            "that to the nearest real slice, and labelled so",
            "a distance of unrelated images says nothing about either",
            "which pairs the paper formed",
        ),
        (
            "JSD and KLD of “class probabilities for each pixel” over 30,000 masks, more than "
            "HECKTOR has; base, direction, smoothing not stated (DH-E17)",
            f"{p.judged_pairs:,} masks each, nats, KL(real || generated), probabilities of at "
            f"least {masks.EPS:g}; as one Bernoulli variable per pixel (judged) and as one map "
            "over all pixels; null of real against real",
            "both readings are cheap",
            "which one the paper means",
        ),
        (
            "these divergences see only how often a pixel is covered (DH-E18)",
            f"distances of {len(masks.SHAPES)} shape statistics and of the share of empty masks "
            "beside, and a control of independent pixels with the right occupancy",
            "noise with the right map reads as perfect",
            "none",
        ),
        (
            "“tighter bound”, “mode coverage”, “diversity”: no number (DH-E11)",
            f"ELBO and importance-sampled evidence of {pairs} unseen pairs ({samples} samples); "
            f"overlap of the histograms over {modes} known modes (side, height, size of the "
            "lesion that the reader sees)",
            "the law says which modes there are",
            "other kinds of diversity",
        ),
        (
            "the LDM reproduces training images: no number",
            f"share of {p.remembered} samples nearer to training slices than to as many others "
            "(one half: no memory)",
            "nearest in pixels",
            "copies after a shift or a change of contrast",
        ),
        (
            "whether image and mask of a sample agree: pictures only",
            "adherence: Dice of the drawn mask and the lesion that the reader sees in the drawn "
            "image, empty masks left out and counted",
            "it is what a segmenter learns from",
            "the reader's own errors bound it from above",
        ),
    ]
