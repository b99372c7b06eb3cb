"""Helpers that err on purpose: a share of what they answer is replaced.

In: whoever answers, a share, a seed. Out: answers of the same form, worse.
Touches the task's environments where an episode must be run to be replaced, and nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol, cast

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from rrm_tree.contracts import Factorised, Task
from rrm_tree.learning.rollouts import rollout
from rrm_tree.outcomes import (
    Array,
    Arrays,
    Floats,
    Outcomes,
    bytes_of_rows,
    join_outcomes,
    mix_bits,
    take_rows,
)

WHETHER, WHICH = 0, 1
"""For what a number is drawn: whether a part is replaced, and by which value."""


class Answers(Protocol):
    """Whoever can answer questions of one task: a trained helper, a perfect one, one that errs."""

    @property
    def task(self) -> Task:
        """What it answers questions about."""

    def answer(self, subjects: Arrays) -> Outcomes:
        """One outcome a subject."""


@dataclass(frozen=True)
class CorruptHelper:
    """A helper of whose answers a share is replaced; the same question always gets the same answer."""

    helper: Answers
    wrong: float
    """Share of the parts of its answers that are replaced, 0 to 1."""
    seed: int = 0

    @property
    def task(self) -> Task:
        """What it answers questions about."""
        return self.helper.task

    def answer(self, subjects: Arrays) -> Outcomes:
        """The helper's outcomes, a share of them replaced."""
        return corrupt(self.task, self.helper.answer(subjects), self.wrong, self.seed)


def corrupt(task: Task, answers: Outcomes, wrong: float, seed: int) -> Outcomes:
    """Answers of which a share is replaced.

    Of a factorised task each part becomes another value, so that a right part becomes a wrong one. Of
    any other task whole answers become the task's proposals, some of which may be right too. What is
    replaced depends on the question and the seed alone, and what is replaced at one share is replaced
    at every larger one, so that answers at several shares differ in nothing but the share.

    Args:
        task: what was answered.
        answers: one outcome a question.
        wrong: share to replace, 0 to 1.
        seed: another seed replaces others.
    """
    if not len(answers) or wrong <= 0:
        return answers
    if isinstance(task, Factorised):
        return _flip(task, answers, wrong, seed)
    return _replace(task, answers, wrong, seed)


def _flip(task: Factorised, answers: Outcomes, wrong: float, seed: int) -> Outcomes:
    given = answers.actions[:, 0]
    parts = given.reshape(len(given), -1)
    draw = partial(_uniforms, _row_numbers(answers.subjects), parts.shape[1], seed)
    by = 1 + np.floor(draw(WHICH) * (task.part_values - 1)).astype(parts.dtype)
    changed = np.where(draw(WHETHER) < wrong, (parts + by) % task.part_values, parts).reshape(given.shape)
    seen = {name: values[:, 0] for name, values in answers.observations.items()}
    return task.imagine(seen, changed, answers.subjects)


@dataclass(frozen=True)
class ConfusedHelper:
    """A perfect helper who says other values as often as was measured, each part by itself."""

    helper: Answers
    rates: Floats
    """Chance of saying each value where each is true, [values, values]."""
    seed: int = 0

    @property
    def task(self) -> Task:
        """What it answers questions about."""
        return self.helper.task

    def answer(self, subjects: Arrays) -> Outcomes:
        """Answers whose parts are drawn from the rates; the same question always gets the same answer."""
        answers, task = self.helper.answer(subjects), cast(Factorised, self.task)
        if not len(answers):
            return answers
        given = answers.actions[:, 0]
        parts = given.reshape(len(given), -1).astype(np.int64)
        drawn = _uniforms(_row_numbers(answers.subjects), parts.shape[1], self.seed, WHICH)
        said = (drawn[..., None] >= np.cumsum(self.rates, axis=1)[parts][..., :-1]).sum(axis=-1)
        seen = {name: values[:, 0] for name, values in answers.observations.items()}
        return task.imagine(seen, said.reshape(given.shape).astype(given.dtype), answers.subjects)


def _replace(task: Task, answers: Outcomes, wrong: float, seed: int) -> Outcomes:
    chosen = _uniforms(_row_numbers(answers.subjects), 1, seed, WHETHER)[:, 0] < wrong
    if not chosen.any():
        return answers
    rows = np.flatnonzero(chosen)
    about = take_rows(answers.subjects, rows)
    rng = np.random.default_rng([seed, int(_row_numbers(about).sum() % (1 << 32))])
    proposed = rollout(task, _proposing(task), about, rng, explore=True).outcomes
    joined = join_outcomes([answers, proposed])
    place = np.arange(len(answers))
    place[rows] = len(answers) + np.arange(len(rows))
    return joined.take(place)


def _proposing(task: Task) -> Callable[[Arrays, Arrays, Generator, bool], Array]:
    return lambda seen, subjects, rng, explore: task.propose(seen, subjects, rng)


def _uniforms(numbers: NDArray[np.uint64], parts: int, seed: int, purpose: int) -> Floats:
    """Numbers in [0, 1), shape [rows, parts], which follow from each row's content alone."""
    with np.errstate(over="ignore"):
        place = np.arange(parts, dtype=np.uint64) * np.uint64(2) + np.uint64(purpose)
        state = numbers[:, None] + mix_bits(place + np.uint64(seed) * np.uint64(0x1_0000_0001))
        mixed = mix_bits(state)
    return (mixed >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def _row_numbers(subjects: Arrays) -> NDArray[np.uint64]:
    """64 bits that stand for each row's content, shape [rows]."""
    digests = (hashlib.blake2b(row.tobytes(), digest_size=8).digest() for row in bytes_of_rows(subjects))
    return np.frombuffer(b"".join(digests), np.uint64)
