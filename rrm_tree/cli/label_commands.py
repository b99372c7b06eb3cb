"""Commands about judgments: what was asked in a run and answered, to be listed, counted and taken along.

In: a run's name, a store. Out: text or JSON lines on standard output, or a file.
Touches nothing but the file that `export` is told to write.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rrm_tree.cli.opening import find_run, store_option
from rrm_tree.cli.printing import print_json
from rrm_tree.cli.spec_commands import format_option
from rrm_tree.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rrm_tree.labels import Label
    from rrm_tree.outcomes import Judged
    from rrm_tree.plan import Entry
    from rrm_tree.store import Store

node_option = click.option("--node", metavar="NODE", help="Of this node or arm alone.")


@click.group()
def labels() -> None:
    """List, export and compare judgments of a run."""


@labels.command("list")
@click.argument("run", metavar="[RUN]", required=False, default="")
@node_option
@store_option
@format_option
def list_labels(run: str, node: str | None, address: str, form: str) -> int:
    """How many judgments of which kind every node has, and how many of them say something."""
    for entry, judged in _judged(address, run, node):
        told = int((judged.answers.values == judged.answers.values).sum())
        row = {
            "node": entry.name,
            "kind": judged.kind,
            "judgments": len(judged.items),
            "told": told,
            "looks": int(judged.answers.looks.sum()),
        }
        if form == "json":
            print_json(row)
        else:
            click.echo(f"{entry.name}: {len(judged.items):,} of kind {judged.kind}, {told:,} of them told")
    return ExitCode.DONE


@labels.command()
@click.argument("run", metavar="[RUN]", required=False, default="")
@node_option
@click.option("--to", "target", metavar="FILE", help="Write here instead of to standard output.")
@store_option
def export(run: str, node: str | None, target: str | None, address: str) -> int:
    """Write judgments as lines of JSON."""
    from rrm_tree.labels import EXPORTED, write_labels

    parts = list(_judged(address, run, node))
    kept = [label for entry, judged in parts if judged.kind in EXPORTED for label in _labels(entry, judged)]
    text = write_labels(kept)
    left_out = sum(len(judged.items) for _, judged in parts if judged.kind not in EXPORTED)
    if target is None:
        click.echo(text, nl=False)
        return ExitCode.DONE
    Path(target).write_text(text, encoding="utf-8")
    more = f"; {left_out:,} demonstrations are episodes and were left out" if left_out else ""
    click.echo(f"{len(kept):,} judgments written to {target}{more}")
    return ExitCode.DONE


@labels.command()
@click.argument("run", metavar="[RUN]", required=False, default="")
@node_option
@store_option
@format_option
def agreement(run: str, node: str | None, address: str, form: str) -> int:
    """How far several judges of a node agree, and how often each errs."""
    from rrm_tree.learning.facts import describe_judges

    found = False
    for entry, judged in _judged(address, run, node):
        facts = describe_judges(judged)
        agreed = facts.get("agreement")
        if agreed is None:
            continue
        found = True
        judges = facts.get("judges", ())
        if form == "json":
            rows = [judge.model_dump() for judge in judges]
            print_json({"node": entry.name, "kind": judged.kind, **agreed.model_dump(), "judges": rows})
            continue
        click.echo(
            f"{entry.name}, {judged.kind}: Krippendorff's alpha {agreed.alpha:.2f}"
            f" ({agreed.low:.2f} to {agreed.high:.2f}) over {agreed.questions:,} questions"
        )
        for place, judge in enumerate(judges):
            click.echo(f"  judge {place}: errs in {judge.error:.2f} of {judge.answers:,} answers")
    if not found:
        click.echo("no question was answered by two judges", err=form == "json")
    return ExitCode.DONE


def _judged(address: str, run: str, node: str | None) -> Iterator[tuple[Entry, Judged]]:
    """The judgments of every trained entry, kind by kind, all rounds together."""
    from rrm_tree.mistakes import suggest
    from rrm_tree.outcomes import join_judged
    from rrm_tree.states import load_rounds

    store, name = _open(address, run)
    plan, keys = store.plan(name), store.referred(name)
    if node is not None and node not in plan.by_name:
        raise UsageError(f"--node: run {name} has no node '{node}'{suggest(node, list(plan.by_name))}")
    for entry in plan.entries:
        rounds = load_rounds(store, keys[entry.name]) if entry.name in keys else ()
        if rounds and node in (None, entry.name):
            for of in zip(*(state.judgments for state in rounds), strict=True):
                yield entry, join_judged(of)


def _open(address: str, run: str) -> tuple[Store, str]:
    from rrm_tree.cli.opening import choose_run, open_existing
    from rrm_tree.seeds import runs_of

    store = open_existing(address) if not run else find_run(address, run)[0]
    name = choose_run(store, None) if not run else find_run(address, run)[1]
    parts = list(runs_of(store.plan(name), name))
    if parts != [name]:
        raise UsageError(f"run {name} has several seeds; name one of them, such as {parts[0]}")
    return store, name


def _labels(entry: Entry, judged: Judged) -> Iterator[Label]:
    """The judgments of a node as labels, with the advice that its judge saw."""
    from rrm_tree.labels import labels_of
    from rrm_tree.outcomes import Advice

    criteria = [criterion.question for criterion in entry.spec.criteria.values()]
    sees_advice = bool(entry.spec.helpers) and "advice" in entry.spec.judge.sees
    return labels_of(judged, criteria, judged.advice if sees_advice else Advice())
