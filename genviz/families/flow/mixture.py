r"""The curve that a coupling bends a number along: increasing, smooth, and flexible enough for several modes at once.

An affine coupling can only move and stretch a pixel: z = y exp(a) + b. A pixel at the edge of a stroke is either black or white and
hardly ever in between, and no stretching makes a bell of that. The distribution function of a mixture of K logistics,

    F(y) = sum_k w_k sigmoid((y - mu_k) / s_k),

sends two modes to two neighbouring halves of (0, 1); logit takes those back to the whole line (Flow++, Ho et al. 2019):

    z = exp(a) (logit F(y) + LEAK y + b).

The curve has K weights, places and widths, and a and b, all from the network that sees the pixels at rest. LEAK is ours: between
two far modes F is flat, and a flat curve cannot be undone in single precision; with the leak its slope never falls below LEAK exp(a).

There is no formula for the inverse, but good bounds for it: logit F(y) lies between the smallest and the largest (y - mu_k) / s_k, so y
lies between the solutions of K linear equations. Newton's method, kept within these bounds, needs about ten steps from there.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

LEAK = 0.02
NARROWEST = -4.0  # log of the smallest width
STEEPEST = 2.0  # |a| stays below
TURNS = 40  # Newton steps at most
FAR = 60.0  # from there on, F or 1 - F is too small for a number, and only its logarithm can be worked with


def size(k: int) -> int:
    """How many numbers describe a curve of k logistics."""
    return 3 * k + 2


def start(k: int, spread: float = 2.5) -> Tensor:
    """The description (size,) of a curve to begin with: k equal logistics side by side from -spread to spread."""
    p = torch.zeros(size(k))
    p[k : 2 * k] = torch.linspace(-spread, spread, k)
    return p


def read(p: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Descriptions p (B, size, ...) -> log w, mu, log s, each (B, K, ...), and a, b, each (B, ...)."""
    k = (p.shape[1] - 2) // 3
    log_s = NARROWEST + F.softplus(p[:, 2 * k : 3 * k] - NARROWEST)
    return F.log_softmax(p[:, :k], 1), p[:, k : 2 * k], log_s, STEEPEST * torch.tanh(p[:, 3 * k] / STEEPEST), p[:, 3 * k + 1]


def bend(y: Tensor, log_w: Tensor, mu: Tensor, log_s: Tensor) -> tuple[Tensor, Tensor]:
    """logit F(y) + LEAK y and the log of its slope, both like y (B, ...)."""
    u = (y.unsqueeze(1) - mu) * torch.exp(-log_s)
    below = log_w + F.logsigmoid(u)
    above = log_w + F.logsigmoid(-u)  # not below - u, which loses digits where u is large
    log_f, log_rest = torch.logsumexp(below, 1), torch.logsumexp(above, 1)  # log F and log(1 - F), each exact where it is small
    log_density = torch.logsumexp(below + above - log_w - log_s, 1)
    return log_f - log_rest + LEAK * y, torch.log(torch.exp(log_density - log_f - log_rest) + LEAK)


def forward(y: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
    """y (B, ...), descriptions p (B, size, ...) -> z and ladj, both like y, number by number."""
    log_w, mu, log_s, a, b = read(p)
    bent, log_slope = bend(y, log_w, mu, log_s)
    return (bent + b) * torch.exp(a), log_slope + a


def inverse(z: Tensor, p: Tensor) -> Tensor:
    """The y (B, ...) of which `forward` makes z."""
    log_w, mu, log_s, a, b = read(p)
    wanted = z * torch.exp(-a) - b
    return solve(wanted.flatten(), *(part.transpose(0, 1).flatten(1) for part in (log_w, mu, log_s))).view(z.shape)


def solve(wanted: Tensor, log_w: Tensor, mu: Tensor, log_s: Tensor) -> Tensor:
    """y (N,) where `bend` gives `wanted` (N,), for log_w, mu, log_s (K, N)."""
    steep, tiny = torch.exp(-log_s), torch.finfo(wanted.dtype).eps
    ends = (wanted + mu * steep) / (steep + LEAK)
    low, high = ends.amin(0), ends.amax(0)
    y, half, close = (low + high) / 2, (high - low) / 2, 2 * tiny * (1 + wanted.abs())
    w, far = torch.exp(log_w), bool((wanted.abs() > FAR).any())
    for _ in range(TURNS):
        if far:
            bent, log_slope = bend(y, log_w.T, mu.T, log_s.T)
            slope = torch.exp(log_slope)
        else:
            bent, slope = bend_near(y, w, mu, steep)
        missing = wanted - bent
        low, high = torch.where(missing < 0, low, y), torch.where(missing < 0, y, high)
        step = missing / slope
        size, there = step.abs(), y + step
        on = (missing.abs() > close) & ~(size <= tiny * y.abs())  # else y is found, or has no digit left to change
        if not on.any():
            break
        good = (there == there.clamp(low, high)) & (size <= half)  # else halve the interval, as Brent's method does
        y = torch.where(on, torch.where(good, there, (low + high) / 2), y)
        half = torch.where(good, size, high - low) / 2
    return y


def bend_near(y: Tensor, w: Tensor, mu: Tensor, steep: Tensor) -> tuple[Tensor, Tensor]:
    """What `bend` gives, and its slope, both (N,), without its logarithms and in a quarter of the time; w, mu and 1 / s (K, N).

    Where F or 1 - F is too small for a number, what comes is infinite and of the right sign.
    """
    u = (y - mu) * steep
    below, above = w * torch.sigmoid(u), torch.sigmoid(-u)  # not 1 - below, which loses digits where u is large
    f, rest = below.sum(0), (w * above).sum(0)  # F and 1 - F
    return torch.log(f / rest) + LEAK * y, (below * above * steep).sum(0) / (f * rest) + LEAK
