"""What `hopper_backflip.yaml` judges and measures by, and its hopper, whose pitch has no winding number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import TransformObservation
from numpy.typing import NDArray

Numbers = NDArray[np.floating]

PITCH = 1
"""Where Hopper-v5 observes the angle of its torso, which counts on with every turn."""


def make(**options: Any) -> gymnasium.Env[Numbers, Numbers]:
    """Hopper-v5 that sees the cosine and the sine of its pitch in its place, so that every turn looks alike.

    Args:
        options: of Hopper-v5.
    """
    env = gymnasium.make("Hopper-v5", **options)
    width = env.observation_space.shape[0] + 1 if env.observation_space.shape else 1
    space = spaces.Box(-np.inf, np.inf, (width,), np.float64)
    return TransformObservation(env, see_pitch, space)


def see_pitch(seen: Numbers) -> Numbers:
    """Height, cosine and sine of the pitch, then all else as it was, [numbers + 1]."""
    pitch = seen[PITCH]
    return np.concatenate([seen[:PITCH], [np.cos(pitch), np.sin(pitch)], seen[PITCH + 1 :]])


def backward_turns(observations: Mapping[str, Numbers] | Numbers, actions: Numbers) -> NDArray[np.float64]:
    """Turns of the torso backwards, each step's share of one, [n, T].

    Args:
        observations: those of `make`, [n, T + 1, numbers].
        actions: not looked at.
    """
    seen = observations["observation"] if isinstance(observations, Mapping) else observations
    pitch = np.arctan2(seen[..., PITCH + 1], seen[..., PITCH])
    # Half a turn within a step (8 ms) is out of reach: the shorter way round is the one it took.
    forward = np.remainder(np.diff(pitch, axis=1) + np.pi, 2 * np.pi) - np.pi
    return np.asarray(-forward / (2 * np.pi), np.float64)
