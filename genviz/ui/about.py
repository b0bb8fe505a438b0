"""What others show of the page: title, sentence and picture of a link to it, and the icon of its tab. Gradio would show its own.

A picture of a link needs an address with its host, which the kept page does not know (genviz.ui.kept): a Space says its own in SPACE_HOST;
elsewhere the address is relative, which many readers of links follow and some do not. `python docs/pictures.py` draws both pictures.
"""

from __future__ import annotations

import os
import re
from html import escape
from pathlib import Path

from starlette.responses import FileResponse
from starlette.routing import Route

PICTURES = Path(__file__).parent / "pictures"
ICON, LINK = PICTURES / "icon.png", PICTURES / "link.png"
PLACE = "genviz/link.png"  # below the app's own address
TITLE = "GenViz"
LINE = "Deep generative models, live: draw samples, watch them come out of noise, walk their latent spaces, measure and compare them."
THEIRS = re.compile(rb'\s*<meta\s+(?:property="og:|name="twitter:)[^>]*>')


def introduced(page: bytes) -> bytes:
    """The page with GenViz's own title and tags for links in place of Gradio's."""
    host = os.environ.get("SPACE_HOST", "")
    picture = f"https://{host}/{PLACE}" if re.fullmatch(r"[\w.-]+", host) else f"./{PLACE}"
    said = {"title": TITLE, "description": LINE, "image": picture}
    tags = [f"<title>{TITLE}</title>", f'<meta name="description" content="{escape(LINE)}">', '<meta property="og:type" content="website">']
    tags += [f'<meta property="og:{name}" content="{escape(value)}">' for name, value in said.items()]
    tags += ['<meta name="twitter:card" content="summary_large_image">']
    return THEIRS.sub(b"", page).replace(b"<head>", b"<head>" + "".join(tags).encode(), 1)


def routes() -> list[Route]:
    """For the `app_kwargs` of launch(): the picture of a link."""

    async def link(request: object) -> FileResponse:
        return FileResponse(LINK, media_type="image/png", headers={"Cache-Control": "public, max-age=86400"})

    return [Route(f"/{PLACE}", link, methods=["GET"])]
