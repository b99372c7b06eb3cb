"""How far a reward model is from truth step by step, whatever potentials shape either of them.

In: a bench, a reward model, both of a task that is scored step by step. Out: distances.
Reads truth, as only this package does; nothing here flows back into training.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.random import Generator

from rrm_tree.contracts import Correctable, Measurable, Segmented
from rrm_tree.errors import PluginError
from rrm_tree.measure.bench import Bench
from rrm_tree.outcomes import Floats, Ints, Outcomes, join_outcomes, take_steps
from rrm_tree.propagation.intervals import Estimate
from rrm_tree.propagation.step_rewards import (
    StepDistances,
    canonicalise,
    canonicalise_dard,
    measure_distance,
)
from rrm_tree.scoring import Scorer

GAMMA = 0.99
STEPS_STREAM = 12
MOST_STEPS = 256
"""Steps that are compared."""
REFERENCES = 32
"""Actions and next states over which the means of EPIC are taken."""

Rewards = Callable[[Outcomes], Floats]
"""Outcomes of one step each → the reward of that step, [n]."""


def compare_steps(bench: Bench, scorer: Scorer) -> StepDistances | None:
    """How far the reward model's step rewards are from the true ones, on proposals' steps.

    None where the task is not scored step by step, or one of the two rewards is the same everywhere.
    """
    task = bench.station.task
    if not isinstance(task, Segmented) or scorer.advisor.helpers or task.parts > 1:
        return None
    rng = bench.rng(STEPS_STREAM)
    taken = _take(task.whole(bench.proposed), rng)
    if taken is None:
        return None
    judged: tuple[Rewards, Rewards] = (
        lambda outcomes: np.asarray(cast(Measurable, task).truth(outcomes)[:, 0]),
        lambda outcomes: np.asarray(scorer.rewards(outcomes)[:, 0]),
    )
    rewards = [reward(taken.here) for reward in judged]
    plain = measure_distance(rewards[0], rewards[1], taken.episode)
    if plain is None:
        return None
    return StepDistances(
        steps=len(taken.here),
        gamma=GAMMA,
        plain=plain,
        epic=_epic(taken, judged, rewards, rng),
        dard=_dard(task, taken, judged, rewards, rng) if isinstance(task, Correctable) else None,
    )


@dataclass(frozen=True)
class _Taken:
    """Steps of episodes, and the steps that follow them."""

    here: Outcomes
    following: Outcomes
    """What was done next, from where each led: they begin at s'."""
    episode: Ints


def _take(episodes: Outcomes, rng: Generator) -> _Taken | None:
    """Steps that another one follows, at random; None where there are none."""
    rows, times = np.nonzero(episodes.live[:, 1:] & episodes.live[:, :-1])
    if len(rows) < 3:
        return None
    some = np.sort(rng.permutation(len(rows))[:MOST_STEPS])
    rows, times = rows[some], times[some]
    return _Taken(take_steps(episodes, rows, times), take_steps(episodes, rows, times + 1), rows)


def _epic(
    taken: _Taken, judged: tuple[Rewards, Rewards], rewards: list[Floats], rng: Generator
) -> Estimate | None:
    """EPIC: next states and actions are drawn from all steps, whether they can follow or not."""
    count = len(taken.here)
    drawn = rng.integers(0, count, REFERENCES)
    starts = [taken.here, taken.following]
    made = join_outcomes([_invent(start, taken.here, row) for start in starts for row in drawn])
    shaped = []
    for reward, here in zip(judged, rewards, strict=True):
        try:
            means = reward(made).reshape(2, REFERENCES, count).mean(axis=1)
        except PluginError:
            # Such as rewards that were noted while steps were taken, and of no other steps.
            return None
        shaped.append(canonicalise(here, means[1], means[0], GAMMA))
    return measure_distance(shaped[0], shaped[1], taken.episode)


def _invent(starts: Outcomes, reference: Outcomes, row: int) -> Outcomes:
    """Steps from where these began, with the action and the end of another step; nothing hidden is known."""
    many = np.full(len(starts), row)
    seen = {
        name: np.stack([values[:, 0], reference.observations[name][many, 1]], axis=1)
        for name, values in starts.observations.items()
    }
    return Outcomes(seen, reference.actions[many], starts.lengths, starts.subjects, {}, starts.ended)


def _dard(
    task: Correctable, taken: _Taken, judged: tuple[Rewards, Rewards], rewards: list[Floats], rng: Generator
) -> Estimate | None:
    """DARD: next states are those that can follow, every action being tried."""
    count = len(taken.here)
    onward, further = task.instead(taken.here), task.instead(taken.following)
    crossed = _cross(onward, further, len(onward) // count, rng)
    shaped = []
    for reward, here in zip(judged, rewards, strict=True):
        try:
            after, before, follows = (
                reward(made).reshape(count, -1).mean(axis=1) for made in (further, onward, crossed)
            )
        except PluginError:
            return None
        shaped.append(canonicalise_dard(here, after, before, follows, GAMMA))
    return measure_distance(shaped[0], shaped[1], taken.episode)


def _cross(onward: Outcomes, further: Outcomes, tried: int, rng: Generator) -> Outcomes:
    """Steps from where each action leads to where each leads one step later, in a random order.

    Each of both stands in one of them, so that potentials cancel whatever the order.
    """
    place = np.arange(len(onward)).reshape(-1, tried)
    ends, actions = (rng.permuted(place, axis=1).ravel() for _ in range(2))
    seen = {
        name: np.stack([values[:, 1], further.observations[name][ends, 1]], axis=1)
        for name, values in onward.observations.items()
    }
    return Outcomes(seen, onward.actions[actions], onward.lengths, onward.subjects, {}, onward.ended)
