"""Commands that look at runs: plan, status, logs, report.

In: a spec or a run's name, a store. Out: text or JSON on standard output, an exit code.
Touches nothing but the report of a run, which `report` writes again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from rrm_tree.cli.opening import (
    choose_run,
    collect_run,
    make_plan,
    only_option,
    open_existing,
    open_ledger,
    open_store,
    seeds_option,
    store_option,
)
from rrm_tree.cli.printing import print_json, print_markup, print_rows, save_figures, save_reports
from rrm_tree.cli.spec_commands import format_option, sets_option, spec_argument
from rrm_tree.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from rrm_tree.plan import Inputs, Plan
    from rrm_tree.records import RunResult, SeedsResult
    from rrm_tree.store import Store


@click.command()
@spec_argument
@store_option
@sets_option
@only_option
@seeds_option
@click.option("--check", is_flag=True, help="Exit with 6 if there is work to do.")
@format_option
def plan(  # noqa: PLR0913, PLR0917 - one argument for each option
    spec: str,
    address: str,
    sets: tuple[str, ...],
    only: str | None,
    seeds: str | None,
    check: bool,
    form: str,
) -> int:
    """Show what would be trained, and why."""
    from rrm_tree.seeds import plan_seeds, runs_of

    planned, store = plan_seeds(make_plan(spec, sets, only), seeds), open_store(address)
    latest, work = store.latest_inputs(), 0
    for one in runs_of(planned).values():
        if planned.seeds and form == "text":
            click.echo(f"seed {one.tree.seed}")
        seed = {"seed": one.tree.seed} if planned.seeds else {}
        work += _explain(store, one, latest, form, seed)
    if form == "text":
        every = len(planned.entries) * max(1, len(planned.seeds))
        click.echo(f"{work} of {every} to train" if work else "nothing to train")
    return ExitCode.WORK_TO_DO if check and work else ExitCode.DONE


def _explain(
    store: Store, plan: Plan, latest: Mapping[str, Inputs], form: str, seed: Mapping[str, int]
) -> int:
    """Print what a run of one seed would train, and why; how many entries that is."""
    from rrm_tree.why import explain

    rows = explain(plan, store.done, lambda key: len(store.manifests(key)), latest)
    for row, entry in zip(rows, plan.entries, strict=True):
        budget, helpers = entry.spec.budget, ", ".join(entry.spec.helpers) or "none"
        facts = {"level": entry.level, "helpers": list(entry.spec.helpers), "budget": budget.model_dump()}
        if form == "json":
            reasons = {"key": row.key, "work": row.work, "reasons": list(row.reasons)}
            print_json({**seed, "entry": entry.name, **facts, **reasons})
            continue
        rounds = "1 round" if budget.rounds == 1 else f"{budget.rounds} rounds"
        looks = "" if budget.looks is None else f", {budget.looks:,} looks"
        limits = f"{budget.judgments:,} judgments{looks}, {budget.steps:,} steps, {rounds}"
        mark = click.style("train", fg="yellow") if row.work else click.style("done ", fg="green")
        click.echo(f"{mark}  {entry.name}  (level {entry.level}; helpers: {helpers}; {limits})")
        click.echo("".join(f"       {reason}\n" for reason in row.reasons if row.work), nl=False)
    return sum(row.work for row in rows)


@click.command()
@click.argument("name", metavar="[RUN]", required=False)
@click.option("--watch", is_flag=True, help="Go on showing it until it has ended.")
@store_option
@format_option
def status(name: str | None, watch: bool, address: str, form: str) -> int:
    """Show how far a run is; the latest one if none is named."""
    from rrm_tree.boards import SeedsBoard
    from rrm_tree.seeds import runs_of, split_run
    from rrm_tree.standing import look_at

    store = open_existing(address)
    name = choose_run(store, name)
    ledger, planned = open_ledger(store), store.plan(name)
    if watch:
        from rrm_tree.cli.run_commands import watch_run

        return watch_run(store, ledger, planned, name, form)
    runs = runs_of(planned, name)
    boards = {run: look_at(store, ledger, run, one) for run, one in runs.items()}
    if form == "json":
        for run, board in boards.items():
            whole, seed = split_run(run)
            about = {"run": whole} if seed is None else {"run": whole, "seed": seed}
            for line in board.lines.values():
                facts = {"state": line.state, "round": line.round, "rounds": line.rounds, "text": line.text}
                facts |= {"worker": line.worker} if line.worker else {}
                print_json({**about, "entry": line.name, **facts, "distilled": line.accuracy})
        return ExitCode.DONE
    click.echo(name)
    if planned.seeds:
        print_rows([row.cells for row in SeedsBoard(runs, boards).rows(time.time())])
    else:
        lines = boards[name].lines.values()
        print_rows([(x.name, x.state, f"{x.round}/{x.rounds}", x.accuracy, x.says) for x in lines])
    click.echo(f"command: {store.command(name)}")
    return ExitCode.DONE


@click.command()
@click.argument("node")
@click.option("--run", "name", metavar="RUN", help="The run; the latest one if none is named.")
@click.option("--seed", type=int, help="This seed, where the run has several; all that have said anything.")
@click.option("-f", "--follow", is_flag=True, help="Go on showing it until the node has ended.")
@store_option
def logs(node: str, name: str | None, seed: int | None, follow: bool, address: str) -> None:
    """Show what a node's attempts have said."""
    from rrm_tree.cli.following import follow_log, read_log
    from rrm_tree.mistakes import suggest
    from rrm_tree.seeds import runs_of, split_run

    store = open_existing(address)
    name = choose_run(store, name)
    planned = store.plan(name)
    if node not in planned.by_name:
        raise UsageError(f"run {name} has no node '{node}'{suggest(node, planned.by_name)}")
    if seed is not None and seed not in planned.seeds:
        raise UsageError(
            f"run {name} has no seed {seed}; it has {', '.join(map(str, planned.seeds)) or 'one'}"
        )
    runs = [run for run in runs_of(planned, name) if seed in (None, split_run(run)[1])]
    if follow:
        if len(runs) > 1:
            raise UsageError(f"run {name} has several seeds: say which one to follow with --seed")
        follow_log(store, open_ledger(store), runs[0], node)
        return
    told = {run: said for run in runs if (said := read_log(store, run, node))}
    if not told:
        click.echo(f"{node} has said nothing in {name}", err=True)
    for run, said in told.items():
        if len(runs) > 1:
            click.echo(f"--- seed {split_run(run)[1]}")
        click.echo(said, nl=False)


