"""How much of the gap between working alone and training on truth is covered.

In: three estimates. Out: a ratio with its interval. Arithmetic only; touches nothing.
"""

from __future__ import annotations

from math import sqrt

from rrm_tree.propagation.intervals import Z95, Difference, Estimate
from rrm_tree.records import Stored


class Recovered(Stored):
    """Performance gap recovered: (trained − unassisted) / (trained on truth − unassisted)."""

    numerator: Difference
    denominator: Difference
    value: float | None
    """None where the denominator's interval holds 0."""
    low: float | None
    high: float | None


def recover_gap(trained: Estimate, unassisted: Estimate, on_truth: Estimate) -> Recovered:
    """Burns et al. 2023, with Fieller's interval (1954); both gaps share the unassisted mean."""
    spread = [((one.high - one.low) / 2 / Z95) ** 2 for one in (trained, unassisted, on_truth)]
    above, below = trained.value - unassisted.value, on_truth.value - unassisted.value
    of_above, of_below, shared = spread[0] + spread[1], spread[2] + spread[1], spread[1]
    parts = {
        "numerator": _normal(above, of_above),
        "denominator": _normal(below, of_below),
    }
    a, b = below**2 - Z95**2 * of_below, above * below - Z95**2 * shared
    if a <= 0:
        return Recovered(**parts, value=None, low=None, high=None)
    root = sqrt(max(b**2 - a * (above**2 - Z95**2 * of_above), 0.0))
    return Recovered(**parts, value=above / below, low=(b - root) / a, high=(b + root) / a)


def _normal(value: float, variance: float) -> Difference:
    half = Z95 * sqrt(variance)
    return Difference(value=value, low=value - half, high=value + half)
