"""Where our PA-VAE departs from the paper or fills in what it leaves open, as rows of a table.

Numbers are read from the settings that run, so that a change of the code changes the table.
"""

import inspect
from dataclasses import fields

import numpy as np

from lib.controls import copies
from lib.datasets import chest, preprocess
from lib.generators import frame as protocol
from lib.generators import gan, template, vae
from lib.metrics import classification
from lib.networks import blocks, classifier
from lib.papers.departures import Row, as_rows, span, weights
from lib.papers.pavae import printed, robustness, sweeps
from lib.papers.pavae.arms import ABLATED, RECIPES
from lib.papers.pavae.sizes import SIZES, Sizes
from lib.phantoms import chest as phantom
from lib.profiles import Plan
from lib.record import draws
from lib.tasks import classify


def departures(plan: Plan) -> dict[str, list[Row]]:
    """{theme: rows} of PA-VAE at the sizes of a plan."""
    size = SIZES[plan.profile.sizes]
    themes = {
        "Data": data(size, plan),
        "Preprocessing": preprocessing(),
        "Architecture": architecture(),
        "Loss": loss(),
        "Extractor and class prior": extractor(size),
        "Training": training(size),
        "Baselines": baselines(size),
        "Downstream task": downstream(size),
        "Scores": scores(size),
    }
    return as_rows(themes)


def data(p: Sizes, plan: Plan) -> list[tuple]:
    side, ranges = phantom.SIZE, len(fields(phantom.Law)) - 1
    test = sum(chest.TABLE1["test"])
    return [
        (
            "a procedural generator at 64 × 64, not published; “public chest radiograph settings” "
            "(PV-E25)",
            f"our own phantoms at {side} × {side}: anatomy, disease and scanner from {ranges} "
            "uniform ranges, one seed per subject",
            "lesion mask, healthy counterfactual and place of every lesion are known exactly",
            "how close the paper's images are to these",
        ),
        (
            f"real images alone reach AUC {printed.TABLE4['real'][0]} with 10 % labels",
            f"opacity amplitude {span(phantom.BARE.opacity_grey)} grey units; calibrated on arms "
            "without any generator, then frozen",
            "a law tuned while looking at the method could be made to favour it",
            "whether a ranking of methods depends on the difficulty",
        ),
        (
            f"Table 1: {test:,} test images, a single run, no intervals (PV-E05)",
            f"Table 1's sizes and class mix, but {p.test:,} test images; fresh training draws "
            f"({len(plan.draws())} in this profile) with a validation set of their own, seeds "
            f"shared by all arms; each pool is used by {p.seeds} downstream networks, real images "
            f"alone by {p.seeds_alone}, and a draw's value is their mean; one test draw",
            "differences of 0.01 in AUC lie inside the error of one run on 2,000 images",
            "none",
        ),
        (
            "90 % of the training images have no label; their use is never described (PV-E13)",
            f"generators and guide see the {p.labelled:,} labelled images and their masks alone; "
            "variant: all images, the others with labels guessed by the guide and no mask",
            "q(z|x,y), p(x|z,y) and p(z|y) cannot be trained without a label",
            "a semi-supervised objective in the place of guessed labels",
        ),
    ]


def preprocessing() -> list[tuple]:
    low, high = preprocess.CLIP
    return [
        (
            "clip at the [0.5, 99.5] percentiles, equalise, z-score, rescale to [0, 1] (PV-E18)",
            f"the same steps in the same order; clip at [{low}, {high}], {preprocess.BINS} bins",
            "kept as printed, although z-score and rescaling undo each other and equalisation "
            "removes most contrast shifts",
            "the number of bins; whether quantiles are taken per image or over the set (here: per "
            "image)",
        ),
        (
            "“we optionally apply CLAHE for robustness sweeps”",
            "CLAHE in the place of the global equalisation, arms "
            + ", ".join(f"`{arm}`" for arm in robustness.FLAT),
            "the paper shows no such sweep",
            "the limits of CLAHE (here: scikit-image's defaults)",
        ),
    ]


