"""PPO on stretches and on whole episodes, each scored in one batch."""

from __future__ import annotations

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from torch import nn

from rrm_tree.contracts import Problem
from rrm_tree.learning import ppo
from rrm_tree.learning.experience import Experience, discount
from rrm_tree.learning.reward_scale import RewardScale
from rrm_tree.learning.rollouts import rollout
from rrm_tree.learning.stream import Stretch, open_source
from rrm_tree.outcomes import Outcomes


class EnvTask:
    """A gymnasium environment whose episodes start from anywhere."""

    batch = 8

    def __init__(self, make, mode=AutoresetMode.NEXT_STEP):
        self.make, self.mode = make, mode

    def make_vec(self, num_envs):
        return SyncVectorEnv([self.make] * num_envs, autoreset_mode=self.mode)


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


def test_rewards_of_an_update_are_asked_for_at_once():
    asked = []

    def rewards(outcomes):
        asked.append(int(outcomes.mask.sum()))
        return upright(outcomes)

    task = EnvTask(CARTPOLE.make, AutoresetMode.SAME_STEP)
    together = replace(problem(task, 512, rewards=rewards), stretches=True)
    assert ppo(n_steps=128, episodes=8, n_epochs=1).improve(together, None).steps == 512
    assert asked == [128] * 4


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
    rewards, values, following = np.array([[3.0, 4.0]]), np.array([[1.0, 2.0]]), np.array([[2.0, 6.0]])
    # With γ = λ = 1/2: δ₁ = 4 + ½·6 − 2 = 5 where what follows is worth 6,
    # δ₀ = 3 + ½·2 − 1 = 3, and A₀ = 3 + ¼·5.
    goes_on = np.array([[False, True]])
    assert discount(rewards, values, following, goes_on, 0.25, 0.5).tolist() == [[4.25, 5.0]]
    # The first step is the last of its episode: nothing of the second one reaches it.
    apart = np.array([[True, True]])
    assert discount(rewards, values, following, apart, 0.25, 0.5).tolist() == [[3.0, 5.0]]


class Worth(nn.Module):
    """A policy that values a state at ten times what it sees."""

    observation_space = spaces.Box(-1e9, 1e9, (1,), np.float64)

    def obs_to_tensor(self, seen):
        return torch.from_numpy(seen), True

    def predict_values(self, seen):
        return 10 * seen


@pytest.mark.parametrize(
    ("ended", "cut", "beyond", "worth"),
    [
        # Two steps of reward 1, both valued at 0, from a state 3 to a state 2 and on to a state 7.
        (True, True, None, 0.0),
        # An end that goes on in a state of reward 4 for ever: 4 / (1 − ½) = 8.
        (True, True, 4.0, 8.0),
        # Cut short by a time limit, or by the end of the stretch: what was seen last, 7, is valued at 70.
        (False, True, None, 70.0),
        (False, True, 4.0, 70.0),
        (False, False, None, 70.0),
    ],
)
def test_what_follows_a_last_step_is_worth_what_the_page_says(ended, cut, beyond, worth):
    seen = np.array([[[3.0], [2.0]], [[2.0], [7.0]]])
    outcomes = Outcomes(
        {"observation": seen},
        np.zeros((2, 1)),
        np.ones(2, np.int64),
        {},
        ended=np.array([False, ended]),
    )
    one = Experience(Worth())
    one.values = [np.zeros(1), np.zeros(1)]
    one.stretch = Stretch(
        outcomes, np.ones((1, 2), bool), np.array([[False, cut]]), np.ones(1, bool), steps=2
    )
    asked = replace(problem(CARTPOLE, 2, rewards=lambda rows: np.ones(rows.mask.shape)), beyond=beyond)
    one.reward(asked, None, gamma=0.5)
    # λ = 0: advantages are the errors δ = 1 + ½ · what follows − 0.
    assert one.advantages(0.5, 0.0).tolist() == [[1.0, 1 + 0.5 * worth]]


def test_rewards_and_what_lies_beyond_an_end_are_divided_by_the_same_deviation():
    policy = ppo(n_steps=8)._build(CARTPOLE).policy
    one = Experience(policy)
    asked = replace(
        problem(CARTPOLE, 64, rewards=lambda rows: np.arange(rows.mask.size).reshape(rows.mask.shape) + 0.0),
        stretches=True,
        beyond=3.0,
    )
    with open_source(asked, 4, np.random.default_rng(0)) as source:
        one.collect(source, 64)
    one.reward(asked, scale := RewardScale(), 0.9)
    assert one.beyond == pytest.approx(3.0 / (1 - 0.9) / scale.deviation)
    assert one.rewards.max() == pytest.approx((len(one) - 1) / scale.deviation)


def test_rewards_are_divided_by_the_deviation_of_their_discounted_sums():
    rewards, all_live = np.array([[1.0, 2.0, 4.0]]), np.ones((1, 3), bool)
    scale = RewardScale()
    # One episode of two steps, then the first of another: with γ = ½ the sums are 1, 2½, 4 …
    scale.watch(rewards, all_live, np.array([[False, True, False]]), np.ones(1, bool), 0.5)
    assert scale.deviation == pytest.approx(np.std([1.0, 2.5, 4.0]), rel=1e-3)
    # … which the next stretch goes on with: ½ · 4 + 1 = 3.
    scale.watch(rewards[:, :1], all_live[:, :1], np.zeros((1, 1), bool), np.zeros(1, bool), 0.5)
    assert scale.deviation == pytest.approx(np.std([1.0, 2.5, 4.0, 3.0]), rel=1e-3)


@pytest.mark.parametrize("rows", [1, 4])
def test_an_update_has_as_many_transitions_as_asked_for_and_no_more(rows):
    batches = []
    algorithm = ppo(n_steps=64, episodes=rows, n_epochs=1)
    learn = algorithm._learn
    algorithm._learn = lambda *given: batches.append(sum(map(len, given[1]))) or learn(*given)
    task = EnvTask(CARTPOLE.make, AutoresetMode.SAME_STEP)
    improved = algorithm.improve(replace(problem(task, 200), stretches=True), None)
    # The last 8 steps would be a poor update.
    assert batches == [64, 64, 64]
    assert improved.steps == 192
