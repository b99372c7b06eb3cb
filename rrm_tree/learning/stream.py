"""Experience to learn from: stretches of what an agent does, in the form that rewards are asked about.

Where rewards may be asked about stretches of episodes, environments go on over the ends of episodes
and a stretch is as long as wished, step by step; elsewhere it is whole episodes.

In: a problem and a way of acting. Out: one Stretch after another, within the problem's steps.
Touches the task's environments alone; randomness comes in as a generator.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.random import Generator

from rrm_tree.contracts import Imaginable, Problem
from rrm_tree.errors import TrainingError
from rrm_tree.learning.rollouts import Act, rollout
from rrm_tree.learning.rows import Bools, Rows, choose, count_subjects
from rrm_tree.outcomes import Array, Arrays, Floats, Ints, Outcomes, count_rows, join_rows, take_rows


@dataclass(frozen=True)
class Stretch:
    """K steps of n environments side by side; its transitions are those steps that were really taken.

    Transitions are told row by row: all of the first row, in time, then those of the second.
    """

    outcomes: Outcomes
    """The transitions, row by row: each an outcome of one step, or all of an episode as one outcome."""
    live: Bools
    """Which steps were really taken, [n, K]."""
    over: Bools
    """After which steps an episode was over, ended or cut short by a limit, [n, K]."""
    begins: Bools
    """Rows whose first step is the first of an episode, [n]."""
    steps: int
    """Environment steps executed."""

    def __len__(self) -> int:
        return int(self.live.sum())

    @property
    def before(self) -> dict[str, Array]:
        """What was seen before each transition, each [transitions, ...]."""
        return {name: seen[:, :-1][self.outcomes.mask] for name, seen in self.outcomes.observations.items()}

    @property
    def after(self) -> dict[str, Array]:
        """What each transition led to, each [transitions, ...]."""
        return {name: seen[:, 1:][self.outcomes.mask] for name, seen in self.outcomes.observations.items()}

    @property
    def actions(self) -> Array:
        """What was done, [transitions, ...]."""
        return self.outcomes.actions[self.outcomes.mask]

    @property
    def ended(self) -> Bools:
        """Transitions by which an episode came to its own end, [transitions]."""
        last = self.outcomes.lengths[:, None] - 1 == np.arange(self.outcomes.actions.shape[1])
        ended: Bools = (last & self.outcomes.ended[:, None])[self.outcomes.mask]
        return ended

    def flat(self, values: Array) -> Array:
        """Values of the transitions, [n, K, ...] → [transitions, ...]."""
        return values[self.live]

    def spread(self, values: Array) -> Array:
        """The same back in rows and steps, 0 where nothing was done: [transitions] → [n, K]."""
        spread = np.zeros(self.live.shape, values.dtype)
        spread[self.live] = values
        return spread


def reward_transitions(problem: Problem, outcomes: Outcomes) -> Floats:
    """Reward of every transition of these outcomes, asked for in one batch, [transitions].

    Raises:
        TrainingError: a reward is not a number.
    """
    rewards: Floats = problem.rewards(outcomes)[outcomes.mask]
    if not np.isfinite(rewards).all():
        outcome, step = np.argwhere(outcomes.mask)[np.flatnonzero(~np.isfinite(rewards))[0]]
        raise TrainingError(f"the reward of step {step} of outcome {outcome} is not a number")
    return rewards


def value_beyond(problem: Problem, gamma: float) -> float:
    """What an ended episode is worth from then on.

    Nothing where an end is an end. But then an end tells how good it is by itself, whatever was
    judged: where rewards are positive agents learn to avoid it, where they are negative to seek it.
    Where the task is absorbing an ended episode goes on in one state for ever, whose reward was
    learned like any other, and is worth the discounted sum of that (Kostrikov et al.,
    "Discriminator-actor-critic", 2019, section 4.2).

    Raises:
        TrainingError: nothing is discounted, so that this sum has no end.
    """
    if problem.beyond is None:
        return 0.0
    if gamma == 1:
        raise TrainingError("episodes that go on for ever need a discount: give the agent a gamma below 1")
    return problem.beyond / (1 - gamma)


class Source(Protocol):
    """Where stretches come from."""

    def collect(self, act: Act, transitions: int) -> Stretch | None:
        """At most about as many transitions; None when no step is left, or nothing to act on."""


@contextmanager
def open_source(problem: Problem, rows: int, rng: Generator) -> Iterator[Source]:
    """Stretches of the problem's task, `rows` environments side by side.

    They are of whole episodes where rewards can be asked about nothing else, where episodes are one
    step that can be imagined, and where environments cannot start one by one about new subjects.
    """
    rows = max(1, min(rows, problem.steps))
    if problem.stretches and not isinstance(problem.task, Imaginable):
        environments = Rows(problem.task, rows)
        try:
            about_something = getattr(problem.task, "subject", None) is not None
            if environments.stand_still or (environments.go_on and not about_something):
                yield Stream(problem, environments, rng)
                return
        finally:
            environments.close()
    yield WholeEpisodes(problem, rows, rng)


@dataclass
class WholeEpisodes:
    """Episodes from their start to their end, `rows` at a time."""

    problem: Problem
    rows: int
    rng: Generator
    executed: int = 0

    def collect(self, act: Act, transitions: int) -> Stretch | None:
        """As many episodes as there are rows, however many transitions that makes."""
        left, task = self.problem.steps - self.executed, self.problem.task
        if left <= 0:
            return None
        subjects = self.problem.starts(min(left, self.rows, task.batch), self.rng)
        if not count_rows(subjects):
            return None
        done = rollout(task, act, subjects, self.rng, explore=True, limit=left)
        self.executed += done.steps
        live = done.outcomes.mask
        over = np.zeros(live.shape, bool)
        over[np.arange(len(live)), done.outcomes.lengths - 1] = True
        return Stretch(done.outcomes, live, over, np.ones(len(live), bool), done.steps)


@dataclass
class _Log:
    """What a stretch has been so far, a list of steps, each of all rows."""

    before: list[dict[str, Array]] = field(default_factory=list)
    after: list[dict[str, Array]] = field(default_factory=list)
    actions: list[Array] = field(default_factory=list)
    rewards: list[Array] = field(default_factory=list)
    ended: list[Bools] = field(default_factory=list)
    over: list[Bools] = field(default_factory=list)
    live: list[Bools] = field(default_factory=list)
    about: list[Ints] = field(default_factory=list)
    """Where each row's subject stands in `subjects`."""
    subjects: list[Arrays] = field(default_factory=list)

    def finish(self, begins: Bools, steps: int) -> Stretch:
        """The stretch, every transition an outcome of its own."""
        live = np.stack(self.live, axis=1)

        def flat(values: list[Array]) -> Array:
            return np.stack(values, axis=1)[live]

        observations = {
            name: np.stack(
                [flat([seen[name] for seen in self.before]), flat([seen[name] for seen in self.after])],
                axis=1,
            )
            for name in self.before[0]
        }
        outcomes = Outcomes(
            observations,
            flat(self.actions)[:, None],
            np.ones(live.sum(), np.int64),
            take_rows(join_rows(self.subjects), flat(self.about)),
            {"rewards": flat(self.rewards)[:, None]},
            flat(self.ended),
        )
        return Stretch(outcomes, live, np.stack(self.over, axis=1) & live, begins, steps)


