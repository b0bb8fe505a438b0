"""What only an energy-based model can show: chains with their energies, the energy of any picture, the two phases of learning."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import numpy as np

from genviz.data import DATASETS
from genviz.data.exhibit import exhibit
from genviz.families.ebm import FAMILY
from genviz.plots import pictures
from genviz.ui.field import Data, Job, Model, Picture, Seed, Whole
from genviz.ui.lab import Lab
from genviz.ui.pick import Pick
from genviz.ui.player import Player, Row
from genviz.ui.widget import Widget

TESTED = 300  # test images on a scale
DRAWN = 36  # samples on it
NOISES = 100  # pictures of noise on it
LONGEST = 400  # steps of the chain between the two phases


class Remembering(Widget):
    """A widget with answers that are computed once for every model and data set."""

    def __init__(self, engine: Any, value: dict, server: list[Callable]):
        super().__init__(value, server=server)
        self.engine = engine
        self.known: dict[tuple[str, str], asyncio.Future] = {}

    async def once(self, model: str, data: str, compute: Callable[[str, str], Awaitable[dict]]) -> dict:
        """What `compute(model, data)` answers; a refusal is not remembered."""
        key = (model, data)
        if key not in self.known:
            self.known[key] = asyncio.ensure_future(compute(model, data))
        try:
            return await asyncio.shield(self.known[key])
        except Exception:
            self.known.pop(key, None)
            raise


class Chains(Remembering):
    """Knobs and buttons above the film of the chains, and the energy of each over the steps."""

    folder = "families/ebm/page/chains"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [self.energies, self.level])

    def energies(self, job: Job) -> dict:
        """Steps of the shots of a film so far, and the energy of every chain at each."""
        shots = [shot for shot in self.engine.look(job).shots if "energy" in shot.aux]
        return {
            "step": [shot.step for shot in shots], "steps": shots[-1].steps if shots else 0,
            "energy": [shot.aux["energy"].round(1).tolist() for shot in shots],
        }  # fmt: skip

    async def level(self, model: Model, data: Data) -> dict:
        """Mean energy of test images with the noise of training on them, and the ends of the middle nine tenths."""
        return await self.once(model, data, self._level)

    async def _level(self, model: str, data: str) -> dict:
        y = await self.engine.call(model, data, "blur", tested(data), seed=0)
        energy = await self.engine.call(model, data, "energy", y)
        low, high = np.quantile(energy, [0.05, 0.95])
        return {"mean": float(energy.mean()), "low": float(low), "high": float(high)}


class Scale(Remembering):
    """The energy of a picture on the scale of test images, samples, pictures of another kind, and noise."""

    folder = "families/ebm/page/scale"

    def __init__(self, engine: Any, value: dict):
        super().__init__(engine, value, [self.one, self.scale])

    async def one(self, image: Picture, model: Model, data: Data) -> dict:
        """One image in base64 -> its energy, the slope there (784), the picture that the model would rather see (784), and p(class | x)."""
        x = pictures.from_base64(image)
        energy, slope = await self.engine.call(model, data, "slope", x)
        guess = await self.engine.call(model, data, "clean", x, slope)
        shares = await self.engine.call(model, data, "classify", x)
        return {
            "energy": float(energy[0]), "slope": slope.ravel().round(3).tolist(), "guess": guess.ravel().round(3).tolist(),
            "shares": shares[0].round(4).tolist(),
        }  # fmt: skip

    async def scale(self, model: Model, data: Data) -> dict:
        """Energies of several kinds of pictures, all without noise on them; "near" says which lie near each other."""
        return await self.once(model, data, self._scale)

    async def _scale(self, model: str, data: str) -> dict:
        await self.engine.call(model, data, "energy", tested(data)[:1])  # refuses what has no energy before samples are drawn for it
        other = next(name for name in DATASETS if name != data)
        noise = np.random.default_rng(0).uniform(-1, 1, (NOISES, 1, 28, 28)).astype(np.float32)
        kinds = {
            "test images": tested(data), f"samples of the model ({DRAWN})": await self._samples(model, data),
            f"test images of {DATASETS[other].title}": tested(other), "noise, every grey equally likely": noise,
        }  # fmt: skip
        energies = [await self.engine.call(model, data, "energy", x) for x in kinds.values()]
        return {
            "rows": [
                {"title": title, "energies": e.round(1).tolist(), "near": x is not noise}
                for (title, x), e in zip(kinds.items(), energies, strict=True)
            ]
        }

    async def _samples(self, model: str, data: str) -> np.ndarray:
        """Fresh samples (DRAWN, 1, 28, 28) at the default knobs."""
        job, have = self.engine.submit(model, data, n=DRAWN, frames=2), 0
        while True:
            view = await self.engine.wait(job, have)
            if view.status in ("error", "cancelled"):
                raise ValueError(view.message or "The samples for the scale were not finished; open the panel again.")
            if view.status == "done":
                return self.engine.look(job).shots[-1].x
            have += len(view.shots)


class Phases(Widget):
    """Where one step of learning lowers the energy and where it raises it, and the difference of the two."""

    folder = "families/ebm/page/phases"

    def __init__(self, engine: Any, value: dict):
        super().__init__(value, server=[self.phases])
        self.engine = engine

    async def phases(self, image: Picture, model: Model, data: Data, seed: Seed, steps: Annotated[int, Whole(1, LONGEST)]) -> dict:
        """One image in base64 -> for "data" and "model": energy, and y, slope, x0_hat with 784 numbers each."""
        x = pictures.from_base64(image)
        answer = await self.engine.call(model, data, "phases", x, knobs={"steps": steps}, seed=seed)
        sides = {
            side: {"energy": float(answer[f"energy_{side}"][0])}
            | {kind: answer[f"{kind}_{side}"].ravel().round(3).tolist() for kind in ("y", "slope", "x0_hat")}
            for side in ("data", "model")
        }
        return {**sides, "steps": steps}


def tested(data: str) -> np.ndarray:
    """The first TESTED images of the exhibit, (TESTED, 1, 28, 28) in [-1, 1]."""
    return exhibit(data)[0][:TESTED, None].astype(np.float32) / 127.5 - 1


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
