"""The one Celery task: a ticket.

In: what a message said. Out: nothing; the ledger says what happened.
Touches what a supervisor does.
"""

from __future__ import annotations

import logging
from functools import cached_property

from celery import Task
from celery.exceptions import Reject

from rrm_tree.errors import StoreError
from rrm_tree.fleet_ledger import FleetLedger
from rrm_tree.ledger import PATIENCE_SECONDS
from rrm_tree.store import Store
from rrm_tree.warm import Nursery
from workers.room import Room
from workers.settings import FleetSettings
from workers.supervisor import NoTicketError, PutBackError, Supervisor
from workers.tickets import TASK, make_ticket

log = logging.getLogger(__name__)


class TrainTicket(Task):
    """Trains what a ticket names. Made in the parent, used in its children."""

    name = TASK
    ignore_result = True
    typing = False
    """Arguments are checked here, not by Celery: an error there would not reach the dead letters."""

    def __init__(self, settings: FleetSettings, room: Room, worker: str) -> None:
        self.settings, self.room, self.worker = settings, room, worker

    @cached_property
    def supervisor(self) -> Supervisor:
        """This child's own: connections do not survive a fork."""
        ledger = FleetLedger(self.settings.ledger, patience_seconds=PATIENCE_SECONDS)
        settings = self.settings
        nursery = Nursery(self.room.nursery) if settings.warm else None
        return Supervisor(Store(settings.store), ledger, self.room, settings.allow, nursery, self.worker)

    def run(self, *names: object) -> None:
        """Train, if it is to be trained."""
        ticket = make_ticket(*names) if len(names) == 2 else None
        if ticket is None:
            raise Reject("no ticket", requeue=False)
        try:
            end = self.supervisor.handle(ticket)
        except NoTicketError as error:
            log.warning("put with the dead letters: %s", error)
            raise Reject(str(error), requeue=False) from error
        except PutBackError as error:
            raise Reject(str(error), requeue=True) from error
        except StoreError as error:
            # Acknowledged: its lease ends, and its scheduler sends it again.
            log.error("%s: %s", ticket.key, error)
            return
        log.info("%s %s: %s", ticket.run, ticket.entry, "dropped" if end is None else end.name.lower())
