"""The tables of a ledger, and what differs between the databases that hold them.

In: a database address. Out: an engine with the tables in it, its clock.
Touches that database alone, when tables are made.

    runs      run, owner, lease_until                       who schedules a run
    claims    key, run, entry, state, fence, owner,
              lease_until, attempts, reason                 who may commit under a key
    cancels   run, entry                                    what shall not be trained
    workers   owner, queues, slots, ..., lease_until        who takes tickets
    events    id, at, run, entry, kind, data                append-only
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sql
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.pool import NullPool

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
    sql.Column("fence", sql.Integer, nullable=False),
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

DATABASE_NOW: sql.ColumnElement[float] = sql.cast(
    sql.extract("epoch", sql.func.clock_timestamp()), sql.Float(53)
)
"""The server's clock: machines of a fleet need not agree on the time."""

MAKING_TABLES = 0x72726D
"""Advisory lock: PostgreSQL's `IF NOT EXISTS` fails when two sessions make a table at once."""


def is_embedded(url: str) -> bool:
    """Whether the database is a file of this machine."""
    return url.startswith("sqlite")


def open_engine(url: str) -> sql.Engine:
    """An engine for the database; nothing is connected yet.

    Raises:
        StoreError: the address is none, or its driver is not installed.
    """
    try:
        if is_embedded(url):
            # SQLite files are cheap to open and a handle must not outlive a use: no pool.
            engine = sql.create_engine(url, poolclass=NullPool)
            event.listen(engine, "connect", _prepare_sqlite)
            return engine
        address = sql.make_url(url)
        if address.drivername in {"postgresql", "postgres"}:
            address = address.set(drivername="postgresql+psycopg")
        # A server that crashes may lose the last 0.6 s of what is not marked durable: leases, which
        # then end early, and events. What was learned is not in it. Claims are marked.
        patient = {"options": "-c synchronous_commit=off", "connect_timeout": 10, "client_encoding": "utf8"}
        return sql.create_engine(address, pool_pre_ping=True, pool_size=2, connect_args=patient)
    except sql.exc.ArgumentError as error:
        raise StoreError(
            f"'{url}' is no ledger: write sqlite:///file, or postgresql://user:password@host/database"
        ) from error
    except ImportError as error:
        raise StoreError(
            f"a ledger on PostgreSQL needs a driver ({error}): pip install 'rrm-tree[fleet]'"
        ) from error


def make_tables(connection: sql.Connection) -> None:
    """Make the tables that are missing."""
    if connection.dialect.name == "postgresql":
        present = connection.execute(sql.select(sql.func.to_regclass("workers"))).scalar()
        if present is not None:
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


def _prepare_sqlite(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 30000")
    cursor.execute("PRAGMA journal_mode = WAL")
    # A power cut may lose the last events, never the file; what was learned is not in it.
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()
