"""The numbers that the dHVAE paper prints, by table: {modality: {arm: {metric: value}}}."""

REAL_SLICES = {"flair": 771, "pet": 267}  # of 30 volumes, section 4.3
_FIDELITY = ("psnr", "fd", "lpips")  # the paper's FID and LPIPS stand beside our FD and distance


def _table(metrics: tuple[str, ...], flair: dict, pet: dict) -> dict:
    def named(rows: dict) -> dict:
        return {arm: dict(zip(metrics, row, strict=True)) for arm, row in rows.items()}

    return {"flair": named(flair), "pet": named(pet)}


TABLE1 = _table(
    _FIDELITY,
    {
        "beta_0.1": (15.208, 92.488, 0.229),
        "beta_0.01": (15.622, 88.299, 0.227),
        "beta_0.001": (15.409, 126.503, 0.235),
    },
    {
        "beta_0.1": (18.990, 102.755, 0.301),
        "beta_0.01": (19.570, 54.008, 0.309),
        "beta_0.001": (19.203, 110.349, 0.333),
    },
)
TABLE2 = _table(
    _FIDELITY,
    {
        "lsgan": (14.579, 158.289, 0.473),
        "ldm": (15.553, 91.912, 0.231),
        "vae": (15.181, 106.276, 0.273),
        "hvae": (15.336, 124.750, 0.248),
        "hvae_disc": (15.102, 147.954, 0.237),
        "hvae_perc": (14.923, 104.767, 0.225),
        "dhvae": (15.622, 88.299, 0.227),
    },
    {
        "lsgan": (18.440, 189.753, 0.459),
        "ldm": (19.301, 83.758, 0.289),
        "vae": (19.038, 90.208, 0.338),
        "hvae": (19.115, 74.428, 0.310),
        "hvae_disc": (19.005, 134.426, 0.360),
        "hvae_perc": (18.783, 69.111, 0.313),
        "dhvae": (19.570, 54.008, 0.309),
    },
)
TABLE3 = _table(
    ("jsd", "kld"),
    {
        "lsgan": (0.0049, 0.0260),
        "ldm": (0.0038, 0.0301),
        "vae": (0.0039, 0.0217),
        "hvae": (0.0044, 0.0243),
        "dhvae": (0.0032, 0.0169),
    },
    {
        "lsgan": (0.0026, 0.0104),
        "ldm": (0.0016, 0.0026),
        "vae": (0.0017, 0.0076),
        "hvae": (0.0025, 0.0082),
        "dhvae": (0.0014, 0.0069),
    },
)
_DICE = {  # Table 4: (flair, pet); "Ours (alpha = 0.01)" is read as beta = 0.01 (DH-E01)
    "real": (0.581, 0.428),
    "classic2": (0.630, 0.461),
    "classic5": (0.695, 0.563),
    "real3d": (0.607, 0.454),
    "classic2_3d": (0.664, 0.533),
    "classic5_3d": (0.702, 0.571),
    "lsgan500": (0.613, 0.508),
    "lsgan1000": (0.636, 0.528),
    "lsgan1500": (0.638, 0.533),
    "lsgan2000": (0.610, 0.521),
    "ldm500": (0.625, 0.503),
    "ldm1000": (0.655, 0.520),
    "ldm1500": (0.686, 0.531),
    "ldm2000": (0.683, 0.525),
    "vae500": (0.661, 0.490),
    "vae1000": (0.680, 0.510),
    "vae1500": (0.691, 0.534),
    "vae2000": (0.687, 0.526),
    "hvae500": (0.663, 0.510),
    "hvae1000": (0.684, 0.537),
    "hvae1500": (0.695, 0.542),
    "hvae2000": (0.701, 0.545),
    "dhvae500": (0.686, 0.540),
    "dhvae1000": (0.701, 0.569),
    "dhvae1500": (0.710, 0.581),
    "dhvae2000": (0.724, 0.594),
}
_WHOLE = {"real3d", "classic2_3d", "classic5_3d"}  # segmenters of whole volumes
_SHOWN = {arm: "dice" if arm in _WHOLE else "dice_selected" for arm in _DICE}
TABLE4 = {  # section 4.1: 2-D networks are shown the slices with a tumour only
    modality: {arm: {_SHOWN[arm]: pair[i]} for arm, pair in _DICE.items()}
    for i, modality in enumerate(("flair", "pet"))
}
_VOLUMES = {
    "flair": {
        "real": (0.219, 0.471, 0.581, 0.652, 0.684),
        "dhvae": (0.666, 0.687, 0.724, 0.724, 0.721),
        "dhvae_classic5": (0.728, 0.743, 0.750, 0.764, 0.765),
    },
    "pet": {
        "real": (0.051, 0.233, 0.428, 0.500, 0.542),
        "dhvae": (0.460, 0.540, 0.594, 0.584, 0.588),
        "dhvae_classic5": (0.558, 0.609, 0.631, 0.644, 0.647),
    },
}
TABLE5 = {
    f"{modality}-{n}": {arm: {"dice_selected": row[i]} for arm, row in rows.items()}
    for modality, rows in _VOLUMES.items()
    for i, n in enumerate((10, 20, 30, 40, 50))
}
_ARCHITECTURES = {  # Table 6: (3-D reference, 2-D with synthetic slices)
    "flair": {
        "unet": (0.607, 0.724),
        "unetr": (0.506, 0.708),
        "swinunetr": (0.676, 0.744),
        "attn": (0.569, 0.723),
        "nnunet": (0.618, 0.745),
    },
    "pet": {
        "unet": (0.454, 0.594),
        "unetr": (0.308, 0.478),
        "swinunetr": (0.517, 0.587),
        "attn": (0.290, 0.548),
        "nnunet": (0.452, 0.610),
    },
}
TABLE6 = {
    f"{modality}-{name}": {
        "real3d": {"dice": reference},
        "dhvae": {"dice_selected": augmented},
    }
    for modality, rows in _ARCHITECTURES.items()
    for name, (reference, augmented) in rows.items()
}
