"""Commands that train: run, and the attempt that executors start.

In: a spec, a store. Out: progress and a report on standard output, an exit code.
Touches the store, the ledger, and signals while a run goes on.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
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
    seeds_option,
    store_option,
)
from rrm_tree.cli.printing import print_json, print_markup, save_reports
from rrm_tree.cli.spec_commands import format_option, sets_option, spec_argument
from rrm_tree.errors import ExitCode, Interrupted, NodesFailed

if TYPE_CHECKING:
    from rrm_tree.boards import Board, SeedsBoard
    from rrm_tree.executors import Executor
    from rrm_tree.ledger import Ledger
    from rrm_tree.plan import Plan
    from rrm_tree.progress import Display
    from rrm_tree.results import Fates
    from rrm_tree.run import Stop
    from rrm_tree.store import Store

LOCAL, INLINE, FLEET = "local", "inline", "fleet"


@dataclass(frozen=True, slots=True)
class Widths:
    """How much is trained side by side."""

    workers: int
    """Processes."""
    together: int | None
    """Seeds of a node in one process; None leaves it to what the first ones take."""


@dataclass(frozen=True, slots=True)
class Where:
    """On which executor to train, how much side by side, and whether to wait for people."""

    executor: str
    widths: Widths
    waits: bool = True


workers_option = click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=lambda: min(4, os.cpu_count() or 1),
    show_default="one a core, at most 4",
    help="How many nodes are trained side by side; each uses one core.",
)


no_wait_option = click.option(
    "--no-wait", is_flag=True, help="End with exit code 4 when all that is left waits for people."
)


@click.command()
@spec_argument
@store_option
@sets_option
@only_option
@seeds_option
@workers_option
@click.option(
    "--together",
    type=click.IntRange(min=1),
    show_default="as the first seeds show",
    help="Seeds of a node that one process trains; 1: each by itself.",
)
@click.option("--executor", type=click.Choice([LOCAL, INLINE]), default=LOCAL, show_default=True)
@no_wait_option
@click.option("--fleet", is_flag=True, help="Leave the training to a fleet's workers; see `rrm worker`.")
@format_option
def run(  # noqa: PLR0913, PLR0917 - one argument for each option
    spec: str,
    address: str,
    sets: tuple[str, ...],
    only: str | None,
    seeds: str | None,
    workers: int,
    together: int | None,
    executor: str,
    no_wait: bool,
    fleet: bool,
    form: str,
) -> int:
    """Train a tree, leaves first; the same command resumes.

    Ctrl-C once finishes the rounds that are going on and stops; twice stops now. Whatever happens,
    at most the rounds that were going on are lost. With --fleet, Ctrl-C stops watching alone.
    """
    from rrm_tree.machine import ONE_THREAD
    from rrm_tree.seeds import plan_seeds

    if executor == INLINE:
        os.environ.update(ONE_THREAD)  # before anything loads NumPy or torch
    store, planned = open_store(address), plan_seeds(make_plan(spec, sets, only), seeds)
    text = Path(spec).read_text(encoding="utf-8")
    where = Where(FLEET if fleet else executor, Widths(workers, together), waits=not no_wait)
    fates, stopped = train(store, planned, text, quote_command(), where, form)
    return conclude(store, planned, fates, stopped, form)


def train(store: Store, plan: Plan, text: str, command: str, where: Where, form: str) -> tuple[Fates, bool]:
    """Train what of a plan is not in the store; what became of everything, and whether the user stopped it.

    Args:
        store: where results are kept.
        plan: of one seed or of several.
        text: the spec's file.
        command: what trains the same again.
        where: on which executor.
        form: how progress is printed.
    """
    from rrm_tree.cli.watching import train_on_fleet
    from rrm_tree.results import reuse_all
    from rrm_tree.seeds import runs_of

    store.prepare()
    runs = runs_of(plan)
    for name, one in {**runs, plan.run: plan}.items():
        store.write_run(name, one, text, command)
    # Looked at first, since what schedules and trains takes a second to import.
    reused = {name: reuse_all(store, name, one) for name, one in runs.items()}
    fates: Fates = {name: found for name, found in reused.items() if found is not None}
    if len(fates) == len(runs):
        _tell_reused(plan, fates, form)
        return fates, False
    if where.executor == FLEET:
        return train_on_fleet(store, plan, form, plan.run, waits=where.waits)
    return _train(store, plan, where, form)


def _train(store: Store, plan: Plan, where: Where, form: str) -> tuple[Fates, bool]:
    """What became of every entry of every run, and whether the user stopped them."""
    from rrm_tree.loop import train_together
    from rrm_tree.run import Run, Stop
    from rrm_tree.seeds import runs_of
    from rrm_tree.sizes import Sizes

    ledger, stop, widths = open_ledger(store), Stop(), where.widths
    sizes = Sizes(store, widths.workers, widths.together) if plan.seeds and where.executor == LOCAL else None
    pump = open_pump(ledger, plan, form)
    try:
        with registered(ledger, plan.run), _signals(stop), pump.display.open():
            executor = _executor(where.executor, store, ledger, widths.workers, stop, pump)
            runs = [
                Run(one, name, store, ledger, executor, stop, pump, sizes=sizes, waits=where.waits)
                for name, one in runs_of(plan).items()
            ]
            fates = train_together(runs)
    except KeyboardInterrupt:
        raise Interrupted(
            f"stopped; all rounds but those going on are kept\nresume: {quote_command()}"
        ) from None
    return {run.name: found for run, found in zip(runs, fates, strict=True)}, stop.level > 0


def watch_run(store: Store, ledger: Ledger, plan: Plan, name: str, form: str) -> int:
    """Show a run that others schedule until it has ended; its exit code."""
    from rrm_tree.cli.watching import watch

    found = watch(ledger, plan, name, form)
    if found is None:
        click.echo(f"nobody schedules {name} any more; go on: {store.command(name)}", err=True)
        return ExitCode.INTERRUPTED
    return conclude(store, plan, found[0], found[1], form)


def _tell_reused(plan: Plan, fates: Fates, form: str) -> None:
    """A line for each entry of a run that has nothing to train, as when it is scheduled."""
    from rrm_tree.ledger import Event
    from rrm_tree.progress import JsonLines, TextLines

    display = JsonLines(click.echo) if form == "json" else TextLines(_board(plan), click.echo)
    display.show(
        Event(0, time.time(), run, name, fate.state, {"gate_passed": fate.gate_passed})
        for run, found in fates.items()
        for name, fate in found.items()
    )


def conclude(store: Store, plan: Plan, fates: Fates, stopped: bool, form: str) -> int:
    """Write the report, say where it is and how to go on, and choose the exit code."""
    from rrm_tree.results import collect_results

    result = collect_results(store, plan.run, plan, fates)
    page, told = save_reports(result, store)
    every = [(run, entry, fate) for run, found in fates.items() for entry, fate in found.items()]
    failed = [_name_entry(run, entry) for run, entry, fate in every if fate.state == "failed"]
    missed = [_name_entry(run, entry) for run, entry, fate in every if fate.gate_passed is False]
    parked = [_name_entry(run, entry) for run, entry, fate in every if fate.state == "parked"]
    if form == "json":
        closing = {"kind": "end", "run": plan.run, "report": str(page), "command": result.command}
        print_json(
            {**closing, "failed": failed, "gates_missed": missed, "parked": parked, "interrupted": stopped}
        )
    else:
        print_markup(told)
        click.echo(f"report: {page}")
        if parked:
            click.echo(f"people are waited for: rrm ui {plan.run}, or rrm label {plan.run}")
        click.echo(f"{'resume' if failed or stopped or parked else 'run again'}: {result.command}")
    if stopped:
        raise Interrupted("interrupted; what was finished is kept")
    if failed:
        raise NodesFailed(_name_failures(fates))
    if parked:
        return ExitCode.WAITING_FOR_PEOPLE
    return ExitCode.GATE_MISSED if missed else ExitCode.DONE


def _name_entry(run: str, entry: str) -> str | dict[str, object]:
    """An entry for programs; with its seed where there are several."""
    from rrm_tree.seeds import split_run

    seed = split_run(run)[1]
    return entry if seed is None else {"seed": seed, "entry": entry}


def _name_failures(fates: Fates) -> str:
    """What failed and why, and what waits for it; what several seeds have in common is said once."""
    failed: dict[str, list[str]] = {}
    waiting: dict[str, list[str]] = {}
    for run, found in fates.items():
        for entry, fate in found.items():
            if fate.state == "failed":
                failed.setdefault(f"{entry} failed%s: {fate.reason}", []).append(run)
            elif fate.state == "waiting":
                waiting.setdefault(f"{entry} {fate.reason}%s", []).append(run)
    lines = [text.replace("%s", _where(runs), 1) for text, runs in failed.items()]
    rest = [text.replace("%s", _where(runs), 1) for text, runs in waiting.items()]
    return "\n".join([*lines, *(["not trained: " + ", ".join(rest)] if rest else [])])


def _where(runs: Sequence[str]) -> str:
    """In which seeds; nothing where there is but one."""
    from rrm_tree.boards import say_seeds
    from rrm_tree.seeds import split_run

    seeds = [seed for run in runs if (seed := split_run(run)[1]) is not None]
    return f" in {say_seeds(seeds)}" if seeds else ""


@click.command(hidden=True)
@click.argument("address")
@click.argument("ledger")
@click.argument("orders", nargs=-1, required=True)
def attempt(address: str, ledger: str, orders: tuple[str, ...]) -> None:
    """Train one key, or several of one entry, for a supervisor that holds the other end of standard input.

    ORDERS are run, key and fence, for each key.
    """
    from rrm_tree.attempt import Order
    from rrm_tree.supervised import train_supervised

    words = zip(orders[::3], orders[1::3], orders[2::3], strict=True)
    end = train_supervised(address, ledger, *(Order(run, key, int(fence)) for run, key, fence in words))
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: threads that a user's environment left behind must not keep the process alive.
    os._exit(end)


class Pump:
    """Carries new events of some runs from the ledger to a display."""

    def __init__(self, ledger: Ledger, runs: Sequence[str], display: Display) -> None:
        self.ledger, self.runs, self.display = ledger, runs, display
        self.last = max(ledger.last_event(run) for run in runs)

    def __call__(self) -> None:
        """Show what has happened since the last call."""
        events = self.ledger.events_of(self.runs, self.last)
        if events:
            self.last = events[-1].id
            self.display.show(event for event in events if event.kind != "ended")


def _board(plan: Plan) -> Board | SeedsBoard:
    from rrm_tree.boards import Board, SeedsBoard
    from rrm_tree.seeds import runs_of

    return SeedsBoard(runs_of(plan)) if plan.seeds else Board(plan)


def open_pump(ledger: Ledger, plan: Plan, form: str) -> Pump:
    """Carries what happens from now on to the display that suits the terminal."""
    from rrm_tree.progress import JsonLines, LiveTable, TextLines
    from rrm_tree.seeds import runs_of

    display: Display
    if form == "json":
        display = JsonLines(click.echo)
    elif sys.stdout.isatty():
        from rich.console import Console

        display = LiveTable(_board(plan), Console())
    else:
        display = TextLines(_board(plan), click.echo)
    return Pump(ledger, list(runs_of(plan)), display)


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
