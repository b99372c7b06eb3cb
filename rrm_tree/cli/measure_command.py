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

if TYPE_CHECKING:
    from rrm_tree.plan import Plan
    from rrm_tree.remeasure import Again
    from rrm_tree.store import Store


@click.command()
@click.argument("name", metavar="[RUN]", required=False)
@click.argument("nodes", metavar="[NODE]...", nargs=-1)
@click.option(
    "--pairs", type=click.IntRange(min=1), help="Pairs on each distribution; the spec's own if left out."
)
@click.option(
    "--fresh", is_flag=True, help="Draw new held-out outcomes, not those of the nodes' own records."
)
@store_option
@format_option
def measure(
    name: str | None, nodes: tuple[str, ...], pairs: int | None, fresh: bool, address: str, form: str
) -> int:
    """Measure the trained nodes of a run again, training nothing; the latest run if none is named.

    What is measured already, with these very settings, is left as it is. `rrm report` shows the rest.
    """
    from rrm_tree.machine import ONE_THREAD

    os.environ.update(ONE_THREAD)  # before anything loads NumPy or torch
    from rrm_tree.mistakes import suggest
    from rrm_tree.remeasure import Again
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
        _measure_run(store, run, one, nodes or tuple(one.by_name), Again(pairs, fresh), form)
    return ExitCode.DONE


def _measure_run(store: Store, run: str, plan: Plan, nodes: tuple[str, ...], again: Again, form: str) -> None:
    """Measure the nodes of a run of one seed, leaves first, and say what came of it."""
    from rrm_tree.remeasure import TrainedNode

    keys = store.referred(run)
    for entry in (entry.name for entry in plan.entries if entry.name in nodes):
        key = keys.get(entry)
        said: dict[str, object] = {"run": run, "entry": entry}
        if key is None or store.done(key) is None:
            _say(said, "not trained", form)
            continue
        node = TrainedNode(store, plan, key)
        if not node.is_measurable:
            _say(said, "its domain cannot compute truth", form)
            continue
        found = node.measure(again)
        counts = {"off": len(found.measured.off), "on": len(found.measured.on)}
        how = "measured before" if found.was_stored else "measured"
        settings = {"draw": found.measured.settings.draw, "round": found.measured.settings.round}
        words = f"{how}: {counts['off']} pairs off policy, {counts['on']} on policy, draw {settings['draw']}"
        _say({**said, "key": key, **settings, **counts, "stored": found.was_stored}, words, form)


def _say(facts: dict[str, object], words: str, form: str) -> None:
    if form == "json":
        print_json({**facts, "text": words})
    else:
        click.echo(f"{facts['entry']}: {words}")
