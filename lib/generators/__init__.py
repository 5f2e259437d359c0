"""One file per family of generators, what they share in `frame`, and two parts that families use.

Families: vae, gan and template of labelled images; hvae, lsgan, latent and metamorphic of images
with masks; deviation, patchgan and maskdiff of lesions on given anatomies.
Parts: hamiltonian (dynamics of a latent) and diffusion (schedules, samplers). `watch` looks at a
training.
"""
