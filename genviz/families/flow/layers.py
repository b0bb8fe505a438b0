"""The invertible layers of an image flow: a block, and the scales that blocks work at.

A block changes one number of four and mixes all of them, in three moves that can each be undone:

    ActNorm                      h <- exp(log_scale) h + shift         per channel (Glow, Kingma and Dhariwal 2018)
    invertible 1 x 1 convolution h <- mix h                            a 4 x 4 matrix at every place (Glow)
    coupling                     h_moved <- curve(h_moved; net(rest))   (NICE and RealNVP, Dinh et al. 2015, 2017)

The Jacobian of a coupling is triangular, so its log-determinant is a sum of log-slopes; that of the others is the same for all pictures.

Which channel moves when is chosen so that each pixel is told as much as possible about its surroundings. A picture folded 2 x 2 has four
channels, one for each corner of a fold. First one corner moves, seeing the three others, which surround it on all sides; then the next,
with one less to look at; the last corner of the folds is a thumbnail of half the side and goes on to the next scale. `mix` starts as the
identity, to be learnt from there; a random rotation, as in Glow, makes a pixel of no place in particular.

ActNorm needs no first batch to set it up, because what comes in has unit size and every layer starts near the identity. In use, when
nothing changes any more, ActNorm and the convolution are one matrix, inverted once, and their log-determinants are one number.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genviz.families.flow import mixture as curve


class Folded(NamedTuple):
    """ActNorm and the 1 x 1 convolution in one: h <- weight h + bias."""

    weight: Tensor  # (4, 4)
    bias: Tensor  # (4,)
    ladj: Tensor  # of one place, a scalar
    inverse: Tensor | None = None  # of weight


class Block(nn.Module):
    """h (B, 4, H, W) -> h, ladj (B,): ActNorm, 1 x 1 convolution, and a coupling that moves the channel `moved`."""

    def __init__(self, moved: int, net: nn.Module):
        super().__init__()
        self.moved = moved
        self.log_scale = nn.Parameter(torch.zeros(4))
        self.shift = nn.Parameter(torch.zeros(4))
        self.mix = nn.Parameter(torch.eye(4))
        self.net = net
        self.kept: Folded | None = None

    def fold(self) -> Folded:
        return Folded(self.mix * self.log_scale.exp(), self.mix @ self.shift, torch.linalg.slogdet(self.mix)[1] + self.log_scale.sum())

    @torch.no_grad()
    def constant(self) -> Folded:
        """The same with the inverse, worked out once; forgotten when the weights may change."""
        if self.kept is None:
            folded = self.fold()
            inverse = torch.linalg.inv(folded.weight.cpu().double())  # on the CPU: not every device has float64
            self.kept = folded._replace(inverse=inverse.to(folded.weight.dtype).to(folded.weight.device))
        return self.kept

    def train(self, mode: bool = True) -> Block:
        self.kept = None
        return super().train(mode)

    def _apply(self, *args, **options) -> Block:  # to another device or type
        self.kept = None
        return super()._apply(*args, **options)

    def forward(self, h: Tensor) -> tuple[Tensor, Tensor]:
        folded = self.fold() if self.training else self.constant()
        h = F.conv2d(h, folded.weight[:, :, None, None], folded.bias)
        z, log_slope = curve.forward(h[:, self.moved], self.net(self.rest(h)))
        return self.put(h, z), log_slope.flatten(1).sum(1) + folded.ladj * (h.shape[2] * h.shape[3])

    def back(self, h: Tensor) -> Tensor:
        """The h that `forward` takes to this one."""
        folded = self.constant()
        h = self.put(h, curve.inverse(h[:, self.moved], self.net(self.rest(h))))
        return F.conv2d(h - folded.bias[:, None, None], folded.inverse[:, :, None, None])

    def rest(self, h: Tensor) -> Tensor:
        """The three other channels."""
        return torch.cat([h[:, : self.moved], h[:, self.moved + 1 :]], 1)

    def put(self, h: Tensor, z: Tensor) -> Tensor:
        """h with the moved channel replaced by z (B, H, W)."""
        return torch.cat([h[:, : self.moved], z.unsqueeze(1), h[:, self.moved + 1 :]], 1)


class Scale(nn.Module):
    """Blocks, or halves, one after the other."""

    def __init__(self, blocks: list[Block] | list[Halves]):
        super().__init__()
        self.blocks = nn.ModuleList(blocks)

    def forward(self, h: Tensor, back: bool = False) -> tuple[Tensor, Tensor] | Iterator[Tensor]:
        """h after all blocks and the ladj of each (B, blocks); `back`: what h was before each block, one by one, the last block first."""
        if back:
            return self.undo(h)
        ladj = []
        for block in self.blocks:
            h, one = block(h)
            ladj.append(one)
        return h, torch.stack(ladj, 1)

    def undo(self, h: Tensor) -> Iterator[Tensor]:
        for block in reversed(self.blocks):
            h = block.back(h)
            yield h


class Halves(nn.Module):
    """Half of some numbers v (B, n), every second one, bent by the curves that a network reads off the other half."""

    def __init__(self, moved: int, net: nn.Module):
        super().__init__()
        self.moved, self.net = moved, net

    def forward(self, v: Tensor) -> tuple[Tensor, Tensor]:
        z, log_slope = curve.forward(v[:, self.moved :: 2], self.net(v[:, 1 - self.moved :: 2]))
        return self.put(v, z), log_slope.sum(1)

    def back(self, v: Tensor) -> Tensor:
        return self.put(v, curve.inverse(v[:, self.moved :: 2], self.net(v[:, 1 - self.moved :: 2])))

    def put(self, v: Tensor, z: Tensor) -> Tensor:
        out = v.clone()
        out[:, self.moved :: 2] = z
        return out


def log_normal(z: Tensor) -> Tensor:
    """log N(z; 0, I) in nats (B,), z (B, ...)."""
    return -(z * z + math.log(2 * math.pi)).flatten(1).sum(1) / 2
