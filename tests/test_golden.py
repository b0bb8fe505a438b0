"""What held yesterday holds today: the same order gives the same pictures, and an old link opens the same view.

    python tests/test_golden.py     # records what is not recorded yet, after a model has been trained again

`golden.npz` holds, for every shipped model, two pictures as bytes or sixteen points, drawn at seed 7 with all knobs at their defaults, and
`golden.json` what links of many kinds say, word for word. Pictures are recorded with the sha256 of the weights that made them.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest

import genviz
from genviz import catalogue as catalogues
from genviz.data import of
from genviz.ui import link

HERE = Path(__file__).parent
SEED = 7
PAIRS = [(c.name, c.data) for c in genviz.cards()]
PICTURE = "~" + base64.urlsafe_b64encode(zlib.compress(bytes(range(196)) * 4, wbits=-15)).decode()


def drawn(name: str, data: str) -> np.ndarray:
    """Two pictures as bytes (2, 1, 28, 28), or sixteen points (16, 2)."""
    points = data in of("points")
    x = genviz.sample(name, data, n=16 if points else 2, seed=SEED, device="cpu").numpy()
    return x if points else np.rint((x + 1) * 127.5).astype(np.uint8)


def key(name: str, data: str) -> str:
    card = next(c for c in genviz.cards() if (c.name, c.data) == (name, data))
    return f"{name} {data} {card.sha256}"


def links(catalogue: dict) -> Iterator[tuple[str, str, str]]:
    """(query, player, model of the menus): every model at its defaults, each of its knobs moved, each of its walks, and broken ones."""
    for m in link.every(catalogue):
        base = {"tab": m["name"].split("/")[0], "panel": "sample", "model": m["name"], "data": m["data"][-1], "seed": SEED}
        yield urlencode(base), "sample", m["name"]
        for knob in m["knobs"]:
            value = (knob["choices"] or [None])[-1] if knob.get("choices") else knob.get("high", True)
            yield urlencode({**base, knob["name"]: value, "step": 3}), "sample", m["name"]
        for walk in m["walks"]:
            yield urlencode({**base, "own.walk": walk, "own.n": 3, "own.x": PICTURE, "own.back": 1, "own.at": "play"}), "", m["name"]
    first = link.every(catalogue)[0]["name"]
    for query in ("seed=-1", "model=none/none", "data=cats&step=2", "sample.walk=fly&sample.at=1", "own.x=~AAAA&own.at=1", "own.n=5"):
        yield query, "sample", first
    yield "n=1000000", "sample", first


def said(catalogue: dict) -> dict[str, dict]:
    return {f"{query} [{own}]": link.read(catalogue, query, model, "mnist", 0, 16, own) for query, own, model in links(catalogue)}


@pytest.mark.parametrize(("name", "data"), PAIRS)
def test_the_same_order_gives_the_same_pictures(name: str, data: str) -> None:
    """Within what another processor may round otherwise: 98 of 100 numbers the same, points to a thousandth."""
    golden = np.load(HERE / "golden.npz")
    assert key(name, data) in golden, "the weights are new: look at the pictures, then run python tests/test_golden.py"
    was, is_now = golden[key(name, data)], drawn(name, data)
    assert was.shape == is_now.shape
    apart = np.abs(was.astype(float) - is_now)
    assert (apart <= (1e-3 if data in of("points") else 1)).mean() > 0.98


def test_an_old_link_opens_the_same_view() -> None:
    golden = json.loads((HERE / "golden.json").read_text(encoding="utf-8"))
    now = said(catalogues.build())
    assert len(golden) > 100
    for query, view in golden.items():
        assert json.loads(json.dumps(now[query])) == view, query


if __name__ == "__main__":
    golden = np.load(HERE / "golden.npz")  # what is there stays: of weights that are the same it is what must come out
    wanted = {key(*pair): pair for pair in PAIRS}
    np.savez_compressed(HERE / "golden.npz", **{k: golden[k] if k in golden else drawn(*pair) for k, pair in wanted.items()})
    text = json.dumps(said(catalogues.build()), indent=0, ensure_ascii=False, sort_keys=True)
    (HERE / "golden.json").write_text(text + "\n", encoding="utf-8")
