"""What do folded layers save? GenViz's flow against the same flow built from the parts of normflows, with the same weights.

    python -m benchmarks.flow [--threads 2] [--rounds 9] [--batches 1 16] [--data mnist]

The peer stacks normflows' `ActNorm`, `Invertible1x1Conv`, `Squeeze` and `MultiscaleFlow`. Its couplings ask the very same networks and bend
along the very same curves, wrapped as a `normflows.flows.Flow`, because normflows has no such coupling; they are undone by bisection to the
same accuracy, as in the paper that the curves come from (Flow++). Both sides must agree on the log-density before anything is timed.
Sampling is the walk that the app uses, with all its frames. Sides take turns within one run; figures are medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys

import torch

from benchmarks.gan_decode import seconds
from genviz import checkpoint
from genviz.families import find
from genviz.families.flow import mixture as curve
from genviz.families.flow.flow import Flow
from genviz.families.flow.layers import Block, Halves, log_normal

GOAL = 2.0  # at batch 16
REACH, HALVINGS = 24.0, 26  # of the bisection: 2 * 24 / 2^26 is below the last digit that the other side's steps care for


def model_of(data: str) -> tuple[Flow, str]:
    """The trained model where there is one, else the same net with random weights."""
    try:
        return checkpoint.load(checkpoint.card_of("flow/flow", data)), "trained weights"
    except (KeyError, checkpoint.CheckpointError):
        entry = find("flow/flow")[1]
        torch.manual_seed(0)
        model = entry.model_class()(**entry.args).eval().requires_grad_(False)
        for p in model.parameters():
            p += 0.02 * torch.randn_like(p)
        return model.eval(), "random weights"


def bisected(z: torch.Tensor, p: torch.Tensor) -> torch.Tensor:
    """The y of which `curve.forward` makes z, by halving an interval."""
    low, high = torch.full_like(z, -REACH), torch.full_like(z, REACH)
    for _ in range(HALVINGS):
        y = (low + high) / 2
        over = curve.forward(y, p)[0] > z
        low, high = torch.where(over, low, y), torch.where(over, y, high)
    return (low + high) / 2


def peer(model: Flow):
    """The same flow as a `normflows.MultiscaleFlow` over y (B, 1, 28, 28)."""
    import normflows as nf

    class Coupling(nf.flows.Flow):
        """A block's coupling, or halves; normflows calls the way to the data forward."""

        def __init__(self, layer: Block | Halves):
            super().__init__()
            self.layer, self.flat = layer, isinstance(layer, Halves)

        def split(self, h: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            c = self.layer.moved
            return (h[:, c::2], h[:, 1 - c :: 2]) if self.flat else (h[:, c], self.layer.rest(h))

        def forward(self, h: torch.Tensor):
            moved, rest = self.split(h)
            p = self.layer.net(rest)
            y = bisected(moved, p)
            return self.layer.put(h, y), -curve.forward(y, p)[1].flatten(1).sum(1)

        def inverse(self, h: torch.Tensor):
            moved, rest = self.split(h)
            z, ladj = curve.forward(moved, self.layer.net(rest))
            return self.layer.put(h, z), ladj.flatten(1).sum(1)

    class Square(nf.flows.Flow):
        """49 numbers as a square."""

        def forward(self, v: torch.Tensor):
            return v.view(-1, 1, 7, 7), 0

        def inverse(self, h: torch.Tensor):
            return h.flatten(1), 0

    class Corner(nf.flows.Flow):
        """One channel and three make four."""

        def forward(self, parts: list[torch.Tensor]):
            return torch.cat(parts, 1), 0

        def inverse(self, h: torch.Tensor):
            return [h[:, :1], h[:, 1:]], 0

    class Whole(nf.flows.Flow):
        """Nothing, with one ladj for each picture: normflows adds the others to it in place."""

        def forward(self, y: torch.Tensor):
            return y, y.new_zeros(len(y))

        inverse = forward

    def steps(block: Block) -> list:
        norm, mix = nf.flows.ActNorm((4, 1, 1)), nf.flows.Invertible1x1Conv(4)
        norm.s.data = -block.log_scale.view(1, 4, 1, 1)
        norm.t.data = (-block.shift * torch.exp(-block.log_scale)).view(1, 4, 1, 1)
        norm.data_dep_init_done = torch.tensor(1.0)
        mix.W.data = block.mix.clone()
        return [Coupling(block), mix, norm]

    levels = [[*(Coupling(layer) for layer in reversed(model.last.blocks)), Square()]]
    for scale in (model.coarse, model.fine):
        levels.append([step for block in reversed(scale.blocks) for step in steps(block)] + [nf.flows.Squeeze()])
    q0 = [nf.distributions.DiagGaussian(shape, trainable=False) for shape in (49, (3, 7, 7), (3, 14, 14))]
    return nf.MultiscaleFlow(q0, levels, [Corner(), Corner()], transform=Whole(), class_cond=False).eval().requires_grad_(False)


def ours_log_prob(model: Flow, y: torch.Tensor) -> torch.Tensor:
    z, ladj = model.to_z(y)
    return log_normal(z) + ladj.sum(1)


def ours_sample(model: Flow, n: int) -> torch.Tensor:
    *_, frame = model.sample(n, model.Knobs(), torch.Generator().manual_seed(0))
    return frame.x


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--data", default="mnist")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, weights = model_of(args.data)
    theirs = peer(model)  # before our weights change their layout: normflows leaves it as it is
    model = model_of(args.data)[0].to(memory_format=torch.channels_last)
    torch.manual_seed(0)
    *_, y = model.from_z(torch.randn(max(args.batches), 1, 28, 28))
    with torch.no_grad():
        apart = (ours_log_prob(model, y) - theirs.log_prob(y, None)).abs().max().item()
    if apart > 0.05:
        sys.exit(f"The two sides disagree on log p by {apart:.3f} nats; nothing is timed.")
    print(f"torch {torch.__version__}, {args.threads} threads, load {os.getloadavg()[0]:.1f}, {weights}; log p agrees to {apart:.1e} nats")
    for n in args.batches:
        part = y[:n].contiguous()
        pairs = {
            "sample": (lambda n=n: ours_sample(model, n), lambda n=n: theirs.sample(n)),
            "log_prob": (lambda part=part: ours_log_prob(model, part), lambda part=part: theirs.log_prob(part, None)),
        }
        for what, (a, b) in pairs.items():
            with torch.no_grad():
                a(), b()
                rounds = [(seconds(a), seconds(b)) for _ in range(args.rounds)]
            mine, other = (1e3 * statistics.median(column) for column in zip(*rounds, strict=True))
            ratio = statistics.median(b / a for a, b in rounds)
            verdict = "" if n != 16 else f" (goal {GOAL:g}: {'reached' if ratio >= GOAL else 'MISSED'})"
            print(f"batch {n:2}, {what}: GenViz {mine:.1f} ms, normflows {other:.1f} ms, ratio {ratio:.1f}{verdict}", flush=True)


if __name__ == "__main__":
    main()
