"""Transitions kept to learn from again and again, with the rewards of the newest reward model.

In: stretches and their rewards. Out: minibatches in stable-baselines3's format; arrays for the store.
Touches nothing; randomness comes in as a generator.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import torch
from gymnasium import spaces
from numpy.random import Generator
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.common.type_aliases import DictReplayBufferSamples, ReplayBufferSamples
from torch import Tensor

from rrm_tree.contracts import Problem
from rrm_tree.learning.experience import as_observation
from rrm_tree.learning.stream import Stretch, reward_transitions, value_beyond
from rrm_tree.outcomes import Array, Arrays, Floats, Ints, Outcomes, join_outcomes

RELABELLED_AT_ONCE = 16_384
"""Outcomes of one step; whole episodes count as many as they have steps."""

NOTHING = -1

Samples: TypeAlias = ReplayBufferSamples | DictReplayBufferSamples


@dataclass
class Replay:
    """The last `size` transitions, where stable-baselines3 has its replay buffer.

    Its own draws from NumPy's global generator, and keeps no transition over a change of rewards.
    Rewards are divided by their root mean square: a deviation from 0, since an end is worth 0 and
    rewards that are all alike have no other.
    """

    problem: Problem
    policy: BasePolicy
    size: int
    gamma: float
    n_steps: int
    normalize: bool
    rng: Generator
    previous: Arrays = field(default_factory=dict)
    """What `arrays` gave in an earlier round."""
    count: int = 0
    """Transitions ever added; number i stands in row i % size."""
    squares: float = 0.0
    """Sum of the squared rewards of all of them."""
    beyond: float = 0.0
    batches: deque[Outcomes] = field(default_factory=deque)
    """All that is kept, as rewards are asked about it."""
    held: int = 0
    """Transitions in `batches`."""
    columns: dict[str, Tensor] = field(default_factory=dict)
    last: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    """Of each row of the last stretch the number of its last transition, if its episode goes on."""

    def __post_init__(self) -> None:
        self.beyond = value_beyond(self.problem, self.gamma)
        kept = int(self.previous["replay.lengths"].sum()) if "replay.lengths" in self.previous else 0
        self.size = max(1, min(self.size, kept + self.problem.steps))
        if kept:
            self._restore(self.previous)

    def __len__(self) -> int:
        return min(self.count, self.size)

    def add(self, stretch: Stretch) -> None:
        """Take in a stretch, its rewards asked for in one batch.

        Raises:
            TrainingError: a reward is not a number.
        """
        numbers = self._put(stretch, reward_transitions(self.problem, stretch.outcomes))
        if self.n_steps > 1:
            self._link(stretch, numbers)

    def _restore(self, arrays: Arrays) -> None:
        """Take in what an earlier round kept, rewarded anew; each as a transition by itself."""
        start = "replay."
        flat = {key.removeprefix(start): v for key, v in arrays.items() if key.startswith(start)}
        outcomes = Outcomes.from_arrays(flat)
        each = max(1, RELABELLED_AT_ONCE // outcomes.actions.shape[1])
        for first in range(0, len(outcomes), each):
            some = outcomes.take(np.arange(first, min(first + each, len(outcomes))))
            live = some.mask
            over = np.zeros(live.shape, bool)
            over[np.arange(len(live)), some.lengths - 1] = True
            self.add(Stretch(some, live, over, np.ones(len(live), bool), steps=0))

    def arrays(self) -> dict[str, Array]:
        """The last `size` transitions without what is hidden; `previous` takes them back."""
        if not self.batches:
            return {}
        kept = join_outcomes(self.batches)
        return {
            f"replay.{name}": values
            for name, values in kept.arrays().items()
            if not name.startswith("hidden.")
        }

    def sample(self, batch_size: int, env: object = None) -> Samples:
        """Transitions drawn with replacement; n-step ones end early where their episode does."""
        oldest = max(0, self.count - self.size)
        first = self.rng.integers(oldest, self.count, size=batch_size)
        last, gained, discounts = self._follow(first, oldest)
        row, end = torch.from_numpy(first % self.size), torch.from_numpy(last % self.size)
        scale = (self.squares / self.count) ** 0.5 if self.normalize else 1.0
        is_dict = isinstance(self.policy.observation_space, spaces.Dict)
        kind: Callable[..., Samples] = DictReplayBufferSamples if is_dict else ReplayBufferSamples
        return kind(
            self._seen("before.", row),
            self.columns["actions"][row],
            self._seen("after.", end),
            self.columns["ended"][end],
            torch.from_numpy((gained / max(scale, 1e-8)).astype(np.float32)),
            discounts,
        )

    def _seen(self, side: str, rows: Tensor) -> Tensor | Mapping[str, Tensor]:
        seen = {
            name.removeprefix(side): column[rows]
            for name, column in self.columns.items()
            if name.startswith(side)
        }
        return seen if isinstance(self.policy.observation_space, spaces.Dict) else next(iter(seen.values()))

    def _follow(self, first: Ints, oldest: int) -> tuple[Ints, Floats, Tensor | None]:
        """The last transition of each n-step one, its discounted rewards, and the discount after it."""
        rewards, ended = self.columns["rewards"].numpy(), self.columns["ended"].numpy()
        next_one = self.columns["next"].numpy()
        last, gained = first, np.zeros((len(first), 1))
        steps, goes_on = np.zeros((len(first), 1), np.int64), np.ones(len(first), bool)
        for step in range(self.n_steps):
            row = last % self.size
            # What follows an end is worth as much whoever acted.
            worth = rewards[row] + ended[row] * self.gamma * self.beyond
            gained = gained + np.where(goes_on[:, None], self.gamma**step * worth, 0.0)
            steps = steps + goes_on[:, None]
            if step + 1 < self.n_steps:
                following = next_one[row, 0]
                goes_on = goes_on & (following >= oldest) & (following != NOTHING)
                last = np.where(goes_on, following, last)
        discounts = torch.from_numpy((self.gamma**steps).astype(np.float32)) if self.n_steps > 1 else None
        return last, gained, discounts

    def _put(self, stretch: Stretch, rewards: Floats) -> Ints:
        """Write transitions over the oldest ones; returns their numbers, [transitions]."""
        numbers = self.count + np.arange(len(stretch))
        columns: dict[str, Array] = {
            **{f"before.{name}": values for name, values in self._observed(stretch.before).items()},
            **{f"after.{name}": values for name, values in self._observed(stretch.after).items()},
            "actions": self._scaled(stretch.actions),
            "ended": stretch.ended[:, None].astype(np.float32),
            "rewards": rewards[:, None].astype(np.float32),
            "next": np.full((len(stretch), 1), NOTHING),
        }
        if not self.columns:
            self.columns = {
                name: torch.zeros((self.size, *values.shape[1:]), dtype=torch.from_numpy(values).dtype)
                for name, values in columns.items()
            }
        # Of more than there is room for the last ones stay.
        fit = numbers[-self.size :]
        for name, values in columns.items():
            self.columns[name].numpy()[fit % self.size] = values[-self.size :]
        self.count += len(stretch)
        self.squares += float((rewards**2).sum())
        self.batches.append(stretch.outcomes)
        self.held += len(stretch)
        while self.held - (oldest := int(self.batches[0].lengths.sum())) >= self.size:
            self.batches.popleft()
            self.held -= oldest
        return numbers

    def _link(self, stretch: Stretch, numbers: Ints) -> None:
        """Say of each transition which one follows it in its episode."""
        place = stretch.spread(numbers - NOTHING) + NOTHING
        next_one = self.columns["next"].numpy()
        running = np.where(stretch.begins, NOTHING, self.last if len(self.last) == len(place) else NOTHING)
        for step in range(place.shape[1]):
            here = place[:, step]
            linked = (running != NOTHING) & (here != NOTHING)
            next_one[running[linked] % self.size, 0] = here[linked]
            running = np.where(stretch.live[:, step] & ~stretch.over[:, step], here, NOTHING)
        self.last = running

    def _observed(self, seen: Arrays) -> dict[str, Array]:
        """Observations under the names of the policy's space; real numbers in its own precision."""
        given = as_observation(seen, self.policy.observation_space)
        named = given if isinstance(given, dict) else {"observation": given}
        return {
            name: values.astype(np.float32) if np.issubdtype(values.dtype, np.floating) else values
            for name, values in named.items()
        }

    def _scaled(self, actions: Array) -> Array:
        """Actions as critics see them: from -1 to 1, or the number of a choice."""
        if isinstance(self.policy.action_space, spaces.Box):
            return np.asarray(self.policy.scale_action(actions), np.float32)
        return actions.reshape(-1, 1).astype(np.int64)
