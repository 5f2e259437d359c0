"""How much to run: the sizes of every study, in one place."""

from dataclasses import dataclass


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
    volume_share: int = 1  # dHVAE: of the paper's 10 to 50 volumes, one in so many is used
    added: int = 500  # dHVAE, Table 4: synthetic slices are added in one to four such steps
    test_volumes: int = 64  # of 32 slices each
    known_slices: int = 4000  # fresh lesion slices that train the independent reader of pairs
    judged_pairs: int = 1000  # samples and real slices whose distance is a score
    remembered: int = 500  # samples that look for their nearest training slice
    pair_steps: int = 920  # gradient steps of every auto-encoder of pairs
    pair_delay: int = 800  # of these, steps before dynamics and regularisers join
    lsgan_steps: int = 920  # as many as every auto-encoder of pairs
    latent_steps: tuple[int, int] = (1000, 700)  # LDM: auto-encoder, denoiser
    known_steps: int = 600  # of the reader of pairs
    hint_steps: int = 150  # of the guide
    slice_steps: int = 300  # of every 2-D segmenter
    volume_steps: int = 150  # of every 3-D segmenter
    weighed: tuple[int, int] = (64, 20)  # held-out pairs and importance samples of a likelihood
    long_additions: tuple[int, ...] = ()  # further amounts of synthetic slices


SMOKE = Profile(
    "smoke", replicates=2, augmented=2, labelled=48, train=480, validation=96, test=200,
    reader_images=200, reader_steps=20, guide_steps=10, curve=(32, 96), bare_steps=10,
    augmented_steps=10, pool=100, epoch_images=128, vae_epochs=8, gan_epochs=9, long_epochs=9,
    fractions=(10, 100), attacked=40, mapped=80, timed_images=64,
    volume_share=5, added=10, test_volumes=2, known_slices=60, judged_pairs=40, remembered=10,
    pair_steps=6, pair_delay=3, lsgan_steps=6, latent_steps=(4, 4), known_steps=6, hint_steps=4,
    slice_steps=4, volume_steps=3, weighed=(4, 3),
)  # fmt: skip
QUICK = Profile("quick", replicates=3, augmented=2, fractions=(10, 100))
CORE = Profile("core", replicates=10, augmented=3, fractions=(10, 100))
FULL = Profile("full", replicates=10, secondary=5, complete=True, long_additions=(4000, 8000))
PAPER = Profile(
    "paper", replicates=10, augmented=10, secondary=5, complete=True, vae_epochs=10,
    pair_steps=20_000, pair_delay=5_000, lsgan_steps=20_000, latent_steps=(20_000, 20_000),
    slice_steps=4000, volume_steps=2000, long_additions=(4000, 8000),
)  # fmt: skip
PROFILES = {profile.name: profile for profile in (SMOKE, QUICK, CORE, FULL, PAPER)}


def get(name: str) -> Profile:
    """The profile of this name; raises ValueError that lists the names."""
    if name not in PROFILES:
        raise ValueError(f"profile {name!r} is unknown; choose one of {', '.join(PROFILES)}.")
    return PROFILES[name]
