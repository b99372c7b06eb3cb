"""What the pairs that were kept of a measurement say: who differs from whom, calibration, what errors cost.

In: a NodeMeasurement. Out: numbers with 95% intervals, over pairs or over the root's starting states that
they go back to. Touches nothing; resamples come from a fixed generator: the same pairs give the same numbers.
Needs NumPy, which the rest of `propagation` does not: whoever wants it imports this module itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import combinations

import numpy as np
from pydantic import Field

from rrm_tree.left_out import is_empty, is_none
from rrm_tree.measured import PROPOSAL, NodeMeasurement, OutcomeResults, PairResults
from rrm_tree.outcomes import Floats, Ints
from rrm_tree.propagation.accuracy import ORDERERS, Orderer
from rrm_tree.propagation.best_of_n import NodeBestOfN
from rrm_tree.propagation.causes import NodeCauses
from rrm_tree.propagation.clustered import estimate_clustered
from rrm_tree.propagation.disagreements import Disagreement, NodeDisagreements, find_disagreements
from rrm_tree.propagation.intervals import ArmTest, Difference, Estimate, estimate_share
from rrm_tree.propagation.learning_curves import NodeLearning
from rrm_tree.propagation.pair_tests import compare_gaps
from rrm_tree.propagation.prediction import NodePredictions
from rrm_tree.propagation.step_rewards import NodeSteps
from rrm_tree.propagation.sweep_gains import NodeSweeps
from rrm_tree.propagation.transfer import NodeTransfers
from rrm_tree.records import Share, Stored

BINS = 15
"""Of equal width, as usual for the expected calibration error (Guo et al. 2017)."""
RESAMPLES = 1000
COVERAGES = (1.0, 0.9, 0.8, 0.6, 0.4, 0.2)
RECALLS = (0.5, 0.8, 0.95)
MOST_RANKED = 1000
"""Outcomes between which ranks are compared, each with each."""


class PairTest(Stored):
    """Two orderers on the same pairs, of which those of one starting state are one cluster."""

    first: Orderer
    second: Orderer
    only_first: float
    """Pairs that the first orders better than the second; where one of them ties, half a pair."""
    only_second: float
    difference: Difference
    """Share of the first minus that of the second, pair by pair; of one starting state, as one cluster."""
    p_value: float
    """Of the exact sign-flip test over starting states: McNemar's where each pair has one of its own."""
    pairs: int


class Bin(Stored):
    """Pairs about which the reward model was about as sure."""

    expected: float
    """Mean chance that it gave to the outcome it prefers."""
    right: Estimate
    """Share of which that outcome was the better."""


class Calibration(Stored):
    """Whether a reward model is as sure as it is right."""

    error: Estimate
    """Expected calibration error, 15 bins of equal width; biased upwards where pairs are few."""
    brier: Estimate
    """Mean squared distance of its chances from what is true; a coin has .25."""
    bins: tuple[Bin, ...]
    """Those that hold any pairs."""


class Risk(Stored):
    """How often an orderer errs on the share of pairs about which it is surest."""

    coverage: float
    wrong: Estimate


class Precision(Stored):
    """Of the outcomes that a threshold on scores lets through, how many are right."""

    recall: float
    """Share of the right outcomes that the threshold lets through."""
    precision: Estimate
    base: float
    """Share of all outcomes that are right."""


class Opponent(Stored):
    """Pairs of the newest agent's outcome and another one's."""

    by: int
    """The round whose agent made the other, the newest its own included; -1: a proposal."""
    assisted: Estimate | None
    distilled: Estimate | None
    pairs: int


class PairStatistics(Stored):
    """Everything that one node's pairs on one distribution say."""

    pairs: int
    clusters: int
    """Starting states of the root that they go back to."""
    tests: tuple[PairTest, ...]
    calibration: Calibration | None
    risks: tuple[Risk, ...]
    """The reward model, by how far apart its scores are."""
    answered: Estimate | None
    """Share of pairs about which the assisted judge could tell; None where it always could."""
    right_if_answered: Estimate | None
    regret: Estimate | None
    """Truth lost by choosing the better of two outcomes by the reward model, and not by truth."""
    disagreements: tuple[Disagreement, ...]
    opponents: tuple[Opponent, ...] = Field(default=(), exclude_if=is_empty)
    """On policy: the same shares by whose outcome the newest agent's was set beside."""


class OutcomeStatistics(Stored):
    """What the outcomes of one measurement say of scores against truth."""

    outcomes: int
    tau: Estimate | None
    """Kendall's tau-b of score and truth over the agent's outcomes and the proposals; None for constants."""
    precisions: tuple[Precision, ...]
    """Where truth is right or wrong, and nothing between."""


