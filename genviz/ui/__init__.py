"""The screen: a start page, one tab per family drawn from what its models can do, and small widgets of our own. Never imports torch."""

import inspect


def _quickly() -> None:
    """Import gradio without the type stub (.pyi) that it works out for every component class, on each start: half of its import.

    Gradio skips the stub of a class whose file it cannot find (`gradio.component_meta`), so its components are said to have none while
    they are defined. Where gradio was imported before, or works otherwise one day, nothing changes but the time.
    """
    find = inspect.getfile

    def getfile(thing: object) -> str:
        if type(thing).__name__ == "ComponentMeta":
            raise OSError("no stub is wanted")
        return find(thing)

    inspect.getfile = getfile
    try:
        from gradio import component_meta
    finally:
        inspect.getfile = find
    component_meta.create_or_modify_pyi = lambda *_: None  # for the widgets of our own


_quickly()
