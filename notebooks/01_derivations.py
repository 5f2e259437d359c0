# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Symbols, words, and the steps that the papers skip
#
# - one table of symbols for all four papers, and one glossary, for looking things up;
# - five short derivations: the KL divergence of two Gaussians, why leapfrog steps keep volumes, the
#   image from the noise, where DPO's ln 2 comes from, and why a Fréchet distance is biased;
# - each with a cell that checks the result numerically.
#
# Reading takes half an hour, running a few seconds. No method is trained here. **Nothing here shows
# that a method works or fails on patients.**

# %% tags=["parameters"]
profile = "quick"
seed = 0
dataset = "phantom"

# %%
import numpy as np
import torch
from torch.autograd.functional import jacobian
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import logsigmoid

from lib.generators import diffusion, vae
from lib.metrics import fidelity
from lib.report import plots
from lib.report.page import Page

page = Page("01_derivations", profile, seed, dataset)
rng = np.random.default_rng([seed, 1])

# %% [markdown]
# ## Symbols
#
# The papers share letters and give them different meanings. Where one letter has several, the code
# gives each a name of its own.
#
# | symbol | meaning | paper |
# |---|---|---|
# | $x$, $x_0$ | an image; in diffusion, the image before any noise | all |
# | $x_{sub}$ | the substrate: the slice as it would look without its lesion | PathoSyn |
# | $r$, $r_0$ | the deviation: image minus substrate, inside the mask | PathoSyn |
# | $m$ | the lesion mask (in a verdict: the margin) | PathoSyn, ControlNet, dHVAE |
# | $S(m)$ | the mask with a soft rim, by which a deviation is added | PathoSyn |
# | $y$ | the class: healthy, left, right | PA-VAE |
# | $z$ | the latent code | PA-VAE, dHVAE |
# | $q_\phi(z \mid x)$, $p_\theta(x \mid z)$ | encoder and decoder | PA-VAE, dHVAE |
# | $\mu$, $\sigma$ | mean and standard deviation of a Gaussian | all |
# | $\pi(y)$, $p(z \mid y)$ | the sampling prior and the latent prior of a class | PA-VAE |
# | $\rho$ | momentum, as large as $z$ | dHVAE |
# | $U$, $H$ | potential energy $-\log p(x, z)$, and the Hamiltonian $U + \rho^2 / 2$ | dHVAE |
# | $K$ | number of leapfrog steps | dHVAE |
# | $\epsilon$ | the size of a leapfrog step; elsewhere the noise that diffusion adds | dHVAE; PathoSyn, ControlNet |
# | $t$, $T$ | a step of the noising, and their number | PathoSyn, ControlNet |
# | $\bar\alpha_t$ | share of the signal's variance that is left at step $t$ | PathoSyn, ControlNet |
# | $\beta$ | weight of the KL (PA-VAE); weight of the two regularisers (dHVAE); variance of one noising step; strength of DPO's tie to the reference | as said |
# | $\lambda$ | weights of other losses | PA-VAE, PathoSyn |
# | $s(a)$ | the logistic function $1 / (1 + e^{-a})$ | ControlNet |
# | $R$ | number of training draws | ours |
# | $\Delta$ | mean paired difference of two arms, plus meaning *as the paper says* | ours |
#
# ## 1. The KL divergence of two Gaussians
#
# PA-VAE and dHVAE print $\mathrm{KL}(q \,\|\, p)$ and move on. With $q = N(\mu_q, \sigma_q^2)$ and
# $p = N(\mu_p, \sigma_p^2)$, the ratio of the densities is
#
# $$ \log \frac{q(z)}{p(z)} = \log \frac{\sigma_p}{\sigma_q}
# - \frac{(z - \mu_q)^2}{2 \sigma_q^2} + \frac{(z - \mu_p)^2}{2 \sigma_p^2} . $$
#
# Take the mean under $q$. The first square gives $\sigma_q^2$. In the second, write
# $z - \mu_p = (z - \mu_q) + (\mu_q - \mu_p)$; the cross term has mean zero, which leaves
# $\sigma_q^2 + (\mu_q - \mu_p)^2$. So
#
# $$ \mathrm{KL}(q \,\|\, p) = \log \frac{\sigma_p}{\sigma_q}
# + \frac{\sigma_q^2 + (\mu_q - \mu_p)^2}{2 \sigma_p^2} - \frac{1}{2} . $$
#
# Independent dimensions add up. The code works with the logarithm of the variance, which may be any
# number.

