"""The algorithms `ppo` and `maskable_ppo`: stable-baselines3's PPO on the reward of a reward model.

Environments are run side by side, and each stretch of what they did is scored in one batch; the
networks, the sampling of actions and the update are stable-baselines3's own.

In: a task with vector environments and its reward. Out: a policy as arrays.
Touches torch's global generator only within `own_torch`, which puts it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import numpy as np
from gymnasium import Space
from numpy.random import Generator
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.policies import ActorCriticPolicy

from rrm_tree.contracts import Agent, Improved, Problem, Task
from rrm_tree.learning.adam import Adam
from rrm_tree.learning.cloning import actor_critic_loss, clone_demonstrations
from rrm_tree.learning.experience import Experience, Transitions, as_observation
from rrm_tree.learning.reward_scale import RewardScale
from rrm_tree.learning.rows import MASKS
from rrm_tree.learning.running import Running
from rrm_tree.learning.stable import (
    ACTIVATIONS,
    PLAIN,
    build_learner,
    load_policy,
    own_torch,
    policy_arrays,
    refuse_spaces,
    schedule,
)
from rrm_tree.learning.stream import Source, open_source
from rrm_tree.outcomes import Array, Arrays, count_rows

HALF_AN_UPDATE = 0.5
"""Share of an update's transitions below which what is left of the steps makes no update of its own."""


