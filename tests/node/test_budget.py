"""Budgets are hard, and what they cut short is said."""

import pytest
from small_nodes import CARTPOLE, train_node_of

from rrm_tree.errors import TrainingError

pytestmark = pytest.mark.slow


def steps_taken(outcomes):
    """Steps that were executed; those in the absorbing state were not."""
    absorbed = outcomes.observations.get("absorbed")
    return (outcomes.mask if absorbed is None else outcomes.mask & ~absorbed[:, :-1]).sum()


@pytest.mark.parametrize("steps", [501, 2000])
def test_executed_steps_never_exceed_the_budget_and_half_of_a_round_is_for_improving(steps):
    rounds = train_node_of(CARTPOLE, budget={"judgments": 5000, "steps": steps, "rounds": 2})
    spent = [state.record.steps for state in rounds]
    assert 0.9 * steps < sum(spent) <= steps
    assert spent[0] <= -(-steps // 2)
    assert rounds[-1].record.stopped
    assert sum(steps_taken(state.judged.outcomes) for state in rounds) <= -(-steps // 2)


def test_judgments_that_the_steps_cannot_pay_for_are_named():
    first = train_node_of(CARTPOLE, budget={"judgments": 5000, "steps": 2000})[0].record
    assert 10 < first.facts.judgments < 100
    assert any("of 5,000 judgments; raise budget.steps" in warning for warning in first.warnings)


def test_steps_that_pay_for_no_judgment_at_all_end_in_words():
    with pytest.raises(TrainingError, match=r"round 1 can pay for no judgment.*budget\.steps"):
        train_node_of(CARTPOLE, budget={"judgments": 10, "steps": 5})


def test_episodes_shorter_than_a_segment_are_named_in_the_record():
    task = {"use": "CartPole-v1", "with": {"segment": 25, "max_episode_steps": 30, "horizon": "variable"}}
    warnings = train_node_of(CARTPOLE, task=task, budget={"judgments": 40, "steps": 6000})[0].record.warnings
    assert any("of 80 episodes are shorter than a segment" in warning for warning in warnings)
