"""What if a helper were ideal, or wrong more often, or a judge made no slips: whatif.

In: a spec and the edits to try. Out: progress, and what the edits change; an exit code.
Touches the store and the ledger as training does.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rrm_tree.cli.compare_commands import compare_stored, print_comparison
from rrm_tree.cli.opening import make_plan, open_store, seeds_option, store_option
from rrm_tree.cli.run_commands import LOCAL, Where, Widths, no_wait_option, train, workers_option
from rrm_tree.cli.spec_commands import format_option, sets_option, spec_argument
from rrm_tree.errors import ExitCode, Interrupted, NodesFailed, UsageError

if TYPE_CHECKING:
    from rrm_tree.plan import Plan
    from rrm_tree.spec import TreeSpec
    from rrm_tree.store import Store

NOISELESS = "noiseless"


@click.command()
@spec_argument
@click.option("--ideal", multiple=True, metavar="NODE", help="Its parents hear perfect answers. Repeatable.")
@click.option(
    "--corrupt", multiple=True, metavar="NODE=SHARE", help="This share of its answers is wrong. Repeatable."
)
@click.option(
    "--judge", "judges", multiple=True, metavar="NODE=noiseless", help="Its judge makes no slips. Repeatable."
)
@sets_option
@store_option
@seeds_option
@workers_option
@no_wait_option
@format_option
def whatif(  # noqa: PLR0913, PLR0917 - one argument for each option
    spec: str,
    ideal: tuple[str, ...],
    corrupt: tuple[str, ...],
    judges: tuple[str, ...],
    sets: tuple[str, ...],
    address: str,
    seeds: str | None,
    workers: int,
    no_wait: bool,
    form: str,
) -> int:
    """Say what an ideal or a corrupted helper, a judge without slips, or any edit would change.

    The tree is trained once as declared and once edited, as two runs of the same store: what is there
    is not trained again, and of the edited tree only what the edits touch is. Arms are left out.
    """
    from rrm_tree.graph import load_graph
    from rrm_tree.seeds import plan_seeds

    graph, store = load_graph(spec), open_store(address)
    asked = _Asked(spec, graph.tree)
    edits = [*asked.ideal(ideal), *asked.corrupt(corrupt), *asked.judges(judges), *sets]
    if not edits:
        raise UsageError(
            "say what to change: --ideal NODE, --corrupt NODE=0.1, --judge NODE=noiseless or --set"
        )
    found, waits = [], False
    where = Where(LOCAL, Widths(workers, None), waits=not no_wait)
    both: tuple[tuple[str, ...], ...] = ((), tuple(edits))
    # Planned before anything is trained: a mistake in an edit shall cost nothing.
    plans = [plan_seeds(make_plan(spec, changed, graph.root), seeds) for changed in both]
    for changed, plan in zip(both, plans, strict=True):
        command = _command(spec, changed, graph.root, address, seeds)
        waits |= _train_all(store, plan, spec, command, where, form)
        found.append((store, plan.run))
    if waits:
        return ExitCode.WAITING_FOR_PEOPLE
    print_comparison(compare_stored(*found), form)
    return ExitCode.DONE


def _train_all(store: Store, plan: Plan, spec: str, command: str, where: Where, form: str) -> bool:
    """Train a plan to its end; whether that waits for people, who are told of then.

    Raises:
        NodesFailed: something of it is not trained.
        Interrupted: the user stopped it.
    """
    fates, stopped = train(store, plan, Path(spec).read_text(encoding="utf-8"), command, where, form)
    if stopped:
        raise Interrupted("interrupted; what was finished is kept")
    parked = [run for run, found in fates.items() if any(fate.state == "parked" for fate in found.values())]
    # What waits in a run that waits for people is trained when they have answered.
    failed = [
        f"{entry} {fate.state}: {fate.reason}"
        for run, found in fates.items()
        for entry, fate in found.items()
        if fate.state == "failed" or (fate.state == "waiting" and run not in parked)
    ]
    if failed:
        raise NodesFailed("\n".join([*failed, f"look closer: {command}"]))
    for run in parked:
        click.echo(f"people are waited for: rrm ui {run}, or rrm label {run}", err=form == "json")
    return bool(parked)


def _command(spec: str, sets: Iterable[str], root: str, address: str, seeds: str | None) -> str:
    """The command that trains one of the two trees by itself."""
    words = ["rrm", "run", spec, "--only", root, "--store", address]
    words += [word for setting in sets for word in ("--set", setting)]
    return shlex.join([*words, *(["--seeds", seeds] if seeds else [])])


class _Asked:
    """Turns what was asked for into settings of the spec."""

    def __init__(self, spec: str, tree: TreeSpec) -> None:
        self.spec, self.tree = spec, tree

    def ideal(self, names: Iterable[str]) -> Iterator[str]:
        """Helpers that answer perfectly."""
        for name in names:
            self._known("--ideal", name)
            yield f"nodes.{name}.answers.ideal=true"

    def corrupt(self, settings: Iterable[str]) -> Iterator[str]:
        """Helpers of whose answers a share is wrong."""
        for setting in settings:
            name, _, share = setting.partition("=")
            self._known("--corrupt", name)
            try:
                value = float(share)
            except ValueError:
                raise UsageError(f"--corrupt {setting}: write NODE=SHARE, such as {name}=0.1") from None
            yield f"nodes.{name}.answers.wrong={value}"

    def judges(self, settings: Iterable[str]) -> Iterator[str]:
        """Judges without slips."""
        from rrm_tree.registry import find

        for setting in settings:
            name, _, which = setting.partition("=")
            self._known("--judge", name)
            if which != NOISELESS:
                other = f"--set nodes.{name}.judge=…"
                raise UsageError(f"--judge {setting}: write {name}={NOISELESS}; another judge is {other}")
            judge = self.tree.nodes[name].judge.use
            options = find("judge", judge).facts.noiseless
            if options is None:
                raise UsageError(
                    f"--judge {setting}: {judge} does not say with which options it makes no slips;"
                    " give it a `noiseless` fact, or change its options with --set"
                )
            for option, value in options.items():
                yield f"nodes.{name}.judge.with.{option}={'null' if value is None else value}"

    def _known(self, option: str, name: str) -> None:
        from rrm_tree.mistakes import suggest

        if name not in self.tree.nodes:
            raise UsageError(f"{option}: {self.spec} has no node '{name}'{suggest(name, self.tree.nodes)}")
