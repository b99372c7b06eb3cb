"""Small problems to learn from."""

from __future__ import annotations

import numpy as np

from rrm_tree.contracts import Shapes
from rrm_tree.outcomes import Advice, Answers, Items, Judged, Outcomes

WEIGHTS = np.array([1.0, -2.0, 0.0, 0.5])
VECTOR = Shapes({"x": (4,)}, parts=1, values=1, criteria=1)


def judged(
    kind, values, first, second=None, part=None, *, actions=None, steps=1, lengths=None, subjects=None
):
    """Judgments about outcomes of which nothing but the actions matters."""
    first = np.asarray(first)
    count = int(max(first.max(), -1 if second is None else np.max(second))) + 1
    actions = np.zeros((count, steps)) if actions is None else actions
    count, steps = actions.shape[:2]
    outcomes = Outcomes(
        {"observation": np.zeros((count, steps + 1, 1))},
        actions,
        np.full(count, steps) if lengths is None else lengths,
        {} if subjects is None else subjects,
    )
    part = np.zeros(len(first), np.int64) if part is None else part
    items = Items(first, second, part, np.zeros(len(first), np.int64))
    answers = Answers(np.asarray(values, np.float64), np.ones(len(first), np.int64))
    return Judged(outcomes, Advice(), kind, items, answers)


def preferences(count, rng, noise=0.0):
    """Preferences by a linear score between fresh outcomes: judgments, inputs [n, 1, 4], scores [n]."""
    inputs = rng.normal(size=(2 * count, 1, 4))
    scores = inputs[:, 0] @ WEIGHTS
    first, second = np.arange(count), np.arange(count, 2 * count)
    prefers = (scores[first] > scores[second]) ^ (rng.random(count) < noise)
    return judged("preference", prefers, first, second), {"x": inputs}, scores
