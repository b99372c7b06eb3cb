"""One attempt: all the remaining rounds of one key, each stored as it comes.

In: a store, a ledger, an order (run, key, fence). Out: how it ended; rounds and Done in the store.
Touches the store under its fence, and the ledger.
"""

from __future__ import annotations

import copy
import importlib
import logging
import resource
import sys
import time
import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias, cast

from rrm_tree.allowed import check_allowed
from rrm_tree.asking import Batch, Given
from rrm_tree.desk import Desk
from rrm_tree.errors import PluginError, RrmError, StoreError, TrainingError, WaitsForPeople
from rrm_tree.ledger import ClaimState, Ledger, News
from rrm_tree.machine import numerics
from rrm_tree.plan import Ticket
from rrm_tree.records import Cost, RoundRecord
from rrm_tree.registry import import_modules
from rrm_tree.rounds import Posed, RoundState, Setup
from rrm_tree.seeds import split_run
from rrm_tree.states import (
    commit_pairs,
    commit_pending,
    load_rounds,
    load_setup,
    pack_round,
    sum_up,
    take_over,
)
from rrm_tree.store import Store

if TYPE_CHECKING:
    from rrm_tree.learning.distill import Distilled, Distilling

log = logging.getLogger(__name__)

TrainerSteps: TypeAlias = "Generator[RoundState | Distilling, Distilled | None, None]"
"""A node's rounds as they are done; between them, if at all, what is to be distilled, for an answer."""
Trainer = Callable[[Setup, Sequence[RoundState]], TrainerSteps]
AttemptSteps: TypeAlias = "Generator[Distilling, Distilled | None, End]"
"""An attempt that stops where judgments are to be distilled, and takes the reward model for an answer."""

PHASE_SECONDS = 0.5
"""How often a phase that only counts on is written down."""


class End(IntEnum):
    """How an attempt ended; also the exit code of its process."""

    DONE = 0
    UNREACHABLE = 5
    FAILED = 65
    """The node cannot be trained as it stands; trying again would end the same."""
    STOPPED = 75
    """It was asked to stop, and has stored its last round."""
    REPLACED = 76
    """Somebody else holds the key now."""
    CANCELLED = 77
    """The user wants it to be trained no further."""
    PARKED = 78
    """It waits for people, and for no process."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which key to train, for which run, under which fence."""

    run: str
    key: str
    fence: int
    queue: str = ""
    """Which workers it is for, where they are told apart."""

    @property
    def entry(self) -> str:
        """The entry that the key is of."""
        return self.key.rpartition("@")[0]

    @property
    def words(self) -> tuple[str, str, str]:
        """How it stands on a command line."""
        return self.run, self.key, str(self.fence)


