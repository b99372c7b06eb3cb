"""Stretches of a policy's doing, with what it thought on the way, and what an update draws from them.

In: a policy of stable-baselines3, stretches, rewards. Out: minibatches in its own format.
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
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import DictRolloutBufferSamples, RolloutBufferSamples

from rrm_tree.contracts import Problem
from rrm_tree.learning.reward_scale import RewardScale
from rrm_tree.learning.rows import MASKS, Bools
from rrm_tree.learning.stream import Source, reward_transitions, value_beyond
from rrm_tree.outcomes import Array, Arrays, Floats, count_rows, take_rows


@dataclass
class Experience:
    """One stretch, with the actions as the policy gave them, their probabilities, and its values."""

    policy: ActorCriticPolicy
    sde_sample_freq: int | None = None
    """Steps between draws of state-dependent noise, -1 for one draw a stretch; None for no such noise."""
    raw_actions: list[Array] = field(default_factory=list)
    values: list[Array] = field(default_factory=list)
    log_probs: list[Array] = field(default_factory=list)
    masks: list[Array] = field(default_factory=list)

    def act(self, observations: Arrays, subjects: Arrays, rng: Generator, explore: bool) -> Array:
        """Sampled actions, kept as the policy gave them; returned as the environment takes them."""
        seen, _ = self.policy.obs_to_tensor(as_observation(observations, self.policy.observation_space))
        if self._draws_noise():
            self.policy.reset_noise(count_rows(observations))
        with torch.no_grad():
            actions, values, log_probs = self._think(seen, observations)
        raw: Array = actions.numpy()
        self.raw_actions.append(raw.reshape(len(raw), -1))
        self.values.append(values.numpy().ravel())
        self.log_probs.append(log_probs.numpy())
        space = self.policy.action_space
        if isinstance(space, spaces.Box):
            return np.clip(raw, space.low, space.high)
        return raw

    def _think(self, seen: Any, observations: Arrays) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Actions, values and log probabilities, of the allowed actions where the policy takes masks."""
        if not hasattr(self.policy.action_dist, "apply_masking"):
            return cast(tuple[torch.Tensor, torch.Tensor, torch.Tensor], self.policy(seen))
        self.masks.append(observations[MASKS])
        return cast(
            tuple[torch.Tensor, torch.Tensor, torch.Tensor],
            self.policy(seen, action_masks=observations[MASKS]),
        )

    def _draws_noise(self) -> bool:
        """Whether state-dependent exploration draws anew before this step."""
        if self.sde_sample_freq is None:
            return False
        step = len(self.values)
        return step == 0 or (self.sde_sample_freq > 0 and step % self.sde_sample_freq == 0)

    def collect(self, source: Source, transitions: int) -> bool:
        """Act for a stretch; False if there is none any more."""
        stretch = source.collect(self.act, transitions)
        if stretch is not None:
            self.stretch = stretch
        return stretch is not None

    def __len__(self) -> int:
        return len(self.stretch)

    def reward(self, problem: Problem, scale: RewardScale | None, gamma: float) -> None:
        """Score all transitions in one batch.

        Raises:
            TrainingError: a reward is not a number.
        """
        stretch = self.stretch
        self.rewards = stretch.spread(reward_transitions(problem, stretch.outcomes))
        self.beyond = value_beyond(problem, gamma)
        if scale is not None:
            scale.watch(self.rewards, stretch.live, stretch.over, stretch.begins, gamma)
            self.rewards, self.beyond = self.rewards / scale.deviation, self.beyond / scale.deviation

    def advantages(self, gamma: float, gae_lambda: float) -> Floats:
        """Generalised advantage estimates, [n, K].

        An episode that was cut short, not ended, goes on in the value of what was seen last, and so
        does one whose stretch is over. What an ended one is worth says `value_beyond`.
        """
        stretch, values = self.stretch, np.stack(self.values, axis=1).astype(np.float64)
        following = np.pad(values[:, 1:], [(0, 0), (0, 1)])
        last = stretch.over.copy()
        last[:, -1] = True
        asked = np.flatnonzero(stretch.flat(last))
        if len(asked):
            seen, _ = self.policy.obs_to_tensor(
                as_observation(take_rows(stretch.after, asked), self.policy.observation_space)
            )
            with torch.no_grad():
                beyond = self.policy.predict_values(seen).numpy().ravel()
            following[last & stretch.live] = np.where(stretch.ended[asked], self.beyond, beyond)
        return discount(self.rewards, values, following, stretch.over, gamma * gae_lambda, gamma)


