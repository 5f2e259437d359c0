"""The arms of dHVAE's studies, in the order of tables and figures."""

from collections.abc import Iterable
from dataclasses import replace

from lib.generators import hvae
from lib.papers.arms import Arm, named

VOLUMES = (10, 20, 30, 40, 50)  # Table 5
MAIN = 30  # volumes of all other tables, section 4.3
AMOUNTS = (500, 1000, 1500, 2000)  # Table 4
MOST = max(AMOUNTS)
BETAS = (0.001, 0.01, 0.1)  # Table 1
FURTHER = (0.3, 0.5)  # beyond it ("Beyond a beta value of 0.1", section 4.6.1)
SWAPPED = 0.99  # what the paper's "alpha = 0.01" would mean
STANDARD, NEARER = (
    tuple(f"{name}_{end}" for name in ("vae", "hvae", "dhvae")) for end in ("standard", "near")
)
OTHERWISE = (*STANDARD, *NEARER, "dhvae_mean")  # other samples of Table 2's auto-encoders
GENERATORS = ("lsgan", "ldm", "vae", "hvae", "dhvae")  # Tables 3 and 4
TABLE2 = ("lsgan", "ldm", "vae", "hvae", "hvae_disc", "hvae_perc", "dhvae")
ARCHITECTURES = ("unet", "unetr", "swinunetr", "attn", "nnunet")  # Table 6
MEANS, NEAR = "means", "near"  # notes of arms: other samples of the same generator
FILLED = "filled"  # note of an arm whose pool has lost its pairs with an empty mask
PRETRAINED = "pretrained"  # note of an arm whose segmenter learns from its pool first
PLAIN = "codes as they are"
ONE_SIDE = "not mirrored"  # note of a generator that does not learn from mirrored slices
COPIES = {"oversample": "same", "memoriser": "noisy", "smooth": "blurred"}  # kinds of copies

TIMES = (0.25, 4.0, 16.0)  # as many steps after the warm-up as others take
LENGTHS = {f"{name}_x{n:g}": n for name in ("hvae", "dhvae") for n in TIMES}
BALANCED = tuple(f"{name}_balanced" for name in ("dhvae", "dhvae_0.5"))  # adaptive critic weight

FIDELITY = ("fd", "fd2", "kid", "mask_adherence", "empty", "coverage", "occupied", "sharpness")
FIDELITY += ("edge_slope", "checkerboard", "lesion_kid", "w1_glcm")
DIVERGENCE = ("jsd", "kld", "jsd_spatial", "kld_spatial", "w1_area", "w1_eccentricity")
DIVERGENCE += ("w1_solidity", "w1_count", "w1_row", "w1_column", "w1_empty")
RECONSTRUCTION = ("psnr", "lpips", "mask_dice")
LIKELIHOOD = ("elbo", "evidence", "gap")
DICE = ("dice", "dice_selected", "dice_slices", "dice_slices_all", "false_positives")


def _generator(
    name: str, label: str, of: str = "", tier: str = "core", note: str = "", variant_of: str = "",
    **changes,
) -> Arm:  # fmt: skip
    """A generator: its own, or the preset `of` with changed settings."""
    source = of or name
    return Arm(name, label, "method", tier, source, note=note, changes=changes,
               variant_of=variant_of)  # fmt: skip


def _beta(beta: float, tier: str = "core") -> Arm:
    return _generator(f"beta_{beta:g}", f"β = {beta:g}", "dhvae", tier, beta=beta)


DENSITY = {"sd_rate": 5.0, "mask_weight": 1.0}  # a likelihood whose nats can be compared


