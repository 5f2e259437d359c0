"""Where our PathoSyn departs from the paper or fills in what it leaves open, as rows of a table.

Data, the model's printed contradictions and the competing methods stand here; what samples are used
for and how they are scored in `evaluation`. Numbers are read from the settings that run.
"""

from dataclasses import fields

from lib.generators.scenes import SCENES
from lib.papers.departures import Row, as_rows, listed, span
from lib.papers.pathosyn import evaluation, printed
from lib.papers.pathosyn.arms import COPIES, LITERAL, MAIN, MARGIN, SOURCES
from lib.papers.pathosyn.sizes import SIZES, Sizes
from lib.phantoms import brain, volume
from lib.profiles import Plan


def departures(plan: Plan) -> dict[str, list[Row]]:
    """{theme: rows} of PathoSyn at the sizes of a plan."""
    size = SIZES[plan.profile.sizes]
    themes = {
        "Data": data(size),
        "Decomposition": decomposition(),
        "Diffusion": diffusion(),
        "Fusion": fusion(),
        "Competing methods": competitors(),
        "Synthetic slices": synthetic(size),
        "Disentanglement": evaluation.disentanglement(),
        "Segmentation": evaluation.segmentation(size),
        "Classification": evaluation.classification(size),
        "Realism and texture": evaluation.realism(size),
        "Draws and tests": evaluation.draws(size, plan),
    }
    return as_rows(themes)


def data(p: Sizes) -> list[tuple]:
    depth, height, width = volume.SHAPE
    law, train, said = brain.LAWS["brain"], p.subjects[0], printed.STATED
    kept = "every slice" if p.slices is None else f"at most {p.slices} slices of a kind"
    return [
        (
            f"BraTS 2020, {said['subjects'].value} subjects in T1, T1Gd, T2 and FLAIR; which of "
            "them the networks see is not stated",
            f"our own brain phantoms of {width} × {height} × {depth} voxels from "
            f"{len(fields(law)) - 1} uniform ranges, FLAIR alone, its whole tumour",
            "lesion mask, healthy counterfactual and true deviation are known exactly",
            "how close phantoms are to these patients; other sequences",
        ),
        (
            f"{' / '.join(map(str, printed.SPLIT))} subjects for training, validation and test",
            f"{' / '.join(map(str, p.subjects))}, fresh training and validation subjects in every "
            "draw, one test set; that no subject is in two parts is asserted",
            "training and validation in the paper's proportion; slices of a subject share its "
            "grade, so that few test subjects would decide little",
            f"whether a ranking of methods depends on {train} or {printed.SPLIT[0]} subjects",
        ),
        (
            "axial slices in HDF5; which slices, and of which size, is not stated (PS-E18)",
            f"{kept} of {height} × {width} pixels, with a lesion and without, in HDF5",
            "who does not know where the tumour is meets slices without one",
            "a rule that drops the smallest lesions",
        ),
        (
            "intensities are normalised, how is not stated",
            "grey values of the phantom, cut to [0, 1]",
            "a deviation in grey units stays one",
            "normalisation by image, which would make the deviation depend on the lesion's size",
        ),
        (
            f"without synthetic slices Dice is {printed.task('nnunet', 'real', 'dice')} "
            f"(nnU-Net) and AUROC {printed.task('resnet', 'real', 'auc')} (ResNet-50)",
            f"oedema {span(law.flair_contrast)} grey units over white matter; texture "
            f"{span(law.low_texture)} of it in low and {span(law.texture)} in high grade: the law "
            "that was frozen for the dHVAE chapter, before any generator of this one",
            "a law tuned while looking at the method could be made to favour it",
            "whether a ranking of methods depends on the difficulty",
        ),
        (
            "realism is scored against slices of “BRaTS 2023”, a release that no generator saw "
            "(PS-E01)",
            "against unseen subjects of the law that trained the generator",
            "another release would be told apart for its scanner",
            "a shifted scanner as a control",
        ),
    ]


def decomposition() -> list[tuple]:
    return [
        (
            "Inp, “a fixed inpainting operator”, is not named",
            "a membrane: Laplace's equation inside the mask, the values outside as they are",
            "nothing to train, and it cannot overshoot the rim",
            "an operator that knows anatomy; both are compared with the truth (PS-09)",
        ),
        (
            "anatomy is preserved “by construction”, yet outside the mask the result is the "
            "substrate, a network's prediction (PS-E04)",
            "as printed; beside it " + listed(_paste()) + ", which keep the image's own pixels",
            "what the claim says is true of the second alone, and both are measured (PS-08)",
            "none",
        ),
        (
            "the deviation is 0 outside the labelled mask (equation 4)",
            f"as printed; arm `pathosyn_margin` grows the mask by {MARGIN:g} pixels",
            "a phantom's lesion goes on beyond its label, as oedema does, and then stays in the "
            "substrate",
            "how far real lesions reach beyond their labels",
        ),
        (
            "two encoders, two decoders and “pre-trained E_r, D_r” (Figure 2, Algorithm 1), two "
            "U-Nets (section III-D); E_r and D_r are used nowhere (PS-E16)",
            "two U-Nets, none pre-trained",
            "the equations need no more",
            "what E_r and D_r would do",
        ),
        (
            "“jointly estimates”, “a shared objective”, and a “fully end-to-end” pipeline as "
            "future work (PS-E17)",
            "one objective, equation 15; arm `pathosyn_two_stage` fits the substrate first",
            "a joint fit can make deviations easy to denoise by a worse substrate",
            "none",
        ),
    ]


