"""A gymnasium environment of one's own, with Dict observations: keep a room at 20 degrees."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Room(gymnasium.Env[dict[str, Any], int]):
    """Heat or wait, once an hour; it is colder outside at night."""

    def __init__(self, hours: int = 24) -> None:
        self.hours = hours
        self.observation_space = spaces.Dict(
            {"celsius": spaces.Box(-50, 80, (1,), np.float32), "hour": spaces.Discrete(24)}
        )
        self.action_space = spaces.Discrete(2)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        super().reset(seed=seed)
        self.step_count, self.celsius = 0, float(self.np_random.uniform(10, 30))
        return self._see(), {}

    def step(self, action: int) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        outside = 5 if 6 <= self.step_count % 24 < 20 else -5
        self.celsius += 0.1 * (outside - self.celsius) + 3.0 * action
        self.step_count += 1
        return self._see(), -abs(self.celsius - 20), self.step_count >= self.hours, False, {}

    def _see(self) -> dict[str, Any]:
        return {"celsius": np.array([self.celsius], np.float32), "hour": self.step_count % 24}
