r"""How far apart are two sets of pictures? Two distances between the clouds of their features.

The Frechet distance pretends that both clouds are Gaussian and measures the distance between the Gaussians (Dowson and Landau 1982; on
Inception features it is the "FID" of Heusel et al. 2017, arXiv 1706.08500):

    d^2 = |mu_1 - mu_2|^2 + tr(S_1 + S_2 - 2 (S_1^(1/2) S_2 S_1^(1/2))^(1/2))

It needs many pictures, because the error of the estimated covariances always adds to it: compare figures of equal numbers only, and
beside the floor, the distance of two sets of real pictures. The kernel distance KID (Binkowski et al. 2018, arXiv 1801.01401), the
squared maximum mean discrepancy under k(a, b) = (a.b / d + 1)^3, pretends nothing and has an unbiased estimate, which may fall below 0.
"""

from __future__ import annotations

import torch
from torch import Tensor


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """features (N, D) -> mean (D,) and covariance (D, D), float64."""
    features = features.double()
    return features.mean(0), torch.cov(features.T).reshape(features.shape[1], -1)


def _root(matrix: Tensor) -> Tensor:
    """Square root of a symmetric matrix (D, D) without negative eigenvalues."""
    values, vectors = torch.linalg.eigh(matrix)
    return vectors * values.clamp(min=0).sqrt() @ vectors.T


def gaussian_frechet(mu_1: Tensor, cov_1: Tensor, mu_2: Tensor, cov_2: Tensor) -> float:
    """Squared Frechet distance of two Gaussians with means (D,) and covariances (D, D).

    The trace of (S_1^(1/2) S_2 S_1^(1/2))^(1/2) is the sum of the roots of its eigenvalues: the matrix is symmetric, so `eigh` does
    what the usual, slower root of S_1 S_2 does, without complex numbers.
    """
    mu_1, cov_1, mu_2, cov_2 = (v.double() for v in (mu_1, cov_1, mu_2, cov_2))
    root = _root(cov_1)
    middle = root @ cov_2 @ root
    shared = torch.linalg.eigvalsh((middle + middle.T) / 2).clamp(min=0).sqrt().sum()
    return float((mu_1 - mu_2).square().sum() + cov_1.trace() + cov_2.trace() - 2 * shared)


def frechet(a: Tensor, b: Tensor) -> float:
    """Squared Frechet distance between features a (N, D) and b (M, D); ValueError for fewer than two rows."""
    if min(len(a), len(b)) < 2:
        raise ValueError("A covariance needs at least two pictures on each side.")
    return gaussian_frechet(*moments(a), *moments(b))


def kid(a: Tensor, b: Tensor, block: int = 1000) -> float:
    """Squared maximum mean discrepancy between features a (N, D) and b (M, D), unbiased, over all pairs (no random subsets)."""
    a, b = a.double(), b.double()

    def total(u: Tensor, v: Tensor) -> float:
        return sum(float(((rows @ v.T) / u.shape[1] + 1).pow(3).sum()) for rows in u.split(block))

    def alone(u: Tensor) -> float:
        own = (u.square().sum(1) / u.shape[1] + 1).pow(3).sum()
        return (total(u, u) - float(own)) / (len(u) * (len(u) - 1))

    return alone(a) + alone(b) - 2 * total(a, b) / (len(a) * len(b))
