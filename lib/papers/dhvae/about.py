"""dHVAE: facts of the chapter."""

from lib.papers.about import About, MainTable, read_against

ABOUT = About(
    name="dhvae",
    short="dHVAE",
    title="Discriminative Hamiltonian Variational Autoencoder for Accurate Tumor Segmentation "
    "in Data-Scarce Regimes",
    question="Brain MRI and head-and-neck PET: do images drawn together with their masks help "
    "segmentation?",
    plain="Scans that a generator draws together with the outline of their tumour help programs "
    "that outline tumours, where few real scans are annotated.",
    says="A VAE whose latent code follows Hamilton's equations, sharpened by a discriminator and a "
    "perceptual term, draws slices with their masks; added to few annotated volumes they raise "
    "Dice above a 3-D network, classical augmentation and every other generator.",
    generators={
        "dhvae": "dHVAE", "hvae": "HVAE", "vae": "VAE", "ldm": "LDM", "lsgan": "LSGAN",
    },
    easy="The Hamiltonian part is well defined and can be tested exactly: leapfrog steps run "
    "backwards and keep volumes.",
    difficult="Sum or mean over pixels is not stated and decides what the weight of the two "
    "regularisers means; widths, schedules and half of the definitions are missing. Rows with "
    "few volumes rest on a generator trained on more, so the paper's design leaks.",
    turn="Dice of FLAIR and of PET, with its slices and augmentation on the fly, at least {dice} "
    "above that augmentation alone, where its generator passes the check",
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
        method="dhvae2000",
        controls=read_against("classic5", "smooth2000", "shuffled2000"),
        classic="classic5",
        fair=("augmented", "dhvae2000_augmented", "oracle2000_augmented"),
        oracle="oracle2000",
    ),
)
