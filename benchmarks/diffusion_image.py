"""How long does a student wait for a finished diffusion picture, and what does the speed cost in quality?

    python -m benchmarks.diffusion_image [--data mnist fashion_mnist] [--samples 10000] [--threads 2] [--rounds 8]

Time: one picture at GenViz's default setting against diffusers' `DDIMPipeline` with 50 steps on a `UNet2DModel` of the usual 28 x 28 shape
(1.7 million parameters). That net is untrained and stands for cost only: no quality is claimed for it or compared with it.
Quality: the Frechet distance of our own weights at both settings, the default and 50 steps of DDIM, each with 10,000 pictures against
the 10,000 test images, beside the floor of real training images (genviz.metrics). `--samples 0` leaves it out.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable

import torch

GOAL = 8.0
STEPS = 50


def peer() -> Callable[[], object]:
    """One picture from diffusers' pipeline: DDIM with 50 steps, random weights."""
    from diffusers import DDIMPipeline, DDIMScheduler, UNet2DModel

    unet = UNet2DModel(
        sample_size=28, in_channels=1, out_channels=1, layers_per_block=2, block_out_channels=(32, 64, 64),
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
    ).eval()  # fmt: skip
    pipeline = DDIMPipeline(unet, DDIMScheduler())
    pipeline.set_progress_bar_config(disable=True)
    return lambda: pipeline(batch_size=1, num_inference_steps=STEPS, output_type="np").images


def ours() -> tuple[Callable[[], object], str]:
    """One picture at the default setting in the shipped shape; random weights cost what trained ones do. And the setting in words."""
    from genviz.families import find

    _, entry = find("diffusion/ddpm")
    kind = entry.model_class()
    model, knobs = kind(**entry.args).eval().to(memory_format=torch.channels_last), kind.Knobs()

    def picture() -> object:
        *_, frame = model.sample(1, knobs, torch.Generator().manual_seed(0))
        return frame.x

    return picture, f"{knobs.sampler}, {knobs.steps} steps"


def seconds(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def quality(data: str, samples: int) -> None:
    """Print the Frechet distance of the trained model at the default setting and with 50 steps of DDIM, and the floor."""
    import genviz
    from genviz.compare.measure import draw, from_bytes, portions, real
    from genviz.metrics import classifier
    from genviz.metrics.distance import frechet

    model = genviz.load("diffusion/ddpm", data)
    truth = real(model, data, samples)
    test, floor = truth.features, truth.frechet
    default = model.Knobs()
    settings = {
        f"default ({default.sampler}, {default.steps} steps)": default,
        f"DDIM, {STEPS} steps": model.Knobs(sampler="ddim", steps=STEPS),
    }
    for title, knobs in settings.items():
        found, nfe = [], 0
        for seed, (one, n) in enumerate(portions(knobs, data, samples)):
            x, nfe = draw(model, one, n, seed)
            found.append(classifier.features(from_bytes(x), data))
        distance = frechet(torch.cat(found), test)
        print(f"{data}: our weights, {title}, {nfe} NFE: Frechet distance {distance:.3f}, floor {floor:.3f}, ratio {distance / floor:.2f}")
    print(f"  ({samples:,} pictures against {len(test):,} test images)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", nargs="*", default=["mnist", "fashion_mnist"])
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=8)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    (mine, setting), theirs = ours(), peer()
    with torch.inference_mode():
        mine(), theirs()
        rounds = [(seconds(mine), seconds(theirs)) for _ in range(args.rounds)]
    ratio = statistics.median(b / a for a, b in rounds)
    a, b = (1e3 * statistics.median(column) for column in zip(*rounds, strict=True))
    print(f"{args.threads} threads, load {os.getloadavg()[0]:.1f}. One finished picture:")
    print(f"  GenViz ({setting}): {a:.0f} ms")
    print(f"  diffusers (DDIM, {STEPS} steps, an untrained net: cost only): {b:.0f} ms")
    print(f"  ratio {ratio:.1f} (goal {GOAL:g}: {'reached' if ratio >= GOAL else 'MISSED'})", flush=True)
    for data in args.data if args.samples else ():
        quality(data, args.samples)


if __name__ == "__main__":
    main()