# %%
mean_q, log_q, mean_p, log_p = torch.from_numpy(rng.normal(size=(4, 6)))
ours = vae.kl(mean_q, log_q, mean_p, log_p)
q, p = Normal(mean_q, (log_q / 2).exp()), Normal(mean_p, (log_p / 2).exp())
z = torch.from_numpy(rng.normal(size=(200_000, 6))) * q.stddev + mean_q
sampled = (q.log_prob(z) - p.log_prob(z)).mean(0)
print("formula", ours.numpy().round(3), "sampled", sampled.numpy().round(3), sep="\n")
page.check("the formula is PyTorch's", bool(torch.allclose(ours, kl_divergence(q, p))))
page.check("and the mean over samples", bool((ours - sampled).abs().max() < 0.05 * ours.max()))

# %% [markdown]
# **What to see.** The two lines agree up to sampling noise. The divergence is not symmetric: a wide
# $q$ over a narrow $p$ costs more than the reverse.

# %%
one, two = torch.zeros(1), torch.full((1,), 2 * np.log(3.0))  # SD 1 and SD 3, as log variances
wide, narrow = (float(vae.kl(one, a, one, b)) for a, b in ((two, 0 * two), (0 * two, two)))
print(f"SD 3 against SD 1: {wide:.2f} nats; SD 1 against SD 3: {narrow:.2f} nats")
page.check("a wide q costs more", wide > narrow)

# %% [markdown]
# ## 2. Leapfrog steps keep volumes
#
# dHVAE writes the density of $z_K$ as that of $z_0$, with no Jacobian. That is right only if the map
# from $(z_0, \rho_0)$ to $(z_K, \rho_K)$ has determinant 1. A leapfrog step is three moves:
#
# $$ \rho' = \rho - \tfrac{\epsilon}{2} \nabla U(z), \qquad z' = z + \epsilon \rho', \qquad
# \rho'' = \rho' - \tfrac{\epsilon}{2} \nabla U(z') . $$
#
# Each moves one half of the coordinates by a function of the *other* half: a **shear**. Its Jacobian has
# ones on the diagonal and zeros on one side of it,
#
# $$ \frac{\partial(z, \rho')}{\partial(z, \rho)} =
# \begin{pmatrix} I & 0 \\ -\tfrac{\epsilon}{2} \nabla^2 U & I \end{pmatrix} , $$
#
# so its determinant is 1, whatever $U$ is, and however large the step. The product of three such
# matrices has determinant 1 as well. Euler's step moves both halves at once, and has
# $\det(I + \epsilon^2 \nabla^2 U)$ instead.


# %%
def potential(z: torch.Tensor) -> torch.Tensor:
    """A valley that is bent like a banana; z (..., 2)."""
    return z[..., 0] ** 2 / 2 + (z[..., 1] - z[..., 0] ** 2) ** 2


def gradient(z: torch.Tensor) -> torch.Tensor:
    """Of the potential, (..., 2)."""
    bend = 2 * (z[..., 1] - z[..., 0] ** 2)
    return torch.stack([z[..., 0] - 2 * z[..., 0] * bend, bend], -1)


# %%
def leapfrog(s: torch.Tensor, step: float) -> torch.Tensor:
    """One step of s = (z, rho), (..., 4)."""
    z, rho = s.split(2, -1)
    rho = rho - step / 2 * gradient(z)
    z = z + step * rho
    return torch.cat([z, rho - step / 2 * gradient(z)], -1)


def euler(s: torch.Tensor, step: float) -> torch.Tensor:
    """One step that moves both halves at once."""
    z, rho = s.split(2, -1)
    return torch.cat([z + step * rho, rho - step * gradient(z)], -1)


# %%
places = torch.from_numpy(rng.normal(size=(50, 4)))
factors = {
    name: [float(torch.det(jacobian(lambda s, f=f: f(s, 0.3), at))) for at in places]
    for name, f in (("leapfrog", leapfrog), ("Euler", euler))
}
for name, each in factors.items():
    print(f"{name}: determinant from {min(each):.6f} to {max(each):.6f} at 50 places")
off = np.abs(np.array(factors["leapfrog"]) - 1).max()
page.check("leapfrog has determinant 1 everywhere", off < 1e-12)
page.check("Euler's step has not", max(factors["Euler"]) > 1.1)

