"""What the nodes of several seeds are, what they cost, what gates found, every seed's own figures: tables.

In: a SeedsResult and its SeedsAnalysis. Out: Tables. Names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from rrm_tree.propagation import DISTRIBUTIONS, ORDERERS, Effort, SeedsAnalysis, analyse_node
from rrm_tree.records import NodeResult, SeedsResult
from rrm_tree.report.chosen import ROWS
from rrm_tree.report.seeds.tables import Chosen
from rrm_tree.report.seeds.words import name_seeds
from rrm_tree.report.tables import Table
from rrm_tree.report.verdict import say_gate
from rrm_tree.report.words import clean, code, count, quantity_with_interval, seconds, share, size
from rrm_tree.sweeps import node_of


def node_table(result: SeedsResult, analysis: SeedsAnalysis, chosen: Chosen) -> Table:
    """What the nodes are, and in which seeds they are finished."""
    entries = {node.name: node for node in result.results[0].nodes}
    rows = []
    for node in chosen.nodes:
        entry = entries[node.name]
        helpers = ", ".join(code(name) for name in entry.helpers[:8]) or "none"
        more = f" and {len(entry.helpers) - 8} more" if len(entry.helpers) > 8 else ""
        ended = f"{len(node.seeds)} of {len(analysis.seeds)}"
        about = (clean(entry.doc, 120), helpers + more, code(entry.judge))
        rows.append((code(node.name), f"{node.level}", *about, ended))
    return Table(
        "The nodes of the tree." + chosen.remark,
        ("node", "level", "question", "helpers", "judge", "seeds finished"),
        tuple(rows),
        words=6,
    )


def effort_table(analysis: SeedsAnalysis, chosen: Chosen) -> Table:
    """What people and machines spent on all seeds."""
    rows = [_effort_row(code(node.name), node.effort) for node in chosen.nodes]
    rows.append(_effort_row("whole tree", analysis.effort))
    if analysis.arms:
        rows.append(_effort_row("arms, besides", analysis.arms_effort))
    return Table(
        f"Effort of {name_seeds(analysis.seeds)} together; memory is the largest of any round."
        + chosen.remark,
        ("node", "judgments", "looks", "environment steps", "optimiser steps", "CPU time", "peak memory"),
        tuple(rows),
    )


def _effort_row(name: str, effort: Effort) -> tuple[str, ...]:
    counts = (effort.all_judgments, effort.all_looks, effort.steps, effort.optimiser_steps)
    return (name, *map(count, counts), seconds(effort.cpu_seconds), size(effort.peak_bytes))


def gate_table(chosen: Chosen) -> Table:
    """What each gate found, by seed."""
    rows = [
        (code(node.name), *(_named(seeds) for seeds in (gate.passed, gate.missed, gate.undecided)))
        for node in chosen.nodes
        if (gate := node.gate) is not None
    ]
    return Table(
        "Gates: a sequential test on fresh judgments in every seed." + chosen.remark,
        ("node", "passed", "missed", "undecided"),
        tuple(rows),
        words=3,
    )


def _named(seeds: Sequence[int]) -> str:
    return f"{len(seeds)}: {name_seeds(seeds)}" if seeds else "none"


def seed_tables(result: SeedsResult, chosen: Chosen) -> list[Table]:
    """Of each node and each of its arms the figures of every seed by itself."""
    wanted = {node.name: place for place, node in enumerate(chosen.nodes)}
    found: dict[str, dict[int, NodeResult]] = {}
    for one in result.results:
        for entry in one.nodes:
            if entry.node in wanted:
                found.setdefault(entry.name, {})[one.seed] = entry
    ordered = sorted(found, key=lambda name: wanted[node_of(name)])
    return [_seed_table(name, found[name]) for name in ordered]


def _seed_table(name: str, entries: dict[int, NodeResult]) -> Table:
    policies = [f"{orderer} {policy}" for policy in DISTRIBUTIONS for orderer in ORDERERS]
    columns = ("seed", "state", "rounds", "mean truth", *policies, "gate", "judgments", "looks", "CPU time")
    rows = [_seed_row(seed, entry) for seed, entry in entries.items()]
    # What no seed has is left out; one seed's failure must stay visible.
    kept = [
        place for place, _ in enumerate(columns) if any(row[place] not in {"–", "no gate"} for row in rows)
    ]
    return Table(
        f"{code(name)}, seed by seed; intervals are those of the seed's own pairs and outcomes.",
        tuple(columns[place] for place in kept),
        tuple(tuple(row[place] for place in kept) for row in rows),
        numeric=2,
    )


def _seed_row(seed: int, entry: NodeResult) -> tuple[str, ...]:
    node = analyse_node(entry)
    shares = []
    for policy in DISTRIBUTIONS:
        accuracy = node.at(policy)
        for orderer in ORDERERS:
            one = accuracy.of(orderer) if accuracy else None
            shares.append(share(one.value if one else None))
    effort = node.effort
    return (
        f"{seed}",
        entry.state,
        f"{node.rounds}",
        quantity_with_interval(node.agent_truth),
        *shares,
        say_gate(node),
        count(effort.all_judgments),
        count(effort.all_looks),
        seconds(effort.cpu_seconds),
    )


def origin_table(result: SeedsResult, limit: int = ROWS) -> Table:
    """Where these numbers come from."""
    keys = [
        (f"key of {code(node.name)}, seed {one.seed}", code(node.key, 120))
        for one in result.results
        for node in one.nodes
        if node.key
    ]
    rows = [
        ("command", code(result.command, 400)),
        ("run", code(result.run, 200)),
        ("seeds", ", ".join(str(seed) for seed in result.seeds[:100])),
        *((clean(name, 40), code(version, 80)) for name, version in result.versions.items()),
        *keys[:limit],
    ]
    if len(keys) > limit:
        rows.append(("more keys", f"{count(len(keys) - limit)} in report.json"))
    return Table(
        "What these numbers come from, and how to get them again.", ("what", "value"), tuple(rows), words=2
    )
