"""Where our dHVAE departs from the paper or fills in what it leaves open, as rows of a table.

Data, model and training stand here, what samples are used for and how they are scored in
`evaluation`. Numbers are read from the settings that run, so that a
change of the code changes the table.
"""

import inspect
import math
from dataclasses import fields
from functools import cache

from lib.datasets import volumes
from lib.generators import frame, hvae, latent, lsgan
from lib.networks import unet, wsconv
from lib.networks.baselines import PairCritic
from lib.papers.departures import Row, as_rows, listed, span, weights
from lib.papers.dhvae import evaluation, printed
from lib.papers.dhvae.arms import BALANCED, LIKELIHOODS, MAIN, SOURCES, STANDARD
from lib.papers.dhvae.sizes import Sizes
from lib.papers.dhvae.study import Study, study
from lib.phantoms import brain, neck, volume
from lib.profiles import Plan


def departures(plan: Plan) -> dict[str, list[Row]]:
    """{theme: rows} of dHVAE at the sizes of a plan."""
    of = study(plan)
    s = frame.from_json(hvae.HvaeSettings, of.settings(SOURCES["dhvae"]))
    themes = {
        "Data": data(of.size, of),
        "Network": network(),
        "Likelihood and dynamics": objective(s),
        "Regularisers": regularisers(of.size, s),
        "Training": training(s),
        "Competing generators": competitors(of, s),
        "Segmentation": evaluation.segmentation(of.size, of),
        "Draws, test set, controls": evaluation.draws(of.size, of),
        "Scores": evaluation.scores(of.size, of),
    }
    return as_rows(themes)


@cache
def sizes(shape: wsconv.Shape) -> tuple[str, str]:
    """Weights of encoder and decoder of a size, as "57,123"."""
    return weights(wsconv.PairEncoder(shape)), weights(wsconv.PairDecoder(shape))


def data(p: Sizes, of: Study) -> list[tuple]:
    depth, height, width = volume.SHAPE
    flair, pet = brain.LAWS["brain"], neck.LAWS["neck"]
    suvmax = span(tuple(round(math.exp(end), 1) for end in pet.tumour_log_suvmax))
    ranges = [len(fields(law)) - 1 for law in (flair, pet)]
    real = [printed.TABLE4[modality]["real"]["dice_selected"] for modality in volumes.MODALITIES]
    return [
        (
            "BraTS 2021, FLAIR alone, whole tumour (240 × 240 × 155 voxels); HECKTOR 2022, PET "
            "alone, primary tumour (256 × 256 × 256)",
            f"our own phantoms of {width} × {height} × {depth} voxels: brain FLAIR from "
            f"{ranges[0]} uniform ranges, its whole tumour; head-and-neck PET from {ranges[1]}, "
            f"its primary tumour; nodes stay unlabelled, white is SUV {volumes.SUV:g}",
            "lesion mask and healthy counterfactual are known exactly; a training takes seconds",
            "how close phantoms are to these patients; printed numbers are another population's",
        ),
        (
            f"real slices alone reach Dice {real[0]} (FLAIR) and {real[1]} (PET)",
            f"oedema {span(flair.flair_contrast)} grey units over white matter; primary tumours of "
            f"SUVmax {suvmax} beside tonsils of SUV {span(pet.tonsil_suv)} and unlabelled nodes: "
            "calibrated on a spare draw of arms without any generator, then frozen. The SD of the "
            "likelihood and the weight of the mask were settled on samples of a spare draw, before "
            "any draw of this seed",
            "a law tuned while looking at the method could be made to favour it",
            "whether a ranking of methods depends on the difficulty",
        ),
        (
            "1,258 and 882 subjects, of which 1,228 and 852 are tested; BraTS 2021 has 1,251 with "
            "labels, and HECKTOR 2022 published 524 contours (DH-E19)",
            f"{p.test_volumes} fresh test volumes per modality, the same for all arms and draws",
            "no training draw shares a subject with them",
            "which subjects the paper scored",
        ),
        (
            "30 volumes are 771 slices of BraTS, 25.7 each, and 267 of HECKTOR; by which rule they "
            "were chosen is not stated (DH-E20)",
            f"every slice with a lesion of the {of.some(MAIN)} volumes, out of {depth} each; "
            "generators see these and their mirror images, and nothing else",
            "a rule of ours would be one more free choice",
            "the paper's rule",
        ),
        (
            "PET volumes are cut to one size “around tumors” (DH-E07)",
            "nothing is cut: the tumour lies where the law puts it",
            "a crop around the truth tells a network where it is",
            "how much of the paper's PET scores that is",
        ),
    ]


