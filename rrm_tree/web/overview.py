"""What a run's dashboard shows: its tree as it stands, the people's queue, workers, events, curves.

In: a store, the desk, a run. Out: snapshots, views of single seeds and of all.
Touches the store and the ledger, which it reads.
"""

from __future__ import annotations

import copy
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rrm_tree.asking import Demand
from rrm_tree.boards import Board, SeedsBoard
from rrm_tree.errors import UsageError
from rrm_tree.executors import queue_of
from rrm_tree.fleet_ledger import FleetLedger
from rrm_tree.machine import say_worker
from rrm_tree.progress import say_event
from rrm_tree.report.words import clean
from rrm_tree.results import collect_result
from rrm_tree.seeds import split_run
from rrm_tree.standing import correct, who_schedules
from rrm_tree.web.views import Choice, Learned, View, draw, learn_all, learn_one, list_rows, say_standing

if TYPE_CHECKING:
    from rrm_tree.desk import Desk
    from rrm_tree.fleet_ledger import Worker
    from rrm_tree.ledger import Claim, Event
    from rrm_tree.web.work import Worktable

FRESH_SECONDS = 1.0
"""A snapshot is taken at most so often, however many look."""
EVENTS = 40
"""The newest events."""


@dataclass(frozen=True)
class Queue:
    """Tickets or slots of one kind of worker."""

    name: str
    waiting: int
    running: int
    """Entries of this run."""
    slots: int | None
    """Of the workers that serve it; None where attempts are processes of the run itself."""


