r"""Are the pictures good, and are all kinds of pictures there? One number cannot answer both questions; four do, in two pairs.

Around every feature draw a ball that reaches to its k-th nearest neighbour in its own set; the union of the balls is the set's
territory.

- *precision*: share of generated pictures inside the real territory (quality); *recall*: share of real pictures inside the generated
  territory (variety). Kynkaanniemi et al. 2019, arXiv 1904.06991; k = 3.
- *density*: how many real balls a generated picture lies in, over k; about 1 for a perfect model, more for one that stays in the crowd;
  *coverage*: share of real balls with a generated picture inside. They mind a single far-off picture less. Naeem et al. 2020,
  arXiv 2002.09797; k = 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Coverage:
    """The four figures; precision, recall and coverage in [0, 1], density >= 0."""

    precision: float
    recall: float
    density: float
    coverage: float


def _blocks(a: Tensor, b: Tensor, block: int) -> Iterator[tuple[slice, Tensor]]:
    """Squared distances of a's rows to all of b, `block` rows at a time: (rows of a, (block, len(b)))."""
    norms = b.square().sum(1)
    for i in range(0, len(a), block):
        rows = a[i : i + block]
        yield slice(i, i + len(rows)), torch.addmm(norms, rows, b.T, alpha=-2).add_(rows.square().sum(1, keepdim=True)).clamp_(min=0)


def _reach(a: Tensor, ks: tuple[int, ...], block: int) -> list[Tensor]:
    """Squared distance of every row of a (N, D) to its k-th nearest other row, (N,) for each k."""
    reach = a.new_empty(len(a), max(ks))
    for rows, distance in _blocks(a, a, block):
        distance[torch.arange(len(distance)), torch.arange(rows.start, rows.stop)] = torch.inf  # a point is not its own neighbour
        reach[rows] = distance.topk(max(ks), largest=False).values
    return [reach[:, k - 1].contiguous() for k in ks]


def coverage(real: Tensor, generated: Tensor, k: int = 3, k_density: int = 5, block: int = 500) -> Coverage:
    """All four for features real (N, D) and generated (M, D), by blocked matrix products in float64.

    `k` is used for precision and recall, `k_density` for density and coverage. ValueError where a set has too few rows for k neighbours.
    """
    if min(len(real), len(generated)) <= max(k, k_density):
        raise ValueError(f"{max(k, k_density)} neighbours need more than {max(k, k_density)} pictures on each side.")
    real, generated = real.double(), generated.double()
    near, far = _reach(real, (k, k_density), block)
    (own,) = _reach(generated, (k,), block)
    precision, density = 0, 0
    recalled = torch.zeros(len(real), dtype=torch.bool)
    covered = torch.zeros(len(real), dtype=torch.bool)
    for rows, distance in _blocks(generated, real, block):  # (block, N)
        precision += int((distance <= near).any(1).sum())
        recalled |= (distance <= own[rows, None]).any(0)
        inside = distance <= far
        density += int(inside.sum())
        covered |= inside.any(0)
    return Coverage(
        precision / len(generated), recalled.double().mean().item(), density / (k_density * len(generated)), covered.double().mean().item()
    )