def network() -> list[tuple]:
    paper, cpu = wsconv.PAPER, wsconv.CPU
    patch, finest = 2**3, cpu.side // cpu.stem  # the critic strides three times
    inner = inspect.signature(wsconv.LinearAttention).parameters["inner"].default
    code = " × ".join(map(str, cpu.code))
    return [
        (
            "four blocks each way, weight-standardised 3 × 3 convolutions, GroupNorm, Swish, up to "
            "512 filters, 23 million parameters; details in a section 3.6 that does not exist "
            "(DH-E26)",
            f"the same blocks at two sizes: widths {', '.join(map(str, paper.widths))} with "
            f"{' + '.join(sizes(paper))} weights as in the paper, and "
            f"{', '.join(map(str, cpu.widths))} with {' + '.join(sizes(cpu))}, which alone is "
            "trained here",
            "K steps of the dynamics take K + 1 passes through the decoder and back",
            "whether a ranking of generators changes with the width",
        ),
        (
            "residual self-attention in the first block of the encoder and the last of the decoder",
            f"linear attention there ({inner} inner channels), plain attention at the latent",
            f"the plain form would need a matrix of {finest**2:,} × {finest**2:,} per image",
            "plain attention in the finest blocks",
        ),
        (
            "a fully convolutional latent; its size is not stated (DH-E13)",
            f"{code} numbers",
            "few enough to be learnt from some hundred slices in so few steps",
            "a larger latent",
        ),
        (
            "how the decoder enlarges is not stated; large β “may exhibit some checkboard "
            "artifacts”",
            "repetition of pixels, then a convolution",
            "a checkerboard must be possible to be measured (DH-06)",
            "transposed convolutions",
        ),
        (
            "D(x), a “Fully PatchGAN”; whether it sees the mask is not stated",
            f"{weights(wsconv.PatchCritic())} weights, one logit for each {patch} × {patch} "
            "pixels of image and mask together",
            "pairs are what is generated",
            "a critic of images alone",
        ),
    ]


