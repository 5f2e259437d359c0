"""The arms of PA-VAE's studies, in the order of tables and figures."""

from dataclasses import dataclass
from itertools import combinations

from lib.generators import vae
from lib.papers.arms import Arm, named

UTILITY = ("auc", "auc_ovr", "sens95", "spec95", "ece", "ece_debiased", "ece_floor", "brier")
FIDELITY = ("fd", "fd2", "kid", "adherence", "adherence_ratio", "ssim_nearest")
FIDELITY += ("adherence_healthy", "adherence_left", "adherence_right")
ATTRIBUTES = ("coverage_place", "coverage_look")  # of all lesions; the gate reads it
GENERATORS = ("template", "vae", "stylegan", "pavae")  # the paper's four
COPIES = {"oversample": "same", "memoriser": "noisy", "smooth": "blurred"}  # kinds of copies
AUTO_ENCODERS = ("vae", "pavae", "pavae_bernoulli", "pavae_pseudo")  # of MAIN: they reconstruct


@dataclass(frozen=True)
class Fitted(Arm):
    """An arm whose auto-encoder differs from PA-VAE in its settings, its guide or its sampling."""

    source: str = "pavae"
    plain: bool = False  # the standard VAE's settings instead of PA-VAE's
    guide: str = "labelled"  # what its extractor saw; "all labels", "no augmentation"
    stopped: bool = True  # the epoch is chosen on validation; False: the last one
    mix: tuple[int, ...] = ()  # class mix of its samples; (): Table 1's
    drawn: bool = False  # labels drawn from the mix instead of in fixed order
    noisy: bool = True  # samples are draws from p(x|z,y); False: its means
    refitted: bool = False  # codes follow a law fitted to training codes; False: the prior


MAIN = named(
    Arm("real", "Real only", "baseline"),
    Arm("classic", "Classical augmentation", "baseline", augment=True),
    Arm("oversample", "Oversampled real", "baseline", source="oversample"),
    Arm("template", "Template", source="template"),
    Arm("vae", "Standard VAE", source="vae"),
    Fitted(
        "vae_beta4", "Standard VAE, β = 4", tier="beside", source="vae", plain=True,
        changes={"beta": vae.PA_VAE.beta},
    ),
    Fitted("vae_mean", "Standard VAE, means", tier="beside", source="vae", plain=True, noisy=False),
    Fitted("vae_refitted", "Standard VAE, refitted prior", source="vae", plain=True, refitted=True),
    Arm("stylegan_epochs", "StyleGAN-lite, 8 epochs", tier="beside", source="stylegan"),
    Arm("stylegan", "StyleGAN-lite", source="stylegan"),
    Arm("pavae", "PA-VAE", source="pavae"),
    Fitted("pavae_bernoulli", "PA-VAE, Bernoulli as printed", changes=vae.BERNOULLI),
    Fitted("pavae_mean", "PA-VAE, means", tier="beside", noisy=False),
    Fitted("pavae_refitted", "PA-VAE, refitted prior", refitted=True),
    Arm("pavae_pseudo", "PA-VAE, pseudo-labels", tier="beside", source="pavae"),
    Arm("memoriser", "Noisy copies", "control", source="memoriser"),
    Arm("smooth", "Blurred copies", "control", source="smooth"),
    Arm("shuffled", "PA-VAE, labels shuffled", "control", source="pavae"),
    Arm("oracle", "Oracle (fresh phantoms)", "oracle", source="fresh"),
    Arm("pavae_epochs", "PA-VAE, equal epochs", "method", "beside", "pavae", epochs=True),
    Arm("oracle_epochs", "Oracle, equal epochs", "oracle", "beside", "fresh", epochs=True),
    Arm("pavae_classic", "PA-VAE, with augmentation", "method", "beside", "pavae", augment=True),
    Arm("oracle_classic", "Oracle, with augmentation", "oracle", "beside", "fresh", augment=True),
)
"""Table 4; `amount` counts in labelled images."""


# ---- Table 5 ------------------------------------------------------------------------------------