@click.command()
@click.argument("name", metavar="[RUN]", required=False)
@click.option(
    "--figures",
    type=click.Choice(["pdf", "svg", "png"]),
    help="Figures for a paper as well, in figures/ beside the report; needs the extra `figures`.",
)
@click.option(
    "--log",
    "logs_to",
    multiple=True,
    metavar="LOGGER=PLACE",
    help="Hand the numbers to TensorBoard (a folder), MLflow (sqlite:///…) or another logger. Repeatable.",
)
@store_option
def report(name: str | None, figures: str | None, logs_to: tuple[str, ...], address: str) -> None:
    """Write the report of a run again; the latest one if none is named."""
    store = open_existing(address)
    result = collect_run(store, choose_run(store, name))
    page, told = save_reports(result, store)
    print_markup(told)
    if figures is not None:
        for path in save_figures(result, store, figures):
            click.echo(f"figure: {path}")
    for setting in logs_to:
        _log(result, setting)
    click.echo(f"report: {page}")


def _log(result: RunResult | SeedsResult, setting: str) -> None:
    """Hand a run's numbers to a logger."""
    from rrm_tree.loggers import find_logger
    from rrm_tree.opened import Run

    logger, equals, place = setting.partition("=")
    if not equals or not place:
        raise UsageError(
            f"--log {setting}: write LOGGER=PLACE, such as tensorboard=tb or mlflow=sqlite:///mlflow.db"
        )
    find_logger(logger)(Run(result), place)
    click.echo(f"logged: {logger} {place}")