# %% [markdown]
# The same in a picture: the points of a circle in the plane of one coordinate and its momentum, moved
# over a plain bowl, $U = z^2 / 2$, where the plane stays a plane.

# %%
angle = np.linspace(0, 2 * np.pi, 400)
circle = np.stack([1.2 + 0.4 * np.cos(angle), 0.4 * np.sin(angle)])  # (z, rho)
step = 0.35
half = np.array([[1, 0], [-step / 2, 1]])
moves = {"leapfrog": half @ [[1, step], [0, 1]] @ half, "Euler": np.array([[1, step], [-step, 1]])}


def area(curve: np.ndarray) -> float:
    """Inside a closed curve (2, n), by Green's theorem."""
    x, y = curve
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2)


# %%
caption = "A circle of phase space after every fourth step: leapfrog keeps its area, Euler does not."
with page.figure(caption, 1, 2, figsize=(7.6, 3.6), sharex=True, sharey=True) as axes:
    for ax, (name, move) in zip(axes, moves.items(), strict=True):
        for count in range(0, 13, 4):
            curve = np.linalg.matrix_power(move, count) @ circle
            grown = area(curve) / area(circle)
            ax.plot(*curve, label=f"{count} steps: area × {grown:.2f}")
        ax.set(title=name, xlabel="$z$", aspect="equal")
        ax.legend(fontsize=7, loc="upper left")
    axes[0].set_ylabel(r"$\rho$")
page.check("the area is kept", abs(np.linalg.det(moves["leapfrog"]) - 1) < 1e-12)

# %% [markdown]
# **What to see.** On the left the circle turns and is squeezed, but its area stays; on the right it
# grows with every step. [dhvae/02_background](dhvae/02_background.py) shows what a leapfrog with one
# wrong letter does.
#
# ## 3. The image from the noise
#
# A diffusion model is trained to predict the noise $\epsilon$ in
#
# $$ x_t = \sqrt{\bar\alpha_t}\, x_0 + \sqrt{1 - \bar\alpha_t}\, \epsilon . $$
#
# The papers then use $\hat x_0$ without comment. It is this equation, solved for $x_0$:
#
# $$ \hat x_0 = \frac{x_t - \sqrt{1 - \bar\alpha_t}\, \hat\epsilon}{\sqrt{\bar\alpha_t}} . $$
#
# Put in a guess that is wrong by $\delta$, and the image is wrong by
# $-\sqrt{(1 - \bar\alpha_t) / \bar\alpha_t}\; \delta$. The factor grows without bound as $t \to T$: a
# small error in the noise is a large one in the image, early in the sampling.

# %%
schedule = diffusion.linear(1000)
x0, eps, wrong = torch.from_numpy(rng.normal(size=(3, 4, 1, 8, 8))).float()
t = torch.tensor([10, 300, 600, 900])
noisy = diffusion.add_noise(schedule, x0, eps, t)
a = schedule.alpha_bar[t].float()
back = (noisy - (1 - a).sqrt().view(-1, 1, 1, 1) * eps) / a.sqrt().view(-1, 1, 1, 1)
off, _ = diffusion.parts(schedule, "eps", eps + 0.1 * wrong, noisy, t)
grown = (off - x0).flatten(1).norm(dim=1) / (0.1 * wrong).flatten(1).norm(dim=1)
print("error of the image over that of the noise:", grown.numpy().round(2))
page.check("the image comes back", bool(torch.allclose(back, x0, atol=1e-4)))
page.check("errors grow by the factor", bool(torch.allclose(grown, ((1 - a) / a).sqrt(), rtol=1e-2)))

