r"""The network behind the energy of a picture, and its slope written out by hand.

`Potential` is a plain classifier, with a number for each class: the picture is folded (2 x 2 patches become four channels), a few
convolutions work at 14 x 14, 7 x 7 and 4 x 4, a dense layer looks at the whole. The activation is smooth (SiLU), since chains walk along
df/dx, and there is no normalisation, which would make one picture's energy depend on how the rest is scaled.

A chain asks for df/dx hundreds of times and never for the gradient of a weight. `slope` therefore walks back through the layers itself:
every convolution becomes its transpose, every SiLU a factor. That equals autograd's answer, needs no graph, leaves the gradient mode
alone and lets weights that are being trained take part in a chain. Of the classes any mixture can be asked for, at the price of one.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

bend = torch.ops.aten.silu_backward  # (slope at silu(u), u) -> slope at u


def bend_(g: Tensor, u: Tensor) -> Tensor:
    """The same, written over u, which nobody needs any more: fresh memory for a large map costs as much as the arithmetic."""
    return torch.ops.aten.silu_backward.grad_input(g, u, grad_input=u)


class Potential(nn.Module):
    """x (B, 1, 28, 28), level (B,) -> f(x, level) (B, classes) and, if asked for, the slope of a mixture, sum_c w_c df_c/dx.

    `mix` takes f and answers with the weights w (B, classes) of that mixture.
    `fine`, `middle`, `coarse`: channels at 14 x 14, 7 x 7, 4 x 4. The level, log sigma, is told to every layer as a number per channel.
    """

    def __init__(self, fine: int = 32, middle: int = 64, coarse: int = 128, blocks: int = 2, classes: int = 10):
        super().__init__()
        self.stem = nn.Conv2d(4, fine, 3, padding=1)
        self.fold = nn.Conv2d(fine, middle, 3, stride=2, padding=1)
        self.blocks = nn.ModuleList(nn.Conv2d(middle, middle, 3, padding=1) for _ in range(blocks))
        self.down = nn.Conv2d(middle, coarse, 3, stride=2, padding=1)
        self.dense = nn.Linear(16 * coarse, coarse)
        self.widths = [fine, middle, *[middle] * blocks, coarse, coarse, coarse]  # of every activation, and of the last layer
        self.told = nn.Sequential(nn.Linear(1, 64), nn.SiLU(), nn.Linear(64, sum(self.widths)))
        self.last = nn.Parameter(torch.randn(classes, coarse) / coarse**0.5)  # a constant would say nothing about a density

    def forward(self, x: Tensor, level: Tensor, mix: Callable[[Tensor], Tensor] | None = None) -> tuple[Tensor, Tensor | None]:
        told = self.told(level[:, None]).split(self.widths, 1)
        stem, fold, *blocks, down, dense, last = told
        h = F.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)
        seen = [self.stem(h).add_(stem[..., None, None])]
        seen.append(self.fold(F.silu(seen[-1])).add_(fold[..., None, None]))
        h = F.silu(seen[-1])  # (B, middle, 7, 7)
        for block, more in zip(self.blocks, blocks, strict=True):
            seen.append(block(h).add_(more[..., None, None]))
            h = F.silu(seen[-1]) + h
        seen.append(self.down(h).add_(down[..., None, None]))
        seen.append(self.dense(F.silu(seen[-1]).permute(0, 2, 3, 1).flatten(1)).add_(dense))  # channels last: flat without a copy
        f = ((F.silu(seen[-1]) * (1 + last))[:, None] * self.last).sum(2)
        return f, self._slope(seen, mix(f) @ self.last * (1 + last)) if mix else None

    @torch.no_grad()
    def _slope(self, seen: list[Tensor], weight: Tensor) -> Tensor:
        """From the slope (B, coarse) at the last activation, and what came before every one, last layer first; consumes `seen`."""
        g = bend(weight, seen.pop()) @ self.dense.weight
        u = seen.pop()
        g = bend_(g.view(len(u), 4, 4, -1).permute(0, 3, 1, 2), u)
        g = F.conv_transpose2d(g, self.down.weight, stride=2, padding=1)
        for block in reversed(self.blocks):
            g = F.conv_transpose2d(bend_(g, seen.pop()), block.weight, padding=1).add_(g)
        g = F.conv_transpose2d(bend_(g, seen.pop()), self.fold.weight, stride=2, padding=1, output_padding=1)
        g = F.conv_transpose2d(bend_(g, seen.pop()), self.stem.weight, padding=1)
        return F.pixel_shuffle(g, 2)


class Hill(nn.Module):
    """x (B, 2), level (B,) or (1,) -> f(x, level) (B,) and, if asked for, df/dx: a few dense layers, for points in the plane.

    They read the point and `waves` waves of it; without those, fine detail would take far longer to learn (Tancik et al. 2020). The level,
    log sigma, is told as in `Potential`: as a number per unit of every layer.
    """

    def __init__(self, width: int = 64, layers: int = 3, waves: int = 32):
        super().__init__()
        self.waves = nn.Linear(2, waves, bias=False)
        nn.init.normal_(self.waves.weight, std=2.0)
        self.layers = nn.ModuleList(nn.Linear(width if i else 2 + 2 * waves, width) for i in range(layers))
        self.told = nn.Sequential(nn.Linear(1, width), nn.SiLU(), nn.Linear(width, (layers + 1) * width))
        self.last = nn.Linear(width, 1, bias=False)

    def forward(self, x: Tensor, level: Tensor, slope: bool = False) -> tuple[Tensor, Tensor | None]:
        *told, last = self.told(level[:, None]).chunk(len(self.layers) + 1, 1)
        angle = self.waves(x)
        up, down = torch.cos(angle), torch.sin(angle)
        seen = [self.layers[0](torch.cat([x, up, down], 1)) + told[0]]
        for layer, more in zip(self.layers[1:], told[1:], strict=True):
            seen.append(layer(F.silu(seen[-1])) + more)
        weight = (self.last.weight * (1 + last)).expand_as(seen[-1])
        return (F.silu(seen[-1]) * weight).sum(1), self._slope(seen, up, down, weight) if slope else None

    @torch.no_grad()
    def _slope(self, seen: list[Tensor], up: Tensor, down: Tensor, g: Tensor) -> Tensor:
        for layer, u in zip(reversed(self.layers), reversed(seen), strict=True):
            g = bend(g, u) @ layer.weight
        by_x, by_up, by_down = g.split([2, up.shape[1], up.shape[1]], 1)
        return by_x + (by_down * up - by_up * down) @ self.waves.weight
