r"""How probable does a model find pictures that it has never seen?

The held-out log-likelihood, the mean of log p(x) over test pictures, is the one measure that every model of a density shares. What a
model can give differs, so the name of the figure says which it is:

- "exact": log p(x) itself (autoregressive models);
- "ELBO": the evidence lower bound of a latent variable model, one draw of z per picture;
- "IW-500": the importance-weighted bound log 1/k sum_j p(x, z_j) / q(z_j | x) with k = 500 draws (a model may name another k), between
  the ELBO and log p(x), and rising towards it with k (Burda, Grosse and Salakhutdinov 2016, arXiv 1509.00519);
- "ODE": log p(x) of a continuous density, by integrating the probability-flow ODE of a score-based model, at bytes with uniform noise
  between them. That is a bound on the bytes' log-likelihood (Theis et al. 2016), up to the errors of the integrator and of the trace.

Black and white pictures are reported in nats per picture, larger ones in bits per dimension, -log2 p(x) / dimensions: what a perfect
coder would spend on a pixel. Reported numbers are negative log-likelihoods: lower is better, and a bound promises "at most this".
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor


def bits_per_dim(nats: float, dims: int) -> float:
    """-log p(x) in nats per example of `dims` dimensions -> bits per dimension."""
    return nats / (dims * math.log(2))


def kinds(model: Any) -> list[str]:
    """Which figures a model can give, the best last: of "ELBO", "IW-k", "exact" and "ODE"; empty for a model without any likelihood."""
    weighted = f"IW-{getattr(model, 'importance', 500)}"
    methods = {"ELBO": "elbo", weighted: "importance_weighted", "exact": "log_prob", "ODE": "ode_log_prob"}
    return [kind for kind, method in methods.items() if callable(getattr(model, method, None))]


def log_likelihood(model: Any, x: Tensor, kind: str, seed: int = 0, batch: int = 50, first: int = 0) -> Iterator[Tensor]:
    """Log-likelihoods, or bounds on them, in nats, of bytes x (N, 1, 28, 28) uint8; yields (B,) float64 for one chunk after another,
    from picture `first` on.

    `kind` is "exact", "ELBO", "ODE" or "IW-k" with any k, as in "IW-500". Each chunk is prepared as the model asks (binarised, quantised)
    with its own generator, seeded by `seed` and the chunk's place. Small chunks keep the decoder's maps in the processor's cache.
    ValueError for an unknown kind or one that the model does not offer.
    """
    known = [re.sub(r"\d+", "k", k) for k in kinds(model)]
    if re.sub(r"\d+", "k", kind) not in known or not re.fullmatch(r"exact|ELBO|ODE|IW-[1-9]\d*", kind):
        raise ValueError(f"'{kind}' is no likelihood of {type(model).__name__}; it offers {', '.join(kinds(model)) or 'none'}.")
    return (_chunk(model, x[i : i + batch], kind, torch.Generator().manual_seed(seed * 1_000_003 + i)) for i in range(first, len(x), batch))


@torch.no_grad()
def _chunk(model: Any, x: Tensor, kind: str, rng: torch.Generator) -> Tensor:
    x = model.prepare(x, rng).to(model.device)
    if kind == "exact":
        value = model.log_prob(x)
    elif kind == "ELBO":
        value = model.elbo(x, rng)
    elif kind == "ODE":
        value = model.ode_log_prob(x, rng)
    else:
        value = model.importance_weighted(x, int(kind[3:]), rng)
    return value.cpu().double()
