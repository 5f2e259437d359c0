"""Two reporting checklists held against this companion, item by item, in our own words.

REFORMS (Kapoor et al., Science Advances 2024: recommendations for machine-learning-based science,
32 items) and CLAIM (Tejani et al., Radiology: Artificial Intelligence 2024: checklist for
artificial intelligence in medical imaging, 44 items). The wording of the items is ours and short;
the numbering is theirs. Places are files, folders or notebooks of this repository.
"""

from typing import NamedTuple

YES, PARTLY, NO, NOT_APPLICABLE = "yes", "partly", "no", "does not apply"


class Item(NamedTuple):
    """One line of a checklist; `where` are places of the repository, parted by blanks."""

    number: str
    asks: str
    answer: str
    where: str
    remark: str = ""


REFORMS = (
    Item("1a", "the population that claims are about", YES, "lib/phantoms",
         "phantoms, and nobody else"),
    Item("1b", "why this population", YES, "notebooks/00_start_here.py", "its truth is known"),
    Item("1c", "why machine learning", YES, "README.md", "it is what the papers use"),
    Item("2a", "the data can be had", YES, "data/README.md lib/phantoms",
         "drawn anew from seeds, the same bytes"),
    Item("2b", "the code can be had", YES, "lib notebooks"),
    Item("2c", "the computing environment", YES, "environment.yml constraints.txt"),
    Item("2d", "instructions", YES, "README.md"),
    Item("2e", "a script that makes every number", YES, "run_all.sh"),
    Item("3a", "where the data come from", YES, "lib/phantoms", "procedures with ranges"),
    Item("3b", "the sampling frame", YES, "lib/phantoms lib/datasets/splits.py"),
    Item("3c", "why these data suit the task", PARTLY, "notebooks/91_reality.py",
         "compared with published statistics, not with patients"),
    Item("3d", "the outcome and how it is defined", YES, "lib/phantoms", "exact by construction"),
    Item("3e", "numbers of samples and of outcomes", YES, "notebooks/pavae/table1_dataset.py"),
    Item("3f", "missing data", NOT_APPLICABLE, "", "phantoms have none"),
    Item("3g", "whether data represent the population", PARTLY, "notebooks/91_reality.py",
         "of the phantom law exactly, of patients not"),
    Item("4a", "what is left out, and why", YES, "lib/datasets"),
    Item("4b", "impure or corrupt samples", YES, "lib/datasets/checks.py"),
    Item("4c", "every transformation", YES, "lib/datasets/preprocess.py"),
    Item("5a", "every model that is tried", PARTLY, "lib/papers",
         "what was tried and dropped is named in the code and trained again in profile full; the "
         "pages 04_budget and 01_branch say what of it the record has"),
    Item("5b", "why these models", YES, "notebooks", "they are the papers' own"),
    Item("5c", "how models are evaluated", YES, "lib/tasks lib/scores"),
    Item("5d", "how models are chosen", YES, "lib/papers", "on validation images or a spare draw"),
    Item("5e", "hyper-parameters", YES, "lib/papers lib/generators"),
    Item("5f", "baselines, tuned alike", PARTLY, "lib/papers lib/controls",
         "equal steps for all; our effort went into the papers' own methods first"),
    Item("6a", "training and test apart throughout", YES, "lib/datasets/checks.py",
         "asserted for every split"),
    Item("6b", "copies and dependence between the parts", YES,
         "lib/datasets/splits.py lib/metrics/memorisation.py", "subjects stay together"),
    Item("6c", "each input may be known at test time", YES, "lib/tasks",
         "a paper's leaky design is a labelled arm of its own"),
    Item("7a", "all metrics", YES, "lib/metrics", "each names its estimator and source"),
    Item("7b", "uncertainty", PARTLY, "lib/metrics/inference.py",
         "intervals over training draws; one draw, as in most of the record, has none"),
    Item("7c", "why these tests", YES, "lib/claims notebooks/99_all_claims.py",
         "with their error rates on simulated draws"),
    Item("8a", "evidence of external validity", NO, "", "none: no patient data"),
    Item("8b", "where results should not hold", YES, "README.md", "on patients"),
)  # fmt: skip

