"""What the sweeps over a tree have brought, over seeds: tables.

In: a SeedsResult, SeedsStudies. Out: Tables, without rows where there was one sweep. Names stand between
backticks. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from rrm_tree.propagation import DISTRIBUTIONS, SeedsNode
from rrm_tree.propagation.seeds_curves import SeedsSweepStep
from rrm_tree.propagation.seeds_nodes import analyse_over_seeds, finished_of
from rrm_tree.propagation.seeds_studies import SeedsStudy
from rrm_tree.records import NodeResult, SeedsResult
from rrm_tree.report.seeds.words import chance, gain_over, quantity_over, share_over
from rrm_tree.report.sweep_tables import GAINED_COLUMNS, SWEPT_COLUMNS, each_swept
from rrm_tree.report.tables import Table
from rrm_tree.report.words import code, count


def sweep_table(result: SeedsResult) -> Table:
    """Every node after each sweep, with what it had cost by then in the mean."""
    by_name: dict[str, dict[int, NodeResult]] = {}
    for one in result.results:
        for entry in one.nodes:
            by_name.setdefault(entry.name, {})[one.seed] = entry
    rows = [
        (code(entry.node), f"{sweep}", *_cells(analyse_over_seeds(entry.name, ended)))
        for entries in each_swept(result.results[0])
        for sweep, entry in enumerate(entries, 1)
        if (ended := finished_of(by_name[entry.name]))
    ]
    return Table(
        "Sweep by sweep, as each left the node: means over seeds with their 95% intervals. Judgments and"
        " looks are those of all sweeps so far, of one seed in the mean. From the second sweep on, on policy"
        " means about what the agents above have done.",
        (*SWEPT_COLUMNS, "seeds"),
        tuple(rows),
    )


def _cells(node: SeedsNode) -> tuple[str, ...]:
    parts = [node.at(policy) for policy in DISTRIBUTIONS]
    return (
        count(node.effort.judgments / len(node.seeds)),
        count(node.effort.looks / len(node.seeds)),
        *(share_over(part.assisted if part else None) for part in parts),
        *(share_over(part.distilled if part else None) for part in parts),
        quantity_over(node.agent_truth),
        f"{len(node.seeds)}",
    )


def gain_table(studies: Sequence[SeedsStudy]) -> Table:
    """What each sweep has gained on the one before, on the same pairs in each seed."""
    rows = [
        (code(study.name), one.distribution, f"{one.sweep}", *_step_cells(one))
        for study in studies
        for one in study.sweeps
    ]
    return Table(
        "What each sweep has gained, in each seed on the pairs of its last one: the judge with that sweep's"
        " helpers, and that sweep's reward model. Means over seeds; gains are taken within each seed.",
        (*GAINED_COLUMNS, "seeds"),
        tuple(rows),
        numeric=2,
    )


def _step_cells(one: SeedsSweepStep) -> tuple[str, ...]:
    return (
        count(one.judgments.mean),
        share_over(one.assisted),
        gain_over(one.assisted_gain),
        chance(one.assisted_gain),
        share_over(one.distilled),
        gain_over(one.distilled_gain),
        chance(one.distilled_gain),
        f"{len(one.distilled.by_seed)}",
    )
