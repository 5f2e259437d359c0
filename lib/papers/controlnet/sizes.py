"""What one draw of ControlNet's studies costs: films, steps, samples."""

from dataclasses import dataclass

from lib.generators.textual import BaseSettings
from lib.papers.controlnet import printed


@dataclass(frozen=True)
class Sizes:
    """The defaults are those of `quick` and `full`, and ours: the paper's own stand in SIZES.

    The paper's data sets differ tenfold in size, so that its fractions name different regimes
    (CN-E19); ours have one size, and 1, 10 and 100 % of them are 16, 160 and 1,600 films, as in its
    CANDID-PTX. Equal steps in every arm: the paper counts epochs.
    """

    films: int = 1600  # of each task's training set, 100 %
    validation: int = 400  # films that choose a threshold
    test: int = 1000
    base_films: int = 8000  # films with reports, of the base and its auto-encoder
    branch_films: int = 4000  # films with masks, of the branch: the large pool of CN-E05
    known_films: int = 10_000  # films of all laws that train the independent readers
    judged: int = 800  # samples and real films whose distance is a score
    few: int = 300  # samples of each recipe that is tried on the spare draw
    coder_steps: int = 1500  # of the auto-encoder
    base_steps: int = 2000  # of the text-to-image base
    widths: tuple[int, int, int] = BaseSettings.widths  # of its maps
    branch_steps: int = 800  # of the branch, and of its twin without a frozen base
    watched: tuple[int, ...] = (100, 200, 400, 800)  # steps of the branch at which masks are read
    sampler_steps: int = 20  # of DDIM
    proxy_steps: int = 1000
    more_steps: int = 600  # of the base on filtered films
    dpo_steps: int = 400
    sets: int = 200  # of four samples each, that readers score
    sweep: tuple[int, ...] = (50, 200, 800, 3200)  # such sets, for CN-33
    noises: tuple[float, ...] = (0.0, 1.6, 3.2)  # of readers, points, beside raters' own
    readers: int = 4
    align_steps: int = 300  # of an encoder with the reports of the real films
    findings_steps: int = 300  # of every classifier
    masks_steps: int = 300  # of every segmenter
    known_steps: int = 1500  # of the readers
    seeds: int = 1  # of a task's network, for each pool of a draw
    seeds_alone: int = 3  # of real films alone, the control of all arms; in Figures 3 and 4 of each


SIZES = {
    "full": Sizes(),
    "paper": Sizes(
        films=printed.TABLE1["rsna"].train, base_films=printed.TABLE1["candid"].train,
        branch_films=printed.TABLE1["candid"].train, coder_steps=60_000, base_steps=60_000,
        branch_steps=60_000, more_steps=int(printed.STATED["proxy_steps"].value),
        dpo_steps=int(printed.STATED["dpo_steps"].value), findings_steps=20_000,
        masks_steps=20_000,
    ),
    "smoke": Sizes(
        films=100, validation=60, test=60, base_films=60, branch_films=60, known_films=2000,
        judged=20, few=8, align_steps=3, coder_steps=4, base_steps=4, widths=(16, 16, 16),
        branch_steps=4, watched=(4,), sampler_steps=2, proxy_steps=4, more_steps=3, dpo_steps=3,
        sets=8, sweep=(4, 8), noises=(0.0,), readers=2, findings_steps=3, masks_steps=3,
        known_steps=4, seeds=1, seeds_alone=2,
    ),
}  # fmt: skip
