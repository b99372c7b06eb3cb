"""How far apart two rewards are, step by step, shaping left aside.

In: rewards of the same transitions. Out: a distance, with an interval.
Touches nothing; resamples come from a fixed generator. Needs NumPy, as `propagation.pairs` does.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from rrm_tree.outcomes import Floats, Ints
from rrm_tree.propagation.intervals import Estimate
from rrm_tree.records import Stored

STEPS_VERSION = "1"

RESAMPLES = 1000
TINY = 1e-12


def pearson_distance(first: Floats, second: Floats) -> float:
    """sqrt((1 − r) / 2): 0 for rewards alike but for scale and shift, 1 for opposite ones.

    Gleave et al., "Quantifying differences in reward functions" (2021), definition 4.6.
    """
    r = float(np.corrcoef(first.ravel(), second.ravel())[0, 1])
    return sqrt(max(1 - r, 0.0) / 2)


def canonicalise(rewards: Floats, after: Floats, here: Floats, gamma: float) -> Floats:
    """Rewards from which any potential shaping has been taken (EPIC, definition 4.1 but for a constant).

    A constant is left out, which no correlation sees.

    Args:
        rewards: R(s, a, s'), [n].
        after: mean of R(s', A, S') over actions and next states, [n].
        here: mean of R(s, A, S') over the same, [n].
        gamma: discount.
    """
    return rewards + gamma * after - here


class StepDistances(Stored):
    """How far the rewards of a reward model are from the true ones, step by step; 0 to 1 each."""

    steps: int
    """Steps of proposals that were compared, each with its own episode's as one cluster."""
    gamma: float
    plain: Estimate
    """Pearson's distance of the rewards as they are: shaping counts."""
    epic: Estimate | None
    """After taking off what shaping could be, next states drawn from all (Gleave et al. 2021). None where
    truth is known of steps really taken alone."""
    dard: Estimate | None
    """The same with next states that can follow (Wulfe et al. 2022). None also where the task does not
    know what other actions lead to."""


class NodeSteps(Stored):
    """What was found at one node."""

    node: str
    distances: StepDistances | None
    """None where it is not scored step by step, or one of the two rewards is the same everywhere."""


def measure_distance(first: Floats, second: Floats, episodes: Ints) -> Estimate | None:
    """Pearson's distance with an interval from resampling episodes; None where one of them is constant.

    Args:
        first: rewards of steps, [n].
        second: of the same steps, [n].
        episodes: which episode each step is of, [n].
    """
    if len(first) < 3 or first.std() < TINY or second.std() < TINY:
        return None
    names, place = np.unique(episodes, return_inverse=True)
    moments = np.stack([np.ones_like(first), first, second, first**2, second**2, first * second], axis=1)
    sums = np.stack([np.bincount(place, one, len(names)) for one in moments.T], axis=1)
    value = pearson_distance(first, second)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=RESAMPLES) @ sums
    n, x, y, xx, yy, xy = drawn.T
    spread = np.sqrt(np.maximum((xx - x**2 / n) * (yy - y**2 / n), TINY**2))
    far = np.sqrt(np.clip(1 - (xy - x * y / n) / spread, 0.0, 2.0) / 2)
    low, high = np.quantile(far, [0.025, 0.975])
    return Estimate(value=value, low=min(float(low), value), high=max(float(high), value), count=len(first))


def canonicalise_dard(rewards: Floats, after: Floats, here: Floats, follows: Floats, gamma: float) -> Floats:
    """Rewards from which any potential shaping has been taken, by next states that can follow.

    Wulfe et al., "Dynamics-aware comparison of learned reward functions" (2022), definition 4.1.

    Args:
        rewards: R(s, a, s'), [n].
        after: mean of R(s', A, S'') over actions and the states that follow s', [n].
        here: mean of R(s, A, S') over actions and the states that follow s, [n].
        follows: mean of R(S', A, S'') over states S' that follow s and S'' that follow s', [n]: what a
            potential has added to the other two means, it takes off again.
        gamma: discount.
    """
    return rewards + gamma * after - here - gamma * follows
