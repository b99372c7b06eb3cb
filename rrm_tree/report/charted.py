"""What stands in a page's tables as charts, of one seed or of several.

In: analysed nodes. Out: rows with their numbers, and drawn marks. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from markupsafe import Markup

from rrm_tree.propagation import DISTRIBUTIONS, ORDERERS, Distribution, Orderer, Split
from rrm_tree.report.charts import cut_bar, scale_splits
from rrm_tree.report.rendering import draw
from rrm_tree.report.tables import Table
from rrm_tree.report.words import code

Number = TypeVar("Number")
Known_co = TypeVar("Known_co", covariant=True)


class Accuracies(Protocol[Known_co]):
    """How right each orderer is on one distribution."""

    @property
    def shown(self) -> Split | None:
        """What the error is made of, as printed."""
        ...

    def of(self, orderer: Orderer) -> Known_co | None:
        """The share of pairs that this orderer puts right."""
        ...


class Ordered(Protocol[Known_co]):
    """A node whose pairs were ordered."""

    @property
    def name(self) -> str:
        """The node's."""
        ...

    def at(self, distribution: Distribution) -> Accuracies[Known_co] | None:
        """Off or on policy."""
        ...


@dataclass(frozen=True)
class Line(Generic[Number]):
    """One orderer, off and on policy."""

    orderer: Orderer
    off: Number | None
    on: Number | None


@dataclass(frozen=True)
class Group(Generic[Number]):
    """A node with its lines."""

    title: str
    remarks: tuple[str, ...]
    lines: tuple[Line[Number], ...]

    @property
    def numbers(self) -> Iterator[Number]:
        """Everything that is drawn."""
        for line in self.lines:
            yield from (number for number in (line.off, line.on) if number is not None)


def group_lines(node: Ordered[Number], *remarks: str) -> Iterator[Group[Number]]:
    """The node with whoever ordered its pairs; nothing if nobody did."""
    off, on = (node.at(policy) for policy in DISTRIBUTIONS)
    both = [(o, off.of(o) if off else None, on.of(o) if on else None) for o in ORDERERS]
    lines = tuple(Line(*one) for one in both if one[1] is not None or one[2] is not None)
    if lines:
        yield Group(code(node.name), remarks, lines)


def draw_bars(nodes: Iterable[Ordered[object]]) -> tuple[Markup, list[Markup]]:
    """The scale, and one bar for each row of the split table."""
    parts = [part for node in nodes for policy in DISTRIBUTIONS if (part := node.at(policy))]
    splits = [part.shown for part in parts if part.shown]
    scale = scale_splits(splits)
    return draw("axis", scale), [draw("bar", cut_bar(split, scale), scale) for split in splits]


@dataclass(frozen=True)
class ArmsView:
    """The arms of one node, ready to show."""

    name: str
    sentences: tuple[str, ...]
    table: Table
    axis: Markup
    charts: tuple[Markup, ...]
