"""Who stands over an attempt: wins its key, keeps its lease, ends it, says what became of it.

In: a ticket. Out: an attempt that has ended, and the ledger that says how.
Touches the ledger, processes, and the logs in the store. Imports no torch: attempts do.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import psutil

from rrm_tree.allowed import VARIABLE
from rrm_tree.attempt import End, Order
from rrm_tree.errors import StoreError
from rrm_tree.executors import Answer, AttemptProcess
from rrm_tree.fleet_ledger import FleetLedger
from rrm_tree.ledger import RENEW_SECONDS, Claim, News
from rrm_tree.machine import numerics, say_worker, this_owner
from rrm_tree.plan import Entry, Plan, digest_of
from rrm_tree.run import MOST_LOSSES
from rrm_tree.store import Store
from rrm_tree.warm import ColdError, Nursery, WarmProcess
from workers.room import Needs, Place, Room
from workers.tickets import Ticket

log = logging.getLogger(__name__)

WAIT_SECONDS = 0.1
SAMPLE_SECONDS = 0.5
PUT_BACK_SECONDS = 2.0
"""Pause before a ticket goes back to the queue, so that it does not run in circles."""

LOG_BYTES = 1_000_000
"""Of an attempt's log that is copied where the store is not a folder of this machine."""

SLICE = 16
"""Characters of a fingerprint in a key."""


class NoTicketError(Exception):
    """It names nothing that a scheduler wants trained; to be put with the dead letters."""


class PutBackError(Exception):
    """This worker cannot train it, another one may."""