def objective(s: hvae.HvaeSettings) -> list[tuple]:
    return [
        (
            "what a “sample” is: not stated",
            "z ~ N(0, I); the mask where p(m|z) is above 0.5; the image a draw about the decoded "
            "mean, with noise whose deviation by grey value and whose grain are those of the "
            "training slices' flattest parts; the critic sees such draws",
            "a mean has no noise at all, and a critic or a segmenter sees that first; white noise "
            "of the likelihood's SD would be far stronger than that of real slices",
            "arm `dhvae_mean` has the means",
        ),
        (
            "z ~ N(0, I); whether training codes fill it: not stated",
            "when the warm-up ends, the moments of the training codes set a linear map between "
            "code and network, so that N(0, I) is their law; it stays so to the end. Arms "
            + listed(STANDARD) + " have none",
            "codes of so short a training fill a corner of N(0, I), and elsewhere the decoder, "
            "which has learnt nothing there, draws torn heads",
            "a training so long that no map is needed; a law of codes that is not normal",
        ),
        (
            "a cross-entropy for continuous grey values and another one for the mask; weights not "
            "stated",
            f"Gaussian for the image, Bernoulli for the mask, summed over pixels, with all "
            f"constants: {_likelihoods()}; DH-15 is judged on arms `vae_sd` and `hvae_sd`, which "
            "learn the SD and count the mask once",
            "a cross-entropy of grey values is no density, and DH-15 compares densities (DH-E11); "
            "without more weight many samples have no mask",
            "a weight that follows the training",
        ),
        (
            "equation 8 evaluates q at z_K and sets it to N(0, I), where it would cancel the "
            "prior; a bound to be maximised is added to losses to be minimised (DH-E13)",
            "the bound of Caterini et al. 2018: q at z_0, the momentum's terms, all constants; its "
            "negative is minimised",
            "the paper cites it for the HVAE, and it is a bound",
            "what the authors' program does",
        ),
        (
            "z_K is “accepted using the Metropolis-Hastings acceptance ratio” (DH-E13)",
            "no acceptance step",
            "the HVAE that is cited has none: the dynamics are part of the network",
            "none",
        ),
        (
            "K, step sizes, mass and tempering: not stated (DH-E13)",
            f"K = {s.leapfrog}, unit mass, one learned step size per latent that starts at "
            f"{s.step_size:g}, stays below {s.step_cap:g} and learns at {s.step_rate:g} times the "
            f"rate; quadratic tempering from β₀ = {s.beta0:g}, not learned",
            "Caterini et al. learn step sizes, and these runs are short",
            "more steps; gradients that stop at the dynamics are arm `hvae_stopped`",
        ),
        (
            "when the dynamics begin is not stated",
            f"the first {s.warm_up:,} of {s.steps:,} steps are those of a plain VAE, which all "
            "auto-encoders of a training draw share; then dynamics and regularisers join",
            "a step with dynamics takes several times as long; arms with one beginning differ by "
            "what is claimed alone",
            f"dynamics from the first step, and whether {s.steps - s.warm_up:,} steps show all "
            "that dynamics and regularisers can do",
        ),
    ]


def _likelihoods() -> str:
    """Deviation and weight of the mask in each modality."""
    each = [f"SD {each['sd']:g} and the mask × {each['mask_weight']:g} ({modality})"
            for modality, each in LIKELIHOODS.items()]  # fmt: skip
    return ", ".join(each)


def regularisers(p: Sizes, s: hvae.HvaeSettings) -> list[tuple]:
    pixels = s.side**2
    beside = [f"hvae_{kind}_{hvae.DHVAE.beta:g}" for kind in ("disc", "perc")]
    return [
        (
            "β = 1 - α; β = 0.01 in Tables 1 to 3, “α = 0.01” in Tables 4 and 5 (DH-E01)",
            f"α = {1 - s.beta:g}, β = {s.beta:g} everywhere; β = 0.99 is arm `beta_0.99`",
            "the rows of Tables 4 and 5 are those of the chosen model",
            "none",
        ),
        (
            "a sum over pixels, plus terms of which some are means: reduction not stated",
            f"the ELBO is a sum over pixels; the added terms are means, each multiplied by the "
            f"{pixels:,} pixels",
            f"beside the sum a mean times {s.beta:g} would weigh nothing",
            "other weights among the three terms",
        ),
        (
            "L_feature on layers 2, 7, 12 and 21 of a VGG16 that is trained on photographs",
            f"on the four encoder maps of the guide, a U-Net of {weights(unet.UNet())} weights "
            f"trained for {p.hint_steps:,} steps to segment the same training slices; each map's "
            "mean squared difference over the map's mean square",
            "no pretrained network is needed, and nothing but the training slices is seen",
            "features of photographs may ask for another kind of texture",
        ),
        (
            "equation 11 is maximised by D and stands in a sum that is minimised; the generator's "
            "loss is missing (DH-E14)",
            "D minimises the cross-entropy; the decoder minimises the non-saturating -log D of its "
            "samples z ~ N(0, I)",
            "the usual form that learns while D is sure",
            "the saturating form; reconstructions as a second kind of fakes",
        ),
        (
            "D joins “after a certain number of iterations”",
            f"after {s.delay:,} of {s.steps:,}; arm `immediate`: from the first (DH-43)",
            "with dynamics and feature loss, so that there is one seam",
            "the number",
        ),
        (
            "“HVAE + disc” and “HVAE + perc” have “equal weighting”, dHVAE β = 0.01 (DH-E10)",
            f"β = {hvae.HVAE_DISC.beta:g} as printed; beside them {listed(beside)} and `dhvae_0.5`",
            "component and weight come apart",
            "none",
        ),
        (
            "the critic's weight while training goes on: not stated",
            f"fixed; arms {listed(BALANCED)}: its gradient in the decoder's last layer is as long "
            "as that of the ELBO, before α and β (Esser et al. 2021, equation 7)",
            "a fixed weight that suits the first batch may not suit the last",
            "other layers",
        ),
    ]


