r"""The exact log-likelihood along the probability-flow equation: what a score gives beyond the bound of a diffusion model.

The reverse SDE has a twin without chance that passes through the same densities (Song et al. 2021). On the quarter circle y = x cos u +
eps sin u, from data at u = 0 to noise at u = pi / 2, it is driven by the network's own output v = eps_hat cos u - x0_hat sin u:

    dy/du = v(y, u),    d log p_u(y) / du = - div v(y, u)    (the instantaneous change of variables, Chen et al. 2018).

So log p(x) is the log density of the standard normal where the way ends, plus the integral of the divergence along it. The divergence
is the trace of the Jacobian; with random signs s it is s^T (dv/dy) s on average (Hutchinson 1990), one pass backward through the network
per probe, and each probe gives an estimate of its own along the same way. All unit vectors together, times the root of the dimension,
are probes whose mean is exact, which is affordable in the plane.

The way bends most near the data, so the grid is even in r = (2 u / pi)^(1/3). Solvers: the classical Runge-Kutta method of order four
with fixed steps, or dopri5 with a tolerance (torchdiffeq), the yardstick for the first.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torchdiffeq import odeint

from genviz.model import rand

POWER = 3.0


def signs(count: int, x: Tensor, rng: torch.Generator) -> Tensor:
    """`count` random signs for every number of x: probes (count, *x.shape)."""
    return (rand(count, *x.shape, rng=rng) < 0.5).to(x) * 2 - 1


def units(x: Tensor) -> Tensor:
    """Probes (D, B, D) of x (B, D) with which the trace is exact."""
    d = x.shape[1]
    return math.sqrt(d) * torch.eye(d, dtype=x.dtype, device=x.device)[:, None].expand(d, len(x), d)


def log_prob(
    v: Callable[[Tensor, float], Tensor], x: Tensor, probes: Tensor, sigma: float, largest: float, steps: int = 10, tolerance: float = 0.0
) -> tuple[Tensor, int]:
    """log p_sigma(x) in nats, one estimate per probe (K, B), and the number of network evaluations.

    `v(y, u)` is differentiable in y; x (B, ...) has noise `sigma`, the way ends at the noise `largest`. With a `tolerance` > 0 dopri5
    chooses its steps, otherwise `steps` of Runge-Kutta are taken.
    """
    start, end = ((2 / math.pi * math.atan(s)) ** (1 / POWER) for s in (sigma, largest))
    nfe = 0

    def slope(r: Tensor | float, y: Tensor) -> tuple[Tensor, Tensor]:
        nonlocal nfe
        nfe += 1
        r = float(r)
        speed = math.pi / 2 * POWER * r ** (POWER - 1)  # du / dr
        with torch.enable_grad():
            y = y.detach().requires_grad_()
            out = v(y, math.pi / 2 * r**POWER)
            traces = [
                (torch.autograd.grad(out, y, p, retain_graph=k < len(probes) - 1)[0] * p).flatten(1).sum(1) for k, p in enumerate(probes)
            ]
        return speed * out.detach(), speed * torch.stack(traces)

    y, gained = x * math.cos(math.atan(sigma)), x.new_zeros(len(probes), len(x))
    if tolerance > 0:
        # The sum over many dimensions is measured per dimension, like y itself, or it alone would set the steps; `step_t` makes the last
        # step end where the way does, for beyond a right angle there is nothing.
        d, ends = x[0].numel(), x.new_tensor([start, end])

        def both(r: Tensor, state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
            speed, growth = slope(r, state[0])
            return speed, growth / d

        options = {"step_t": ends[1:]}
        way, sums = odeint(both, (y, gained), ends, rtol=tolerance, atol=tolerance, method="dopri5", options=options)
        y, gained = way[-1], sums[-1] * d
    else:
        h = (end - start) / steps
        for k in range(steps):
            r = start + k * h
            a, ta = slope(r, y)
            b, tb = slope(r + h / 2, y + h / 2 * a)
            c, tc = slope(r + h / 2, y + h / 2 * b)
            d, td = slope(r + h, y + h * c)
            y, gained = y + h / 6 * (a + 2 * b + 2 * c + d), gained + h / 6 * (ta + 2 * tb + 2 * tc + td)
    d = x[0].numel()
    normal = -0.5 * y.flatten(1).square().sum(1) - 0.5 * d * math.log(2 * math.pi)
    return normal + gained + d * math.log(math.cos(math.atan(sigma))), nfe
