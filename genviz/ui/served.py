"""The page's code as files: modules, views and one style sheet, under a name that says which version they are.

    genviz/web/<release>/ui/web/player/panel.js          as genviz/ui/web/player/panel.js
    genviz/web/<release>/families/gan/page/walk/...      as genviz/families/gan/page/walk/...
    genviz/web/<release>/page.css                        every style of the page, joined

The addresses lie as the files do, so that a module finds what it imports in the browser, in node and for the tools alike. `release()` is a
hash of all of them, so a browser may keep them for ever. The address starts below the page's own, as those of films do (ui/film.py).
"""

from __future__ import annotations

import gzip
import hashlib
from functools import cache, lru_cache
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ROOT = Path(__file__).parent.parent  # the package
KINDS = {".js": "text/javascript; charset=utf-8", ".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8"}
FOREVER = "public, max-age=31536000, immutable"
STYLE = "page.css"
START = "genviz_start"  # what a widget calls when it appears: start of core/start.js, which is fetched then
NOT_SERVED = {"node_modules", "test", "eslint.config.js"}  # of ui/web: what only the tools need


@lru_cache(maxsize=1)
def files() -> dict[str, bytes]:
    """Every file by its path below the package, and the joined style sheet."""
    folders = [ROOT / "ui" / "web", *sorted((ROOT / "families").glob("*/page"))]
    found = (path for folder in folders for path in folder.rglob("*") if path.suffix in KINDS and not NOT_SERVED.intersection(path.parts))
    known = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in found}
    styles = sorted((name for name in known if name.endswith(".css")), key=_order)
    sheet = b"\n".join(known.pop(name) for name in styles)
    return known | {STYLE: sheet}


def _order(name: str) -> tuple:
    """The page's own styles before the families', what several panels share before what one adds."""
    return name != "ui/web/base.css", name.startswith("families"), not name.endswith("/shared.css"), name


@lru_cache(maxsize=1)
def release() -> str:
    """Sixteen digits that change with every change of a file."""
    text = hashlib.sha256()
    for name, data in sorted(files().items()):
        text.update(f"{name} {len(data)} ".encode() + data)
    return text.hexdigest()[:16]


def address(name: str) -> str:
    """Where a file lies, below the address of the page."""
    return f"genviz/web/{release()}/{name}"


@cache
def _zipped(name: str) -> bytes:
    return gzip.compress(files()[name], 9, mtime=0)


async def send(request: Request) -> Response:
    """A file of this release; what belongs to another one is not here."""
    name, asked = request.path_params["name"], request.path_params["release"]
    if asked != release() or name not in files():
        return Response("This file belongs to another version of the app; reload the page.", 404, media_type="text/plain")
    headers = {"Cache-Control": FOREVER, "Vary": "Accept-Encoding", "Content-Type": KINDS[Path(name).suffix]}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(files()[name], headers=headers)
    return Response(_zipped(name), headers={**headers, "Content-Encoding": "gzip"})


def routes() -> list[Route]:
    """The route, for the `app_kwargs` of launch()."""
    return [Route("/genviz/web/{release}/{name:path}", send)]


def head() -> str:
    """What the page's <head> says of them: the modules that every page needs, so that they arrive together, and how a widget starts."""
    first = sorted(name for name in files() if name.startswith(("ui/web/core/", "ui/web/header/", "ui/web/link/", "ui/web/start/")))
    ahead = "".join(f'<link rel="modulepreload" href="./{address(name)}">' for name in first if name.endswith(".js"))
    start = f'const {START} = (...told) => import("./{address("ui/web/core/start.js")}").then(module => module.start(...told))'
    return f"{ahead}<script>{start}</script>"


def sheet() -> str:
    """The style sheet. It stands in the <body>, after every sheet that Gradio puts into the <head>, and so it has the last word."""
    return f'<link rel="stylesheet" href="./{address(STYLE)}">'
