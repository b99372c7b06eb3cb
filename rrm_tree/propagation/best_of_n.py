"""What choosing by score is worth: the best of n proposals, and when choosing harder loses truth.

In: scores and truths of pools of outcomes about the same subjects. Out: a curve with intervals over
starting states, and what was fitted to it.
Touches nothing. Needs NumPy, as `propagation.pairs` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from rrm_tree.outcomes import Floats, Ints
from rrm_tree.propagation.clustered import estimate_clustered, estimate_clustered_share
from rrm_tree.propagation.intervals import Estimate
from rrm_tree.records import Stored

BEST_OF_N_VERSION = "2"

SIZES: Final = (1, 2, 4, 8, 16, 32, 64)
"""Of how many proposals the best by score is taken."""


class BestOfN(Stored):
    """What the best of n proposals by score is worth."""

    n: int
    root_kl: float
    """Square root of the divergence from the proposals, in nats: ln n − (n − 1)/n."""
    score: Estimate
    """The reward model's."""
    truth: Estimate
    regret: Estimate
    """Truth of the best of the n by truth, less that of the best by score."""


class OverOptimisation(Stored):
    """Alpha and beta of truth(d) − truth(0) = d (alpha − beta d), d = √KL: Gao et al. 2022, eq. 1."""

    alpha: Estimate
    beta: Estimate
    """Above 0: the harder one chooses, the less it gains; so it is, too, where truth can rise no further."""


class NodeBestOfN(Stored):
    """Best of n of one node's proposals, and beside it what its agent does."""

    node: str
    subjects: int
    pool: int
    """Proposals about each subject."""
    points: tuple[BestOfN, ...]
    fit: OverOptimisation | None
    """None where fewer than two sizes above 1 were measured."""
    agent_score: Estimate
    agent_truth: Estimate
    """Of the agent's own outcomes about the same subjects, acting its best."""


@dataclass(frozen=True)
class Pools:
    """Proposals about each of many subjects."""

    truth: Floats
    """[subjects, pool]"""
    score: Floats
    """[subjects, pool]"""
    root: Ints
    """Which of the root's starting states each subject goes back to, [subjects]."""

    @property
    def is_share(self) -> bool:
        """Whether every truth is 0 or 1, so that a mean is a share."""
        return bool(np.isin(self.truth, (0, 1)).all())


def estimate_truth(truth: Floats, root: Ints, *, is_share: bool) -> Estimate:
    """Mean truth; the interval of a share stays between 0 and 1, and is never without width."""
    return (estimate_clustered_share if is_share else estimate_clustered)(truth, root)


def weigh_best(count: int, n: int) -> Floats:
    """Chance that the outcome of each rank, the lowest first, is the best of n drawn without replacement.

    C(i − 1, n − 1) / C(count, n) for rank i from 1; [count]. Gao et al., "Scaling laws for reward model
    overoptimization" (2022), eq. 3, after Nakano et al. (2021), appendix I.
    """
    ranks = np.arange(count)
    ratios = np.full(count, n / count)
    for step in range(n - 1):
        ratios *= np.maximum(ranks - step, 0) / (count - 1 - step)
    return ratios


def root_divergence(n: int) -> float:
    """Square root of the Kullback-Leibler divergence of the best of n from one draw, in nats."""
    return float(np.sqrt(np.log(n) - (n - 1) / n))


def best_of(pools: Pools, sizes: Sequence[int] = SIZES) -> tuple[BestOfN, ...]:
    """Expected score, truth and regret of the best of n by score, over all ways to draw n of each pool."""
    curves = _curves(pools, sizes)
    return tuple(
        BestOfN(
            n=n,
            root_kl=root_divergence(n),
            score=estimate_clustered(one.score, pools.root),
            truth=estimate_truth(one.truth, pools.root, is_share=pools.is_share),
            regret=_at_least_0(estimate_clustered(one.best - one.truth, pools.root)),
        )
        for n, one in curves.items()
    )


@dataclass(frozen=True)
class _Chosen:
    """What the best of n is expected to be, subject by subject; each [subjects]."""

    score: Floats
    truth: Floats
    best: Floats
    """Truth of the best by truth."""


def _curves(pools: Pools, sizes: Sequence[int]) -> dict[int, _Chosen]:
    order = np.argsort(pools.score, axis=1, kind="stable")
    score, truth = (np.take_along_axis(one, order, axis=1) for one in (pools.score, pools.truth))
    best, count = np.sort(pools.truth, axis=1), pools.score.shape[1]
    weights = {n: weigh_best(count, n) for n in sizes if n <= count}
    return {n: _Chosen(score @ w, truth @ w, best @ w) for n, w in weights.items()}


def _at_least_0(found: Estimate) -> Estimate:
    return found.model_copy(update={"low": max(found.low, 0.0)})


def fit_over_optimisation(pools: Pools, sizes: Sequence[int] = SIZES) -> OverOptimisation | None:
    """Alpha and beta by least squares on the gains of truth over one draw; None for too few sizes.

    Both are sums over the curve, so that each subject has its own, and intervals know starting states.
    """
    curves = _curves(pools, sizes)
    larger = [n for n in curves if n > 1]
    if len(larger) < 2 or 1 not in curves:
        return None
    gains = np.stack([curves[n].truth - curves[1].truth for n in larger], axis=1)
    fitted = gains @ _fit_weights([root_divergence(n) for n in larger])
    return OverOptimisation(
        alpha=estimate_clustered(fitted[:, 0], pools.root), beta=estimate_clustered(fitted[:, 1], pools.root)
    )


def _fit_weights(places: Sequence[float]) -> Floats:
    """By what gains at these √KL are multiplied to give alpha and beta, [places, 2]."""
    d = np.array(places)
    return np.asarray(np.linalg.pinv(np.stack([d, -(d**2)], axis=1)).T)
