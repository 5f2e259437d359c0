"""Where our ControlNet departs from the paper or fills in what it leaves open, as rows of a table.

Numbers are read from the settings that run and from what the paper prints.
"""

from math import comb

from lib.datasets import ratings
from lib.generators import controlnet
from lib.generators.controlnet import BranchSettings
from lib.generators.preference import ARMS, OURS, DpoSettings
from lib.generators.textual import BaseSettings, CoderSettings
from lib.papers.controlnet import printed
from lib.papers.controlnet.arms import SHORT, TASKS, VOLUME
from lib.papers.controlnet.printed import FIGURE2, FIGURE3, FIGURE4, MAXIMA, STATED, TABLE1
from lib.papers.controlnet.sizes import SIZES, Sizes
from lib.papers.departures import Row, as_rows, listed
from lib.phantoms import reports
from lib.phantoms.findings import FINDINGS
from lib.profiles import Plan
from lib.scores.raters import ReaderSettings
from lib.tasks.aligned import AlignSettings

SAID = {"eps": "ε, as printed", "x0": "the film itself", "v": "v, a fixed mix of noise and film"}
CELLS = len(FIGURE2) * len(printed.MULTIPLIERS)


def departures(plan: Plan) -> dict[str, list[Row]]:
    """{theme: rows} of ControlNet at the sizes of a plan."""
    size = SIZES[plan.profile.sizes]
    themes = {
        "Data": data(size),
        "Generator": generator(size),
        "Proxy": proxy(size),
        "Readers' feedback": feedback(size),
        "Utility": utility(size),
        "Scores": scores(),
        "Printed results": results(),
        "Draws and tests": draws(plan),
    }
    return as_rows(themes)


def data(p: Sizes) -> list[tuple]:
    films, split = STATED["segmented"].value, STATED["train_share"].value
    rsna = TABLE1["rsna"]
    share = rsna.train / (rsna.train + rsna.test)
    return [
        (
            "CheXpert, CANDID-PTX, SIIM and RSNA; a base pretrained on MIMIC-CXR",
            f"phantoms of {len(FINDINGS)} findings under five laws that play their parts, of "
            f"64 × 64 pixels: {p.films:,} films a task, {p.base_films:,} with reports for the "
            f"base, {p.branch_films:,} with masks for the branch; only the two laws that train the "
            "generator share a scanner",
            "mask, labels and healthy twin of every film are known exactly",
            "how close these laws are to the five collections",
        ),
        (
            f"Table 1 splits CANDID-PTX into {TABLE1['candid'].train:,} and "
            f"{TABLE1['candid'].test:,}; segmentation has {split:.0%} of the latter to train on, "
            f"{printed.real_images('candid', 100):,} of {films:,.0f} (CN-E16)",
            "as the text has it: the generator's films and the task's are different subjects",
            "Table 1 is the generator's split",
            "none",
        ),
        (
            f"RSNA is split 80/20, yet {rsna.train:,} of {rsna.train + rsna.test:,} are "
            f"{share:.0%}; that sum and CheXpert's {TABLE1['chexpert'].test} test films are not "
            "those of the public sets (CN-E15)",
            "training, validation and test subjects of every law are fresh and disjoint",
            "a phantom needs no split",
            "what the paper's splits are",
        ),
        (
            "“1 %” is "
            + ", ".join(
                f"{printed.real_images(task, 1):,} images of {name}"
                for task, name in (("candid", "CANDID-PTX"), ("siim", "SIIM"), ("rsna", "RSNA"),
                                   ("chexpert", "CheXpert"))
            )
            + " (CN-E19)",
            "the paper's fractions of our own sets; results stand against the number of images",
            "equal fractions are not equal scarcity",
            "none",
        ),
        (
            f"captions of {STATED['words'].value:.0f} words from reports, by GPT-4",
            f"reports and captions from a grammar of {len(reports.VOCABULARY) - 2} words that "
            "knows the true findings; the base also reads the bare names of findings, by which "
            "tasks ask",
            "no language model is needed, and what a text claims is known",
            "reports that are wrong or silent",
        ),
    ]  # fmt: skip