def discount(
    rewards: Floats, values: Floats, following: Floats, over: Bools, decay: float, gamma: float
) -> Floats:
    """Generalised advantage estimates (Schulman et al. 2016, eq. 16), [n, K].

    Args:
        rewards: of each step, [n, K].
        values: of what was seen before each step, [n, K].
        following: value of what each step led to, [n, K].
        over: steps after which nothing of the same episode follows, [n, K].
        decay: γλ.
        gamma: γ.
    """
    errors = rewards + gamma * following - values
    advantages, running = np.zeros_like(errors), np.zeros(len(errors))
    for step in reversed(range(errors.shape[1])):
        running = errors[:, step] + decay * running * ~over[:, step]
        advantages[:, step] = running
    return advantages


def as_observation(observations: Arrays, space: Space[Any]) -> Array | dict[str, Array]:
    """Named arrays as stable-baselines3 takes them: an array, or a dictionary for a Dict space."""
    if isinstance(space, spaces.Dict):
        return {name: observations[name] for name in space.spaces}
    return next(iter(observations.values()))


class Transitions:
    """All steps really taken, where stable-baselines3 has its rollout buffer.

    Its own shuffles with NumPy's global generator, and wants as many steps of every environment.
    """

    def __init__(
        self,
        policy: ActorCriticPolicy,
        advantages: Sequence[Floats],
        batch: Sequence[Experience],
        rng: Generator,
    ) -> None:
        def join(arrays: list[Array]) -> torch.Tensor:
            return torch.from_numpy(np.concatenate(arrays).astype(np.float32))

        def stacked(one: Experience, steps: list[Array]) -> Array:
            return one.stretch.flat(np.stack(steps, axis=1))

        gained = [one.stretch.flat(values) for one, values in zip(batch, advantages, strict=True)]
        values = [stacked(one, one.values) for one in batch]
        self.values = np.concatenate(values)
        self.returns = self.values + np.concatenate(gained)
        self.rng = rng
        befores = [one.stretch.before for one in batch]
        seen = {name: np.concatenate([before[name] for before in befores]) for name in befores[0]}
        self.observations, _ = policy.obs_to_tensor(as_observation(seen, policy.observation_space))
        self.columns = [
            join([stacked(one, one.raw_actions) for one in batch]),
            join(values),
            join([stacked(one, one.log_probs) for one in batch]),
            join(gained),
            join([self.returns]),
        ]
        if batch[0].masks:
            self.columns.append(join([stacked(one, one.masks) for one in batch]))

    def get(self, batch_size: int) -> Iterator[Any]:
        """Shuffled minibatches over all transitions."""
        order = torch.from_numpy(self.rng.permutation(len(self.values)))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            yield self._samples(rows, [column[rows] for column in self.columns])

    def _samples(self, rows: torch.Tensor, columns: list[torch.Tensor]) -> Any:
        """One minibatch in the format of stable-baselines3, or of sb3-contrib where there are masks."""
        is_dict = isinstance(self.observations, Mapping)
        seen: Any = (
            {name: values[rows] for name, values in self.observations.items()}
            if isinstance(self.observations, Mapping)
            else self.observations[rows]
        )
        if len(columns) > 5:
            from sb3_contrib.common.maskable import buffers  # noqa: PLC0415 - where there are masks alone

            masked = (
                buffers.MaskableDictRolloutBufferSamples if is_dict else buffers.MaskableRolloutBufferSamples
            )
            return masked(seen, *columns)
        return (DictRolloutBufferSamples if is_dict else RolloutBufferSamples)(seen, *columns)
