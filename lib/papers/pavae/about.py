"""PA-VAE: facts of the chapter."""

from lib.papers.about import About

ABOUT = About(
    name="pavae",
    short="PA-VAE",
    title="Synthetic Medical Imaging with Pathology-Aware Variational Autoencoders",
    question="Chest radiographs, 10 % labelled: do samples of a pathology-aware variational "
    "auto-encoder improve a classifier?",
)