# %% [markdown]
# **What to see.** The same error in the noise weighs little at $t = 10$ and much at $t = 900$. A
# model that predicts $x_0$ itself, or the mixture $v$, has no such factor.
#
# ## 4. Where DPO's ln 2 comes from
#
# Tuning by preferences starts from a wish: a model $\pi$ with a high reward $u(x)$ that stays near its
# reference,
#
# $$ \max_\pi\; \mathbb{E}_\pi[u(x)] - \beta\, \mathrm{KL}(\pi \,\|\, \pi_{ref}) . $$
#
# This is $-\beta\,\mathrm{KL}(\pi \,\|\, \pi^*)$ plus a constant, with
# $\pi^*(x) = \pi_{ref}(x)\, e^{u(x)/\beta} / Z$; so $\pi^*$ is the solution. Solved for the reward,
# $u(x) = \beta \log \frac{\pi^*(x)}{\pi_{ref}(x)} + \beta \log Z$. Bradley and Terry let a reader
# prefer $w$ to $l$ with probability $s(u_w - u_l)$. In the difference **$Z$ cancels**, and the negative
# log-likelihood of the preferences is a loss in $\pi$ alone:
#
# $$ L = -\log s\Bigl( \beta \Bigl[ \log \frac{\pi(w)}{\pi_{ref}(w)}
# - \log \frac{\pi(l)}{\pi_{ref}(l)} \Bigr] \Bigr) . $$
#
# Before the first step $\pi = \pi_{ref}$: the bracket is zero, whatever $\beta$ and the images are, and
# $L = -\log \tfrac12 = \ln 2 \approx 0.693$. A run that starts elsewhere has a mistake in it, and one
# that stays there has learned nothing. Three images are enough to see all of it:

# %%
beta, reward = 0.5, torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)
reference = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
prefers = torch.sigmoid(reward[:, None] - reward)  # (w, l): how often w is preferred
pairs = prefers * (1 - torch.eye(3, dtype=torch.float64)) / 3  # every pair as often, in both orders


def loss_of(policy: torch.Tensor) -> torch.Tensor:
    """Mean DPO loss of a policy, given as logits (3,)."""
    ratio = beta * (policy.log_softmax(0) - reference.log())
    return -(pairs * logsigmoid(ratio[:, None] - ratio)).sum()


# %%
policy = reference.log().clone().requires_grad_()
first = float(loss_of(policy.detach()))
optimiser = torch.optim.LBFGS([policy], max_iter=200, tolerance_grad=1e-12, tolerance_change=0)


def closure() -> torch.Tensor:
    """Loss with its gradient, as LBFGS asks for."""
    optimiser.zero_grad()
    loss = loss_of(policy)
    loss.backward()
    return loss


optimiser.step(closure)
last = float(loss_of(policy.detach()))
tuned, wanted = policy.detach().softmax(0), (reference.log() + reward / beta).softmax(0)
print(f"loss at the start {first:.4f} (ln 2 = {np.log(2):.4f}), at the end {last:.4f}")
print("tuned", tuned.numpy().round(4), "closed form", wanted.numpy().round(4))
page.check("the loss starts at ln 2", abs(first - np.log(2)) < 1e-12)
page.check("the minimum is the closed form", bool(torch.allclose(tuned, wanted, atol=1e-4)))

# %% [markdown]
# **What to see.** The tuned model is the reference tilted by the reward, without a reward model and
# without $Z$. The end is not zero: a reader who sometimes chooses at random cannot be predicted.
#
# ## 5. Why a Fréchet distance is biased
#
# FID is the squared distance between two Gaussians, fitted to the features of $n$ images each:
#
# $$ d^2 = |\hat\mu_1 - \hat\mu_2|^2 + \mathrm{tr}\bigl( \hat\Sigma_1 + \hat\Sigma_2
# - 2 (\hat\Sigma_1 \hat\Sigma_2)^{1/2} \bigr) . $$
#
# It cannot be negative, so any error in $\hat\mu$ or $\hat\Sigma$ pushes it up. How far, for two samples
# of *one* law with $\Sigma = I$ in $D$ dimensions?
#
# *Means.* Each coordinate of $\hat\mu_1 - \hat\mu_2$ has variance $2/n$: together $2D/n$.
#
# *Covariances.* Write $\hat\Sigma_i = I + E_i$ with small $E_i$. To second order the trace is
# $\tfrac14 |E_1 - E_2|_F^2$ (in one dimension: $(\sqrt{1+e_1} - \sqrt{1+e_2})^2 \approx
# \tfrac14 (e_1 - e_2)^2$). An entry of $E_i$ has variance $1/n$ off the diagonal and $2/n$ on it, so
# $|E_1 - E_2|_F^2$ has mean $2\,(D(D-1) + 2D)/n = 2D(D+1)/n$. Altogether
#
# $$ \mathbb{E}\, d^2 \approx \frac{D(D+1)}{2n} + \frac{2D}{n} . $$
#
# The bias grows with the *square* of the number of features and falls only as $1/n$. With the 2,048
# features of the usual network it is above 40 for 50,000 whitened images.