def architecture() -> list[tuple]:
    s = vae.PA_VAE
    model = vae.ConditionalVAE(s)
    encoder, decoder = weights(model.encoder), weights(model.decoder)
    widths = ", ".join(map(str, blocks.WIDTHS))
    return [
        (
            "“an encoder-decoder architecture”; no layer, width or latent size",
            f"convolutions with {widths} channels from 4 to 32 pixels a side, {s.latent} latents, "
            f"{encoder} + {decoder} weights; the label enters beside the code and beside z",
            "what two cores train in minutes",
            "whether a larger network would gain more",
        ),
        (
            "the decoder gives a Bernoulli likelihood over pixels",
            "a Gaussian one, one variance for all pixels, at its maximum likelihood; as printed it "
            "is arm `pavae_bernoulli`, and all of section 3's pages",
            "of grey values a Bernoulli law is a cross-entropy, not a density (PV-E18), and its "
            "samples were farther from real images on a spare draw",
            "the standard VAE keeps the Bernoulli law: with a Gaussian one and the prior N(0, I) "
            "its samples came from where no image was",
        ),
        (
            "what a “sample” is: not stated",
            "a draw about the mean of p(x|z,y) at z ~ p(z|y), with noise whose deviation by grey "
            "value and whose grain are those of the training images' flattest parts",
            "a Bernoulli draw would be black and white, and a mean has no noise at all",
            "arms `pavae_mean` and `vae_mean` are the means; arms `pavae_refitted` and "
            "`vae_refitted` draw codes from normal laws fitted to those of the training images, "
            "one for each class of PA-VAE's prior",
        ),
    ]


def loss() -> list[tuple]:
    s, pixels = vae.PA_VAE, phantom.SIZE**2
    tried = ", ".join(f"{w:g}" for w in _mask_weights())
    beyond = " and ".join(f"{arm.changes['lambda_mask']:g}" for arm in RECIPES.values()
                          if "lambda_mask" in arm.changes)  # fmt: skip
    return [
        (
            "equation 1; sum or mean over pixels, latents and features: not stated",
            f"pixels and latents summed, batch averaged; the added terms are of order one, so each "
            f"has a scale, chosen on a spare draw: the mask's the {pixels:,} pixels, the guide's "
            f"two {s.guide_scale:g}, or {vae.BERNOULLI['guide_scale']:g} beside a Bernoulli law",
            f"beside summed pixels the printed {s.lambda_path:g} and {s.lambda_cls:g} would weigh "
            "next to nothing",
            f"averaged over pixels, β = {s.beta:g} would weigh the KL {pixels:,} times as much; "
            "arms `per_pixel` and, in profile `full`, `as_printed` count the guide's terms "
            "otherwise",
        ),
        (
            "L_path: “ℓ2 feature-distance” of x and its reconstruction",
            f"mean squared difference of the guide's {classifier.FEATURES} penultimate features, "
            "over the batch's mean square of the target's",
            "free of the scale of the features",
            "the layer; squared or not",
        ),
        (
            "L_mask “maximizes IoU with lesion masks”, yet the decoder draws no mask and the sum "
            "is minimised (PV-E11)",
            "a second plane of the decoder is the mask; 1 - soft IoU over the images that have a "
            "lesion",
            "the smallest change that makes the term defined",
            "IoU of a thresholded residual, which has no gradient without a relaxation",
        ),
        (
            "λ_m is in no table, though the loss is ablated (PV-E11)",
            f"{s.lambda_mask:g}, chosen among {tried} by FD to validation images, on a training "
            "draw that no replicate uses",
            "a weight must be chosen without looking at the comparison",
            f"one draw chose it; {beyond} were tried there as well and not taken",
        ),
        (
            "L_cls: “class consistency via a frozen classifier”, on what is not stated; never "
            "ablated (PV-E15)",
            "cross-entropy of the guide on reconstructions and on samples z ~ p(z|y) for half the "
            "batch, averaged; its ablation is added",
            "the samples are what is used downstream",
            "reconstructions alone",
        ),
    ]


def _mask_weights() -> tuple[float, ...]:
    from lib.papers.pavae.training import MASK_WEIGHTS

    return MASK_WEIGHTS


