"""Gradio, imported in half the time, and started however long it takes."""

import inspect
import sys
import threading
import time
from typing import Any


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


def start_patiently() -> None:
    """Let a server take its time to start: Gradio waits for five seconds and then says that no port is free, though the machine is only
    busy. Here it waits for as long as the server's thread lives, and says so where it died. (It would also ask for its own page, for three
    seconds, and blame localhost; `_frontend=False` in genviz.ui.theme.page stops that.)"""
    from gradio import http_server
    from gradio.exceptions import ServerFailedToStartError

    def run_in_thread(self: Any) -> None:
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()
        while not self.started:
            if not self.thread.is_alive():
                raise ServerFailedToStartError("The server did not start; the log says why.")
            time.sleep(0.005)

    http_server.Server.run_in_thread = run_in_thread
