"""Files from outside: what is wrong with one is said in a sentence that names it.

A file may be missing, cut short, a folder, unreadable, of another version, or a pointer that Git LFS left in its place. Whoever reads
through here gets what it holds, or a `FileError` for the person in front of the screen; whoever writes leaves the old file or the new one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import math
import os
import stat
import types
import typing
import warnings
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import numpy as np

POINTER = b"version https://git-lfs.github.com/spec/v1"  # how the stand-in of a file begins that Git LFS has not fetched
LARGEST = 16 * 2**20  # bytes of a JSON file
DEEPEST = 16  # levels of one
WHOLE = 2**53  # above it JavaScript rounds whole numbers

T = TypeVar("T")


class FileError(ValueError):
    """A file that is missing, damaged, foreign or not to be written; the message names it and says what to do."""


class FileWarning(UserWarning):
    """A file that was left out; everything else works."""


@cache
def warn(sentence: str) -> None:
    """Warn of a file that is left out, once in a process."""
    warnings.warn(sentence, FileWarning, stacklevel=3)


def shipped() -> Path:
    """The folder pretrained/ that came with this GenViz: inside an installed package, beside genviz/ in a clone."""
    package = Path(__file__).resolve().parent
    installed = package / "pretrained"
    return installed if installed.is_dir() else package.parent / "pretrained"


def home() -> Path:
    """The user's own folder: own models, own data sets, and their figures."""
    return Path(os.environ.get("GENVIZ_HOME") or "runs")


def drafts() -> Path:
    """Where unfinished work is kept, that a later call goes on with."""
    return Path(os.environ.get("GENVIZ_RUNS") or home())


def shown(path: Path) -> str:
    """A file as sentences name it: "vae/vae-mnist.json"."""
    return f"{path.parent.name}/{path.name}" if path.parent.name else path.name


def content(path: Path, missing: str = "") -> bytes:
    """The bytes of a file. FileError where it is not to be had; `missing` is the sentence where there is none."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for without end
            raise FileError(f"{shown(path)} is {'a folder' if path.is_dir() else 'no plain file'} where a file should be.")
        found = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise FileError(missing or f"{shown(path)} is missing.") from None
    except OSError as error:
        raise FileError(f"{shown(path)} cannot be read: {reason(error)}.") from None
    if found.startswith(POINTER):
        raise FileError(f"{shown(path)} is a Git LFS pointer, not the file: run git lfs pull")
    return found


def reason(error: OSError) -> str:
    """Why a file cannot be read or written, in words."""
    return "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else (error.strerror or str(error)).lower()


def read_json(path: Path, missing: str = "") -> Any:
    """What a JSON file holds, all of it fit to be sent on: finite numbers, whole text, few levels. FileError."""
    text = content(path, missing)
    try:
        if len(text) > LARGEST:
            raise ValueError("it is too large")
        found = json.loads(text.decode("utf-8-sig"), parse_constant=_finite, parse_float=_finite, parse_int=_whole)
        _shallow(found, DEEPEST)
        json.dumps(found, ensure_ascii=False).encode()  # half a character, "\ud800", is no text
    except json.JSONDecodeError as error:
        raise FileError(f"{shown(path)} is no whole JSON file (line {error.lineno}: {error.msg}).") from None
    except RecursionError:
        raise FileError(f"{shown(path)} is no file of GenViz (too many levels).") from None
    except UnicodeError:
        raise FileError(f"{shown(path)} is no text in UTF-8.") from None
    except ValueError as error:
        raise FileError(f"{shown(path)} is no file of GenViz ({error}).") from None
    return found


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(f"{text:.20} is no finite number")
    return number


def _whole(text: str) -> int:
    if len(text) > 20 or abs(int(text)) > WHOLE:
        raise ValueError(f"the number {text:.20} is too large")
    return int(text)


def _shallow(value: Any, levels: int) -> None:
    if levels < 0:
        raise ValueError("too many levels")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _shallow(part, levels - 1)


def record(kind: type[T], fields: Any, name: str) -> T:
    """A dataclass from what a JSON file held; FileError that names the file and the field which is absent, unknown or of another type."""
    if not isinstance(fields, Mapping):
        raise FileError(f"{name} holds no {kind.__name__.lower()}.")
    hints = _hints(kind)
    needed = [f.name for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]  # type: ignore[arg-type]
    absent, unknown = [n for n in needed if n not in fields], [n for n in fields if n not in hints]
    if absent:
        raise FileError(f"{name} holds no {kind.__name__.lower()} of GenViz: it lacks '{absent[0]}'.")
    if unknown:
        raise FileError(f"{name} has '{unknown[0]:.40}', which this version of GenViz does not know: it comes from a newer one.")
    wrong = next((n for n, value in fields.items() if not _fits(value, hints[n])), None)
    if wrong is not None:
        raise FileError(f"{name} has another '{wrong}' than this version of GenViz reads: {fields[wrong]!r:.40}.")
    return kind(**fields)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return {name: hint for name, hint in typing.get_type_hints(kind).items() if name in {f.name for f in dataclasses.fields(kind)}}


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value that JSON held is of a type as dataclasses write them; 1 counts as a float, true as no number."""
    origin, inside = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return True
    if origin in (types.UnionType, typing.Union):
        return any(_fits(value, one) for one in inside)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(v, inside[1]) for v in value.values())
    if origin is list:
        return isinstance(value, list) and all(_fits(v, inside[0]) for v in value)
    if hint in (int, float):
        return isinstance(value, (int, hint)) and not isinstance(value, bool)
    return isinstance(value, hint)


def read_arrays(path: Path, missing: str = "") -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """The arrays of a safetensors file and the text in its head. FileError."""
    from safetensors.numpy import load

    packed = content(path, missing)
    try:
        head = json.loads(packed[8 : 8 + int.from_bytes(packed[:8], "little")]) if len(packed) > 8 else {}
        return load(packed), {str(k): str(v) for k, v in (head.get("__metadata__") or {}).items()}
    except Exception as error:
        raise FileError(f"{shown(path)} is no readable safetensors file ({error}).") from None


def must_be_writable(folder: Path) -> None:
    """FileError unless files can be written into a folder, which is made if need be: to be said before hours of work, not after."""
    import tempfile

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise FileError(f"Nothing can be written into {folder}: {reason(error)}.") from None


def write(path: Path, packed: bytes) -> None:
    """Write a file whole or not at all; FileError where it cannot be, as on a full disk."""
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(packed)
        os.replace(partial, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise FileError(f"{shown(path)} cannot be written: {reason(error)}.") from None


def write_json(path: Path, value: Any) -> None:
    """Write plain values as JSON, whole or not at all."""
    write(path, (json.dumps(value, indent=1) + "\n").encode())
