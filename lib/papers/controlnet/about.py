"""ControlNet: facts of the chapter."""

from lib.papers.about import About

ABOUT = About(
    name="controlnet",
    short="ControlNet",
    title="Chest radiographs from a latent diffusion model under text and mask control",
    question="Chest radiographs: how many synthetic images, of which quality, help?",
)