@dataclass
class Supervisor:
    """Handles one ticket after the other, in a child process of a worker."""

    store: Store
    ledger: FleetLedger
    room: Room
    allow: tuple[str, ...] | None = None
    nursery: Nursery | None = None
    """What is forked for each attempt; without it each is started afresh."""
    worker: str | None = None
    """The owner of the worker that this is a child of; itself where it is none."""
    owner: str = field(default_factory=this_owner)
    _plans: dict[str, Plan] = field(default_factory=dict, init=False)
    _impatient: FleetLedger = field(init=False)
    """For heartbeats: memory must be watched while the ledger is away."""

    def __post_init__(self) -> None:
        self._impatient = FleetLedger(self.ledger.url, patience_seconds=self.ledger.patience_seconds)
        self._impatient.patience_seconds = 0.0

    def handle(self, ticket: Ticket) -> End | None:
        """Train a ticket's key, if it is to be trained; None if it is not.

        Raises:
            NoTicketError: no scheduler can have sent it.
            PutBackError: it cannot be trained here.
            StoreError: store or ledger cannot be used; the lease will end, and the key be sent again.
        """
        entry = self._entry_of(ticket)
        resources = entry.spec.resources
        needs = Needs(resources.cpu, resources.memory, resources.gpu)
        held = self.ledger.look(ticket.key)
        if held is None or held.state not in {"queued", "claimed"} or held.is_live:
            return None
        if (reason := self.room.why_never(needs)) is not None:
            self._put_back(ticket, reason)
        with self.room.place(needs) as place:
            if place is None:
                raise PutBackError("this worker is closing")
            self._warm_up()
            # Of what is done nothing starts: it is taken to say so in the ledger.
            news = None if self.store.done(ticket.key) is not None else self._say_started(ticket)
            claim = self.ledger.take(ticket.key, ticket.run, self.owner, news)
            if claim is None:
                return None
            if self.store.done(ticket.key) is not None:
                # A scheduler asked for it that had looked for it before another had it trained.
                self.ledger.release(claim.key, claim.fence, "done")
                return None
            return self._train(claim, place, needs)

    @property
    def _name(self) -> str:
        """The worker, by the name under which people have started it."""
        return say_worker(self.worker or self.owner)

    def _say_started(self, ticket: Ticket) -> News:
        stored = len(self.store.manifests(ticket.key))
        return News("started", {"key": ticket.key, "stored": stored, "worker": self._name})

    # --- what a ticket stands for ----------------------------------------------------------------

    def _entry_of(self, ticket: Ticket) -> Entry:
        """The entry that is to be trained, if the store knows the ticket's run and key."""
        if ticket.run not in self._plans:
            if not self.store.files.exists(f"runs/{ticket.run}/plan.json"):
                raise NoTicketError(f"there is no run {ticket.run}")
            self._plans = {ticket.run: self.store.plan(ticket.run)}
        entry = self._plans[ticket.run].by_name.get(ticket.entry)
        inputs = None if entry is None else self.store.inputs(ticket.key)
        if entry is None or inputs is None:
            raise NoTicketError(f"{ticket.run} knows no {ticket.key}")
        # Another run's key under this run's plan would be trained to other bytes.
        meant = all(inputs.get(name) == value for name, value in entry.fixed.items())
        if not meant or digest_of(inputs)[:SLICE] != ticket.key.rpartition("@")[2]:
            raise NoTicketError(f"{ticket.key} is not what {ticket.run} means by {entry.name}")
        if inputs["numerics"] != (here := numerics()):
            self._put_back(ticket, f"was planned for {inputs['numerics']}, and this worker has {here}")
        return entry

    def _put_back(self, ticket: Ticket, reason: str) -> None:
        text = f"{ticket.entry} {reason}; it waits for another worker than {self._name}"
        self.ledger.tell(ticket.run, ticket.entry, "warning", {"text": text})
        time.sleep(PUT_BACK_SECONDS)
        raise PutBackError(text)

    # --- an attempt ------------------------------------------------------------------------------

    def _train(self, claim: Claim, place: Place, needs: Needs) -> End | None:
        if claim.attempts >= MOST_LOSSES:
            said = claim.reason or "its workers were lost"
            self._give_up(claim, f"given up after {claim.attempts} attempts in a row: {said}")
            return End.FAILED
        order = Order(claim.run, claim.key, claim.fence)
        with self._ending_well(claim), self._start(order, place) as process:
            end, text = self._watch(claim, process, needs)
            return self._conclude(claim, process.answer(), end, text)

    @contextlib.contextmanager
    def _start(self, order: Order, place: Place) -> Iterator[AttemptProcess | WarmProcess]:
        """The attempt's process, which does not outlive this."""
        process = self._open(order, self._environment(place))
        try:
            yield process
        finally:
            process.kill()
            self._keep_log(order)

    def _warm_up(self) -> None:
        """Wait for what is to be forked before a key is claimed: its lease would end meanwhile."""
        if self.nursery is not None:
            with contextlib.suppress(ColdError):
                self.nursery.open()

    def _open(self, order: Order, environment: Mapping[str, str]) -> AttemptProcess | WarmProcess:
        if self.nursery is not None:
            try:
                return self.nursery.start(self.store, self.ledger, order, environment)
            except ColdError as error:
                log.warning("%s; this attempt is started afresh", error)
        return AttemptProcess(self.store, self.ledger, order, environment)

    def _environment(self, place: Place) -> Mapping[str, str]:
        given = {}
        if self.room.gpus:
            given["CUDA_VISIBLE_DEVICES"] = ",".join(place.gpus)
        if self.allow is not None:
            given[VARIABLE] = ",".join(self.allow)
        return given

    @contextlib.contextmanager
    def _ending_well(self, claim: Claim) -> Iterator[None]:
        """Give the key back at once where this process is asked to end in the middle of an attempt."""

        def leave(_number: int, _frame: object) -> None:
            raise SystemExit

        before = signal.signal(signal.SIGTERM, leave)
        try:
            yield
        except BaseException:
            with contextlib.suppress(StoreError):
                self.ledger.release(claim.key, claim.fence, "free", "its worker was stopped")
            raise
        finally:
            signal.signal(signal.SIGTERM, before)

    def _watch(
        self, claim: Claim, process: AttemptProcess | WarmProcess, needs: Needs
    ) -> tuple[End | None, str]:
        """Wait until the attempt has ended or must; why it was ended, and its memory in words."""
        watch, most, closing = _Watch(), 0, False
        while not process.wait(WAIT_SECONDS):
            if watch.is_time("memory", SAMPLE_SECONDS):
                most = max(most, memory_of(process.pid))
                if most > needs.memory:
                    process.kill()
                    words = f"it had {most:,} bytes, and resources.memory allows {needs.memory:,}"
                    return End.FAILED, f"out of memory: {words}; raise that in the spec"
            if watch.is_time("beat", RENEW_SECONDS):
                end = self._beat(claim, watch)
                if end is not None:
                    process.kill()
                    return end, "cancelled" if end is End.CANCELLED else "another worker holds it"
            if not closing and self.room.is_closing:
                closing = True
                process.ask_to_stop()
        return None, f"its memory had reached {most:,} of {needs.memory:,} bytes"

    def _beat(self, claim: Claim, watch: _Watch) -> End | None:
        """Renew the lease; why the attempt must end, if it must."""
        try:
            beat = self._impatient.beat(claim)
        except StoreError as error:
            log.warning("%s", error)
            watch.again("beat", WAIT_SECONDS * 10)
            return None
        if not beat.held:
            # Its last commit may have ended the claim just now.
            return None if self._has_ended(claim) else End.REPLACED
        return End.CANCELLED if beat.cancelled else None

    def _has_ended(self, claim: Claim) -> bool:
        held = self.ledger.look(claim.key)
        return held is not None and held.fence == claim.fence

    def _conclude(self, claim: Claim, answer: Answer, end: End | None, text: str) -> End | None:
        """Write down how an attempt ended that could not do so itself."""
        if end is None and answer.end is None and (done := self.store.done(claim.key)) is not None:
            # Killed after its last commit, before it said so.
            self.ledger.release(
                claim.key, claim.fence, "done", news=News("done", {"gate_passed": done.gate_passed})
            )
            return End.DONE
        if end is End.FAILED:
            self._give_up(claim, text)
        elif end is End.CANCELLED:
            self._free(claim, "stopped", text)
        elif end is None and answer.end is End.UNREACHABLE:
            time.sleep(PUT_BACK_SECONDS)
            self._free(claim, "lost", f"{answer.text}; trying again")
        elif end is None and answer.end is None:
            self._lose(claim, f"{answer.text}; {text}")
        return end or answer.end

    def _lose(self, claim: Claim, reason: str) -> None:
        losses = self.ledger.lose(claim.key, claim.fence, reason)
        if losses < MOST_LOSSES:
            self._tell(claim, "lost", f"{reason}; trying again")
        else:
            self._give_up(claim, f"given up after {losses} attempts in a row: {reason}")

    def _give_up(self, claim: Claim, reason: str) -> None:
        self.ledger.release(claim.key, claim.fence, "failed", reason, News("failed", {"text": reason}))

    def _free(self, claim: Claim, kind: str, text: str) -> None:
        self.ledger.release(claim.key, claim.fence, "free", text, News(kind, {"text": text}))

    def _tell(self, claim: Claim, kind: str, text: str) -> None:
        self.ledger.tell(claim.run, claim.entry, kind, {"text": text})

    def _keep_log(self, order: Order) -> None:
        """Copy the log to a store that is elsewhere, for `rrm logs` on other machines."""
        if self.store.files.folder is not None:
            return
        from rrm_tree.executors import log_file  # noqa: PLC0415

        with contextlib.suppress(OSError, StoreError):
            data = log_file(self.store, order.run, order.entry).read_bytes()[-LOG_BYTES:]
            self.store.files.replace(f"runs/{order.run}/logs/{order.entry}.log", data)


class _Watch:
    """When to look at what next."""

    def __init__(self) -> None:
        self.next: dict[str, float] = {}

    def is_time(self, what: str, seconds: float) -> bool:
        now = time.monotonic()
        due = self.next.setdefault(what, now + seconds)
        if now < due:
            return False
        self.next[what] = now + seconds
        return True

    def again(self, what: str, seconds: float) -> None:
        self.next[what] = time.monotonic() + seconds


def memory_of(pid: int) -> int:
    """Bytes that a process and all it has started hold in memory."""
    total = 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += one.memory_info().rss
    return total
