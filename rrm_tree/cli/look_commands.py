"""Commands that look at runs: plan, status, logs, report.

In: a spec or a run's name, a store. Out: text or JSON on standard output, an exit code.
Touches nothing but the report of a run, which `report` writes again.
"""

from __future__ import annotations

import click

from rrm_tree.cli.opening import (
    choose_run,
    make_plan,
    only_option,
    open_existing,
    open_ledger,
    open_store,
    store_option,
)
from rrm_tree.cli.printing import print_json, print_markup, save_reports
from rrm_tree.cli.spec_commands import format_option, sets_option, spec_argument
from rrm_tree.errors import ExitCode, UsageError


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

    planned, store = make_plan(spec, sets, only), open_store(address)
    rows = explain(planned, store.done, lambda key: len(store.manifests(key)), store.latest_inputs())
    for row, entry in zip(rows, planned.entries, strict=True):
        budget, helpers = entry.spec.budget, ", ".join(entry.spec.helpers) or "none"
        facts = {"level": entry.level, "helpers": list(entry.spec.helpers), "budget": budget.model_dump()}
        if form == "json":
            reasons = {"key": row.key, "work": row.work, "reasons": list(row.reasons)}
            print_json({"entry": entry.name, **facts, **reasons})
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

    store = open_existing(address)
    name = choose_run(store, name)
    ledger, planned = open_ledger(store), store.plan(name)
    board, keys = Board(planned), store.referred(name)
    for event in ledger.events_after(name, 0):
        board.note(event)
    claims = ledger.claims_of(list(keys.values()))
    for entry, line in board.lines.items():
        # The store says what is done, the ledger who is alive; events are only how it looked.
        claim = claims.get(keys.get(entry, ""))
        if entry in keys and store.done(keys[entry]) is not None:
            line.state = "done"
        elif claim is not None and claim.is_live:
            line.state = "running"
        elif line.state in {"running", "done", "reused", "elsewhere"}:
            line.state, line.text = "stopped", say_stored(line.round)
    lines: list[Line] = list(board.lines.values())
    if form == "json":
        for line in lines:
            facts = {"state": line.state, "round": line.round, "rounds": line.rounds, "text": line.text}
            print_json({"run": name, "entry": line.name, **facts, "distilled": line.accuracy})
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

    store = open_existing(address)
    name = choose_run(store, name)
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

    store = open_existing(address)
    name = choose_run(store, name)
    planned = store.plan(name)
    ledger, keys = open_ledger(store), store.referred(name)
    claims = ledger.claims_of(list(keys.values()))
    failed = {one.entry: Fate("failed", one.reason) for one in claims.values() if one.state == "failed"}
    result = collect_result(store, name, planned, failed)
    page = save_reports(result)
    print_markup(terminal_report(result))
    click.echo(f"report: {page}")
