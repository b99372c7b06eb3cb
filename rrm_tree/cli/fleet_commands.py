"""Commands of a fleet: worker, and the scheduler that `rrm run --fleet` leaves behind.

In: settings from the command line, the environment and rrm.toml. Out: text, an exit code.
Touches what workers and schedulers do.
"""

from __future__ import annotations

import contextlib
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rrm_tree.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from workers.settings import FleetSettings


LEAVE = 2
"""How urgent it is to leave at once; attempts go on."""


def fleet_settings(**given: object) -> FleetSettings:
    """The settings, with what the command line says in place of the rest.

    Raises:
        UsageError: one of them is wrong, or the parts that a fleet needs are not installed.
    """
    try:
        from workers.settings import read_settings
    except ImportError as error:
        raise UsageError(
            f"a fleet needs more than is installed ({error}): pip install 'rrm-tree[fleet]'"
        ) from error
    return read_settings({name: value for name, value in given.items() if value is not None})


@click.command()
@click.option("--queues", metavar="NAMES", help="Which tickets to take, with commas between.")
@click.option(
    "--concurrency", type=click.IntRange(min=1), help="Attempts side by side; one a core if not given."
)
@click.option("--memory", metavar="BYTES", help="What attempts may use together: 16G; all if not given.")
@click.option(
    "--gpus", metavar="NUMBERS", help="Devices for attempts that ask for one, as CUDA numbers them."
)
@click.option(
    "--allow",
    metavar="PACKAGES",
    help="Whose code specs may load here, with commas between; '' for none but ours; any if not given.",
)
@click.option("--verbose", is_flag=True, help="Say what becomes of every ticket.")
def worker(
    queues: str | None,
    concurrency: int | None,
    memory: str | None,
    gpus: str | None,
    allow: str | None,
    verbose: bool,
) -> int:
    """Join the fleet: take tickets and train what they name, until told to stop.

    The fleet's broker, ledger and store are named by RRM_BROKER, RRM_LEDGER and RRM_STORE, or in
    rrm.toml.
    """
    settings = fleet_settings(queues=queues, concurrency=concurrency, memory=memory, gpus=gpus, allow=allow)
    from workers.main import run_worker

    return run_worker(settings, verbose=verbose)


@click.command(hidden=True)
@click.argument("name")
@click.option("--no-wait", is_flag=True)
def schedule(name: str, no_wait: bool) -> int:
    """Schedule a run until all of it has ended; what `rrm run --fleet` watches."""
    from rrm_tree.cli.opening import registered
    from rrm_tree.cli.watching import ENDED, say_ended
    from rrm_tree.fleet_ledger import FleetLedger
    from rrm_tree.run import Stop
    from rrm_tree.seeds import runs_of
    from rrm_tree.store import Store
    from workers.main import check_shared
    from workers.scheduler import schedule as train

    settings, stop = check_shared(fleet_settings()), Stop()
    store = Store(settings.store)
    plans = runs_of(store.plan(name), name)

    def leave(_number: int, _frame: object) -> None:
        # Attempts go on: whoever schedules this run next finds them in the ledger.
        stop.level = LEAVE

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    # The terminal may go; the run goes on.
    with contextlib.suppress(AttributeError):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ledger = FleetLedger(settings.ledger)
    with registered(ledger, name):
        fates = train(plans, store, settings, stop, waits=not no_wait)
        # Told to leave, it has not ended the run: somebody else may schedule it on.
        if stop.level < LEAVE:
            ledger.tell(name, None, ENDED, say_ended(fates, stop.level > 0))
    failed = any(fate.state == "failed" for found in fates.values() for fate in found.values())
    return ExitCode.INTERRUPTED if stop.level else ExitCode.FAILED if failed else ExitCode.DONE


@click.command(hidden=True)
@click.argument("place", type=Path)
def nursery(place: Path) -> None:
    """Be forked for each attempt of a worker."""
    from rrm_tree.warm import serve

    serve(place)
