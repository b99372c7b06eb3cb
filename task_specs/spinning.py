"""What `pendulum_spin.yaml` judges and measures by: how far a pendulum turns; no environment knows it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.floating]

STEP_SECONDS = 0.05
"""Pendulum-v1 moves by this much a step."""


def turns(observations: Mapping[str, Numbers] | Numbers, actions: Numbers) -> NDArray[np.float64]:
    """Turns counted against the clock's hand, each step's share of one, [n, T].

    Args:
        observations: cos, sin and angular velocity in rad/s, [n, T + 1, 3].
        actions: not looked at.
    """
    seen = observations["observation"] if isinstance(observations, Mapping) else observations
    return np.asarray(seen[:, 1:, 2] * STEP_SECONDS / (2 * np.pi), np.float64)
