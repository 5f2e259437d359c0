"""Gaussian diffusion: the noise schedule, the three parametrisations, DDPM and DDIM.

    x_t = sqrt(a_t) x_0 + sqrt(1 - a_t) eps,   eps ~ N(0, I),   t = 0 ... T - 1

a_t is "alpha bar" of Ho et al. 2020. Step -1 means clean data, a = 1. Schedules are kept in float64
and give float32 factors; the samplers hold x in float32 whatever precision the network has.

    predict = lambda x, t: parts(schedule, "v", network(x, t), x, t)
    for x in ddim(schedule, predict, noise, steps=50): ...      # the last x is the sample
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

KINDS = ("eps", "x0", "v")
Predict = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]  # (x_t, t (B,)) -> x_0, eps


@dataclass(frozen=True, eq=False)
class Schedule:
    """alpha_bar (T,) float64: the share of signal variance left at every step."""

    alpha_bar: Tensor

    def __post_init__(self):
        a = self.alpha_bar
        if a.dtype != torch.float64 or a.ndim != 1 or not len(a):
            raise ValueError(f"alpha_bar is {a.dtype}, {tuple(a.shape)}; pass (T,) float64.")
        if not (a[0] < 1 and a[-1] > 0 and (a.diff() < 0).all()):
            raise ValueError("alpha_bar must fall strictly, between 1 and 0; check the schedule.")

    def __len__(self) -> int:
        return len(self.alpha_bar)

    @property
    def beta(self) -> Tensor:
        """Variance added at every step, (T,) float64: 1 - a_t / a_{t-1}."""
        before = torch.cat([torch.ones(1, dtype=torch.float64), self.alpha_bar[:-1]])
        return 1 - self.alpha_bar / before

    def rates(self, t: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        """sqrt(a_t) and sqrt(1 - a_t) for steps t (B,), float32, shaped to multiply x (B, ...)."""
        a = self.alpha_bar[t].view(-1, *(1,) * (x.ndim - 1))
        return a.sqrt().float(), (1 - a).sqrt().float()

    def at(self, t: int) -> float:
        """a_t of one step; 1 for t = -1."""
        return 1.0 if t < 0 else self.alpha_bar[t].item()


def linear(steps: int = 1000, start: float = 1e-4, end: float = 0.02) -> Schedule:
    """beta from start to end in equal steps (Ho et al. 2020, section 4; theirs has T = 1000)."""
    beta = torch.linspace(start, end, steps, dtype=torch.float64)
    return Schedule((1 - beta).cumprod(0))


def cosine(steps: int = 1000, offset: float = 0.008, most: float = 0.999) -> Schedule:
    """a_t of a squared cosine, beta at most `most` (Nichol and Dhariwal 2021, equation 17)."""
    t = torch.arange(steps + 1, dtype=torch.float64) / steps
    f = torch.cos((t + offset) / (1 + offset) * math.pi / 2).square()
    beta = (1 - f[1:] / f[:-1]).clamp(max=most)
    return Schedule((1 - beta).cumprod(0))


def add_noise(schedule: Schedule, x0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
    """x_t of data x0 (B, ...), noise eps of the same shape and steps t (B,)."""
    signal, noise = schedule.rates(t, x0)
    return signal * x0 + noise * eps


# ---- what a network predicts --------------------------------------------------------------------


def target(schedule: Schedule, kind: str, x0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
    """What a network of this kind should say: eps, x_0, or v (Salimans and Ho 2022, appendix D).

    v = sqrt(a) eps - sqrt(1 - a) x_0.
    """
    if kind == "v":
        signal, noise = schedule.rates(t, x0)
        return signal * eps - noise * x0
    return {"eps": eps, "x0": x0}[_known(kind)]


def parts(
    schedule: Schedule, kind: str, output: Tensor, x: Tensor, t: Tensor, limit: float | None = None
) -> tuple[Tensor, Tensor]:
    """x_0 and eps from a network's output at x_t.

    With `limit`, x_0 is clipped to [-limit, limit] and eps follows from the clipped x_0, so that
    the two still add up to x_t.
    """
    _known(kind)
    output = output.float()
    signal, noise = schedule.rates(t, x)
    if kind == "eps":
        x0, eps = (x - noise * output) / signal, output
    elif kind == "x0":
        x0, eps = output, (x - signal * output) / noise
    else:
        x0, eps = signal * x - noise * output, signal * output + noise * x
    if limit is None:
        return x0, eps
    x0 = x0.clamp(-limit, limit)
    return x0, (x - signal * x0) / noise


def _known(kind: str) -> str:
    if kind not in KINDS:
        raise ValueError(f"kind {kind!r} is unknown; use one of {KINDS}.")
    return kind


# ---- one step back ------------------------------------------------------------------------------


def ddim_step(
    schedule: Schedule, x0: Tensor, eps: Tensor, t: int, to: int, eta: float = 0.0,
    noise: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """From step t to step `to` < t (Song et al. 2021, equations 12 and 16), any stride.

    eta = 0 takes no noise; eta = 1 is the ancestral step of DDPM.
    """
    a, a_to = _pair(schedule, t, to)
    variance = eta**2 * (1 - a_to) / (1 - a) * (1 - a / a_to)
    x = math.sqrt(a_to) * x0 + math.sqrt(max(0.0, 1 - a_to - variance)) * eps
    return x if variance == 0 else x + math.sqrt(variance) * _needed(noise)


def ddpm_step(
    schedule: Schedule, x0: Tensor, x: Tensor, t: int, to: int, noise: Tensor | None = None,
    variance: str = "small",
) -> Tensor:  # fmt: skip
    """A draw from q(x_to | x_t, x_0), the posterior of Ho et al. 2020 (equation 7) for any stride.

    With strides beta is 1 - a_t / a_to, not the schedule's own. variance: "small" is the
    posterior's (too narrow with few steps), "large" is beta (too wide); none at the last step.
    """
    if variance not in ("small", "large"):
        raise ValueError(f"variance {variance!r} is unknown; use 'small' or 'large'.")
    a, a_to = _pair(schedule, t, to)
    beta = 1 - a / a_to
    of_x0 = math.sqrt(a_to) * beta / (1 - a)
    of_x = math.sqrt(a / a_to) * (1 - a_to) / (1 - a)
    mean = of_x0 * x0 + of_x * x
    if to < 0:
        return mean
    spread = beta * (1 - a_to) / (1 - a) if variance == "small" else beta
    return mean + math.sqrt(spread) * _needed(noise)


def _pair(schedule: Schedule, t: int, to: int) -> tuple[float, float]:
    if not -1 <= to < t < len(schedule):
        raise ValueError(f"cannot go from step {t} to {to}; -1 <= to < t < {len(schedule)}.")
    return schedule.at(t), schedule.at(to)


def _needed(noise: Tensor | None) -> Tensor:
    if noise is None:
        raise ValueError("this step is random; pass noise of the shape of x.")
    return noise


# ---- whole ways back ----------------------------------------------------------------------------


def trailing(length: int, steps: int) -> list[int]:
    """Steps of a sampler, T - 1 first: equal strides counted from the end (Lin et al. 2024).

    Other spacings never visit T - 1, and pure noise is then taken for something less noisy.
    """
    if not 1 <= steps <= length:
        raise ValueError(f"{steps} steps of a schedule of {length}; use 1 to {length}.")
    return [round(length - i * length / steps) - 1 for i in range(steps)]


def _strides(schedule: Schedule, steps: int) -> Iterator[tuple[int, int]]:
    visited = trailing(len(schedule), steps)
    yield from zip(visited, [*visited[1:], -1], strict=True)


def ddim(
    schedule: Schedule, predict: Predict, x: Tensor, steps: int, eta: float = 0.0,
    generator: torch.Generator | None = None,
) -> Iterator[Tensor]:  # fmt: skip
    """From x ~ N(0, I) to a sample; yields x after every step. eta > 0 needs a generator."""
    for t, to in _strides(schedule, steps):
        x0, eps = predict(x, _all(x, t))
        x = ddim_step(schedule, x0, eps, t, to, eta, _noise(x, generator if eta else None))
        yield x


def ddpm(
    schedule: Schedule, predict: Predict, x: Tensor, steps: int, generator: torch.Generator,
    variance: str = "small",
) -> Iterator[Tensor]:  # fmt: skip
    """From x ~ N(0, I) to a sample by ancestral steps; yields x after every step."""
    for t, to in _strides(schedule, steps):
        x0, _ = predict(x, _all(x, t))
        x = ddpm_step(schedule, x0, x, t, to, _noise(x, generator), variance)
        yield x


def last(states: Iterator[Tensor]) -> Tensor:
    """The sample at the end of a way back."""
    *_, x = states
    return x


def _all(x: Tensor, t: int) -> Tensor:
    return torch.full((len(x),), t)


def _noise(x: Tensor, generator: torch.Generator | None) -> Tensor | None:
    return None if generator is None else torch.randn(x.shape, generator=generator)
