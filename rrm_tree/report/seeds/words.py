"""Means over seeds, and seeds, as people read them.

In: numbers. Out: short text. Touches nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from rrm_tree.propagation import CLAIM_SEEDS, LEAST_SEEDS, OverSeeds, Paired
from rrm_tree.report.words import digits_for, gain_with_interval, listed, quantity, share, signed

READING = (
    "Seeds are the outer level: every seed trains the whole tree anew and is measured on outcomes of its"
    " own; a share or a mean truth is worked out in each seed first, and then averaged, every seed counting"
    " alike.",
    f"Intervals over seeds are Student's 95% intervals of the seeds' values, from {LEAST_SEEDS} seeds on;"
    " nowhere narrower than what the number of pairs or outcomes leaves open (Wilson's or Student's interval"
    " of each seed, put together as for a mean of independent estimates).",
    "Differences are taken within each seed, then over seeds: Student's interval, no narrower than what each"
    " seed has measured of them leaves open, and p from the exact test that flips signs; with n seeds no p is"
    f" below 2/2ⁿ, so that five cannot reach .05. A claim takes {CLAIM_SEEDS} seeds.",
    "Only seeds in which a node is finished count for it.",
    "Spread is the standard deviation between seeds.",
    "Parts of an error are differences of the mean shares as printed, so that they sum; a part may be"
    " negative.",
    "Looks are the elementary acts of attention that a judge spends: one square, one frame, one reading.",
)
"""How the numbers over seeds are worked out."""


def name_seeds(seeds: Sequence[int]) -> str:
    """`seed 3`, `seeds 0 to 9`, `seeds 3, 5 and 9`."""
    if len(seeds) == 1:
        return f"seed {seeds[0]}"
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"seeds {seeds[0]} to {seeds[-1]}"
    return f"seeds {listed([str(seed) for seed in seeds], 12)}"


def count_seeds(number: int, of: int) -> str:
    """`9 of 10 seeds`, `all 10 seeds`, `both seeds`."""
    if number < of:
        return f"{number} of {of} seeds"
    return {1: "the one seed", 2: "both seeds"}.get(of, f"all {of} seeds")


def share_over(over: OverSeeds | None) -> str:
    """A mean share with its interval over seeds, where there is one."""
    if over is None:
        return "–"
    if over.low is None or over.high is None:
        return share(over.mean)
    return f"{share(over.mean)} ({over.low:.3f}–{over.high:.3f})"


def signed_over(over: OverSeeds | None) -> str:
    """A mean of differences with its interval over seeds, where there is one."""
    if over is None:
        return "–"
    if over.low is None or over.high is None:
        return signed(over.mean)
    return f"{signed(over.mean)} ({signed(over.low)} to {signed(over.high)})"


def quantity_over(over: OverSeeds | None) -> str:
    """A mean with its interval over seeds, where there is one."""
    if over is None:
        return "–"
    if over.low is None or over.high is None:
        return quantity(over.mean)
    digits = digits_for(over.mean, over.low, over.high)
    low, high = quantity(over.low, digits), quantity(over.high, digits)
    return f"{quantity(over.mean, digits)} ({low} to {high})"


def gain_over(gain: Paired | None, digits: int = 3) -> str:
    """A difference with its interval over seeds."""
    return "–" if gain is None else gain_with_interval(gain.difference, digits)


def less_over(gap: Paired | None) -> str:
    """A difference of truths, which may have any scale, with its interval over seeds."""
    if gap is None:
        return "–"
    apart = gap.difference
    return gain_with_interval(apart, digits_for(apart.value, apart.low, apart.high))


def chance(gain: Paired | None) -> str:
    """The p-value of a difference."""
    if gain is None:
        return "–"
    return "< 0.001" if gain.p_value < 0.001 else f"{gain.p_value:.3f}"
