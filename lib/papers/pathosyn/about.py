"""PathoSyn: facts of the chapter."""

from lib.papers.about import About

ABOUT = About(
    name="pathosyn",
    short="PathoSyn",
    title="PathoSyn: Imaging-Pathology MRI Synthesis via Disentangled Deviation Diffusion",
    question="Brain MRI: are lesions, drawn as deviations from a healthy image, realistic and "
    "useful?",
)
