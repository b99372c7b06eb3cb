"""Curves over seeds: round by round, sweep by sweep, judge by helper error, how right by how sure.

In: what was measured of one node, by seed. Out: means over seeds. Arithmetic only; touches nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from rrm_tree.propagation.intervals import Paired
from rrm_tree.propagation.nodes import DISTRIBUTIONS, NodeAnalysis, analyse_node
from rrm_tree.propagation.over_seeds import Gaps, OverSeeds, average, average_estimates, pair
from rrm_tree.propagation.pairs import BINS, Bin
from rrm_tree.propagation.sweep_gains import NodeSweeps, SweepGain, SweepStep
from rrm_tree.propagation.transfer import Transfer, TransferPoint
from rrm_tree.records import Distribution, NodeResult, Stored


class SeedsPoint(Stored):
    """One place of a curve over the seeds that have it."""

    x: OverSeeds
    y: OverSeeds


class SeedsRound(Stored):
    """One round of a node over the seeds that have it and measured it."""

    round: int
    """From 0."""
    judgments: OverSeeds
    off: OverSeeds | None
    """Share of pairs that the reward model puts right."""
    on: OverSeeds | None
    agent_score: OverSeeds | None
    agent_truth: OverSeeds | None


class SeedsSweepStep(Stored):
    """A node as one sweep left it, over seeds; see `SweepStep`."""

    distribution: Distribution
    sweep: int
    """From 1."""
    judgments: OverSeeds
    looks: OverSeeds
    assisted: OverSeeds | None
    assisted_gain: Paired | None
    """On the sweep before, seed by seed; None for the first one, and for fewer than three seeds."""
    distilled: OverSeeds
    distilled_gain: Paired | None


def follow_over_seeds(of: Mapping[int, NodeSweeps]) -> Iterator[SeedsSweepStep]:
    """The sweeps of a node one after the other, off and on policy, each on its seed's own pairs."""
    for policy in DISTRIBUTIONS:
        paths = {
            seed: path.steps for seed, one in of.items() for path in one.paths if path.distribution == policy
        }
        before: SeedsSweepStep | None = None
        for place in range(max((len(steps) for steps in paths.values()), default=0)):
            steps = {seed: one[place] for seed, one in paths.items() if len(one) > place}
            before = _step(policy, steps, before)
            yield before


def _step(
    policy: Distribution, steps: Mapping[int, SweepStep], before: SeedsSweepStep | None
) -> SeedsSweepStep:
    judgments = average({seed: one.judgments for seed, one in steps.items()})
    looks = average({seed: one.looks for seed, one in steps.items()})
    assisted = average_estimates({seed: one.assisted for seed, one in steps.items()}, is_share=True)
    distilled = average_estimates({seed: one.distilled for seed, one in steps.items()}, is_share=True)
    assert judgments is not None
    assert looks is not None
    assert distilled is not None
    return SeedsSweepStep(
        distribution=policy,
        sweep=next(iter(steps.values())).sweep,
        judgments=judgments,
        looks=looks,
        assisted=assisted,
        assisted_gain=pair(assisted, before.assisted, _gaps(steps, "assisted_gain")) if before else None,
        distilled=distilled,
        distilled_gain=pair(distilled, before.distilled, _gaps(steps, "distilled_gain")) if before else None,
    )


def _gaps(steps: Mapping[int, SweepStep], name: Literal["assisted_gain", "distilled_gain"]) -> Gaps:
    """What each seed has measured of a gain, pair by pair."""
    gains: dict[int, SweepGain | None] = {seed: getattr(one, name) for seed, one in steps.items()}
    return {seed: None if gain is None else gain.difference for seed, gain in gains.items()}


def average_transfers(of: Mapping[int, Transfer]) -> Iterator[SeedsPoint]:
    """The judge's error by the helper's, for each rate at which the helper was corrupted."""
    by_rate: dict[float, dict[int, TransferPoint]] = {}
    for seed, one in of.items():
        for point in one.points:
            by_rate.setdefault(point.rate, {})[seed] = point
    for _, points in sorted(by_rate.items()):
        x = average({seed: point.helper_error for seed, point in points.items()}, is_share=True)
        y = average_estimates({seed: point.judge_error for seed, point in points.items()}, is_share=True)
        if x is not None and y is not None:
            yield SeedsPoint(x=x, y=y)


def average_bins(of: Mapping[int, tuple[Bin, ...]]) -> Iterator[SeedsPoint]:
    """How right reward models are by how sure, bin by bin, over the seeds that have any pair in the bin."""
    by_place: dict[int, dict[int, Bin]] = {}
    for seed, bins in of.items():
        for one in bins:
            by_place.setdefault(int(one.expected * BINS), {})[seed] = one
    for _, bins_of in sorted(by_place.items()):
        x = average({seed: one.expected for seed, one in bins_of.items()}, is_share=True)
        y = average_estimates({seed: one.right for seed, one in bins_of.items()}, is_share=True)
        if x is not None and y is not None:
            yield SeedsPoint(x=x, y=y)


def follow_rounds(entries: Mapping[int, NodeResult]) -> Iterator[SeedsRound]:
    """Every round of which anything was measured, as if it had been the last; at least two, or none."""
    most = max((len(entry.rounds) for entry in entries.values()), default=0)
    if most < 2:
        return
    found = []
    for number in range(most):
        upto = {
            seed: analyse_node(entry.model_copy(update={"rounds": entry.rounds[: number + 1]}))
            for seed, entry in entries.items()
            if len(entry.rounds) > number
        }
        one = _round(number, upto)
        if one.off or one.on or one.agent_truth:
            found.append(one)
    if len(found) > 1:
        yield from found


def _round(number: int, of: Mapping[int, NodeAnalysis]) -> SeedsRound:
    judgments = average({seed: one.effort.judgments for seed, one in of.items()})
    assert judgments is not None

    def share(policy: Distribution) -> OverSeeds | None:
        parts = {seed: part.distilled if (part := one.at(policy)) else None for seed, one in of.items()}
        return average_estimates(parts, is_share=True)

    return SeedsRound(
        round=number,
        judgments=judgments,
        off=share("off"),
        on=share("on"),
        agent_score=average_estimates({seed: one.agent_score for seed, one in of.items()}),
        agent_truth=average_estimates({seed: one.agent_truth for seed, one in of.items()}),
    )
