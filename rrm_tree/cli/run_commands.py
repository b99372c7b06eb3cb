"""Commands about runs: run, plan, status, logs, report, gc; and the attempt that executors start.

In: a spec or a run's name, a store. Out: progress and reports on standard output, an exit code.
Touches the store, the ledger, and signals while a run goes on.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rrm_tree.cli.spec_commands import format_option, sets_option, spec_argument
from rrm_tree.errors import ExitCode, Interrupted, NodesFailed, UsageError

if TYPE_CHECKING:
    from rrm_tree.executors import Executor
    from rrm_tree.ledger import Ledger
    from rrm_tree.plan import Plan
    from rrm_tree.progress import Display
    from rrm_tree.records import RunResult
    from rrm_tree.results import Fate
    from rrm_tree.run import Stop
    from rrm_tree.store import Store

store_option = click.option(
    "--store",
    "address",
    default="rrm-store",
    show_default=True,
    envvar="RRM_STORE",
    metavar="DIR",
    help="Where results are kept: a folder, or a URL that fsspec knows.",
)
only_option = click.option("--only", metavar="NODE", help="This node or arm and what it needs, nothing else.")

LOCAL, INLINE = "local", "inline"
WIDTH = 120
"""Columns of a report that does not go to a terminal."""

GC = "gc"
"""Under this name the ledger knows that garbage is being collected."""


@click.command()
@spec_argument
@store_option
@sets_option
@only_option
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=lambda: min(4, os.cpu_count() or 1),
    show_default="one a core, at most 4",
    help="How many nodes are trained side by side; each uses one core.",
)
@click.option("--executor", type=click.Choice([LOCAL, INLINE]), default=LOCAL, show_default=True)
@format_option
def run(  # noqa: PLR0913, PLR0917 - one argument for each option
    spec: str, address: str, sets: tuple[str, ...], only: str | None, workers: int, executor: str, form: str
) -> int:
    """Train a tree, leaves first; the same command resumes.

    Ctrl-C once finishes the rounds that are going on and stops; twice stops now. Whatever happens,
    at most the rounds that were going on are lost.
    """
    from rrm_tree.machine import ONE_THREAD
    from rrm_tree.results import reuse_all

    if executor == INLINE:
        os.environ.update(ONE_THREAD)  # before anything loads NumPy or torch
    store, planned = _store(address), _plan(spec, sets, only)
    store.prepare()
    store.write_run(planned.run, planned, Path(spec).read_text(encoding="utf-8"), _command())
    # Looked at first, since what schedules and trains takes a second to import.
    fates, stopped = reuse_all(store, planned.run, planned), False
    if fates is None:
        fates, stopped = _train(store, planned, executor, workers, form)
    else:
        _tell_reused(planned, fates, form)
    return _conclude(store, planned, fates, stopped, form)


def _train(store: Store, plan: Plan, executor: str, workers: int, form: str) -> tuple[dict[str, Fate], bool]:
    """What became of every entry, and whether the user stopped the run."""
    from rrm_tree.run import Run, Stop

    ledger, stop = _ledger(store), Stop()
    pump = _pump(ledger, plan, form)
    try:
        with _registered(ledger, plan.run), _signals(stop), pump.display.open():
            where = _executor(executor, store, ledger, workers, stop, pump)
            fates = Run(plan, plan.run, store, ledger, where, stop, pump).go()
    except KeyboardInterrupt:
        raise Interrupted(f"stopped; all rounds but those going on are kept\nresume: {_command()}") from None
    return fates, stop.level > 0


def _tell_reused(plan: Plan, fates: dict[str, Fate], form: str) -> None:
    """A line for each entry of a run that has nothing to train, as when it is scheduled."""
    from rrm_tree.ledger import Event
    from rrm_tree.progress import Board, JsonLines, TextLines

    display = JsonLines(click.echo) if form == "json" else TextLines(Board(plan), click.echo)
    display.show(
        Event(0, time.time(), plan.run, name, fate.state, {"gate_passed": fate.gate_passed})
        for name, fate in fates.items()
    )


def _conclude(store: Store, plan: Plan, fates: dict[str, Fate], stopped: bool, form: str) -> int:
    """Write the report, say where it is and how to go on, and choose the exit code."""
    from rrm_tree.report import terminal_report
    from rrm_tree.results import collect_result

    result = collect_result(store, plan.run, plan, fates)
    page = _write_reports(result)
    failed = [entry for entry, fate in fates.items() if fate.state == "failed"]
    missed = [entry for entry, fate in fates.items() if fate.gate_passed is False]
    if form == "json":
        closing = {"kind": "end", "run": plan.run, "report": str(page), "command": result.command}
        _print_json({**closing, "failed": failed, "gates_missed": missed, "interrupted": stopped})
    else:
        _print_markup(terminal_report(result))
        click.echo(f"report: {page}")
        click.echo(f"{'resume' if failed or stopped else 'run again'}: {result.command}")
    if stopped:
        raise Interrupted("interrupted; what was finished is kept")
    if failed:
        raise NodesFailed(_name_failures(fates, failed))
    return ExitCode.GATE_MISSED if missed else ExitCode.DONE


def _name_failures(fates: dict[str, Fate], failed: list[str]) -> str:
    waiting = [f"{entry} {fate.reason}" for entry, fate in fates.items() if fate.state == "waiting"]
    lines = [f"{entry} failed: {fates[entry].reason}" for entry in failed]
    return "\n".join([*lines, *(["not trained: " + ", ".join(waiting)] if waiting else [])])


@click.command()
@spec_argument
@store_option
@sets_option
@only_option
@click.option("--check", is_flag=True, help="Exit with 6 if there is work to do.")
@format_option
def plan(spec: str, address: str, sets: tuple[str, ...], only: str | None, check: bool, form: str) -> int:
    """Show what would be trained, and why."""
    from rrm_tree.why import explain

    planned, store = _plan(spec, sets, only), _store(address)
    rows = explain(planned, store.done, lambda key: len(store.manifests(key)), store.latest_inputs())
    for row, entry in zip(rows, planned.entries, strict=True):
        budget, helpers = entry.spec.budget, ", ".join(entry.spec.helpers) or "none"
        facts = {"level": entry.level, "helpers": list(entry.spec.helpers), "budget": budget.model_dump()}
        if form == "json":
            reasons = {"key": row.key, "work": row.work, "reasons": list(row.reasons)}
            _print_json({"entry": entry.name, **facts, **reasons})
            continue
        rounds = "1 round" if budget.rounds == 1 else f"{budget.rounds} rounds"
        looks = "" if budget.looks is None else f", {budget.looks:,} looks"
        limits = f"{budget.judgments:,} judgments{looks}, {budget.steps:,} steps, {rounds}"
        mark = click.style("train", fg="yellow") if row.work else click.style("done ", fg="green")
        click.echo(f"{mark}  {entry.name}  (level {entry.level}; helpers: {helpers}; {limits})")
        click.echo("".join(f"       {reason}\n" for reason in row.reasons if row.work), nl=False)
    work = sum(row.work for row in rows)
    if form == "text":
        click.echo(f"{work} of {len(rows)} to train" if work else "nothing to train")
    return ExitCode.WORK_TO_DO if check and work else ExitCode.DONE


@click.command()
@click.argument("name", metavar="[RUN]", required=False)
@store_option
@format_option
def status(name: str | None, address: str, form: str) -> None:
    """Show how far a run is; the latest one if none is named."""
    from rrm_tree.progress import Board, Line, say_stored

    store = _existing(address)
    name = _choose_run(store, name)
    ledger, planned = _ledger(store), store.plan(name)
    board, keys = Board(planned), store.referred(name)
    for event in ledger.events_after(name, 0):
        board.note(event)
    claims = ledger.claims_of(list(keys.values()))
    for entry, line in board.lines.items():
        # The store says what is done, the ledger who is alive; events are only how it looked.
        claim = claims.get(keys.get(entry, ""))
        if entry in keys and store.done(keys[entry]) is not None:
            line.state = "done"
        elif claim is not None and claim.is_live(time.time()):
            line.state = "running"
        elif line.state in {"running", "done", "reused", "elsewhere"}:
            line.state, line.text = "stopped", say_stored(line.round)
    lines: list[Line] = list(board.lines.values())
    if form == "json":
        for line in lines:
            facts = {"state": line.state, "round": line.round, "rounds": line.rounds, "text": line.text}
            _print_json({"run": name, "entry": line.name, **facts, "distilled": line.accuracy})
        return
    width = max(len(line.name) for line in lines)
    click.echo(name)
    for line in lines:
        row = (
            f"  {line.name:{width}}  {line.state:8}  {line.round}/{line.rounds}  {line.accuracy}  {line.text}"
        )
        click.echo(row.rstrip())
    click.echo(f"command: {store.command(name)}")


@click.command()
@click.argument("node")
@click.option("--run", "name", metavar="RUN", help="The run; the latest one if none is named.")
@store_option
def logs(node: str, name: str | None, address: str) -> None:
    """Show what a node's attempts have said."""
    from rrm_tree.executors import log_file
    from rrm_tree.mistakes import suggest

    store = _existing(address)
    name = _choose_run(store, name)
    entries = store.plan(name).by_name
    if node not in entries:
        raise UsageError(f"run {name} has no node '{node}'{suggest(node, entries)}")
    file = log_file(store, name, node)
    if not file.exists() or not file.read_bytes():
        click.echo(f"{node} has said nothing in {name}", err=True)
        return
    click.echo(file.read_text(encoding="utf-8", errors="replace"), nl=False)


