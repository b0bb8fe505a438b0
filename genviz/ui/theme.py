"""How the page looks, and the arguments of launch(): colours, type, styles.

Fonts are the system's own and every script comes from the app: no request leaves the machine.
"""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
from gradio.themes.utils import colors, fonts, sizes
from starlette.middleware import Middleware

from genviz import media
from genviz.medium import MEDIA
from genviz.ui import about, export, film, quick, reading, served
from genviz.ui.door import Door, Rules
from genviz.ui.mcp import Tools

AUDIENCE = 400  # people at once; also the most events that gradio runs at a time
SANS = [fonts.Font(name) for name in ("system-ui", "-apple-system", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "sans-serif")]
MONO = [fonts.Font(name) for name in ("ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "Liberation Mono", "monospace")]


def theme() -> gr.themes.Base:
    """One accent colour, calm greys, larger type than gradio's default."""
    look = gr.themes.Base(primary_hue=colors.teal, secondary_hue=colors.teal, neutral_hue=colors.slate, text_size=sizes.text_lg,
                          radius_size=sizes.radius_md, spacing_size=sizes.spacing_md, font=SANS, font_mono=MONO)  # fmt: skip
    return look.set(
        color_accent="*primary_700", color_accent_soft_dark="*primary_900",
        body_background_fill="white", body_background_fill_dark="#0f141d",
        background_fill_primary_dark="#151c28", background_fill_secondary_dark="#1d2636",
        block_background_fill_dark="#151c28", block_label_background_fill="transparent", block_border_width="0px", block_shadow="none",
        block_title_text_weight="600", border_color_primary_dark="#2c3749", input_background_fill_dark="#1d2636",
        button_primary_background_fill="*primary_700", button_primary_background_fill_hover="*primary_600",
        button_primary_text_color="white", link_text_color="*primary_700", link_text_color_dark="*primary_400",
    )  # fmt: skip


def head(tools: list[dict] | None = None, catalogue: dict | None = None) -> str:
    """What the page needs in its <head>: the first modules, and what all widgets are told (core/told.js)."""
    known = catalogue or {"families": [], "data": {}}
    models = [m for f in known["families"] for m in (*f["models"], *f.get("planes", ()))]
    titles = {m["name"]: m["title"] for m in models} | {k: d["title"] for k, d in known["data"].items()}
    told = {"tools": tools or [], "titles": titles, "classes": {name: d["classes"] for name, d in known["data"].items()},
            "raster": [m["name"] for m in models if m["grows"] == "pixels"],
            "media": {name: {"frames": m.frames, "kinds": list(media.of(name).KINDS)} for name, m in MEDIA.items()}}  # fmt: skip
    text = json.dumps(told, ensure_ascii=False).replace("<", r"\u003c")
    return f'{served.head()}<script type="application/json" id="gv-told">{text}</script>'


def page(demo: gr.Blocks, engine: Any = None, rules: Rules | None = None) -> dict[str, Any]:
    """Arguments of demo.launch(): look, scripts, the routes of films and of MCP, the door, and bounds fit for a lecture hall.

    `_frontend` keeps Gradio from asking for its own page, once and for three seconds only, and blaming localhost on a busy machine.
    """
    quick.start_patiently()
    tools = Tools(demo)
    own = head(getattr(demo, "tools", None), engine and engine.catalogue()), served.sheet()
    door = Door(demo, rules or Rules(), tools.lifespan, own)
    films = [*film.routes(engine), *export.routes(engine)] if engine else []
    routes = [*reading.routes(demo), *about.routes(), *served.routes(), *films]
    return {
        "theme": theme(),
        "app_kwargs": {
            "routes": [*routes, tools.mount()], "lifespan": door.lifespan,
            "middleware": [Middleware(reading.Reading, demo=demo)], "exception_handlers": reading.HANDLERS,
        },
        "max_threads": AUDIENCE, "enable_monitoring": False, "ssr_mode": False, "footer_links": ["api"], "run_history": False, "pwa": False,
        "mcp_server": False, "_frontend": False, "favicon_path": str(about.ICON),
    }  # fmt: skip
