"""Who says what about outcomes: helpers, trained or perfect, and whoever asks them.

In: outcomes, and subjects to be asked about. Out: advice, answers.
Touches the tasks' environments alone; nothing is drawn at random.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from rrm_tree.contracts import Agent, Perfect, Task
from rrm_tree.corrupting import Answers
from rrm_tree.learning.rollouts import rollout
from rrm_tree.node_spec import CriterionSpec
from rrm_tree.outcomes import Advice, Array, Arrays, Outcomes, count_rows, digest_rows, take_rows, unique_rows

REMEMBERED_BATCHES = 4
"""Batches of answers that a helper keeps: a node and its helper often ask about the same subjects."""


@dataclass(frozen=True)
class Advisor:
    """Asks the helpers of one node about its outcomes."""

    task: Task
    criteria: Mapping[str, CriterionSpec]
    helpers: Mapping[str, Answers]

    def advise(self, outcomes: Outcomes) -> Advice:
        """What all helpers say about these outcomes; empty where there are none."""
        values: dict[str, Array] = {}
        kinds: dict[str, str] = {}
        for criterion, spec in self.criteria.items():
            for name in spec.helpers:
                helper = self.helpers[name]
                kind = helper.task.advice or ""
                questions = self.task.questions(outcomes, criterion, kind)
                asked = count_rows(questions.subjects)
                answers = helper.answer(questions.subjects) if asked else _no_answers(helper.task)
                # A helper of two criteria may be asked two different things.
                place = name if name not in values else f"{name}@{criterion}"
                values[place] = self.task.lay_out(kind, questions, answers, len(outcomes))
                kinds[place] = kind
        return Advice(values, kinds)


def _no_answers(task: Task) -> Outcomes:
    """Answers to no questions: a board without pieces raises none about its pieces."""
    return Outcomes({}, np.zeros((0, 1, task.parts), np.int64), np.zeros(0, np.int64), {})


NOBODY: Mapping[str, Answers] = {}


@dataclass
class Helper:
    """A trained node as its parents use it; the same question is answered once."""

    task: Task
    agent: Agent
    remembered: OrderedDict[bytes, Outcomes] = field(default_factory=OrderedDict)

    def answer(self, subjects: Arrays) -> Outcomes:
        """The agent's best outcome about each subject."""
        kept, place = unique_rows(subjects)
        distinct = take_rows(subjects, kept)
        name = digest_rows(distinct)
        if name not in self.remembered:
            rng = np.random.default_rng(0)  # helpers do not explore: nothing is drawn from it
            self.remembered[name] = rollout(self.task, self.agent.act, distinct, rng, explore=False).outcomes
            if len(self.remembered) > REMEMBERED_BATCHES:
                self.remembered.popitem(last=False)
        return self.remembered[name].take(place)


@dataclass(frozen=True)
class PerfectHelper:
    """What a perfect helper would answer, where its domain can compute that."""

    task: Task

    def answer(self, subjects: Arrays) -> Outcomes:
        """The perfect outcome about each subject."""
        kept, place = unique_rows(subjects)
        return cast(Perfect, self.task).ideal(take_rows(subjects, kept)).take(place)