@dataclass
class Attempt:
    """One attempt at one key."""

    store: Store
    ledger: Ledger
    order: Order
    stop: Callable[[], bool] = lambda: False
    """Asked after every round whether to go on."""
    heard: Callable[[], None] = lambda: None
    """Called after each event, for whoever shares this process."""
    cpu_before: float = field(default_factory=time.process_time)
    """CPU seconds of this process that are not this attempt's; 0 where it has the process to itself."""
    clock: Callable[[], float] = time.process_time
    """CPU seconds; where several attempts share a process, those of this one."""
    allowed: frozenset[str] | None = None
    """Packages whose code may be loaded; None for any."""
    _told: tuple[str, float] = field(default=("", 0.0), init=False)

    def run(self) -> End:
        """Train what remains; whatever goes wrong in the training is noted, not raised.

        Raises:
            StoreError: the store or the ledger cannot be read or written.
        """
        return _finish_alone(self.steps())

    def steps(self) -> AttemptSteps:
        """The same, stopping where judgments are to be distilled."""
        # A copy: in one process the scheduler listens to the same store for itself.
        self.store = copy.copy(self.store)
        self.store.trouble = lambda kind, text: self.tell(kind, text=text)
        try:
            return (yield from self._train())
        except StoreError:
            raise
        except WaitsForPeople as waits:
            return self._park(str(waits))
        except RrmError as error:
            log.error("%s", error)
            return self._fail(str(error))
        # Users' code may raise anything at all, SystemExit included.
        except (Exception, SystemExit) as error:
            log.exception("%s", self.order.entry)
            frame = traceback.extract_tb(error.__traceback__)[-1]
            return self._fail(
                f"{type(error).__name__}: {error} ({frame.filename}:{frame.lineno}; "
                f"`rrm logs {self.order.entry}` shows more)"
            )

    def tell(self, kind: str, **data: object) -> None:
        """Write down what happened."""
        self.ledger.tell(self.order.run, self.order.entry, kind, data)
        self.heard()

    def _fail(self, reason: str) -> End:
        # Whoever shows a reason names the entry before it.
        reason = reason.removeprefix(f"{self.order.entry}: ")
        return self._end(End.FAILED, "failed", News("failed", {"text": reason}), reason)

    def _end(self, end: End, state: ClaimState, news: News, reason: str | None = None) -> End:
        """End the claim, and say so; somebody else may hold the key by now."""
        held = self.ledger.release(self.order.key, self.order.fence, state, reason, news)
        self.heard()
        return end if held else End.REPLACED

    def _park(self, reason: str) -> End:
        """Give the key back until people have answered."""
        return self._end(End.PARKED, "parked", News("parked", {"text": reason}), reason)

    def _ask_people(self, posed: Posed) -> tuple[Given, ...]:
        """What people have answered.

        Raises:
            WaitsForPeople: not enough yet.
        """
        key, run = self.order.key, self.order.run
        # What they see comes first: whoever finds a question must find that.
        commit_pending(self.store, key, posed.number, posed.judged)
        desk = Desk(self.ledger.url, patience_seconds=self.ledger.patience_seconds)
        try:
            desk.put(_batch_of(self.order, posed), posed.asked)
            given = desk.use(key, posed.number)
            if given is not None:
                return given
            waits = desk.waiting([key]).get(key)
        finally:
            desk.close()
        open_questions = len(posed.asked) if waits is None else waits.open
        raise WaitsForPeople(say_waiting(open_questions, len(posed.asked), run))

    def _tell_phase(self, phase: str) -> None:
        words, now = phase.rstrip("0123456789/ "), time.monotonic()
        if words != self._told[0] or now - self._told[1] > PHASE_SECONDS:
            self._told = (words, now)
            self.tell("phase", text=phase)

    def _note(self, kind: str, facts: Mapping[str, object]) -> None:
        self.tell(kind, **facts)

    def _train(self) -> AttemptSteps:
        key, fence = self.order.key, self.order.fence
        plan = self.store.plan(self.order.run)
        entry = plan.by_name[self.order.entry]
        ticket = self._ticket()
        if self.allowed is None:
            import_modules(plan.tree.imports, Path(plan.folder))
        else:
            check_allowed(plan, self.allowed)
            # What lies beside the spec is not what was installed under an allowed name.
            import_modules(plan.tree.imports, None)
        train = _find_trainer(plan.trainer)
        if "goes_on" in ticket.inputs:
            take_over(self.store, key, ticket.inputs["goes_on"])
        rounds = load_rounds(self.store, key)
        records = [state.record for state in rounds]
        used = sum(cost.cpu_seconds for cost in self.store.costs(key, len(rounds)))
        setup = load_setup(self.store, plan, ticket)
        setup = replace(setup, cpu_used=used, tell=self._tell_phase, note=self._note, people=self._ask_people)
        meter = _Meter(self.clock, self.cpu_before)
        steps, answer = train(setup, rounds), None
        while (state := _next(steps, answer)) is not None:
            if not isinstance(state, RoundState):
                answer = yield state
                continue
            answer = None
            if not self.ledger.holds(key, fence):
                return End.REPLACED
            cost = meter.read(state)
            if state.pairs is not None:
                # Before the round, so that no node is done without them.
                commit_pairs(self.store, key, state.pairs)
            self.store.commit_round(key, state.index, pack_round(state), cost)
            records.append(state.record)
            self._confirm(state.record, cost, entry.spec.budget.rounds)
            if self.stop() and not state.record.stopped:
                return self._end(End.STOPPED, "free", News("stopped", {}))
            meter = _Meter(self.clock, self.clock())
        return self._finish(ticket, tuple(records), has_gate=entry.spec.gate is not None)

    def _ticket(self) -> Ticket:
        inputs = self.store.inputs(self.order.key)
        if inputs is None:
            raise StoreError(f"{self.store.address}: nothing is stored of how {self.order.key} came about")
        ticket = Ticket(self.order.entry, inputs)
        here = numerics()
        if inputs["numerics"] != here:
            raise TrainingError(
                f"{self.order.entry} was planned for {inputs['numerics']}, this machine has {here}: "
                "install the same versions, or plan again here"
            )
        return ticket

    def _confirm(self, record: RoundRecord, cost: Cost, rounds: int) -> None:
        """Note that a round was stored, and say how it went."""
        shares = record.on or record.off
        share = None if shares is None else shares.distilled
        news = {
            "index": record.round,
            "of": rounds,
            "distilled": None if share is None else [share.right, share.pairs],
            "policy": "on" if record.on else "off",
            "steps_per_second": cost.steps_per_second,
            "seconds": cost.wall_seconds,
            "last": record.stopped is not None,
        }
        self.ledger.confirm(self.order.key, self.order.fence, News("round", news))
        self.heard()
        for warning in record.warnings:
            self.tell("warning", text=warning)

    def _finish(self, ticket: Ticket, records: tuple[RoundRecord, ...], *, has_gate: bool) -> End:
        manifests = self.store.manifests(self.order.key)
        if not records or len(manifests) != len(records) or not records[-1].stopped:
            raise PluginError(
                f"{self.order.entry}: training ended after {len(records)} rounds without a reason"
            )
        done = sum_up(ticket, manifests[-1], records, has_gate=has_gate)
        self.store.commit_done(done)
        return self._end(End.DONE, "done", News("done", {"gate_passed": done.gate_passed}))


