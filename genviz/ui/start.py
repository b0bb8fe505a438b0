"""The start page: the families in teaching order, what each can do, what it costs, and pictures that it has just made.

Nothing here is written down by hand: abilities come from the models, figures from the cards, and pictures with their number of network
evaluations from one small film of each family, made once for everybody when the first page asks.
"""

from __future__ import annotations

from typing import Annotated, Any

from genviz import compare, file
from genviz.catalogue import first_trained
from genviz.plots import pictures
from genviz.plots.pictures import SIDE
from genviz.ui.card import leading
from genviz.ui.field import Text
from genviz.ui.once import Once
from genviz.ui.widget import Widget

SHOWN = 10  # pictures of a family
FAULTS = 3  # files that are named on the page; of more only the number is told


class Header(Widget):
    """Name of the app, and two switches that the browser remembers: larger for a projector, light or dark."""

    folder = "ui/web/header"


class Start(Widget):
    """A card for each family; a click opens its tab."""

    folder = "ui/web/start"

    def __init__(self, engine: Any, tabs: dict[str, str], **options: Any):
        """`tabs`: the elem_id of the tab of each family by its name."""
        self.engine = engine
        catalogue = engine.catalogue()
        self.families = {f["name"]: f for f in catalogue["families"]}
        self.titles = {name: data["title"] for name, data in catalogue["data"].items()}
        self.once = Once()
        super().__init__({"families": [{**summary(f, self.titles), "tab": tabs[f["name"]]} for f in catalogue["families"]],
                          "faults": told([*catalogue.get("faults", ()), *compare.faults()])}, server=[self.glimpse], **options)  # fmt: skip

    async def glimpse(self, family: Annotated[str, Text(100)]) -> dict:
        """A few samples of a family's strongest model and what they cost; made once, then remembered."""
        if family not in self.families:
            raise ValueError(f"There is no family '{family}'.")
        return await self.once(family, lambda: self._make(self.families[family]))

    async def _make(self, family: dict) -> dict:
        model, data = strongest(family)
        if model is None:
            raise ValueError("not trained yet")
        job, shots = self.engine.submit(model["name"], data, n=SHOWN, seed=1, frames=2), []
        while True:
            view = await self.engine.wait(job, len(shots))
            shots += view.shots
            if view.status == "done":
                last = shots[-1]
                return {"sprite": pictures.sprite(last.x, columns=SHOWN // 2), "nfe": last.nfe, "title": model["title"],
                        "data": self.titles.get(data, data)}  # fmt: skip
            if view.status in ("error", "cancelled"):
                raise ValueError(view.message)


def told(faults: list[str]) -> str:
    """What the page says of files that were left out; the terminal names them all."""
    for sentence in faults:
        file.warn(sentence)
    more = [f"{len(faults) - FAULTS} more files were left out; the terminal names them."] if len(faults) > FAULTS else []
    return " ".join(["Left out:", *faults[:FAULTS], *more]) if faults else ""


def strongest(family: dict) -> tuple[dict | None, str]:
    """Of a family's models that lead with the same figure on the same data as its first trained one, the one with the lowest."""
    first, data = first_trained(family)
    if first is None or not leading(first["cards"][data]):
        return first, data
    figure = {m["name"]: lines[0] for m in family["models"] if data in m["cards"] and (lines := leading(m["cards"][data]))}
    rivals = [m for m in family["models"] if m["name"] in figure and figure[m["name"]]["name"] == figure[first["name"]]["name"]]
    return min(rivals, key=lambda m: figure[m["name"]]["value"]), data


def summary(family: dict, titles: dict[str, str]) -> dict:
    """What a family can do and what was measured, for its card on the start page."""
    can = {name for m in family["models"] for name in m["abilities"]}
    likelihoods = [m["likelihoods"][0]["says"] for m in family["models"] if m["likelihoods"]]
    sizes = sorted({m["z_dim"] for m in family["models"] if m["z_dim"]})
    model, data = strongest(family)
    return {
        "name": family["name"], "title": family["title"], "line": family["line"], "trained": model is not None,
        "latent": f"{' or '.join(map(str, sizes))} dimensions" + ", one for every pixel" * (sizes == [SIDE**2]) if sizes else "",
        "encoder": "encode" in can,
        "likelihood": " or ".join(dict.fromkeys(likelihoods)) or "none",
        "figures": figures(model["cards"][data], titles.get(data, data)) if model else [],
    }  # fmt: skip


def figures(card: dict, data: str) -> list[dict]:
    """A card's leading figures as lines of text, "not measured" where it has none."""
    return [{**line, "text": f"{line['text']} on {data}"} for line in leading(card)] or [
        {"name": "Measured", "text": "not measured", "protocol": ""}
    ]
