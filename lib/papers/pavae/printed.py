"""The numbers that the PA-VAE paper prints."""

TABLE2A = {  # Table 2a: name in the code: as printed, its number, its note
    "rate": ("1 × 10⁻³", 1e-3, "cosine decay, min 1 × 10⁻⁵"),
    "rate_end": ("1 × 10⁻⁵", 1e-5, "the minimum above"),
    "adam_beta1": ("0.9", 0.9, "Adam"),
    "adam_beta2": ("0.999", 0.999, "Adam"),
    "batch": ("64", 64, "per step"),
    "epochs": ("8-10", 8, "early-stop on FID-like"),
    "beta": ("4.0", 4.0, "disentanglement trade-off"),
    "lambda_path": ("0.5", 0.5, "feature-preservation weight"),
    "lambda_cls": ("0.2", 0.2, "class-consistency weight"),
    "resolution": ("64 × 64", 64, "grayscale"),
    "synthetic_to_real": ("≤ 1", 1, "mixed during downstream training"),
}
TABLE4 = {  # Table 4 (= 2b = 3b): auc, sens95, ece, fd, ssim
    "real": (0.760, 0.430, 0.062, None, None),
    "template": (0.785, 0.472, 0.055, 41.2, 0.63),
    "vae": (0.805, 0.498, 0.050, 38.9, 0.68),
    "stylegan": (0.818, 0.512, 0.049, 35.1, 0.72),
    "pavae": (0.842, 0.546, 0.046, 32.3, 0.75),
}
TABLE4_METRICS = ("auc", "sens95", "ece", "fd", "ssim")
ABSTRACT = {"real": (0.715, 0.091, 0.017), "pavae": (0.822, 0.295, 0.026)}  # contradicts Table 4
TABLE5 = {  # Table 5: change of AUC, change of FID-like
    "no_path": (-0.028, 1.7),
    "no_prior": (-0.017, 0.9),
    "beta_3.2": (-0.009, 0.5),
    "no_mask": (-0.006, 0.3),
}


def table4(arm: str, metric: str) -> float | None:
    """What Table 4 prints for an arm, or None."""
    return dict(zip(TABLE4_METRICS, TABLE4.get(arm, ()), strict=False)).get(metric)
