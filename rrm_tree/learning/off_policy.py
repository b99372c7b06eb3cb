"""The algorithms `sac`, `td3` and `dqn`: stable-baselines3's, on the reward of a reward model.

Collecting and gradient steps take turns as in stable-baselines3; each stretch is scored in one batch,
and what earlier rounds have collected is scored anew by each round's reward model.

In: a task with vector environments and its reward. Out: networks and transitions as arrays.
Touches torch's global generator only within `own_torch`, which puts it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
import torch
from gymnasium import Space, spaces
from numpy.random import Generator
from stable_baselines3 import DQN, SAC, TD3
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.policies import BasePolicy
from stable_baselines3.dqn.policies import DQNPolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy

from rrm_tree.contracts import Agent, Improved, Problem, Task
from rrm_tree.learning.adam import Adam
from rrm_tree.learning.cloning import (
    Loss,
    choice_loss,
    clone_demonstrations,
    deterministic_loss,
    squashed_loss,
)
from rrm_tree.learning.experience import as_observation
from rrm_tree.learning.replay import Replay
from rrm_tree.learning.stable import (
    ACTIVATIONS,
    build_learner,
    load_policy,
    own_torch,
    policy_arrays,
    refuse_spaces,
    schedule,
)
from rrm_tree.learning.stream import open_source
from rrm_tree.outcomes import Array, Arrays, count_rows

Acts = tuple[type[Space[Any]], ...]


class OffPolicy:
    """What learns from transitions of any policy, kept in a replay buffer.

    Args:
        options: those of the algorithm's door, by name.
    """

    version = "1"
    name: ClassVar[str]
    learner: ClassVar[type[OffPolicyAlgorithm]]
    acts_in: ClassVar[Acts] = (spaces.Box,)
    passed_on: ClassVar[tuple[str, ...]]
    network_options: ClassVar[tuple[str, ...]] = ("n_critics",)
    targets: ClassVar[tuple[str, ...]] = ()
    """Networks that cloning changes and whose targets must follow."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.episodes: int = options["episodes"]
        self.buffer_size: int = options["buffer_size"]
        self.learning_starts: int = options["learning_starts"]
        self.batch_size: int = options["batch_size"]
        self.gamma: float = options["gamma"]
        self.train_freq: int = options["train_freq"]
        self.gradient_steps: int = options["gradient_steps"]
        self.n_steps: int = options["n_steps"]
        self.normalize_reward: bool = options["normalize_reward"]

    def check(self, task: Task) -> str | None:
        """Why this task is not for this algorithm; None if it is."""
        return refuse_spaces(self.name, task, self.acts_in)

    def improve(self, problem: Problem, previous: Arrays | None) -> Improved:
        """A better policy; never more than `problem.steps` environment steps are executed.

        Raises:
            TrainingError: a reward is not a number.
        """
        with own_torch(problem.seed):
            return self._improve(problem, previous or {})

    def load(self, problem: Problem, arrays: Arrays) -> Agent:
        """The policy that `improve` took apart."""
        with own_torch(0):
            policy = self._build(problem.task).policy
        load_policy(self.name, policy, arrays)
        return KeptAgent(policy, self)

    def explore(self, policy: BasePolicy, observations: Arrays, rng: Generator, progress: float) -> Array:
        """Actions to learn from, [n, ...]; `progress` goes from 0 to 1 in the first round."""
        raise NotImplementedError

    def _improve(self, problem: Problem, previous: Arrays) -> Improved:
        learner, rng = self._build(problem.task), np.random.default_rng(problem.seed)
        if previous:
            load_policy(self.name, learner.policy, previous)
            self._restore(learner, previous)
        replay = self._open_replay(problem, learner, rng, previous)
        is_first, steps = not previous, 0
        made = cloned = self._clone(learner, rng, problem) if is_first else 0
        with open_source(problem, self.episodes, rng) as source:
            while problem.optimiser_steps is None or made < problem.optimiser_steps:
                progress = steps / problem.steps if is_first else 1.0
                explorer = _Explorer(self, learner.policy, replay.count, progress)
                stretch = source.collect(explorer.act, self.train_freq * self.episodes)
                if stretch is None:
                    break
                replay.add(stretch)
                steps += stretch.steps
                learner._current_progress_remaining = 1 - steps / problem.steps
                self._after_steps(learner, stretch.live.shape)
                if replay.count >= self.learning_starts:
                    made += self._learn(learner, len(stretch), stretch.live.shape[1], made, problem)
        too_few = f"{self.name}: the steps were not enough for a single gradient step"
        arrays = {**policy_arrays(learner.policy), **self._state(learner), **replay.arrays()}
        return Improved(arrays, steps, made, () if made > cloned else (too_few,))

    def _learn(
        self, learner: OffPolicyAlgorithm, transitions: int, steps: int, made: int, problem: Problem
    ) -> int:
        """The gradient steps that a stretch is followed by, as many as the optimiser may still make."""
        due = transitions if self.gradient_steps < 0 else self.gradient_steps * steps // self.train_freq
        if problem.optimiser_steps is not None:
            due = min(due, problem.optimiser_steps - made)
        if due:
            learner.train(gradient_steps=due, batch_size=self.batch_size)
        return due

    def _clone(self, learner: OffPolicyAlgorithm, rng: Generator, problem: Problem) -> int:
        """Start from demonstrations, if there are any; returns optimiser steps."""
        loss = self.imitation_loss(learner.policy)
        made = clone_demonstrations(learner.policy, loss, self.options, rng, problem)
        # Targets start where their networks do.
        for target in self.targets:
            networks = dict(learner.policy.named_children())
            networks[f"{target}_target"].load_state_dict(networks[target].state_dict())
        return made

    def imitation_loss(self, policy: BasePolicy) -> Loss:
        """What cloning makes small."""
        raise NotImplementedError

    def _open_replay(
        self, problem: Problem, learner: OffPolicyAlgorithm, rng: Generator, previous: Arrays
    ) -> Replay:
        replay = Replay(
            problem,
            learner.policy,
            self.buffer_size,
            self.gamma,
            self.n_steps,
            self.normalize_reward,
            rng,
            previous,
        )
        learner.replay_buffer = replay  # type: ignore[assignment]
        return replay

    def before_step(self, policy: BasePolicy, step: int, rows: int) -> None:
        """What is drawn before a stretch's step; `step` counts from 0."""

    def _after_steps(self, learner: OffPolicyAlgorithm, size: tuple[int, ...]) -> None:
        """What is done after [rows, steps] beside gradient steps."""

    def _state(self, learner: OffPolicyAlgorithm) -> dict[str, Array]:
        """What is learned beside the policy; `_restore` is the way back."""
        return {}

    def _restore(self, learner: OffPolicyAlgorithm, arrays: Arrays) -> None:
        """Take back what `_state` gave."""

    def _build(self, task: Task) -> OffPolicyAlgorithm:
        """A fresh learner for the task's spaces; its own buffer is as small as can be."""
        options = self.options
        network = {
            "net_arch": list(options["net_arch"]),
            "activation_fn": ACTIVATIONS[options["activation"]],
            **{name: options[name] for name in self.network_options},
        }
        return build_learner(self.learner, task, network, self.settings())

    def settings(self) -> dict[str, Any]:
        """What the learner is told, under its own names."""
        options = self.options
        return {
            **{name: options[name] for name in (*COMMON, *self.passed_on)},
            "learning_rate": schedule(options["learning_rate"], options["learning_rate_final"]),
            "buffer_size": 1,
        }


