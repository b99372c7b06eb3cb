"""The algorithm `greedy`: of all that a one-step task allows, what the reward model likes best.

In: a task whose actions can be listed or factorised, and its reward. Out: actions.
Learns nothing and executes nothing: its agent is the reward model itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

import numpy as np
from numpy.random import Generator

from rrm_tree.contracts import Agent, Factorised, Improved, Listed, Problem, Task
from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Array, Arrays, Floats, Ints, count_rows, digest_rows, take_rows

CANDIDATES = 8192
"""Outcomes imagined and scored at once, unless a single row has more."""


@dataclass
class Greedy:
    """Takes the action with the highest reward; exploring, samples in proportion to exp(β · reward)."""

    inverse_temperature: float = 1.0
    """β in 1 / reward; high: nearly always the best."""
    version: str = field(default="1", init=False)

    def check(self, task: Task) -> str | None:
        """Why this task is not for this algorithm; None if it is."""
        if isinstance(task, Listed | Factorised):
            return None
        return (
            "greedy needs a one-step task whose actions can be listed (`imagine` and `candidates`)"
            " or factorised (`imagine` and `part_values`); use `ppo` for this one"
        )

    def improve(self, problem: Problem, previous: Arrays | None) -> Improved:
        """Nothing to be learned beside the reward model: no arrays, no steps."""
        return Improved({}, steps=0, optimiser_steps=0)

    def load(self, problem: Problem, arrays: Arrays) -> Agent:
        """An agent that asks the reward model what to do."""
        if isinstance(problem.task, Factorised):
            return FactorisedAgent(problem, problem.task, self.inverse_temperature)
        if isinstance(problem.task, Listed):
            return ListedAgent(problem, problem.task, self.inverse_temperature)
        raise PluginError(self.check(problem.task))


@dataclass(frozen=True)
class FactorisedAgent:
    """Chooses a value for every part by the reward model's table."""

    problem: Problem
    task: Factorised
    inverse_temperature: float

    def act(self, observations: Arrays, subjects: Arrays, rng: Generator, explore: bool) -> Array:
        """One value a part, integers [n, parts]; the lowest of equally good ones."""
        rows, parts = count_rows(observations), self.problem.task.parts
        # The table holds all values at once, so that any action may stand in the outcome.
        nothing = np.zeros((rows, parts), np.int64)
        scores = self.problem.table(self.task.imagine(observations, nothing, subjects))
        if explore:
            scores = self.inverse_temperature * scores + rng.gumbel(size=scores.shape)
        return cast(Array, scores.argmax(axis=2))


@dataclass(frozen=True)
class ListedAgent:
    """Chooses one of the candidates of each row by the reward of their imagined outcomes."""

    problem: Problem
    task: Listed
    inverse_temperature: float
    last: dict[bytes, tuple[Array, Ints, Floats]] = field(default_factory=dict)
    """The last rows' candidates and rewards: whoever samples asks about the same rows again."""

    def act(self, observations: Arrays, subjects: Arrays, rng: Generator, explore: bool) -> Array:
        """One action a row, [n, ...]; the first of equally good ones.

        Raises:
            PluginError: a row has no candidates, or they do not come row by row.
        """
        name = digest_rows({**observations, **{f"subject {key}": rows for key, rows in subjects.items()}})
        if name not in self.last:
            self.last.clear()
            self.last[name] = self._rate(observations, subjects)
        actions, owner, rewards = self.last[name]
        if explore:
            rewards = self.inverse_temperature * rewards + rng.gumbel(size=len(rewards))
        starts = np.flatnonzero(np.diff(owner, prepend=-1))
        return actions[first_best(rewards, starts, owner)]

    def _rate(self, observations: Arrays, subjects: Arrays) -> tuple[Array, Ints, Floats]:
        """The candidates of every row, the row of each, and its reward."""
        actions, owner = self.task.candidates(observations)
        counts = np.bincount(owner, minlength=count_rows(observations))
        if not counts.all() or (np.diff(owner) < 0).any():
            raise PluginError(
                f"{type(self.task).__name__}.candidates: every row needs at least one candidate,"
                " and they must come row by row"
            )
        return actions, owner, self._score(observations, subjects, actions, owner)

    def _score(self, observations: Arrays, subjects: Arrays, actions: Array, owner: Ints) -> Floats:
        """Reward of every candidate, imagined in batches."""
        scores = []
        for start in range(0, len(actions), CANDIDATES):
            some = slice(start, start + CANDIDATES)
            rows = owner[some]
            imagined = self.task.imagine(
                take_rows(observations, rows), actions[some], take_rows(subjects, rows)
            )
            scores.append(self.problem.rewards(imagined).sum(axis=1))
        return np.concatenate(scores) if scores else np.zeros(0)


def first_best(scores: Floats, starts: Ints, owner: Ints) -> Ints:
    """Of each segment the position of its highest score, the first of equal ones, shape [segments].

    Args:
        scores: segment after segment, [items].
        starts: where each segment starts, [segments].
        owner: the segment of each score, [items].
    """
    best = np.maximum.reduceat(scores, starts)[owner]
    places = np.where(scores == best, np.arange(len(scores)), len(scores))
    return cast(Ints, np.minimum.reduceat(places, starts))
