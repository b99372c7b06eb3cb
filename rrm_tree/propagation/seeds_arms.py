"""The arms of a node compared over seeds: differences are taken within a seed, then over seeds.

In: NodeResults by seed. Out: one table a node. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from rrm_tree.propagation.arms import Arms, GainStep, compare_arms
from rrm_tree.propagation.intervals import Paired
from rrm_tree.propagation.over_seeds import OverSeeds, average, average_estimates, pair
from rrm_tree.propagation.recovered import Recovered, recover_gap_over_seeds
from rrm_tree.propagation.seeds_nodes import average_truths, finished_of
from rrm_tree.records import NodeResult, Stored

Entries = Mapping[int, NodeResult]


class SeedsArmRow(Stored):
    """One way of training or judging a node, over the seeds in which it is finished."""

    name: str
    """`proposal`, `heuristic`, the arm's name, or the node's own for the tree as declared."""
    declared: bool
    judge: str | None
    judge_sees_advice: bool | None
    reward_sees_advice: bool | None
    help: str | None
    truth: OverSeeds | None
    """Mean truth of the agent's outcomes."""
    less: Paired | None
    """The declared tree's mean truth minus this one's, seed by seed; None for fewer than three."""
    judgments: OverSeeds | None
    all_looks: OverSeeds | None
    """Total human effort, that on the helpers included."""


class SeedsGainStep(Stored):
    """One of two causes of a gain, changed while the other stays as it is."""

    cause: Literal["judging", "seeing"]
    before: OverSeeds
    after: OverSeeds
    gain: Paired | None


class SeedsArms(Stored):
    """All arms of one node, and what its gain comes from."""

    node: str
    rows: tuple[SeedsArmRow, ...]
    paths: tuple[tuple[SeedsGainStep, SeedsGainStep], ...]
    """Both orders, where every finished seed has them."""
    recovered: Recovered | None = None
    """Performance gap recovered: of the mean gaps over the seeds that have all three arms."""
    result_gap: Paired | None = None
    """The reward-result gap: truth of the arm `truth` minus that of the tree as declared, seed by seed."""


def compare_arms_over_seeds(
    node: str, mains: Mapping[str, Entries], arms: Mapping[str, Entries]
) -> SeedsArms:
    """The arms of a node at their total effort.

    Args:
        node: the node's name.
        mains: every node of the run, by name and seed.
        arms: every arm of the run, by name and seed.
    """
    ours = {node: mains[node], **{name: one for name, one in arms.items() if _node_of(one) == node}}
    ended = {name: finished_of(entries) for name, entries in ours.items()}
    by_seed = {
        seed: compare_arms(
            node,
            [entries[seed] for entries in ended.values() if seed in entries],
            {name: entries[seed] for name, entries in mains.items() if seed in entries},
        )
        for seed in ended[node]
    }
    names = dict.fromkeys(row.name for one in by_seed.values() for row in one.rows)
    truths = {name: _truth_of(name, node, ended) for name in names}
    rows = tuple(_row(name, by_seed, truths[name], truths.get(node)) for name in names)
    return SeedsArms(
        node=node,
        rows=rows,
        paths=_average_paths(by_seed),
        recovered=_recover(node, by_seed),
        result_gap=pair(
            truths.get("truth"), truths.get(node), {seed: one.result_gap for seed, one in by_seed.items()}
        ),
    )


def _recover(node: str, by_seed: Mapping[int, Arms]) -> Recovered | None:
    """Of the seeds that have all three arms."""
    each = ({row.name: row.truth for row in arms.rows} for arms in by_seed.values())
    names = (node, "alone", "truth")
    known = [[found for name in names if (found := truths.get(name)) is not None] for truths in each]
    whole = [one for one in known if len(one) == len(names)]
    return recover_gap_over_seeds(*zip(*whole, strict=True)) if whole else None


def _node_of(entries: Entries) -> str:
    return next(iter(entries.values())).node


def _truth_of(name: str, node: str, ended: Mapping[str, Entries]) -> OverSeeds | None:
    """Mean truth of a row over seeds, by the row's name."""
    if name == "proposal":
        return average_truths(ended[node], "proposal_truth")
    if name == "heuristic":
        return average_truths(ended[node], "heuristic_truth")
    return average_truths(ended[node if name == node else f"{node}~{name}"], "agent_truth")


def _row(
    name: str, by_seed: Mapping[int, Arms], truth: OverSeeds | None, declared: OverSeeds | None
) -> SeedsArmRow:
    rows = {seed: row for seed, arms in by_seed.items() for row in arms.rows if row.name == name}
    first = next(iter(rows.values()))
    return SeedsArmRow(
        name=name,
        declared=first.declared,
        judge=first.judge,
        judge_sees_advice=first.judge_sees_advice,
        reward_sees_advice=first.reward_sees_advice,
        help=first.help,
        truth=truth,
        less=None
        if first.declared
        else pair(declared, truth, {seed: row.less for seed, row in rows.items()}),
        judgments=average({seed: row.judgments for seed, row in rows.items()}),
        all_looks=average({seed: row.all_looks for seed, row in rows.items()}),
    )


def _average_paths(by_seed: Mapping[int, Arms]) -> tuple[tuple[SeedsGainStep, SeedsGainStep], ...]:
    orders = {
        tuple(tuple(step.cause for step in path.steps) for path in arms.paths) for arms in by_seed.values()
    }
    if len(orders) != 1:
        return ()
    paths = []
    for place in range(len(orders.pop())):
        first, second = (
            _average_step({seed: arms.paths[place].steps[step] for seed, arms in by_seed.items()})
            for step in range(2)
        )
        if first is not None and second is not None:
            paths.append((first, second))
    return tuple(paths)


def _average_step(steps: Mapping[int, GainStep]) -> SeedsGainStep | None:
    before = average_estimates({seed: step.before for seed, step in steps.items()})
    after = average_estimates({seed: step.after for seed, step in steps.items()})
    if before is None or after is None:
        return None
    cause = next(iter(steps.values())).cause
    gain = pair(after, before, {seed: step.gain for seed, step in steps.items()})
    return SeedsGainStep(cause=cause, before=before, after=after, gain=gain)
