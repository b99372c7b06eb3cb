"""What each sweep over a tree has gained at a node, on the very pairs of its last one.

In: who put each pair right in each sweep. Out: shares, and differences between sweeps.
Touches nothing. Needs NumPy, as `propagation.pairs` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rrm_tree.outcomes import Floats, Ints
from rrm_tree.propagation.clustered import estimate_clustered_share
from rrm_tree.propagation.intervals import Difference, Estimate
from rrm_tree.propagation.pair_tests import compare_gaps
from rrm_tree.records import Distribution, Stored

SWEEPS_VERSION = "2"


class SweepGain(Stored):
    """What one sweep has gained on the one before, pair by pair."""

    difference: Difference
    p_value: float
    """Of the exact sign-flip test over starting states."""


class SweepStep(Stored):
    """A node as one sweep left it: its judge with that sweep's helpers, and its reward model."""

    sweep: int
    """From 1."""
    judgments: int
    """Of all sweeps so far."""
    looks: int
    assisted: Estimate | None
    """None for a judge whom nobody helps: it is the same in every sweep."""
    assisted_gain: SweepGain | None = None
    distilled: Estimate
    distilled_gain: SweepGain | None = None


class SweepPath(Stored):
    """All sweeps of a node on one distribution's pairs."""

    distribution: Distribution
    pairs: int
    steps: tuple[SweepStep, ...]


class NodeSweeps(Stored):
    """What the sweeps have gained at one node."""

    node: str
    paths: tuple[SweepPath, ...]
    """Off and on policy: about proposals, and about what the agents above and its own have come to do."""


@dataclass(frozen=True)
class SweepRight:
    """What one sweep put right, 0 to 1 a pair, and what it had cost by then."""

    judgments: int
    looks: int
    assisted: Floats | None
    distilled: Floats


def follow_sweeps(sweeps: Sequence[SweepRight], root: Ints, distribution: Distribution) -> SweepPath:
    """The sweeps one after the other on the same pairs.

    Args:
        sweeps: the first one first.
        root: which starting state each pair goes back to, [pairs].
        distribution: which pairs they are.
    """
    steps = []
    for place, one in enumerate(sweeps):
        last = sweeps[place - 1] if place else None
        before = None if last is None else last.assisted
        steps.append(
            SweepStep(
                sweep=place + 1,
                judgments=one.judgments,
                looks=one.looks,
                assisted=None if one.assisted is None else estimate_clustered_share(one.assisted, root),
                assisted_gain=None
                if one.assisted is None or before is None
                else _gain(one.assisted, before, root),
                distilled=estimate_clustered_share(one.distilled, root),
                distilled_gain=None if last is None else _gain(one.distilled, last.distilled, root),
            )
        )
    return SweepPath(distribution=distribution, pairs=len(root), steps=tuple(steps))


def _gain(after: Floats, before: Floats, root: Ints) -> SweepGain:
    found = compare_gaps(after - before, root)
    return SweepGain(difference=found.difference, p_value=found.p_value)
