"""How much faster is one network call of GenViz's diffusion model than of the usual 28 x 28 U-Net?

    python -m benchmarks.unet_call [--threads 2] [--rounds 40]

Peer: `UNet2DModel` of the diffusers library in the shape that its own course uses for 28 x 28 pictures (32, 64 and 64 channels, two
blocks per level, attention at 14 x 14 and 7 x 7, 1.7 million parameters), eager PyTorch like ours, same threads, untrained: it is a
peer in cost only. Rounds alternate between the two, so that a busy machine slows both; the figure is the median of the rounds' ratios.
"""

from __future__ import annotations

import argparse
import os
import statistics

import torch

from benchmarks.gan_decode import seconds

GOAL = 4.0


def peer() -> torch.nn.Module:
    """diffusers' U-Net for 28 x 28 pictures, random weights."""
    from diffusers import UNet2DModel

    return UNet2DModel(
        sample_size=28, in_channels=1, out_channels=1, layers_per_block=2, block_out_channels=(32, 64, 64),
        down_block_types=("DownBlock2D", "AttnDownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "AttnUpBlock2D", "UpBlock2D"),
    ).eval()  # fmt: skip


def ours() -> torch.nn.Module:
    """The diffusion model in its shipped shape; random weights cost what trained ones do."""
    from genviz.families import find

    _, entry = find("diffusion/ddpm")
    return entry.model_class()(**entry.args).eval().to(memory_format=torch.channels_last)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=40)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    a, b = ours(), peer()
    count = {name: sum(p.numel() for p in net.parameters()) for name, net in (("GenViz", a), ("diffusers", b))}
    print(f"{args.threads} threads, load {os.getloadavg()[0]:.1f}; parameters: " + ", ".join(f"{k} {v:,}" for k, v in count.items()))
    with torch.inference_mode():
        for batch in (1, 16):
            x, t, label = torch.randn(batch, 1, 28, 28), torch.full((batch,), 0.5), torch.arange(batch) % 10
            calls = [lambda x=x, t=t, label=label: a.v(x, t, label), lambda x=x: b(x, 500).sample]
            assert all(call().shape == x.shape for call in calls)
            for call in calls * 3:
                call()
            rounds = [[seconds(call) for call in calls] for _ in range(max(1, args.rounds // (1 if batch == 1 else 4)))]
            ratio = statistics.median(theirs / mine for mine, theirs in rounds)
            mine, theirs = (1e3 * statistics.median(column) for column in zip(*rounds, strict=True))
            verdict = "reached" if ratio >= GOAL else "MISSED"
            print(f"batch {batch:2}: GenViz {mine:.2f} ms, diffusers {theirs:.2f} ms, ratio {ratio:.2f} (goal {GOAL:g}: {verdict})")


if __name__ == "__main__":
    main()
