"""The whole page: a header, the start page, one tab for each family, one that compares them, and the verbs over HTTP."""

from __future__ import annotations

from typing import Any

import gradio as gr

from genviz.ui import api, compare, tab, verbs, zero
from genviz.ui.link import Link
from genviz.ui.start import Header, Start


def build(engine: Any) -> gr.Blocks:
    """The page for an engine; launch it with `demo.launch(**theme.page(demo, engine))`."""
    catalogue = engine.catalogue()
    families = catalogue["families"]
    with gr.Blocks(title="GenViz", analytics_enabled=False, fill_width=True) as demo:
        with gr.Row(elem_classes="gv-top", equal_height=False):
            Header(elem_classes="gv-header")
            Link(catalogue, elem_classes="gv-link")
        with gr.Tabs(elem_classes="gv-families", overflow_behavior="wrap"):
            with gr.Tab("Start", elem_id="tab-start"):
                Start(engine, {f["name"]: tab.tab_of(f) for f in families})
            labs = []
            for family in families:
                with gr.Tab(family["short"], elem_id=tab.tab_of(family)):
                    labs.append(tab.build(engine, catalogue, family))
            with gr.Tab("Compare", elem_id="tab-compare"):
                tools = compare.build(engine, catalogue)
        api.register(engine)
        verbs.register(engine)
        zero.register()
    demo.tools = [*(tool for lab in labs for tool in lab.tools), *tools]
    return demo
