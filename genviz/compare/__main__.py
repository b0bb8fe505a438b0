"""Command line: python -m genviz.compare [--only NAME DATA | --missing] [--samples N] [--times | --floors] [--threads N]."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from genviz import argument, checkpoint, compare
from genviz.argument import Command, reader


def main() -> None:
    command = Command("python -m genviz.compare", "Measure the trained models and print the table.")
    command.add_argument("--only", nargs=2, metavar=("NAME", "DATA"), help="one model, as in: --only vae/vae mnist")
    command.add_argument("--missing", action="store_true", help="only models without figures of their present weights")
    command.add_argument(
        "--samples", type=reader(argument.whole, "samples", 10, compare.SAMPLES), default=compare.SAMPLES,
        help="with fewer than 10,000 nothing is written: a quick look",
    )  # fmt: skip
    command.add_argument("--times", action="store_true", help="measure the milliseconds of the rows anew, and nothing else")
    command.add_argument("--floors", action="store_true", help="work out anew what depends on the data alone, such as the floors")
    command.add_argument("--table", action="store_true", help="print what was measured, and measure nothing")
    command.add_argument("--threads", type=reader(argument.threads), help="CPU threads of torch")
    args = command.parse_args()
    with command.sentences():
        if args.table:
            print(compare.table(compare.read()))
            return
        cards = [checkpoint.card_of(*args.only)] if args.only else checkpoint.cards()
        if args.missing:
            cards = compare.unmeasured(cards)
        if args.times or args.floors or args.samples == compare.SAMPLES:
            compare.must_be_whole()
        import torch

        if args.threads:
            torch.set_num_threads(args.threads)
        if args.times or args.floors:
            found = [*command.bar((retimed if args.times else floored)(cards), "timing" if args.times else "floors")]
        else:
            items = compare.written(cards, args.samples) if args.samples == compare.SAMPLES else compare.rows(cards, args.samples)
            found = [item for item in command.bar(items) if isinstance(item, compare.Row)]
        print(compare.table(found))


def retimed(cards: list[checkpoint.Card]) -> Iterator[compare.Row]:
    """The rows of the cards with their milliseconds measured again, written."""
    from genviz.compare.measure import machine, milliseconds

    for card in cards:
        mine = [row for row in compare.read() if (row.name, row.data, row.sha256) == (card.name, card.data, card.sha256)]
        model = checkpoint.load(card) if mine else None
        for row in mine:
            knobs = model.Knobs(**row.knobs)
            new = dataclasses.replace(row, machine=machine(), **{f"ms_{n}": milliseconds(model, knobs, n) for n in (1, 64)})
            compare.merge([new])
            compare.write_metrics(new)
            yield new


def floored(cards: list[checkpoint.Card]) -> Iterator[compare.Row]:
    """The rows of the cards with all that no model has a part in worked out again, written."""
    from genviz.compare import measure

    for card in cards:
        mine = [row for row in compare.read() if (row.name, row.data, row.sha256) == (card.name, card.data, card.sha256)]
        model = checkpoint.load(card) if mine else None
        for row in mine:
            real, best = measure.real(model, card.data, row.samples), next(iter(model.likelihoods), None)
            new = {"levels": best.levels, **measure.beside(card.data, best.levels, row.likelihood)} if best else {}
            row = dataclasses.replace(
                row, floor=real.frechet, ratio=row.frechet / real.frechet, kid_floor=real.kid, real=dataclasses.asdict(real.coverage),
                quotas=measure.by_quotas(model), **new,
            )  # fmt: skip
            compare.merge([row])
            compare.write_metrics(row)
            yield row


if __name__ == "__main__":
    main()
