"""The algorithm `ppo`: stable-baselines3's PPO on the reward of a reward model.

Whole episodes are run side by side, then scored in one batch; the networks, the sampling of
actions and the update are stable-baselines3's own.

In: a task with vector environments and its reward. Out: a policy as arrays.
Touches torch's global generator only within `fork_rng`, which puts it back; gives no seed to
stable-baselines3, which would seed Python, NumPy and torch for the whole process.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium import Space, spaces
from numpy.random import Generator
from stable_baselines3 import PPO
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import nn

from rrm_tree.contracts import Agent, Improved, Problem, Task
from rrm_tree.errors import TrainingError
from rrm_tree.learning.experience import Experience, RewardScale, as_observation, learn_from
from rrm_tree.learning.rollouts import guarded, rollout
from rrm_tree.outcomes import Array, Arrays, count_rows

PLAIN = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
ACTIVATIONS: Mapping[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU}


@dataclass
class Ppo:
    """Proximal policy optimisation (Schulman et al. 2017).

    Options have stable-baselines3's names, meanings and defaults, except where said.
    """

    learning_rate: float = 3e-4
    n_steps: int = 2048
    """Transitions per update at least, over all episodes; whole episodes are run."""
    episodes: int = 8
    """Run side by side."""
    batch_size: int = 256
    """Not 64: several times as fast, and as good."""
    n_epochs: int = 10
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip_range: float = 0.2
    clip_range_vf: float | None = None
    normalize_advantage: bool = True
    ent_coef: float = 0.0
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5
    target_kl: float | None = None
    net_arch: tuple[int, ...] = (64, 64)
    activation: str = "tanh"
    log_std_init: float = 0.0
    ortho_init: bool = True
    use_sde: bool = False
    sde_sample_freq: int = -1
    normalize_reward: bool = True
    """Divide rewards by the running deviation of their discounted sum, as VecNormalize does."""
    version: str = field(default="1", init=False)

    def check(self, task: Task) -> str | None:
        """Why this task is not for this algorithm; None if it is."""
        seen, acts = _spaces(task)
        if not isinstance(acts, PLAIN):
            return f"ppo acts in Box, Discrete, MultiDiscrete or MultiBinary, not in {acts}"
        parts = list(seen.spaces.values()) if isinstance(seen, spaces.Dict) else [seen]
        if not all(isinstance(part, PLAIN) for part in parts):
            return f"ppo observes Box, Discrete, MultiDiscrete, MultiBinary or a Dict of these, not {seen}"
        return None

    def improve(self, problem: Problem, previous: Arrays | None) -> Improved:
        """A better policy; never more than `problem.steps` environment steps are executed.

        Raises:
            TrainingError: a reward is not a number.
        """
        with _own_torch(problem.seed):
            return self._improve(problem, previous)

    def load(self, problem: Problem, arrays: Arrays) -> Agent:
        """The policy that `improve` took apart."""
        with _own_torch(0):
            policy = self._build(problem.task).policy
        _load(policy, arrays)
        return PolicyAgent(policy)

    def _improve(self, problem: Problem, previous: Arrays | None) -> Improved:
        ppo, rng = self._build(problem.task), np.random.default_rng(problem.seed)
        if previous:
            _load(ppo.policy, previous)
        scale = RewardScale.from_arrays(previous or {})
        updates = _count_updates(ppo)
        steps = 0
        while steps < problem.steps and self._may_update(problem, updates):
            batch = self._collect(problem, ppo.policy, rng, problem.steps - steps)
            if not batch:
                break
            steps += sum(one.steps for one in batch)
            for one in batch:
                one.reward(problem, scale if self.normalize_reward else None, self.gamma)
            ppo._current_progress_remaining = 1 - steps / problem.steps
            self._limit_epochs(ppo, problem, batch, updates)
            learn_from(ppo, batch, rng)
        arrays = {f"policy.{name}": values.numpy() for name, values in ppo.policy.state_dict().items()}
        notes = () if updates.count else ("ppo: the steps were not enough for a single update",)
        return Improved({**arrays, **scale.arrays()}, steps, updates.count, notes)

    def _collect(
        self, problem: Problem, policy: ActorCriticPolicy, rng: Generator, left: int
    ) -> list[Experience]:
        """Whole episodes until there are enough transitions for an update, or no steps left."""
        batch: list[Experience] = []
        while left > 0 and sum(len(one) for one in batch) < self.n_steps:
            count = min(left, self.episodes)
            subjects = problem.starts(count, rng)
            if not count_rows(subjects):
                break
            experience = Experience(policy, self.sde_sample_freq)
            experience.take(rollout(problem.task, experience.act, subjects, rng, explore=True, limit=left))
            batch.append(experience)
            left -= experience.steps
        return batch

    def _may_update(self, problem: Problem, updates: _Updates) -> bool:
        return problem.optimiser_steps is None or updates.count < problem.optimiser_steps

    def _limit_epochs(self, ppo: PPO, problem: Problem, batch: list[Experience], updates: _Updates) -> None:
        """As many epochs as the optimiser steps pay for; at least one, cut by the batch size."""
        ppo.n_epochs, ppo.batch_size = self.n_epochs, self.batch_size
        if problem.optimiser_steps is None:
            return
        left, transitions = problem.optimiser_steps - updates.count, sum(len(one) for one in batch)
        per_epoch = -(-transitions // self.batch_size)
        ppo.n_epochs = min(self.n_epochs, left // per_epoch)
        if not ppo.n_epochs:
            ppo.n_epochs, ppo.batch_size = 1, -(-transitions // left)

    def _build(self, task: Task) -> PPO:
        """A fresh learner for the task's spaces."""
        seen, _ = _spaces(task)
        ppo = PPO(
            "MultiInputPolicy" if isinstance(seen, spaces.Dict) else "MlpPolicy",
            _SpacesOnly(*_spaces(task)),
            learning_rate=self.learning_rate,
            # The size of a buffer that `Transitions` stands in for; stable-baselines3 warns of odd ones.
            n_steps=self.batch_size,
            batch_size=self.batch_size,
            n_epochs=self.n_epochs,
            gamma=self.gamma,
            gae_lambda=self.gae_lambda,
            clip_range=self.clip_range,
            clip_range_vf=self.clip_range_vf,
            normalize_advantage=self.normalize_advantage,
            ent_coef=self.ent_coef,
            vf_coef=self.vf_coef,
            max_grad_norm=self.max_grad_norm,
            use_sde=self.use_sde,
            sde_sample_freq=self.sde_sample_freq,
            target_kl=self.target_kl,
            policy_kwargs={
                "net_arch": list(self.net_arch),
                "activation_fn": ACTIVATIONS[self.activation],
                "log_std_init": self.log_std_init,
                "ortho_init": self.ortho_init,
            },
            device="cpu",
        )
        ppo.set_logger(Logger(None, []))
        return ppo