@click.command()
@click.argument("name", metavar="[RUN]", required=False)
@store_option
def report(name: str | None, address: str) -> None:
    """Write the report of a run again; the latest one if none is named."""
    from rrm_tree.report import terminal_report
    from rrm_tree.results import Fate, collect_result

    store = _existing(address)
    name = _choose_run(store, name)
    planned = store.plan(name)
    ledger, keys = _ledger(store), store.referred(name)
    claims = ledger.claims_of(list(keys.values()))
    failed = {one.entry: Fate("failed", one.reason) for one in claims.values() if one.state == "failed"}
    result = collect_result(store, name, planned, failed)
    page = _write_reports(result)
    _print_markup(terminal_report(result))
    click.echo(f"report: {page}")


@click.command()
@store_option
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
def gc(address: str, dry_run: bool) -> None:
    """Remove from the store what no run refers to.

    Delete a run's folder under runs/ first if it is no longer wanted.
    """
    from rrm_tree.tidy import find_garbage, remove_garbage

    store = _existing(address)
    ledger = _ledger(store)
    with _registered(ledger, GC):
        alive = [name for name in ledger.live_runs(time.time()) if name != GC]
        if alive and not dry_run:
            raise UsageError(f"{address} is in use by {', '.join(alive)}; try again when that has ended")
        garbage = find_garbage(store)
        for name in garbage.names:
            click.echo(name)
        if not dry_run:
            remove_garbage(store, garbage)
    done = "would be removed" if dry_run else "removed"
    click.echo(f"{len(garbage.keys)} keys, {len(garbage.objects)} objects, {garbage.size:,} bytes {done}")


