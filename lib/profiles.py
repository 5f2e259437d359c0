"""How much to run: the sizes of every study, in one place."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Profile:
    """Sizes of one way to run; the defaults are those of `quick`, `core` and `full`."""

    name: str
    replicates: int  # R: fresh training draws of a core study, each with its own seeds
    augmented: int = 10  # draws of the second regime, in which no claim is judged
    secondary: int = 1  # draws of arms beside the paper's tables that need a generator of their own
    complete: bool = False  # also the long sweeps and the factorial
    labelled: int = 800  # PA-VAE, Table 1
    train: int = 8000  # PA-VAE, Table 1
    validation: int = 2000  # PA-VAE, Table 1
    test: int = 10_000  # Table 1 has 2,000; 10,000 make the test set's own error negligible
    reader_images: int = 20_000  # fresh phantoms that train the independent reader
    reader_steps: int = 1500
    guide_steps: int = 600
    bare_steps: int = 300  # gradient steps of every arm without augmentation
    augmented_steps: int = 800  # and with it
    curve: tuple[int, ...] = (200, 400, 800, 1600, 3200, 8000)  # sizes of the learning curves
    pool: int = 2000  # samples drawn from each generator; fidelity uses all, an arm the first
    epoch_images: int = 8000  # images that make an epoch of a generator
    vae_epochs: int = 8  # PA-VAE, Table 2a: "8-10"
    gan_epochs: int = 10
    long_epochs: int = 50  # the long training that PV-18 is compared with
    fractions: tuple[int, ...] = (1, 5, 10, 25, 50, 100)  # labelled share of `train`, per cent
    attacked: int = 1000  # test images under the adversarial-like attack
    mapped: int = 4000  # test images whose heat maps are scored
    timed_images: int = 1000  # phantoms rendered for a timing


SMOKE = Profile(
    "smoke", replicates=2, augmented=2, labelled=48, train=480, validation=96, test=200,
    reader_images=200, reader_steps=20, guide_steps=10, curve=(32, 96), bare_steps=10,
    augmented_steps=10, pool=100, epoch_images=128, vae_epochs=8, gan_epochs=9, long_epochs=9,
    fractions=(10, 100), attacked=40, mapped=80, timed_images=64,
)  # fmt: skip
QUICK = Profile("quick", replicates=3, augmented=2, fractions=(10, 100))
CORE = Profile("core", replicates=10, augmented=3, fractions=(10, 100))
FULL = Profile("full", replicates=10, secondary=5, complete=True)
PAPER = Profile("paper", replicates=10, augmented=10, secondary=5, complete=True, vae_epochs=10)
PROFILES = {profile.name: profile for profile in (SMOKE, QUICK, CORE, FULL, PAPER)}


def get(name: str) -> Profile:
    """The profile of this name; raises ValueError that lists the names."""
    if name not in PROFILES:
        raise ValueError(f"profile {name!r} is unknown; choose one of {', '.join(PROFILES)}.")
    return PROFILES[name]


def precision() -> str:
    """'bfloat16' where the processor multiplies it in hardware, else 'float32'."""
    info = Path("/proc/cpuinfo")
    flags = info.read_text().split() if info.is_file() else []
    return "bfloat16" if {"avx512_bf16", "amx_bf16"} & set(flags) else "float32"
