"""Two who answer for the same items: exact tests of whether one is better.

In: differences, item by item. Out: their mean with its interval, and a p-value.
Touches nothing; random signs come from a fixed generator: the same differences give the same numbers.
Needs NumPy, as `propagation.pairs` does.
"""

from __future__ import annotations

import numpy as np

from rrm_tree.outcomes import Floats, Ints
from rrm_tree.propagation.clustered import estimate_clustered, estimate_clustered_share
from rrm_tree.propagation.intervals import EXACT_SEEDS, Difference, GapTest, sign_flip

FLIPS = 20_000
"""Random signs that are tried where there are too many items to try them all."""


def compare_gaps(gaps: Floats, clusters: Ints) -> GapTest:
    """Differences of right and wrong: the exact sign-flip test over clusters.

    If the two are equally good, the sum of each cluster's differences could as well have the other
    sign. Where every item is a cluster of its own, and nobody ties, that is McNemar's exact test (1947):
    of the items on which the two differ, each is better on half.

    Args:
        gaps: first minus second, [items], each of −1, −0.5, 0, 0.5, 1.
        clusters: which starting state each goes back to, [items].
    """
    apart = estimate_clustered(gaps, clusters)
    low, high = apart.low, apart.high
    if not gaps.any():
        # That two have not differed yet is no proof that they never do: how often they might, by Wilson.
        high = estimate_clustered_share(gaps, clusters).high
        low = -high
    _, place = np.unique(clusters, return_inverse=True)
    return GapTest(
        difference=Difference(value=apart.value, low=low, high=high),
        p_value=flip_halves(np.rint(2 * np.bincount(place, gaps)).astype(np.int64)),
        items=len(gaps),
    )


def flip_halves(sums: Ints) -> float:
    """Exact two-sided chance of a sum at least this far from 0 if the sign of each were a coin's.

    Whole numbers have few sums: the chances of all of them are known after one pass, however many there are.

    Args:
        sums: whole numbers, such as halves of a pair, [clusters].
    """
    chances = np.ones(1)
    for size in np.abs(sums[sums != 0]):
        more = np.zeros(2 * int(size))
        chances = (np.concatenate([chances, more]) + np.concatenate([more, chances])) / 2
    total = (len(chances) - 1) // 2
    return min(1.0, float(chances[np.abs(np.arange(-total, total + 1)) >= abs(int(sums.sum()))].sum()))


def compare_numbers(gaps: Floats, clusters: Ints) -> GapTest:
    """Differences of numbers: the sign-flip test over clusters, exact up to 20 of them.

    If the two are equally good, the sum of each cluster's differences could as well have the other
    sign (Fisher 1935). Above 20 clusters random signs stand for all; the p-value counts the signs
    as they fell among them, so that it is never 0 and never too small (Phipson and Smyth 2010).

    Args:
        gaps: first minus second, [items].
        clusters: which starting state each goes back to, [items].
    """
    apart = estimate_clustered(gaps, clusters)
    _, place = np.unique(clusters, return_inverse=True)
    sums = np.asarray(np.bincount(place, gaps), np.float64)
    p_value = sign_flip(list(sums)) if len(sums) <= EXACT_SEEDS else _flip_at_random(sums)
    difference = Difference(value=apart.value, low=apart.low, high=apart.high)
    return GapTest(difference=difference, p_value=p_value, items=len(gaps))


def _flip_at_random(sums: Floats) -> float:
    scale = float(np.abs(sums).sum())
    if scale == 0:
        return 1.0
    rng, found = np.random.default_rng(0), 0
    reached = abs(float(sums.sum())) - 1e-9 * scale
    # In parts: all signs at once would take much memory.
    for _ in range(FLIPS // 1000):
        signs = rng.integers(0, 2, (1000, len(sums))) * 2 - 1
        found += int((np.abs(signs @ sums) >= reached).sum())
    return (found + 1) / (FLIPS + 1)
