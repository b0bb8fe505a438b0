"""The map: where a model with an encoder puts 5,000 test images, laid out in two dimensions.

UMAP (McInnes, Healy and Melville 2018) joins every latent point mu(x) with its nearest neighbours and lays the graph out in the plane
so that neighbours stay neighbours. `n_neighbors` says how many count as near, `min_dist` how tightly they may lie. The layout takes
a minute, so one command makes it and it is shipped as plain arrays; umap itself is never imported by the running app:

    python -m genviz.map                      # both data sets, the embeddings of vae/vae
    python -m genviz.map vae/vae mnist

A new picture lands on a finished map as the weighted mean of the places of its nearest neighbours in latent space, which takes a
fraction of a millisecond (`Map.place`). For a live layout of a part of the points see genviz/remap.py.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from genviz import argument, checkpoint
from genviz import file as files
from genviz.argument import Command, pick_device, reader
from genviz.data import DATA, of
from genviz.data.exhibit import exhibit
from genviz.file import FileError

MODEL = "vae/vae"  # whose embeddings the command lays out unless told otherwise
N_NEIGHBORS, MIN_DIST, SEED = 15, 0.1, 0
NEIGHBORS = (2, 1000)  # bounds of n_neighbors
NEAR = 10  # neighbours that place a new point


@dataclass(frozen=True)
class Map:
    """Points mu (N, z_dim) float32 of a latent space, their places xy (N, 2) float32 and classes labels (N,) int64.

    `about` says how it was made: model, data, sha256 of the weights, n_neighbors, min_dist, seed; all text.
    """

    mu: np.ndarray
    xy: np.ndarray
    labels: np.ndarray
    about: dict[str, str]

    def __post_init__(self):
        object.__setattr__(self, "_squares", np.einsum("nz,nz->n", self.mu, self.mu))

    def neighbours(self, mu: np.ndarray, k: int = NEAR) -> tuple[np.ndarray, np.ndarray]:
        """The k nearest points to mu (z_dim,): their indices (k,), nearest first, and their latent distances (k,)."""
        mu = mu.astype(np.float32, copy=False)
        d2 = self._squares - 2 * (self.mu @ mu) + mu @ mu
        near = np.argpartition(d2, k)[:k]
        near = near[np.argsort(d2[near])]
        return near, np.sqrt(np.maximum(d2[near], 0))

    def place(self, mu: np.ndarray, k: int = NEAR) -> np.ndarray:
        """Where mu (z_dim,) lies on the map: sum_i w_i xy_i / sum_i w_i over the k nearest points, w_i = 1 / d_i^8 -> (2,).

        A point of the map lands on itself, because its own weight outgrows all others.
        """
        near, distance = self.neighbours(mu, k)
        ratio = (max(distance[0], 1e-3) / np.maximum(distance, 1e-3)) ** 8
        return (ratio @ self.xy[near] / ratio.sum()).astype(np.float32)


def path(data: str) -> Path:
    """Where the map of a data set is kept."""
    return checkpoint.PRETRAINED / "map" / f"{data}.safetensors"


@lru_cache(maxsize=4)
def read(data: str) -> Map:
    """The shipped map of a data set; ValueError with one sentence where there is none or where it fits no longer."""
    if data not in of("image"):
        raise ValueError(f"There is no data set '{data}'; there are {', '.join(of('image'))}.")
    file, command = path(data), f"python -m genviz.map {MODEL} {data}"
    if not file.exists():
        raise ValueError(f"The map of {DATA[data].title} is not computed yet; make it with: {command}")
    try:
        arrays, about = files.read_arrays(file)
        found = Map(arrays["mu"].astype(np.float32), arrays["xy"], arrays["labels"].astype(np.int64), about)
        if not _whole(found, len(exhibit(data)[1])):
            raise FileError(f"{files.shown(file)} holds no map")
        card = checkpoint.card_of(about["model"], data)
    except Exception as error:
        why = f"{files.shown(file)} lacks {error}" if isinstance(error, KeyError) and not about.get("model") else error.args[0]
        raise ValueError(f"The map cannot be read ({why}); make it again with: {command}") from None
    if card.sha256 != about["sha256"]:
        raise ValueError(f"The map of {DATA[data].title} was made from other weights of {card.name}; make it again with: {command}")
    return found


def _whole(map: Map, points: int) -> bool:
    """Whether the arrays of a map are those of so many points."""
    shapes = map.mu.ndim == 2 and map.mu.shape[1] > 0 and (len(map.mu), map.xy.shape, map.labels.shape) == (points, (points, 2), (points,))
    said = {"model", "data", "sha256", "n_neighbors", "min_dist"} <= map.about.keys()
    sound = np.isfinite(map.mu).all() and np.isfinite(map.xy).all() and np.isin(map.labels, range(10)).all()
    return bool(shapes and said and sound)


def umap_must_be_there() -> None:
    """ValueError with one sentence where umap-learn, which only a new layout needs, is not installed."""
    if importlib.util.find_spec("umap") is None:
        raise ValueError("A new layout needs the package umap-learn, which is not installed; install it with: pip install umap-learn")


def layout(mu: np.ndarray, n_neighbors: int, min_dist: float, seed: int = SEED, show: Callable[[float], None] | None = None) -> Any:
    """A fitted umap.UMAP of mu (N, z_dim), its `embedding_` (N, 2); show(share) is called while the layout moves. Imports umap."""
    umap_must_be_there()
    import umap

    class Bar:  # umap draws its progress with tqdm; this "file" reads it back
        def write(self, text: str) -> None:
            done, slash, total = text.strip().partition("/")
            if show and slash and done.isdigit() and total.isdigit():
                show(int(done) / int(total))

        def flush(self) -> None:
            pass

    bar = {"file": Bar(), "disable": False, "bar_format": "{n}/{total}", "mininterval": 0.2, "desc": ""}
    fitted = umap.UMAP(n_neighbors=n_neighbors, min_dist=min_dist, random_state=seed, n_jobs=1, tqdm_kwds=bar)
    return fitted.fit(mu)


def embed(name: str, data: str, device: str = "cpu") -> tuple[np.ndarray, str]:
    """mu (5000, z_dim) float32 of the exhibit by "family/model", and the sha256 of its weights. ValueError for a model without an
    encoder, or of points. Imports torch."""
    import torch

    from genviz.model import abilities

    if data not in of("image"):
        raise KeyError(f"There is no data set of images '{data}'; there are {', '.join(of('image'))}.")
    card = checkpoint.card_of(name, data)
    model = checkpoint.load(card, pick_device(device))
    if "encode" not in abilities(model):
        raise ValueError(f"{name} has no encoder, so that there is nothing to lay out; {MODEL} has one.")
    images, _ = exhibit(data)
    x = torch.from_numpy(images[:, None].astype(np.float32) / 127.5 - 1)
    with torch.inference_mode():
        mu = torch.cat([model.encode(part.to(device))[0].cpu() for part in x.split(250)])
    return mu.numpy(), card.sha256


def compute(name: str, data: str, device: str = "cpu", n_neighbors: int = N_NEIGHBORS, min_dist: float = MIN_DIST,
            show: Callable[[float], None] | None = None) -> Path:  # fmt: skip
    """Embed the exhibit, lay it out and write the map of a data set; returns its file. ValueError or KeyError with one sentence."""
    from safetensors.numpy import save

    n_neighbors, min_dist = argument.whole("n_neighbors", n_neighbors, *NEIGHBORS), argument.number("min_dist", min_dist, 0, 0.99)
    files.must_be_writable(path(data).parent)
    mu, sha256 = embed(name, data, device)
    xy = layout(mu, n_neighbors, min_dist, SEED, show).embedding_
    arrays = {"xy": xy.astype(np.float32), "mu": mu.astype(np.float16), "labels": exhibit(data)[1].astype(np.uint8)}
    about = {"model": name, "data": data, "sha256": sha256, "n_neighbors": n_neighbors, "min_dist": min_dist, "seed": SEED}
    file = path(data)
    files.write(file, save(arrays, {k: str(v) for k, v in about.items()}))
    return file


def main() -> None:
    command = Command("python -m genviz.map", "Lay the test images out by their latent points.")
    command.add_argument(
        "model", nargs="?", type=reader(argument.model), default=MODEL, help="family/model with an encoder (default: %(default)s)"
    )
    command.add_argument(
        "data", nargs="?", type=reader(argument.one_of("data set of images", of("image"))), help="as in mnist (default: all)"
    )
    command.add_argument("--device", type=reader(argument.device), default="cpu")
    command.add_argument("--n-neighbors", type=reader(argument.whole, "n_neighbors", *NEIGHBORS), default=N_NEIGHBORS)
    command.add_argument("--min-dist", type=reader(argument.number, "min_dist", 0, 0.99), default=MIN_DIST)
    args = command.parse_args()
    with command.sentences():
        for data in [args.data] if args.data else of("image"):
            with command.shares(f"map of {data}") as show:
                file = compute(args.model, data, args.device, args.n_neighbors, args.min_dist, show)
            print(f"wrote {file.parent.name}/{file.name}, {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
