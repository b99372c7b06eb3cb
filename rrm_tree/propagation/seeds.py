"""What the records of several seeds of one tree say together: seeds are the outer level.

In: a SeedsResult. Out: means over seeds with intervals, and in how many seeds something holds.
Arithmetic only. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rrm_tree.propagation.accuracy import ORDERERS, Orderer
from rrm_tree.propagation.effort import Effort, add_effort, sum_effort
from rrm_tree.propagation.intervals import estimate_share
from rrm_tree.propagation.nodes import (
    DISTRIBUTIONS,
    Part,
    analyse_node,
    find_weakest,
    name_part,
    pool_shares,
    rank_worst,
)
from rrm_tree.propagation.over_seeds import OverSeeds, average_estimates
from rrm_tree.propagation.seeds_arms import SeedsArms, compare_arms_over_seeds
from rrm_tree.propagation.seeds_nodes import SeedsNode, analyse_over_seeds, finished_of
from rrm_tree.records import Distribution, NodeResult, SeedsResult, Stored

Entries = Mapping[int, NodeResult]
"""One node, or one arm, by seed."""


class SeedsLevel(Stored):
    """All nodes of one level together; every pair of a seed counts the same."""

    level: int
    nodes: int
    off: Mapping[Orderer, OverSeeds]
    on: Mapping[Orderer, OverSeeds]


class SeedsWeakest(Stored):
    """The node that adds most error of its own making in the mean, and in how many seeds it does."""

    node: str
    added: float
    largest: Part
    seeds: tuple[int, ...]
    """Seeds in which it is the weakest."""
    of: int
    """Seeds in which that is known."""


class SeedsAnalysis(Stored):
    """Everything that is worked out from the records of all seeds."""

    seeds: tuple[int, ...]
    finished: tuple[int, ...]
    """Seeds in which every node is finished."""
    nodes: tuple[SeedsNode, ...]
    """By level, the root first; within a level the worst first. Arms are not among them."""
    arms: tuple[SeedsArms, ...]
    levels: tuple[SeedsLevel, ...]
    weakest: SeedsWeakest | None
    effort: Effort
    """Of the tree as declared, all seeds together."""
    arms_effort: Effort


def analyse_seeds(result: SeedsResult) -> SeedsAnalysis:
    """What several seeds of one tree say together."""
    mains, arms = _by_name(result, arms=False), _by_name(result, arms=True)
    nodes = [analyse_over_seeds(name, entries) for name, entries in mains.items()]
    nodes = sorted(rank_worst(nodes), key=lambda node: -node.level)
    parents = {entry.node for entries in arms.values() for entry in entries.values()}
    return SeedsAnalysis(
        seeds=result.seeds,
        finished=tuple(seed for seed in result.seeds if all(seed in node.seeds for node in nodes)),
        nodes=tuple(nodes),
        arms=tuple(
            compare_arms_over_seeds(node.name, mains, arms)
            for node in sorted(nodes, key=lambda node: (-node.level, node.name))
            if node.name in parents
        ),
        levels=tuple(
            _summarise(level, [mains[node.name] for node in nodes if node.level == level])
            for level in sorted({node.level for node in nodes}, reverse=True)
        ),
        weakest=_find_weakest(nodes, mains),
        effort=add_effort(node.effort for node in nodes),
        arms_effort=add_effort(sum_effort(entry) for entries in arms.values() for entry in entries.values()),
    )


def _by_name(result: SeedsResult, *, arms: bool) -> dict[str, dict[int, NodeResult]]:
    """Nodes, or arms, each by seed."""
    found: dict[str, dict[int, NodeResult]] = {}
    for one in result.results:
        for entry in one.nodes:
            if entry.sweep is None and (entry.arm is not None) == arms:
                found.setdefault(entry.name, {})[one.seed] = entry
    return found


def _summarise(level: int, nodes: Sequence[Entries]) -> SeedsLevel:
    """Of the seeds in which all nodes of the level are finished, the pooled shares of its nodes."""
    ended = [finished_of(entries) for entries in nodes]
    seeds = [seed for seed in nodes[0] if all(seed in entries for entries in ended)]

    def pool(distribution: Distribution, orderer: Orderer) -> OverSeeds | None:
        estimates = {}
        for seed in seeds:
            lasts = [getattr(entries[seed].rounds[-1], distribution) for entries in ended]
            estimates[seed] = estimate_share(pool_shares(getattr(one, orderer) for one in lasts if one))
        return average_estimates(estimates, is_share=True)

    off, on = (
        {orderer: found for orderer in ORDERERS if (found := pool(distribution, orderer)) is not None}
        for distribution in DISTRIBUTIONS
    )
    return SeedsLevel(level=level, nodes=len(nodes), off=off, on=on)


def _find_weakest(nodes: Sequence[SeedsNode], mains: Mapping[str, Entries]) -> SeedsWeakest | None:
    """The node that adds most in the mean; which node it is in each seed is worked out apart."""
    known = [node for node in nodes if node.added is not None]
    if not known:
        return None
    weakest = max(known, key=lambda node: node.added or 0.0)
    ended = {name: finished_of(entries) for name, entries in mains.items()}
    named = {}
    for seed in weakest.seeds:
        link = find_weakest(analyse_node(entries[seed]) for entries in ended.values() if seed in entries)
        if link is not None:
            named[seed] = link.node
    split = weakest.best_known.split if weakest.best_known else None
    own = split.own.mean if split and split.own else None
    judging, distilling = (split.judging.mean, split.distilling.mean) if split else (None, None)
    return SeedsWeakest(
        node=weakest.name,
        added=weakest.added or 0.0,
        largest=name_part(own, judging, distilling),
        seeds=tuple(seed for seed, name in named.items() if name == weakest.name),
        of=len(named),
    )
