"""Runs whose nodes are trained by a fleet.

In: the runs' plans, a store, settings. Out: what became of every entry.
Touches the ledger, the broker, the clock. It can be killed at any moment and started again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rrm_tree.fleet_ledger import FleetLedger
from rrm_tree.loop import train_together
from rrm_tree.machine import this_owner
from rrm_tree.plan import Plan
from rrm_tree.results import Fate
from rrm_tree.run import Run, Stop
from rrm_tree.store import Store
from workers.app import make_app
from workers.executor import FleetExecutor
from workers.sender import Sender
from workers.settings import FleetSettings

PATIENCE_SECONDS = 600.0
"""How long a scheduler waits for a ledger that is away; attempts wait less and are tried again."""


def schedule(
    plans: Mapping[str, Plan],
    store: Store,
    settings: FleetSettings,
    stop: Stop,
    heard: Callable[[], None] = lambda: None,
    *,
    waits: bool = True,
) -> dict[str, dict[str, Fate]]:
    """Train all that can be trained, by run and entry.

    Without `waits` it ends when all that is left waits for people.

    Raises:
        StoreError: the store or the ledger cannot be used.
    """
    ledger, owner = FleetLedger(settings.ledger, patience_seconds=PATIENCE_SECONDS), this_owner()
    executor = FleetExecutor(ledger, Sender(make_app(settings)), owner)
    runs = [
        Run(plan, name, store, ledger, executor, stop, heard, owner=owner, waits=waits)
        for name, plan in plans.items()
    ]
    try:
        fates = train_together(runs)
    finally:
        ledger.close()
    return {run.name: found for run, found in zip(runs, fates, strict=True)}
