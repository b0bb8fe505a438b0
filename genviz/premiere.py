"""The film that a family's tab opens with: stored with the weights, so that something moves before any model was loaded.

    python -m genviz.premiere [family ...]          # makes them; again after a training

It is the film that "Sample" makes when nothing was touched: the tab's first trained model, its default knobs, 16 samples, seed 0. One small
grey PNG, `pretrained/<family>/premiere.png`, holds its frames one below the other, each followed by the pictures in [-1, 1] that the model
shows beside it, thinned until the file is small, and in its text the order, the steps and captions, and the sha256 of the weights. A film
of other weights or of other defaults is not shown.
"""

from __future__ import annotations

import argparse
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from genviz import checkpoint
from genviz.catalogue import first_trained
from genviz.engine import Shot, request
from genviz.engine.job import Order

LARGEST = 150_000  # bytes of a file
N, SEED, FRAMES = 16, 0, 60  # as the tab has them
SIDE = 28


def path(family: str) -> Path:
    """Where the film of a family is."""
    return checkpoint.PRETRAINED / family / "premiere.png"


def order_of(catalogue: dict, family: dict) -> Order | None:
    """What "Sample" asks for in a tab that nobody has touched; None for a family without weights."""
    model, data = first_trained(family)
    if model is None:
        return None
    return request.film(catalogue, model["name"], data, "sample", {}, N, SEED, {}, [row["name"] for row in model["beside"]], FRAMES)


def read(catalogue: dict, family: dict) -> tuple[Order, list[Shot]] | None:
    """The stored film of a family, with x (n, 1, 28, 28) as the page shows it; None where there is none of these weights and defaults."""
    order = order_of(catalogue, family)
    if order is None or not path(family["name"]).exists():
        return None
    with Image.open(path(family["name"])) as picture:
        pixels, told = np.asarray(picture), json.loads(picture.text["film"])  # type: ignore[attr-defined]
    if told["made from"] != _made_from(catalogue, order):
        return None
    across, each = pixels.shape[1] // SIDE, 1 + len(order.aux)  # pictures of a frame: x, and those beside it
    cells = pixels.reshape(len(told["frames"]), each, -1, SIDE, across, SIDE).swapaxes(3, 4)
    values = cells.reshape(len(cells), each, -1, 1, SIDE, SIDE)[:, :, : order.n].astype(np.float32) / 127.5 - 1
    return order, [
        Shot(x, f["step"], f["steps"], f["nfe"], 0.0, f["caption"], dict(zip(order.aux, aux, strict=True)))
        for (x, *aux), f in zip(values, told["frames"], strict=True)
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


def main() -> None:
    from genviz.engine.stage import Stage

    parser = argparse.ArgumentParser(description="Make the films that the tabs open with.")
    parser.add_argument("families", nargs="*", help="all that are trained, if none is named")
    wanted = parser.parse_args().families
    stage = Stage("cpu")
    catalogue = stage.catalogue()
    for family in catalogue["families"]:
        order = order_of(catalogue, family)
        if order is None or (wanted and family["name"] not in wanted):
            continue
        raster = next(m for m in family["models"] if m["name"] == order.model)["order"] == "raster"
        shots = [shot for shot in stage.film(replace(order, frames=2 if raster else FRAMES)) if shot]  # the player replays pixels
        path(family["name"]).write_bytes(pack(catalogue, order, shots))
        _, kept = read(catalogue, family) or (None, [])
        print(f"{path(family['name'])}: {order.model} on {order.data}, {len(kept)} frames, {path(family['name']).stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
