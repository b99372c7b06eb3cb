"""What a fleet needs of its ledger beside claims: tickets on their way, heartbeats, who works.

In: a database address. Out: which tickets to send, claims taken, what became of keys.
Touches that database alone.

A key's claim goes queued → claimed → done | failed | free. Schedulers queue, workers take; either
may die at any moment. Whatever a claim's row says, it says until a time: a queued key is sent again
when its time is over, a claimed one is lost when its lease is.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql

from rrm_tree.ledger import AGAIN_SECONDS, LEASE_SECONDS, Claim, ClaimState, Ledger, News, under
from rrm_tree.machine import is_gone
from rrm_tree.tables import cancels, claims, insert, workers


@dataclass(frozen=True, slots=True)
class Beat:
    """What a supervisor hears when it renews a lease."""

    held: bool
    """Whether the claim is still the newest on its key."""
    cancelled: bool
    """Whether the entry shall be trained no further."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that takes tickets, with what it offers to each attempt and to all together."""

    owner: str
    queues: tuple[str, ...]
    slots: int
    cpu: int
    gpu: int
    memory: int


class FleetLedger(Ledger):
    """A ledger as schedulers and workers of a fleet use it."""

    # --- schedulers ------------------------------------------------------------------------------

    def queue(self, run: str, keys: Mapping[str, str], owner: str) -> list[str]:
        """Mark keys as sent; those whose tickets are to be sent now.

        Left out are keys that somebody works on, and keys whose tickets another scheduler sent.

        Args:
            run: the run that wants them.
            keys: each key's entry.
            owner: who sends the tickets.
        """
        # In one order: two schedulers must not wait for each other's rows.
        names = sorted(keys)
        about = {"its_keys": names, "its_entries": [keys[name] for name in names]}
        rows = self._rows(self._statements.queue, its_run=run, its_owner=owner, **about)
        return [str(row.key) for row in rows]

    def send_again(self, claim: Claim, owner: str) -> bool:
        """Mark a key as sent once more; False where its claim has changed since it was read.

        A claim whose lease ran out counts as an attempt lost. A ticket of one's own may be sent
        again before its time.
        """
        lost = claim.state == "claimed" and not claim.was_given_back
        change = under(claim.key, claim.fence).where(claims.c.state == claim.state)
        if claim.state in {"queued", "claimed"} and claim.owner != owner and not is_gone(claim.owner):
            change = change.where(claims.c.lease_until <= self._now)
        sent = change.values(
            state="queued",
            owner=owner,
            lease_until=self._now + AGAIN_SECONDS,
            attempts=claims.c.attempts + (1 if lost else 0),
        )
        return self._change(sent) == 1

    def end(self, claim: Claim, state: ClaimState, reason: str | None) -> bool:
        """End a claim that nobody works under; False where it has changed since it was read."""
        change = under(claim.key, claim.fence).where(claims.c.state == claim.state)
        ended = change.values(state=state, reason=reason, lease_until=0.0)
        return self._change(ended) == 1

    # --- workers ---------------------------------------------------------------------------------

    def take(self, key: str, run: str, owner: str, news: News | None = None) -> Claim | None:
        """Win a key that a scheduler has queued; None where nobody has, or somebody works on it.

        A claim whose lease ran out counts as an attempt lost.
        """
        return self._win("take", key, {"its_run": run, "its_owner": owner}, news)

    def beat(self, claim: Claim) -> Beat:
        """Prolong one lease, and hear whether to go on."""

        def work(connection: sql.Connection) -> Beat:
            lease = under(claim.key, claim.fence).where(claims.c.state == "claimed")
            renewed = connection.execute(lease.values(lease_until=self._now + LEASE_SECONDS))
            wish = sql.select(cancels.c.entry).where(
                cancels.c.run == claim.run, cancels.c.entry.in_(["", claim.entry])
            )
            return Beat(renewed.rowcount == 1, connection.execute(wish).first() is not None)

        return self._do(work)

    def join(self, worker: Worker) -> None:
        """Say that a worker takes tickets, until its lease ends."""
        values: dict[str, Any] = {name: getattr(worker, name) for name in Worker.__slots__}
        values |= {"queues": json.dumps(worker.queues), "lease_until": self._now + LEASE_SECONDS}
        wish = insert(self.embedded, workers).values(values)
        wish = wish.on_conflict_do_update(index_elements=[workers.c.owner], set_=values)
        self._change(wish)

    def leave(self, owner: str) -> None:
        """Say that a worker takes no more tickets."""
        self._change(sql.delete(workers).where(workers.c.owner == owner))

    def fleet(self) -> list[Worker]:
        """Who takes tickets now."""
        wanted = sql.select(workers).where(workers.c.lease_until > self._now)
        found = [
            Worker(row.owner, tuple(json.loads(row.queues)), row.slots, row.cpu, row.gpu, row.memory)
            for row in self._rows(wanted)
        ]
        return [worker for worker in found if not is_gone(worker.owner)]

    def ended_of(self, keys: Collection[str]) -> dict[str, Claim]:
        """Those of the claims on these keys that are done or have failed."""
        return self._claims_in(self._statements.ended, keys)
