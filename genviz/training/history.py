"""The history of a training, kept beside the weights so that it can be seen again: losses, and sixteen snapshots on the way.

A model that wants one says in `Model.snapshot` what a snapshot consists of (a GAN: pictures from latents that never change, what its
discriminator thinks of real and of generated images). The averaged weights of that time are asked, since they are what is kept at the
end. For images each snapshot also gets its Frechet distance, 2,000 generated images against the 5,000 held-out ones: a figure for the
slope of the curve, not for comparisons, because fewer images score worse.

Kept are: "loss" (T, players) and "loss_step" (T,), "step" (M,), "frechet" (M,) for images of a set that a classifier knows, and each entry
of `snapshot`, (M, ...). Where stages have different numbers of players, what a stage has not is nan.
"""

from __future__ import annotations

import copy
import math
from collections import deque

import torch
from torch import Tensor

from genviz.data import examples, of
from genviz.model import Model

SHARES = (0.0, 0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.55, 0.7, 0.85, 1.0)  # shares of the training
CURVE = 200  # points of the curve of losses, at most twice as many
DRAWN = 2000  # generated images for the Frechet distance of a snapshot


class History:
    """Collects while a model is trained; empty and idle for a model whose `snapshot` is not its own."""

    def __init__(self, model: Model, data: str):
        self.data, self.wanted = data, type(model).snapshot is not Model.snapshot
        self.curve: list[tuple[int, list[float]]] = []
        self.snapshots: list[dict[str, Tensor]] = []
        self.every = 1  # steps between two points of the curve

    def loss(self, step: int, values: list[float]) -> None:
        """Note the players' losses of a step; the curve thins itself out as it grows."""
        if not self.wanted or step % self.every:
            return
        self.curve.append((step, values))
        if len(self.curve) > 2 * CURVE:
            self.every *= 2
            self.curve = [point for point in self.curve if point[0] % self.every == 0]

    def due(self, progress: float) -> bool:
        """Whether a share of the training calls for another snapshot."""
        return self.wanted and len(self.snapshots) < len(SHARES) and progress >= SHARES[len(self.snapshots)]

    def snapshot(self, model: Model, weights: dict[str, Tensor], step: int) -> None:
        """Ask the model with the averaged weights; the model itself is left alone."""
        there = copy.deepcopy(model).eval().requires_grad_(False)
        there.load_state_dict(weights)
        x, label = examples(self.data, "held_out")
        rng = torch.Generator().manual_seed(0)  # the same latents in every snapshot
        kept = {k: v.detach().cpu() for k, v in there.snapshot(there.prepare(x, rng).to(model.device), label.to(model.device), rng).items()}
        if self.data not in of("points"):
            kept["frechet"] = torch.tensor(_distance(there, self.data))
        self.snapshots.append(kept | {"step": torch.tensor(step)})

    def tensors(self) -> dict[str, Tensor]:
        """Everything so far, as a safetensors file holds it; {} where nothing is kept."""
        if not self.snapshots:
            return {}
        steps = torch.tensor([step for step, _ in self.curve], dtype=torch.int64)
        wide = max((len(values) for _, values in self.curve), default=0)
        padded = [values + [math.nan] * (wide - len(values)) for _, values in self.curve]
        values = torch.tensor(padded, dtype=torch.float32).reshape(len(steps), wide)
        stacked = {key: torch.stack([m[key] for m in self.snapshots]) for key in self.snapshots[0]}
        if "frechet" in stacked and stacked["frechet"].isnan().all():  # no classifier knows such pictures
            del stacked["frechet"]
        return stacked | {"loss_step": steps, "loss": values}

    def take_up(self, tensors: dict[str, Tensor], progress: float = 1.0) -> None:
        """Go on from what `tensors` gave before a kill, or at the end: then as far as `progress`, a share of the longer training.

        Of the snapshots of a training that had ended, those are kept which the longer one calls for; the last of them is not the end.
        """
        if not (self.wanted and tensors):
            return
        self.curve = list(zip(tensors["loss_step"].tolist(), tensors["loss"].tolist(), strict=True))
        self.every = max(1, self.curve[-1][0] // max(len(self.curve) - 1, 1)) if self.curve else 1
        inside = [key for key in tensors if key not in ("loss", "loss_step")]
        self.snapshots = [{key: tensors[key][i] for key in inside} for i in range(len(tensors["step"]))]
        if len(self.snapshots) == len(SHARES) and progress < 1:
            shares = tensors["step"].double() / tensors["step"][-1] * progress
            nearest = [int((shares - wanted).abs().argmin()) for wanted in SHARES if wanted <= progress]
            self.snapshots = [self.snapshots[i] for i in sorted(set(nearest))]


def _distance(model: Model, data: str) -> float:
    """Frechet distance of generated to held-out images on the classifier's features; nan where there is no classifier."""
    from genviz.metrics import classifier
    from genviz.metrics.distance import frechet

    if not classifier.path_of(data).exists():
        return math.nan
    with torch.no_grad():
        rng, drawn = torch.Generator().manual_seed(1), []
        for _ in range(DRAWN // 250):
            x = deque(model.sample(250, model.Knobs(), rng), maxlen=1)[0].x.detach().float().cpu()
            drawn.append(((x.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1)
        real = _held_out(data)
        return frechet(classifier.features(torch.cat(drawn), data), real)


_REAL: dict[str, Tensor] = {}


def _held_out(data: str) -> Tensor:
    """Features of the held-out images, computed once."""
    from genviz.metrics import classifier

    if data not in _REAL:
        _REAL[data] = classifier.features(examples(data, "held_out")[0].float() / 127.5 - 1, data)
    return _REAL[data]
