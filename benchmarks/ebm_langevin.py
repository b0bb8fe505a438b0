"""How many Langevin steps a second does GenViz take, against the plain autograd loop?

    python -m benchmarks.ebm_langevin [--threads 2] [--rounds 20]

Peer: the loop as it is often written, with the same network and the same weights: parameters require gradients, memory is NCHW, the slope
comes from `backward()`, which computes the gradient of every weight too. Ours: channels last, and the slope by hand
(genviz/families/ebm/nets.py). Both draw the same noise and must reach the same energies from the same seed. Rounds alternate between the
two, so that a busy machine slows both; the figure is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

GOAL = 1.5
STEPS = 10
BATCHES = (1, 16, 64)  # one picture, a film, a step of training


def networks() -> tuple[torch.nn.Module, torch.nn.Module]:
    """The image model in its shipped shape, random weights, ready for our loop and for the plain one."""
    from genviz.families import find

    _, entry = find("ebm/ebm")
    ours, plain = (entry.model_class()(**entry.args).eval() for _ in range(2))
    plain.load_state_dict(ours.state_dict())
    return ours.to(memory_format=torch.channels_last), plain


def ours(model: torch.nn.Module, x: Tensor, step_size: float, rng: torch.Generator) -> Tensor:
    """The chain as GenViz walks it; returns the energies at its end."""
    from genviz.families.ebm.langevin import langevin

    *_, state = langevin(model.slope, x, STEPS, step_size, rng)
    return state.energy


def plain(model: torch.nn.Module, x: Tensor, step_size: float, rng: torch.Generator) -> Tensor:
    """The chain as it is often written; returns the energies at its end."""
    x = x.clone().requires_grad_(True)
    for _ in range(STEPS):
        model.energy(x).sum().backward()
        with torch.no_grad():
            x -= step_size**2 / 2 * x.grad
            x += step_size * torch.randn(x.shape, generator=rng)
            x.grad.zero_()
    return model.energy(x).detach()


def seconds(call: Callable[[], Tensor]) -> tuple[float, Tensor]:
    begun = time.perf_counter()
    answer = call()
    return time.perf_counter() - begun, answer


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=20)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    from genviz.families.ebm.ebm import SMALLEST

    fast, slow = networks()
    size = fast.Knobs().step_size * SMALLEST
    print(f"{args.threads} threads, load {os.getloadavg()[0]:.1f}; {sum(p.numel() for p in fast.parameters()):,} parameters")
    for batch in BATCHES:
        x, rounds = torch.randn(batch, 1, 28, 28), []
        for place in range(args.rounds + 2):
            (mine, a), (theirs, b) = (
                seconds(partial(walk, net, x, size, torch.Generator().manual_seed(0))) for walk, net in ((ours, fast), (plain, slow))
            )
            if place == 0:
                torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-1)
            elif place > 1:
                rounds.append((mine, theirs))
        ratio = statistics.median(theirs / mine for mine, theirs in rounds)
        mine, theirs = (STEPS / statistics.median(column) for column in zip(*rounds, strict=True))
        verdict = "reached" if ratio >= GOAL else "MISSED"
        print(
            f"batch {batch:2}: GenViz {mine:.0f} steps/s, plain {theirs:.0f} steps/s, ratio {ratio:.2f} (goal {GOAL:g}: {verdict})",
            flush=True,
        )


if __name__ == "__main__":
    main()
