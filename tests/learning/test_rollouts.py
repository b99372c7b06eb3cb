"""Rollouts through vector environments, their counts, and what broken ones are told."""

from __future__ import annotations

from dataclasses import dataclass, field

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from rrm_tree.errors import PluginError
from rrm_tree.learning.rollouts import rollout


class Countdown(gymnasium.Env):
    """Shows how many steps are left; every other episode is cut short a step before its end."""

    observation_space = spaces.Box(-1e9, 1e9, (1,), np.float64)
    action_space = spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.left = 2
        return np.array([2.0]), {}

    def step(self, action):
        self.left -= 1
        return np.array([float(self.left)]), 1.0, self.left == 0, False, {}


class Countdowns(SyncVectorEnv):
    """Countdowns from the subject's numbers."""

    def reset(self, *, seed=None, options=None):
        seen, info = super().reset(seed=seed)
        if options:
            for env, left in zip(self.envs, options["subject"]["left"], strict=True):
                env.left = int(left)
            seen = options["subject"]["left"][:, None].astype(float)
        return seen, info


@dataclass
class Task:
    mode: AutoresetMode = AutoresetMode.NEXT_STEP
    batch: int = 10
    broken: object = None
    made: list = field(default_factory=list)

    def make_vec(self, num_envs):
        self.made.append(num_envs)
        envs = Countdowns([Countdown] * num_envs, autoreset_mode=self.mode)
        if self.broken:
            step = envs.step
            envs.step = lambda actions: self.broken(*step(actions))
        return envs


def left(observations, subjects, rng, explore):
    return np.zeros(len(observations["observation"]), np.int64)


def run(task, lengths, **options):
    subjects = {"left": np.array(lengths)}
    return rollout(task, left, subjects, np.random.default_rng(0), explore=False, **options)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_every_subject_has_its_episode_whole_and_padded(mode):
    done = run(Task(mode), [3, 1, 2])
    assert done.outcomes.lengths.tolist() == [3, 1, 2]
    assert done.outcomes.observations["observation"][..., 0].tolist() == [
        [3, 2, 1, 0],
        [1, 0, 0, 0],
        [2, 1, 0, 0],
    ]
    assert done.outcomes.hidden["rewards"].tolist() == [[1, 1, 1], [1, 0, 0], [1, 1, 0]]
    assert done.outcomes.mask.sum(axis=1).tolist() == [3, 1, 2]
    assert done.outcomes.ended.all()


def test_steps_taken_beside_an_ended_episode_are_counted_too():
    assert run(Task(), [3, 1, 2]).steps == 9


def test_more_subjects_than_the_batch_are_run_in_chunks_of_it():
    task = Task(batch=2)
    done = run(task, [1, 2, 3, 2, 1])
    assert task.made == [2, 2, 1]
    assert done.outcomes.lengths.tolist() == [1, 2, 3, 2, 1]
    assert done.steps == 4 + 6 + 1


@pytest.mark.parametrize("limit", [1, 4, 7, 8, 100])
def test_no_more_steps_than_the_limit_are_executed(limit):
    done = run(Task(batch=3), [3, 2, 3, 2, 1], limit=limit)
    assert 0 < done.steps <= limit
    assert (done.outcomes.lengths <= [3, 2, 3, 2, 1][: len(done.outcomes)]).all()


def test_an_episode_cut_at_the_limit_has_not_terminated():
    done = run(Task(), [3, 1], limit=4)
    assert done.outcomes.lengths.tolist() == [2, 1]
    assert done.outcomes.ended.tolist() == [False, True]


def test_cartpole_falls_at_once_when_pushed_one_way():
    class CartPole:
        batch = 4

        def make_vec(self, num_envs):
            return gymnasium.make_vec("CartPole-v1", num_envs)

    done = rollout(CartPole(), left, {"row": np.arange(8)}, np.random.default_rng(0), explore=False)
    assert set(done.outcomes.lengths) <= {8, 9, 10, 11}
    assert done.outcomes.observations["observation"].shape[2:] == (4,)
    # The pole's angle is within its limit of 0.2095 before each step, beyond it after the last.
    last = done.outcomes.observations["observation"][np.arange(8), done.outcomes.lengths, 2]
    assert (np.abs(last) > 0.2095).all()


def raise_it(*_):
    raise ZeroDivisionError("by design")


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        (
            lambda o, r, t, c, i: (o * np.nan, r, t, c, i),
            r"'observation' after 1 steps is not finite in episode 0",
        ),
        (lambda o, r, t, c, i: (o[:1], r, t, c, i), r"has shape \[1, 1\].*each of 2 episodes"),
        (lambda o, r, t, c, i: (o, r * np.inf, t, c, i), "step 1: reward is not finite"),
        (raise_it, "step 1 raised ZeroDivisionError: by design"),
    ],
)
def test_a_broken_environment_is_told_where_and_how(broken, words):
    with pytest.raises(PluginError, match=words):
        run(Task(broken=broken), [2, 2])


def test_an_agent_with_too_few_actions_is_told():
    with pytest.raises(PluginError, match=r"actions has shape \[1\]; give one row for each of 2"):
        rollout(
            Task(),
            lambda *_: np.zeros(1, np.int64),
            {"left": np.array([1, 1])},
            np.random.default_rng(0),
            explore=False,
        )


def test_no_subjects_at_all_is_an_error_and_not_an_empty_outcome():
    with pytest.raises(PluginError, match="no subject"):
        run(Task(), [])