class Stream:
    """Environments that go on over the ends of episodes, each time about a fresh subject."""

    def __init__(self, problem: Problem, rows: Rows, rng: Generator) -> None:
        self.problem = problem
        self.rows = rows
        self.rng = rng
        self.executed = 0
        self.pool: list[Arrays] = []
        self.subjects = self._draw(rows.count)
        self.seen = rows.start(self.subjects, int(rng.integers(2**31)))
        self.begins = np.ones(rows.count, bool)
        self.live = np.ones(rows.count, bool)
        """Rows in which the next step is one of an episode."""

    def collect(self, act: Act, transitions: int) -> Stretch | None:
        """As many transitions, rounded up to whole steps of all rows; fewer when the steps run out."""
        log, begins, start = _Log(), self.begins.copy(), self.executed
        place = np.arange(self.rows.count)
        log.subjects.append(self.subjects)
        while self.executed - start < transitions:
            if self.executed + self.live.sum() > self.problem.steps:
                break
            over = self._step(act, log, place)
            if self.rows.stand_still and over.any():
                fresh = np.flatnonzero(over)
                place = place.copy()
                place[fresh] = sum(map(count_rows, log.subjects)) + np.arange(len(fresh))
                log.subjects.append(self._restart(fresh))
        return log.finish(begins, self.executed - start) if log.live else None

    def _step(self, act: Act, log: _Log, place: Ints) -> Bools:
        """One step of all rows; returns those whose episode is over by it."""
        rows = self.rows
        shown, subjects = rows.shown(self.seen), self.subjects
        actions = choose(rows, lambda: act(shown, subjects, self.rng, True))
        done = rows.step(actions, self.live)
        over = done.over & self.live
        log.before.append(self.seen)
        log.after.append(done.after)
        log.actions.append(actions)
        log.rewards.append(done.rewards)
        log.ended.append(done.ended)
        log.over.append(over)
        log.live.append(self.live)
        log.about.append(place)
        self.executed += int(self.live.sum())
        # A step that only begins the next episode leaves its row at that beginning.
        self.begins = over | ~self.live
        self.live = ~over if rows.skip_a_step else np.ones(rows.count, bool)
        self.seen = done.seen
        return over

    def _restart(self, fresh: Ints) -> dict[str, Array]:
        """Start some rows again; returns what they are about."""
        about = self._draw(len(fresh))
        self.subjects = {name: values.copy() for name, values in self.subjects.items()}
        for name, values in about.items():
            self.subjects[name][fresh] = values
        only = np.zeros(self.rows.count, bool)
        only[fresh] = True
        first = self.rows.start(self.subjects, int(self.rng.integers(2**31)), only)
        self.seen = {name: values.copy() for name, values in self.seen.items()}
        for name, values in first.items():
            self.seen[name][fresh] = values[fresh]
        return about

    def _draw(self, count: int) -> dict[str, Array]:
        """Fresh subjects; drawn for all rows at once, since drawing a few costs as much."""
        while sum(map(count_rows, self.pool)) < count:
            self.pool.append(self.problem.starts(max(count, self.rows.count), self.rng))
            count_subjects(self.pool[-1], self.rows.name)
        joined = join_rows(self.pool)
        rest = np.arange(count, count_rows(joined))
        self.pool = [take_rows(joined, rest)] if len(rest) else []
        return take_rows(joined, np.arange(count))
