"""What an error is made of, found by exchanging its makers, and the one node that is to be mended.

In: what interventions measured at each node. Out: the chain from the root to the largest cause.
Arithmetic only; touches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from rrm_tree.propagation.intervals import Estimate
from rrm_tree.records import Distribution, Stored

CAUSES_VERSION = "2"

Kind = Literal["limits", "slips", "own", "helper", "judging", "distilling", "acting"]
"""What a part of an error comes from:

- limits: what the judge gets wrong with perfect advice and no slip: too few looks, wrong rules;
- slips: what the judge's slips add to that, its advice still perfect;
- own: both together, where no judge without slips can be asked;
- helper: what one helper's errors cost, the others' included in all orders (Shapley);
- judging: own and helpers together, where the domain knows no ideal advice;
- distilling: what is lost (or averaged away, if negative) from the judge to the reward model;
- acting: what is lost from the reward model to the agent; not part of 1 − distilled.
"""


class Cause(Stored):
    """One part of an error; negative where it makes up for others."""

    kind: Kind
    helper: str | None = None
    size: Estimate


class ErrorCauses(Stored):
    """What the error of a reward model on one distribution is made of."""

    error: Estimate
    """1 − distilled; all causes but acting sum to it."""
    causes: tuple[Cause, ...]
    orders: int
    """Orders in which helpers were made ideal; all there are, up to six helpers."""

    @property
    def largest(self) -> Cause:
        """The largest part."""
        return max(self.causes, key=lambda cause: cause.size.value)


class NodeCauses(Stored):
    """What the errors of one node are made of."""

    node: str
    off: ErrorCauses | None
    on: ErrorCauses | None
    """None where no pairs were found."""

    def at(self, distribution: Distribution) -> ErrorCauses | None:
        """Off or on policy."""
        return self.off if distribution == "off" else self.on


class NodeShare(Stored):
    """What of the root's error goes back to what one node does by itself."""

    node: str
    size: float
    kinds: Mapping[Kind, float]
    """Of which kind; they sum to the size."""


class CauseChain(Stored):
    """Where the root's error goes back to."""

    shares: tuple[NodeShare, ...]
    """The largest first; they sum to the root's error, what its agent loses included."""
    path: tuple[str, ...]
    """From the root to the node with the largest share, along the largest parts."""

    @property
    def culprit(self) -> str:
        """The node that is to be mended."""
        return self.shares[0].node

    @property
    def kind(self) -> Kind:
        """What of it."""
        kinds = self.shares[0].kinds
        return max(kinds, key=lambda kind: kinds[kind])


def trace_cause(
    root: str, causes: Mapping[str, NodeCauses], distribution: Distribution = "off"
) -> CauseChain | None:
    """The root's error, followed down the tree until it is some node's own.

    What a node inherits from a helper is split as the helper's own error is made up, and so on down.
    Going greedily into the largest part instead would blame whatever lies deepest: what is inherited
    adds up over a whole subtree. Below the root errors off policy count: on their parents'
    proposals, which is what helpers were measured on.

    Returns:
        None where the root was not measured on this distribution, or has no error.
    """
    if root not in causes:
        return None
    inflow, came_from = {root: 1.0}, {root: (0.0, root)}
    own: dict[str, dict[Kind, float]] = {}
    for name in _parents_first(root, causes):
        measured = causes.get(name)
        found = None if measured is None else measured.at(distribution if name == root else "off")
        parts = {} if found is None else _weigh(found)
        total = sum(parts.values())
        if name == root and not total:
            return None
        # Errors of a helper that was not split stay with it.
        if not total:
            parts, total = {("own", None): 1.0}, 1.0
        shares = {key: size / total for key, size in parts.items()}
        # Nothing flows on from a node whose error was not split.
        flow = total if name == root else inflow.get(name, 0.0)
        own[name] = {kind: flow * share for (kind, helper), share in shares.items() if helper is None}
        for (_, helper), share in shares.items():
            if helper is not None:
                inflow[helper] = inflow.get(helper, 0.0) + flow * share
                came_from[helper] = max(came_from.get(helper, (0.0, name)), (flow * share, name))
    ranked = sorted(own, key=lambda name: (-sum(own[name].values()), name))
    path = [ranked[0]]
    while path[0] != root:
        path.insert(0, came_from[path[0]][1])
    return CauseChain(
        shares=tuple(NodeShare(node=name, size=sum(own[name].values()), kinds=own[name]) for name in ranked),
        path=tuple(path),
    )


def _weigh(found: ErrorCauses) -> dict[tuple[Kind, str | None], float]:
    """The parts of an error, none below 0.

    What distilling makes up for are slips before all else: it averages away what differs from
    judgment to judgment, not what a helper gets wrong each time.
    """
    parts: dict[tuple[Kind, str | None], float] = {}
    for cause in found.causes:
        parts[cause.kind, cause.helper] = cause.size.value
    spare = -sum(min(size, 0.0) for size in parts.values())
    parts = {key: max(size, 0.0) for key, size in parts.items()}
    for kind in ("slips", "own", "judging"):
        taken = min(spare, parts.get((kind, None), 0.0))
        if taken:
            parts[kind, None] -= taken
            spare -= taken
    total = sum(parts.values())
    left = max(total - spare, 0.0) / total if total else 0.0
    return {key: size * left for key, size in parts.items()}


def _parents_first(root: str, causes: Mapping[str, NodeCauses]) -> list[str]:
    """The root and all below it, no helper before its parents."""
    order: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        found = causes[name].off or causes[name].on if name in causes else None
        for cause in found.causes if found else ():
            if cause.helper is not None:
                visit(cause.helper)
        order.append(name)

    visit(root)
    return order[::-1]
