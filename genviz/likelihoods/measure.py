"""Score three sets of images with one model: what the command does for each. What it writes, `genviz.likelihoods` reads."""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save as packed
from torch import Tensor

from genviz import checkpoint
from genviz import file as files
from genviz.argument import Progress
from genviz.data.images import images
from genviz.likelihood import Likelihood
from genviz.likelihoods import BASELINES, SEED, SETS, counted, other, path, table_hash, table_path
from genviz.metrics.complexity import PROTOCOL, png_bits
from genviz.metrics.counting import count, fill
from genviz.metrics.likelihood import log_likelihood
from genviz.model import Model, binarize, finish

MOST = 10_000  # images of a set
LADDER = (MOST, 5000, 2000, 1000, 500, 200)  # and of a slow model: the most that take no longer than PATIENCE
PATIENCE = 150.0  # seconds of computing for one model and data set


def write_table(data: str) -> Path:
    """Count the training images of a data set, grey and binarised by chance once, and write the counts."""
    x = images(data, "train")[0]
    black_white = _bytes(binarize(x, torch.Generator().manual_seed(SEED)))
    planes = count(x[:, 0].numpy(), 16).astype("<u4")[:, None].view(np.uint8).T  # first bytes, then second ones: they pack better apart
    arrays = {
        "grey": np.frombuffer(zlib.compress(planes.tobytes(), 9), np.uint8),
        "binary": count(black_white, 2), "bytes": np.bincount(x.numpy().ravel(), minlength=256),
    }  # fmt: skip
    _save(arrays, table_path(data), {"data": data})
    counted.cache_clear()
    return table_path(data)


def _save(arrays: dict[str, np.ndarray], file: Path, about: dict[str, Any]) -> None:
    files.write(file, packed(arrays, {k: str(v) for k, v in about.items()}))


def _bytes(x: Tensor) -> np.ndarray:
    """Pictures (N, 1, 28, 28) in [-1, 1] -> bytes (N, 28, 28)."""
    return ((x[:, 0] + 1) * 127.5).round().byte().cpu().numpy()


def filled_in(model: Model, frequency: np.ndarray) -> np.ndarray:
    """log2 p(byte | level) (256,) float32 of a model of grey levels, by how often the data set has each byte; zeros for other models."""
    if model.pixels != "levels":
        return np.zeros(256, np.float32)
    ramp = (torch.arange(28 * 28) % 256).byte().view(1, 1, 28, 28)
    prepared = model.prepare(ramp, torch.Generator().manual_seed(SEED)).flatten()[:256]
    return fill(frequency, ((prepared + 1) / 2 * (model.levels - 1)).round().long().numpy())


def measure(model: Model, x: Tensor, one: Likelihood, data: str, filled: np.ndarray, batch: int = 50) -> np.ndarray:
    """Bytes x (N, 1, 28, 28) -> log2 p(x), PNG bits and log2 p of the counting model, (3, N) float64."""
    return finish(_measured(model, x, one, data, filled, batch))


def _measured(model: Model, x: Tensor, one: Likelihood, data: str, filled: np.ndarray, batch: int = 50) -> Generator[int, None, np.ndarray]:
    """The same, yielding how many are scored."""
    parts: list[Tensor] = []
    for part in log_likelihood(model, x, one, SEED, batch):
        parts.append(part)
        yield sum(map(len, parts))
    bits = torch.cat(parts).numpy() / math.log(2)
    seen, background = x[:, 0].numpy(), counted(data)[0]["grey"]
    if model.pixels == "binary":  # the draws that `log_likelihood` scores: each chunk has a generator of its own
        parts = [model.prepare(part, torch.Generator().manual_seed(SEED * 1_000_003 + batch * i)) for i, part in enumerate(x.split(batch))]
        seen, background = _bytes(torch.cat(parts)), counted(data)[0]["binary"]
    else:
        bits = bits + filled[seen].sum((1, 2), dtype=np.float64)
    return np.stack([bits, png_bits(seen), background.log2_prob(seen)])


def compute(name: str, data: str, n: int = 0) -> Iterator[Progress | Path]:
    """Score the three sets with a trained model: Progress, then its file, written; nothing for a model without a likelihood. n = 0 chooses
    from LADDER by the time that an image takes."""
    card = checkpoint.card_of(name, data)
    files.must_be_writable(path(name, data).parent)
    model = checkpoint.load(card).to(memory_format=torch.channels_last)
    if not model.likelihoods:
        return
    one = model.likelihoods[0].quick()
    filled = filled_in(model, counted(data)[1])
    few, begun = _sets(data, 16)["test"], time.process_time()
    for images_tried in (few[:2], few):  # the first call is slower than the rest
        begun = time.process_time()
        measure(model, images_tried, one, data, filled)
    ms = 1000 * (time.process_time() - begun) / len(few)
    n = n or next((n for n in LADDER if n * len(SETS) * ms / 1000 < PATIENCE), LADDER[-1])
    sets = {}
    for number, (which, x) in enumerate(_sets(data, n).items()):
        walk = _measured(model, x, one, data, filled)
        while which not in sets:
            try:
                yield Progress(f"scores of {name} on {data}", number * n + next(walk), len(SETS) * n)
            except StopIteration as end:
                sets[which] = end.value
    seen = "binary" if model.pixels == "binary" else "filled" if filled.any() else "grey"
    yield _write(name, data, sets, filled, {"sha256": card.sha256, "kind": one.name, "n": n, "seen": seen, "ms": round(ms, 2)})


def compute_baselines(data: str, n: int = 0) -> Iterator[Path]:
    """The files of the models without a network."""
    sets, models = {which: x[:, 0].numpy() for which, x in _sets(data, n or MOST).items()}, counted(data)[0]
    for name in BASELINES:
        seen, short = sets, name.partition("/")[2]
        if short == "binary":
            draws = {k: binarize(torch.from_numpy(x[:, None]), torch.Generator().manual_seed(SEED)) for k, x in sets.items()}
            seen = {k: _bytes(x) for k, x in draws.items()}
        found = {}
        for which, x in seen.items():
            background, png = models["binary" if short == "binary" else "grey"].log2_prob(x), png_bits(x)
            found[which] = np.stack([-png if short == "png" else background, png, background])
        about = {"sha256": table_hash(data), "kind": "exact", "n": n or MOST, "seen": "binary" if short == "binary" else "grey", "ms": 0.3}
        yield _write(name, data, found, np.zeros(256, np.float32), about)


def _sets(data: str, n: int) -> dict[str, Tensor]:
    """The first n images of each set, bytes (n, 1, 28, 28)."""
    return {"train": images(data, "train")[0][:n], "test": images(data, "test")[0][:n], "other": images(other(data), "test")[0][:n]}


def _write(name: str, data: str, sets: dict[str, np.ndarray], filled: np.ndarray, about: dict[str, Any]) -> Path:
    """float16 keeps a score of 1,000 bits to half a bit, which no histogram shows."""
    arrays = {which: np.clip(x, -60_000, 60_000).astype(np.float16) for which, x in sets.items()}
    fixed = {"model": name, "data": data, "other": other(data), "seed": SEED, "png": PROTOCOL}
    _save({**arrays, "filled": filled}, path(name, data), {**fixed, **about})
    return path(name, data)
