"""The naive mask and its blind spot.

Zero the lower half of a 3 x 3 kernel and stack such layers: each step of the way goes at most one column to the right per row upwards,
and to the left along a row, so a wedge of pixels above and to the right of the current one is never reached, however deep the stack.
(van den Oord et al. 2016, "Pixel recurrent neural networks", figure 1 of its successor, arXiv 1606.05328.)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MaskedConv(nn.Conv2d):
    """3 x 3 convolution that sees the row above and the pixels to the left; the centre only if `own`."""

    def __init__(self, inputs: int, outputs: int, own: bool):
        super().__init__(inputs, outputs, 3, padding=1)
        self.own = own

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.tensor([[1, 1, 1], [1, float(self.own), 0], [0, 0, 0]], device=x.device)
        return self._conv_forward(x, self.weight * mask, self.bias)


class NaiveStack(nn.Module):
    """Masked convolutions with skip connections, (B, 1, 28, 28) -> (B, 1, 28, 28); 27 layers reach every row."""

    def __init__(self, layers: int = 27, channels: int = 8):
        super().__init__()
        self.first = MaskedConv(1, channels, own=False)
        self.middle = nn.ModuleList(MaskedConv(channels, channels, own=True) for _ in range(layers - 2))
        self.last = MaskedConv(channels, 1, own=True)

    def forward(self, x: Tensor) -> Tensor:
        h = self.first(x)
        for layer in self.middle:
            h = h + torch.tanh(layer(h))
        return self.last(h)


def naive_stack() -> NaiveStack:
    """An untrained stack with the same weights every time, whatever the global random state."""
    net, rng = NaiveStack(), torch.Generator().manual_seed(0)
    for parameter in net.parameters():
        parameter.data = 0.05 * torch.randn(parameter.shape, generator=rng)
    return net
