"""Maskable PPO does nothing that an environment forbids, while it learns and when it acts."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv
from gymnasium.wrappers import TimeLimit

from rrm_tree.contracts import Problem
from rrm_tree.learning import maskable_ppo
from rrm_tree.learning.rollouts import rollout
from rrm_tree.learning.rows import MASKS


class Doors(gymnasium.Env):
    """Shows which of its doors is locked, and breaks if that one is tried."""

    observation_space = spaces.Discrete(3)

    def __init__(self, acts=None):
        self.action_space = acts or spaces.Discrete(3)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return self.lock(), {}

    def lock(self):
        self.locked = int(self.np_random.integers(3))
        return self.locked

    def action_masks(self):
        masks = [np.arange(3) != self.locked]
        if isinstance(self.action_space, spaces.MultiDiscrete):
            masks.append(np.array([True, False]))
        return np.concatenate(masks)

    def step(self, action):
        door, *other = np.ravel(action)
        assert door != self.locked
        assert other in ([], [0])
        return self.lock(), 0.0, False, False, {}


class Task:
    batch = 8

    def __init__(self, make):
        self.make = make

    def make_vec(self, num_envs):
        return SyncVectorEnv([lambda: TimeLimit(self.make(), 10)] * num_envs)


def problem(task, steps):
    """The reward likes high doors."""
    return Problem(
        task,
        lambda count, rng: {"row": np.arange(count)},
        lambda outcomes: outcomes.actions.reshape(*outcomes.mask.shape, -1)[..., 0].astype(float),
        lambda outcomes: None,
        steps,
        None,
        seed=3,
        stretches=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("acts", [spaces.Discrete(3), spaces.MultiDiscrete([3, 2])], ids=str)
def test_the_best_door_that_is_not_locked_is_found(acts):
    asked = problem(Task(lambda: Doors(acts)), 4096)
    algorithm = maskable_ppo(n_steps=512, learning_rate=3e-3, gamma=0.5)
    assert algorithm.check(asked.task) is None
    agent = algorithm.load(asked, algorithm.improve(asked, None).arrays)
    done = rollout(asked.task, agent.act, {"row": np.arange(8)}, np.random.default_rng(1), explore=False)
    doors = done.outcomes.actions.reshape(8, 10, -1)[..., 0]
    locked = done.outcomes.observations["observation"][:, :-1]
    assert (doors == np.where(locked == 2, 1, 2)).all()


def test_an_agent_explores_among_what_is_allowed():
    asked = problem(Task(Doors), 64)
    algorithm = maskable_ppo(n_steps=64, n_epochs=1)
    agent = algorithm.load(asked, algorithm.improve(asked, None).arrays)
    seen = {"observation": np.zeros(200, np.int64), MASKS: np.tile([True, False, True], (200, 1))}
    tried = agent.act(seen, {}, np.random.default_rng(0), True)
    assert set(tried) == {0, 2}


def test_an_environment_without_masks_is_refused_in_words():
    assert "action_masks()" in maskable_ppo().check(Task(lambda: gymnasium.make("CartPole-v1").unwrapped))