def generator(p: Sizes) -> list[tuple]:
    s, b = BaseSettings(), BranchSettings()
    after = ", ".join(map(str, p.watched))
    return [
        (
            "latent diffusion of Bluethgen et al. with its text encoder, pretrained on MIMIC-CXR",
            "auto-encoder, text encoder and cross-attention U-Net of our size, from scratch, on "
            f"films of the law `mimic`, in {p.coder_steps:,} and {p.base_steps:,} steps of "
            f"{CoderSettings().batch} and {BaseSettings().batch} films",
            "the same roles at a laptop's size",
            "what a base of that size and data would change",
        ),
        (
            "the network predicts the noise ε (equation 1); the noise schedule is not stated",
            f"it predicts {SAID[s.kind]}; schedule: {s.schedule}, T = {s.length:,}",
            "the same minimum, and better at few steps, where ε says little of the film",
            "what ε gives after as many steps as the paper took",
        ),
        (
            "sampler, its steps and guidance are not stated",
            f"DDIM with {p.sampler_steps} steps and η = 0; guidance {controlnet.GUIDANCE:g} where "
            f"there is a mask, {controlnet.TEXT_GUIDANCE:g} for texts alone; both conditions are "
            "dropped together",
            "chosen by what the reader sees on a spare draw (01_branch)",
            "which the paper sampled with",
        ),
        (
            "how long the branch was trained, and what ended it, is not said; users report that "
            "the condition takes hold suddenly",
            f"{p.branch_steps:,} steps of {b.batch} films in every draw; adherence is read after "
            f"{after} steps and stops nothing",
            "the reader that measures it is the judge, and all draws are to have equal steps; "
            "01_generator says what a rule would have chosen",
            "whether more steps still help: the plateau of the spare draw",
        ),
        (
            f"learning rates are garbled in the text that we hold; the equation of DPO and the "
            f"list of references are missing; batches are {STATED['accumulation'].value:.0f} "
            "accumulated gradients (CN-E21)",
            "rates that suit networks of our size; one batch in the place of accumulated ones",
            "the sum of gradients is what counts",
            "the printed rates: look into the PDF",
        ),
        (
            "ControlNet learns from masks with the text “N/A”; text and mask are later combined",
            "as printed: “N/A” and a black mask are zero vectors, in training and in sampling",
            "the base alone has seen texts, the branch has seen masks without one",
            "whether a branch that also sees texts follows both better",
        ),
        (
            f"the generator has learned from {TABLE1['candid'].train:,} films with masks; then "
            f"scarcity is simulated on 1 to 100 % of {printed.real_images('candid', 100):,} others "
            "(CN-E05)",
            "as printed; beside it the oracle, and what the generator gives that sees the scarce "
            "films alone",
            "synthetic films carry over what the generator knows: that is transfer, not scarcity "
            "overcome",
            "none",
        ),
        (
            "utility on “out-of-distribution datasets”, CANDID-PTX among them, on which the "
            "generator was trained (CN-E06)",
            "laws with another scanner stand apart from the generator's own (CN-31)",
            "in CANDID-PTX nothing is out of distribution",
            "none",
        ),
    ]


def proxy(p: Sizes) -> list[tuple]:
    return [
        (
            "BiomedCLIP's cosine similarity of image and prompt",
            "a small network that learned films and their texts together, bare names as they are "
            "asked for among them; it never judges",
            "who filters must not be who judges; the real BiomedCLIP is not offered, since it has "
            "never seen a phantom, and its weights would have to be fetched",
            "a proxy that knows more than the generator's own films",
        ),
        (
            f"{STATED['proxy_steps'].value:,.0f} further steps on the filtered images",
            f"{p.more_steps:,} of the base after its {p.base_steps:,}; the branch stays as it was",
            "in proportion to a base of our size",
            "whether more steps tell the proxy's choice from chance",
        ),
        (
            f"the images above the {STATED['percentile'].value:.0f}th percentile: a tenth of them, "
            "and so a tenth of the volume (CN-E13)",
            "as printed, and at equal volume: drawn until as many have passed (CN-23)",
            "else quality is confounded with volume",
            "none",
        ),
        (
            "“boosts performance” in the heading, “marginal improvements” below it (CN-E12)",
            "the gain with its interval (CN-22)",
            "the numbers decide",
            "none",
        ),
    ]


