"""How far a run is, for people and for programs.

In: boards and events. Out: a live table, a line per change, or one JSON object per line.
Touches the terminal that it is given.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from rrm_tree.boards import Board, Line, SeedsBoard, say_stored, show_seconds
from rrm_tree.seeds import split_run

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from rrm_tree.ledger import Event

Form = Literal["text", "json"]

MARGIN = 6
"""Lines of a terminal that the table leaves free."""


class Display(Protocol):
    """Shows events as they come."""

    def show(self, events: Iterable[Event]) -> None:
        """Take events in."""

    def open(self) -> AbstractContextManager[object]:
        """What to hold while the run goes on."""


@dataclass
class JsonLines:
    """One JSON object an event."""

    write: Callable[[str], None]

    def show(self, events: Iterable[Event]) -> None:
        """Write each event."""
        for event in events:
            whole = {name: value for name, value in asdict(event).items() if name != "data"}
            whole["run"], seed = split_run(event.run)
            whole |= {} if seed is None else {"seed": seed}
            self.write(json.dumps({**whole, **event.data}, ensure_ascii=False))

    def open(self) -> AbstractContextManager[object]:
        """Nothing to hold."""
        return nullcontext()


@dataclass
class TextLines:
    """One line a change, for logs and pipes; phases are left out."""

    board: Board | SeedsBoard
    write: Callable[[str], None]

    def show(self, events: Iterable[Event]) -> None:
        """Write what changed."""
        for event in events:
            line = self.board.note(event)
            if event.kind != "phase":
                clock = time.strftime("%H:%M:%S", time.localtime(event.at))
                self.write(f"{clock}  {self.board.name(event)}: {_in_words(event, line)}")

    def open(self) -> AbstractContextManager[object]:
        """Nothing to hold."""
        return nullcontext()


class LiveTable:
    """A table on a terminal, one line an entry, redrawn in place."""

    def __init__(self, board: Board | SeedsBoard, console: Console) -> None:
        from rich.live import Live  # noqa: PLC0415 - pipes and programs do not need it

        self.board = board
        self.console = console
        self.live = Live(get_renderable=self.draw, console=console, refresh_per_second=4)

    def show(self, events: Iterable[Event]) -> None:
        """Take events in; what must not scroll away unseen is printed above the table."""
        for event in events:
            line = self.board.note(event)
            if event.kind in {"warning", "corrupt", "nondeterminism", "lost", "failed"}:
                said = f"{self.board.name(event)}: {_in_words(event, line)}"
                self.console.print(said, markup=False, highlight=False)

    def open(self) -> AbstractContextManager[object]:
        """The live table."""
        return self.live

    def draw(self) -> Table:
        """The table as it stands."""
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        rows = self.board.rows(time.time())
        caption = f"{sum(row.has_ended for row in rows)} of {len(rows)} ended"
        if len(rows) > self.console.height - MARGIN:
            rows = [row for row in rows if row.is_going_on]
        table = Table(box=None, caption=caption, caption_justify="left")
        for title in self.board.titles:
            # Of a narrow terminal names and words yield first: what may wrap, though it does not.
            kept = title not in {"node", ""}
            table.add_column(title, justify="right" if title in {"steps/s", "left"} else "left", no_wrap=kept)
        for row in rows:
            table.add_row(*(Text(cell, overflow="ellipsis", no_wrap=True) for cell in row.cells))
        return table


def _in_words(event: Event, line: Line | None) -> str:
    data = event.data
    if event.kind == "round" and line is not None:
        speed = "" if line.steps_per_second is None else f", {line.steps_per_second:,.0f} steps/s"
        right = f", distilled {line.accuracy}" if line.accuracy else ""
        return f"round {line.round}/{line.rounds} in {show_seconds(data['seconds'])}{right}{speed}"
    if event.kind in {"done", "reused"}:
        words = {"done": "done", "reused": "done before, reused"}[event.kind]
        return words + (", but its gate was missed" if data.get("gate_passed") is False else "")
    if event.kind == "started":
        where = f" on {data['worker']}" if "worker" in data else ""
        return f"started{where}" + (f", {say_stored(data['stored'])}" if data["stored"] else "")
    if event.kind == "retry":
        return "to be tried again, as somebody asked"
    text = data.get("text", "")
    return f"{event.kind}: {text}" if text else event.kind
