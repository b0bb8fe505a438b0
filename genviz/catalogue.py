"""What there is: every family with its models, their abilities and knobs, and the cards of the trained ones, as plain data.

The worker builds it, because only there is torch; the web process draws the whole page from it. To be sure of shapes and
abilities each model is built once on the `meta` device, which allocates nothing.
"""

from __future__ import annotations

import importlib.util
from dataclasses import asdict
from typing import Any

from genviz.data import Data


def build() -> dict[str, Any]:
    """{"families": [...], "data": {...}, "faults": [...]}, JSON-able; imports torch and every model's module.

    A family's "models" make images, its "planes" points in the plane; the user's own stand behind those of GenViz. "faults" are sentences
    about cards that were left out.
    """
    from genviz import checkpoint
    from genviz.data import DATA, own
    from genviz.families import FAMILIES

    believed, faults = checkpoint.read_cards()
    cards = {(c.name, c.data): asdict(c) for c in believed}
    families, entries = [], checkpoint.entries(believed)
    for family in FAMILIES.values():
        models = [
            describe(name := f"{family.name}/{e.name}", e, {d: cards[name, d] for d in e.data if (name, d) in cards})
            for of, e in entries if of is family
        ]  # fmt: skip
        families.append({
            "name": family.name, "title": family.title, "short": family.short, "line": family.line, "story": family.story,
            "has_tab": importlib.util.find_spec(f"genviz.families.{family.name}.page") is not None,
            "models": [m for m in models if m["medium"] != "points"], "planes": [m for m in models if m["medium"] == "points"],
            "scenes": [{"title": s.title, "model": s.model if "/" in s.model else f"{family.name}/{s.model}", "knobs": dict(s.knobs)}
                       for s in family.scenes],
            "replies": [asdict(r) | {"model": f"{family.name}/{r.model}"} for r in family.replies],
        })  # fmt: skip
    trained = {card.data for card in believed}
    sets = [*DATA.values(), *(d for d in own.found().values() if d.name in trained)]
    return {"families": families, "data": {d.name: described(d) for d in sets}, "faults": faults}


def describe(name: str, entry: Any, cards: dict[str, dict]) -> dict[str, Any]:
    """One model: `name` as in load(name, data), its entry, and its cards by data set."""
    from genviz.frame import describe_knobs
    from genviz.likelihood import told
    from genviz.model import abilities, answers, outline

    model = outline(entry.model_class(), entry.args)
    return {
        "name": name, "model": name, "title": entry.title, "abilities": abilities(model), "walks": list(model.walks),
        "answers": answers(model), "knobs": describe_knobs(model.Knobs), "medium": model.medium, "shape": list(model.shape),
        "levels": model.levels, "pixels": model.pixels, "likelihoods": told(model.likelihoods), "grows": model.grows,
        "beside": [dict(zip(("name", "label", "paint"), row, strict=True)) for row in model.beside],
        "z_dim": model.z_dim, "lineage": lineage(name, entry), "cards": cards, "data": list(entry.data),
        "parameters": sum(p.numel() for p in model.parameters()),
    }  # fmt: skip


def lineage(name: str, entry: Any) -> dict[str, Any]:
    """Where a model stands among those before it: {"year", "after": the full name of its ancestor or "", "changed"}."""
    after = entry.after if "/" in entry.after or not entry.after else f"{name.split('/')[0]}/{entry.after}"
    return {"year": entry.year, "after": after, "changed": entry.changed}


def data_of(catalogue: dict[str, Any], medium: str) -> dict[str, dict]:
    """The data sets of a medium by name."""
    return {name: data for name, data in catalogue["data"].items() if data["medium"] == medium}


def described(data: Data) -> dict[str, Any]:
    """A data set as plain data."""
    return asdict(data) | {"shape": list(data.shape), "classes": list(data.classes)}


def data_in(catalogue: dict[str, Any], name: str) -> Data:
    """The entry of a data set; KeyError with the list of known ones."""
    if name not in catalogue["data"]:
        raise KeyError(f"There is no data set '{name}'; there are {', '.join(catalogue['data'])}.")
    told = catalogue["data"][name]
    return Data(**told | {"shape": tuple(told["shape"]), "classes": tuple(told["classes"])})


def model_in(catalogue: dict[str, Any], name: str) -> dict[str, Any]:
    """The entry of a model; KeyError with the list of known ones."""
    models = {m["name"]: m for f in catalogue["families"] for m in (*f["models"], *f.get("planes", ()))}
    if name not in models:
        raise KeyError(f"There is no model '{name}'; the models are: {', '.join(models)}.")
    return models[name]


def first_trained(family: dict[str, Any]) -> tuple[dict | None, str]:
    """The first model of a family that has weights, and the first data set it has them for; (None, "") where there is none."""
    for model in family["models"]:
        for data in model["data"]:
            if data in model["cards"]:
                return model, data
    return None, ""
