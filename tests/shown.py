"""What the animation of the README shows: every family, and the panels of the families that it opens."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr

from genviz import catalogue
from genviz.ui import app

OPENED = ("diffusion", "autoregressive", "vae")


def shown() -> list[str]:
    """The names of the tabs that stand in its pictures, as the page that is built today has them."""
    there = {**catalogue.build(), "device": "cpu"}
    demo = app.build(SimpleNamespace(catalogue=lambda: there))
    tabs = [block.elem_id for block in demo.blocks.values() if isinstance(block, gr.Tab) and block.elem_id]
    families = {f"tab-{family['name']}" for family in there["families"]}
    return [t for t in tabs if t in families or t in ("tab-start", "tab-compare") or t.startswith(tuple(f"tab-{f}-" for f in OPENED))]
