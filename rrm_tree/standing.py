"""How far a run is at this moment, as store, ledger and events tell, and what people may wish of it.

In: a store, its ledger, a run's name. Out: boards, fates, results; sentences about wishes.
Touches the store and the ledger, which it reads; wishes are written into the ledger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rrm_tree.boards import Board, say_stored
from rrm_tree.errors import UsageError
from rrm_tree.ledger import RENEW_SECONDS
from rrm_tree.mistakes import suggest
from rrm_tree.results import Fate, collect_results
from rrm_tree.seeds import runs_of, split_run

if TYPE_CHECKING:
    from rrm_tree.ledger import Ledger
    from rrm_tree.plan import Plan
    from rrm_tree.records import RunResult, SeedsResult
    from rrm_tree.store import Store


def look_at(store: Store, ledger: Ledger, run: str, plan: Plan) -> Board:
    """How far one run is; the store says what is done, the ledger who is alive."""
    board = Board(plan)
    for event in ledger.events_after(run, 0):
        board.note(event)
    correct(board, store, ledger, run)
    return board


def correct(board: Board, store: Store, ledger: Ledger, run: str) -> None:
    """Let a board that has noted a run's events say what is so now."""
    keys = store.referred(run)
    claims = ledger.claims_of(list(keys.values()))
    for entry, line in board.lines.items():
        # Events are only how it looked.
        claim = claims.get(keys.get(entry, ""))
        if entry in keys and store.done(keys[entry]) is not None:
            line.state = "done"
        elif claim is not None and claim.is_live:
            line.state = "running"
        elif claim is not None and claim.state == "parked":
            line.state, line.text = "parked", line.text if line.state == "parked" else claim.reason or ""
        elif line.state in {"running", "done", "reused", "elsewhere"}:
            line.state, line.text = "stopped", say_stored(line.round)


def collect_standing(store: Store, ledger: Ledger, name: str) -> RunResult | SeedsResult:
    """What a run has learned so far, and what of it has failed."""
    planned, fates = store.plan(name), {}
    for run in runs_of(planned, name):
        claims = ledger.claims_of(list(store.referred(run).values()))
        failed = [one for one in claims.values() if one.state == "failed"]
        fates[run] = {one.entry: Fate("failed", one.reason) for one in failed}
    return collect_results(store, name, planned, fates)


def wish_end(store: Store, ledger: Ledger, name: str, node: str | None) -> str:
    """Ask that a run, or one node of it, be trained no further; what will come of it, in words.

    Raises:
        UsageError: there is no such node, or it cannot be ended by itself.
    """
    plan = store.plan(name)
    check_node(plan, name, node)
    if node is not None and ledger.embedded:
        raise UsageError(f"one node alone can be cancelled on a fleet only; `rrm cancel {name}` stops all")
    runs = runs_of(plan, name)
    for run in runs:
        ledger.cancel(run, node)
    if not {name, *runs} & set(ledger.live_runs()):
        return f"nothing of {name} goes on now; `rrm retry {name}` takes the wish back"
    when = f"within {RENEW_SECONDS:.0f} s" if not ledger.embedded else "after the rounds that are going on"
    again = f"rrm retry {name}{f' {node}' if node else ''}"
    return f"{node or name} ends {when}; `{again}` trains it after all"


def wish_again(store: Store, ledger: Ledger, name: str, node: str | None) -> str | None:
    """Ask that what failed, was given up or was cancelled be trained; None where nobody schedules the run.

    Raises:
        UsageError: there is no such node.
    """
    plan = store.plan(name)
    check_node(plan, name, node)
    for run in runs_of(plan, name):
        ledger.uncancel(run, node)
        ledger.tell(run, node, "retry", {})
    scheduler = who_schedules(ledger, name)
    return None if scheduler is None else f"{scheduler} schedules {name} and tries again"


def who_schedules(ledger: Ledger, name: str) -> str | None:
    """Who schedules a run now, if only as one seed of a whole."""
    return ledger.scheduler_of(name) or ledger.scheduler_of(split_run(name)[0])


def check_node(plan: Plan, name: str, node: str | None) -> None:
    """Nothing, where a run has the node that somebody names, or none is named.

    Raises:
        UsageError: it has no such node.
    """
    if node is not None and node not in plan.by_name:
        raise UsageError(f"run {name} has no node '{node}'{suggest(node, plan.by_name)}")
