r"""The curve that a coupling bends a number along: increasing, with a slope everywhere, made of K pieces with a formula for each.

An affine coupling can only move and stretch a pixel. But a pixel beside a stroke is either black or white and hardly ever in between, and
no stretching makes a bell of that. A spline can: between K + 1 knots (x_k, y_k) with slopes d_k it is a quotient of two quadratic
polynomials (Gregory and Delbourgo 1982; Durkan et al. 2019, "Neural spline flows"). With t in [0, 1] the place within a piece, w and h its
width and height and s = h / w,

    z = y_k + h (s t^2 + d_k t (1 - t)) / (s + (d_k + d_{k+1} - 2 s) t (1 - t)),

whose inverse is the solution of a quadratic equation: undoing costs no more than doing. Outside [-BOUND, BOUND] the curve is straight.
The widths, heights and slopes are what the network says; LEAST keeps them from zero, or rounding would make the curve irreversible.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

BOUND = 4.0
LEAST = 0.01  # of the range for a width or a height, and the smallest slope


def size(k: int) -> int:
    """How many numbers describe a curve of k pieces; all of them zero is the identity."""
    return 3 * k + 1


def forward(y: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
    """y (B, ...), descriptions p (B, size, ...) -> z and ladj, both like y, number by number."""
    x, w, v, h, d = read(p)
    held = y.clamp(-BOUND, BOUND)
    x, w, v, h, d0, d1 = piece(held, x, (x, w, v, h, d[:, :-1], d[:, 1:]))
    s, t = h / w, (held - x) / w
    both = t * (1 - t)
    below = s + (d0 + d1 - 2 * s) * both
    z = v + h * (s * t * t + d0 * both) / below
    log_slope = 2 * torch.log(s) + torch.log(d1 * t * t + 2 * s * both + d0 * (1 - t) ** 2) - 2 * torch.log(below)
    beyond = y - held
    end = torch.where(beyond < 0, d[:, 0], d[:, -1])
    return z + beyond * end, torch.where(beyond == 0, log_slope, torch.log(end))


def inverse(z: Tensor, p: Tensor) -> Tensor:
    """The y (B, ...) of which `forward` makes z."""
    x, w, v, h, d = read(p)
    held = z.clamp(-BOUND, BOUND)
    x, w, v, h, d0, d1 = piece(held, v, (x, w, v, h, d[:, :-1], d[:, 1:]))
    s, up = h / w, held - v
    bow = up * (d0 + d1 - 2 * s)
    a, b, c = h * (s - d0) + bow, h * d0 - bow, -s * up
    t = 2 * c / (-b - torch.sqrt((b * b - 4 * a * c).clamp(min=0)))  # the root in [0, 1], written so that nothing cancels
    beyond = z - held
    return x + w * t + beyond / torch.where(beyond < 0, d[:, 0], d[:, -1])


def read(p: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Descriptions p (B, size, ...) -> left ends x and widths w, lower ends v and heights h, each (B, K, ...), slopes (B, K + 1, ...)."""
    k = (p.shape[1] - 1) // 3
    one = math.log(math.expm1(1 - LEAST))  # softplus gives slope 1 at 0
    sides = []
    for part in (p[:, :k], p[:, k : 2 * k]):
        lengths = 2 * BOUND * (LEAST + (1 - k * LEAST) * torch.softmax(part, 1))
        sides += [torch.cumsum(lengths, 1) - lengths - BOUND, lengths]
    return *sides, LEAST + F.softplus(p[:, 2 * k :] + one)


def piece(y: Tensor, ends: Tensor, what: tuple[Tensor, ...]) -> list[Tensor]:
    """Of each of `what` (B, K, ...) the value of the piece that y (B, ...) lies in; `ends` (B, K, ...) are where the pieces begin."""
    begun = torch.cat([torch.ones_like(ends[:, :1], dtype=torch.bool), y.unsqueeze(1) >= ends[:, 1:]], 1)
    here = begun & ~torch.cat([begun[:, 1:], torch.zeros_like(begun[:, :1])], 1)
    return [torch.where(here, part, 0).sum(1) for part in what]
