"""Behaviour cloning: a policy that does what was demonstrated, to start from.

Pomerleau, "ALVINN" (1988): supervised learning of actions from what was seen.

In: a policy of stable-baselines3 and demonstrations, from a file or of the judge. Out: optimiser steps made.
Touches the policy that it is told to teach; randomness comes in as a generator.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
import torch
from gymnasium import spaces
from numpy.random import Generator
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.dqn.policies import DQNPolicy
from stable_baselines3.sac.policies import SACPolicy
from stable_baselines3.td3.policies import TD3Policy
from torch import Tensor, nn

from rrm_tree.contracts import JUDGED, Problem
from rrm_tree.errors import TrainingError
from rrm_tree.learning.adam import Adam
from rrm_tree.learning.demonstration_files import open_demonstrations
from rrm_tree.learning.demonstrations import Demonstrations, read_demonstrations, take_transitions
from rrm_tree.learning.experience import as_observation
from rrm_tree.outcomes import take_rows

Loss: TypeAlias = Callable[[Any, Tensor], Tensor]

EDGE = 1 - 1e-6
"""A squashed policy gives actions at its bounds no density at all."""


def clone_demonstrations(
    policy: BasePolicy, loss: Loss, options: Mapping[str, Any], rng: Generator, problem: Problem
) -> int:
    """Teach a policy the demonstrations that an agent's options name, if any; returns optimiser steps.

    Never more than `problem.optimiser_steps` are made.

    Args:
        policy: what is taught.
        loss: from observations and actions to what is made small, one of those below.
        options: an agent's.
        rng: what minibatches are drawn from.
        problem: holds what the judge has shown.

    Raises:
        TrainingError: the file is missing, has another content, or is of another task; or the judge has
            shown nothing.
    """
    if options["demonstrations"] is None or not options["clone_epochs"]:
        return 0
    shown = _find(policy, options, problem)
    # All weights: those that the loss does not reach have no gradient and stay.
    optimiser = Adam(policy.parameters(), options["clone_learning_rate"])
    made = 0
    for rows in _minibatches(len(shown), options["clone_epochs"], options["batch_size"], rng):
        if made == problem.optimiser_steps:
            break
        optimiser.zero_grad()
        torch.autograd.backward(loss(*_tensors(policy, shown, rows)))
        optimiser.step()
        made += 1
    return made


def _find(policy: BasePolicy, options: Mapping[str, Any], problem: Problem) -> Demonstrations:
    if options["demonstrations"] != JUDGED:
        file = open_demonstrations(options)
        return read_demonstrations(file, policy.observation_space, policy.action_space)
    if problem.demonstrations is None:
        raise TrainingError(
            f"demonstrations: {JUDGED}: the judge has shown nothing; ask for judge.kind: demonstration, or"
            " name a file"
        )
    return take_transitions(problem.demonstrations, policy.observation_space)


def _minibatches(count: int, epochs: int, size: int, rng: Generator) -> Iterable[np.ndarray[Any, Any]]:
    for _ in range(epochs):
        order = rng.permutation(count)
        yield from (order[start : start + size] for start in range(0, count, size))


def _tensors(policy: BasePolicy, shown: Demonstrations, rows: np.ndarray[Any, Any]) -> tuple[Any, Tensor]:
    """Observations and actions as the policy's networks take them."""
    seen, _ = policy.obs_to_tensor(
        as_observation(take_rows(shown.observations, rows), policy.observation_space)
    )
    return seen, torch.from_numpy(np.ascontiguousarray(shown.actions[rows]))


def actor_critic_loss(policy: ActorCriticPolicy) -> Loss:
    """Minus the log-likelihood of the actions, of `ppo` and `maskable_ppo`."""

    def loss(seen: Any, actions: Tensor) -> Tensor:
        _, log_likelihood, _ = policy.evaluate_actions(seen, actions)
        return -log_likelihood.mean()

    return loss


def squashed_loss(policy: SACPolicy) -> Loss:
    """Minus the log-likelihood of the actions, of `sac`."""

    def loss(seen: Any, actions: Tensor) -> Tensor:
        mean, log_deviation, more = policy.actor.get_action_dist_params(seen)
        likelihood = policy.actor.action_dist.proba_distribution(mean, log_deviation, **more)
        scaled = _scale(policy, actions).clamp(-EDGE, EDGE)
        return -likelihood.log_prob(scaled).mean()

    return loss


def deterministic_loss(policy: TD3Policy) -> Loss:
    """Squared distance from the actions, of `td3`."""

    def loss(seen: Any, actions: Tensor) -> Tensor:
        return nn.functional.mse_loss(policy.actor(seen), _scale(policy, actions))

    return loss


def choice_loss(policy: DQNPolicy) -> Loss:
    """Cross-entropy of the choices, with values for log-odds, of `dqn`."""

    def loss(seen: Any, actions: Tensor) -> Tensor:
        return nn.functional.cross_entropy(policy.q_net(seen), actions.long().flatten())

    return loss


def _scale(policy: BasePolicy, actions: Tensor) -> Tensor:
    """Actions from -1 to 1."""
    assert isinstance(policy.action_space, spaces.Box)
    return torch.from_numpy(policy.scale_action(actions.numpy())).float()
