"""Which nodes a table has room for, of one seed or of several.

In: an Analysis or a SeedsAnalysis. Out: ChosenNodes. Touches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from rrm_tree.propagation import rank_worst
from rrm_tree.propagation.nodes import Measured
from rrm_tree.report.words import count

ROWS = 40
"""Of more nodes than this, tables show the worst."""

Node = TypeVar("Node", bound=Measured)
Some_co = TypeVar("Some_co", bound=Measured, covariant=True)


class Analysed(Protocol[Some_co]):
    """What has nodes: by level, the root first; within a level the worst first."""

    @property
    def nodes(self) -> tuple[Some_co, ...]:
        """All of them."""
        ...


@dataclass(frozen=True)
class ChosenNodes(Generic[Node]):
    """The nodes that a table has room for."""

    nodes: tuple[Node, ...]
    left_out: int

    @property
    def remark(self) -> str:
        """What is not shown, and where it is."""
        if not self.left_out:
            return ""
        return f" The worst {len(self.nodes)} nodes; {count(self.left_out)} more are in report.json."


def choose_nodes(analysis: Analysed[Node], limit: int = ROWS) -> ChosenNodes[Node]:
    """All nodes by level, the root first; of too many, the worst and nothing but the worst."""
    if len(analysis.nodes) <= limit:
        return ChosenNodes(analysis.nodes, 0)
    return ChosenNodes(tuple(rank_worst(analysis.nodes)[:limit]), len(analysis.nodes) - limit)
