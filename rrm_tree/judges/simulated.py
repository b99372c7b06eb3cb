"""Simulated teachers, those of B-Pref and more: truth, seen by somebody inexact, hesitant and short-sighted.

Lee et al., "B-Pref: Benchmarking Preference-Based Reinforcement Learning" (2021), section 3.

In: a Request whose task can compute truth. Out: judgments of any kind.
Touches nothing but the request's generator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, cast

import numpy as np
from numpy.random import Generator

from rrm_tree.contracts import Measurable, Perfect, Request, Stepwise
from rrm_tree.domains.scripted import ScriptedReward
from rrm_tree.errors import PluginError
from rrm_tree.feedback import NONE_GOOD, Kind
from rrm_tree.judges.function import count_looks
from rrm_tree.learning.kinds import KINDS, Choice, kind_of
from rrm_tree.learning.losses import all_orders
from rrm_tree.outcomes import Answers, Floats, Ints, Outcomes, join_outcomes, take_rows, take_steps

SURE = 1e4
"""How many nats the smallest difference of utility is worth to a teacher who makes no random errors."""


@dataclass(frozen=True)
class Teacher:
    """Answers by truth with the declared flaws; its looks are the steps that it looks at."""

    version: ClassVar[str] = "2"
    kinds: ClassVar[tuple[str, ...]] = tuple(KINDS)
    direct: ClassVar[bool] = True
    tasks: ClassVar[tuple[str, ...] | None] = None

    beta: float | None = 1.0
    mistake: float = 0.0
    skip_below: float | None = None
    equal_within: float = 0.0
    thresholds: str = "absolute"
    gamma: float = 1.0
    right_above: float = 0.5
    bias: float = 0.0
    looks: int | None = None
    reward: str | None = None
    ties: float = 0.0

    def answer(self, request: Request) -> Answers:
        """Skipped first, then chosen, then mistaken, then evened out: the paper's algorithm 1."""
        items, kind = request.items, cast(Kind, request.kind)
        utility, felt = self._utility(request), self._felt(request)
        scale = float(utility.mean()) if self.thresholds == "of the mean" else 1.0
        lengths = request.outcomes.lengths
        looked = lengths if self.looks is None else np.minimum(lengths, self.looks)
        if KINDS[kind].shown == "several":
            places = items.places
            answers = self._choose(kind, felt[places], request.rng)
            return self._skip(answers, utility[places].max(axis=1), scale, count_looks(request, looked))
        first = utility[items.first, items.part]
        values = felt[items.first, items.part]
        highest = first
        if items.second is not None:
            second = utility[items.second, items.part]
            values = values - felt[items.second, items.part]
            highest = np.maximum(first, second)
        elif kind == "label":
            values = values - self.right_above
        answers = self._say(kind, values, request.rng)
        if items.second is not None:
            answers[np.abs(first - second) < self.equal_within * scale] = 0.5
        return self._skip(answers, highest, scale, count_looks(request, looked))

    def _skip(self, answers: Floats, highest: Floats, scale: float, looks: Ints) -> Answers:
        """The answers, but for what is too bad to tell, which is the reason then.

        Args:
            answers: [items].
            highest: utility of the best that each item shows, [items].
            scale: what the threshold is multiplied with.
            looks: [items].
        """
        if self.skip_below is None:
            return Answers(answers, looks)
        skipped = highest <= self.skip_below * scale
        reason = np.where(skipped, NONE_GOOD, 0)
        return Answers(np.where(skipped, np.nan, answers), looks, reason=reason)

    def demonstrate(self, request: Request) -> tuple[Outcomes, Ints]:
        """An episode about every item's subject, chosen from what agents did and what it knows to be ideal.

        The likelier, the better by truth (Boltzmann), as demonstrations are taken to be; a mistaken
        one is any of these. What it takes is a look a step.
        """
        items, task = request.items, request.task
        about = take_rows(request.outcomes.subjects, items.first)
        ideal = [task.ideal(about)] if isinstance(task, Perfect) else []
        if request.kind == "goal":
            ideal = [take_steps(one, np.arange(len(one)), one.lengths - 1) for one in ideal]
        known = join_outcomes([request.outcomes.take(row) for row in items.alternatives.T] + ideal)
        # Alternative by alternative, item by item.
        utility = true_utility(replace(request, outcomes=known))[:, 0].reshape(-1, len(items)).T
        place = self._choose("demonstration", utility, request.rng).astype(np.int64)
        done = known.take(place * len(items) + np.arange(len(items)))
        return done, done.lengths

    def _choose(self, kind: Kind, values: Floats, rng: Generator) -> Floats:
        """Choices among alternatives by the likelihood that reward models learn from, some at random.

        Args:
            kind: one that shows several.
            values: of the alternatives, [items, alternatives].
            rng: what everything is drawn from.
        """
        chosen = KINDS[kind]
        if self.beta is None:
            # So sharp that the best is always chosen, and one of the best by chance.
            sizes = np.unique(values)
            closest = np.diff(sizes).min() if len(sizes) > 1 else 1.0
            answers = chosen.simulate(values * (SURE / closest), rng)
        else:
            answers = chosen.simulate(self.beta * values, rng)
        several = values.shape[1]
        answers_there_are = len(all_orders(several)) if not isinstance(chosen, Choice) else several
        at_random = rng.integers(0, answers_there_are, len(answers)).astype(np.float64)
        return np.where(rng.random(len(answers)) < self.mistake, at_random, answers)

    def _say(self, kind: Kind, values: Floats, rng: Generator) -> Floats:
        """Answers by the likelihood that reward models learn from, some turned round."""
        if kind == "rating":
            if self.beta is None:
                return values.copy()
            return np.asarray(KINDS[kind].simulate(self.beta * values, rng) / self.beta)
        bias = self.bias if kind == "preference" else 0.0
        if self.beta is None:
            even = 0.5 + 0.5 * np.sign(bias) if kind == "preference" else 0.0
            answers = np.where(values == 0, even, (values > 0).astype(np.float64))
        else:
            answers = kind_of(kind, self.ties).simulate(self.beta * values + bias, rng)
        return np.where(rng.random(len(answers)) < self.mistake, 1 - answers, answers)

    def _utility(self, request: Request) -> Floats:
        """Utility of each part of each outcome as far as it looks, shape [n, parts]."""
        if self.looks is None and self.reward is None:
            return true_utility(request)
        return cast(Floats, self._looked_at(request).sum(axis=1, keepdims=True))

    def _felt(self, request: Request) -> Floats:
        """The same as a myopic teacher feels it, shape [n, parts]."""
        if self.gamma == 1:
            return self._utility(request)
        return myopic_return(self._looked_at(request), request.outcomes.lengths, self.gamma)

    def _looked_at(self, request: Request) -> Floats:
        """Rewards of the steps that it looks at, for all those that they stand for, shape [n, T]."""
        outcomes = request.outcomes
        rewards = self._reward(outcomes) if self._reward else step_rewards(request)
        if self.looks is None:
            return rewards
        return rewards * glances(outcomes.lengths, rewards.shape[1], self.looks)

    @cached_property
    def _reward(self) -> ScriptedReward | None:
        return None if self.reward is None else ScriptedReward.load(self.reward)


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


