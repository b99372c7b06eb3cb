"""The command that measures trained nodes again: measure.

In: a run's name, nodes, how much. Out: what was measured, on standard output.
Touches the store, to which it adds measurements; trains nothing.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from rrm_tree.cli.opening import choose_run, open_existing, store_option
from rrm_tree.cli.printing import print_json
from rrm_tree.cli.spec_commands import format_option
from rrm_tree.errors import ExitCode, UsageError
from rrm_tree.records import WHATS

if TYPE_CHECKING:
    from rrm_tree.records import What
    from rrm_tree.remeasure import Again, RunAgain


@click.command()
@click.argument("name", metavar="[RUN]", required=False)
@click.argument("nodes", metavar="[NODE]...", nargs=-1)
@click.option(
    "--pairs", type=click.IntRange(min=1), help="Pairs on each distribution; the spec's own if left out."
)
@click.option(
    "--what",
    "whats",
    type=click.Choice(WHATS),
    multiple=True,
    help="Only this; may be given several times.",
)
@click.option(
    "--fresh", is_flag=True, help="Draw new held-out outcomes, not those of the nodes' own records."
)
@store_option
@format_option
def measure(  # noqa: PLR0913, PLR0917 - one argument for each option
    name: str | None,
    nodes: tuple[str, ...],
    pairs: int | None,
    whats: tuple[What, ...],
    fresh: bool,
    address: str,
    form: str,
) -> int:
    """Measure the trained nodes of a run again, training nothing; the latest run if none is named.

    What is measured already, with these very settings, is left as it is. `rrm report` shows what there is.
    """
    from rrm_tree.machine import ONE_THREAD

    os.environ.update(ONE_THREAD)  # before anything loads NumPy or torch
    from rrm_tree.mistakes import suggest
    from rrm_tree.remeasure import UNASKED, Again, RunAgain
    from rrm_tree.seeds import runs_of

    store = open_existing(address)
    name = choose_run(store, name)
    planned = store.plan(name)
    for node in nodes:
        if node not in planned.by_name:
            raise UsageError(f"run {name} has no node '{node}'{suggest(node, planned.by_name)}")
    for run, one in runs_of(planned, name).items():
        if planned.seeds and form == "text":
            click.echo(f"seed {one.tree.seed}")
        again, opened = Again(pairs, fresh), RunAgain(store, run, one)
        for entry in (entry.name for entry in one.entries if entry.name in (nodes or one.by_name)):
            _measure_entry(opened, entry, whats or UNASKED, again, form)
    return ExitCode.DONE


def _measure_entry(run: RunAgain, entry: str, whats: tuple[What, ...], again: Again, form: str) -> None:
    """Measure a node or an arm, and say what came of it."""
    if not run.is_trained(entry):
        _say({"entry": entry}, "not trained", form)
        return
    node = run.node(entry)
    if not node.is_measurable:
        _say({"entry": entry}, "its domain cannot compute truth", form)
        return
    settings = node.settings(again)
    new = [what for what in whats if run.applies(entry, what) and run.measure(entry, what, settings)]
    words = f"measured {', '.join(new) or 'nothing new'}; {settings.pairs} pairs, draw {settings.draw}"
    _say({"entry": entry, "key": node.key, "new": new, **settings.model_dump()}, words, form)


def _say(facts: dict[str, object], words: str, form: str) -> None:
    if form == "json":
        print_json({**facts, "text": words})
    else:
        click.echo(f"{facts['entry']}: {words}")
