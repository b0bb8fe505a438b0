"""The eye of the image metrics: a small classifier whose inner features stand for "what a picture shows".

Distances between sets of pictures are computed on features, not on pixels: a digit that is moved by one pixel is the same digit.
The usual features (Inception, trained on photographs of ImageNet) know nothing about 28 x 28 digits, so GenViz trains one classifier
per data set, once, and ships it. The features phi(x) are the 128 averaged outputs of the last ReLU, the input of the linear layer
that names the class; they come from one plain forward pass. No generator is ever trained on them.

    python -m genviz.metrics.classifier mnist     # trains, tests once, writes pretrained/classifier/features-mnist.safetensors and .json

The net is a residual network (He et al. 2016) behind a space-to-depth stem, trained by SGD with a one-cycle rate (Smith and Topin 2018),
label smoothing, and random shifts of the training images, with turns and stretches for digits, mirrored for clothes. The clothes are
learnt in three phases: first a small net on images with a hole cut out (DeVries and Taylor 2017), then whole images with one block more,
which starts as the identity, and then another cycle of the rate.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load as unpacked
from safetensors.torch import save as packed
from torch import Tensor, nn

from genviz import argument, checkpoint
from genviz import file as files
from genviz.argument import Command, Progress, reader
from genviz.data.images import batches, images

COMMAND = "python -m genviz.metrics.classifier"


class Classifier(nn.Module):
    """x (B, 1, 28, 28) in [-1, 1] -> logits (B, 10); `features(x)` gives (B, 128), all >= 0."""

    def __init__(self, width: int = 32, feature_dim: int = 128, blocks: int = 0):
        super().__init__()
        self.body = nn.Sequential(
            nn.PixelUnshuffle(2),
            Convolution(4, width),  # (B, width, 14, 14)
            Residual(width),
            Convolution(width, 2 * width, stride=2),  # (B, 2 width, 7, 7)
            Residual(2 * width),
            Convolution(2 * width, feature_dim, stride=2),  # (B, feature_dim, 4, 4)
            *(Residual(feature_dim) for _ in range(blocks)),
        )
        self.head = nn.Linear(feature_dim, 10)

    def features(self, x: Tensor) -> Tensor:
        return self.body(x).mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


class Convolution(nn.Sequential):
    """3 x 3 convolution, batch normalisation, ReLU."""

    def __init__(self, channels: int, out: int, stride: int = 1):
        super().__init__(nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True))


class Residual(nn.Module):
    """x + two convolutions of x, the second starting at zero; a ReLU closes the block."""

    def __init__(self, channels: int):
        super().__init__()
        self.first = Convolution(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))
        nn.init.zeros_(self.second[1].weight)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


@dataclass(frozen=True, slots=True)
class Recipe:
    """One phase of a training: the net and how it learns."""

    width: int
    epochs: float
    blocks: int = 0
    batch: int = 128
    lr: float = 0.1  # peak of one cycle
    warmup: float = 0.2  # share of the run that climbs to the peak
    momentum: float = 0.9
    weight_decay: float = 5e-4
    smoothing: float = 0.1
    shift: float = 2.0  # pixels, each way
    turn: float = 0.0  # degrees, each way; also the size of stretch and shear in percent
    flip: bool = False
    hole: int = 0  # side of the square cut out of every second image, pixels


RECIPES = {
    "mnist": (Recipe(width=32, epochs=8, turn=10.0),),
    "fashion_mnist": (
        Recipe(width=32, epochs=14, flip=True, hole=8),
        Recipe(width=32, epochs=8, blocks=1, lr=0.06, warmup=0.1, shift=1.0, flip=True),
        Recipe(width=32, epochs=14, blocks=1, lr=0.08, warmup=0.1, shift=1.0, flip=True),
    ),
}


def augment(x: Tensor, recipe: Recipe, rng: torch.Generator) -> Tensor:
    """x (B, 1, 28, 28) in [-1, 1] -> the same pictures moved, turned, mirrored and cut as the recipe says."""
    n, size = len(x), x.shape[-1]

    def spread(width: float, *shape: int) -> Tensor:
        return (2 * torch.rand(n, *shape, generator=rng) - 1) * width

    if recipe.turn:
        angle = spread(math.radians(recipe.turn))
        turn = torch.stack([torch.stack([angle.cos(), -angle.sin()], 1), torch.stack([angle.sin(), angle.cos()], 1)], 1)
        matrix = torch.cat([turn + spread(recipe.turn / 100, 2, 2), spread(2 * recipe.shift / size, 2, 1)], 2)  # (B, 2, 3)
        x = F.grid_sample(x + 1, F.affine_grid(matrix, x.shape, align_corners=False), align_corners=False) - 1
    elif recipe.shift:
        pad = int(recipe.shift)
        rows, columns = (torch.randint(0, 2 * pad + 1, (n, 1), generator=rng) + torch.arange(size) for _ in range(2))
        padded = F.pad(x, (pad, pad, pad, pad), value=-1.0)
        x = padded[torch.arange(n)[:, None, None], 0, rows[:, :, None], columns[:, None, :]].unsqueeze(1)
    if recipe.flip:
        x = torch.where(torch.rand(n, 1, 1, 1, generator=rng) < 0.5, x.flip(-1), x)
    if recipe.hole:
        across, down = (torch.arange(size) - torch.randint(0, size, (n, 1), generator=rng) for _ in range(2))
        half = recipe.hole // 2
        inside = ((across >= -half) & (across < half))[:, None, :] & ((down >= -half) & (down < half))[:, :, None]
        inside &= torch.rand(n, 1, 1, generator=rng) < 0.5
        x = x.masked_fill(inside[:, None], -1.0)
    return x


def fit(net: Classifier, recipe: Recipe, data: str, seed: int = 0, budget: float | None = None) -> Iterator[tuple[float, float, float]]:
    """Train `net` in place on the 55,000 training images; yields (share of the run done, seconds, running loss) after every step.

    `budget` in minutes ends the run early, the rate reaching zero by then.
    """
    rng = torch.Generator().manual_seed(seed)
    x, label = images(data, "train")
    steps = max(1, round(recipe.epochs * (len(x) // recipe.batch)))
    groups = [
        {"params": [p for p in net.parameters() if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in net.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=True)
    begun, step, share, average = time.monotonic(), 0, 0.0, math.log(10)
    net.train()
    while share < 1:
        for xb, yb in batches(x, label, recipe.batch, rng):
            seconds = time.monotonic() - begun
            share = max(step / steps, seconds / (60 * budget) if budget else 0.0)
            if share >= 1:
                break
            for group in optimizer.param_groups:
                group["lr"] = recipe.lr * min(share / recipe.warmup + 0.02, (1 - share) / (1 - recipe.warmup))
            xb = augment(xb.float() / 127.5 - 1, recipe, rng)
            loss = F.cross_entropy(net(xb.contiguous(memory_format=torch.channels_last)), yb, label_smoothing=recipe.smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            step += 1
            if step % 20 == 0:
                average = 0.8 * average + 0.2 * loss.item()
            yield share, seconds, average
    net.eval()


@torch.no_grad()
def accuracy(net: Classifier, data: str, split: str, batch: int = 250) -> float:
    """Share of right answers in a split, in percent."""
    x, label = images(data, split)
    right = sum((net(x[i : i + batch].float() / 127.5 - 1).argmax(1) == label[i : i + batch]).sum().item() for i in range(0, len(x), batch))
    return 100 * right / len(x)


def path_of(data: str) -> Path:
    """Where the weights for a data set lie; the passport is beside them with the ending .json."""
    return checkpoint.PRETRAINED / "classifier" / f"features-{data}.safetensors"


def passport(data: str) -> dict:
    """What is known about a trained classifier: accuracy with its protocol, recipe, seconds, parameters, sha256."""
    path = path_of(data).with_suffix(".json")
    if not path.exists():
        raise checkpoint.CheckpointError(f"There is no classifier for '{data}' yet; train it with: {COMMAND} {data}")
    found = files.read_json(path)
    if not isinstance(found, dict) or not isinstance(found.get("sha256"), str) or not isinstance(found.get("args"), dict):
        raise checkpoint.CheckpointError(f"{files.shown(path)} is no passport; restore it or train the classifier with: {COMMAND} {data}")
    return found


def load(data: str, device: str = "cpu") -> Classifier:
    """The trained classifier of a data set, in eval mode; FileError in one sentence where it is missing or damaged."""
    return _load(passport(data)["sha256"], path_of(data), data, device)


@lru_cache(maxsize=4)
def _load(sha256: str, path: Path, data: str, device: str) -> Classifier:
    content = files.content(path, f"{path.name} is missing; train it with: {COMMAND} {data}")
    if hashlib.sha256(content).hexdigest() != sha256:
        raise checkpoint.CheckpointError(
            f"{path.name} does not have the sha256 of its passport; restore both files or train it with: {COMMAND} {data}"
        )
    try:
        net = Classifier(**passport(data)["args"])
        net.load_state_dict(unpacked(content))
    except Exception as error:
        why = " ".join(str(error).split())[:200]
        raise checkpoint.CheckpointError(f"{path.name} does not fit its passport ({why}); train it with: {COMMAND} {data}") from None
    return net.requires_grad_(False).eval().to(device, memory_format=torch.channels_last)


@torch.no_grad()
def features(x: Tensor, data: str, batch: int = 250) -> Tensor:
    """x (N, 1, 28, 28) in [-1, 1] -> features (N, 128) float64, of the classifier of a data set."""
    net = load(data)
    return torch.cat([net.features(x[i : i + batch].float()).double() for i in range(0, len(x), batch)])


@torch.no_grad()
def classes(features: Tensor, data: str) -> Tensor:
    """features (N, 128) as `features` gives them -> the class (N,) int64 that the classifier of a data set sees in each."""
    return load(data).head(features.float()).argmax(1)


def train(data: str, seed: int = 0, budget: float | None = None) -> Iterator[Progress | dict]:
    """Train the classifier of a data set phase by phase: Progress in thousandths, then the passport, written with the weights. Reads the
    test set once.

    Finished phases are kept under runs/classifier (or in GENVIZ_RUNS, GENVIZ_HOME) and not trained again; `budget` limits each of the
    others to so many minutes.
    """
    torch.manual_seed(seed)
    runs = files.drafts() / "classifier"
    for folder in (runs, path_of(data).parent):
        files.must_be_writable(folder)
    net, seconds = Classifier(), 0.0
    for phase, recipe in enumerate(RECIPES[data], 1):
        before, net = net, Classifier(recipe.width, blocks=recipe.blocks).to(memory_format=torch.channels_last)
        if phase > 1:
            net.load_state_dict(before.state_dict(), strict=False)  # a new block starts as the identity
        kept, spent = runs / f"{data}-{seed}-{phase}.safetensors", 0.0
        if kept.exists():
            spent = _take_up(kept, net)
        else:
            for share, spent, loss in fit(net, recipe, data, seed + phase - 1, budget):  # noqa: B007
                yield Progress(f"{data}, phase {phase}, loss {loss:.4f}", round(1000 * share), 1000)
            yield Progress(f"{data}, phase {phase}, {accuracy(net.eval(), data, 'held_out'):.2f} % of held out", 1000, 1000)
            files.write(kept, packed({k: v.contiguous() for k, v in net.state_dict().items()}, {"seconds": str(spent)}))
        seconds += spent
    net.eval()
    command, protocol = f"{COMMAND} {data}" + (f" --budget {budget:g}" if budget else ""), "one plain forward pass, float32; {} images"
    scores = [
        {"name": f"{split}_accuracy", "value": accuracy(net, data, split), "unit": "%", "protocol": protocol.format(n), "command": command}
        for split, n in (("held_out", "5,000 held-out training"), ("test", "10,000 test"))
    ]  # fmt: skip
    facts = {
        "title": f"Feature classifier, {data}", "args": {"width": recipe.width, "blocks": recipe.blocks},
        "recipe": [dataclasses.asdict(r) for r in RECIPES[data]], "budget_minutes": budget, "seed": seed, "seconds": round(seconds, 1),
        "machine": f"{platform.machine()} CPU, {torch.get_num_threads()} threads",
        "trained_on": "55,000 of the 60,000 training images; never used to train a generator", "metrics": scores,
    }  # fmt: skip
    yield save(net, data, facts)


def _take_up(kept: Path, net: Classifier) -> float:
    """Fill a net with a finished phase; returns its seconds. FileError that says what to do where the file is none of this net."""
    arrays, about = files.read_arrays(kept)
    try:
        net.load_state_dict({key: torch.from_numpy(array.copy()) for key, array in arrays.items()})
        return float(about["seconds"])
    except (RuntimeError, KeyError, ValueError):
        otherwise = f"delete {kept}, or name another folder by GENVIZ_RUNS"
        raise files.FileError(f"{files.shown(kept)} is no phase of this training: {otherwise}.") from None


def save(net: Classifier, data: str, facts: dict) -> dict:
    """Write weights and passport; returns the passport: `facts` (with "args", the constructor's) and data, parameters, licence, sha256."""
    content = packed({k: v.contiguous() for k, v in net.state_dict().items()})
    parameters, sha256 = sum(p.numel() for p in net.parameters()), hashlib.sha256(content).hexdigest()
    facts = facts | {"data": data, "parameters": parameters, "licence": "MIT", "sha256": sha256}
    path = path_of(data)
    files.write(path, content)
    files.write_json(path.with_suffix(".json"), facts)
    return facts


def main() -> None:
    command = Command(COMMAND, "Train the classifier behind the image metrics.")
    command.add_argument("data", choices=sorted(RECIPES))
    command.add_argument("--budget", type=reader(argument.minutes), help="minutes for each phase; the learning rate reaches zero by then")
    command.add_argument("--threads", type=reader(argument.threads), help="CPU threads of torch")
    command.add_argument("--seed", type=reader(argument.seed), default=0)
    args = command.parse_args()
    with command.sentences():
        if args.threads:
            torch.set_num_threads(args.threads)
        *_, facts = command.bar(train(args.data, args.seed, args.budget), args.data)
        scores = ", ".join(f"{m['name']} {m['value']:.2f} %" for m in facts["metrics"])
        print(f"{facts['title']}: {facts['parameters']:,} parameters, {facts['seconds']:.0f} s, {scores}")


if __name__ == "__main__":
    main()
