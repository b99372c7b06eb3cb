"""Commands that ask a run that goes on for something: cancel, retry.

In: a run's name, a node's. Out: a wish in the ledger, and a line that says what will come of it.
Touches the ledger; `retry` schedules the run where nobody does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from rrm_tree.cli.opening import choose_run, open_existing, open_ledger, store_option
from rrm_tree.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rrm_tree.plan import Plan


def _check_node(plan: Plan, name: str, node: str | None) -> None:
    from rrm_tree.mistakes import suggest

    if node is not None and node not in plan.by_name:
        raise UsageError(f"run {name} has no node '{node}'{suggest(node, plan.by_name)}")


@click.command()
@click.argument("name", metavar="RUN")
@click.argument("node", required=False)
@store_option
def cancel(name: str, node: str | None, address: str) -> None:
    """Stop a run, or the training of one node of it on a fleet, wherever it goes on.

    Rounds that are stored are kept. What waits for a node that was cancelled is not trained.
    """
    from rrm_tree.ledger import RENEW_SECONDS
    from rrm_tree.seeds import runs_of

    store = open_existing(address)
    name = choose_run(store, name)
    plan, ledger = store.plan(name), open_ledger(store)
    _check_node(plan, name, node)
    if node is not None and ledger.embedded:
        raise UsageError(f"one node alone can be cancelled on a fleet only; `rrm cancel {name}` stops all")
    runs = runs_of(plan, name)
    for run in runs:
        ledger.cancel(run, node)
    if not {name, *runs} & set(ledger.live_runs()):
        click.echo(f"nothing of {name} goes on now; `rrm retry {name}` takes the wish back")
        return
    when = f"within {RENEW_SECONDS:.0f} s" if not ledger.embedded else "after the rounds that are going on"
    click.echo(
        f"{node or name} ends {when}; `rrm retry {name}{f' {node}' if node else ''}` trains it after all"
    )


@click.command()
@click.argument("name", metavar="RUN")
@click.argument("node", required=False)
@store_option
def retry(name: str, node: str | None, address: str) -> int:
    """Train after all what failed, was given up or was cancelled."""
    from rrm_tree.seeds import runs_of

    store = open_existing(address)
    name = choose_run(store, name)
    plan, ledger = store.plan(name), open_ledger(store)
    _check_node(plan, name, node)
    for run in runs_of(plan, name):
        ledger.uncancel(run, node)
        ledger.tell(run, node, "retry", {})
    if (scheduler := ledger.scheduler_of(name)) is not None:
        click.echo(f"{scheduler} schedules {name} and tries again")
        return ExitCode.DONE
    if ledger.embedded:
        click.echo(f"nobody schedules {name} now; try again: {store.command(name)}")
        return ExitCode.DONE
    from rrm_tree.cli.run_commands import conclude
    from rrm_tree.cli.watching import train_on_fleet

    fates, stopped = train_on_fleet(store, plan, "text", name)
    return conclude(store, plan, fates, stopped, "text")
