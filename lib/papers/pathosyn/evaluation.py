"""Where our use and scoring of PathoSyn's samples departs from the paper; see `departures`."""

import inspect

from lib.metrics import classification as calibration
from lib.papers.departures import span, weights
from lib.papers.pathosyn import printed
from lib.papers.pathosyn.arms import BOX, CLASSIFIERS, SEGMENTERS, TABLE1, TABLE2
from lib.papers.pathosyn.sizes import Sizes
from lib.phantoms import brain, volume
from lib.profiles import Plan
from lib.tasks.architectures import NAMES, build
from lib.tasks.segment import SegmentSettings


def disentanglement() -> list[tuple]:
    said = printed.TABLE1["pathosyn_diff"]
    return [
        (
            f"a cosine of {said['cos']} is “near-orthogonality” (PS-E06)",
            "cosines of raw and of centred features, with pairs permuted (`permutation`) and the "
            "level of chance beside",
            "independent directions of some hundred dimensions have cosines like this, and so has "
            "many a deterministic map",
            "the number of features of the paper's encoder",
        ),
        (
            "C and mutual information of methods that have neither substrate nor deviation; "
            "encoder, estimator and units are not named (PS-E19)",
            "one definition for all: the substrate is what an independent network says lies behind "
            "the lesion, the deviation is sample minus substrate; the phantom's true pairs beside; "
            "an encoder of ours, estimators named with every number",
            f"the {len(TABLE1)} rows are not comparable otherwise",
            "which encoder, estimator and units the paper has",
        ),
        (
            "lesions depend on the anatomy (section II), yet no mutual information is the ideal "
            "(section IV-B, PS-E05)",
            "the phantom's own coupling at none, weak and strong stands beside every method",
            "a perfect generator of lesions that depend on tissue has as much as the truth has",
            "none",
        ),
    ]


def segmentation(p: Sizes) -> list[tuple]:
    s, side = SegmentSettings(), volume.SHAPE[1:]
    sizes = " and ".join(
        f"{weights(build(name, len(side), side))} (`{name}`)" for name in ("nnunet", "unet")
    )
    few, other = SEGMENTERS["meanteacher"], SEGMENTERS["contraseg"]
    return [
        (
            "nnU-Net, which chooses its own network, schedule and post-processing; yet all share "
            "“an identical 2D architecture and optimization pipeline”",
            f"{NAMES['nnunet']}: its kind of network alone; {sizes} weights",
            "the real one cannot be held to equal steps, and trains for days",
            "the real one on a user's own machine",
        ),
        (
            f"AdamW, rate {printed.STATED['rate'].value:g}, "
            f"{printed.STATED['task_epochs'].value} epochs, cosine annealing",
            f"rate {s.rate:g} with cosine decay, {p.segment_steps:,} steps of {s.batch} slices, "
            f"{100 * s.free:.0f} % of them lesion-free, the same in every arm",
            "at the printed rate so few steps would learn nothing; with equal epochs an arm with "
            "more slices trains longer",
            "longer training",
        ),
        (
            "the share of labels of the semi-supervised regime is not stated (PS-E21)",
            f"{100 * few.labelled:g} % of the training subjects have masks; synthetic pairs are "
            "labelled",
            "a usual share; whole subjects, as annotators work",
            "other shares",
        ),
        (
            "Contra-Seg is a contrastive registration network; how an unsupervised method uses "
            "synthetic pairs is not said (PS-E21)",
            f"{other.label}, a substitute of ours: masks of {100 * other.labelled:g} % of the "
            "subjects, contrast of pixels on all; synthetic pairs are labelled",
            "a single slice has no partner to register with, and Dice needs a class with a name",
            "the cited network",
        ),
        (
            "the small-tumour claim has a figure without sizes (PS-E24)",
            "Dice by quartile of lesion area, edges from the training slices; shares of the "
            "oracle's gain in each",
            "small lesions have more to gain from any image",
            "whether the paper's quartiles are of volumes or of slices",
        ),
    ]


