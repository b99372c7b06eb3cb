"""The tables of a report over seeds as text, the same in every format.

In: a SeedsResult and its SeedsAnalysis. Out: Tables. Names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from rrm_tree.propagation import (
    DISTRIBUTIONS,
    ORDERERS,
    Effort,
    Estimate,
    OverSeeds,
    SeedsAccuracy,
    SeedsAnalysis,
    SeedsArms,
    SeedsNode,
    SeedsSplit,
    SplitEstimates,
    analyse_node,
)
from rrm_tree.records import NodeResult, SeedsResult
from rrm_tree.report.chosen import ROWS, ChosenNodes
from rrm_tree.report.seeds.verdict import judge_worth
from rrm_tree.report.seeds.words import chance, gain_over, less_over, name_seeds, quantity_over, share_over
from rrm_tree.report.tables import SPLIT_COLUMNS, Table, say_parts
from rrm_tree.report.verdict import say_gate
from rrm_tree.report.words import (
    clean,
    code,
    count,
    digits_for,
    looks,
    quantity,
    quantity_with_interval,
    seconds,
    share,
    size,
)
from rrm_tree.sweeps import node_of

Chosen: TypeAlias = ChosenNodes[SeedsNode]


def _each(chosen: Chosen) -> Iterator[tuple[SeedsNode, str, SeedsAccuracy]]:
    for node in chosen.nodes:
        for policy in DISTRIBUTIONS:
            if (accuracy := node.at(policy)) is not None:
                yield node, policy, accuracy


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


def truth_table(chosen: Chosen) -> Table:
    """The agents' truth over seeds, with its spread."""
    rows = [
        (
            code(node.name),
            quantity_over(truth),
            _spread(truth),
            quantity(truth.least, _digits(truth)),
            quantity(truth.most, _digits(truth)),
            f"{len(truth.by_seed)}",
            quantity_over(node.proposal_truth),
            quantity_over(node.heuristic_truth),
        )
        for node in chosen.nodes
        if (truth := node.agent_truth) is not None
    ]
    return Table(
        "Truth of the agents' own outcomes: mean over seeds with its 95% interval over seeds."
        + chosen.remark,
        ("node", "mean truth", "spread", "least", "most", "seeds", "proposals", "simple rule"),
        tuple(rows),
    )


def _digits(over: OverSeeds) -> int:
    return digits_for(over.least, over.most)


def _spread(over: OverSeeds | None) -> str:
    return "–" if over is None or over.deviation is None else quantity(over.deviation, _digits(over))


def accuracy_table(chosen: Chosen) -> Table:
    """Every share of every node over seeds, off and on apart."""
    rows = [
        (
            code(node.name),
            f"{node.level}",
            policy,
            *(share_over(accuracy.of(orderer)) for orderer in ORDERERS),
            _share_spread(accuracy.distilled),
            f"{len(node.seeds)}",
        )
        for node, policy, accuracy in _each(chosen)
    ]
    return Table(
        "Accuracy by node: share of pairs ordered as truth orders them; mean over seeds with its 95% interval"
        " over seeds." + chosen.remark,
        ("node", "level", "policy", *ORDERERS, "spread of distilled", "seeds"),
        tuple(rows),
        numeric=3,
    )


def _share_spread(over: OverSeeds | None) -> str:
    return "–" if over is None or over.deviation is None else share(over.deviation)


def level_table(analysis: SeedsAnalysis, limit: int = ROWS) -> Table:
    """Shares of each level over seeds, its nodes taken together in each seed."""
    rows = []
    for level in analysis.levels[:limit] if len(analysis.levels) > 1 else ():
        for policy, pooled in (("off", level.off), ("on", level.on)):
            if pooled:
                shares = (share_over(pooled.get(orderer)) for orderer in ORDERERS)
                seeds = max(len(over.by_seed) for over in pooled.values())
                rows.append((f"{level.level}", policy, count(level.nodes), *shares, f"{seeds}"))
    return Table(
        "Accuracy by level: mean over seeds with its 95% interval over seeds.",
        ("level", "policy", "nodes", *ORDERERS, "seeds"),
        tuple(rows),
        numeric=2,
    )


