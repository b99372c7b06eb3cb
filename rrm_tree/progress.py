"""How far a run is, for people and for programs, worked out from its events alone.

In: a plan and events. Out: a live table, a line per change, or one JSON object per line.
Touches the terminal that it is given.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

from rrm_tree.plan import Plan
from rrm_tree.propagation.intervals import estimate_share
from rrm_tree.records import Share

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from rrm_tree.ledger import Event

Form = Literal["text", "json"]

MARGIN = 6
"""Lines of a terminal that the table leaves free."""

ENDED = {"done", "reused", "failed", "blocked"}


@dataclass
class Line:
    """What is known of one entry."""

    name: str
    state: str = "waits"
    round: int = 0
    rounds: int = 1
    text: str = ""
    """Its phase, or why it is not going on."""
    accuracy: str = ""
    """Distilled, on the distribution that the judge was trained on at first, with its 95% interval."""
    steps_per_second: float | None = None
    seconds: list[float] = field(default_factory=list)
    """What each round took in this run."""
    round_began: float = 0.0

    def left(self, now: float) -> float | None:
        """Seconds until all rounds are through; None before one round has shown what it takes."""
        if self.state != "running" or not self.seconds:
            return None
        each = sum(self.seconds) / len(self.seconds)
        return max(0.0, each * (self.rounds - self.round) - (now - self.round_began))


class Board:
    """One line an entry, kept up to date by events."""

    def __init__(self, plan: Plan) -> None:
        self.lines = {entry.name: Line(entry.name, rounds=entry.spec.budget.rounds) for entry in plan.entries}

    def note(self, event: Event) -> Line | None:
        """Take an event in; the line that it changed."""
        line = self.lines.get(event.entry or "")
        if line is None:
            return None
        data, kind = event.data, event.kind
        if kind == "started":
            line.state, line.text, line.round_began = "running", "starting", event.at
            line.round, line.seconds = int(data["stored"]), []
        elif kind == "phase":
            line.state, line.text = "running", str(data["text"])
        elif kind == "round":
            line.round, line.round_began = int(data["index"]) + 1, event.at
            line.accuracy, line.steps_per_second = show_share(data["distilled"]), data["steps_per_second"]
            line.seconds.append(float(data["seconds"]))
        elif kind in {"done", "reused"}:
            missed = data.get("gate_passed") is False
            line.state, line.text = kind, "gate missed" if missed else ""
            line.round = int(data.get("rounds", line.round))
            line.accuracy = show_share(data.get("distilled")) or line.accuracy
        elif kind in {"failed", "blocked", "stopped", "lost"}:
            line.state, line.text = kind, str(data.get("text", ""))
        elif kind == "elsewhere" and line.state != "running":
            line.state, line.text = kind, str(data["text"])
        return line


def show_share(counts: object) -> str:
    """A share as ".94 [.91, .96]"; empty where there is none."""
    if not isinstance(counts, list):
        return ""
    estimate = estimate_share(Share(right=counts[0], pairs=counts[1]))
    if estimate is None:
        return ""
    value, low, high = (f"{x:.2f}".lstrip("0") for x in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


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
            self.write(json.dumps({**whole, **event.data}, ensure_ascii=False))

    def open(self) -> AbstractContextManager[object]:
        """Nothing to hold."""
        return nullcontext()


@dataclass
class TextLines:
    """One line a change, for logs and pipes; phases are left out."""

    board: Board
    write: Callable[[str], None]

    def show(self, events: Iterable[Event]) -> None:
        """Write what changed."""
        for event in events:
            line = self.board.note(event)
            if event.kind != "phase":
                clock = time.strftime("%H:%M:%S", time.localtime(event.at))
                self.write(f"{clock}  {event.entry or 'run'}: {_in_words(event, line)}")

    def open(self) -> AbstractContextManager[object]:
        """Nothing to hold."""
        return nullcontext()


class LiveTable:
    """A table on a terminal, one line an entry, redrawn in place."""

    def __init__(self, board: Board, console: Console) -> None:
        from rich.live import Live  # noqa: PLC0415 - pipes and programs do not need it

        self.board = board
        self.console = console
        self.live = Live(get_renderable=self.draw, console=console, refresh_per_second=4)

    def show(self, events: Iterable[Event]) -> None:
        """Take events in; what must not scroll away unseen is printed above the table."""
        for event in events:
            line = self.board.note(event)
            if event.kind in {"warning", "corrupt", "nondeterminism", "lost", "failed"}:
                self.console.print(f"{event.entry}: {_in_words(event, line)}", markup=False, highlight=False)

    def open(self) -> AbstractContextManager[object]:
        """The live table."""
        return self.live

    def draw(self) -> Table:
        """The table as it stands."""
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        lines = list(self.board.lines.values())
        ended = sum(line.state in ENDED for line in lines)
        if len(lines) > self.console.height - MARGIN:
            lines = [line for line in lines if line.state not in {"waits", "done", "reused"}]
        table = Table(box=None, caption=f"{ended} of {len(self.board.lines)} ended", caption_justify="left")
        for title in ("node", "state", "round", "distilled (off)", "steps/s", "left", ""):
            table.add_column(title, justify="right" if title in {"steps/s", "left"} else "left", no_wrap=True)
        now = time.time()
        for line in lines:
            left = line.left(now)
            cells = (
                line.name,
                line.state,
                f"{line.round}/{line.rounds}",
                line.accuracy,
                "" if line.steps_per_second is None else f"{line.steps_per_second:,.0f}",
                "" if left is None else show_seconds(left),
                line.text,
            )
            table.add_row(*(Text(cell, overflow="ellipsis") for cell in cells))
        return table


def show_seconds(seconds: float) -> str:
    """A time as "40 s", "3:05" or "2:03:05"."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02}:{rest:02}"
    return f"{minutes}:{rest:02}" if minutes else f"{rest} s"


def say_stored(rounds: int) -> str:
    """How many rounds are not lost."""
    return "1 round is stored" if rounds == 1 else f"{rounds} rounds are stored"


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
        return f"started, {say_stored(data['stored'])}" if data["stored"] else "started"
    text = data.get("text", "")
    return f"{event.kind}: {text}" if text else event.kind
