"""Reward models by snapshot of the agent, and step by step: tables.

In: NodeStudies. Out: Tables. Names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.report.tables import Table
from rrm_tree.report.words import code, count, with_interval


def step_table(studies: Sequence[NodeStudy]) -> Table:
    """Distances of step rewards, as they are and with what shaping could be taken off."""
    rows = [
        (
            code(study.name),
            with_interval(found.plain),
            with_interval(found.epic),
            with_interval(found.dard),
            count(found.steps),
        )
        for study in studies
        if study.steps is not None and (found := study.steps.distances) is not None
    ]
    return Table(
        "Step by step: how far the reward model's rewards are from the true ones: 0 where they are alike but"
        " for scale and shift, 0.71 where they have nothing to do with each other, 1 where they are opposite."
        " EPIC and DARD take off what potentials could have added.",
        ("node", "rewards as they are", "EPIC", "DARD", "steps"),
        tuple(rows),
    )


def snapshot_table(studies: Sequence[NodeStudy]) -> Table:
    """The newest agent's outcomes beside those of each earlier one."""
    rows = [
        (
            code(study.name),
            "a proposal" if one.by < 0 else f"the agent of round {one.by + 1}",
            with_interval(one.assisted),
            with_interval(one.distilled),
            count(one.pairs),
        )
        for study in studies
        if study.on is not None
        for one in study.on.opponents
    ]
    return Table(
        "On policy by snapshot: pairs of the newest agent's outcome and another one's. The more"
        " alike the two are, the harder they are to tell apart.",
        ("node", "set beside", "assisted", "distilled", "pairs"),
        tuple(rows),
        numeric=2,
    )
