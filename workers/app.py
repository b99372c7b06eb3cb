"""The Celery application: its settings, each with its reason.

In: the fleet's settings. Out: an application that sends tickets, or one that takes them.
Touches nothing until it is used.
"""

from __future__ import annotations

import ssl
from typing import Any, Final

from celery import Celery
from kombu import Exchange, Queue

from workers.settings import FleetSettings

EXCHANGE: Final = Exchange("rrm", type="direct", durable=True)
"""Where schedulers send tickets; a name of our own, so that their broker user may write nowhere else."""

DEAD: Final = "rrm.dead"
"""Where messages go that are no tickets, or that were handed out too often; for people to look at."""

DELIVERY_LIMIT: Final = 20
"""Hand-outs of one message. A ticket that is lost this way is sent again by its scheduler."""

CONSUMER_TIMEOUT_MILLISECONDS: Final = 30 * 24 * 3_600_000
"""How long a message may be unacknowledged: longer than any node trains. Heeded from RabbitMQ
3.11.15 on; before that a redelivered ticket is dropped, since its lease lives."""

HEARTBEAT_SECONDS: Final = 30


def make_app(settings: FleetSettings) -> Celery:
    """An application with these settings; only a worker's has a task."""
    app = Celery("rrm", broker=settings.broker, set_as_current=False)
    app.conf.update(
        # A ticket is two names. Nothing else is read, whatever a message says that it is.
        task_serializer="json",
        accept_content=["json"],
        # The store says what is done; results in the broker would only be lost.
        result_backend=None,
        task_ignore_result=True,
        # A ticket is acknowledged when its attempt has ended: a worker that dies gives it back.
        # It also makes a busy worker take no further ticket, with the multiplier below.
        task_acks_late=True,
        worker_prefetch_multiplier=1,
        # A killed child's ticket goes back, too; the ledger counts how often.
        task_reject_on_worker_lost=True,
        # Errors are in the ledger with their reasons: handing the same ticket out again helps nobody.
        task_acks_on_failure_or_timeout=True,
        # Attempts go on while the broker is away: their leases are in the ledger.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # A worker waits for its broker for as long as it takes, and survives a closed channel
        # (consumer_timeout, a deleted queue).
        broker_connection_retry_on_startup=True,
        broker_connection_retry=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,
        broker_heartbeat=HEARTBEAT_SECONDS,
        # With quorum queues a new count would not reach the consumer: it would stay reduced for ever.
        worker_enable_prefetch_count_reduction=False,
        # No process can be told anything through the broker but tickets.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        task_send_sent_event=False,
        # Only queues that were asked for, each with the arguments below.
        task_create_missing_queues=False,
        task_queues=[make_queue(name) for name in settings.queues],
        # The default waits 4 s for a child to come up, which a loaded machine exceeds.
        worker_proc_alive_timeout=60.0,
        worker_consumer="workers.consumer:TicketConsumer",
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_disable_rate_limits=True,
        broker_use_ssl=_certificates(settings),
    )
    return app


def make_queue(name: str) -> Queue:
    """A queue that survives the loss of a minority of the broker's nodes, and of all of them at once."""
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD,
        "x-consumer-timeout": CONSUMER_TIMEOUT_MILLISECONDS,
    }
    return Queue(name, EXCHANGE, routing_key=name, durable=True, queue_arguments=arguments)


def dead_letters() -> Queue:
    """Where what is no ticket ends up."""
    exchange = Exchange(DEAD, type="fanout", durable=True)
    return Queue(DEAD, exchange, durable=True, queue_arguments={"x-queue-type": "quorum"})


def _certificates(settings: FleetSettings) -> dict[str, Any] | bool:
    """How the broker's certificate is checked; False where the address asks for no encryption."""
    if not settings.broker.startswith("amqps://"):
        return False
    found: dict[str, Any] = {"cert_reqs": ssl.CERT_REQUIRED, "server_side": False}
    files = {
        "ca_certs": settings.broker_ca,
        "certfile": settings.broker_cert,
        "keyfile": settings.broker_key,
    }
    return found | {name: str(path) for name, path in files.items() if path is not None}
