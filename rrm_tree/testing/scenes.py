"""Small scenes in which a plug-in is tried: subjects, outcomes, advice.

In: tasks. Out: batches of a handful of rows.
Touches nothing but the generators that it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.random import Generator

from rrm_tree.contracts import Perfect, Task
from rrm_tree.errors import PluginError
from rrm_tree.learning.rollouts import rollout
from rrm_tree.outcomes import Advice, Array, Arrays, Outcomes, Questions, count_rows, take_rows

ROWS = 6
"""Outcomes in a scene."""

CRITERION = "right"


def subjects_for(
    helper: Task,
    parent: Task,
    *,
    about: Arrays | None = None,
    criterion: str = CRITERION,
    rng_seed: int = 0,
) -> Arrays:
    """A handful of subjects for a helper: what its parent asks about proposals of its own.

    Args:
        helper: the task that needs subjects.
        parent: a task that accepts the helper's advice.
        about: the parent's own subjects; may be left out if it starts by itself.
        criterion: name of the parent's criterion that the helper informs.
        rng_seed: seed of the starts and of the choice.
    """
    rng = np.random.default_rng(rng_seed)
    outcomes = play(parent, start(parent, about, rng), rng)
    asked = parent.questions(outcomes, criterion, helper.advice or "").subjects
    return take_rows(asked, rng.permutation(count_rows(asked))[:ROWS])


def start(task: Task, subjects: Arrays | None, rng: Generator) -> Arrays:
    """The given subjects, or starting states of the task.

    Raises:
        PluginError: the task is about subjects, and none were given.
    """
    if subjects is not None:
        return subjects
    try:
        return task.starts(ROWS, "train", rng)
    except Exception as error:
        if task.subject is None:
            raise
        raise PluginError(
            f"{type(task).__name__} is about '{task.subject}' and does not start by itself; give the check "
            "`subjects`, for example subjects_for(helper, parent)"
        ) from error


def play(task: Task, subjects: Arrays, rng: Generator) -> Outcomes:
    """Outcomes of the task's own proposals."""

    def act(observations: Arrays, about: Arrays, rng: Generator, explore: bool) -> Array:
        return task.propose(observations, about, rng)

    return rollout(task, act, subjects, rng, explore=True).outcomes


def advise(
    task: Task, outcomes: Outcomes, helpers: Sequence[Task], rng: Generator, criterion: str = CRITERION
) -> Advice:
    """What perfect helpers (or proposing ones, where nobody knows better) say about the outcomes."""
    values: dict[str, Array] = {}
    kinds: dict[str, str] = {}
    for place, helper in enumerate(helpers):
        kind = helper.advice or ""
        questions = task.questions(outcomes, criterion, kind)
        values[f"helper{place}"] = task.lay_out(
            kind, questions, answer(helper, questions, rng), len(outcomes)
        )
        kinds[f"helper{place}"] = kind
    return Advice(values, kinds)


def answer(helper: Task, questions: Questions, rng: Generator) -> Outcomes:
    """Perfect answers where the helper's domain has them, otherwise its proposals."""
    ideal = cast(Perfect, helper).ideal if isinstance(helper, Perfect) else None
    return ideal(questions.subjects) if ideal else play(helper, questions.subjects, rng)
