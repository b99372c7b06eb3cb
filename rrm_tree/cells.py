"""Tables for a notebook's cell: HTML without styles or scripts, in the notebook's own style.

In: words. Out: HTML, everything escaped. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

LONGEST: Final = 160
"""Letters of a value that a cell shows."""


def write_table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table with a heading; None is shown as nothing, and long values by their beginning."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{_show(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )


def write_fields(title: str, fields: Mapping[str, object]) -> str:
    """What an object holds, a row a field; fields that hold nothing are left out."""
    kept = ((name, value) for name, value in fields.items() if value is not None and value != ())
    return write_table(title, ("field", "value"), kept)


def _show(value: object) -> str:
    if value is None:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return escape(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…")
