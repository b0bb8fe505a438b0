"""Measure one trained model: draw its 10,000 pictures, score the test set, time the sampler.

What costs minutes is kept under runs/compare (or in GENVIZ_RUNS, GENVIZ_HOME) and taken up again after a kill; it is measured anew when
the weights, the knobs or the number of pictures changed. Every chunk of pictures has its own seed, so the same card gives the same
figures.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
import math
import platform
import statistics
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from safetensors.torch import save as packed
from torch import Tensor

from genviz import checkpoint
from genviz import file as files
from genviz.argument import Progress
from genviz.checkpoint import Card
from genviz.compare import SAMPLES, Row, eye
from genviz.data.images import images
from genviz.frame import Frame
from genviz.metrics import classifier
from genviz.metrics.coverage import Coverage, coverage
from genviz.metrics.distance import frechet, kid
from genviz.metrics.likelihood import bits_per_dim, log_likelihood
from genviz.model import Model, abilities

CHUNK = 250  # pictures drawn at a time


def settings(model: Model | type[Model]) -> dict[str, dict[str, Any]]:
    """The knobs to measure a model with, by the setting's name; "" is the default."""
    return {", ".join(_named(k, v) for k, v in s.items()): dict(s) for s in model.measured}


def _named(knob: str, value: Any) -> str:
    return str(value) if isinstance(value, str) else f"{value} steps" if knob == "steps" else f"{knob} {value:g}"


def to_bytes(x: Tensor) -> Tensor:
    """[-1, 1] -> uint8, rounded; exact for black and white and for 16 levels."""
    return ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).cpu()


def from_bytes(x: Tensor) -> Tensor:
    return x.float() / 127.5 - 1


def last(frames: Iterator[Frame]) -> Frame:
    return deque(frames, maxlen=1)[0]


def draw(model: Model, knobs: Any, n: int, seed: int) -> tuple[Tensor, int]:
    """n pictures (n, 1, 28, 28) uint8 and the network calls they took; where a model of black and white pictures shows probabilities,
    pixels are drawn from them."""
    rng = torch.Generator().manual_seed(seed)
    frame = last(model.sample(n, knobs, rng))
    x = frame.x.detach().float().cpu()
    if model.pixels == "binary":
        x = torch.where(torch.rand(x.shape, generator=rng) < (x + 1) / 2, 1.0, -1.0)
    return to_bytes(x), frame.nfe


