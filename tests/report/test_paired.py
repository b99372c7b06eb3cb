"""Two trained keys measured on the same held-out pairs: differences are taken pair by pair."""

import numpy as np
import pytest

from rrm_tree.measured import PROPOSAL, NodeMeasurement, OutcomeResults, PairResults, PairSettings
from rrm_tree.paired import gaps_between
from rrm_tree.propagation.comparing import PairedTests, compare_runs
from rrm_tree.report.comparing import write_comparison

PAIRS = 100


def measured(wrong, helped=True, truth=None, first_truth=1.0):
    """A measurement whose reward model is wrong on the first so many pairs; its judge on none."""
    right = np.arange(PAIRS) >= wrong
    margins = {"distilled": np.where(right, 1.0, -1.0), "alone": np.ones(PAIRS)}
    margins |= {"assisted": np.ones(PAIRS)} if helped else {}
    zeros = np.zeros(PAIRS, np.int64)
    pairs = PairResults(
        subject=np.arange(PAIRS),
        root=np.arange(PAIRS),
        part=zeros,
        first_truth=np.full(PAIRS, first_truth),
        second_truth=np.zeros(PAIRS),
        first_by=zeros,
        second_by=zeros,
        margins=margins,
        abstained={},
        chance=None,
        ties=0,
    )
    truths = np.zeros(10) if truth is None else np.asarray(truth, float)
    outcomes = OutcomeResults(
        by=np.repeat([0, PROPOSAL], [10, 10]),
        about=np.tile(np.arange(10), 2),
        truth=np.concatenate([truths, np.full(10, 0.25)]),
        score=np.zeros(20),
    )
    return NodeMeasurement(PairSettings(round=0, pairs=PAIRS, agent_outcomes=10), pairs, pairs, outcomes)


def test_shares_are_compared_pair_by_pair_with_mcnemars_test():
    found = dict(gaps_between(measured(20), measured(12)))
    test = found["distilled off"].test()
    assert test.difference.value == pytest.approx(0.08)
    # Eight pairs that only one of them gets wrong.
    assert test.p_value == pytest.approx(2 / 2**8)
    assert found["assisted off"].test().p_value == 1.0


def test_a_judge_whom_nobody_helps_is_measured_alone():
    assert "assisted off" in dict(gaps_between(measured(20), measured(20, helped=False)))


def test_truths_about_the_same_subjects_are_compared_one_by_one():
    before, after = np.linspace(0, 0.9, 10), np.linspace(0, 0.9, 10) + 0.1
    found = dict(gaps_between(measured(0, truth=before), measured(0, truth=after)))["truth"]
    assert found.numbers
    assert found.test().p_value == pytest.approx(2 / 2**10)


def test_other_pairs_or_other_proposals_are_not_paired():
    assert not dict(gaps_between(measured(20), None))
    assert "distilled off" not in dict(gaps_between(measured(20), measured(20, first_truth=0.5)))
    other = measured(20)
    other.outcomes.truth[10:] = 0.5
    assert "truth" not in dict(gaps_between(measured(20), other))


def test_a_comparison_takes_the_paired_test_and_says_so(make_run, make_node, make_record, make_shares):
    def run(share, key):
        rounds = (make_record("leaf", off=make_shares(0.8, None, 0.8, None, share)),)
        return make_run(make_node("leaf", key=key, rounds=rounds), run=f"runs/{key}")

    test = dict(gaps_between(measured(20), measured(12)))["distilled off"].test()
    paired = PairedTests({"leaf": {"distilled off": test}}, {0: {"distilled off": test}})
    found = compare_runs([run(0.8, "a")], [run(0.88, "b")], paired=paired)
    change = next(one for one in found.nodes[0].changes if one.measure == "distilled off")
    assert (change.paired_by, change.p_value) == ("pair", test.p_value)
    assert change.difference == test.difference
    assert found.levels[0].changes[0].paired_by == "pair"
    assert "pair by pair where both runs were measured on the same held-out pairs" in write_comparison(found)
