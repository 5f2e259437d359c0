"""ControlNet: facts of the chapter."""

from lib.papers.about import About

ABOUT = About(
    name="controlnet",
    short="ControlNet",
    title="Chest radiographs from a latent diffusion model under text and mask control",
    question="Chest radiographs: how many synthetic images, of which quality, help?",
    says="Synthetic radiographs drawn from text and masks help classifiers and segmenters nearly "
    "everywhere, most where real images are few; how many there are matters more than how good "
    "each one is, and experts' feedback adds little.",
    difficult="Learning rates and the equation of the preference loss are garbled in the text, and "
    "most comparisons rest on two runs.",
)