def extractor(p: Sizes) -> list[tuple]:
    s, low_high = vae.PA_VAE, vae.PRIOR_LOG_VARIANCE
    net = weights(classifier.SmallCNN())
    even = " : ".join(map(str, ABLATED["pi_uniform"].mix))
    return [
        (
            "“frozen extractor” and “frozen classifier”; architecture and training data unknown "
            "(PV-E14)",
            f"one network, the guide: {net} weights, {p.guide_steps:,} steps on the {p.labelled:,} "
            "labelled images with mild augmentation",
            "trained on all labels it would leak what the arms may not see",
            "PA-VAE alone learns from a network that saw augmentation; arms "
            "`plain_guide` (none) and `leaky` (all labels) isolate both in profile `full`",
        ),
        (
            "“class-conditional latent prior” p(z|y) (PV-E12)",
            f"one Gaussian per class, mean and log-variance learned from the KL alone at "
            f"{s.prior_rate:g} times the rate, log-variance within {span(low_high)}{at_clamp()}; "
            "ablated: N(0, I)",
            "learned at the common rate it lags behind q(z|x,y), and samples come from where no "
            "image was",
            "a mixture or a flow per class",
        ),
        (
            "“class prior π(y)” and “class-conditional prior π(y)” “controls the mix of "
            "synthesized images” (PV-E12)",
            "exactly Table 1's mix (half healthy, a quarter each side); ablated: labels drawn at "
            f"random with its frequencies; beside it: {even}",
            "“w/o class prior” can mean either prior, so both are ablated, and PV-12 asks for both",
            "which one Table 5 means",
        ),
    ]


def at_clamp() -> str:
    """Which share of the prior's log-variances the record has at their clamp; "" without it."""
    page = draws.merged("pavae/03_method", own=False) or {"rows": []}
    each = [value for row in page["rows"] for value in row["values"]
            if (row["arm"], row["metric"]) == ("pavae", "prior_at_clamp")]  # fmt: skip
    if not each:
        return ""
    count = "one draw" if len(each) == 1 else f"{len(each)} draws"
    return f" (of them {np.mean(each):.0%} stand at the upper end after training, {count})"


def training(p: Sizes) -> list[tuple]:
    s = vae.PA_VAE
    images = protocol.EarlyStopping.IMAGES
    return [
        (
            "8-10 epochs; what an epoch is when 10 % have labels: not stated",
            f"{p.vae_epochs} epochs, {p.plain_epochs} for the standard VAE, of "
            f"{p.epoch_images:,} images drawn from the {p.labelled:,} labelled, "
            f"{p.epoch_images // s.batch} steps each; a moving average of the weights is kept",
            "one pass over the labelled images alone would be a tenth of that training",
            f"a fit of {p.long_epochs} epochs is judged as well (PV-18)",
        ),
        (
            "“early-stop on FID-like”, split not stated; the same score is reported (PV-E07)",
            f"the epoch with the least Fréchet distance to up to {images:,} validation images in "
            "shallow features of a random network; reported on test in an independent reader's",
            "a score that selects is no score any more",
            "which features the paper's are; arms `unstopped` and `vae_unstopped` keep the last "
            "epoch in profile `full`",
        ),
        (
            "Adam, rate, decay, batch, β, λ_path, λ_cls (Table 2a)",
            "as printed, asserted in the running loop; log-variance of q within "
            f"{span(vae.LOG_VARIANCE)}, {s.precision} where the processor has it",
            "stability and speed",
            "none",
        ),
    ]


def baselines(p: Sizes) -> list[tuple]:
    t, g = template.TemplateSettings(), gan.GanSettings()
    g_weights = f"{weights(gan.StyleGenerator(g))} + {weights(gan.Discriminator(g))}"
    return [
        (
            "“a traditional template baseline”",
            f"what lesions add to the anatomy behind them, guessed from {t.components} main modes "
            "of healthy images; cut out by their masks, smoothed by "
            f"{t.smooth:g} pixels, turned by up to {t.turn:g} rad, scaled by "
            f"{100 * t.scale:.0f} %, moved by {t.move:g} pixels, pasted on healthy training images",
            "the simplest reading that uses what PA-VAE uses",
            "it sees masks, as PA-VAE does and the other baselines do not",
        ),
        (
            "“a Standard VAE”",
            "PA-VAE's code with L_path, L_mask, L_cls and the conditional prior off, β = "
            f"{vae.STANDARD.beta:g} and a Bernoulli likelihood; encoder and decoder still see the "
            "label",
            "without a label its samples could not be asked for a class",
            "an unconditional VAE per class",
        ),
        (
            "“StyleGAN-like”, “StyleGAN-lite”; 8-10 epochs as for all (PV-E17)",
            "mapping network, style mixing, modulated convolutions, noise inputs, R1, augmentation "
            f"of what the critic sees; {g_weights} weights, rate "
            f"{g.rate:g}, batch {g.batch}; best of {p.gan_epochs} epochs by validation FD, its "
            f"state after {g.paper_epochs} an arm of its own",
            "a GAN stopped after few epochs is a weak baseline",
            "more epochs",
        ),
        (
            "no control arms",
            f"oversampled, noisy (SD {copies.NOISE['label']:g}) and blurred (SD {copies.BLUR:g} "
            "pixels) copies, PA-VAE's own samples with shuffled labels, and the oracle: as many "
            "fresh phantoms",
            "a gain that blurred copies match is regularisation; the oracle says what new images "
            "are worth",
            "none",
        ),
    ]


