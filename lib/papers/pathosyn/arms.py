"""The arms of PathoSyn's studies, and the networks that they train, in the order of tables.

An arm's name is the one that claims and rows know. What an arm does stands in its fields: `source`
says which generator, `changes` with which settings it is fitted, and the fields of Placed how its
fit is sampled.
"""

from dataclasses import dataclass, field

from lib.generators.scenes import SCENES
from lib.papers.arms import Arm, named

MARGIN = 2.0  # pixels: further out the true deviation has fallen to the noise of the image
OURS = "(our reading)"  # of a competing method that the paper names and does not describe
COPIES = {"oversample": "same", "memoriser": "noisy", "smooth": "blurred"}  # kinds of copies
GENERATORS = ("brain_ldm", "meta_auto", "maskdiff", "pathosyn_vaegan", "pathosyn_diff")

DISENTANGLEMENT = ("cos", "cos_centred", "mi")
SEGMENTATION = ("dice", "dice_q1", "dice_q2", "dice_q3", "dice_q4", "pixel_recall", "pixel_ece")
SEGMENTATION += ("dice_sd",)
CLASSIFICATION = ("auc", "ece", "ece_debiased", "ece_floor", "brier", "overconfidence", "auc_drop")
TEXTURE = ("lesion_kid", "w1_mean", "w1_skewness", "w1_kurtosis", "w1_contrast", "w1_homogeneity")
TEXTURE += ("lesion_variance", "glcm_entropy", "lesion_high_frequency", "distance_auc")
ANATOMY = ("outside_error", "outside_change", "outside_p99", "outside_same", "reidentification")


@dataclass(frozen=True)
class Placed(Arm):
    """An arm whose lesions a generator draws into masks on anatomies that it is given.

    scene: "own", a lesion slice and its own mask: nothing is new but the lesion's appearance;
    "exchanged", a lesion slice healed of its lesion and the mask of another; "free", a lesion-free
    slice and the mask of a lesion. The paper does not say which is meant (PS-E22).
    """

    scene: str = "exchanged"
    paste: bool = False  # outside the mask the given image stays as it is
    sampling: dict = field(default_factory=dict, hash=False)  # settings of drawing; no new fit

    def __post_init__(self):
        super().__post_init__()
        if self.scene not in SCENES:
            raise ValueError(f"scene of arm {self.name} is {self.scene!r}; use one of {SCENES}")


def _diff(name: str, label: str, tier: str = "beside", **how) -> Placed:
    """PathoSyn's diffusion with other settings, or its fit drawn otherwise."""
    return Placed(name, label, tier=tier, source="pathosyn_diff", **how)


# ---- Tables I, II and III -----------------------------------------------------------------------


MAIN = named(
    Arm("real", "No augmentation", "baseline"),
    Arm("classic", "Conventional augmentation", "baseline", source="classic"),
    Arm("augmented", "Augmented on the fly", "baseline", "beside", augment=True),
    Arm("oversample", "Oversampled real", "baseline", source="oversample"),
    Arm("brain_ldm", f"Brain-LDM {OURS}", source="brain_ldm"),
    Arm("meta_auto", f"Meta-Auto {OURS}", source="meta_auto"),
    Placed("maskdiff", f"MaskDiff-Inpaint {OURS}", source="maskdiff"),
    Placed("maskdiff_paste", f"MaskDiff-Inpaint, pasted back {OURS}", tier="beside",
           source="maskdiff", paste=True),
    Placed("pathosyn_vaegan", "PathoSyn: VAE-GAN", source="pathosyn_vaegan"),
    Placed("pathosyn_diff", "PathoSyn: Diff", source="pathosyn_diff"),
    _diff("pathosyn_two_stage", "PathoSyn: Diff, two stages", changes={"joint": False}),
    _diff("pathosyn_paste", "PathoSyn: Diff, pasted back", "core", paste=True),
    _diff("pathosyn_margin", f"PathoSyn: Diff, mask grown by {MARGIN:g} pixels",
          changes={"margin": MARGIN}),
    _diff("pathosyn_own", "PathoSyn: Diff, own masks", scene="own"),
    _diff("pathosyn_free", "PathoSyn: Diff, on lesion-free slices", scene="free"),
    _diff("pathosyn_augmented", "PathoSyn: Diff, augmented on the fly", augment=True),
    Arm("memoriser", "Noisy copies", "control", "beside", source="memoriser"),
    Arm("smooth", "Blurred copies", "control", source="smooth"),
    Arm("shuffled", "PathoSyn: Diff, masks or grades shuffled", "control", source="shuffled"),
    Arm("oracle", "Oracle (fresh phantoms)", "oracle", source="oracle"),
    Arm("oracle_augmented", "Oracle, augmented on the fly", "oracle", "beside", source="oracle",
        augment=True),
)  # fmt: skip
"""What can stand beside the real slices; every arm but `real` and `augmented` adds equally many."""

