"""How far apart two rewards are, step by step, shaping left aside.

In: rewards of the same transitions. Out: a distance.
Touches nothing. Needs NumPy, as `propagation.pairs` does.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from rrm_tree.outcomes import Floats


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
