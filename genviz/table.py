"""Rows that show themselves in a notebook: what models() and cards() return. Imports nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, TypeVar

T = TypeVar("T")


class Table(list[T]):
    """A list as any other; in a notebook a table. Its items are mappings, or have `row()`, which gives one."""

    def _repr_html_(self) -> str:
        return table([item if isinstance(item, Mapping) else item.row() for item in self])  # type: ignore[attr-defined]


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows with the same keys as an HTML table, the keys above; all text is escaped."""
    rows = list(rows)
    if not rows:
        return "<p>nothing</p>"
    head = "".join(f"<th>{escape(str(name))}</th>" for name in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{escape(words(value))}</td>' for value in row.values())}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def words(value: Any) -> str:
    """A value as a cell says it: names with commas, whole numbers in threes."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {words(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(str(one["name"]) if isinstance(one, Mapping) and "name" in one else words(one) for one in value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else "" if value is None else str(value)
