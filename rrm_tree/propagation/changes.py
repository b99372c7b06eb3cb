"""One number in two runs: both estimates, their difference, and the chance of one as large by luck.

In: the entries of two runs, by seed. Out: Changes, and which of many p-values stand. Arithmetic only; touches
nothing; SciPy is loaded only for Student's t.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import erfc, sqrt
from typing import Literal

from rrm_tree.propagation.intervals import (
    Z95,
    Difference,
    Estimate,
    average_independent,
    compare_seeds,
    estimate_mean,
    estimate_share,
    student_quantile,
    subtract,
)
from rrm_tree.propagation.nodes import pool_shares, sees_advice
from rrm_tree.propagation.over_seeds import LEAST_SEEDS, average_estimates, no_narrower
from rrm_tree.records import NodeResult, Share, Shares, Stored

Measure = Literal["distilled off", "distilled on", "assisted off", "assisted on", "truth"]
MEASURES: tuple[Measure, ...] = ("distilled off", "distilled on", "assisted off", "assisted on", "truth")
Verdict = Literal["better", "worse", "same"]


class Change(Stored):
    """One number of a node in both runs."""

    measure: Measure
    before: Estimate
    """Of the first run; over seeds its count is theirs."""
    after: Estimate
    difference: Difference
    """After minus before, with its 95% interval."""
    paired_by: Literal["seed", "pair", "nothing"]
    """`pair`: the same held-out pairs, or outcomes, were measured in both runs."""
    p_value: float
    """By seeds Student's, or that of what the seeds have measured if it is larger; by pairs that of a
    sign-flip test over starting states, exact for shares; else that which belongs to the interval."""
    verdict: Verdict = "same"
    """`same`: no difference beyond noise, with an allowance for how many numbers were compared."""


def compare_measures(
    first: Mapping[int, Sequence[NodeResult]], second: Mapping[int, Sequence[NodeResult]]
) -> list[Change]:
    """Every number of one entry, or of several taken together, by seed."""
    changes = []
    for measure in MEASURES:
        before, after = (
            {seed: found for seed, nodes in one.items() if (found := _estimate(nodes, measure)) is not None}
            for one in (first, second)
        )
        if before and after:
            changes.append(_change(measure, before, after))
    return changes


def _estimate(nodes: Sequence[NodeResult], measure: Measure) -> Estimate | None:
    """That number of the last round; several entries have no truth in common."""
    if measure == "truth":
        return estimate_mean(nodes[0].rounds[-1].agent_truth) if len(nodes) == 1 else None
    return estimate_share(pool_shares(_share(node, measure) for node in nodes))


def _share(node: NodeResult, measure: Measure) -> Share | None:
    orderer, _, policy = measure.partition(" ")
    shares: Shares | None = node.rounds[-1].off if policy == "off" else node.rounds[-1].on
    share: Share | None = getattr(shares, orderer) if shares else None
    if share is None and orderer == "assisted" and shares and not sees_advice(node, "judge"):
        return shares.alone
    return share


def _change(measure: Measure, before: Mapping[int, Estimate], after: Mapping[int, Estimate]) -> Change:
    common = [seed for seed in before if seed in after]
    by_seed = len(common) >= LEAST_SEEDS
    if by_seed:
        before, after = ({seed: side[seed] for seed in common} for side in (before, after))
    one, other = (_together(side, is_share=measure != "truth") for side in (before, after))
    if by_seed:
        difference, p_value = _within_seeds(before, after)
    else:
        difference = subtract(other, one)
        # An interval that speaks of seeds has Student's tails.
        freedom = min((len(side) - 1 for side in (before, after) if len(side) >= LEAST_SEEDS), default=None)
        p_value = chance_of(difference, freedom)
    return Change(
        measure=measure,
        before=one,
        after=other,
        difference=difference,
        paired_by="seed" if by_seed else "nothing",
        p_value=p_value,
    )


def _within_seeds(before: Mapping[int, Estimate], after: Mapping[int, Estimate]) -> tuple[Difference, float]:
    """After less before, and its p-value; neither is surer than what the seeds have measured."""
    over = compare_seeds(*([one.value for one in side.values()] for side in (after, before))).difference
    apart = [subtract(after[seed], one) for seed, one in before.items()]
    p_value = max(chance_of(over, len(apart) - 1), chance_of(average_independent(apart)))
    return no_narrower(over, apart), p_value


def _together(estimates: Mapping[int, Estimate], *, is_share: bool) -> Estimate:
    """One seed's estimate; of several the mean, with the interval of a mean of independent estimates.

    Where there are seeds enough, the interval speaks of seeds.
    """
    ours = list(estimates.values())
    if len(ours) == 1:
        return ours[0]
    over = average_estimates(estimates, is_share=is_share)
    if over is not None and over.low is not None:
        return over.estimate
    return Estimate(**average_independent(ours).model_dump(), count=len(ours))


def chance_of(difference: Difference, freedom: int | None = None) -> float:
    """The two-sided p-value that belongs to a 95% interval, taken to be normal on either side.

    Altman and Bland, "How to obtain the P value from a confidence interval" (2011). Below .05 exactly
    where the interval leaves out 0.

    Args:
        difference: with its interval.
        freedom: of Student's t, where the interval is Student's. Of three seeds a mean that is two halves
            of its interval away from 0 would have a normal p of .00009; it has one of .013.
    """
    toward_zero = (
        difference.value - difference.low if difference.value > 0 else difference.high - difference.value
    )
    if difference.value == 0:
        return 1.0
    if toward_zero <= 0:
        return 0.0
    far = abs(difference.value) / toward_zero
    if freedom is None:
        return erfc(far * Z95 / sqrt(2))
    from scipy.special import stdtr  # noqa: PLC0415  SciPy takes longer to load than all else here

    return 2 * float(stdtr(freedom, -far * student_quantile(freedom)))


def reject(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses fall, in the order given: Holm (1979), the smallest p-value first."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    fallen = [False] * len(p_values)
    for rank, place in enumerate(order):
        if p_values[place] > alpha / (len(p_values) - rank):
            break
        fallen[place] = True
    return fallen
