"""The families in the order of the lecture. A newcomer copies the nearest folder and adds one name."""

from __future__ import annotations

import importlib

from genviz.family import Entry, Family

NAMES = ("gan", "autoregressive", "vae", "flow", "ebm", "diffusion", "score")

FAMILIES: dict[str, Family] = {name: importlib.import_module(f"genviz.families.{name}").FAMILY for name in NAMES}


def find(name: str) -> tuple[Family, Entry]:
    """The family and entry of "family/model"; KeyError with the list of known ones."""
    family, _, model = str(name).partition("/")
    if family in FAMILIES:
        for entry in FAMILIES[family].models:
            if entry.name == model:
                return FAMILIES[family], entry
    known = ", ".join(f"{f.name}/{e.name}" for f in FAMILIES.values() for e in f.models)
    raise KeyError(f"There is no model '{name}'; the models are: {known}.")


def on(name: str, data: str) -> tuple[Family, Entry]:
    """The same, of a model that is made for a data set; KeyError for another one."""
    family, entry = find(name)
    if data not in entry.data:
        raise KeyError(f"'{name}' knows no data set '{data}'; it knows {', '.join(entry.data)}.")
    return family, entry