COMMON = ("batch_size", "gamma", "tau")


class Sac(OffPolicy):
    """Soft actor-critic (Haarnoja et al. 2018)."""

    name = "sac"
    learner = SAC
    passed_on = ("ent_coef", "target_entropy", "target_update_interval", "use_sde", "sde_sample_freq")
    network_options = ("n_critics", "log_std_init", "use_expln", "clip_mean")

    def imitation_loss(self, policy: BasePolicy) -> Loss:
        """The demonstrations' likelihood."""
        return squashed_loss(cast(SACPolicy, policy))

    def explore(self, policy: BasePolicy, observations: Arrays, rng: Generator, progress: float) -> Array:
        """Sampled actions."""
        return policy.predict(as_observation(observations, policy.observation_space))[0]

    def before_step(self, policy: BasePolicy, step: int, rows: int) -> None:
        """State-dependent noise, anew at the start of a stretch and every `sde_sample_freq` steps."""
        every = self.options["sde_sample_freq"]
        if self.options["use_sde"] and (step == 0 or (every > 0 and step % every == 0)):
            cast(SACPolicy, policy).reset_noise(rows)

    def _build(self, task: Task) -> OffPolicyAlgorithm:
        """As all others; the entropy's weight is learned by the same optimiser as the networks."""
        learner, asked = super()._build(task), self.options["ent_coef"]
        if isinstance(asked, str):
            first = float(asked.partition("_")[2] or 1.0)
            learned = torch.log(torch.full((1,), first)).requires_grad_()
            sac = cast(SAC, learner)
            sac.log_ent_coef = learned
            sac.ent_coef_optimizer = cast(torch.optim.Adam, Adam([learned], self.options["learning_rate"]))
        return learner

    def settings(self) -> dict[str, Any]:
        """As all others; a weight that is learned is put in afterwards."""
        asked = self.options["ent_coef"]
        return {**super().settings(), "ent_coef": 1.0 if isinstance(asked, str) else asked}

    def _state(self, learner: OffPolicyAlgorithm) -> dict[str, Array]:
        learned: torch.Tensor | None = getattr(learner, "log_ent_coef", None)
        return {} if learned is None else {"log_ent_coef": learned.detach().numpy().copy()}

    def _restore(self, learner: OffPolicyAlgorithm, arrays: Arrays) -> None:
        learned: torch.Tensor | None = getattr(learner, "log_ent_coef", None)
        if learned is not None and "log_ent_coef" in arrays:
            with torch.no_grad():
                learned.copy_(torch.from_numpy(np.array(arrays["log_ent_coef"])))


