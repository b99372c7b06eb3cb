"""Tunnels side by side as one vector environment: all rows in arrays, none stepped by itself.

In: seeds as subjects, then actions. Out: what the agents see; a kill is the reward.
Touches nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from rrm_tree.domains.spider.world import Scene, Tunnel, choose
from rrm_tree.outcomes import Array, Floats

AHEAD, BEHIND, PLACE, FACING, SHOT = range(5)
"""Columns of an observation: cells to a spider that is seen (0: none), where the agent is, whether it
faces higher cells, whether a shot is in the air."""


class Tunnels(VectorEnv[Array, Array, Array]):
    """Episodes of so many steps; rows that are over stand still until they are reset."""

    metadata = {"autoreset_mode": AutoresetMode.DISABLED}  # noqa: RUF012 - gymnasium's own declaration

    def __init__(self, num_envs: int, tunnel: Tunnel, steps: int, sees_behind: bool) -> None:
        self.num_envs = num_envs
        self.tunnel, self.steps, self.sees_behind = tunnel, steps, sees_behind
        width = tunnel.width
        self.single_observation_space = spaces.MultiDiscrete([width, width, width, 2, 2])
        self.single_action_space = spaces.Discrete(3)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._now: Scene | None = None

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Array, dict[str, Any]]:
        """Start from the subject's seeds; with a `reset_mask` in the options, in the masked rows alone."""
        super().reset(seed=seed if isinstance(seed, int) else None)
        options = options or {}
        subject = options.get("subject") or {"seed": self.np_random.integers(2**31, size=self.num_envs)}
        fresh = self.tunnel.start(np.asarray(subject["seed"], np.int64))
        mask = options.get("reset_mask")
        self._now = fresh if self._now is None or mask is None else choose(mask, fresh, self._now)
        return self._see(self._now), {}

    def step(self, actions: Array) -> tuple[Array, Floats, Array, Array, dict[str, Any]]:
        """One step of every episode that is not over.

        Raises:
            ResetNeeded: there was no reset.
        """
        if self._now is None:
            raise ResetNeeded("call reset before step")
        live = self._now.step < self.steps
        acted, killed = self.tunnel.act(self._now, np.asarray(actions))
        self._now = acted if live.all() else choose(live, acted, self._now)
        over = self._now.step >= self.steps
        return self._see(self._now), (killed & live).astype(np.float64), np.zeros_like(over), over, {}

    def _see(self, scene: Scene) -> Array:
        distance = scene.distance
        behind = np.maximum(-distance, 0) if self.sees_behind else np.zeros_like(distance)
        columns = (np.maximum(distance, 0), behind, scene.at, scene.facing > 0, scene.flying)
        return np.stack(columns, axis=1).astype(np.int64)
