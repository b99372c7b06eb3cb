"""Commands that ask a run that goes on for something: cancel, retry.

In: a run's name, a node's. Out: a wish in the ledger, and a line that says what will come of it.
Touches the ledger; `retry` schedules the run where nobody does.
"""

from __future__ import annotations

import click

from rrm_tree.cli.opening import choose_run, open_existing, open_ledger, store_option
from rrm_tree.errors import ExitCode


@click.command()
@click.argument("name", metavar="RUN")
@click.argument("node", required=False)
@store_option
def cancel(name: str, node: str | None, address: str) -> None:
    """Stop a run, or the training of one node of it on a fleet, wherever it goes on.

    Rounds that are stored are kept. What waits for a node that was cancelled is not trained.
    """
    from rrm_tree.standing import wish_end

    store = open_existing(address)
    click.echo(wish_end(store, open_ledger(store), choose_run(store, name), node))


@click.command()
@click.argument("name", metavar="RUN")
@click.argument("node", required=False)
@store_option
def retry(name: str, node: str | None, address: str) -> int:
    """Train after all what failed, was given up or was cancelled."""
    from rrm_tree.standing import wish_again

    store = open_existing(address)
    name, ledger = choose_run(store, name), open_ledger(store)
    said = wish_again(store, ledger, name, node)
    if said is not None:
        click.echo(said)
        return ExitCode.DONE
    if ledger.embedded:
        click.echo(f"nobody schedules {name} now; try again: {store.command(name)}")
        return ExitCode.DONE
    from rrm_tree.cli.run_commands import conclude
    from rrm_tree.cli.watching import train_on_fleet

    plan = store.plan(name)
    fates, stopped = train_on_fleet(store, plan, "text", name)
    return conclude(store, plan, fates, stopped, "text")
