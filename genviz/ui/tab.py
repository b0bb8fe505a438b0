"""The tab of a family, drawn from the catalogue alone.

Story, menus, card, the player with its knobs, a panel for each thing that the models can do, and what the family's own page adds.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

import gradio as gr

from genviz.catalogue import first_trained
from genviz.ui import panels
from genviz.ui.card import ModelCard
from genviz.ui.controls import Controls
from genviz.ui.lab import Lab
from genviz.ui.player import Player, Row

LATEX = [{"left": "$$", "right": "$$", "display": True}, {"left": "$", "right": "$", "display": False}]
DICE = "() => Math.floor(Math.random() * 4294967296)"


def tab_of(family: dict) -> str:
    """The elem_id of a family's tab."""
    return f"tab-{family['name']}"


def build(engine: Any, catalogue: dict, family: dict) -> Lab:
    """Everything inside the tab of a family (call it inside its gr.Tab); returns its Lab."""
    with gr.Accordion(family["line"], open=False, elem_classes="gv-story"):
        gr.Markdown(family["story"], latex_delimiters=LATEX)
    lab = Lab(engine, catalogue, family, *_menus(catalogue, family))
    lab.tabs = [tab_of(family)]
    with gr.Tabs(elem_classes="gv-panels", overflow_behavior="wrap"):
        for title, fill in [("Sample", lambda: _sample(lab)), *panels.standard(lab), *_own(lab)]:
            name = f"{tab_of(family)}-{re.sub('[^a-z0-9]+', '-', title.lower()).strip('-')}"
            with gr.Tab(title, elem_id=name):
                lab.tabs = [tab_of(family), name]
                fill()
    return lab


def _menus(catalogue: dict, family: dict) -> tuple[gr.Dropdown, gr.Dropdown, gr.Number]:
    """Model, data set and seed, above all panels because all follow them."""
    first, data = first_trained(family)
    first = first or family["models"][0]
    models = [(m["title"] if m["cards"] else f"{m['title']} (not trained yet)", m["name"]) for m in family["models"]]
    names = list(dict.fromkeys(d for m in family["models"] for d in m["data"]))
    titles = catalogue["data"]
    with gr.Row(elem_classes="gv-menus", equal_height=False):
        model = gr.Dropdown(models, value=first["name"], label="Model", interactive=True, scale=4, min_width=220, filterable=False)
        menu = gr.Dropdown([(titles[d]["title"] if d in titles else d, d) for d in names], value=data or first["data"][0], label="Data set",
                           interactive=True, scale=3, min_width=120, filterable=False)  # fmt: skip
        seed = gr.Number(0, label="Seed", interactive=True, precision=0, minimum=0, maximum=2**32 - 1, scale=2, min_width=100)
        dice = gr.Button("Dice", elem_classes="gv-dice", scale=0, min_width=76)
    dice.click(None, None, seed, js=DICE, show_progress="hidden", queue=False)
    return model, menu, seed


def _sample(lab: Lab) -> None:
    """Knobs to the left; film and card to the right."""
    name = f"{lab.family['name']}.sample"
    with gr.Row(elem_classes="gv-work", equal_height=False):
        with gr.Column(scale=1, min_width=280, elem_classes="gv-controls"):
            lab.follow(Controls(lab.family, name))
        with gr.Column(scale=3, min_width=320):
            rows = tuple(dict.fromkeys(Row(**row) for m in lab.models for row in m["beside"]))
            lab.player = Player(lab.engine, name, rows=rows, premiere=lab.family["name"])
            lab.follow(ModelCard(lab.catalogue, lab.family))


def _own(lab: Lab) -> list[tuple[str, Callable[[], None]]]:
    """What the family's own page adds."""
    if not lab.family["has_tab"]:
        return []
    return importlib.import_module(f"genviz.families.{lab.family['name']}.page").panels(lab)
