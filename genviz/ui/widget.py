'''How a widget of the page is made: one small class with a template, a style, a script and Python functions that the script may ask.

A complete widget (run it with `demo.launch(**page(demo))` from genviz.ui.theme):

    class Decoder(Widget):
        """A slider whose picture follows the pointer."""

        template = '<canvas class="picture"></canvas><input type="range" min="-3" max="3" step="0.01" value="0"><p class="read"></p>'
        css = ".picture { width: 224px }"                       # rules hold inside this widget only
        js = """
            const canvas = element.querySelector(".picture"), slider = element.querySelector("input");
            const draw = genviz.latest(ask.decode, answer => genviz.draw(canvas, answer.sprite));   // newest answer wins
            slider.addEventListener("input", () => draw({z: [+slider.value, 0], model: props.value.model, data: props.value.data}));
            watch("value", () => draw({z: [+slider.value, 0], ...}));  // a menu of the tab changed (lab.follow)
        """

        def __init__(self, engine):
            super().__init__({"title": "any JSON"}, server=[self.decode])
            self.engine = engine                                # an attribute must not be named like an event ("click", "change", ...)

        async def decode(self, z: Latent, model: Model, data: Data):  # called by ask.decode({z, model, data}); read by genviz.ui.field
            x = await self.engine.call(model, data, "decode", np.array([z], np.float32))
            return {"sprite": pictures.sprite(x)}               # plain JSON

    with gr.Tab("Decoder"):
        lab.follow(Decoder(lab.engine))                         # value["model" / "data" / "seed"] follow the menus

The script sees: `element`, `props` (props.value is the Python value; setting props.value = {...} tells Python), `watch(name, f)`, `ask`
(each function of `server`: takes ONE object, returns a promise, rejects with an Error whose message is the sentence to show),
`trigger(name, data)` for the names listed in `events_sent`, and `genviz`:

    genviz.latest(ask.f, show)       -> send(args): newest wins, up to four requests in flight, stale answers dropped, errors to a toast
    genviz.draw(canvas, url)         -> promise; decodes a PNG data URL onto a canvas at its own size (CSS enlarges, pixelated)
    genviz.sprite(url)               -> promise of an ImageBitmap; genviz.cell(canvas, bitmap, i, columns, side = 28) draws one image of it
    genviz.pixels(bitmap or canvas, i = 0, columns = 1, side = 28) -> Uint8ClampedArray of side * side grey bytes
    genviz.paint(canvas, pixels, side = 28)     grey bytes onto a canvas
    genviz.bytes64(pixels)           -> base64 for Python's `pictures.from_base64`
    genviz.heat(canvas, numbers, width, {signed, low, high})   a heat map (viridis-like, or blue-white-orange with a sign)
    genviz.toast(error or sentence)  shows one sentence
    genviz.receive(tool, take)       this widget is the receiver of a tool declared with lab.tool(...); take({pixels, label, from})
    genviz.send(tool, {pixels})      opens the tool's tab and hands the image over
    genviz.copy(text)                -> promise of true where it is on the clipboard, over plain http too
    genviz.css("--name")             a CSS variable of the current theme; genviz.dark() -> bool

Films (a walk, step by step) are shown by a Player: see genviz.ui.player for genviz.film, genviz.stop and genviz.listen. The address
of the page holds what people set (genviz.ui.link): sliders, menus and boxes of a panel's widgets under their first class names.

Rules that cost hours elsewhere: the template is static (a script owns what is inside); a widget in a tab that was never opened is not in
the page (so read props.value when the script starts, not before); server functions have no queue, so cheap work only (an `async` one
that awaits the engine is cheap); numpy values are not JSON (use float(), .tolist()). Errors: raise ValueError("One sentence."), and the
page shows it.
'''

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from anyio.to_thread import run_sync

from genviz.ui import field

log = logging.getLogger("genviz.ui")


class Widget(gr.HTML):
    """A custom component; see the module's docstring. Subclasses set `template`, `css`, `js` and, for Python listeners, `events_sent`."""

    template = ""
    css = ""
    js = ""
    events_sent: tuple[str, ...] = ()  # names the script may pass to trigger(); each becomes a listener method here

    def __init__(self, value: Any = None, *, server: Sequence[Callable] = (), **options: Any):
        """`value` is plain JSON; `server` are the functions behind `ask`; `options` are gr.HTML's (elem_id, visible, ...)."""
        name = type(self).__name__
        quoted = " ".join(f"'{event}'" for event in self.events_sent)  # gradio makes a listener of every name quoted in this text
        super().__init__(
            {} if value is None else value,
            html_template=f'<div class="gv gv-{name}">{self.template}</div>',
            js_on_load=f"/* {quoted} */ (function start() {{ if (window.genviz && genviz.start) "
            f"genviz.start(`{name}`, element, props, server, watch, trigger); else setTimeout(start, 10); }})()",
            apply_default_css=False,
            server_functions=[_guarded(f) for f in server],
            **options,
        )

    def preprocess(self, payload: Any) -> Any:
        return payload

    def postprocess(self, value: Any) -> Any:
        return value

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "description": f"the state of {type(self).__name__}, any JSON object"}

    def example_payload(self) -> Any:
        return {}

    def example_value(self) -> Any:
        return {}


def _guarded(f: Callable) -> Callable:
    """The function as the page calls it: one dictionary in, each value read by its field, {"ok": answer} or {"error": sentence} out, never
    an exception. What is not `async` runs in a thread."""
    fields, name = field.fields_of(f), f.__name__
    run = f if inspect.iscoroutinefunction(f) else lambda **values: run_sync(lambda: f(**values))

    async def call(data: Any):
        try:
            return {"ok": await run(**field.read(name, fields, data))}
        except ValueError as error:  # a refusal: one sentence for the person in front of the screen
            return {"error": str(error)}
        except Exception:
            log.exception("server function %s failed", name)
            return {"error": f"'{name}' did not work, and the fault is the app's: its log says more."}

    call.__name__, call.fields = name, fields
    return call


def widgets() -> list[type[Widget]]:
    """Every widget class defined so far, parents before children."""
    found: list[type[Widget]] = []
    waiting = list(Widget.__subclasses__())
    while waiting:
        kind = waiting.pop(0)
        found.append(kind)
        waiting += kind.__subclasses__()
    return found


def scripts() -> str:
    """The scripts of all widgets, each registered under its class name; sent once per page, however many instances there are."""
    return "\n".join(
        f"genviz.widgets[{kind.__name__!r}] = function (element, props, ask, watch, trigger) {{\n{inspect.cleandoc(kind.js)}\n}};"
        for kind in widgets()
        if kind.js
    )


def styles() -> str:
    """The styles of all widgets; nesting keeps each rule inside its own widget."""
    return "\n".join(f".gv-{kind.__name__} {{\n{inspect.cleandoc(kind.css)}\n}}" for kind in widgets() if kind.css)
