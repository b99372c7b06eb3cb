"""The statements that a ledger executes for every node, each built once.

In: which kind of database, its clock. Out: statements with names for what they are about.
Touches nothing. Building a statement takes several times longer than executing it.

    its_key, its_keys, its_run, its_runs, its_entry, its_entries, its_owner, its_fence,
    its_state, its_reason, its_kind, its_data
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql

from rrm_tree.tables import claims, events, insert

NO_FENCE = -1
"""Under which nobody ever held a claim."""

KEY, RUN, ENTRY = (sql.bindparam(f"its_{name}", type_=sql.String) for name in ("key", "run", "entry"))
OWNER, STATE, REASON = (
    sql.bindparam(f"its_{name}", type_=sql.String) for name in ("owner", "state", "reason")
)
KIND, DATA = (sql.bindparam(f"its_{name}", type_=sql.String) for name in ("kind", "data"))
FENCE = sql.bindparam("its_fence", type_=sql.BigInteger)

EVENT = ["at", "run", "entry", "kind", "data"]
"""What is written of an event; its number is given."""


@dataclass(frozen=True)
class Statements:
    """What is asked of one kind of database."""

    embedded: bool
    now: sql.ColumnElement[float]
    """The time by which leases end."""
    lease_seconds: float
    again_seconds: float
    """How long a ticket may be on its way."""
    _telling: dict[str, sql.Executable] = field(default_factory=dict, init=False)

    def listed(self, values: Collection[str]) -> object:
        """Many values as the one parameter that `its_keys` and the like stand for."""
        return json.dumps(list(values)) if self.embedded else list(values)

    # --- claims ----------------------------------------------------------------------------------

    @cached_property
    def columns(self) -> list[sql.ColumnElement[Any]]:
        """What a claim consists of: for the end of its lease, the seconds until then."""
        left = (claims.c.lease_until - self.now).label("seconds_left")
        return [left if one is claims.c.lease_until else one for one in claims.c]

    @cached_property
    def claim(self) -> sql.Executable:
        """Win a key that nobody holds, or that is held under `its_fence`."""
        free = sql.or_(claims.c.state != "claimed", claims.c.lease_until <= self.now, claims.c.fence == FENCE)
        first = {"key": KEY, "run": RUN, "entry": ENTRY, "state": "claimed", "owner": OWNER, "attempts": 0}
        first |= {"fence": self._clock, "lease_until": self.now + self.lease_seconds, "reason": sql.null()}
        again = {**first, "fence": self._next_fence}
        again["attempts"] = sql.case((claims.c.state == "claimed", claims.c.attempts), else_=0)
        return (
            insert(self.embedded, claims)
            .values(first)
            .on_conflict_do_update(index_elements=[claims.c.key], set_=again, where=free)
            .returning(*self.columns)
        )

    @cached_property
    def take(self) -> sql.Executable:
        """Win a key that is queued, or whose lease ran out, or that is held under `its_fence`."""
        over = sql.or_(claims.c.lease_until <= self.now, claims.c.fence == FENCE)
        able = sql.or_(claims.c.state == "queued", sql.and_(claims.c.state == "claimed", over))
        new = {"state": "claimed", "run": RUN, "fence": self._next_fence, "owner": OWNER}
        new |= {"lease_until": self.now + self.lease_seconds, "attempts": self._losses}
        return sql.update(claims).where(claims.c.key == KEY, able).values(new).returning(*self.columns)

    @cached_property
    def release(self) -> sql.Executable:
        """End a claim while its fence is the newest, if nobody has ended it."""
        change = sql.update(claims).where(
            claims.c.key == KEY, claims.c.fence == FENCE, claims.c.state.in_(("queued", "claimed"))
        )
        return change.values(state=STATE, reason=REASON, lease_until=0.0).returning(
            claims.c.run, claims.c.entry
        )

    @cached_property
    def confirm(self) -> sql.Executable:
        """Count no attempts lost, while its fence is the newest."""
        change = sql.update(claims).where(claims.c.key == KEY, claims.c.fence == FENCE).values(attempts=0)
        return change.returning(claims.c.run, claims.c.entry)

    @cached_property
    def lock(self) -> sql.Executable:
        """Let nobody else change the claims on some keys until the transaction ends."""
        # In one order, that of `queue`: two who lock must not wait for each other's rows.
        order = claims.c.key if self.embedded else sql.collate(claims.c.key, "C")
        held = sql.select(claims.c.key).where(self._is_among(claims.c.key, "its_keys"))
        return held.order_by(order).with_for_update()

    @cached_property
    def settle(self) -> sql.Executable:
        """Some keys are done, whoever holds them."""
        change = sql.update(claims).where(self._is_among(claims.c.key, "its_keys"))
        return change.values(state="done", reason=sql.null(), lease_until=0.0)

    @cached_property
    def look(self) -> sql.Executable:
        """The claims on some keys."""
        return sql.select(*self.columns).where(self._is_among(claims.c.key, "its_keys"))

    @cached_property
    def ended(self) -> sql.Executable:
        """Those that are done or have failed."""
        ended = claims.c.state.in_(("done", "failed"))
        return sql.select(*self.columns).where(self._is_among(claims.c.key, "its_keys"), ended)

    @cached_property
    def queue(self) -> sql.Executable:
        """Queue those of some keys that nobody works on and no ticket is on its way for; on a server."""
        wanted = sql.func.unnest(_many("its_keys"), _many("its_entries"))
        each = wanted.table_valued("key", "entry").render_derived()
        until = self.now + self.again_seconds
        new: dict[str, sql.ColumnElement[Any]] = {"key": each.c.key, "run": RUN, "entry": each.c.entry}
        new |= {"state": sql.literal("queued"), "fence": sql.literal(0), "owner": OWNER}
        new |= {"lease_until": until, "attempts": sql.literal(0)}
        again = {name: new[name] for name in ("run", "state", "owner", "lease_until")}
        again["attempts"] = sql.case((claims.c.state.in_(("done", "failed")), 0), else_=self._losses)
        due = sql.or_(
            claims.c.state.in_(("free", "parked", "done", "failed")), claims.c.lease_until <= self.now
        )
        return (
            postgresql.insert(claims)
            .from_select([*new], sql.select(*new.values()))
            .on_conflict_do_update(index_elements=[claims.c.key], set_=again, where=due)
            .returning(claims.c.key)
        )

    @property
    def _clock(self) -> sql.ColumnElement[int]:
        """The fence of a key's first holder: the time in microseconds.

        Not a count: a claim that a crash of the server took back would give its number out twice,
        unless every claim waited for the disk.
        """
        return sql.cast(self.now * 1e6, sql.BigInteger)

    @property
    def _next_fence(self) -> sql.ColumnElement[int]:
        """The fence of the next holder: higher than the last, whatever the clock says."""
        return sql.case((claims.c.fence >= self._clock, claims.c.fence + 1), else_=self._clock)

    @property
    def _losses(self) -> sql.ColumnElement[int]:
        """Attempts lost in a row: a lease that ran out is one; one that was given back was counted."""
        ran_out = sql.and_(claims.c.state == "claimed", claims.c.lease_until > 0)
        return sql.case((ran_out, claims.c.attempts + 1), else_=claims.c.attempts)

    # --- events ----------------------------------------------------------------------------------

    @cached_property
    def tell(self) -> sql.Executable:
        """Write an event down."""
        if not self.embedded:
            return self._write(sql.select(RUN.label("run"), ENTRY.label("entry"), _lock(RUN)).cte("locked"))
        row = sql.select(self.now, RUN, ENTRY, KIND, DATA)
        return sql.insert(events).from_select(EVENT, row)

    def telling(self, change: str) -> sql.Executable:
        """A change of claims by its name above, which writes an event for each too; on a server."""
        if change not in self._telling:
            changed = getattr(self, change).cte("changed")
            run = changed.c.run
            locked = sql.select(run, changed.c.entry, _lock(run)).cte("locked")
            told = self._write(locked).cte("told")
            self._telling[change] = sql.select(changed).add_cte(told)
        return self._telling[change]

    def _write(self, locked: sql.CTE) -> sql.Insert:
        """Write an event for each row of this, under the lock that the row has taken.

        One writer a run at a time, all its seeds together: a number that is committed late would be
        passed over by those who ask for what came after the last number they have seen. The row, its
        number with it, is made of what the lock gives.
        """
        row = sql.select(self.now, locked.c.run, locked.c.entry, KIND, DATA)
        return sql.insert(events).from_select(EVENT, row)

    def _is_among(self, column: sql.ColumnElement[str], name: str) -> sql.ColumnElement[bool]:
        """Whether a column has one of the values of a parameter that `listed` made."""
        if self.embedded:
            each = sql.func.json_each(sql.bindparam(name, type_=sql.String)).table_valued("value")
            return column.in_(sql.select(each.c.value))
        return column == sql.any_(_many(name))


def _lock(run: sql.ColumnElement[str]) -> sql.ColumnElement[Any]:
    """Be the only one to write events of a run, and of other seeds of it, until the transaction ends."""
    whole = sql.func.hashtextextended(sql.func.split_part(run, "/", 1), 0)
    return sql.func.pg_advisory_xact_lock(whole).label("lock")


def _many(name: str) -> sql.BindParameter[Any]:
    return sql.bindparam(name, type_=postgresql.ARRAY(sql.String))