SOURCES = named(
    Arm("real", "2D, real only", "baseline"),
    Arm("classic2", "2D, classical ×2", "baseline", "beside", source="classic", amount=1),
    Arm("classic5", "2D, classical ×5", "baseline", source="classic", amount=4),
    Arm("augmented", "2D, augmented on the fly", "baseline", augment=True),
    Arm("real3d", "3D, real only", "baseline", dims=3),
    Arm("classic2_3d", "3D, classical ×2", "baseline", "beside", "classic", amount=1, dims=3),
    Arm("classic5_3d", "3D, classical ×5", "baseline", "beside", "classic", amount=4, dims=3),
    Arm("oversample", "Oversampled real", "baseline", source="oversample"),
    Arm("memoriser", "Noisy copies", "control", "beside", source="memoriser"),
    Arm("smooth", "Blurred copies", "control", source="smooth"),
    Arm("shuffled", "dHVAE, masks shuffled", "control", source="shuffled"),
    _generator("lsgan", "LSGAN"),
    _generator("ldm", "LDM"),
    _generator("vae", "VAE"),
    _generator("hvae", "HVAE"),
    _generator("hvae_disc", "HVAE + disc", variant_of="hvae"),
    _generator("hvae_perc", "HVAE + perc", variant_of="hvae"),
    _generator("dhvae", "dHVAE"),
    Arm(
        "dhvae_classic5", "dHVAE + classical ×5", tier="beside", source="dhvae_classic5",
        variant_of="dhvae",
    ),
    Arm("oracle", "Oracle (fresh phantoms)", "oracle", source="oracle"),
    *(_beta(beta) for beta in BETAS),
    *(_beta(beta, "beside") for beta in (*FURTHER, SWAPPED)),
    _generator("delayed", "critic delayed (dHVAE)", "dhvae", "beside"),
    _generator("immediate", "critic from the start", "dhvae", "beside", "no delay"),
    _generator("with_l1", "with L1 (dHVAE)", "dhvae", "beside"),
    _generator("without_l1", "without L1", "dhvae", "beside", l1=False),
    _generator(
        "hvae_disc_0.01", "HVAE + disc, β = 0.01", "hvae_disc", "beside", variant_of="hvae",
        beta=hvae.DHVAE.beta,
    ),
    _generator(
        "hvae_perc_0.01", "HVAE + perc, β = 0.01", "hvae_perc", "beside", variant_of="hvae",
        beta=hvae.DHVAE.beta,
    ),
    _generator("dhvae_0.5", "dHVAE, β = 0.5", "dhvae", "beside", beta=0.5),
    *(
        _generator(f"{name}_sd", f"{label}, SD learned", name, variant_of=name, **DENSITY)
        for name, label in (("vae", "VAE"), ("hvae", "HVAE"))
    ),
    *(
        _generator(f"{name}_standard", f"{label}, {PLAIN}", name, "beside", whitened=False)
        for name, label in (("vae", "VAE"), ("hvae", "HVAE"), ("dhvae", "dHVAE"))
    ),
    *(
        _generator(f"{name}_near", f"{label}, codes near training ones", name, "beside", NEAR)
        for name, label in (("vae", "VAE"), ("hvae", "HVAE"), ("dhvae", "dHVAE"))
    ),
    _generator("dhvae_mean", "dHVAE, means", "dhvae", "beside", MEANS),
    *(
        _generator(f"{name}_x{n:g}", f"{label}, {n:g} × the steps with dynamics", name, "beside")
        for name, label in (("hvae", "HVAE"), ("dhvae", "dHVAE")) for n in TIMES
    ),
    *(
        _generator(
            f"{name}_balanced", f"dHVAE, β = {beta:g}, balanced critic", "dhvae", "beside",
            variant_of="dhvae", beta=beta, adaptive=True,
        )
        for name, beta in zip(("dhvae", "dhvae_0.5"), (hvae.DHVAE.beta, 0.5), strict=True)
    ),
    _generator(
        "hvae_stopped", "HVAE, gradient stopped", "hvae", "beside", stopped=True, **DENSITY
    ),
    _generator("joint", "joint p(x, m | z)", "dhvae", "beside"),
    _generator(
        "conditional", "conditional p(x | z, m)", "dhvae", "beside", condition=True
    ),
)
"""What can stand beside the real slices; tables add amounts to it."""
ALIKE = {  # arms that are another's generator under the name of a claim
    "beta_0.01": "dhvae", "delayed": "dhvae", "with_l1": "dhvae", "joint": "dhvae",
    "dhvae_0.5": "beta_0.5", "dhvae_mean": "dhvae",
    "vae_near": "vae", "hvae_near": "hvae", "dhvae_near": "dhvae",
}  # fmt: skip
PRESETS = {
    "vae": hvae.VAE,
    "hvae": hvae.HVAE,
    "hvae_disc": hvae.HVAE_DISC,
    "hvae_perc": hvae.HVAE_PERC,
    "dhvae": hvae.DHVAE,
}


LIKELIHOODS = {
    "flair": {"sd": 0.2, "mask_weight": 2.0},
    "pet": {"sd": 0.1, "mask_weight": 10.0},
}
"""Grey units, and what a mask's cross-entropy counts: tried on the spare draw, see RECIPES."""


