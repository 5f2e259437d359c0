"""The metamorphic auto-encoder: deformations against closed forms, codes, samples, fits."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch
from scipy.linalg import expm
from scipy.ndimage import gaussian_filter, label
from torch.distributions import Bernoulli, Normal, kl_divergence
from toy_lesions import SIDE, disc, lesion_set, scans

from lib.generators import metamorphic, observation
from lib.generators.metamorphic import Metamorphic, MetamorphicSettings, exponential, warped
from lib.jobs import Result
from lib.training.loop import as_pairs
from lib.training.weights import seeded

SMALL = MetamorphicSettings(
    shape=3, appearance=4, side=SIDE, widths=(8, 8, 8), steps=6, batch=4, precision="float32"
)
INSIDE = slice(8, -8)  # pixels that no flow of these tests carries beyond the border


def rng(seed=0):
    return np.random.default_rng(seed)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def awake(settings=SMALL):
    """A model whose every weight is drawn: no layer starts at zero."""
    model = seeded(lambda: Metamorphic(settings), rng())
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(0.3 * torch.randn(weight.shape, generator=generator()))
    return model.eval()


def pairs(n=6):
    made = scans(n)
    return as_pairs(made["image"], made["mask"])


def points(side=SIDE):
    """(side, side, 2) float64: row and column from the middle of the image."""
    at = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    return torch.stack(torch.meshgrid(at, at, indexing="ij"), -1)


def linear(matrix, side=SIDE):
    """The velocity field v(p) = matrix p about the middle, (1, 2, side, side)."""
    return (points(side) @ torch.tensor(matrix).double().T).permute(2, 0, 1)[None].float()


def smooth_field(seed=0, size=1.5):
    field = gaussian_filter(rng(seed).standard_normal((2, SIDE, SIDE)), (0, 5, 5))
    return torch.from_numpy(field / np.abs(field).max() * size)[None].float()


# ---- deformations -------------------------------------------------------------------------------


def test_a_constant_velocity_is_a_translation():
    """Red with rows and columns exchanged, a wrong sign, or pixels that are not pixels."""
    image = torch.from_numpy(rng().random((1, 1, SIDE, SIDE))).float()
    velocity = torch.tensor([3.0, -2.0]).view(1, 2, 1, 1).expand(1, 2, SIDE, SIDE)
    u = exponential(velocity, 6)
    torch.testing.assert_close(u, velocity)
    moved = warped(image, u)
    torch.testing.assert_close(moved[..., :-3, 2:], image[..., 3:, :-2], rtol=0, atol=1e-4)


@pytest.mark.parametrize("matrix", [
    [[0.0, -0.3], [0.3, 0.0]], [[0.2, 0.0], [0.0, -0.1]], [[0.1, 0.2], [0.0, -0.1]],
])  # fmt: skip
def test_a_linear_velocity_is_the_matrix_exponential(matrix):
    """The error halves with every squaring more: it is that of the first small step."""
    expected = points() @ torch.from_numpy(expm(np.array(matrix))).T - points()
    expected = expected.permute(2, 0, 1)[None, :, INSIDE, INSIDE].float()
    errors = [
        (exponential(linear(matrix), k)[..., INSIDE, INSIDE] - expected).abs().max().item()
        for k in (5, 6, 7)
    ]
    assert errors[1] < 0.01
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.1)


def test_the_flow_of_the_opposite_velocity_is_the_inverse():
    v = smooth_field()
    there, back = exponential(v, 6), exponential(-v, 6)
    both = there + warped(back, there)
    assert there.abs().max() > 1
    assert both[..., INSIDE, INSIDE].abs().max() < 0.05
    assert (there + back).abs().max() > 0.1, "the opposite displacement is not the inverse"


def test_no_flow_folds():
    """Its Jacobian determinant stays positive where the displacement v itself would fold."""
    v = smooth_field(size=9.0)

    def least(u):
        dy, dx = torch.gradient(u[0].double(), dim=(1, 2))
        return ((1 + dy[0]) * (1 + dx[1]) - dy[1] * dx[0])[4:-4, 4:-4].min()

    assert least(v) < 0 < least(exponential(v, 6))


def test_a_mask_that_is_turned_a_little_keeps_its_area_and_stays_in_one_piece():
    mask = torch.from_numpy(disc(12, 18, 6) & ~disc(12, 18, 2)).float()[None, None]
    turned = warped(mask, exponential(linear([[0.0, -0.2], [0.2, 0.0]]), 6))[0, 0] > 0.5
    assert turned.sum().item() == pytest.approx(mask.sum().item(), rel=0.06)
    assert not torch.equal(turned, mask[0, 0] > 0.5)
    assert label(turned)[1] == 1 and label(~turned)[1] == 2, "a ring, with its hole"


def test_velocities_are_smoothed_by_a_gaussian():
    fields = torch.from_numpy(rng().standard_normal((2, 2, SIDE, SIDE)))
    expected = gaussian_filter(fields.numpy(), (0, 0, 2, 2), mode="nearest", truncate=3)
    found = metamorphic.smoothed(fields.float(), 2.0)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-5)
    assert torch.equal(metamorphic.smoothed(fields.float(), 0.0), fields.float())


# ---- codes --------------------------------------------------------------------------------------


def test_codes_of_zeros_are_the_template():
    model = awake()
    none = model.decode(torch.zeros(1, 7))[0]
    torch.testing.assert_close(none, model.template, rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        appearance, shape = torch.zeros(2, 7), torch.zeros(2, 7)
        appearance[:, 3:] = torch.randn(2, 4, generator=generator())
        shape[:, :3] = torch.randn(2, 3, generator=generator())
        added = model.appearance(appearance[:, 3:])
        torch.testing.assert_close(model.decode(appearance), model.template + added, rtol=1e-3,
                                   atol=1e-3)  # fmt: skip
        carried = warped(model.template.expand(2, -1, -1, -1), model.flow(shape[:, :3]))
        torch.testing.assert_close(model.decode(shape), carried)
    assert added.abs().max() > 0.1 and (carried - model.template).abs().max() > 0.1


def test_gradients_reach_template_appearance_shape_and_encoder():
    model, given = awake(), pairs()
    terms = metamorphic.loss_terms(model, given, torch.randn(6, 7, generator=generator()))
    (terms["image"] + terms["mask"]).backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None and weight.grad.abs().max() > 0, name


def test_the_terms_are_a_gaussian_a_bernoulli_and_the_kl():
    model, given = awake(), pairs()
    eps = torch.randn(6, 7, generator=generator())
    terms = metamorphic.loss_terms(model, given, eps)
    mean, log_sd = model.posterior(given)
    kl = kl_divergence(Normal(mean, log_sd.exp()), Normal(0.0, 1.0)).sum(1).mean()
    torch.testing.assert_close(terms["kl"], kl)
    image, logits = model.decode(mean + log_sd.exp() * eps).unbind(1)
    entropy = -Bernoulli(logits=logits).log_prob(given[:, 1]).sum((1, 2)).mean()
    torch.testing.assert_close(terms["mask"], entropy)
    law = Normal(image, SMALL.sd)
    off = (law.log_prob(image) - law.log_prob(given[:, 0])).sum((1, 2)).mean()
    torch.testing.assert_close(terms["image"], off)


def test_a_fit_starts_at_the_mean_slice_and_the_rate_of_lesions():
    model, given = seeded(lambda: Metamorphic(SMALL), rng()), pairs(20)
    model.start(given)
    z = torch.randn(4, 7, generator=generator())
    image, logits = model.decode(z).unbind(1)
    mean, rate = given.mean(0)
    torch.testing.assert_close(image, mean.expand(4, -1, -1), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(logits.sigmoid(), rate.clamp(1e-3).expand(4, -1, -1), rtol=1e-3,
                               atol=1e-3)  # fmt: skip


# ---- samples ------------------------------------------------------------------------------------


def test_codes_of_samples_have_the_moments_of_their_prior():
    normal = awake(replace(SMALL, prior="normal")).codes(20_000, generator())
    assert normal.mean(0).abs().max() < 0.03
    torch.testing.assert_close(torch.cov(normal.T), torch.eye(7), rtol=0, atol=0.04)
    model, given = awake(), pairs(30)
    model.learn_prior(given)
    mean, log_sd = model.posterior(given)
    spread = torch.cov(mean.T) + (2 * log_sd).exp().mean(0).diag()
    found = model.codes(20_000, generator())
    tolerance = 0.04 * spread.diag().max().item()
    torch.testing.assert_close(found.mean(0), mean.mean(0), rtol=0, atol=tolerance**0.5 / 4)
    torch.testing.assert_close(torch.cov(found.T), spread, rtol=0, atol=tolerance)


def test_samples_are_images_with_masks_and_draws_about_their_means():
    data = lesion_set(40)
    fitted = metamorphic.fit_job(data, asdict(SMALL), [3])
    loud = observation.Noise(np.full(len(observation.GREYS), 0.05), 0.0)
    drawn, smooth = (
        metamorphic.pool(Result(fitted.arrays | loud.arrays,
                                {"settings": asdict(replace(SMALL, noisy=noisy))}), 20, [5]).arrays
        for noisy in (True, False)
    )  # fmt: skip
    assert drawn["image"].shape == drawn["mask"].shape == (20, SIDE, SIDE)
    assert (drawn["image"].dtype, drawn["mask"].dtype) == (np.float32, bool)
    assert np.array_equal(drawn["mask"], smooth["mask"])
    inside = (smooth["image"] > 0.2) & (smooth["image"] < 0.8)
    assert (drawn["image"] - smooth["image"])[inside].std() == pytest.approx(0.05, rel=0.05)
    assert drawn["image"].min() >= 0 and drawn["image"].max() <= 1


# ---- fits ---------------------------------------------------------------------------------------


def test_a_fit_finds_how_squares_are_shifted():
    """One square, shifted: a flow explains it, and the template is as sharp as the square."""
    columns = rng().integers(6, 19, 64)
    x = np.zeros((64, SIDE, SIDE), dtype=np.float32)
    for image, c in zip(x, columns, strict=True):
        image[11:21, c : c + 8] = 0.8
    s = replace(SMALL, appearance=1, steps=120, batch=8, anneal=50, rate=1e-2, average=0.9)
    *_, state = metamorphic.fit(x, x > 0.5, s, rng())
    model, given = state.model, as_pairs(x, x > 0.5)
    with torch.no_grad():
        mean, _ = model.posterior(given)
        found = model.decode(mean)
    error = (found[:, 0] - given[:, 0]).square().mean()
    assert error < 0.3 * given[:, 0].var(0, correction=0).mean()
    u = model.flow(mean[:, :3])[:, 1, 12:20, 8:24].mean((1, 2)).detach()
    assert np.corrcoef(u, columns)[0, 1] < -0.9, "a square further right is pulled from the left"
    overlap = ((found[:, 1] > 0) & (given[:, 1] > 0)).sum() / (given[:, 1] > 0).sum()
    assert overlap > 0.7


def test_the_same_stream_gives_the_same_bytes_and_another_gives_others():
    data = lesion_set(40)
    one, two, other = (metamorphic.fit_job(data, asdict(SMALL), [k]) for k in (3, 3, 4))
    assert all(one.arrays[k].tobytes() == two.arrays[k].tobytes() for k in one.arrays)
    assert any(not np.array_equal(one.arrays[k], other.arrays[k]) for k in one.arrays)
    first, second = (metamorphic.pool(one, 3, [k]).arrays["image"] for k in (1, 2))
    assert not np.array_equal(first, second)
    model = metamorphic.load(one)
    assert model.settings == SMALL and not any(w.requires_grad for w in model.parameters())
    assert model.prior_mean.abs().max() > 0, "learnt at the end, and kept"


def test_reconstructions_stand_beside_what_they_are_of():
    data = lesion_set(12)
    fitted = metamorphic.fit_job(lesion_set(40), asdict(SMALL), [3])
    made = metamorphic.reconstruction(fitted, data, 5).arrays
    assert np.array_equal(made["image"], data.arrays["image"][:5])
    mean, _ = metamorphic.load(fitted).posterior(pairs(12))
    alone = metamorphic.load(fitted).decode(mean)[:5, 0].clamp(0, 1)
    np.testing.assert_allclose(made["reconstruction"], alone.detach().numpy(), atol=1e-5)
    assert made["mask_reconstruction"].dtype == bool


def test_bad_pairs_and_settings_are_refused():
    made = scans(4)
    with pytest.raises(ValueError, match="no lesion pixel"):
        next(metamorphic.fit(made["image"], np.zeros_like(made["mask"]), SMALL, rng()))
    with pytest.raises(ValueError, match="prior 'odd' is unknown"):
        Metamorphic(replace(SMALL, prior="odd"))


def test_operations_grow_with_the_network():
    few, many = (metamorphic.operations(asdict(replace(SMALL, widths=w))) for w in
                 ((8, 8, 8), (16, 16, 16)))  # fmt: skip
    assert 0 < 2 * few < many