class Ppo:
    """Proximal policy optimisation (Schulman et al. 2017).

    Args:
        options: those of the door `ppo`, by name.
    """

    version = "2"
    name: ClassVar = "ppo"
    learner: ClassVar[type[Any]] = PPO
    acts_in: ClassVar[tuple[type[Space[Any]], ...]] = PLAIN
    passed_on: ClassVar[tuple[str, ...]] = (
        *("batch_size", "n_epochs", "gamma", "gae_lambda", "clip_range", "clip_range_vf"),
        *("normalize_advantage", "ent_coef", "vf_coef", "max_grad_norm", "target_kl"),
        *("use_sde", "sde_sample_freq"),
    )
    network_options: ClassVar[tuple[str, ...]] = ("log_std_init", "ortho_init", "full_std", "use_expln")

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.n_steps: int = options["n_steps"]
        self.episodes: int = options["episodes"]
        self.batch_size: int = options["batch_size"]
        self.n_epochs: int = options["n_epochs"]
        self.gamma: float = options["gamma"]
        self.gae_lambda: float = options["gae_lambda"]
        self.normalize_reward: bool = options["normalize_reward"]
        self.sde_sample_freq: int | None = options["sde_sample_freq"] if options.get("use_sde") else None

    def check(self, task: Task) -> str | None:
        """Why this task is not for this algorithm; None if it is."""
        return refuse_spaces(self.name, task, self.acts_in)

    def improve(self, problem: Problem, previous: Arrays | None) -> Improved:
        """A better policy; never more than `problem.steps` environment steps are executed.

        Raises:
            TrainingError: a reward is not a number.
        """
        with own_torch(problem.seed):
            return self._improve(problem, previous)

    def load(self, problem: Problem, arrays: Arrays) -> Agent:
        """The policy that `improve` took apart."""
        with own_torch(0):
            policy = self._build(problem.task).policy
        load_policy(self.name, policy, arrays)
        return PolicyAgent(policy)

    def _improve(self, problem: Problem, previous: Arrays | None) -> Improved:
        ppo, rng = self._build(problem.task), np.random.default_rng(problem.seed)
        if previous:
            load_policy(self.name, ppo.policy, previous)
        scale = RewardScale.from_arrays(previous or {})
        updates, steps = cast(Adam, ppo.policy.optimizer), 0
        if not previous:
            loss = actor_critic_loss(ppo.policy)
            updates.count = clone_demonstrations(ppo.policy, loss, self.options, rng, problem)
        cloned = updates.count
        with open_source(problem, self.episodes, rng) as source:
            while self._may_update(problem, updates, steps):
                batch = self._collect(source, ppo.policy)
                if not batch:
                    break
                steps += sum(one.stretch.steps for one in batch)
                for one in batch:
                    one.reward(problem, scale if self.normalize_reward else None, self.gamma)
                ppo._current_progress_remaining = 1 - steps / problem.steps
                self._limit_epochs(ppo, problem, sum(map(len, batch)), updates)
                self._learn(ppo, batch, rng)
        arrays = {**policy_arrays(ppo.policy), **scale.arrays()}
        too_few = f"{self.name}: the steps were not enough for a single update"
        return Improved(arrays, steps, updates.count, () if updates.count > cloned else (too_few,))

    def _may_update(self, problem: Problem, updates: Adam, steps: int) -> bool:
        """Whether steps are left for an update, or the better part of one, and for the optimiser."""
        left = problem.steps - steps
        enough = left > 0 if not steps else left >= HALF_AN_UPDATE * self.n_steps
        return enough and (problem.optimiser_steps is None or updates.count < problem.optimiser_steps)

    def _collect(self, source: Source, policy: ActorCriticPolicy) -> list[Experience]:
        """Transitions for an update: one stretch of them, or whole episodes until there are enough."""
        batch: list[Experience] = []
        while (missing := self.n_steps - sum(map(len, batch))) > 0:
            experience = Experience(policy, self.sde_sample_freq)
            if not experience.collect(source, missing):
                break
            batch.append(experience)
        return batch

    def _learn(self, ppo: PPO, batch: list[Experience], rng: Generator) -> None:
        """One of stable-baselines3's updates from these stretches."""
        advantages = [one.advantages(self.gamma, self.gae_lambda) for one in batch]
        transitions = Transitions(ppo.policy, advantages, batch, rng)
        ppo.rollout_buffer = cast(RolloutBuffer, transitions)
        ppo.train()
        if isinstance(ppo.policy.features_extractor, Running):
            ppo.policy.features_extractor.watch(transitions.observations)

    def _limit_epochs(self, ppo: PPO, problem: Problem, transitions: int, updates: Adam) -> None:
        """As many epochs as the optimiser steps pay for; at least one, cut by the batch size."""
        ppo.n_epochs, ppo.batch_size = self.n_epochs, self.batch_size
        if problem.optimiser_steps is None:
            return
        left = problem.optimiser_steps - updates.count
        per_epoch = -(-transitions // self.batch_size)
        ppo.n_epochs = min(self.n_epochs, left // per_epoch)
        if not ppo.n_epochs:
            ppo.n_epochs, ppo.batch_size = 1, -(-transitions // left)

    def _build(self, task: Task) -> PPO:
        """A fresh learner for the task's spaces."""
        options = self.options
        network = {
            "net_arch": list(options["net_arch"]),
            "activation_fn": ACTIVATIONS[options["activation"]],
            "optimizer_kwargs": {"eps": 1e-5},
            **({"features_extractor_class": Running} if options["normalize_observations"] else {}),
            **{name: options[name] for name in self.network_options},
        }
        settings = {
            **{name: options[name] for name in self.passed_on},
            "learning_rate": schedule(options["learning_rate"], options["learning_rate_final"]),
            # The size of a buffer that `Transitions` stands in for; stable-baselines3 warns of odd ones.
            "n_steps": options["batch_size"],
        }
        return cast(PPO, build_learner(self.learner, task, network, settings))


@dataclass(frozen=True)
class PolicyAgent:
    """Acts by a trained policy, by what the environment allows where the policy takes masks."""

    policy: ActorCriticPolicy

    def act(self, observations: Arrays, subjects: Arrays, rng: Generator, explore: bool) -> Array:
        """One action a row; its distribution's mode unless it explores."""
        seen = as_observation(observations, self.policy.observation_space)
        masked = hasattr(self.policy.action_dist, "apply_masking")
        masks: dict[str, Any] = (
            {"action_masks": observations[MASKS]} if masked and MASKS in observations else {}
        )
        with own_torch(int(rng.integers(2**62)) if explore else 0):
            if explore and getattr(self.policy, "use_sde", False):
                self.policy.reset_noise(count_rows(observations))
            actions, _ = self.policy.predict(seen, deterministic=not explore, **masks)
        return actions
