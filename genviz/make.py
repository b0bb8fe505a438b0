"""One command makes a model complete: trained, measured, scored, mapped, and seen.

    python -m genviz.make vae/vae --data mnist            # all that is stale: weights, figures, scores, map, opening film, card
    python -m genviz.make vae/vae --status                # only say what is stale, on every data set of the model
    python -m genviz.make vae/vae --data cats --name mine # a model of your own, on a folder of pictures of your own

Each part is made from the weights and remembers their sha256, so that a part is stale exactly when it tells of others. What is made goes to
your own folder (`runs`, or GENVIZ_HOME) and appears in the app beside what is shipped; files that are shipped are written over with --ship
alone. Weights whose card says that their training was taken up by hand ("resumed") are not compared with the recipe.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from genviz import argument, checkpoint, compare, likelihoods, premiere, train
from genviz import map as maps
from genviz.argument import Command, reader
from genviz.checkpoint import Card
from genviz.data import of
from genviz.family import Recipe

UNTRAINED = "there are no weights yet"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a complete model. `stale` says of a card why the part must be made: "" where it need not be, None where the model has no
    such part."""

    name: str
    stale: Callable[[Card], str | None]
    make: Callable[[Command, Card], None]


def weights(name: str, card: Card | None) -> str:
    """Why a model must be trained, "" where it need not be."""
    if card is None:
        return UNTRAINED
    entry, told = checkpoint.find(name)[1], card.recipe.get("stages", [card.recipe])
    if any("resumed" in recipe for recipe in told):
        return ""
    if len(told) != len(entry.recipes):
        return f"they were trained in {len(told)} stages, the recipe of today has {len(entry.recipes)}"
    if not card.entry and card.args != _plain(entry.args):
        return "they are of other arguments than the model has today"
    plain = asdict(Recipe())
    for then, now in zip(told, entry.recipes, strict=True):
        for key, value in now.plain().items():  # a longer or shorter training is one of the same recipe
            was = then.get(key, plain.get(key, value))  # a card from before there was such a field says nothing of it
            if key not in ("epochs", "steps", "half") and was != value:
                return f"they were trained with {key} {was}, the recipe of today says {value}"
    return ""


def _plain(value: Any) -> Any:
    """A value as JSON gives it back."""
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return {k: _plain(v) for k, v in value.items()} if hasattr(value, "items") else value


def _unmeasured(card: Card) -> str | None:
    if card.data not in of("image"):
        return None
    return "there are no figures of these weights and this classifier" if compare.unmeasured([card]) else ""


def _measure(command: Command, card: Card) -> None:
    for _ in command.bar(compare.written([card])):
        pass


def _unscored(card: Card) -> str | None:
    if card.data not in of("image") or not checkpoint.find(card.name)[1].model_class().likelihoods:
        return None
    return "" if likelihoods.has(card.name, card.data, card.sha256) else "there are no scores of these weights"


def _score(command: Command, card: Card) -> None:
    from genviz.likelihoods.measure import compute

    for _ in command.bar(compute(card.name, card.data)):
        pass


def _unmapped(card: Card) -> str | None:
    if card.name != maps.MODEL or card.data not in of("image"):
        return None
    try:
        maps.read.cache_clear()
        maps.read(card.data)
    except ValueError as error:
        return str(error)
    return ""


def _map(command: Command, card: Card) -> None:
    with command.shares(f"map of {card.data}") as show:
        maps.compute(card.name, card.data, show=show)


def _opening(card: Card) -> tuple[dict, dict] | None:
    """The catalogue, and the family whose tab opens with this model; None where another one does."""
    from genviz import catalogue

    known = catalogue.build()
    family = next(f for f in known["families"] if f["name"] == card.family)
    order = premiere.order_of(known, family)
    return (known, family) if order and (order.model, order.data) == (card.name, card.data) else None


def _unfilmed(card: Card) -> str | None:
    if not (opening := _opening(card)):
        return None
    try:
        return "" if premiere.read(*opening) else "there is no film of these weights and defaults"
    except ValueError as error:
        return str(error)


def _film(command: Command, card: Card) -> None:
    from genviz.engine.stage import Stage

    if opening := _opening(card):
        for _ in command.bar(premiere.film(Stage("cpu"), *opening), f"film of {card.family}"):
            pass


def _rows(card: Card) -> list[compare.Row]:
    return [row for row in compare.read() if (row.name, row.data, row.sha256) == (card.name, card.data, card.sha256)]


def _untold(card: Card) -> str | None:
    """Whether the card says what the table says."""
    told = {m["name"]: m["value"] for m in card.metrics}
    wrong = [m["name"] for row in _rows(card) for m in compare.metrics(row) if told.get(m["name"]) != m["value"]]
    return (f"the card does not say of {wrong[0]} what the table says" if wrong else "") if _rows(card) else None


def _tell(command: Command, card: Card) -> None:
    for row in _rows(card):
        compare.write_metrics(row)


PARTS = (
    Part("figures", _unmeasured, _measure),
    Part("scores", _unscored, _score),
    Part("map", _unmapped, _map),
    Part("opening film", _unfilmed, _film),
    Part("card", _untold, _tell),
)


def known(name: str, data: str) -> Card | None:
    """The card of a model where it is trained; CheckpointError for a damaged one."""
    return checkpoint.card_of(name, data) if checkpoint.exists(name, data) else None


def status(name: str, data: str) -> list[tuple[str, str]]:
    """(part, why it is stale) in order; "" for what is fresh. Of a model that is not trained all parts wait for the weights."""
    card = known(name, data)
    found = [("weights", weights(name, card))]
    if card is not None:
        found += [(part.name, why) for part in PARTS if (why := part.stale(card)) is not None]
    return found


def make(command: Command, name: str, data: str, args: Namespace) -> None:
    """Make what is stale of a model on a data set. ValueError where it is shipped and may not be written."""
    of = f"{name.partition('/')[0]}/{args.name}" if args.name else name
    card = known(of, data)
    trained = weights(of if card else name, card)
    if card and not card.own and not args.ship:
        stale = [part for part, why in status(of, data) if why]
        if stale:
            raise ValueError(
                f"{of} on {data} is shipped, and its {', '.join(stale)} would be written anew: give --ship to do so, "
                f"or --name to train one of your own."
            )
    if trained:
        print(f"{of} on {data}: training, for {trained}")
        card = train.run(command, name, data, args)
    assert card is not None
    for part in PARTS:
        card = checkpoint.card_of(card.name, card.data)  # the part before may have written into it
        why = part.stale(card)
        if why:
            print(f"{card.name} on {data}: {part.name}, for {why}", flush=True)
            part.make(command, card)
    print(f"{card.name} on {data} is complete: {card.path}")


def main() -> None:
    command = Command("python -m genviz.make", "Train, measure, score, map and film a model: all that is stale.")
    command.add_argument("model", type=reader(argument.model), help="family/model, as in vae/vae")
    command.add_argument("--data", help="one data set, yours among them (default: every data set of the model)")
    command.add_argument("--status", action="store_true", help="say what is stale, and make nothing")
    train.add_options(command)
    args = command.parse_args()
    with command.sentences():
        for data in [args.data] if args.data else checkpoint.find(args.model)[1].data:
            checkpoint.made_for(args.model, data)
            if args.status:
                of = f"{args.model.partition('/')[0]}/{args.name}" if args.name else args.model
                print(f"{of} on {data}:")
                print(*(f"  {part:14}{f'stale: {why}' if why else 'fresh'}" for part, why in status(of, data)), sep="\n")
            else:
                make(command, args.model, data, args)


if __name__ == "__main__":
    main()