@click.command(hidden=True)
@click.argument("address")
@click.argument("ledger")
@click.argument("name")
@click.argument("key")
@click.argument("fence", type=int)
def attempt(address: str, ledger: str, name: str, key: str, fence: int) -> None:
    """Train one key, for a supervisor that holds the other end of standard input."""
    from rrm_tree.attempt import Order
    from rrm_tree.supervised import train_supervised

    end = train_supervised(address, ledger, Order(name, key, fence))
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: threads that a user's environment left behind must not keep the process alive.
    os._exit(end)


# --- shared --------------------------------------------------------------------------------------


class Pump:
    """Carries new events from the ledger to a display."""

    def __init__(self, ledger: Ledger, name: str, display: Display) -> None:
        self.ledger, self.name, self.display = ledger, name, display
        self.last = ledger.last_event(name)

    def __call__(self) -> None:
        """Show what has happened since the last call."""
        events = self.ledger.events_after(self.name, self.last)
        if events:
            self.last = events[-1].id
            self.display.show(events)


def _pump(ledger: Ledger, plan: Plan, form: str) -> Pump:
    from rrm_tree.progress import Board, JsonLines, LiveTable, TextLines

    display: Display
    if form == "json":
        display = JsonLines(click.echo)
    elif sys.stdout.isatty():
        from rich.console import Console

        display = LiveTable(Board(plan), Console())
    else:
        display = TextLines(Board(plan), click.echo)
    return Pump(ledger, plan.run, display)


