"""The executor over the queue: tickets out, and what the ledger says of their keys in.

In: orders. Out: how their attempts ended; every answer is a hint, the store says what is done.
Touches the broker and the ledger. What it holds in memory can be lost: another scheduler finds the
same in the ledger.
"""

from __future__ import annotations

import logging
import time
from collections import Counter, deque
from dataclasses import dataclass, field

from rrm_tree.attempt import End, Order
from rrm_tree.errors import StoreError
from rrm_tree.executors import Answer
from rrm_tree.fleet_ledger import FleetLedger
from rrm_tree.ledger import AGAIN_SECONDS, LEASE_SECONDS, RENEW_SECONDS, Claim
from rrm_tree.machine import is_gone
from rrm_tree.run import MOST_LOSSES
from workers.sender import Sender
from workers.tickets import Ticket

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
"""How often it is asked who works, what is cancelled, and whether the broker is back."""

IDLE_SECONDS = LEASE_SECONDS / 3
"""After this time a ticket that nobody took, while workers are idle, counts as lost on its way."""

AWAY_SECONDS = 5.0
"""A look at the ledger that takes longer had to wait for a server that was away."""

FEWEST = 2
"""Tickets that a queue gets before any worker is known to take from it."""


@dataclass
class FleetExecutor:
    """Sends orders as tickets to workers, and hears from the ledger what became of them."""

    ledger: FleetLedger
    sender: Sender
    owner: str
    remote: bool = field(default=True, init=False)

    _orders: dict[str, Order] = field(default_factory=dict, init=False)
    """What was submitted and has not ended, by key."""
    _out: Counter[str] = field(default_factory=Counter, init=False)
    """How many of them there are, by queue."""
    _to_queue: dict[str, Order] = field(default_factory=dict, init=False)
    """Not in the ledger yet."""
    _to_send: dict[str, Order] = field(default_factory=dict, init=False)
    """In the ledger, not with the broker."""
    _capacity: Counter[str] = field(default_factory=Counter, init=False)
    _ended_lately: Counter[str] = field(default_factory=Counter, init=False)
    _endings: deque[tuple[float, str]] = field(default_factory=deque, init=False)
    """When something ended in the last second, and in which queue."""
    _next_look: float = field(default=0.0, init=False)
    _broker_away_until: float = field(default=0.0, init=False)
    _leases_count_from: float = field(default=0.0, init=False)
    """Until then workers have time to renew leases that ended while the ledger was away."""
    _told: set[str] = field(default_factory=set, init=False)

    def slots(self, queue: str) -> int:
        """How many more tickets a queue gets.

        As many as keep its workers busy until the next look: one each, and what ended in the last
        second. More would be taken in the order sent, not by the longest path.
        """
        most = max(FEWEST, self._capacity[queue] + 1) + self._ended_lately[queue]
        return most - self._out[queue]

    def submit(self, order: Order) -> None:
        """Send a ticket with the next batch."""
        self._orders[order.key] = self._to_queue[order.key] = order
        self._out[order.queue] += 1

    def poll(self) -> list[Answer]:
        """Attempts that have ended since the last call."""
        began = time.monotonic()
        is_time = began >= self._next_look
        if is_time:
            self._next_look = time.monotonic() + LOOK_SECONDS
            self._capacity = Counter()
            for worker in self.ledger.fleet():
                self._capacity.update(dict.fromkeys(worker.queues, worker.slots))
        self._send()
        keys = self._orders.keys() - self._to_queue.keys()
        claims = self.ledger.claims_of(keys) if is_time else self.ledger.ended_of(keys)
        cancelled = self._cancelled() if is_time else {}
        if time.monotonic() - began > AWAY_SECONDS:
            self._leases_count_from = time.monotonic() + RENEW_SECONDS + 1.0
        busy = Counter(self._orders[one.key].queue for one in claims.values() if one.state == "claimed")
        answers = []
        for key, order in list(self._orders.items()):
            claim = claims.get(key)
            if claim is None and (key in self._to_queue or not is_time):
                continue
            idle = busy[order.queue] < self._capacity[order.queue]
            answer = self._judge(order, claim, cancelled.get(order.run, frozenset()), idle)
            if answer is not None:
                answers.append(answer)
        now = time.monotonic()
        for answer in answers:
            del self._orders[answer.order.key]
            self._to_send.pop(answer.order.key, None)
            self._out[answer.order.queue] -= 1
            self._endings.append((now, answer.order.queue))
        while self._endings and self._endings[0][0] < now - LOOK_SECONDS:
            self._endings.popleft()
        self._ended_lately = Counter(queue for _, queue in self._endings)
        return answers

    def cancel(self, *, now: bool) -> None:
        """Leave the attempts alone: workers go on without a scheduler, and `rrm cancel` ends them."""
        if now:
            self.sender.close()

    # --- out -------------------------------------------------------------------------------------

    def _send(self) -> None:
        """Write down what is wanted, then send it: a ticket that nobody queued is refused."""
        by_run: dict[str, dict[str, str]] = {}
        for order in self._to_queue.values():
            by_run.setdefault(order.run, {})[order.key] = order.entry
        for run, keys in by_run.items():
            for key in self.ledger.queue(run, keys, self.owner):
                self._to_send[key] = self._orders[key]
        self._to_queue.clear()
        if not self._to_send or time.monotonic() < self._broker_away_until:
            return
        batch = {Ticket(order.run, order.key): order for order in self._to_send.values()}
        try:
            sent = self.sender.send((ticket, order.queue) for ticket, order in batch.items())
        except StoreError as error:
            self._broker_away_until = time.monotonic() + LOOK_SECONDS
            self._warn({order.run for order in batch.values()}, "broker", f"{error}; trying again")
            return
        self._told.discard("broker")
        for ticket in sent.safe:
            del self._to_send[ticket.key]
            self._told.discard(batch[ticket].queue)
        if sent.homeless:
            self._broker_away_until = time.monotonic() + LOOK_SECONDS
        for ticket in sent.homeless:
            queue = batch[ticket].queue
            text = f"no worker takes tickets of {queue}: start one with `rrm worker --queues {queue}`"
            self._warn({ticket.run}, queue, text)

    def _warn(self, runs: set[str], about: str, text: str) -> None:
        """Say it once, until it has passed."""
        if about not in self._told:
            self._told.add(about)
            for run in runs:
                self.ledger.tell(run, None, "warning", {"text": text})

    # --- in --------------------------------------------------------------------------------------

    def _cancelled(self) -> dict[str, frozenset[str]]:
        return {run: self.ledger.cancelled(run) for run in {one.run for one in self._orders.values()}}

    def _judge(
        self, order: Order, claim: Claim | None, cancelled: frozenset[str], idle: bool
    ) -> Answer | None:
        """What has become of an order; None while there is hope."""
        if claim is None:
            # The ledger was lost, or made anew.
            self._to_queue[order.key] = order
            return None
        if claim.state == "done":
            return Answer(order, End.DONE, "")
        if claim.state == "failed":
            return Answer(order, End.FAILED, claim.reason or "")
        if claim.state == "parked":
            return Answer(order, End.PARKED, claim.reason or "")
        if claim.state == "claimed" and claim.is_live:
            return None
        if cancelled & {"", order.entry}:
            self.ledger.end(claim, "free", "cancelled")
            return Answer(order, End.STOPPED if "" in cancelled else End.CANCELLED, "cancelled")
        if claim.state == "claimed":
            return self._lose(order, claim)
        if claim.state == "free" or self._is_overdue(claim, idle):
            self._send_again(order, claim)
        return None

    def _is_overdue(self, claim: Claim, idle: bool) -> bool:
        if claim.key in self._to_send:
            return False
        waited = AGAIN_SECONDS - claim.seconds_left
        if claim.seconds_left <= 0 or (idle and waited > IDLE_SECONDS):
            return True
        return claim.owner != self.owner and is_gone(claim.owner)

    def _lose(self, order: Order, claim: Claim) -> Answer | None:
        """What to do about a claim whose lease is over."""
        # A supervisor that gave up its lease has counted the loss and said why.
        counted = claim.was_given_back
        if not counted and time.monotonic() < self._leases_count_from:
            return None
        losses = claim.attempts + (0 if counted else 1)
        text = (claim.reason or "") if counted else f"its worker {claim.owner} was lost"
        if losses < MOST_LOSSES:
            if self._send_again(order, claim) and not counted:
                self._tell(order, "lost", f"{text}; trying again")
            return None
        reason = f"given up after {losses} attempts in a row: {text}"
        if not self.ledger.end(claim, "failed", reason):
            return None
        self._tell(order, "failed", reason)
        return Answer(order, End.FAILED, reason)

    def _send_again(self, order: Order, claim: Claim) -> bool:
        won = self.ledger.send_again(claim, self.owner)
        if won:
            self._to_send[order.key] = order
        return won

    def _tell(self, order: Order, kind: str, text: str) -> None:
        self.ledger.tell(order.run, order.entry, kind, {"text": text})
