"""How much of the gap between working alone and training on truth is covered.

In: three estimates. Out: a ratio with its interval. Arithmetic only; touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from rrm_tree.propagation.intervals import (
    Z95,
    Difference,
    Estimate,
    average_independent,
    student_quantile,
)
from rrm_tree.records import Stored


class Recovered(Stored):
    """Performance gap recovered: (trained − unassisted) / (trained on truth − unassisted)."""

    numerator: Difference
    denominator: Difference
    value: float | None
    """None where the denominator's interval is not wholly above 0: there is no gap to recover."""
    low: float | None
    high: float | None


def recover_gap(
    trained: Estimate | Difference, unassisted: Estimate | Difference, on_truth: Estimate | Difference
) -> Recovered:
    """Burns et al. 2023, with Fieller's interval (1954); both gaps share the unassisted mean."""
    spread = [((one.high - one.low) / 2 / Z95) ** 2 for one in (trained, unassisted, on_truth)]
    above, below = trained.value - unassisted.value, on_truth.value - unassisted.value
    spreads = _Spreads(spread[0] + spread[1], spread[2] + spread[1], spread[1])
    return _divide(above, below, spreads, Z95)


def recover_gap_over_seeds(
    trained: Sequence[Estimate], unassisted: Sequence[Estimate], on_truth: Sequence[Estimate]
) -> Recovered | None:
    """The ratio of the mean gaps over seeds; None for fewer than three seeds.

    Nowhere surer than what the seeds have measured: few of them may agree by chance.

    Args:
        trained: mean truth in each seed, [seeds]; the same seeds as in the other two.
        unassisted: of the arm without helpers.
        on_truth: of the arm that is trained on truth.
    """
    count = len(trained)
    if count < 3:
        return None
    above = [one.value - base.value for one, base in zip(trained, unassisted, strict=True)]
    below = [one.value - base.value for one, base in zip(on_truth, unassisted, strict=True)]

    def covariance(first: Sequence[float], second: Sequence[float]) -> float:
        a, b = sum(first) / count, sum(second) / count
        products = ((x - a) * (y - b) for x, y in zip(first, second, strict=True))
        return sum(products) / (count - 1) / count

    spreads = _Spreads(covariance(above, above), covariance(below, below), covariance(above, below))
    found = _divide(sum(above) / count, sum(below) / count, spreads, student_quantile(count - 1))
    return _widen(found, recover_gap(*(average_independent(one) for one in (trained, unassisted, on_truth))))


def _widen(found: Recovered, other: Recovered) -> Recovered:
    """Intervals that hold those of both; no ratio where one of the two allows none."""

    def hold(one: Difference, another: Difference) -> Difference:
        return Difference(value=one.value, low=min(one.low, another.low), high=max(one.high, another.high))

    parts = {
        "numerator": hold(found.numerator, other.numerator),
        "denominator": hold(found.denominator, other.denominator),
    }
    ends = [(one.low, one.high) for one in (found, other) if one.low is not None and one.high is not None]
    if len(ends) < 2:
        return Recovered(**parts, value=None, low=None, high=None)
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    return Recovered(**parts, value=found.value, low=low, high=high)


@dataclass(frozen=True)
class _Spreads:
    """Variances of the means of two gaps, and their covariance."""

    above: float
    below: float
    shared: float


def _divide(above: float, below: float, spread: _Spreads, quantile: float) -> Recovered:
    """Fieller's interval; no ratio where the lower gap may be 0, or is below it."""
    parts = {
        "numerator": _around(above, spread.above, quantile),
        "denominator": _around(below, spread.below, quantile),
    }
    square = quantile**2
    a, b = below**2 - square * spread.below, above * below - square * spread.shared
    if a <= 0 or below < 0:
        return Recovered(**parts, value=None, low=None, high=None)
    root = sqrt(max(b**2 - a * (above**2 - square * spread.above), 0.0))
    return Recovered(**parts, value=above / below, low=(b - root) / a, high=(b + root) / a)


def _around(value: float, variance: float, quantile: float) -> Difference:
    half = quantile * sqrt(variance)
    return Difference(value=value, low=value - half, high=value + half)