def training(s: hvae.HvaeSettings) -> list[tuple]:
    return [
        (
            "AdamW, moments 0.5 and 0.999, decay 1e-6, rate 5e-5; epochs and batch not stated "
            "(DH-E13)",
            f"AdamW, moments {s.betas[0]:g} and {s.betas[1]:g}, decay {s.decay:g}, rate "
            f"{s.rate:g} while it is a plain VAE and {s.rate_after:g} then, from nothing "
            f"over {s.ramp} steps, both with cosine decay; {s.steps:,} steps of {s.batch}, the "
            f"same for every auto-encoder; a gradient of more than {s.clip:g} times the median "
            "length of the last hundred is shortened to it",
            "at the printed rate so few steps would learn nothing; at ours one bad batch could "
            "spoil a fit",
            "longer training",
        ),
        (
            "stopping rule: not stated",
            "the last weights",
            "a score that selects is no score any more",
            "none",
        ),
        (
            "generators of 30 volumes also serve the rows of 10 and 20 volumes, and test sets may "
            "hold their subjects (DH-E09)",
            "every segmenter gets samples of a generator that was trained on the very same "
            "volumes; the paper's design is arm `dhvae_fixed`",
            "else synthetic slices carry volumes that the row does not have",
            "none",
        ),
        (
            "p(x|z,m), the model that is compared with in words alone (section 3.1)",
            "arm `conditional`: the mask joins every block of the decoder; its samples have masks "
            "of training slices",
            "DH-17 and DH-18 need it",
            "masks from a model of their own",
        ),
    ]


def competitors(of: Study, s: hvae.HvaeSettings) -> list[tuple]:
    made = {name: of.fitted(SOURCES[name], 0).spec["args"]["settings"] for name in ("lsgan", "ldm")}
    g = frame.from_json(lsgan.LsganSettings, made["lsgan"])
    d = frame.from_json(latent.LatentSettings, made["ldm"])
    gan = f"{weights(lsgan.Lsgan(g))} + {weights(PairCritic(g.critic))}"
    model = latent.LatentDiffusion(d)
    ldm = f"{weights(model.encoder)} + {weights(model.decoder)} + {weights(model.denoiser)}"
    return [
        (
            "VAE and HVAE: nothing stated",
            f"dHVAE's code, network, beginning and {s.steps:,} steps without the regularisers, the "
            "VAE also without dynamics",
            "one difference at a time",
            "none",
        ),
        (
            "LSGAN: nothing stated",
            f"{gan} weights of generator and critic, {g.steps:,} steps of {g.batch}, rate "
            f"{g.rate:g}; R1 penalty of weight {g.r1:g}, averaged weights, noise on what the "
            "critic sees",
            "as Mao et al. 2017 have it, it stopped drawing masks in most runs",
            "augmentation of what the critic sees",
        ),
        (
            "LDM: nothing stated but that it overfits",
            f"a KL auto-encoder (squared error at SD {d.sd:g}, mask's cross-entropy, KL × "
            f"{d.kl:g}; {d.coder_steps:,} steps of {d.coder_batch}) and a diffusion of its "
            f"{' × '.join(map(str, model.code))} latents ({d.steps:,} steps of {d.batch}), "
            f"{d.sampler_steps} steps of DDIM; {ldm} weights of encoder, decoder and denoiser",
            "the two stages of Rombach et al. 2022 at a size that is trained in a minute",
            "their perceptual and patch losses; a pretrained first stage",
        ),
        (
            "“high sampling time” of diffusion: no number",
            "floating point operations of one new pair, counted",
            "a count is the same on every machine",
            "none",
        ),
    ]
