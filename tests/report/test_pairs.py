"""Statistics on kept pairs, each against numbers worked out by hand."""

from math import comb, log, sqrt

import numpy as np
import pytest

from rrm_tree.measured import OutcomeResults, PairResults
from rrm_tree.propagation.best_of_n import Pools, best_of, fit_over_optimisation, root_divergence
from rrm_tree.propagation.disagreements import find_disagreements
from rrm_tree.propagation.intervals import Estimate
from rrm_tree.propagation.pair_tests import flip_halves
from rrm_tree.propagation.pairs import (
    Clusters,
    calibrate,
    compare_orderers,
    expected_calibration_error,
    precision_at,
    rank_correlation,
    regret_of,
    risk_by_coverage,
    study,
)
from rrm_tree.propagation.recovered import recover_gap, recover_gap_over_seeds
from rrm_tree.propagation.step_rewards import canonicalise, pearson_distance


def pairs(distilled, assisted=None, chance=None, root=None, truth=None, cannot=None):
    """Pairs whose first outcome is the better one, unless truth says otherwise."""
    distilled = np.asarray(distilled, float)
    count = len(distilled)
    first = np.ones(count) if truth is None else np.asarray(truth, float)
    index = np.arange(count)
    margins = {"distilled": distilled}
    if assisted is not None:
        margins["assisted"] = np.asarray(assisted, float)
    return PairResults(
        subject=index,
        root=index if root is None else np.asarray(root),
        part=np.zeros(count, np.int64),
        first_truth=first,
        second_truth=np.zeros(count),
        first_by=np.zeros(count, np.int64),
        second_by=np.full(count, -1),
        margins=margins,
        abstained={} if cannot is None else {"assisted": np.asarray(cannot)},
        chance=None if chance is None else np.asarray(chance, float),
        ties=0,
    )


def test_mcnemar_counts_the_pairs_on_which_two_differ():
    # 8 against 2 of 10: P(2 or fewer heads of 10) is (1 + 10 + 45) / 1024, and twice that.
    assert flip_halves(np.array([2] * 8 + [-2] * 2)) == pytest.approx(2 * (1 + 10 + 45) / 2**10)
    assert flip_halves(np.zeros(3, int)) == 1


def test_orderers_are_compared_on_the_same_pairs():
    # Ten pairs: the reward model alone is right on 3, the judge alone on 1, both on 6.
    kept = pairs([1] * 9 + [-1], assisted=[1] * 6 + [-1] * 3 + [1])
    found = compare_orderers(kept, "distilled", "assisted")
    assert (found.only_first, found.only_second, found.difference.value) == (3, 1, pytest.approx(0.2))
    assert found.p_value == pytest.approx(2 * (1 + 4) / 2**4)


def test_pairs_of_one_starting_state_count_as_one():
    # Forty independent gaps, once by themselves and once ten copies of each.
    gaps = np.repeat([-1.0, 1.0] * 20, 10)
    once, copied = (
        pairs(gaps[::10], chance=np.full(40, 0.7), truth=gaps[::10]),
        pairs(gaps, chance=np.full(400, 0.7), truth=gaps, root=np.repeat(np.arange(40), 10)),
    )
    spreads = [calibrate(one, Clusters(one.root)).error for one in (once, copied)]
    widths = [one.high - one.low for one in spreads]
    assert widths[0] == pytest.approx(widths[1], rel=1e-9) and widths[0] > 0.2


def test_the_calibration_error_is_the_mean_gap_of_the_bins():
    # Ten at .95, of which 8 right (gap .15); ten at .55, of which 6 right (gap .05).
    sure = np.array([0.95] * 10 + [0.55] * 10)
    right = np.array([1] * 8 + [0] * 2 + [1] * 6 + [0] * 4, float)
    assert expected_calibration_error(sure, right) == pytest.approx(0.10)