TABLE2 = ("real", "classic", "brain_ldm", "maskdiff", "pathosyn_vaegan", "pathosyn_diff")
"""The rows of Tables II and III from top to bottom; Meta-Auto is in Table I alone (PS-E26)."""
TABLE1 = ("brain_ldm", "meta_auto", "maskdiff", "pathosyn_diff")  # its rows
FEWER = named(  # Table II: the spread of real slices alone, averaged like every other arm's
    Arm("real_fewer", "No augmentation, as many networks as other arms", "control", oracle=""),
)  # fmt: skip
SHORTCUTS = named(  # Table III: what a shortcut reads where one is known to be there
    Arm("marked", "Moved copies, high grade marked", "control", "beside", source="marked",
        oracle=""),
)  # fmt: skip


# ---- sections -----------------------------------------------------------------------------------


NULLS = named(  # what a comparison reads where nothing differs
    Arm("real_split", "Real against real", "control", source="real_split", oracle=""),
    Arm("permutation", "Pairs permuted", "control", source="permutation", oracle=""),
)
DECOMPOSED = named(  # 03a: answers to what lies behind a lesion; none of them adds a slice
    Arm("substrate", "Substrate network", oracle=""),
    Arm("inpaint", "Inp alone", "baseline", oracle=""),
    Arm("fill", "Gaussian fill", "baseline", "beside", oracle=""),
    Arm("mean_anatomy", "Mean of healthy images", "baseline", "beside", oracle=""),
    Arm("none", "The lesion left in", "control", oracle=""),
    # ours, and no part of the method: f_sub's network where equation 3 does not bind it
    Arm("equation_3", "Substrate network, equation 3 alone", "control", "beside", oracle=""),
    Arm("taught", "Substrate network, taught on healthy tissue", "control", "beside", oracle=""),
    Arm("healer", "The judge, taught so on other subjects", "control", oracle=""),
)
DIFFUSED = named(  # 03b: what the network knows of one deviation, and other spaces and samplers
    _diff("teacher_forced", "Deviation, estimated from the true one", "core", oracle=""),
    _diff("deviation_space", "Deviation space"),
    Placed("image_space", "Image space, same network", tier="beside", source="image_space",
          variant_of="pathosyn_diff"),
    _diff("pathosyn_fast", "PathoSyn: Diff, velocities on a cosine schedule",
          changes={"kind": "v", "schedule": "cosine"}),
    _diff("pathosyn_ddpm", "PathoSyn: Diff, ancestral sampling",
          sampling={"sampler": "ddpm"}),
)  # fmt: skip
FRAMEWORK = named(  # 03c: one term of the objective or one way to fuse at a time
    Arm("truth", "True lesions", "oracle", oracle=""),
    _diff("seam", "Seam-aware fusion (PathoSyn: Diff)", "core"),
    _diff("no_seam", "Without S", "core", sampling={"fusion": "hard"}),
    _diff("feathered", "Feathered paste", sampling={"fusion": "feathered"}),
    _diff("poisson", "Deviation blended by its gradient", sampling={"fusion": "poisson"}),
    _diff("full", "All terms (PathoSyn: Diff)"),
    _diff("no_inside", "Without the inside term", changes={"pat_weight": 0.0}),
    _diff("no_ring", "Without the ring term", changes={"ring_weight": 0.0}),
    _diff("no_leak", "Without the leak term", changes={"leak_weight": 0.0}),
    _diff("unmasked", "Estimate not masked", changes={"masked_estimate": False}),
)
LITERAL = named(  # 03c: text and algorithms as they are printed, where that differs from what works
    _diff("complement", "S of 1 - m (Algorithm 2)", sampling={"blend": "complement"}),
    _diff("noising_printed", "Noise by alpha without its bar (Algorithm 1)",
          changes={"noising": "printed"}),
    _diff("estimate_printed", "Estimate by alpha without its bar (equation 12)",
          changes={"estimate": "printed"}),
    _diff("sampler_printed", "Sampler without bars (Algorithm 2)",
          sampling={"sampler": "printed"}),
    _diff("saturated", "Saturated and not inverted (equation 5)",
          changes={"saturation": "forward"}),
    _diff("unsaturated", "Not saturated (Algorithm 1)", changes={"saturation": "none"}),
    _diff("noise_whole", "Noise loss not masked (equation 9)", changes={"noise_loss": "whole"}),
    _diff("noise_masked", "Noise loss by pixels, not by lesions (Algorithm 1)",
          changes={"noise_loss": "masked"}),
)  # fmt: skip
CONTROLLED = named(  # 05
    Arm("copy_last", "The last image again", "baseline", oracle=""),
    Arm("true_growth", "Truly growing lesions, read", "oracle", oracle=""),
)

