"""The same work by other libraries: what our steps and draws are timed against."""

from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from itertools import pairwise

import torch
from torch import Tensor, nn

from lib.generators import hamiltonian
from lib.generators.deviation import DeviationDiffusion
from lib.training import loop as tr

PYTHAE = "0.1.2"  # the version that steps are timed against
LATENT, CHANNELS = 64, (2, 32, 64, 64, 64)


def _stack(convolution: type[nn.Module], channels: tuple[int, ...]) -> list[nn.Module]:
    """Strided convolutions, or transposed ones, with ReLU between them."""
    layers = []
    for c_in, c_out in pairwise(channels):
        layers += [convolution(c_in, c_out, 4, 2, 1), nn.ReLU()]
    return layers


def encoder() -> nn.Sequential:
    """(B, 2, 64, 64) -> mean and log-variance (B, 128)."""
    return nn.Sequential(*_stack(nn.Conv2d, CHANNELS), nn.Flatten(), nn.Linear(1024, 2 * LATENT))


def decoder() -> nn.Sequential:
    """z (B, 64) -> (B, 2, 64, 64)."""
    up = _stack(nn.ConvTranspose2d, CHANNELS[::-1])[:-1]
    return nn.Sequential(nn.Linear(LATENT, 1024), nn.Unflatten(1, (64, 4, 4)), *up)


def hvae_step(precision: str, stopped: bool) -> Callable[[], None]:
    """A call that makes one step of our HVAE; half precision comes with channels last."""
    layout = torch.channels_last if precision == "bfloat16" else torch.contiguous_format
    inwards, outwards = (make().to(memory_format=layout) for make in (encoder, decoder))
    x = torch.rand(64, 2, 64, 64).contiguous(memory_format=layout)
    eps = nn.Parameter(torch.full((LATENT,), 0.01))
    optimizer = torch.optim.Adam([*inwards.parameters(), *outwards.parameters(), eps], 1e-3)

    def potential(z: Tensor) -> Tensor:
        """-log p(x, z) up to constants, unit variance."""
        with tr.autocast(precision):
            found = outwards(z).float()
        return 0.5 * (found - x).square().sum((1, 2, 3)) + 0.5 * z.square().sum(1)

    def step() -> None:
        with tr.autocast(precision):
            mean, log_variance = inwards(x).float().chunk(2, 1)
        z, gamma = torch.randn(2, 64, LATENT)
        z = mean + (0.5 * log_variance).exp() * z
        *_, last = hamiltonian.trajectory(potential, z, gamma, eps, 3, 0.3, not stopped)
        tr.descend(optimizer, -hamiltonian.bound(last, 0.5 * log_variance).mean())

    return step


def pythae_version() -> str:
    """The version of pythae that is installed; "" where there is none."""
    return version("pythae") if find_spec("pythae") else ""


def pythae_step() -> Callable[[], None] | None:
    """A call that makes one step of pythae's HVAE on the same networks; None without PYTHAE.

    It stops the gradient of the dynamics and computes 2 K gradients of U.
    """
    if pythae_version() != PYTHAE:
        return None
    from pythae.models import HVAE, HVAEConfig
    from pythae.models.base.base_utils import ModelOutput as Output
    from pythae.models.nn import BaseDecoder, BaseEncoder

    def encode(self, x):
        mean, log_variance = self.net(x).chunk(2, 1)
        return Output(embedding=mean, log_covariance=log_variance)

    into = type("Encoder", (BaseEncoder,), {"forward": encode})()
    out = type(
        "Decoder", (BaseDecoder,), {"forward": lambda s, z: Output(reconstruction=s.net(z))}
    )()
    into.net, out.net = encoder(), decoder()
    config = {"input_dim": (2, 64, 64), "latent_dim": LATENT, "n_lf": 3, "eps_lf": 0.01}
    model = HVAE(HVAEConfig(**config, learn_eps_lf=True), encoder=into, decoder=out)
    optimizer, data = torch.optim.Adam(model.parameters(), 1e-3), torch.rand(64, 2, 64, 64)
    return lambda: tr.descend(optimizer, model({"data": data}).loss)


def by_monai(
    model: DeviationDiffusion, substrate: Tensor, mask: Tensor, generator: torch.Generator
) -> Tensor:
    """What `model.draw` does, (N, 1, H, W), on whole images and by MONAI."""
    from monai.inferers import DiffusionInferer
    from monai.networks.schedulers import DDIMScheduler

    ends = {"beta_start": model.schedule.beta[0].item(), "beta_end": model.schedule.beta[-1].item()}
    schedule = DDIMScheduler(model.settings.length, "linear_beta", clip_sample=False, **ends)
    schedule.set_timesteps(model.settings.sampler_steps)

    def network(r, timesteps, context=None):
        return model.say(r * mask, substrate, mask, timesteps.expand(len(r)))

    noise = torch.randn(mask.shape, generator=generator)
    return DiffusionInferer(schedule).sample(noise, network, schedule, verbose=False) * mask
