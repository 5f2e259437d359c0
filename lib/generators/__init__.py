"""One file per family of generators, what they share in `frame`, and parts that families use.

Families: vae, gan and template of labelled images; hvae, lsgan, latent and metamorphic of images
with masks; pathosyn, deviation, patchgan and maskdiff of lesions on given anatomies; textual and
controlnet of films from words and outlines.
Parts: hamiltonian (dynamics of a latent), diffusion (schedules, samplers), observation (pixel
noise), boxes, membrane and fusion (a lesion cut out and put back), joint (how both parts of
PathoSyn learn), scenes and requests (what is asked for).
Beside them: control (a lesion as it is asked for); proxy, preference and feedback (films chosen,
and a ControlNet tuned, by what readers like); paced and starts (other recipes of sampling, another
start of the branch); portable (weights for the record). `watch` looks at a training.
"""