def portions(knobs: Any, data: str, samples: int) -> list[tuple[Any, int]]:
    """Knobs and number of pictures of every chunk. Where the knobs name a class, each is drawn as often as the training set has it,
    since that is p(label) of the data; "every class in turn" would make the classes of MNIST equally frequent, which they are not."""
    if not hasattr(knobs, "label"):
        return [(knobs, CHUNK)] * -(-samples // CHUNK)
    shares = quotas(images(data, "train")[1], samples)
    return [(dataclasses.replace(knobs, label=c), min(CHUNK, n - i)) for c, n in shares for i in range(0, n, CHUNK)]


def collect(what: str, facts: dict, total: int, chunks: Callable[[int], Iterator[Tensor]], title: str) -> Iterator[Progress]:
    """Rows 0 ... total of the tensor whose chunks `chunks(first row)` yields; keeps them on disk under the name `what` as it goes.

    A generator of Progress that returns the tensor (`x = yield from collect(...)`). `facts` tell what the rows depend on.
    """
    file = files.drafts() / "compare" / f"{what}.safetensors"
    facts = json.dumps(facts, sort_keys=True)
    parts: list[Tensor] = []
    if file.exists():
        try:
            kept, about = files.read_arrays(file)
            if about.get("facts") == facts:
                parts = [torch.from_numpy(kept["rows"][:total].copy())]
        except (files.FileError, KeyError, IndexError, TypeError) as error:
            files.warn(f"{files.shown(file)} is of no use, so that its rows are made again ({error}).")
    done, saved = sum(map(len, parts)), time.monotonic()
    yield Progress(title, done, total)
    for part in chunks(done) if done < total else ():
        parts.append(part[: total - done])
        done += len(parts[-1])
        if done == total or time.monotonic() - saved > 30:
            files.write(file, packed({"rows": torch.cat(parts).contiguous()}, {"facts": facts}))
            saved = time.monotonic()
        yield Progress(title, done, total)
        if done == total:
            break
    return torch.cat(parts)


@dataclasses.dataclass(frozen=True, slots=True)
class Real:
    """The real side: features of the test images, and the figures of training images against them."""

    features: Tensor
    frechet: float
    kid: float
    coverage: Coverage


def balanced(label: Tensor, samples: int, rng: torch.Generator) -> Tensor:
    """Indices of training images at random, with as many of each class as `quotas` of all of them says."""
    return torch.cat([(at := (label == c).nonzero()[:, 0])[torch.randperm(len(at), generator=rng)[:n]] for c, n in quotas(label, samples)])


def quotas(label: Tensor, samples: int) -> list[tuple[int, int]]:
    """Each class with its share of so many samples, by largest remainders: as often as the training set has it."""
    count = torch.bincount(label) * samples
    share = count // len(label)
    share[(count % len(label)).argsort(descending=True)[: samples - int(share.sum())]] += 1
    return list(enumerate(share.tolist()))


_REAL: dict[tuple, Real] = {}  # by data set and the prepared pictures themselves: many models share a preparation


def real(model: Model, data: str, samples: int) -> Real:
    """Test images and the floor, prepared as the model asks and drawn as the model is drawn, with fixed seeds.

    A model whose classes are drawn by quotas spares itself the chance that moves the classes of independent draws; so does its floor.
    """
    rng = torch.Generator().manual_seed(0)
    x, (train, label) = chosen(images(data, "test")[0], samples), images(data, "train")
    train = train[balanced(label, samples, rng) if by_quotas(model) else torch.randperm(len(train), generator=rng)[:samples]]
    x, train = (to_bytes(model.prepare(v, torch.Generator().manual_seed(i))) for i, v in enumerate((x, train)))
    key = (data, eye(data), hashlib.sha256(x.numpy().tobytes() + train.numpy().tobytes()).hexdigest())
    if key not in _REAL:
        a, b = (classifier.features(from_bytes(v), data) for v in (x, train))
        _REAL[key] = Real(a, frechet(b, a), kid(b, a), coverage(a, b))
    return _REAL[key]


def by_quotas(model: Model) -> bool:
    """Whether its pictures are drawn class by class."""
    return hasattr(model.Knobs, "label")


def chosen(x: Tensor, n: int, seed: int = 0) -> Tensor:
    """n of the images at random, in their order, always the same; all of them where there are no more. The first n of the MNIST test set
    were written by other people than the rest, and are easier to read."""
    return x if n >= len(x) else x[torch.randperm(len(x), generator=torch.Generator().manual_seed(seed))[:n].sort().values]


def pictures(model: Model) -> str:
    """What is compared with what, in words."""
    if model.pixels == "binary":
        return "black and white draws against images binarised by chance"
    if model.pixels == "levels":
        return f"draws of {model.levels} grey levels against images at {model.levels} levels"
    classes = ", each class as often as in the training set," if by_quotas(model) else ""
    return f"draws rounded to bytes{classes} against images"


def milliseconds(model: Model, knobs: Any, n: int, repeats: int = 3) -> float:
    """Median time per picture when n are drawn together, after one draw that is not counted."""
    times = []
    for seed in range(repeats + 1):
        begun = time.perf_counter()
        last(model.sample(n, knobs, torch.Generator().manual_seed(seed)))
        times.append(1000 * (time.perf_counter() - begun) / n)
    return statistics.median(times[1:])


def beside(data: str, levels: int, value: float) -> dict[str, float]:
    """What stands beside a likelihood that counts so many levels: "counting", a table of counts over the same; "filled", the figure of a
    few levels at 256; "entropy", nats of the binarisation itself."""
    if levels == 2:
        return {"counting": counting(data, 2), "entropy": entropy(data)}
    return {"counting": counting(data, levels), "filled": value + filling(data, levels)} if levels < 256 else {}


@lru_cache(maxsize=8)
def counting(data: str, levels: int) -> float:
    """The counting model at the same levels on the test images: nats per picture of black and white, else bits per dimension."""
    from genviz.metrics.counting import score

    bits, x = score(data, levels)[0], images(data, "test")[0]
    return bits * math.log(2) if levels == 2 else bits / x[0].numel()


@lru_cache(maxsize=4)
def entropy(data: str) -> float:
    """Mean entropy of the binarisation of the test images in nats: each pixel is drawn anew, so no model can know it better."""
    p = images(data, "test")[0].double() / 255
    return torch.special.entr(p).add(torch.special.entr(1 - p)).sum().item() / len(p)


@lru_cache(maxsize=4)
def filling(data: str, levels: int) -> float:
    """Bits per dimension that the byte within its level costs on the test images, by how often the training images have each byte."""
    from genviz.metrics.counting import fill

    x, train = images(data, "test")[0].numpy(), images(data, "train")[0].numpy()
    return -float(fill(np.bincount(train.ravel(), minlength=256), np.arange(256) * levels // 256)[x].mean(dtype=np.float64))


def machine() -> str:
    """What the measurements are made on: always the CPU, whatever else is there."""
    return f"{platform.machine()} CPU, {torch.get_num_threads()} threads"


def command(card: Card, samples: int) -> str:
    return f"python -m genviz.compare --only {card.name} {card.data}" + (f" --samples {samples}" if samples != SAMPLES else "")


def measure(card: Card, samples: int = SAMPLES) -> Iterator[Progress | Row]:
    """Progress all the while, and a Row for each setting of a model. Errors as checkpoint.load and classifier.load raise them."""
    model = checkpoint.load(card).to(memory_format=torch.channels_last)
    title, stem = f"{card.name} on {card.data}", f"{card.family}-{card.model}-{card.data}"
    likelihoods: dict[str, float] = {}
    errors: dict[str, float] = {}
    test = chosen(images(card.data, "test")[0], min(samples, model.scored))
    for one in model.likelihoods:
        facts = {"sha256": card.sha256, "n": len(test), "kind": one.name, "of": "at random"}
        nats = yield from collect(
            f"{stem}-{one.name}", facts, len(test), lambda i, one=one: log_likelihood(model, test, one, first=i), f"{title}: {one.name}"
        )
        likelihoods[one.name] = -nats.mean().item()
        errors[one.name] = nats.std().item() / math.sqrt(len(nats))
    best = model.likelihoods[0] if model.likelihoods else None
    dims = math.prod(model.shape)
    told = (lambda v: bits_per_dim(v, dims)) if best and best.unit == "bits/dim" else (lambda v: v)
    value = {k: told(v) for k, v in likelihoods.items()}
    prepared = {2: "binarised by chance, one draw each", 256: "as they are"}.get(model.levels, f"at {model.levels} levels")
    subset = ", drawn at random (seed 0)," if len(test) < len(images(card.data, "test")[0]) else ""
    protocol = f"{best.name} negative log-likelihood, mean of {len(test):,} test images{subset} {prepared}" if best else ""
    extra = beside(card.data, best.levels, value[best.name]) if best else {}
    truth = None
    for setting, given in settings(model).items():
        knobs = model.Knobs(**given)
        parts = portions(knobs, card.data, samples)
        facts = {"sha256": card.sha256, "n": samples, "knobs": dataclasses.asdict(knobs), "chunks": [n for _, n in parts]}
        name = "-".join([stem, *map(str, given.values())])

        def chunks(first: int, parts: list[tuple[Any, int]] = parts) -> Iterator[Tensor]:
            starts = itertools.accumulate((n for _, n in parts), initial=0)
            return (draw(model, *part, seed)[0] for seed, (part, start) in enumerate(zip(parts, starts, strict=False)) if start >= first)

        generated = yield from collect(name, facts, samples, chunks, f"{title}: drawing{f' ({setting})' if setting else ''}")
        yield Progress(f"{title}: comparing", 0, 1)
        truth = truth or real(model, card.data, samples)
        features = classifier.features(from_bytes(generated), card.data)
        shares = coverage(truth.features, features)
        distance = frechet(features, truth.features)
        asked = torch.cat([torch.full((n,), k.label) for k, n in parts]) if hasattr(knobs, "label") else None
        agreement = (classifier.classes(features, card.data) == asked).float().mean().item() if asked is not None else None
        yield Progress(f"{title}: timing", 0, 1)
        yield Row(
            card.name, card.data, card.title, setting, given, pictures(model), samples,
            distance, truth.frechet, distance / truth.frechet, kid(features, truth.features), truth.kid,
            shares.precision, shares.recall, shares.density, shares.coverage, dataclasses.asdict(truth.coverage),
            value[best.name] if best else None, best.name if best else "none", best.unit if best else "", protocol,
            value.get("ELBO") if best and best.kind != "elbo" else None,
            extra.get("counting"),
            draw(model, knobs, 1, 0)[1], milliseconds(model, knobs, 1), milliseconds(model, knobs, 64), machine(),
            card.parameters, card.seconds, model.z_dim, "encode" in abilities(model), card.sha256, eye(card.data),
            command(card, samples), agreement, best.levels if best else 0, told(errors[best.name]) if best else None,
            extra.get("filled"), extra.get("entropy"), by_quotas(model),
        )  # fmt: skip
