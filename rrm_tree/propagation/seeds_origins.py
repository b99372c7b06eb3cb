"""Where the root's error goes back to, over seeds.

In: NodeStudies by seed. Out: shares of the mean error by node. Arithmetic only; touches nothing.
Needs NumPy, as `propagation.pairs` does: whoever wants it imports this module itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rrm_tree.propagation.causes import CauseChain, trace_cause
from rrm_tree.propagation.nodes import DISTRIBUTIONS
from rrm_tree.propagation.over_seeds import OverSeeds, average
from rrm_tree.propagation.seeds_studies import Studies
from rrm_tree.records import Distribution, Stored


class SeedsOrigin(Stored):
    """What of the root's error goes back to what one node does by itself, over seeds."""

    distribution: Distribution
    node: str
    size: OverSeeds
    """0 in seeds in which nothing goes back to it."""
    largest: tuple[int, ...]
    """Seeds in which it is the node with the largest share."""


def trace_causes(root: str, studies: Studies) -> tuple[SeedsOrigin, ...]:
    """Where the root's error goes back to in each seed, and in the mean; the largest first, off before on."""
    found: list[SeedsOrigin] = []
    for policy in DISTRIBUTIONS:
        chains = {
            seed: chain
            for seed, each in studies.items()
            if (chain := trace_cause(root, {s.name: s.causes for s in each if s.causes}, policy))
        }
        origins = [_origin(policy, name, chains) for name in _nodes_of(chains.values())]
        found += sorted(origins, key=lambda one: (-one.size.mean, one.node))
    return tuple(found)


def _nodes_of(chains: Iterable[CauseChain]) -> list[str]:
    return list(dict.fromkeys(share.node for chain in chains for share in chain.shares))


def _origin(policy: Distribution, name: str, chains: Mapping[int, CauseChain]) -> SeedsOrigin:
    sizes = {
        seed: next((share.size for share in chain.shares if share.node == name), 0.0)
        for seed, chain in chains.items()
    }
    size = average(sizes)
    assert size is not None
    if size.low is not None:
        size = size.model_copy(update={"low": max(size.low, 0.0)})
    largest = tuple(seed for seed, chain in chains.items() if chain.culprit == name)
    return SeedsOrigin(distribution=policy, node=name, size=size, largest=largest)
