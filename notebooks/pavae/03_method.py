# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Section 3: the model, built term by term and watched while it learns
#
# - why a class gets a prior of its own, on a toy in two dimensions that trains in seconds;
# - every term of equation 1: its formula, its code, and a picture of what it measures or changes;
# - the model learning in front of you, a control for β, and what the finished model takes for the
#   difference between a healthy and a sick chest, beside the phantom's own truth.
#
# *About 25 seconds once the jobs are there (they take a minute, and the model of Table 4 two).*
# Nothing here shows that a method works or fails on patients.

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"
live_epochs = 2  # of the training in this page; 40 take about a minute
live_images = 1280  # images that make one of its epochs: 40 steps

# %%
import inspect
import os
import time

import numpy as np
import torch
from IPython.display import Markdown, display
from matplotlib import pyplot as plt
from scipy.ndimage import gaussian_filter, shift
from torch import nn
from torch.nn import functional as F

from lib import jobs, machine, profiles
from lib.datasets.hdf5 import from_arrays
from lib.datasets.preprocess import preprocess
from lib.generators import vae, watch
from lib.jobs import pool
from lib.metrics import localisation
from lib.metrics.fidelity import frechet
from lib.networks.classifier import SmallCNN
from lib.papers import pavae
from lib.phantoms import chest
from lib.record import rows as record
from lib.report import plots
from lib.tasks import classify
from lib.training import loop as tr
from lib.training.weights import freeze, seeded

# %%
start = time.perf_counter()
plots.use_style()
size = profiles.get(profile)
study = pavae.Study(size, seed, "bare")
by_runner = pool.WORKERS in os.environ  # else a reader runs this page in JupyterLab
files, rows = {}, []
HUES = ("#777777", "#0072B2", "#D55E00")  # healthy, left opacity, right opacity
assert dataset == "phantom", "masks and counterfactuals are known for phantoms only"

# %% [markdown]
# ## What the paper says
#
# > The encoder $q_\phi(z|x,y)$ is a diagonal Gaussian and the decoder $p_\psi(x|z,y)$ parameterizes a
# > Bernoulli likelihood over pixels. (Section 3)
#
# $$\mathcal{L} = \mathbb{E}_{q}[-\log p(x|z,y)] + \beta\,\mathrm{KL}(q(z|x,y)\,\|\,p(z|y))
# + \lambda_p \mathcal{L}_{path} + \lambda_m \mathcal{L}_{mask} + \lambda_c \mathcal{L}_{cls}$$
#
# One line, and much of it open:
#
# **Paper says / we do**
#
# | the paper | here |
# |---|---|
# | a Bernoulli likelihood over pixels, which are continuous (PV-E18) | kept: cross-entropy with soft targets, what that does is computed below; a Gaussian one is an arm of Table 5 in `full` |
# | "class-conditional latent prior" p(z\|y), "class prior π(y)" and "class-conditional prior π(y)" mixed (PV-E12) | p(z\|y) is a learned Gaussian per class, π(y) the class mix of the samples; Table 5 removes each |
# | a frozen extractor and a frozen classifier of unknown shape and training data (PV-E14) | one small network, the *guide*, trained on the labelled images only; L_path uses its features, L_cls its classes |
# | a mask loss, but a decoder without a mask, λ_m in no table, and "maximizes IoU" in a sum that is minimised (PV-E11) | the decoder has a second plane; 1 - soft IoU is added; λ_m = 0.5, chosen on validation of a spare draw |
# | λ_c = 0.2, yet no ablation of L_cls (PV-E15) | ablated in [table5_ablations](table5_ablations.py) |
# | no reductions: sums or means? (β = 4 is meaningless without; [04_training](04_training.py)) | pixels and latents summed; an added term is a mean times the number of things it is a mean of: pixels for the mask, features for the guide's two terms |
# | early stopping on the score that is reported (PV-E07) | on validation, in the features of an untrained network; the film below keeps every epoch instead |


# %%
def source(*functions) -> None:
    """Show the code that really runs."""
    text = "\n\n".join(inspect.getsource(function) for function in functions)
    display(Markdown(f"```python\n{text}```"))


def sheet(images: np.ndarray) -> np.ndarray:
    """Images (rows, columns, H, W) as one picture."""
    r, c, h, w = images.shape
    return images.swapaxes(1, 2).reshape(r * h, c * w)


def keep(arm: str, metric: str, value: float, **more) -> None:
    """Note one number for the file of metrics; one model, so no interval."""
    row = {"regime": "bare", "arm": arm, "metric": metric, "mean": float(value)}
    rows.append(row | {"values": [float(value)], **more})


# %% [markdown]
# ## A toy: three classes in a plane
#
# Points instead of images, in three narrow clouds. A tiny VAE has two latents, an encoder q(z|x,y)
# and a decoder that is **not** told the class, so that only the prior can ask for one. (The real
# decoder is told as well.) The code is that of the real model: `vae.kl`, `vae.draw`, the same
# optimiser with two learning rates.

# %%
source(vae.draw, vae.kl)

# %%
CENTRES = torch.tensor([[0.0, 1.6], [-1.8, -1.0], [1.8, -1.0]])
SHAPES = torch.tensor([[[0.8, 0], [0, 0.2]], [[0.3, 0.2], [0.2, 0.5]], [[0.5, -0.3], [-0.3, 0.3]]])
STEPS, RATE, SIGMA = 500, 4e-3, 0.25  # SIGMA: standard deviation of the toy's p(x|z)


