"""dHVAE: facts of the chapter."""

from lib.papers.about import About, MainTable

ABOUT = About(
    name="dhvae",
    short="dHVAE",
    title="Discriminative Hamiltonian Variational Autoencoder for Accurate Tumor Segmentation "
    "in Data-Scarce Regimes",
    question="Brain MRI and head-and-neck PET: do images drawn together with their masks help "
    "segmentation?",
    main=MainTable(
        item="dhvae/table4_augmentation",
        regimes={
            "flair": "Brain FLAIR, whole tumour; 2,000 slices added where an arm draws them",
            "pet": "Head-and-neck PET, primary tumour; 2,000 slices added where an arm draws them",
        },
        columns={
            "dice": "Dice",
            "dice_selected": "Dice, lesion slices only",
            "false_positives": "lesion-free slices with a false pixel",
        },
        said=("dice_selected", "dice"),
        oracle="oracle2000",
    ),
)