class NodeStudy(Stored):
    """What was measured of one node beside its records, as far as it was."""

    name: str
    off: PairStatistics | None = None
    on: PairStatistics | None = None
    outcomes: OutcomeStatistics | None = None
    """None, as the two above, where no pairs were kept."""
    causes: NodeCauses | None = None
    transfers: NodeTransfers | None = None
    predictions: NodePredictions | None = None
    best_of_n: NodeBestOfN | None = None
    disagreements: NodeDisagreements | None = None
    sweeps: NodeSweeps | None = Field(default=None, exclude_if=is_none)
    learning: NodeLearning | None = Field(default=None, exclude_if=is_none)
    steps: NodeSteps | None = Field(default=None, exclude_if=is_none)
    arms: tuple[ArmTest, ...] = Field(default=(), exclude_if=is_empty)


def study_node(name: str, measured: NodeMeasurement) -> NodeStudy:
    """Everything that one measurement of a node says."""
    off, on = (study(part) if len(part) else None for part in (measured.off, measured.on))
    return NodeStudy(name=name, off=off, on=on, outcomes=study_outcomes(measured.outcomes))


def study(pairs: PairResults) -> PairStatistics:
    """Everything that the pairs of one distribution say."""
    clusters = Clusters(pairs.root)
    known = [orderer for orderer in ORDERERS if orderer in pairs.margins]
    cannot = pairs.abstained.get("assisted")
    told = None if cannot is None or not cannot.any() else ~cannot
    return PairStatistics(
        pairs=len(pairs),
        clusters=clusters.count,
        tests=tuple(compare_orderers(pairs, a, b) for a, b in combinations(known, 2)),
        calibration=calibrate(pairs, clusters),
        risks=tuple(risk_by_coverage(pairs, "distilled")) if "distilled" in known else (),
        answered=None if told is None else _share(told.astype(float)),
        right_if_answered=None if told is None or not told.any() else _share(pairs.right("assisted")[told]),
        regret=regret_of(pairs) if "distilled" in known else None,
        disagreements=tuple(find_disagreements(pairs)),
        opponents=by_opponent(pairs),
    )


def study_outcomes(outcomes: OutcomeResults) -> OutcomeStatistics:
    """Scores against truth, outcome by outcome."""
    return OutcomeStatistics(
        outcomes=len(outcomes.truth),
        tau=rank_correlation(outcomes),
        precisions=tuple(precision_at(outcomes.truth, outcomes.score)),
    )


def by_opponent(pairs: PairResults) -> tuple[Opponent, ...]:
    """Shares by snapshot: what the newest agent's outcomes are set beside; none for pairs of proposals."""
    others = np.unique(pairs.second_by)
    if not len(pairs) or (pairs.first_by == PROPOSAL).all():
        return ()
    found = []
    for other in others:
        some = pairs.take(np.flatnonzero(pairs.second_by == other))
        found.append(
            Opponent(
                by=int(other),
                assisted=estimate_share(some.share("assisted")),
                distilled=estimate_share(some.share("distilled")),
                pairs=len(some),
            )
        )
    return tuple(found)


# --- clusters ----------------------------------------------------------------------------------


class Clusters:
    """Pairs that go back to the same starting state of the root: they are resampled together."""

    def __init__(self, root: Ints) -> None:
        names, self.place = np.unique(root, return_inverse=True)
        self.count = len(names)

    def sums(self, values: Floats) -> Floats:
        """Sums over the pairs of each resample, [resamples, ...]."""
        flat = values.reshape(len(values), -1)
        by_cluster = np.stack([np.bincount(self.place, one, self.count) for one in flat.T], axis=1)
        summed: Floats = (_draws(self.count) @ by_cluster).reshape(RESAMPLES, *values.shape[1:])
        return summed

    @cached_property
    def sizes(self) -> Floats:
        """How many pairs each resample holds, [resamples]."""
        return self.sums(np.ones(len(self.place)))


@lru_cache(maxsize=4)
def _draws(count: int) -> Floats:
    """How often each resample has each of so many clusters, [resamples, clusters]."""
    rng = np.random.default_rng(0)
    return rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(np.float64)


def percentiles(found: Floats) -> tuple[float, float]:
    """The middle 95% of what resamples gave."""
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


def _share(right: Floats) -> Estimate:
    found = estimate_share(Share(right=float(right.sum()), pairs=len(right)))
    assert found is not None
    return found


# --- two orderers ------------------------------------------------------------------------------


def compare_orderers(pairs: PairResults, first: Orderer, second: Orderer) -> PairTest:
    """Share of the first minus share of the second on the same pairs."""
    gaps = pairs.right(first) - pairs.right(second)
    found = compare_gaps(gaps, pairs.root)
    return PairTest(
        first=first,
        second=second,
        only_first=float(gaps[gaps > 0].sum()),
        only_second=float(-gaps[gaps < 0].sum()),
        difference=found.difference,
        p_value=found.p_value,
        pairs=len(pairs),
    )


# --- calibration -------------------------------------------------------------------------------


