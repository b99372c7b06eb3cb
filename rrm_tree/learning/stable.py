"""What all algorithms of stable-baselines3 need: spaces, networks, torch's generator, their arrays.

In: a task, and settings under stable-baselines3's own names. Out: a learner of its own, its policy.
Touches torch's global generator only within `own_torch`, which puts it back; gives no seed to
stable-baselines3, which would seed Python, NumPy and torch for the whole process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import gymnasium
import numpy as np
import torch
from gymnasium import Space, spaces
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.policies import BasePolicy
from torch import nn

from rrm_tree.contracts import Task
from rrm_tree.errors import TrainingError
from rrm_tree.learning.adam import Adam
from rrm_tree.learning.rows import spaces_of
from rrm_tree.outcomes import Array, Arrays

PLAIN = (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)
ACTIVATIONS: Mapping[str, type[nn.Module]] = {"tanh": nn.Tanh, "relu": nn.ReLU}

Learner = TypeVar("Learner", bound=BaseAlgorithm)


def refuse_spaces(name: str, task: Task, acts_in: tuple[type[Space[Any]], ...]) -> str | None:
    """Why an algorithm is not for a task's spaces; None if it is."""
    seen, acts = spaces_of(task)
    if not isinstance(acts, acts_in):
        kinds = [kind.__name__ for kind in acts_in]
        listed = " or ".join(filter(None, [", ".join(kinds[:-1]), kinds[-1]]))
        return f"{name} acts in {listed}, not in {acts}"
    if isinstance(acts, spaces.Box) and not (np.isfinite(acts.low).all() and np.isfinite(acts.high).all()):
        return f"{name} needs actions with bounds; wrap the environment, whose actions are {acts}"
    if isinstance(acts, spaces.Discrete) and acts.start != 0:
        return f"{name} counts choices from 0; wrap the environment, whose actions are {acts}"
    parts = list(seen.spaces.values()) if isinstance(seen, spaces.Dict) else [seen]
    if not all(isinstance(part, PLAIN) for part in parts):
        return f"{name} observes Box, Discrete, MultiDiscrete, MultiBinary or a Dict of these, not {seen}"
    return None


def build_learner(
    kind: type[Learner], task: Task, network: Mapping[str, object], settings: Mapping[str, Any]
) -> Learner:
    """A fresh learner for the task's spaces.

    Args:
        kind: one of stable-baselines3's algorithms.
        task: what it is to act in.
        network: settings of its policy (`policy_kwargs`).
        settings: its own, under its own names.
    """
    seen, acts = spaces_of(task)
    policy = "MultiInputPolicy" if isinstance(seen, spaces.Dict) else "MlpPolicy"
    learner = kind(
        policy,
        _SpacesOnly(seen, acts),
        policy_kwargs={**network, "optimizer_class": Adam},
        device="cpu",
        **settings,
    )
    learner.set_logger(Logger(None, []))
    return learner


def schedule(first: float, final: float | None) -> float | Callable[[float], float]:
    """A learning rate that goes straight from the first to the final one over a round's steps."""
    if final is None:
        return first
    return lambda remaining: final + (first - final) * remaining


class _SpacesOnly(gymnasium.Env[Any, Any]):
    """What stable-baselines3 wants to see of an environment before it builds networks."""

    def __init__(self, seen: Space[Any], acts: Space[Any]) -> None:
        self.observation_space, self.action_space = seen, acts


def policy_arrays(policy: BasePolicy) -> dict[str, Array]:
    """The policy's weights; `load_policy` is the way back."""
    return {f"policy.{name}": values.numpy().copy() for name, values in policy.state_dict().items()}


def load_policy(name: str, policy: BasePolicy, arrays: Arrays) -> None:
    """Give a policy the weights that `policy_arrays` took from one.

    Raises:
        TrainingError: they are of another network.
    """
    start = "policy."
    state = {
        key.removeprefix(start): torch.from_numpy(np.array(values))
        for key, values in arrays.items()
        if key.startswith(start)
    }
    try:
        policy.load_state_dict(state)
    except RuntimeError as error:
        raise TrainingError(f"{name}: a stored policy does not fit these settings: {error}") from error


@contextmanager
def own_torch(seed: int) -> Iterator[None]:
    """Torch's global generator, seeded for a while and then put back: layers and policies draw from it."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
