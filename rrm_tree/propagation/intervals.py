"""Shares and means with their 95% intervals, and differences between them.

In: counts. Out: estimates. Touches nothing; SciPy is loaded only for Student's t.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import erfc, isfinite, sqrt

from rrm_tree.records import Mean, Share, Stored

Z95 = 1.959963984540054
EXACT_SEEDS = 20
"""Up to so many pairs of seeds every flip of signs is tried: a million sums."""


class Estimate(Stored):
    """A share or a mean with its 95% interval."""

    value: float
    low: float
    high: float
    count: int
    """Pairs or outcomes that it rests on."""


class Difference(Stored):
    """One estimate minus another, with its 95% interval."""

    value: float
    low: float
    high: float


def estimate_share(share: Share | None) -> Estimate | None:
    """The share with its Wilson score interval; None for no pairs.

    Wilson (1927). Ties count half, so `right` may end in .5: a pair worth one half varies less
    than one worth 0 or 1, and the interval is a little wider than it need be, never too narrow.
    """
    if share is None or share.pairs == 0:
        return None
    n, p = share.pairs, share.value
    middle = (p + Z95**2 / (2 * n)) / (1 + Z95**2 / n)
    half = Z95 / (1 + Z95**2 / n) * sqrt(max(p * (1 - p), 0.0) / n + Z95**2 / (4 * n**2))
    # At the ends the formula gives exactly 0 and 1 but for the last bit.
    return Estimate(
        value=p, low=min(max(middle - half, 0.0), p), high=max(min(middle + half, 1.0), p), count=n
    )


def estimate_mean(mean: Mean | None) -> Estimate | None:
    """The mean with its interval: Wilson's for values of 0 and 1, Student's otherwise.

    None for fewer than two outcomes, which say nothing about their spread.
    """
    if mean is None or mean.count < 2 or not isfinite(mean.mean) or not isfinite(mean.deviation):
        return None
    if mean.binary:
        return estimate_share(Share(right=mean.mean * mean.count, pairs=mean.count))
    half = student_quantile(mean.count - 1) * mean.deviation / sqrt(mean.count)
    return Estimate(value=mean.mean, low=mean.mean - half, high=mean.mean + half, count=mean.count)


def student_quantile(freedom: int) -> float:
    """The 97.5% quantile of Student's t."""
    from scipy.special import stdtrit  # noqa: PLC0415  SciPy takes longer to load than all else here

    return float(stdtrit(freedom, 0.975))


def subtract(first: Estimate, second: Estimate) -> Difference:
    """First minus second, as if they had been measured on different items.

    Newcombe's hybrid score interval (1998, method 10), which Zou and Donner (2008) extend from
    shares to any two estimates. Both are measured on the same pairs, but only counts are
    stored; as orderers tend to be right about the same pairs, the interval is wider than need be.
    """
    below = sqrt((first.value - first.low) ** 2 + (second.high - second.value) ** 2)
    above = sqrt((first.high - first.value) ** 2 + (second.value - second.low) ** 2)
    value = first.value - second.value
    return Difference(value=value, low=value - below, high=value + above)


def average_independent(parts: Sequence[Estimate | Difference]) -> Difference:
    """The mean of independent estimates with the interval that follows from theirs.

    Zou and Donner (2008): squared distances to the ends add up. It speaks of what was measured, not
    of other seeds.
    """
    value = sum(part.value for part in parts) / len(parts)
    below = sqrt(sum((part.value - part.low) ** 2 for part in parts)) / len(parts)
    above = sqrt(sum((part.high - part.value) ** 2 for part in parts)) / len(parts)
    return Difference(value=value, low=value - below, high=value + above)


class GapTest(Stored):
    """Differences on the same items, tested."""

    difference: Difference
    p_value: float
    items: int


class ArmTest(Stored):
    """The node as declared less one of its arms, on what both were measured on."""

    arm: str
    truth: GapTest | None
    """Truth of their agents' outcomes about the same subjects."""
    distilled: GapTest | None
    """Pairs off policy that their reward models put right."""


class Paired(Stored):
    """How two arms differ over seeds that both were trained with."""

    difference: Difference
    p_value: float
    seeds: int


def compare_seeds(first: Sequence[float], second: Sequence[float]) -> Paired:
    """First minus second arm, seed by seed: Student's interval and an exact sign-flip test.

    With n seeds no p-value is below 2^(1-n): five cannot reach .05. Above 20 seeds the normal
    approximation of the same test.

    Raises:
        ValueError: different numbers of seeds, or fewer than two.
    """
    gaps = [a - b for a, b in zip(first, second, strict=True)]
    n = len(gaps)
    if n < 2:
        raise ValueError(f"comparing arms needs at least two seeds, not {n}")
    mean = sum(gaps) / n
    half = student_quantile(n - 1) * sqrt(sum((gap - mean) ** 2 for gap in gaps) / (n - 1) / n)
    return Paired(
        difference=Difference(value=mean, low=mean - half, high=mean + half),
        p_value=sign_flip(gaps),
        seeds=n,
    )


def sign_flip(gaps: Sequence[float]) -> float:
    """Two-sided chance of a sum at least this far from 0 if every sign were a coin's."""
    scale = sum(abs(gap) for gap in gaps)
    if scale == 0:
        return 1.0
    if len(gaps) > EXACT_SEEDS:
        return erfc(abs(sum(gaps)) / sqrt(2 * sum(gap**2 for gap in gaps)))
    sums = [0.0]
    for gap in gaps:
        sums = [total + sign * gap for total in sums for sign in (1, -1)]
    # Sums that are equal on paper differ in their last bits.
    reached = abs(sum(gaps)) - 1e-9 * scale
    return sum(abs(total) >= reached for total in sums) / len(sums)
