"""What is wrong with a spec, where it stands, and what was probably meant.

In: places, paths and words. Out: mistakes as text with the source line and a caret.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from heapq import nlargest
from typing import Final, TypeAlias

from rrm_tree.errors import SpecError

Path: TypeAlias = tuple[str | int, ...]
"""Keys and list positions from the top of a spec down to a value."""

WIDTH: Final = 100
"""Columns of a source line that are shown."""

MOST: Final = 100
"""Mistakes that are shown; with more than these, no more are looked for."""

LONGEST: Final = 600
"""Characters of a message that are shown."""

LONGEST_WORD: Final = 80
"""Characters of a word that is looked for among the known ones."""

LIKELY: Final = 8
"""Words out of many that are compared closely."""


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
            distinct.setdefault((mistake.place or mistake.path, mistake.message), _shorten(mistake))
        self.mistakes = sorted(distinct.values(), key=_order)
        self.file = file
        blocks = [show_mistake(mistake, file, lines) for mistake in self.mistakes[:MOST]]
        where = f" in {file}" if file else ""
        if len(self.mistakes) > MOST:
            blocks.append(f"more than {MOST} mistakes{where}; {MOST} are shown")
        elif len(self.mistakes) > 1:
            blocks.append(f"{len(self.mistakes)} mistakes{where}")
        super().__init__("\n".join(blocks))


def _order(mistake: Mistake) -> tuple[int, int]:
    return (mistake.place.line, mistake.place.column) if mistake.place else (0, 0)


def _shorten(mistake: Mistake) -> Mistake:
    """The mistake without the middle of a message that quotes something huge."""
    text = mistake.message
    if len(text) <= LONGEST:
        return mistake
    # What to do stands at the end.
    return replace(mistake, message=f"{text[: LONGEST * 2 // 3]} … {text[-LONGEST // 3 :]}")


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
    start = max(0, place.column - 1 - WIDTH * 3 // 4)
    shown = lines[place.line - 1][start : start + WIDTH]
    text = "".join(char if char.isprintable() else " " for char in shown)
    number = f"{place.line:5} | "
    caret = " " * (len(number) - 2) + "| " + " " * (place.column - 1 - start) + "^"
    return f"{where}\n{number}{text.rstrip()}\n{caret}"


def suggest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'judgments'?`, or what there is, to stand at the end of a message."""
    names = tuple(dict.fromkeys(known))
    close = _find_close(word.lower(), names) if len(word) <= LONGEST_WORD else None
    if close is not None:
        return f"; did you mean '{close}'?"
    return f"; there is {', '.join(names)}" if 0 < len(names) <= 12 else ""


@lru_cache(maxsize=1_000)
def _find_close(word: str, names: tuple[str, ...]) -> str | None:
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake pays for it

    lowered = {name.lower(): name for name in names if len(name) <= LONGEST_WORD}
    likely: Iterable[str] = lowered
    if len(lowered) > 10 * LIKELY:
        # Comparing takes a tenth of a millisecond and more: only those that share most pairs of letters.
        wanted = _pairs(word)
        likely = nlargest(
            LIKELY, lowered, key=lambda name: len(wanted & _pairs(name)) / (len(word) + len(name) or 1)
        )
    close = get_close_matches(word, likely, n=1, cutoff=0.6)
    return lowered[close[0]] if close else None


@lru_cache(maxsize=10_000)
def _pairs(word: str) -> frozenset[str]:
    """Each letter with the one after it, and with the ends."""
    return frozenset(map("".join, zip(f" {word}", f"{word} ", strict=True)))


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
