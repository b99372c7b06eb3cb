"""PPO on whole episodes, scored in one batch."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import SyncVectorEnv

from rrm_tree.contracts import Problem
from rrm_tree.learning import ppo
from rrm_tree.learning.experience import Experience, RewardScale
from rrm_tree.learning.rollouts import rollout


class EnvTask:
    """A gymnasium environment whose episodes start from anywhere."""

    batch = 8

    def __init__(self, make):
        self.make = make

    def make_vec(self, num_envs):
        return SyncVectorEnv([self.make] * num_envs)


CARTPOLE = EnvTask(lambda: gymnasium.make("CartPole-v1"))


class Everything(gymnasium.Env):
    """Observes and acts in spaces of the given kinds; five steps."""

    def __init__(self, acts, seen):
        self.action_space, self.observation_space = acts, seen

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return self.observation_space.sample(), {}

    def step(self, action):
        self.time += 1
        assert self.action_space.contains(action)
        return self.observation_space.sample(), 0.0, self.time == 5, False, {}


def upright(outcomes):
    """1 for every step after which the pole stands within 3 degrees."""
    return (np.abs(outcomes.observations["observation"][:, 1:, 2]) < 0.05).astype(float)


def problem(task, steps, seed=3, rewards=upright, optimiser_steps=None):
    return Problem(
        task,
        lambda count, rng: {"row": np.arange(count)},
        rewards,
        lambda outcomes: None,
        steps,
        optimiser_steps,
        seed,
    )


@pytest.mark.slow
def test_ppo_keeps_the_pole_up_for_400_steps_on_a_reward_written_by_hand():
    balance = problem(CARTPOLE, 40_000)
    algorithm = ppo(n_steps=1024)
    improved = algorithm.improve(balance, None)
    agent = algorithm.load(balance, improved.arrays)
    done = rollout(CARTPOLE, agent.act, {"row": np.arange(20)}, np.random.default_rng(9), explore=False)
    assert improved.steps <= 40_000
    assert done.outcomes.lengths.mean() >= 400


@pytest.mark.slow
def test_the_same_seed_gives_the_same_policy_and_leaves_global_generators_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - looks, draws nothing
    first, again, other = (
        ppo(n_steps=128).improve(problem(CARTPOLE, 1000, seed), None).arrays for seed in (3, 3, 4)
    )
    assert all(first[name].tobytes() == again[name].tobytes() for name in first)
    assert any(first[name].tobytes() != other[name].tobytes() for name in first)
    assert (before == np.random.get_state()[1]).all()  # noqa: NPY002


@pytest.mark.parametrize("steps", [1, 5, 300])
def test_never_more_steps_than_given_are_executed_and_all_are_reported(steps):
    executed = []

    class Counting(gymnasium.Wrapper):
        def step(self, action):
            executed.append(1)
            return self.env.step(action)

    task = EnvTask(lambda: Counting(gymnasium.make("CartPole-v1")))
    improved = ppo(n_steps=64, n_epochs=1).improve(problem(task, steps), None)
    assert len(executed) <= improved.steps <= steps


def test_no_more_optimiser_steps_than_given_are_made():
    improved = ppo(n_steps=128, batch_size=32).improve(problem(CARTPOLE, 2000, optimiser_steps=7), None)
    assert improved.optimiser_steps <= 7
    assert improved.steps < 2000


def test_a_warm_start_goes_on_from_the_previous_policy():
    small = problem(CARTPOLE, 200)
    algorithm = ppo(n_steps=64, n_epochs=1, learning_rate=1e-12)
    first = algorithm.improve(small, None).arrays
    second = algorithm.improve(problem(CARTPOLE, 200, seed=99), first).arrays
    assert all(np.allclose(first[name], second[name]) for name in first if name.startswith("policy."))
    assert second["reward_scale"][2] > first["reward_scale"][2]


BOX = spaces.Box(-1, 1, (2,), np.float32)


@pytest.mark.parametrize(
    "acts", [BOX, spaces.Discrete(3), spaces.MultiDiscrete([2, 3]), spaces.MultiBinary(4)], ids=repr
)
@pytest.mark.parametrize("seen", [BOX, spaces.Discrete(4), spaces.Dict({"a": BOX, "b": spaces.Discrete(2)})])
def test_every_plain_space_can_be_observed_and_acted_in(acts, seen):
    task = EnvTask(lambda: Everything(acts, seen))
    algorithm = ppo(n_steps=16, n_epochs=1, net_arch=(8,))
    assert algorithm.check(task) is None
    zero = problem(task, 40, rewards=lambda outcomes: np.zeros(outcomes.mask.shape))
    agent = algorithm.load(zero, algorithm.improve(zero, None).arrays)
    one, same = (
        rollout(task, agent.act, {"row": np.arange(2)}, np.random.default_rng(0), explore=True) for _ in "ab"
    )
    assert one.outcomes.actions.shape[:2] == same.outcomes.actions.shape[:2] == (2, 5)


def test_a_nested_space_is_refused_with_its_name():
    nested = spaces.Dict({"a": spaces.Dict({"b": BOX})})
    assert "Dict" in ppo().check(EnvTask(lambda: Everything(BOX, nested)))


def test_advantages_are_those_worked_out_by_hand():
    one = object.__new__(Experience)
    one.values = [np.array([1.0]), np.array([2.0])]
    one.rewards = np.array([[3.0, 4.0]])
    # With γ = λ = 1/2: δ₁ = 4 + ½·6 − 2 = 5 where the episode was cut before a state worth 6,
    # δ₀ = 3 + ½·2 − 1 = 3, and A₀ = 3 + ¼·5.
    assert one.discount(np.array([6.0]), np.array([2]), 0.5, 0.5).tolist() == [[4.25, 5.0]]
    # It ended: nothing follows, δ₁ = 4 − 2 = 2 and A₀ = 3 + ¼·2.
    assert one.discount(np.array([0.0]), np.array([2]), 0.5, 0.5).tolist() == [[3.5, 2.0]]


def test_rewards_are_divided_by_a_deviation_and_keep_their_sign():
    rewards = np.where(np.random.default_rng(0).random((50, 40)) < 0.5, 100.0, 300.0)
    scaled = RewardScale().divide(rewards, np.ones((50, 40), bool), 0.9)
    assert (scaled > 0).all()
    assert scaled.max() == pytest.approx(3 * scaled.min())
    assert 0.05 < scaled.mean() < 5
