"""Measured shares of judges and helpers whose errors are known."""

from itertools import product
from math import sqrt

import pytest
from small_nodes import CARTPOLE, logic_tree, make_tree, set_up, train, train_both

from rrm_tree.node import train_node

LOOK, READ, HELPER = 0.08, 0.03, 0.12
PAIRS = 3000


def flip(first, second):
    """Error of an answer that is turned round twice, at these rates."""
    return first * (1 - second) + second * (1 - first)


def majority_right(error):
    """How often a majority of three claims is right, each of them wrong at this rate."""
    share = 0.0
    for truth, wrong in product(product((0, 1), repeat=3), repeat=2):
        seen = [one ^ other for one, other in zip(truth, wrong, strict=True)]
        chance = 1.0
        for one in wrong:
            chance *= error if one else 1 - error
        share += chance * ((sum(seen) > 1) == (sum(truth) > 1)) / 8
    return share


@pytest.mark.slow
def test_shares_are_those_that_arithmetic_gives_for_known_errors_of_judge_and_helper():
    judge = {
        "use": "logic.person",
        "with": {"look_error": LOOK, "read_error": READ, "looks": 8},
    }
    agent = {"use": "sloppy:Sloppy", "with": {"error": HELPER}}
    tree = logic_tree({"judge": judge, "agent": agent}, {"judge": judge}, pairs=PAIRS)
    bit, root = (rounds[-1].record for rounds in train_both(tree))
    # A place is right if the two bits that decide it are both read rightly, or both wrongly.
    leaf = flip(LOOK, LOOK)
    expected = {
        "alone": majority_right(leaf),
        "assisted": majority_right(flip(HELPER, READ)),
        "ideal": majority_right(READ),
    }
    for name, share in expected.items():
        measured = getattr(root.off, name)
        # Four standard errors; the strings are fewer than the pairs, whence a factor for repeats.
        spread = 4 * sqrt(share * (1 - share) / measured.pairs)
        assert measured.value == pytest.approx(share, abs=1.5 * spread), name
    assert bit.off.assisted.value == pytest.approx(1 - leaf, abs=0.04)
    assert bit.off.assisted == bit.off.alone == bit.off.ideal
    assert bit.agent_truth.mean == pytest.approx(1 - HELPER, abs=0.1)


def one_bit(**measure):
    tree = logic_tree({"budget": {"judgments": 300, "rounds": 3}}, **measure)
    return train(tree, "bit")


@pytest.mark.slow
def test_measuring_the_last_round_alone_gives_the_numbers_that_it_has_when_all_are_measured():
    every, last = one_bit(rounds="all"), one_bit(rounds="last")
    assert [state.record.off is not None for state in every] == [True, True, True]
    assert [state.record.off is not None for state in last] == [False, False, True]
    assert every[-1].record == last[-1].record
    assert every[-1].pictures == last[-1].pictures
    # Proposals are the same in every round, and are made once.
    assert every[0].record.proposal_truth == every[1].record.proposal_truth
    assert every[1].measuring.steps < every[0].measuring.steps


@pytest.mark.slow
def test_a_resumed_node_measures_what_an_undisturbed_one_measures():
    tree = logic_tree({"budget": {"judgments": 300, "rounds": 3}})
    every = train(tree, "bit")
    resumed = list(train_node(set_up(tree, "bit"), every[:1]))
    assert [state.record for state in resumed] == [state.record for state in every[1:]]


@pytest.mark.slow
def test_steps_of_measuring_are_counted_apart_and_episodes_that_must_be_run_are_measured_at_the_end():
    pendulum = {**CARTPOLE, "task": {"use": "Pendulum-v1", "with": {"segment": 10, "max_episode_steps": 40}}}
    tree = make_tree({"only": {**pendulum, "budget": {"judgments": 20, "steps": 2000, "rounds": 2}}})
    first, last = train(tree, "only")
    assert (first.measuring.steps, first.record.agent_truth, first.pictures) == (0, None, ())
    # The agent's own 40 episodes and 40 proposals; 60 pairs off and 60 on policy, in which no truth ties.
    assert last.measuring.steps == (40 + 40 + 2 * 60 + 2 * 60) * 40
    assert last.record.steps <= 1000
    assert last.measuring.cpu_seconds > 0
