"""The lesson on the method: the model it looks into, a film, and models by beta."""

from lib.generators import vae, watch
from lib.jobs import Job
from lib.papers.pavae.arms import MAIN
from lib.papers.pavae.study import Study
from lib.phantoms import chest

FILM_IMAGES, FILM_EPOCHS = 3200, 8  # an epoch of the film is 50 steps: all takes a minute
BETAS = (0.25, 1.0, 4.0, 32.0)
BETA_IMAGES = 8000  # images that a model of BETAS sees, in one epoch of batches of BETA_BATCH
BETA_BATCH = 32
HELD_OUT = 200  # validation images on which the KL of every latent is taken


def watched(study: Study, settings: vae.VaeSettings, images: int, **changes) -> Job:
    """A training on the labelled images of draw 0, looked at after every epoch."""
    s = study.size
    changes["epoch_images"] = min(images, s.epoch_images)
    return Job(
        watch.film, data=study.train(0), n=s.labelled, guide=study.guide(0),
        held_out=study.validation(0), m=min(HELD_OUT, s.validation),
        settings=study.vae_settings(settings, **changes), stream=study.stream("watch"),
    )  # fmt: skip


def printed(study: Study) -> Job:
    """The model as the paper has it, with a Bernoulli likelihood."""
    return study.fitted(MAIN["pavae_bernoulli"], 0)


def film(study: Study) -> Job:
    """The same, with shorter epochs."""
    return watched(study, vae.PA_VAE, FILM_IMAGES, epochs=FILM_EPOCHS, **vae.BERNOULLI)


def beta_fits(study: Study) -> dict[float, Job]:
    """The ELBO alone, with a learned p(z|y), by beta: same start, same batches, same noise."""
    changes = {"class_prior": True, "epochs": 1, "batch": BETA_BATCH}
    return {beta: watched(study, vae.STANDARD, BETA_IMAGES, beta=beta, **changes) for beta in BETAS}


def per_pixel(study: Study) -> Job:
    """The same with the guide's terms multiplied by the pixels: another reading of equation 1."""
    return study.vae(0, **vae.BERNOULLI | {"guide_scale": float(chest.SIZE**2)})
