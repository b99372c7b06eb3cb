"""The greedy algorithm on tiny tasks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from rrm_tree.contracts import Problem
from rrm_tree.errors import PluginError
from rrm_tree.learning import greedy
from rrm_tree.learning.best_action import first_best
from rrm_tree.outcomes import Outcomes


def imagine(observations, actions, subjects):
    seen = {name: np.stack([values, values], axis=1) for name, values in observations.items()}
    return Outcomes(seen, actions[:, None], np.ones(len(actions), np.int64), subjects)


@dataclass
class Numbers:
    """Row r may choose any number below its size."""

    parts: int = 1

    def candidates(self, observations):
        sizes = observations["size"]
        owner = np.repeat(np.arange(len(sizes)), sizes)
        return np.concatenate([np.arange(size) for size in sizes]), owner

    imagine = staticmethod(imagine)


@dataclass
class Bits:
    """Three bits."""

    parts: int = 3
    part_values: int = 2
    exclusive: bool = True

    imagine = staticmethod(imagine)


def problem(task, rewards=None, table=None):
    return Problem(task, lambda count, rng: {}, rewards, table, steps=0, optimiser_steps=None, seed=0)


def near(target):
    return lambda outcomes: -np.abs(outcomes.actions - target).astype(float)


def test_of_listed_actions_the_best_of_each_row_is_taken():
    agent = greedy().load(problem(Numbers(), near(3)), {})
    seen = {"size": np.array([2, 9, 4, 1])}
    assert agent.act(seen, seen, np.random.default_rng(0), explore=False).tolist() == [1, 3, 3, 0]


def test_the_first_of_equally_good_actions_is_taken():
    starts, owner = np.array([0, 3]), np.array([0, 0, 0, 1, 1])
    assert first_best(np.array([1.0, 2.0, 2.0, 5.0, 5.0]), starts, owner).tolist() == [1, 3]


def test_more_candidates_than_fit_one_batch_change_nothing():
    agent = greedy().load(problem(Numbers(), near(5000)), {})
    seen = {"size": np.array([9000, 6000, 3000])}
    assert agent.act(seen, seen, np.random.default_rng(0), explore=False).tolist() == [5000, 5000, 2999]


def test_a_row_without_candidates_is_reported():
    agent = greedy().load(problem(Numbers(), near(3)), {})
    seen = {"size": np.array([2, 0])}
    with pytest.raises(PluginError, match="at least one candidate"):
        agent.act(seen, seen, np.random.default_rng(0), explore=False)


def test_every_part_of_a_factorised_action_gets_its_best_value():
    scores = np.array([[[0.0, 1.0], [2.0, 1.0], [3.0, 3.0]]])
    agent = greedy().load(problem(Bits(), table=lambda outcomes: scores), {})
    seen = {"observation": np.zeros((1, 1))}
    assert agent.act(seen, {}, np.random.default_rng(0), explore=False).tolist() == [[1, 0, 0]]


def test_exploring_takes_values_in_proportion_to_exp_of_their_score():
    scores = np.broadcast_to(np.log([0.2, 0.8]), (4000, 3, 2))
    agent = greedy().load(problem(Bits(), table=lambda outcomes: scores), {})
    acted = agent.act({"observation": np.zeros((4000, 1))}, {}, np.random.default_rng(0), explore=True)
    # Deviation of the mean of 12,000: 0.0037.
    assert acted.mean() == pytest.approx(0.8, abs=0.0183)


def test_exploring_listed_actions_follows_the_inverse_temperature():
    agent = greedy(inverse_temperature=2.0).load(problem(Numbers(), near(0)), {})
    seen = {"size": np.full(6000, 2)}
    acted = agent.act(seen, seen, np.random.default_rng(0), explore=True)
    # 1 / (1 + e^2) = 0.119; deviation of the mean 0.0042.
    assert acted.mean() == pytest.approx(1 / (1 + np.exp(2)), abs=0.021)


def test_improving_costs_nothing_and_a_sequential_task_is_refused_with_advice():
    improved = greedy().improve(problem(Bits()), None)
    assert (improved.steps, improved.optimiser_steps, improved.arrays) == (0, 0, {})
    assert greedy().check(Bits()) is None
    assert "ppo" in greedy().check(object())
