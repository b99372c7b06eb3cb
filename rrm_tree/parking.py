"""Entries of a run that wait for people, and when they may go on.

In: what was parked, a ledger. Out: what has been answered, how far the rest is in words.
Touches the ledger, which it reads.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from rrm_tree.attempt import say_waiting
from rrm_tree.desk import Desk
from rrm_tree.ledger import Ledger


@dataclass
class Parking:
    """What of one run is parked."""

    ledger: Ledger
    run: str
    keys: dict[str, str] = field(default_factory=dict)
    """Of every parked entry."""
    reasons: dict[str, str] = field(default_factory=dict)
    """What each waits for, in words."""

    @cached_property
    def _desk(self) -> Desk:
        return Desk(self.ledger.url, patience_seconds=self.ledger.patience_seconds)

    @cached_property
    def _before(self) -> frozenset[str]:
        """What was parked when the run began: somebody may be answering still."""
        return self.ledger.parked()

    def __bool__(self) -> bool:
        return bool(self.keys)

    def put(self, name: str, key: str, reason: str) -> None:
        """Note that an entry waits."""
        self.keys[name], self.reasons[name] = key, reason

    def still_waits(self, name: str, key: str) -> bool:
        """Whether an entry was parked before this run began, and lacks answers; then it is noted."""
        waiting = self._desk.waiting([key]) if key in self._before else {}
        if key in waiting:
            self.put(name, key, say_waiting(waiting[key].open, waiting[key].questions, self.run))
        return key in waiting

    def look(self) -> tuple[list[str], dict[str, str]]:
        """Entries that may go on, which wait no longer; and what has changed about the others, in words."""
        if not self.keys:
            return [], {}
        waiting = self._desk.waiting(list(self.keys.values()))
        ready = [name for name, key in self.keys.items() if key not in waiting]
        for name in ready:
            del self.keys[name], self.reasons[name]
        told = {}
        for name, key in self.keys.items():
            words = say_waiting(waiting[key].open, waiting[key].questions, self.run)
            if words != self.reasons[name]:
                self.reasons[name] = told[name] = words
        return ready, told
