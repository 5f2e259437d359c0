"""Where our PathoSyn departs from the paper or fills in what it leaves open, as rows of a table.

Data, the model's printed contradictions and the competing methods stand here; what samples are used
for and how they are scored in `evaluation`. Numbers are read from the settings that run.
"""

from dataclasses import fields

from lib.generators.deviation import SCHEDULES, DeviationSettings
from lib.generators.patchgan import PatchGanSettings
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
        "Diffusion": diffusion(size),
        "Fusion": fusion(),
        "Objective and training": training(size),
        "VAE-GAN": vaegan(),
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


def diffusion(p: Sizes) -> list[tuple]:
    s = DeviationSettings()
    return [
        (
            "equation 10 and Algorithm 2 draw by ancestral steps, section IV-A by DDIM; how many "
            "steps is not said (PS-E15)",
            f"DDIM, {p.sampler_steps} steps out of {p.length:,}, η = {s.eta:g}; arm "
            f"`pathosyn_ddpm` takes all {p.length:,} ancestral ones",
            "few ancestral steps lose some of the spread, DDIM's lose less",
            "how many steps the paper takes",
        ),
        (
            "noise and network cover the whole slice",
            f"a box around each lesion with {s.pad} pixels of room, the smallest that holds it of "
            f"{', '.join(map(str, s.sides))} pixels a side, in training and drawing",
            "outside the mask nothing is drawn, and most of a slice is outside",
            "what more of the anatomy around would tell the network",
        ),
        (
            "the network says the noise, on a linear schedule",
            f"as printed; arm `pathosyn_fast` says {_says('pathosyn_fast')}",
            "what is usual today may learn faster",
            "none",
        ),
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


def _says(name: str) -> str:
    changes = SOURCES[name].changes
    named = {"v": "velocities", "x0": "the deviation", "eps": "the noise"}
    return f"{named[changes['kind']]}, on a {changes['schedule']} schedule"


def training(p: Sizes) -> list[tuple]:
    s, said = DeviationSettings(), printed.STATED
    names = {"λ_out": s.out_weight, "λ_in": s.in_weight, "λ_diff": s.diff_weight,
             "λ_dev": s.dev_weight, "λ_syn": s.syn_weight, "λ_pat": s.pat_weight,
             "λ_ring": s.ring_weight, "λ_leak": s.leak_weight}  # fmt: skip
    weights = ", ".join(f"{name} {value:g}" for name, value in names.items())
    epochs = int(said["generator_epochs"].value)
    last = SCHEDULES[s.schedule](p.length).alpha_bar[-1].item() ** -0.5
    signal = f"L_dev and L_syn {'' if s.by_signal else 'not '}weighted by √ᾱ_t"
    return [
        (
            f"the {len(names)} loss weights, δ of equation 5 and the width of the Gaussian behind "
            "S have no values (PS-E18)",
            f"{weights}; δ {s.delta:g} root mean squares of the training deviations; σ "
            f"{s.sigma:g} pixel",
            "L_sub is of squared grey values, far smaller numbers than errors of unit noise",
            "the paper's values",
        ),
        (
            "norms are sums over pixels, and every step t counts alike",
            f"each norm divided by the size of its own region in its own slice; {signal}",
            "a small lesion then counts as much as a large one; the estimate multiplies an error "
            f"of the noise by up to {last:.0f}, and those few steps would drown all others",
            "none",
        ),
        (
            f"AdamW, rate {said['rate'].value:g}, weight decay {said['decay'].value:g}, "
            f"{epochs} epochs, cosine annealing; the batch is not stated (PS-E18)",
            f"AdamW, rate {s.rate:g} with cosine decay, weight decay {s.decay:g}, "
            f"{p.diff_steps:,} steps of {s.batch} slices (VAE-GAN {p.vaegan_steps:,}, MaskDiff "
            f"{p.maskdiff_steps:,}); weights are a moving average (decay {s.average:g})",
            f"{epochs} epochs of {p.added:,} slices would be {epochs * p.added // s.batch:,} such "
            "steps, for each of many generators and draws; at the printed rate few steps learn "
            "little",
            "longer training at the printed rate: `pathosyn_diff` after half of its steps stands "
            "in the gate",
        ),
    ]


def vaegan() -> list[tuple]:
    s, said = PatchGanSettings(), printed.STATED
    return [
        (
            f"a VAE-GAN with {said['latent'].value:g} latents and a PatchGAN of weight "
            f"{said['adversarial'].value:g}; its likelihood is not given",
            f"{s.latent} latents, λ_adv {s.adv_weight:g}; a Gaussian likelihood of deviation "
            f"{s.sd:g} root mean squares, in which each lesion's mean error stands for "
            f"{s.pixels:g} pixels; the critic joins after {s.delay:,} steps, at "
            f"{s.critic_rate:g} of the rate",
            "with a sum over pixels small lesions would be all prior",
            "the paper's likelihood, and what its critic sees",
        ),
        (
            "whether samples are means of the decoder or draws about them is not said",
            "draws: noise estimated from the training slices is added inside the mask, and the "
            "critic sees it too" if s.noisy else "means",
            "a mean is smooth and a slice has noise, which is the first thing that a judge sees; "
            "the diffusion needs none, it draws the noise with the deviation",
            "none",
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
