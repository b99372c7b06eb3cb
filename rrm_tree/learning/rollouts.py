"""Episodes of a task, run side by side: subjects and a way of acting → outcomes.

In: a task, `act`, subjects. Out: one outcome a subject, and the environment steps executed.
Touches the task's environments alone; randomness comes in as a generator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias, cast

import numpy as np
from numpy.random import Generator

from rrm_tree.contracts import Imaginable, Task
from rrm_tree.errors import PluginError
from rrm_tree.learning.rows import MASKS, Bools, Rows, choose, count_subjects, guarded
from rrm_tree.outcomes import Array, Arrays, Outcomes, count_rows, join_outcomes, take_rows

Act: TypeAlias = Callable[[Arrays, Arrays, Generator, bool], Array]

UNLIMITED = 1 << 62
LONGEST_EPISODE = 1_000_000
"""Steps after which an episode that never ends is taken for a broken environment."""


@dataclass(frozen=True)
class Rollout:
    """Outcomes, and what they cost."""

    outcomes: Outcomes
    steps: int
    """Environment steps executed; those that a vector environment takes in episodes which have
    ended, while others go on, are counted too."""
    whole: Bools
    """Whether the episode ran as long as its environment lets it, [n]. False for all that ran side
    by side with one that the limit of steps cut short: only the short ones would be left."""


def rollout(
    task: Task, act: Act, subjects: Arrays, rng: Generator, *, explore: bool, limit: int | None = None
) -> Rollout:
    """One episode about each subject.

    One-step tasks that can be imagined are not stepped through: by their contract that is the
    same, and an imagined step counts as an executed one.

    Args:
        task: what is done.
        act: an agent's `act`, or a proposal in its form.
        subjects: each [n, ...].
        rng: what `act` draws from, and the environments' seeds.
        explore: passed on to `act`.
        limit: environment steps that may be executed, at least 1. Episodes are cut short there, and
            subjects that are not reached have no outcome.

    Raises:
        PluginError: there are no subjects; the environment or `act` raised or broke its contract.
    """
    count = count_subjects(subjects, type(task).__name__)
    run = _imagine if isinstance(task, Imaginable) else _run
    episodes: list[Rollout] = []
    for start in range(0, count, task.batch):
        left = UNLIMITED if limit is None else limit - sum(episode.steps for episode in episodes)
        rows = np.arange(start, min(start + task.batch, count))[:left]
        if len(rows):
            episodes.append(run(task, act, take_rows(subjects, rows), _Way(rng, explore, left)))
    return Rollout(
        join_outcomes([episode.outcomes for episode in episodes]),
        sum(episode.steps for episode in episodes),
        np.concatenate([episode.whole for episode in episodes]),
    )


@dataclass(frozen=True)
class _Way:
    """How one chunk of episodes is run."""

    rng: Generator
    explore: bool
    limit: int


@dataclass
class _Trace:
    """What one chunk of episodes leaves behind, step by step."""

    observations: list[dict[str, Array]] = field(default_factory=list)
    actions: list[Array] = field(default_factory=list)
    rewards: list[Array] = field(default_factory=list)

    def finish(self, lengths: Array, ended: Bools, subjects: Arrays) -> Outcomes:
        """The episodes as outcomes; padding repeats nothing, it is 0."""
        steps = int(lengths.max())
        past = np.arange(steps + 1)[None, :] > lengths[:, None]
        observations = {
            name: _blank(np.stack([seen[name] for seen in self.observations], axis=1), past)
            for name in self.observations[0]
        }
        return Outcomes(
            observations,
            _blank(np.stack(self.actions, axis=1), past[:, 1:]),
            lengths,
            subjects,
            {"rewards": _blank(np.stack(self.rewards, axis=1), past[:, 1:])},
            ended,
        )


def _run(task: Task, act: Act, subjects: Arrays, way: _Way) -> Rollout:
    """One chunk of episodes, stepped through until the last one has ended."""
    count = count_rows(subjects)
    rows, trace, steps = Rows(task, count), _Trace(), 0
    running, ended, lengths = np.ones(count, bool), np.zeros(count, bool), np.zeros(count, np.int64)
    try:
        seen = rows.start(subjects, int(way.rng.integers(2**31)))
        trace.observations.append(seen)
        while running.any():
            cost = int(running.sum()) if rows.stand_still else count
            if steps + cost > way.limit:
                break
            if rows.steps >= LONGEST_EPISODE:
                raise PluginError(f"{rows.name}: an episode has not ended after {LONGEST_EPISODE:,} steps")
            shown = rows.shown(seen)
            actions = choose(rows, partial(act, shown, subjects, way.rng, way.explore))
            done = rows.step(actions, running)
            trace.actions.append(actions)
            trace.rewards.append(done.rewards)
            trace.observations.append(done.after)
            lengths += running
            ended |= done.ended & running
            running &= ~done.over
            seen, steps = done.seen, steps + cost
    finally:
        rows.close()
    whole = np.full(count, not running.any())
    return Rollout(trace.finish(lengths, ended, subjects), steps, whole)


def _imagine(task: Task, act: Act, subjects: Arrays, way: _Way) -> Rollout:
    """One chunk of one-step episodes that are not run."""
    count = count_rows(subjects)
    rows = Rows(task, count)
    try:
        shown = rows.shown(rows.start(subjects, int(way.rng.integers(2**31))))
    finally:
        rows.close()
    actions = choose(rows, lambda: act(shown, subjects, way.rng, way.explore))
    seen = {name: values for name, values in shown.items() if name != MASKS}
    task_of = cast(Imaginable, task)
    imagined: Outcomes = guarded(f"{rows.name}.imagine", lambda: task_of.imagine(seen, actions, subjects))
    if len(imagined) != count:
        raise PluginError(f"{rows.name}.imagine made {len(imagined)} outcomes of {count} actions")
    return Rollout(imagined, count, np.ones(count, bool))


def _blank(values: Array, past: Bools) -> Array:
    """The values with 0 where an episode is over, [n, T, ...]."""
    values[past] = 0
    return values