class _Meter:
    """What a round takes, from here on; its CPU from an earlier reading of the clock on."""

    def __init__(self, clock: Callable[[], float], cpu: float) -> None:
        self.clock, self.cpu, self.wall = clock, cpu, time.monotonic()

    def read(self, state: RoundState) -> Cost:
        wall, steps = time.monotonic() - self.wall, state.record.steps
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return Cost(
            cpu_seconds=self.clock() - self.cpu,
            wall_seconds=wall,
            peak_bytes=peak if sys.platform == "darwin" else peak * 1024,
            steps_per_second=steps / wall if steps and wall > 0 else None,
            measure_cpu_seconds=state.measuring.cpu_seconds,
            measure_steps=state.measuring.steps,
        )


def say_waiting(open_questions: int, questions: int, run: str) -> str:
    """What people are waited for, and how they answer; the questions of all seeds together."""
    whole, _ = split_run(run)
    are_open = f"{open_questions:,} of {questions:,} questions are open"
    return f"{are_open}; answer: rrm ui {whole}, or rrm label {whole}"


def _batch_of(order: Order, posed: Posed) -> Batch:
    items, asking = posed.judged.items, posed.asking
    return Batch(
        order.key,
        posed.number,
        order.run,
        order.entry,
        posed.judged.kind,
        items.places[0].shape[1],
        asking.quota,
        asking.gold,
        asking.patience,
    )


def _find_trainer(address: str) -> Trainer:
    module, _, name = address.partition(":")
    return cast(Trainer, getattr(importlib.import_module(module), name))


def _next(steps: TrainerSteps, answer: Distilled | None) -> RoundState | Distilling | None:
    """What a trainer does next; None when it has ended."""
    try:
        return steps.send(answer)
    except StopIteration:
        return None


def _finish_alone(steps: AttemptSteps) -> End:
    """How an attempt ends that has its judgments distilled by themselves."""
    try:
        step = next(steps)
        while True:
            try:
                answer = step.alone()
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(answer)
    except StopIteration as end:
        return cast(End, end.value)
