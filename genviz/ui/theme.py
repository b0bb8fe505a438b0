"""How the page looks, and the arguments of launch(): colours, type, styles, scripts. Fonts are the system's own: no request leaves the machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.themes.utils import colors, fonts, sizes

from genviz.ui.widget import scripts, styles

ASSETS = Path(__file__).parent / "assets"
SANS = [fonts.Font(name) for name in ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")]
MONO = [fonts.Font(name) for name in ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Liberation Mono", "monospace")]


def theme() -> gr.themes.Base:
    """One accent colour, calm greys, larger type than gradio's default."""
    return gr.themes.Base(
        primary_hue=colors.orange, secondary_hue=colors.orange, neutral_hue=colors.slate, text_size=sizes.text_lg, radius_size=sizes.radius_md,
        spacing_size=sizes.spacing_md, font=SANS, font_mono=MONO,
    )


def head(tools: list[dict] | None = None) -> str:
    """Everything the page needs in its <head>: the shared script, the widgets' scripts and styles, and the list of tools."""
    script = (ASSETS / "genviz.js").read_text() + "\n" + scripts() + f"\ngenviz.tools = {json.dumps(tools or [])};"
    style = (ASSETS / "genviz.css").read_text() + "\n" + styles()
    script = script.replace("</script", r"<\/script")
    return f"<style>{style}</style><script>{script}</script>"


def page(demo: gr.Blocks) -> dict[str, Any]:
    """Arguments of demo.launch() that any page with our widgets needs."""
    return {"theme": theme(), "head": head(getattr(demo, "tools", None))}