def toy_data(n: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """n points (n, 2) of three clouds and their labels."""
    y = torch.arange(n) % 3
    noise = torch.randn(n, 2, generator=generator)
    return CENTRES[y] + torch.einsum("nij,nj->ni", SHAPES[y], noise), y


def toy_encode(encoder: nn.Module, x: torch.Tensor, y: torch.Tensor) -> tuple:
    """Mean and log-variance of q(z|x,y)."""
    return encoder(torch.cat([x, F.one_hot(y, 3).float()], 1)).chunk(2, 1)


def toy_prior(prior: torch.Tensor, y: torch.Tensor) -> tuple:
    """Mean and clamped log-variance of p(z|y), as in the real model."""
    return prior[y, 0], prior[y, 1].clamp(*vae.PRIOR_LOG_VARIANCE)


# %% [markdown]
# Four trainings differ in the prior alone: fixed at N(0, I); learned as fast as the networks; learned
# 20 times faster, as ours is; and learned from a class loss on its samples as well as from the KL.
# That loss is L_cls in small: a frozen classifier (the nearest centre) must name the class asked for.
# Its weight is the strongest that the paper's λ can be read as (0.2 for each of 4,096 pixels).


# %%
def toy_fit(boost: float, class_weight: float = 0.0) -> tuple[nn.Module, nn.Module, torch.Tensor]:
    """Train the toy; `boost` is the rate of p(z|y) over RATE, `class_weight` lets L_cls move it."""
    rng = np.random.default_rng(seed)
    encoder, decoder = (
        seeded(
            lambda a=a, b=b: nn.Sequential(nn.Linear(a, 32), nn.SiLU(), nn.Linear(32, b)), rng
        )
        for a, b in ((5, 4), (2, 2))
    )
    prior, gen = nn.Parameter(torch.zeros(3, 2, 2)), tr.torch_generator(rng)
    networks = {"params": [*encoder.parameters(), *decoder.parameters()]}
    optimizer = torch.optim.Adam([networks, {"params": [prior], "boost": boost}], RATE)
    for step in range(STEPS):
        tr.set_rate(optimizer, tr.cosine(step, STEPS, RATE, RATE / 100))
        (x, y), eps = toy_data(96, gen), torch.randn(2, 96, 2, generator=gen)
        q, p = toy_encode(encoder, x, y), toy_prior(prior, y)
        miss = (decoder(vae.draw(*q, eps[0])) - x).square().sum(1).mean() / (2 * SIGMA**2)
        loss = miss + vae.kl(*q, *p).sum(1).mean()
        if class_weight:
            nearness = -torch.cdist(decoder(vae.draw(*p, eps[1])), CENTRES).square()
            loss = loss + class_weight * F.cross_entropy(nearness, y)
        tr.descend(optimizer, loss)
    return encoder, decoder, prior.detach()


# %%
TOYS = {
    "N(0, I), fixed": (0, 0),
    "p(z|y), same rate": (1, 0),
    f"p(z|y), {vae.PA_VAE.prior_rate:g} times faster": (vae.PA_VAE.prior_rate, 0),
    "the same, moved by L_cls too": (vae.PA_VAE.prior_rate, vae.PA_VAE.lambda_cls * 4096),
}
toys = {name: toy_fit(*how) for name, how in TOYS.items()}

# %%
gen = torch.Generator().manual_seed(seed)
points, again = toy_data(900, gen), toy_data(900, gen)


def toy_sample(decoder: nn.Module, prior: torch.Tensor, widen: float = 1.0) -> tuple:
    """900 points and labels: z from p(z|y), its standard deviation times `widen`."""
    y, noise = points[1], torch.randn(900, 2, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return decoder(vae.draw(*toy_prior(prior, y), widen * noise)), y


def toy_distance(a: tuple, b: tuple) -> float:
    """Mean Fréchet distance of the three classes."""
    return float(np.mean([frechet(a[0][a[1] == c], b[0][b[1] == c]) for c in range(3)]))


# %%
def draw_latents(ax, name: str) -> None:
    """Draws of q(z|x,y) and the prior's mean and one standard deviation."""
    encoder, _, prior = toys[name]
    with torch.no_grad():
        z = vae.draw(*toy_encode(encoder, *points), torch.randn(900, 2, generator=gen))
    means, logs = toy_prior(prior, torch.arange(3))
    turn = torch.linspace(0, 2 * np.pi, 60)
    circle = torch.stack([turn.cos(), turn.sin()])
    for c, hue in enumerate(HUES):
        ax.plot(*z[points[1] == c].T, ".", ms=2, color=hue, alpha=0.5)
        ax.plot(*(means[c][:, None] + (0.5 * logs[c]).exp()[:, None] * circle), color=hue, lw=2)
    ax.set(title=name, xlabel="$z_1$", ylabel="$z_2$")


def draw_points(ax, name: str) -> None:
    """Samples by class over the data."""
    found, y = toy_sample(*toys[name][1:])
    ax.plot(*points[0].T, ".", ms=2, color="#CCCCCC")
    for c, hue in enumerate(HUES):
        ax.plot(*found[y == c].T, ".", ms=2, color=hue)
    distance = toy_distance((found, y), points)
    ax.set(title=f"distance {distance:.3f}", xlabel="$x_1$", ylabel="$x_2$")


# %%
with plots.figure(2, 4, figsize=(12, 6), layout="constrained") as (figure, axes):
    for column, name in zip(axes.T, toys, strict=True):
        draw_latents(column[0], name)
        draw_points(column[1], name)
    files["toy"] = plots.save(figure, "pavae", "03_method_toy")
    display(figure)

# %% [markdown]
# **What to see.** Above, latents: dots are draws of q for 900 points, rings the priors (mean, one
# standard deviation). Below, samples over the data (light grey). With N(0, I) nobody can ask for a class: all three
# colours fill the same cloud, holes included. A learned prior at the networks' rate runs behind the
# posteriors. Twenty times faster it sits on them. Moved by L_cls as well, it leaves the places where
# images are and goes where the classifier is surest: caricatures, in a cloud of the wrong shape.

# %%
toy = {name: toy_distance(toy_sample(*fit[1:]), points) for name, fit in toys.items()}
toy_null = toy_distance(points, again)
for name, distance in toy.items():
    print(f"{name:32} distance of samples to data {distance:.3f} (null {toy_null:.3f})")
    keep(name, "toy_distance", distance, null=toy_null)
fixed, slow, fast, pulled = toy.values()
assert fast < slow < fixed and fast < pulled and toy_null < fast

# %% [markdown]
# **Why 20 times.** Adam moves a number by about its learning rate per step, whatever the gradient.
# The posterior's mean is a sum of thousands of weights and moves fast; the prior's mean is *one*
# number. The sum of the learning rates is about how far it can ever come.

# %%
s = vae.PA_VAE
steps = s.epochs * s.steps_per_epoch
reach = sum(tr.cosine(step, steps, s.rate, s.rate_end) for step in range(steps))
print(f"{steps} steps: a prior mean moves by at most about {reach:.2f} at the networks' rate,")
print(f"by {s.prior_rate * reach:.1f} at {s.prior_rate:g} times that; N(0, I) has a deviation of 1")

# %% [markdown]
# **Why it learns from the KL alone.** Left alone with the posteriors of its class, the best Gaussian
# prior has a closed form, their common mean and variance: $m_y = \mathrm{E}[\mu]$ and
# $s_y^2 = \mathrm{E}[\sigma^2 + (\mu - m_y)^2]$. No other term has anything to say about where images
# are. In `loss_terms` the samples that L_cls sees are therefore drawn from a detached prior (`p[0][half].detach()`).

# %%
name = list(toys)[2]
encoder, _, prior = toys[name]
with torch.no_grad():
    mean, log_variance = toy_encode(encoder, *points)
for c, label in enumerate(("grey", "blue", "orange")):
    own = mean[points[1] == c], log_variance[points[1] == c]
    best = own[0].mean(0)
    variance = (own[1].exp() + (own[0] - best).square()).mean(0)
    print(f"{label:6} prior mean, learned {prior[c, 0].numpy().round(2)}, closed form", end=" ")
    print(f"{best.numpy().round(2)}; variance in closed form {variance.numpy().round(2)}")
    assert (prior[c, 0] - best).abs().max() < 0.5

# %% [markdown]
# **Why the variance is clamped.** With N(0, I) the prior fixes the scale of the latents. A learned
# prior does not: stretch latents and prior together, let the decoder's first layer shrink them again,
# and nothing changes, not even the KL. So nothing but the clamp keeps the prior from growing, and a
# prior wider than the posteriors draws latents that no image ever taught the decoder to read.

# %%
q, p = (mean, log_variance), toy_prior(prior, points[1])
stretch = 10.0
there = [part for m, v in (q, p) for part in (stretch * m, v + 2 * np.log(stretch))]
once, stretched = vae.kl(*q, *p).sum(1).mean(), vae.kl(*there).sum(1).mean()
print(f"KL {once:.4f} nats; latents and prior stretched {stretch:g} times: {stretched:.4f}")
assert torch.isclose(once, stretched, rtol=1e-4)
for widen in (0.5, 1, 1.5, 2, 3):
    distance = toy_distance(toy_sample(*toys[name][1:], widen), points)
    print(f"prior's deviation times {widen:3}: distance of the samples {distance:.3f}")
print("clamp of the log-variance in the real model:", vae.PRIOR_LOG_VARIANCE)

# %% [markdown]
# Too narrow is wrong too: all samples alike, near the middle of their class.
#
# ## The model
#
# Now images. `study.vae(0)` is the PA-VAE of Table 4's first training draw.

# %%
needed = pavae.STUDIES["03_method"](size, seed)
jobs.run(needed)
fitted = jobs.load(study.vae(0))
model, guide = vae.load(fitted), classify.load(jobs.load(study.guide(0)))
labelled = from_arrays(jobs.load(study.train(0)).arrays)[: size.labelled]
held_out = from_arrays(jobs.load(study.validation).arrays)[:200]
x, y = tr.as_planes(held_out.image), torch.from_numpy(held_out.label)
mask = torch.from_numpy(held_out.mask.astype(np.float32))
sick = held_out.label > 0
N, P = len(x), x[0].numel()


# %%
def shapes(module: nn.Module, *inputs) -> None:
    """Run a network once and print what leaves each of its blocks."""
    print(f"{type(module).__name__}, {sum(w.numel() for w in module.parameters()):,} weights")
    leaves = [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    hooks = [m.register_forward_hook(lambda m, i, o: print(f"   {m} -> {tuple(o.shape[1:])}"))
             for m in leaves]  # fmt: skip
    with torch.no_grad():
        module(*inputs)
    for hook in hooks:
        hook.remove()


shapes(model.encoder, x[:1], y[:1])
shapes(model.decoder, torch.zeros(1, vae.PA_VAE.latent), y[:1])

# %% [markdown]
# The label enters the encoder before its last layer, and the decoder beside z. The decoder's first
# plane is the image, its second the lesion mask. Between posterior and decoder stand four lines:

# %%
source(vae.ConditionalVAE.posterior, vae.ConditionalVAE.prior_of)

# %%
with torch.no_grad():
    q, p = model.posterior(x, y), model.prior_of(y)
    planes = model.decoder(q[0], y)
    rebuilt, found_mask = planes[:, 0].sigmoid(), planes[:, 1].sigmoid()
images = torch.from_numpy(watch.frame(model, watch.noise_of(s.latent, np.random.default_rng(seed))))

# %% [markdown]
# ## Term 1: reconstruction
#
# $$-\log p(x|z,y) = -\sum_i \bigl[x_i \log \hat x_i + (1 - x_i)\log(1-\hat x_i)\bigr]$$
#
# A Bernoulli likelihood is meant for black and white pixels. Ours are grey. The sum still has its
# least value at $\hat x = x$, so it can be trained, but that value is not zero: it is the entropy
# $H(x)$ of a coin with bias x, and it is largest at mid-grey.

# %%
source(vae.reconstruction_loss)


# %%
def entropy(x: np.ndarray) -> np.ndarray:
    """Cross-entropy of a grey value with itself, nats."""
    safe = np.clip(np.asarray(x, float), 1e-12, 1 - 1e-12)
    return -(safe * np.log(safe) + (1 - safe) * np.log(1 - safe))


def cross_entropy(p: np.ndarray, x: float) -> np.ndarray:
    return -(x * np.log(p) + (1 - x) * np.log(1 - p))


grey = np.linspace(0.005, 0.995, 199)
for value in (0.05, 0.25, 0.5):
    assert abs(grey[cross_entropy(grey, value).argmin()] - value) < 0.003

# %%
cost = F.binary_cross_entropy(rebuilt, x[:, 0], reduction="none").sum((1, 2)).numpy()
floor = entropy(held_out.image).sum((1, 2))
for name, value in {
    "reconstruction": cost,
    "floor": floor,
    "above the floor": cost - floor,
}.items():
    print(f"{name:16} {value.mean():8.1f} nats per image, {value.mean() / P:.3f} per pixel")
assert (cost > floor).all()
keep("pavae", "reconstruction", cost.mean(), null=float(floor.mean()))

# %%
with plots.figure(1, 2, figsize=(9.5, 3.4), layout="constrained") as (figure, (left, right)):
    for value, hue in zip((0.05, 0.25, 0.5), ("#0072B2", "#E69F00", "#009E73"), strict=True):
        left.plot(grey, cross_entropy(grey, value), color=hue, label=f"x = {value:g}")
        left.plot(value, entropy(np.array(value)), "o", color=hue)
        right.plot(grey, cross_entropy(grey, value) - entropy(np.array(value)), color=hue)
        right.plot(grey, 2 * (grey - value) ** 2, color=hue, ls=":", lw=1)
    left.set(xlabel=r"decoded value $\hat x$", ylabel="cost (nats per pixel)", ylim=(0, 2))
    left.legend(title="dot: least cost, H(x)")
    right.set(xlabel=r"decoded value $\hat x$", ylabel="cost above H(x) (nats)", ylim=(0, 0.5))
    right.set_title("dotted: Gaussian of variance 1/4")
    files["bernoulli"] = plots.save(figure, "pavae", "03_method_bernoulli")
    display(figure)

# %% [markdown]
# **What to see.** The dots are not at zero: most of what a log calls "reconstruction" no decoder can
# remove. Above the floor, the cost of a small error e is about $e^2 / 2x(1-x)$: like a Gaussian of
# variance 1/4 at mid-grey, but several times dearer in nearly black and nearly white pixels. Because
# histogram equalisation spreads grey values evenly, the floor is close to half a nat per pixel in
# *every* data set treated like this. A density on [0, 1] would need a normaliser (the continuous
# Bernoulli of Loaiza-Ganem and Cunningham, 2019); the paper has none and neither have we.

# %% [markdown]
# ## Term 2: β KL
#
# $$\mathrm{KL}(q\|p) = \sum_j \tfrac{1}{2}\left(\log\frac{s_j^2}{\sigma_j^2} +
# \frac{\sigma_j^2 + (\mu_j-m_j)^2}{s_j^2} - 1\right)$$
#
# A sum over latents, so each can be asked what it carries. A latent whose posterior is the prior for
# every image says nothing about any image.

# %%
each = watch.kl_per_latent(model, held_out)
order = np.argsort(-each)
active = int((each > 0.1).sum())
clamped = float((model.prior[:, 1] >= vae.PRIOR_LOG_VARIANCE[1]).float().mean())
print(f"KL {each.sum():.2f} nats per image; {active} of {len(each)} latents above 0.1 nats")
print(f"{clamped:.0%} of the prior's log-variances stand at or above the upper clamp")
keep("pavae", "kl", each.sum())
keep("pavae", "active_latents", active)
keep("pavae", "prior_at_clamp", clamped)

# %% [markdown]
# So the toy's free scale is no curiosity: where the last number is not zero, the prior would have
# grown on, and only the clamp holds it (beyond the clamp there is no gradient, so it stays there).
#
# A **traversal** turns one latent and holds the others: from the mean of p(z|left opacity), ±3 of the
# prior's standard deviations.

# %%
TURNS, LEFT = torch.linspace(-3, 3, 7), chest.LEFT


def traverse(latent: int, label: int = LEFT) -> np.ndarray:
    """Images (7, 64, 64) of a class, one latent turned."""
    z = model.prior[label, 0].repeat(len(TURNS), 1)
    z[:, latent] += TURNS * (0.5 * model.prior_of(y)[1][0, latent]).exp()
    with torch.no_grad():
        return model.decoder(z, torch.full((len(TURNS),), label))[:, 0].sigmoid().numpy()


turned = np.stack([traverse(latent) for latent in [*order[:3], order[-1]]])

# %%
with plots.figure(1, 3, figsize=(12, 3.4), layout="constrained", width_ratios=(3, 7, 1)) as made:
    figure, (left, middle, right) = made
    left.bar(range(len(each)), each[order], color=plots.ROLES["method"])
    left.axhline(0.1, color=plots.ROLES["paper"], lw=1, ls="--")
    left.set(xlabel="latent, by KL", ylabel="KL (nats)")
    plots.show(middle, sheet(turned), "-3 to 3 SD; rows: latents 1, 2, 3 and the last")
    difference = turned[:, -1:] - turned[:, :1]
    plots.show(right, sheet(difference), "3 less -3", cmap="RdBu_r", vmin=-0.4, vmax=0.4)
    files["kl"] = plots.save(figure, "pavae", "03_method_kl")
    display(figure)

# %% [markdown]
# **What to see.** KL is spread unevenly (mean of held-out images; dashed: 0.1 nats). Latents high on
# the list change the picture (right: red brighter, blue darker), the last one should change next to
# nothing. Nothing in the loss gives a latent *one* meaning: look whether a row changes an organ, the
# contrast, the opacity, or all of them at once.

# %%
moved = np.ptp(turned, axis=1).mean((1, 2))
print("mean range of a pixel along each row, grey units:", moved.round(3))
assert profile == "smoke" or moved[:3].max() > moved[3], "a latent with KL changes more"

# %% [markdown]
# ## Term 3: L_path
#
# $$\mathcal{L}_{path} = \frac{\sum_j (f_j(\hat x) - f_j(x))^2}{\sum_j f_j(x)^2}$$
#
# with f the 64 features of the guide before its last layer, and both sums over the batch as well. Pixels do not know what matters; does
# the guide? Take sick images, and change each in five ways *by the same pixel error*: take the lesion
# out (the phantom's own healthy counterfactual, so no guess), or blur, shift, flatten the contrast
# or add noise, as strongly as costs the same mean squared error. (A part of a shift by one pixel is
# a shift by that part of a pixel.)


# %%
def truth(label: int) -> np.ndarray:
    """The very subjects of the held-out images as they look with another label."""
    law, labels = chest.LAWS[study.regime], np.full(N, label)
    return preprocess(chest.render(chest.from_seeds(law, held_out.subject, labels)).image)


true = np.stack([truth(label) for label in range(3)])  # (labels, N, H, W)
assert np.array_equal(true[held_out.label, np.arange(N)], held_out.image), "the stored images"

# %%
before, target = held_out.image[sick], true[0][sick]
error = np.square(target - before).mean((1, 2), keepdims=True)


def as_far(other: np.ndarray) -> np.ndarray:
    """From each sick image towards `other`, until the mean squared error is that of the lesion."""
    step = other - before
    return before + step * np.sqrt(error / np.square(step).mean((1, 2), keepdims=True))


noise = np.random.default_rng(seed).standard_normal(before.shape, dtype=np.float32)
changed = {
    "lesion removed": target,
    "blurred": as_far(gaussian_filter(before, (0, 1.5, 1.5))),
    "shifted": as_far(shift(before, (0, 0, 1), order=1, mode="nearest")),
    "contrast": as_far(np.full_like(before, 0.5)),
    "noise": as_far(before + noise),
}


# %%
def path(net: nn.Module, images: np.ndarray) -> np.ndarray:
    """L_path of each changed image against its original, in the features of a network."""
    f, g = classify.features(net, before), classify.features(net, images.astype(np.float32))
    return np.square(g - f).mean(1) / np.square(f).mean()


untrained = freeze(seeded(SmallCNN, np.random.default_rng(seed)))
distance = {
    who: {name: path(net, images) for name, images in changed.items()}
    for who, net in (("guide", guide), ("untrained", untrained))
}
for name in changed:
    one, other = (distance[who][name].mean() for who in distance)
    print(
        f"{name:15} L_path {one:.3f} in the guide's features, {other:.4f} in an untrained network's"
    )
    keep(name, "path_at_equal_error", one, null=float(other))

# %%
example = int(np.argsort(error.ravel())[len(error) // 2])
with plots.figure(2, 1, figsize=(8, 4.4), layout="constrained", height_ratios=(1.3, 1)) as made:
    figure, (top, low) = made
    shown = {"as it is": before[example]} | {k: v[example] for k, v in changed.items()}
    plots.show(top, sheet(np.stack(list(shown.values()))[None]))
    for column, name in enumerate(shown):
        top.text(64 * column + 32, -3, name, ha="center", va="bottom", fontsize=8)
    for who, mark in (("guide", "o"), ("untrained", "s")):
        share = np.array([distance[who][name].mean() for name in changed])
        colour = plots.ROLES["method" if who == "guide" else "baseline"]
        low.plot(np.arange(5), share / share.sum(), mark, color=colour, label=f"{who} network")
    low.set_xticks(range(5), changed)
    low.set(xlim=(-1.5, 4.5), ylim=(0, None), ylabel="share of the five")
    low.legend(loc="upper left")
    files["path"] = plots.save(figure, "pavae", "03_method_path")
    display(figure)

# %% [markdown]
# **What to see.** All five pictures are equally far from the first in pixels (a middling lesion is
# shown). The guide's dots say what L_path makes the model pay for. If the lesion's dot were no
# higher than that of noise, L_path would not be about pathology; the grey squares, a network of the same shape that learned nothing,
# say how much of the order comes from the shape alone.

# %%
ratio = {who: d["lesion removed"].mean() / d["noise"].mean() for who, d in distance.items()}
print("L_path of the lesion over that of noise of the same size:", ratio)
keep("pavae", "lesion_over_noise", ratio["guide"], null=float(ratio["untrained"]))
assert np.allclose(np.square(changed["noise"] - before).mean((1, 2), keepdims=True), error)

# %% [markdown]
# ## Term 4: L_mask
#
# $$\mathcal{L}_{mask} = 1 - \frac{\sum_i m_i \hat m_i}{\sum_i m_i + \sum_i \hat m_i - \sum_i m_i \hat m_i}$$
#
# The decoder has to say *where* it draws a lesion. Only images with a lesion count.

# %%
source(vae.mask_loss)

# %%
toy_mask = torch.zeros(1, 64, 64)
toy_mask[0, 20:30, 40:50] = 1
for moved_by in (0, 2, 5, 10, 20):
    logits = 20 * torch.roll(toy_mask, moved_by, 2) - 10
    print(f"a disc of 10 pixels, {moved_by:2} too far right: {vae.mask_loss(logits, toy_mask):.3f}")

# %% [markdown]
# Beyond its own width the loss is flat: an IoU does not say in which direction to go. The soft version
# has a gradient only through probabilities that are not zero, so a decoder learns the mean place of
# all masks first. The real one, on held-out images:

# %%
both, either = (found_mask * mask).sum((1, 2)), found_mask + mask - found_mask * mask
iou = (both / either.sum((1, 2)))[sick]
mean_mask = torch.stack([mask[y == c].mean(0) for c in range(3)])[y]  # the same mask for a class
common = mean_mask * mask
null_iou = (common.sum((1, 2)) / (mean_mask + mask - common).sum((1, 2)))[sick].mean()
print(f"soft IoU of reconstructions {iou.mean():.3f}; of each class's mean mask {null_iou:.3f}")
keep("pavae", "mask_iou", iou.mean(), null=float(null_iou))

# %%
shown = np.flatnonzero(sick)[:8]
stack = torch.stack([x[shown, 0], mask[shown], rebuilt[shown], found_mask[shown]])
with plots.figure(figsize=(9, 4.6), layout="constrained") as (figure, ax):
    plots.show(ax, sheet(stack.numpy()))
    for row, name in enumerate(("image", "true mask", "decoded", "its mask")):
        ax.text(-4, 64 * row + 32, name, ha="right", va="center")
    files["mask"] = plots.save(figure, "pavae", "03_method_mask")
    display(figure)

# %% [markdown]
# **What to see.** Compare the second row with the fourth. The side is right because the label tells
# it; whether the *place* in the lung follows the image is what this term is for.

# %% [markdown]
# ## Term 5: L_cls
#
# $$\mathcal{L}_{cls} = \tfrac12 \bigl[\mathrm{CE}(g(\hat x), y) + \mathrm{CE}(g(\tilde x), y)\bigr],
# \qquad \tilde x \sim p(x|z,y),\ z \sim p(z|y)$$
#
# with g the guide's class probabilities. The second half looks at samples, which is what
# the model is for: no other term does.

# %%
drawn = model.sample(held_out.label, np.random.default_rng(seed))
looked_at = {"real": held_out.image, "reconstruction": rebuilt.numpy(), "sample": drawn}
named = {kind: classify.predict(guide, pictures) for kind, pictures in looked_at.items()}
for kind, chance in named.items():
    right = float((chance.argmax(1) == held_out.label).mean())
    loss = -np.log(chance[np.arange(N), held_out.label]).mean()
    print(f"{kind:15} the guide names the class of {right:.0%}; cross-entropy {loss:.2f} nats")
    keep(kind, "guide_accuracy", right)

# %%
with plots.figure(1, 3, figsize=(8.5, 3), layout="constrained", sharey=True) as (figure, axes):
    for ax, (kind, chance) in zip(axes, named.items(), strict=True):
        table = np.stack([chance[held_out.label == c].mean(0) for c in range(3)])
        ax.imshow(table, cmap="Blues", vmin=0, vmax=1)
        for i, j in np.ndindex(3, 3):
            ax.text(j, i, f"{table[i, j]:.2f}", ha="center", va="center",
                    color="white" if table[i, j] > 0.6 else "black")  # fmt: skip
        ax.set(title=kind, xlabel="the guide says", xticks=range(3), yticks=range(3))
        ax.set_xticklabels(("healthy", "left", "right"))
        ax.grid(False)
    axes[0].set(ylabel="label")
    axes[0].set_yticklabels(("healthy", "left", "right"))
    files["cls"] = plots.save(figure, "pavae", "03_method_cls")
    display(figure)

# %% [markdown]
# **What to see.** Mean probability by true (or asked) class. Where the guide is *surer* of decoded
# images than of real ones, the model has learned what convinces the guide, and real images are not
# like that: an opacity less faint, at the place the guide expects. So the guide cannot be the judge
# of PA-VAE; Table 4 asks another network, trained on other subjects.

# %% [markdown]
# ## What a λ of 0.5 is worth
#
# The reconstruction is a sum over pixels; L_path, L_mask and L_cls are means. Between them stands a
# factor that the paper does not print. All terms together, as the training computes them:

# %%
source(vae.total)

# %%
plain = vae.VaeSettings(precision="float32")  # equation 1 with Table 2a's weights
some = slice(0, min(64, N))
noise = torch.randn(2, some.stop, plain.latent, generator=torch.Generator().manual_seed(seed))
nets = {"untrained": seeded(lambda: vae.ConditionalVAE(plain), np.random.default_rng(seed))}
nets["trained"] = vae.load(fitted).requires_grad_(True)
inputs = (x[some], y[some], mask[some], noise, plain)
terms = {who: vae.loss_terms(net, guide, *inputs) for who, net in nets.items()}

# %%
LAMBDAS = {"reconstruction": 1.0, "kl": plain.beta, "path": plain.lambda_path}
LAMBDAS |= {"mask": plain.lambda_mask, "cls": plain.lambda_cls}
READINGS = {  # what path, mask and cls are multiplied by
    "means, as printed": (1, 1, 1),
    "times what each is a mean of (ours)": (plain.guide_scale, P, plain.guide_scale),
    "all times the pixels": (P, P, P),
}


def weights(reading: str) -> dict[str, float]:
    """Weight of every term in one reading of equation 1."""
    factors = dict(zip(("path", "mask", "cls"), READINGS[reading], strict=True))
    return {name: weight * factors.get(name, 1) for name, weight in LAMBDAS.items()}


ours = weights("times what each is a mean of (ours)")
by_hand = sum(ours[name] * value for name, value in terms["trained"].items())
assert torch.isclose(by_hand, vae.total(terms["trained"], plain, P))

# %%
for who, found in terms.items():
    print(f"{who}: each term times its weight, nats")
    for reading in READINGS:
        each_term = {n: f"{w * found[n].item():.4g}" for n, w in weights(reading).items()}
        print(f"   {reading:36}", each_term)
for name, value in terms["trained"].items():
    keep("pavae", f"term {name}", value.item())

# %% [markdown]
# A value alone misleads, because most of the reconstruction's is a floor that nothing can lower. What
# moves the decoder is the *gradient*. Its length, term by term, in the three readings (the KL does
# not reach the decoder):


# %%
def pull(net: vae.ConditionalVAE, term: torch.Tensor) -> float:
    """Length of a term's gradient over all weights of the decoder."""
    found = torch.autograd.grad(
        term, list(net.decoder.parameters()), retain_graph=True, allow_unused=True
    )
    return float(sum(g.square().sum() for g in found if g is not None).sqrt())


DRAWN = ("reconstruction", "path", "mask", "cls")
pulls = {who: {n: pull(net, terms[who][n]) for n in DRAWN} for who, net in nets.items()}

# %%
with plots.figure(1, 2, figsize=(10, 3.2), layout="constrained", sharey=True) as (figure, axes):
    marks = zip(READINGS, ("paper", "method", "baseline"), "sD^", (-0.15, 0, 0.15), strict=True)
    for reading, role, mark, aside in marks:
        for ax, who in zip(axes, pulls, strict=True):
            found = [weights(reading)[name] * pulls[who][name] for name in DRAWN]
            ax.plot(
                found, np.arange(4) + aside, mark, color=plots.ROLES[role], label=reading, alpha=0.8
            )
            ax.set(xscale="log", title=f"{who} model", xlabel="length of the weighted gradient")
    axes[0].set_yticks(range(4), DRAWN)
    axes[0].invert_yaxis()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    files["weights"] = plots.save(figure, "pavae", "03_method_weights")
    display(figure)

# %% [markdown]
# **What to see.** Logarithmic axes. As printed, the mask pulls far less than the picture from the first
# step on, and in the trained model the guide's terms do too: the pathology would be switched off, and
# Table 5 would compare a model with itself. All times the pixels, the guide's terms pull far harder
# than the picture. In ours they are sums over the guide's features, as the reconstruction is a sum over pixels. We
# cannot know which the authors meant; the other two are arms of Table 5 (as printed in `full` only).

# %%
for reading in READINGS:
    share = {n: weights(reading)[n] * v / pulls["trained"]["reconstruction"]
             for n, v in pulls["trained"].items() if n != "reconstruction"}  # fmt: skip
    print(
        f"{reading:36} gradient over the reconstruction's:",
        {n: f"{v:.2g}" for n, v in share.items()},
    )
    for name, value in share.items():
        keep(reading, f"pull {name}", value)
    if reading == "means, as printed" and profile != "smoke":
        assert max(share.values()) < 0.2, "they would vanish"

# %% [markdown]
# That is more than a matter of taste. Here is a model of Table 5 trained with all terms times the
# pixels, beside ours: same data, same seeds, both with the epoch that validation chose.

# %%
other = vae.load(jobs.load(pavae.ablations.fit(study, "per_pixel", 0)))
with torch.no_grad():
    drawn_for = other.reconstruct(x, y)[:, 0]
typical_image = labelled.image.mean(0)
far = np.square(typical_image - held_out.image).mean()
pair = {"ours": rebuilt.numpy(), "all times the pixels": drawn_for.numpy()}
relative = {
    name: float(np.square(made - held_out.image).mean() / far) for name, made in pair.items()
}
for name, value in relative.items():
    print(f"{name:22} squared error {value:.2f} of that of the mean training image")
    keep(name, "relative_error", value, null=1.0, oracle=0.0)

# %%
lines = {
    "image": held_out.image[:8],
    "ours": rebuilt.numpy()[:8],
    "all times pixels": drawn_for.numpy()[:8],
}
figure = plots.image_rows(lines, width=8)
files["reading"] = plots.save(figure, "pavae", "03_method_reading")
display(figure)
plt.close(figure)

# %% [markdown]
# **What to see.** A relative error of one or more says that the mean of all training images would be
# a better reconstruction than the model's own. Where the guide's terms outweigh the picture, the
# decoder draws what moves the guide: dark and bright patches in lungs of much the same outline. A
# guide is easily pleased; a picture is not.

# %% [markdown]
# ## Now watch it learn
#
# `vae.fit` is a generator: it trains for an epoch, hands over its state, and waits. So the page that
# watches is an ordinary loop. The latent noise below is drawn once: what changes is the model.
# *Set `live_epochs = 40` in the parameters, and the next cell runs for about a minute and redraws
# its picture after every epoch.*


# %%
def draw_live(seen: list, noise: torch.Tensor):
    """Samples of the newest epoch, and the loss terms so far, relative to the first epoch."""
    with plots.figure(1, 2, figsize=(10, 3.2), layout="constrained", width_ratios=(2, 1)) as made:
        figure, (left, right) = made
        frame = watch.frame(seen[-1].model, noise)
        plots.show(
            left, sheet(frame.swapaxes(0, 1)), f"epoch {seen[-1].at['epoch']}: healthy, left, right"
        )
        for name in LAMBDAS:
            curve = np.array([state.losses[name] for state in seen]) / seen[0].losses[name]
            right.plot(range(1, len(curve) + 1), curve, "o-", ms=3, label=name)
        right.set(xlabel="epoch", ylabel="loss terms, first epoch = 1", yscale="log")
        right.legend(fontsize=7)
        files["live"] = plots.save(figure, "pavae", "03_method_live")
        return figure


# %%
live = vae.VaeSettings(
    epochs=live_epochs,
    epoch_images=min(live_images, size.epoch_images),
    batch=32,  # half of Table 2a's: half the time of a step
    precision=machine.precision(),
)
rng = np.random.default_rng([seed, 3])
noise, seen = watch.noise_of(live.latent, rng), []
picture = display(Markdown("the first epoch is running ..."), display_id=True)
for state in vae.fit(labelled, guide, live, rng):
    seen.append(state)
    picture.update(draw_live(seen, noise))

# %% [markdown]
# **What to see.** After so few steps every sample is the beginning of the mean image; opacities come
# much later (the film below has more steps). The KL starts at zero, because the encoder starts
# *at* the prior, and moves both ways before latents are put to use; the other terms fall.

# %%
print({name: round(value, 2) for name, value in seen[-1].losses.items()})
falls = {name: seen[-1].losses[name] < seen[0].losses[name] for name in ("reconstruction", "total")}
assert len(seen) == live_epochs and (profile == "smoke" or all(falls.values()))

# %% [markdown]
# ### The film
#
# The same loop ran as a stored job, `watch.film`, and kept a frame of every epoch: so the strip is
# here without waiting. Its epochs are shorter than those of Table 4's model (fewer images each; all
# other settings are the same), and it keeps all epochs where the study keeps the best.

# %%
source(watch.frame)

# %%
film = jobs.load(pavae.method.film(study))
log, frames, kls = film.scores["log"], film.arrays["frames"], film.arrays["kl"]
own = film.scores["settings"]
print(f"{len(frames)} epochs of {own['epoch_images']:,} images; Table 4's: {size.epoch_images:,}")
strip = frames[:, :2].transpose(1, 2, 0, 3, 4).reshape(6, len(frames), 64, 64)

# %%
with plots.figure(1, 2, figsize=(12, 6), layout="constrained", width_ratios=(2.1, 1)) as made:
    figure, (left, right) = made
    plots.show(left, sheet(strip), "one column per epoch; two noises, each under three labels")
    for row, name in enumerate(("healthy", "left", "right") * 2):
        left.text(-4, 64 * row + 32, name, ha="right", va="center", fontsize=8)
    right.plot(range(1, len(kls) + 1), -np.sort(-kls, 1), color=plots.ROLES["method"], lw=0.8)
    right.axhline(0.1, color=plots.ROLES["paper"], ls="--", lw=1)
    right.set(xlabel="epoch", ylabel="KL of each latent, largest first (nats)", xlim=(0.8, None))
    files["film"] = plots.save(figure, "pavae", "03_method_film")
    display(figure)

# %% [markdown]
# **What to see.** Read along a row: it is one and the same noise. First the mean chest, nearly alike
# in all rows; then an opacity where the label asks for one; then its place and the anatomy part with
# the noise. Ribs and sensor noise never come. On the right, the KL of every latent, from almost
# nothing: some latents end with several times as much as others.

# %%
change = np.abs(np.diff(frames, axis=0)).mean((1, 2, 3, 4))
between = frames.std(axis=1).mean((1, 2, 3))  # over noises
apart = np.abs(frames[:, :, 1:] - frames[:, :, :1]).mean((1, 2, 3, 4))
for epoch, (noise_part, label_part) in enumerate(zip(between, apart, strict=True), start=1):
    woken = (kls[epoch - 1] > 0.1).sum()
    text = f"SD over noises {noise_part:.4f}, difference of labels {label_part:.4f}"
    print(f"epoch {epoch}: {text}, latents above 0.1 nats {woken}")
keep("film", "active_latents", (kls[-1] > 0.1).sum())
keep("film", "kl", kls[-1].sum())
assert profile == "smoke" or change[-1] < change[0], "the film settles"

# %% [markdown]
# ## A control for β
#
# β weighs the KL: what a latent must earn in nats of reconstruction to be worth its place. Here the
# ELBO stands alone (with p(z|y), without the three added terms, so that only β acts), trained briefly
# from the same start on the same batches. The effect of β on PA-VAE itself is in Table 5.

# %%
betas = {beta: jobs.load(job) for beta, job in pavae.method.beta_fits(study).items()}
few = np.flatnonzero(sick)[:6]


def rebuilt_by(found: jobs.Result) -> np.ndarray:
    """Reconstructions (200, 64, 64) of the held-out images."""
    with torch.no_grad():
        return vae.load(found).reconstruct(x, y)[:, 0].numpy()


remade = {beta: rebuilt_by(found) for beta, found in betas.items()}


# %%
def draw_beta(axes, beta: float) -> None:
    """Held-out images over their reconstructions, samples, and the KL of every latent."""
    pairs = np.stack([held_out.image[few], remade[beta][few]])
    plots.show(axes[0], sheet(pairs), "images, reconstructions")
    frame = betas[beta].arrays["frames"][-1]
    plots.show(axes[1], sheet(frame[:, 1:].swapaxes(0, 1)), "samples: left, right")
    nats = -np.sort(-betas[beta].arrays["kl"][-1])
    axes[2].bar(range(len(nats)), nats, color=plots.ROLES["method"])
    axes[2].axhline(0.1, color=plots.ROLES["paper"], ls="--", lw=1)
    top = max(found.arrays["kl"].max() for found in betas.values())
    axes[2].set(ylim=(0, 1.05 * top), ylabel="KL (nats)", title=f"β = {beta:g}")


# %%
with plots.figure(len(betas), 3, figsize=(11, 6.6), layout="constrained") as (figure, axes):
    for line, beta in zip(axes, betas, strict=True):
        draw_beta(line, beta)
    axes[-1, 2].set_xlabel("latent, by KL")
    files["beta"] = plots.save(figure, "pavae", "03_method_beta")
    display(figure)

# %% [markdown]
# **What to see.** A small β keeps many latents and follows each image; a large one silences them all
# (an empty third panel), and every reconstruction, and every sample, is the mean of its class. At no
# β does a plain ELBO draw a clear opacity: few pixels, and faint ones, earn few nats. That is what
# the three added terms are for.
#
# In JupyterLab the next cell is a control for the same pictures.


# %%
def show_beta(beta: float) -> None:
    """One row of the figure, larger."""
    with plots.figure(1, 3, figsize=(12, 2.6), layout="constrained") as (figure, axes):
        draw_beta(axes, beta)
        display(figure)


# %%
if by_runner:
    print("the control needs JupyterLab; the figure above shows all of its positions")
else:
    from ipywidgets import SelectionSlider, interact

    interact(show_beta, beta=SelectionSlider(options=list(betas), value=4.0, description="β"))

# %%
for beta, found in betas.items():
    nats, used = found.arrays["kl"][-1].sum(), int((found.arrays["kl"][-1] > 0.1).sum())
    miss = float(np.square(remade[beta] - held_out.image).mean())
    varied = float(found.arrays["frames"][-1].std(0).mean())  # over noises, within a class
    print(
        f"β = {beta:5g}: KL {nats:7.2f} nats, {used:2} latents, mean squared error {miss:.4f}",
        end="",
    )
    print(f", SD of samples {varied:.4f}")
    keep(f"beta_{beta:g}", "sample_sd", varied)
    keep(f"beta_{beta:g}", "kl", nats)
    keep(f"beta_{beta:g}", "active_latents", used)
    keep(f"beta_{beta:g}", "mse", miss)
spent = [found.arrays["kl"][-1].sum() for found in betas.values()]
assert profile == "smoke" or spent == sorted(spent, reverse=True), "a dearer KL is a smaller KL"

# %% [markdown]
# ## What the model takes for the disease
#
# One latent, three labels. If z is the anatomy and y the disease, then changing y alone draws the
# same chest healthy, with a left and with a right opacity: the model's own counterfactual. For
# phantoms the true one is known, *the same subject* with another label. So it can be checked.

# %%
with torch.no_grad():
    decoded = np.stack(
        [model.decoder(q[0], torch.full_like(y, c))[:, 0].sigmoid().numpy() for c in range(3)]
    )  # (labels, N, H, W): z = mean of q(z|x, true y), decoded under every label
model_change, true_change = decoded - decoded[:1], true - true[:1]

# %%
few = np.concatenate([np.flatnonzero(held_out.label == c)[:2] for c in range(3)])
columns = [x[few, 0].numpy(), *decoded[:, few], *true[:, few]]
difference = [model_change[1][few], true_change[1][few]]
with plots.figure(1, 2, figsize=(12, 7.2), layout="constrained", width_ratios=(7, 2)) as made:
    figure, (left, right) = made
    plots.show(left, sheet(np.stack(columns, 1)))
    names = ("image", *(f"model:\n{c}" for c in ("healthy", "left", "right")))
    names += tuple(f"truth:\n{c}" for c in ("healthy", "left", "right"))
    for column, name in enumerate(names):
        left.text(64 * column + 32, -4, name, ha="center", va="bottom", fontsize=8)
    plots.show(right, sheet(np.stack(difference, 1)), cmap="RdBu_r", vmin=-0.5, vmax=0.5)
    for column, name in enumerate(("model", "truth")):
        right.text(
            64 * column + 32, -4, f"{name}:\nleft - healthy", ha="center", va="bottom", fontsize=8
        )
    files["labels"] = plots.save(figure, "pavae", "03_method_labels")
    display(figure)

# %% [markdown]
# **What to see.** Two subjects of each class from top to bottom. Along a row of *model* the chest stays
# and an opacity comes and goes with y. Then compare *model: left* with *truth: left*. In the first two
# rows (healthy subjects) nothing tells the model where this subject's opacity would be, and it takes
# its usual place. Below, look at *model: healthy*: where a trace of the true opacity is left, z has
# kept part of the disease for itself.
#
# How much of the truth is in the model's change? Three changes, each against the true one, for all
# held-out sick images:
#
# - *label*: the same z, decoded with y and decoded as healthy;
# - *twin*: the image against its true healthy twin, both encoded and decoded: what gets through the
#   bottleneck at all;
# - *null*: one map for a class, the mean true change of the labelled subjects: it knows no image.

# %%
at = np.flatnonzero(sick)
own_label, masks = held_out.label[at], held_out.mask[at]
real = true_change[own_label, at]
with torch.no_grad():
    twin = model.reconstruct(tr.as_planes(true[0]), torch.zeros_like(y))[:, 0].numpy()
ill = labelled[labelled.label > 0]
seeds = chest.from_seeds(chest.LAWS[study.regime], ill.subject, np.zeros_like(ill.label))
excess = ill.image - preprocess(chest.render(seeds).image)
typical = np.stack([excess[ill.label == c].mean(0) for c in (1, 2)])
maps = {
    "label": model_change[own_label, at],
    "twin": rebuilt.numpy()[at] - twin[at],
    "null": typical[own_label - 1],
    "truth": real,
}


# %%
def agreement(found: np.ndarray) -> dict[str, float]:
    """How far changes (n, H, W) agree with the true ones; means over sick held-out images."""
    pairs = zip(found, real, strict=True)
    return {
        "correlation": float(np.mean([np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in pairs])),
        "pixel_auroc": float(localisation.pixel_auroc(np.abs(found), masks).mean()),
        "share_in_mask": float(found[masks].mean() / real[masks].mean()),
        "change_outside": float(np.abs(found[~masks]).mean()),
    }


scored = {name: agreement(found) for name, found in maps.items()}
for metric in scored["truth"]:
    values = {name: found[metric] for name, found in scored.items()}
    print(f"{metric:15}", ", ".join(f"{name} {value:.3f}" for name, value in values.items()))
    for name in ("label", "twin"):
        keep(name, metric, values[name], null=values["null"], oracle=values["truth"])

# %% [markdown]
# `share_in_mask` is the mean change inside the true mask over the true one; `change_outside` the mean
# size of the change elsewhere, grey units, where the truth changes next to nothing (not exactly
# nothing, because the preprocessing equalises every image by itself).
#
# And the place? The height of the change's centre in its lung, over subjects: does the model's vary
# as the truth's does, and with it? The decoded *mask* is asked too.


# %%
def height(found: np.ndarray) -> np.ndarray:
    """Row of the centre of each map's positive part, squared, in the lung of its label: (n,)."""
    right_half = np.arange(64) >= 32
    lung = np.where((own_label == LEFT)[:, None], right_half, ~right_half)[:, None]
    weight = np.clip(found, 0, None) ** 2 * lung + 1e-12
    return (weight * np.arange(64)[:, None]).sum((1, 2)) / weight.sum((1, 2))


place = height(masks.astype(float))
heights = {name: height(maps[name]) for name in ("label", "twin")}
heights["mask"] = height(found_mask.numpy()[at])

# %%
follows = {}
for name, found in heights.items():
    slopes = [np.polyfit(place[own_label == c], found[own_label == c], 1)[0] for c in (1, 2)]
    follows[name] = float(np.mean(slopes))
    print(
        f"{name:6} rows that its centre moves when the true one moves by one: {follows[name]:.2f}"
    )
    keep(name, "place_slope", follows[name], null=0.0, oracle=1.0)

# %%
with plots.figure(1, 3, figsize=(10, 3.6), layout="constrained", sharey=True) as (figure, axes):
    titles = {"label": "label changed", "twin": "image and label changed", "mask": "decoded mask"}
    for ax, (name, title) in zip(axes, titles.items(), strict=True):
        for c in (1, 2):
            which = own_label == c
            ax.plot(place[which], heights[name][which], "o", ms=3, color=HUES[c], alpha=0.7)
        ends = [place.min(), place.max()]
        ax.plot(ends, ends, color="#999999", lw=1)
        ax.set(title=f"{title}: slope {follows[name]:.2f}", xlabel="true row of the opacity")
    axes[0].set_ylabel("row in the model")
    files["place"] = plots.save(figure, "pavae", "03_method_place")
    display(figure)

# %% [markdown]
# **What to see.** Blue: left, orange: right opacities; grey line: as in truth. Dots along the line are
# a model that moves the opacity with the subject; a flat band would be one opacity per class. If the
# first panel is flatter than the other two, z knows the place and a change of y alone does not undo
# all of it. So z is not the anatomy and y the disease: the KL charges z for what it knows, but
# forbids nothing, and no term asks that the label alone remove a lesion. Which places the *samples*
# reach is a question of coverage, asked in [04_diagnostics](04_diagnostics.py).

# %%
stays = 1 - scored["label"]["share_in_mask"] / scored["twin"]["share_in_mask"]
print(f"of the opacity that the model draws, {stays:.0%} stays when only the label says healthy")
keep("label", "opacity_left", stays, oracle=0.0)

# %%
if profile != "smoke":
    assert scored["label"]["pixel_auroc"] > 0.5, "the change lies on the lesion more than by chance"
    assert follows["mask"] > follows["label"], "z knows the place better than the label does"
assert scored["truth"]["correlation"] > 0.999 and abs(height(masks * 1.0) - place).max() == 0

# %% [markdown]
# ## Kept

# %%
captions = {
    "toy": "A VAE of three classes in the plane, four ways to treat the prior: draws of the posterior "
    "with the priors' one standard deviation (top), samples over 900 points (bottom, grey: data).",
    "bernoulli": "Cross-entropy of a grey pixel by decoded value, and what lies above its floor.",
    "kl": f"KL of every latent of PA-VAE, mean over {N} held-out images, and traversals of four.",
    "path": f"Five changes of equal pixel error, and their L_path (means over {int(sick.sum())} sick "
    "held-out images, each network's values scaled to sum to one).",
    "mask": "Held-out sick images, true masks, reconstructions and decoded masks.",
    "cls": f"Mean class probability of the guide for real, rebuilt and sampled images (n = {N}).",
    "weights": "Length of the gradient of every weighted term over the decoder, in three readings.",
    "reading": "Reconstructions of held-out images: ours, and with all added terms times the pixels.",
}
captions |= {
    "live": f"Samples from fixed noise after {live_epochs} short epochs, trained inside the page.",
    "film": f"Samples from fixed noise after each of {len(frames)} epochs, and the KL of each latent.",
    "beta": "Reconstructions, samples and KL per latent of a plain ELBO, by β (one fit each).",
    "labels": "One latent decoded under three labels, beside the phantom's truth for the same subject.",
    "place": f"Height of the opacity in three changes of the model against the true one (n = {len(at)}).",
}

# %%
figures = [{"file": file, "caption": captions[name]} for name, file in files.items()]
seconds, code = round(time.perf_counter() - start, 1), jobs.fingerprint(needed)
record.write_metrics("pavae", "03_method", profile, 1, rows, figures, seconds, [seed], code)
print(f"{len(rows)} rows in data/metrics/pavae/03_method.json, one model: no intervals")

# %% [markdown]
# ## In this notebook we have
#
# - seen why a learned class prior must keep up with the posteriors, listen to the KL only, and be
#   held in scale;
# - taken equation 1 apart: what each term measures, what it weighs, and which of them would vanish
#   with the paper's numbers as printed;
# - watched the model learn, turned β, and held the model's own idea of disease against the truth.
#
# Next: [04_training](04_training.py) has the curves of all fits,
# [table5_ablations](table5_ablations.py) takes the terms away one by one.
#
# ## Exercises
#
# **1.** Write the KL yourself: a function of four tensors, per dimension, as in the formula above.

# %%
answer = None  # your function (mean_q, log_q, mean_p, log_p)
test = torch.randn(4, 50, generator=torch.Generator().manual_seed(1))
print(
    "not answered yet"
    if answer is None
    else f"right: {torch.allclose(answer(*test), vae.kl(*test))}"
)

# %% [markdown]
# **2.** An image is grey 0.25 everywhere. How many nats per pixel does a *perfect* reconstruction cost?

# %%
answer = None  # your number
truth_here = float(entropy(np.array(0.25)))
print("not answered yet" if answer is None else f"right: {abs(answer - truth_here) < 0.005}")

# %% [markdown]
# **3.** Somebody divides our whole loss by the number of pixels, so that the reconstruction is a mean.
# Which weight must then stand before L_mask (a plain mean), before L_path (a plain mean) and before
# the KL (still a sum over latents), to train the same model?

# %%
answer = None  # (weight of L_mask, weight of L_path, weight of the KL)
expected = [ours[name] / P for name in ("mask", "path", "kl")]
print(
    "not answered yet" if answer is None else f"right: {np.allclose(answer, expected, rtol=0.01)}"
)
