"""The film that a family's tab opens with: stored with the weights, so that something moves before any model was loaded.

    python -m genviz.premiere [family ...]          # makes them; again after a training

It is the film that "Sample" makes when nothing was touched: the tab's first trained model, its default knobs, 16 samples, seed 0. One small
grey PNG, `pretrained/<family>/premiere.png`, holds its frames one below the other, each followed by the pictures in [-1, 1] that the model
shows beside it, thinned until the file is small, and in its text the order, the steps and captions, and the sha256 of the weights. A film
of other weights or of other defaults is not shown.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, PngImagePlugin

from genviz import argument, checkpoint
from genviz import file as files
from genviz.argument import Command, reader
from genviz.catalogue import first_trained
from genviz.engine import Shot, request
from genviz.engine.job import Order
from genviz.families import NAMES
from genviz.file import FileError

if TYPE_CHECKING:
    from genviz.engine.stage import Stage

LARGEST = 150_000  # bytes of a file
N, SEED, FRAMES = 16, 0, 60  # as the tab has them
SIDE = 28
MOST = 4 * FRAMES * N * SIDE * SIDE  # pixels of all its frames, with a few extras beside each
SHOT = {"step": int, "steps": int, "nfe": int, "caption": str}  # what is told of a frame


def path(family: str) -> Path:
    """Where the film of a family is."""
    return checkpoint.PRETRAINED / family / "premiere.png"


def _own_path(family: str) -> Path:
    """Where it is if the model that it shows is the user's own."""
    return checkpoint.root(own=True) / family / "premiere.png"


def order_of(catalogue: dict, family: dict) -> Order | None:
    """What "Sample" asks for in a tab that nobody has touched; None for a family without weights."""
    model, data = first_trained(family)
    if model is None:
        return None
    return request.film(catalogue, model["name"], data, "sample", {}, N, SEED, {}, [row["name"] for row in model["beside"]], FRAMES)


def read(catalogue: dict, family: dict) -> tuple[Order, list[Shot]] | None:
    """The stored film of a family, with x (n, 1, 28, 28) as the page shows it; None where there is none of these weights and defaults,
    FileError where the file is damaged."""
    order, found = order_of(catalogue, family), None
    for where in (path(family["name"]), _own_path(family["name"])) if order else ():
        if found or not where.exists():
            continue
        try:
            found = _unpacked(files.content(where), catalogue, order)
        except FileError:
            raise
        except Exception as error:
            again = f"make it again with: python -m genviz.premiere {family['name']}"
            raise FileError(f"{files.shown(where)} is damaged ({type(error).__name__}: {error}); {again}") from None
    return found


def _unpacked(file: bytes, catalogue: dict, order: Order) -> tuple[Order, list[Shot]] | None:
    with Image.open(io.BytesIO(file), formats=("PNG",)) as picture:
        if picture.mode != "L" or picture.width * picture.height > MOST:
            raise ValueError(f"a picture of {picture.size}, {picture.mode}")
        told = json.loads(picture.text["film"])  # type: ignore[attr-defined]
        if told["made from"] != _made_from(catalogue, order):
            return None
        pixels = np.asarray(picture)
    across, each = pixels.shape[1] // SIDE, 1 + len(order.aux)  # pictures of a frame: x, and those beside it
    cells = pixels.reshape(len(told["frames"]), each, -1, SIDE, across, SIDE).swapaxes(3, 4)
    values = cells.reshape(len(cells), each, -1, 1, SIDE, SIDE)[:, :, : order.n].astype(np.float32) / 127.5 - 1
    frames = [{key: kind(f[key]) for key, kind in SHOT.items()} for f in told["frames"]]
    return order, [
        Shot(x, f["step"], f["steps"], f["nfe"], 0.0, f["caption"], dict(zip(order.aux, aux, strict=True)))
        for (x, *aux), f in zip(values, frames, strict=True)
    ]


def pack(catalogue: dict, order: Order, shots: list[Shot]) -> bytes:
    """The file of a film, with as many of its frames as fit; the first and the last always."""
    from genviz.engine.stage import shown
    from genviz.plots import pictures

    for frames in range(len(shots), 1, -1):
        kept = list({shown(s.step, s.steps, frames): s for s in reversed(shots)}.values())[::-1]
        told = {"made from": _made_from(catalogue, order),
                "frames": [{"step": s.step, "steps": s.steps, "nfe": s.nfe, "caption": s.caption} for s in kept]}  # fmt: skip
        text, file = PngImagePlugin.PngInfo(), io.BytesIO()
        text.add_text("film", json.dumps(told))
        rows = [pictures.grid(x) for s in kept for x in (s.x, *(s.aux[name] for name in order.aux))]
        Image.fromarray(np.vstack(rows)).save(file, "png", optimize=True, pnginfo=text)
        if file.tell() <= LARGEST:
            break
    return file.getvalue()


def _made_from(catalogue: dict, order: Order) -> dict:
    """All that decides a film: the order, typed, and the weights."""
    entry = request.trained(catalogue, order.model, order.data)
    said = {name: getattr(order, name) for name in ("model", "data", "walk", "n", "seed")}
    said |= {"aux": list(order.aux)} if order.aux else {}
    return said | {"knobs": dict(order.knobs), "sha256": entry["cards"][order.data]["sha256"]}


def film(stage: Stage, catalogue: dict, family: dict) -> Iterator[Shot | Path]:
    """Make the film of a family: its shots, then the file, written where the weights are."""
    order, shots = order_of(catalogue, family), []
    if order is None:
        raise ValueError(f"{family['name']} has no trained model that a film could show.")
    shipped = checkpoint.root_of(order.model, order.data) == checkpoint.PRETRAINED
    file = path(family["name"]) if shipped else _own_path(family["name"])
    files.must_be_writable(file.parent)
    raster = next(m for m in family["models"] if m["name"] == order.model)["order"] == "raster"  # the player replays pixels
    for shot in stage.film(replace(order, frames=2 if raster else FRAMES)):
        if shot:
            shots.append(shot)
            yield shot
    files.write(file, pack(catalogue, order, shots))
    yield file


def main() -> None:
    command = Command("python -m genviz.premiere", "Make the films that the tabs open with.")
    family_name = reader(argument.one_of("family", NAMES))
    command.add_argument("families", nargs="*", type=family_name, help="all that are trained, if none is named")
    wanted = command.parse_args().families
    with command.sentences():
        from genviz.engine.stage import Stage

        stage = Stage("cpu")
        catalogue = stage.catalogue()
        for sentence in catalogue["faults"]:
            files.warn(sentence)
        for family in catalogue["families"]:
            if order_of(catalogue, family) is None or (wanted and family["name"] not in wanted):
                continue
            *_, file = command.bar(film(stage, catalogue, family), f"film of {family['name']}")
            order, kept = read(catalogue, family) or (None, [])
            print(f"{file}: {order.model if order else ''}, {len(kept)} frames, {file.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