class Td3(OffPolicy):
    """Twin delayed deterministic policy gradients (Fujimoto et al. 2018)."""

    name = "td3"
    learner = TD3
    passed_on = ("policy_delay", "target_policy_noise", "target_noise_clip")
    targets = ("actor",)

    def imitation_loss(self, policy: BasePolicy) -> Loss:
        """How far the actions are off."""
        return deterministic_loss(cast(TD3Policy, policy))

    def explore(self, policy: BasePolicy, observations: Arrays, rng: Generator, progress: float) -> Array:
        """The policy's actions with normal noise, of this deviation where actions go from -1 to 1."""
        best = policy.predict(as_observation(observations, policy.observation_space))[0]
        scaled = policy.scale_action(best)
        noise = rng.normal(0.0, self.options["action_noise"], size=scaled.shape)
        noisy = np.clip(scaled + noise, -1, 1).astype(scaled.dtype)
        return np.asarray(policy.unscale_action(noisy))


class Dqn(OffPolicy):
    """Deep Q-networks (Mnih et al. 2015)."""

    name = "dqn"
    learner = DQN
    acts_in = (spaces.Discrete,)
    passed_on = ("target_update_interval", "max_grad_norm")
    network_options = ()
    targets = ("q_net",)

    def imitation_loss(self, policy: BasePolicy) -> Loss:
        """The choices' likelihood."""
        return choice_loss(cast(DQNPolicy, policy))

    def explore(self, policy: BasePolicy, observations: Arrays, rng: Generator, progress: float) -> Array:
        """The best choice, or with a chance that goes down over the steps any other."""
        first, final = self.options["exploration_initial_eps"], self.options["exploration_final_eps"]
        over = min(1.0, progress / self.options["exploration_fraction"])
        best = policy.predict(as_observation(observations, policy.observation_space), deterministic=True)[0]
        random = random_actions(policy.action_space, len(best), rng)
        return np.where(rng.random(len(best)) < first + (final - first) * over, random, best)

    def _after_steps(self, learner: OffPolicyAlgorithm, size: tuple[int, ...]) -> None:
        learner.n_envs = size[0]
        for _ in range(size[1]):
            learner._on_step()


@dataclass
class _Explorer:
    """Acts for one stretch, at random as long as there is too little to learn from."""

    algorithm: OffPolicy
    policy: BasePolicy
    known: int
    """Transitions in the replay buffer."""
    progress: float
    step: int = 0

    def act(self, observations: Arrays, subjects: Arrays, rng: Generator, explore: bool) -> Array:
        """One action a row."""
        options, rows = self.algorithm.options, count_rows(observations)
        at_once = options.get("use_sde") and options.get("use_sde_at_warmup")
        if self.known < self.algorithm.learning_starts and not at_once:
            return random_actions(self.policy.action_space, rows, rng)
        self.algorithm.before_step(self.policy, self.step, rows)
        self.step += 1
        return self.algorithm.explore(self.policy, observations, rng, self.progress)


@dataclass(frozen=True)
class KeptAgent:
    """Acts by a trained policy, and explores as its algorithm does at the end of training."""

    policy: BasePolicy
    algorithm: OffPolicy

    def act(self, observations: Arrays, subjects: Arrays, rng: Generator, explore: bool) -> Array:
        """One action a row; the best that it knows unless it explores."""
        if not explore:
            seen = as_observation(observations, self.policy.observation_space)
            return self.policy.predict(seen, deterministic=True)[0]
        with own_torch(int(rng.integers(2**62))):
            self.algorithm.before_step(self.policy, 0, count_rows(observations))
            return self.algorithm.explore(self.policy, observations, rng, 1.0)


def random_actions(space: Space[Any], count: int, rng: Generator) -> Array:
    """Actions drawn evenly, [count, ...]."""
    if isinstance(space, spaces.Box):
        return rng.uniform(space.low, space.high, size=(count, *space.shape)).astype(space.dtype)
    assert isinstance(space, spaces.Discrete)  # `check` refuses all others
    return rng.integers(space.n, size=count)
