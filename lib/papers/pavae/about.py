"""PA-VAE: facts of the chapter."""

from lib.papers.about import About, MainTable, read_against

ABOUT = About(
    name="pavae",
    short="PA-VAE",
    title="Synthetic Medical Imaging with Pathology-Aware Variational Autoencoders",
    question="Chest radiographs, 10 % labelled: do samples of a pathology-aware variational "
    "auto-encoder improve a classifier?",
    plain="Chest radiographs that a small generator draws, told what a disease looks like, make a "
    "classifier of that disease better.",
    says="A class-conditional VAE that also keeps what a frozen network sees of the disease draws "
    "images which raise a classifier's AUC and sensitivity and lower its calibration error, more "
    "than a template, a plain VAE or a small StyleGAN do; the feature term matters most.",
    generators={
        "pavae": "PA-VAE", "vae": "standard VAE", "stylegan": "StyleGAN-lite",
        "template": "template",
    },
    easy="The table of settings fixes optimiser, batch, latent size and weights, and the arms are "
    "small enough for two cores.",
    difficult="The reduction of the loss, the network behind the feature term and the schedule of "
    "the classifier are not stated, and the main result hangs on them. The abstract and the "
    "tables print different values. Samples under the printed Bernoulli likelihood were further "
    "from real images than those under a Gaussian one, which we use instead: a departure.",
    turn="AUC with its images and augmentation at least {auc} above augmentation alone, where its "
    "generator passes the check",
    main=MainTable(
        item="pavae/table4_main",
        regimes={
            "bare": "Classifier trained without augmentation, but where an arm is named so",
        },
        columns={
            "auc": "AUC", "sens95": "sensitivity at 95 %", "ece": "ECE", "fd": "FD, domain"
        },
        said=("auc",),
        method="pavae",
        controls=read_against("classic", "smooth", "shuffled"),
        classic="classic",
        fair=("classic", "pavae_classic", "oracle_classic"),
    ),
)
