"""Judgments that carry no information end in words and a cure, before anything is improved on them."""

from __future__ import annotations

import pytest
from small_nodes import CARTPOLE, first_round, train_node_of

from rrm_tree.errors import TrainingError

# Every step of a pole that stands earns 1: windows of one length are all worth the same.
WINDOWS = {"use": "CartPole-v1", "with": {"segment": 8, "max_episode_steps": 30, "horizon": "variable"}}
BUDGET = {"judgments": 200, "steps": 12_000}


@pytest.mark.slow
@pytest.mark.parametrize(("beta", "found"), [(None, "all 200 are ties"), (1.0, "the reward model ordered")])
def test_windows_that_are_all_worth_the_same_are_found_out_in_the_first_round(beta, found):
    judge = {"use": "teacher", "with": {"beta": beta}}
    state = first_round(CARTPOLE, task=WINDOWS, judge=judge, budget=BUDGET)
    (warning,) = [one for one in state.record.warnings if "no information" in one]
    assert found in warning
    assert "compare whole episodes (leave out task.with.segment)" in warning
    assert "task.with.horizon: absorbing" in warning
    assert not state.record.facts.informative
    # Nothing was improved: the steps are those of the windows, and there is neither reward nor agent.
    assert (state.agent, state.reward) == ({}, {})
    assert state.record.steps < BUDGET["steps"] / 2


@pytest.mark.slow
def test_a_node_that_learned_nothing_fails_with_the_reason_and_the_cure():
    judge = {"use": "teacher", "with": {"beta": None}}
    with pytest.raises(TrainingError, match=r"no information: all 60 are ties; .*compare whole episodes"):
        train_node_of(CARTPOLE, task=WINDOWS, judge=judge, budget={**BUDGET, "judgments": 60, "rounds": 2})


@pytest.mark.slow
def test_windows_that_show_ends_are_informative():
    task = {**WINDOWS, "with": {**WINDOWS["with"], "horizon": "absorbing"}}
    judge = {"use": "teacher", "with": {"beta": None}}
    assert first_round(CARTPOLE, task=task, judge=judge, budget=BUDGET).record.facts.informative


def test_whole_episodes_that_tie_are_not_told_to_be_whole():
    judge = {"use": "teacher", "with": {"equal_within": 1000.0}}
    state = first_round(CARTPOLE, judge=judge, budget={"judgments": 10, "steps": 2000})
    (warning,) = [one for one in state.record.warnings if "no information" in one]
    assert "segment" not in warning
    assert "let other outcomes be proposed" in warning
