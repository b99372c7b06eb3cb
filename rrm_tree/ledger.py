"""Who works on what, and what happened: runs, claims with leases and fences, events.

In: a database address. Out: claims won or refused, events in order.
Touches that database alone. Losing it loses nothing that was learned.

A claim is won by compare-and-set in one statement, so that two claimants cannot both win on
SQLite or on PostgreSQL. Whether a lease has ended is decided by the database's clock: machines of
a fleet need not agree on the time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import sqlalchemy as sql
from sqlalchemy.exc import IntegrityError

from rrm_tree.database import Database
from rrm_tree.machine import is_gone
from rrm_tree.statements import NO_FENCE, Statements
from rrm_tree.tables import cancels, claims, events, insert, runs

LEASE_SECONDS = float(os.environ.get("RRM_LEASE_SECONDS", "30"))
"""How long a claim lasts that is not renewed; the same for the whole fleet."""
RENEW_SECONDS = LEASE_SECONDS / 3

PATIENCE_SECONDS = 60.0
"""How long those who work for hours wait for a server that is away."""

AGAIN_SECONDS = 60.0
"""After this time a ticket that nobody took is sent again: it may have been lost."""

AGES = 1e8
"""Seconds; no lease that ran out by itself is seen so late."""

ClaimState = Literal["queued", "claimed", "free", "parked", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to train one key, for as long as its fence is the newest."""

    key: str
    run: str
    entry: str
    state: ClaimState
    fence: int
    owner: str
    seconds_left: float
    """Until its lease ends, by the database's clock; negative afterwards."""
    attempts: int
    """Attempts lost in a row: killed, with no round stored since."""
    reason: str | None

    @property
    def is_live(self) -> bool:
        """Whether somebody works under it: the lease runs and its owner is not known to be dead."""
        return self.state == "claimed" and self.seconds_left > 0 and not is_gone(self.owner)

    @property
    def was_given_back(self) -> bool:
        """Whether its lease was ended on purpose, not by time: it was set to the beginning of 1970."""
        return self.seconds_left < -AGES


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told of a change of a claim, if the change happens."""

    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as it was written down."""

    id: int
    at: float
    run: str
    entry: str | None
    kind: str
    data: Mapping[str, Any]


