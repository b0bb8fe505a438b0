r"""How probable does a model find pictures that it has never seen?

The held-out log-likelihood, the mean of log p(x) over test pictures, is the one measure that every model of a density shares. What a
model can give differs, so that each declares it (genviz.likelihood), and the name of the figure says which it is: exact, by the ODE, or a
bound.

Black and white pictures are reported in nats per picture, larger ones in bits per dimension, -log2 p(x) / dimensions: what a perfect
coder would spend on a pixel. Reported numbers are negative log-likelihoods: lower is better, and a bound promises "at most this".
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from genviz.likelihood import Likelihood
    from genviz.model import Model


def bits_per_dim(nats: float, dims: int) -> float:
    """-log p(x) in nats per example of `dims` dimensions -> bits per dimension."""
    return nats / (dims * math.log(2))


def log_likelihood(model: Model, x: Tensor, one: Likelihood, seed: int = 0, batch: int = 50, first: int = 0) -> Iterator[Tensor]:
    """Log-likelihoods, or bounds on them, in nats, of bytes x (N, 1, 28, 28) uint8; yields (B,) float64 for one chunk after another,
    from picture `first` on.

    `one` is a likelihood that the model declares. Each chunk is prepared as the model asks (binarised, quantised) with its own generator,
    seeded by `seed` and the chunk's place. Small chunks keep the decoder's maps in the processor's cache.
    """
    return (_chunk(model, x[i : i + batch], one, torch.Generator().manual_seed(seed * 1_000_003 + i)) for i in range(first, len(x), batch))


@torch.no_grad()
def _chunk(model: Model, x: Tensor, one: Likelihood, rng: torch.Generator) -> Tensor:
    x = model.prepare(x, rng).to(model.device)
    ask = getattr(model, one.method)
    drawn = {"rng": rng} if "rng" in inspect.signature(ask).parameters else {}
    return ask(x, **one.options, **drawn).cpu().double()