def calibrate(pairs: PairResults, clusters: Clusters) -> Calibration | None:
    """Whether the reward model is as sure as it is right; None where it gives no chances."""
    if pairs.chance is None:
        return None
    sure = np.maximum(pairs.chance, 1 - pairs.chance)
    # At exactly one half it prefers neither, and is half right.
    right = np.where(pairs.chance == 0.5, 0.5, (pairs.chance > 0.5) == pairs.first_better)
    error = expected_calibration_error(sure, right)
    gaps = np.zeros((len(sure), BINS))
    for rows in _bins(sure):
        gaps[rows, _bin_of(sure[rows[:1]])] = sure[rows] - right[rows]
    low, high = percentiles(np.abs(clusters.sums(gaps)).sum(axis=1) / clusters.sizes)
    return Calibration(
        error=Estimate(value=error, low=min(low, error), high=max(high, error), count=len(pairs)),
        brier=_at_least_0(estimate_clustered((pairs.chance - pairs.first_better) ** 2, pairs.root)),
        bins=tuple(Bin(expected=float(sure[rows].mean()), right=_share(right[rows])) for rows in _bins(sure)),
    )


def _bins(sure: Floats) -> Iterator[Ints]:
    """Rows of each bin that has any; bins divide 0 to 1, so that half of them stay empty."""
    place = _bin_of(sure)
    yield from (np.flatnonzero(place == one) for one in np.unique(place))


def _bin_of(sure: Floats) -> Ints:
    return np.asarray(np.minimum((sure * BINS).astype(np.int64), BINS - 1))


def expected_calibration_error(sure: Floats, right: Floats) -> float:
    """Mean distance of how sure it was from how right it was, bin by bin (Guo et al. 2017, eq. 3).

    Args:
        sure: chance given to what was preferred, [pairs], 0.5 to 1.
        right: whether that was right, [pairs].
    """
    gaps = [len(rows) * abs(float(sure[rows].mean() - right[rows].mean())) for rows in _bins(sure)]
    return sum(gaps) / len(sure)


# --- what errors cost --------------------------------------------------------------------------


def risk_by_coverage(pairs: PairResults, orderer: Orderer) -> Iterator[Risk]:
    """Share of errors among the pairs whose margins are largest (El-Yaniv and Wiener 2010)."""
    order = np.argsort(-np.abs(pairs.margins[orderer]), kind="stable")
    wrong = 1 - pairs.right(orderer)
    for coverage in COVERAGES:
        kept = order[: max(1, round(coverage * len(order)))]
        yield Risk(coverage=coverage, wrong=_share(wrong[kept]))


def _at_least_0(found: Estimate) -> Estimate:
    return found.model_copy(update={"low": max(found.low, 0.0)})


def regret_of(pairs: PairResults) -> Estimate:
    """Mean truth lost a pair by taking the outcome that the reward model prefers."""
    apart = np.abs(pairs.first_truth - pairs.second_truth)
    return _at_least_0(estimate_clustered(apart * (1 - pairs.right("distilled")), pairs.root))


def rank_correlation(outcomes: OutcomeResults) -> Estimate | None:
    """Kendall's tau-b of score and truth, with an interval from resampling what outcomes are about.

    None where all scores or all truths are alike. Of very many outcomes the first ones.
    """
    truth, score = outcomes.truth[:MOST_RANKED], outcomes.score[:MOST_RANKED]
    if len(truth) < 3 or len(np.unique(truth)) < 2 or len(np.unique(score)) < 2:
        return None
    ahead, better = (np.sign(one[:, None] - one[None, :]) for one in (score, truth))
    value = float((ahead * better).sum() / np.sqrt(np.abs(ahead).sum() * np.abs(better).sum()))
    clusters = Clusters(outcomes.about[:MOST_RANKED])
    weights = _draws(clusters.count)[:, clusters.place]

    def total(signs: Floats) -> Floats:
        return np.asarray(((weights @ signs) * weights).sum(axis=1))

    untied = np.sqrt(total(np.abs(ahead)) * total(np.abs(better)))
    # A resample in which all are alike orders nothing.
    low, high = percentiles(
        np.divide(total(ahead * better), untied, out=np.zeros(RESAMPLES), where=untied > 0)
    )
    return Estimate(value=value, low=min(low, value), high=max(high, value), count=len(truth))


def precision_at(truth: Floats, score: Floats) -> Iterator[Precision]:
    """Precision of a threshold on scores at fixed recalls; for truths of 0 and 1 alone."""
    right = truth == 1
    if not np.isin(truth, (0, 1)).all() or right.all() or not right.any():
        return
    ranked = np.sort(score[right])[::-1]
    for recall in RECALLS:
        threshold = ranked[int(np.ceil(recall * len(ranked))) - 1]
        let_through = score >= threshold
        yield Precision(
            recall=recall,
            precision=_share(right[let_through].astype(float)),
            base=float(right.mean()),
        )
