"""The command; `python -m genviz.likelihoods --help` says what it can do."""

from __future__ import annotations

from genviz import argument, checkpoint
from genviz.argument import Command, reader
from genviz.data import of
from genviz.likelihoods import BASELINES, has, scored, table, table_hash


def main() -> None:
    command = Command("python -m genviz.likelihoods", "Score images with every model that has a likelihood.")
    command.add_argument("model", nargs="?", type=reader(argument.model), help="family/model (default: all, with the counting models)")
    command.add_argument(
        "data", nargs="?", type=reader(argument.one_of("data set of images", of("image"))), help="as in mnist (default: all)"
    )
    command.add_argument(
        "--n", type=reader(argument.whole, "n", 0, 10_000), default=0,
        help="images of each set (default: up to 10,000, by the time that one takes)",
    )  # fmt: skip
    command.add_argument("--missing", action="store_true", help="only what has no scores of its present weights")
    command.add_argument("--table", action="store_true", help="print the table and compute nothing")
    args = command.parse_args()
    with command.sentences():
        if args.table:
            return print(table())
        for data in ([args.data] if args.data else of("image")) if args.model else ():
            checkpoint.card_of(args.model, data)  # raises before anything is computed
        import torch

        from genviz.likelihoods.measure import compute, compute_baselines, write_table

        torch.set_num_threads(1)
        for data in [args.data] if args.data else of("image"):
            if not table_hash(data) or not (args.model or args.missing):
                print(f"wrote {write_table(data).name}", flush=True)
            if not args.model and not (args.missing and all(has(name, data, sha256) for name, sha256 in scored(data)[: len(BASELINES)])):
                for file in command.bar(compute_baselines(data, args.n), f"models without a network on {data}"):
                    print(f"wrote {file.name}", flush=True)
            for name, sha256 in scored(data)[len(BASELINES) :]:
                if (args.model or name) != name or (args.missing and has(name, data, sha256)):
                    continue
                *_, file = None, *command.bar(compute(name, data, args.n))
                print(f"wrote {file.name}, {file.stat().st_size:,} bytes" if file else f"{name} has no likelihood", flush=True)
        print(table())


if __name__ == "__main__":
    main()