def test_calibration_turns_every_pair_to_the_outcome_that_is_preferred():
    found = calibrate(pairs([1, 1, -1, -1], chance=[0.9, 0.9, 0.1, 0.1]), Clusters(np.arange(4)))
    # It is .9 sure every time, right twice of four: ECE .4; Brier (.01 + .01 + .81 + .81) / 4.
    assert found.error.value == pytest.approx(0.4)
    assert found.brier.value == pytest.approx(0.41)
    assert [(one.expected, one.right.value) for one in found.bins] == [(pytest.approx(0.9), 0.5)]


def test_risk_falls_where_the_reward_model_is_surer():
    # The half with large margins is right; of the other half none is.
    found = {
        one.coverage: one.wrong.value for one in risk_by_coverage(pairs([9] * 5 + [-1] * 5), "distilled")
    }
    assert found[1.0] == 0.5 and found[0.6] == pytest.approx(1 / 6) and found[0.4] == 0


def test_regret_is_the_truth_lost_by_the_pairs_that_are_put_wrong():
    kept = pairs([1, 1, -1, 0], truth=[5, 7, 3, 2])
    assert regret_of(kept).value == pytest.approx((3 + 0.5 * 2) / 4)


def test_a_judge_who_cannot_tell_is_judged_by_what_it_tells():
    kept = pairs([1] * 4, assisted=[0, 1, 1, -1], cannot=[True, False, False, False])
    found = study(kept)
    assert (found.answered.value, found.right_if_answered.value) == (0.75, pytest.approx(2 / 3))


def test_tau_b_allows_for_ties():
    outcomes = OutcomeResults(
        by=np.zeros(4, np.int64),
        about=np.arange(4),
        truth=np.array([0.0, 0, 1, 1]),
        score=np.array([1.0, 2, 2, 3]),
    )
    # Of 6 pairs, 3 agree, none disagrees, 2 tie in truth and 1 in score: 3 / sqrt((6 - 2)(6 - 1)).
    assert rank_correlation(outcomes).value == pytest.approx(3 / sqrt(20))


def test_precision_is_taken_at_the_threshold_that_keeps_enough_of_what_is_right():
    truth, score = np.array([1.0, 1, 1, 1, 0, 0]), np.array([9.0, 8, 5, 2, 7, 1])
    found = {one.recall: one.precision.value for one in precision_at(truth, score)}
    assert found == {0.5: 1.0, 0.8: pytest.approx(4 / 5), 0.95: pytest.approx(4 / 5)}


def test_the_surest_mistakes_where_the_judge_was_right_come_first():
    kept = pairs([1, -1, -3, -2], assisted=[1, 1, 1, -1], chance=[0.7, 0.4, 0.1, 0.2])
    assert [one.pair for one in find_disagreements(kept)] == [2, 1, 3]


def test_the_gap_recovered_is_a_ratio_with_fiellers_interval():
    def mean(value):
        return Estimate(value=value, low=value - 0.02 * 1.96, high=value + 0.02 * 1.96, count=100)

    found = recover_gap(mean(0.8), mean(0.5), mean(0.9))
    # Delta method: var = (v + v)/d² + r²(v + v)/d² − 2 r v/d², v = .0004, d = .4, r = .75.
    deviation = sqrt(0.0004 / 0.16 * (2 + 0.75**2 * 2 - 2 * 0.75))
    assert found.value == pytest.approx(0.75)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * deviation, rel=0.05)
    assert recover_gap(mean(0.8), mean(0.5), mean(0.52)).value is None


def test_best_of_n_draws_without_replacement():
    pools = Pools(np.array([[0.0, 10, 20, 5]]), np.array([[1.0, 2, 3, 4]]), np.zeros(1, int))
    two = next(one for one in best_of(pools) if one.n == 2)
    # Of 6 pairs the best by score is rank 2 once, rank 3 twice, rank 4 three times.
    assert two.truth.value == pytest.approx((10 * 1 + 20 * 2 + 5 * 3) / comb(4, 2))
    # By truth: 5 once (against 0), 10 twice, 20 three times.
    assert two.regret.value == pytest.approx((5 + 10 * 2 + 20 * 3 - 65) / comb(4, 2))
    assert two.root_kl == pytest.approx(sqrt(log(2) - 0.5))
    assert [one.n for one in best_of(pools)] == [1, 2, 4]


