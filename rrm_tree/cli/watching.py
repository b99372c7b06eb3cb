"""Watching a run that a fleet trains, and the scheduler that goes on without whoever watches.

In: a store, a plan, settings. Out: the run's events as they come, what became of its entries.
Touches the ledger, which it reads, and a process of its own for the scheduler.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from rrm_tree.errors import Interrupted, RrmError, StoreError

if TYPE_CHECKING:
    from pathlib import Path

    from rrm_tree.cli.run_commands import Pump
    from rrm_tree.ledger import Event, Ledger
    from rrm_tree.plan import Plan
    from rrm_tree.results import Fates
    from rrm_tree.store import Store

POLL_SECONDS = 0.25
ENDED = "ended"
"""The event with which a scheduler ends, which carries what became of every entry."""

MOST_RESTARTS = 5


def train_on_fleet(
    store: Store, plan: Plan, form: str, name: str, *, waits: bool = True
) -> tuple[Fates, bool]:
    """Leave the run to a scheduler in the background and watch it; its fates, and whether it was stopped.

    Without `waits` the scheduler ends when all that is left waits for people.

    Raises:
        RrmError: the settings of the fleet cannot work, or the scheduler ended with an error.
        Interrupted: whoever watches has seen enough; the run goes on.
    """
    from rrm_tree.cli.fleet_commands import fleet_settings
    from rrm_tree.cli.run_commands import open_pump
    from rrm_tree.ledger import Ledger
    from workers.main import check_shared

    settings = check_shared(fleet_settings(store=store.address))
    ledger = Ledger(settings.ledger)
    pump, log = open_pump(ledger, plan, form), store.workplace / "runs" / name / "scheduler.log"
    last = ledger.last_event(name)
    environment = {**os.environ, "RRM_STORE": store.address, "RRM_LEDGER": settings.ledger}
    scheduler = _start(name, environment, log, waits=waits)
    restarts = 0
    try:
        with pump.display.open():
            while True:
                ended = _show(pump, ledger, name, last)
                if ended is not None:
                    return read_fates(ended), bool(ended.data["stopped"])
                if scheduler.poll() is not None and _show(pump, ledger, name, last) is None:
                    restarts += 1
                    if scheduler.returncode >= 0 or restarts > MOST_RESTARTS:
                        raise _explain(log, scheduler.returncode)
                    scheduler = _start(name, environment, log, waits=waits)
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        raise Interrupted(
            f"the run goes on\nwatch: rrm status --watch {name}\nend it: rrm cancel {name}"
        ) from None


def watch(ledger: Ledger, plan: Plan, name: str, form: str) -> tuple[Fates, bool] | None:
    """Show a run until it has ended; its fates, or None where nobody schedules it any more.

    Raises:
        Interrupted: whoever watches has seen enough.
    """
    from rrm_tree.cli.run_commands import open_pump

    pump = open_pump(ledger, plan, form)
    pump.last = 0
    begun = _last_end(ledger, name)
    try:
        with pump.display.open():
            while True:
                scheduler = ledger.scheduler_of(name)
                ended = _show(pump, ledger, name, 0 if begun is None else begun.id)
                if ended is not None:
                    return read_fates(ended), bool(ended.data["stopped"])
                if scheduler is None:
                    return None if begun is None else (read_fates(begun), bool(begun.data["stopped"]))
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        raise Interrupted(f"watch again: rrm status --watch {name}") from None


def say_ended(fates: Fates, stopped: bool) -> dict[str, object]:
    """What a scheduler's last event says."""
    told = {
        run: {entry: [fate.state, fate.reason, fate.gate_passed] for entry, fate in found.items()}
        for run, found in fates.items()
    }
    return {"fates": told, "stopped": stopped}


def read_fates(event: Event) -> Fates:
    """What became of every entry, from a scheduler's last event."""
    from rrm_tree.results import Fate

    return {
        run: {entry: Fate(*fate) for entry, fate in found.items()}
        for run, found in event.data["fates"].items()
    }


def _start(run: str, environment: dict[str, str], log: Path, *, waits: bool) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "rrm_tree", "schedule", run, *([] if waits else ["--no-wait"])],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment,
            # A closed terminal, and Ctrl-C in it, are not meant for the scheduler.
            start_new_session=True,
        )


def _show(pump: Pump, ledger: Ledger, run: str, last: int) -> Event | None:
    """Show what is new; the event with which the run ended since the event of that number."""
    ended = ledger.events_after(run, last, kinds=[ENDED])
    pump()
    return ended[-1] if ended else None


def _last_end(ledger: Ledger, run: str) -> Event | None:
    ended = ledger.events_after(run, 0, kinds=[ENDED])
    return ended[-1] if ended else None


def _explain(log: Path, code: int) -> RrmError:
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    text = said[-1] if said else f"exit code {code}"
    error = StoreError if code == StoreError.exit_code else RrmError
    return error(f"the scheduler ended: {text}\nits log: {log}")
