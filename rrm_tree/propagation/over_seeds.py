"""A number of every seed → its mean over the seeds, with an interval that speaks of seeds.

In: numbers by seed. Out: means with intervals, paired differences. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

from rrm_tree.propagation.intervals import (
    Difference,
    Estimate,
    Paired,
    average_independent,
    compare_seeds,
    student_quantile,
    subtract,
)
from rrm_tree.records import Stored

LEAST_SEEDS = 3
"""Fewer seeds say too little about their spread for an interval."""
CLAIM_SEEDS = 10
"""So many a claim rests on at least; with five, an exact paired test cannot reach p < .05."""


class OverSeeds(Stored):
    """A number that every seed has, and its mean over the seeds."""

    mean: float
    low: float | None
    """95% interval of the mean over seeds; None for fewer than three seeds."""
    high: float | None
    deviation: float | None
    """Standard deviation between seeds; None for a single one."""
    by_seed: Mapping[int, float]

    @property
    def least(self) -> float:
        """The smallest of the seeds' numbers."""
        return min(self.by_seed.values())

    @property
    def most(self) -> float:
        """The largest of the seeds' numbers."""
        return max(self.by_seed.values())

    @property
    def estimate(self) -> Estimate:
        """The mean in the shape of one seed's; with too few seeds for an interval, its ends are the mean."""
        low = self.mean if self.low is None else self.low
        high = self.mean if self.high is None else self.high
        return Estimate(value=self.mean, low=low, high=high, count=len(self.by_seed))


def average(values: Mapping[int, float | None], *, is_share: bool = False) -> OverSeeds | None:
    """The mean over the seeds that have the number, with Student's interval; None if no seed has.

    Args:
        values: by seed.
        is_share: values and interval lie between 0 and 1.
    """
    known = {seed: value for seed, value in values.items() if value is not None}
    if not known:
        return None
    count, mean = len(known), sum(known.values()) / len(known)
    deviation = sqrt(sum((x - mean) ** 2 for x in known.values()) / (count - 1)) if count > 1 else None
    low = high = None
    if deviation is not None and count >= LEAST_SEEDS:
        half = student_quantile(count - 1) * deviation / sqrt(count)
        low, high = mean - half, mean + half
        if is_share:
            low, high = max(low, 0.0), min(high, 1.0)
    return OverSeeds(mean=mean, low=low, high=high, deviation=deviation, by_seed=known)


def average_estimates(
    estimates: Mapping[int, Estimate | None], *, is_share: bool = False
) -> OverSeeds | None:
    """The mean over seeds of what each seed has measured.

    Student's interval of the seeds' values: it holds both how much training differs from seed to
    seed and how exactly each seed was measured. Few seeds may agree by chance, or all stand at 1;
    so it is nowhere narrower than what the measuring alone leaves open, which is the interval of
    a mean of independent estimates (Zou and Donner 2008).

    Args:
        estimates: by seed; seeds without one are left out.
        is_share: values and interval lie between 0 and 1.
    """
    known = {seed: one for seed, one in estimates.items() if one is not None}
    found = average({seed: one.value for seed, one in known.items()})
    if found is None or found.low is None or found.high is None:
        return found
    measured = average_independent(list(known.values()))
    low, high = min(found.low, measured.low), max(found.high, measured.high)
    if is_share:
        low, high = max(low, 0.0), min(high, 1.0)
    return found.model_copy(update={"low": low, "high": high})


Estimates = Mapping[int, Estimate | None]
"""What each seed has measured."""

Gaps = Mapping[int, Difference | None]
"""What each seed has measured of a difference."""


def subtract_each(first: Estimates, second: Estimates) -> Gaps:
    """First minus second in each seed that has measured both, as if on different items."""
    both = ((seed, first[seed], second.get(seed)) for seed in first)
    return {seed: subtract(one, other) for seed, one, other in both if one is not None and other is not None}


def pair(first: OverSeeds | None, second: OverSeeds | None, measured: Gaps) -> Paired | None:
    """First minus second, seed by seed; None for fewer than three seeds that have both.

    Args:
        first: over seeds.
        second: over seeds.
        measured: the difference as each seed has measured it: few seeds may agree by chance, so that
            the interval is nowhere narrower than what measuring leaves open.
    """
    if first is None or second is None:
        return None
    both = [seed for seed in first.by_seed if seed in second.by_seed]
    if len(both) < LEAST_SEEDS:
        return None
    found = compare_seeds([first.by_seed[seed] for seed in both], [second.by_seed[seed] for seed in both])
    apart = [gap for seed in both if (gap := measured.get(seed)) is not None]
    if len(apart) < len(both):
        return found
    return found.model_copy(update={"difference": no_narrower(found.difference, apart)})


def no_narrower(gap: Difference, measured: Sequence[Difference]) -> Difference:
    """An interval over seeds at least as wide as that of the mean of what they have measured."""
    mean = average_independent(measured)
    return Difference(value=gap.value, low=min(gap.low, mean.low), high=max(gap.high, mean.high))
