"""What the last reward model promised about a round's new judgments, as the record keeps it."""

from itertools import pairwise

import numpy as np
import pytest
from small_nodes import CARTPOLE, make_tree, set_up, train_node_of

from rrm_tree.learning.foresight import promise
from rrm_tree.station import Station
from rrm_tree.team import Team

LABELLED = {
    "doc": "is one of two bits set?",
    "task": {"use": "logic.circuit", "with": {"gates": [], "rule": "or"}},
    "criteria": {"right": {"question": "is it right?"}},
    "judge": {"use": "logic.person", "with": {"look_error": 0.02}},
    "reward_model": {"ensemble": 2, "epochs": 10, "mistakes": 0.0},
    "budget": {"judgments": 300, "rounds": 3},
}


def test_new_judgments_are_foretold_by_the_reward_model_that_has_not_learned_from_them():
    rounds = train_node_of(LABELLED)
    assert rounds[0].record.fresh is None
    setup = set_up(make_tree({"only": LABELLED}), "only")
    station = Station(Team(setup.tree, {}), "only", setup.node)
    for before, after in pairwise(rounds):
        judged = after.judged
        chosen = judged.items.first
        # Scores are log probabilities; means over the members of these and of log-odds differ a little.
        scores = station.scorer(before.reward).part_scores(judged.outcomes)[chosen, 0]
        says_right = scores > np.log(0.5)
        fresh = after.record.fresh
        assert fresh.count == len(judged.items) == 100
        assert fresh.right == pytest.approx((says_right == judged.answers.values).mean(), abs=0.02)
        assert fresh.right != after.record.held_out.right


def test_held_out_judgments_are_promised_as_many_as_were_held_out():
    for state in train_node_of(LABELLED):
        assert state.record.held_out.count == state.record.facts.held_out_count
        assert state.record.held_out.right == pytest.approx(state.record.facts.held_out_accuracy)


def test_preferences_are_foretold_pair_by_pair():
    first, second = train_node_of(CARTPOLE)
    assert first.record.fresh is None
    assert second.record.fresh.count == len(second.judged.items)
    assert 0.5 <= second.record.fresh.expected <= 1


def test_nothing_is_promised_where_nothing_was_held_out():
    nothing = np.zeros(0)
    for kind in ("label", "preference", "rating", "best", "demonstration", "goal"):
        assert promise(kind, nothing, nothing, nothing.astype(int), 0.1) is None
