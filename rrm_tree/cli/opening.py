"""What commands about runs open: the plan of a spec, a store, its ledger, a run by its name.

In: what the user wrote. Out: those objects, or an error that says what to write instead.
Touches the store and the ledger as they do themselves.
"""

from __future__ import annotations

import getpass
import os
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rrm_tree.errors import UsageError

if TYPE_CHECKING:
    from rrm_tree.desk import Desk
    from rrm_tree.ledger import Ledger
    from rrm_tree.plan import Plan
    from rrm_tree.records import RunResult, SeedsResult
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
seeds_option = click.option(
    "--seeds",
    metavar="N|A,B,…",
    help="So many seeds, from the spec's own on, or these; those that are done are not trained again.",
)

GC = "gc"
"""Under this name the ledger knows that garbage is being collected."""


def make_plan(spec: str, sets: tuple[str, ...], only: str | None) -> Plan:
    """The plan of a spec file as it stands."""
    from rrm_tree.graph import load_graph
    from rrm_tree.machine import numerics
    from rrm_tree.mistakes import suggest
    from rrm_tree.planner import build_plan
    from rrm_tree.registry import declared_version
    from rrm_tree.sweeps import name_entry

    graph = load_graph(spec, sets)
    nodes = graph.tree.nodes
    arms = [name_entry(name, arm=arm) for name, node in nodes.items() for arm in node.arms]
    earlier = [name_entry(name, sweep) for sweep in range(1, graph.tree.sweeps) for name in nodes]
    known = [*nodes, *arms, *earlier]
    if only is not None and only not in known:
        raise UsageError(f"--only: {spec} has no node '{only}'{suggest(only, known)}")
    return build_plan(graph, declared_version, numerics(), only=only)


def open_store(address: str) -> Store:
    """The store at an address, whether anything is there or not."""
    from rrm_tree.store import Store

    # Attempts may run elsewhere: the same folder by a name that holds everywhere.
    return Store(address if "://" in address else str(Path(address).resolve()))


def open_existing(address: str) -> Store:
    """The store at an address, which must hold a run."""
    store = open_store(address)
    if not store.runs():
        raise UsageError(f"{address} holds no run; name another store with --store")
    return store


def open_ledger(store: Store) -> Ledger:
    """The ledger that the environment names, or else the one beside the store."""
    from rrm_tree.ledger import Ledger

    return Ledger(_ledger_of(store))


def open_desk(store: Store) -> Desk:
    """The same ledger, as people and those who ask them use it."""
    from rrm_tree.desk import Desk

    return Desk(_ledger_of(store))


def _ledger_of(store: Store) -> str:
    url = os.environ.get("RRM_LEDGER")
    if url is None:
        store.workplace.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{store.workplace / 'ledger.sqlite'}"
    return url


def this_person() -> str:
    """The name of who sits at this machine; a number where it knows none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may be run by a number that no name belongs to.
        return f"user {os.getuid()}"


def choose_run(store: Store, name: str | None) -> str:
    """The run of that name, or the latest one."""
    from rrm_tree.mistakes import suggest

    runs = store.runs()
    if name is None:
        return runs[-1]
    parts = Path(name).parts
    name = "/".join(parts[-2:] if len(parts) > 1 and parts[-1].startswith("seed-") else parts[-1:])
    known = [*runs, *(store.seed_runs(parts[-2]) if "/" in name else ())]
    if name not in known:
        raise UsageError(f"{store.address} has no run '{name}'{suggest(name, known)}")
    return name


def find_run(address: str, text: str = "") -> tuple[Store, str]:
    """A run by its name in the store, or by its folder in any store; a store's folder is its latest run.

    Without any of these it is the store's latest run.
    """
    if not text:
        store = open_existing(address)
        return store, choose_run(store, None)
    place = Path(text).resolve()
    above = [one for one in place.parents if one.name == "runs"]
    if above and (above[0].parent / "runs").is_dir() and place.is_dir():
        store = open_existing(str(above[0].parent))
        return store, choose_run(store, text)
    if (place / "runs").is_dir():
        store = open_existing(str(place))
        return store, choose_run(store, None)
    store = open_existing(address)
    return store, choose_run(store, text)


def collect_run(store: Store, name: str) -> RunResult | SeedsResult:
    """What a run has learned so far, and what of it has failed."""
    from rrm_tree.standing import collect_standing

    return collect_standing(store, open_ledger(store), name)


def quote_command() -> str:
    """The command line as it was given."""
    return shlex.join(["rrm", *sys.argv[1:]])


@contextmanager
def registered(ledger: Ledger, name: str) -> Iterator[None]:
    """Let others know that this process works on a run."""
    from rrm_tree.machine import this_owner

    owner = this_owner()
    other = ledger.begin_run(name, owner)
    try:
        if other is not None and name == GC:
            raise UsageError(f"{other} is collecting garbage already")
        if name != GC and GC in ledger.live_runs():
            raise UsageError("garbage is being collected in this store; try again when that has ended")
        if other is None:
            ledger.uncancel(name, None)  # the same command again goes on
        else:
            click.echo(f"{other} works on this run too; what it trains is waited for", err=True)
        yield
    finally:
        ledger.end_run(name, owner)
