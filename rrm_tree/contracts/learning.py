"""What a reward network, an algorithm and an agent must offer.

Holds protocols and the small values that cross them; loads neither NumPy nor torch nor gymnasium.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from rrm_tree.contracts.tasks import Task

if TYPE_CHECKING:
    from numpy.random import Generator
    from torch import nn

    from rrm_tree.outcomes import Array, Arrays, Floats, Outcomes

JUDGED: Final = "judged"
"""In place of a file of demonstrations: what the node's own judge has shown."""


@dataclass(frozen=True, slots=True)
class Shapes:
    """What a reward network is built for."""

    inputs: Mapping[str, tuple[int, ...]]
    """Shape of each input without batch and time; advice comes as `advice.<helper>`."""
    parts: int
    values: int
    """Scores per part: one for each value of a factorised action, otherwise 1."""
    criteria: int


class Network(Protocol):
    """Builds one member of a reward model's ensemble."""

    version: str

    def __call__(self, shapes: Shapes) -> nn.Module:
        """A module from {input: float tensor [batch, *shape]} to scores [batch, parts, values, criteria].

        Must run under `torch.func.functional_call` and `vmap`: no batch norm, no in-place state.
        """


class Agent(Protocol):
    """Acts in a task."""

    def act(self, observations: Arrays, subjects: Arrays, rng: Generator, explore: bool) -> Array:
        """One action a row, shape [n, ...]; samples where `explore`, its best otherwise."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What an algorithm improves on: a task whose reward is the reward model."""

    task: Task
    starts: Callable[[int, Generator], Arrays]
    """Subjects (or a root's starting states) to train on; at most as many as asked for."""
    rewards: Callable[[Outcomes], Floats]
    """Reward of every transition, shape [n, T]; helpers' advice is asked for on the way."""
    table: Callable[[Outcomes], Floats]
    """Factorised tasks: score of every value of every part, shape [n, parts, values]."""
    steps: int
    """Environment steps that may be executed; a hard limit."""
    optimiser_steps: int | None
    seed: int
    stretches: bool = False
    """Whether `rewards` may be asked about stretches of episodes; else about whole ones alone."""
    beyond: float | None = None
    """Reward of every step after an episode has ended; None where nothing comes after an end."""
    demonstrations: Outcomes | None = None
    """What the node's judge has shown so far, windows of it where the task has segments; None: nothing."""


@dataclass(frozen=True, slots=True)
class Improved:
    """A better agent, as arrays, and what it cost."""

    arrays: Arrays
    steps: int
    optimiser_steps: int
    notes: tuple[str, ...] = ()


class Algorithm(Protocol):
    """Turns a reward into an agent."""

    version: str

    def check(self, task: Task) -> str | None:
        """Why this task is not for this algorithm; None if it is."""

    def improve(self, problem: Problem, previous: Arrays | None) -> Improved:
        """A better agent; goes on from `previous`, the last round's arrays, where it can."""

    def load(self, problem: Problem, arrays: Arrays) -> Agent:
        """The agent that `improve` took apart."""
