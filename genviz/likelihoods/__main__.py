"""The command; `python -m genviz.likelihoods --help` says what it can do."""

from __future__ import annotations

import argparse

import torch

from genviz import checkpoint
from genviz.data import DATASETS
from genviz.likelihoods import BASELINES, has, scored, table, table_hash
from genviz.likelihoods.measure import compute, compute_baselines, write_table


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m genviz.likelihoods", description="Score images with every model that has a likelihood."
    )
    parser.add_argument("model", nargs="?", help="family/model (default: all, with the counting models)")
    parser.add_argument("data", nargs="?", help=f"{' or '.join(DATASETS)} (default: both)")
    parser.add_argument("--n", type=int, default=0, help="images of each set (default: up to 10,000, by the time that one takes)")
    parser.add_argument("--missing", action="store_true", help="only what has no scores of its present weights")
    parser.add_argument("--table", action="store_true", help="print the table and compute nothing")
    args = parser.parse_args()
    if args.table:
        return print(table())
    torch.set_num_threads(1)
    try:
        if args.model:
            checkpoint.card_of(args.model, args.data or next(iter(DATASETS)))
    except KeyError as error:
        parser.error(str(error.args[0]))
    for data in [args.data] if args.data else DATASETS:
        if not table_hash(data) or not (args.model or args.missing):
            print(f"wrote {write_table(data).name}", flush=True)
        if not args.model and not (args.missing and all(has(name, data, sha256) for name, sha256 in scored(data)[: len(BASELINES)])):
            print(*(f"wrote {file.name}" for file in compute_baselines(data, args.n)), sep="\n", flush=True)
        for name, sha256 in scored(data)[len(BASELINES) :]:
            if (args.model or name) != name or (args.missing and has(name, data, sha256)):
                continue
            file = compute(name, data, args.n)
            print(f"wrote {file.name}, {file.stat().st_size:,} bytes" if file else f"{name} has no likelihood", flush=True)
    print(table())


if __name__ == "__main__":
    main()
