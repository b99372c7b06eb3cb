"""The command that removes what no run refers to: gc.

In: a store. Out: names and sizes on standard output.
Touches the store, unless it is told to say only what it would remove.
"""

from __future__ import annotations

import click

from rrm_tree.cli.opening import GC, open_existing, open_ledger, registered, store_option
from rrm_tree.errors import UsageError


@click.command()
@store_option
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def gc(address: str, dry_run: bool) -> None:
    """Remove from the store what no run refers to.

    Delete a run's folder under runs/ first if it is no longer wanted.
    """
    from rrm_tree.tidy import find_garbage, remove_garbage

    store = open_existing(address)
    ledger = open_ledger(store)
    with registered(ledger, GC):
        alive = [name for name in ledger.live_runs() if name != GC]
        if alive and not dry_run:
            raise UsageError(f"{address} is in use by {', '.join(alive)}; try again when that has ended")
        garbage = find_garbage(store)
        for name in garbage.names:
            click.echo(name)
        if not dry_run:
            remove_garbage(store, garbage)
    done = "would be removed" if dry_run else "removed"
    click.echo(f"{len(garbage.keys)} keys, {len(garbage.objects)} objects, {garbage.size:,} bytes {done}")
