"""Measure a row of figures again, on this machine: `genviz.compare` in a process of its own (genviz.background).

Times belong to a machine, so the shipped ones say little about the computer in front of you. The app starts
`python -m genviz.remeasure`, which measures at low priority, on the processor, and tells its progress and its result; with 0 pictures it
measures times only, for which no data set is needed. One measurement runs at a time, because two would disturb each other. Nothing is
written but drafts in a temporary folder: the shipped figures stay as they are.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, replace
from typing import Any

from genviz import argument, checkpoint
from genviz.argument import Command, Progress, reader
from genviz.background import Background, child, environment
from genviz.compare import Row
from genviz.data.idx import at_hand
from genviz.engine.cores import threads


class Remeasures(Background):
    """The measurement under way and the last finished ones, by name."""

    module, kind, noun = "genviz.remeasure", "remeasure", "measurement"
    full = "Something is being measured already, and two measurements would disturb each other; try again later."
    first = {"stage": "starting", "done": 0, "total": 1, "found": None}

    def start(self, row: Row, samples: int) -> str:
        """Measure a row's model at its setting again: times, and with `samples` > 0 everything else too, from so many pictures.

        Returns the job's name; ValueError where a measurement is under way or the data set is missing.
        """
        if samples and not at_hand(row.data):
            raise ValueError(
                f"The data set {row.data} is not on this machine (GENVIZ_DATA names its folder), so only times can be measured."
            )
        args = [row.name, row.data, json.dumps(row.knobs), str(samples)]
        return self.begin(args, row, env=environment(threads()) | {"CUDA_VISIBLE_DEVICES": ""})

    def finish(self, job: dict[str, Any]) -> dict[str, Any]:
        """`found`, the Row that was measured here."""
        return {"found": replace(job["about"], **job["said"]["row"])}


def main() -> None:
    """The child: tells stage, done and total all the while, then the fields of the row that were measured, or an error."""
    command = Command("python -m genviz.remeasure", "Measure a row again, told line by line. The app starts this; see genviz.compare.")
    command.add_argument("parent", type=reader(argument.whole, "parent", 0, 2**31), help="the process of the app, with which it ends")
    command.add_argument("model", help="family/model")
    command.add_argument("data")
    command.add_argument("knobs", type=reader(json.loads), help="as JSON")
    command.add_argument("samples", type=reader(argument.whole, "samples", 0, 10_000), help="0 measures times alone")
    args = command.parse_args()
    name, data, knobs, samples = args.model, args.data, args.knobs, args.samples
    *_, say = child()
    if hasattr(os, "nice"):
        os.nice(10)  # pages and films come first
    say(stage="loading torch and the model")
    from genviz.compare import measure

    try:
        card = checkpoint.card_of(name, data)
        if samples:
            checkpoint.find(name)[1].model_class().measured = (knobs,)  # in this process the model is measured at one setting only
            for item in measure.measure(card, samples):
                if isinstance(item, Progress):
                    say(stage=item.text.split(": ", 1)[-1], done=item.done, total=item.total)
                else:
                    say(row=asdict(item))
            return
        import torch

        model = checkpoint.load(card).to(memory_format=torch.channels_last)
        times = {}
        for place, n in enumerate((1, 64)):
            say(stage=f"timing, {n} at a time", done=place, total=2)
            times[f"ms_{n}"] = measure.milliseconds(model, model.Knobs(**knobs), n)
        say(row={**times, "machine": measure.machine()})
    except (KeyError, ValueError) as error:
        say(error=str(error.args[0]))


if __name__ == "__main__":
    main()