@dataclass(frozen=True)
class Trainer:
    """A worker, or the run's own process."""

    name: str
    queues: str
    slots: int | None
    trains: tuple[str, ...]
    """Entries of this run."""


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment."""

    boards: Mapping[str, Board]
    """By run, of one seed each."""
    choices: tuple[Choice, ...]
    """Seeds that can be looked at one by one, where there are several."""
    demand: Demand
    runs: Mapping[str, str]
    """Of each key the run, of one seed, that it belongs to."""
    workers: tuple[Trainer, ...]
    queues: tuple[Queue, ...]
    events: tuple[tuple[str, str], ...]
    """When and what, the newest first."""
    scheduler: str | None
    ending: bool
    """Whether somebody has asked that the whole run end."""

    def seed_of(self, key: str) -> int | None:
        """Whose a key is, where there are several seeds."""
        return split_run(self.runs[key])[1] if self.choices and key in self.runs else None

    @property
    def states(self) -> Counter[str]:
        """Entries by state."""
        return Counter(line.state for board in self.boards.values() for line in board.lines.values())


class Overview:
    """Looks at one run, not oftener than it changes."""

    def __init__(self, table: Worktable) -> None:
        self.table, self.store, self.desk = table, table.store, table.desk
        self._fleet = FleetLedger(table.desk.url)
        self._lock = threading.Lock()
        self._taken = -FRESH_SECONDS
        self._snapshot: Snapshot | None = None
        self._views: dict[int | None, View] = {}
        self._learned: dict[str, tuple[int, Learned]] = {}
        self._together: tuple[tuple[int, ...], Learned] | None = None
        self._noted: dict[str, tuple[Board, int]] = {}

    def snapshot(self) -> Snapshot:
        """The run as it stands now, or stood a moment ago."""
        with self._lock:
            return self._fresh()

    def view(self, seed: int | None = None) -> View:
        """The tree as it stands now, or stood a moment ago.

        Args:
            seed: whose tree; of a run of several seeds all together if it is not given.

        Raises:
            UsageError: the run has no such seed.
        """
        with self._lock:
            now = self._fresh()
            if seed not in self._views:
                self._views[seed] = self._see(now, seed)
            return self._views[seed]

    def look_again(self) -> None:
        """Let whoever asks next see what has just been changed."""
        with self._lock:
            self._snapshot = None

    def _fresh(self) -> Snapshot:
        if self._snapshot is None or time.monotonic() - self._taken > FRESH_SECONDS:
            self._snapshot = self._look()
            self._views = {}
            self._taken = time.monotonic()
        return self._snapshot

    def _look(self) -> Snapshot:
        table = self.table
        boards = {name: self._board(name) for name in table.runs}
        claims = self.desk.claims_of(table.keys)
        fleet = [] if self.desk.embedded else self._fleet.fleet()
        scheduler = who_schedules(self.desk, table.run)
        return Snapshot(
            boards=boards,
            choices=tuple(self._choices(boards)),
            demand=table.demand(),
            runs=table.keys,
            workers=tuple(self._workers(claims, boards, fleet)),
            queues=tuple(self._queues(claims, fleet)),
            events=tuple(self._events(boards)),
            scheduler=None if scheduler is None else say_worker(scheduler),
            ending="" in self.desk.cancelled(next(iter(table.runs))),
        )

    def _see(self, now: Snapshot, seed: int | None) -> View:
        """One seed's tree, or all of them in one; a wish about a node is one about all its seeds."""
        seeds = (
            {plan.tree.seed: run for run, plan in self.table.runs.items()} if self.table.plan.seeds else {}
        )
        if seed is not None and seed not in seeds:
            raise UsageError(f"run {self.table.run} has no seed {seed} to choose")
        run = (None if seeds else self.table.run) if seed is None else seeds[seed]
        boards = now.boards if run is None else {run: now.boards[run]}
        board = SeedsBoard(self.table.runs, boards) if run is None else boards[run]
        learned = self._learn_all() if run is None else self._learn(run)
        cancelled = self.desk.cancelled(next(iter(now.boards)))
        asked = [one for one in now.demand.questions if run in {None, now.runs.get(one.key)}]
        rows = list_rows(board, now.boards, cancelled, asked, one_by_one=not self.desk.embedded)
        return View(seed, board.titles, rows, draw(learned, list(boards.values())), learned.curves)

    def _choices(self, boards: Mapping[str, Board]) -> Sequence[Choice]:
        if not self.table.plan.seeds:
            return ()
        seeds = {run: plan.tree.seed for run, plan in self.table.runs.items()}
        return [Choice(seeds[run], say_standing(board)) for run, board in boards.items()]

    def _board(self, run: str) -> Board:
        """How far one run is, from the events since the last look."""
        noted, last = self._noted.setdefault(run, (Board(self.table.runs[run]), 0))
        for event in self.desk.events_after(run, last):
            noted.note(event)
            last = event.id
        self._noted[run] = noted, last
        shown = copy.deepcopy(noted)
        correct(shown, self.store, self.desk, run)
        return shown

    def _learn(self, run: str) -> Learned:
        """What a run has learned, read again when one more round is stored."""
        keys = self.store.referred(run)
        rounds = sum(len(self.store.manifests(key)) for key in keys.values()) + len(keys)
        known = self._learned.get(run)
        if known is None or known[0] != rounds:
            result = collect_result(self.store, run, self.table.runs[run], {})
            known = self._learned[run] = rounds, learn_one(result)
        return known[1]

    def _learn_all(self) -> Learned:
        each = [self._learn(run) for run in self.table.runs]
        rounds = tuple(self._learned[run][0] for run in self.table.runs)
        if self._together is None or self._together[0] != rounds:
            self._together = rounds, learn_all([one.result for one in each])
        return self._together[1]

    def _workers(
        self, claims: Mapping[str, Claim], boards: Mapping[str, Board], fleet: Sequence[Worker]
    ) -> Sequence[Trainer]:
        """Who takes tickets, and what of this run each trains; without a fleet, the run's own process."""
        busy: dict[str, list[str]] = {}
        for claim in claims.values():
            if claim.is_live:
                line = boards[claim.run].lines.get(claim.entry) if claim.run in boards else None
                # A claim's owner is a child of the worker, of which nobody has heard.
                name = (line and line.worker) or say_worker(claim.owner)
                seed = split_run(claim.run)[1]
                busy.setdefault(name, []).append(claim.entry + ("" if seed is None else f", seed {seed}"))
        known = {say_worker(one.owner): one for one in fleet}
        found = []
        for name in sorted({*known, *busy}):
            one = known.get(name)
            queues = "" if one is None else ", ".join(one.queues)
            trains = tuple(clean(entry, 100) for entry in sorted(busy.get(name, ())))
            found.append(Trainer(clean(name, 80), clean(queues, 120), one.slots if one else None, trains))
        return found

    def _queues(self, claims: Mapping[str, Claim], fleet: Sequence[Worker]) -> list[Queue]:
        entries = self.table.plan.by_name
        waiting: Counter[str] = Counter()
        running: Counter[str] = Counter()
        for claim in claims.values():
            entry = entries.get(claim.entry)
            name = queue_of(entry.spec.resources) if entry else ""
            waiting[name] += claim.state == "queued"
            running[name] += claim.is_live
        slots: Counter[str] = Counter()
        for worker in fleet:
            slots.update(dict.fromkeys(worker.queues, worker.slots))
        names = sorted({*waiting, *running, *slots})
        shown = None if self.desk.embedded else slots
        return [
            Queue(name, waiting[name], running[name], None if shown is None else shown[name])
            for name in names
        ]

    def _events(self, boards: Mapping[str, Board]) -> Sequence[tuple[str, str]]:
        newest = self.desk.newest_events({self.table.run, *boards}, EVENTS, without=("phase", "ended"))
        return [(_clock(event), clean(f"{_name(event)}: {say_event(event)}", 240)) for event in newest]


