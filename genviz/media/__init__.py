"""How samples of a medium are read, sent, told and saved: one file for each, without torch, for the page and for `genviz.sample` alike.

    of("text").read("prompt", "ROMEO:", data)       what a page, a link or a call hands in -> an array as a walk is given it
    of("image").wire(shot, before, paints, data)    a shot as the page reads it; `before` is the shot that it has, None where it has none
    of("audio").plain(x, data)                      a finished sample for HTTP and MCP: files in base64, strings, numbers
    of("points").panes(shot, rows, ...)             a moment as pictures side by side, [(label, (h, w, 3) uint8)], for files
    of("text").file(kind, x, data)                  the sample itself as a file of one of its KINDS that is no picture
    of("image").call(value, data)                   what a walk was given, as Python

`KINDS` are the files that a film can be saved as, with their types; the pictures among them (png, gif, mp4) are made of `panes`. `data` is
the entry of the registry (genviz.data.Data). A new medium is a line in genviz.medium, a file here and a view in the browser.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np

from genviz.medium import MEDIA

PICTURES = {"png": "image/png", "gif": "image/gif", "mp4": "video/mp4"}  # files that are made of panes


def of(medium: str) -> ModuleType:
    """The module of a medium; KeyError for another name."""
    return importlib.import_module(f"genviz.media.{MEDIA[medium].name}")


def numbers(value: Any) -> str:
    """Numbers that a walk was given, alone or in lists, as Python. ValueError with one sentence for what has no name."""
    if isinstance(value, list):
        if any(isinstance(v, str) for v in value):
            raise ValueError("This film starts from several pictures; no call in Python can name them.")
        return repr(np.array(value, np.float32).tolist())  # lists of lists too
    return repr(float(value))
