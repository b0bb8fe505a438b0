'''How a widget of the page is made: one small class with Python functions, and beside it a folder with a module, a view and a style.

A complete widget (run it with `demo.launch(**page(demo))` from genviz.ui.theme):

    class Decoder(Widget):
        """A slider whose picture follows the pointer."""

        folder = "ui/web/decoder"                               # below the package; families/<family>/page/<panel> for a family's own

        def __init__(self, engine):
            super().__init__({"title": "any JSON"}, server=[self.decode])
            self.engine = engine                                # an attribute must not be named like an event ("click", "change", ...)

        async def decode(self, z: Latent, model: Model, data: Data):  # called by ask.decode({z, model, data}); read by genviz.ui.field
            x = await self.engine.call(model, data, "decode", np.array([z], np.float32))
            return {"sprite": pictures.sprite(x)}               # plain JSON

    with gr.Tab("Decoder"):
        lab.follow(Decoder(lab.engine))                         # value["model" / "data" / "seed"] follow the menus

    view.html    <canvas class="picture"></canvas><input type="range" min="-3" max="3" step="0.01" value="0">
    style.css    .gv-Decoder { .picture { width: 224px } }      # the class of the widget; .gv-<family> in a family's shared.css
    panel.js     import { latest } from "../core/dom.js";
                 import { draw } from "../core/pictures.js";

                 export default ({ props, ask, watch, find }) => {
                   const slider = find("input"), { model, data } = props.value;
                   const show = latest(ask.decode, answer => draw(find(".picture"), answer.sprite));   // newest answer wins
                   slider.addEventListener("input", () => show({ z: [+slider.value, 0], model, data }));
                   watch("value", () => ...);                   // a menu of the tab changed (lab.follow)
                 };

The module is called with (core/start.js, `Panel`) `element`, `props` (props.value is the Python value; setting props.value = {...} tells
Python), `watch(name, f)`, `ask` (each function of `server`: takes ONE object, returns a promise, rejects with an Error whose message is
the sentence to show), `trigger(name, data)` for the names listed in `events_sent`, `find(selector)`, and `say(text, wrong)` for the
widget's own line. What modules share lies in genviz/ui/web/core:

    dom         latest(ask.f, show): newest wins; toast(sentence), copy(text), remember, keep, open(tab), css("--name"), make(tag, ...)
    pictures    sprite, draw, cell, paint, pixels, heat: arrays and sprites onto a canvas
    arrays      encode(bytes), decode(text), floats(text): base64 as Python's pictures.from_base64 reads it
    chart       charts with axes, hover values and CSV
    films       film, stop, listen for players by name (genviz.ui.player); play: any film, from its order to its last frame
    hands       pointer, keys: nothing else hears them
    mail        receive(tool, take), send(tool, parcel): images from one tool to another (lab.tool)
    link        what the address of the page holds (genviz.ui.link): sliders, menus and boxes under their first class names

Files of these folders are served under a hash (genviz.ui.served) and fetched when a widget appears on the page.

Rules that cost hours elsewhere: a widget in a tab that was never opened is not in the page (so read props.value when the module is
called, not before); server functions have no queue, so cheap work only (an `async` one that awaits the engine is cheap); numpy values are
not JSON (use float(), .tolist()). Errors: raise ValueError("One sentence."), and the page shows it.
'''

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import gradio as gr
from anyio.to_thread import run_sync
from gradio.components.base import Component

from genviz.ui import field, served

log = logging.getLogger("genviz.ui")
CHAT = ("_retryable", "_undoable", "_selectable", "likeable", "streamable")  # what gradio tells of components that others can answer to


class Widget(gr.HTML):
    """A custom component; see the module's docstring. Subclasses set `folder` and, for Python listeners, `events_sent`."""

    folder: ClassVar[str] = ""  # with panel.js and view.html, below the package
    events_sent: tuple[str, ...] = ()  # names the module may pass to trigger(); each becomes a listener method here

    def __init__(self, value: Any = None, *, server: Sequence[Callable] = (), **options: Any):
        """`value` is plain JSON; `server` are the functions behind `ask`; `options` are gr.HTML's (elem_id, visible, ...)."""
        kinds = [kind.__name__ for kind in reversed(type(self).__mro__) if issubclass(kind, Widget) and kind is not Widget]
        family = [self.folder.split("/")[1]] if self.folder.startswith("families/") else []
        quoted = " ".join(f"'{event}'" for event in self.events_sent)  # gradio makes a listener of every name quoted in this text
        super().__init__(
            {} if value is None else value,
            html_template=f'<div class="gv {" ".join(f"gv-{name}" for name in (*family, *kinds))}"></div>',
            js_on_load=f"/* {quoted} */ {served.START}(`{self.folder}`, element, props, server, watch, trigger)" if self.folder else "",
            apply_default_css=False,
            server_functions=[_guarded(f) for f in server],
            **options,
        )

    def get_config(self) -> dict[str, Any]:
        """What the browser is told: gr.HTML's own settings. Gradio would add every attribute that is named like a parameter of the
        subclass, as the whole catalogue or an engine's repr."""
        config = {k: v for k, v in Component.get_config(self, gr.HTML).items() if not (k in CHAT and v is False)}
        return {**config, "component_class_name": self.component_class_name}

    def preprocess(self, payload: Any) -> Any:
        return payload

    def postprocess(self, value: Any) -> Any:
        return value

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}

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
