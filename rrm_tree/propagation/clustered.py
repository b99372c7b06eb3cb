"""Numbers that pairs give, with intervals that know which pairs go back to the same starting state.

In: one number a pair, and its cluster. Out: estimates, weights. Touches nothing: no randomness.
`propagation` itself does not import it: it needs NumPy, which reading records does not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations, pairwise
from math import factorial, sqrt

import numpy as np
from numpy.typing import NDArray

from rrm_tree.outcomes import Floats, Ints
from rrm_tree.propagation.intervals import Estimate, estimate_share, student_quantile
from rrm_tree.records import Share

Gain = Callable[[frozenset[str]], Floats]
"""Which helpers are made ideal → what the judge then gets right, 0 to 1 a pair; [pairs]."""


def estimate_clustered(values: Floats, clusters: Ints) -> Estimate:
    """The mean of values of which those of one cluster are no independent evidence.

    One cluster says nothing: its interval is all that differences of shares can be.
    Liang and Zeger (1986): the variance of the clusters' sums of residuals, with the factor G/(G − 1)
    and Student's t for G clusters. It is what resampling whole clusters gives, without chance.

    Args:
        values: one a pair, [pairs]; at least one.
        clusters: which starting state each pair goes back to, [pairs].
    """
    mean, count = float(values.mean()), len(values)
    _, place = np.unique(clusters, return_inverse=True)
    sums = np.bincount(place, values - mean)
    groups = len(sums)
    if groups < 2:
        return Estimate(value=mean, low=min(mean, -1.0), high=max(mean, 1.0), count=count)
    deviation = sqrt(groups / (groups - 1) * float((sums**2).sum())) / count
    half = student_quantile(groups - 1) * deviation
    return Estimate(value=mean, low=mean - half, high=mean + half, count=count)


def estimate_clustered_share(right: Floats, clusters: Ints) -> Estimate:
    """A share of which the pairs of one cluster are no independent evidence; between 0 and 1.

    Where all pairs are alike, clusters say nothing of how sure that is: then Wilson's interval, one piece of
    evidence a cluster.

    Args:
        right: 0 to 1 a pair, [pairs]; at least one.
        clusters: which starting state each pair goes back to, [pairs].
    """
    found = estimate_clustered(right, clusters)
    low, high = max(found.low, 0.0), min(found.high, 1.0)
    if found.low == found.high:
        groups = len(np.unique(clusters))
        plain = estimate_share(Share(right=found.value * groups, pairs=groups))
        low, high = (plain.low, plain.high) if plain else (low, high)
    return found.model_copy(update={"low": low, "high": high})


def split_gain(gain: Gain, helpers: Sequence[str], orders: Sequence[Sequence[str]] = ()) -> dict[str, Floats]:
    """What each helper's errors cost, by Shapley's value, pair by pair: each [pairs].

    Shapley (1953): a helper's gain from being made ideal, averaged over all orders in which the
    helpers may be made so. Single swaps mislead: what one is worth depends on what the others do.
    The parts sum to gain(all) − gain(none), pair by pair.

    Args:
        gain: asked once for each set of helpers.
        helpers: whose errors are to be told apart.
        orders: some orders to average over; all of them if left out.
    """
    known: dict[frozenset[str], Floats] = {}

    def at(chosen: Collection[str]) -> Floats:
        name = frozenset(chosen)
        if name not in known:
            known[name] = gain(name)
        return known[name]

    if orders:
        steps = [_marginals(at, order) for order in orders]
        return {helper: np.asarray(np.mean([step[helper] for step in steps], axis=0)) for helper in helpers}
    return {helper: _shapley(at, helper, [one for one in helpers if one != helper]) for helper in helpers}


def _marginals(at: Callable[[Collection[str]], Floats], order: Sequence[str]) -> Mapping[str, Floats]:
    """What each helper adds when it follows those before it."""
    grown = [order[:count] for count in range(len(order) + 1)]
    return {after[-1]: at(after) - at(before) for before, after in pairwise(grown)}


def _shapley(at: Callable[[Collection[str]], Floats], helper: str, others: Sequence[str]) -> Floats:
    total = factorial(len(others) + 1)
    parts = [
        factorial(count) * factorial(len(others) - count) / total * (at({*chosen, helper}) - at(chosen))
        for count in range(len(others) + 1)
        for chosen in combinations(others, count)
    ]
    return np.asarray(np.sum(parts, axis=0))


def weigh_slope(errors: Floats) -> NDArray[np.float64]:
    """Weights by which values at these errors sum to the least-squares slope, [points]."""
    away = errors - errors.mean()
    return np.asarray(away / (away**2).sum())


def find_crossing(errors: Floats, values: Floats) -> float | None:
    """Where values that start above 0 first fall to 0, by straight lines; None if they never do.

    Args:
        errors: ascending, [points].
        values: at these errors, [points].
    """
    below = np.flatnonzero(values <= 0)
    if not len(below):
        return None
    place = int(below[0])
    if place == 0:
        return float(errors[0])
    high, low = values[place - 1], values[place]
    return float(errors[place - 1] + (errors[place] - errors[place - 1]) * high / (high - low))