def _name(event: Event) -> str:
    seed = split_run(event.run)[1]
    return (event.entry or "run") + ("" if seed is None else f", seed {seed}")


def _clock(event: Event) -> str:
    return time.strftime("%H:%M:%S", time.localtime(event.at))


def say_left(seconds: float | None) -> str:
    """A time that is left, in words."""
    if seconds is None:
        return ""
    minutes = round(seconds / 60)
    if minutes < 2:
        return "about a minute" if seconds >= 30 else "less than a minute"
    return f"about {minutes} minutes" if minutes < 120 else f"about {round(minutes / 60)} hours"


def write_metrics(snapshot: Snapshot, desk: Desk, run: str) -> list[tuple[str, str, Mapping[str, float]]]:
    """Gauges of a run: name, help, and values by their labels."""
    label = f'run="{_escape(run)}"'
    newest = max(desk.last_event(one) for one in {run, *snapshot.boards})
    demand = snapshot.demand
    states = {f'{label},state="{_escape(state)}"': float(n) for state, n in sorted(snapshot.states.items())}
    lacking = float(sum(one.wanted - one.given for one in demand.questions))
    given = {f'{label},person="{_escape(one.person)}"': float(one.given) for one in demand.people}
    held = float(sum(one.leased for one in demand.questions))
    queued = {
        f'{label},queue="{_escape(one.name)}",state="{state}"': float(number)
        for one in snapshot.queues
        for state, number in (("waiting", one.waiting), ("running", one.running))
    }
    slots = {
        f'{label},queue="{_escape(one.name)}"': float(one.slots)
        for one in snapshot.queues
        if one.slots is not None
    }
    return [
        ("rrm_nodes", "Nodes and arms of the run by state.", states),
        ("rrm_answers_wanted", "Answers that people still have to give.", {label: lacking}),
        ("rrm_answers_given", "Answers that each person has given.", given),
        ("rrm_questions_held", "Questions that somebody looks at now.", {label: held}),
        ("rrm_workers", "Workers that train or wait for tickets.", {label: float(len(snapshot.workers))}),
        ("rrm_queue_nodes", "Nodes of the run that wait in a queue or are trained from it.", queued),
        ("rrm_queue_slots", "Nodes that the workers of a queue can train at once.", slots),
        ("rrm_scheduled", "Whether somebody schedules the run.", {label: float(bool(snapshot.scheduler))}),
        ("rrm_last_event", "Number of the newest event.", {label: float(newest)}),
    ]


def _escape(text: str) -> str:
    return clean(text, 200).replace("\\", "\\\\").replace('"', '\\"')