def _executor(
    kind: str, store: Store, ledger: Ledger, workers: int, stop: Stop, heard: Callable[[], None]
) -> Executor:
    from rrm_tree.executors import InlineExecutor, LocalExecutor

    return (
        InlineExecutor(store, ledger, stop, heard)
        if kind == INLINE
        else LocalExecutor(store, ledger, workers)
    )


def _plan(spec: str, sets: tuple[str, ...], only: str | None) -> Plan:
    """The plan of a spec file as it stands."""
    from rrm_tree.graph import load_graph
    from rrm_tree.machine import numerics
    from rrm_tree.mistakes import suggest
    from rrm_tree.plan import build_plan
    from rrm_tree.registry import find

    graph = load_graph(spec, sets)
    entries = [f"{name}~{arm}" for name, node in graph.tree.nodes.items() for arm in node.arms]
    known = [*graph.tree.nodes, *entries]
    if only is not None and only not in known:
        raise UsageError(f"--only: {spec} has no node '{only}'{suggest(only, known)}")
    return build_plan(graph, lambda kind, name: find(kind, name).facts.version or "", numerics(), only=only)


def _store(address: str) -> Store:
    from rrm_tree.store import Store

    # Attempts may run elsewhere: the same folder by a name that holds everywhere.
    return Store(address if "://" in address else str(Path(address).resolve()))


def _existing(address: str) -> Store:
    store = _store(address)
    if not store.runs():
        raise UsageError(f"{address} holds no run; name another store with --store")
    return store


def _ledger(store: Store) -> Ledger:
    from rrm_tree.ledger import Ledger

    url = os.environ.get("RRM_LEDGER")
    if url is None:
        store.workplace.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{store.workplace / 'ledger.sqlite'}"
    return Ledger(url)


def _choose_run(store: Store, name: str | None) -> str:
    from rrm_tree.mistakes import suggest

    runs = store.runs()
    if name is None:
        return runs[-1]
    name = Path(name).name
    if name not in runs:
        raise UsageError(f"{store.address} has no run '{name}'{suggest(name, runs)}")
    return name


def _write_reports(result: RunResult) -> Path:
    from rrm_tree.files import explained
    from rrm_tree.report import write_reports

    with explained("write the report", result.run):
        return write_reports(result, Path(result.run))


def _command() -> str:
    """The command line as it was given."""
    return shlex.join(["rrm", *sys.argv[1:]])


@contextmanager
def _registered(ledger: Ledger, name: str) -> Iterator[None]:
    """Let others know that this process works on a run."""
    from rrm_tree.machine import this_owner

    owner = this_owner()
    other = ledger.begin_run(name, owner, time.time())
    try:
        if other is not None and name == GC:
            raise UsageError(f"{other} is collecting garbage already")
        if name != GC and GC in ledger.live_runs(time.time()):
            raise UsageError("garbage is being collected in this store; try again when that has ended")
        if other is not None:
            click.echo(f"{other} works on this run too; what it trains is waited for", err=True)
        yield
    finally:
        ledger.end_run(name, owner)


@contextmanager
def _signals(stop: Stop) -> Iterator[None]:
    """Ctrl-C once: stop after the rounds going on; twice, or a wish to terminate: now."""

    def ask(_number: int, _frame: object) -> None:
        stop.level += 1
        if stop.level == 1:
            click.echo("finishing the rounds that are going on; Ctrl-C again stops now", err=True)
        else:
            raise KeyboardInterrupt

    def terminate(_number: int, _frame: object) -> None:
        stop.level = 2
        raise KeyboardInterrupt

    before = {signal.SIGINT: signal.signal(signal.SIGINT, ask)}
    before[signal.SIGTERM] = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_json(value: object) -> None:
    import json

    click.echo(json.dumps(value, ensure_ascii=False))


def _print_markup(text: str) -> None:
    from rich.console import Console

    # A pipe has no width: what is kept in a file shall not be folded.
    Console(width=None if sys.stdout.isatty() else WIDTH).print(text)