def downstream(p: Sizes) -> list[tuple]:
    c = classify.ClassifySettings()
    sweep = ", ".join(f"{r:g}" for r in sweeps.RATIOS)
    return [
        (
            "downstream network and schedule: not stated",
            f"{weights(classifier.SmallCNN())} weights, batch {c.batch}, rate {c.rate:g}, "
            f"{p.arm_steps} steps, the same in every arm; last weights kept",
            "equal steps: else an arm with more images also trains longer",
            "equal epochs would favour the arms with more images",
        ),
        (
            "augmentation of the real images: not stated",
            "none; shifts, contrast and noise are the arm `classic`, and stand beside in "
            "`pavae_classic` and `oracle_classic`",
            "a gain over no augmentation at all says little about practice",
            f"which one the paper's {printed.TABLE4['real'][0]} is",
        ),
        (
            "synthetic:real ≤ 1, of 800 or of 8,000 (PV-E16)",
            f"one synthetic image per labelled one; the sweep runs {sweep} with the oracle beside",
            "the generator, too, has only the labelled images",
            "none",
        ),
    ]


def scores(p: Sizes) -> list[tuple]:
    said = printed.TABLE4
    bins = inspect.signature(classification.ece).parameters["bins"].default
    return [
        (
            "three classes, yet one ROC and one sensitivity (PV-E08)",
            "healthy against any opacity, score 1 - p(healthy); beside it macro one-vs-rest and "
            "the three-class confusion matrix",
            "95 % specificity needs healthy as the negatives",
            "none",
        ),
        (
            "threshold at 95 % specificity; “a validation set for threshold selection”",
            "set on validation negatives, frozen; the specificity reached on test is reported",
            "set on test it would be 95 % by construction (PV-19)",
            "none",
        ),
        (
            "ECE without bins; values inside the estimator's noise (PV-E03)",
            f"{bins} bins of equal mass, the floor at perfect calibration beside it, and "
            "debiased ECE and Brier score",
            "even a perfectly calibrated network has an ECE above zero",
            "the paper's bins",
        ),
        (
            "“FID-like distance (on shallow features)”, also headed “FID” (PV-E09)",
            f"Fréchet distance of {p.pool:,} samples to as many test images in "
            f"{classifier.FEATURES} features of a reader trained on {p.reader_images:,} fresh "
            "phantoms; a random network's features, KID and the null of real against real beside",
            "an extractor that no generator trained with; equal n, because the distance depends on "
            "n",
            "its scale is its own: only orders can be compared with the paper's",
        ),
        (
            "SSIM also for template and GAN, which reconstruct nothing (PV-E10)",
            "paired SSIM for the auto-encoders; SSIM to the nearest real image for all, without "
            "direction",
            "an unpaired SSIM has no defined target",
            f"what the paper's {said['template'][4]} and {said['stylegan'][4]} measure",
        ),
        (
            "whether samples show the class asked for: not measured",
            "adherence: how often the reader names it, over its accuracy on real images; utility "
            "is not interpreted outside the bounds of the gate",
            "images that do not show their label train nothing but noise",
            "none",
        ),
        (
            "“template-difference heatmaps (attention proxy)”, template not stated (PV-E19)",
            "absolute difference to the mean labelled image of its class, and of the healthy; "
            "scored against the true mask, with the mirrored lung as control",
            "nothing in it is attention, but where it falls can be measured",
            "which template Figure 6 shows",
        ),
        (
            "robustness announced four times, never shown (PV-E04)",
            "white noise, an adversarial-like attack and scanner drift, three strengths each; "
            f"“moderate” is a drop of {robustness.MODERATE[0]:g} to {robustness.MODERATE[1]:g} in "
            "AUC, fixed before any result",
            "the claim has no number to compare with",
            "the kinds and strengths the paper had in mind",
        ),
    ]
