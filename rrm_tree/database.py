"""The database behind a ledger: statements as transactions, tried again while a server is away.

In: an address, statements. Out: what they give.
Touches that database alone.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, TypeVar

import sqlalchemy as sql
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError, SQLAlchemyError

from rrm_tree.errors import StoreError
from rrm_tree.tables import (
    DATABASE_NOW,
    hide_password,
    in_transactions,
    is_embedded,
    make_tables,
    open_engine,
)

HOPELESS = ("28", "3D")
"""SQLSTATE classes that waiting does not cure: a wrong password, a database that is not there."""

HOPELESS_WORDS = ("does not exist", "authentication failed", "no pg_hba.conf entry")
"""The same where no session came about: such errors carry words alone."""

Found = TypeVar("Found")


class Database:
    """The tables of a ledger, for those who write and read them."""

    durable = False
    """Whether a transaction waits until it would outlive a power cut."""

    def __init__(
        self, url: str, *, patience_seconds: float = 0.0, clock: Callable[[], float] = time.time
    ) -> None:
        """Open it; missing tables are made.

        Args:
            url: the database.
            patience_seconds: how long every call waits for a server that is away.
            clock: for an embedded database, whose clock is this machine's.

        Raises:
            StoreError: the database cannot be reached, read or written.
        """
        self.url = url
        self.embedded = is_embedded(url)
        # What is wrong with a file of this machine does not pass.
        self.patience_seconds = 0.0 if self.embedded else patience_seconds
        self._clock = clock
        self._alone = open_engine(url, durable=self.durable)
        self._engine = in_transactions(self._alone)
        # A connection that nobody closes is closed with this, by the process that opened it.
        weakref.finalize(self, _dispose, self._engine, os.getpid())
        self._do(make_tables)

    @cached_property
    def _now(self) -> sql.ColumnElement[float]:
        """The time by which leases end."""
        own = sql.bindparam(None, callable_=self._clock, type_=sql.Float(53))
        return own if self.embedded else DATABASE_NOW

    def now(self) -> float:
        """The time by which leases end."""
        return float(self._rows(sql.select(self._now))[0][0])

    def _rows(self, statement: sql.Executable, **about: object) -> Sequence[sql.Row[Any]]:
        """What one statement gives that is a transaction by itself, and so one trip to the server."""
        return self._do(lambda one: one.execute(statement, about).all(), self._alone)

    def _change(self, statement: sql.Executable, **about: object) -> int:
        """How many rows one statement changes, as a transaction by itself."""
        return self._do(lambda one: one.execute(statement, about).rowcount, self._alone)

    def _do(self, work: Callable[[sql.Connection], Found], engine: sql.Engine | None = None) -> Found:
        """What one transaction gives; tried again while a server is away."""
        end, wait = time.monotonic() + self.patience_seconds, 0.05
        while True:
            try:
                with (engine or self._engine).begin() as connection:
                    return work(connection)
            except IntegrityError:
                raise
            except SQLAlchemyError as error:
                if time.monotonic() + wait > end or not _may_pass(error):
                    raise self._explain(error) from error
                time.sleep(wait)
                wait = min(2 * wait, 1.0)

    def _explain(self, error: SQLAlchemyError) -> StoreError:
        cause = str(getattr(error, "orig", None) or error).strip()
        cure = (
            "check that its disk has room and may be written"
            if self.embedded
            else "check that the server runs and that RRM_LEDGER names it; `rrm doctor` says more"
        )
        return StoreError(
            f"the ledger {hide_password(self.url)} cannot be used: {cause}; {cure}. "
            "It may also be deleted: nothing learned is in it"
        )

    def close(self) -> None:
        """Give the connections back; the next call opens new ones."""
        self._engine.dispose()


def _dispose(engine: sql.Engine, opener: int) -> None:
    # In a fork the connections are still its parent's.
    engine.dispose(close=os.getpid() == opener)


def _may_pass(error: SQLAlchemyError) -> bool:
    """Whether the trouble is one of those that end by themselves: a server that restarts."""
    if not isinstance(error, OperationalError | InterfaceError | DBAPIError):
        return False
    away = isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
    code = str(getattr(error.orig, "sqlstate", None) or "")
    # A connection that was refused carries no code, only words.
    is_hopeless = code.startswith(HOPELESS) or any(words in str(error.orig) for words in HOPELESS_WORDS)
    return bool(away) and not is_hopeless
