"""Where each error comes from, what helpers are worth, and what it all cost.

In: a RunResult, or single shares and means. Out: numbers with 95% intervals.
Arithmetic only. Touches nothing: no disk, no clock, no randomness; loads neither NumPy nor torch, but for
`propagation.pairs`, which is imported by itself.
"""

from __future__ import annotations

from rrm_tree.propagation.accuracy import (
    ORDERERS,
    Accuracy,
    Orderer,
    Split,
    SplitEstimates,
    Worth,
    estimate_split,
    split_error,
    value_helpers,
)
from rrm_tree.propagation.arms import ArmRow, Arms, GainPath, GainStep, compare_arms
from rrm_tree.propagation.effort import Effort, add_effort, sum_effort
from rrm_tree.propagation.hacking import Alarm, doubt_promise, watch
from rrm_tree.propagation.intervals import (
    Difference,
    Estimate,
    Paired,
    compare_seeds,
    estimate_mean,
    estimate_share,
    subtract,
)
from rrm_tree.propagation.nodes import (
    DISTRIBUTIONS,
    LevelSummary,
    NodeAnalysis,
    Part,
    WeakestLink,
    analyse_node,
    find_weakest,
    pool_shares,
    rank_worst,
    sees_advice,
    summarise_levels,
)
from rrm_tree.propagation.over_seeds import CLAIM_SEEDS, LEAST_SEEDS, OverSeeds
from rrm_tree.propagation.seeds import SeedsAnalysis, SeedsLevel, SeedsWeakest, analyse_seeds
from rrm_tree.propagation.seeds_arms import SeedsArmRow, SeedsArms, SeedsGainStep
from rrm_tree.propagation.seeds_nodes import (
    FINISHED,
    SeedsAccuracy,
    SeedsGate,
    SeedsNode,
    SeedsSplit,
    SeedState,
    SeedsWorth,
)
from rrm_tree.records import Distribution, RunResult, Stored

__all__ = [
    "CLAIM_SEEDS",
    "DISTRIBUTIONS",
    "FINISHED",
    "LEAST_SEEDS",
    "ORDERERS",
    "Accuracy",
    "Alarm",
    "Analysis",
    "ArmRow",
    "Arms",
    "Difference",
    "Distribution",
    "Effort",
    "Estimate",
    "GainPath",
    "GainStep",
    "LevelSummary",
    "NodeAnalysis",
    "Orderer",
    "OverSeeds",
    "Paired",
    "Part",
    "SeedState",
    "SeedsAccuracy",
    "SeedsAnalysis",
    "SeedsArmRow",
    "SeedsArms",
    "SeedsGainStep",
    "SeedsGate",
    "SeedsLevel",
    "SeedsNode",
    "SeedsSplit",
    "SeedsWeakest",
    "SeedsWorth",
    "Split",
    "SplitEstimates",
    "WeakestLink",
    "Worth",
    "add_effort",
    "analyse",
    "analyse_node",
    "analyse_seeds",
    "compare_arms",
    "compare_seeds",
    "doubt_promise",
    "estimate_mean",
    "estimate_share",
    "estimate_split",
    "find_weakest",
    "pool_shares",
    "rank_worst",
    "sees_advice",
    "split_error",
    "subtract",
    "sum_effort",
    "summarise_levels",
    "value_helpers",
    "watch",
]


class Analysis(Stored):
    """Everything that is worked out from a run's records."""

    nodes: tuple[NodeAnalysis, ...]
    """By level, the root first; within a level the worst first. Arms are not among them."""
    arms: tuple[Arms, ...]
    levels: tuple[LevelSummary, ...]
    weakest: WeakestLink | None
    effort: Effort
    """Of the tree as declared."""
    arms_effort: Effort


def analyse(result: RunResult) -> Analysis:
    """What the records of a run say about where errors come from and what helpers are worth."""
    mains = [node for node in result.nodes if node.is_main]
    arms = [node for node in result.nodes if node.arm is not None]
    by_name = {node.name: node for node in mains}
    analysed = [analyse_node(node) for node in mains]
    order = {node.name: rank for rank, node in enumerate(rank_worst(analysed))}
    groups = [
        compare_arms(main.name, [main, *(arm for arm in arms if arm.node == main.name)], by_name)
        for main in sorted(mains, key=lambda node: (-node.level, node.name))
        if any(arm.node == main.name for arm in arms)
    ]
    return Analysis(
        nodes=tuple(sorted(analysed, key=lambda node: (-node.level, order[node.name]))),
        arms=tuple(groups),
        levels=summarise_levels(mains, analysed),
        weakest=find_weakest(analysed),
        effort=add_effort(node.effort for node in analysed),
        arms_effort=add_effort(sum_effort(arm) for arm in arms),
    )
