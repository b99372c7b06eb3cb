"""The command that says where the next judgments are best spent: allocate.

In: a run's name, how many judgments. Out: what each node would gain the root, on standard output.
Touches the store, to which it adds the measurements that are missing; trains nothing that is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from rrm_tree.cli.opening import choose_run, open_existing, store_option
from rrm_tree.cli.spec_commands import format_option
from rrm_tree.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rrm_tree.records import What
    from rrm_tree.remeasure import RunAgain


@click.command()
@click.argument("name", metavar="[RUN]", required=False)
@click.option("--judgments", type=click.IntRange(min=1), required=True, help="How many there are to spend.")
@click.option("--stored", is_flag=True, help="Measure nothing: say what can be said, and what is missing.")
@store_option
@format_option
def allocate(name: str | None, judgments: int, stored: bool, address: str, form: str) -> int:
    """Say at which node so many more judgments would gain the root most; the latest run if none is named.

    From how much a node's error falls with judgments (`learning`), and how much of that reaches the root
    (`transfer`). What of that is missing is measured first. Of a run of several seeds each by itself, then
    all of them in the mean.
    """
    from rrm_tree.machine import ONE_THREAD

    os.environ.update(ONE_THREAD)  # before anything loads NumPy or torch
    from rrm_tree.propagation.seeds_allocating import allocate_over_seeds
    from rrm_tree.remeasure import RunAgain
    from rrm_tree.report.allocation_table import write_allocation
    from rrm_tree.report.seeds.allocation_table import write_allocation as write_over_seeds
    from rrm_tree.results import collect_result
    from rrm_tree.seeds import runs_of
    from rrm_tree.studies import allocate_run

    store = open_existing(address)
    name = choose_run(store, name)
    planned = store.plan(name)
    each = {}
    for run, one in runs_of(planned, name).items():
        if planned.seeds and form == "text":
            click.echo(f"seed {one.tree.seed}")
        if not stored:
            for words in _measure(RunAgain(store, run, one)):
                click.echo(words, err=True)
        found = each[one.tree.seed] = allocate_run(store, collect_result(store, run, one, {}), judgments)
        click.echo(found.model_dump_json() if form == "json" else write_allocation(found, name))
    if planned.seeds:
        over = allocate_over_seeds(each)
        click.echo(over.model_dump_json() if form == "json" else f"\nall seeds\n{write_over_seeds(over)}")
    return ExitCode.DONE


def _measure(run: RunAgain) -> Iterator[str]:
    """Measure what is missing, node by node; what was measured."""
    from rrm_tree.remeasure import Again

    mains = [entry for entry in run.plan.entries if entry.arm is None and entry.sweep is None]
    for entry in mains:
        if not run.is_trained(entry.name):
            continue
        node = run.node(entry.name)
        if not node.is_measurable:
            raise UsageError(
                f"{entry.name}: its domain cannot compute truth, so that no gain at the root can be told"
            )
        settings = node.settings(Again())
        wanted: tuple[What, ...] = ("learning", "transfer")
        new = [what for what in wanted if not run.has(entry.name, what)]
        for what in new:
            run.measure(entry.name, what, settings)
        if new:
            yield f"{entry.name}: measured {', '.join(new)}"
