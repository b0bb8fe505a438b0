"""What there is, for programs: the trained models that can do something and know some data, and the data sets. Plain values."""

from __future__ import annotations

from typing import Any


def every(catalogue: dict[str, Any]) -> list[dict[str, Any]]:
    """The models of all families, those in the plane too."""
    return [m for f in catalogue["families"] for m in (*f["models"], *f.get("planes", ()))]


def abilities(entry: dict[str, Any]) -> list[str]:
    """All that a model may be asked for beyond samples: abilities, answers and further walks."""
    return [*entry["abilities"], *entry["answers"], *(walk for walk in entry["walks"] if walk != "sample")]


def trained(catalogue: dict[str, Any], ability: str = "", data: str = "") -> list[dict[str, Any]]:
    """The models that have weights, can do something and know some data; "" for any."""
    have = [m for m in every(catalogue) if m["cards"]]
    return [m for m in have if (not ability or ability in abilities(m)) and (not data or data in m["cards"])]


def models(catalogue: dict[str, Any], ability: str = "", data: str = "") -> list[dict[str, Any]]:
    """The same, of each what a program needs to ask it; `data` are the sets that it is trained on."""
    same = ("title", "medium", "shape", "levels", "pixels", "likelihoods", "z_dim", "parameters", "abilities", "answers", "walks", "knobs")
    return [
        {"name": m["name"], "family": m["name"].partition("/")[0], "data": list(m["cards"])} | {key: m[key] for key in same if key in m}
        for m in trained(catalogue, ability, data)
    ]


def data(catalogue: dict[str, Any]) -> list[dict[str, Any]]:
    """The data sets: name, title, classes (none of points), and the models that are trained on them."""
    return [
        {"name": name, "title": d["title"], "medium": d["medium"], "classes": list(d["classes"]),
         "models": [m["name"] for m in trained(catalogue, data=name)]}
        for name, d in catalogue["data"].items()
    ]  # fmt: skip
