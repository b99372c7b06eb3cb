"""Observations and actions as flat numbers, and back: what a model of a world is fitted to.

In: gymnasium spaces and values. Out: float32 arrays [..., features].
Touches nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from gymnasium import Space, spaces

from rrm_tree.learning.crossentropy import Choices, Gaussians, Guess
from rrm_tree.outcomes import Array, Arrays


@dataclass(frozen=True)
class FlatStates:
    """Observations of boxes of real numbers, one or several by name, side by side."""

    boxes: Mapping[str, spaces.Box]

    @classmethod
    def of(cls, space: Space[Any]) -> FlatStates | None:
        """None for a space that has other than real numbers in it."""
        boxes = space.spaces if isinstance(space, spaces.Dict) else {"observation": space}
        real = {
            name: box
            for name, box in boxes.items()
            if isinstance(box, spaces.Box) and np.issubdtype(box.dtype, np.floating)
        }
        return cls(real) if len(real) == len(boxes) else None

    @property
    def features(self) -> int:
        """How many numbers there are."""
        return sum(math.prod(box.shape) for box in self.boxes.values())

    def flatten(self, observations: Arrays) -> Array:
        """The numbers side by side, [..., features]."""
        parts = [
            _flat(observations[name], box).astype(np.float32, copy=False) for name, box in self.boxes.items()
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)

    def unflatten(self, states: Array) -> dict[str, Array]:
        """The observations, by name."""
        observations, start = {}, 0
        for name, box in self.boxes.items():
            size = math.prod(box.shape)
            part = states[..., start : start + size].reshape(*states.shape[:-1], *box.shape)
            observations[name] = part.astype(box.dtype, copy=False)
            start += size
        return observations

    def bounds(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The lowest and the highest value of each number, infinite where there are none."""
        low, high = ([getattr(box, end).ravel() for box in self.boxes.values()] for end in ("low", "high"))
        return _tensor(np.concatenate(low)), _tensor(np.concatenate(high))


@dataclass(frozen=True)
class FlatActions:
    """Actions in a box of real numbers, or one of several choices as one-hot."""

    space: spaces.Box | spaces.Discrete

    @classmethod
    def of(cls, space: Space[Any]) -> FlatActions | None:
        """None for any other space."""
        real = isinstance(space, spaces.Box) and np.issubdtype(space.dtype, np.floating)
        return cls(space) if real or isinstance(space, spaces.Discrete) else None  # type: ignore[arg-type]

    @property
    def features(self) -> int:
        """How many numbers there are."""
        return int(self.space.n) if isinstance(self.space, spaces.Discrete) else math.prod(self.space.shape)

    def flatten(self, actions: Array) -> Array:
        """The numbers of each action, [..., features]."""
        if isinstance(self.space, spaces.Discrete):
            # Padding is 0, which need not be one of the choices.
            chosen = np.clip(actions.astype(np.int64) - self.space.start, 0, self.space.n - 1)
            return np.asarray(np.eye(int(self.space.n), dtype=np.float32)[chosen])
        return _flat(actions, self.space).astype(np.float32, copy=False)

    def unflatten(self, values: Array) -> Array:
        """Actions as the space has them."""
        if isinstance(self.space, spaces.Discrete):
            return np.asarray(values.argmax(axis=-1) + self.space.start)
        shaped = values.reshape(*values.shape[:-1], *self.space.shape)
        return np.clip(shaped, self.space.low, self.space.high).astype(self.space.dtype, copy=False)

    def guess(self, rows: int, steps: int, smoothness: float) -> Guess:
        """Where good sequences lie before anything is known."""
        if isinstance(self.space, spaces.Discrete):
            return Choices.even(rows, steps, self.features)
        low, high = _tensor(self.space.low.ravel()), _tensor(self.space.high.ravel())
        return Gaussians.middle(rows, steps, low, high, smoothness)


def _flat(values: Array, box: spaces.Box) -> Array:
    return values.reshape(*values.shape[: values.ndim - len(box.shape)], -1)


def _tensor(values: Array) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32))
