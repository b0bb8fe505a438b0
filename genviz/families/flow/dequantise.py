r"""Between the bytes: noise that turns a picture of bytes into a picture of real numbers, and the price of it.

A density may be as high as it likes at a single number: a flow trained on bytes alone would put infinite spikes on 0, 1, ..., 255 and learn
nothing. So noise u in (0, 1) fills the gap to the next byte, and the probability of the byte is the density over its whole unit cube,

    p(byte) = int p(byte + u) du  >=  exp E_q log (p(byte + u) / q(u | byte)).

Uniform u is the plain choice, but then the flow has to model boxes with sharp edges. Here u itself is drawn by a small flow that has seen
the picture and is trained with everything else, so that its noise suits the big one (Flow++, Ho et al. 2019):

    u = sigmoid(g),    g = mu(byte) + exp(s(byte)) eps,    eps from N(0, I).

What the flow sees is the logit of the brightness, y = log(byte + u) - log(256 - byte - u), over SPREAD: black and white, where most
pixels are, become two clusters of unit size instead of two needles (the idea is from RealNVP, Dinh et al. 2017).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genviz.families.flow.net import conv, quiet

SPREAD = 2.5  # of the logits, so that what the flow sees has unit size


class Noise(nn.Module):
    """The noise of every pixel, from the picture around it: bytes (B, 1, 28, 28) as floats, eps like them -> y and log p's correction."""

    def __init__(self, width: int):
        super().__init__()
        self.a, self.b = conv(8, width), conv(width, width)
        self.head = quiet(conv(width, 8), torch.zeros(8))

    def forward(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """-> y like x; ladj (B,), the log-determinant of byte + u -> y; log_q (B,), the log-density of u."""
        ends = (x == 0).to(x.dtype) - (x == 255).to(x.dtype)  # what no smooth function of the byte would tell
        seen = F.pixel_unshuffle(torch.cat([x / 127.5 - 1, ends], 1), 2).contiguous(memory_format=torch.channels_last)  # (B, 8, 14, 14)
        mu, s = F.pixel_shuffle(self.head(F.silu(self.b(F.silu(self.a(seen))))), 2).chunk(2, 1)
        s = 2 * torch.tanh(s / 2)
        g = mu + torch.exp(s) * eps
        log_q = -eps * eps / 2 - math.log(2 * math.pi) / 2 - s - F.logsigmoid(g) - F.logsigmoid(-g)
        dark, light = torch.log(x + torch.sigmoid(g)), torch.log(255 - x + torch.sigmoid(-g))
        return (dark - light) / SPREAD, (math.log(256 / SPREAD) - dark - light).flatten(1).sum(1), log_q.flatten(1).sum(1)


def brightness(y: Tensor) -> Tensor:
    """What the flow sees, as a picture in (-1, 1): byte + u = 128 (x + 1)."""
    return torch.tanh(SPREAD * y / 2)


def to_levels(y: Tensor) -> Tensor:
    """The bytes that y belongs to, as a picture in [-1, 1]: the noise is rounded away."""
    return (128 * (brightness(y) + 1)).floor().clamp(0, 255) / 127.5 - 1
