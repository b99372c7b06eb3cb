"""Arithmetic of causes, transfers and predictions, worked out by hand."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rrm_tree.propagation.causes import Cause, ErrorCauses, NodeCauses, trace_cause
from rrm_tree.propagation.clustered import estimate_clustered, find_crossing, split_gain, weigh_slope
from rrm_tree.propagation.intervals import Estimate, student_quantile
from rrm_tree.propagation.prediction import Confusion, order_chance


def test_pairs_of_one_cluster_count_as_one():
    values = np.array([1.0, 1.0, 0.0, 0.0])
    apart = estimate_clustered(values, np.arange(4))
    # Four values, deviation of the mean 1/sqrt(12); two clusters, 1/2.
    assert apart.high - apart.value == pytest.approx(student_quantile(3) / sqrt(12))
    together = estimate_clustered(values, np.array([0, 0, 1, 1]))
    assert together.high - together.value == pytest.approx(student_quantile(1) / 2)
    assert (apart.value, together.value, together.count) == (0.5, 0.5, 4)
    alone = estimate_clustered(values, np.zeros(4, int))
    assert (alone.low, alone.high) == (-1, 1)


def test_two_helpers_who_only_help_together_share_what_that_brings():
    def gain(ideal):
        return np.full(3, 0.9 if ideal == {"a", "b"} else 0.5)

    shares = split_gain(gain, ["a", "b"])
    assert shares["a"] == pytest.approx(np.full(3, 0.2))
    assert shares["b"] == pytest.approx(np.full(3, 0.2))


def test_a_helper_that_stands_in_for_another_is_not_taken_for_worthless():
    # Either one alone repairs everything: a single swap after the other would say 0.
    shares = split_gain(lambda ideal: np.full(1, 1.0 if ideal else 0.6), ["a", "b", "c"])
    assert [shares[name][0] for name in "abc"] == pytest.approx([0.4 / 3] * 3)


@given(st.integers(1, 4), st.integers(0, 100))
def test_shares_sum_to_what_all_ideal_helpers_gain_over_all_orders_and_over_some(count, seed):
    rng, names = np.random.default_rng(seed), list("abcd"[:count])
    table = {frozenset(c for c in names if mask >> names.index(c) & 1): rng.random(5) for mask in range(16)}
    whole = table[frozenset(names)] - table[frozenset()]
    orders = [list(rng.permutation(names)) for _ in range(3)]
    for shares in (split_gain(table.__getitem__, names), split_gain(table.__getitem__, names, orders)):
        assert np.sum(list(shares.values()), axis=0) == pytest.approx(whole)


def test_weights_of_a_slope_give_back_a_straight_line():
    errors = np.array([0.0, 0.01, 0.05, 0.1])
    assert weigh_slope(errors) @ (0.2 + 1.5 * errors) == pytest.approx(1.5)


def test_a_crossing_is_found_between_the_points_that_are_around_it():
    errors = np.array([0.0, 0.1, 0.2])
    assert find_crossing(errors, np.array([0.3, 0.1, -0.1])) == pytest.approx(0.15)
    assert find_crossing(errors, np.array([-0.1, 0.1, 0.1])) == 0.0
    assert find_crossing(errors, np.array([0.3, 0.2, 0.1])) is None


def test_confusions_are_rates_by_what_is_true_and_what_never_was_is_said_rightly():
    confusion = Confusion(counts=((9.0, 1.0, 0.0), (0.0, 0.0, 0.0), (0.0, 5.0, 5.0)))
    assert confusion.rates == ((0.9, 0.1, 0.0), (0.0, 1.0, 0.0), (0.0, 0.5, 0.5))
    assert confusion.error == pytest.approx(6 / 20)


def test_a_correlation_gives_the_chance_of_ordering_a_pair_rightly():
    assert [order_chance(rho) for rho in (-1, 0, 0.5, 1)] == pytest.approx([0, 1 / 2, 2 / 3, 1])


def causes(node, **sizes):
    parts = tuple(
        Cause(kind=kind if kind in ("slips", "distilling") else "helper", size=sized(size), helper=helper)
        for kind, size in sizes.items()
        for helper in (None if kind in ("slips", "distilling") else kind,)
    )
    return NodeCauses(
        node=node, off=ErrorCauses(error=sized(sum(sizes.values())), causes=parts, orders=1), on=None
    )


def sized(value):
    return Estimate(value=value, low=value, high=value, count=1)


def test_an_error_is_followed_down_to_the_nodes_that_make_it():
    tree = {
        "root": causes("root", slips=0.01, distilling=0.02, left=0.01, right=0.1),
        "left": causes("left", slips=0.5),
        "right": causes("right", slips=0.03, distilling=-0.01, leaf=0.08),
        "leaf": causes("leaf", slips=0.01, distilling=0.07),
    }
    chain = trace_cause("root", tree)
    # Of the 0.1 from `right` 0.02 of 0.1 is its own: distilling makes up for a third of its slips.
    sizes = {share.node: share.size for share in chain.shares}
    assert sizes == pytest.approx({"leaf": 0.08, "root": 0.03, "right": 0.02, "left": 0.01})
    assert (chain.culprit, chain.kind, chain.path) == ("leaf", "distilling", ("root", "right", "leaf"))
    assert trace_cause("root", tree, "on") is None


def test_what_adds_up_below_does_not_hide_the_one_fault_above_it():
    tree = {
        "root": causes("root", slips=0.02, middle=0.3),
        "middle": causes("middle", distilling=0.1, left=0.09, right=0.09),
        "left": causes("left", slips=0.1),
        "right": causes("right", slips=0.1, left=0.01),
    }
    assert trace_cause("root", tree).culprit == "middle"
    assert trace_cause("root", {"root": tree["root"]}).path == ("root", "middle")
    deeper = {**tree, "middle": causes("middle", distilling=0.1, left=0.11, right=0.1)}
    assert trace_cause("root", deeper).path == ("root", "middle", "left")


def test_below_a_node_without_an_error_nothing_is_to_be_mended():
    tree = {
        "root": causes("root", slips=0.02, middle=0.01),
        "middle": causes("middle", slips=0.03, distilling=-0.03, leaf=0.0),
        "leaf": causes("leaf", slips=0.2),
    }
    chain = trace_cause("root", tree)
    assert {share.node: share.size for share in chain.shares} == pytest.approx(
        {"root": 0.02, "middle": 0.01, "leaf": 0.0}
    )
