"""Rewards and judges that a user writes as functions."""

import itertools

import numpy as np

from rrm_tree.contracts import declare
from rrm_tree.outcomes import Answers


def highest(observations, actions):
    """Likes what was seen to be high at a step's end."""
    return observations[:, 1:]


def too_short(observations, actions):
    return np.zeros(len(actions))


def breaks(observations, actions):
    raise KeyError("pitch")


def never_finite(observations, actions):
    return np.full(actions.shape[:2], np.nan)


def prefers_short(request, *, sure: float = 1.0):
    """Prefers the outcome with fewer steps."""
    lengths, items = request.outcomes.lengths, request.items
    return np.where(lengths[items.first] < lengths[items.second], sure, 1 - sure)


@declare(version="4", kinds=("label",), direct=True, tasks=("CartPole-v1",))
def declares(request):
    count = len(request.items)
    return Answers(np.ones(count), np.full(count, 7))


def talks(request):
    return "the first"


def stumbles(request):
    raise ValueError("no idea")


CHANCES = itertools.cycle([0.0, 1.0])
"""Who asks twice hears two things, for certain: real chance may fall the same way."""


def answers_by_chance(request):
    return np.full(len(request.items), next(CHANCES))