CLAIM = (
    Item("1", "title names the technique", YES, "README.md"),
    Item("2", "structured summary", YES, "README.md"),
    Item("3", "background and intended use", PARTLY, "README.md", "no clinical use is intended"),
    Item("4", "aims and hypotheses", YES, "lib/claims/ledger.json"),
    Item("5", "prospective or retrospective", NOT_APPLICABLE, "", "no patients"),
    Item("6", "goal of the study", YES, "README.md"),
    Item("7", "data sources", YES, "lib/phantoms"),
    Item("8", "who is included", YES, "lib/phantoms lib/datasets"),
    Item("9", "preprocessing", YES, "lib/datasets/preprocess.py"),
    Item("10", "choice of subsets", YES, "lib/datasets/lesions.py", "slices with a lesion"),
    Item("11", "de-identification", NOT_APPLICABLE, "", "no patients"),
    Item("12", "missing data", NOT_APPLICABLE, "", "phantoms have none"),
    Item("13", "acquisition protocol", PARTLY, "lib/phantoms/acquisition.py",
         "noise, blur and drift are modelled; no scanner is"),
    Item("14", "the reference standard", YES, "lib/phantoms", "the phantom's own mask and label"),
    Item("15", "why that standard", YES, "notebooks/00_start_here.py"),
    Item("16", "who annotated", NOT_APPLICABLE, "", "the truth is drawn, not annotated"),
    Item("17", "how test data were annotated", NOT_APPLICABLE, "", "as above"),
    Item("18", "spread within and between raters", NOT_APPLICABLE, "", "as above"),
    Item("19", "how data are divided", YES, "lib/datasets/splits.py"),
    Item("20", "the level at which parts are disjoint", YES, "lib/datasets/checks.py", "subjects"),
    Item("21", "the size of the test set", YES, "lib/papers"),
    Item("22", "the model in detail", YES, "lib/networks lib/generators"),
    Item("23", "software", YES, "environment.yml constraints.txt"),
    Item("24", "how weights are initialised", YES, "lib/networks lib/training",
         "from streams of seeds"),
    Item("25", "training in detail", YES, "lib/training lib/papers"),
    Item("26", "how the final model is chosen", YES, "lib/papers"),
    Item("27", "ensembles", NOT_APPLICABLE, "", "none"),
    Item("28", "metrics", YES, "lib/metrics"),
    Item("29", "significance and uncertainty", PARTLY, "lib/metrics/inference.py lib/claims",
         "rules fixed before results; few draws so far"),
    Item("30", "robustness", PARTLY, "notebooks/pavae/04_robustness.py", "one chapter has a page"),
    Item("31", "explanations", PARTLY, "lib/scores/heatmaps.py",
         "heat maps held against the true mask, one chapter"),
    Item("32", "tests on internal data", YES, "lib/tasks"),
    Item("33", "tests on external data", NO, "",
         "a shifted phantom law, where there is one, is not external"),
    Item("34", "registration of a trial", PARTLY, "lib/claims/ledger.json lib/claims/changes.json",
         "tests and margins fixed in the repository, in no public registry"),
    Item("35", "flow of included and excluded", YES, "notebooks/pavae/table1_dataset.py"),
    Item("36", "who is in each part", PARTLY, "notebooks/pavae/table1_dataset.py",
         "lesions and labels; phantoms have no demography"),
    Item("37", "performance, with its uncertainty", PARTLY, "data/record",
         "as 7b of REFORMS"),
    Item("38", "precision of estimates", PARTLY, "data/record", "as above"),
    Item("39", "analysis of failures", YES, "notebooks/pavae/04_gaps.py",
         "why samples fall short of fresh phantoms"),
    Item("40", "limits", YES, "README.md"),
    Item("41", "what follows for practice", NO, "", "nothing follows for practice"),
    Item("42", "the full protocol", YES, "lib/claims/ledger.json"),
    Item("43", "code, models and data", YES, "lib data/record LICENSE",
         "fitted models of one draw"),
    Item("44", "funding", NO, "", "not stated here"),
)  # fmt: skip

ALL = {
    "REFORMS": (REFORMS, "Kapoor et al., Science Advances 2024"),
    "CLAIM": (CLAIM, "Tejani et al., Radiology: Artificial Intelligence 2024"),
}
