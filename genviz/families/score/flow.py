r"""The exact log-likelihood along the probability-flow equation: what a score gives beyond the bound of a diffusion model.

The reverse SDE has a twin without chance that passes through the same densities (Song et al. 2021). On the quarter circle y = x cos u +
eps sin u, from data at u = 0 to noise at u = pi / 2, it is driven by the network's own output v = eps_hat cos u - x0_hat sin u:

    dy/du = v(y, u),    d log p_u(y) / du = - div v(y, u)    (the instantaneous change of variables, Chen et al. 2018).

So log p(x) is the log density of the standard normal where the way ends, plus the integral of the divergence along it. The divergence
is the trace of the Jacobian; with random signs s it is s^T (dv/dy) s on average (Hutchinson 1990), one pass backward through the network
per probe, and each probe gives an estimate of its own along the same way. All unit vectors together, times the root of the dimension,
are probes whose mean is exact, which is affordable in the plane.

The way bends most near the data, so the grid is even in r = (2 u / pi)^(1/3). Solvers: the classical Runge-Kutta method of order four
with fixed steps, or dopri5, which chooses its steps by a tolerance (Dormand and Prince 1980), the yardstick for the first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator

import torch
from torch import Tensor

from genviz.model import breathing_answer, pieces, rand

POWER = 3.0
Slope = Generator[None, None, tuple[Tensor, Tensor]]  # of y and of log p


def signs(count: int, x: Tensor, rng: torch.Generator) -> Tensor:
    """`count` random signs for every number of x: probes (count, *x.shape)."""
    return (rand(count, *x.shape, rng=rng) < 0.5).to(x) * 2 - 1


def units(x: Tensor) -> Tensor:
    """Probes (D, B, D) of x (B, D) with which the trace is exact."""
    d = x.shape[1]
    return math.sqrt(d) * torch.eye(d, dtype=x.dtype, device=x.device)[:, None].expand(d, len(x), d)


@breathing_answer
def log_prob(
    v: Callable[[Tensor, float], Tensor], x: Tensor, probes: Tensor, sigma: float, largest: float, steps: int = 10, tolerance: float = 0.0
) -> Generator[None, None, tuple[Tensor, int]]:
    """log p_sigma(x) in nats, one estimate per probe (K, B), and the number of network evaluations.

    `v(y, u)` is differentiable in y; x (B, ...) has noise `sigma`, the way ends at the noise `largest`. With a `tolerance` > 0 dopri5
    chooses its steps, otherwise `steps` of Runge-Kutta are taken. A turn is one pass through the network, forward or backward.
    """
    start, end = ((2 / math.pi * math.atan(s)) ** (1 / POWER) for s in (sigma, largest))
    nfe = 0

    def slope(r: float, y: Tensor) -> Slope:
        nonlocal nfe
        nfe += 1
        speed = math.pi / 2 * POWER * r ** (POWER - 1)  # du / dr
        outs, traces = [], []
        for part in pieces(len(y)) if y.ndim > 2 else (slice(None),):
            with torch.enable_grad():
                here = y[part].detach().requires_grad_()
                out = v(here, math.pi / 2 * r**POWER)
            found = []
            for k, p in enumerate(probes):
                yield
                back = torch.autograd.grad(out, here, p[part], retain_graph=k < len(probes) - 1)[0]
                found.append((back * p[part]).flatten(1).sum(1))
            outs.append(out.detach())
            traces.append(torch.stack(found))
            yield
        return speed * torch.cat(outs), speed * torch.cat(traces, 1)

    y, gained = x * math.cos(math.atan(sigma)), x.new_zeros(len(probes), len(x))
    if tolerance > 0:
        y, gained = yield from dopri5(slope, start, end, (y, gained), tolerance)
    else:
        h = (end - start) / steps
        for k in range(steps):
            r = start + k * h
            a, ta = yield from slope(r, y)
            b, tb = yield from slope(r + h / 2, y + h / 2 * a)
            c, tc = yield from slope(r + h / 2, y + h / 2 * b)
            d, td = yield from slope(r + h, y + h * c)
            y, gained = y + h / 6 * (a + 2 * b + 2 * c + d), gained + h / 6 * (ta + 2 * tb + 2 * tc + td)
    d = x[0].numel()
    normal = -0.5 * y.flatten(1).square().sum(1) - 0.5 * d * math.log(2 * math.pi)
    return normal + gained + d * math.log(math.cos(math.atan(sigma))), nfe


# Dormand and Prince 1980: from what share of a step, and with which slopes before it, each of seven slopes is taken. The seventh is that
# at the end of the step, which the last row reaches with order five, and is the first of the next step. A way of order four would end ERROR
# beside it.
PLACES = (1 / 5, 3 / 10, 4 / 5, 8 / 9, 1.0, 1.0)
ROWS = (
    (1 / 5,),
    (3 / 40, 9 / 40),
    (44 / 45, -56 / 15, 32 / 9),
    (19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729),
    (9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656),
    (35 / 384, 0.0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84),
)
ERROR = (71 / 57600, 0.0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40)


def dopri5(
    slope: Callable[[float, Tensor], Slope], start: float, end: float, state: tuple[Tensor, Tensor], tolerance: float
) -> Generator[None, None, tuple[Tensor, Tensor]]:
    """y and the integral beside it at `end`, by steps whose estimated error is `tolerance` of 1 + |y| in the mean square.

    `slope(r, y)` gives those of both. The integral, a sum over many dimensions, is measured per dimension, like y itself, or it alone
    would set the steps. Places are plain numbers: not every device has float64.
    """
    d = state[0][0].numel()

    def moved(state: tuple[Tensor, Tensor], h: float, weights: tuple, slopes: list) -> tuple[Tensor, Tensor]:
        return tuple(one + h * sum(w * k[i] for w, k in zip(weights, slopes, strict=True) if w) for i, one in enumerate(state))  # type: ignore

    def size(change: tuple[Tensor, Tensor], before: tuple[Tensor, Tensor], after: tuple[Tensor, Tensor]) -> float:
        parts = [
            (c / s / (tolerance * (1 + torch.maximum(b.abs(), a.abs()) / s))).flatten()
            for c, b, a, s in zip(change, before, after, (1, d), strict=True)
        ]
        return float(torch.cat(parts).square().mean().sqrt())

    r, first = start, (yield from slope(start, state[0]))
    h = 0.01 * (end - start)
    while r < end:
        h = min(h, end - r)
        slopes = [first]
        for place, row in zip(PLACES, ROWS, strict=True):
            there = moved(state, h, row, slopes)
            slopes.append((yield from slope(min(r + place * h, end), there[0])))
        error = size(tuple(h * sum(w * k[i] for w, k in zip(ERROR, slopes, strict=True)) for i in (0, 1)), state, there)  # type: ignore
        if math.isnan(error):
            raise ValueError("The way of this picture stopped being a number (NaN), so that it has no likelihood.")
        if error <= 1 or h < 1e-4:
            r, state, first = r + h if r + h < end - 1e-12 else end, there, slopes[-1]
        h *= min(10.0, max(0.2, 0.9 * max(error, 1e-10) ** -0.2)) if error <= 1 else max(0.2, min(1.0, 0.9 * error**-0.2))
    return state
