"""How a worker hears its broker: tickets in, everything else put aside, back within seconds.

In: messages. Out: tickets to Celery; what is none goes to the dead letters.
Touches the broker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, ClassVar

from celery.worker.consumer import Consumer
from celery.worker.state import maybe_shutdown

from workers.app import dead_letters
from workers.tickets import read_ticket

log = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 2.0
"""Between two tries to reach the broker: when it is back, work goes on soon."""


SPARED = ("delayed_delivery", "events", "gossip", "mingle", "heart", "control", "agent")
"""Steps of Celery's that make queues and exchanges of their own, which no ticket needs: a worker's
broker user need not be allowed any of them."""


class TicketConsumer(Consumer):
    """Celery's consumer, for messages that may come from anybody."""

    class Blueprint(Consumer.Blueprint):
        """What it consists of."""

        default_steps: ClassVar = [
            step
            for step in Consumer.Blueprint.default_steps
            if not any(name in str(step).lower() for name in SPARED)
        ]

    def create_task_handler(self, *arguments: Any, **named: Any) -> Callable[[Any], None]:
        """What is called with each message: Celery's handler, once it is known to be a ticket."""
        take = super().create_task_handler(*arguments, **named)

        def check(message: Any) -> None:
            if read_ticket(message.content_type, message.headers, message.body) is None:
                self._put_aside(message)
            else:
                take(message)

        return check

    def on_decode_error(self, message: Any, exc: BaseException) -> None:
        """Put aside what Celery would acknowledge and forget."""
        log.warning("%s", exc)
        self._put_aside(message)

    def _put_aside(self, message: Any) -> None:
        log.warning("a message that is no ticket was put into the dead letters")
        message.reject_log_error(log, self.connection_errors)

    def ensure_connected(self, conn: Any) -> Any:
        """Wait for the broker for as long as it takes, asking every other second."""

        def say(error: BaseException, seconds: float) -> None:
            log.warning(
                "the broker %s cannot be reached (%s); again in %.0f s", conn.as_uri(), error, seconds
            )

        connected = conn.ensure_connection(
            say,
            None,
            interval_start=0.2,
            interval_step=0.4,
            interval_max=LONGEST_WAIT_SECONDS,
            callback=maybe_shutdown,
        )
        self.first_connection_attempt = False
        # The broker may have been set up anew, and it drops what has no place among dead letters.
        with connected.channel() as channel:
            dead_letters()(channel).declare()
        return connected
