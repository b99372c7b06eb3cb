"""One run of a plan: what may start, what has ended, what became of every entry.

In: a plan, a store, a ledger, an executor. Out: orders for the executor, the fate of every entry.
Touches the ledger, and through the executor the store.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from rrm_tree.attempt import End, Order
from rrm_tree.errors import StoreError
from rrm_tree.executors import Answer, Executor, queue_of
from rrm_tree.frontier import Frontier
from rrm_tree.ledger import Ledger, News
from rrm_tree.machine import this_owner
from rrm_tree.parking import Parking
from rrm_tree.plan import Entry, Plan, Ticket, blocked_by, key_of
from rrm_tree.records import Done
from rrm_tree.results import Fate, misses_gate
from rrm_tree.sizes import Sizes
from rrm_tree.store import Store

MOST_LOSSES = 3
"""Attempts in a row that may be killed without storing a round."""


@dataclass
class Stop:
    """How urgently the user wants the run to end."""

    level: int = 0
    """0: not at all; 1: after the rounds that are going on; 2: now."""

    def __call__(self) -> bool:
        """Whether it shall end."""
        return self.level > 0


@dataclass
class Run:
    """One run of a plan; `loop` drives it, alone or beside those of other seeds."""

    plan: Plan
    name: str
    store: Store
    ledger: Ledger
    executor: Executor
    stop: Stop = field(default_factory=Stop)
    heard: Callable[[], None] = lambda: None
    """Called whenever something may have happened."""
    owner: str = field(default_factory=this_owner)
    sizes: Sizes | None = None
    """Which nodes one process may train together with those of other runs; None for none."""
    waits: bool = True
    """Whether it goes on while all that is left waits for people."""

    done: dict[str, Done] = field(default_factory=dict, init=False)
    closed: dict[str, str] = field(default_factory=dict, init=False)
    """Entries that stop whatever waits for them, with the reason."""
    started: dict[str, Order] = field(default_factory=dict, init=False)
    elsewhere: dict[str, str] = field(default_factory=dict, init=False)
    """Entries whose keys somebody else trains now."""
    missing: dict[str, Ticket] = field(default_factory=dict, init=False)
    """Entries that were looked for in the store and are to be trained."""
    fates: dict[str, Fate] = field(default_factory=dict, init=False)
    sharing: dict[str, Entry] = field(default_factory=dict, init=False)
    """Entries that may start now and are left to be started together with those of other runs."""
    parking: Parking = field(init=False)
    """Entries that wait for people."""
    frontier: Frontier = field(init=False)
    """What may start now."""
    trouble: str | None = field(default=None, init=False)
    """Why the store or the ledger cannot be used any more."""
    heard_until: int = field(default=0, init=False)
    """The last event of another process that was taken in."""
    asked_to_stop: bool = field(default=False, init=False)
    """Whether the attempts know that they shall end after their rounds."""

    def __post_init__(self) -> None:
        self.frontier, self.parking = Frontier(self.plan), Parking(self.ledger, self.name)

    @property
    def fates_of_all(self) -> dict[str, Fate]:
        """What has become of every entry, whether it was started or not."""
        return {entry.name: self._fate(entry) for entry in self.plan.entries}

    # --- starting --------------------------------------------------------------------------------

    def begin(self) -> bool:
        """Start what may start; whether anything was found done, which may let more start."""
        if self.stop.level or self.trouble is not None:
            return False
        found = False
        for entry in self.frontier.take_new():
            if entry.name in self.closed:
                continue
            if self._look(entry):
                found = True
            else:
                self.frontier.put(entry, queue_of(entry.spec.resources))
        has_room = lambda queue: self.executor.slots(queue) > 0 and not self.stop.level  # noqa: E731
        for entry in self.frontier.start(has_room):
            # It may have been looked at twice, or closed since.
            places = (self.started, self.elsewhere, self.closed, self.parking.keys)
            if entry.name not in self.missing or any(entry.name in place for place in places):
                continue
            if self.sizes is not None and self.sizes.most(entry) > 1:
                self.sharing[entry.name] = entry
            elif (order := self.claim(entry)) is not None:
                self.executor.submit(order)
        return found

    def _look(self, entry: Entry) -> bool:
        """Whether an entry is done already."""
        ticket = key_of(entry, self.done)
        self.store.refer(self.name, entry.name, ticket.key)
        done = self.store.done(ticket.key)
        if done is None:
            self.missing[entry.name] = ticket
            return False
        self._note_done(entry, done, Fate("reused", gate_passed=done.gate_passed))
        self.tell(entry.name, "reused", gate_passed=done.gate_passed, rounds=done.rounds)
        return True

    def claim(self, entry: Entry) -> Order | None:
        """The order to train an entry; None where somebody else trains it, or has done so."""
        ticket = self.missing[entry.name]
        self.sharing.pop(entry.name, None)
        if self.parking.still_waits(entry.name, ticket.key):
            self.tell(entry.name, "parked", text=self.parking.reasons[entry.name])
            return None
        self.store.put_inputs(ticket)
        queue = queue_of(entry.spec.resources)
        if self.executor.remote:
            order = Order(self.name, ticket.key, 0, queue)
            self.started[entry.name] = order
            return order
        claim = self.ledger.claim(ticket.key, self.name, entry.name, self.owner)
        if claim is not None and self.store.done(ticket.key) is not None:
            # Another run has done it since it was looked for: a slot may have been long in coming.
            self.ledger.release(ticket.key, claim.fence, "done")
            claim = None
        if claim is None:
            self.elsewhere[entry.name] = ticket.key
            self.tell(entry.name, "elsewhere", text="another run trains it now")
            return None
        order = Order(self.name, ticket.key, claim.fence, queue)
        self.started[entry.name] = order
        self.tell(entry.name, "started", key=ticket.key, stored=len(self.store.manifests(ticket.key)))
        return order

    # --- ending ----------------------------------------------------------------------------------

    def going_on(self) -> bool:
        """Whether something is under way that is worth waiting for."""
        if (self.stop.level or self.trouble is not None) and not self.asked_to_stop:
            self.asked_to_stop = True
            self.executor.cancel(now=False)
        worth_it = bool(self.elsewhere) or (self.waits and bool(self.parking))
        waiting = worth_it and not self.stop.level and self.trouble is None
        return self.stop.level < 2 and (bool(self.started) or waiting)

    def settle(self, answers: Sequence[Answer]) -> None:
        """Take in what has ended, here and elsewhere."""
        for answer in answers:
            del self.started[answer.order.entry]
            self._take_in(answer)
        for name, key in list(self.elsewhere.items()):
            claim = self.ledger.look(key)
            if claim is None or not claim.is_live:
                del self.elsewhere[name]
                del self.missing[name]  # it may be done: look again
                self.frontier.again(name)

    def look_for_answers(self) -> None:
        """Let go on what people have answered enough for, and say how far the rest is."""
        ready, told = self.parking.look()
        for name in ready:
            del self.missing[name]  # another run may have gone on with it: look again
            self.frontier.again(name)
        for name, words in told.items():
            self.tell(name, "people", text=words)

    def hear_wishes(self) -> None:
        """Take in what people have asked for elsewhere: to stop, or to try again."""
        if "" in self.ledger.cancelled(self.name):
            self.stop.level = max(1, self.stop.level)
        for event in self.ledger.events_after(self.name, self.heard_until, kinds=["retry"]):
            self.heard_until = event.id
            self._open_again(event.entry)

    def _open_again(self, name: str | None) -> None:
        """Forget that an entry failed, or all that did, and that others wait for it."""
        again = [one for one in self.closed if name in {None, one} and self.fates[one].state == "failed"]
        for one in again:
            del self.closed[one], self.fates[one]
            self.missing.pop(one, None)
            self.frontier.again(one)
        blocked = blocked_by(self.plan, self.closed)
        for one, fate in list(self.fates.items()):
            if fate.state == "waiting" and one not in blocked:
                del self.fates[one]

    def give_back(self) -> None:
        """Free what was started and has not ended, for whoever comes next."""
        for order in self.started.values():
            with contextlib.suppress(StoreError):
                self.ledger.release(order.key, order.fence, "free")

    def settle_done(self) -> None:
        """See that the ledger calls done what the store does.

        An attempt may have been killed between the two, or the ledger's server have crashed since.
        """
        trained = [name for name, fate in self.fates.items() if fate.state == "trained"]
        news = {name: News("done", {"gate_passed": self.done[name].gate_passed}) for name in trained}
        if self.done:
            self.ledger.settle(self.name, [done.key for done in self.done.values()], news)

    def _take_in(self, answer: Answer) -> None:
        order, name = answer.order, answer.order.entry
        entry = self.plan.by_name[name]
        # Whatever the executor says: done is what the store says is done.
        done = self.store.done(order.key)
        if done is not None:
            self._note_done(entry, done, Fate("trained", gate_passed=done.gate_passed))
        elif answer.end is End.FAILED:
            claim = self.ledger.look(order.key)
            self._close(name, (claim.reason if claim else None) or answer.text)
        elif answer.end is End.UNREACHABLE:
            self.ledger.release(order.key, order.fence, "free")
            self.trouble = answer.text
        elif answer.end is End.CANCELLED:
            self._close(name, f"cancelled; `rrm retry {self.name} {name}` trains it after all")
        elif answer.end is End.PARKED:
            held = self.ledger.look(order.key)
            self.parking.put(name, order.key, (held.reason if held else None) or "questions are open")
            return
        elif answer.end is End.STOPPED:
            self.fates[name] = Fate("stopped", "stopped after a round; the same command goes on")
        elif answer.end is not End.REPLACED:
            self._lose(answer)
        if name in self.missing and name not in self.closed:
            self.frontier.again(name)

    def _lose(self, answer: Answer) -> None:
        """An attempt that was killed is tried again, unless it keeps being killed."""
        order = answer.order
        losses = self.ledger.lose(order.key, order.fence)
        if losses < MOST_LOSSES:
            self.tell(order.entry, "lost", text=f"{answer.text}; trying again")
            return
        reason = f"given up after {losses} attempts in a row: {answer.text}"
        self.ledger.release(order.key, order.fence, "failed", reason, News("failed", {"text": reason}))
        self.heard()
        self._close(order.entry, reason)

    def _note_done(self, entry: Entry, done: Done, fate: Fate) -> None:
        self.done[entry.name] = done
        self.fates[entry.name] = fate
        self.missing.pop(entry.name, None)
        if self.sizes is not None:
            self.sizes.learn(entry, done)
        if misses_gate(entry, done):
            self.closed[entry.name] = "its gate was missed"
            self._tell_blocked()
        else:
            self.frontier.end(entry.name)

    def _close(self, name: str, reason: str) -> None:
        self.closed[name] = reason
        self.fates[name] = Fate("failed", reason)
        self._tell_blocked()

    def _tell_blocked(self) -> None:
        for name, culprit in blocked_by(self.plan, self.closed).items():
            if name not in self.fates:
                self.fates[name] = Fate("waiting", f"waits for {culprit}")
                self.tell(name, "blocked", text=f"waits for {culprit}: {self.closed[culprit]}")

    def _fate(self, entry: Entry) -> Fate:
        if entry.name in self.fates:
            return self.fates[entry.name]
        if entry.name in self.parking.keys:
            return Fate("parked", self.parking.reasons[entry.name])
        if entry.name in self.started:
            return Fate("stopped", "stopped in the middle of a round; the same command goes on")
        return Fate("waiting", "not started yet")

    def tell(self, entry: str | None, kind: str, **data: object) -> None:
        """Write down what happened."""
        self.ledger.tell(self.name, entry, kind, data)
        self.heard()
