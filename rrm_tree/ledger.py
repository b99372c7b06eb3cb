"""Who works on what, and what happened: runs, claims with leases and fences, events.

In: a database address, times as arguments. Out: claims won or refused, events in order.
Touches that database alone. Losing it loses nothing that was learned.

    runs      run, owner, lease_until                       who schedules a run
    claims    key, run, entry, state, fence, owner,
              lease_until, attempts, reason                 who may commit under a key
    events    id, at, run, entry, kind, data                append-only

A claim is won by compare-and-set on its fence, so that two claimants cannot both win on SQLite
or on PostgreSQL.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sql
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from rrm_tree.errors import StoreError
from rrm_tree.machine import is_gone

log = logging.getLogger(__name__)

LEASE_SECONDS = 30.0
RENEW_SECONDS = 10.0

ClaimState = Literal["claimed", "free", "done", "failed"]

metadata = sql.MetaData()

runs = sql.Table(
    "runs",
    metadata,
    sql.Column("run", sql.String, primary_key=True),
    sql.Column("owner", sql.String, nullable=False),
    sql.Column("lease_until", sql.Float, nullable=False),
)

claims = sql.Table(
    "claims",
    metadata,
    sql.Column("key", sql.String, primary_key=True),
    sql.Column("run", sql.String, nullable=False),
    sql.Column("entry", sql.String, nullable=False),
    sql.Column("state", sql.String, nullable=False),
    sql.Column("fence", sql.Integer, nullable=False),
    sql.Column("owner", sql.String, nullable=False),
    sql.Column("lease_until", sql.Float, nullable=False),
    sql.Column("attempts", sql.Integer, nullable=False),
    sql.Column("reason", sql.String),
    sql.Index("claims_by_run", "run"),
)

events = sql.Table(
    "events",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("at", sql.Float, nullable=False),
    sql.Column("run", sql.String, nullable=False),
    sql.Column("entry", sql.String),
    sql.Column("kind", sql.String, nullable=False),
    sql.Column("data", sql.String, nullable=False),
    sql.Index("events_by_run", "run", "id"),
)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to train one key, for as long as its fence is the newest."""

    key: str
    run: str
    entry: str
    state: ClaimState
    fence: int
    owner: str
    lease_until: float
    attempts: int
    """Attempts lost in a row: killed, with no round stored since."""
    reason: str | None

    def is_live(self, now: float) -> bool:
        """Whether somebody still works under it: the lease runs and its owner is not known dead."""
        return self.state == "claimed" and self.lease_until > now and not is_gone(self.owner)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, as it was written down."""

    id: int
    at: float
    run: str
    entry: str | None
    kind: str
    data: Mapping[str, Any]


class Ledger:
    """The tables of one database."""

    def __init__(self, url: str) -> None:
        """Open a ledger; missing tables are made.

        Raises:
            StoreError: the database cannot be reached, read or written.
        """
        self.url = url
        embedded = url.startswith("sqlite")
        # SQLite files are cheap to open and a handle must not outlive a use: no pool.
        self._engine = sql.create_engine(url, poolclass=NullPool if embedded else None)
        if embedded:
            event.listen(self._engine, "connect", _prepare_sqlite)
        with self._begin() as connection:
            for table in metadata.sorted_tables:
                connection.execute(sql.schema.CreateTable(table, if_not_exists=True))
                for index in table.indexes:
                    connection.execute(sql.schema.CreateIndex(index, if_not_exists=True))

    @contextmanager
    def _begin(self) -> Iterator[sql.Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise StoreError(
                f"the ledger {self.url} cannot be used: {cause}; check that its disk has room and may be "
                "written. It may also be deleted: nothing learned is in it"
            ) from error

    # --- runs ------------------------------------------------------------------------------------

    def begin_run(self, run: str, owner: str, now: float) -> str | None:
        """Register who schedules a run; the owner who already does, and is alive, if there is one."""
        values = {"run": run, "owner": owner, "lease_until": now + LEASE_SECONDS}
        with self._begin() as connection:
            row = connection.execute(sql.select(runs).where(runs.c.run == run)).first()
        if row is not None and row.owner != owner and row.lease_until > now and not is_gone(row.owner):
            return str(row.owner)
        try:
            with self._begin() as connection:
                connection.execute(sql.delete(runs).where(runs.c.run == run))
                connection.execute(sql.insert(runs).values(values))
        except IntegrityError:
            return "another process"
        return None

    def end_run(self, run: str, owner: str) -> None:
        """Take back what `begin_run` registered."""
        with self._begin() as connection:
            connection.execute(sql.delete(runs).where(runs.c.run == run, runs.c.owner == owner))

    def live_runs(self, now: float) -> list[str]:
        """Runs that somebody schedules, or trains for, now."""
        with self._begin() as connection:
            scheduled = connection.execute(sql.select(runs).where(runs.c.lease_until > now)).all()
            trained = connection.execute(
                sql.select(claims).where(claims.c.state == "claimed", claims.c.lease_until > now)
            ).all()
        return sorted({str(row.run) for row in (*scheduled, *trained) if not is_gone(row.owner)})

    # --- claims ----------------------------------------------------------------------------------

    def claim(self, key: str, run: str, entry: str, owner: str, now: float) -> Claim | None:
        """Win the right to train a key; None where somebody alive holds it."""
        held = self.look(key)
        if held is not None and held.is_live(now):
            return None
        fence = 0 if held is None else held.fence
        attempts = 0 if held is None or held.state != "claimed" else held.attempts
        won = Claim(key, run, entry, "claimed", fence + 1, owner, now + LEASE_SECONDS, attempts, None)
        values = {name: getattr(won, name) for name in Claim.__slots__}
        try:
            with self._begin() as connection:
                if held is None:
                    connection.execute(sql.insert(claims).values(values))
                    return won
                # Compare and set: whoever read the same fence and came second changes no row.
                changed = connection.execute(_under(key, fence).values(values))
                return won if changed.rowcount == 1 else None
        except IntegrityError:
            return None

    def look(self, key: str) -> Claim | None:
        """The claim on a key as it stands."""
        with self._begin() as connection:
            row = connection.execute(sql.select(claims).where(claims.c.key == key)).first()
        return None if row is None else Claim(**row._mapping)

    def claims_of(self, keys: Collection[str]) -> dict[str, Claim]:
        """The claims on these keys, as they stand."""
        with self._begin() as connection:
            rows = connection.execute(sql.select(claims).where(claims.c.key.in_(keys))).all()
        return {row.key: Claim(**row._mapping) for row in rows}

    def holds(self, key: str, fence: int) -> bool:
        """Whether a claim is still the newest on its key."""
        held = self.look(key)
        return held is not None and held.state == "claimed" and held.fence == fence

    def confirm(self, key: str, fence: int) -> None:
        """Note that a round was stored: attempts lost before it no longer count."""
        with self._begin() as connection:
            connection.execute(_under(key, fence).values(attempts=0))

    def lose(self, key: str, fence: int) -> int:
        """End a claim whose attempt was killed; how many were lost in a row."""
        with self._begin() as connection:
            connection.execute(_under(key, fence).values(attempts=claims.c.attempts + 1, lease_until=0.0))
        held = self.look(key)
        return 0 if held is None else held.attempts

    def renew(self, owner: str, now: float) -> None:
        """Prolong every lease of an owner."""
        until = now + LEASE_SECONDS
        with self._begin() as connection:
            for table in (claims, runs):
                connection.execute(sql.update(table).where(table.c.owner == owner).values(lease_until=until))

    def release(self, key: str, fence: int, state: ClaimState, reason: str | None = None) -> bool:
        """End a claim under its fence; False where a newer one has taken its place."""
        with self._begin() as connection:
            changed = connection.execute(
                _under(key, fence).values(state=state, reason=reason, lease_until=0.0)
            )
        return changed.rowcount == 1

    # --- events ----------------------------------------------------------------------------------

    def tell(self, run: str, entry: str | None, kind: str, data: Mapping[str, Any], now: float) -> None:
        """Write down what happened."""
        values = {"at": now, "run": run, "entry": entry, "kind": kind, "data": json.dumps(data)}
        with self._begin() as connection:
            connection.execute(sql.insert(events).values(values))

    def events_after(self, run: str, last: int) -> list[Event]:
        """What happened in a run since the event with this number, in order."""
        wanted = sql.select(events).where(events.c.run == run, events.c.id > last).order_by(events.c.id)
        with self._begin() as connection:
            rows = connection.execute(wanted).all()
        return [Event(row.id, row.at, row.run, row.entry, row.kind, json.loads(row.data)) for row in rows]

    def last_event(self, run: str) -> int:
        """The number of a run's newest event; 0 for none."""
        wanted = sql.select(sql.func.max(events.c.id)).where(events.c.run == run)
        with self._begin() as connection:
            return int(connection.execute(wanted).scalar() or 0)


def _under(key: str, fence: int) -> sql.Update:
    return sql.update(claims).where(claims.c.key == key, claims.c.fence == fence)


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 30000")
    cursor.execute("PRAGMA journal_mode = WAL")
    # A power cut may lose the last events, never the file; what was learned is not in it.
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()
