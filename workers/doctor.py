"""Whether the broker can do what a fleet needs.

In: settings. Out: what was found, with the cure.
Touches the broker, where it makes and deletes a queue.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any, Literal

from kombu import Connection

from workers.app import make_app
from workers.settings import FleetSettings

Finding = tuple[Literal["ok", "warn", "fail"], str, str, str]
"""Level, what it is about, what was found, the cure."""

HEEDS_TIMEOUT = (3, 11, 15)
"""From this version on a queue may say how long its messages may be unacknowledged."""

QUORUM = (3, 8)


def check_broker(settings: FleetSettings) -> Iterator[Finding]:
    """What is found of the broker, one thing after the other."""
    app = make_app(settings)
    with app.connection_for_write(connect_timeout=5) as connection:
        where = connection.as_uri()
        try:
            connection.connect()
        except Exception as error:
            cure = "start RabbitMQ, or set RRM_BROKER (or broker in rrm.toml)"
            yield "fail", "broker", f"{where} cannot be reached: {error}", cure
            return
        yield from _check_version(where, connection.connection.server_properties)
        yield _check_queues(connection)


def _check_version(where: str, properties: dict[str, Any]) -> Iterator[Finding]:
    product, written = properties.get("product", "?"), str(properties.get("version", "0"))
    version = tuple(int(part) for part in written.split("-", maxsplit=1)[0].split(".") if part.isdigit())
    if product != "RabbitMQ" or version < QUORUM:
        yield "fail", "broker", f"{where} is {product} {written}", "use RabbitMQ 3.8 or newer"
        return
    yield "ok", "broker", f"{where}: {product} {written}", ""
    if version < HEEDS_TIMEOUT:
        found = f"{product} {written} hands tickets out again after consumer_timeout, 30 minutes by default"
        cure = "harmless, since their leases live; `consumer_timeout = 2592000000` in rabbitmq.conf ends it"
        yield "warn", "consumer_timeout", found, cure


def _check_queues(connection: Connection) -> Finding:
    name = f"rrm.doctor.{uuid.uuid4().hex}"
    try:
        with connection.channel() as channel:
            channel.queue_declare(name, durable=True, auto_delete=False, arguments={"x-queue-type": "quorum"})
            channel.queue_delete(name)
    except Exception as error:
        cure = "right for a scheduler's user; a worker's needs configure permission, see the how-to"
        return "warn", "queues", f"this user may not make any ({error})", cure
    return "ok", "queues", "quorum queues can be made", ""
