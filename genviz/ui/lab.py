"""What the panels of one family tab share: the engine, the family's entry in the catalogue, the menus on top of the tab, the player.

    def panels(lab):                                  # families/<f>/page/__init__.py
        def receptive_field():
            widget = lab.follow(ReceptiveField(lab.engine))           # its value["model" / "data" / "seed"] follow the menus
        return [("Receptive field", receptive_field)]

A panel that can take an image from the player ("send to ...") declares it in Python with `lab.tool("reconstruct", "Reconstruct")` and
receives it in its module with `receive(name, take)` of core/mail.js: `lab.tool` returns that name; hand it over in the value.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

LEAD = "value => [value.wanted.model, value.wanted.data, value.wanted.seed]"
FOLLOW = "(model, data, seed, value) => ({...(value || {}), model, data, seed})"


class Lab:
    """One family's tab while it is being built."""

    def __init__(self, engine: Any, catalogue: dict, family: dict, model: gr.Dropdown, data: gr.Dropdown, seed: gr.Number):
        self.engine = engine
        self.catalogue = catalogue  # the whole catalogue: "families", "data" {name: {title, classes}}, "device"
        self.family = family  # this family's dictionary in it
        self.model, self.data, self.seed = model, data, seed  # components: "vae/vae", "mnist", 0
        self.player: Any = None  # the Player of the tab, set by ui/tab.py
        self.tools: list[dict] = []
        self.tabs: list[str] = []  # elem_ids of the tabs around the panel that is being built, outermost first

    @property
    def models(self) -> list[dict]:
        """The family's models in the catalogue."""
        return self.family["models"]

    def having(self, ability: str) -> list[dict]:
        """The models of the family that have an ability, an answer or a walk of this name."""
        return [m for m in self.models if ability in (*m["abilities"], *m["answers"], *m["walks"])]

    def now(self) -> dict:
        """The values of the menus when the page opens."""
        return {"model": self.model.value, "data": self.data.value, "seed": self.seed.value}

    def follow(self, widget: gr.HTML) -> gr.HTML:
        """Keep widget.value["model" / "data" / "seed"] in step with the menus, in the browser alone; returns the widget."""
        widget.value = {**(widget.value or {}), **self.now()}
        gr.on(
            [self.model.change, self.data.change, self.seed.change],
            None,
            [self.model, self.data, self.seed, widget],
            widget,
            js=FOLLOW,
            show_progress="hidden",
            queue=False,
        )
        if "restore" in getattr(widget, "events_sent", ()):
            widget.restore(None, widget, [self.model, self.data, self.seed], js=LEAD, show_progress="hidden", queue=False)
        return widget

    def tool(self, name: str, label: str) -> str:
        """Declare that the panel being built receives images under a menu line such as "Interpolate from"; returns the name for
        `receive`, unique among all families."""
        tool = f"{self.family['name']}.{name}"
        self.tools.append({"tool": tool, "label": label, "family": self.family["title"], "tabs": list(self.tabs)})
        return tool
