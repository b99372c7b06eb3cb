"""Episodes of one step, many side by side: the agent sees what the episode is about, and acts.

In: subjects, then an action each. Out: what is seen before and after.
Touches nothing; rewards are 0, for they are the reward model's to give.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from gymnasium import Space, spaces
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.random import Generator

from rrm_tree.errors import PluginError
from rrm_tree.outcomes import Array, Arrays, Floats, count_rows, take_rows


class OneStep(VectorEnv[dict[str, Array], Array, Array]):
    """A vector environment whose observation is the subject and whose episodes end at once."""

    metadata = {"autoreset_mode": AutoresetMode.DISABLED}  # noqa: RUF012 - gymnasium's own declaration

    def __init__(
        self,
        num_envs: int,
        seen: spaces.Dict,
        acts: Space[Any],
        leave: Callable[[Arrays, Array], Arrays] | None = None,
        draw: Callable[[int, Generator], Arrays] | None = None,
    ) -> None:
        """Make the environments.

        Args:
            num_envs: episodes side by side.
            seen: what one episode shows; its names are those of the subject's arrays.
            acts: one episode's action.
            leave: what observations and actions leave behind; by default the observations.
            draw: subjects for episodes that are given none; without it a subject must be given.
        """
        self.num_envs = num_envs
        self.single_observation_space, self.single_action_space = seen, acts
        self.observation_space = self._many = cast(spaces.Dict, batch_space(seen, num_envs))
        self.action_space = batch_space(acts, num_envs)
        self._leave, self._draw = leave, draw
        self._now: dict[str, Array] = {}

    def reset(
        self, *, seed: int | list[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Array], dict[str, Any]]:
        """Show `options["subject"]`; with a `reset_mask` in the options, in the masked rows alone.

        Raises:
            PluginError: there is no subject, or its arrays do not fit the observation space.
        """
        super().reset(seed=seed if isinstance(seed, int) else None)
        options = options or {}
        mask = options.get("reset_mask", np.ones(self.num_envs, bool))
        subject = options.get("subject", {})
        if not subject and self._draw is not None:
            drawn = self._draw(self.num_envs, self.np_random)
            subject = take_rows(drawn, np.arange(self.num_envs) % count_rows(drawn))
        shown = {name: self._fitting(name, subject) for name in self._many}
        for name, values in shown.items():
            rows = mask.reshape(-1, *[1] * (values.ndim - 1))
            self._now[name] = np.where(rows, values, self._now.get(name, values))
        return self._copy(), {}

    def step(self, actions: Array) -> tuple[dict[str, Array], Floats, Array, Array, dict[str, Any]]:
        """Every episode ends.

        Raises:
            ResetNeeded: there was no reset.
        """
        if not self._now:
            raise ResetNeeded("call reset before step")
        if self._leave:
            self._now = dict(self._leave(self._now, np.asarray(actions)))
        ended = np.ones(self.num_envs, bool)
        return self._copy(), np.zeros(self.num_envs), ended, ~ended, {}

    def _fitting(self, name: str, subject: Arrays) -> Array:
        space = self._many[name]
        if name not in subject:
            raise PluginError(
                f"an episode must be about something: reset needs '{name}' in options['subject'], "
                f"got {sorted(subject) or 'nothing'}"
            )
        if np.shape(subject[name]) != space.shape:
            raise PluginError(
                f"subject '{name}' has shape {np.shape(subject[name])}, expected {space.shape}; "
                "parents and helpers must agree on sizes"
            )
        return np.asarray(subject[name], space.dtype)

    def _copy(self) -> dict[str, Array]:
        return {name: values.copy() for name, values in self._now.items()}
