"""What one draw of dHVAE's studies costs: volumes, slices, steps."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """The defaults are those of `quick` and `full`."""

    volume_share: int = 1  # of the paper's 10 to 50 volumes, one in so many is used
    added: int = 500  # Table 4: synthetic slices are added in one to four such steps
    long_additions: tuple[int, ...] = (4000, 8000)  # further amounts, beyond the paper's
    mask_pixels: int = 4  # a smaller mask of a sample counts as empty, where these are left out
    test_volumes: int = 64  # of 32 slices each
    known_slices: int = 4000  # fresh lesion slices that train the independent reader of pairs
    judged_pairs: int = 1000  # samples and real slices whose distance is a score
    remembered: int = 500  # samples that look for their nearest training slice
    pair_steps: int = 8120  # gradient steps of every auto-encoder of pairs
    pair_delay: int = 8000  # of these, steps before dynamics and regularisers join
    lsgan_steps: int = 8000
    latent_steps: tuple[int, int] = (6000, 4000)  # LDM: auto-encoder, denoiser
    known_steps: int = 600  # of the reader of pairs
    hint_steps: int = 150  # of the guide
    slice_steps: int = 1200  # of every 2-D segmenter
    volume_steps: int = 150  # of every 3-D segmenter
    budget: tuple[int, ...] = (150, 300, 600, 1200, 2400)  # steps at which arms are compared
    seeds: int = 2  # of the segmenter, for each pool of a draw
    seeds_alone: int = 6  # and of real images alone, the control of all arms
    weighed: tuple[int, int] = (64, 20)  # held-out pairs and importance samples of a likelihood


SIZES = {
    "full": Sizes(),
    "paper": Sizes(
        pair_steps=20_000, pair_delay=5_000, lsgan_steps=20_000, latent_steps=(20_000, 20_000),
        slice_steps=4000, volume_steps=2000,
    ),
    "smoke": Sizes(
        budget=(3, 6), seeds=1, seeds_alone=2, mask_pixels=0,
        volume_share=5, added=10, long_additions=(), test_volumes=2, known_slices=60,
        judged_pairs=40, remembered=10, pair_steps=4, pair_delay=2, lsgan_steps=4,
        latent_steps=(4, 4), known_steps=6, hint_steps=4, slice_steps=4, volume_steps=3,
        weighed=(4, 3),
    ),
}  # fmt: skip