def feedback(p: Sizes) -> list[tuple]:
    s, r = DpoSettings(), ReaderSettings()
    return [
        (
            f"{STATED['readers'].value:.0f} radiologists score {STATED['sets'].value:.0f} sets of "
            f"{STATED['each'].value:.0f}; nothing is said of their agreement",
            f"{p.readers} simulated readers of {p.sets} sets of {ratings.EACH} images of one "
            f"request, with noise of {r.noise:g} points, a bias and a slope of their own; "
            "agreement is reported beside its chance; anyone may score too",
            "their noise is known, and can be varied",
            "how noisy radiologists are on such images",
        ),
        (
            f"scores from 0 to {STATED['best'].value:.0f}, “preference-ranking” and pairs for DPO, "
            "without a word on how one becomes the other; readers “blinded to the source” of "
            "images that are all synthetic (CN-E14)",
            "every ordered pair within a set, of every reader; ties are dropped and counted",
            "it uses all that was said; a tie says nothing",
            "a pair of scores that lie far apart may deserve more: arm `rank`",
        ),
        (
            "DPO with “the parameters of the DPO paper”, where β belongs to its latents' size "
            "(CN-E21)",
            f"β so that the median |β (e_w - e_l)| is 1 at the start, {s.times} noise levels for "
            f"each pair and step; {listed(ARMS)}",
            "e is a mean over an image's latent; plain DPO may raise both errors",
            "which β the paper ran with",
        ),
        (
            f"“the model” is tuned for {STATED['dpo_steps'].value:,.0f} steps",
            f"the branch alone, for {p.dpo_steps:,} steps of {OURS['pairs']} pairs at a rate of "
            f"{OURS['rate']:g}; text encoder and base stay frozen",
            "what the branch adds without a mask counts, too, so that texts can be followed better",
            "whether tuning the base as well would help films by text alone",
        ),
        (
            "weak feedback is put down to “the limited size of the expert cohort”, untested "
            "(CN-E23)",
            "the number of sets is varied, and the readers' noise (CN-33)",
            "a cause can be tested by varying it",
            "none",
        ),
    ]


def utility(p: Sizes) -> list[tuple]:
    rising = ", ".join(f"{FIGURE2[f'rsna-{p}'].times}× at {p} %" for p in printed.FRACTIONS)
    low, high = FIGURE2["candid-1"].real, FIGURE2["siim-1"].real
    a, by_text = AlignSettings(), [task for task in TASKS.values() if task.findings]
    drawn = ", ".join(task.label for task in by_text)
    one, other = (", ".join(task.label for task in by_text if (len(task.findings) == 1) is alone)
                  for alone in (True, False))  # fmt: skip
    grown = [arm for arm in VOLUME.values() if arm.epochs and arm.source == SHORT]
    amounts = ", ".join(f"{arm.times}×" for arm in grown)
    return [
        (
            "“2×” to “25×” as many synthetic images: added or in all, and whether training takes "
            "more steps with them, is not said; no classical augmentation, oversampling or class "
            "weights (CN-E18)",
            "so many added for each real one; equal gradient steps in every arm; beside them "
            "oversampled, augmented, noisy, blurred and shuffled arms, and as many fresh phantoms",
            "at equal epochs 25× means 26 times as many steps",
            "none",
        ),
        (
            "ResNet-50, MGCA and UNet++ at their own papers' settings",
            "networks of their kind at our size, from scratch",
            "64 × 64 pixels",
            "pretrained networks may need synthetic images less",
        ),
        (
            "MGCA, pretrained on images and reports at three levels, for CheXpert",
            f"`{a.network}` aligned for {p.align_steps:,} steps with the reports of the real films "
            "that the task may see, as wholes; then trained on as any other arm",
            "a stand-in for its role, and never called MGCA",
            "what pretraining on many more reports would leave to gain",
        ),
        (
            f"each number is the mean of {STATED['trials'].value:.0f} trials",
            f"in Figure 2 real films alone are the mean of {p.seeds_alone} networks a draw, and "
            f"every other arm has {p.seeds}; in Figures 3 and 4 each arm has {p.seeds_alone}",
            "it is the control of all others, so that its noise is in every gain",
            "none",
        ),
        (
            "whether fractions and multipliers share their synthetic images is not said",
            "pools are nested, 2× is the first part of 25×, and by text all fractions share their "
            f"samples ({drawn}); by mask each fraction has requests of its own",
            "texts do not depend on the real films, and each film is drawn once",
            "gains at different fractions of one draw are not independent",
        ),
        (
            "no arm whose labels are wrong",
            f"shuffled labels or masks; where all films show one finding ({one}) those drawn for "
            f"the findings of {other} are labelled with it",
            "a permutation would change nothing there",
            "none",
        ),
        (
            "“increasing the volume … correlates positively”, yet the multiplier that is quoted "
            f"falls: {rising}; for CheXpert it is always 2× (CN-E07)",
            "every multiplier at equal steps, and Page's test of trend (CN-17); at equal epochs "
            f"{amounts} alone",
            "the best of a row is no trend",
            "a trend at equal epochs",
        ),
        (
            "one multiplier is quoted for each fraction; how it was chosen is not said (CN-E20)",
            "the whole grid is shown",
            "the best on test is better than it is",
            "none",
        ),
        (
            f"CANDID-PTX keeps lesion-free films and SIIM drops them: {low:g} and {high:g} without "
            "synthetic images; what Dice is without a lesion is not said (CN-E17)",
            "Dice over films with a lesion; beside it over all, where empty on empty is 1",
            "the two cannot be compared otherwise",
            "which of them the paper has",
        ),
    ]


