"""Arms against the node as declared, on what both were measured on: a table.

In: NodeStudies. Out: a Table. Names stand between backticks.
Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from rrm_tree.propagation.intervals import GapTest
from rrm_tree.propagation.pairs import NodeStudy
from rrm_tree.report.tables import Table
from rrm_tree.report.words import chance, code, count, gain_with_interval


def arm_test_table(studies: Sequence[NodeStudy]) -> Table:
    """The node as declared less each arm, item by item."""
    rows = [
        (code(study.name), one.arm, *_cells(one.truth), *_cells(one.distilled))
        for study in studies
        for one in study.arms
    ]
    return Table(
        "Declared minus each arm, on the very outcomes and pairs that both were measured on; intervals and p"
        " (of sign-flip tests) take those of one starting state together, and say nothing of other seeds.",
        ("node", "arm", "mean truth", "p", "outcomes", "distilled off", "p", "pairs"),
        tuple(rows),
        numeric=2,
    )


def _cells(test: GapTest | None) -> tuple[str, str, str]:
    if test is None:
        return "–", "–", "–"
    return gain_with_interval(test.difference), chance(test.p_value), count(test.items)