def test_a_score_that_is_truth_regrets_nothing_and_choosing_by_its_opposite_everything():
    truth = np.random.default_rng(0).normal(size=(50, 16))
    for sign, sizes in ((1, (1, 4, 16)), (-1, (16,))):
        for one in best_of(Pools(truth, sign * truth, np.arange(50)), sizes):
            worst = (truth.max(axis=1) - truth.min(axis=1)).mean()
            expected = 0 if sign == 1 and one.n > 1 else worst if sign == -1 else one.regret.value
            assert one.regret.value == pytest.approx(expected, abs=1e-9)


def test_the_fit_finds_the_curve_that_made_the_points():
    """Pools whose truth depends on the rank so that the best of n lies on a curve of the fit."""
    sizes = (1, 2, 4)
    wanted = np.array([root_divergence(n) * (2 - 0.5 * root_divergence(n)) for n in sizes])
    ranks = np.array([[0.25] * 4, [0, 1 / 6, 1 / 3, 1 / 2], [0, 0, 0, 1]])
    truth = np.linalg.lstsq(ranks, wanted, rcond=None)[0]
    pools = Pools(np.tile(truth, (5, 1)), np.tile(np.arange(4.0), (5, 1)), np.arange(5))
    found = fit_over_optimisation(pools)
    assert found.alpha.value == pytest.approx(2)
    assert found.beta.value == pytest.approx(0.5)


def measured(value, half):
    return Estimate(value=value, low=value - half, high=value + half, count=400)


def recover_over_seeds(*arms, half=0.0):
    """Of seeds whose means are measured with intervals of so much on either side."""
    return recover_gap_over_seeds(*([measured(value, half) for value in arm] for arm in arms))


def test_the_gap_over_seeds_is_the_ratio_of_the_mean_gaps():
    trained, alone, truth = [0.7, 0.8, 0.75, 0.72], [0.5, 0.52, 0.49, 0.5], [0.9, 0.92, 0.91, 0.88]
    found = recover_over_seeds(trained, alone, truth)
    assert found.value == pytest.approx((sum(trained) - sum(alone)) / (sum(truth) - sum(alone)))
    assert found.low < found.value < found.high
    # Where every seed covers the same share, nothing is left open.
    same = recover_over_seeds([0.6, 0.65, 0.5], [0.5, 0.5, 0.4], [0.7, 0.8, 0.6])
    assert (same.low, same.value, same.high) == pytest.approx((0.5, 0.5, 0.5))
    assert recover_over_seeds([0.6, 0.4, 0.5], [0.5] * 3, [0.4, 0.6, 0.5]).value is None
    assert recover_over_seeds([1, 1], [0, 0], [1, 1]) is None


def test_the_gap_over_seeds_is_no_surer_than_what_each_seed_has_measured():
    arms = [0.6, 0.65, 0.5], [0.5, 0.5, 0.4], [0.7, 0.8, 0.6]
    found = recover_over_seeds(*arms, half=0.04)
    each = [measured(sum(one) / 3, 0.04 / 3**0.5) for one in arms]
    alone = recover_gap(*each)
    assert (found.low, found.value, found.high) == pytest.approx((alone.low, 0.5, alone.high))
    assert recover_over_seeds(*arms, half=0.5).value is None


def test_shaped_rewards_are_no_distance_apart():
    rng = np.random.default_rng(0)
    rewards = rng.normal(size=(4, 3, 4))  # state, action, next state
    potential, gamma = rng.normal(size=4), 0.9
    shaped = rewards + gamma * potential[None, None] - potential[:, None, None]

    def canonical(table):
        mean = table.mean(axis=(1, 2))
        return canonicalise(table, mean[None, None, :], mean[:, None, None], gamma)

    assert pearson_distance(rewards, shaped) > 0.1
    assert pearson_distance(canonical(rewards), canonical(shaped)) == pytest.approx(0, abs=1e-7)