@dataclass(frozen=True)
class PolicyAgent:
    """Acts by a trained policy."""

    policy: ActorCriticPolicy

    def act(self, observations: Arrays, subjects: Arrays, rng: Generator, explore: bool) -> Array:
        """One action a row; its distribution's mode unless it explores."""
        seen = as_observation(observations, self.policy.observation_space)
        with _own_torch(int(rng.integers(2**62)) if explore else 0):
            actions, _ = self.policy.predict(seen, deterministic=not explore)
        return actions


class _SpacesOnly(gymnasium.Env[Any, Any]):
    """What stable-baselines3 wants to see of an environment before it builds networks."""

    def __init__(self, seen: Space[Any], acts: Space[Any]) -> None:
        self.observation_space, self.action_space = seen, acts


class _Updates:
    """Counts the optimiser's steps."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, *_: object) -> None:
        self.count += 1


def _count_updates(ppo: PPO) -> _Updates:
    updates = _Updates()
    ppo.policy.optimizer.register_step_post_hook(updates)
    return updates


def _spaces(task: Task) -> tuple[Space[Any], Space[Any]]:
    """What one episode observes, and the actions it can take."""
    envs = guarded(f"{type(task).__name__}.make_vec", lambda: task.make_vec(1))
    try:
        return envs.single_observation_space, envs.single_action_space
    finally:
        envs.close()


def _load(policy: ActorCriticPolicy, arrays: Arrays) -> None:
    start = "policy."
    state = {
        name.removeprefix(start): torch.from_numpy(np.array(values))
        for name, values in arrays.items()
        if name.startswith(start)
    }
    try:
        policy.load_state_dict(state)
    except RuntimeError as error:
        raise TrainingError(f"ppo: a stored policy does not fit these settings: {error}") from error


@contextmanager
def _own_torch(seed: int) -> Iterator[None]:
    """Torch's global generator, seeded for a while and then put back: layers and policies draw from it."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