def step_rewards(request: Request) -> Floats:
    """What each step adds to truth, shape [n, T].

    Raises:
        PluginError: truth is no sum over steps.
    """
    task, outcomes = request.task, request.outcomes
    if isinstance(task, Stepwise):
        return task.rewards(outcomes)
    if "rewards" not in outcomes.hidden:
        raise PluginError(
            "judge teacher: `gamma` below 1 and `looks` need rewards step by step, which"
            f" {type(task).__name__} does not give; leave them out, or give it a `rewards` method"
        )
    return np.asarray(np.where(outcomes.mask, outcomes.hidden["rewards"], 0.0))


def glances(lengths: Ints, steps: int, looks: int) -> Floats:
    """For how many steps each step of an outcome stands when so many are looked at, evenly spread.

    Args:
        lengths: steps of each outcome, [n].
        steps: T.
        looks: steps looked at; all where there are no more.

    Returns:
        0 at steps that are not looked at, length / looks at the others, [n, T].
    """
    taken = np.minimum(lengths, looks)[:, None]
    # The middles of `taken` stretches of equal length.
    places = ((np.arange(looks) + 0.5) * lengths[:, None] / taken).astype(np.int64)
    seen = np.arange(looks) < taken
    weights = np.zeros((len(lengths), steps))
    rows = np.broadcast_to(np.arange(len(lengths))[:, None], places.shape)
    weights[rows[seen], places[seen]] = np.broadcast_to(lengths[:, None] / taken, places.shape)[seen]
    return weights


def myopic_return(rewards: Floats, lengths: Ints, gamma: float) -> Floats:
    """Sum of rewards, each times gamma^k where k steps follow it, shape [n, 1].

    Lee et al. (2021), section 3, "myopic behavior". The last steps weigh most.
    """
    later = lengths[:, None] - 1 - np.arange(rewards.shape[1])
    weight = np.where(later >= 0, gamma ** np.maximum(later, 0), 0.0)
    return cast(Floats, (weight * rewards).sum(axis=1, keepdims=True))