class Ledger(Database):
    """Runs, claims and events in one database."""

    @cached_property
    def _statements(self) -> Statements:
        return Statements(self.embedded, self._now, LEASE_SECONDS, AGAIN_SECONDS)

    def _claims_changed(self, change: str, news: News | None, **about: object) -> Sequence[sql.Row[Any]]:
        """The claims that one of `Statements` has changed, the news of each written in the same transaction.

        No kill comes between the two, and a server is asked once.
        """
        statement = getattr(self._statements, change)
        if news is None:
            return self._rows(statement, **about)
        told = {"its_kind": news.kind, "its_data": json.dumps(news.data)}
        if not self.embedded:
            return self._rows(self._statements.telling(change), **about, **told)

        def work(connection: sql.Connection) -> Sequence[sql.Row[Any]]:
            rows = connection.execute(statement, about).all()
            for row in rows:
                of = {"its_run": row.run, "its_entry": row.entry}
                connection.execute(self._statements.tell, {**of, **told})
            return rows

        return self._do(work)

    # --- runs ------------------------------------------------------------------------------------

    def begin_run(self, run: str, owner: str) -> str | None:
        """Register who schedules a run; the owner who already does, and is alive, if there is one."""

        def work(connection: sql.Connection) -> str | None:
            left = (runs.c.lease_until - self._now).label("left")
            row = connection.execute(sql.select(runs.c.owner, left).where(runs.c.run == run)).first()
            if row is not None and row.owner != owner and row.left > 0 and not is_gone(row.owner):
                return str(row.owner)
            values = {"run": run, "owner": owner, "lease_until": self._now + LEASE_SECONDS}
            connection.execute(sql.delete(runs).where(runs.c.run == run))
            connection.execute(sql.insert(runs).values(values))
            return None

        try:
            return self._do(work)
        except IntegrityError:
            return "another process"

    def end_run(self, run: str, owner: str) -> None:
        """Take back what `begin_run` registered."""
        self._change(sql.delete(runs).where(runs.c.run == run, runs.c.owner == owner))

    def scheduler_of(self, run: str) -> str | None:
        """Who schedules a run now."""
        wanted = sql.select(runs.c.owner).where(runs.c.run == run, runs.c.lease_until > self._now)
        owners = [str(row.owner) for row in self._rows(wanted)]
        return next((owner for owner in owners if not is_gone(owner)), None)

    def live_runs(self) -> list[str]:
        """Runs that somebody schedules, or trains for, now."""

        def work(connection: sql.Connection) -> list[sql.Row[Any]]:
            scheduled = sql.select(runs.c.run, runs.c.owner).where(runs.c.lease_until > self._now)
            trained = sql.select(claims.c.run, claims.c.owner).where(
                claims.c.state == "claimed", claims.c.lease_until > self._now
            )
            return [*connection.execute(scheduled), *connection.execute(trained)]

        return sorted({str(row.run) for row in self._do(work) if not is_gone(row.owner)})

    # --- claims ----------------------------------------------------------------------------------

    def claim(self, key: str, run: str, entry: str, owner: str) -> Claim | None:
        """Win the right to train a key; None where somebody alive holds it."""
        return self._win("claim", key, {"its_run": run, "its_entry": entry, "its_owner": owner})

    def _win(
        self, change: str, key: str, about: Mapping[str, object], news: News | None = None
    ) -> Claim | None:
        """Win a key that is free; if not, one whose owner is known to be dead, though its lease would run."""
        rows = self._claims_changed(change, news, its_key=key, its_fence=NO_FENCE, **about)
        held = None if rows else self.look(key)
        if held is not None and held.state == "claimed" and is_gone(held.owner):
            rows = self._claims_changed(change, news, its_key=key, its_fence=held.fence, **about)
        return Claim(**rows[0]._mapping) if rows else None

    def look(self, key: str) -> Claim | None:
        """The claim on a key as it stands."""
        return self.claims_of([key]).get(key)

    def claims_of(self, keys: Collection[str]) -> dict[str, Claim]:
        """The claims on these keys, as they stand."""
        return self._claims_in(self._statements.look, keys)

    def _claims_in(self, statement: sql.Executable, keys: Collection[str]) -> dict[str, Claim]:
        rows = self._rows(statement, its_keys=self._statements.listed(keys))
        return {row.key: Claim(**row._mapping) for row in rows}

    def parked(self) -> frozenset[str]:
        """Every key that waits for people."""
        return frozenset(
            row.key for row in self._rows(sql.select(claims.c.key).where(claims.c.state == "parked"))
        )

    def holds(self, key: str, fence: int) -> bool:
        """Whether a claim is still the newest on its key."""
        held = self.look(key)
        return held is not None and held.state == "claimed" and held.fence == fence

    def confirm(self, key: str, fence: int, news: News | None = None) -> None:
        """Note that a round was stored: attempts lost before it no longer count."""
        self._claims_changed("confirm", news, its_key=key, its_fence=fence)

    def lose(self, key: str, fence: int, reason: str | None = None) -> int:
        """End a claim whose attempt was killed; how many were lost in a row."""
        # A lease that is over already was counted: an answer of the server may have been lost.
        change = under(key, fence).where(claims.c.lease_until > 0)
        lost = change.values(attempts=claims.c.attempts + 1, lease_until=0.0, reason=reason)
        self._change(lost)
        held = self.look(key)
        return 0 if held is None else held.attempts

    def renew(self, owner: str) -> None:
        """Prolong every lease of an owner."""

        def work(connection: sql.Connection) -> None:
            for table in (claims, runs):
                until = self._now + LEASE_SECONDS
                connection.execute(sql.update(table).where(table.c.owner == owner).values(lease_until=until))

        self._do(work)

    def release(
        self, key: str, fence: int, state: ClaimState, reason: str | None = None, news: News | None = None
    ) -> bool:
        """End a claim under its fence, once; False where a newer one has taken its place."""
        about = {"its_key": key, "its_fence": fence, "its_state": state, "its_reason": reason}
        if self._claims_changed("release", news, **about):
            return True
        held = self.look(key)
        return held is not None and held.fence == fence

    def settle(self, run: str, keys: Collection[str], news: Mapping[str, News]) -> None:
        """Say of keys that they are done, though a kill or a crash has taken that back.

        When this returns, no crash of the server takes back what was written before.

        Args:
            run: who says so.
            keys: what the store has as done.
            news: what is told of each entry, if nothing of that kind has been told of it in this run.
        """
        among = {"its_keys": self._statements.listed(sorted(keys))}

        def work(connection: sql.Connection) -> None:
            if not self.embedded:
                connection.execute(sql.text("SET LOCAL synchronous_commit TO on"))
            connection.execute(self._statements.lock, among)
            connection.execute(self._statements.settle, among)
            known = sql.select(events.c.entry, events.c.kind).where(events.c.run == run)
            told = {(row.entry, row.kind) for row in connection.execute(known)}
            for entry, one in news.items():
                if (entry, one.kind) not in told:
                    about = {"its_kind": one.kind, "its_data": json.dumps(one.data)}
                    connection.execute(self._statements.tell, {"its_run": run, "its_entry": entry, **about})

        self._do(work)

    # --- what shall not be trained ---------------------------------------------------------------

    def cancel(self, run: str, entry: str | None) -> None:
        """Ask that an entry of a run, or all of it, be trained no further."""
        values = {"run": run, "entry": entry or ""}
        wish = insert(self.embedded, cancels).values(values).on_conflict_do_nothing()
        self._change(wish)

    def uncancel(self, run: str, entry: str | None) -> None:
        """Take back what `cancel` asked for; for the whole run, of all its entries and seeds."""
        wish = sql.delete(cancels)
        if entry is None:
            wish = wish.where(
                sql.or_(cancels.c.run == run, cancels.c.run.startswith(f"{run}/", autoescape=True))
            )
        else:
            wish = wish.where(cancels.c.run == run, cancels.c.entry.in_([entry, ""]))
        self._change(wish)

    def cancelled(self, run: str) -> frozenset[str]:
        """Entries of a run that shall not be trained; an empty name stands for all of them."""
        wanted = sql.select(cancels.c.entry).where(cancels.c.run == run)
        return frozenset(str(row.entry) for row in self._rows(wanted))

    # --- events ----------------------------------------------------------------------------------

    def tell(self, run: str, entry: str | None, kind: str, data: Mapping[str, Any]) -> None:
        """Write down what happened."""
        about = {"its_run": run, "its_entry": entry, "its_kind": kind, "its_data": json.dumps(data)}
        self._change(self._statements.tell, **about)

    def events_after(self, run: str, last: int, kinds: Collection[str] = ()) -> list[Event]:
        """What happened in a run since the event with this number, in order; all kinds if none is named."""
        return self.events_of([run], last, kinds)

    def events_of(self, runs: Collection[str], last: int, kinds: Collection[str] = ()) -> list[Event]:
        """The same of several runs together."""
        wanted = sql.select(events).where(events.c.run.in_(runs), events.c.id > last).order_by(events.c.id)
        if kinds:
            wanted = wanted.where(events.c.kind.in_(kinds))
        return [_read_event(row) for row in self._rows(wanted)]

    def newest_events(self, runs: Collection[str], most: int, without: Collection[str] = ()) -> list[Event]:
        """What happened last in several runs, the newest first, some kinds left out."""
        wanted = sql.select(events).where(events.c.run.in_(runs), events.c.kind.not_in(without))
        rows = self._rows(wanted.order_by(events.c.id.desc()).limit(most))
        return [_read_event(row) for row in rows]

    def last_event(self, run: str) -> int:
        """The number of a run's newest event; 0 for none."""
        wanted = sql.select(sql.func.max(events.c.id)).where(events.c.run == run)
        return int(self._rows(wanted)[0][0] or 0)


def _read_event(row: sql.Row[Any]) -> Event:
    return Event(row.id, row.at, row.run, row.entry, row.kind, json.loads(row.data))


def under(key: str, fence: int) -> sql.Update:
    """A change of a claim that happens only while its fence is the newest."""
    return sql.update(claims).where(claims.c.key == key, claims.c.fence == fence)
