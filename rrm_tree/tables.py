"""The tables of a ledger, and what differs between the databases that hold them.

In: a database address. Out: an engine with the tables in it, its clock.
Touches that database alone, when tables are made.

    runs      run, owner, lease_until                       who schedules a run
    claims    key, run, entry, state, fence, owner,
              lease_until, attempts, reason                 who may commit under a key
    cancels   run, entry                                    what shall not be trained
    workers   owner, queues, slots, ..., lease_until        who takes tickets
    events    id, at, run, entry, kind, data                append-only
    batches   key, number, run, entry, ..., state           what a parked node has put to people
    questions id, key, batch, item, ..., state              one item of a batch each
    answers   question, person, state, lease_until, ...     who looks at a question, or what was said
    moves     question, person, moves                       what was done, where an answer is an episode
    people    key, person, number                           in what order people came to a key
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite

from rrm_tree.errors import StoreError

metadata = sql.MetaData()

runs = sql.Table(
    "runs",
    metadata,
    sql.Column("run", sql.String, primary_key=True),
    sql.Column("owner", sql.String, nullable=False),
    sql.Column("lease_until", sql.Float(53), nullable=False),
)

claims = sql.Table(
    "claims",
    metadata,
    sql.Column("key", sql.String, primary_key=True),
    sql.Column("run", sql.String, nullable=False),
    sql.Column("entry", sql.String, nullable=False),
    sql.Column("state", sql.String, nullable=False),
    sql.Column("fence", sql.BigInteger, nullable=False),
    sql.Column("owner", sql.String, nullable=False),
    sql.Column("lease_until", sql.Float(53), nullable=False),
    sql.Column("attempts", sql.Integer, nullable=False),
    sql.Column("reason", sql.String),
    sql.Index("claims_by_run", "run"),
)

cancels = sql.Table(
    "cancels",
    metadata,
    sql.Column("run", sql.String, primary_key=True),
    # Empty for the whole run.
    sql.Column("entry", sql.String, primary_key=True),
)

workers = sql.Table(
    "workers",
    metadata,
    sql.Column("owner", sql.String, primary_key=True),
    sql.Column("queues", sql.String, nullable=False),
    sql.Column("slots", sql.Integer, nullable=False),
    sql.Column("cpu", sql.Integer, nullable=False),
    sql.Column("gpu", sql.Integer, nullable=False),
    sql.Column("memory", sql.BigInteger, nullable=False),
    sql.Column("lease_until", sql.Float(53), nullable=False),
)

events = sql.Table(
    "events",
    metadata,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=True),
    sql.Column("at", sql.Float(53), nullable=False),
    sql.Column("run", sql.String, nullable=False),
    sql.Column("entry", sql.String),
    sql.Column("kind", sql.String, nullable=False),
    sql.Column("data", sql.String, nullable=False),
    sql.Index("events_by_run", "run", "id"),
)

batches = sql.Table(
    "batches",
    metadata,
    sql.Column("key", sql.String, primary_key=True),
    sql.Column("number", sql.Integer, primary_key=True),
    sql.Column("run", sql.String, nullable=False),
    sql.Column("entry", sql.String, nullable=False),
    sql.Column("kind", sql.String, nullable=False),
    sql.Column("alternatives", sql.Integer, nullable=False),
    sql.Column("quota", sql.Integer),
    sql.Column("gold", sql.Float(53), nullable=False),
    sql.Column("patience", sql.Float(53)),
    sql.Column("put_at", sql.Float(53), nullable=False),
    sql.Column("state", sql.String, nullable=False),
)

questions = sql.Table(
    "questions",
    metadata,
    sql.Column("id", sql.String, primary_key=True),
    sql.Column("key", sql.String, nullable=False),
    sql.Column("batch", sql.Integer, nullable=False),
    sql.Column("item", sql.Integer, nullable=False),
    sql.Column("place", sql.Integer, nullable=False),
    sql.Column("wanted", sql.Integer, nullable=False),
    sql.Column("gold", sql.Float(53)),
    sql.Column("hidden", sql.Boolean, nullable=False),
    # Answers that it has: counted here, so that nobody must count them to give a question out.
    sql.Column("given", sql.Integer, nullable=False),
    sql.Column("state", sql.String, nullable=False),
    sql.Index("questions_by_key", "key", "batch", "item", unique=True),
)

answers = sql.Table(
    "answers",
    metadata,
    sql.Column("question", sql.String, primary_key=True),
    sql.Column("person", sql.String, primary_key=True),
    sql.Column("key", sql.String, nullable=False),
    sql.Column("state", sql.String, nullable=False),
    sql.Column("lease_until", sql.Float(53), nullable=False),
    sql.Column("swapped", sql.Boolean, nullable=False),
    sql.Column("value", sql.Float(53)),
    sql.Column("reason", sql.Integer),
    sql.Column("confidence", sql.Integer),
    sql.Column("seconds", sql.Float(53)),
    sql.Column("at", sql.Float(53)),
    # JSON of what was said after the answer had been used; the last one counts.
    sql.Column("amended", sql.String),
    sql.Index("answers_by_person", "person", "key"),
    sql.Index("answers_by_key", "key"),
)

moves = sql.Table(
    "moves",
    metadata,
    sql.Column("question", sql.String, primary_key=True),
    sql.Column("person", sql.String, primary_key=True),
    # JSON: places of actions in their list.
    sql.Column("moves", sql.String, nullable=False),
)

people = sql.Table(
    "people",
    metadata,
    sql.Column("key", sql.String, primary_key=True),
    sql.Column("person", sql.String, primary_key=True),
    sql.Column("number", sql.Integer, nullable=False),
)

PATIENT = {
    # A server that crashes may lose its last 0.6 s: leases, which then end early; fences, which are not
    # given out twice (see `Statements.claim`); events. What was learned is not in it.
    "options": "-c synchronous_commit=off",
    "connect_timeout": 10,
    "client_encoding": "utf8",
}

DURABLE = {**PATIENT, "options": "-c synchronous_commit=on"}
"""For what people have said: they must not be asked again because a server crashed."""

DATABASE_NOW: sql.ColumnElement[float] = sql.cast(
    sql.extract("epoch", sql.func.clock_timestamp()), sql.Float(53)
)
"""The server's clock: machines of a fleet need not agree on the time."""

