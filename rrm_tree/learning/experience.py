"""Episodes of a policy, their rewards and advantages, and what an update draws from them.

In: a policy of stable-baselines3, rollouts, rewards. Out: minibatches in its own format.
Touches nothing but the policy that it is told to update.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from gymnasium import Space, spaces
from numpy.random import Generator
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.running_mean_std import RunningMeanStd
from stable_baselines3.common.type_aliases import DictRolloutBufferSamples, RolloutBufferSamples

from rrm_tree.contracts import Problem
from rrm_tree.errors import TrainingError
from rrm_tree.learning.rollouts import Rollout
from rrm_tree.outcomes import Array, Arrays, Floats, count_rows


class RewardScale:
    """The running deviation of discounted sums of rewards, by which rewards are divided.

    Their mean is left in: where episodes end early, the sign of a reward matters.
    """

    def __init__(self) -> None:
        self.seen = RunningMeanStd(shape=())

    def divide(self, rewards: Floats, mask: Array, gamma: float) -> Floats:
        """The rewards over the deviation seen so far, these included, [n, T]."""
        sums, running = np.zeros_like(rewards), np.zeros(len(rewards))
        for step in range(rewards.shape[1]):
            running = gamma * running + rewards[:, step]
            sums[:, step] = running
        self.seen.update(sums[mask])
        return rewards / np.sqrt(self.seen.var + 1e-8)

    def arrays(self) -> dict[str, Array]:
        """Its state; `from_arrays` is the way back."""
        return {"reward_scale": np.array([self.seen.mean, self.seen.var, self.seen.count], np.float64)}

    @classmethod
    def from_arrays(cls, flat: Arrays) -> RewardScale:
        """The scale that `arrays` took apart; a fresh one where there is none."""
        scale = cls()
        if "reward_scale" in flat:
            mean, variance, count = flat["reward_scale"]
            scale.seen.mean, scale.seen.var, scale.seen.count = mean, variance, float(count)
        return scale


@dataclass
class Experience:
    """Episodes run side by side, with what the policy thought on the way."""

    policy: ActorCriticPolicy
    sde_sample_freq: int = -1
    raw_actions: list[Array] = field(default_factory=list)
    values: list[Array] = field(default_factory=list)
    log_probs: list[Array] = field(default_factory=list)

    def act(self, observations: Arrays, subjects: Arrays, rng: Generator, explore: bool) -> Array:
        """Sampled actions, kept as the policy gave them; returned as the environment takes them."""
        seen, _ = self.policy.obs_to_tensor(as_observation(observations, self.policy.observation_space))
        if self.policy.use_sde and self._draws_noise():
            self.policy.reset_noise(count_rows(observations))
        with torch.no_grad():
            actions, values, log_probs = self.policy(seen)
        raw: Array = actions.numpy()
        self.raw_actions.append(raw.reshape(len(raw), -1))
        self.values.append(values.numpy().ravel())
        self.log_probs.append(log_probs.numpy())
        space = self.policy.action_space
        if isinstance(space, spaces.Box):
            return np.clip(raw, space.low, space.high)
        return raw

    def _draws_noise(self) -> bool:
        """Whether state-dependent exploration draws anew before this step."""
        step = len(self.values)
        return step == 0 or (self.sde_sample_freq > 0 and step % self.sde_sample_freq == 0)

    def take(self, done: Rollout) -> None:
        """The rollout in which `act` acted."""
        self.outcomes, self.steps = done.outcomes, done.steps
        self.mask = done.outcomes.mask

    def __len__(self) -> int:
        return int(self.outcomes.lengths.sum())

    def reward(self, problem: Problem, scale: RewardScale | None, gamma: float) -> None:
        """Score all transitions in one batch.

        Raises:
            TrainingError: a reward is not a number, or their shape is not [n, T].
        """
        rewards = np.where(self.mask, problem.rewards(self.outcomes), 0.0)
        if not np.isfinite(rewards).all():
            episode, step = np.argwhere(~np.isfinite(rewards))[0]
            raise TrainingError(f"ppo: the reward of step {step} of episode {episode} is not a number")
        self.rewards = rewards if scale is None else scale.divide(rewards, self.mask, gamma)

    def advantages(self, gamma: float, gae_lambda: float) -> Floats:
        """Generalised advantage estimates (Schulman et al. 2016, eq. 16), [n, T].

        An episode that was cut short, not ended, goes on in the value of what was seen last.
        """
        final = take_last(self.outcomes.observations, self.outcomes.lengths)
        seen, _ = self.policy.obs_to_tensor(as_observation(final, self.policy.observation_space))
        with torch.no_grad():
            beyond = self.policy.predict_values(seen).numpy().ravel()
        beyond = np.where(self.outcomes.ended, 0.0, beyond)
        return self.discount(beyond, self.outcomes.lengths, gamma, gae_lambda)

    def discount(self, beyond: Array, lengths: Array, gamma: float, gae_lambda: float) -> Floats:
        """The advantages, given the value of what follows each episode, [n, T]."""
        values = np.stack(self.values, axis=1)
        rows, last = np.arange(len(values)), lengths - 1
        following = np.pad(values[:, 1:], [(0, 0), (0, 1)])
        following[rows, last] = beyond
        errors = self.rewards + gamma * following - values
        advantages, running = np.zeros_like(errors), np.zeros(len(errors))
        for step in reversed(range(errors.shape[1])):
            running = errors[:, step] + gamma * gae_lambda * running * (step < last)
            advantages[:, step] = running
        return cast(Floats, advantages)


def take_last(observations: Arrays, lengths: Array) -> dict[str, Array]:
    """What was seen when each episode was over, each [n, ...]."""
    return {name: values[np.arange(len(lengths)), lengths] for name, values in observations.items()}


def as_observation(observations: Arrays, space: Space[Any]) -> Array | dict[str, Array]:
    """Named arrays as stable-baselines3 takes them: an array, or a dictionary for a Dict space."""
    if isinstance(space, spaces.Dict):
        return {name: observations[name] for name in space.spaces}
    return next(iter(observations.values()))


class Transitions:
    """All steps really taken, where stable-baselines3 has its rollout buffer.

    Its own shuffles with NumPy's global generator, and wants as many steps of every environment.
    """

    def __init__(self, ppo: PPO, batch: Sequence[Experience], rng: Generator) -> None:
        def flat(one: Experience, values: Array) -> Array:
            return values[one.mask]

        def join(arrays: list[Array]) -> torch.Tensor:
            return torch.from_numpy(np.concatenate(arrays).astype(np.float32))

        def stacked(one: Experience, steps: list[Array]) -> Array:
            return flat(one, np.stack(steps, axis=1))

        advantages = [flat(one, one.advantages(ppo.gamma, ppo.gae_lambda)) for one in batch]
        values = [stacked(one, one.values) for one in batch]
        self.values = np.concatenate(values)
        self.returns = self.values + np.concatenate(advantages)
        self.rng = rng
        seen = {
            name: np.concatenate([flat(one, one.outcomes.observations[name][:, :-1]) for one in batch])
            for name in batch[0].outcomes.observations
        }
        self.observations, _ = ppo.policy.obs_to_tensor(as_observation(seen, ppo.observation_space))
        self.columns = (
            join([stacked(one, one.raw_actions) for one in batch]),
            join(values),
            join([stacked(one, one.log_probs) for one in batch]),
            join(advantages),
            join([self.returns]),
        )

    def get(self, batch_size: int) -> Iterator[RolloutBufferSamples | DictRolloutBufferSamples]:
        """Shuffled minibatches over all transitions."""
        order = torch.from_numpy(self.rng.permutation(len(self.values)))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            columns = [column[rows] for column in self.columns]
            if isinstance(self.observations, Mapping):
                seen = {name: values[rows] for name, values in self.observations.items()}
                yield DictRolloutBufferSamples(seen, *columns)
            else:
                yield RolloutBufferSamples(self.observations[rows], *columns)


def learn_from(ppo: PPO, batch: Sequence[Experience], rng: Generator) -> None:
    """One of stable-baselines3's updates from these episodes."""
    ppo.rollout_buffer = cast(RolloutBuffer, Transitions(ppo, batch, rng))
    ppo.train()
