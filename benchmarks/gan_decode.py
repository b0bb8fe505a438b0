"""How much faster does the GAN decode than the same network in standard modules?

    python -m benchmarks.gan_decode [--threads 2] [--rounds 300]

Peer: the generator as a DCGAN is usually written in eager PyTorch: a transposed convolution from z to the 7 x 7 map, `nn.Conv2d`,
`nn.BatchNorm2d` and `nn.ReLU` in an `nn.Sequential`, memory as PyTorch lays it out by default. Ours has the batch norms folded into the
layers, the first layer as one matrix product, and memory channels-last. Both have the same weights, and must paint the same pictures.
Rounds alternate between the two, so that a busy machine slows both; the figure is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from genviz.families import find
from genviz.model import Model

GOAL = 2.0


def ours() -> Model:
    """The GAN in its shipped shape; random weights cost what trained ones do. The batch norms are not those of the start."""
    _, entry = find("gan/gan")
    model = entry.model_class()(**entry.args)
    for norm in model.generator.normalised()[1]:
        norm.running_mean.normal_(std=0.3)
        norm.running_var.uniform_(0.5, 2)
    for block in model.generator.blocks:
        torch.nn.init.normal_(block.last.weight, std=0.02)  # else it adds nothing
    return model.eval().requires_grad_(False).to(memory_format=torch.channels_last)


class Residual(nn.Module):
    """A residual block as it is usually written."""

    def __init__(self, width: int):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
        )  # fmt: skip

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return h + self.body(h)


def peer(model: Model) -> nn.Module:
    """The same generator in standard modules: z (B, z_dim, 1, 1) -> x (B, 1, 28, 28)."""
    layers, norms, head = model.generator.layers, model.generator.norms, model.generator.head
    coarse, fine = norms[0].num_features, norms[3].num_features
    half = len(model.generator.blocks) // 2
    start = nn.ConvTranspose2d(model.z_dim, coarse, 7, bias=False)
    net = nn.Sequential(
        start, nn.BatchNorm2d(coarse), nn.ReLU(),
        nn.Conv2d(coarse, coarse, 3, padding=1, bias=False), nn.BatchNorm2d(coarse), nn.ReLU(), *(Residual(coarse) for _ in range(half)),
        nn.Conv2d(coarse, 4 * fine, 1, bias=False), nn.BatchNorm2d(4 * fine), nn.ReLU(), nn.PixelShuffle(2),
        nn.Conv2d(fine, fine, 3, padding=1, bias=False), nn.BatchNorm2d(fine), nn.ReLU(), *(Residual(fine) for _ in range(half)),
        nn.Conv2d(fine, 4, 3, padding=1), nn.PixelShuffle(2), nn.Tanh(),
    )  # fmt: skip
    weights = layers[0].weight.view(7, 7, coarse, model.z_dim).permute(3, 2, 0, 1)
    start.weight.data = weights.contiguous()
    trunk = [m for m in net if isinstance(m, nn.Conv2d | nn.BatchNorm2d)]
    blocks = [m for block in net if isinstance(block, Residual) for m in block.body if not isinstance(m, nn.ReLU)]
    mine = [m for pair in zip(layers, norms, strict=True) for m in pair][1:] + [head]
    mine += [m for block in model.generator.blocks for m in (block.first, block.norm, block.last)]
    for ours, theirs in zip(mine, trunk + blocks, strict=True):
        theirs.load_state_dict({k: v.contiguous() for k, v in ours.state_dict().items()})
    return net.eval().requires_grad_(False)


def seconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=300)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = ours()
    net = peer(model)
    print(f"{args.threads} threads, load {os.getloadavg()[0]:.1f}; {sum(p.numel() for p in model.generator.parameters()):,} parameters")
    with torch.no_grad():
        for batch in (1, 16, 64):
            z = torch.randn(batch, model.z_dim)
            calls = [lambda z=z: model.decode(z), lambda z=z[:, :, None, None]: net(z)]
            mine, theirs = (call() for call in calls)
            assert torch.allclose(mine, theirs, atol=1e-4), f"the pictures differ by {(mine - theirs).abs().max():g}"
            for call in calls * 5:
                call()
            rounds = [[seconds(call) for call in calls] for _ in range(max(3, args.rounds // batch if batch > 1 else args.rounds))]
            ratio = statistics.median(b / a for a, b in rounds)
            a, b = (1e3 * statistics.median(column) for column in zip(*rounds, strict=True))
            verdict = "" if batch > 1 else f" (goal {GOAL:g}: {'reached' if ratio >= GOAL else 'MISSED'})"
            print(f"batch {batch:2}: GenViz {a:.3f} ms, standard modules {b:.3f} ms, ratio {ratio:.2f}{verdict}")


if __name__ == "__main__":
    main()
