"""A tree of many nodes as lists that fold: a node, and under it the helpers that it asks, the worst first.

In: a RunResult and its Analysis. Out: Branches. Touches nothing. A helper of several parents stands in full
where it comes first, and by its name alone elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from rrm_tree.propagation import Analysis, NodeAnalysis, rank_worst
from rrm_tree.records import RunResult
from rrm_tree.report.drawing import describe_node, shade_of
from rrm_tree.report.words import code, plural, share

FOLDED = 12
"""Trees of more nodes than this are also shown so."""

DEEPEST, MOST = 40, 300
"""Branches stand in each other at most so deep; of more nodes the worst are shown, and the way to them."""

UNKNOWN = 2.0
"""In place of an accuracy: worse than nothing that is known."""


@dataclass(frozen=True)
class Branch:
    """A node and what is below it."""

    name: str
    words: str
    shade: str
    is_open: bool
    """Whether the worst node of the tree is below it."""
    branches: tuple[Branch, ...] = ()
    remark: str = ""
    """What of it is not shown."""


@dataclass(frozen=True)
class _Lowest:
    """The lowest accuracy at or below a node, and whose it is."""

    accuracy: float
    name: str

    @property
    def key(self) -> tuple[float, str]:
        """What is worse comes first."""
        return self.accuracy, self.name


@dataclass
class _Growing:
    """What is known of the tree while its branches are made."""

    nodes: Mapping[str, NodeAnalysis]
    helpers: Mapping[str, Sequence[str]]
    lowest: Mapping[str, _Lowest]
    kept: Collection[str]
    culprit: str
    """The worst node of all."""
    shown: set[str] = field(default_factory=set)


def fold_tree(result: RunResult, analysis: Analysis) -> tuple[Branch, ...]:
    """The roots with all that is below them; nothing for trees small enough to be drawn whole."""
    if len(analysis.nodes) <= FOLDED:
        return ()
    nodes = {node.name: node for node in analysis.nodes}
    entries = {entry.name: entry for entry in result.nodes if entry.name in nodes}
    helpers = {name: [h for h in one.helpers if h in entries] for name, one in entries.items()}
    lowest = _find_lowest(analysis.nodes, helpers)
    worst = rank_worst(analysis.nodes)
    kept = _keep([node.name for node in worst], helpers)
    growing = _Growing(nodes, helpers, lowest, kept, worst[0].name)
    asked = {helper for names in helpers.values() for helper in names}
    roots = [node.name for node in analysis.nodes if node.name not in asked]
    return tuple(_grow(name, growing, 0) for name in roots)


def _find_lowest(nodes: Sequence[NodeAnalysis], helpers: Mapping[str, Sequence[str]]) -> dict[str, _Lowest]:
    lowest: dict[str, _Lowest] = {}
    # Helpers before their parents: each is looked at once, however many ask it.
    for node in sorted(nodes, key=lambda node: node.level):
        own = _Lowest(UNKNOWN if node.distilled is None else node.distilled, node.name)
        below = [lowest[helper] for helper in helpers[node.name] if helper in lowest]
        lowest[node.name] = min([own, *below], key=lambda one: one.key)
    return lowest


def _keep(worst: Sequence[str], helpers: Mapping[str, Sequence[str]]) -> set[str]:
    """The worst nodes and whoever stands between them and the root, as many as there is room for."""
    parent: dict[str, str] = {}
    for name, below in helpers.items():
        for helper in below:
            parent.setdefault(helper, name)
    kept: set[str] = set()
    for name in worst:
        if len(kept) >= MOST:
            break
        while name not in kept:
            kept.add(name)
            name = parent.get(name, name)  # noqa: PLW2901 - upwards, up to the root
    return kept


def _grow(name: str, growing: _Growing, depth: int) -> Branch:
    node, lowest = growing.nodes[name], growing.lowest[name]
    words, shade = describe_node(node), shade_of(node)
    if name in growing.shown:
        return Branch(code(name), f"{words} · its helpers stand above", shade, is_open=False)
    growing.shown.add(name)
    if lowest.name != name and lowest.accuracy < UNKNOWN:
        words = f"{words} · worst below: {share(lowest.accuracy, 2)}"
    below = growing.helpers[name] if depth < DEEPEST else ()
    below = sorted((one for one in below if one in growing.kept), key=lambda one: growing.lowest[one].key)
    left = len(growing.helpers[name]) - len(below)
    return Branch(
        code(name),
        words,
        shade,
        is_open=lowest.name == growing.culprit and name != growing.culprit,
        branches=tuple(_grow(helper, growing, depth + 1) for helper in below),
        remark=f"{plural(left, 'more helper')}, with all below, in report.json" if left else "",
    )