def scores() -> list[tuple]:
    best = max(FIGURE2["rsna-100"].synthetic, FIGURE2["chexpert-100"].synthetic)
    return [
        (
            f"F1 of at most {best:g}, below that of calling every film positive, about 0.37 at "
            "RSNA's prevalence; the threshold is not said (CN-E10)",
            "F1 at 0.5 and at a threshold from validation films, AUC, and the F1 of calling all "
            "positive beside them",
            "F1 at a fixed threshold may gain from a shift of the outputs alone",
            "the paper's threshold",
        ),
        (
            "“visually realistic, low-hallucination”: neither is measured",
            "adherence to text and mask and what was drawn unasked for, by readers that no "
            "generator trained with; KID with its null",
            "H3 is about nothing else (CN-27)",
            "none",
        ),
        (
            "“multi-class” classification of five findings that occur together (CN-E22)",
            "five labels, each yes or no; macro means",
            "they are not exclusive",
            "none",
        ),
    ]


def results() -> list[tuple]:
    f1, dice = MAXIMA["f1"].gain, MAXIMA["dice"].gain
    most = {r: cell.gain for r, cell in FIGURE2.items()}
    plain, tuned = FIGURE4["real"], FIGURE4["dpo2"]
    return [
        (
            f"the maximum gain in F1 is {f1:g}, yet RSNA at 10 % gains {most['rsna-10']:g} "
            "(CN-E01)",
            "both are quoted (CN-01)",
            "they contradict each other",
            "which runs the abstract means",
        ),
        (
            f"the maximum gain in Dice is {dice:g}, yet the largest in the text is "
            f"{most['candid-10']:g} (CN-E02)",
            "both are quoted (CN-02)",
            "they contradict each other",
            "the same",
        ),
        (
            "the benefit diminishes with more real data, yet CANDID-PTX gains "
            f"{most['candid-1']:g} at 1 % and {most['candid-100']:g} at 100 %, RSNA "
            f"{most['rsna-1']:g} at 1 % and {most['rsna-10']:g} at 10 % (CN-E08)",
            "a contrast for each task, as a share of the oracle's gain (CN-15)",
            "the share allows for what is left to gain",
            "none",
        ),
        (
            f"RSNA at 10 % without synthetic images has {FIGURE2['rsna-10'].real:g} in one section "
            f"and {plain:g} in another, with them {FIGURE2['rsna-10'].synthetic:g} and "
            f"{FIGURE4['syn2']:g} (CN-E09)",
            "all arms of a draw share films, seeds and steps",
            f"the two differ by more than the gain of feedback, {tuned - plain:.3f}",
            "none",
        ),
        (
            "“validates” that realism under a proxy helps, on "
            f"{FIGURE3['finetuned2'] - FIGURE3['syn2']:+.3f}, while filtering has "
            f"{FIGURE3['filtered'] - FIGURE3['syn2']:+.3f} and feedback "
            f"{tuned - FIGURE4['syn2']:+.3f} (CN-E11)",
            "each with its interval (CN-22, CN-23, CN-25)",
            "a difference of two runs each validates nothing",
            "none",
        ),
        (
            "“across all experiments” in the abstract, “almost all conditions” in the results "
            "(CN-E22)",
            f"the share of the {CELLS} cells with a gain (CN-16)",
            "it can be counted",
            "none",
        ),
    ]


def draws(plan: Plan) -> list[tuple]:
    n, alpha = int(STATED["trials"].value), STATED["alpha"].value
    low, high = (CELLS * MAXIMA[metric].p for metric in ("f1", "dice"))
    return [
        (
            f"{n} trials, one-tailed t tests, P < {alpha:g} (CN-E04)",
            f"draws in this profile: {len(plan.draws())}, each with films, generator and networks "
            "of its own; paired intervals, and the paper's rule simulated on cells of known effect",
            f"with {n} trials an arm no exact test can give less than 1/{comb(2 * n, n)}, and "
            f"some of {CELLS} cells without any effect is below {alpha:g} with probability "
            f"{1 - (1 - alpha) ** CELLS:.2f}",
            "none",
        ),
        (
            f"Bonferroni correction; P = {MAXIMA['f1'].p:g} and {MAXIMA['dice'].p:g} fit the "
            "printed intervals without any, with two degrees of freedom and with one (CN-E03)",
            "no inference from two trials",
            f"for {CELLS} cells they would be {low:.2f} and {high:.2f}",
            "over how many cells the paper corrects",
        ),
    ]
