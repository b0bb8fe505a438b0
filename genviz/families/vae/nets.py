"""Encoders and decoders of the VAEs: a plain MLP pair for the small models, a convolutional pair for the strong one.

The convolutional pair is made for CPUs: four neighbouring pixels become four channels first (space to depth), so that every
convolution works on 14 x 14 or 7 x 7 positions with many channels, where processors are fast, and none on 28 x 28. The decoder is
the cheaper half on purpose: an importance-weighted bound encodes an image once and decodes it hundreds of times.

Encoders map x (B, 1, 28, 28) to (B, 2 z_dim), mean and log-variance side by side; decoders map z (B, z_dim) to the logits
(B, 1, 28, 28) of independent Bernoulli pixels.
"""

from __future__ import annotations

from torch import nn


def mlp_encoder(z_dim: int, width: int) -> nn.Sequential:
    """784 -> width -> width -> 2 z_dim."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 2 * z_dim))


def mlp_decoder(z_dim: int, width: int) -> nn.Sequential:
    """z_dim -> width -> width -> 784."""
    return nn.Sequential(
        nn.Linear(z_dim, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 784), nn.Unflatten(1, (1, 28, 28))
    )


def conv_encoder(z_dim: int, width: int) -> nn.Sequential:
    """28 x 28 x 1 -> 14 x 14 x width/2 -> 7 x 7 x width -> 4 width -> 2 z_dim."""
    half = width // 2
    return nn.Sequential(
        nn.PixelUnshuffle(2),  # (B, 4, 14, 14)
        nn.Conv2d(4, half, 3, padding=1),  # (B, width/2, 14, 14)
        nn.SiLU(),
        nn.Conv2d(half, width, 3, stride=2, padding=1),  # (B, width, 7, 7)
        nn.SiLU(),
        nn.Flatten(),
        nn.Linear(49 * width, 4 * width),
        nn.SiLU(),
        nn.Linear(4 * width, 2 * z_dim),
    )


def conv_decoder(z_dim: int, width: int) -> nn.Sequential:
    """z_dim -> 4 width -> 7 x 7 x width -> 14 x 14 x width/2 -> 28 x 28 x 1."""
    half = width // 2
    return nn.Sequential(
        nn.Linear(z_dim, 4 * width),
        nn.SiLU(),
        nn.Linear(4 * width, 49 * width),
        nn.Unflatten(1, (width, 7, 7)),
        nn.SiLU(),
        nn.PixelShuffle(2),  # (B, width/4, 14, 14)
        nn.Conv2d(width // 4, half, 3, padding=1),  # (B, width/2, 14, 14)
        nn.SiLU(),
        nn.Conv2d(half, 4, 3, padding=1),  # (B, 4, 14, 14)
        nn.PixelShuffle(2),  # (B, 1, 28, 28)
    )


NETS = {"mlp": (mlp_encoder, mlp_decoder), "conv": (conv_encoder, conv_decoder)}
