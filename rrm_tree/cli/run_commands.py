"""Commands that train: run, and the attempt that executors start.

In: a spec, a store. Out: progress and a report on standard output, an exit code.
Touches the store, the ledger, and signals while a run goes on.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rrm_tree.cli.opening import (
    make_plan,
    only_option,
    open_ledger,
    open_store,
    quote_command,
    registered,
    store_option,
)
from rrm_tree.cli.printing import print_json, print_markup, save_reports
from rrm_tree.cli.spec_commands import format_option, sets_option, spec_argument
from rrm_tree.errors import ExitCode, Interrupted, NodesFailed

if TYPE_CHECKING:
    from rrm_tree.executors import Executor
    from rrm_tree.ledger import Ledger
    from rrm_tree.plan import Plan
    from rrm_tree.progress import Display
    from rrm_tree.results import Fate
    from rrm_tree.run import Stop
    from rrm_tree.store import Store

LOCAL, INLINE = "local", "inline"


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
    store, planned = open_store(address), make_plan(spec, sets, only)
    store.prepare()
    store.write_run(planned.run, planned, Path(spec).read_text(encoding="utf-8"), quote_command())
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

    ledger, stop = open_ledger(store), Stop()
    pump = _pump(ledger, plan, form)
    try:
        with registered(ledger, plan.run), _signals(stop), pump.display.open():
            where = _executor(executor, store, ledger, workers, stop, pump)
            fates = Run(plan, plan.run, store, ledger, where, stop, pump).go()
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped; all rounds but those going on are kept\nresume: {quote_command()}"
        ) from None
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
    page = save_reports(result)
    failed = [entry for entry, fate in fates.items() if fate.state == "failed"]
    missed = [entry for entry, fate in fates.items() if fate.gate_passed is False]
    if form == "json":
        closing = {"kind": "end", "run": plan.run, "report": str(page), "command": result.command}
        print_json({**closing, "failed": failed, "gates_missed": missed, "interrupted": stopped})
    else:
        print_markup(terminal_report(result))
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
