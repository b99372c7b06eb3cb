"""Intervals against published values, and the test over seeds against counting by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrm_tree.propagation import compare_seeds, estimate_mean, estimate_share, subtract
from rrm_tree.records import Mean, Share


@pytest.mark.parametrize(
    ("right", "pairs", "low", "high"),
    # Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_a_share_has_the_published_wilson_interval(right, pairs, low, high):
    estimate = estimate_share(Share(right=right, pairs=pairs))
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    # Newcombe, "Interval estimation for the difference between independent proportions" (1998),
    # table II, method 10.
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_a_difference_of_shares_has_the_published_newcombe_interval(first, second, low, high):
    shares = [estimate_share(Share(right=right, pairs=pairs)) for right, pairs in (first, second)]
    difference = subtract(*shares)
    assert (difference.low, difference.high) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, 2 * n), st.just(n))))
def test_an_interval_with_halves_holds_its_share_and_stays_between_0_and_1(halves):
    twice_right, pairs = halves
    estimate = estimate_share(Share(right=twice_right / 2, pairs=pairs))
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_no_pairs_give_no_share():
    assert estimate_share(Share(right=0, pairs=0)) is None
    assert estimate_share(None) is None


def test_a_mean_of_four_has_students_interval():
    # t(.975, 3) = 3.182446; 2 / sqrt(4) = 1.
    estimate = estimate_mean(Mean(mean=10, deviation=2, count=4))
    assert (estimate.low, estimate.high) == pytest.approx((10 - 3.182446, 10 + 3.182446), abs=1e-5)


def test_a_mean_of_zeros_and_ones_is_treated_as_a_share():
    never = estimate_mean(Mean(mean=0, deviation=0, count=20, binary=True))
    assert never.high == pytest.approx(0.1611, abs=5e-5)


@pytest.mark.parametrize(
    "mean", [Mean(mean=1, deviation=0, count=1), Mean(mean=float("nan"), deviation=1, count=9)]
)
def test_a_mean_that_says_nothing_is_left_out(mean):
    assert estimate_mean(mean) is None


def test_five_seeds_that_all_agree_reach_one_in_sixteen_and_no_less():
    paired = compare_seeds([0.9, 0.8, 0.9, 0.7, 0.8], [0.5, 0.5, 0.6, 0.6, 0.1])
    assert paired.p_value == pytest.approx(2 / 2**5)
    assert paired.difference.value == pytest.approx(0.36)


def test_signs_are_flipped_in_every_way():
    # Gaps 3, 1, -1: sums ±3 ±1 ±1 of which |sum| >= 3 in 6 of 8.
    assert compare_seeds([3, 1, 0], [0, 0, 1]).p_value == pytest.approx(6 / 8)


def test_many_seeds_agree_with_counting_where_both_can_be_done():
    gaps = [0.3, -0.1, 0.2, 0.05, 0.4, -0.2, 0.1, 0.15, 0.25, -0.05]
    exact = compare_seeds(gaps, [0.0] * 10).p_value
    doubled = compare_seeds(gaps * 2, [0.0] * 20).p_value
    normal = compare_seeds(gaps * 2 + [0.0], [0.0] * 21).p_value
    assert normal == pytest.approx(doubled, abs=0.003)
    assert doubled < exact


def test_equal_arms_differ_with_certainty_by_nothing():
    assert compare_seeds([1.0, 2.0], [1.0, 2.0]).p_value == 1


def test_one_seed_compares_nothing():
    with pytest.raises(ValueError, match="at least two seeds, not 1"):
        compare_seeds([1.0], [2.0])
