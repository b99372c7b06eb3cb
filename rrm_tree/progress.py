"""How far a run is, for people and for programs.

In: boards and events. Out: a live table, a line per change, or one JSON object per line.
Touches the terminal that it is given.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from rrm_tree.boards import Board, SeedsBoard, say_stored, show_seconds, show_share
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
            self.board.note(event)
            if event.kind not in {"phase", "people"}:
                clock = time.strftime("%H:%M:%S", time.localtime(event.at))
                self.write(f"{clock}  {self.board.name(event)}: {say_event(event)}")

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
            self.board.note(event)
            if event.kind in {"worth", "warning", "corrupt", "nondeterminism", "lost", "failed"}:
                said = f"{self.board.name(event)}: {say_event(event)}"
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


def say_event(event: Event) -> str:
    """An event in words, without what it is about."""
    data = event.data
    if event.kind == "round":
        speed = "" if data["steps_per_second"] is None else f", {data['steps_per_second']:,.0f} steps/s"
        right = f", distilled {said}" if (said := show_share(data["distilled"])) else ""
        return f"round {data['index'] + 1}/{data['of']} in {show_seconds(data['seconds'])}{right}{speed}"
    if event.kind in {"done", "reused"}:
        words = {"done": "done", "reused": "done before, reused"}[event.kind]
        return words + (", but its gate was missed" if data.get("gate_passed") is False else "")
    if event.kind == "started":
        where = f" on {data['worker']}" if "worker" in data else ""
        return f"started{where}" + (f", {say_stored(data['stored'])}" if data["stored"] else "")
    if event.kind == "worth":
        return _say_worth(data)
    if event.kind == "retry":
        return "to be tried again, as somebody asked"
    text = data.get("text", "")
    if event.kind == "parked":
        return f"waits for people: {text}"
    return f"{event.kind}: {text}" if text else event.kind


def _say_worth(data: Mapping[str, Any]) -> str:
    """What helpers are worth to a judge, before the node is trained, and what judging takes."""
    gain, before, after = data["gain"], data["before"]["value"], data["after"]["value"]
    verdict = {
        "helps": "its helpers help the judge",
        "hurts": "recursion does not pay: its helpers hurt the judge",
        "unclear": f"its helpers make no difference that {data['after']['count']:,} pairs can show",
    }[data["verdict"]]
    without = {"alone": "alone", "heuristic": "by the simple rule"}[data["base"]]
    words = [f"{verdict}, {gain['value']:+.2f} [{gain['low']:+.2f}, {gain['high']:+.2f}]"]
    words += [f"{after:.2f} right with them, {before:.2f} {without}"]
    if data["looks_alone"] and data["looks_assisted"]:
        words += [f"{data['looks_assisted']:,.1f} looks a judgment instead of {data['looks_alone']:,.1f}"]
    if data["solve_looks"]:
        words += [f"{data['solve_looks']:,.1f} to do the task unaided"]
    return "; ".join(words)
