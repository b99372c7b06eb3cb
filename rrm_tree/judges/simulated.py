"""Simulated teachers of B-Pref: truth, seen by somebody inexact, hesitant and short-sighted.

Lee et al., "B-Pref: Benchmarking Preference-Based Reinforcement Learning" (2021), section 3.

In: a Request whose task can compute truth. Out: preferences, labels or ratings.
Touches nothing but the request's generator.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, cast

import numpy as np
from numpy.random import Generator

from rrm_tree.contracts import Measurable, Request
from rrm_tree.errors import PluginError
from rrm_tree.learning.losses import LIKELIHOODS
from rrm_tree.outcomes import Answers, Floats, Kind, Outcomes


@dataclass(frozen=True, slots=True)
class Teacher:
    """Answers by truth with the declared flaws; its looks are the steps that it is shown."""

    version: ClassVar[str] = "1"
    kinds: ClassVar[tuple[str, ...]] = ("preference", "label", "rating")
    direct: ClassVar[bool] = True
    tasks: ClassVar[tuple[str, ...] | None] = None

    beta: float | None = 1.0
    mistake: float = 0.0
    skip_below: float | None = None
    equal_within: float = 0.0
    thresholds: str = "absolute"
    gamma: float = 1.0
    right_above: float = 0.5

    def answer(self, request: Request) -> Answers:
        """Skipped first, then chosen, then mistaken, then evened out: the paper's algorithm 1."""
        items, outcomes = request.items, request.outcomes
        utility, felt = true_utility(request), self._felt(request)
        scale = float(utility.mean()) if self.thresholds == "of the mean" else 1.0
        first = utility[items.first, items.part]
        values = felt[items.first, items.part]
        highest, looks = first, outcomes.lengths[items.first]
        if items.second is not None:
            second = utility[items.second, items.part]
            values = values - felt[items.second, items.part]
            highest, looks = np.maximum(first, second), looks + outcomes.lengths[items.second]
        elif request.kind == "label":
            values = values - self.right_above
        answers = self._say(cast(Kind, request.kind), values, request.rng)
        if items.second is not None:
            answers[np.abs(first - second) < self.equal_within * scale] = 0.5
        if self.skip_below is not None:
            answers[highest <= self.skip_below * scale] = np.nan
        return Answers(answers, looks.astype(np.int64))

    def _say(self, kind: Kind, values: Floats, rng: Generator) -> Floats:
        """Answers by the likelihood that reward models learn from, some turned round."""
        if kind == "rating":
            if self.beta is None:
                return values.copy()
            return LIKELIHOODS[kind].simulate(self.beta * values, rng) / self.beta
        if self.beta is None:
            even = 0.5 if kind == "preference" else 0.0
            answers = np.where(values == 0, even, (values > 0).astype(np.float64))
        else:
            answers = LIKELIHOODS[kind].simulate(self.beta * values, rng)
        return np.where(rng.random(len(answers)) < self.mistake, 1 - answers, answers)

    def _felt(self, request: Request) -> Floats:
        """Utility as a myopic teacher feels it, shape [n, parts]."""
        if self.gamma == 1:
            return true_utility(request)
        return myopic_return(request.outcomes, self.gamma)


def true_utility(request: Request) -> Floats:
    """What the task says is true of each part of each outcome, shape [n, parts].

    Raises:
        PluginError: the task cannot compute it.
    """
    task = request.task
    if not isinstance(task, Measurable):
        raise PluginError(
            f"judge: {type(task).__name__} cannot compute truth, which simulated teachers answer by; "
            "give it a `truth` method, or name a judge that looks for itself"
        )
    return task.truth(request.outcomes)


def myopic_return(outcomes: Outcomes, gamma: float) -> Floats:
    """Sum of rewards, each times gamma^k where k steps follow it, shape [n, 1].

    Lee et al. (2021), section 3, "myopic behavior". The last steps weigh most.
    """
    if "rewards" not in outcomes.hidden:
        raise PluginError("judge teacher: `gamma` below 1 needs rewards step by step; leave it at 1")
    later = outcomes.lengths[:, None] - 1 - np.arange(outcomes.actions.shape[1])
    weight = np.where(outcomes.mask, gamma ** np.maximum(later, 0), 0.0)
    return np.asarray((weight * outcomes.hidden["rewards"]).sum(axis=1, keepdims=True))