COLOURS = {  # of curves, safe for colour-blind readers; arms of other roles have their role's
    "brain_ldm": "#CC79A7", "meta_auto": "#999933", "maskdiff": "#56B4E9",
    "pathosyn_vaegan": "#882255", "pathosyn_diff": "#0072B2",
}  # fmt: skip

PARTS = (MAIN, FEWER, SHORTCUTS, NULLS, DECOMPOSED, DIFFUSED, FRAMEWORK, LITERAL, CONTROLLED)
SOURCES = named(*(arm for part in PARTS for arm in part.values()))


def chosen(*names: str) -> list[Arm]:
    return [SOURCES[name] for name in names]


# ---- what an arm's slices train -----------------------------------------------------------------


SUPERVISION = ("supervised", "semi-supervised", "contrastive")


@dataclass(frozen=True)
class Regime:
    """A column of Table II or III: a network, and how much of the real slices it is told."""

    name: str  # the regime of rows
    label: str
    architecture: str  # a name of lib.tasks.architectures, or of the classifiers
    supervision: str = SUPERVISION[0]
    labelled: float = 1.0  # share of the real training subjects whose masks it sees

    def __post_init__(self):
        if self.supervision not in SUPERVISION:
            raise ValueError(f"{self.name}: supervision is {self.supervision!r}; {SUPERVISION}")
        if not 0 < self.labelled <= 1:
            raise ValueError(f"{self.name}: labelled is {self.labelled}; use a share in (0, 1]")


SEGMENTERS = {
    each.name: each
    for each in (
        Regime("nnunet", "DynUNet (nnU-Net-style)", "nnunet"),
        Regime("unet", "U-Net", "unet"),
        Regime("meanteacher", "Mean Teacher U-Net", "unet", "semi-supervised", labelled=0.1),
        Regime("contraseg", "Contrastive U-Net (for Contra-Seg)", "unet", "contrastive",
               labelled=0.1),
    )
}  # fmt: skip
"""Table II. The paper gives no share of labels (PS-E21)."""
CLASSIFIERS = {
    each.name: each
    for each in (
        Regime("resnet", "ResNet-50", "resnet"),
        Regime("densenet", "DenseNet-121", "densenet"),
        Regime("swin", "Swin Transformer", "swin"),
    )
}
"""Table III, all of them 2-D (PS-E03); the grade of a lesion is what they tell (PS-E21)."""
BOX = 24  # side of the box around a lesion that they see, pixels
GRADED = "graded"  # the regime of the rows that judge its generators, fitted on each grade alone


# ---- what was tried on the spare draw, without any generator -------------------------------------


@dataclass(frozen=True)
class Tried(Arm):
    """A way to train on few labels; `changes` are of the segmenter's settings."""

    tier: str = "long"
    oracle: str = ""
    regime: Regime = field(kw_only=True)


FEW = Regime("few", "U-Net", "unet", labelled=0.1)
TRIED = named(
    Tried("supervised", "Supervised", regime=FEW),
    Tried("supervised_augmented", "Supervised, augmented on the fly", augment=True, regime=FEW),
    Tried("teacher", "Mean Teacher", regime=SEGMENTERS["meanteacher"]),
    Tried("contrast", "Contrastive", regime=SEGMENTERS["contraseg"]),
    Tried("contrast_strong", "Contrastive, contrasts weighed ten times as much",
          changes={"weight": 0.1}, regime=SEGMENTERS["contraseg"]),
)  # fmt: skip
"""Table II: what few labelled subjects give."""
SEEN = {"whole": None, "box": BOX}
"""Table III: {what classifiers are shown: side of the box around the lesion, pixels}."""
