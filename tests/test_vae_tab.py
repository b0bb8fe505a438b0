"""The server functions of the VAE's own panels, with small random nets behind them."""

from __future__ import annotations

import asyncio
import base64

import numpy as np
import pytest
import torch

from genviz.data.exhibit import exhibit
from genviz.families.vae.page.beta.panel import BETAS, Beta
from genviz.families.vae.page.shared import AVERAGED
from genviz.families.vae.page.split.panel import Split
from genviz.families.vae.vae import VAE

BETA_NAMES = ["vae/beta_025", "vae/beta_1", "vae/beta_4"]


class SmallEngine:
    """`call` as the engine answers it, for random nets; models named in `untrained` are refused."""

    def __init__(self, untrained: tuple[str, ...] = ()):
        torch.manual_seed(0)
        self.untrained, self.calls = untrained, []
        self.models = {name: VAE(z_dim=4, width=16).eval().requires_grad_(False) for name in BETA_NAMES}

    async def call(self, model, data, method, *arrays, seed=None, **options):
        self.calls.append((model, method))
        if model in self.untrained:
            raise ValueError(f"{model} is not trained on {data} yet.")
        if seed is not None:
            options["rng"] = torch.Generator().manual_seed(seed)
        answer = getattr(self.models[model], method)(*(torch.from_numpy(np.array(a)) for a in arrays), **options)
        return tuple(a.numpy() for a in answer) if isinstance(answer, tuple) else answer.numpy()


def picture() -> str:
    return base64.b64encode(exhibit("mnist")[0][3].tobytes()).decode()


def pixels(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8)


async def ask(panel, name: str, **values):
    """A server function as the page asks it: one object in, {"ok"} or {"error"} out."""
    answer = await getattr(panel, name)(values)
    if "error" in answer:
        raise ValueError(answer["error"])
    return answer["ok"]


def test_the_betas_are_those_of_the_family() -> None:
    assert [name for name, _ in BETAS] == BETA_NAMES and [beta for _, beta in BETAS] == [0.25, 1.0, 4.0]


def test_copies_and_samples_stand_side_by_side() -> None:
    panel = Beta(SmallEngine(), {})
    answer = asyncio.run(ask(panel, "copies", image=picture(), data="mnist", seed=0))
    assert set(pixels(answer["x"])) == {0, 255}
    assert len(answer["copies"]) == 3
    for one in answer["copies"]:
        assert len(pixels(one["y"])) == 784 and len(one["each"]) == 4
        assert sum(one["each"]) == pytest.approx(one["kl"], abs=1e-3) and one["reconstruction"] < 0
    sprites = [a["sprite"] for a in asyncio.run(ask(panel, "samples", data="mnist", seed=3))]
    assert len(set(sprites)) == 3 and sprites == [a["sprite"] for a in asyncio.run(ask(panel, "samples", data="mnist", seed=3))]


def test_an_untrained_beta_leaves_the_others_alone() -> None:
    panel = Beta(SmallEngine(untrained=("vae/beta_025",)), {})
    first, *others = asyncio.run(ask(panel, "copies", image=picture(), data="mnist", seed=0))["copies"]
    assert "not trained" in first["missing"] and all("y" in one for one in others)
    curve = asyncio.run(ask(panel, "curve", data="mnist"))
    assert curve[0] is None and all(c["kl"] > 0 > c["reconstruction"] for c in curve[1:])


def test_averages_are_computed_once() -> None:
    engine = SmallEngine()
    panel = Split(engine, {})

    async def thrice() -> list[dict]:
        return await asyncio.gather(*(ask(panel, "mean", model="vae/beta_1", data="mnist") for _ in range(3)))

    answers = asyncio.run(thrice())
    assert answers[0] == answers[1] == answers[2] and answers[0]["n"] == AVERAGED
    assert engine.calls.count(("vae/beta_1", "parts")) == 1
    model = engine.models["vae/beta_1"]
    x = model.prepare(torch.tensor(exhibit("mnist")[0][: AVERAGED, None]), torch.Generator().manual_seed(0))
    elbo = model.elbo(x, torch.Generator().manual_seed(0)).mean().item()
    assert answers[0]["reconstruction"] - answers[0]["kl"] == pytest.approx(elbo, abs=1e-2)


def test_the_split_adds_up() -> None:
    panel = Split(SmallEngine(), {})
    answer = asyncio.run(ask(panel, "split", image=picture(), model="vae/beta_1", data="mnist", seed=0))
    assert answer["tight"] > answer["reconstruction"] - answer["kl"]
    x, y = pixels(answer["x"]) > 127, pixels(answer["y"]) / 255
    nats = np.array(answer["pixels"])
    assert np.allclose(np.exp(-nats), np.where(x, y, 1 - y), atol=5e-3)  # y came as bytes
    with pytest.raises(ValueError, match="image"):
        asyncio.run(ask(panel, "split", image="no image", model="vae/beta_1", data="mnist", seed=0))