OFF = {  # how a component is switched off
    "path": {"lambda_path": 0.0},
    "prior": {"class_prior": False},
    "mask": {"lambda_mask": 0.0},
}


def _without(*parts: str, tier: str = "core", label: str = "") -> Fitted:
    """PA-VAE without some of its components."""
    changes = {key: value for part in parts for key, value in OFF[part].items()}
    label = label or f"w/o {', '.join(parts)}"
    return Fitted("_".join(("no", *parts)), label, tier=tier, changes=changes)


def _beta(beta: float, tier: str) -> Fitted:
    return Fitted(f"beta_{beta:g}", f"β = {beta:g}", tier=tier, changes={"beta": beta})


ABLATED = named(
    Fitted("pavae", "PA-VAE"),
    _without("path", label="w/o path loss"),
    _without("prior", label="w/o class prior p(z|y)"),
    Fitted("no_sampling_prior", "w/o sampling prior π(y)", mix=(2, 1, 1), drawn=True),
    _beta(3.2, "core"),
    _without("mask", label="w/o mask loss"),
    Fitted("vae", "Standard VAE", plain=True, variant_of="vae"),
    Fitted("pi_uniform", "π(y) uniform", mix=(1, 1, 1)),
    Fitted("no_cls", "w/o class loss", tier="beside", changes={"lambda_cls": 0.0}),
    Fitted("per_pixel", "guide's terms × 4,096", tier="beside", changes={"guide_scale": 4096.0}),
    *(_beta(beta, "long") for beta in (2.0, 4.8, 8.0)),
    *(_without(*parts, tier="long") for k in (2, 3) for parts in combinations(OFF, k)),
    Fitted("as_printed", "guide's terms not scaled", tier="long", changes={"guide_scale": 1.0}),
    Fitted("leaky", "extractor of all labels", tier="long", guide="all labels"),
    Fitted("plain_guide", "extractor w/o augmentation", tier="long", guide="no augmentation"),
    Fitted("unstopped", "last epoch kept", tier="long", stopped=False),
    Fitted(
        "vae_unstopped", "Standard VAE, last epoch kept", tier="long", plain=True, stopped=False,
        variant_of="vae",
    ),
)
"""Table 5: the paper's four, the one it omits, other readings of equation 1, and the 2^3 of path,
prior and mask (PV-E06), whose other corners are the single ablations."""


# ---- recipes that were tried on the spare draw and not taken ------------------------------------


def _gan(name: str, label: str, **changes) -> Arm:
    return Arm(f"try_{name}", f"StyleGAN-lite, {label}", tier="long", source="stylegan",
               changes=changes)  # fmt: skip


def _guided(kind: str, scale: float, **changes) -> Fitted:
    """PA-VAE with another scale of the guide's terms."""
    return Fitted(f"try_{kind}_{scale:g}", f"PA-VAE, {kind}, guide × {scale:g}", tier="long",
                  changes=changes | {"guide_scale": scale})  # fmt: skip


RECIPES = named(
    Fitted(
        "try_plain", "Standard VAE, gaussian", tier="long", source="vae", plain=True,
        changes={"likelihood": "gaussian"},
    ),
    *(_guided("gaussian", scale) for scale in (1.0, 16.0, 64.0, 1024.0)),
    *(_guided("bernoulli", scale, likelihood="bernoulli") for scale in (1.0, 16.0, 64.0)),
    Fitted("try_latent_64", "PA-VAE, 64 latents", tier="long", changes={"latent": 64}),
    *(
        Fitted(
            f"try_mask_{times:g}", f"PA-VAE, mask loss × {times:g}", tier="long",
            changes={"lambda_mask": times * vae.PA_VAE.lambda_mask},
        )
        for times in (4.0, 16.0)
    ),
    _gan("narrow", "half as wide a critic", critic=(8, 16, 32, 64, 64)),
    _gan("weak", "R1 × 0.1", r1=0.01),
    _gan("strong", "R1 × 10", r1=1.0),
    _gan("unchanged", "critic sees images as they are", shift=0, cut=0),
)