def split_table(chosen: Chosen) -> Table:
    """What each reward model's error is made of, in the mean."""
    rows = []
    for node, policy, accuracy in _each(chosen):
        if (split := accuracy.shown) is not None:
            parts = say_parts(split, _measured(accuracy.split), helped=node.helped)
            rows.append((code(node.name), policy, *parts, f"{len(node.seeds)}"))
    return Table(
        "The mean error of each reward model: error = own + inherited + distilling, with 95% intervals over"
        " seeds." + chosen.remark,
        (*SPLIT_COLUMNS, "seeds"),
        tuple(rows),
        numeric=2,
    )


def _measured(split: SeedsSplit | None) -> SplitEstimates:
    """The parts with their intervals, where there are seeds enough for any."""

    def estimate(over: OverSeeds | None) -> Estimate | None:
        return None if over is None or over.low is None else over.estimate

    if split is None:
        return SplitEstimates(None, None, None, None, None)
    parts = (split.error, split.own, split.inherited, split.judging, split.distilling)
    return SplitEstimates(*map(estimate, parts))


def shift_table(chosen: Chosen) -> Table:
    """What changes between the outcomes of proposals and those of the agents."""
    rows = [
        (
            code(node.name),
            share_over(node.off.distilled),
            share_over(node.on.distilled),
            gain_over(node.shift),
            chance(node.shift),
            share_over(node.off.assisted),
            share_over(node.on.assisted),
            f"{len(node.on.distilled.by_seed)}",
        )
        for node in chosen.nodes
        if node.off and node.on and node.off.distilled and node.on.distilled
    ]
    return Table(
        "Shift from off to on policy: the reward models and the judge on outcomes like those that were judged"
        " first, and on the agents' own. Means over seeds; the shift is taken within each seed."
        + chosen.remark,
        ("node", "distilled off", "distilled on", "shift", "p", "assisted off", "assisted on", "seeds"),
        tuple(rows),
    )


def worth_table(chosen: Chosen) -> Table:
    """What helpers are worth, seed by seed."""
    rows = []
    for node, policy, accuracy in _each(chosen):
        if (worth := accuracy.worth) is not None:
            before = f"{share(worth.before.mean)} ({worth.base})"
            gain = gain_over(worth.gain)
            rows.append(
                (
                    code(node.name),
                    policy,
                    before,
                    share(worth.after.mean),
                    gain,
                    chance(worth.gain),
                    judge_worth(worth),
                )
            )
    return Table(
        "Worth of the helpers: assisted − max(alone, heuristic), taken within each seed." + chosen.remark,
        ("node", "policy", "without", "assisted", "worth", "p", "in words"),
        tuple(rows),
        numeric=2,
        words=1,
    )


def looks_table(chosen: Chosen) -> Table:
    """The asymmetry: what judging and solving take, in the mean over seeds."""
    rows = [
        (
            code(node.name),
            policy,
            _looks(accuracy.looks_alone),
            _looks(accuracy.looks_assisted if node.helped else None),
            _looks(accuracy.looks_ideal if node.helped else None),
            _looks(node.solve_looks),
        )
        for node, policy, accuracy in _each(chosen)
        if accuracy.looks_alone or accuracy.looks_assisted or node.solve_looks
    ]
    return Table(
        "Looks: mean looks that one judgment takes, and that doing the task unaided takes." + chosen.remark,
        ("node", "policy", "to judge alone", "assisted", "with ideal helpers", "to solve"),
        tuple(rows),
        numeric=2,
    )


def _looks(over: OverSeeds | None) -> str:
    return looks(None if over is None else over.mean)


def arms_table(arms: SeedsArms) -> Table:
    """The arms of one node, compared seed by seed."""
    rows = [
        (
            f"{code(row.name)}, as declared" if row.declared else code(row.name),
            quantity_over(row.truth),
            _spread(row.truth),
            "–" if row.truth is None else f"{len(row.truth.by_seed)}",
            less_over(row.less),
            chance(row.less),
            "–" if row.judgments is None else count(row.judgments.mean),
            "–" if row.all_looks is None else count(row.all_looks.mean),
        )
        for row in arms.rows
    ]
    return Table(
        f"Arms of {code(arms.node)}: mean truth of the agent's outcomes over seeds; differences are taken"
        " within each seed. Judgments and looks are those of one seed, in the mean.",
        ("arm", "mean truth", "spread", "seeds", "declared minus this", "p", "judgments", "looks in all"),
        tuple(rows),
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


# --- every seed --------------------------------------------------------------------------------


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
