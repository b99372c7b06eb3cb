"""What the nodes of a run are, what they cost, what their gates found, where it all comes from: tables.

In: a RunResult and its Analysis. Out: Tables. Names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from rrm_tree.propagation import Analysis, Effort, Estimate, NodeAnalysis, estimate_share
from rrm_tree.records import JudgmentFacts, NodeResult, RunResult, Share
from rrm_tree.report.chosen import ROWS
from rrm_tree.report.tables import Chosen, Table
from rrm_tree.report.verdict import say_gate
from rrm_tree.report.words import clean, code, count, plain, seconds, share, size, with_interval


def effort_table(analysis: Analysis, chosen: Chosen) -> Table:
    """What people and machines spent."""
    rows = [_effort_row(code(node.name), node.effort) for node in chosen.nodes]
    rows.append(_effort_row("whole tree", analysis.effort))
    if analysis.arms:
        rows.append(_effort_row("arms, besides", analysis.arms_effort))
    return Table(
        "Effort: gates apart from training; memory is the largest of any round." + chosen.remark,
        (
            "node",
            "judgments",
            "looks",
            "gate judgments",
            "gate looks",
            "environment steps",
            "of measuring, besides",
            "optimiser steps",
            "CPU time",
            "of it measuring",
            "peak memory",
        ),
        tuple(rows),
    )


def _effort_row(name: str, effort: Effort) -> tuple[str, ...]:
    counts = (effort.judgments, effort.looks, effort.gate_judgments, effort.gate_looks)
    machine = (effort.steps, effort.measure_steps, effort.optimiser_steps)
    return (
        name,
        *map(count, counts),
        *map(count, machine),
        seconds(effort.cpu_seconds),
        seconds(effort.measure_cpu_seconds),
        size(effort.peak_bytes),
    )


def facts_table(result: RunResult, chosen: Chosen) -> Table:
    """What the training judgments were like."""
    last = {node.name: node.rounds[-1].facts for node in result.nodes if node.rounds}
    rows = [
        (
            code(node.name),
            count(facts.judgments),
            share(facts.positive, 2),
            count(facts.ties),
            count(facts.cannot_tell),
            share(facts.entropy, 2),
            with_interval(_held_out(facts)),
            share(facts.held_out_chance, 2),
            count(facts.held_out_count),
            "yes" if facts.informative else "no",
        )
        for node in chosen.nodes
        if (facts := last.get(node.name)) is not None
    ]
    return Table(
        "Judgments: what they were like, and how well the reward model foretells those it has not seen."
        + chosen.remark,
        (
            "node",
            "judgments",
            "yes or first",
            "ties",
            "cannot tell",
            "entropy, bits",
            "held-out accuracy",
            "chance there",
            "held out",
            "informative",
        ),
        tuple(rows),
        words=1,
    )


def _held_out(facts: JudgmentFacts) -> Estimate | None:
    if facts.held_out_accuracy is None:
        return None
    right = facts.held_out_accuracy * facts.held_out_count
    return estimate_share(Share(right=right, pairs=facts.held_out_count))


def gate_table(chosen: Chosen) -> Table:
    """What each gate found."""
    rows = [
        (
            code(node.name),
            say_gate(node),
            f"{count(gate.right)} of {count(gate.judgments)}",
            count(gate.looks),
            plain(gate.log_ratio, 2),
            f"{plain(gate.lower, 2)} to {plain(gate.upper, 2)}",
        )
        for node in chosen.nodes
        if (gate := node.gate) is not None
    ]
    return Table(
        "Gates: a sequential test on fresh judgments; it decides when the log ratio leaves the bounds."
        + chosen.remark,
        ("node", "gate", "right", "looks", "log ratio", "bounds"),
        tuple(rows),
        numeric=2,
    )


def node_table(result: RunResult, chosen: Chosen) -> Table:
    """What the nodes are: the tree in words."""
    entries = {node.name: node for node in result.nodes}
    rows = [_node_row(entries[node.name], node) for node in chosen.nodes]
    return Table(
        "The nodes of the tree." + chosen.remark,
        ("node", "level", "question", "helpers", "judge", "state", "rounds"),
        tuple(rows),
        words=7,
    )


def _node_row(entry: NodeResult, node: NodeAnalysis) -> tuple[str, ...]:
    helpers = ", ".join(code(name) for name in entry.helpers[:8]) or "none"
    more = f" and {len(entry.helpers) - 8} more" if len(entry.helpers) > 8 else ""
    doc, judge = clean(entry.doc, 120), code(entry.judge)
    return (code(node.name), f"{node.level}", doc, helpers + more, judge, entry.state, f"{node.rounds}")


def origin_table(result: RunResult, limit: int = ROWS) -> Table:
    """Where these numbers come from."""
    keys = [(f"key of {code(node.name)}", code(node.key, 120)) for node in result.nodes if node.key]
    rows = [
        ("command", code(result.command, 400)),
        ("run", code(result.run, 200)),
        ("seed", f"{result.seed}"),
        *((clean(name, 40), code(version, 80)) for name, version in result.versions.items()),
        *keys[:limit],
    ]
    if len(keys) > limit:
        rows.append(("more keys", f"{count(len(keys) - limit)} in report.json"))
    return Table(
        "What these numbers come from, and how to get them again.", ("what", "value"), tuple(rows), words=2
    )
