"""Spaces of gymnasium as arrays: random actions and flat features, whole batches at once.

In: a space and values [..., *shape]. Out: arrays.
Touches nothing but the generators that it is given.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import Space, spaces
from numpy.random import Generator

from rrm_tree.outcomes import Array


def random_actions(space: Space[Any], count: int, rng: Generator) -> Array:
    """Actions drawn evenly, shape [count, *shape]; unbounded numbers are drawn as gymnasium does."""
    if isinstance(space, spaces.Discrete):
        return rng.integers(space.start, space.start + space.n, size=count)
    if isinstance(space, spaces.MultiDiscrete):
        return rng.integers(space.start, space.start + space.nvec, size=(count, *space.shape))
    if isinstance(space, spaces.MultiBinary):
        return rng.integers(0, 2, size=(count, *space.shape), dtype=np.int8)
    if not isinstance(space, spaces.Box):
        raise TypeError(f"no random actions for {space}")
    shape = (count, *space.shape)
    below, above = space.bounded_below, space.bounded_above
    low, high = np.where(below, space.low, 0.0), np.where(above, space.high, 0.0)
    if np.issubdtype(space.dtype, np.integer):
        return rng.integers(space.low, space.high, size=shape, dtype=space.dtype, endpoint=True)
    even = low + (high - low) * rng.random(shape)
    onwards = rng.exponential(size=shape)
    drawn = np.select(
        [below & above, below, above], [even, low + onwards, high - onwards], rng.normal(size=shape)
    )
    return drawn.astype(space.dtype)


def features(space: Space[Any], values: Array) -> Array:
    """Values [..., *shape] as float32 [..., features]: one-hot where they count, bytes over 255."""
    lead = values.shape[: values.ndim - len(space.shape or ())]
    if isinstance(space, spaces.Discrete):
        return _one_hot(int(space.n), values - space.start)
    flat = values.reshape(*lead, -1)
    if isinstance(space, spaces.MultiDiscrete):
        sizes, starts = space.nvec.ravel(), space.start.ravel()
        columns = [
            _one_hot(int(size), flat[..., place] - start)
            for place, (size, start) in enumerate(zip(sizes, starts, strict=True))
        ]
        return np.concatenate(columns, axis=-1)
    scale = 255.0 if flat.dtype == np.uint8 and isinstance(space, spaces.Box) else 1.0
    return np.asarray(flat / scale, np.float32)


def _one_hot(size: int, values: Array) -> Array:
    # Padding is 0, which need not be a value of the space.
    return np.eye(size, dtype=np.float32)[np.clip(values.astype(np.int64), 0, size - 1)]


def observation_features(space: Space[Any], observations: dict[str, Array]) -> Array:
    """All that is observed, side by side: [..., features]."""
    if isinstance(space, spaces.Dict):
        return np.concatenate(
            [features(part, observations[name]) for name, part in space.spaces.items()], axis=-1
        )
    return features(space, observations["observation"])
