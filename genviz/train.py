"""The command that trains:

    python -m genviz.train vae/vae mnist              # one model
    python -m genviz.train --all                      # every model that has no weights yet, in order
    python -m genviz.train vae/vae mnist --budget 20  # stop after 20 minutes, the learning rate having fallen by then

Weights and card are written to your own folder, `runs/models` (GENVIZ_HOME names another), under a name that is free there, and appear
beside the shipped ones; --ship writes over the shipped ones. A checkpoint every minute, in the same folder (or in GENVIZ_RUNS), lets a
killed run go on where it was. What it does is in `genviz.training`.
"""

from __future__ import annotations

from argparse import Namespace

from genviz import argument, checkpoint
from genviz.argument import Command, reader
from genviz.families import FAMILIES


def waiting() -> list[tuple[str, str]]:
    """Every (model, data) without a card, in teaching order; a damaged card is warned of and stays as it is."""
    checkpoint.cards()
    every = [(f"{f.name}/{e.name}", d) for f in FAMILIES.values() for e in f.models for d in e.data]
    return [(name, data) for name, data in every if not checkpoint.exists(name, data)]


def main() -> None:
    command = Command("python -m genviz.train", "Train a model of GenViz.")
    command.add_argument("model", nargs="?", type=reader(argument.model), help="family/model, as in vae/vae_2d")
    command.add_argument("data", nargs="?", help="a data set of the model, as in mnist or two_moons, or the name of one of your own")
    command.add_argument("--all", action="store_true", help="every model that has no weights yet, in order")
    add_options(command)
    args = command.parse_args()
    if args.all == bool(args.model and args.data):
        command.error("name a model and a data set, or give --all")
    with command.sentences():
        for name, data in waiting() if args.all else [(args.model, args.data)]:
            card = run(command, name, data, args)
            print(f"wrote {card.path}: {card.parameters:,} parameters, {card.seconds:.0f} s")


def add_options(command: Command) -> None:
    """How to train: the options that every command has which trains."""
    command.add_argument("--device", type=reader(argument.device), default="auto", help="auto, cpu, cuda or mps")
    command.add_argument("--budget", type=reader(argument.minutes), help="minutes per model; the learning rate has fallen by then")
    command.add_argument("--threads", type=reader(argument.threads), help="CPU threads of torch")
    command.add_argument(
        "--compile", action="store_true", help="torch.compile the networks: a quarter to a half faster, needs a C++ compiler"
    )
    command.add_argument("--half", action="store_true", help="bfloat16 where the recipe gains by it: faster on CPUs with AMX and on GPUs")
    command.add_argument("--name", default="", help="what yours is called (default: the model's name, and _own where that is shipped)")
    command.add_argument("--ship", action="store_true", help="write over the shipped files in place of your own folder")
    command.add_argument("--dtype", choices=checkpoint.DTYPES, default="float16", help="of the weights in the file (default: %(default)s)")
    command.add_argument("--seed", type=reader(argument.seed), default=0)


def run(command: Command, name: str, data: str, args: Namespace) -> checkpoint.Card:
    """Train a model as the options of a command say, under a bar; returns its card."""
    import torch

    from genviz.training.fit import train

    if args.threads:
        torch.set_num_threads(args.threads)
    walk = train(name, data, args.device, args.budget, args.seed, args.compile, args.half, args.name, args.ship, args.dtype)
    *_, card = command.bar(walk, f"{name} {data}")
    return card


if __name__ == "__main__":
    main()
