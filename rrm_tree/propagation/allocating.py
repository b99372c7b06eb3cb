"""Where the next judgments are best spent: what they would gain at the root, node by node.

In: learning curves, transfers. Out: a gain for every node with its interval, and what may be said of it.
Touches nothing; draws come from a fixed generator: the same measurements give the same numbers.
Needs NumPy, as `propagation.pairs` does.

It is told what the root would gain if a node learned from so many more judgments and all above it were
then trained anew: the relief of its own error, by its learning curve, carried up by the transfers of the
edges. A judge's error is taken to pass into its reward model, and an error's relief to be the same part
of it wherever it is measured: on a node's pairs, or in its answers to a parent's questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rrm_tree.outcomes import Floats
from rrm_tree.propagation.intervals import Z95, Estimate
from rrm_tree.propagation.learning_curves import NodeLearning
from rrm_tree.propagation.nodes import sees_advice
from rrm_tree.propagation.transfer import NodeTransfers, Transfer
from rrm_tree.records import NodeResult, Stored

DRAWS = 10_000


class Grant(Stored):
    """What more judgments at one node would gain."""

    node: str
    judgments: int
    """That it has learned from."""
    error: float | None
    """1 − distilled off policy, as all its judgments teach it."""
    relief: Estimate | None
    """What would be taken off that."""
    carried: Estimate | None
    """How much of a relief reaches the root; 1 for the root itself."""
    gain: Estimate | None
    """At the root. None where something is missing."""
    missing: tuple[str, ...] = ()
    """What would have to be measured: `learning` or `transfer`, of which node."""


class Allocation(Stored):
    """Where so many more judgments would gain most."""

    judgments: int
    grants: tuple[Grant, ...]
    """The largest gain first; those of which something is missing last."""

    @property
    def known(self) -> tuple[Grant, ...]:
        """Nodes of which nothing is missing."""
        return tuple(grant for grant in self.grants if grant.gain is not None)

    @property
    def best(self) -> Grant | None:
        """The one node whose gain is above 0 and above every other's, intervals apart; None without."""
        known = self.known
        if not known or known[0].gain is None or known[0].gain.low <= 0:
            return None
        others = [grant.gain.high for grant in known[1:] if grant.gain is not None]
        return known[0] if all(known[0].gain.low > high for high in others) else None

    @property
    def words(self) -> str:
        """What may be said, in a sentence."""
        known = self.known
        if not known:
            return "Nothing can be said yet: measure what is missing."
        best = self.best
        if best is not None and best.gain is not None:
            return (
                f"Spend them on `{best.node}`: the root gains {best.gain.value:.3f}"
                f" ({best.gain.low:.3f} to {best.gain.high:.3f}), {say_most(len(known), len(self.grants))}."
            )
        if all(grant.gain is None or grant.gain.low <= 0 for grant in known):
            return "No detectable difference: no node's gain is told from none."
        return "No detectable difference: the intervals of the best nodes overlap."


def say_most(known: int, nodes: int) -> str:
    """What the one best node is better than: nothing is said of those that were not measured."""
    if known == 1 < nodes:
        return "and of no other node it is known"
    return "more than from any other node" if known == nodes else f"more than from any other of {known} known"


@dataclass(frozen=True)
class Asked:
    """One node, as allocating needs to know it."""

    name: str
    judgments: int
    hears: tuple[str, ...]
    """Helpers whose agents its judge is told of."""
    learning: NodeLearning | None
    transfers: NodeTransfers | None


def allocate(nodes: Sequence[Asked], root: str, judgments: int) -> Allocation:
    """What so many more judgments would gain at the root, at each node in turn.

    Args:
        nodes: all of the tree, arms left out.
        root: whose error counts.
        judgments: how many more.
    """
    by_name = {node.name: node for node in nodes}
    carry = _Carry(by_name, root)
    grants = [_grant(node, carry, judgments) for node in nodes]
    return Allocation(
        judgments=judgments,
        grants=tuple(sorted(grants, key=lambda one: (-(one.gain.value if one.gain else -2.0), one.node))),
    )


