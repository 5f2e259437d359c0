"""dHVAE: facts of the chapter."""

from lib.papers.about import About

ABOUT = About(
    name="dhvae",
    short="dHVAE",
    title="Discriminative Hamiltonian Variational Autoencoder for Accurate Tumor Segmentation "
    "in Data-Scarce Regimes",
    question="Brain MRI and head-and-neck PET: do images drawn together with their masks help "
    "segmentation?",
)
