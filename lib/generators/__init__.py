"""One file per family of generators, what they share in `frame`, and parts that families use.

Families: vae, gan and template of labelled images; hvae, lsgan, latent and metamorphic of images
with masks; pathosyn, deviation, patchgan and maskdiff of lesions on given anatomies; textual and
controlnet of films from words and outlines.
Parts: hamiltonian (dynamics of a latent), diffusion (schedules, samplers), observation (pixel
noise), boxes, membrane and fusion (a lesion cut out and put back), scenes and requests (what is
asked for). `watch` looks at a training.
"""