def _grant(node: Asked, carry: _Carry, judgments: int) -> Grant:
    relief = node.learning.gain(judgments) if node.learning else None
    error = _error(node)
    missing = [] if relief is not None else [f"learning of {node.name}"]
    carried = carry.of(node.name)
    missing += carry.lacking(node.name)
    known = relief is not None and not missing
    gain = None
    if known and relief is not None and carried is not None:
        drawn = _draw(relief, f"relief {node.name}")
        if error is not None:
            # No more can be taken off than there is.
            drawn = np.minimum(drawn, error)
            bounds = {end: min(getattr(relief, end), error) for end in ("value", "low", "high")}
            relief = relief.model_copy(update=bounds)
        gain = _estimate(relief.value * carry.value(node.name), drawn * carried, relief.count)
    return Grant(
        node=node.name,
        judgments=node.judgments,
        error=error,
        relief=relief,
        carried=None if carried is None or missing else _estimate(carry.value(node.name), carried, 0),
        gain=gain,
        missing=tuple(dict.fromkeys(missing)),
    )


def _error(node: Asked) -> float | None:
    return node.learning.points[-1].error.value if node.learning and node.learning.points else None


def ask_of(node: NodeResult, learning: NodeLearning | None, transfers: NodeTransfers | None) -> Asked:
    """A node as it is asked about."""
    hears = sees_advice(node, "judge") and node.help == "trained"
    judgments = node.rounds[-1].facts.judgments if node.rounds else 0
    return Asked(node.name, judgments, node.helpers if hears else (), learning, transfers)


class _Carry:
    """How much of a relief at each node reaches the root, over all ways up."""

    def __init__(self, nodes: Mapping[str, Asked], root: str) -> None:
        self.nodes, self.root = nodes, root
        self.parents = {
            name: [parent for parent, node in nodes.items() if name in node.hears] for name in nodes
        }
        # Each node is looked at once, however many ways lead up from it.
        self._drawn: dict[str, Floats | None] = {}
        self._values: dict[str, float] = {root: 1.0}
        self._lacking: dict[str, tuple[str, ...]] = {root: ()}

    def of(self, name: str) -> Floats | None:
        """Draws of it, [draws]; None where an edge on the way was not measured."""
        if name not in self._drawn:
            self._drawn[name] = self._add_up(name)
        return self._drawn[name]

    def value(self, name: str) -> float:
        """Its middle: that of the slopes' own values."""
        if name not in self._values:
            edges = ((parent, self._edge(parent, name)) for parent in self.parents[name])
            self._values[name] = sum(
                edge.slope.value * self._scale(edge, name) * self.value(parent)
                for parent, edge in edges
                if edge is not None and edge.slope is not None
            )
        return self._values[name]

    def lacking(self, name: str) -> tuple[str, ...]:
        """What was not measured on the ways up."""
        if name not in self._lacking:
            found: dict[str, None] = {}
            for parent in self.parents[name]:
                if self._edge(parent, name) is None:
                    found[f"transfer of {parent}"] = None
                found |= dict.fromkeys(self.lacking(parent))
            self._lacking[name] = tuple(found)
        return self._lacking[name]

    def _add_up(self, name: str) -> Floats | None:
        if name == self.root:
            return np.ones(DRAWS)
        total = np.zeros(DRAWS)
        for parent in self.parents[name]:
            edge, above = self._edge(parent, name), self.of(parent)
            if edge is None or above is None:
                return None
            if edge.slope is not None:
                slope = _draw(edge.slope, f"slope {parent} {name}")
                total += slope * self._scale(edge, name) * above
        return total

    def _edge(self, parent: str, helper: str) -> Transfer | None:
        found = self.nodes[parent].transfers
        edges = () if found is None else found.transfers
        return next((one for one in edges if one.helper == helper and one.distribution == "off"), None)

    def _scale(self, edge: Transfer, helper: str) -> float:
        """The helper's error in its answers to this parent for each unit of that on its own pairs."""
        error = _error(self.nodes[helper])
        if edge.trained_error is None or not error:
            return 1.0
        return edge.trained_error / error


def _draw(estimate: Estimate, name: str) -> Floats:
    """Values as the interval leaves them open, taken to be normal; the same for the same name."""
    rng = np.random.default_rng(list(name.encode()))
    deviation = (estimate.high - estimate.low) / (2 * Z95)
    return estimate.value + deviation * rng.standard_normal(DRAWS)


def _estimate(value: float, drawn: Floats, count: int) -> Estimate:
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Estimate(value=value, low=min(float(low), value), high=max(float(high), value), count=count)
