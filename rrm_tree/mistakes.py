"""What is wrong with a spec, where it stands, and what was probably meant.

In: places, paths and words. Out: mistakes as text with the source line and a caret.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from rrm_tree.errors import SpecError

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the top of a spec down to a value."""

WIDTH: Final = 100
"""Columns of a source line that are shown."""

MOST: Final = 100
"""Mistakes that are shown, and that are looked for in one node."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands in the file; both count from 1."""

    line: int
    column: int
    setting: str | None = None
    """The `--set` text, for what was written there and not in the file."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong."""

    path: Path
    message: str
    place: Place | None = None
    """None for trees that were built in Python."""


class SpecMistakes(SpecError):
    """All mistakes of one spec, in the order of the file."""

    def __init__(self, mistakes: Iterable[Mistake], file: str = "", lines: Sequence[str] = ()) -> None:
        distinct: dict[object, Mistake] = {}
        for mistake in mistakes:
            # Without places two nodes may well share a message.
            distinct.setdefault((mistake.place or mistake.path, mistake.message), mistake)
        self.mistakes = sorted(distinct.values(), key=lambda mistake: mistake.place or Place(0, 0))
        self.file = file
        blocks = [show_mistake(mistake, file, lines) for mistake in self.mistakes[:MOST]]
        if len(self.mistakes) > 1:
            more = f"; the first {MOST} are shown" if len(self.mistakes) > MOST else ""
            where = f" in {file}" if file else ""
            blocks.append(f"{len(self.mistakes)} mistakes{where}{more}")
        super().__init__("\n".join(blocks))


def show_path(path: Path) -> str:
    """The path with dots; a position at its end is left to line and column."""
    if path and isinstance(path[-1], int):
        path = path[:-1]
    return ".".join(text if len(text := str(part)) <= 64 else text[:63] + "…" for part in path)


def show_mistake(mistake: Mistake, file: str, lines: Sequence[str]) -> str:
    """`file:line:column: path: message`, the source line and a caret."""
    place, path = mistake.place, show_path(mistake.path)
    what = f"{path}: {mistake.message}" if path else mistake.message
    if place is None:
        return what
    if place.setting is not None:
        return f"--set {place.setting}: {what}"
    where = f"{file}:{place.line}:{place.column}: {what}"
    if not 0 < place.line <= len(lines):
        return where
    # A long line is cut around the caret, and what would move it is made one column wide.
    text = "".join(char if char.isprintable() else " " for char in lines[place.line - 1])
    start = max(0, place.column - 1 - WIDTH * 3 // 4)
    number = f"{place.line:5} | "
    caret = " " * (len(number) - 2) + "| " + " " * (place.column - 1 - start) + "^"
    return f"{where}\n{number}{text[start : start + WIDTH].rstrip()}\n{caret}"


def suggest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'judgments'?`, or what there is, to stand at the end of a message."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake pays for it

    names = list(dict.fromkeys(known))
    lowered = {name.lower(): name for name in names}
    close = get_close_matches(word.lower(), lowered, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{lowered[close[0]]}'?"
    return f"; there is {', '.join(names)}" if 0 < len(names) <= 12 else ""


def name_value(value: object) -> str:
    """A value as people would call it in a message."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return repr(value if len(value) <= 40 else value[:37] + "…")
    if isinstance(value, int | float):
        return str(value) if not isinstance(value, int) or abs(value) < 10**20 else "a huge number"
    return "a list" if isinstance(value, list | tuple) else "a mapping"
