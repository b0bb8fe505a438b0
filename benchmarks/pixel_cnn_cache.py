"""Does remembering pay? Cached pixel-by-pixel sampling against the naive way, a full pass of the network per pixel.

Same weights, same uniforms, and the pixels must be identical. Both sides are timed in turn within one run; the figures are medians of whole
images. The cached side is the generator that the app uses, with all its frames.

    python -m benchmarks.pixel_cnn_cache [--threads 2] [--rounds 5] [--batches 1 16] [--model autoregressive/pixel_cnn] [--data mnist]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import torch

from genviz import checkpoint
from genviz.families import find
from genviz.families.autoregressive.painter import choose
from genviz.model import rand

PIXELS = 784


def model_of(name: str, data: str) -> tuple[torch.nn.Module, str]:
    """The trained model where there is one, else the same net with random weights: its cost is the same."""
    try:
        return checkpoint.load(checkpoint.card_of(name, data)), "trained weights"
    except (KeyError, checkpoint.CheckpointError):
        entry = find(name)[1]
        torch.manual_seed(0)
        model = entry.model_class()(**entry.args).eval().requires_grad_(False)
        for parameter in model.parameters():
            parameter += 0.05 * torch.randn_like(parameter)
        return model, "random weights"


@torch.no_grad()
def naive(model: torch.nn.Module, n: int, seed: int, pixels: int = PIXELS) -> torch.Tensor:
    """The first `pixels` pixels of n images, the whole network run once for each."""
    u = rand(n, PIXELS, rng=torch.Generator().manual_seed(seed)).numpy()
    x = torch.zeros(n, 1, 28, 28).contiguous(memory_format=torch.channels_last)
    for i in range(pixels):
        r, c = divmod(i, 28)
        logits = model.logits(x)[:, :, 0, r, c].numpy()
        x[:, 0, r, c] = model.value(torch.from_numpy(choose(logits, u[:, i], 1.0)))
    return x


def cached(model: torch.nn.Module, n: int, seed: int) -> torch.Tensor:
    for frame in model.sample(n, model.Knobs(), torch.Generator().manual_seed(seed)):
        x = frame.x
    return x


def timed(f, *args) -> tuple[float, torch.Tensor]:
    begun = time.perf_counter()
    x = f(*args)
    return time.perf_counter() - begun, x


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--model", default="autoregressive/pixel_cnn")
    parser.add_argument("--data", default="mnist")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, weights = model_of(args.model, args.data)
    model = model.to(memory_format=torch.channels_last)
    print(
        f"torch {torch.__version__}, {torch.get_num_threads()} threads, eager; {args.model} with {weights}, medians of {args.rounds} rounds"
    )
    for n in args.batches:
        naive(model, n, 0, pixels=28)  # warm both up
        cached(model, n, 0)
        slow, fast = [], []
        for seed in range(args.rounds):
            seconds, x = timed(cached, model, n, seed)
            fast.append(seconds)
            seconds, y = timed(naive, model, n, seed)
            slow.append(seconds)
            if not torch.equal(x, y):
                sys.exit(f"batch {n}, seed {seed}: {int((x != y).sum())} pixels differ; the cached painter is wrong.")
        ratio = statistics.median(slow) / statistics.median(fast)
        print(f"batch {n:2}: naive {statistics.median(slow):7.3f} s, cached {statistics.median(fast):7.4f} s "
              f"({statistics.median(fast) / PIXELS * 1e6:.0f} us a pixel), {ratio:.1f} x, pixels identical in all rounds")  # fmt: skip


if __name__ == "__main__":
    main()