ALONE = "AUTOCOMMIT"
"""How connections are opened. To make one so each time that it is used costs a little with each statement."""

PAUSE_SECONDS = 1.0
"""A connection that was not used for so long is asked whether its server is still there."""

MAKING_TABLES = 0x72726D
"""Advisory lock: PostgreSQL's `IF NOT EXISTS` fails when two sessions make a table at once."""


def is_embedded(url: str) -> bool:
    """Whether the database is a file of this machine."""
    return url.startswith("sqlite")


def open_engine(url: str, *, durable: bool = False) -> sql.Engine:
    """An engine for the database whose statements are transactions by themselves; nothing is connected yet.

    Args:
        url: the database.
        durable: whether a transaction waits until it would outlive a power cut.

    Raises:
        StoreError: the address is none, or its driver is not installed.
    """
    try:
        address = sql.make_url(url)
        if is_embedded(url):
            # Kept open: the last to close such a file writes all that was logged into it, and waits for the
            # disk twice. Two: a run's loop and its heartbeat.
            engine = sql.create_engine(address, poolclass=sql.QueuePool, pool_size=2, isolation_level=ALONE)
            event.listen(engine, "connect", _prepare_sqlite)
            if durable:
                event.listen(engine, "connect", _wait_for_disk)
        else:
            if address.drivername in {"postgresql", "postgres"}:
                address = address.set(drivername="postgresql+psycopg")
            options = DURABLE if durable else PATIENT
            engine = sql.create_engine(address, pool_size=2, connect_args=options, isolation_level=ALONE)
        event.listen(engine, "checkout", _Checked(engine))
        return engine
    except sql.exc.ArgumentError as error:
        raise StoreError(
            f"'{url}' is no ledger: write sqlite:///file, or postgresql://user:password@host/database"
        ) from error
    except ImportError as error:
        raise StoreError(
            f"a ledger on PostgreSQL needs a driver ({error}): pip install 'rrm-tree[fleet]'"
        ) from error


def in_transactions(engine: sql.Engine) -> sql.Engine:
    """The same engine, for several statements of which all happen or none does."""
    level = "SERIALIZABLE" if engine.dialect.name == "sqlite" else "READ COMMITTED"
    return engine.execution_options(isolation_level=level)


def make_tables(connection: sql.Connection) -> None:
    """Make the tables that are missing."""
    if connection.dialect.name == "postgresql":
        names = [sql.func.to_regclass(table.name) for table in metadata.sorted_tables]
        if None not in connection.execute(sql.select(*names)).one():
            return
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(MAKING_TABLES)))
    for table in metadata.sorted_tables:
        connection.execute(sql.schema.CreateTable(table, if_not_exists=True))
        for index in table.indexes:
            connection.execute(sql.schema.CreateIndex(index, if_not_exists=True))


def insert(embedded: bool, table: sql.Table) -> sqlite.Insert | postgresql.Insert:
    """An insertion that can say what to do where the row is there already."""
    return sqlite.insert(table) if embedded else postgresql.insert(table)


def hide_password(url: str) -> str:
    """The address as it may be shown."""
    try:
        return sql.make_url(url).render_as_string(hide_password=True)
    except sql.exc.ArgumentError:
        return url


class _Checked:
    """Looks at a connection before it is used again: its server may have gone, its file been replaced."""

    def __init__(self, engine: sql.Engine) -> None:
        self.dialect, self.file = engine.dialect, engine.url.database

    def __call__(self, connection: Any, record: Any, _proxy: object) -> None:
        now, file = time.monotonic(), self._identity()
        used, seen = record.info.get("used", (now, file))
        if seen != file:
            raise sql.exc.DisconnectionError("the file was replaced")
        # Not each time: it is a trip to the server. Whoever is patient tries again in any case.
        if file is None and now - used > PAUSE_SECONDS and not self._answers(connection):
            raise sql.exc.DisconnectionError("the server has gone")
        record.info["used"] = now, file

    def _answers(self, connection: Any) -> bool:
        try:
            return bool(self.dialect.do_ping(connection))
        except self.dialect.loaded_dbapi.Error:
            return False

    def _identity(self) -> tuple[int, int] | None:
        """Which file an embedded database is; None for any other."""
        if self.dialect.name != "sqlite" or not self.file or not Path(self.file).exists():
            return None
        found = Path(self.file).stat()
        return found.st_dev, found.st_ino


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 30000")
    cursor.execute("PRAGMA journal_mode = WAL")
    # A power cut may lose the last events, never the file; what was learned is not in it.
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _wait_for_disk(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()