def classification(p: Sizes) -> list[tuple]:
    law, bins = brain.LAWS["brain"], inspect.signature(calibration.ece).parameters["bins"].default
    names = ", ".join(each.label for each in CLASSIFIERS.values())
    return [
        (
            "“classification of pathological states”; the label is not defined (PS-E21)",
            f"the grade of the lesion, low or high with equal chance: by texture, and in "
            f"high grade by a core in a rim, {span(law.inner_size)} tumour radii wide",
            "BraTS 2020 has no other label of a tumour's state",
            "what the paper's classes are",
        ),
        (
            "what a network is shown of a slice is not said",
            f"the box of {BOX} pixels around the lesion, enlarged to the size of a slice; where a "
            "generator drew no lesion, the middle of the slice",
            "in whole slices these networks find no grade within so few steps",
            "whole slices",
        ),
        (
            "“DenseNet (3D-Vol.)” in a study that is all 2-D (PS-E03)",
            f"{names}, all 2-D, of few channels; {p.classify_steps:,} steps in every arm",
            "slices are what generators draw",
            "a volumetric network",
        ),
        (
            "ECE without number of cases or bins; gains of 11 to 17 % are called marginal "
            "(PS-E29)",
            f"{bins} bins of equal mass; beside it the debiased ECE, its floor at perfect "
            "calibration and the Brier score",
            "even a perfectly calibrated network has an ECE above zero",
            "the paper's bins and number of cases",
        ),
    ]


def realism(p: Sizes) -> list[tuple]:
    return [
        (
            "the judge of real and synthetic, its cases, its split and its AUC are not given; the "
            "width of a bootstrap over test cases is read as stability of a generator (PS-E23)",
            f"a network of ours, {p.judge_steps:,} steps, on up to {p.judged:,} samples and as "
            "many real slices, split by subject, both through the same rounding; spread over "
            "seeds of the generator apart from that over test cases",
            "a bootstrap sees one set of samples of one fit",
            "none",
        ),
        (
            "curves and violins without numbers, and a “clinically acceptable range” that is not "
            "defined (PS-E25)",
            "every statistic beside its null: real slices of some subjects against others'",
            "the null says how near is near",
            "none",
        ),
        (
            "“perceptual statistics”, “deep conceptual texture distance” and “deep perceptual "
            "texture statistics” are one score (PS-E27)",
            "KID on crops around lesions, `lesion_kid` in the rows",
            "unbiased at any number of samples",
            "the features and the distance of the paper",
        ),
        (
            "low-data use, progression and planning of interventions: no experiment (PS-E30)",
            f"training sets of {', '.join(map(str, p.sweep))} subjects, and growth by a known law; "
            "planning is not tested",
            "the first two can be measured on phantoms",
            "the last needs patients and their outcomes",
        ),
    ]


def draws(p: Sizes, plan: Plan) -> list[tuple]:
    columns = len(SEGMENTERS) + 2 * len(CLASSIFIERS)
    contrasts = len(printed.DAGGERS["table2"]) * (len(TABLE2) - 2) * columns
    return [
        (
            "“±” of Dice, AUROC and ECE: over what is not said (PS-E20)",
            "over training draws, and for Dice over test subjects, in rows of their own",
            "AUROC and ECE have no value per patient",
            "what the paper's are",
        ),
        (
            f"p < {printed.STATED['p'].value:g} by paired t-tests of an unknown unit, "
            f"{contrasts} contrasts without correction (PS-E09); nearly constant increments over "
            "networks (PS-E10)",
            f"paired over training draws ({len(plan.draws())} in this profile), each the mean of "
            f"{p.seeds} networks, real slices alone of {p.seeds_alone}; Holm's correction where a "
            "claim has many",
            "a draw is what would be drawn again",
            "values per seed or per patient",
        ),
    ]
