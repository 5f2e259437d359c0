"""Networks of text-to-image diffusion with a ControlNet, on latents (B, C, 16, 16) of films.

    half:    x_t, step, text -> maps at 16, 8 and 4 pixels a side          the encoder half
    U-Net:   half, then back up with its maps as skips -> noise or v       the base
    branch:  a copy of half that also sees a mask; its maps join the base's through
             1x1 convolutions that start at zero (Zhang et al. 2023)       the ControlNet

Text comes in twice: cross-attention at 8 and 4 pixels a side, and the mean of its vectors added to
the time. "N/A" and padding are zero vectors, and neither way has a bias before text: no text is
exactly nothing. Films are folded by two into channels before the coder; layers at full resolution
cost most.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.networks.baselines import TimedUnit, time_features
from lib.networks.blocks import upsample
from lib.networks.pathosyn import FOLD, bare, doubled, unfolded
from lib.networks.wsconv import Attention

GROUPS = 8  # of GroupNorm: every width is a multiple
HEADS = 4  # of attention to text
LATENT_FOLD = 4  # film pixels a side of one latent pixel
LATENT = 4  # channels of a latent, as Rombach et al. have it
START = -4.0  # log-variance of latents when training starts
PADDING, NO_TEXT = 0, 1  # tokens that say nothing


# ---- coder --------------------------------------------------------------------------------------


class FilmEncoder(nn.Module):
    """Films (B, 1, 64, 64) in [0, 1] -> mean and log-variance of latents (B, LATENT, 16, 16).

    The mean starts as the film at half its resolution, folded by two, and with little variance: a
    network that starts from nothing takes thousands of steps to draw a rib.
    """

    def __init__(self, widths: tuple[int, int]):
        super().__init__()
        fine, coarse = widths
        layers = bare(FOLD**2, fine), bare(fine, coarse, stride=2), bare(coarse, coarse)
        self.body = nn.Sequential(*layers)
        self.out = nn.Conv2d(coarse, 2 * LATENT, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, film: Tensor) -> tuple[Tensor, Tensor]:
        film = 2 * film - 1
        half = F.pixel_unshuffle(F.avg_pool2d(film, 2), FOLD)
        mean, log_variance = self.out(self.body(F.pixel_unshuffle(film, FOLD))).float().chunk(2, 1)
        return half + mean, START + log_variance


class FilmDecoder(nn.Module):
    """Latents (B, LATENT, 16, 16) -> films (B, 1, 64, 64), float32, not yet clipped to [0, 1].

    It starts as the inverse of what the encoder starts as, interpolated.
    """

    def __init__(self, widths: tuple[int, int]):
        super().__init__()
        fine, coarse = widths
        self.deep = nn.Sequential(bare(LATENT, coarse), bare(coarse, coarse))
        self.fine = bare(coarse, fine)
        self.out = nn.Conv2d(fine, FOLD**2, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, z: Tensor) -> Tensor:
        detail = unfolded(self.out, self.fine(doubled(self.deep(z))))
        return (upsample(F.pixel_shuffle(z, FOLD)) + detail + 1) / 2


# ---- text ---------------------------------------------------------------------------------------


class TextEncoder(nn.Module):
    """Tokens (B, length) -> one vector a token (B, length, width); zero where a token says nothing.

    Layers of a transformer (Vaswani et al. 2017) that attend to words only.
    """

    def __init__(self, words: int, length: int, width: int, depth: int = 1):
        super().__init__()
        self.word, self.place = nn.Embedding(words, width), nn.Embedding(length, width)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(width, HEADS, 2 * width, 0.0, "gelu", batch_first=True)
            for _ in range(depth)
        )

    def forward(self, tokens: Tensor) -> Tensor:
        tokens = tokens.long()
        h = self.word(tokens) + self.place.weight
        for layer in self.layers:
            h = layer(h, src_key_padding_mask=tokens == PADDING)
        return h * (tokens > NO_TEXT).unsqueeze(-1)


class TextAttention(nn.Module):
    """Residual attention of pixels (B, width, H, W) to text (B, length, text); starts as identity.

    Zero vectors have key and value zero: a pixel may look at nothing.
    """

    def __init__(self, width: int, text: int):
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, width)
        self.query = nn.Conv2d(width, width, 1)
        self.key_value = nn.Linear(text, 2 * width, bias=False)
        self.out = nn.Conv2d(width, width, 1, bias=False)
        nn.init.zeros_(self.out.weight)

    def forward(self, h: Tensor, text: Tensor) -> Tensor:
        query = _heads(self.query(self.norm(h)).flatten(2).transpose(1, 2))
        key, value = (_heads(part) for part in self.key_value(text).chunk(2, 2))
        weight = (query @ key.transpose(2, 3) / key.shape[3] ** 0.5).softmax(3)  # pixels by tokens
        mixed = weight.to(value.dtype) @ value  # torch's own attention is slow backwards here
        return h + self.out(mixed.transpose(2, 3).reshape(h.shape))


def mean_vector(text: Tensor) -> Tensor:
    """Mean (B, width) of the vectors that are not zero; zero where all are."""
    words = text.any(2).sum(1, keepdim=True)
    return text.sum(1) / words.clamp(min=1)


def _heads(x: Tensor) -> Tensor:
    """(B, n, width) -> (B, heads, n, width / heads)."""
    return x.unflatten(2, (HEADS, -1)).transpose(1, 2)


# ---- base ---------------------------------------------------------------------------------------


class EncoderHalf(nn.Module):
    """x_t (B, LATENT, 16, 16), steps (B,), text (B, length, text) -> maps and time.

    The maps, finest first: (B, widths[0], 16, 16), (B, widths[1], 8, 8), (B, widths[2], 4, 4), the
    last of which is the middle's.
    """

    def __init__(self, widths: tuple[int, int, int], text: int):
        super().__init__()
        fine, middle, coarse = widths
        self.time = nn.Sequential(nn.Linear(coarse, coarse), nn.SiLU(), nn.Linear(coarse, coarse))
        self.mean_text = nn.Linear(text, coarse, bias=False)
        self.into = nn.Conv2d(LATENT, fine, 3, padding=1)
        self.units = nn.ModuleList(TimedUnit(width, coarse) for width in (*widths, coarse))
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in ((fine, middle), (middle, coarse))
        )
        self.text = nn.ModuleList(TextAttention(width, text) for width in (middle, coarse))
        self.attention = Attention(coarse)

    def forward(
        self, x: Tensor, t: Tensor, text: Tensor, hint: Tensor | None = None
    ) -> tuple[list[Tensor], Tensor]:
        """hint (B, widths[0], 16, 16) joins what the first convolution says."""
        time = self.time(time_features(t, self.time[0].in_features))
        time = F.silu(time + self.mean_text(mean_vector(text)))
        h = self.into(x)
        maps = [self.units[0](h if hint is None else h + hint, time)]
        for down, unit, attention in zip(self.down, self.units[1:3], self.text, strict=True):
            maps.append(attention(unit(down(maps[-1]), time), text))
        maps[-1] = self.units[3](self.attention(maps[-1]), time)
        return maps, time


class TextUNet(nn.Module):
    """x_t (B, LATENT, 16, 16), steps (B,), text -> noise or v (B, LATENT, 16, 16)."""

    def __init__(self, widths: tuple[int, int, int], text: int):
        super().__init__()
        fine, middle, coarse = widths
        self.encoder = EncoderHalf(widths, text)
        pairs = (coarse + middle, middle), (middle + fine, fine)
        self.join = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairs)
        self.units = nn.ModuleList(TimedUnit(width, coarse) for width in (middle, fine))
        self.text = TextAttention(middle, text)
        self.norm = nn.GroupNorm(GROUPS, fine)
        self.out = nn.Conv2d(fine, LATENT, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(
        self, x: Tensor, t: Tensor, text: Tensor, control: list[Tensor] | None = None,
        hint: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        """control: what a branch adds to the maps of the encoder half; hint: see there."""
        maps, time = self.encoder(x, t, text, hint)
        if control is not None:
            maps = [h + more for h, more in zip(maps, control, strict=True)]
        fine, middle, h = maps
        h = self.units[0](self.join[0](torch.cat([doubled(h), middle], 1)), time)
        h = self.text(h, text)
        h = self.units[1](self.join[1](torch.cat([doubled(h), fine], 1)), time)
        return self.out(F.silu(self.norm(h)))


# ---- branch -------------------------------------------------------------------------------------


class ControlBranch(nn.Module):
    """x_t, steps, text and a mask (B, 1, 64, 64) of 0 and 1 -> what joins the base's maps.

    The hint of a black mask is zero (paper, "Model Architecture and Training"). `silent`, ours: a
    black mask also silences the branch as a whole, which leaves the base as it was.
    """

    def __init__(self, widths: tuple[int, int, int], text: int, silent: bool = False):
        super().__init__()
        self.silent, fine = silent, widths[0]
        self.encoder = EncoderHalf(widths, text)
        self.hint = nn.Sequential(
            nn.Conv2d(LATENT_FOLD**2, fine, 3, padding=1), nn.SiLU(),
            nn.Conv2d(fine, fine, 3, padding=1), nn.SiLU(), zero_convolution(fine),
        )  # fmt: skip
        self.zero = nn.ModuleList(zero_convolution(width) for width in widths)

    def hints(self, mask: Tensor) -> Tensor:
        """(B, widths[0], 16, 16); zero where a mask is black."""
        return self.hint(F.pixel_unshuffle(mask, LATENT_FOLD)) * marked(mask)

    def forward(self, x: Tensor, t: Tensor, text: Tensor, mask: Tensor) -> list[Tensor]:
        maps, _ = self.encoder(x, t, text, self.hints(mask))
        control = [zero(h) for zero, h in zip(self.zero, maps, strict=True)]
        return [h * marked(mask) for h in control] if self.silent else control

    def copy_encoder(self, base: TextUNet) -> tuple[list[str], list[str]]:
        """Take the base's encoder half over; the names of the weights copied and of those not.

        RuntimeError if a weight of the half is missing, left over or of another shape.
        """
        self.encoder.load_state_dict(base.encoder.state_dict(), strict=True)
        names = [*self.state_dict()]
        copied = [name for name in names if name.startswith("encoder.")]
        return copied, [name for name in names if name not in copied]


def marked(mask: Tensor) -> Tensor:
    """1 where a mask (B, 1, H, W) has any pixel, 0 where it is black, (B, 1, 1, 1)."""
    return (mask > 0).any((1, 2, 3)).view(-1, 1, 1, 1).to(mask.dtype)


def zero_convolution(width: int) -> nn.Conv2d:
    """A 1x1 convolution whose weight and bias start at zero."""
    conv = nn.Conv2d(width, width, 1)
    nn.init.zeros_(conv.weight)
    nn.init.zeros_(conv.bias)
    return conv


class MaskPlanes(nn.Conv2d):
    """A mask (B, 1, 64, 64) as further channels of the base's first convolution, zero at first.

    A convolution of more channels is the sum of two; apart, the start is the base bit for bit.
    """

    def __init__(self, width: int):
        super().__init__(LATENT_FOLD**2, width, 3, padding=1, bias=False)
        nn.init.zeros_(self.weight)

    def forward(self, mask: Tensor) -> Tensor:
        return super().forward(F.pixel_unshuffle(mask, LATENT_FOLD))