# %%
D, SIZES = 8, (50, 100, 200, 400, 800)
nulls = {n: [fidelity.frechet(*rng.normal(size=(2, n, D))) for _ in range(30)] for n in SIZES}
theory = {n: fidelity.null_frechet(D, n) for n in SIZES}
ratio = [np.mean(nulls[n]) / theory[n] for n in SIZES]
print(f"2,048 features, 50,000 images: {fidelity.null_frechet(2048, 50_000):.1f}")
page.check("the mean is what theory says", all(0.85 < each < 1.15 for each in ratio))
page.check("no distance is zero", min(map(min, nulls.values())) > 0)

# %%
caption = f"Fréchet distance of two samples of one Gaussian law in {D} dimensions: dots, and theory."
with page.figure(caption, name="frechet", figsize=(5.6, 3.2)) as ax:
    for n, each in nulls.items():
        ax.plot([n] * len(each), each, ".", color=plots.ROLES["method"], alpha=0.4)
    ax.loglog(SIZES, theory.values(), "--", color=plots.ROLES["baseline"], label="D(D+1)/2n + 2D/n")
    ax.minorticks_off()
    ax.set_xticks(SIZES, SIZES)
    ax.set(xlabel="images in each sample", ylabel="squared distance")
    ax.legend(fontsize=8)

# %% [markdown]
# **What to see.** Nothing differs, and no distance is zero. Two methods may be compared by FID only
# with as many images each; a distance near its null means "as close as real is to real". Tables here
# print the null beside every distance.
#
# ## Glossary
#
# | word | what it means here |
# |---|---|
# | adherence | how often an independent reader sees in a sample what was asked for |
# | arm | one way of making the training set, such as *real* or *pavae*; a line of a table |
# | attribution | whether a gain also stands against arms that add no new pathology |
# | claim | one sentence of a paper that can be tested, with the test and margin that we fixed |
# | competent | said of a generator that passes the gate |
# | coverage | the share of real images that have a sample near them |
# | deviation | image minus healthy counterfactual: what the lesion changed |
# | draw | a fresh training set with everything that is trained on it; all arms share it |
# | exploratory | before the first look, or after a change made with results in sight |
# | gate | what a generator must meet before a claim about it is read |
# | healthy counterfactual, twin | the same subject, same noise, without the lesion |
# | job | one step of the computation, kept under the hash of its recipe and its code |
# | law | a frozen population of phantoms, from which subjects are drawn |
# | ledger | the list of all claims |
# | look | a number of draws at which a verdict may fall: 4, 6, 8 and 10 |
# | margin | the smallest difference that counts |
# | null | what a metric reads where nothing was achieved |
# | oracle | the arm that adds fresh phantoms, as many as a method adds samples |
# | phantom | a procedural image whose truth is known |
# | plateau | the point after which further training hardly changes the samples |
# | pool | the samples that a generator gives to a task |
# | profile | how much is computed: smoke, quick, full, paper |
# | reader | a network, trained apart from all arms, that says what it sees in an image |
# | record | the committed draws, under data/record |
# | regime | the setting of a study: a modality, a share of labels, an architecture |
# | share | a gain as a part of the oracle's gain, with Fieller's interval |
# | substrate | PathoSyn's word for the slice without its lesion, as a network predicts it |
# | task | what the images are used for: classification or segmentation |
# | verdict | what the rules say of a claim, from its draws |
#
# ## In this notebook we have
#
# - sorted out the letters that the papers share;
# - derived five results that the papers use, and checked each by numbers;
# - seen why a loss of 0.693 and a distance above zero may mean that nothing has happened.
#
# Next: [pavae/00_claims](pavae/00_claims.py), or [00_start_here](00_start_here.py) for the course.
#
# ## Exercises
#
# **1.** What is the KL divergence, in nats, of $N(1, 1)$ from $N(0, 1)$?

# %%
answer = None  # your number
page.exercise(answer, lambda: 0.5, within=0.001)

# %% [markdown]
# **2.** Two samples of 1,000 images have a Fréchet distance of 0.5 in 30 whitened features. How much of
# that would two samples of one law give?

# %%
answer = None  # your number
page.exercise(answer, lambda: fidelity.null_frechet(30, 1000), within=0.005)

# %% [markdown]
# **3.** At $\bar\alpha_t = 0.2$ a model's noise is off by 0.05. How far off is its image?

# %%
answer = None  # your number
page.exercise(answer, lambda: 0.05 * (0.8 / 0.2) ** 0.5, within=0.001)

# %%
page.close()
