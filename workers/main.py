"""A worker from its start to its end.

In: settings. Out: an exit code.
Touches the broker, the ledger, signals, a folder of its own, and starts the children that supervise.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from typing import Any

import click
from celery import Celery, bootsteps
from celery.signals import worker_shutting_down

from rrm_tree.errors import StoreError, UsageError
from rrm_tree.fleet_ledger import FleetLedger, Worker
from rrm_tree.ledger import RENEW_SECONDS
from rrm_tree.machine import say_worker, this_owner
from rrm_tree.store import Store
from rrm_tree.warm import open_nursery
from workers.app import make_app
from workers.room import Room
from workers.settings import FleetSettings
from workers.tasks import TrainTicket

log = logging.getLogger(__name__)


def run_worker(settings: FleetSettings, *, verbose: bool = False) -> int:
    """Take tickets until told to stop; the exit code.

    Raises:
        RrmError: the settings cannot work.
    """
    settings = check_shared(settings)
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(asctime)s %(levelname)s %(message)s"
    )
    logging.getLogger("amqp").setLevel(logging.WARNING)
    slots = settings.concurrency or os.cpu_count() or 1
    room = Room.make(max(slots, os.cpu_count() or 1), settings.memory, settings.gpus)
    app = make_app(settings)
    worker = Worker(this_owner(), settings.queues, slots, room.cpu, len(room.gpus), room.memory)
    app.register_task(TrainTicket(settings, room, worker.owner))
    app.steps["consumer"].add(_joining(settings.ledger, worker))
    try:
        with _closing(room), _warm(room) if settings.warm else contextlib.nullcontext():
            return _serve(app, worker)
    finally:
        room.remove()


def check_shared(settings: FleetSettings) -> FleetSettings:
    """The settings with the store's place written out, if all machines can reach what they name.

    Raises:
        RrmError: they cannot work.
    """
    if not settings.ledger:
        raise UsageError("a fleet needs a ledger on PostgreSQL: set RRM_LEDGER, or ledger in rrm.toml")
    if settings.ledger.startswith("sqlite"):
        raise UsageError(
            f"{settings.ledger} is a file of one machine, which the workers of a fleet cannot share: "
            "set RRM_LEDGER to postgresql://user:password@host/database"
        )
    if "://" not in settings.store:
        settings = settings.model_copy(update={"store": os.path.realpath(settings.store)})
    FleetLedger(settings.ledger).close()
    Store(settings.store)
    return settings


def _serve(app: Celery, worker: Worker) -> int:
    name = say_worker(worker.owner)
    click.echo(f"worker {name} takes tickets of {', '.join(worker.queues)}, {worker.slots} at a time")
    click.echo("Ctrl-C once finishes the rounds that are going on; again stops now")
    program = app.Worker(
        hostname=f"rrm-{os.getpid()}@{worker.owner.split('/')[0]}",
        pool_cls="prefork",
        concurrency=worker.slots,
        optimization="fair",
        loglevel=logging.getLevelName(logging.getLogger().level),
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        quiet=True,
    )
    program.start()
    return int(program.exitcode or 0)


@contextlib.contextmanager
def _warm(room: Room) -> Iterator[None]:
    """Keep a process that has imported what attempts need: this one must not, since it forks."""
    nursery = open_nursery(room.nursery)
    try:
        yield
    finally:
        nursery.kill()
        nursery.communicate()


@contextlib.contextmanager
def _closing(room: Room) -> Iterator[None]:
    """Let attempts end after their rounds when the worker is told to stop."""

    def close(**_about: object) -> None:
        room.close()

    worker_shutting_down.connect(close, weak=False)
    try:
        yield
    finally:
        worker_shutting_down.disconnect(close)
        room.close()


def _joining(ledger: str, worker: Worker) -> type[bootsteps.StartStopStep]:
    """A step of Celery's that tells the ledger who takes tickets, while the broker can be reached."""

    def tell(what: Callable[[FleetLedger], None]) -> None:
        try:
            # A connection for a moment only: it must not be open when a child is forked.
            book = FleetLedger(ledger)
            what(book)
            book.close()
        except StoreError as error:
            log.warning("%s", error)

    class Joining(bootsteps.StartStopStep):
        requires = ("celery.worker.consumer.tasks:Tasks",)
        timer: Any = None

        def start(self, consumer: Any) -> None:
            tell(lambda book: book.join(worker))
            self.timer = consumer.timer.call_repeatedly(
                RENEW_SECONDS, lambda: tell(lambda book: book.join(worker))
            )

        def stop(self, consumer: Any) -> None:
            if self.timer is not None:
                self.timer.cancel()
            tell(lambda book: book.leave(worker.owner))

    return Joining
