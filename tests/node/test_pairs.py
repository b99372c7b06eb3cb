"""Every pair that a record's shares count is kept, with what everybody said of it."""

import numpy as np
import pytest
from small_nodes import CARTPOLE, logic_tree, make_tree, train, train_both

from rrm_tree.measured import PROPOSAL, NodeMeasurement
from rrm_tree.propagation import ORDERERS
from rrm_tree.team import Team

RATED = {**CARTPOLE, "judge": {"use": "teacher", "kind": "rating"}, "budget": {"judgments": 20, "steps": 800}}


@pytest.fixture(scope="module")
def states():
    """The last rounds of a bit and of the root that it helps."""
    tree = logic_tree({"budget": {"judgments": 300, "rounds": 2}})
    return {name: rounds[-1] for name, rounds in zip(("bit", "root"), train_both(tree), strict=True)}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bit", "root"])
def test_the_record_counts_the_pairs_that_are_kept(states, name):
    state = states[name]
    for distribution in ("off", "on"):
        kept, shares = state.pairs.at(distribution), getattr(state.record, distribution)
        assert {orderer: kept.share(orderer) for orderer in ORDERERS} == {
            orderer: getattr(shares, orderer) for orderer in ORDERERS
        }
        assert kept.ties == shares.truth_ties
    made = state.pairs.outcomes
    assert made.truth[made.by != PROPOSAL].mean() == pytest.approx(state.record.agent_truth.mean)
    assert made.score[made.by != PROPOSAL].mean() == pytest.approx(state.record.agent_score.mean)
    assert made.truth[made.by == PROPOSAL].mean() == pytest.approx(state.record.proposal_truth.mean)


@pytest.mark.slow
def test_pairs_come_back_from_their_arrays(states):
    kept = states["root"].pairs
    again = NodeMeasurement.from_arrays(kept.settings, kept.arrays())
    assert again.settings == kept.settings
    assert list(again.arrays()) == list(kept.arrays())
    assert all(np.array_equal(values, kept.arrays()[name]) for name, values in again.arrays().items())


@pytest.mark.slow
def test_pairs_on_policy_say_which_snapshot_made_which_outcome(states):
    kept = states["bit"].pairs
    assert set(kept.off.first_by) == set(kept.off.second_by) == {PROPOSAL}
    assert set(kept.on.first_by) == {1}
    assert {PROPOSAL, 1} <= set(kept.on.second_by) <= {PROPOSAL, 0, 1}
    assert kept.settings.round == 1


@pytest.mark.slow
def test_the_reward_models_own_chance_is_on_the_side_that_its_margin_prefers(states):
    for state in states.values():
        off = state.pairs.off
        assert ((off.chance > 0.5) == (off.margins["distilled"] > 0)).all()
        assert (off.first_truth != off.second_truth).all()


@pytest.mark.slow
def test_ratings_have_a_chance_too_and_several_criteria_have_none():
    one = train(make_tree({"only": RATED}), "only")[-1].pairs
    assert ((one.off.chance > 0.5) == (one.off.margins["distilled"] > 0)).all()
    two = {"better": {"question": "which?"}, "longer": {"question": "which is longer?"}}
    several = train(make_tree({"only": {**RATED, "criteria": two}}), "only")[-1].pairs
    assert several.off.chance is None


def test_subjects_of_one_starting_state_are_known_as_such():
    tree = logic_tree()
    drawn = Team(tree, {}).draw("bit", 200, "measure", np.random.default_rng(0))
    assert len(drawn.root) == 200
    assert len(set(drawn.root)) < 200
    for root in set(drawn.root):
        assert (np.ptp(drawn.subjects["bits"][drawn.root == root], axis=0) == 0).all()
