r"""A training is a walk as well: from random weights, batch by batch, to those that are kept.

A step draws a batch, asks the model for the loss of each of its players in turn, and moves that player's weights:

    g = dL/dw, shortened to the length `clip`        w <- w - lr(progress) * optimizer(g)        average <- d average + (1 - d) w

Adam (Kingma and Ba 2015) divides the mean of the gradients by the root of their mean square; AdamW (Loshchilov and Hutter 2019) lets the
weights decay beside it, RMSprop (Hinton 2012) only divides. The exponential moving average of the weights is what is kept. Where a player
should be ahead of another (the critic of a Wasserstein GAN), `updates` = (5, 1) lets the first move on five batches and the second on
the last of them.

In **half** precision, products are computed in bfloat16: the losses alone, so that gradients follow and the weights stay in float32. What
pays depends on the network: everything that autocast takes, or the convolutions alone where a normalisation would be slowed down.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from genviz.family import Recipe
from genviz.model import Model


@dataclass(frozen=True, slots=True)
class Step:
    """One batch learnt from: the loss of each player when it moved last, scalars; nan for one that has not moved yet."""

    losses: tuple[Tensor, ...]


class Ema:
    """Exponential moving average of a model's weights: w <- d w + (1 - d) weight, with d rising to `decay` over the first steps."""

    def __init__(self, model: Model, decay: float):
        self.decay, self.steps = decay, 0
        self.weights = {k: v.detach().clone() for k, v in model.state_dict().items()}

    @torch.no_grad()
    def update(self, model: Model) -> None:
        self.steps += 1
        d = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for key, value in model.state_dict().items():
            if value.is_floating_point():
                self.weights[key].lerp_(value, 1 - d)
            else:
                self.weights[key].copy_(value)


class Learner:
    """Who learns in a stage of a model, and all that it remembers from step to step: optimisers, average, and how many steps were done."""

    def __init__(self, model: Model, recipe: Recipe):
        self.players = model.players(recipe.learns)
        self.optimizers = [optimizer_of(player, recipe) for player in self.players]
        self.ema = Ema(model, recipe.ema)
        self.step = 0
        self.updates = recipe.updates or (1,) * len(self.players)
        if len(self.updates) != len(self.players):
            raise ValueError(
                f"{type(model).__name__} has {len(self.players)} players, its recipe tells the updates of {len(self.updates)}."
            )

    def turns(self) -> list[bool]:
        """Which players move in this step: one with k updates in the last k steps of a round."""
        length = max(self.updates)
        return [self.step % length >= length - k for k in self.updates]


def optimizer_of(player: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """The recipe's optimiser over a player's weights; matrices and kernels decay, biases and scales do not."""
    learnt = [p for p in player.parameters() if p.requires_grad or not recipe.learns]
    decayed, plain = [p for p in learnt if p.ndim > 1], [p for p in learnt if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    if recipe.optimizer == "rmsprop":
        return torch.optim.RMSprop(groups, lr=recipe.lr, alpha=recipe.betas[1], momentum=recipe.betas[0])
    kind = torch.optim.AdamW if recipe.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, lr=recipe.lr, betas=recipe.betas, fused=True)  # one pass over the weights: 4-8 x on a CPU


def rate(progress: float, recipe: Recipe) -> float:
    """Learning rate at a share of the stage in [0, 1]: linear warm-up, then half a cosine down to `last`."""
    if progress < recipe.warmup:
        return recipe.lr * progress / recipe.warmup
    above = 0.5 * (1 + math.cos(math.pi * (progress - recipe.warmup) / (1 - recipe.warmup)))
    return recipe.lr * (recipe.last + (1 - recipe.last) * above)


@contextlib.contextmanager
def learning(model: Model, stage: str) -> Iterator[None]:
    """The model in training mode; in a named stage everything outside its players is in eval mode and takes no gradients."""
    model.train()
    if not stage:
        yield
        return
    inside = {id(m) for player in model.players(stage) for m in player.modules()}
    moving = {id(p) for player in model.players(stage) for p in player.parameters()}
    still = [p for p in model.parameters() if p.requires_grad and id(p) not in moving]
    for module in model.modules():
        if module is not model and id(module) not in inside:
            module.training = False
    for p in still:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in still:
            p.requires_grad_(True)


@contextlib.contextmanager
def resting(model: Model) -> Iterator[None]:
    """The model in eval mode, every part of it as it was afterwards."""
    was = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in was:
            module.training = training


def steps(
    model: Model,
    recipe: Recipe,
    batches: Iterable[tuple[Tensor, Tensor]],
    rng: torch.Generator,
    learner: Learner | None = None,
    progress: Callable[[], float] | None = None,
    half: bool = False,
) -> Iterator[Step | None]:
    """Let `model` learn from batches (x, label), x as its losses take it and on its device; a Step after each, None for a breath between
    two players.

    `progress` tells how much of the stage is done, in [0, 1], when a step begins; without it `recipe.steps` does. FloatingPointError
    for a loss that is not finite.
    """
    learner = learner or Learner(model, recipe)
    noted = [torch.tensor(math.nan)] * len(learner.players)
    for x, label in batches:
        share = progress() if progress else min(1.0, learner.step / max(recipe.steps, 1))
        turns = learner.turns()
        losses = model.losses(x, label, rng, recipe.learns) if recipe.learns else model.losses(x, label, rng)
        for i, (player, optimizer) in enumerate(zip(learner.players, learner.optimizers, strict=True)):
            if not any(turns[i:]):
                break
            with precision(model.device, recipe.half if half else ""):  # closed before the yield: it belongs to the thread
                loss = next(losses, None)
            if loss is None:
                raise TypeError(f"{type(model).__name__} yields fewer losses than it has players.")
            if not turns[i]:
                continue
            if not torch.isfinite(loss):
                raise FloatingPointError(f"The loss is {loss.item()} at step {learner.step}; lower the learning rate of the recipe.")
            for group in optimizer.param_groups:
                group["lr"] = rate(share, recipe)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(player.parameters(), recipe.clip)
            optimizer.step()
            noted[i] = loss.detach()
            if any(turns[i + 1 :]):
                yield None
        else:
            next(losses, None)  # what it does after its last player has moved
        losses.close()  # type: ignore[attr-defined]
        learner.ema.update(model)
        learner.step += 1
        yield Step(tuple(noted))


def precision(device: torch.device, half: str) -> contextlib.AbstractContextManager:
    """Where products of floats are computed in bfloat16: "autocast", "convolutions" or, for "", nowhere."""
    if half == "autocast":
        return torch.autocast(device.type, torch.bfloat16)
    return _HalfConvolutions() if half else contextlib.nullcontext()


class _HalfConvolutions(TorchFunctionMode):
    """Convolutions in bfloat16, and what they answer in float32 again."""

    KINDS = frozenset(getattr(torch, f"conv{turn}{d}d") for turn in ("", "_transpose") for d in (1, 2, 3))

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: dict[str, Any] | None = None) -> Any:
        kwargs = kwargs or {}
        if func not in self.KINDS:
            return func(*args, **kwargs)
        down = [a.bfloat16() if isinstance(a, Tensor) and a.is_floating_point() else a for a in args]
        named = {k: a.bfloat16() if isinstance(a, Tensor) and a.is_floating_point() else a for k, a in kwargs.items()}
        return func(*down, **named).float()
