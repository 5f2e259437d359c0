"""What one draw of PathoSyn's studies costs: subjects, slices, steps."""

from dataclasses import dataclass

from lib.papers.pathosyn import printed


@dataclass(frozen=True)
class Sizes:
    """The defaults are those of `quick` and `full`, and ours: the paper's own stand in SIZES.

    Training and validation subjects are in the paper's proportion, 295 to 37, and test subjects are
    more: slices of one subject share its grade, and 37 subjects leave an AUROC of 0.86 a standard
    error of 0.06. A generator or task takes equally many steps in all arms; the paper counts epochs
    and names no batch.
    """

    subjects: tuple[int, int, int] = (80, 10, 120)  # of train, validation, test
    slices: int | None = None  # of one subject, with and without a lesion each; None: all
    sweep: tuple[int, ...] = (25, 50, 100, 200, 400)  # training subjects, for PS-39 and PS-40
    added: int = 800  # synthetic slices that every arm adds, about one for each real one
    known_slices: int = 4000  # fresh lesion slices that train the independent readers
    judged: int = 1000  # samples and real slices whose distance is a score
    remembered: int = 500  # samples, or test slices, held against the truth one by one
    controlled: int = 60  # test subjects on which lesions are asked for
    repeats: int = 32  # lesions drawn for one anatomy and mask (PS-41)
    substrate_steps: int = 1500  # of f_sub alone, which two-stage arms share
    diff_steps: int = 3000  # of PathoSyn's diffusion, and of the same network in image space
    vaegan_steps: int = 3000  # of PathoSyn's VAE-GAN
    ldm_steps: tuple[int, int] = (3000, 2000)  # Brain-LDM: auto-encoder, denoiser
    maskdiff_steps: int = 3000
    length: int = 1000  # T of both diffusions, as in the paper
    sampler_steps: int = 50  # of DDIM
    meta_steps: int = 3000  # of the metamorphic auto-encoder
    segment_steps: int = 1200  # of every segmenter
    classify_steps: int = 1500  # of every classifier
    known_steps: int = 600  # of the readers
    judge_steps: int = 300  # of the judge that tells real from synthetic
    seeds: int = 2  # of a task's network, for each pool of a draw
    seeds_alone: int = 6  # and of real images alone, the control of all arms


SIZES = {
    "full": Sizes(),
    "paper": Sizes(
        subjects=printed.SPLIT, added=3200,
        substrate_steps=60_000, diff_steps=60_000, vaegan_steps=60_000,  # 300 epochs of about 3,200
        ldm_steps=(60_000, 60_000), maskdiff_steps=60_000, meta_steps=60_000,  # slices, 16 a step
        segment_steps=40_000, classify_steps=40_000,  # 200 epochs of them
    ),
    "smoke": Sizes(
        subjects=(8, 1, 4), slices=8, sweep=(4, 6), added=10, known_slices=60, judged=40,
        remembered=10, controlled=3, repeats=3, substrate_steps=4, diff_steps=4, vaegan_steps=4,
        ldm_steps=(4, 4), maskdiff_steps=4, length=20, sampler_steps=4, meta_steps=4,
        segment_steps=4, classify_steps=4, known_steps=6, judge_steps=4, seeds=1, seeds_alone=2,
    ),
}  # fmt: skip
