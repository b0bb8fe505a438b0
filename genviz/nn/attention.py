"""Attention among the places of a picture (Vaswani et al. 2017; among pixels: Wang et al. 2018)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class Attention(nn.Module):
    """h (B, width, H, W) -> like h: every place reads from every other; zero at the start of training."""

    def __init__(self, width: int, heads: int = 1, groups: int = 8):
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(groups, width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, h: Tensor) -> Tensor:
        b, c, height, width = h.shape
        u = self.norm(h).permute(0, 2, 3, 1).reshape(b, height * width, c)  # no copy where memory is channels-last
        q, k, v = self.qkv(u).view(b, -1, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)  # (B, heads, H W, c / heads) each
        u = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, -1, c)
        return h + self.out(u).view(b, height, width, c).permute(0, 3, 1, 2)
