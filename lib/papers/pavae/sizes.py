"""What one draw of PA-VAE's studies costs: images, steps, epochs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """The defaults are those of `quick` and `full`."""

    labelled: int = 800  # Table 1
    train: int = 8000  # Table 1
    validation: int = 2000  # Table 1
    test: int = 10_000  # Table 1 has 2,000; 10,000 make the test set's own error negligible
    reader_images: int = 20_000  # fresh phantoms that train the independent reader
    reader_steps: int = 1500
    guide_steps: int = 600
    arm_steps: int = 300  # gradient steps of the downstream network, the same in every arm
    budget: tuple[int, ...] = (75, 150, 300, 600, 1200, 2400)  # steps at which arms are compared
    seeds: int = 2  # of the downstream network, for each pool of a draw
    seeds_alone: int = 6  # and of real images alone, the control of all arms
    curve: tuple[int, ...] = (200, 400, 800, 1600, 3200, 8000)  # sizes of the learning curves
    pool: int = 2000  # samples drawn from each generator; fidelity uses all, an arm the first
    epoch_images: int = 8000  # images that make an epoch of a generator
    vae_epochs: int = 20  # of PA-VAE; Table 2a: "8-10"
    plain_epochs: int = 32  # of the standard VAE, whose likelihood is slower
    gan_epochs: int = 24
    long_epochs: int = 50  # the long training that PV-18 is compared with
    fractions: tuple[int, ...] = (1, 5, 10, 25, 50, 100)  # labelled share of `train`, per cent
    attacked: int = 1000  # test images under the adversarial-like attack
    mapped: int = 4000  # test images whose heat maps are scored
    timed_images: int = 1000  # phantoms rendered for a timing


SIZES = {
    "full": Sizes(),
    "paper": Sizes(vae_epochs=10, plain_epochs=10, gan_epochs=10),
    "smoke": Sizes(
        budget=(5, 10), seeds=1, seeds_alone=2,
        labelled=48, train=480, validation=96, test=200, reader_images=200, reader_steps=20,
        guide_steps=10, curve=(32, 96), arm_steps=10, pool=100,
        epoch_images=128, vae_epochs=5, plain_epochs=5, gan_epochs=9, long_epochs=6,
        fractions=(10, 100), attacked=40, mapped=80, timed_images=64,
    ),
}  # fmt: skip
