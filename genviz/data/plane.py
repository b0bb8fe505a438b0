r"""What the page shows of the densities in the plane, without torch: 2,000 test points of each data set and log p on a grid.

Noise blurs a density. Adding noise of standard deviation sigma to the data convolves p with a Gaussian, which is a product of one along
each axis, so that on a grid P of densities the noisy density and its gradient are products of three matrices,

    p_sigma = G P G',    d p_sigma / d x1 = G P D',    d p_sigma / d x2 = D P G',    score = gradient / p_sigma,

with G the Gaussian between the places where it is wanted and the cells of the grid, and D its derivative. One shipped file serves all
noise levels. The command makes it again from the formulas of genviz.data.points:

    python -m genviz.data.plane
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from genviz import file
from genviz.argument import Command
from genviz.data import of
from genviz.data.exhibit import FOLDER
from genviz.file import FileError

HALF = 3.0  # the view is [-HALF, HALF] squared
CELLS = 120  # on a side; edges of the checkerboard fall between cells
SHOWN = 2000  # points of each data set


def lattice(cells: int = CELLS) -> np.ndarray:
    """Centres (cells * cells, 2) float32 of the cells of the view, row by row as on a screen: x2 falling, x1 rising."""
    u = _axis(cells).astype(np.float32)
    return np.stack([np.tile(u, cells), np.repeat(u[::-1], cells)], 1)


def _axis(cells: int) -> np.ndarray:
    return HALF * ((2 * np.arange(cells) + 1) / cells - 1)


@lru_cache(maxsize=8)
def truth(data: str) -> tuple[np.ndarray, np.ndarray]:
    """Test points (2000, 2) and log p at the centres of the lattice (120, 120), float32, -inf where p is 0; read once, read-only.

    Raises KeyError for a name that is no data set in the plane and FileError with the command where the file is missing or damaged.
    """
    if data not in of("points"):
        raise KeyError(f"There is no data set '{data}' in the plane; there are {', '.join(of('points'))}.")
    where, command = FOLDER / "plane.safetensors", "make it again with: python -m genviz.data.plane"
    both, _ = file.read_arrays(where, f"{where.name} is missing in pretrained/exhibit; {command}")
    x, log_p = (both.get(f"{data}.{what}", np.zeros(0)).astype(np.float32) for what in ("x", "log_prob"))
    if x.shape != (SHOWN, 2) or log_p.shape != (CELLS, CELLS) or not np.isfinite(x).all() or np.isnan(log_p).any():
        raise FileError(f"{file.shown(where)} is damaged; {command}")
    x.flags.writeable = log_p.flags.writeable = False
    return x, log_p


def noisy(data: str, sigma: float, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """p_sigma (cells, cells) and its score (cells * cells, 2) at the centres of a lattice, float32; sigma at least 0.1, twice a cell."""
    p = np.exp(truth(data)[1].astype(np.float64))[::-1] * (2 * HALF / CELLS) ** 2  # mass of a cell; rows rise with x2
    away = _axis(CELLS)[None] - _axis(cells)[:, None]  # (cells, 120)
    g = np.exp(-away * away / (2 * sigma * sigma)) / (np.sqrt(2 * np.pi) * sigma)
    d = g * away / (sigma * sigma)
    density = g @ p @ g.T
    score = np.stack([g @ p @ d.T, d @ p @ g.T], -1) / np.maximum(density, 1e-300)[..., None]
    return density[::-1].astype(np.float32), score[::-1].reshape(-1, 2).astype(np.float32)


def main() -> None:
    command = Command("python -m genviz.data.plane", "Make the densities in the plane again from their formulas.")
    command.parse_args()
    with command.sentences():
        import torch  # needed to make the file, never to show it
        from safetensors.numpy import save

        from genviz.data.points import log_prob, points

        centres, kept = torch.from_numpy(lattice()).double(), {}
        for data in command.bar(of("points"), "densities"):
            kept[f"{data}.x"] = points(data, "test")[0][:SHOWN].numpy().astype(np.float16)
            kept[f"{data}.log_prob"] = log_prob(data, centres).numpy().reshape(CELLS, CELLS).astype(np.float16)
        packed = save(kept)
        file.write(FOLDER / "plane.safetensors", packed)
        print(f"wrote pretrained/exhibit/plane.safetensors: {len(of('points'))} data sets, {len(packed):,} bytes")


if __name__ == "__main__":
    main()
