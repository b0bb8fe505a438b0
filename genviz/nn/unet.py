"""A class-conditional U-Net shaped for small pictures and for CPUs.

The usual U-Net works at full resolution, where a 28 x 28 picture costs four times as much per channel as at 14 x 14 and has no
more to say. Here the picture is folded first: each 2 x 2 patch becomes four channels (space-to-depth), so the finest level is 14 x 14.
Depth sits at 7 x 7, where a block costs a quarter again, and attention only there: 49 places, all of them talking to all.
Widths are multiples of 16 and memory is channels-last, which is what convolution kernels of CPUs want; the time and the class act
by one scale and one shift per channel (FiLM), computed for all blocks in one matrix product.

References: Ronneberger et al. 2015 (U-Net), Ho et al. 2020 (its use for diffusion), Perez et al. 2018 (FiLM), Shi et al. 2016
(depth-to-space), Dhariwal and Nichol 2021 (adaptive group normalisation).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genviz.nn.attention import Attention
from genviz.nn.embedding import waves

GROUPS = 8


class Block(nn.Module):
    """Residual block: h + conv(act(film(norm(conv(act(norm(h))))))), zero at the start of training."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width
        self.norm1 = nn.GroupNorm(GROUPS, width)
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = nn.GroupNorm(GROUPS, width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, h: Tensor, film: Tensor) -> Tensor:
        """h (B, width, H, W), film (B, 2 width): scale and shift -> like h."""
        scale, shift = film[:, :, None, None].chunk(2, dim=1)
        u = self.conv1(F.silu(self.norm1(h)))
        u = torch.addcmul(shift, self.norm2(u), scale + 1)
        return h + self.conv2(F.silu(u))


class UNet(nn.Module):
    """x (B, 1, 28, 28), noise level (B,), label (B,) with `classes` = "no class" -> (B, 1, 28, 28).

    `fine` and `coarse` are the channels at 14 x 14 and 7 x 7, `fine_blocks` the blocks on each side at 14 x 14, `coarse_blocks` those
    at 7 x 7, the middle one followed by attention.
    """

    def __init__(self, fine: int = 32, coarse: int = 96, fine_blocks: int = 1, coarse_blocks: int = 3, classes: int = 10, width: int = 128):
        super().__init__()
        self.width = width
        self.time = nn.Linear(64, width)
        self.label = nn.Embedding(classes + 1, width)
        nn.init.normal_(self.label.weight, std=0.5)
        self.mix = nn.Linear(width, width)
        self.stem = nn.Conv2d(4, fine, 3, padding=1)
        self.down = nn.ModuleList(Block(fine) for _ in range(fine_blocks))
        self.fold = nn.Conv2d(fine, coarse, 3, stride=2, padding=1)
        self.middle = nn.ModuleList(Block(coarse) for _ in range(coarse_blocks))
        self.attention = Attention(coarse)
        self.unfold = nn.Conv2d(coarse, 4 * fine, 1)
        self.merge = nn.Conv2d(2 * fine, fine, 1)
        self.up = nn.ModuleList(Block(fine) for _ in range(fine_blocks))
        self.norm = nn.GroupNorm(GROUPS, fine)
        self.head = nn.Conv2d(fine, 4, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.blocks = [2 * b.width for b in (*self.down, *self.middle, *self.up)]
        self.film = nn.Linear(width, sum(self.blocks))
        nn.init.zeros_(self.film.weight)
        nn.init.zeros_(self.film.bias)

    def forward(self, x: Tensor, level: Tensor, label: Tensor) -> Tensor:
        emb = F.silu(self.time(waves(level, 64))) + self.label(label)  # (B, width)
        films = iter(self.film(F.silu(self.mix(emb))).split(self.blocks, dim=1))
        h = F.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)  # (B, 4, 14, 14)
        h = self.stem(h)  # (B, fine, 14, 14)
        for block in self.down:
            h = block(h, next(films))
        skip = h
        h = self.fold(h)  # (B, coarse, 7, 7)
        for place, block in enumerate(self.middle):
            h = block(h, next(films))
            if place == len(self.middle) // 2:
                h = self.attention(h)
        h = F.pixel_shuffle(self.unfold(h), 2)  # (B, fine, 14, 14)
        h = self.merge(torch.cat([skip, h], dim=1))
        for block in self.up:
            h = block(h, next(films))
        return F.pixel_shuffle(self.head(F.silu(self.norm(h))), 2)  # (B, 1, 28, 28)
