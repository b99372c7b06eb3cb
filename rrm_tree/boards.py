"""How far each entry of a run is, over one seed or several, worked out from events alone.

In: plans and events. Out: lines, and the rows of a table. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rrm_tree.plan import Plan
from rrm_tree.propagation.intervals import estimate_share
from rrm_tree.propagation.over_seeds import average
from rrm_tree.records import Share

if TYPE_CHECKING:
    from rrm_tree.ledger import Event

ENDED = {"done", "reused", "failed", "blocked"}
GATE_MISSED = "gate missed"


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
    """Distilled, on policy where that is measured, with its 95% interval."""
    share: float | None = None
    """The same without the interval."""
    steps_per_second: float | None = None
    seconds: list[float] = field(default_factory=list)
    """What each round took in this run."""
    round_began: float = 0.0
    worker: str = ""
    """Who trains it, where there are several machines."""

    @property
    def says(self) -> str:
        """Its text, and who trains it while it is trained."""
        where = f"on {self.worker}" if self.worker and self.state == "running" else ""
        return ", ".join(filter(None, [self.text, where]))

    def left(self, now: float) -> float | None:
        """Seconds until all rounds are through; None before one round has shown what it takes."""
        if self.state != "running" or not self.seconds:
            return None
        each = sum(self.seconds) / len(self.seconds)
        return max(0.0, each * (self.rounds - self.round) - (now - self.round_began))


@dataclass(frozen=True, slots=True)
class Row:
    """What a table shows of one entry."""

    cells: tuple[str, ...]
    has_ended: bool
    is_going_on: bool
    """Whether it is neither waiting nor done, and so worth a line where there is room for few."""


class Board:
    """One line an entry, kept up to date by events."""

    titles = ("node", "state", "round", "distilled", "steps/s", "left", "")

    def __init__(self, plan: Plan) -> None:
        self.lines = {entry.name: Line(entry.name, rounds=entry.spec.budget.rounds) for entry in plan.entries}

    def note(self, event: Event) -> Line | None:
        """Take an event in; the line that it changed."""
        if event.kind == "retry":
            self._open_again(event.entry)
        line = self.lines.get(event.entry or "")
        if line is None:
            return None
        data, kind = event.data, event.kind
        if kind == "started":
            line.state, line.text, line.round_began = "running", "starting", event.at
            line.round, line.seconds, line.worker = int(data["stored"]), [], str(data.get("worker", ""))
        elif kind == "phase":
            line.state, line.text = "running", str(data["text"])
        elif kind == "round":
            line.round, line.round_began = int(data["index"]) + 1, event.at
            line.accuracy, line.steps_per_second = show_share(data["distilled"]), data["steps_per_second"]
            line.share = _value(data["distilled"])
            line.seconds.append(float(data["seconds"]))
        elif kind in {"done", "reused"}:
            missed = data.get("gate_passed") is False
            line.state, line.text = kind, GATE_MISSED if missed else ""
            line.round = int(data.get("rounds", line.round))
            line.accuracy = show_share(data.get("distilled")) or line.accuracy
            line.share = line.share if "distilled" not in data else _value(data["distilled"])
        elif kind == "people":
            line.state, line.text = "parked", str(data["text"])
        elif kind in {"failed", "blocked", "stopped", "lost", "parked"}:
            line.state, line.text = kind, str(data.get("text", ""))
        elif kind == "elsewhere" and line.state != "running":
            line.state, line.text = kind, str(data["text"])
        return line

    def _open_again(self, entry: str | None) -> None:
        """Let what waited for an entry that failed wait as before; for all that failed if none is named."""
        culprits = list(self.lines) if entry is None else [entry]
        for line in self.lines.values():
            if line.state == "blocked" and any(line.text.startswith(f"waits for {one}:") for one in culprits):
                line.state, line.text = "waits", ""

    def name(self, event: Event) -> str:
        """What an event is about."""
        return event.entry or "run"

    def rows(self, now: float) -> list[Row]:
        """The table as it stands."""
        return [
            Row(
                (
                    line.name,
                    line.state,
                    f"{line.round}/{line.rounds}",
                    line.accuracy,
                    "" if line.steps_per_second is None else f"{line.steps_per_second:,.0f}",
                    "" if (left := line.left(now)) is None else show_seconds(left),
                    line.says,
                ),
                line.state in ENDED,
                line.state not in {"waits", "done", "reused"},
            )
            for line in self.lines.values()
        ]


class SeedsBoard:
    """One line an entry over all seeds, kept up to date by the events of all their runs."""

    titles = ("node", "state", "seeds", "distilled", "left", "")

    def __init__(self, plans: Mapping[str, Plan], boards: Mapping[str, Board] | None = None) -> None:
        """Empty boards of the plans, or those that there are already, by the names of their runs."""
        self.boards = boards or {run: Board(plan) for run, plan in plans.items()}
        self.seeds = {run: plan.tree.seed for run, plan in plans.items()}

    def note(self, event: Event) -> Line | None:
        """Take an event in; the line of its seed that it changed."""
        board = self.boards.get(event.run)
        return board.note(event) if board else None

    def name(self, event: Event) -> str:
        """What an event is about."""
        seed = self.seeds.get(event.run)
        return event.entry or "run" if seed is None else f"{event.entry or 'run'}, seed {seed}"

    def lines_of(self, entry: str) -> dict[int, Line]:
        """What is known of one entry, by seed."""
        return {self.seeds[run]: board.lines[entry] for run, board in self.boards.items()}

    def rows(self, now: float) -> list[Row]:
        """The table as it stands."""
        entries = next(iter(self.boards.values())).lines
        return [self._row(entry, self.lines_of(entry), now) for entry in entries]

    def _row(self, entry: str, lines: Mapping[int, Line], now: float) -> Row:
        states = [line.state for line in lines.values()]
        done = sum(state in {"done", "reused"} for state in states)
        going_on = [seed for seed, line in lines.items() if line.state == "running"]
        has_ended = all(state in ENDED for state in states)
        ended = "done" if done == len(lines) else "ended"
        standing = "parked" if "parked" in states else "waits"
        state = "running" if going_on else ended if has_ended else standing
        left = self._left(lines, now)
        cells = (
            entry,
            state,
            f"{done}/{len(lines)}",
            show_mean({seed: line.share for seed, line in lines.items()}),
            "" if left is None else show_seconds(left),
            "; ".join(filter(None, [*_troubles(lines), _phase(lines, going_on)])),
        )
        return Row(
            cells, has_ended, bool(going_on) or any(state not in {"waits", *ENDED} for state in states)
        )

    @staticmethod
    def _left(lines: Mapping[int, Line], now: float) -> float | None:
        """Seconds until all seeds are through, as many side by side as there are now."""
        running = [line for line in lines.values() if line.state == "running"]
        seconds = [each for line in lines.values() for each in line.seconds]
        if not running or not seconds:
            return None
        rounds = sum(line.rounds - line.round for line in lines.values() if line.state not in ENDED)
        begun = sum(now - line.round_began for line in running)
        return max(0.0, (rounds * sum(seconds) / len(seconds) - begun) / len(running))


def _troubles(lines: Mapping[int, Line]) -> list[str]:
    """What went wrong, with the seeds in which it did."""
    cases: dict[str, list[int]] = {"failed": [], "blocked": [], "lost": [], "stopped": [], "parked": []}
    missed = [seed for seed, line in lines.items() if line.text == GATE_MISSED]
    for seed, line in lines.items():
        if line.state in cases:
            cases[line.state].append(seed)
    told = [f"{state}: {say_seeds(seeds)}" for state, seeds in cases.items() if seeds]
    return [*told, *([f"{GATE_MISSED}: {say_seeds(missed)}"] if missed else [])]


def _phase(lines: Mapping[int, Line], going_on: Sequence[int]) -> str:
    if not going_on:
        return ""
    first = lines[going_on[0]]
    return f"{say_seeds(going_on)}: round {min(first.round + 1, first.rounds)}/{first.rounds}, {first.text}"


def say_seeds(seeds: Sequence[int]) -> str:
    """`seed 3`, `seeds 3, 5, 9`, `seeds 2 to 9`."""
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def show_mean(shares: Mapping[int, float | None]) -> str:
    """A mean over seeds as ".94 [.91, .96]"; without an interval where there are too few."""
    over = average(shares)
    if over is None:
        return ""
    known = (over.mean, over.low, over.high)
    value, *ends = (f"{min(max(x, 0.0), 1.0):.2f}".removeprefix("0") for x in known if x is not None)
    return f"{value} [{', '.join(ends)}]" if ends else value


def _value(counts: object) -> float | None:
    return counts[0] / counts[1] if isinstance(counts, list) and counts[1] else None


def show_share(counts: object) -> str:
    """A share as ".94 [.91, .96]"; empty where there is none."""
    if not isinstance(counts, list):
        return ""
    estimate = estimate_share(Share(right=counts[0], pairs=counts[1]))
    if estimate is None:
        return ""
    value, low, high = (f"{x:.2f}".lstrip("0") for x in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


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
