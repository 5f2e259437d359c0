"""PA-VAE: facts of the chapter."""

from lib.papers.about import About, MainTable

ABOUT = About(
    name="pavae",
    short="PA-VAE",
    title="Synthetic Medical Imaging with Pathology-Aware Variational Autoencoders",
    question="Chest radiographs, 10 % labelled: do samples of a pathology-aware variational "
    "auto-encoder improve a classifier?",
    main=MainTable(
        item="pavae/table4_main",
        regimes={
            "bare": "Classifier trained without augmentation, but where an arm is named so",
        },
        columns={
            "auc": "AUC", "sens95": "sensitivity at 95 %", "ece": "ECE", "fd": "FD, domain"
        },
        said=("auc",),
    ),
)
