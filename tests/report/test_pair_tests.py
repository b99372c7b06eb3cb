"""Tests of two on the same items, worked out by hand."""

from itertools import product

import numpy as np
import pytest

from rrm_tree.propagation.clustered import estimate_clustered_share
from rrm_tree.propagation.pair_tests import compare_gaps, compare_numbers
from rrm_tree.propagation.sweep_gains import SweepRight, follow_sweeps


def test_mcnemar_counts_the_items_on_which_two_differ():
    gaps = np.array([1.0, 1.0, 1.0, 1.0, 1.0, -1.0, 0.0, 0.0, 0.0, 0.0])
    found = compare_gaps(gaps, np.arange(10))
    # Of six that differ five or six go one way: 2 * (1 + 6) / 64.
    assert found.p_value == pytest.approx(14 / 64)
    assert found.difference.value == pytest.approx(0.4)
    assert found.items == 10


def test_pairs_of_one_starting_state_are_one_piece_of_evidence():
    # Ten pairs that all go one way, but from two starting states: either sign of two sums is as likely.
    gaps = np.ones(10)
    assert compare_gaps(gaps, np.arange(10)).p_value == pytest.approx(2 / 2**10)
    assert compare_gaps(gaps, np.repeat([0, 1], 5)).p_value == pytest.approx(2 / 2**2)


def test_the_exact_test_of_wholes_tries_every_flip_of_signs():
    gaps = np.array([1.0, 1.0, 0.5, -0.5, 1.0, 0.0, -1.0, 1.0, 0.5])
    clusters = np.array([0, 0, 1, 2, 2, 3, 4, 5, 5])
    sums = np.bincount(clusters, gaps)
    every = [abs(np.dot(signs, sums)) for signs in product((1, -1), repeat=len(sums))]
    expected = np.mean([total >= abs(sums.sum()) for total in every])
    assert compare_gaps(gaps, clusters).p_value == pytest.approx(expected)


def test_two_who_never_differed_are_not_known_to_be_alike():
    found = compare_gaps(np.zeros(20), np.arange(20))
    # Newcombe (1998), table I: of 20 none is 0 to .1611.
    apart = found.difference
    assert (apart.low, apart.value, apart.high) == pytest.approx((-0.1611, 0, 0.1611), abs=5e-5)
    assert found.p_value == 1


def test_a_share_of_pairs_that_are_all_alike_is_as_sure_as_its_starting_states_are_many():
    pairs = np.ones(40)
    alone, grouped = (estimate_clustered_share(pairs, np.arange(40) // size) for size in (1, 2))
    assert (alone.high, grouped.high) == (1.0, 1.0)
    assert grouped.low == pytest.approx(1 - 0.1611, abs=5e-5) and alone.low > grouped.low
    assert estimate_clustered_share(np.array([1.0, 1.0, 1.0, 0.0]), np.arange(4)).high == 1.0


def test_signs_of_numbers_are_flipped_cluster_by_cluster():
    gaps, clusters = np.array([1.0, 2.0, 3.0, -0.5, 4.0]), np.array([0, 0, 1, 2, 3])
    sums = [3.0, 3.0, -0.5, 4.0]
    every = [abs(np.dot(signs, sums)) for signs in product((1, -1), repeat=4)]
    expected = np.mean([total >= sum(sums) for total in every])
    assert compare_numbers(gaps, clusters).p_value == pytest.approx(expected)


def test_of_many_items_random_signs_tell_the_same_as_the_normal_approximation():
    rng = np.random.default_rng(3)
    gaps = rng.normal(0.12, 1, 400)
    found = compare_numbers(gaps, np.arange(400))
    from math import erfc, sqrt

    assert found.p_value == pytest.approx(erfc(gaps.sum() / sqrt(2 * (gaps**2).sum())), abs=0.01)
    assert compare_numbers(gaps, np.arange(400)) == found
    assert compare_numbers(np.zeros(50), np.arange(50)).p_value == 1.0


def test_the_p_value_of_random_signs_is_never_0():
    assert 0 < compare_numbers(np.ones(100), np.arange(100)).p_value < 1e-4


def test_what_a_sweep_gains_is_counted_pair_by_pair():
    before = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5])
    after = np.array([1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.5])
    sweeps = [SweepRight(10, 20, None, before), SweepRight(20, 40, None, after)]
    first, last = follow_sweeps(sweeps, np.arange(8), "on").steps
    assert first.distilled_gain is None
    assert last.distilled_gain.difference.value == pytest.approx((after - before).mean())
    assert last.distilled_gain.p_value == pytest.approx(14 / 64)
    assert last.assisted is last.assisted_gain is None
    assert (last.sweep, last.judgments, last.looks) == (2, 20, 40)
