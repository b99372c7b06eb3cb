"""Tickets to the broker, many at a time, each confirmed.

In: tickets and their queues. Out: which of them are safe in a queue.
Touches the broker.
"""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from celery import Celery
from kombu import Connection

from rrm_tree.errors import StoreError
from workers.app import EXCHANGE
from workers.tickets import TASK, Ticket

CONFIRM_SECONDS = 10.0
"""How long the broker may take to say that a batch is safe."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a batch."""

    safe: frozenset[Ticket]
    homeless: frozenset[Ticket]
    """For queues that do not exist: no worker has ever asked for them."""


@dataclass
class Sender:
    """A connection for tickets, opened when it is needed and again when it was lost."""

    app: Celery
    _connection: Connection | None = None
    _channel: Any = None
    _open: set[int] = field(default_factory=set)
    """Numbers of messages that the broker has not confirmed yet."""
    _returned: set[str] = field(default_factory=set)

    def send(self, tickets: Iterable[tuple[Ticket, str]]) -> Sent:
        """Publish tickets to their queues and wait until the broker has them on disk.

        Raises:
            StoreError: the broker cannot be reached; nothing is known of these tickets, and to
                send them again does no harm.
        """
        batch = list(tickets)
        try:
            channel = self._ready()
            self._open, self._returned = set(), set()
            ids = {ticket: self._publish(channel, ticket, queue) for ticket, queue in batch}
            while self._open:
                self._connection.drain_events(timeout=CONFIRM_SECONDS)  # type: ignore[union-attr]
        # Whatever went wrong with the connection: a new one is made for the next batch.
        except (*Connection().recoverable_connection_errors, *Connection().channel_errors, OSError) as error:
            self.close()
            raise StoreError(
                f"the broker {self.app.connection_for_write().as_uri()} cannot be reached: {error}; "
                "check that it runs and that RRM_BROKER names it; `rrm doctor` says more"
            ) from error
        homeless = frozenset(ticket for ticket, number in ids.items() if number in self._returned)
        return Sent(frozenset(ids) - homeless, homeless)

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.collect()
        self._connection = self._channel = None

    def _ready(self) -> Any:
        if self._connection is None or not self._connection.connected or self._channel is None:
            self.close()
            self._connection = self.app.connection_for_write(connect_timeout=5)
            self._connection.connect()
            self._channel = self._connection.channel()
            self._channel.confirm_select()
            self._channel.events["basic_ack"].add(self._note_safe)
            self._channel.events["basic_return"].add(self._note_returned)
            self._count = 0
            # Idempotent; where it is forbidden to declare, the exchange must be there already.
            EXCHANGE(self._channel).declare()
        return self._channel

    def _publish(self, channel: Any, ticket: Ticket, queue: str) -> str:
        number = uuid.uuid4().hex
        message = self.app.amqp.as_task_v2(number, TASK, [ticket.run, ticket.key], {}, ignore_result=True)
        packed = channel.prepare_message(
            json.dumps(message.body),
            0,
            "application/json",
            "utf-8",
            message.headers,
            {"delivery_mode": 2, "correlation_id": number},
        )
        self._count += 1
        self._open.add(self._count)
        channel.basic_publish(packed, EXCHANGE.name, queue, mandatory=True)
        return number

    def _note_safe(self, tag: int, multiple: bool) -> None:
        done = {one for one in self._open if one <= tag} if multiple else {tag}
        self._open -= done

    def _note_returned(self, _error: object, _exchange: str, _queue: str, message: Any) -> None:
        self._returned.add(message.properties["correlation_id"])
