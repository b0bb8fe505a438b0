"""What only an energy-based model can show: chains with their energies, the energy of any picture, the two phases of learning."""

from __future__ import annotations

from collections.abc import Callable

from genviz.families.ebm import FAMILY
from genviz.families.ebm.page.chains.panel import Chains
from genviz.families.ebm.page.phases.panel import Phases
from genviz.families.ebm.page.scale.panel import Scale
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick
from genviz.ui.player import Player, Row


def panels(lab: Lab) -> list[tuple[str, Callable[[], None]]]:
    """Titles and builders of this family's own panels."""
    knobs = next(m["knobs"] for m in lab.models if m["name"] == f"{FAMILY.name}/{FAMILY.models[0].name}")
    classes = {name: data["classes"] for name, data in lab.catalogue["data"].items()}

    def chains() -> None:
        pick = lab.follow(Pick(tool=lab.tool("chains", "Start chains from")))
        rows = (Row("x0_hat", "x0_hat, seen without the noise"), Row("score", "-dE/dy, where it pulls", "signed"))
        rows += (Row("energy", "E"),)  # numbers, which no pane shows; `Chains.energies` reads them from the film
        lab.follow(Chains(lab.engine, {"pick": pick.to(), "player": "ebm.chains", "knobs": knobs, "classes": classes}))
        Player(
            lab.engine, "ebm.chains", walk="chains", rows=rows, label="y, the chain", frames=120,
            empty="Walk from noise, or from the picture above.",
        )  # fmt: skip

    def scale() -> None:
        pick = lab.follow(Pick(tool=lab.tool("energy", "Energy of")))
        lab.follow(Scale(lab.engine, {"pick": pick.to(), "classes": classes}))

    def phases() -> None:
        pick = lab.follow(Pick(tool=lab.tool("phases", "Two phases of")))
        lab.follow(Phases(lab.engine, {"pick": pick.to()}))

    return [("Chains", chains), ("Energy of an image", scale), ("Two phases", phases)]
