"""What choosing by score is worth: the best of n proposals, and when more choosing loses truth.

In: score and truth of outcomes. Out: a curve, and what was fitted to it.
Touches nothing. Needs NumPy, as `propagation.pairs` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from rrm_tree.outcomes import Floats
from rrm_tree.records import Stored


class BestOfN(Stored):
    """What the best of n proposals by score is worth."""

    n: int
    root_kl: float
    """Square root of the divergence from the proposals, in nats: ln n − (n − 1)/n."""
    score: float
    truth: float


def best_of(
    truth: Floats, score: Floats, sizes: Sequence[int] = (1, 2, 4, 8, 16, 32, 64)
) -> Iterator[BestOfN]:
    """Expected score and truth of the best of n outcomes by score, over all ways to draw n of them.

    Gao et al., "Scaling laws for reward model overoptimization" (2022), eq. 3 and section 2.
    """
    order, count = np.argsort(score, kind="stable"), len(score)
    for n in (size for size in sizes if size <= count):
        # Chance that the outcome of rank i (from 1) is the best of n: C(i-1, n-1) / C(count, n).
        ranks = np.arange(1, count + 1)
        ratios = np.ones(count)
        for step in range(n - 1):
            ratios *= np.maximum(ranks - 1 - step, 0) / (count - 1 - step)
        weights = ratios * n / count
        kl = np.log(n) - (n - 1) / n
        yield BestOfN(
            n=n,
            root_kl=float(np.sqrt(kl)),
            score=float(weights @ score[order]),
            truth=float(weights @ truth[order]),
        )


def fit_best_of(points: Sequence[BestOfN]) -> tuple[float, float]:
    """Alpha and beta of truth(d) − truth(0) = d (alpha − beta d), d = sqrt(KL), by least squares.

    Gao et al. 2022, eq. 1. Beta above 0: too much optimising loses truth.
    """
    start = next(point.truth for point in points if point.n == 1)
    rest = [point for point in points if point.n > 1]
    d = np.array([point.root_kl for point in rest])
    gained = np.array([point.truth - start for point in rest])
    (alpha, beta), *_ = np.linalg.lstsq(np.stack([d, -(d**2)], axis=1), gained, rcond=None)
    return float(alpha), float(beta)
