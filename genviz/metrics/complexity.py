"""How complex is a picture in itself? The bits of its PNG file, no model asked.

A PNG file is a filter, which writes each pixel as a difference from its neighbours or leaves it, and the packer deflate, which spends few
bits on what repeats (W3C 2003). Here: 8-bit grey, filter 0 (none) on every row, zlib at level 9; what is counted is the packed part, less
that of an all-black picture, so that headers cost nothing. The same picture gives the same bits wherever zlib itself packs.

A likelihood goes up when a picture is simple, whatever it shows. Adding the bits of a general packer to log2 p(x) takes that out: what is
left is how many bits the model saves against a coder that has learnt nothing (Serra et al. 2020, "Input complexity and out-of-distribution
detection with likelihood-based generative models", arXiv 1909.11480).
"""

from __future__ import annotations

import zlib
from functools import lru_cache

import numpy as np

PROTOCOL = "8-bit grey, no filter, zlib level 9, less the bits of an all-black picture"


def png_bits(x: np.ndarray) -> np.ndarray:
    """Bytes (N, H, W) uint8 -> bits of each picture's PNG beyond those of an all-black one, (N,) int64."""
    if x.dtype != np.uint8 or x.ndim != 3:
        raise ValueError(f"Pictures are uint8 of shape (N, H, W), not {x.dtype} {x.shape}.")
    rows = np.pad(x, ((0, 0), (0, 0), (1, 0)))  # each row led by the number of its filter, 0
    return 8 * (np.array([_packed(one.tobytes()) for one in rows], np.int64) - _blank(*rows.shape[1:]))


@lru_cache(maxsize=4)
def _blank(height: int, width: int) -> int:
    return _packed(bytes(height * width))


def _packed(rows: bytes) -> int:
    packer = zlib.compressobj(9, zlib.DEFLATED, 15, 9, zlib.Z_DEFAULT_STRATEGY)
    return len(packer.compress(rows)) + len(packer.flush())
