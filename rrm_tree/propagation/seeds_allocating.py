"""Where the next judgments are best spent, over seeds.

In: the Allocation of each seed. Out: mean gains with intervals over seeds, and what may be said of them.
Arithmetic only; touches nothing. Needs NumPy, as `propagation.allocating` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from rrm_tree.propagation.allocating import Allocation, Grant, say_most
from rrm_tree.propagation.intervals import Estimate
from rrm_tree.propagation.over_seeds import (
    LEAST_SEEDS,
    OverSeeds,
    average,
    average_estimates,
    pair,
    subtract_each,
)
from rrm_tree.records import Stored


class SeedsGrant(Stored):
    """What more judgments at one node would gain, over the seeds of which nothing is missing; see `Grant`."""

    node: str
    judgments: OverSeeds
    error: OverSeeds | None
    relief: OverSeeds | None
    carried: OverSeeds | None
    gain: OverSeeds | None


class SeedsAllocation(Stored):
    """Where so many more judgments in each seed would gain most in the mean."""

    judgments: int
    seeds: tuple[int, ...]
    grants: tuple[SeedsGrant, ...]
    """The largest mean gain first; those of which nothing is known last."""

    is_told_apart: bool = False
    """Whether the first one's gain is above 0, and above every other's seed by seed."""

    @property
    def best(self) -> SeedsGrant | None:
        """The one node that is told apart from all others; None without."""
        return self.grants[0] if self.is_told_apart else None

    @property
    def words(self) -> str:
        """What may be said, in a sentence."""
        gains = [grant.gain for grant in self.grants if grant.gain is not None]
        if not gains:
            return "Nothing can be said over seeds yet: measure what is missing."
        known = max(len(gain.by_seed) for gain in gains)
        if known < LEAST_SEEDS:
            return f"Nothing can be said over seeds yet: it takes {LEAST_SEEDS} of which nothing is missing."
        best = self.best
        if best is not None and best.gain is not None:
            return (
                f"Over {len(best.gain.by_seed)} seeds: spend them on `{best.node}`: the root gains"
                f" {best.gain.mean:.3f} in the mean (95% over seeds: {best.gain.low:.3f} to"
                f" {best.gain.high:.3f}), {say_most(len(gains), len(self.grants))}."
            )
        if all(gain.low is None or gain.low <= 0 for gain in gains):
            return f"No detectable difference over {known} seeds: no node's mean gain is told from none."
        return f"No detectable difference over {known} seeds: the best nodes are not told apart."


def allocate_over_seeds(found: Mapping[int, Allocation]) -> SeedsAllocation:
    """What so many more judgments in each seed would gain in the mean.

    Args:
        found: of each seed, all for as many judgments.
    """
    by_node: dict[str, dict[int, Grant]] = {}
    for seed, one in found.items():
        for grant in one.grants:
            by_node.setdefault(grant.node, {})[seed] = grant
    grants = [_average(node, of) for node, of in by_node.items()]
    grants.sort(key=lambda one: (-(one.gain.mean if one.gain else -2.0), one.node))
    return SeedsAllocation(
        judgments=max((one.judgments for one in found.values()), default=0),
        seeds=tuple(found),
        grants=tuple(grants),
        is_told_apart=_is_told_apart(grants, by_node),
    )


def _is_told_apart(grants: Sequence[SeedsGrant], by_node: Mapping[str, Mapping[int, Grant]]) -> bool:
    first, *others = grants or (None,)
    if first is None or first.gain is None or first.gain.low is None or first.gain.low <= 0:
        return False
    gains = {node: {seed: grant.gain for seed, grant in of.items()} for node, of in by_node.items()}
    apart = [
        pair(first.gain, other.gain, subtract_each(gains[first.node], gains[other.node]))
        for other in others
        if other.gain is not None
    ]
    return all(one is not None and one.difference.low > 0 for one in apart)


def _average(node: str, of: Mapping[int, Grant]) -> SeedsGrant:
    known = {seed: grant for seed, grant in of.items() if grant.gain is not None}

    def over(take: Callable[[Grant], Estimate | None]) -> OverSeeds | None:
        return average_estimates({seed: take(grant) for seed, grant in known.items()})

    judgments = average({seed: grant.judgments for seed, grant in of.items()})
    assert judgments is not None
    return SeedsGrant(
        node=node,
        judgments=judgments,
        error=average({seed: grant.error for seed, grant in known.items()}, is_share=True),
        relief=over(lambda grant: grant.relief),
        carried=over(lambda grant: grant.carried),
        gain=over(lambda grant: grant.gain),
    )