def preset(arm: Arm, modality: str = "flair") -> hvae.HvaeSettings:
    """Settings of an arm's auto-encoder, the same for all of a modality but for its changes."""
    return replace(PRESETS[arm.source], **LIKELIHOODS[modality] | arm.changes)


def chosen(*names: str) -> list[Arm]:
    return [SOURCES[name] for name in names]


# ---- Table 4 ------------------------------------------------------------------------------------


NOTED = {
    FILLED: (FILLED, "empty masks left out"), PRETRAINED: (PRETRAINED, "synthetic ones first"),
}  # fmt: skip


def added(source: str, amount: int, tier: str = "core", **how) -> Arm:
    """So many slices of a source beside the real ones; how: one further field of an Arm."""
    arm = SOURCES[source]
    name, label = f"{source}{amount}", f"{arm.label} +{amount:,}"
    if how:
        end = {"weighting": ("reweighted", "re-weighted"), "epochs": ("epochs", "equal epochs"),
               "augment": ("augmented", "augmented on the fly"),
               "note": NOTED.get(how.get("note"))}  # fmt: skip
        short, long = end[next(iter(how))]
        name, label = f"{name}_{short}", f"{label}, {long}"
    return replace(
        arm, name=name, label=label, tier=tier, amount=amount, oracle=f"oracle{MOST}", **how
    )


def _additions(further: Iterable[int]) -> Iterable[Arm]:
    core = {("hvae", 2000), *(("dhvae", n) for n in AMOUNTS)}
    core |= {(name, n) for name in ("lsgan", "ldm", "vae") for n in (1500, 2000)}
    for name in GENERATORS:
        for n in AMOUNTS:
            yield added(name, n, "core" if (name, n) in core else "beside")
        yield from (added(name, n, "long") for n in further)
    for name in ("oversample", "memoriser", "smooth", "shuffled", "oracle"):
        yield added(name, MOST, SOURCES[name].tier)
    for name in ("lsgan", "ldm", "vae"):
        yield from (added(name, n, "beside", weighting=0.5) for n in (1500, 2000))
    for name in ("dhvae", "oracle"):
        for how in ({"weighting": 0.5}, {"note": PRETRAINED}, {"augment": True}):
            yield added(name, MOST, **how)
        yield added(name, MOST, "beside", epochs=True)
    yield from (added(name, MOST, "beside", note=FILLED) for name in ("vae", "hvae", "dhvae"))
    own = (name for name in OTHERWISE if SOURCES[name].source == "dhvae")
    yield from (added(name, MOST, "beside") for name in own)


def table4_arms(further: Iterable[int] = ()) -> dict[str, Arm]:
    """The arms of Table 4; `further` are amounts of synthetic slices beyond the paper's."""
    flat = chosen("real", "augmented", "classic2", "classic5")
    references = [*flat, *chosen("real3d", "classic2_3d", "classic5_3d")]
    held = [replace(arm, oracle=f"oracle{MOST}") for arm in references]
    return named(*held, *_additions(further))


# ---- recipes that were tried on the spare draw and not taken ------------------------------------


def _tries() -> Iterable[Arm]:
    for name in ("vae", "dhvae"):
        label = SOURCES[name].label
        for sd in (0.05, 0.1, 0.3):
            yield _generator(f"try_{name}_sd_{sd:g}", f"{label}, SD {sd:g}", name, "long", sd=sd)
        for weight in (1.0, 5.0, 16.0):
            yield _generator(f"try_{name}_mask_{weight:g}", f"{label}, mask × {weight:g}", name,
                             "long", mask_weight=weight)  # fmt: skip
        yield _generator(f"try_{name}_one_side", f"{label}, {ONE_SIDE}", name, "long", ONE_SIDE)
        yield _generator(f"try_{name}_standard", f"{label}, {PLAIN}", name, "long", whitened=False)


RECIPES = named(
    *_tries(),
    _generator("try_dhvae_means", "dHVAE, critic sees means", "dhvae", "long", noisy=False),
    _generator("try_dhvae_0.1", "dHVAE, β = 0.1", "dhvae", "long", beta=0.1),
    _generator("try_lsgan_plain", "LSGAN without penalty", "lsgan", "long", r1=0.0),
    _generator("try_lsgan_strong", "LSGAN, R1 × 5", "lsgan", "long", r1=5.0),
)
