"""Do the points arrive? For every trained model in the plane, the share of its points outside the data's 99.8 % region.

    python -m genviz.compare.plane

1,000 points at the default knobs, seed 0; see genviz.metrics.region. A perfect model has 0.2 %.
"""

from __future__ import annotations

import torch

from genviz import checkpoint
from genviz.argument import Command
from genviz.checkpoint import Card
from genviz.data import of
from genviz.metrics.region import outside

DRAWN = 1000


def strayed(card: Card, **knobs: object) -> float:
    """Share of the points of a card's model that lie outside the region, at its default knobs but for those named."""
    model = checkpoint.load(card)
    *_, end = model.sample(DRAWN, model.Knobs(**knobs), torch.Generator().manual_seed(0))
    return outside(card.data, end.x)


def main() -> None:
    command = Command("python -m genviz.compare.plane", "Print the share of each model's points that lie outside the data's region.")
    command.parse_args()
    with command.sentences():
        shares: dict[str, dict[str, float]] = {}
        for card in command.bar([card for card in checkpoint.cards() if card.data in of("points")], "drawing"):
            shares.setdefault(card.name, {})[card.data] = strayed(card)
        print(f"{'outside, in %':22}" + "".join(f"{data:>22}" for data in of("points")))
        for name, row in shares.items():
            print(f"{name:22}" + "".join(f"{100 * row[data]:22.1f}" if data in row else f"{'not trained':>22}" for data in of("points")))


if __name__ == "__main__":
    main()
