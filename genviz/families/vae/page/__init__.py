"""What only a VAE can show: the price of beta, and its bound taken apart picture by picture and latent by latent.

Pictures are made black and white first, as in training (each pixel white with probability grey / 255, drawn with the seed above), because
the model has a likelihood for no others. Averages over test pictures are computed here, from the shipped exhibit, and say so.
"""

from __future__ import annotations

from collections.abc import Callable

from genviz.families.vae.page.beta.panel import BETAS, Beta
from genviz.families.vae.page.shared import AVERAGED
from genviz.families.vae.page.split.panel import ACTIVE, Split
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick


def panels(lab: Lab) -> list[tuple[str, Callable[[], None]]]:
    """Titles and builders of the family's own panels."""

    def beta() -> None:
        pick = lab.follow(Pick(tool=lab.tool("beta", "Compare betas on")))
        value = {"pick": pick.to(), "betas": [b for _, b in BETAS], "n": AVERAGED, "active": ACTIVE}
        lab.follow(Beta(lab.engine, value))

    def split() -> None:
        pick = lab.follow(Pick(tool=lab.tool("split", "Split the ELBO of")))
        lab.follow(Split(lab.engine, {"pick": pick.to()}))

    return [("Beta", beta), ("ELBO split", split)]