def _paste() -> list[str]:
    return [name for name, arm in MAIN.items() if getattr(arm, "paste", False)]


def diffusion() -> list[tuple]:
    return [
        (
            "α_t without its bar in equation 12 and in both algorithms, with it in equations 7 "
            "and 10 (PS-E11)",
            "with it everywhere; "
            + listed(("noising_printed", "estimate_printed", "sampler_printed"))
            + " are as printed",
            "without it a step of the forward process adds almost no noise; it may be a slip",
            "whether the PDF has the bar",
        ),
        (
            "equation 5 saturates deviations by δ tanh; the algorithms do not, and no step takes "
            "it back after sampling (PS-E13)",
            "saturated, and the inverse applied to samples; arms "
            + listed(("saturated", "unsaturated")),
            "without the inverse strong lesions come out weaker",
            "none",
        ),
        (
            "the noise loss is over all pixels in equation 9 and masked in Algorithm 1 (PS-E14)",
            "over each lesion's own pixels, every lesion alike; arms "
            + listed(("noise_whole", "noise_masked")),
            "outside the mask the noise of a masked state cannot be known; summed over pixels, "
            "small lesions count for nothing",
            "none",
        ),
        (
            "L_leak punishes what lies outside the mask of an estimate that is 0 there (PS-E07)",
            "as printed; arm `unmasked` does not mask the estimate, `no_leak` drops the term",
            "as printed its gradient is 0",
            "none",
        ),
        (
            "an “inference-time stabilization module” (abstract), which the discussion says is "
            "not needed and no section describes (PS-E02)",
            "none; places where text and algorithms differ are read as what works, and as printed "
            "they are the arms " + listed(LITERAL),
            "what is not described cannot be built",
            "what the module is",
        ),
    ]


def fusion() -> list[tuple]:
    return [
        (
            "S is smoothed from the mask in Algorithm 1 and from its complement in Algorithm 2 "
            "(PS-E12)",
            "from the mask in both; arm `complement` is as printed",
            "as printed the lesion is faded out",
            "none",
        ),
        (
            "L_dev wants r, L_syn wants S r to be the true deviation (equations 13 and 14, PS-E08)",
            "both, as printed; arms "
            + listed(name for name, arm in SOURCES.items() if "fusion" in _sampling(arm))
            + " fuse one fit in other ways",
            "where S is below 1 they cannot both hold, and a rim fades",
            "none",
        ),
    ]


def _sampling(arm) -> dict:
    return getattr(arm, "sampling", {})


def competitors() -> list[tuple]:
    return [
        (
            "Brain-LDM, cited for whole healthy 3-D brains without condition; how it gives "
            "labelled 2-D slices is not said (PS-E22)",
            "a latent diffusion of slice and mask together",
            "a mask drawn with its image is the least that segmentation needs",
            "an LDM per class; masks by a segmenter",
        ),
        (
            "MaskDiff-Inpaint cites an inpainter of photographs (PS-E28)",
            "a diffusion that draws a whole slice from its mask and what surrounds it; arm "
            "`maskdiff_paste` keeps the slice outside the mask",
            "the name and section II say so much",
            "none",
        ),
        (
            "Meta-Auto is a deformation of a template, listed as “Dual-Enc” and only in Table I "
            "(PS-E26, PS-E28)",
            "an auto-encoder of shape and appearance; where it draws slices, also in Tables II "
            "and III, without a printed number",
            "arms that stand in one table alone cannot be ranked over all",
            "none",
        ),
        (
            "Conventional Augmentation stands in Tables II and III alone; which transforms, and "
            "whether on the fly, is not said (PS-E26)",
            "as many transformed copies as other arms add slices; arms "
            + listed(name for name, arm in MAIN.items() if arm.augment)
            + " transform every slice at every step",
            "a fixed number of copies is what “an equivalent number of synthetic samples” means",
            "which of the two the paper has",
        ),
        (
            "no control arms",
            f"{listed(COPIES)}, `shuffled` and the oracle: as many fresh phantoms",
            "a gain that blurred copies match is regularisation, not pathology",
            "none",
        ),
    ]


def synthetic(p: Sizes) -> list[tuple]:
    main = SOURCES["pathosyn_diff"].scene
    others = {name: arm.scene for name, arm in MAIN.items() if getattr(arm, "scene", main) != main}
    return [
        (
            "every method adds “an equivalent number of synthetic samples”; how many is not said "
            "(PS-E18)",
            f"{p.added:,} slices in every arm",
            "about one for each real one",
            "other amounts",
        ),
        (
            "on which anatomy and in which mask a synthetic lesion is drawn is not said (PS-E22)",
            f"“{main}”: a training slice whose lesion the substrate replaces, and the mask of "
            "another from about the same level, mirrored by chance; "
            + ", ".join(f"`{name}` is “{scene}”" for name, scene in others.items()),
            "in a slice's own mask nothing is new but texture, which a segmenter hardly needs",
            f"which of the {len(SCENES)} the paper has; masks from a model of their own",
        ),
    ]
