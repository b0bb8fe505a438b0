"""Gradio, imported in half the time."""

import inspect
import sys


def import_gradio() -> None:
    """Import gradio without the type stub (.pyi) that it works out anew for every component class at each start.

    Gradio skips the stub of a class whose file it cannot find (`gradio.component_meta`), so component classes are said to have no file
    while they are defined. It would also import the MCP library, which can wait until somebody speaks it (genviz.ui.mcp). Where gradio
    was imported before, or works otherwise one day, nothing changes but the time.
    """
    find = inspect.getfile

    def getfile(thing: object) -> str:
        if type(thing).__name__ == "ComponentMeta":
            raise OSError("no stub is wanted")
        return find(thing)

    inspect.getfile = getfile
    later = {} if "mcp" in sys.modules else {"mcp": None}  # None: not to be imported
    sys.modules.update(later)  # type: ignore[arg-type]
    try:
        from gradio import component_meta
    finally:
        inspect.getfile = find
        for name in later:
            del sys.modules[name]
    component_meta.create_or_modify_pyi = lambda *_: None  # for the widgets of our own
